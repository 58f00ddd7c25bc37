/* INSERT, UPDATE, DELETE as Lua builds them. Every method copies the
** statement and changes the copy; lua/lualchemy/sql/dml.lua puts the functions
** here into the classes. */
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/node_conv.h"
#include "binding/value_conv.h"
#include "expr/build.h"
#include "expr/selectable.h"
#include "schema/table.h"

static const alch_dml *check_dml(lua_State *L, int idx)
{
    const alch_node *n = alch_check_node(L, idx);

    if (!alch_is_dml(n))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "insert, update or delete expected, got %s", alch_describe(L, idx));
    return (const alch_dml *)n;
}

/* Pushes a copy of the statement at 1, of the same class. */
static alch_dml *push_copy(lua_State *L)
{
    const alch_dml *d = check_dml(L, 1);
    alch_node_ref *slot = alch_push_node_like(L, 1);
    alch_dml *copy;
    alch_err err;

    if (alch_node_copy(d, &copy, &err) != ALCH_OK)
        alch_raise(L, &err);
    slot->node = &copy->head;
    return copy;
}

/* Hands 'child' over to a field of a node that only we see. */
static void set_child(lua_State *L, void *parent, const void *field, const alch_node *child)
{
    alch_err err;

    if (alch_node_set(parent, field, child, &err) != ALCH_OK)
        alch_raise(L, &err);
}

/* Pushes the slot of a new or extended list. */
static alch_list *push_list(lua_State *L, const alch_list *from, int op, size_t room, alch_node_ref **slot)
{
    alch_list *l;
    alch_err err;

    *slot = alch_push_node_slot(L, ALCH_NODE_LIST);
    if (alch_list_extend(from, op, room, &l, &err) != ALCH_OK)
        alch_raise(L, &err);
    (*slot)->node = &l->head;
    return l;
}

static void list_push(lua_State *L, alch_list *l, const alch_node *item)
{
    alch_err err;

    if (alch_list_push(l, item, &err) != ALCH_OK)
        alch_raise(L, &err);
}

/*
** {=== What is assigned
*/

static const alch_from *columns_of(lua_State *L, const alch_dml *d)
{
    alch_err err;

    if (alch_from_derive(d->table, &err) != ALCH_OK)
        alch_raise(L, &err);
    return alch_target_columns(d->table);
}

/* target = the Lua value at 'idx' (which stays where it is). */
static void assign(lua_State *L, alch_list *row, const alch_node *target, int idx)
{
    alch_node_ref *slot = alch_push_node_slot(L, ALCH_NODE_ASSIGN);
    const alch_node *value;
    alch_err err;

    alch_value_node(L, idx, alch_node_type(target), &slot->node);
    value = alch_take_node(slot);
    if (alch_pair_new(ALCH_NODE_ASSIGN, alch_node_keep(target), value, &slot->node, &err) != ALCH_OK)
        alch_raise(L, &err);
    list_push(L, row, alch_take_node(slot));
    lua_pop(L, 1);
}

static void unconsumed(lua_State *L, const alch_dml *d, const char *key)
{
    char table[160];

    alch_raisef(L, ALCH_ERR_COMPILE, "Unconsumed column names: %s (%s has no such column)", key,
                alch_from_label(d->table, table, sizeof table));
}

/* A column of another table stands for the table's own of that key. */
static const alch_node *namesake(lua_State *L, const alch_dml *d, const alch_column *column)
{
    const alch_column *own = alch_from_find(alch_target_columns(d->table), column->key, strlen(column->key));

    if (own == NULL)
        unconsumed(L, d, column->key);
    return &own->head;
}

/* A key that is no string: a column or an expression. Values at -1, the key below it. */
static void assign_to_node(lua_State *L, const alch_dml *d, alch_list *row)
{
    int value = lua_gettop(L);
    const alch_node *target;

    lua_pushvalue(L, value - 1);
    target = alch_to_node(L, -1);
    if (target == NULL) {
        alch_raisef(L, ALCH_ERR_ARGUMENT, "the keys of values{} are column names, columns or expressions, got %s",
                    alch_describe(L, value - 1));
        return;
    }
    target = alch_plain_column(target);
    if (target->kind == ALCH_NODE_COLUMN && d->head.kind == ALCH_NODE_INSERT
        && ((const alch_column *)target)->owner != (const alch_from *)d->table)
        target = namesake(L, d, (const alch_column *)target);
    assign(L, row, target, value);
    lua_settop(L, value);
}

/* The rest of a row, behind the columns named by key: what lua_next finds. */
static void read_other_keys(lua_State *L, int idx, const alch_dml *d, alch_list *row)
{
    const alch_from *table = alch_target_columns(d->table);

    lua_pushnil(L);
    while (lua_next(L, idx) != 0) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            size_t len;
            const char *key = lua_tolstring(L, -2, &len);

            if (alch_from_find(table, key, len) == NULL)
                unconsumed(L, d, key);
        } else
            assign_to_node(L, d, row);
        lua_pop(L, 1);
    }
}

/* {5, "x"}: the columns in their order. */
static void read_positions(lua_State *L, int idx, const alch_dml *d, alch_list *row)
{
    const alch_from *table = alch_target_columns(d->table);
    lua_Integer i, n = luaL_len(L, idx);

    if ((uint64_t)n > table->column_count)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%d values for the %d columns of the table", (int)n, (int)table->column_count);
    for (i = 0; i < n; i++) {
        lua_geti(L, idx, i + 1);
        assign(L, row, &table->columns[i]->head, lua_gettop(L));
        lua_pop(L, 1);
    }
}

static lua_Integer count_keys(lua_State *L, int idx)
{
    lua_Integer n = 0;

    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1))
        n++;
    return n;
}

/* Reads a row of values at 'idx' into 'row'. Columns come in the table's
** order, so that the text never depends on the order of pairs(). */
static void read_row(lua_State *L, int idx, const alch_dml *d, alch_list *row)
{
    const alch_from *table = columns_of(L, d);
    lua_Integer named = 0;
    uint32_t i;

    if (lua_rawgeti(L, idx, 1) != LUA_TNIL) {
        lua_pop(L, 1);
        read_positions(L, idx, d, row);
        return;
    }
    lua_pop(L, 1);
    for (i = 0; i < table->column_count; i++) {
        lua_pushstring(L, table->columns[i]->key);
        if (lua_rawget(L, idx) != LUA_TNIL) {
            assign(L, row, &table->columns[i]->head, lua_gettop(L));
            named++;
        }
        lua_pop(L, 1);
    }
    if (count_keys(L, idx) != named)
        read_other_keys(L, idx, d, row);
}

/* values{...} again: later values replace earlier ones for the same target. */
static void merge_row(lua_State *L, const alch_list *old, const alch_list *row, alch_list *out)
{
    uint32_t i, k;

    for (i = 0; i < alch_list_len(old); i++) {
        const alch_node *target = ((const alch_pair *)old->items[i])->first;

        for (k = 0; k < row->count && ((const alch_pair *)row->items[k])->first != target; k++)
            ;
        if (k == row->count)
            list_push(L, out, alch_node_keep(old->items[i]));
    }
    for (i = 0; i < row->count; i++)
        list_push(L, out, alch_node_keep(row->items[i]));
}

/* A plain table, not a value of a class. */
static int is_plain_table(lua_State *L, int idx)
{
    int plain = lua_type(L, idx) == LUA_TTABLE && !lua_getmetatable(L, idx);

    if (lua_type(L, idx) == LUA_TTABLE && !plain)
        lua_pop(L, 1);
    return plain;
}

static int is_list_of_rows(lua_State *L, int idx)
{
    int rows;

    lua_rawgeti(L, idx, 1);
    rows = is_plain_table(L, -1);
    lua_pop(L, 1);
    return rows;
}

static void set_rows(lua_State *L, alch_dml *d, int idx)
{
    lua_Integer i, n = luaL_len(L, idx);
    alch_node_ref *rows_slot, *slot;
    alch_list *rows, *row;

    if (d->values != NULL && !(d->flags & ALCH_DML_MULTI))
        alch_raisef(L, ALCH_ERR_INVALID, "values() cannot mix one row with a list of rows");
    rows = push_list(L, d->values, ALCH_OP_COMMA, (size_t)n, &rows_slot);
    for (i = 0; i < n; i++) {
        lua_geti(L, idx, i + 1);
        if (!is_plain_table(L, -1))
            alch_raisef(L, ALCH_ERR_ARGUMENT, "row %d of values{} is %s, expected a table", (int)i + 1,
                        alch_describe(L, -1));
        row = push_list(L, NULL, ALCH_OP_COMMA, 8, &slot);
        read_row(L, lua_gettop(L) - 1, d, row);
        list_push(L, rows, alch_take_node(slot));
        lua_pop(L, 2);
    }
    d->flags |= ALCH_DML_MULTI;
    set_child(L, d, &d->values, alch_take_node(rows_slot));
}

static void set_row(lua_State *L, alch_dml *d, int idx)
{
    alch_node_ref *row_slot, *slot;
    alch_list *row, *merged;

    if (d->flags & ALCH_DML_MULTI)
        alch_raisef(L, ALCH_ERR_INVALID, "values() cannot mix one row with a list of rows");
    row = push_list(L, NULL, ALCH_OP_COMMA, 8, &row_slot);
    read_row(L, idx, d, row);
    if (d->values == NULL && row->count == 0) {
        d->flags |= ALCH_DML_NO_VALUES;
        return;
    }
    if (d->values == NULL) {
        set_child(L, d, &d->values, alch_take_node(row_slot));
        return;
    }
    merged = push_list(L, NULL, ALCH_OP_COMMA, d->values->count + row->count, &slot);
    merge_row(L, d->values, row, merged);
    set_child(L, d, &d->values, alch_take_node(slot));
}

/* stmt:values{...} | values{ {...}, {...} } */
static int l_values(lua_State *L)
{
    const alch_dml *self = check_dml(L, 1);
    alch_dml *d;

    lua_settop(L, 2);
    if (!is_plain_table(L, 2))
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "values() takes a table of column values, got %s", alch_describe(L, 2));
    if (self->select != NULL)
        return alch_raisef(L, ALCH_ERR_INVALID, "this INSERT takes its rows from a SELECT: values() cannot be added");
    if (self->flags & ALCH_DML_ORDERED)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "this UPDATE has ordered_values(): values() cannot be added");
    if (self->head.kind == ALCH_NODE_DELETE)
        return alch_raisef(L, ALCH_ERR_INVALID, "a DELETE has no values()");
    d = push_copy(L);
    if (is_list_of_rows(L, 2) && self->head.kind == ALCH_NODE_INSERT)
        set_rows(L, d, 2);
    else
        set_row(L, d, 2);
    lua_settop(L, 3);
    return 1;
}

/* A column of the table by name or node, for lists of columns; lent. */
static const alch_node *target_at(lua_State *L, int idx, const alch_dml *d)
{
    const alch_from *table = columns_of(L, d);
    const alch_node *n;

    if (lua_type(L, idx) == LUA_TSTRING) {
        size_t len;
        const char *key = lua_tolstring(L, idx, &len);
        const alch_column *column = alch_from_find(table, key, len);

        if (column == NULL)
            unconsumed(L, d, key);
        return &column->head;
    }
    n = alch_to_node(L, idx);
    if (n == NULL)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "column or column name expected, got %s", alch_describe(L, idx));
    return n;
}

/* stmt:ordered_values({key, value}, ...) */
static int l_ordered_values(lua_State *L)
{
    const alch_dml *self = check_dml(L, 1);
    int i, top = lua_gettop(L);
    alch_node_ref *slot;
    alch_list *row;
    alch_dml *d;

    if (self->head.kind != ALCH_NODE_UPDATE || (self->values != NULL && !(self->flags & ALCH_DML_ORDERED)))
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "ordered_values() is for an UPDATE without values()");
    d = push_copy(L);
    row = push_list(L, NULL, ALCH_OP_COMMA, (size_t)top, &slot);
    for (i = 2; i <= top; i++) {
        int at = lua_gettop(L);

        if (!is_plain_table(L, i) || lua_rawlen(L, i) != 2)
            return alch_raisef(L, ALCH_ERR_ARGUMENT, "ordered_values() takes pairs {column, value}");
        lua_geti(L, i, 1);
        lua_geti(L, i, 2);
        assign(L, row, target_at(L, at + 1, d), at + 2);
        lua_settop(L, at);
    }
    d->flags |= ALCH_DML_ORDERED;
    set_child(L, d, &d->values, alch_take_node(slot));
    lua_pop(L, 1);
    return 1;
}

/* stmt:from_select({"a", "b"}, select, { include_defaults = true }) */
static int l_from_select(lua_State *L)
{
    const alch_dml *self = check_dml(L, 1);
    const alch_node *select;
    alch_node_ref *slot;
    alch_list *names;
    lua_Integer i, n;
    alch_dml *d;

    lua_settop(L, 4);
    luaL_checktype(L, 2, LUA_TTABLE);
    select = alch_check_node(L, 3);
    if (self->head.kind != ALCH_NODE_INSERT || self->values != NULL)
        return alch_raisef(L, ALCH_ERR_INVALID, "from_select() is for an INSERT without values()");
    if (!alch_is_statement(select) && select->kind != ALCH_NODE_SUBQUERY && select->kind != ALCH_NODE_CTE)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "SELECT expected as argument 2, got %s", alch_describe(L, 3));
    d = push_copy(L);
    n = luaL_len(L, 2);
    names = push_list(L, NULL, ALCH_OP_COMMA, (size_t)n, &slot);
    for (i = 1; i <= n; i++) {
        lua_geti(L, 2, i);
        list_push(L, names, alch_node_keep(target_at(L, lua_gettop(L), d)));
        lua_pop(L, 1);
    }
    d->flags |= ALCH_DML_DEFAULTS_FROM_SELECT;
    if (lua_istable(L, 4)) {
        if (lua_getfield(L, 4, "include_defaults") != LUA_TNIL && !lua_toboolean(L, -1))
            d->flags &= (uint8_t)~ALCH_DML_DEFAULTS_FROM_SELECT;
        lua_pop(L, 1);
    }
    set_child(L, d, &d->names, alch_take_node(slot));
    set_child(L, d, &d->select, alch_node_keep(select));
    lua_pop(L, 1);
    return 1;
}

/* }=== */

/* The item that was the last one of 'count' comes behind those after it. */
static void keep_last(alch_list *l, uint32_t count)
{
    const alch_node *last = l->items[count - 1];

    memmove(l->items + count - 1, l->items + count, (l->count - count) * sizeof *l->items);
    l->items[l->count - 1] = last;
}

/* stmt:where(criterion, ...) */
static int l_where(lua_State *L)
{
    const alch_dml *self = check_dml(L, 1);
    int i, top = lua_gettop(L);
    alch_node_ref *slot;
    alch_list *where;
    alch_dml *d;

    if (self->head.kind == ALCH_NODE_INSERT)
        return alch_raisef(L, ALCH_ERR_INVALID, "an INSERT has no where()");
    alch_check_criteria(L, 2, top, "where");
    d = push_copy(L);
    where = push_list(L, d->where, ALCH_OP_AND, (size_t)top, &slot);
    for (i = 2; i <= top; i++)
        list_push(L, where, alch_node_keep(alch_check_node(L, i)));
    if (d->flags & ALCH_DML_RESTRICTED)
        keep_last(where, d->where->count);
    set_child(L, d, &d->where, alch_take_node(slot));
    lua_pop(L, 1);
    return 1;
}

/* core.dml_restrict(stmt, criterion): which rows are the mapped class's; stays behind all other criteria. */
static int l_restrict(lua_State *L)
{
    (void)l_where(L);
    ((alch_dml *)(uintptr_t)alch_test_node_ref(L, -1)->node)->flags |= ALCH_DML_RESTRICTED;
    return 1;
}

/* stmt:returning(column | table, ...) */
static int l_returning(lua_State *L)
{
    int i, top = lua_gettop(L);
    alch_node_ref *slot;
    alch_list *columns;
    alch_dml *d;

    (void)check_dml(L, 1);
    if (top == 1)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "returning() takes columns or tables");
    d = push_copy(L);
    if (d->flags & ALCH_DML_RETURN_DEFAULTS)
        return alch_raisef(L, ALCH_ERR_INVALID, "return_defaults() is already configured on this statement");
    columns = push_list(L, d->returning, ALCH_OP_COMMA, (size_t)top, &slot);
    for (i = 2; i <= top; i++)
        list_push(L, columns, alch_node_keep(alch_plain_column(alch_check_node(L, i))));
    set_child(L, d, &d->returning, alch_take_node(slot));
    lua_pop(L, 1);
    return 1;
}

/* A new list: what 'from' has and the columns of the table at 'idx'; NULL for none. */
static const alch_node *extended(lua_State *L, const alch_list *from, int idx, alch_node_ref **slot)
{
    lua_Integer i, n = luaL_len(L, idx);
    alch_list *l = push_list(L, from, ALCH_OP_COMMA, (size_t)n, slot);

    for (i = 1; i <= n; i++) {
        lua_geti(L, idx, i);
        list_push(L, l, alch_node_keep(alch_check_node(L, -1)));
        lua_pop(L, 1);
    }
    return l->count > 0 ? alch_take_node(*slot) : NULL;
}

/* core.dml_return_defaults(stmt, {column, ...}, {supplemental column, ...}): {} is every column, then and later */
static int l_return_defaults(lua_State *L)
{
    alch_node_ref *slot;
    alch_dml *d;
    int all;

    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    d = push_copy(L);
    if (d->returning != NULL)
        return alch_raisef(L, ALCH_ERR_INVALID, "this statement has returning() already; return_defaults() is instead of it");
    all = luaL_len(L, 2) == 0 || (d->flags & ALCH_DML_RETURN_DEFAULTS && d->defaults == NULL);
    set_child(L, d, &d->defaults, all ? NULL : extended(L, d->defaults, 2, &slot));
    set_child(L, d, &d->supplemental, extended(L, d->supplemental, 3, &slot));
    d->flags |= ALCH_DML_RETURN_DEFAULTS;
    lua_settop(L, 4);
    return 1;
}

/*
** {=== ON CONFLICT
*/

static const alch_list *read_targets(lua_State *L, int idx, const alch_dml *d, alch_node_ref **slot)
{
    lua_Integer i, n = luaL_len(L, idx);
    alch_list *l = push_list(L, NULL, ALCH_OP_COMMA, (size_t)n, slot);

    for (i = 1; i <= n; i++) {
        lua_geti(L, idx, i);
        list_push(L, l, alch_node_keep(target_at(L, lua_gettop(L), d)));
        lua_pop(L, 1);
    }
    return l;
}

/* A criterion in the options table at 3. */
static void read_criterion(lua_State *L, alch_conflict *k, const char *name, const void *field)
{
    if (lua_getfield(L, 3, name) != LUA_TNIL) {
        alch_check_criteria(L, lua_gettop(L), lua_gettop(L), name);
        set_child(L, k, field, alch_node_keep(alch_check_node(L, -1)));
    }
    lua_pop(L, 1);
}

static void read_conflict(lua_State *L, const alch_dml *d, alch_conflict *k)
{
    alch_node_ref *slot;

    if (lua_getfield(L, 3, "index_elements") != LUA_TNIL) {
        (void)read_targets(L, lua_gettop(L), d, &slot);
        set_child(L, k, &k->targets, alch_take_node(slot));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    if (lua_getfield(L, 3, "constraint") != LUA_TNIL) {
        k->constraint = alch_strdup(alch_check_text(L, -1));
        if (k->constraint == NULL)
            alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    }
    lua_pop(L, 1);
    read_criterion(L, k, "index_where", &k->target_where);
    read_criterion(L, k, "where", &k->where);
    if (k->action == ALCH_CONFLICT_UPDATE) {
        alch_list *row;
        int at;

        lua_getfield(L, 3, "set_");
        at = lua_gettop(L);
        row = push_list(L, NULL, ALCH_OP_COMMA, 8, &slot);
        read_row(L, at, d, row);
        set_child(L, k, &k->values, alch_take_node(slot));
        lua_pop(L, 2);
    }
}

/* core.dml_has_conflict(stmt) */
static int l_has_conflict(lua_State *L)
{
    lua_pushboolean(L, check_dml(L, 1)->conflict != NULL);
    return 1;
}

/* core.dml_on_conflict(stmt, "nothing" | "update", {index_elements=, constraint=, index_where=, set_=, where=}) */
static int l_on_conflict(lua_State *L)
{
    static const char *const actions[] = { "nothing", "update", NULL };
    int action = luaL_checkoption(L, 2, NULL, actions);
    alch_node_ref *slot;
    alch_conflict *k;
    alch_dml *d;
    alch_err err;

    (void)check_dml(L, 1);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    d = push_copy(L);
    slot = alch_push_node_slot(L, ALCH_NODE_CONFLICT);
    k = alch_node_new(ALCH_NODE_CONFLICT, &err);
    if (k == NULL)
        return alch_raise(L, &err);
    slot->node = &k->head;
    k->action = (uint8_t)action;
    if (d->conflict != NULL)
        set_child(L, k, &k->before, alch_node_keep(d->conflict));
    read_conflict(L, d, k);
    set_child(L, d, &d->conflict, alch_take_node(slot));
    lua_settop(L, 4);
    return 1;
}

/* }=== */

/* core.dml_flag(stmt, "inline" | "sort_by_parameter_order") */
static int l_flag(lua_State *L)
{
    static const char *const names[] = { "inline", "sort_by_parameter_order", NULL };
    static const uint8_t flags[] = { ALCH_DML_INLINE, ALCH_DML_SORT_RETURNING };
    int which = luaL_checkoption(L, 2, NULL, names);
    alch_dml *d = push_copy(L);

    d->flags |= flags[which];
    return 1;
}

/* core.dml_dialect_options(stmt) -> the table a statement carries for hooks of dialects, or nothing;
** core.dml_dialect_options(stmt, table) -> a copy that carries this one */
static int l_dialect_options(lua_State *L)
{
    const alch_dml *d = check_dml(L, 1);
    alch_dml *copy;

    if (lua_isnoneornil(L, 2)) {
        if (d->dialect_options == NULL)
            return 0;
        alch_host_ref_push(L, d->dialect_options);
        return 1;
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    copy = push_copy(L);
    alch_host_drop(copy->dialect_options);
    copy->dialect_options = alch_host_ref_new(L, 2);
    if (copy->dialect_options == NULL)
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    return 1;
}

/* core.insert(table), core.update(table), core.delete(table) */
static int make(lua_State *L, int kind)
{
    const alch_node *table = alch_check_node(L, 1);
    alch_node_ref *slot;
    alch_dml *d;
    alch_err err;

    if (table->kind != ALCH_NODE_TABLE && table->kind != ALCH_NODE_ALIAS && table->kind != ALCH_NODE_JOIN
        && table->kind != ALCH_NODE_CTE)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() takes a table, got %s", alch_node_class(kind),
                           alch_describe(L, 1));
    slot = alch_push_node_slot(L, kind);
    d = alch_node_new(kind, &err);
    if (d == NULL)
        return alch_raise(L, &err);
    slot->node = &d->head;
    set_child(L, d, &d->table, alch_node_keep(table));
    return 1;
}

static int l_insert(lua_State *L) { return make(L, ALCH_NODE_INSERT); }
static int l_update(lua_State *L) { return make(L, ALCH_NODE_UPDATE); }
static int l_delete(lua_State *L) { return make(L, ALCH_NODE_DELETE); }

/* core.dml_table(stmt) */
static int l_table(lua_State *L)
{
    alch_push_node(L, check_dml(L, 1)->table);
    return 1;
}

static const luaL_Reg functions[] = {
    { "insert", l_insert },
    { "update", l_update },
    { "delete", l_delete },
    { "dml_values", l_values },
    { "dml_ordered_values", l_ordered_values },
    { "dml_from_select", l_from_select },
    { "dml_where", l_where },
    { "dml_restrict", l_restrict },
    { "dml_returning", l_returning },
    { "dml_on_conflict", l_on_conflict },
    { "dml_has_conflict", l_has_conflict },
    { "dml_flag", l_flag },
    { "dml_return_defaults", l_return_defaults },
    { "dml_dialect_options", l_dialect_options },
    { "dml_table", l_table },
    { NULL, NULL }
};

void alch_open_dml(lua_State *L);

void alch_open_dml(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
