/* Trees walked and rebuilt for Lua: replacing parts, identities. */
#include "binding/bind.h"
#include "binding/node_conv.h"
#include "binding/value_conv.h"
#include "expr/build.h"
#include "expr/selectable.h"

/* One replacement: where the function is, and what was already rebuilt, so
** that a node met twice is rebuilt once. */
typedef struct rebuild {
    lua_State *L;
    int fn, done;
    int failed;             /* an error object is on the top */
    unsigned changes;       /* nodes met so far that others took the place of */
    int into_owners;        /* what a column is of is rebuilt too, where it is no table */
} rebuild;

static const alch_node *replace(const alch_node *n, void *payload, alch_err *err);

/* Protected: fn(node) */
static int call_fn(lua_State *L)
{
    const alch_node *n = lua_touserdata(L, 2);

    lua_settop(L, 1);
    alch_push_node(L, n);
    lua_call(L, 1, 1);
    (void)alch_to_node(L, -1);
    return 1;
}

/* What the function answers for the node, kept; NULL: nothing, or an error. */
static const alch_node *ask(rebuild *r, const alch_node *n)
{
    lua_State *L = r->L;
    const alch_node *answer = NULL;

    if (!lua_checkstack(L, 8))
        return NULL;
    lua_pushcfunction(L, call_fn);
    lua_pushvalue(L, r->fn);
    lua_pushlightuserdata(L, (void *)(uintptr_t)n);
    if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
        r->failed = 1;
        return NULL;
    }
    if (alch_test_node_ref(L, -1) != NULL)
        answer = alch_node_keep(alch_test_node_ref(L, -1)->node);
    lua_pop(L, 1);
    return answer;
}

/* A parameter keeps the column that lends it a name, whatever stands in the column's place elsewhere. */
static int is_leaf(const alch_node *n)
{
    return n->kind == ALCH_NODE_COLUMN || n->kind == ALCH_NODE_TABLE || n->kind == ALCH_NODE_BIND;
}

/* Protected: remembers the reference at 2 under the address at 3. */
static int remember(lua_State *L)
{
    alch_node_ref *slot = alch_push_node_slot(L, ALCH_NODE_LIST);

    slot->node = alch_node_keep(lua_touserdata(L, 2));
    lua_rawsetp(L, 1, lua_touserdata(L, 3));
    return 0;
}

/* A copy with its parts replaced; the node itself where none of them was, so
** that what is called after it is called the same. */
static const alch_node *rebuilt(rebuild *r, const alch_node *n, alch_err *err)
{
    unsigned before = r->changes;
    alch_node *copy;

    if (alch_node_copy(n, &copy, err) != ALCH_OK)
        return NULL;
    if (alch_node_replace(copy, replace, r, err) != ALCH_OK) {
        alch_node_drop(copy);
        return NULL;
    }
    if (r->changes == before) {
        alch_node_drop(copy);
        return alch_node_keep(n);
    }
    if (alch_from_copy_given(copy, n, err) != ALCH_OK) {
        alch_node_drop(copy);
        return NULL;
    }
    if (copy->kind == ALCH_NODE_ENTITY)     /* its columns come from elsewhere now */
        (void)alch_node_set(copy, &((alch_custom *)copy)->from, NULL, err);
    return copy;
}

/* The column in the place of this one whose subquery, CTE or the like was rebuilt; kept. */
static const alch_node *column_of_rebuilt(rebuild *r, const alch_column *column, alch_err *err)
{
    const alch_node *owner = column->owner != NULL ? &column->owner->head : NULL, *made;
    const alch_from *from;

    if (owner == NULL || owner->kind == ALCH_NODE_TABLE)
        return alch_node_keep(&column->head);
    made = replace(owner, r, err);
    if (made == NULL || alch_from_derive(made, err) != ALCH_OK) {
        alch_node_drop(made);
        return NULL;
    }
    from = (const alch_from *)made;
    if (made->kind == owner->kind && column->position < from->column_count)
        column = from->columns[column->position];
    (void)alch_node_keep(&column->head);
    alch_node_drop(made);
    return &column->head;
}

static const alch_node *replace(const alch_node *n, void *payload, alch_err *err)
{
    rebuild *r = payload;
    lua_State *L = r->L;
    const alch_node *made;
    const alch_node_ref *old;

    if (r->failed) {
        (void)alch_err_set(err, ALCH_ERR_CALLBACK, "a replacing function raised an error");
        return NULL;
    }
    lua_rawgetp(L, r->done, n);
    old = alch_test_node_ref(L, -1);
    made = old != NULL ? alch_node_keep(old->node) : NULL;
    lua_pop(L, 1);
    if (made != NULL) {
        r->changes += made != n;
        return made;
    }
    made = ask(r, n);
    if (made == NULL && r->failed) {
        (void)alch_err_set(err, ALCH_ERR_CALLBACK, "a replacing function raised an error");
        return NULL;
    }
    if (made == NULL && n->kind == ALCH_NODE_COLUMN && r->into_owners)
        made = column_of_rebuilt(r, (const alch_column *)n, err);
    else if (made == NULL)
        made = is_leaf(n) ? alch_node_keep(n) : rebuilt(r, n, err);
    if (made == NULL)
        return NULL;
    r->changes += made != n;
    lua_pushcfunction(L, remember);
    lua_pushvalue(L, r->done);
    lua_pushlightuserdata(L, (void *)(uintptr_t)made);
    lua_pushlightuserdata(L, (void *)(uintptr_t)n);
    if (lua_pcall(L, 3, 0, 0) != LUA_OK)
        lua_pop(L, 1);      /* it is only met again */
    return made;
}

/* core.replace(node, function, into_owners | nil): a copy in which each part the function answers for is its answer;
** 'into_owners': parts of what its columns are of, too. */
static int l_replace(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    rebuild r = { L, 2, 3, 0, 0, lua_toboolean(L, 3) };
    alch_node_ref *slot;
    const alch_node *made;
    alch_err err;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_newtable(L);
    slot = alch_push_node_slot(L, n->kind);
    made = replace(n, &r, &err);
    if (made == NULL)
        return r.failed ? lua_error(L) : alch_raise(L, &err);
    slot->node = made;
    if (made->kind == n->kind) {
        alch_push_class(L, 1);
        lua_setmetatable(L, 4);
    } else {
        lua_settop(L, 4);
        alch_push_node(L, made);
    }
    return 1;
}

/* core.id(node): what is equal for two Lua values of one node. */
static int l_id(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)alch_plain_column(alch_check_node(L, 1)));
    return 1;
}

/* core.bind_as(bind, type): the parameter with another type. */
static int l_bind_as(lua_State *L)
{
    const alch_node *b = alch_check_kind(L, 1, ALCH_NODE_BIND);
    const alch_type *t = alch_check_type(L, 2, NULL);
    alch_node_ref *slot;
    alch_bind *copy;
    alch_err err;

    slot = alch_push_node_slot(L, ALCH_NODE_BIND);
    if (alch_node_copy(b, &copy, &err) != ALCH_OK)
        return alch_raise(L, &err);
    slot->node = &copy->head;
    alch_node_set_type(copy, t);
    copy->flags = (uint16_t)(copy->flags | ALCH_BIND_TYPED);
    return 1;
}

static const luaL_Reg functions[] = {
    { "replace", l_replace },
    { "id", l_id },
    { "bind_as", l_bind_as },
    { NULL, NULL }
};

void alch_open_walk(lua_State *L);

void alch_open_walk(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
