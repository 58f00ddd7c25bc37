#include "plugins/sqlite/sqlite.h"

/* A NULL pointer would bind NULL, so an empty value needs an address. */
static int bind_bytes(sqlite3_stmt *stmt, int i, const alch_value *v, int borrow)
{
    sqlite3_destructor_type life = borrow ? SQLITE_STATIC : SQLITE_TRANSIENT;
    const char *at = v->as.text.len > 0 ? v->as.text.at : "";

    if (v->kind == ALCH_TEXT)
        return sqlite3_bind_text64(stmt, i, at, v->as.text.len, life, SQLITE_UTF8);
    if (v->as.text.len == 0)
        return sqlite3_bind_zeroblob(stmt, i, 0);
    return sqlite3_bind_blob64(stmt, i, at, v->as.text.len, life);
}

/* SQLite would store NaN as NULL without a word. */
static int bind_float(const alch_conn *c, sqlite3_stmt *stmt, int i, double x, alch_err *err)
{
    if (x != x)
        return c->host->err_set(err, ALCH_ERR_DATA,
                                "parameter %d is NaN, which SQLite cannot hold: it would become NULL", i);
    return sqlite3_bind_double(stmt, i, x);
}

static int bind_value(const alch_conn *c, sqlite3_stmt *stmt, int i, const alch_value *v,
                      int borrow, alch_err *err)
{
    switch (v->kind) {
    case ALCH_NULL: return sqlite3_bind_null(stmt, i);
    case ALCH_BOOL: return sqlite3_bind_int(stmt, i, v->as.boolean != 0);
    case ALCH_INT: return sqlite3_bind_int64(stmt, i, v->as.integer);
    case ALCH_FLOAT: return bind_float(c, stmt, i, v->as.number, err);
    case ALCH_TEXT: case ALCH_BLOB: return bind_bytes(stmt, i, v, borrow);
    default:
        return c->host->err_set(err, ALCH_ERR_INTERFACE,
                                "parameter %d is of kind %d: a type must convert it before it is bound",
                                i, (int)v->kind);
    }
}

int alch_sqlite_bind(const alch_conn *c, const sqlite_statement *st, const alch_param *params,
                size_t n, int borrow, alch_err *err)
{
    int i;

    if ((size_t)st->params != n)
        return c->host->err_set(err, ALCH_ERR_PROGRAMMING,
                                "the statement has %d parameter%s, but %zu value%s given",
                                st->params, st->params == 1 ? "" : "s", n, n == 1 ? " is" : "s are");
    for (i = 0; i < st->params; i++) {
        int rc = bind_value(c, st->stmt, i + 1, &params[i].value, borrow, err);

        if (rc > 0) {       /* SQLite's codes are positive, ours negative */
            (void)alch_sqlite_fail(c->host, c->db, rc, err);
            return rc;
        }
        if (rc < 0)
            return rc;
    }
    return ALCH_OK;
}
