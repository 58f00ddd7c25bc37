#ifndef ALCH_BINDING_DRIVER_CONN_H
#define ALCH_BINDING_DRIVER_CONN_H

#include <lua.h>

#include "base/process.h"
#include "driver/driver.h"
#include "type/storage.h"

/*
** A driver connection as a userdata, for all bindings that execute.
**
** One coroutine owns it while an operation is in flight, that is from a step
** that answered WAIT to the step that ends the operation. In between:
**
**     dc = alch_usable_driver_conn(L, 1);          raises if it cannot be used now
**     step = dc->driver->execute(dc->conn, ...);
**     alch_driver_conn_settle(L, dc, step);        claims on WAIT, releases otherwise
**     if (step == ALCH_STEP_FAIL) return alch_raise(L, &err);
**
** and in the step function after a wait the same with alch_waiting_driver_conn.
** A binding frees its own cursors (__gc of its result); the connection may be
** closed before that, the driver allows any order.
*/
#define ALCH_DRIVER_CONN_METATABLE "lualchemy.driver_connection"

typedef struct alch_driver_conn {
    const void *tag;        /* see alch_test_tagged */
    const alch_driver *driver;  /* in a forked child the one that does nothing */
    const alch_process *process;    /* that opened it; lives as long as the Lua state */
    alch_conn *conn;        /* NULL: not opened, or closed */
    lua_State *owner;       /* whose operation is in flight, or NULL */
    alch_cursor *cursor;    /* of the connection's own execute */
    double allowed;         /* seconds that opening may take for each server (connect_timeout); 0: any number */
    double deadline;        /* the clock by which the server being tried has to answer */
    const alch_storage *storage;    /* of a dialect with its own way of keeping values, which it works for; else NULL */
    unsigned char opening;  /* the operation in flight is 'open' */
    unsigned char closed;
    unsigned char altered;  /* by a SET or LISTEN that outlives its transaction: not fit for the next user */
} alch_driver_conn;

extern const char alch_driver_conn_tag;

/* Its user values. */
enum {
    ALCH_DRIVER_CONN_DRIVER = 1,    /* its driver object */
    ALCH_DRIVER_CONN_PARAMS,        /* what its own operation in flight still reads */
    ALCH_DRIVER_CONN_DIALECT,       /* that 'storage' is part of */
    ALCH_DRIVER_CONN_VALUES = ALCH_DRIVER_CONN_DIALECT
};

/* The process that this is now: a forked child gets one of its own. */
const alch_process *alch_this_process(lua_State *L);
void alch_driver_conn_disown(alch_driver_conn *dc);

/* Asked before a connection's driver is called: 0 in a forked child, where the
** driver is then replaced by one that leaves the parent's connection alone. */
static inline int alch_driver_conn_ours(alch_driver_conn *dc)
{
    if (alch_process_same(dc->process))
        return 1;
    alch_driver_conn_disown(dc);
    return 0;
}

/* The connection at 'idx' in whatever state; raises ArgumentError. */
alch_driver_conn *alch_check_driver_conn(lua_State *L, int idx);
/* NULL if the value is something else. */
alch_driver_conn *alch_test_driver_conn(lua_State *L, int idx);

/* Open, perhaps with an operation in flight; raises ResourceClosedError. */
alch_driver_conn *alch_open_driver_conn(lua_State *L, int idx);
/* Open and without an operation in flight: raises ResourceClosedError or
** ConcurrentUseError. */
alch_driver_conn *alch_usable_driver_conn(lua_State *L, int idx);
/* With the caller's own operation in flight, to step on. */
alch_driver_conn *alch_waiting_driver_conn(lua_State *L, int idx);

/* Notes what a step answered: on WAIT the running coroutine owns the
** connection, otherwise nobody does. */
static inline void alch_driver_conn_settle(lua_State *L, alch_driver_conn *dc, alch_step step)
{
    dc->owner = step == ALCH_STEP_WAIT ? L : NULL;
}

/* Goes on with a cursor's step that answered WAIT, where nobody else could run
** meanwhile: in code that cannot yield no scheduler has a say in how to wait.
** Answers what came of it; WAIT if Lua has to take over, in a coroutine and
** when a signal came. Not for an operation with a time limit. */
alch_step alch_driver_conn_block(lua_State *L, const alch_driver_conn *dc, alch_cursor *k, alch_step step, alch_err *err);

/* Frees the cursor of the connection's own execute. */
void alch_driver_conn_end_result(alch_driver_conn *dc);

/* The end of every method (connection at stack index 1) that stepped the
** connection's own operation: pushes what the step answered, or raises. A
** failed open closes; a failed statement frees its cursor, so that the
** connection is ready for the next one. */
int alch_driver_conn_answer(lua_State *L, alch_driver_conn *dc, alch_step step, const alch_err *err);

/* Closes for good; never waits, never raises, may be called again. */
void alch_driver_conn_close(alch_driver_conn *dc);

/* Pushes a driver object; user value 1 is free for what the driver needs alive. */
void alch_push_driver(lua_State *L, const alch_driver *driver);

/* Pushes "done", "row" or "wait". */
void alch_push_step(lua_State *L, alch_step step);

#endif
