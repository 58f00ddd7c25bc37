/* Nodes as Lua userdata: classes, canonical objects, columns and tables. */
#include <string.h>

#include "binding/bind.h"
#include "binding/node_conv.h"
#include "binding/pending.h"
#include "binding/value_conv.h"
#include "schema/table.h"

const char alch_node_tag = 0;
static const char classes_key = 0;      /* registry: kind -> metatable; behind them those of notes (binding/l_pending.c) */
static const char objects_key = 0;      /* registry: node address -> canonical object, weak */

#define GENERIC "lualchemy.node"

void alch_push_classes(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key);
}

static alch_node_ref *push_empty(lua_State *L, int user_values)
{
    alch_node_ref *r = lua_newuserdatauv(L, sizeof *r, user_values);

    r->tag = &alch_node_tag;
    r->node = NULL;
    return r;
}

alch_node_ref *alch_push_node_of(lua_State *L, int classes, int kind)
{
    alch_node_ref *r = push_empty(L, kind == ALCH_NODE_COLUMN || kind == ALCH_NODE_CUSTOM ? 1 : 0);

    lua_rawgeti(L, classes, kind);
    lua_setmetatable(L, -2);
    return r;
}

alch_node_ref *alch_push_node_slot(lua_State *L, int kind)
{
    alch_node_ref *r;

    alch_push_classes(L);
    r = alch_push_node_of(L, lua_gettop(L), kind);
    lua_replace(L, -2);
    return r;
}

/* Pushes the options of a statement if it has some. A column's user value is another thing: the object of the schema. */
static int has_options(lua_State *L, int idx, int kind)
{
    if (kind == ALCH_NODE_COLUMN || kind == ALCH_NODE_CUSTOM)
        return 0;
    if (lua_getiuservalue(L, idx, 1) == LUA_TTABLE)
        return 1;
    lua_pop(L, 1);
    return 0;
}

void alch_push_class(lua_State *L, int idx)
{
    (void)lua_getmetatable(L, idx);
    if (lua_rawlen(L, idx) != sizeof(alch_node_ref)) {
        lua_getfield(L, -1, "__class");
        lua_replace(L, -2);
    }
}

alch_node_ref *alch_push_node_like(lua_State *L, int idx)
{
    int options = has_options(L, idx, alch_check_node(L, idx)->kind);
    alch_node_ref *r = push_empty(L, options);

    alch_push_class(L, idx);
    lua_setmetatable(L, -2);
    if (options) {
        lua_insert(L, -2);
        lua_setiuservalue(L, -2, 1);
    }
    return r;
}

/* core.execution_options(statement) -> its options or nil
** core.execution_options(statement, options) -> a copy of the statement with these options */
static int l_execution_options(lua_State *L)
{
    const alch_node *n;
    alch_node_ref *r;
    alch_node *copy;
    alch_err err;

    if (lua_isnoneornil(L, 2) && alch_is_noted_statement(L, 1)) {
        alch_push_noted_options(L, 1);
        return 1;
    }
    n = alch_check_node(L, 1);
    if (lua_isnoneornil(L, 2))
        return has_options(L, 1, n->kind);
    luaL_checktype(L, 2, LUA_TTABLE);
    if (n->kind == ALCH_NODE_COLUMN || n->kind == ALCH_NODE_CUSTOM)
        return alch_raisef(L, ALCH_ERR_INVALID, "%s takes no execution options", alch_describe(L, 1));
    r = push_empty(L, 1);
    alch_push_class(L, 1);
    lua_setmetatable(L, -2);
    if (alch_node_copy(n, &copy, &err) != ALCH_OK)
        return alch_raise(L, &err);
    r->node = copy;
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

/* Pushes the canonical object of a node, or nothing. */
static int push_object(lua_State *L, const alch_node *n)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &objects_key);
    if (lua_rawgetp(L, -1, n) == LUA_TNIL) {
        lua_pop(L, 2);
        return 0;
    }
    lua_replace(L, -2);
    return 1;
}

/* Makes the value at 'idx' the object by which the node is found. */
static void set_object(lua_State *L, const alch_node *n, int idx)
{
    idx = lua_absindex(L, idx);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &objects_key);
    lua_pushvalue(L, idx);
    lua_rawsetp(L, -2, n);
    lua_pop(L, 1);
}

static int is_canonical(const alch_node *n)
{
    return n->kind == ALCH_NODE_COLUMN || n->kind == ALCH_NODE_TABLE;
}

/* Are the expressions in the construct those of the list at the top? Adapting replaces them in the node. */
static int has_clauses(lua_State *L, const alch_list *l)
{
    uint32_t i;
    int same = 1;

    for (i = 0; i < l->count && same; i++) {
        const alch_node_ref *r;

        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        r = alch_test_node_ref(L, -1);
        same = r != NULL && r->node == l->items[i];
        lua_pop(L, 1);
    }
    return same;
}

/* Puts a copy of the fields at the top in their place, with other expressions in 'clauses'. */
static void replace_clauses(lua_State *L, const alch_list *l)
{
    uint32_t i;

    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, -3); ) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    lua_createtable(L, (int)l->count, 0);
    for (i = 0; i < l->count; i++) {
        alch_push_node(L, l->items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "clauses");
    lua_replace(L, -2);
}

/* Pushes what the construct keeps, out of the host's {class, fields} at the top. */
static void push_fields(lua_State *L, const alch_list *clauses)
{
    int same = 1;

    lua_rawgeti(L, -1, 2);
    if (clauses == NULL)
        return;
    if (lua_getfield(L, -1, "clauses") == LUA_TTABLE)
        same = has_clauses(L, clauses);
    lua_pop(L, 1);
    if (!same)
        replace_clauses(L, clauses);
}

/* A construct of the user's class: its class and its fields, which the host keeps as {class, fields}. */
static void push_custom(lua_State *L, const alch_node *n)
{
    alch_node_ref *ref;

    luaL_checkstack(L, 12, "custom construct");
    alch_host_ref_push(L, ((const alch_custom *)n)->host);
    push_fields(L, ((const alch_custom *)n)->clauses);
    ref = alch_push_node_slot(L, ALCH_NODE_CUSTOM);
    ref->node = alch_node_keep(n);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    lua_rawgeti(L, -2, 1);
    lua_setmetatable(L, -2);
    lua_remove(L, -2);
}

void alch_push_node(lua_State *L, const alch_node *n)
{
    alch_node_ref *r;

    if (n->kind == ALCH_NODE_CUSTOM) {
        push_custom(L, n);
        return;
    }
    n = alch_plain_column(n);
    if (is_canonical(n) && push_object(L, n))
        return;
    r = alch_push_node_slot(L, n->kind);
    r->node = alch_node_keep(n);
    if (is_canonical(n))
        set_object(L, n, -1);
}

/* A plain table stands for a node through its field _node, another object
** through its method __clause_element__. */
static int replace_by_node(lua_State *L, int idx)
{
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 4, "expression");
    if (lua_type(L, idx) == LUA_TTABLE) {
        lua_pushliteral(L, "_node");
        if (lua_rawget(L, idx) == LUA_TUSERDATA) {
            lua_replace(L, idx);
            return 1;
        }
        lua_pop(L, 1);
    }
    if (luaL_getmetafield(L, idx, "__clause_element__") == LUA_TNIL)
        return 0;
    lua_pushvalue(L, idx);
    lua_call(L, 1, 1);
    lua_replace(L, idx);
    return 1;
}

const alch_node *alch_to_node(lua_State *L, int idx)
{
    int turns;

    for (turns = 0; turns < 3; turns++) {
        const alch_node_ref *r = alch_test_node_ref(L, idx);

        if (r != NULL)
            return r->node;
        if (lua_type(L, idx) != LUA_TTABLE && lua_type(L, idx) != LUA_TUSERDATA)
            return NULL;
        if (!replace_by_node(L, idx))
            return NULL;
    }
    return NULL;
}

const char *alch_describe(lua_State *L, int idx)
{
    static const char *const fixed[] = { "nothing", "nil", "a boolean" };
    int t = lua_type(L, idx);

    if (t <= LUA_TBOOLEAN)
        return fixed[t + 1];
    if (t == LUA_TNUMBER || t == LUA_TSTRING) {
        lua_pushvalue(L, idx);
        return lua_pushfstring(L, t == LUA_TNUMBER ? "the number %s" : "the string '%s'", lua_tostring(L, -1));
    }
    if (luaL_getmetafield(L, idx, "__name") == LUA_TSTRING)
        return lua_pushfstring(L, "a value of class %s", lua_tostring(L, -1));
    return lua_pushfstring(L, "a %s", lua_typename(L, t));
}

alch_node_ref *alch_check_node_ref(lua_State *L, int idx)
{
    alch_node_ref *r = alch_test_node_ref(L, idx);

    if (r != NULL && r->node != NULL)
        return r;
    (void)alch_to_node(L, idx);
    r = alch_test_node_ref(L, idx);
    if (r == NULL || r->node == NULL)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "SQL expression or table expected as argument %d, got %s%s", idx,
                    alch_describe(L, idx), lua_type(L, idx) == LUA_TSTRING ? ": SQL text must be declared, as sa.text('...')"
                    : idx == 1 ? " (a method is called with a colon, as in a:eq(b))" : "");
    return r;
}

const alch_node *alch_check_node(lua_State *L, int idx)
{
    return alch_check_node_ref(L, idx)->node;
}

const alch_node *alch_check_kind(lua_State *L, int idx, int kind)
{
    const alch_node *n = alch_plain_column(alch_check_node(L, idx));

    if (n->kind != kind)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s expected as argument %d, got %s", alch_node_class(kind), idx,
                    alch_describe(L, idx));
    return n;
}

static int l_gc(lua_State *L)
{
    alch_node_ref *r = lua_touserdata(L, 1);

    if (r != NULL && lua_rawlen(L, 1) == sizeof *r && r->tag == &alch_node_tag) {   /* a note owns nothing */
        const alch_node *n = r->node;

        r->node = NULL;
        alch_node_drop(n);
    }
    return 0;
}

int alch_kind_at(lua_State *L, int idx)
{
    const char *name = luaL_checkstring(L, idx);
    int kind;

    for (kind = 0; kind < ALCH_NODE_COUNT; kind++)
        if (strcmp(alch_node_class(kind), name) == 0)
            return kind;
    return alch_raisef(L, ALCH_ERR_ARGUMENT, "no kind of node is called '%s'", name);
}

const char *alch_check_text(lua_State *L, int idx)
{
    size_t len;
    const char *s = luaL_checklstring(L, idx, &len);

    if (strlen(s) != len)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "names and SQL text cannot contain a zero byte, as the one that begins with '%s' does", s);
    return s;
}

const char *alch_opt_text(lua_State *L, int idx, const char *otherwise)
{
    return lua_isnoneornil(L, idx) ? otherwise : alch_check_text(L, idx);
}

/* core.set_class(kind, metatable): what userdata of a kind of node get. */
static int l_set_class(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    int kind, found = 0;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_pushcfunction(L, l_gc);
    lua_setfield(L, 2, "__gc");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key);
    for (kind = 0; kind < ALCH_NODE_COUNT; kind++)
        if (strcmp(alch_node_class(kind), name) == 0) {
            lua_pushvalue(L, 2);
            lua_rawseti(L, -2, kind);
            lua_pushnil(L);
            lua_rawseti(L, -2, kind + ALCH_NODE_COUNT);
            found = 1;
        }
    if (!found)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "no kind of node is called '%s'", name);
    return 0;
}

/* core.set_object(node, object): 'object' is what the node's Lua object is from now on (held weakly). */
static int l_set_object(lua_State *L)
{
    const alch_node_ref *r = alch_test_node_ref(L, 1);

    luaL_argcheck(L, r != NULL && r->node != NULL, 1, "node expected");
    luaL_checkany(L, 2);
    set_object(L, r->node, 2);
    return 0;
}

/* core.retype(node, metatable): the userdata gets another class. */
static int l_retype(lua_State *L)
{
    (void)alch_check_node_ref(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_pushcfunction(L, l_gc);
    lua_setfield(L, 2, "__gc");
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

/* core.fields(node): the Lua fields of a column or a custom construct, made when first asked for. */
static int l_fields(lua_State *L)
{
    luaL_checkany(L, 1);
    (void)alch_check_node_ref(L, 1);
    if (lua_getiuservalue(L, 1, 1) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, 1);
    }
    return 1;
}

/* Pushes what the type of the expression at 1 has for the key at 2 in its
** comparator_factory (HSTORE's keys()), or nil. Types without an object of
** their own have none, so nothing is looked up for them. */
static void push_type_method(lua_State *L)
{
    const alch_node_ref *r = alch_test_node_ref(L, 1);
    const alch_type *t = r != NULL && r->node != NULL ? r->node->type : NULL;

    for (; t != NULL; t = t->kind == ALCH_TYPE_DECORATED ? t->item : NULL) {
        if (t->object == NULL)
            continue;
        alch_host_ref_push(L, t->object);
        if (lua_getfield(L, -1, "_operators") == LUA_TTABLE && lua_getfield(L, -1, lua_tostring(L, 2)) != LUA_TNIL)
            return;
    }
    lua_pushnil(L);
}

/* What an object of the user's own class keeps under the key at 2 wins over what the library knows by that name. */
static int push_own_field(lua_State *L)
{
    const alch_node_ref *r = alch_test_node_ref(L, 1);

    if (r == NULL || r->node == NULL || r->node->kind != ALCH_NODE_CUSTOM || lua_getiuservalue(L, 1, 1) != LUA_TTABLE)
        return 0;
    lua_pushvalue(L, 2);
    return lua_rawget(L, -2) != LUA_TNIL;
}

/*
** __index of a class: its methods (found in the class, then remembered in a
** flat table), its getters, the fields of the object, methods that its type
** brings along, nothing.
** Upvalues: the class, its getters by name, the methods found so far.
*/
static int l_index(lua_State *L)
{
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(3)) != LUA_TNIL)
            return 1;
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) {
            if (push_own_field(L))
                return 1;
            lua_settop(L, 4);
            lua_pushvalue(L, 1);
            lua_call(L, 1, 1);
            return 1;
        }
        if (lua_isuserdata(L, 1) && lua_getiuservalue(L, 1, 1) == LUA_TTABLE) {
            lua_pushvalue(L, 2);
            if (lua_rawget(L, -2) != LUA_TNIL)
                return 1;
        }
        lua_pushvalue(L, 2);
        if (lua_gettable(L, lua_upvalueindex(1)) == LUA_TFUNCTION) {
            lua_pushvalue(L, 2);
            lua_pushvalue(L, -2);
            lua_rawset(L, lua_upvalueindex(3));
        } else if (lua_isnil(L, -1))
            push_type_method(L);
        return 1;
    }
    lua_getfield(L, lua_upvalueindex(1), "__subscript");
    if (lua_isnil(L, -1))
        return 1;
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 1);
    return 1;
}

/* core.index(class, getters) */
static int l_make_index(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_pushliteral(L, "__gc");     /* every class of nodes lets go of them, also one that nobody registers */
    lua_pushcfunction(L, l_gc);
    lua_rawset(L, 1);
    lua_newtable(L);
    lua_pushcclosure(L, l_index, 3);
    return 1;
}

/* __newindex: fields of an object are the user's. */
static int l_newindex(lua_State *L)
{
    lua_settop(L, 3);
    lua_pushcfunction(L, l_fields);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    return 0;
}

/* core.metatable(x): nil becomes false, which is a key that no table of classes has. */
static int l_metatable(lua_State *L)
{
    if (!lua_getmetatable(L, 1))
        lua_pushboolean(L, 0);
    return 1;
}

/* core.same(a, b): two Lua objects of one node. */
static int l_same(lua_State *L)
{
    const alch_node *a = alch_to_node(L, 1), *b = alch_to_node(L, 2);

    lua_pushboolean(L, a != NULL && a == b);
    return 1;
}

/* core.kind(x): "column", "select" ..., or nil for what is no node. */
static int l_kind(lua_State *L)
{
    int noted = alch_noted_kind(L, 1);
    const alch_node *n = noted < 0 ? alch_to_node(L, 1) : NULL;

    if (noted >= 0)
        lua_pushstring(L, alch_node_class(noted));
    else if (n == NULL)
        lua_pushnil(L);
    else
        lua_pushstring(L, alch_node_class(n->kind));
    return 1;
}

/*
** {=== Columns and tables
*/

static const struct { const char *name; uint32_t flag; } column_flags[] = {
    { "primary_key", ALCH_COLUMN_PRIMARY_KEY }, { "nullable", ALCH_COLUMN_NULLABLE },
    { "server_default", ALCH_COLUMN_SERVER_DEFAULT }, { "server_onupdate", ALCH_COLUMN_SERVER_ONUPDATE },
    { "autoincrement", ALCH_COLUMN_AUTOINCREMENT }, { "is_literal", ALCH_COLUMN_LITERAL },
    { "identity", ALCH_COLUMN_IDENTITY }, { "computed", ALCH_COLUMN_COMPUTED },
    { "system", ALCH_COLUMN_SYSTEM }, { "schema_column", ALCH_COLUMN_SCHEMA },
    { "insert_sentinel", ALCH_COLUMN_SENTINEL }
};

/* Reads the flags of the options table at 'idx' over 'flags'; a boolean per flag. */
static uint32_t read_flags(lua_State *L, int idx, uint32_t flags)
{
    size_t i;

    if (!lua_istable(L, idx))
        return flags;
    for (i = 0; i < sizeof column_flags / sizeof *column_flags; i++) {
        if (lua_getfield(L, idx, column_flags[i].name) != LUA_TNIL)
            flags = lua_toboolean(L, -1) ? flags | column_flags[i].flag : flags & ~column_flags[i].flag;
        lua_pop(L, 1);
    }
    if (lua_getfield(L, idx, "quote") != LUA_TNIL) {
        flags &= ~(uint32_t)(ALCH_COLUMN_QUOTE | ALCH_COLUMN_NO_QUOTE);
        flags |= lua_toboolean(L, -1) ? ALCH_COLUMN_QUOTE : ALCH_COLUMN_NO_QUOTE;
    }
    lua_pop(L, 1);
    return flags;
}

/* core.column_new(name, type | nil, {key=, primary_key=, nullable=, quote=, ...}) */
static int l_column_new(lua_State *L)
{
    const char *name = alch_check_text(L, 1);
    const alch_type *type = lua_isnoneornil(L, 2) ? NULL : alch_check_type(L, 2, "a column");
    uint32_t flags;
    const char *key = NULL;
    alch_node_ref *slot;
    alch_column *c;
    alch_err err;

    lua_settop(L, 3);
    flags = read_flags(L, 3, 0);
    if (lua_istable(L, 3)) {
        lua_getfield(L, 3, "key");
        key = alch_opt_text(L, -1, NULL);      /* the options table holds it */
    }
    slot = alch_push_node_slot(L, ALCH_NODE_COLUMN);
    if (alch_column_new(name, key, type, flags, &c, &err) != ALCH_OK)
        return alch_raise(L, &err);
    slot->node = &c->head;
    set_object(L, slot->node, -1);
    return 1;
}

/* A column that is about to change. */
static alch_column *check_column(lua_State *L, int idx)
{
    alch_column *c = (alch_column *)(uintptr_t)alch_check_kind(L, idx, ALCH_NODE_COLUMN);

    alch_column_changes(c);
    return c;
}

/* core.column_set(column, {flags..., name=, key=, type=}): while its table is being configured. */
static int l_column_set(lua_State *L)
{
    alch_column *c = check_column(L, 1);
    alch_column *made;
    alch_err err;
    const char *name, *key;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    c->flags = read_flags(L, 2, c->flags);
    if (lua_getfield(L, 2, "type") != LUA_TNIL)
        alch_node_set_type(c, alch_check_type(L, 3, "a column"));
    lua_getfield(L, 2, "name");
    lua_getfield(L, 2, "key");
    name = alch_opt_text(L, 4, c->name);
    key = alch_opt_text(L, 5, name != c->name && c->key == c->name ? name : c->key);
    if (lua_isnil(L, 4) && lua_isnil(L, 5))
        return 0;
    if (alch_column_new(name, key, NULL, 0, &made, &err) != ALCH_OK)
        return alch_raise(L, &err);
    {   /* the strings change hands; 'made' takes the old ones with it */
        char *old_name = c->name, *old_key = c->key;

        c->name = made->name;
        c->key = made->key;
        made->name = old_name;
        made->key = old_key;
    }
    alch_node_drop(made);
    return 0;
}

/* core.column_default(column, "insert" | "update", node | nil): what on_insert or on_update is. */
static int l_column_default(lua_State *L)
{
    alch_column *c = check_column(L, 1);
    const char *when = luaL_checkstring(L, 2);
    const alch_node *n = lua_isnoneornil(L, 3) ? NULL : alch_check_node(L, 3);
    const alch_node **slot = strcmp(when, "update") == 0 ? &c->on_update : &c->on_insert;
    const alch_node *old = *slot;

    *slot = alch_node_keep(n);
    alch_node_drop(old);
    return 0;
}

/* core.column_reference(column, "schema.table", "column key", constraint number): a foreign key, for joins. */
static int l_column_reference(lua_State *L)
{
    alch_column *c = check_column(L, 1);
    alch_err err;

    if (alch_column_refer(c, alch_check_text(L, 2), alch_check_text(L, 3), (uint32_t)luaL_checkinteger(L, 4), &err)
        != ALCH_OK)
        return alch_raise(L, &err);
    return 0;
}

/* core.table_new(name, schema | nil, {column, ...} | nil, {quote=, quote_schema=, lightweight=} | nil) */
static int l_table_new(lua_State *L)
{
    const char *name = alch_check_text(L, 1);
    const char *schema = alch_opt_text(L, 2, NULL);
    alch_node_ref *slot;
    alch_table *t;
    alch_err err;
    lua_Integer i, n;

    lua_settop(L, 4);
    slot = alch_push_node_slot(L, ALCH_NODE_TABLE);
    if (alch_table_new(name, schema, &t, &err) != ALCH_OK)
        return alch_raise(L, &err);
    slot->node = &t->from.head;
    if (lua_istable(L, 4)) {
        if (lua_getfield(L, 4, "quote") != LUA_TNIL)
            t->quote |= lua_toboolean(L, -1) ? 1 : 2;
        if (lua_getfield(L, 4, "quote_schema") != LUA_TNIL)
            t->quote |= lua_toboolean(L, -1) ? 4 : 8;
        lua_getfield(L, 4, "lightweight");
        t->lightweight = (uint8_t)lua_toboolean(L, -1);
        lua_settop(L, 5);
    }
    n = lua_istable(L, 3) ? luaL_len(L, 3) : 0;
    for (i = 1; i <= n; i++) {
        lua_geti(L, 3, i);
        if (alch_from_append(&t->from, check_column(L, 6), &err) != ALCH_OK)
            return alch_raise(L, &err);
        lua_settop(L, 5);
    }
    set_object(L, slot->node, -1);
    return 1;
}

/* core.table_append(table, column) */
static int l_table_append(lua_State *L)
{
    alch_table *t = (alch_table *)(uintptr_t)alch_check_kind(L, 1, ALCH_NODE_TABLE);
    alch_err err;

    if (alch_from_append(&t->from, check_column(L, 2), &err) != ALCH_OK)
        return alch_raise(L, &err);
    return 0;
}

/* }=== */

static const luaL_Reg functions[] = {
    { "set_class", l_set_class },
    { "set_object", l_set_object },
    { "execution_options", l_execution_options },
    { "retype", l_retype },
    { "fields", l_fields },
    { "index", l_make_index },
    { "newindex", l_newindex },
    { "metatable", l_metatable },
    { "same", l_same },
    { "kind", l_kind },
    { "column_new", l_column_new },
    { "column_set", l_column_set },
    { "column_default", l_column_default },
    { "column_reference", l_column_reference },
    { "table_new", l_table_new },
    { "table_append", l_table_append },
    { NULL, NULL }
};

/* Every kind starts with a bare class; made once per state. */
static void open_registry(lua_State *L)
{
    int kind;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &classes_key) == LUA_TNIL) {
        lua_createtable(L, ALCH_NODE_COUNT, 1);
        (void)alch_new_metatable(L, GENERIC, l_gc);
        lua_newtable(L);        /* whoever looks for a field finds none */
        lua_setfield(L, -2, "__index");
        for (kind = 0; kind < ALCH_NODE_COUNT; kind++) {
            lua_pushvalue(L, -1);
            lua_rawseti(L, -3, kind);
        }
        lua_pop(L, 1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &classes_key);
        alch_push_weak_table(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &objects_key);
    }
    lua_pop(L, 1);
}

void alch_open_node(lua_State *L);

void alch_open_node(lua_State *L)
{
    open_registry(L);
    luaL_setfuncs(L, functions, 0);
}
