/* JSON text as Lua values: integers stay integers (beyond int64: decimals),
** null is sa.null inside a document and nil as a whole one, and an empty list
** is marked so that it is written as a list again. */
#include <string.h>

#include "binding/bind.h"
#include "binding/document.h"
#include "binding/json.h"
#include "binding/value_conv.h"
#include "value/decimal.h"
#include "value/number.h"
#include "value/utf8.h"

#define MAX_DEPTH 150

typedef struct decoder {
    lua_State *L;
    const char *start, *at, *end;
} decoder;

/* Each reader pushes one value and answers 1, or answers 0. */
static int read_value(decoder *d, int depth);

static void skip_blanks(decoder *d)
{
    while (d->at < d->end && (*d->at == ' ' || *d->at == '\t' || *d->at == '\n' || *d->at == '\r'))
        d->at++;
}

static int accept(decoder *d, char c)
{
    skip_blanks(d);
    if (d->at >= d->end || *d->at != c)
        return 0;
    d->at++;
    return 1;
}

static int read_hex(decoder *d, unsigned long *out)
{
    int i;

    *out = 0;
    if (d->end - d->at < 4)
        return 0;
    for (i = 0; i < 4; i++) {
        int c = (unsigned char)*d->at++;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

        if (digit < 0)
            return 0;
        *out = *out * 16 + (unsigned long)digit;
    }
    return 1;
}

/* "\u" was read; two of them make one code point above 0xffff. */
static int read_code_point(decoder *d, luaL_Buffer *b)
{
    unsigned long code, low;
    char utf8[4];

    if (!read_hex(d, &code))
        return 0;
    if (code >= 0xd800 && code < 0xdc00) {
        if (d->end - d->at < 2 || d->at[0] != '\\' || d->at[1] != 'u')
            return 0;
        d->at += 2;
        if (!read_hex(d, &low) || low < 0xdc00 || low > 0xdfff)
            return 0;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
        return 0;
    }
    luaL_addlstring(b, utf8, alch_utf8_encode(code, utf8));
    return 1;
}

static int read_escape(decoder *d, luaL_Buffer *b)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    char c;

    if (d->at >= d->end)
        return 0;
    c = *d->at++;
    if (c == 'u')
        return read_code_point(d, b);
    found = c != '\0' ? strchr(from, c) : NULL;
    if (found == NULL)
        return 0;
    luaL_addchar(b, to[found - from]);
    return 1;
}

static int read_string(decoder *d)
{
    const char *start = d->at;
    luaL_Buffer b;

    while (d->at < d->end && *d->at != '"' && *d->at != '\\')
        d->at++;
    if (d->at < d->end && *d->at == '"') {
        lua_pushlstring(d->L, start, (size_t)(d->at++ - start));
        return 1;
    }
    luaL_buffinit(d->L, &b);
    luaL_addlstring(&b, start, (size_t)(d->at - start));
    while (d->at < d->end && *d->at != '"') {
        char c = *d->at++;

        if (c != '\\')
            luaL_addchar(&b, c);
        else if (!read_escape(d, &b))
            return 0;
    }
    if (d->at >= d->end)
        return 0;
    d->at++;
    luaL_pushresult(&b);
    return 1;
}

static int is_number_char(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static int push_big_integer(decoder *d, const char *s, size_t n)
{
    alch_arena *a = alch_push_arena(d->L);
    alch_value v;
    int ok = alch_decimal_parse(s, n, a, &v, NULL) == ALCH_OK;

    if (ok) {
        alch_value_push_object(d->L, &v);
        lua_remove(d->L, -2);
    }
    return ok;
}

static int read_number(decoder *d)
{
    const char *s = d->at;
    size_t n;
    int64_t i;
    double f;

    while (d->at < d->end && is_number_char(*d->at))
        d->at++;
    n = (size_t)(d->at - s);
    if (n == 0 || *s == '+' || *s == '.')
        return 0;
    if (memchr(s, '.', n) == NULL && memchr(s, 'e', n) == NULL && memchr(s, 'E', n) == NULL) {
        if (!alch_integer_parse(s, n, &i))
            return push_big_integer(d, s, n);
        lua_pushinteger(d->L, i);
        return 1;
    }
    if (!alch_float_parse(s, n, &f))
        return 0;
    lua_pushnumber(d->L, f);
    return 1;
}

static int read_list(decoder *d, int depth)
{
    lua_Integer n = 0;

    lua_newtable(d->L);
    if (accept(d, ']')) {
        luaL_setmetatable(d->L, ALCH_JSON_ARRAY);
        return 1;
    }
    do {
        if (!read_value(d, depth + 1))
            return 0;
        lua_rawseti(d->L, -2, ++n);
    } while (accept(d, ','));
    return accept(d, ']');
}

static int read_map(decoder *d, int depth)
{
    lua_newtable(d->L);
    if (accept(d, '}'))
        return 1;
    do {
        if (!accept(d, '"') || !read_string(d) || !accept(d, ':') || !read_value(d, depth + 1))
            return 0;
        lua_rawset(d->L, -3);
    } while (accept(d, ','));
    return accept(d, '}');
}

static int read_word(decoder *d)
{
    static const char *const words[] = { "null", "true", "false" };
    size_t i;

    for (i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);

        if ((size_t)(d->end - d->at) < n || memcmp(d->at, words[i], n) != 0)
            continue;
        d->at += n;
        if (i == 0)
            alch_push_null(d->L);
        else
            lua_pushboolean(d->L, i == 1);
        return 1;
    }
    return read_number(d);
}

static int read_value(decoder *d, int depth)
{
    luaL_checkstack(d->L, 8, "JSON");
    if (depth > MAX_DEPTH)
        return 0;
    if (accept(d, '{'))
        return read_map(d, depth);
    if (accept(d, '['))
        return read_list(d, depth);
    if (accept(d, '"'))
        return read_string(d);
    return read_word(d);
}

void *alch_json_null(void)
{
    static const char null = 0;

    return (void *)(uintptr_t)&null;
}

int alch_json_decode(lua_State *L, const char *s, size_t n, alch_err *err)
{
    decoder d = { L, s, s, s + n };
    int top = lua_gettop(L), ok;

    (void)alch_new_metatable(L, ALCH_JSON_ARRAY, NULL);
    lua_pushliteral(L, "array");
    lua_setfield(L, -2, "__jsontype");
    ok = read_value(&d, 0);
    skip_blanks(&d);
    if (!ok || d.at != d.end) {
        lua_settop(L, top);
        return alch_err_set(err, ALCH_ERR_DATA, "JSON text is malformed, or nested too deeply, at byte %lu",
                            (unsigned long)(d.at - s) + 1);
    }
    if (alch_is_null(L, -1))
        lua_pushnil(L);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    return ALCH_OK;
}
