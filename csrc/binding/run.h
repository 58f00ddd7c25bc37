#ifndef ALCH_BINDING_RUN_H
#define ALCH_BINDING_RUN_H

#include <lua.h>

#include "base/buf.h"
#include "binding/bound.h"
#include "binding/driver_conn.h"
#include "binding/row.h"

/*
** A running statement: one SQL text with one or many parameter sets on one
** driver connection, from its first step to its last row.
**
**     run, status = core.run(dc, sql, bound, flags, batch_sql, batch_sets)
**     while status == "wait" do ... status = run:step() end
**
** status is "row" (a row stands ready), "done" or "wait"; nil and an error
** object when it failed. Many sets go through 'batch_sql', which takes
** 'batch_sets' of them at once, as long as they last, and the rest through
** the driver's execute_many, or one by one if the statement returns rows: then
** all their rows are the result. A run owns its cursor and frees it with its last
** row; what is asked afterwards (row count, key, command tag) is kept.
*/
#define ALCH_RUN_METATABLE "lualchemy.run"

typedef enum alch_run_state {
    ALCH_RUN_DONE,          /* nothing more will come */
    ALCH_RUN_ROW,           /* the cursor stands on a row not yet fetched */
    ALCH_RUN_NEXT,          /* the row has been fetched: step first */
    ALCH_RUN_WAIT
} alch_run_state;

typedef struct alch_run {
    const void *magic;
    alch_driver_conn *dc;   /* anchored by a user value */
    const alch_bound *bound;    /* likewise; NULL once sent */
    const char *sql, *batch_sql;    /* likewise */
    size_t sql_len, batch_len;
    size_t batch_sets;      /* 0: no batching */
    size_t next_set, span;  /* sets sent before the operation in flight, and by it */
    unsigned flags;
    uint8_t state;          /* alch_run_state */
    uint8_t returning;      /* each set's rows are wanted */
    uint8_t closed;         /* by the user: fetching is an error */
    uint8_t told;           /* the user knows that there are no more rows: fetching is an error */
    uint8_t timed;          /* somebody asks what fetching costs: run:timed() */
    alch_cursor *cursor;
    alch_shape *shape;      /* anchored; NULL: no rows */
    alch_value *cells;      /* room for one row */
    alch_buf text;          /* of that row */
    int64_t changes, last_id;
    int64_t rows;           /* fetched while it was timed, in 'seconds'; 'since': of a fetch that waits, else 0 */
    double seconds, since;
    char tag[32];
} alch_run;

alch_run *alch_check_run(lua_State *L, int idx);

/* Fetches a row: pushes nothing and answers DONE, ROW with 'cells' filled
** until the next call, WAIT, or FAIL with 'err'. Their text is the run's own:
** Lua, which whoever looks at a row may call, and a finalizer, which comes
** wherever something is made, may close the result or its connection. */
alch_step alch_run_fetch(lua_State *L, alch_run *run, alch_err *err);

/* Leaves the driver connection that the run is executed on on the stack. */
void alch_run_push_connection(lua_State *L, int run_idx);

/* Leaves the run's shape on the stack. */
void alch_run_push_shape(lua_State *L, int run_idx);

#endif
