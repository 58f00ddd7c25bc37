/* Anonymous and shortened names: what "users_1" is in this one statement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/compiler.h"

unsigned alch_next_number(alch_compiler *c, const char *base)
{
    uint32_t *n = alch_dict_place(&c->counters, base, strlen(base));

    if (n == NULL) {
        alch_compile_nomem(c);
        return 0;
    }
    return ++*n;
}

/* Appends what the anonymous part from 'at' stands for; the character behind the part. */
static const char *put_part(alch_compiler *c, const char *at, const char *base, const char *end, alch_buf *out)
{
    size_t len = (size_t)(end - at);
    uint32_t number = alch_dict_get(&c->anon, at, len);

    alch_buf_add(out, base, (size_t)(end - base));
    if (number == 0) {
        char *key = alch_arena_strndup(c->arena, at, len);
        char *text = alch_arena_strndup(c->arena, base, (size_t)(end - base));

        if (key == NULL || text == NULL) {
            alch_compile_nomem(c);
            return end + 1;
        }
        number = alch_next_number(c, text);
        if (!alch_dict_set(&c->anon, key, len, number))
            alch_compile_nomem(c);
    }
    alch_buf_putc(out, '_');
    alch_buf_putint(out, number);
    return end + 1;
}

const char *alch_truncate_name(alch_compiler *c, const char *name, int ident_class)
{
    int limit = c->dialect->label_length != 0 ? c->dialect->label_length : c->dialect->max_identifier_length;
    size_t len = strlen(name), keep = limit > 6 ? (size_t)limit - 6 : 0;
    uint32_t number;
    char *key, *text;

    if (len <= keep)
        return name;
    key = alch_arena_alloc(c->arena, len + 2);
    text = alch_arena_alloc(c->arena, keep + 12);
    if (key == NULL || text == NULL) {
        alch_compile_nomem(c);
        return name;
    }
    key[0] = (char)('0' + ident_class);
    memcpy(key + 1, name, len + 1);
    number = alch_dict_get(&c->truncated, key, len + 1);
    if (number == 0) {
        number = ++c->truncations[ident_class];
        if (!alch_dict_set(&c->truncated, key, len + 1, number))
            alch_compile_nomem(c);
    }
    (void)snprintf(text, keep + 12, "%.*s_%x", (int)keep, name, number);
    return text;
}

static int has_schema(const alch_compiler *c, const alch_table *t)
{
    const char *schema = alch_dialect_schema(c->dialect, t->schema);

    return schema != NULL && schema[0] != '\0';
}

/* "t_1", the same for every table of the name in the statement. */
static const char *alias_of_name(alch_compiler *c, const char *name)
{
    size_t len = strlen(name);
    char *key = alch_arena_alloc(c->arena, len + 2), *text = alch_arena_alloc(c->arena, len + 16);
    uint32_t number;

    if (key == NULL || text == NULL) {
        alch_compile_nomem(c);
        return name;
    }
    key[0] = '.';           /* no anonymous part begins so */
    memcpy(key + 1, name, len + 1);
    number = alch_dict_get(&c->anon, key, len + 1);
    if (number == 0) {
        number = alch_next_number(c, name);
        if (!alch_dict_set(&c->anon, key, len + 1, number))
            alch_compile_nomem(c);
    }
    (void)snprintf(text, len + 16, "%s_%u", name, number);
    return alch_truncate_name(c, text, ALCH_IDENT_ALIAS);
}

const char *alch_alias_beside_namesake(alch_compiler *c, const alch_table *t)
{
    const alch_frame *f = c->frame;
    size_t i;

    if (!c->has_schema || has_schema(c, t))
        return NULL;
    while (f != NULL && !alch_nodes_has(&f->asfrom, &t->from.head))
        f = f->outer;
    for (i = 0; f != NULL && f->has_schema && i < f->asfrom.len; i++) {
        const alch_table *other = (const alch_table *)f->asfrom.at[i];

        if (other->from.head.kind == ALCH_NODE_TABLE && other != t && has_schema(c, other) && strcmp(other->name, t->name) == 0)
            return alias_of_name(c, t->name);
    }
    return NULL;
}

const char *alch_resolve_name(alch_compiler *c, const char *name, int ident_class)
{
    alch_buf text = ALCH_BUF_INIT;
    const char *at = name, *made, *part, *base, *end;

    if (!alch_name_is_anon(name))
        return name;
    while ((part = alch_name_part(at, &base, &end)) != NULL) {
        alch_buf_add(&text, at, (size_t)(part - at));
        at = put_part(c, part, base, end, &text);
    }
    alch_buf_puts(&text, at);
    made = text.failed || text.data == NULL ? NULL : alch_arena_strndup(c->arena, text.data, text.len);
    alch_buf_release(&text);
    if (made == NULL) {
        alch_compile_nomem(c);
        return "";
    }
    return alch_truncate_name(c, made, ident_class);
}
