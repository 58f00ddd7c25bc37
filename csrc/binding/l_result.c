/* Fetching rows of a running statement: what engine/result.lua does once per
** row, in C. The functions take the Result object, a table with its run in
** the field _run. */
#include "binding/bind.h"
#include "binding/run.h"

/* Upvalues of the functions: "_run", who waits, the metatable of rows. */
enum { UP_RUN = 1, UP_WAIT, UP_ROW, UP_COUNT = UP_ROW };

static void check_open(lua_State *L, const alch_run *run)
{
    if (run->shape == NULL)
        alch_raisef(L, ALCH_ERR_CLOSED, "this statement does not return rows");
    if (run->closed)
        alch_raisef(L, ALCH_ERR_CLOSED, "this result is closed");
}

/* The end is told once, by no row or an empty list: whoever goes on fetching has lost sight of the result, and would
** take a second loop over it for one over no rows. */
static void tell_end(lua_State *L, alch_run *run)
{
    if (run->told)
        alch_raisef(L, ALCH_ERR_CLOSED, "all rows of this result have been fetched; keep them in a list, or execute the "
                    "statement again");
    run->told = 1;
}

/* Replaces the result at 'idx' by its run. */
static alch_run *run_of(lua_State *L, int idx)
{
    alch_run *run;

    luaL_checktype(L, idx, LUA_TTABLE);
    lua_pushvalue(L, lua_upvalueindex(UP_RUN));
    lua_rawget(L, idx);
    run = alch_check_run(L, -1);
    lua_replace(L, idx);
    check_open(L, run);
    return run;
}

static int go_on(lua_State *L, int status, lua_KContext context);

/* Pushes the next row of the run at 'idx'. A statement that streams has to wait for more: through the host, which may
** yield. wait(run) drives the run to its next row. */
static int push_next(lua_State *L, int idx, alch_run *run)
{
    alch_err err;

    switch (alch_run_fetch(L, run, &err)) {
    case ALCH_STEP_ROW:
        alch_run_push_shape(L, idx);
        alch_row_make(L, run->shape, lua_upvalueindex(UP_ROW), run->cells);
        return 1;
    case ALCH_STEP_WAIT:
        lua_pushvalue(L, idx);
        lua_replace(L, 1);
        lua_settop(L, 1);
        lua_pushvalue(L, lua_upvalueindex(UP_WAIT));
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 0, 0, go_on);
        return go_on(L, LUA_OK, 0);
    case ALCH_STEP_FAIL: return alch_raise(L, &err);
    default: tell_end(L, run); return 0;
    }
}

static int go_on(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return push_next(L, 1, alch_check_run(L, 1));
}

/* result_next(result) -> row, or nothing when there is none */
static int l_next(lua_State *L)
{
    alch_run *run;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(UP_RUN));
    lua_rawget(L, 1);
    run = alch_check_run(L, 2);
    check_open(L, run);
    return push_next(L, 2, run);
}

/* The stack while a list is filled. */
enum { LIST_RUN = 1, LIST_LIMIT, LIST_ROWS, LIST_SHAPE, LIST_METATABLE };

/* Pushes the row that has been fetched: a plain table where no metatable says otherwise. */
static void push_item(lua_State *L, const alch_run *run)
{
    if (lua_isnil(L, LIST_METATABLE)) {
        alch_record_make(L, run->shape, LIST_SHAPE, run->cells);
        return;
    }
    lua_pushvalue(L, LIST_SHAPE);
    alch_row_make(L, run->shape, LIST_METATABLE, run->cells);
}

/* Adds rows to the list until it has 'limit', something else comes, or ('watch') it pays to go on at rest. */
static alch_step add_rows(lua_State *L, alch_run *run, lua_Integer limit, int watch, alch_err *err)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, LIST_ROWS);
    int from = watch && !run->shape->hooked ? alch_rest_from(L) : 0, rows = 0;
    alch_step step = ALCH_STEP_ROW;

    while (n < limit && !alch_rest_pays(L, from, ++rows) && (step = alch_run_fetch(L, run, err)) == ALCH_STEP_ROW) {
        push_item(L, run);
        lua_rawseti(L, LIST_ROWS, ++n);
    }
    return step;
}

/* The same as a function of that stack -> how it ended */
static int l_add_rows(lua_State *L)
{
    alch_err err;
    alch_step step = add_rows(L, lua_touserdata(L, LIST_RUN), lua_tointeger(L, LIST_LIMIT), 0, &err);

    if (step == ALCH_STEP_FAIL)
        return alch_raise(L, &err);
    lua_pushinteger(L, step);
    return 1;
}

static alch_step add_rows_at_rest(lua_State *L)
{
    alch_step step;
    int i;

    lua_pushcfunction(L, l_add_rows);
    for (i = LIST_RUN; i <= LIST_METATABLE; i++)
        lua_pushvalue(L, i);
    alch_call_at_rest(L, LIST_METATABLE, 1);
    step = (alch_step)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return step;
}

/* The rest of the rows, or at most LIST_LIMIT. */
static int push_rows(lua_State *L, int status, lua_KContext context)
{
    alch_run *run = alch_check_run(L, LIST_RUN);
    lua_Integer limit = lua_tointeger(L, LIST_LIMIT);
    alch_step step;
    alch_err err;

    (void)status;
    (void)context;
    for (;;) {
        step = add_rows(L, run, limit, 1, &err);
        if (step == ALCH_STEP_ROW && (lua_Integer)lua_rawlen(L, LIST_ROWS) < limit)
            step = add_rows_at_rest(L);
        if (step != ALCH_STEP_WAIT)
            break;
        lua_pushvalue(L, lua_upvalueindex(UP_WAIT));
        lua_pushvalue(L, LIST_RUN);
        lua_callk(L, 1, 0, 0, push_rows);
    }
    if (step == ALCH_STEP_FAIL)
        return alch_raise(L, &err);
    if (step == ALCH_STEP_DONE && (lua_rawlen(L, LIST_ROWS) == 0 || limit == LUA_MAXINTEGER))
        tell_end(L, run);
    lua_settop(L, LIST_ROWS);
    return 1;
}

/* Begins the stack of a list with the result and the limit on it. */
static void begin_list(lua_State *L)
{
    run_of(L, LIST_RUN);
    lua_settop(L, LIST_LIMIT);
    if (lua_isnil(L, LIST_LIMIT)) {
        lua_pushinteger(L, LUA_MAXINTEGER);
        lua_replace(L, LIST_LIMIT);
    }
    lua_newtable(L);
    alch_run_push_shape(L, LIST_RUN);
}

/* result_rows(result, limit) -> list */
static int l_rows(lua_State *L)
{
    begin_list(L);
    lua_pushvalue(L, lua_upvalueindex(UP_ROW));
    return push_rows(L, LUA_OK, 0);
}

/* result_records(result, limit) -> list of plain tables */
static int l_records(lua_State *L)
{
    begin_list(L);
    lua_pushnil(L);
    return push_rows(L, LUA_OK, 0);
}

/* The value of a cell. Where Lua converts it, Lua may close the result: the text is on the stack meanwhile. */
static void push_cell(lua_State *L, const alch_run *run, int i)
{
    alch_value cell = run->cells[i];

    if (!run->shape->columns[i].hooked || (cell.kind != ALCH_TEXT && cell.kind != ALCH_BLOB)) {
        alch_shape_push_value(L, run->shape, i, &cell);
        return;
    }
    cell.as.text.at = lua_pushlstring(L, cell.as.text.at, cell.as.text.len);
    alch_shape_push_value(L, run->shape, i, &cell);
    lua_remove(L, -2);
}

static int push_value(lua_State *L, int status, lua_KContext context)
{
    alch_run *run = alch_check_run(L, 1);
    alch_err err;

    (void)status;
    (void)context;
    switch (alch_run_fetch(L, run, &err)) {
    case ALCH_STEP_ROW:
        lua_pushboolean(L, 1);
        push_cell(L, run, (int)lua_tointeger(L, 2) - 1);
        return 2;
    case ALCH_STEP_WAIT:
        lua_pushvalue(L, lua_upvalueindex(UP_WAIT));
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 0, 0, push_value);
        return push_value(L, LUA_OK, 0);
    case ALCH_STEP_FAIL: return alch_raise(L, &err);
    default: tell_end(L, run); return 0;
    }
}

/* result_value(result, column) -> true, value of the next row; nothing when there is no row */
static int l_value(lua_State *L)
{
    const alch_run *run = run_of(L, 1);
    lua_Integer column = luaL_optinteger(L, 2, 1);

    luaL_argcheck(L, column >= 1 && column <= run->shape->n, 2, "no such column");
    lua_settop(L, 1);
    lua_pushinteger(L, column);
    return push_value(L, LUA_OK, 0);
}

static const luaL_Reg functions[] = {
    { "result_next", l_next },
    { "result_rows", l_rows },
    { "result_records", l_records },
    { "result_value", l_value },
    { NULL, NULL }
};

/* core.result_functions(wait) -> { result_next =, ... }: wait(run) is called
** when a streaming statement has to wait. */
static int l_result_functions(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    luaL_newlibtable(L, functions);
    lua_pushliteral(L, "_run");
    lua_pushvalue(L, 1);
    alch_row_push_metatable(L);
    luaL_setfuncs(L, functions, UP_COUNT);
    return 1;
}

void alch_open_result(lua_State *L);

void alch_open_result(lua_State *L)
{
    lua_pushcfunction(L, l_result_functions);
    lua_setfield(L, -2, "result_functions");
}
