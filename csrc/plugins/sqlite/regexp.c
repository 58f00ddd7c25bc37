/* x REGEXP pattern, which SQLite has the syntax for but no function: a search
** by the C library's extended regular expressions. On top of these it knows
** what people write who know others: "(?i)" in front ignores case, \d and \D
** are digits and what is none. A pattern is compiled once per statement. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/sqlite/sqlite.h"

/* Written with the classes of POSIX in place of \d, which may stand inside
** brackets too. NULL: no memory. sqlite3_free it. */
static char *translated(const char *pattern, size_t len)
{
    char *out = sqlite3_malloc64(len * 6 + 1), *to = out;
    int inside = 0;     /* brackets */
    size_t i;

    for (i = 0; out != NULL && i < len; i++) {
        char c = pattern[i], next = i + 1 < len ? pattern[i + 1] : '\0';

        if (c == '\\' && (next == 'd' || (next == 'D' && !inside))) {
            const char *word = inside ? "0-9" : next == 'd' ? "[0-9]" : "[^0-9]";

            memcpy(to, word, strlen(word));
            to += strlen(word);
            i++;
            continue;
        }
        if (c == '\\' && next != '\0' && !inside) {
            *to++ = c;
            c = next;
            i++;
        } else if (c == '[' && inside && (next == ':' || next == '.' || next == '=')) {
            do      /* a class, whose own bracket ends nothing else */
                *to++ = pattern[i++];
            while (i + 1 < len && !(pattern[i] == next && pattern[i + 1] == ']'));
            c = i < len ? pattern[i] : ']';
            if (i + 1 < len) {
                *to++ = c;
                c = pattern[++i];
            }
        } else if (c == '[') {
            inside = 1;
            if (next == '^' || next == ']') {       /* "[]...", "[^]...": a bracket that ends nothing */
                *to++ = c;
                c = next;
                i++;
                if (c == '^' && i + 1 < len && pattern[i + 1] == ']') {
                    *to++ = c;
                    c = ']';
                    i++;
                }
            }
        } else if (c == ']')
            inside = 0;
        *to++ = c;
    }
    if (out != NULL)
        *to = '\0';
    return out;
}

static void drop(void *data)
{
    regex_t *compiled = data;

    regfree(compiled);
    sqlite3_free(compiled);
}

static void refuse(sqlite3_context *ctx, int rc, const regex_t *compiled)
{
    char why[200], *text;

    (void)regerror(rc, compiled, why, sizeof why);
    text = sqlite3_mprintf("REGEXP: %s", why);
    if (text == NULL)
        sqlite3_result_error_nomem(ctx);
    else
        sqlite3_result_error(ctx, text, -1);
    sqlite3_free(text);
}

/* The pattern of this statement, compiled; NULL: the error is the result. */
static regex_t *compile(sqlite3_context *ctx, sqlite3_value *value)
{
    const char *pattern = (const char *)sqlite3_value_text(value);
    size_t len = (size_t)sqlite3_value_bytes(value);
    int flags = REG_EXTENDED | REG_NOSUB, rc;
    regex_t *compiled = sqlite3_malloc64(sizeof *compiled);
    char *text;

    if (pattern != NULL && strncmp(pattern, "(?i)", 4) == 0) {
        flags |= REG_ICASE;
        pattern += 4;
        len -= 4;
    }
    text = pattern != NULL ? translated(pattern, len) : NULL;
    if (compiled == NULL || text == NULL) {
        sqlite3_free(compiled);
        sqlite3_free(text);
        sqlite3_result_error_nomem(ctx);
        return NULL;
    }
    rc = regcomp(compiled, text, flags);
    sqlite3_free(text);
    if (rc == 0)
        return compiled;
    refuse(ctx, rc, compiled);
    sqlite3_free(compiled);
    return NULL;
}

static int matches(const regex_t *compiled, const char *text, size_t len)
{
#ifdef REG_STARTEND     /* zero bytes in the text are characters like any other */
    regmatch_t whole = { 0, (regoff_t)len };

    return regexec(compiled, text, 0, &whole, REG_STARTEND) == 0;
#else
    (void)len;
    return regexec(compiled, text, 0, NULL, 0) == 0;
#endif
}

/* regexp(pattern, x); NULL where one of them is. */
static void regexp(sqlite3_context *ctx, int n, sqlite3_value **args)
{
    regex_t *compiled = sqlite3_get_auxdata(ctx, 0);
    const char *text;

    (void)n;
    if (sqlite3_value_type(args[0]) == SQLITE_NULL || sqlite3_value_type(args[1]) == SQLITE_NULL)
        return;
    text = (const char *)sqlite3_value_text(args[1]);
    if (text == NULL) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    if (compiled != NULL) {
        sqlite3_result_int(ctx, matches(compiled, text, (size_t)sqlite3_value_bytes(args[1])));
        return;
    }
    compiled = compile(ctx, args[0]);
    if (compiled == NULL)
        return;
    sqlite3_result_int(ctx, matches(compiled, text, (size_t)sqlite3_value_bytes(args[1])));
    sqlite3_set_auxdata(ctx, 0, compiled, drop);    /* where it is not kept it is dropped at once */
}

int alch_sqlite_add_regexp(alch_conn *c, alch_err *err)
{
    int rc = sqlite3_create_function_v2(c->db, "regexp", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
                                        regexp, NULL, NULL, NULL);

    if (rc == SQLITE_OK)
        return ALCH_OK;
    (void)alch_sqlite_fail(c->host, c->db, rc, err);
    return err != NULL ? err->code : ALCH_ERR_NOMEM;
}
