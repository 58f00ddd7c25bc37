#include "dialect/dialect.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

int alch_dialect_new(const char *name, alch_dialect **out, alch_err *err)
{
    static const alch_caps standard = {
#define ALCH_CAP(name, standard) .name = standard,
#include "dialect/caps.def"
#undef ALCH_CAP
    };
    alch_dialect *d = alch_alloc0(sizeof *d);

    if (d == NULL)
        return alch_err_nomem(err);
    if (strlen(name) >= sizeof d->name) {
        alch_free(d);
        return alch_err_set(err, ALCH_ERR_ARGUMENT, "dialect name '%s' is too long", name);
    }
    d->refs = 1;
    memcpy(d->name, name, strlen(name) + 1);
    d->quote = '"';
    d->max_identifier_length = 9999;
    d->caps = standard;
    d->storage = alch_storage_standard;
    *out = d;
    return ALCH_OK;
}

const alch_dialect *alch_dialect_keep(const alch_dialect *d)
{
    if (d != NULL)
        ((alch_dialect *)(uintptr_t)d)->refs++;
    return d;
}

static char **word_slot(alch_words *w, size_t i)
{
    char **slots[] = { &w->regexp_match, &w->not_regexp_match, &w->string_agg, &w->char_length, &w->now,
                       &w->localtimestamp, &w->power, &w->for_share };

    return i < sizeof slots / sizeof *slots ? slots[i] : NULL;
}

/* The key of what has no schema; no name contains a NUL. */
static const char *schema_key(const char *schema, size_t *len)
{
    *len = schema != NULL ? strlen(schema) : 1;
    return schema != NULL ? schema : "";
}

int alch_dialect_map_schema(alch_dialect *d, const char *from, const char *to, alch_err *err)
{
    size_t len;
    const char *key = schema_key(from, &len);
    char *copy = alch_strdup(to != NULL ? to : "");

    if (copy == NULL)
        return alch_err_nomem(err);
    alch_free(alch_map_get(&d->schemas, key, len));
    if (!alch_map_set(&d->schemas, key, len, copy)) {
        (void)alch_map_remove(&d->schemas, key, len);
        alch_free(copy);
        return alch_err_nomem(err);
    }
    return ALCH_OK;
}

const char *alch_dialect_schema(const alch_dialect *d, const char *schema)
{
    const char *to;
    size_t len;

    if (d->schemas.count == 0)
        return schema;
    schema = schema_key(schema, &len);
    to = alch_map_get(&d->schemas, schema, len);
    if (to == NULL)
        to = schema;
    return to[0] != '\0' ? to : NULL;
}

void alch_dialect_drop(const alch_dialect *lent)
{
    alch_dialect *d = (alch_dialect *)(uintptr_t)lent;
    char **slot;
    size_t i;

    if (d == NULL || --d->refs > 0)
        return;
    for (i = 0; (slot = word_slot(&d->words, i)) != NULL; i++)
        alch_free(*slot);
    for (i = 0; i < ALCH_TYPE_KIND_COUNT; i++)
        alch_free(d->types[i]);
    for (i = 0; i < d->schemas.size; i++)
        if (d->schemas.slots[i].key != NULL)
            alch_free(d->schemas.slots[i].value);
    alch_map_release(&d->schemas);
    alch_map_release(&d->reserved);
    alch_free(d);
}

int alch_dialect_reserve(alch_dialect *d, const char *word, alch_err *err)
{
    size_t len = strlen(word);

    if (!alch_map_set(&d->reserved, word, len, d))
        return alch_err_nomem(err);
    if (word[0] >= 'a' && word[0] <= 'z') {
        d->reserved_lengths[word[0] - 'a'] |= 1u << (len & 31);
        d->reserved_endings[word[0] - 'a'] |= 1u << (word[len - 1] & 31);
    }
    return ALCH_OK;
}

static int is_reserved(const alch_dialect *d, const char *name, size_t len)
{
    if (name[0] >= 'a' && name[0] <= 'z' && !(d->reserved_lengths[name[0] - 'a'] >> (len & 31)
                                              & d->reserved_endings[name[0] - 'a'] >> (name[len - 1] & 31) & 1))
        return 0;
    return alch_map_get(&d->reserved, name, len) != NULL;
}

int alch_dialect_set_cap(alch_dialect *d, const char *name, int value)
{
#define ALCH_CAP(cap, standard) \
    if (strcmp(name, #cap) == 0) { d->caps.cap = value != 0; return 1; }
#include "dialect/caps.def"
#undef ALCH_CAP
    return 0;
}

static int set_text(char **slot, const char *text, alch_err *err)
{
    char *copy = alch_strdup(text);

    if (copy == NULL)
        return alch_err_nomem(err);
    alch_free(*slot);
    *slot = copy;
    return ALCH_OK;
}

int alch_dialect_set_word(alch_dialect *d, const char *name, const char *text, alch_err *err)
{
    static const char *const names[] = { "regexp_match", "not_regexp_match", "string_agg", "char_length", "now",
                                         "localtimestamp", "power", "for_share" };
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return set_text(word_slot(&d->words, i), text, err);
    return alch_err_set(err, ALCH_ERR_ARGUMENT, "dialect '%s': no word is called '%s'", d->name, name);
}

int alch_dialect_set_type(alch_dialect *d, const char *kind, const char *text, alch_err *err)
{
    int i;

    for (i = 0; i < ALCH_TYPE_KIND_COUNT; i++)
        if (strcmp(alch_type_name(alch_type_of(i)), kind) == 0)
            return set_text(&d->types[i], text, err);
    return alch_err_set(err, ALCH_ERR_ARGUMENT, "dialect '%s': no type is called '%s'", d->name, kind);
}

static int legal(char ch)
{
    unsigned char u = (unsigned char)ch;

    return u - (unsigned)'a' < 26 || u - (unsigned)'0' < 10 || u == '_' || u == '$';
}

int alch_illegal_name(const char *name)
{
    const char *s;

    if (name[0] == '\0' || (name[0] >= '0' && name[0] <= '9') || name[0] == '$')
        return 1;
    for (s = name; *s != '\0'; s++)
        if (!legal(*s) && !(*s >= 'A' && *s <= 'Z'))
            return 1;
    return 0;
}

int alch_dialect_needs_quotes(const alch_dialect *d, const char *name)
{
    const char *s;

    if ((name[0] >= '0' && name[0] <= '9') || name[0] == '$' || name[0] == '\0')
        return 1;
    for (s = name; *s != '\0'; s++)
        if (!legal(*s))
            return 1;
    return is_reserved(d, name, (size_t)(s - name));
}

void alch_dialect_quote_always(const alch_dialect *d, const char *name, alch_buf *out)
{
    const char *s;

    if (d->paramstyle != ALCH_PARAM_FORMAT && d->paramstyle != ALCH_PARAM_PYFORMAT) {
        alch_buf_quote(out, name, strlen(name), d->quote);
        return;
    }
    alch_buf_putc(out, d->quote);       /* the driver reads % as a placeholder */
    for (s = name; *s != '\0'; s++) {
        if (*s == d->quote || *s == '%')
            alch_buf_putc(out, *s);
        alch_buf_putc(out, *s);
    }
    alch_buf_putc(out, d->quote);
}

void alch_dialect_quote(const alch_dialect *d, const char *name, alch_buf *out)
{
    if (alch_dialect_needs_quotes(d, name))
        alch_dialect_quote_always(d, name, out);
    else
        alch_buf_puts(out, name);
}
