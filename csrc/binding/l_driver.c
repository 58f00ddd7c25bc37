/* Drivers and their connections in Lua.
**
** core.driver(plugin) -> driver;  driver:connection() -> dc
** dc:open_start(options), dc:execute_start(text, params), dc:step() answer
** "done", "row" or "wait"; after "wait" the caller waits for dc:pollfd() and
** dc:events() and calls dc:step(). lua/lualchemy/drivers adds what loops. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "binding/bind.h"
#include "binding/dialect_conv.h"
#include "binding/driver_conn.h"
#include "driver/host.h"
#include "driver/worker.h"

#define DRIVER "lualchemy.driver"
#define WORKER "lualchemy.worker"

typedef struct driver_object {
    const alch_driver *driver;
} driver_object;

/* -- opening ------------------------------------------------------------------------------------------------------ */

/* The databases' libraries take C strings: half a path or password would be
** another one. */
static const char *whole_text(lua_State *L, int idx, const char *what)
{
    size_t len;
    const char *text = luaL_checklstring(L, idx, &len);

    if (strlen(text) != len)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s cannot contain a NUL character", what);
    return text;
}

/* The text of the option value on the top; a string made for it is kept alive
** by the table at 'anchor'. */
static const char *option_text(lua_State *L, int anchor, const char *key)
{
    const char *text;

    if (lua_type(L, -1) == LUA_TSTRING)
        return whole_text(L, -1, key);
    text = luaL_tolstring(L, -1, NULL);
    lua_rawseti(L, anchor, (lua_Integer)lua_rawlen(L, anchor) + 1);
    return text;
}

static double clock_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* libpq leaves its connect_timeout to whoever waits, which is the host: see
** dc:timeout. 0 and below are no limit, as with libpq. */
static double read_timeout(const alch_option *options, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (strcmp(options[i].key, "connect_timeout") == 0) {
            double seconds = strtod(options[i].value, NULL);

            return seconds > 0 ? seconds : 0;
        }
    return 0;
}

/* Pushes an anchor table and the array of options; '*n' of them. */
static const alch_option *push_options(lua_State *L, int idx, size_t *n)
{
    alch_option *options;
    int anchor;
    size_t count = 0;

    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
        count++;
    lua_newtable(L);
    anchor = lua_gettop(L);
    options = lua_newuserdatauv(L, (count + 1) * sizeof *options, 0);
    *n = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        int type = lua_type(L, -1);

        if (lua_type(L, -2) != LUA_TSTRING || (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN))
            alch_raisef(L, ALCH_ERR_ARGUMENT,
                        "connection options are names with strings, numbers or booleans, not a %s",
                        luaL_typename(L, -1));
        options[*n].key = whole_text(L, -2, "a connection option's name");
        options[*n].value = option_text(L, anchor, options[*n].key);
        (*n)++;
    }
    return options;
}

static int l_open_start(lua_State *L)
{
    alch_driver_conn *dc = alch_check_driver_conn(L, 1);
    const alch_option *options;
    size_t n;
    alch_err err;
    alch_step step;

    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    if (dc->conn != NULL || dc->closed)
        return alch_raisef(L, ALCH_ERR_INVALID, "a driver connection can be opened only once");
    options = push_options(L, 2, &n);
    dc->opening = 1;
    dc->allowed = read_timeout(options, n);
    dc->deadline = clock_now() + dc->allowed;
    step = dc->driver->open(dc->driver, &alch_core_host, options, n, &dc->conn, &err);
    return alch_driver_conn_answer(L, dc, step, &err);
}

/* -- state -------------------------------------------------------------------------------------------------------- */

static int l_close(lua_State *L)
{
    alch_driver_conn_close(alch_check_driver_conn(L, 1));
    return 0;
}

static int l_closed(lua_State *L)
{
    lua_pushboolean(L, alch_check_driver_conn(L, 1)->conn == NULL);
    return 1;
}

/* False once the connection is closed or known to be lost. */
static int l_alive(lua_State *L)
{
    const alch_driver_conn *dc = alch_check_driver_conn(L, 1);

    lua_pushboolean(L, dc->conn != NULL && dc->driver->alive(dc->conn));
    return 1;
}

/* true, false, or "failed" inside a transaction that can only be rolled back. */
static int l_in_transaction(lua_State *L)
{
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);
    int in = dc->driver->in_transaction(dc->conn);

    if (in < 0)
        lua_pushliteral(L, "failed");
    else
        lua_pushboolean(L, in);
    return 1;
}

/* Is an operation in flight? */
static int l_busy(lua_State *L)
{
    lua_pushboolean(L, alch_check_driver_conn(L, 1)->owner != NULL);
    return 1;
}

static int l_server_version(lua_State *L)
{
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);

    lua_pushinteger(L, dc->driver->server_version(dc->conn));
    return 1;
}

static int l_statement_cache_len(lua_State *L)
{
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);

    lua_pushinteger(L, (lua_Integer)dc->driver->statement_cache_len(dc->conn));
    return 1;
}

/* Asks the operation in flight to stop; any coroutine may. */
static int l_cancel(lua_State *L)
{
    alch_driver_conn *dc = alch_open_driver_conn(L, 1);
    alch_err err;

    if (dc->driver->cancel(dc->conn, &err) != ALCH_OK)
        return alch_raise(L, &err);
    return 0;
}

/* Is a cancel still on its way, so that it could hit the next statement? */
static int l_cancelling(lua_State *L)
{
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);

    lua_pushboolean(L, dc->driver->cancelling != NULL && dc->driver->cancelling(dc->conn));
    return 1;
}

/* connection:backup(path or nil, restore, pages) -> pages left, pages in all */
static int l_backup(lua_State *L)
{
    alch_driver_conn *dc = alch_usable_driver_conn(L, 1);
    const char *path = lua_isnoneornil(L, 2) ? NULL : whole_text(L, 2, "the path");
    int pages = (int)luaL_optinteger(L, 4, -1), left = 0, total = 0;
    alch_err err;

    if (dc->driver->backup == NULL)
        return alch_raisef(L, ALCH_ERR_NOT_SUPPORTED, "this driver cannot copy a database");
    if (dc->driver->backup(dc->conn, path, lua_toboolean(L, 3), pages, &left, &total, &err) != ALCH_OK)
        return alch_raise(L, &err);
    lua_pushinteger(L, left);
    lua_pushinteger(L, total);
    return 2;
}

/* connection:limit(seconds or nil) -> does the driver end statements that take
** longer by itself? */
static int l_limit(lua_State *L)
{
    alch_driver_conn *dc = alch_open_driver_conn(L, 1);
    double seconds = luaL_optnumber(L, 2, 0);

    lua_pushboolean(L, dc->driver->limit != NULL && dc->driver->limit(dc->conn, seconds));
    return 1;
}

/* -- waiting: cqueues' protocol of a pollable object ------------------------------------------ */

static int l_pollfd(lua_State *L)
{
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);

    lua_pushinteger(L, dc->driver->fd(dc->conn));
    return 1;
}

static int l_events(lua_State *L)
{
    static const char *const names[] = { "", "r", "w", "rw" };
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);

    lua_pushstring(L, names[dc->driver->want(dc->conn) & 3]);
    return 1;
}

/* Seconds that waiting may still take: while connecting what is left of
** connect_timeout, otherwise nil. */
static int l_timeout(lua_State *L)
{
    const alch_driver_conn *dc = alch_open_driver_conn(L, 1);
    double left = dc->deadline - clock_now();

    if (!dc->opening || dc->allowed <= 0)
        lua_pushnil(L);
    else
        lua_pushnumber(L, left > 0 ? left : 0);
    return 1;
}

/* dc:try_next() -> status | false: is there another server, now that the one
** being tried has used its connect_timeout up? */
static int l_try_next(lua_State *L)
{
    static const double grain = 0.01;   /* of the clocks of event loops */
    alch_driver_conn *dc = alch_waiting_driver_conn(L, 1);
    double now = clock_now();
    alch_step step;
    alch_err err;

    if (!dc->opening || dc->allowed <= 0 || now + grain < dc->deadline || dc->driver->open_next == NULL
        || (step = dc->driver->open_next(dc->conn, &err)) == ALCH_STEP_FAIL) {
        lua_pushboolean(L, 0);
        return 1;
    }
    dc->deadline = now + dc->allowed;
    return alch_driver_conn_answer(L, dc, step, &err);
}

static short poll_events(lua_State *L, int idx)
{
    const char *want = luaL_checkstring(L, idx);
    int events = (strchr(want, 'r') ? POLLIN : 0) | (strchr(want, 'w') ? POLLOUT : 0);

    luaL_argcheck(L, events != 0 && strspn(want, "rw") == strlen(want), idx, "'r', 'w' or 'rw' expected");
    return (short)events;
}

/* core.poll(fd, "r" | "w" | "rw", seconds or nil) -> ready?  A signal counts
** as ready, so that an interrupt handler of the host gets its turn; the next
** step then just answers "wait" again. */
static int l_poll(lua_State *L)
{
    struct pollfd p = { (int)luaL_checkinteger(L, 1), poll_events(L, 2), 0 };
    double ms = luaL_optnumber(L, 3, -1) * 1000;
    int n = poll(&p, 1, !(ms >= 0) ? -1 : ms > 1e9 ? 1000000000 : (int)ceil(ms));

    if (n < 0 && errno != EINTR)
        return alch_raisef(L, ALCH_ERR_OPERATIONAL, "poll: %s", strerror(errno));
    lua_pushboolean(L, n != 0);
    return 1;
}

/* -- objects ------------------------------------------------------------------------------------------------------ */

static int l_conn_tostring(lua_State *L)
{
    const alch_driver_conn *dc = alch_check_driver_conn(L, 1);

    lua_pushfstring(L, "%s connection (%s): %p", dc->driver->name, dc->conn == NULL ? "closed" : "open",
                    (const void *)dc);
    return 1;
}

/* conn:work_for(dialect): whose way of keeping values it is that objects are loaded from. */
static int l_work_for(lua_State *L)
{
    alch_driver_conn *dc = alch_check_driver_conn(L, 1);
    const alch_dialect *d = alch_check_dialect(L, 2);

    lua_settop(L, 2);
    (void)lua_setiuservalue(L, 1, ALCH_DRIVER_CONN_DIALECT);
    dc->storage = &d->storage;
    return 0;
}

static driver_object *check_driver(lua_State *L, int idx) { return luaL_checkudata(L, idx, DRIVER); }

/* driver:connection(): not open yet. */
static int l_connection(lua_State *L)
{
    const driver_object *d = check_driver(L, 1);
    alch_driver_conn *dc = alch_push_object(L, sizeof *dc, ALCH_DRIVER_CONN_VALUES, ALCH_DRIVER_CONN_METATABLE);

    dc->tag = &alch_driver_conn_tag;
    dc->driver = d->driver;
    dc->process = alch_this_process(L);
    lua_pushvalue(L, 1);
    (void)lua_setiuservalue(L, -2, ALCH_DRIVER_CONN_DRIVER);
    return 1;
}

static int l_driver_name(lua_State *L)
{
    lua_pushstring(L, check_driver(L, 1)->driver->name);
    return 1;
}

/* False for a driver whose steps never answer "wait". */
static int l_driver_waits(lua_State *L)
{
    lua_pushboolean(L, !(check_driver(L, 1)->driver->flags & ALCH_DRIVER_NEVER_WAITS));
    return 1;
}

void alch_push_driver(lua_State *L, const alch_driver *driver)
{
    driver_object *d = alch_push_object(L, sizeof *d, 1, DRIVER);

    d->driver = driver;
}

/* core.driver(plugin): 'plugin' is what require("lualchemy.plugin.<name>") returns. */
static int l_driver(lua_State *L)
{
    const alch_driver *driver;
    alch_err err;

    if (lua_type(L, 1) != LUA_TLIGHTUSERDATA)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "a plug-in is a light userdata, not a %s", luaL_typename(L, 1));
    driver = alch_plugin_driver(lua_touserdata(L, 1), &err);
    if (driver == NULL)
        return alch_raise(L, &err);
    alch_push_driver(L, driver);
    return 1;
}

static int l_worker_gc(lua_State *L)
{
    alch_worker **w = lua_touserdata(L, 1);

    alch_worker_drop(*w);
    *w = NULL;
    return 0;
}

/* core.worker(driver) -> driver, each of whose connections has a thread */
static int l_worker(lua_State *L)
{
    const alch_driver *inner = check_driver(L, 1)->driver;
    alch_worker **w;

    if (!(inner->flags & ALCH_DRIVER_NEVER_WAITS))
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "the driver %s waits by itself and needs no worker", inner->name);
    w = alch_push_object(L, sizeof *w, 1, WORKER);
    lua_pushvalue(L, 1);
    (void)lua_setiuservalue(L, -2, 1);
    *w = alch_worker_new(inner);
    if (*w == NULL)
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    alch_push_driver(L, alch_worker_driver(*w));
    lua_insert(L, -2);
    (void)lua_setiuservalue(L, -2, 1);
    return 1;
}

static const luaL_Reg connection_methods[] = {
    { "open_start", l_open_start },
    { "close", l_close },
    { "closed", l_closed },
    { "alive", l_alive },
    { "busy", l_busy },
    { "in_transaction", l_in_transaction },
    { "server_version", l_server_version },
    { "statement_cache_len", l_statement_cache_len },
    { "cancel", l_cancel },
    { "cancelling", l_cancelling },
    { "backup", l_backup },
    { "limit", l_limit },
    { "pollfd", l_pollfd },
    { "events", l_events },
    { "timeout", l_timeout },
    { "try_next", l_try_next },
    { "work_for", l_work_for },
    { NULL, NULL }
};

static const luaL_Reg driver_methods[] = {
    { "connection", l_connection },
    { "name", l_driver_name },
    { "waits", l_driver_waits },
    { NULL, NULL }
};

/* Makes a class; its method table also goes into the module, for methods
** written in Lua, which outlive a second opening. */
static void open_class(lua_State *L, const char *metatable, lua_CFunction gc, const luaL_Reg *methods,
                       const char *field)
{
    if (alch_new_metatable(L, metatable, gc)) {
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
    }
    lua_getfield(L, -1, "__index");
    lua_setfield(L, -3, field);
    lua_pop(L, 1);
}

void alch_open_driver(lua_State *L);

void alch_open_driver(lua_State *L)
{
    /* Made first, so that it outlives every connection. */
    (void)alch_this_process(L);
    (void)alch_new_metatable(L, WORKER, l_worker_gc);
    lua_pop(L, 1);
    open_class(L, DRIVER, NULL, driver_methods, "driver_methods");
    open_class(L, ALCH_DRIVER_CONN_METATABLE, l_close, connection_methods, "driver_connection_methods");
    luaL_getmetatable(L, ALCH_DRIVER_CONN_METATABLE);
    lua_pushcfunction(L, l_conn_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
    lua_pushcfunction(L, l_driver);
    lua_setfield(L, -2, "driver");
    lua_pushcfunction(L, l_worker);
    lua_setfield(L, -2, "worker");
    lua_pushcfunction(L, l_poll);
    lua_setfield(L, -2, "poll");
}
