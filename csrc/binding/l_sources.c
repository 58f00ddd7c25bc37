/* What a SELECT takes its rows from, part by part, and a copy of it with other
** parts: for criteria that belong to a mapped class wherever it stands. */
#include "binding/bind.h"
#include "binding/node_conv.h"

static const alch_select *check_select(lua_State *L, int idx)
{
    const alch_node *n = alch_check_node(L, idx);

    if (n->kind != ALCH_NODE_SELECT)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "a SELECT is needed here");
    return (const alch_select *)n;
}

static void push_list(lua_State *L, const alch_list *l)
{
    uint32_t i;

    lua_newtable(L);
    for (i = 0; i < alch_list_len(l); i++) {
        alch_push_node(L, l->items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* core.select_sources(select) -> { froms = {...}, joins = {...} }: what select_from() and join() were given */
static int l_sources(lua_State *L)
{
    const alch_select *s = check_select(L, 1);

    lua_newtable(L);
    push_list(L, s->froms);
    lua_setfield(L, -2, "froms");
    push_list(L, s->joins);
    lua_setfield(L, -2, "joins");
    return 1;
}

/* core.join_parts(join) -> left or nil, right, on or nil, is it an outer join? */
static int l_join_parts(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    const alch_join *j = (const alch_join *)n;

    luaL_argcheck(L, n->kind == ALCH_NODE_JOIN, 1, "a join is needed here");
    if (j->left != NULL)
        alch_push_node(L, j->left);
    else
        lua_pushnil(L);
    alch_push_node(L, j->right);
    if (j->on != NULL)
        alch_push_node(L, j->on);
    else
        lua_pushnil(L);
    lua_pushboolean(L, (j->flags & (ALCH_JOIN_OUTER | ALCH_JOIN_FULL)) != 0);
    return 4;
}

static const alch_node *optional_node(lua_State *L, int idx)
{
    return lua_isnoneornil(L, idx) ? NULL : alch_check_node(L, idx);
}

/* core.join_with(join, left, right, on): a copy with these parts */
static int l_join_with(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1), *left = optional_node(L, 2), *right = alch_check_node(L, 3);
    const alch_node *on = optional_node(L, 4);
    alch_node_ref *slot;
    alch_join *copy;
    alch_err err;

    luaL_argcheck(L, n->kind == ALCH_NODE_JOIN, 1, "a join is needed here");
    slot = alch_push_node_slot(L, ALCH_NODE_JOIN);
    if (alch_node_copy(n, &copy, &err) != ALCH_OK)
        return alch_raise(L, &err);
    slot->node = &copy->head;
    if (alch_node_set(copy, &copy->left, alch_node_keep(left), &err) != ALCH_OK
        || alch_node_set(copy, &copy->right, alch_node_keep(right), &err) != ALCH_OK
        || alch_node_set(copy, &copy->on, alch_node_keep(on), &err) != ALCH_OK)
        return alch_raise(L, &err);
    return 1;
}

/* A list of the nodes of the Lua list at 'idx', owned by the value it leaves on the stack. */
static const alch_list *push_node_list(lua_State *L, int idx)
{
    lua_Integer i, n = luaL_len(L, idx);
    alch_node_ref *slot = alch_push_node_slot(L, ALCH_NODE_LIST);
    alch_list *list;
    alch_err err;

    list = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, (size_t)n, &err);
    if (list == NULL)
        alch_raise(L, &err);
    slot->node = &list->head;
    for (i = 1; i <= n; i++) {
        lua_geti(L, idx, i);
        if (alch_list_push(list, alch_node_keep(alch_check_node(L, -1)), &err) != ALCH_OK)
            alch_raise(L, &err);
        lua_pop(L, 1);
    }
    return list;
}

/* core.select_with_sources(select, froms, joins): a copy that takes its rows from these */
static int l_with_sources(lua_State *L)
{
    const alch_select *s = check_select(L, 1);
    alch_node_ref *slot;
    const alch_list *froms, *joins;
    alch_select *copy;
    alch_err err;

    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    froms = push_node_list(L, 2);
    joins = push_node_list(L, 3);
    slot = alch_push_node_like(L, 1);
    if (alch_node_copy(s, &copy, &err) != ALCH_OK)
        return alch_raise(L, &err);
    slot->node = &copy->head;
    if (alch_node_set(copy, &copy->froms, alch_list_len(froms) > 0 ? alch_node_keep(froms) : NULL, &err) != ALCH_OK
        || alch_node_set(copy, &copy->joins, alch_list_len(joins) > 0 ? alch_node_keep(joins) : NULL, &err) != ALCH_OK)
        return alch_raise(L, &err);
    return 1;
}

void alch_open_sources(lua_State *L);

void alch_open_sources(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "select_sources", l_sources },
        { "select_with_sources", l_with_sources },
        { "join_parts", l_join_parts },
        { "join_with", l_join_with },
        { NULL, NULL }
    };

    luaL_setfuncs(L, functions, 0);
}
