/* Running statements: see run.h. engine/execute.lua drives them. */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/compile_conv.h"
#include "binding/node_conv.h"
#include "binding/pending.h"
#include "binding/pool_record.h"
#include "binding/row_readers.h"
#include "binding/run.h"

enum { UV_CONNECTION = 1, UV_BOUND, UV_SQL, UV_BATCH_SQL, UV_SHAPE, UV_COMPILED, USER_VALUES = UV_COMPILED };

static const char run_magic;

alch_run *alch_check_run(lua_State *L, int idx)
{
    alch_run *run = alch_test_tagged(L, idx, &run_magic);

    if (run == NULL)
        run = luaL_checkudata(L, idx, ALCH_RUN_METATABLE);
    if (run->dc != NULL)
        (void)alch_driver_conn_ours(run->dc);
    return run;
}

static void free_cursor(alch_run *run)
{
    if (run->cursor != NULL)
        run->dc->driver->cursor_free(run->cursor);
    run->cursor = NULL;
}

static int run_gc(lua_State *L)
{
    alch_run *run = alch_check_run(L, 1);

    free_cursor(run);
    alch_free(run->cells);
    alch_buf_release(&run->text);
    run->cells = NULL;
    run->state = ALCH_RUN_DONE;
    run->closed = 1;
    return 0;
}

/* -- stepping ------------------------------------------------------------- */

/* The connection may have been closed since the last time, by whoever ran meanwhile. */
static alch_step begin_next(alch_run *run, alch_err *err)
{
    const alch_driver *d = run->dc->driver;
    const alch_bound *b = run->bound;
    const alch_param *params = b->params + run->next_set * b->n;
    size_t left = b->sets - run->next_set;

    if (run->dc->conn == NULL)
        return alch_err_set(err, ALCH_ERR_CLOSED, "this connection was closed before the statement was executed"), ALCH_STEP_FAIL;
    if (run->batch_sets != 0 && left >= run->batch_sets) {
        run->span = run->batch_sets;
        return d->execute(run->dc->conn, run->batch_sql, run->batch_len, params, b->n * run->span, run->flags,
                          &run->cursor, err);
    }
    if (!b->many || run->returning) {
        run->span = 1;
        return d->execute(run->dc->conn, run->sql, run->sql_len, params, b->n, run->flags, &run->cursor, err);
    }
    run->span = left;
    return d->execute_many(run->dc->conn, run->sql, run->sql_len, params, b->n, left, run->flags, &run->cursor, err);
}

static const char *skip_word(const char *at, const char *word)
{
    while (isspace((unsigned char)*at))
        at++;
    for (; *word != '\0'; at++, word++)
        if (toupper((unsigned char)*at) != *word)
            return NULL;
    return at;
}

/* Does a statement with this tag leave something behind in its connection that no ROLLBACK at checkin takes back? */
static int alters_connection(const char *tag, const char *sql)
{
    const char *what;

    if (strcmp(tag, "LISTEN") == 0)
        return 1;
    if (strcmp(tag, "SET") != 0)
        return 0;
    what = skip_word(sql, "SET");
    return what == NULL || (skip_word(what, "LOCAL") == NULL && skip_word(what, "TRANSACTION") == NULL);
}

static void finish_operation(alch_run *run)
{
    const alch_driver *d = run->dc->driver;
    int64_t changes = d->changes(run->cursor);
    const char *tag = d->command_tag(run->cursor);

    run->changes = changes < 0 || run->changes < 0 ? -1 : run->changes + changes;
    if (tag != NULL) {
        (void)strncpy(run->tag, tag, sizeof run->tag - 1);
        run->dc->altered |= (unsigned char)alters_connection(tag, run->sql);
    }
    free_cursor(run);
    run->next_set += run->span;
}

/* Goes on after 'step' until there is a row, nothing more to do, or a wait. */
static alch_step advance(alch_run *run, alch_step step, alch_err *err)
{
    while (step == ALCH_STEP_DONE) {
        finish_operation(run);
        if (run->next_set >= run->bound->sets)
            break;
        step = begin_next(run, err);
    }
    switch (step) {
    case ALCH_STEP_ROW: run->state = ALCH_RUN_ROW; break;
    case ALCH_STEP_WAIT: run->state = ALCH_RUN_WAIT; break;
    default:
        free_cursor(run);
        run->state = ALCH_RUN_DONE;
        break;
    }
    return step;
}

static alch_step fetch(lua_State *L, alch_run *run, alch_err *err)
{
    alch_step step;

    if (run->state == ALCH_RUN_ROW && (!alch_driver_conn_ours(run->dc) || run->dc->driver->column_count(run->cursor) == 0))
        run->state = ALCH_RUN_NEXT;     /* there is no row any more: the step says why */
    if (run->state == ALCH_RUN_NEXT) {
        step = advance(run, run->dc->driver->cursor_step(run->cursor, err), err);
        if (step == ALCH_STEP_WAIT)
            alch_driver_conn_settle(L, run->dc, step);
        if (step != ALCH_STEP_ROW)
            return step;
    }
    if (run->state != ALCH_RUN_ROW) {
        if (run->closed) {
            (void)alch_err_set(err, ALCH_ERR_CLOSED, "this result was closed before all of its rows had been read");
            return ALCH_STEP_FAIL;
        }
        return run->state == ALCH_RUN_WAIT ? ALCH_STEP_WAIT : ALCH_STEP_DONE;
    }
    run->dc->driver->row(run->cursor, run->cells);
    if (!alch_values_own(run->cells, (size_t)run->shape->n, &run->text))
        return alch_err_nomem(err), ALCH_STEP_FAIL;
    run->state = ALCH_RUN_NEXT;
    return ALCH_STEP_ROW;
}

static alch_step fetch_timed(lua_State *L, alch_run *run, alch_err *err)
{
    double start = run->since > 0 ? run->since : alch_pool_now();
    alch_step step = fetch(L, run, err);

    run->since = step == ALCH_STEP_WAIT ? start : 0;
    if (step != ALCH_STEP_WAIT)
        run->seconds += alch_pool_now() - start;
    run->rows += step == ALCH_STEP_ROW;
    return step;
}

alch_step alch_run_fetch(lua_State *L, alch_run *run, alch_err *err)
{
    return run->timed ? fetch_timed(L, run, err) : fetch(L, run, err);
}

/* -- Lua ------------------------------------------------------------------ */

/* Where no type is known the server's type number says how to read, so that a
** date is a date in a result of plain text or of any function too. 0: it does not say. */
static int read_by_oid(lua_State *L, alch_run *run, alch_readers *readers, alch_shape *shape, int i)
{
    const alch_driver *d = run->dc->driver;
    uint32_t oid = d->column_type(run->cursor, i);

    if (oid == 0)
        return 0;
    alch_readers_set(L, readers, shape, i, alch_type_of_oid(oid), alch_storage_of_driver(d->name));
    return 1;
}

/* The same for all columns. The shape is on the top. */
static void read_all_by_oid(lua_State *L, alch_run *run, alch_shape *shape)
{
    alch_readers *readers;
    int i;

    if (run->dc->driver->column_type(run->cursor, 0) == 0)
        return;
    lua_pushnil(L);
    readers = alch_readers_attach(L, -2, -1);
    lua_pop(L, 1);
    for (i = 0; i < shape->n; i++)
        (void)read_by_oid(L, run, readers, shape, i);
}

/* What the statement says of the result's column 'i'; NULL: nothing. */
static const alch_type *type_of_column(const alch_run *run, const alch_compiled *r, int i)
{
    const char *name;
    size_t k;

    if (r->of_text != ALCH_TEXT_BY_NAME)
        return r->columns[i].type;
    name = run->dc->driver->column_name(run->cursor, i);
    for (k = 0; k < r->column_count; k++)
        if (name != NULL && strcmp(r->columns[k].name, name) == 0)
            return r->columns[k].type;
    return NULL;
}

/* A compiled statement knows its columns' types. Textual ones name as many as
** the user did; those are matched by position, unless they are only names. The
** shape is on the top, the compiled statement's owner at 'owner'. */
static void read_by_type(lua_State *L, alch_run *run, const alch_compiled *r, int owner, alch_shape *shape)
{
    alch_readers *readers = alch_readers_attach(L, -1, owner);
    int i, by_name = r->of_text == ALCH_TEXT_BY_NAME;

    shape->shared = !by_name;
    for (i = 0; i < shape->n && (by_name || (size_t)i < r->column_count); i++) {
        const alch_type *type = type_of_column(run, r, i);

        if (type != NULL && type->kind != ALCH_TYPE_NULL)
            alch_readers_set(L, readers, shape, i, type, &r->dialect->storage);
        else if (read_by_oid(L, run, readers, shape, i))
            shape->described = 1;
        shape->shared = shape->shared && alch_result_column_is_shared(&r->columns[i]);
    }
    shape->compiled = by_name ? NULL : r;
}

static void push_names(lua_State *L, const alch_run *run, const alch_compiled *r, int n)
{
    const alch_driver *d = run->dc->driver;
    int i;

    luaL_checkstack(L, n + 8, "result columns");
    for (i = 0; i < n; i++) {
        const char *name = r != NULL && r->column_count == (size_t)n && !r->of_text ? r->columns[i].name : NULL;

        lua_pushstring(L, name != NULL ? name : d->column_name(run->cursor, i));
    }
}

/* Pushes a new shape for 'n' columns; 'owner': of the compiled statement, where there is one. */
static alch_shape *push_shape(lua_State *L, alch_run *run, const alch_compiled *r, int owner, int n)
{
    alch_shape *shape;

    push_names(L, run, r, n);
    shape = alch_shape_push(L, n);
    if (r != NULL && (r->column_count == (size_t)n || (r->column_count > 0 && !r->textual)))
        read_by_type(L, run, r, owner, shape);
    else
        read_all_by_oid(L, run, shape);
    return shape;
}

/* The shape of a compiled statement that says everything about its result is made once and stays with the owner.
** Pushes it for the compiled statement at 'compiled'. */
static alch_shape *push_kept_shape(lua_State *L, alch_run *run, int compiled, int n)
{
    const alch_compiled_ref *ref = alch_test_compiled_ref(L, compiled);
    const alch_compiled *r = ref->compiled;
    int owner = compiled + 1;
    alch_shape *shape;

    alch_push_compiled_owner(L, compiled);
    if (r->column_count != (size_t)n || r->textual || r->of_text == ALCH_TEXT_BY_NAME)
        return push_shape(L, run, r, owner, n);
    if (lua_getiuservalue(L, owner, ALCH_COMPILED_SHAPE) == LUA_TUSERDATA)
        shape = lua_touserdata(L, -1);
    else {
        lua_pop(L, 1);
        shape = push_shape(L, run, r, owner, n);
        if (!shape->described && !r->of_text) {     /* the names of "SELECT *" change */
            lua_pushvalue(L, -1);
            lua_setiuservalue(L, owner, ALCH_COMPILED_SHAPE);
        }
    }
    if (ref->given == NULL || shape->shared)
        return shape;
    lua_getfield(L, compiled, "statement");
    return alch_shape_push_like(L, owner + 1, owner + 2);
}

/* The columns of a result become known with its first operation. */
static void make_shape(lua_State *L, int idx, alch_run *run)
{
    int n, top = lua_gettop(L);

    if (run->shape != NULL || run->cursor == NULL)
        return;
    n = run->dc->driver->column_count(run->cursor);
    if (n <= 0)
        return;
    luaL_checkstack(L, 16, "result");
    if (run->cells == NULL)
        run->cells = alch_alloc0((size_t)n * sizeof *run->cells);
    if (run->cells == NULL) {
        alch_err err;

        (void)alch_err_nomem(&err);
        alch_raise(L, &err);
    }
    lua_getiuservalue(L, idx, UV_COMPILED);
    run->shape = alch_test_compiled_ref(L, top + 1) != NULL ? push_kept_shape(L, run, top + 1, n)
                                                            : push_shape(L, run, NULL, 0, n);
    lua_setiuservalue(L, idx, UV_SHAPE);
    lua_settop(L, top);
}

/* What a function that stepped returns to Lua; the run is at 'idx'. The shape
** must be made before the cursor is gone, which 'done' without rows is. */
static int answer(lua_State *L, int idx, alch_run *run, alch_step step, alch_err *err)
{
    if (step == ALCH_STEP_DONE || step == ALCH_STEP_ROW)
        make_shape(L, idx, run);
    step = advance(run, step, err);
    alch_driver_conn_settle(L, run->dc, step);
    if (step == ALCH_STEP_FAIL) {
        lua_pushnil(L);
        alch_push_error(L, err);
        return 2;
    }
    if (step == ALCH_STEP_DONE && run->dc->conn != NULL)
        run->last_id = run->dc->driver->last_insert_id(run->dc->conn);
    alch_push_step(L, step);
    return 1;
}

static void anchor(lua_State *L, int run_idx, int from, int user_value)
{
    lua_pushvalue(L, from);
    lua_setiuservalue(L, run_idx, user_value);
}

static alch_run *push_run(lua_State *L, alch_driver_conn *dc, const alch_bound *bound, const alch_compiled *compiled)
{
    alch_run *run = lua_newuserdatauv(L, sizeof *run, USER_VALUES);

    memset(run, 0, sizeof *run);
    run->magic = &run_magic;
    run->dc = dc;
    run->bound = bound;
    run->returning = compiled != NULL && compiled->returning;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &run_magic);
    lua_setmetatable(L, -2);
    return run;
}

/* core.run(dc, sql, bound, flags, batch_sql, batch_sets, compiled, patient) -> run, status | nil, err
** 'patient': there is no time limit, so the first operation may be waited for here. */
static int l_run(lua_State *L)
{
    enum { PATIENT = 8, RUN };
    alch_driver_conn *dc = alch_usable_driver_conn(L, 1);
    alch_bound *bound = alch_check_bound(L, 3);
    alch_run *run;
    alch_step step;
    alch_err err;
    int results;

    luaL_checktype(L, 2, LUA_TSTRING);
    lua_settop(L, 8);
    run = push_run(L, dc, bound, alch_test_compiled(L, 7));
    run->flags = (unsigned)luaL_optinteger(L, 4, 0);
    run->sql = lua_tolstring(L, 2, &run->sql_len);
    if (!lua_isnil(L, 5)) {
        run->batch_sql = luaL_checklstring(L, 5, &run->batch_len);
        run->batch_sets = (size_t)luaL_checkinteger(L, 6);
    }
    anchor(L, RUN, 1, UV_CONNECTION);
    anchor(L, RUN, 3, UV_BOUND);
    anchor(L, RUN, 2, UV_SQL);
    anchor(L, RUN, 5, UV_BATCH_SQL);
    anchor(L, RUN, 7, UV_COMPILED);
    (void)alch_usable_driver_conn(L, 1);
    step = begin_next(run, &err);
    if (lua_toboolean(L, PATIENT))
        step = alch_driver_conn_block(L, dc, run->cursor, step, &err);
    results = answer(L, RUN, run, step, &err);
    if (results == 2)
        return 2;
    lua_pushvalue(L, RUN);
    lua_insert(L, -2);
    return 2;
}

/* No parameters, or one set of them: values by name. */
static int is_one_set(lua_State *L, int idx)
{
    int one = lua_istable(L, idx) && lua_rawgeti(L, idx, 1) == LUA_TNIL;

    if (lua_istable(L, idx))
        lua_pop(L, 1);
    return one || lua_isnil(L, idx);
}

/* An INSERT is finished in Lua, and so is what return_defaults() asked for; the defaults of an UPDATE may be functions that
** want a context. */
static int needs_nothing(const alch_node *n)
{
    switch (n->kind) {
    case ALCH_NODE_INSERT: case ALCH_NODE_UPDATE: case ALCH_NODE_CUSTOM: case ALCH_NODE_COLUMN: return 0;
    case ALCH_NODE_DELETE: return !(((const alch_dml *)n)->flags & ALCH_DML_RETURN_DEFAULTS);
    default: return 1;
    }
}

/* Can the statement at 1 be executed without anything being looked at in between? Options may say anything. */
static int is_plain_statement(lua_State *L)
{
    const alch_node_ref *ref;

    if (alch_is_noted_statement(L, 1)) {
        alch_push_noted_options(L, 1);
        return !lua_istable(L, -1);
    }
    ref = alch_test_node_ref(L, 1);
    return ref != NULL && ref->node != NULL && needs_nothing(ref->node) && lua_getiuservalue(L, 1, 1) != LUA_TTABLE;
}

/* And can the connection at 5 take it? */
static int is_plain(lua_State *L)
{
    const alch_driver_conn *dc = alch_test_driver_conn(L, 5);

    return dc != NULL && dc->conn != NULL && dc->owner == NULL && !dc->opening && is_plain_statement(L);
}

/* Of the two short ways, after what alch_prepare takes. */
enum { PARAMS = 3, CONNECTION = 5, COMPILED, BOUND, RUN };

/* core.prepare_plainly(statement, dialect, parameters, nil, dc) -> compiled, bound, sql | nothing: as core.execute, for
** somebody who wants to look before it is sent */
static int l_prepare_plainly(lua_State *L)
{
    const alch_compiled *compiled;

    lua_settop(L, CONNECTION);
    if (!is_one_set(L, PARAMS) || !is_plain(L))
        return 0;
    compiled = alch_prepare(L);
    lua_pushlstring(L, compiled->sql, compiled->sql_len);
    return 3;
}

/* core.execute(statement, dialect, parameters, nil, dc) -> run, status | nil, err, run | nothing: not for this short way
** What prepare and run do, for a statement with at most one set of parameters. Raises what preparing raises. */
static int l_execute(lua_State *L)
{
    const alch_compiled *compiled;
    alch_run *run;
    alch_step step;
    alch_err err;

    lua_settop(L, CONNECTION);
    if (!is_one_set(L, PARAMS) || !is_plain(L))
        return 0;
    compiled = alch_prepare(L);
    run = push_run(L, alch_check_driver_conn(L, CONNECTION), alch_check_bound(L, BOUND), compiled);
    run->sql = compiled->sql;
    run->sql_len = compiled->sql_len;
    anchor(L, RUN, CONNECTION, UV_CONNECTION);
    anchor(L, RUN, BOUND, UV_BOUND);
    anchor(L, RUN, COMPILED, UV_COMPILED);
    (void)alch_usable_driver_conn(L, CONNECTION);
    step = begin_next(run, &err);
    step = alch_driver_conn_block(L, run->dc, run->cursor, step, &err);
    if (answer(L, RUN, run, step, &err) == 2) {
        lua_pushvalue(L, RUN);
        return 3;
    }
    lua_pushvalue(L, RUN);
    lua_insert(L, -2);
    return 2;
}

/* run:sent() -> sql, bound, compiled */
static int l_sent(lua_State *L)
{
    const alch_run *run = alch_check_run(L, 1);

    lua_pushlstring(L, run->sql, run->sql_len);
    lua_getiuservalue(L, 1, UV_BOUND);
    lua_getiuservalue(L, 1, UV_COMPILED);
    return 3;
}

/* run:step() after "wait" -> status | nil, err */
static int l_step(lua_State *L)
{
    alch_run *run = alch_check_run(L, 1);
    alch_err err;

    lua_settop(L, 1);
    if (run->state != ALCH_RUN_WAIT) {
        alch_push_step(L, run->state == ALCH_RUN_DONE ? ALCH_STEP_DONE : ALCH_STEP_ROW);
        return 1;
    }
    lua_getiuservalue(L, 1, UV_CONNECTION);
    (void)alch_waiting_driver_conn(L, 2);
    return answer(L, 1, run, run->dc->driver->cursor_step(run->cursor, &err), &err);
}

void alch_run_push_connection(lua_State *L, int run_idx)
{
    lua_getiuservalue(L, run_idx, UV_CONNECTION);
}

void alch_run_push_shape(lua_State *L, int run_idx)
{
    lua_getiuservalue(L, run_idx, UV_SHAPE);
}

/* run:shape() -> the columns, or nil if the statement returns no rows */
static int l_shape(lua_State *L)
{
    alch_check_run(L, 1);
    alch_run_push_shape(L, 1);
    return 1;
}

static int l_connection(lua_State *L)
{
    alch_check_run(L, 1);
    lua_getiuservalue(L, 1, UV_CONNECTION);
    return 1;
}

/* run:changes() -> rows matched, -1 where unknown: of a statement with rows, until the first one has ended */
static int l_changes(lua_State *L)
{
    const alch_run *run = alch_check_run(L, 1);

    lua_pushinteger(L, run->shape != NULL && run->next_set == 0 ? -1 : run->changes);
    return 1;
}

static int l_last_id(lua_State *L)
{
    lua_pushinteger(L, alch_check_run(L, 1)->last_id);
    return 1;
}

static int l_tag(lua_State *L)
{
    lua_pushstring(L, alch_check_run(L, 1)->tag);
    return 1;
}

static int l_close(lua_State *L)
{
    alch_run *run = alch_check_run(L, 1);

    free_cursor(run);
    run->state = ALCH_RUN_DONE;
    run->closed = 1;
    return 0;
}

static int l_closed(lua_State *L)
{
    lua_pushboolean(L, alch_check_run(L, 1)->closed);
    return 1;
}

/* run:timed() -> the time: from then on it is counted how many rows are fetched, and how long that takes. */
static int l_timed(lua_State *L)
{
    alch_check_run(L, 1)->timed = 1;
    lua_pushnumber(L, alch_pool_now());
    return 1;
}

/* run:fetched() -> seconds, rows: of a timed run */
static int l_fetched(lua_State *L)
{
    const alch_run *run = alch_check_run(L, 1);

    lua_pushnumber(L, run->seconds);
    lua_pushinteger(L, run->rows);
    return 2;
}

static const luaL_Reg methods[] = {
    { "step", l_step },
    { "timed", l_timed },
    { "fetched", l_fetched },
    { "sent", l_sent },
    { "shape", l_shape },
    { "connection", l_connection },
    { "changes", l_changes },
    { "last_id", l_last_id },
    { "tag", l_tag },
    { "close", l_close },
    { "closed", l_closed },
    { NULL, NULL }
};

void alch_open_exec(lua_State *L);

void alch_open_exec(lua_State *L)
{
    if (alch_new_metatable(L, ALCH_RUN_METATABLE, run_gc)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &run_magic);
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, l_run);
    lua_setfield(L, -2, "run");
    lua_pushcfunction(L, l_execute);
    lua_setfield(L, -2, "execute");
    lua_pushcfunction(L, l_prepare_plainly);
    lua_setfield(L, -2, "prepare_plainly");
}
