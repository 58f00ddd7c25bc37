#include <string.h>

#include "plugins/sqlite/sqlite.h"

/* The value is fetched once and then asked directly: sqlite3_column_x looks it
** up and takes the mutex anew each time. That it is "unprotected" does no harm:
** a connection has one owner at a time. */
int alch_sqlite_cell(sqlite3_stmt *stmt, int i, alch_value *out)
{
    sqlite3_value *v = sqlite3_column_value(stmt, i);

    out->zone = ALCH_ZONE_NONE;
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER:
        out->kind = ALCH_INT;
        out->as.integer = sqlite3_value_int64(v);
        break;
    case SQLITE_FLOAT:
        out->kind = ALCH_FLOAT;
        out->as.number = sqlite3_value_double(v);
        break;
    case SQLITE_TEXT:
        out->kind = ALCH_TEXT;
        out->as.text.at = (const char *)sqlite3_value_text(v);
        out->as.text.len = (size_t)sqlite3_value_bytes(v);
        return out->as.text.at != NULL;
    case SQLITE_BLOB:
        out->kind = ALCH_BLOB;
        out->as.text.at = sqlite3_value_blob(v);
        out->as.text.len = (size_t)sqlite3_value_bytes(v);
        if (out->as.text.at == NULL) {
            out->as.text.at = "";
            return out->as.text.len == 0;
        }
        break;
    default:
        out->kind = ALCH_NULL;
    }
    return 1;
}

static int has_text(const alch_value *v) { return v->kind == ALCH_TEXT || v->kind == ALCH_BLOB; }

static int reserve_cells(const alch_host *host, sqlite_rows *r, size_t more)
{
    size_t size = r->size ? r->size * 2 : 16;
    alch_value *cells;

    if (r->size - r->len >= more)
        return 1;
    while (size - r->len < more)
        size *= 2;
    cells = host->realloc(r->cells, size * sizeof *cells);
    if (cells == NULL)
        return 0;
    r->cells = cells;
    r->size = size;
    return 1;
}

static int reserve_bytes(const alch_host *host, sqlite_rows *r, size_t more)
{
    size_t room = r->room ? r->room * 2 : 256;
    char *bytes;

    if (r->room - r->used >= more)
        return 1;
    while (room - r->used < more)
        room *= 2;
    bytes = host->realloc(r->bytes, room);
    if (bytes == NULL)
        return 0;
    r->bytes = bytes;
    r->room = room;
    return 1;
}

/* 'bytes' moves as it grows, so as.text.at holds an offset until the cell is
** read. */
static int keep_text(const alch_host *host, sqlite_rows *r, alch_value *v)
{
    size_t n = v->as.text.len;

    if (!reserve_bytes(host, r, n + 1))
        return 0;
    memcpy(r->bytes + r->used, v->as.text.at, n);
    v->as.text.at = (const char *)(uintptr_t)r->used;
    r->used += n;
    return 1;
}

int alch_sqlite_rows_add(const alch_host *host, sqlite_rows *r, sqlite3_stmt *stmt, int columns)
{
    int i;

    if (!reserve_cells(host, r, (size_t)columns))
        return 0;
    for (i = 0; i < columns; i++) {
        alch_value *v = &r->cells[r->len + (size_t)i];

        if (!alch_sqlite_cell(stmt, i, v) || (has_text(v) && !keep_text(host, r, v)))
            return 0;
    }
    r->len += (size_t)columns;
    return 1;
}

void alch_sqlite_rows_cell(const sqlite_rows *r, int i, alch_value *out)
{
    *out = r->cells[r->at + (size_t)i];
    if (has_text(out))
        out->as.text.at = r->bytes + (uintptr_t)out->as.text.at;
}

void alch_sqlite_rows_row(const sqlite_rows *r, int columns, alch_value *out)
{
    int i;

    for (i = 0; i < columns; i++)
        alch_sqlite_rows_cell(r, i, out + i);
}

void alch_sqlite_rows_drop(const alch_host *host, sqlite_rows *r)
{
    if (r != NULL) {
        host->free(r->cells);
        host->free(r->bytes);
        host->free(r);
    }
}
