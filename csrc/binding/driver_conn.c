#include "binding/driver_conn.h"

#include <poll.h>

#include "binding/bind.h"
#include "driver/foreign.h"

const char alch_driver_conn_tag = 0;

static int process_gc(lua_State *L)
{
    alch_process_release(lua_touserdata(L, 1));
    return 0;
}

/* Pushes a new one above the former at the top: connections still point at
** that, so it lives as long. */
static alch_process *push_process(lua_State *L)
{
    alch_process *p = lua_newuserdatauv(L, sizeof *p, 1);

    p->page = NULL;
    lua_pushvalue(L, -2);
    (void)lua_setiuservalue(L, -2, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, process_gc);
    lua_setfield(L, -2, "__gc");
    (void)lua_setmetatable(L, -2);
    alch_process_init(p);
    return p;
}

const alch_process *alch_this_process(lua_State *L)
{
    static const char key;
    int top = lua_gettop(L);
    const alch_process *p;

    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
    p = lua_touserdata(L, -1);
    if (p == NULL || !alch_process_same(p)) {
        p = push_process(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
    }
    lua_settop(L, top);
    return p;
}

/* Memory that the parent's driver keeps is leaked: freeing it could talk to
** the server, or touch a lock. */
void alch_driver_conn_disown(alch_driver_conn *dc)
{
    dc->driver = &alch_foreign_driver;
    dc->owner = NULL;
    dc->opening = 0;
}

alch_driver_conn *alch_test_driver_conn(lua_State *L, int idx)
{
    alch_driver_conn *dc = alch_test_tagged(L, idx, &alch_driver_conn_tag);

    if (dc != NULL)
        (void)alch_driver_conn_ours(dc);
    return dc;
}

alch_driver_conn *alch_check_driver_conn(lua_State *L, int idx)
{
    alch_driver_conn *dc = alch_test_driver_conn(L, idx);

    if (dc == NULL)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "a driver connection is expected, not a %s", luaL_typename(L, idx));
    return dc;
}

alch_driver_conn *alch_open_driver_conn(lua_State *L, int idx)
{
    alch_driver_conn *dc = alch_check_driver_conn(L, idx);

    if (dc->conn == NULL)
        alch_raisef(L, ALCH_ERR_CLOSED, dc->closed ? "this driver connection is closed"
                                                   : "this driver connection is not open yet; call open_start first");
    return dc;
}

alch_driver_conn *alch_usable_driver_conn(lua_State *L, int idx)
{
    alch_driver_conn *dc = alch_open_driver_conn(L, idx);

    if (dc->owner == L)
        alch_raisef(L, ALCH_ERR_CONCURRENT_USE,
                    "an operation on this connection was begun and not brought to its end; "
                    "close or invalidate the connection");
    if (dc->owner != NULL)
        alch_raisef(L, ALCH_ERR_CONCURRENT_USE,
                    "another coroutine is using this connection; check out one connection for each coroutine");
    return dc;
}

alch_driver_conn *alch_waiting_driver_conn(lua_State *L, int idx)
{
    alch_driver_conn *dc = alch_open_driver_conn(L, idx);

    if (dc->owner == NULL)
        alch_raisef(L, ALCH_ERR_INVALID, "no operation is in flight on this connection");
    if (dc->owner != L)
        alch_raisef(L, ALCH_ERR_CONCURRENT_USE,
                    "another coroutine began the operation that is in flight on this connection");
    return dc;
}

alch_step alch_driver_conn_block(lua_State *L, const alch_driver_conn *dc, alch_cursor *k, alch_step step, alch_err *err)
{
    while (step == ALCH_STEP_WAIT && !lua_isyieldable(L)) {
        int want = dc->driver->want(dc->conn);
        struct pollfd p = { dc->driver->fd(dc->conn), 0, 0 };

        p.events = (short)((want & ALCH_WANT_READ ? POLLIN : 0) | (want & ALCH_WANT_WRITE ? POLLOUT : 0));
        if (poll(&p, 1, -1) < 0)
            break;
        step = dc->driver->cursor_step(k, err);
    }
    return step;
}

void alch_push_step(lua_State *L, alch_step step)
{
    lua_pushstring(L, step == ALCH_STEP_ROW ? "row" : step == ALCH_STEP_WAIT ? "wait" : "done");
}

void alch_driver_conn_end_result(alch_driver_conn *dc)
{
    if (dc->cursor != NULL)
        dc->driver->cursor_free(dc->cursor);
    dc->cursor = NULL;
}

void alch_driver_conn_close(alch_driver_conn *dc)
{
    (void)alch_driver_conn_ours(dc);
    alch_driver_conn_end_result(dc);
    if (dc->conn != NULL)
        dc->driver->close(dc->conn);
    dc->conn = NULL;
    dc->owner = NULL;
    dc->opening = 0;
    dc->closed = 1;
}

int alch_driver_conn_answer(lua_State *L, alch_driver_conn *dc, alch_step step, const alch_err *err)
{
    alch_driver_conn_settle(L, dc, step);
    if (step == ALCH_STEP_FAIL) {
        if (dc->opening)
            alch_driver_conn_close(dc);
        else
            alch_driver_conn_end_result(dc);
        return alch_raise(L, err);
    }
    if (step != ALCH_STEP_WAIT) {
        dc->opening = 0;
        lua_pushnil(L);
        (void)lua_setiuservalue(L, 1, ALCH_DRIVER_CONN_PARAMS);
    }
    alch_push_step(L, step);
    return 1;
}
