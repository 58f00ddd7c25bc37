/* What is particular to an INSERT: the key of its row, and how many parameter
** sets become few statements.
**
** core.inserted_key(compiled, bound, last_id, row, set) -> names, values
** core.insert_plan(compiled, bound, most_params, most_rows) -> plan
** core.sent_params(compiled, bound, set) -> { name = value, ... }, NULL as sa.null
** core.filled_columns(compiled) -> columns filled before it was sent, by SQL in it, by parameters
**
** A plan says how the rows that RETURNING gives find their sets:
**   "plain"     nothing is returned
**   "any"       rows come as they come
**   "keys"      each row carries a primary key that its set brought
**   "numbered"  each row carries a number that the database counts up, and
**               the text makes it count in the order of the sets
**   "single"    one statement per set */
#include <string.h>

#include "base/buf.h"
#include "binding/bind.h"
#include "binding/bound.h"
#include "binding/compile_conv.h"
#include "binding/node_conv.h"
#include "binding/value_conv.h"

/* -- the key of an inserted row ------------------------------------------- */

/* Pushes the value of the i-th parameter sent in a set. */
static void push_value(lua_State *L, const alch_compiled *r, const alch_bound *b, size_t i, size_t set)
{
    const alch_compiled_param *p = &r->params[r->sent[i]];
    const char *name = p->column != NULL ? p->column->name : p->base;
    alch_conversion c;
    alch_err err;

    if (alch_conversion_init(&c, p->type, &r->dialect->storage, name, L, &err) != ALCH_OK ||
        alch_read_push(L, &c, &b->params[set * b->n + i].value, alch_push_arena(L), &err) != ALCH_OK)
        alch_raise(L, &err);
    lua_remove(L, -2);
}

/* Pushes what was sent for a column in a set; nil where the database made it. */
static void push_sent(lua_State *L, const alch_compiled *r, const alch_bound *b, const alch_column *column, size_t set)
{
    size_t i;

    for (i = 0; i < r->sent_count; i++) {
        if (r->params[r->sent[i]].column == column) {
            push_value(L, r, b, i, set);
            return;
        }
    }
    lua_pushnil(L);
}

/* Pushes the row's value for a column that the statement returned, or nil. */
static void push_returned(lua_State *L, const alch_compiled *r, int row, const alch_column *column)
{
    size_t i;

    for (i = 0; i < r->column_count && !lua_isnil(L, row); i++) {
        if (r->columns[i].node == &column->head) {
            lua_geti(L, row, (lua_Integer)i + 1);
            return;
        }
    }
    lua_pushnil(L);
}

/* core.inserted_key(compiled, bound, last_id, row, set) -> names, values of the
** primary key; nothing if the table has none or a part of it is not known. */
static int l_inserted_key(lua_State *L)
{
    const alch_compiled *r = alch_test_compiled(L, 1);
    const alch_bound *b = alch_check_bound(L, 2);
    size_t set = (size_t)luaL_optinteger(L, 5, 1) - 1;
    const alch_from *table;
    lua_Integer n = 0;
    uint32_t i;

    luaL_argexpected(L, r != NULL, 1, ALCH_COMPILED_METATABLE);
    luaL_argcheck(L, set < b->sets, 5, "no such set");
    if (r->table == NULL || r->table->kind != ALCH_NODE_TABLE)
        return 0;
    table = (const alch_from *)r->table;
    lua_settop(L, 5);
    lua_newtable(L);
    lua_newtable(L);
    for (i = 0; i < table->column_count; i++) {
        const alch_column *column = table->columns[i];

        if (!(column->flags & ALCH_COLUMN_PRIMARY_KEY))
            continue;
        push_sent(L, r, b, column, set);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            push_returned(L, r, 4, column);
        }
        if (lua_isnil(L, -1) && (column->flags & ALCH_COLUMN_AUTOINCREMENT) && r->dialect->caps.last_row_id) {
            lua_pop(L, 1);
            lua_pushvalue(L, 3);
        }
        lua_rawseti(L, 7, ++n);
        lua_pushstring(L, column->key);
        lua_rawseti(L, 6, n);
    }
    return n > 0 ? 2 : 0;
}

/* core.sent_params(compiled, bound, set) */
static int l_sent_params(lua_State *L)
{
    const alch_compiled *r = alch_test_compiled(L, 1);
    const alch_bound *b = alch_check_bound(L, 2);
    size_t set = (size_t)luaL_optinteger(L, 3, 1) - 1, i;
    char name[256];

    luaL_argexpected(L, r != NULL, 1, ALCH_COMPILED_METATABLE);
    luaL_argcheck(L, set < b->sets, 3, "no such set");
    lua_newtable(L);
    for (i = 0; i < r->sent_count && i < b->n; i++) {
        push_value(L, r, b, i, set);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            alch_push_null(L);
        }
        lua_setfield(L, -2, alch_param_name(&r->params[r->sent[i]], name, sizeof name));
    }
    return 1;
}

/* core.filled_columns(compiled) */
static int l_filled_columns(lua_State *L)
{
    const alch_compiled *r = alch_test_compiled(L, 1);
    size_t i;

    luaL_argexpected(L, r != NULL, 1, ALCH_COMPILED_METATABLE);
    lua_settop(L, 1);
    for (i = 0; i < 3; i++)
        lua_newtable(L);
    for (i = 0; i < r->fill_count; i++) {
        int how = r->fills[i].how, list = how == ALCH_FILL_PARAM ? 4 : how == ALCH_FILL_SQL ? 3 : 2;

        alch_push_node(L, &r->fills[i].column->head);
        lua_rawseti(L, list, (lua_Integer)lua_rawlen(L, list) + 1);
    }
    return 3;
}

/* -- many sets ------------------------------------------------------------- */

/* The position of a column among those returned, from 1; 0: it is not. */
static lua_Integer returned_at(const alch_compiled *r, const alch_column *column)
{
    size_t i;

    for (i = 0; i < r->column_count; i++) {
        if (r->columns[i].node == &column->head)
            return (lua_Integer)i + 1;
    }
    return 0;
}

/* Does every set bring a value for the column that comes back as it went?
** (CHAR comes back with blanks, a Numeric with zeros, a decorated type however
** it likes.) */
static int is_sent(const alch_compiled *r, const alch_bound *b, const alch_column *column)
{
    const alch_type *t = column->head.type;
    size_t i, set;

    if (t == NULL || t->kind == ALCH_TYPE_DECORATED || t->kind == ALCH_TYPE_SQL_CHAR || t->kind == ALCH_TYPE_SQL_NCHAR
        || (t->family != ALCH_FAMILY_INTEGER && t->family != ALCH_FAMILY_STRING && t->family != ALCH_FAMILY_UUID))
        return 0;
    for (i = 0; i < r->sent_count; i++) {
        const alch_compiled_param *p = &r->params[r->sent[i]];

        if (p->column != column || p->bind != NULL)
            continue;
        for (set = 0; set < b->sets; set++) {
            if (b->params[set * b->n + i].value.kind == ALCH_NULL)
                return 0;
        }
        return 1;
    }
    return 0;
}

static int is_counted(const alch_column *column)
{
    return (column->flags & ALCH_COLUMN_AUTOINCREMENT) && column->on_insert == NULL
        && !(column->flags & (ALCH_COLUMN_IDENTITY | ALCH_COLUMN_SERVER_DEFAULT));
}

/* A cast needs to know to what. */
static int is_typed(const alch_compiled *r)
{
    size_t i;

    for (i = 0; i < r->param_count; i++) {
        if (r->params[i].type == NULL || r->params[i].type->family == ALCH_FAMILY_NULL)
            return 0;
    }
    return 1;
}

static int is_filled(const alch_compiled *r, const alch_column *column)
{
    size_t i;

    for (i = 0; i < r->fill_count; i++) {
        if (r->fills[i].column == column)
            return 1;
    }
    return 0;
}

/* How rows find their sets; the places of the key's columns go into the table
** at the top. */
static const char *find_sentinel(lua_State *L, const alch_compiled *r, const alch_bound *b)
{
    const alch_from *table = (const alch_from *)r->table;
    const alch_column *column = NULL;
    lua_Integer keys = 0;
    int sent = 1;
    uint32_t i;

    if (r->upsert || table == NULL || table->head.kind != ALCH_NODE_TABLE)
        return "single";
    for (i = 0; i < table->column_count; i++) {
        if (!(table->columns[i]->flags & ALCH_COLUMN_PRIMARY_KEY))
            continue;
        column = table->columns[i];
        lua_pushinteger(L, returned_at(r, column));
        if (lua_tointeger(L, -1) == 0)
            return "single";
        lua_rawseti(L, -2, ++keys);
        sent = sent && is_sent(r, b, column);
    }
    if (keys > 0 && sent)
        return "keys";
    if (keys == 1 && r->dialect->caps.ordered_insert && is_counted(column) && !is_filled(r, column) && is_typed(r))
        return "numbered";
    return "single";
}

static const char *plan_kind(lua_State *L, const alch_compiled *r, const alch_bound *b)
{
    int sorted = r->implicit_returning || (((const alch_dml *)r->statement)->flags & ALCH_DML_SORT_RETURNING);

    if (!r->returning)
        return "plain";
    if (!sorted)
        return "any";
    lua_newtable(L);
    lua_pushstring(L, find_sentinel(L, r, b));
    return lua_tostring(L, -1);
}

/* How many sets go into one statement: as even as can be, so that few are left over. */
static size_t batch_size(const alch_compiled *r, size_t sets, size_t most_params, size_t most_rows)
{
    size_t chunks;

    if (r->values_end == 0 || r->values_count == 0 || r->values_count != r->position_count)
        return 0;
    if (most_rows > most_params / r->values_count)
        most_rows = most_params / r->values_count;
    if (most_rows < 2)
        return 0;
    chunks = (sets + most_rows - 1) / most_rows;
    return chunks > 0 ? sets / chunks : 0;
}

static void set_text(lua_State *L, int plan, const alch_compiled *r, size_t rows, int numbered)
{
    alch_buf *text = alch_push_buffer(L);
    alch_err err;
    int rc = numbered ? alch_compiled_repeat_ordered(r, rows, L, text, &err) : alch_compiled_repeat(r, rows, text, &err);

    if (rc != ALCH_OK)
        alch_raise(L, &err);
    lua_pushlstring(L, text->data, text->len);
    alch_buf_release(text);
    lua_setfield(L, plan, "sql");
    lua_pushinteger(L, (lua_Integer)rows);
    lua_setfield(L, plan, "sets");
    lua_pop(L, 1);
}

/* core.insert_plan(compiled, bound, most_params, most_rows) -> { kind =, sql =, sets =, keys = }: 'sql' takes 'sets'
** parameter sets at once and is nil where that cannot be or is not worth it; 'keys' are places in the rows. */
static int l_insert_plan(lua_State *L)
{
    const alch_compiled *r = alch_test_compiled(L, 1);
    const alch_bound *b = alch_check_bound(L, 2);
    size_t most = (size_t)luaL_checkinteger(L, 3), most_rows = (size_t)luaL_checkinteger(L, 4), rows;
    const char *kind;

    luaL_argexpected(L, r != NULL && r->kind == ALCH_NODE_INSERT, 1, "compiled INSERT");
    lua_settop(L, 4);
    lua_newtable(L);
    kind = plan_kind(L, r, b);
    lua_pushstring(L, kind);
    lua_setfield(L, 5, "kind");
    if (lua_gettop(L) > 5) {
        lua_pushvalue(L, 6);
        lua_setfield(L, 5, "keys");
    }
    rows = strcmp(kind, "single") != 0 ? batch_size(r, b->sets, most, most_rows) : 0;
    if (rows >= 2)
        set_text(L, 5, r, rows, strcmp(kind, "numbered") == 0);
    lua_settop(L, 5);
    return 1;
}

static const luaL_Reg functions[] = {
    { "inserted_key", l_inserted_key },
    { "insert_plan", l_insert_plan },
    { "sent_params", l_sent_params },
    { "filled_columns", l_filled_columns },
    { NULL, NULL }
};

void alch_open_insert(lua_State *L);

void alch_open_insert(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
