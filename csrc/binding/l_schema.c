/* What sa.Table and sa.Column need of the core beyond making them: defaults, replaced columns. */
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/node_conv.h"
#include "binding/value_conv.h"
#include "expr/build.h"
#include "schema/table.h"

/* A table or column is filled in while its schema is being configured. */
static alch_column *check_column(lua_State *L, int idx)
{
    return (alch_column *)(uintptr_t)alch_check_kind(L, idx, ALCH_NODE_COLUMN);
}

/* core.table_replace(table, old, new): a column in the place of another. */
static int l_table_replace(lua_State *L)
{
    alch_table *t = (alch_table *)(uintptr_t)alch_check_kind(L, 1, ALCH_NODE_TABLE);
    alch_err err;

    if (alch_from_replace(&t->from, check_column(L, 2), check_column(L, 3), &err) != ALCH_OK)
        return alch_raise(L, &err);
    return 0;
}

/* core.table_move(table, column, position): the column of the table to that place among its columns, from 1. */
static int l_table_move(lua_State *L)
{
    alch_table *t = (alch_table *)(uintptr_t)alch_check_kind(L, 1, ALCH_NODE_TABLE);
    const alch_column *c = check_column(L, 2);
    lua_Integer at = luaL_checkinteger(L, 3);

    luaL_argcheck(L, c->owner == &t->from, 2, "a column of the table expected");
    luaL_argcheck(L, at >= 1 && at <= (lua_Integer)t->from.column_count, 3, "no such position");
    alch_from_move(&t->from, c, (uint32_t)at - 1);
    return 0;
}

/* core.default_value(value, type | nil) -> node: a constant of the program.
** What Lua has no plain value for (a table, an object) stays a Lua value. */
static int l_default_value(lua_State *L)
{
    const alch_type *type = lua_isnoneornil(L, 2) ? NULL : alch_check_type(L, 2, "a column's default");
    alch_node_ref *slot;
    alch_host_ref *host = NULL;
    alch_bind *b;
    alch_value v;
    alch_err err;
    int rc;

    luaL_checkany(L, 1);
    lua_settop(L, 2);
    slot = alch_push_node_slot(L, ALCH_NODE_BIND);
    b = alch_node_new(ALCH_NODE_BIND, &err);
    if (b == NULL)
        return alch_raise(L, &err);
    slot->node = &b->head;
    alch_node_set_type(b, type);
    alch_lua_to_value(L, 1, &v);
    if (v.kind == ALCH_HOST) {
        host = alch_host_ref_new(L, 1);
        if (host == NULL)
            return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
        v.as.handle = (intptr_t)host;
    }
    rc = alch_bind_own(b, &v, NULL, 0, 0, &err);
    alch_host_drop(host);       /* the node keeps its own */
    return rc == ALCH_OK ? 1 : alch_raise(L, &err);
}

/* core.default_callable(function) -> node: called for every row that lacks a value. */
static int l_default_callable(lua_State *L)
{
    alch_node_ref *slot;
    alch_custom *c;
    alch_err err;

    luaL_checkany(L, 1);
    lua_settop(L, 1);
    slot = alch_push_node_slot(L, ALCH_NODE_CALLABLE);
    c = alch_node_new(ALCH_NODE_CALLABLE, &err);
    if (c == NULL)
        return alch_raise(L, &err);
    slot->node = &c->head;
    c->host = alch_host_ref_new(L, 1);
    if (c->host == NULL)
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    return 1;
}

/* core.default_sequence(name, schema | nil) -> node: the next value of a sequence. */
static int l_default_sequence(lua_State *L)
{
    const char *name = alch_check_text(L, 1), *schema = alch_opt_text(L, 2, NULL);
    alch_node_ref *slot = alch_push_node_slot(L, ALCH_NODE_SEQUENCE);
    alch_err err;

    alch_check(L, alch_name_new(ALCH_NODE_SEQUENCE, name, schema, &slot->node, &err), &err);
    return 1;
}

/* A walk over a statement that collects its tables, each once, in the list on the top of the stack. */
typedef struct table_search {
    lua_State *L;
    lua_Integer found;
} table_search;

static void collect(table_search *s, const alch_node *table)
{
    lua_Integer i;

    alch_push_node(s->L, table);
    for (i = 1; i <= s->found; i++) {
        int same = lua_rawgeti(s->L, -2, i) != LUA_TNIL && lua_rawequal(s->L, -1, -2);

        lua_pop(s->L, 1);
        if (same) {
            lua_pop(s->L, 1);
            return;
        }
    }
    lua_rawseti(s->L, -2, ++s->found);
}

static int search(const alch_node *n, void *payload)
{
    const alch_column *c = (const alch_column *)n;

    if (n->kind == ALCH_NODE_TABLE)
        collect(payload, n);
    else if (n->kind == ALCH_NODE_COLUMN && c->owner != NULL && c->owner->head.kind == ALCH_NODE_TABLE)
        collect(payload, &c->owner->head);
    return alch_node_children(n, search, payload);
}

/* core.tables_in(statement) -> list: the tables that it uses. */
static int l_tables_in(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    table_search s = { L, 0 };

    luaL_checkstack(L, 8, "expression");
    lua_newtable(L);
    (void)search(n, &s);
    return 1;
}

typedef struct table_swap {
    const alch_table *from, *to;
} table_swap;

/* What stands for 'n' in an expression about the other table: a reference. */
static const alch_node *swapped(const alch_node *n, void *payload, alch_err *err)
{
    const table_swap *swap = payload;
    alch_node *copy = NULL;

    if (n->kind == ALCH_NODE_COLUMN) {
        const alch_column *c = (const alch_column *)n;
        const alch_column *other = c->owner == &swap->from->from ? alch_from_find(&swap->to->from, c->key, strlen(c->key)) : NULL;

        return alch_node_keep(other != NULL ? &other->head : n);
    }
    if (n->kind == ALCH_NODE_TABLE)
        return alch_node_keep(n == &swap->from->from.head ? &swap->to->from.head : n);
    if (alch_node_copy(n, &copy, err) == ALCH_OK && alch_node_replace(copy, swapped, payload, err) != ALCH_OK) {
        alch_node_drop(copy);
        copy = NULL;
    }
    return copy;
}

/* core.swap_table(expression, from, to) -> the same about the columns of another table. */
static int l_swap_table(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    table_swap swap;
    alch_node_ref *slot;
    alch_err err;

    swap.from = (const alch_table *)(const void *)alch_check_kind(L, 2, ALCH_NODE_TABLE);
    swap.to = (const alch_table *)(const void *)alch_check_kind(L, 3, ALCH_NODE_TABLE);
    slot = alch_push_node_slot(L, n->kind);
    slot->node = swapped(n, &swap, &err);
    return slot->node != NULL ? 1 : alch_raise(L, &err);
}

/* Would CREATE INDEX misread it without parentheses? */
static int is_operation(const alch_node *n)
{
    return n->kind == ALCH_NODE_BINARY || (n->kind == ALCH_NODE_LIST && n->op != ALCH_OP_COMMA)
        || (n->kind == ALCH_NODE_UNARY && !alch_op_is_modifier(n->op));
}

/* core.index_element(expression) -> name | nil, expression, boolean: what an
** operator class is given for (a column's key, a label), what is behind the
** label, and whether that takes parentheses. */
static int l_index_element(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);

    lua_settop(L, 1);
    if (n->kind == ALCH_NODE_LABEL) {
        const alch_label *label = (const alch_label *)n;

        if (label->anon)
            lua_pushnil(L);
        else
            lua_pushstring(L, label->name);
        n = label->element;
    } else if (n->kind == ALCH_NODE_COLUMN) {
        lua_pushstring(L, ((const alch_column *)n)->key);
    } else {
        lua_pushnil(L);
    }
    alch_push_node(L, n);
    lua_pushboolean(L, is_operation(n));
    return 3;
}

static const luaL_Reg functions[] = {
    { "tables_in", l_tables_in },
    { "index_element", l_index_element },
    { "swap_table", l_swap_table },
    { "table_replace", l_table_replace },
    { "table_move", l_table_move },
    { "default_value", l_default_value },
    { "default_callable", l_default_callable },
    { "default_sequence", l_default_sequence },
    { NULL, NULL }
};

void alch_open_schema(lua_State *L);

void alch_open_schema(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
