/* Results: rows of a PGresult, and cells as values. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/postgresql/postgresql.h"

enum {
    OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_OID = 26,
    OID_FLOAT4 = 700, OID_FLOAT8 = 701
};

alch_cursor *alch_pg_cursor_new(alch_conn *c)
{
    alch_cursor *k = c->host->alloc0(sizeof *k);

    if (k == NULL)
        return NULL;
    k->host = c->host;
    k->conn = c;
    k->changes = -1;
    k->failed_set = (size_t)-1;
    k->next = c->cursors;
    if (k->next != NULL)
        k->next->prev = k;
    c->cursors = k;
    return k;
}

static void drop_result(alch_cursor *k)
{
    PQclear(k->result);
    k->result = NULL;
}

static void free_bytes(alch_cursor *k)
{
    int i;

    for (i = 0; k->bytes != NULL && i < k->columns; i++)
        k->host->free(k->bytes[i].at);
    k->host->free(k->bytes);
    k->bytes = NULL;
}

/* The cursor belongs to its holder alone from now on. */
static void detach(alch_cursor *k)
{
    alch_conn *c = k->conn;

    if (c->op.cursor == k)
        alch_pg_abandon(c);
    if (k->prev != NULL)
        k->prev->next = k->next;
    else
        c->cursors = k->next;
    if (k->next != NULL)
        k->next->prev = k->prev;
    k->conn = NULL;
    k->state = CURSOR_CLOSED;
    drop_result(k);
    free_bytes(k);
    k->columns = k->rows = 0;
}

void alch_pg_finish(alch_conn *c)
{
    while (c->cursors != NULL)
        detach(c->cursors);
}

void alch_pg_cursor_free(alch_cursor *k)
{
    if (k == NULL)
        return;
    if (k->conn != NULL)
        detach(k);
    k->host->free(k);
}

/* "INSERT 0 3": the count at the end, or -1. */
static int64_t count_of(PGresult *r)
{
    const char *text = PQcmdTuples(r);

    return text[0] != '\0' ? strtoll(text, NULL, 10) : -1;
}

static void take_tag(alch_cursor *k, PGresult *r)
{
    size_t n = strlen(PQcmdStatus(r));
    int64_t count = count_of(r);

    if (n == 0)
        return;             /* a streamed row: the count comes at the end */
    if (n >= sizeof k->tag)
        n = sizeof k->tag - 1;
    memcpy(k->tag, PQcmdStatus(r), n);
    k->tag[n] = '\0';
    if (count >= 0)
        k->changes = (k->changes > 0 ? k->changes : 0) + count;
}

void alch_pg_cursor_take(alch_cursor *k, PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);

    take_tag(k, r);
    /* The end of a stream has no row, and its columns are known by then. */
    if (k->conn->op.many || (status == PGRES_TUPLES_OK && k->result != NULL && PQntuples(r) == 0)) {
        PQclear(r);
        k->rows = 0;
        return;
    }
    drop_result(k);
    if (k->bytes == NULL)
        k->columns = PQnfields(r);
    k->result = r;
    k->row = status == PGRES_SINGLE_TUPLE ? 0 : -1;
    k->rows = PQntuples(r);
}

static alch_step fail_nomem(alch_cursor *k, alch_err *err)
{
    k->state = CURSOR_DONE;
    (void)k->host->err_nomem(err);
    return ALCH_STEP_FAIL;
}

static void forget_bytes(alch_cursor *k)
{
    int i;

    for (i = 0; k->bytes != NULL && i < k->columns; i++)
        k->bytes[i].row = -1;
}

static alch_step next_row(alch_cursor *k, alch_err *err)
{
    forget_bytes(k);
    if (k->nomem)
        return fail_nomem(k, err);
    if (++k->row < k->rows)
        return ALCH_STEP_ROW;
    k->state = CURSOR_DONE;
    return ALCH_STEP_DONE;
}

/* After a wait there is something to read; between streamed rows there may
** be more in the buffer, which alch_pg_advance takes without a system call. */
static alch_step run(alch_cursor *k, alch_err *err)
{
    alch_conn *c = k->conn;
    alch_step step;

    forget_bytes(k);
    if (k->nomem) {
        alch_pg_abandon(c);
        return fail_nomem(k, err);
    }
    if (c->op.cursor == k) {
        if (c->waiting && !PQconsumeInput(c->pg))
            c->lost = 1;
        step = alch_pg_advance(c, err);
        if (step != ALCH_STEP_DONE)
            return step;
    }
    k->state = CURSOR_ROWS;
    return next_row(k, err);
}

alch_step alch_pg_cursor_step(alch_cursor *k, alch_err *err)
{
    switch (k->state) {
    case CURSOR_RUNNING: return run(k, err);
    case CURSOR_ROWS: return next_row(k, err);
    case CURSOR_DONE: return ALCH_STEP_DONE;
    case CURSOR_CLOSED: break;
    }
    (void)k->host->err_set(err, ALCH_ERR_CLOSED, "the connection of this result was closed or given back");
    return ALCH_STEP_FAIL;
}

/* -- cells -- */

static int64_t parse_int(const char *s)
{
    int negative = *s == '-';
    uint64_t n = 0;

    for (s += negative; *s >= '0' && *s <= '9'; s++)
        n = n * 10 + (uint64_t)(*s - '0');
    return (int64_t)(negative ? 0 - n : n);
}

/* strtod reads what the host's locale writes; PostgreSQL writes a point. */
static double parse_float(const char *s)
{
    char copy[64], *end;
    double x = strtod(s, &end);
    size_t n = strlen(s), at = (size_t)(end - s);
    const char *point;

    if (*end != '.' || n >= sizeof copy - 8)
        return x;
    point = localeconv()->decimal_point;
    memcpy(copy, s, at);
    memcpy(copy + at, point, strlen(point));
    memcpy(copy + at + strlen(point), end + 1, n - at);
    return strtod(copy, NULL);
}

static int nibble(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

static size_t decode_hex(const char *s, size_t n, char *out)
{
    size_t i;

    for (i = 0; i + 1 < n; i += 2)
        *out++ = (char)(nibble(s[i]) << 4 | nibble(s[i + 1]));
    return n / 2;
}

/* bytea_output = escape, which a role may have set: \\ and \ooo. */
static size_t decode_escape(const char *s, size_t n, char *out)
{
    char *at = out;
    size_t i;

    for (i = 0; i < n; i++) {
        if (s[i] != '\\') {
            *at++ = s[i];
        } else if (i + 3 < n && s[i + 1] != '\\') {
            *at++ = (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 | (s[i + 3] - '0'));
            i += 3;
        } else {
            *at++ = '\\';
            i++;
        }
    }
    return (size_t)(at - out);
}

/* Decodes once a row; NULL when memory runs out. */
static const pg_bytes *decode(alch_cursor *k, int i, const char *s, size_t n)
{
    pg_bytes *b;

    if (k->bytes == NULL) {
        k->bytes = k->host->alloc0((size_t)k->columns * sizeof *k->bytes);
        if (k->bytes == NULL)
            return NULL;
        forget_bytes(k);
    }
    b = &k->bytes[i];
    if (b->row == k->row)
        return b;
    if (n > b->room) {
        char *at = k->host->realloc(b->at, n);

        if (at == NULL)
            return NULL;
        b->at = at;
        b->room = n;
    }
    if (n >= 2 && s[0] == '\\' && s[1] == 'x')
        b->len = decode_hex(s + 2, n - 2, b->at);
    else
        b->len = decode_escape(s, n, b->at);
    b->row = k->row;
    return b;
}

static void bytes_cell(alch_cursor *k, int i, const char *s, size_t n, alch_value *out)
{
    const pg_bytes *b = decode(k, i, s, n);

    out->kind = ALCH_BLOB;
    out->as.text.at = b != NULL && b->len > 0 ? b->at : "";
    out->as.text.len = b != NULL ? b->len : 0;
    if (b == NULL) {
        out->kind = ALCH_NULL;
        k->nomem = 1;
    }
}

void alch_pg_cell(alch_cursor *k, int i, alch_value *out)
{
    const char *s;

    out->zone = ALCH_ZONE_NONE;
    out->kind = ALCH_NULL;
    if (k->result == NULL || k->row < 0 || k->row >= k->rows || PQgetisnull(k->result, k->row, i))
        return;
    s = PQgetvalue(k->result, k->row, i);
    switch (PQftype(k->result, i)) {
    case OID_BOOL:
        out->kind = ALCH_BOOL;
        out->as.boolean = s[0] == 't';
        break;
    case OID_INT8: case OID_INT4: case OID_INT2: case OID_OID:
        out->kind = ALCH_INT;
        out->as.integer = parse_int(s);
        break;
    case OID_FLOAT4: case OID_FLOAT8:
        out->kind = ALCH_FLOAT;
        out->as.number = parse_float(s);
        break;
    case OID_BYTEA:
        bytes_cell(k, i, s, (size_t)PQgetlength(k->result, k->row, i), out);
        break;
    default:
        out->kind = ALCH_TEXT;
        out->as.text.at = s;
        out->as.text.len = (size_t)PQgetlength(k->result, k->row, i);
    }
}

void alch_pg_row(alch_cursor *k, alch_value *out)
{
    int i;

    for (i = 0; i < k->columns; i++)
        alch_pg_cell(k, i, out + i);
}
