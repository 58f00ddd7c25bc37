/* Execution. A statement that answers no rows, and one that writes (RETURNING
** and the like), is run to its end inside 'execute': an unfinished writer
** would make COMMIT fail. Only a plain SELECT stays open between steps. Its rows
** are kept some at a time: SQLite and what is made of a row no longer take turns
** in the processor's caches with every row. */
#include <string.h>

#include "plugins/sqlite/sqlite.h"

enum {
    MAX_SPARE_CURSORS = 8,
    MAX_SPARE_ROOM = 1 << 16,       /* bytes of buffered rows kept for the next use */
    MAX_AHEAD = 32                  /* rows of a SELECT kept at once */
};

#if SQLITE_VERSION_NUMBER >= 3037000
#define count_changes(db) sqlite3_changes64(db)
#else
#define count_changes(db) sqlite3_changes(db)
#endif

static alch_cursor *cursor_new(alch_conn *c)
{
    alch_cursor *k = c->spare;
    sqlite_rows *rows = NULL;

    if (k != NULL) {
        c->spare = k->next;
        c->spares--;
        rows = k->rows;
    } else {
        k = c->host->alloc(sizeof *k);
        if (k == NULL)
            return NULL;
    }
    memset(k, 0, sizeof *k);
    k->rows = rows;
    k->host = c->host;
    k->conn = c;
    k->failed_set = (size_t)-1;
    k->next = c->cursors;
    if (k->next != NULL)
        k->next->prev = k;
    c->cursors = k;
    return k;
}

/* Resets the statement, which ends its read lock and borrows nothing more. */
static void reset(alch_cursor *k)
{
    (void)sqlite3_reset(k->stmt);
    if (k->st->params > 0)
        (void)sqlite3_clear_bindings(k->stmt);
}

static void give_back(alch_cursor *k)
{
    if (k->cached != NULL) {
        k->host->statements_done(k->conn->statements, k->cached);
        k->cached = NULL;
        k->st = NULL;
        k->stmt = NULL;
    }
}

static void unlink_cursor(alch_cursor *k)
{
    if (k->prev != NULL)
        k->prev->next = k->next;
    else
        k->conn->cursors = k->next;
    if (k->next != NULL)
        k->next->prev = k->prev;
}

/* Takes the statement away; the cursor then belongs to its holder alone. */
static void detach(alch_cursor *k)
{
    if (k->cached != NULL)
        reset(k);
    give_back(k);
    unlink_cursor(k);
    k->conn = NULL;
    k->state = CURSOR_CLOSED;
    k->columns = 0;
}

void alch_sqlite_finish(alch_conn *c)
{
    while (c->cursors != NULL)
        detach(c->cursors);
}

static void cursor_destroy(const alch_host *host, alch_cursor *k)
{
    alch_sqlite_rows_drop(host, k->rows);
    host->free(k);
}

void alch_sqlite_cursor_free(alch_cursor *k)
{
    alch_conn *c = k != NULL ? k->conn : NULL;

    if (c != NULL)
        detach(k);
    if (k == NULL)
        return;
    if (k->rows != NULL && k->rows->room > MAX_SPARE_ROOM) {
        alch_sqlite_rows_drop(k->host, k->rows);
        k->rows = NULL;
    }
    if (c != NULL && c->spares < MAX_SPARE_CURSORS) {
        k->next = c->spare;
        c->spare = k;
        c->spares++;
    } else {
        cursor_destroy(k->host, k);
    }
}

/* A cursor with its statement. */
static alch_cursor *start(alch_conn *c, const char *sql, size_t len, unsigned flags, alch_err *err)
{
    alch_cursor *k;

    if (c->db == NULL) {
        (void)c->host->err_set(err, ALCH_ERR_CLOSED, "the connection is closed");
        return NULL;
    }
    k = cursor_new(c);
    if (k == NULL) {
        (void)c->host->err_nomem(err);
        return NULL;
    }
    k->cached = alch_sqlite_statement_take(c, sql, len, flags, err);
    if (k->cached == NULL) {
        alch_sqlite_cursor_free(k);
        return NULL;
    }
    k->st = k->cached->handle;
    k->stmt = k->st->stmt;
    k->changes = k->st->dml ? 0 : -1;
    return k;
}

static alch_step fail(alch_cursor *k, int rc, alch_err *err)
{
    (void)alch_sqlite_fail(k->host, k->conn->db, rc, err);
    reset(k);
    k->state = CURSOR_DONE;
    return ALCH_STEP_FAIL;
}

static alch_step fail_nomem(alch_cursor *k, alch_err *err)
{
    reset(k);
    k->state = CURSOR_DONE;
    (void)k->host->err_nomem(err);
    return ALCH_STEP_FAIL;
}

/* One step of a SELECT. */
static alch_step step_row(alch_cursor *k, alch_err *err)
{
    int rc = alch_sqlite_step(k->conn, k->stmt);

    if (rc == SQLITE_ROW) {
        k->state = CURSOR_ROW;
        return ALCH_STEP_ROW;
    }
    if (rc != SQLITE_DONE)
        return fail(k, rc, err);
    reset(k);
    k->state = CURSOR_DONE;
    return ALCH_STEP_DONE;
}

/* A row of a writing statement; 0 when memory runs out. */
static int keep_row(alch_cursor *k)
{
    if (k->rows == NULL)
        k->rows = k->host->alloc0(sizeof *k->rows);
    return k->rows != NULL && alch_sqlite_rows_add(k->host, k->rows, k->stmt, k->columns);
}

static void forget_rows(alch_cursor *k)
{
    if (k->rows != NULL)
        k->rows->len = k->rows->used = k->rows->at = 0;
}

/* The next rows of a SELECT: never more than were taken before, as nobody knows what they
** cost and whether they are wanted, and one at a time, not kept, while they are large. */
static alch_step step_ahead(alch_cursor *k, alch_err *err)
{
    alch_step step = ALCH_STEP_DONE;
    int n;

    if (k->ahead == 0) {
        k->ahead = 1;
        return step_row(k, err);
    }
    forget_rows(k);
    for (n = 0; n < k->ahead && (step = step_row(k, err)) == ALCH_STEP_ROW; n++) {
        if (!keep_row(k))
            return fail_nomem(k, err);
        if (k->rows->used > MAX_SPARE_ROOM)
            break;
    }
    if (step == ALCH_STEP_FAIL || n == 0)
        return step;
    k->ahead = k->rows->used > MAX_SPARE_ROOM ? 0 : k->ahead < MAX_AHEAD ? 2 * k->ahead : MAX_AHEAD;
    k->more = step == ALCH_STEP_ROW;
    k->state = CURSOR_BUFFERED;
    return ALCH_STEP_ROW;
}

/* Runs to the end, keeping rows if 'keep'. */
static alch_step run(alch_cursor *k, int keep, alch_err *err)
{
    int rc;

    while ((rc = alch_sqlite_step(k->conn, k->stmt)) == SQLITE_ROW)
        if (keep && !keep_row(k))
            return fail_nomem(k, err);
    if (rc != SQLITE_DONE)
        return fail(k, rc, err);
    if (k->st->dml)
        k->changes += count_changes(k->conn->db);
    (void)sqlite3_reset(k->stmt);
    return ALCH_STEP_DONE;
}

static alch_step run_once(alch_cursor *k, alch_err *err)
{
    forget_rows(k);
    if (run(k, k->st->buffered, err) == ALCH_STEP_FAIL)
        return ALCH_STEP_FAIL;
    (void)sqlite3_clear_bindings(k->stmt);
    if (k->columns == 0)
        give_back(k);       /* nothing of it is needed any more */
    if (k->rows == NULL || k->rows->len == 0)
        return ALCH_STEP_DONE;
    k->state = CURSOR_BUFFERED;
    return ALCH_STEP_ROW;
}

alch_step alch_sqlite_execute(alch_conn *c, const char *sql, size_t len, const alch_param *params,
                         size_t n, unsigned flags, alch_cursor **out, alch_err *err)
{
    alch_cursor *k = start(c, sql, len, flags, err);
    alch_step step;
    int at_once;

    *out = NULL;
    if (k == NULL)
        return ALCH_STEP_FAIL;
    at_once = k->st->columns == 0 || k->st->buffered;
    k->columns = k->st->columns;
    if (alch_sqlite_bind(c, k->st, params, n, at_once, err) != ALCH_OK)
        step = ALCH_STEP_FAIL;
    else
        step = at_once ? run_once(k, err) : step_row(k, err);
    if (step == ALCH_STEP_FAIL) {
        alch_sqlite_cursor_free(k);
        return ALCH_STEP_FAIL;
    }
    /* The first step prepares anew after a change of the schema, and a
    ** "SELECT *" may have more columns then. */
    if (k->stmt != NULL && !k->st->buffered)
        k->columns = k->st->columns = sqlite3_column_count(k->stmt);
    *out = k;
    return step;
}

alch_step alch_sqlite_execute_many(alch_conn *c, const char *sql, size_t len, const alch_param *params,
                              size_t n, size_t sets, unsigned flags, alch_cursor **out,
                              alch_err *err)
{
    alch_cursor *k = start(c, sql, len, flags, err);
    size_t i;

    *out = k;
    if (k == NULL)
        return ALCH_STEP_FAIL;
    for (i = 0; i < sets; i++)
        if (alch_sqlite_bind(c, k->st, params + i * n, n, 1, err) != ALCH_OK
            || run(k, 0, err) == ALCH_STEP_FAIL) {
            k->failed_set = i;
            break;
        }
    (void)sqlite3_clear_bindings(k->stmt);
    give_back(k);
    return i == sets ? ALCH_STEP_DONE : ALCH_STEP_FAIL;
}

alch_step alch_sqlite_cursor_step(alch_cursor *k, alch_err *err)
{
    switch (k->state) {
    case CURSOR_ROW:
        return k->nomem ? fail_nomem(k, err) : step_ahead(k, err);
    case CURSOR_BUFFERED:
        k->rows->at += (size_t)k->columns;
        if (k->rows->at < k->rows->len)
            return ALCH_STEP_ROW;
        if (k->more)
            return step_ahead(k, err);
        k->state = CURSOR_DONE;
        return ALCH_STEP_DONE;
    case CURSOR_CLOSED:
        (void)k->host->err_set(err, ALCH_ERR_CLOSED, "the connection of this result was closed or given back");
        return ALCH_STEP_FAIL;
    case CURSOR_DONE:
        break;
    }
    return ALCH_STEP_DONE;
}

int alch_sqlite_column_count(const alch_cursor *k) { return k->columns; }

const char *alch_sqlite_column_name(const alch_cursor *k, int i)
{
    const char *name = k->stmt != NULL && i >= 0 && i < k->columns ? sqlite3_column_name(k->stmt, i) : NULL;

    return name != NULL ? name : "";
}

void alch_sqlite_cursor_cell(alch_cursor *k, int i, alch_value *out)
{
    if (k->state == CURSOR_BUFFERED)
        alch_sqlite_rows_cell(k->rows, i, out);
    else if (k->state != CURSOR_ROW)
        out->kind = ALCH_NULL;
    else if (!alch_sqlite_cell(k->stmt, i, out)) {
        out->kind = ALCH_NULL;
        k->nomem = 1;
    }
}

void alch_sqlite_cursor_row(alch_cursor *k, alch_value *out)
{
    int i;

    if (k->state == CURSOR_BUFFERED) {
        alch_sqlite_rows_row(k->rows, k->columns, out);
        return;
    }
    for (i = 0; i < k->columns; i++)
        alch_sqlite_cursor_cell(k, i, out + i);
}

int64_t alch_sqlite_cursor_changes(const alch_cursor *k) { return k->changes; }

size_t alch_sqlite_cursor_failed_set(const alch_cursor *k) { return k->failed_set; }
