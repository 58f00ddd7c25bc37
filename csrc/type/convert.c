#include "type/convert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "value/number.h"
#include "value/temporal.h"
#include "value/uuid.h"

int alch_type_behind(const alch_type *t, const char *dialect, void *host, const alch_type **out, alch_err *err)
{
    const alch_type *variant = alch_type_for(t, dialect);

    *out = variant;
    if (variant != t || t->kind != ALCH_TYPE_DECORATED)
        return ALCH_OK;
    *out = t->item;
    if (host != NULL && (t->flags & ALCH_TYPE_HOOK_IMPL))
        return t->host->impl(host, t, dialect, out, err);
    return ALCH_OK;
}

int alch_type_resolve(const alch_type *t, const char *dialect, void *host, const alch_type **out, alch_err *err)
{
    const alch_type *next = t;
    int rc, steps = 0;

    do {
        t = next;
        rc = alch_type_behind(t, dialect, host, &next, err);
        if (rc == ALCH_OK && ++steps > 50)
            rc = alch_err_set(err, ALCH_ERR_ARGUMENT, "%s: the types behind it never end", alch_type_name(t));
    } while (rc == ALCH_OK && next != t);
    *out = t;
    return rc;
}

/* Are there hooks between the type as given and what is behind it? */
static int has_hooks(const alch_type *t, const char *dialect)
{
    const alch_type *next;

    for (;; t = next) {
        if (t->flags & (ALCH_TYPE_HOOK_BIND | ALCH_TYPE_HOOK_RESULT))
            return 1;
        (void)alch_type_behind(t, dialect, NULL, &next, NULL);
        if (next == t)
            return 0;
    }
}

static int encoding_of(const alch_type *t, const alch_storage *s)
{
    int encoding = s->as[t->family];

    if (t->flags & ALCH_TYPE_NATIVE)
        return encoding;
    if (t->family == ALCH_FAMILY_UUID)
        return ALCH_AS_HEX;
    if (t->family == ALCH_FAMILY_INTERVAL && t->kind == ALCH_TYPE_INTERVAL)
        return ALCH_AS_DATETIME;
    if (t->family == ALCH_FAMILY_ENUM)
        return ALCH_AS_TEXT;
    return encoding;
}

/* A type kept as another one is sent as that one. */
static uint32_t oid_of(const alch_type *t, int encoding)
{
    if (encoding == ALCH_AS_HEX)
        return 1042;
    if (encoding == ALCH_AS_DATETIME)
        return 1114;
    if (t->family == ALCH_FAMILY_ENUM && encoding == ALCH_AS_TEXT)
        return 1043;
    return alch_type_oid(t);
}

int alch_conversion_init(alch_conversion *c, const alch_type *type, const alch_storage *storage, const char *name,
                         void *host, alch_err *err)
{
    int rc;

    memset(c, 0, sizeof *c);
    c->declared = type;
    c->storage = storage;
    c->name = name;
    rc = alch_type_resolve(type, storage->dialect, host, &c->type, err);
    if (rc != ALCH_OK)
        return rc;
    c->encoding = (uint8_t)encoding_of(c->type, storage);
    c->bind = alch_binder(c->type->family, c->encoding);
    c->read = alch_reader(c->type, &c->plain);
    c->oid = storage->oids ? oid_of(c->type, c->encoding) : 0;
    c->host = c->type->family == ALCH_FAMILY_JSON || c->type->family == ALCH_FAMILY_ARRAY
        || has_hooks(type, storage->dialect) || (c->type->flags & ALCH_TYPE_HOOKS) != 0;
    return ALCH_OK;
}

/* A value as a message shows it, cut to fit. */
static void describe(const alch_value *v, char *out, size_t size)
{
    char text[ALCH_TEMPORAL_TEXT];

    switch (v->kind) {
    case ALCH_NULL: (void)snprintf(out, size, "NULL"); break;
    case ALCH_BOOL: (void)snprintf(out, size, "%s", v->as.boolean ? "true" : "false"); break;
    case ALCH_INT: (void)snprintf(out, size, "%lld", (long long)v->as.integer); break;
    case ALCH_FLOAT:
        (void)alch_float_format(v->as.number, text);
        (void)snprintf(out, size, "%s%s", text, strpbrk(text, ".ein") == NULL ? ".0" : "");
        break;
    case ALCH_TEXT:
        (void)snprintf(out, size, "the string '%.*s'%s", (int)(v->as.text.len < 40 ? v->as.text.len : 40), v->as.text.at,
                       v->as.text.len > 40 ? "..." : "");
        break;
    case ALCH_BLOB: (void)snprintf(out, size, "%lu bytes", (unsigned long)v->as.text.len); break;
    case ALCH_DECIMAL:
        (void)snprintf(out, size, "the decimal %.*s", (int)(v->as.text.len < 60 ? v->as.text.len : 60), v->as.text.at);
        break;
    case ALCH_UUID:
        (void)alch_uuid_format((const unsigned char *)v->as.text.at, 1, text);
        (void)snprintf(out, size, "the uuid %s", text);
        break;
    case ALCH_HOST: (void)snprintf(out, size, "a table or another object"); break;
    default:
        (void)alch_temporal_format(v, 0, text);
        (void)snprintf(out, size, "the %s %s", alch_value_kind_name(v->kind), text);
        break;
    }
}

int alch_convert_refuse(const alch_conversion *c, const alch_value *in, alch_err *err, const char *why, ...)
{
    char value[160], reason[512];
    va_list ap;
    int rc;

    describe(in, value, sizeof value);
    va_start(ap, why);
    (void)vsnprintf(reason, sizeof reason, why, ap);
    va_end(ap);
    rc = alch_err_set(err, ALCH_ERR_DATA, "%s%s%s%s cannot take %s: %s", c->name != NULL ? c->name : "",
                      c->name != NULL ? " (" : "", alch_type_name(c->type), c->name != NULL ? ")" : "", value, reason);
    if (err != NULL && c->name != NULL) {
        const char *dot = strrchr(c->name, '.');

        (void)snprintf(err->column, sizeof err->column, "%s", dot != NULL ? dot + 1 : c->name);
    }
    return rc;
}
