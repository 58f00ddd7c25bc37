#ifndef ALCH_PLUGIN_POSTGRESQL_H
#define ALCH_PLUGIN_POSTGRESQL_H

#if defined __has_include
#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#else
#include <postgresql/libpq-fe.h>
#endif
#else
#include <libpq-fe.h>
#endif

#include "alch/plugin.h"

/*
** The PostgreSQL driver on libpq. A connection is non-blocking and in
** pipeline mode from the moment it is open, so whatever an operation needs
** is sent at once and costs one round trip:
**
**     DEALLOCATE and Sync for each evicted statement  (operation.skip)
**     Parse, if the statement is new
**     Bind and Execute, once for each parameter set
**     Sync
**
** What comes back is taken in that order by alch_pg_advance (operation.c). An
** operation nobody wants any more is skipped: its results are dropped up to
** its Sync, before those of the next. Parameters and results travel as text,
** so that a value reads the same as in psql; bytes travel binary.
**
** A result is whole by default and belongs to its cursor, so several may be
** open. A streamed one (single-row mode) is the connection's operation until
** it is read to its end.
*/

enum { PG_NAME_SIZE = 40, PG_LIST_SIZE = 4096 };

/* The handle of a cached statement. */
typedef struct pg_statement {
    uint32_t id;
    unsigned char prepared;     /* the server has it */
    char name[PG_NAME_SIZE];    /* on the server */
} pg_statement;

/* Parameters as libpq takes them. 'bytes' holds what was made for them. */
typedef struct pg_params {
    const char **values;
    int *lengths, *formats;
    Oid *types;
    size_t size;                /* of the arrays */
    char *bytes;
    size_t room;
    size_t bytes_sent;          /* about what the last set makes on the wire */
} pg_params;

typedef enum pg_stage {
    STAGE_NONE,                 /* no operation in flight */
    STAGE_PARSE,                /* the next result is of ... */
    STAGE_EXECUTE,
    STAGE_SYNC
} pg_stage;

/* Is a prepared statement out of date, or has the server dropped it? */
typedef enum pg_staleness { STALE_NOT, STALE_PLAN, STALE_GONE } pg_staleness;

/* The one operation in flight. */
typedef struct pg_operation {
    pg_stage stage;
    size_t skip;                /* Syncs that end what nobody wants, first */
    alch_cursor *cursor;
    alch_statement *cached;     /* in use until the end; NULL: unnamed */
    const alch_param *sets;     /* of execute_many */
    size_t params, count;       /* in a set; sets */
    size_t sent, received;      /* sets */
    unsigned char many, stream, single_row;
    unsigned char found;        /* 'cached' was prepared by an earlier operation */
    unsigned char retry;        /* so if it is stale, it may be prepared anew */
    unsigned char synced;       /* Sync was sent */
    int failed;                 /* ALCH_ERR_*; 'err' says why */
    pg_staleness stale;         /* then, whether it is for that */
    alch_err err;
} pg_operation;

/* Lists with commas, as libpq takes them, of the same length. */
typedef struct pg_hosts {
    char names[PG_LIST_SIZE], addresses[PG_LIST_SIZE], ports[PG_LIST_SIZE];
} pg_hosts;

struct alch_conn {
    const alch_host *host;
    PGconn *pg;                 /* NULL while names are looked up */
    struct pg_resolving *resolving;     /* see resolve.c */
    struct pg_settings *settings;       /* what to open with then */
    unsigned char opening, lost;
    unsigned char waiting;      /* the last step answered WAIT */
    unsigned char prepares;     /* 0: prepared_statements=0 */
    unsigned char ddl;          /* there was some in the transaction */
    int want;                   /* alch_want */
    int transaction;            /* after the last operation; see alch_pg_transaction */
    uint32_t last_id;
    uint64_t nonce;             /* tells its statements from those of other connections */
    alch_statements *statements;
    uint32_t *closing;          /* ids the server is still to be told to drop */
    size_t closings, closing_room;
    char *key;                  /* SQL text, NUL, parameter types */
    size_t key_len, key_room;
    pg_params params;
    pg_operation op;
    struct pg_cancelling *cancelling;   /* the last cancel; NULL: there was none */
    alch_cursor *cursors;       /* open ones */
};

/* As in_transaction answers. What is skipped may have begun a transaction or
** ended one, so until its results are in there may be one. */
static inline int alch_pg_transaction(const alch_conn *c)
{
    return c->op.skip > 0 ? 1 : c->transaction;
}

typedef enum pg_cursor_state { CURSOR_RUNNING, CURSOR_ROWS, CURSOR_DONE, CURSOR_CLOSED } pg_cursor_state;

/* Bytes of one column, decoded from hex. */
typedef struct pg_bytes {
    char *at;
    size_t len, room;
    int row;                    /* of which row; -1: none */
} pg_bytes;

struct alch_cursor {
    const alch_host *host;
    alch_conn *conn;            /* NULL once that was closed or gave it up */
    alch_cursor *next, *prev;
    pg_cursor_state state;
    PGresult *result;
    int row, rows, columns;
    unsigned char nomem;        /* a cell could not be had: the next step fails */
    int64_t changes;
    size_t failed_set;
    char tag[64];
    pg_bytes *bytes;            /* one for each column, once there is a bytea */
};

/* errors.c */
alch_step alch_pg_fail_result(alch_conn *c, const PGresult *r, alch_err *err);
alch_step alch_pg_fail_conn(alch_conn *c, alch_err *err);
/* Says that a pooling proxy may be why. */
void alch_pg_blame_proxy(alch_err *err);
/* Says what became of the prepared statement, and what to do. */
void alch_pg_blame_staleness(alch_err *err, pg_staleness how);

/* connect.c */
alch_step alch_pg_open(const alch_driver *self, const alch_host *host, const alch_option *options,
                  size_t n, alch_conn **out, alch_err *err);
alch_step alch_pg_open_step(alch_conn *c, alch_err *err);
/* c->pg is fresh from PQconnectStart, or NULL. */
alch_step alch_pg_open_started(alch_conn *c, alch_err *err);

/* thread.c: calls work(job) on a thread that is left alone; 0: there can be none. */
int alch_pg_start_thread(void *(*work)(void *), void *job);

/* resolve.c: begins to look the names of hosts up, if that may take long; 0: libpq does it. */
int alch_pg_resolve(alch_conn *c, const char *names, const char *ports);
/* Readable when it is over; is it? */
int alch_pg_resolve_fd(const alch_conn *c);
int alch_pg_resolved(const alch_conn *c);
/* Then the hosts to try, until the release; NULL: there are none. */
const pg_hosts *alch_pg_resolved_hosts(alch_conn *c, alch_err *err);
/* The connection asks no more; what is on its way goes on. */
void alch_pg_resolve_release(alch_conn *c);

/* The i-th of a list with commas; NULL if it is shorter. */
const char *alch_pg_item(const char *list, size_t i, size_t *len);

/* hosts.c: the host being tried does not answer; on to the others. */
alch_step alch_pg_open_next(alch_conn *c, alch_err *err);

int alch_pg_cancel(alch_conn *c, alch_err *err);
int alch_pg_cancelling(const alch_conn *c);
/* The connection asks no more; what is on its way goes on. */
void alch_pg_cancel_release(alch_conn *c);

/* params.c: turns n parameters into c->params; text is copied only where it
** must be, or 'keep' is set. Refuses what PostgreSQL cannot hold. */
int alch_pg_params_set(alch_conn *c, const alch_param *params, size_t n, int keep, alch_err *err);
/* What alch_pg_params_set would refuse of any set after the first. */
int alch_pg_params_check(alch_conn *c, const alch_param *params, size_t n, size_t sets, alch_err *err);
void alch_pg_params_release(alch_conn *c);

/* statement.c */
alch_statement *alch_pg_statement_find(alch_conn *c);        /* by c->key */
alch_statement *alch_pg_statement_add(alch_conn *c, alch_err *err);
/* For c->nonce of a new connection. */
uint64_t alch_pg_nonce(const alch_conn *c);
void alch_pg_statement_drop(void *conn, void *handle);
/* Sends what evicted statements still owe; 0 if libpq failed. */
int alch_pg_statement_send_closings(alch_conn *c);
/* c->key of the text and the types in c->params. */
int alch_pg_key_set(alch_conn *c, const char *sql, size_t len, size_t params, alch_err *err);

/* operation.c */
alch_step alch_pg_execute(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                     unsigned flags, alch_cursor **out, alch_err *err);
alch_step alch_pg_execute_many(alch_conn *c, const char *sql, size_t len, const alch_param *params,
                          size_t n, size_t sets, unsigned flags, alch_cursor **out, alch_err *err);
/* Takes what has come; DONE at the end of the operation, ROW for a streamed row. */
alch_step alch_pg_advance(alch_conn *c, alch_err *err);
/* The operation in flight loses its cursor: what is still to come is skipped. */
void alch_pg_abandon(alch_conn *c);

/* cursor.c */
alch_cursor *alch_pg_cursor_new(alch_conn *c);
void alch_pg_cursor_take(alch_cursor *k, PGresult *r);       /* owns 'r' from now on */
alch_step alch_pg_cursor_step(alch_cursor *k, alch_err *err);
void alch_pg_cursor_free(alch_cursor *k);
void alch_pg_cell(alch_cursor *k, int i, alch_value *out);
void alch_pg_row(alch_cursor *k, alch_value *out);
void alch_pg_finish(alch_conn *c);

#endif
