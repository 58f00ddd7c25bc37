/* Executing on a driver connection alone: what lua/lualchemy/drivers builds
** dc:execute on. Statements of the library go through l_exec.c. */
#include <stdint.h>
#include <string.h>

#include "binding/bind.h"
#include "binding/driver_conn.h"
#include "binding/value_conv.h"

/* -- executing ---------------------------------------------------------------------------------------------------- */

/* PostgreSQL's types for values that come without one, as psycopg chooses
** them: an integer as small as it fits, so that functions of integer are found. */
static uint32_t natural_oid(const alch_value *v)
{
    enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT4 = 23, OID_FLOAT8 = 701 };

    switch (v->kind) {
    case ALCH_BOOL: return OID_BOOL;
    case ALCH_INT: return v->as.integer >= INT32_MIN && v->as.integer <= INT32_MAX ? OID_INT4 : OID_INT8;
    case ALCH_FLOAT: return OID_FLOAT8;
    case ALCH_BLOB: return OID_BYTEA;
    default: return 0;
    }
}

static void to_param(lua_State *L, int idx, alch_param *p, lua_Integer position)
{
    alch_lua_to_value(L, idx, &p->value);
    p->oid = natural_oid(&p->value);
    if (p->value.kind > ALCH_BLOB)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "parameter %d is a %s; a driver takes nil, sa.null, booleans, "
                    "numbers, strings and sa.bytes", (int)position,
                    p->value.kind == ALCH_HOST ? luaL_typename(L, idx) : alch_value_kind_name(p->value.kind));
}

/* A list's length: its field n where it has one (table.pack), so that a nil at the end counts. */
static size_t list_length(lua_State *L, int idx)
{
    lua_Integer n;

    if (lua_getfield(L, idx, "n") == LUA_TNUMBER)
        n = lua_tointeger(L, -1);
    else
        n = (lua_Integer)lua_rawlen(L, idx);
    lua_pop(L, 1);
    return n > 0 ? (size_t)n : 0;
}

/* Text in 'params' lives as long as the table at 'idx', which the caller anchors. */
static void read_params(lua_State *L, int idx, alch_param *params, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        lua_rawgeti(L, idx, (lua_Integer)i + 1);
        to_param(L, -1, &params[i], (lua_Integer)i + 1);
        lua_pop(L, 1);
    }
}

/* Pushes room for parameters, with the table at 'idx' that their text belongs to. */
static alch_param *push_params(lua_State *L, int idx, size_t n)
{
    alch_param *params;

    if (n > SIZE_MAX / sizeof *params - 1)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "too many parameters");
    params = lua_newuserdatauv(L, (n + 1) * sizeof *params, 1);
    lua_pushvalue(L, idx);
    (void)lua_setiuservalue(L, -2, 1);
    return params;
}

/* The connection, ready for an operation with the parameters on the top, which
** live until it is over. Nothing may be made between this and the operation: a
** finalizer would find the connection free. */
static alch_driver_conn *make_ready(lua_State *L)
{
    alch_driver_conn *dc = alch_usable_driver_conn(L, 1);

    (void)lua_setiuservalue(L, 1, ALCH_DRIVER_CONN_PARAMS);
    alch_driver_conn_end_result(dc);
    return dc;
}

static void check_to_execute(lua_State *L, int args)
{
    (void)alch_usable_driver_conn(L, 1);
    (void)luaL_checkstring(L, 2);
    lua_settop(L, args);
    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }
    luaL_checktype(L, 3, LUA_TTABLE);
}

/* dc:execute_start(text, params, {stream =, cache =}) */
static unsigned read_flags(lua_State *L, int idx)
{
    unsigned flags = 0;

    if (lua_isnoneornil(L, idx))
        return 0;
    luaL_checktype(L, idx, LUA_TTABLE);
    if (lua_getfield(L, idx, "stream") != LUA_TNIL && lua_toboolean(L, -1))
        flags |= ALCH_CURSOR_STREAM;
    if (lua_getfield(L, idx, "cache") == LUA_TBOOLEAN && !lua_toboolean(L, -1))
        flags |= ALCH_CURSOR_NO_CACHE;
    lua_pop(L, 2);
    return flags;
}

static int l_execute_start(lua_State *L)
{
    alch_driver_conn *dc;
    alch_param *params;
    const char *sql;
    unsigned flags;
    size_t len, n;
    alch_err err;
    alch_step step;

    check_to_execute(L, 4);
    flags = read_flags(L, 4);
    n = list_length(L, 3);
    sql = lua_tolstring(L, 2, &len);
    params = push_params(L, 3, n);
    read_params(L, 3, params, n);
    dc = make_ready(L);
    step = dc->driver->execute(dc->conn, sql, len, params, n, flags, &dc->cursor, &err);
    return alch_driver_conn_answer(L, dc, step, &err);
}

/* dc:execute_many_start(text, sets): every set is a list as long as the first. */
static int l_execute_many_start(lua_State *L)
{
    alch_driver_conn *dc;
    alch_param *params;
    const char *sql;
    unsigned flags;
    size_t len, i, n = 0, sets;
    alch_err err;
    alch_step step;

    check_to_execute(L, 4);
    flags = read_flags(L, 4);
    sets = lua_rawlen(L, 3);
    sql = lua_tolstring(L, 2, &len);
    if (sets > 0 && lua_rawgeti(L, 3, 1) == LUA_TTABLE)
        n = list_length(L, lua_gettop(L));
    params = push_params(L, 3, sets * n);
    for (i = 0; i < sets; i++) {
        if (lua_rawgeti(L, 3, (lua_Integer)i + 1) != LUA_TTABLE || list_length(L, lua_gettop(L)) != n)
            return alch_raisef(L, ALCH_ERR_ARGUMENT, "parameter set %d is not a list of %d values as the first one is",
                               (int)i + 1, (int)n);
        read_params(L, lua_gettop(L), params + i * n, n);
        lua_pop(L, 1);
    }
    dc = make_ready(L);
    step = dc->driver->execute_many(dc->conn, sql, len, params, n, sets, flags, &dc->cursor, &err);
    return alch_driver_conn_answer(L, dc, step, &err);
}

static int l_step(lua_State *L)
{
    alch_driver_conn *dc = alch_check_driver_conn(L, 1);
    alch_err err;
    alch_step step = ALCH_STEP_DONE;

    lua_settop(L, 1);
    dc = dc->owner != NULL ? alch_waiting_driver_conn(L, 1) : alch_usable_driver_conn(L, 1);
    if (dc->opening)
        step = dc->driver->open_step(dc->conn, &err);
    else if (dc->cursor != NULL)
        step = dc->driver->cursor_step(dc->cursor, &err);
    return alch_driver_conn_answer(L, dc, step, &err);
}

/* -- rows --------------------------------------------------------------------------------------------------------- */

/* A finalizer, which comes wherever something is made, may have ended the result. */
static void check_result(lua_State *L, const alch_driver_conn *dc, const alch_cursor *k)
{
    if (dc->cursor != k)
        alch_raisef(L, ALCH_ERR_CLOSED, "this result was ended while it was being read");
}

/* Pushes the names of the columns, '*n' of them. */
static void push_columns(lua_State *L, const alch_driver_conn *dc, int *n)
{
    const alch_cursor *k = dc->cursor;
    int i;

    *n = k != NULL ? dc->driver->column_count(dc->cursor) : 0;
    lua_createtable(L, *n, 0);
    for (i = 0; i < *n; i++) {
        check_result(L, dc, k);
        lua_pushstring(L, dc->driver->column_name(dc->cursor, i));
        lua_rawseti(L, -2, i + 1);
    }
}

/* Pushes the current row, by position and by name. */
static void push_row(lua_State *L, alch_driver_conn *dc, int names, int columns)
{
    const alch_cursor *k = dc->cursor;
    int i;

    lua_createtable(L, columns, columns);
    for (i = 0; i < columns; i++) {
        alch_value v;

        check_result(L, dc, k);
        dc->driver->cell(dc->cursor, i, &v);
        alch_value_push(L, &v);
        lua_rawgeti(L, names, i + 1);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
        lua_rawseti(L, -2, i + 1);
    }
}

/* dc:fetch(rows): appends rows, beginning with the current one, until "done" or "wait". */
static int l_fetch(lua_State *L)
{
    alch_driver_conn *dc = alch_usable_driver_conn(L, 1);
    const alch_cursor *k = dc->cursor;
    alch_step step = ALCH_STEP_ROW;
    lua_Integer n;
    int columns;
    alch_err err;

    lua_settop(L, 2);
    luaL_checktype(L, 2, LUA_TTABLE);
    if (k == NULL)
        return alch_driver_conn_answer(L, dc, ALCH_STEP_DONE, &err);
    push_columns(L, dc, &columns);
    for (n = (lua_Integer)lua_rawlen(L, 2); step == ALCH_STEP_ROW; ) {
        check_result(L, dc, k);
        push_row(L, dc, 3, columns);
        lua_rawseti(L, 2, ++n);
        check_result(L, dc, k);
        step = dc->driver->cursor_step(dc->cursor, &err);
    }
    return alch_driver_conn_answer(L, dc, step, &err);
}

static int l_columns(lua_State *L)
{
    int n;

    push_columns(L, alch_open_driver_conn(L, 1), &n);
    return 1;
}

/* The PostgreSQL OIDs of the columns' types; 0 elsewhere. */
static int l_column_types(lua_State *L)
{
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);
    int i, n = dc->cursor != NULL ? dc->driver->column_count(dc->cursor) : 0;

    lua_createtable(L, n, 0);
    for (i = 0; i < n; i++) {
        lua_pushinteger(L, (lua_Integer)dc->driver->column_type(dc->cursor, i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* Ends the connection's own result, or gives up its operation in flight: the
** driver drops what is still to come. */
static int l_end_result(lua_State *L)
{
    alch_driver_conn *dc = alch_check_driver_conn(L, 1);

    if (dc->owner != NULL && !dc->opening)
        dc = alch_waiting_driver_conn(L, 1);
    alch_driver_conn_end_result(dc);
    if (!dc->opening)
        dc->owner = NULL;
    return 0;
}

/* Ends every result still open on the connection (checkin). */
static int l_finish(lua_State *L)
{
    alch_driver_conn *dc = alch_usable_driver_conn(L, 1);

    alch_driver_conn_end_result(dc);
    dc->driver->finish(dc->conn);
    return 0;
}

static int l_changes(lua_State *L)
{
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);

    lua_pushinteger(L, dc->cursor != NULL ? dc->driver->changes(dc->cursor) : -1);
    return 1;
}

/* dc:altered(): did a SET or LISTEN change the session since this was asked last? */
static int l_altered(lua_State *L)
{
    alch_driver_conn *dc = alch_check_driver_conn(L, 1);

    lua_pushboolean(L, dc->altered);
    dc->altered = 0;
    return 1;
}

static int l_command_tag(lua_State *L)
{
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);

    lua_pushstring(L, dc->cursor != NULL ? dc->driver->command_tag(dc->cursor) : "");
    return 1;
}

static int l_last_insert_id(lua_State *L)
{
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);

    lua_pushinteger(L, dc->driver->last_insert_id(dc->conn));
    return 1;
}

static const luaL_Reg methods[] = {
    { "execute_start", l_execute_start },
    { "execute_many_start", l_execute_many_start },
    { "step", l_step },
    { "fetch", l_fetch },
    { "columns", l_columns },
    { "column_types", l_column_types },
    { "end_result", l_end_result },
    { "finish", l_finish },
    { "changes", l_changes },
    { "command_tag", l_command_tag },
    { "altered", l_altered },
    { "last_insert_id", l_last_insert_id },
    { NULL, NULL }
};

void alch_open_driver_exec(lua_State *L);

void alch_open_driver_exec(lua_State *L)
{
    lua_getfield(L, -1, "driver_connection_methods");
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
}
