/* Fragments of SQL: where their parameters stand, and the nodes of them. */
#include "expr/build.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"

static int name_char(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_' || (unsigned char)ch >= 0x80;
}

/* Behind a quoted part that begins at 'at': a doubled quote is one of its characters, and so is what follows a
** backslash in PostgreSQL's E'...'. NULL where it does not end. */
static const char *after_quoted(const char *at, int backslash)
{
    char quote = *at;

    for (at++; *at != '\0'; at++) {
        if (*at == '\\' && backslash && at[1] != '\0')
            at++;
        else if (*at == quote && at[1] == quote)
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return NULL;
}

/* PostgreSQL nests comments; where a database does not, nothing of a parameter's form stands between. */
static const char *after_comment(const char *at)
{
    int depth = 0;

    for (; *at != '\0'; at++) {
        if (at[0] == '/' && at[1] == '*')
            depth++, at++;
        else if (at[0] == '*' && at[1] == '/' && (at++, --depth == 0))
            return at + 1;
    }
    return NULL;
}

/* $tag$ ... $tag$ */
static const char *after_dollars(const char *at)
{
    const char *end = at + 1;
    size_t n;

    if (!isdigit((unsigned char)*end))
        while (name_char(*end))
            end++;
    if (*end != '$')
        return NULL;
    n = (size_t)(end + 1 - at);
    for (end++; (end = strchr(end, '$')) != NULL; end++)
        if (strncmp(end, at, n) == 0)
            return end + n;
    return NULL;
}

/* Behind the literal, quoted name or comment that begins at 'at'; NULL where none does. One that does not end is none:
** a fragment may be half of something. */
static const char *after_opaque(const char *text, const char *at)
{
    char before = at > text ? at[-1] : ' ';

    switch (*at) {
    case '\'': return after_quoted(at, (before == 'E' || before == 'e') && (at - 1 == text || !name_char(at[-2])));
    case '"':
    case '`': return after_quoted(at, 0);
    case '-': return at[1] == '-' ? at + strcspn(at, "\n") : NULL;
    case '/': return at[1] == '*' ? after_comment(at) : NULL;
    case '$': return name_char(before) ? NULL : after_dollars(at);
    default: return NULL;
    }
}

/* The length of the name behind a colon that begins a parameter, 0 behind any other. */
static size_t param_length(const char *text, const char *colon)
{
    char before = colon > text ? colon[-1] : ' ';
    size_t n = 0;

    if (before == ':' || before == '\\' || name_char(before))
        return 0;
    while (name_char(colon[1 + n]))
        n++;
    return colon[1 + n] == ':' ? 0 : n;
}

const char *alch_text_param(const char *text, const char *from, size_t *len)
{
    const char *at = from, *behind;

    while (*(at += strcspn(at, ":'\"`-/$")) != '\0') {
        if (*at == ':' && (*len = param_length(text, at)) > 0)
            return at;
        behind = after_opaque(text, at);
        at = behind != NULL ? behind : at + 1;
    }
    return NULL;
}

static int add_param(alch_list *binds, const char *name, size_t len, alch_err *err)
{
    static const alch_value none = { .kind = ALCH_NULL };
    const alch_node *bind;
    uint32_t i;
    char *key;
    int rc;

    for (i = 0; i < binds->count; i++) {
        const char *have = ((const alch_bind *)binds->items[i])->key;

        if (strncmp(have, name, len) == 0 && have[len] == '\0')
            return ALCH_OK;
    }
    key = alch_strndup(name, len);
    if (key == NULL)
        return alch_err_nomem(err);
    rc = alch_bind_new(key, NULL, NULL, &none, ALCH_BIND_REQUIRED, &bind, err);
    alch_free(key);
    return rc == ALCH_OK ? alch_list_push(binds, bind, err) : rc;
}

int alch_text_new(const char *text, const alch_node **out, alch_err *err)
{
    const alch_node *made = NULL;
    alch_list *binds = NULL;
    const char *at = text;
    size_t len;
    int rc = alch_name_new(ALCH_NODE_TEXT, text, NULL, &made, err);

    if (rc != ALCH_OK)
        return rc;
    while (rc == ALCH_OK && (at = alch_text_param(text, at, &len)) != NULL) {
        if (binds == NULL && (binds = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, 2, err)) == NULL)
            rc = ALCH_ERR_NOMEM;
        else
            rc = add_param(binds, at + 1, len, err);
        at += 1 + len;
    }
    if (rc == ALCH_OK && binds != NULL) {
        rc = alch_node_set((alch_node *)(uintptr_t)made, &((const alch_text *)made)->binds, binds, err);
        binds = NULL;
    }
    alch_node_drop(binds);
    if (rc != ALCH_OK) {
        alch_node_drop(made);
        return rc;
    }
    *out = made;
    return ALCH_OK;
}
