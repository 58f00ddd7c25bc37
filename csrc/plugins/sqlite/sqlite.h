#ifndef ALCH_PLUGIN_SQLITE_H
#define ALCH_PLUGIN_SQLITE_H

#include <sqlite3.h>

#include "alch/plugin.h"

/*
** The SQLite driver. It never waits: a step runs the statement as far as
** its next row. What SQLite itself waits for (another process's lock) it
** waits for inside, up to busy_timeout.
**
** Who owns what: a connection owns its database handle, its statement cache
** and a list of its cursors; a cursor borrows a statement of the cache until
** it is freed. Closing the connection takes the statements away from its
** cursors, so that the two may be freed in any order.
*/

/* The handle of a cached statement. */
typedef struct sqlite_statement {
    sqlite3_stmt *stmt;
    int params, columns;
    unsigned char dml;          /* sqlite3_changes means something after it */
    unsigned char buffered;     /* writes and answers rows: run to its end at once */
} sqlite_statement;

struct alch_conn {
    const alch_host *host;
    sqlite3 *db;                /* NULL once closed */
    alch_statements *statements;
    alch_cursor *cursors;       /* open ones, through next */
    alch_cursor *spare;         /* freed ones, through next */
    int spares;
    sqlite3 *file;              /* backup.c: what is copied to or from, and the copying; NULL: nothing */
    sqlite3_backup *copying;
    int limited;                /* limit.c: statements have a time */
    double budget, stop_at;     /* seconds left; when the running step must end */
};

typedef enum cursor_state {
    CURSOR_DONE,        /* no row, no more to come */
    CURSOR_ROW,         /* stands on a row of the statement */
    CURSOR_BUFFERED,    /* stands on a row of 'rows' */
    CURSOR_CLOSED       /* its connection took the statement away */
} cursor_state;

struct alch_cursor {
    const alch_host *host;
    alch_conn *conn;            /* NULL once that was closed */
    alch_cursor *next, *prev;
    alch_statement *cached;     /* NULL once given back */
    sqlite_statement *st;
    sqlite3_stmt *stmt;
    cursor_state state;
    int columns;
    int64_t changes;
    unsigned char nomem;        /* a cell could not be had: the next step fails */
    unsigned char more;         /* BUFFERED: the statement has rows beyond those kept */
    unsigned char ahead;        /* how many rows to keep next time; 0: a single one, not kept */
    size_t failed_set;
    struct sqlite_rows *rows;   /* of a writing statement that answers rows, or the next ones of a SELECT */
};

/* errors.c: turns what SQLite says into a class and fields. 'rc' may be a
** plain or an extended code. */
alch_step alch_sqlite_fail(const alch_host *host, sqlite3 *db, int rc, alch_err *err);

/* pragmas.c: applies the options of an URL, in an order that works, and the
** defaults. ALCH_OK or an error. */
int alch_sqlite_configure(alch_conn *c, const alch_option *options, size_t n, alch_err *err);
/* Is this an option of the driver's open, or a known pragma? */
int alch_sqlite_known_option(const char *key);

/* regexp.c: the function behind the operator REGEXP. ALCH_OK or an error. */
int alch_sqlite_add_regexp(alch_conn *c, alch_err *err);

/* backup.c: a step of a copy, see alch_driver.backup; and its end. */
int alch_sqlite_backup(alch_conn *c, const char *path, int restore, int pages, int *left, int *total, alch_err *err);
void alch_sqlite_backup_end(alch_conn *c);

/* bind.c: all parameters of one execution; text is copied unless 'borrow'. */
int alch_sqlite_bind(const alch_conn *c, const sqlite_statement *st, const alch_param *params,
                size_t n, int borrow, alch_err *err);

/* limit.c: the time that all further steps may take together; 0: any. Answers 1. */
int alch_sqlite_limit(alch_conn *c, double seconds);
int alch_sqlite_step(alch_conn *c, sqlite3_stmt *stmt);

/* rows.c: rows kept by the driver. */
typedef struct sqlite_rows {
    alch_value *cells;          /* text holds an offset into 'bytes' */
    size_t len, size;           /* cells */
    char *bytes;
    size_t used, room;
    size_t at;                  /* first cell of the current row */
} sqlite_rows;

/* Appends the row 'stmt' stands on; 0 when memory runs out. */
int alch_sqlite_rows_add(const alch_host *host, sqlite_rows *r, sqlite3_stmt *stmt, int columns);
void alch_sqlite_rows_cell(const sqlite_rows *r, int i, alch_value *out);
void alch_sqlite_rows_row(const sqlite_rows *r, int columns, alch_value *out);
void alch_sqlite_rows_drop(const alch_host *host, sqlite_rows *r);
/* One cell of the row 'stmt' stands on; 0 when memory ran out over it. */
int alch_sqlite_cell(sqlite3_stmt *stmt, int i, alch_value *out);

/* statement.c: an idle or new prepared statement, in use from now on. */
alch_statement *alch_sqlite_statement_take(alch_conn *c, const char *sql, size_t len,
                                      unsigned flags, alch_err *err);
void alch_sqlite_statement_drop(void *conn, void *handle);

/* cursor.c: the cursor functions of the driver. */
alch_step alch_sqlite_execute(alch_conn *c, const char *sql, size_t len, const alch_param *params,
                         size_t n, unsigned flags, alch_cursor **out, alch_err *err);
alch_step alch_sqlite_execute_many(alch_conn *c, const char *sql, size_t len, const alch_param *params,
                              size_t n, size_t sets, unsigned flags, alch_cursor **out,
                              alch_err *err);
alch_step alch_sqlite_cursor_step(alch_cursor *k, alch_err *err);
void alch_sqlite_cursor_free(alch_cursor *k);
int alch_sqlite_column_count(const alch_cursor *k);
const char *alch_sqlite_column_name(const alch_cursor *k, int i);
void alch_sqlite_cursor_cell(alch_cursor *k, int i, alch_value *out);
void alch_sqlite_cursor_row(alch_cursor *k, alch_value *out);
int64_t alch_sqlite_cursor_changes(const alch_cursor *k);
size_t alch_sqlite_cursor_failed_set(const alch_cursor *k);
void alch_sqlite_finish(alch_conn *c);

#endif
