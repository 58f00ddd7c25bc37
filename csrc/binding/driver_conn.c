#include "binding/driver_conn.h"

#include "binding/bind.h"

const char alch_driver_conn_tag = 0;

alch_driver_conn *alch_test_driver_conn(lua_State *L, int idx)
{
    return alch_test_tagged(L, idx, &alch_driver_conn_tag);
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
