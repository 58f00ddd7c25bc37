/* Prepared statements: taken from the connection's cache or prepared. */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "plugins/sqlite/sqlite.h"

/* After white space, comments and (where they mean nothing) semicolons. */
static const char *skip_blank(const char *s, const char *end, int semicolons)
{
    while (s < end) {
        if (isspace((unsigned char)*s) || (semicolons && *s == ';')) {
            s++;
        } else if (end - s >= 2 && s[0] == '-' && s[1] == '-') {
            while (s < end && *s != '\n')
                s++;
        } else if (end - s >= 2 && s[0] == '/' && s[1] == '*') {
            for (s += 2; s < end && !(end - s >= 2 && s[0] == '*' && s[1] == '/'); s++)
                continue;
            s = end - s >= 2 ? s + 2 : end;
        } else {
            break;
        }
    }
    return s;
}

/* Does the statement count rows? (DDL and PRAGMA leave sqlite3_changes as it was.) */
static int is_dml(const char *s, const char *end)
{
    static const char *const verbs[] = { "insert", "update", "delete", "replace", "with" };
    size_t i;

    s = skip_blank(s, end, 0);
    for (i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        size_t n = strlen(verbs[i]);

        if ((size_t)(end - s) >= n && sqlite3_strnicmp(s, verbs[i], (int)n) == 0)
            return 1;
    }
    return 0;
}

void alch_sqlite_statement_drop(void *conn, void *handle)
{
    alch_conn *c = conn;
    sqlite_statement *st = handle;

    (void)sqlite3_finalize(st->stmt);
    c->host->free(st);
}

static int refuse(alch_conn *c, alch_err *err, const char *what)
{
    (void)c->host->err_set(err, ALCH_ERR_PROGRAMMING, "%s", what);
    return 0;
}

/* One statement and nothing behind it; 1, or 0 with 'err' filled. The text
** comes from Lua or an alch_buf, so it may be of any length. */
static int prepare(alch_conn *c, const char *sql, size_t len, unsigned flags,
                   sqlite3_stmt **stmt, alch_err *err)
{
    unsigned how = flags & ALCH_CURSOR_NO_CACHE ? 0 : SQLITE_PREPARE_PERSISTENT;
    const char *tail;
    int rc;

    if (len > INT_MAX)
        return alch_sqlite_fail(c->host, NULL, SQLITE_TOOBIG, err), 0;
    if (memchr(sql, '\0', len) != NULL)
        return refuse(c, err, "the statement contains a zero byte; bind such text as a parameter");
    rc = sqlite3_prepare_v3(c->db, sql, (int)len, how, stmt, &tail);
    if (rc != SQLITE_OK)
        return alch_sqlite_fail(c->host, c->db, rc, err), 0;
    if (*stmt == NULL)
        return refuse(c, err, "the statement is empty");
    if (skip_blank(tail, sql + len, 1) != sql + len)
        return refuse(c, err, "only one statement can be executed at a time; split the text at its semicolons");
    return 1;
}

static sqlite_statement *statement_new(alch_conn *c, const char *sql, size_t len, unsigned flags,
                                       alch_err *err)
{
    sqlite_statement *st = c->host->alloc0(sizeof *st);

    if (st == NULL) {
        (void)c->host->err_nomem(err);
        return NULL;
    }
    if (!prepare(c, sql, len, flags, &st->stmt, err)) {
        alch_sqlite_statement_drop(c, st);
        return NULL;
    }
    st->params = sqlite3_bind_parameter_count(st->stmt);
    st->columns = sqlite3_column_count(st->stmt);
    if (!sqlite3_stmt_readonly(st->stmt) && !sqlite3_stmt_isexplain(st->stmt)) {
        st->dml = (unsigned char)is_dml(sql, sql + len);
        st->buffered = st->columns > 0;
    }
    return st;
}

alch_statement *alch_sqlite_statement_take(alch_conn *c, const char *sql, size_t len,
                                      unsigned flags, alch_err *err)
{
    alch_statement *cached = c->host->statements_find(c->statements, sql, len);
    sqlite_statement *st;

    if (cached != NULL)
        return cached;
    st = statement_new(c, sql, len, flags, err);
    if (st == NULL)
        return NULL;
    cached = c->host->statements_add(c->statements, sql, len, st);
    if (cached == NULL) {
        alch_sqlite_statement_drop(c, st);
        (void)c->host->err_nomem(err);
    } else if (flags & ALCH_CURSOR_NO_CACHE) {
        c->host->statements_forget(c->statements, cached);
    }
    return cached;
}
