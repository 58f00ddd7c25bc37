#include "binding/array_wire.h"

#include <math.h>
#include <string.h>

#include "value/number.h"

enum {
    OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25, OID_FLOAT4 = 700,
    OID_FLOAT8 = 701, OID_BPCHAR = 1042, OID_VARCHAR = 1043,
    HEADER = 20             /* dimensions, flags, type of the items, their number, the first one's index */
};

/* -- the forms -- */

static const alch_wire wires[] = {
    { OID_BOOL, 1000 }, { OID_BYTEA, 1001 }, { OID_TEXT, 1009 }, { OID_INT8, 1016 }, { OID_FLOAT8, 1022 }
};

static const alch_wire *wire_of_item(uint32_t item)
{
    size_t i;

    for (i = 0; i < sizeof wires / sizeof *wires; i++)
        if (wires[i].item == item)
            return &wires[i];
    return NULL;
}

/* The server makes narrower numbers and other strings of these, and refuses what does not fit. */
const alch_wire *alch_wire_of(const alch_conversion *c)
{
    if (c->host)
        return NULL;
    switch (alch_type_oid(c->type)) {
    case OID_BOOL: return wire_of_item(OID_BOOL);
    case OID_BYTEA: return wire_of_item(OID_BYTEA);
    case OID_TEXT: case OID_VARCHAR: case OID_BPCHAR: return wire_of_item(OID_TEXT);
    case OID_INT2: case OID_INT4: case OID_INT8: return wire_of_item(OID_INT8);
    case OID_FLOAT4: case OID_FLOAT8: return wire_of_item(OID_FLOAT8);
    default: return NULL;
    }
}

const char *alch_wire_cast(const alch_conversion *c)
{
    if (c->type->kind == ALCH_TYPE_NAMED)
        return NULL;
    switch (alch_type_oid(c->type)) {
    case OID_TEXT: return "TEXT[]";
    case OID_VARCHAR: return "VARCHAR[]";
    case OID_BPCHAR: return "BPCHAR[]";
    default: return NULL;
    }
}

/* -- writing -- */

static void put_big_endian(alch_buf *out, uint64_t v, int bytes)
{
    char wire[8];
    int i;

    for (i = 0; i < bytes; i++)
        wire[i] = (char)(v >> (8 * (bytes - 1 - i)) & 0xff);
    alch_buf_add(out, wire, (size_t)bytes);
}

static void put_length(alch_buf *out, size_t n) { put_big_endian(out, n, 4); }

void alch_wire_begin(alch_buf *out, const alch_wire *w, size_t items)
{
    put_length(out, 1);
    put_length(out, 0);
    put_length(out, w->item);
    put_length(out, items);
    put_length(out, 1);
}

static void put_bits(alch_buf *out, uint64_t v, int bytes)
{
    put_length(out, (size_t)bytes);
    put_big_endian(out, v, bytes);
}

static void put_double(alch_buf *out, double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    put_bits(out, bits, 8);
}

/* What a value must be to stand in an array of these. */
static int is_item(const alch_wire *w, const alch_value *v)
{
    switch (v->kind) {
    case ALCH_NULL: return 1;
    case ALCH_BOOL: return w->item == OID_BOOL;
    case ALCH_INT: return w->item == OID_INT8 || w->item == OID_FLOAT8;
    case ALCH_FLOAT: return w->item == OID_FLOAT8;
    case ALCH_TEXT: return w->item == OID_TEXT;
    case ALCH_BLOB: return w->item == OID_BYTEA;
    default: return 0;
    }
}

int alch_wire_put(alch_buf *out, const alch_wire *w, const alch_value *v)
{
    if (!is_item(w, v))
        return 0;
    switch (v->kind) {
    case ALCH_NULL: put_length(out, UINT32_MAX); break;
    case ALCH_BOOL: put_bits(out, v->as.boolean != 0, 1); break;
    case ALCH_FLOAT: put_double(out, v->as.number); break;
    case ALCH_INT:
        if (w->item == OID_FLOAT8)
            put_double(out, (double)v->as.integer);
        else
            put_bits(out, (uint64_t)v->as.integer, 8);
        break;
    default:
        put_length(out, v->as.text.len);
        alch_buf_add(out, v->as.text.at, v->as.text.len);
    }
    return 1;
}

/* -- array literals -- */

/* Up to the next character that needs a backslash at a time. */
static void put_quoted(alch_buf *out, const char *s, size_t n)
{
    size_t i, from = 0;

    alch_buf_putc(out, '"');
    for (i = 0; i < n; i++) {
        if (s[i] == '"' || s[i] == '\\') {
            alch_buf_add(out, s + from, i - from);
            alch_buf_putc(out, '\\');
            from = i;
        }
    }
    alch_buf_add(out, s + from, n - from);
    alch_buf_putc(out, '"');
}

static void put_bytes(alch_buf *out, const char *s, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    alch_buf_puts(out, "\"\\\\x");
    for (i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)s[i];

        alch_buf_putc(out, digits[byte >> 4]);
        alch_buf_putc(out, digits[byte & 15]);
    }
    alch_buf_putc(out, '"');
}

static void put_number(alch_buf *out, double x)
{
    char digits[ALCH_FLOAT_TEXT];
    size_t n;

    if (isnan(x)) {
        alch_buf_puts(out, "NaN");
    } else if (isinf(x)) {
        alch_buf_puts(out, x > 0 ? "Infinity" : "-Infinity");
    } else {
        n = alch_float_format(x, digits);
        alch_buf_add(out, digits, n);
    }
}

void alch_wire_put_text(alch_buf *out, const alch_value *v)
{
    switch (v->kind) {
    case ALCH_NULL: alch_buf_puts(out, "NULL"); break;
    case ALCH_BOOL: alch_buf_puts(out, v->as.boolean ? "t" : "f"); break;
    case ALCH_INT: alch_buf_putint(out, v->as.integer); break;
    case ALCH_FLOAT: put_number(out, v->as.number); break;
    case ALCH_BLOB: put_bytes(out, v->as.text.at, v->as.text.len); break;
    default: put_quoted(out, v->as.text.at, v->as.text.len); break;
    }
}

/* -- reading -- */

static uint64_t get_big_endian(const char *at, int bytes)
{
    uint64_t v = 0;
    int i;

    for (i = 0; i < bytes; i++)
        v = v << 8 | (unsigned char)at[i];
    return v;
}

/* The value of an item of 'len' bytes; its text stays where it is. */
static void read_item(uint32_t item, const char *at, size_t len, alch_value *out)
{
    uint64_t bits = len <= 8 ? get_big_endian(at, (int)len) : 0;

    out->zone = ALCH_ZONE_NONE;
    if (item == OID_BOOL) {
        out->kind = ALCH_BOOL;
        out->as.boolean = bits != 0;
    } else if (item == OID_INT8) {
        out->kind = ALCH_INT;
        out->as.integer = (int64_t)bits;
    } else if (item == OID_FLOAT8) {
        out->kind = ALCH_FLOAT;
        memcpy(&out->as.number, &bits, sizeof bits);
    } else {
        out->kind = item == OID_TEXT ? ALCH_TEXT : ALCH_BLOB;
        out->as.text.at = at;
        out->as.text.len = len;
    }
}

void alch_wire_to_text(alch_buf *out, const char *bytes, size_t len)
{
    const char *at = bytes + HEADER, *end = bytes + len;
    uint32_t item = (uint32_t)get_big_endian(bytes + 8, 4);
    alch_value v;

    alch_buf_putc(out, '{');
    while (at < end) {
        uint32_t n = (uint32_t)get_big_endian(at, 4);

        if (at > bytes + HEADER)
            alch_buf_putc(out, ',');
        at += 4;
        v.kind = ALCH_NULL;
        if (n != UINT32_MAX) {
            read_item(item, at, n, &v);
            at += n;
        }
        alch_wire_put_text(out, &v);
    }
    alch_buf_putc(out, '}');
}
