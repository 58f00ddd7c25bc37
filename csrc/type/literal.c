#include "type/literal.h"

#include <math.h>
#include <string.h>

#include "type/convert.h"
#include "value/decimal.h"
#include "value/number.h"

static int put_float(double d, alch_buf *out, alch_err *err)
{
    char text[ALCH_FLOAT_TEXT];
    size_t n = alch_float_format(d, text);

    if (!isfinite(d))
        return alch_err_set(err, ALCH_ERR_COMPILE, "%s has no SQL literal; bind it instead", text);
    alch_buf_add(out, text, n);
    if (strpbrk(text, ".e") == NULL)
        alch_buf_puts(out, ".0");
    return ALCH_OK;
}

static void put_bytes(const alch_storage *s, const char *at, size_t n, alch_buf *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    alch_buf_puts(out, s->oids ? "'\\x" : "X'");
    for (i = 0; i < n; i++) {
        alch_buf_putc(out, digits[(unsigned char)at[i] >> 4]);
        alch_buf_putc(out, digits[(unsigned char)at[i] & 15]);
    }
    alch_buf_puts(out, s->oids ? "'::bytea" : "'");
}

/* A zero byte would end the statement's text early in either database. */
static int put_quoted(const alch_value *v, alch_buf *out, alch_err *err)
{
    if (v->as.text.len > 0 && memchr(v->as.text.at, '\0', v->as.text.len) != NULL)
        return alch_err_set(err, ALCH_ERR_COMPILE, "a string with a zero byte has no SQL literal; bind it instead");
    alch_buf_quote(out, v->as.text.at, v->as.text.len, '\'');
    return ALCH_OK;
}

static int put(const alch_conversion *c, const alch_value *v, alch_buf *out, alch_err *err)
{
    switch (v->kind) {
    case ALCH_NULL:
        alch_buf_puts(out, "NULL");
        return ALCH_OK;
    case ALCH_BOOL:
        alch_buf_puts(out, v->as.boolean ? "true" : "false");
        return ALCH_OK;
    case ALCH_INT:
        alch_buf_putint(out, v->as.integer);
        return ALCH_OK;
    case ALCH_FLOAT:
        return put_float(v->as.number, out, err);
    case ALCH_BLOB:
        put_bytes(c->storage, v->as.text.at, v->as.text.len, out);
        return ALCH_OK;
    default:
        break;
    }
    if (c->type->family == ALCH_FAMILY_NUMERIC) {
        if (!alch_decimal_is_finite(v))
            return alch_err_set(err, ALCH_ERR_COMPILE, "%.*s has no SQL literal; bind it instead", (int)v->as.text.len, v->as.text.at);
        alch_buf_add(out, v->as.text.at, v->as.text.len);
        return ALCH_OK;
    }
    if (c->type->family == ALCH_FAMILY_INTERVAL && c->storage->oids && c->encoding == ALCH_AS_NATIVE)
        alch_buf_puts(out, "INTERVAL ");
    return put_quoted(v, out, err);
}

/* A value without a type is written as what it is. */
static const alch_type *natural(const alch_type *t, const alch_value *in)
{
    return t->family == ALCH_FAMILY_NULL && in->kind != ALCH_TEXT ? alch_type_of_value(in->kind) : t;
}

static int literal_of(const alch_conversion *c, const alch_value *in, alch_buf *out, alch_err *err)
{
    alch_conversion exact = *c;
    alch_param param;
    alch_arena a;
    int rc;

    if (c->type->family == ALCH_FAMILY_NUMERIC)     /* its digits as they are, whatever a parameter would be */
        exact.bind = alch_binder(ALCH_FAMILY_NUMERIC, ALCH_AS_NATIVE);
    alch_arena_init(&a);
    rc = alch_convert_bind(&exact, in, &a, &param, err);
    if (rc == ALCH_OK)
        rc = put(&exact, &param.value, out, err);
    alch_arena_release(&a);
    return rc == ALCH_OK && out->failed ? alch_err_nomem(err) : rc;
}

int alch_type_literal(const alch_type *t, const alch_storage *s, void *host, const alch_value *in, alch_buf *out, alch_err *err)
{
    const alch_type *variant = alch_type_for(t, s->dialect), *next;
    alch_conversion c;
    int rc;

    if (variant->host != NULL && host != NULL && (variant->flags & (ALCH_TYPE_HOOK_LITERAL | ALCH_TYPE_HOOK_BIND)))
        return variant->host->literal(host, variant, s, in, out, err);
    rc = alch_type_behind(t, s->dialect, host, &next, err);
    if (rc == ALCH_OK && next != t)
        return alch_type_literal(next, s, host, in, out, err);
    if (rc == ALCH_OK)
        rc = alch_conversion_init(&c, natural(t, in), s, NULL, host, err);
    if (rc != ALCH_OK)
        return rc;
    if (in->kind == ALCH_HOST)
        return alch_err_set(err, ALCH_ERR_COMPILE, "%s: a table has no SQL literal; bind it instead", alch_type_name(t));
    return literal_of(&c, in, out, err);
}
