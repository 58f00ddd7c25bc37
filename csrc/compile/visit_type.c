/*
** Types as DDL and CAST show them. A dialect's template may hold:
**   %L  (length)                 %P  (precision)         %N  (precision, scale)
**   %Z  " WITH TIME ZONE", " WITHOUT TIME ZONE"          %T  the type's own name
**   %I  the item type            %D  [] per dimension     %%  a percent sign
** Without one: the name of types.def and what its family takes.
*/
#include <string.h>

#include "compile/compiler.h"
#include "type/convert.h"

static void put_length(alch_buf *out, int32_t n)
{
    if (n == ALCH_UNSET)
        return;
    alch_buf_putc(out, '(');
    alch_buf_putint(out, n);
    alch_buf_putc(out, ')');
}

static void put_precision_scale(alch_buf *out, const alch_type *t)
{
    if (t->precision == ALCH_UNSET)
        return;
    alch_buf_putc(out, '(');
    alch_buf_putint(out, t->precision);
    if (t->scale != ALCH_UNSET) {
        alch_buf_puts(out, ", ");
        alch_buf_putint(out, t->scale);
    }
    alch_buf_putc(out, ')');
}

static int render_name(const alch_dialect *d, const alch_type *t, void *host, alch_buf *out, alch_err *err);

static void put_dimensions(alch_buf *out, int32_t n)
{
    do
        alch_buf_puts(out, "[]");
    while (--n > 0);
}

/* A type of the database's own is in a schema, as tables are. */
static void put_type_schema(const alch_dialect *d, const alch_type *t, alch_buf *out)
{
    const char *schema = alch_dialect_schema(d, t->schema);

    if (schema != NULL) {
        alch_dialect_quote(d, schema, out);
        alch_buf_putc(out, '.');
    }
}

static void put_type_name(const alch_dialect *d, const alch_type *t, alch_buf *out)
{
    put_type_schema(d, t, out);
    if (t->name != NULL)
        alch_dialect_quote(d, t->name, out);
}

static int render_item(const alch_dialect *d, const alch_type *t, void *host, alch_buf *out, alch_err *err)
{
    if (t->item == NULL)
        return alch_err_set(err, ALCH_ERR_COMPILE, "dialect '%s' spells %s with %%I, but it has no item type", d->name,
                            alch_type_name(t));
    return render_name(d, t->item, host, out, err);
}

static int render_template(const alch_dialect *d, const alch_type *t, const char *at, void *host, alch_buf *out,
                           alch_err *err)
{
    int rc = ALCH_OK;

    for (; *at != '\0' && rc == ALCH_OK; at++) {
        if (*at != '%' || at[1] == '\0') {
            alch_buf_putc(out, *at);
            continue;
        }
        switch (*++at) {
        case 'L': put_length(out, t->length); break;
        case 'P': put_length(out, t->precision); break;
        case 'N': put_precision_scale(out, t); break;
        case 'Z': alch_buf_puts(out, t->flags & ALCH_TYPE_TIMEZONE ? " WITH TIME ZONE" : " WITHOUT TIME ZONE"); break;
        case 'T': put_type_name(d, t, out); break;
        case 'I': rc = render_item(d, t, host, out, err); break;
        case 'D': put_dimensions(out, t->length); break;
        default: alch_buf_putc(out, *at);
        }
    }
    return rc;
}

static int32_t longest_label(const alch_type *t)
{
    size_t i, longest = 0;

    for (i = 0; i < t->label_count; i++)
        if (strlen(t->labels[i]) > longest)
            longest = strlen(t->labels[i]);
    return t->length != ALCH_UNSET ? t->length : (int32_t)longest;
}

static int render_bare(const alch_dialect *d, const alch_type *t, alch_buf *out, alch_err *err)
{
    if (t->kind == ALCH_TYPE_NAMED && t->schema != NULL)
        put_type_schema(d, t, out);
    alch_buf_puts(out, alch_type_ddl(t));
    switch (t->family) {
    case ALCH_FAMILY_STRING: case ALCH_FAMILY_BINARY:
        if (t->kind != ALCH_TYPE_LARGEBINARY)
            put_length(out, t->length);
        break;
    case ALCH_FAMILY_NUMERIC: put_precision_scale(out, t); break;
    case ALCH_FAMILY_FLOAT:
        break;
    case ALCH_FAMILY_ENUM: put_length(out, longest_label(t)); break;
    case ALCH_FAMILY_UUID:
        if (t->kind == ALCH_TYPE_UUID)
            alch_buf_puts(out, "(32)");
        break;
    case ALCH_FAMILY_ARRAY: case ALCH_FAMILY_TUPLE:
        if (t->kind == ALCH_TYPE_NAMED)     /* a domain: the database knows of what */
            break;
        return alch_err_set(err, ALCH_ERR_COMPILE, "type %s has no DDL in this dialect", alch_type_name(t));
    default: break;
    }
    return ALCH_OK;
}

/* An array's item says its collation behind the brackets. */
static void put_collation(const alch_dialect *d, const alch_type *t, alch_buf *out)
{
    if (t->family == ALCH_FAMILY_ARRAY && t->item != NULL)
        t = alch_type_for(t->item, d->name);
    if (t->collation == NULL || t->family != ALCH_FAMILY_STRING)
        return;
    alch_buf_puts(out, " COLLATE ");
    if (t->schema != NULL) {
        alch_dialect_quote(d, t->schema, out);
        alch_buf_putc(out, '.');
    }
    alch_dialect_quote(d, t->collation, out);
}

static int render_user(const alch_dialect *d, const alch_type *t, void *host, alch_buf *out, alch_err *err)
{
    const alch_type *impl = t->item;
    int rc = ALCH_OK;

    if (t->kind == ALCH_TYPE_USER) {
        if (t->host == NULL || t->host->column_spec == NULL)
            return alch_err_set(err, ALCH_ERR_COMPILE, "type %s has no get_col_spec", alch_type_name(t));
        return t->host->column_spec(host, t, d->name, out, err);
    }
    if (t->flags & ALCH_TYPE_HOOK_IMPL && t->host != NULL && t->host->impl != NULL)
        rc = t->host->impl(host, t, d->name, &impl, err);
    return rc == ALCH_OK ? render_name(d, impl, host, out, err) : rc;
}

/* Without a collation. */
static int render_name(const alch_dialect *d, const alch_type *t, void *host, alch_buf *out, alch_err *err)
{
    const char *template;

    t = alch_type_for(t, d->name);
    if (d->spell_type != NULL && host != NULL) {
        int done = 0, rc = d->spell_type(host, d, t, out, &done, err);

        if (rc != ALCH_OK || done)
            return rc;
    }
    if (t->kind == ALCH_TYPE_USER || t->kind == ALCH_TYPE_DECORATED)
        return render_user(d, t, host, out, err);
    if (t->kind == ALCH_TYPE_INTERVAL && !(t->flags & ALCH_TYPE_NATIVE))
        t = alch_type_of(ALCH_TYPE_DATETIME);
    template = d->types[t->kind];
    if (template != NULL && t->kind == ALCH_TYPE_ENUM && (!(t->flags & ALCH_TYPE_NATIVE) || t->name == NULL))
        template = NULL;
    if (template != NULL && t->kind == ALCH_TYPE_UUID && !(t->flags & ALCH_TYPE_NATIVE))
        template = NULL;
    return template != NULL ? render_template(d, t, template, host, out, err) : render_bare(d, t, out, err);
}

int alch_type_text(const alch_dialect *d, const alch_type *t, void *host, alch_buf *out, alch_err *err)
{
    int rc = render_name(d, t, host, out, err);

    if (rc == ALCH_OK)
        rc = alch_type_resolve(t, d->name, host, &t, err);
    if (rc == ALCH_OK)
        put_collation(d, t, out);
    return rc;
}

/* Is its text made by the host? */
static int is_of_host(const alch_type *t, const char *dialect)
{
    for (; t != NULL; t = t->item) {
        t = alch_type_for(t, dialect);
        if (t->kind == ALCH_TYPE_USER || t->kind == ALCH_TYPE_DECORATED)
            return 1;
    }
    return 0;
}

void alch_compile_type(alch_compiler *c, const alch_type *t)
{
    int rc;

    if (c->failed != ALCH_OK)
        return;
    if (is_of_host(t, c->dialect->name))
        c->result->fixed = 1;
    rc = alch_type_text(c->dialect, t, c->options->host != NULL ? c->options->host->type_host : NULL, c->out, c->err);
    if (rc != ALCH_OK)
        c->failed = rc;
}
