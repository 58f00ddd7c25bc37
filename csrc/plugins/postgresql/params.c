/* Parameters: alch_values as libpq takes them, and the refusal of what
** PostgreSQL cannot hold, before anything is sent. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "plugins/postgresql/postgresql.h"

enum {
    OID_BYTEA = 17,
    MAX_PARAMS = 65535,         /* of the protocol */
    MAX_BYTES = 0x3fffffff,     /* of one value */
    NUMBER_SIZE = 32,           /* room for an integer or a float as text */
    MESSAGE_BYTES = 60, PARAM_BYTES = 6     /* Bind, Describe, Execute around the values */
};

static int reserve(alch_conn *c, size_t n, size_t bytes)
{
    const alch_host *h = c->host;
    pg_params *p = &c->params;

    if (n > p->size) {
        void *values = h->realloc(p->values, n * sizeof *p->values), *other;

        if (values == NULL)
            return 0;
        p->values = values;
        if ((other = h->realloc(p->lengths, n * sizeof *p->lengths)) == NULL)
            return 0;
        p->lengths = other;
        if ((other = h->realloc(p->formats, n * sizeof *p->formats)) == NULL)
            return 0;
        p->formats = other;
        if ((other = h->realloc(p->types, n * sizeof *p->types)) == NULL)
            return 0;
        p->types = other;
        p->size = n;
    }
    if (bytes > p->room) {
        char *made = h->realloc(p->bytes, bytes);

        if (made == NULL)
            return 0;
        p->bytes = made;
        p->room = bytes;
    }
    return 1;
}

void alch_pg_params_release(alch_conn *c)
{
    pg_params *p = &c->params;

    c->host->free((void *)p->values);
    c->host->free(p->lengths);
    c->host->free(p->formats);
    c->host->free(p->types);
    c->host->free(p->bytes);
    memset(p, 0, sizeof *p);
}

/* Length of the UTF-8 sequence at 's', of at most 'n' bytes; 0 if it is none
** (overlong, a surrogate, beyond U+10FFFF, cut off). */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    size_t len = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0, i;

    if (len == 0 || len > n)
        return 0;
    for (i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)
        || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

/* NULL, or what is wrong with the text. */
static const char *text_fault(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text, *end = s + n;
    uint64_t w;

    while (s < end) {
        /* eight bytes of plain ASCII without a zero at a time */
        if (end - s >= 8) {
            memcpy(&w, s, 8);
            if (((w | (w - 0x0101010101010101u)) & 0x8080808080808080u) == 0) {
                s += 8;
                continue;
            }
        }
        if (*s == 0)
            return "contains a zero byte, which PostgreSQL cannot hold in text";
        if (*s < 0x80) {
            s++;
        } else {
            size_t len = utf8_length(s, (size_t)(end - s));

            if (len == 0)
                return "is not valid UTF-8; bind bytes as sa.bytes";
            s += len;
        }
    }
    return NULL;
}

/* Once per key looked up: printf takes five times as long. */
static size_t print_int(char *at, int64_t x)
{
    uint64_t left = x < 0 ? 0 - (uint64_t)x : (uint64_t)x;
    char digits[NUMBER_SIZE];
    size_t i = sizeof digits, n;

    do {
        digits[--i] = (char)('0' + left % 10);
        left /= 10;
    } while (left != 0);
    if (x < 0)
        digits[--i] = '-';
    n = sizeof digits - i;
    memcpy(at, digits + i, n);
    at[n] = '\0';
    return n;
}

/* In the C locale's form whatever locale the host has set. */
static int print_float(char *out, double x)
{
    char *s;
    int n;

    if (x != x)
        return snprintf(out, NUMBER_SIZE, "NaN");
    if (isinf(x))
        return snprintf(out, NUMBER_SIZE, x > 0 ? "Infinity" : "-Infinity");
    n = snprintf(out, NUMBER_SIZE, "%.17g", x);
    for (s = out; *s != '\0'; s++)
        if (strchr("0123456789+-e", *s) == NULL)
            *s = '.';
    return n;
}

/* Does it need room in 'bytes', and how much? libpq wants text with a zero at
** its end, which a value need not have. */
static size_t room_for(const alch_value *v, int keep)
{
    switch (v->kind) {
    case ALCH_INT: case ALCH_FLOAT: return NUMBER_SIZE;
    case ALCH_TEXT: return v->as.text.len + 1;
    case ALCH_BLOB: return keep ? v->as.text.len : 0;
    default: return 0;
    }
}

static int refuse(alch_conn *c, size_t i, const char *fault, alch_err *err)
{
    return c->host->err_set(err, ALCH_ERR_DATA, "parameter %zu %s", i + 1, fault);
}

/* ALCH_OK if PostgreSQL can hold the value and libpq send it. */
static int check_value(alch_conn *c, size_t i, const alch_value *v, alch_err *err)
{
    const char *fault = NULL;

    if (v->kind > ALCH_BLOB)
        return c->host->err_set(err, ALCH_ERR_INTERFACE,
                                "parameter %zu is of kind %d: a type must convert it before it is bound",
                                i + 1, (int)v->kind);
    if (v->kind != ALCH_TEXT && v->kind != ALCH_BLOB)
        return ALCH_OK;
    if (v->as.text.len > MAX_BYTES)
        fault = "is larger than the 1 GB that PostgreSQL can hold";
    else if (v->kind == ALCH_TEXT)
        fault = text_fault(v->as.text.at, v->as.text.len);
    return fault != NULL ? refuse(c, i, fault, err) : ALCH_OK;
}

static size_t put_bytes(pg_params *p, size_t i, const alch_value *v, int keep, char *at)
{
    p->formats[i] = 1;
    p->lengths[i] = (int)v->as.text.len;
    if (p->types[i] == 0)
        p->types[i] = OID_BYTEA;
    if (v->as.text.len == 0 || !keep) {
        p->values[i] = v->as.text.len > 0 ? v->as.text.at : "";
        return 0;
    }
    memcpy(at, v->as.text.at, v->as.text.len);
    return v->as.text.len;
}

static size_t put_text(const alch_value *v, char *at)
{
    memcpy(at, v->as.text.at, v->as.text.len);
    at[v->as.text.len] = '\0';
    return v->as.text.len + 1;
}

/* One parameter; 'at' is the free part of 'bytes'. The bytes it took. */
static size_t put_param(pg_params *p, size_t i, const alch_param *param, int keep, char *at)
{
    const alch_value *v = &param->value;

    p->types[i] = param->oid;
    p->formats[i] = 0;
    p->values[i] = at;
    switch (v->kind) {
    case ALCH_BOOL: p->values[i] = v->as.boolean ? "t" : "f"; return 0;
    case ALCH_INT: return print_int(at, v->as.integer) + 1;
    case ALCH_FLOAT: return (size_t)print_float(at, v->as.number) + 1;
    case ALCH_TEXT: return put_text(v, at);
    case ALCH_BLOB: return put_bytes(p, i, v, keep, at);
    default: p->values[i] = NULL; return 0;
    }
}

static int check_count(alch_conn *c, size_t n, alch_err *err)
{
    if (n <= MAX_PARAMS)
        return ALCH_OK;
    return c->host->err_set(err, ALCH_ERR_PROGRAMMING,
                            "%zu parameters are too many: PostgreSQL takes up to %d in a statement",
                            n, (int)MAX_PARAMS);
}

int alch_pg_params_check(alch_conn *c, const alch_param *params, size_t n, size_t sets, alch_err *err)
{
    size_t i;
    int rc = ALCH_OK;

    for (i = n; i < n * sets && rc == ALCH_OK; i++)
        rc = check_value(c, i % n, &params[i].value, err);
    return rc;
}

int alch_pg_params_set(alch_conn *c, const alch_param *params, size_t n, int keep, alch_err *err)
{
    size_t i, bytes = 1, lent = 0;
    int rc = check_count(c, n, err);
    char *at;

    for (i = 0; i < n && rc == ALCH_OK; i++) {
        const alch_value *v = &params[i].value;

        rc = check_value(c, i, v, err);
        bytes += room_for(v, keep);
        lent += v->kind == ALCH_BLOB && !keep ? v->as.text.len : 0;
    }
    if (rc != ALCH_OK)
        return rc;
    if (!reserve(c, n, bytes))
        return c->host->err_nomem(err);
    at = c->params.bytes;
    for (i = 0; i < n; i++)
        at += put_param(&c->params, i, &params[i], keep, at);
    c->params.bytes_sent = MESSAGE_BYTES + n * PARAM_BYTES + (size_t)(at - c->params.bytes) + lent;
    return ALCH_OK;
}
