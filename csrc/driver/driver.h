#ifndef ALCH_DRIVER_DRIVER_H
#define ALCH_DRIVER_DRIVER_H

#include "base/err.h"
#include "value/value.h"

/*
** What a database driver does. Every operation that may wait is a step: no
** driver function blocks on a socket or calls Lua. A step answers one of
** alch_step; on ALCH_STEP_WAIT the caller waits as 'alch_driver.want' says
** and steps again.
**
** A connection (alch_conn) has one owner at a time and runs one *operation*
** at a time up to its first row; cursors that have begun to deliver rows may
** stay open side by side (SQLite: each its own statement; PostgreSQL: each
** its own, complete PGresult). Closing a connection finishes its cursors:
** their later steps fail with ALCH_ERR_CLOSED, and they still need
** cursor_free.
**
** Errors: 'err' has the class by cause (integrity, busy, disconnect ...),
** sqlstate or native code, and constraint, table, column where known. After
** ALCH_ERR_DISCONNECT the connection is only good for 'close'.
*/
typedef enum alch_step {
    ALCH_STEP_FAIL = -1,    /* err is filled */
    ALCH_STEP_DONE = 0,     /* finished; for a cursor: no more rows */
    ALCH_STEP_ROW = 1,      /* a cursor stands on a row */
    ALCH_STEP_WAIT = 2
} alch_step;

typedef enum alch_want { ALCH_WANT_READ = 1, ALCH_WANT_WRITE = 2 } alch_want;

typedef struct alch_conn alch_conn;       /* the driver's own; opaque outside it */
typedef struct alch_cursor alch_cursor;

/* A connection's parameters: from the URL and connect_args. Borrowed for the call. */
typedef struct alch_option { const char *key, *value; } alch_option;

enum {
    ALCH_CURSOR_NO_CACHE = 1,   /* do not keep the prepared statement */
    ALCH_CURSOR_STREAM = 2      /* deliver rows before all have arrived */
};

#define ALCH_DRIVER_ABI 1

enum {
    ALCH_DRIVER_NEVER_WAITS = 1,    /* steps never answer WAIT: may be driven to the end in C */
    ALCH_DRIVER_LOCAL = 2           /* no network: a finalizer may wait for it to roll back */
};

/* What the core lends a driver: allocation, errors, the statement cache. A
** plug-in cannot link to the core (include/alch/plugin.h defines it). */
typedef struct alch_host alch_host;

typedef struct alch_driver alch_driver;

struct alch_driver {
    uint32_t abi;           /* ALCH_DRIVER_ABI; new members go to the end only */
    uint32_t flags;
    const char *name;       /* "sqlite", "libpq" */

    /* Begins to connect. '*out' is the caller's as soon as it is not NULL,
    ** also after failure. DONE, WAIT or FAIL. 'self' is the driver itself, for
    ** one that carries data; 'host' outlives the connection. */
    alch_step (*open)(const alch_driver *self, const alch_host *host,
                      const alch_option *options, size_t n, alch_conn **out, alch_err *err);
    alch_step (*open_step)(alch_conn *c, alch_err *err);
    void (*close)(alch_conn *c);                /* never waits; NULL is allowed */

    /* What to wait for after WAIT. 'want' is a set of alch_want; the
    ** descriptor may change between calls while connecting. */
    int (*fd)(const alch_conn *c);
    int (*want)(const alch_conn *c);

    /* Begins to execute one statement: bind parameters (copied or sent before
    ** return: nothing of 'params' is kept), take the prepared statement from
    ** the connection's cache or prepare it. '*out' is the caller's as soon as
    ** it is not NULL. DONE means no rows will come, ROW that the first stands
    ** ready, WAIT: call cursor_step. */
    alch_step (*execute)(alch_conn *c, const char *sql, size_t len,
                         const alch_param *params, size_t n, unsigned flags,
                         alch_cursor **out, alch_err *err);
    /* The same statement for many parameter sets, rows not wanted: 'params'
    ** holds sets * n, set after set. The whole of it may be sent in a
    ** pipeline. Until DONE or FAIL 'params' must live. 'changes' of the cursor
    ** is the sum; after FAIL, cursor_failed_set tells which set it was. */
    alch_step (*execute_many)(alch_conn *c, const char *sql, size_t len,
                              const alch_param *params, size_t n, size_t sets, unsigned flags,
                              alch_cursor **out, alch_err *err);
    alch_step (*cursor_step)(alch_cursor *k, alch_err *err);
    void (*cursor_free)(alch_cursor *k);        /* resets; never waits; NULL is allowed */

    /* Of the current row and the statement. Text lives until the next step
    ** of this cursor. Values are NULL, BOOL, INT, FLOAT, TEXT, BLOB. A cursor
    ** whose connection was closed or finished has no columns any more. */
    int (*column_count)(const alch_cursor *k);
    const char *(*column_name)(const alch_cursor *k, int i);
    uint32_t (*column_type)(const alch_cursor *k, int i);   /* PostgreSQL's OID; 0 elsewhere */
    void (*cell)(alch_cursor *k, int i, alch_value *out);
    int64_t (*changes)(const alch_cursor *k);   /* rows matched; -1: unknown */
    int64_t (*last_insert_id)(const alch_conn *c);  /* SQLite's rowid; 0 elsewhere */
    const char *(*command_tag)(const alch_cursor *k);   /* PostgreSQL: "ROLLBACK" ...; "" elsewhere */

    /* State of the connection as the database sees it, without asking it. */
    int (*in_transaction)(const alch_conn *c);  /* 1, 0; -1: in a failed transaction */
    int (*alive)(const alch_conn *c);           /* 0 once it is known to be lost */
    int (*server_version)(const alch_conn *c);  /* 150004, 3040001 */

    /* Asks a running operation to stop; safe while WAIT is outstanding. */
    int (*cancel)(alch_conn *c, alch_err *err);

    /* Live prepared statements, for metrics and specs. */
    size_t (*statement_cache_len)(const alch_conn *c);

    /* Every cell of the current row at once: 'out' has room for column_count
    ** values. The same values as 'cell' gives, one call a row. */
    void (*row)(alch_cursor *k, alch_value *out);
    /* The set (from 0) that made execute_many fail; (size_t)-1: unknown. */
    size_t (*cursor_failed_set)(const alch_cursor *k);
    /* Ends what is still open on a connection that goes on living (checkin):
    ** its cursors behave as after 'close'. Never waits. */
    void (*finish)(alch_conn *c);
    /* Gives the statements from now on so many seconds, 0: any number, after
    ** which they fail with ALCH_ERR_CANCELLED. 1 if the driver sees to it; 0,
    ** or no such function: the caller waits itself, and cancels. */
    int (*limit)(alch_conn *c, double seconds);
    /* While opening: the server being tried has taken too long, on to the next
    ** one of those that the options name. As 'open_step'; FAIL if there is
    ** none. NULL: never. */
    alch_step (*open_next)(alch_conn *c, alch_err *err);
    /* Is what 'cancel' asked for still on its way? It could hit the next
    ** operation. NULL: never. */
    int (*cancelling)(const alch_conn *c);
    /* Copies the database to the file 'path', or from it ('restore'), 'pages'
    ** at a time, all that are left if negative; each call is a step, the last
    ** one leaves none. BUSY may be asked again. NULL for 'path' gives the copy
    ** up. NULL: the driver cannot. */
    int (*backup)(alch_conn *c, const char *path, int restore, int pages, int *left, int *total, alch_err *err);
};

#endif
