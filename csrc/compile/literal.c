/* Values written into the text (literal_binds): for reading, DDL defaults and
** positions that take no parameter. */
#include "type/literal.h"

#include <string.h>

#include "compile/compiler.h"

/* A driver that reads percent signs finds them doubled. */
static void put_doubling(alch_compiler *c, const alch_buf *text)
{
    size_t i;

    for (i = 0; i < text->len; i++) {
        if (text->data[i] == '%')
            alch_buf_putc(c->out, '%');
        alch_buf_putc(c->out, text->data[i]);
    }
}

/* An array of PostgreSQL is one of text, or of nothing, unless its elements say more than quoted text and NULL do. */
static int needs_array_type(const alch_compiler *c, const alch_type *t, const alch_value *v, const alch_buf *text)
{
    if (v->kind != ALCH_HOST || t->family != ALCH_FAMILY_ARRAY || t->item == NULL || !c->dialect->storage.oids
        || text->len < 5 || memcmp(text->data, "ARRAY", 5) != 0)      /* a path of JSON is no ARRAY[...] */
        return 0;
    switch (t->item->kind == ALCH_TYPE_NAMED ? ALCH_FAMILY_USER : t->item->family) {
    case ALCH_FAMILY_INTEGER: case ALCH_FAMILY_NUMERIC: case ALCH_FAMILY_FLOAT: case ALCH_FAMILY_BOOLEAN:
    case ALCH_FAMILY_STRING: case ALCH_FAMILY_BINARY: case ALCH_FAMILY_INTERVAL: case ALCH_FAMILY_NULL:
        return t->item->family != ALCH_FAMILY_NULL && text->data[strspn(text->data, "AR[]YNUL, ")] == '\0';
    default:
        return 1;
    }
}

/* A second minus sign right behind the first one would begin a comment. */
static void put_apart(alch_compiler *c, const alch_buf *text)
{
    if (text->len > 0 && text->data[0] == '-' && c->out->len > 0 && c->out->data[c->out->len - 1] == '-')
        alch_buf_putc(c->out, ' ');
}

void alch_compile_literal(alch_compiler *c, const alch_type *t, const alch_value *v)
{
    const alch_compile_host *host = c->options->host;
    int doubled = c->dialect->paramstyle == ALCH_PARAM_FORMAT || c->dialect->paramstyle == ALCH_PARAM_PYFORMAT;
    alch_buf text = ALCH_BUF_INIT;
    int rc;

    if (c->failed != ALCH_OK)
        return;
    c->result->fixed = 1;
    if (v->kind == ALCH_BOOL && (t->family == ALCH_FAMILY_BOOLEAN || t->family == ALCH_FAMILY_NULL)) {
        alch_puts(c, c->dialect->caps.native_boolean ? v->as.boolean ? "true" : "false" : v->as.boolean ? "1" : "0");
        return;
    }
    if (t->family == ALCH_FAMILY_NULL && t->host == NULL)
        t = alch_type_of_value(v->kind);
    if (v->kind == ALCH_HOST && host != NULL && host->literal != NULL)
        rc = host->literal(host->type_host, t, &c->dialect->storage, v, &text, c->err);
    else
        rc = alch_type_literal(t, &c->dialect->storage, host != NULL ? host->type_host : NULL, v, &text, c->err);
    if (rc == ALCH_OK)
        put_apart(c, &text);
    if (rc != ALCH_OK)
        c->failed = rc;
    else if (doubled)
        put_doubling(c, &text);
    else
        alch_buf_add(c->out, text.data != NULL ? text.data : "", text.len);
    if (rc == ALCH_OK && needs_array_type(c, t, v, &text)) {
        alch_puts(c, "::");
        alch_compile_type(c, t);
    }
    alch_buf_release(&text);
}
