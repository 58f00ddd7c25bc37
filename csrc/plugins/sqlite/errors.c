/* SQLite's answers as error classes (FEATURES Y04): the extended code says
** the class, the message which constraint, table and column. */
#include <string.h>

#include "plugins/sqlite/sqlite.h"

static int class_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT: case SQLITE_MISMATCH: return ALCH_ERR_INTEGRITY;
    case SQLITE_BUSY: case SQLITE_LOCKED: return ALCH_ERR_BUSY;
    case SQLITE_NOMEM: return ALCH_ERR_NOMEM;
    case SQLITE_INTERRUPT: return ALCH_ERR_CANCELLED;
    case SQLITE_TOOBIG: return ALCH_ERR_DATA;
    case SQLITE_MISUSE: case SQLITE_RANGE: return ALCH_ERR_INTERFACE;
    case SQLITE_INTERNAL: return ALCH_ERR_INTERNAL;
    case SQLITE_CORRUPT: case SQLITE_NOTADB: return ALCH_ERR_DATABASE;
    default: return ALCH_ERR_OPERATIONAL;   /* ERROR, READONLY, IOERR, FULL, CANTOPEN ... */
    }
}

static void copy_part(char *to, size_t size, const char *from, size_t n)
{
    if (n >= size)
        n = size - 1;
    memcpy(to, from, n);
    to[n] = '\0';
}

/* "users.email, users.org_id": the table once, the columns as a list. */
static void read_columns(const char *list, alch_err *err)
{
    const char *dot = strchr(list, '.');
    size_t used = 0;

    if (dot == NULL)
        return;
    copy_part(err->table, sizeof err->table, list, (size_t)(dot - list));
    while (dot != NULL) {
        const char *end = strstr(dot, ", ");
        size_t n = end != NULL ? (size_t)(end - dot) - 1 : strlen(dot + 1);

        if (used > 0 && used + 2 < sizeof err->column) {
            memcpy(err->column + used, ", ", 3);
            used += 2;
        }
        copy_part(err->column + used, sizeof err->column - used, dot + 1, n);
        used += strlen(err->column + used);
        dot = end != NULL ? strchr(end, '.') : NULL;
    }
}

/* "index 'ix_lower_email'" stands where an index is over an expression. */
static void read_index(const char *rest, alch_err *err)
{
    const char *end = strrchr(rest, '\'');

    if (end != NULL && end > rest)
        copy_part(err->constraint, sizeof err->constraint, rest, (size_t)(end - rest));
}

static void read_constraint(alch_err *err)
{
    static const char failed[] = " constraint failed: ";
    const char *at = strstr(err->text, failed);

    if (at == NULL)
        return;
    at += sizeof failed - 1;
    if (strncmp(err->text, "CHECK", 5) == 0)
        copy_part(err->constraint, sizeof err->constraint, at, strlen(at));
    else if (strncmp(at, "index '", 7) == 0)
        read_index(at + 7, err);
    else
        read_columns(at, err);
}

alch_step alch_sqlite_fail(const alch_host *host, sqlite3 *db, int rc, alch_err *err)
{
    const char *text = sqlite3_errstr(rc);

    if (db != NULL && (sqlite3_errcode(db) & 0xff) == (rc & 0xff)) {
        rc = sqlite3_extended_errcode(db);
        text = sqlite3_errmsg(db);
    }
    (void)host->err_set(err, class_of(rc), "%s", text);
    if (err != NULL) {
        err->native = rc;
        if ((rc & 0xff) == SQLITE_CONSTRAINT)
            read_constraint(err);
    }
    return ALCH_STEP_FAIL;
}
