/* Lua values as JSON text: keys sorted, so that equal documents are equal
** text; integers and floats told apart; decimals with all their digits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding/bind.h"
#include "binding/document.h"
#include "binding/json.h"
#include "binding/value_conv.h"
#include "binding/value_object.h"
#include "value/number.h"
#include "value/utf8.h"

#define MAX_DEPTH 100

typedef struct encoder {
    lua_State *L;
    const alch_conversion *c;
    alch_text text;
    alch_err *err;
} encoder;

void alch_text_add(alch_text *t, const char *s, size_t n)
{
    if (t->failed)
        return;
    if (t->size - t->len <= n) {
        size_t size = (t->size == 0 ? 256 : t->size * 2) + n;
        char *at = alch_arena_alloc(t->arena, size);

        if (at == NULL) {
            t->failed = 1;
            return;
        }
        if (t->len > 0)
            memcpy(at, t->at, t->len);
        t->at = at;
        t->size = size;
    }
    if (n > 0)
        memcpy(t->at + t->len, s, n);
    t->len += n;
}

static void put(encoder *e, const char *s)
{
    alch_text_add(&e->text, s, strlen(s));
}

static int refuse(encoder *e, const char *why)
{
    return alch_err_set(e->err, ALCH_ERR_DATA, "%s%s%s", e->c->name != NULL ? e->c->name : "", e->c->name != NULL ? ": " : "", why);
}

/* As databases write it themselves: SQLite compares keys with the text. */
static void spell_escape(unsigned char byte, char *out, size_t size)
{
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = byte != '\0' ? strchr(special, byte) : NULL;

    if (at != NULL)
        (void)snprintf(out, size, "\\%c", letters[at - special]);
    else
        (void)snprintf(out, size, "\\u%04x", byte);
}

static int put_string(encoder *e, const char *s, size_t n)
{
    size_t i, start = 0;

    if (!alch_utf8_valid(s, n))
        return refuse(e, "JSON strings are UTF-8; this one is not");
    put(e, "\"");
    for (i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)s[i];
        char escape[8];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        alch_text_add(&e->text, s + start, i - start);
        start = i + 1;
        spell_escape(byte, escape, sizeof escape);
        put(e, escape);
    }
    alch_text_add(&e->text, s + start, n - start);
    put(e, "\"");
    return ALCH_OK;
}

static int put_float(encoder *e, double d)
{
    char text[ALCH_FLOAT_TEXT];

    if (!isfinite(d))
        return refuse(e, "JSON has no NaN and no infinity");
    (void)alch_float_format(d, text);
    put(e, text);
    if (strpbrk(text, ".e") == NULL)
        put(e, ".0");
    return ALCH_OK;
}

/* Dates and the like as their text, decimals as numbers. */
static int put_object_value(encoder *e, const alch_value *v)
{
    size_t n;
    const char *s;
    int rc;

    if (v->kind == ALCH_BLOB)
        return refuse(e, "JSON cannot hold bytes");
    alch_value_push_text(e->L, v);
    s = lua_tolstring(e->L, -1, &n);
    if (v->kind != ALCH_DECIMAL)
        rc = put_string(e, s, n);
    else if (s[n - 1] < '0' || s[n - 1] > '9')
        rc = refuse(e, "JSON has no NaN and no infinity");
    else
        rc = (put(e, s), ALCH_OK);
    lua_pop(e->L, 1);
    return rc;
}

/* A proxy (ext/mutable.lua) on the top is replaced by the table that it shows: its metatable's __behind has an entry for it, whose
** 'data' that is. */
static void look_behind(lua_State *L)
{
    int proxy = lua_gettop(L);

    if (lua_type(L, proxy) != LUA_TTABLE)
        return;
    if (luaL_getmetafield(L, proxy, "__behind") == LUA_TTABLE) {
        lua_pushvalue(L, proxy);
        if (lua_rawget(L, -2) == LUA_TTABLE) {
            lua_pushliteral(L, "data");
            lua_rawget(L, -2);
            lua_replace(L, proxy);
        }
    }
    lua_settop(L, proxy);
}

static int put_value(encoder *e, int idx, int depth);

static int put_list(encoder *e, int table, lua_Integer n, int depth)
{
    lua_Integer i;
    int rc = ALCH_OK;

    put(e, "[");
    for (i = 1; rc == ALCH_OK && i <= n; i++) {
        if (i > 1)
            put(e, ",");
        lua_rawgeti(e->L, table, i);
        look_behind(e->L);
        rc = put_value(e, lua_gettop(e->L), depth + 1);
        lua_pop(e->L, 1);
    }
    put(e, "]");
    return rc;
}

typedef struct key {
    const char *at;
    size_t len;
} key;

static int compare_keys(const void *a, const void *b)
{
    const key *x = a, *y = b;
    int c = memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);

    return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

/* The table holds the key strings while they are borrowed here. */
static int collect_keys(encoder *e, int table, size_t n, key **out)
{
    key *keys = alch_arena_alloc(e->text.arena, n * sizeof *keys + 1);
    size_t i = 0;
    int top = lua_gettop(e->L);

    *out = keys;
    if (keys == NULL)
        return alch_err_nomem(e->err);
    for (lua_pushnil(e->L); i < n && lua_next(e->L, table) != 0; i++) {
        keys[i].at = lua_tolstring(e->L, -2, &keys[i].len);
        lua_pop(e->L, 1);
    }
    lua_settop(e->L, top);
    qsort(keys, n, sizeof *keys, compare_keys);
    return ALCH_OK;
}

static int put_map(encoder *e, int table, size_t n, int depth)
{
    key *keys;
    size_t i;
    int rc = collect_keys(e, table, n, &keys);

    put(e, "{");
    for (i = 0; rc == ALCH_OK && i < n; i++) {
        if (i > 0)
            put(e, ",");
        rc = put_string(e, keys[i].at, keys[i].len);
        if (rc != ALCH_OK)
            break;
        put(e, ":");
        lua_pushlstring(e->L, keys[i].at, keys[i].len);
        lua_rawget(e->L, table);
        look_behind(e->L);
        rc = put_value(e, lua_gettop(e->L), depth + 1);
        lua_pop(e->L, 1);
    }
    put(e, "}");
    return rc;
}

static int is_marked_array(lua_State *L, int table)
{
    int marked;

    if (luaL_getmetafield(L, table, "__jsontype") == LUA_TNIL)
        return 0;
    marked = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "array") == 0;
    lua_pop(L, 1);
    return marked;
}

static int is_place(lua_State *L, int idx, lua_Integer n)
{
    lua_Integer i = lua_isinteger(L, idx) ? lua_tointeger(L, idx) : 0;

    return i >= 1 && i <= n;
}

/* A list has the keys 1 to n and no others, a map strings; {} is a map. */
static int put_table(encoder *e, int table, int depth)
{
    size_t strings = 0, places = 0, others = 0;
    lua_Integer n = (lua_Integer)lua_rawlen(e->L, table);

    for (lua_pushnil(e->L); lua_next(e->L, table) != 0; lua_pop(e->L, 1)) {
        if (lua_type(e->L, -2) == LUA_TSTRING)
            strings++;
        else if (is_place(e->L, -2, n))
            places++;
        else
            others++;
    }
    if (strings > 0 && places + others > 0)
        return refuse(e, "a table with both names and other keys has no JSON form");
    if (others > 0 || places != (size_t)n)
        return refuse(e, "a list with holes, or with keys that are no names, has no JSON form; use sa.null in the holes");
    if (n > 0 || (strings == 0 && is_marked_array(e->L, table)))
        return put_list(e, table, n, depth);
    return put_map(e, table, strings, depth);
}

static int put_value(encoder *e, int idx, int depth)
{
    lua_State *L = e->L;
    const alch_value *v;
    size_t n;
    const char *s;
    char digits[32];

    if (depth > MAX_DEPTH)
        return refuse(e, "the table is nested deeper than 100 levels, or contains itself");
    luaL_checkstack(L, 8, "JSON");
    switch (lua_type(L, idx)) {
    case LUA_TNIL:
        put(e, "null");
        return ALCH_OK;
    case LUA_TBOOLEAN:
        put(e, lua_toboolean(L, idx) ? "true" : "false");
        return ALCH_OK;
    case LUA_TNUMBER:
        if (!lua_isinteger(L, idx))
            return put_float(e, lua_tonumber(L, idx));
        (void)snprintf(digits, sizeof digits, "%lld", (long long)lua_tointeger(L, idx));
        put(e, digits);
        return ALCH_OK;
    case LUA_TSTRING:
        s = lua_tolstring(L, idx, &n);
        return put_string(e, s, n);
    case LUA_TTABLE:
        return put_table(e, idx, depth);
    case LUA_TLIGHTUSERDATA:
        if (alch_is_null(L, idx) || lua_touserdata(L, idx) == alch_json_null()) {
            put(e, "null");
            return ALCH_OK;
        }
        break;
    case LUA_TUSERDATA:
        v = alch_test_value(L, idx);
        if (v != NULL)
            return put_object_value(e, v);
        break;
    default:
        break;
    }
    lua_pushfstring(L, "a %s has no JSON form", luaL_typename(L, idx));
    return refuse(e, lua_tostring(L, -1));
}

int alch_json_encode(lua_State *L, const alch_conversion *c, alch_arena *a, alch_err *err)
{
    encoder e = { L, c, { a, NULL, 0, 0, 0 }, err };
    int idx = lua_gettop(L), rc, by_host;

    look_behind(L);
    by_host = alch_json_encode_by_host(L, c->storage, err);
    if (by_host != 0)
        return by_host > 0 ? ALCH_OK : ALCH_ERR_DATA;
    rc = put_value(&e, idx, 0);
    if (rc == ALCH_OK && e.text.failed)
        rc = alch_err_nomem(err);
    if (rc == ALCH_OK)
        lua_pushlstring(L, e.text.at, e.text.len);
    else
        lua_pushnil(L);
    lua_replace(L, idx);
    lua_settop(L, idx);
    return rc;
}
