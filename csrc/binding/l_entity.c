/* Looking into join conditions, columns under another class, mapped classes in
** a SELECT: what mappers need of expressions. */
#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/node_conv.h"
#include "binding/pending.h"
#include "binding/value_conv.h"
#include "expr/build.h"
#include "expr/entity.h"

/* What expressions over an attribute hold: its column, for the entity that its fields at 'idx' name, if that says
** anything about the statement's FROM or WHERE. Kept. */
static const alch_node *column_for(lua_State *L, const alch_node *n, int idx)
{
    const alch_node *made;
    const alch_custom *entity;
    alch_err err;

    n = alch_plain_column(n);
    entity = n->kind == ALCH_NODE_COLUMN ? alch_push_entity(L, idx) : NULL;
    if (entity == NULL || (entity->from == NULL && entity->criteria == NULL))
        return alch_node_keep(n);
    if (alch_entity_column_new(n, entity, &made, &err) != ALCH_OK)
        alch_raise(L, &err);
    return made;
}

/* core.view(column, class, fields): the same node as a value of another class
** with fields of its own. */
static int l_view(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    alch_node_ref *r;

    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    r = lua_newuserdatauv(L, sizeof *r, 1);
    r->tag = &alch_node_tag;
    r->node = NULL;
    lua_pushvalue(L, 2);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, -2, 1);
    r->node = column_for(L, n, 3);
    lua_settop(L, 4);
    return 1;
}

static const alch_node *ungrouped(const alch_node *n)
{
    while (n->kind == ALCH_NODE_GROUPING)
        n = ((const alch_wrap *)n)->element;
    return n;
}

/* Appends the parts of an AND, however nested, to the list on the top. */
static void push_conjuncts(lua_State *L, const alch_node *n)
{
    const alch_node *inner = ungrouped(n);

    luaL_checkstack(L, 2, "condition");
    if (inner->kind == ALCH_NODE_LIST && inner->op == ALCH_OP_AND) {
        const alch_list *l = (const alch_list *)inner;
        uint32_t i;

        for (i = 0; i < l->count; i++)
            push_conjuncts(L, l->items[i]);
        return;
    }
    alch_push_node(L, inner);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* core.conjuncts(condition) -> the list of what AND connects in it */
static int l_conjuncts(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);

    lua_newtable(L);
    push_conjuncts(L, n);
    return 1;
}

/* core.equated(condition) -> left, right of "column = column", or nothing */
static int l_equated(lua_State *L)
{
    const alch_node *n = ungrouped(alch_check_node(L, 1));
    const alch_binary *b = (const alch_binary *)n;

    if (n->kind != ALCH_NODE_BINARY || n->op != ALCH_OP_EQ || b->left->kind != ALCH_NODE_COLUMN
        || b->right->kind != ALCH_NODE_COLUMN)
        return 0;
    alch_push_node(L, b->left);
    alch_push_node(L, b->right);
    return 2;
}

/*
** Columns of a FROM belong to it and are not its parts; a parameter named for
** a column does not refer to it. So neither is looked into.
*/
static int is_closed(const alch_node *n)
{
    switch (n->kind) {
    case ALCH_NODE_BIND: case ALCH_NODE_TABLE: case ALCH_NODE_ALIAS: case ALCH_NODE_SUBQUERY: case ALCH_NODE_LATERAL:
    case ALCH_NODE_CTE: case ALCH_NODE_TABLESAMPLE: case ALCH_NODE_TABLE_ALIAS: case ALCH_NODE_VALUES:
        return 1;
    default:
        return 0;
    }
}

enum { EXPRESSION = 1, COLUMNS, SEEN };

/* Puts every column in the expression, once, into the list. */
static int collect_columns(const alch_node *n, void *payload)
{
    lua_State *L = payload;

    if (n->kind == ALCH_NODE_ENTITY)
        n = &((const alch_custom *)n)->clauses->head;
    if (n->kind != ALCH_NODE_COLUMN)
        return is_closed(n) ? 0 : alch_node_children(n, collect_columns, payload);
    n = alch_plain_column(n);
    luaL_checkstack(L, 2, "expression");
    if (lua_rawgetp(L, SEEN, n) == LUA_TNIL) {
        lua_pushboolean(L, 1);
        lua_rawsetp(L, SEEN, n);
        alch_push_node(L, n);
        lua_rawseti(L, COLUMNS, (lua_Integer)lua_rawlen(L, COLUMNS) + 1);
    }
    lua_pop(L, 1);
    return 0;
}

/* core.columns_in(expression) -> the columns it refers to, in the order in which they stand there */
static int l_columns_in(lua_State *L)
{
    const alch_node *n = alch_check_node(L, EXPRESSION);

    lua_settop(L, EXPRESSION);
    lua_newtable(L);
    lua_newtable(L);
    (void)collect_columns(n, L);
    lua_settop(L, COLUMNS);
    return 1;
}

/* Pushes a LIST of what 'push_item' makes of each item of the table at 'idx'. */
static alch_list *push_list(lua_State *L, int idx, void (*push_item)(lua_State *L, alch_list *l))
{
    lua_Integer i, n = luaL_len(L, idx);
    alch_node_ref *slot = alch_push_node_slot(L, ALCH_NODE_LIST);
    alch_err err;
    alch_list *list = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, (size_t)n, &err);

    if (list == NULL)
        alch_raise(L, &err);
    slot->node = &list->head;
    for (i = 1; i <= n; i++) {
        lua_geti(L, idx, i);
        push_item(L, list);
        lua_pop(L, 1);
    }
    return list;
}

static void push_column(lua_State *L, alch_list *l)
{
    alch_err err;

    if (alch_list_push(l, alch_node_keep(alch_check_node(L, -1)), &err) != ALCH_OK)
        alch_raise(L, &err);
}

static void push_key(lua_State *L, alch_list *l)
{
    const alch_node *name;
    alch_err err;

    if (alch_name_new(ALCH_NODE_LABEL_NAME, luaL_checkstring(L, -1), NULL, &name, &err) != ALCH_OK
        || alch_list_push(l, name, &err) != ALCH_OK)
        alch_raise(L, &err);
}

/* core.entity_new(object, {column, ...}, from, criteria, {key, ...}): what a SELECT lists for a
** mapped class: these columns, and the object that says whose they are. 'from' stands in FROM
** for their tables, 'criteria' in WHERE beside the user's, 'keys' are what a subquery's .c calls
** the columns; these three may be nil. */
static int l_entity_new(lua_State *L)
{
    alch_node_ref *slot;
    alch_list *list, *keys = NULL;
    alch_custom *entity;
    alch_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 5);
    list = push_list(L, 2, push_column);
    if (!lua_isnil(L, 5))
        keys = push_list(L, 5, push_key);
    slot = alch_push_node_slot(L, ALCH_NODE_ENTITY);
    entity = alch_node_new(ALCH_NODE_ENTITY, &err);
    if (entity == NULL)
        return alch_raise(L, &err);
    slot->node = &entity->head;
    if (list->count == 1)
        alch_node_set_type(entity, list->items[0]->type);
    entity->host = alch_host_ref_new(L, 1);
    if (entity->host == NULL)
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    if (alch_node_set(entity, &entity->clauses, alch_node_keep(list), &err) != ALCH_OK
        || alch_node_set(entity, &entity->keys, alch_node_keep(keys), &err) != ALCH_OK
        || alch_node_set(entity, &entity->from, lua_isnil(L, 3) ? NULL : alch_node_keep(alch_check_node(L, 3)), &err) != ALCH_OK
        || alch_node_set(entity, &entity->criteria, lua_isnil(L, 4) ? NULL : alch_node_keep(alch_check_node(L, 4)), &err) != ALCH_OK)
        return alch_raise(L, &err);
    return 1;
}

/* core.entity_object(x) -> the object of an entity, or nil */
static int l_entity_object(lua_State *L)
{
    const alch_node *n = alch_to_node(L, 1);

    if (n == NULL || n->kind != ALCH_NODE_ENTITY)
        return 0;
    alch_host_ref_push(L, ((const alch_custom *)n)->host);
    return 1;
}

/* Pushes what a statement of the kind has in its list of columns: a compound's are its members. */
static int push_parts(lua_State *L, int kind)
{
    const alch_list *parts;
    const alch_node *n;
    uint32_t i;

    if (alch_is_noted_statement(L, 1))
        return alch_push_noted_parts(L, 1, kind);
    n = alch_to_node(L, 1);
    if (n == NULL || n->kind != kind)
        return 0;
    parts = ((const alch_select *)n)->columns;
    lua_newtable(L);
    for (i = 0; i < alch_list_len(parts); i++) {
        alch_push_node(L, parts->items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* core.selected_parts(select) -> what it was told to select, one by one;
** nothing for other statements */
static int l_selected_parts(lua_State *L) { return push_parts(L, ALCH_NODE_SELECT); }

/* core.compound_members(union) -> its members; nothing for other statements */
static int l_compound_members(lua_State *L) { return push_parts(L, ALCH_NODE_COMPOUND); }

static void set_boolean(lua_State *L, const char *name, int yes)
{
    lua_pushboolean(L, yes);
    lua_setfield(L, -2, name);
}

/* core.select_shape(select) -> { limited =, offset =, distinct =, grouped =, style =, order_by = {...} }: what decides whether
** rows may be multiplied by joining to it */
static int l_select_shape(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    const alch_select *s = (const alch_select *)n;
    uint32_t i;

    if (n->kind != ALCH_NODE_SELECT)
        return 0;
    lua_newtable(L);
    set_boolean(L, "limited", s->limit != NULL || s->offset != NULL || s->fetch != NULL);
    if (s->offset != NULL) {
        alch_push_node(L, s->offset);
        lua_setfield(L, -2, "offset");
    }
    set_boolean(L, "distinct", (s->flags & ALCH_SELECT_DISTINCT) || s->distinct_on != NULL);
    set_boolean(L, "grouped", s->group_by != NULL);
    lua_pushinteger(L, s->label_style);
    lua_setfield(L, -2, "style");
    lua_newtable(L);
    for (i = 0; i < alch_list_len(s->order_by); i++) {
        alch_push_node(L, s->order_by->items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "order_by");
    return 1;
}

static const luaL_Reg functions[] = {
    { "select_shape", l_select_shape },
    { "entity_new", l_entity_new },
    { "entity_object", l_entity_object },
    { "selected_parts", l_selected_parts },
    { "compound_members", l_compound_members },
    { "view", l_view },
    { "conjuncts", l_conjuncts },
    { "equated", l_equated },
    { "columns_in", l_columns_in },
    { NULL, NULL }
};

void alch_open_entity(lua_State *L);

void alch_open_entity(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
