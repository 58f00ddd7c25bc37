/* PostgreSQL arrays as Lua lists: "{1,NULL,\"a b\"}", nested for dimensions.
** NULL is sa.null in a list. */
#include <string.h>

#include "binding/bind.h"
#include "binding/document.h"
#include "binding/value_conv.h"
#include "value/number.h"

#define MAX_DIMENSIONS 6    /* PostgreSQL's own limit */

typedef struct array_codec {
    lua_State *L;
    alch_conversion item;
    alch_arena *arena;
    alch_text text;             /* encoding */
    const char *at, *end;       /* decoding */
    alch_err *err;
} array_codec;

static int init(array_codec *k, lua_State *L, const alch_conversion *c, alch_arena *a, alch_err *err)
{
    memset(k, 0, sizeof *k);
    k->L = L;
    k->arena = a;
    k->text.arena = a;
    k->err = err;
    if (c->type->item == NULL)
        return alch_err_set(err, ALCH_ERR_ARGUMENT, "ARRAY: the type of its items is missing");
    return alch_conversion_init(&k->item, c->type->item, c->storage, c->name, L, err);
}

/* --- encoding --- */

static void put(array_codec *k, const char *s)
{
    alch_text_add(&k->text, s, strlen(s));
}

static void put_quoted(array_codec *k, const char *s, size_t n)
{
    size_t i, start = 0;

    put(k, "\"");
    for (i = 0; i < n; i++) {
        if (s[i] != '"' && s[i] != '\\')
            continue;
        alch_text_add(&k->text, s + start, i - start);
        put(k, "\\");
        start = i;
    }
    alch_text_add(&k->text, s + start, n - start);
    put(k, "\"");
}

/* bytea inside an array: its text form, quoted because of the backslash. */
static void put_bytes(array_codec *k, const char *s, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    put(k, "\"\\\\x");
    for (i = 0; i < n; i++)
        alch_text_add(&k->text, (const char[]){ digits[(unsigned char)s[i] >> 4], digits[(unsigned char)s[i] & 15] }, 2);
    put(k, "\"");
}

static void put_param(array_codec *k, const alch_value *v)
{
    char number[ALCH_FLOAT_TEXT];
    alch_buf digits = ALCH_BUF_INIT;

    switch (v->kind) {
    case ALCH_NULL: put(k, "NULL"); break;
    case ALCH_BOOL: put(k, v->as.boolean ? "t" : "f"); break;
    case ALCH_FLOAT:
        (void)alch_float_format(v->as.number, number);
        put(k, number);
        break;
    case ALCH_INT:
        alch_buf_putint(&digits, v->as.integer);
        k->text.failed |= digits.failed;
        alch_text_add(&k->text, digits.data, digits.len);
        alch_buf_release(&digits);
        break;
    case ALCH_BLOB: put_bytes(k, v->as.text.at, v->as.text.len); break;
    default: put_quoted(k, v->as.text.at, v->as.text.len); break;
    }
}

int alch_is_item(lua_State *L, int idx, const alch_type *item)
{
    if (lua_type(L, idx) != LUA_TTABLE || item->host == NULL)
        return 0;
    if (!lua_getmetatable(L, idx))
        return lua_rawlen(L, idx) == 0;
    lua_pop(L, 1);
    return 1;
}

/* A plain list is another dimension, unless the items are lists themselves. */
static int is_dimension(array_codec *k, int idx)
{
    int family = k->item.type->family;

    if (lua_type(k->L, idx) != LUA_TTABLE || family == ALCH_FAMILY_JSON || family == ALCH_FAMILY_USER)
        return 0;
    return k->item.declared->kind != ALCH_TYPE_DECORATED && !alch_is_item(k->L, idx, k->item.declared);
}

static int put_list(array_codec *k, int list, int depth)
{
    lua_Integer i, n = luaL_len(k->L, list);
    int rc = ALCH_OK;

    if (depth > MAX_DIMENSIONS)
        return alch_err_set(k->err, ALCH_ERR_DATA, "an array has at most %d dimensions", MAX_DIMENSIONS);
    luaL_checkstack(k->L, 8, "array");
    put(k, "{");
    for (i = 1; rc == ALCH_OK && i <= n; i++) {
        alch_param param;

        if (i > 1)
            put(k, ",");
        lua_geti(k->L, list, i);
        if (is_dimension(k, -1)) {
            rc = put_list(k, lua_gettop(k->L), depth + 1);
        } else {
            rc = alch_bind_lua(k->L, -1, &k->item, k->arena, &param, k->err);
            if (rc == ALCH_OK)
                put_param(k, &param.value);
        }
        lua_pop(k->L, 1);
    }
    put(k, "}");
    return rc;
}

int alch_array_encode(lua_State *L, const alch_conversion *c, alch_arena *a, alch_err *err)
{
    array_codec k;
    int idx = lua_gettop(L), rc;

    if (lua_type(L, idx) != LUA_TTABLE)
        return alch_err_set(err, ALCH_ERR_DATA, "%s%sa list is expected, not a %s", c->name != NULL ? c->name : "",
                            c->name != NULL ? " (ARRAY): " : "", luaL_typename(L, idx));
    rc = init(&k, L, c, a, err);
    if (rc == ALCH_OK)
        rc = put_list(&k, idx, 1);
    if (rc == ALCH_OK && k.text.failed)
        rc = alch_err_nomem(err);
    if (rc != ALCH_OK)
        return rc;
    lua_pushlstring(L, k.text.at, k.text.len);
    lua_replace(L, idx);
    return ALCH_OK;
}

/* --- decoding --- */

static int malformed(array_codec *k)
{
    return alch_err_set(k->err, ALCH_ERR_DATA, "array text is malformed");
}

/* A quoted item, its quotes and backslashes taken off, in the arena. */
static int read_quoted(array_codec *k, alch_value *out)
{
    const char *quote = ++k->at;
    size_t n = 0;
    char *s;

    while (quote < k->end && *quote != '"')
        quote += *quote == '\\' ? 2 : 1;
    if (quote >= k->end)
        return malformed(k);
    s = alch_arena_alloc(k->arena, (size_t)(quote - k->at) + 1);
    if (s == NULL)
        return alch_err_nomem(k->err);
    for (; k->at < quote; k->at++) {
        if (*k->at == '\\')
            k->at++;
        s[n++] = *k->at;
    }
    k->at++;
    *out = (alch_value){ .kind = ALCH_TEXT, .zone = ALCH_ZONE_NONE, .as.text = { s, n } };
    return ALCH_OK;
}

static int read_plain(array_codec *k, alch_value *out)
{
    const char *s = k->at;
    size_t n;

    while (k->at < k->end && *k->at != ',' && *k->at != '}')
        k->at++;
    n = (size_t)(k->at - s);
    if (n == 0)
        return malformed(k);
    *out = (alch_value){ .kind = ALCH_TEXT, .zone = ALCH_ZONE_NONE, .as.text = { s, n } };
    if (n == 4 && memcmp(s, "NULL", 4) == 0)
        out->kind = ALCH_NULL;
    return ALCH_OK;
}

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* bytea's text form, as bytes. */
static int unhex(array_codec *k, alch_value *v)
{
    const char *s = v->as.text.at;
    size_t n = v->as.text.len, i;
    char *bytes;

    if (n < 2 || n % 2 != 0 || s[0] != '\\' || s[1] != 'x')
        return malformed(k);
    bytes = alch_arena_alloc(k->arena, n);
    if (bytes == NULL)
        return alch_err_nomem(k->err);
    for (i = 2; i < n; i += 2) {
        if (hex(s[i]) < 0 || hex(s[i + 1]) < 0)
            return malformed(k);
        bytes[i / 2 - 1] = (char)(hex(s[i]) << 4 | hex(s[i + 1]));
    }
    *v = (alch_value){ .kind = ALCH_BLOB, .zone = ALCH_ZONE_NONE, .as.text = { bytes, n / 2 - 1 } };
    return ALCH_OK;
}

static int read_item(array_codec *k)
{
    alch_value cell;
    int rc = *k->at == '"' ? read_quoted(k, &cell) : read_plain(k, &cell);

    if (rc == ALCH_OK && cell.kind == ALCH_TEXT && k->item.type->family == ALCH_FAMILY_BINARY)
        rc = unhex(k, &cell);
    if (rc == ALCH_OK)
        rc = alch_read_push(k->L, &k->item, &cell, k->arena, k->err);
    if (rc == ALCH_OK && lua_isnil(k->L, -1)) {
        lua_pop(k->L, 1);
        alch_push_null(k->L);
    }
    return rc;
}

static int read_list(array_codec *k, int depth)
{
    lua_Integer n = 0;
    int rc = ALCH_OK;

    if (depth > MAX_DIMENSIONS || k->at >= k->end || *k->at != '{')
        return malformed(k);
    luaL_checkstack(k->L, 8, "array");
    lua_newtable(k->L);
    k->at++;
    while (rc == ALCH_OK && k->at < k->end && *k->at != '}') {
        rc = *k->at == '{' ? read_list(k, depth + 1) : read_item(k);
        if (rc == ALCH_OK)
            lua_rawseti(k->L, -2, ++n);
        if (k->at < k->end && *k->at == ',')
            k->at++;
    }
    if (rc == ALCH_OK && k->at++ >= k->end)
        rc = malformed(k);
    return rc;
}

int alch_array_decode(lua_State *L, const alch_conversion *c, const char *s, size_t n, alch_arena *a, alch_err *err)
{
    const char *bounds = n > 0 && s[0] == '[' ? memchr(s, '=', n) : NULL;   /* "[0:1]={...}" */
    array_codec k;
    int top = lua_gettop(L), rc = init(&k, L, c, a, err);

    k.at = bounds != NULL ? bounds + 1 : s;
    k.end = s + n;
    if (rc == ALCH_OK)
        rc = read_list(&k, 1);
    if (rc == ALCH_OK && k.at != k.end)
        rc = malformed(&k);
    if (rc != ALCH_OK)
        lua_settop(L, top);
    return rc;
}
