/* Values that Lua has no type for, as userdata ("lualchemy.value"): the
** alch_value, and behind it the text it points to. Immutable. */
#include "binding/value_object.h"

#include <string.h>

#include "binding/bind.h"
#include "binding/value_conv.h"
#include "value/decimal.h"
#include "value/temporal.h"
#include "value/uuid.h"

static int has_text(const alch_value *v)
{
    return v->kind == ALCH_DECIMAL || v->kind == ALCH_UUID || v->kind == ALCH_BLOB;
}

void alch_value_push_object(lua_State *L, const alch_value *v)
{
    size_t len = has_text(v) ? v->as.text.len : 0;
    alch_value *object;

    if (v->kind == ALCH_HOST) {
        alch_host_ref_push(L, (const alch_host_ref *)v->as.handle);
        return;
    }
    object = lua_newuserdatauv(L, sizeof *object + len + 1, 0);
    *object = *v;
    if (has_text(v)) {
        char *text = (char *)(object + 1);

        if (len > 0)
            memcpy(text, v->as.text.at, len);
        text[len] = '\0';
        object->as.text.at = text;
    }
    luaL_setmetatable(L, ALCH_VALUE_METATABLE);
}

const alch_value *alch_test_value(lua_State *L, int idx)
{
    return luaL_testudata(L, idx, ALCH_VALUE_METATABLE);
}

void alch_lua_to_value(lua_State *L, int idx, alch_value *out)
{
    const alch_value *object;

    out->zone = ALCH_ZONE_NONE;
    switch (lua_type(L, idx)) {
    case LUA_TNIL:
    case LUA_TNONE:
        out->kind = ALCH_NULL;
        return;
    case LUA_TBOOLEAN:
        out->kind = ALCH_BOOL;
        out->as.boolean = lua_toboolean(L, idx);
        return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, idx)) {
            out->kind = ALCH_INT;
            out->as.integer = lua_tointeger(L, idx);
        } else {
            out->kind = ALCH_FLOAT;
            out->as.number = lua_tonumber(L, idx);
        }
        return;
    case LUA_TSTRING:
        out->kind = ALCH_TEXT;
        out->as.text.at = lua_tolstring(L, idx, &out->as.text.len);
        return;
    case LUA_TLIGHTUSERDATA:
        if (alch_is_null(L, idx)) {
            out->kind = ALCH_NULL;
            return;
        }
        break;
    case LUA_TUSERDATA:
        object = alch_test_value(L, idx);
        if (object != NULL) {
            *out = *object;
            return;
        }
        break;
    default:
        break;
    }
    out->kind = ALCH_HOST;
    out->as.handle = 0;
}

void alch_value_push_text(lua_State *L, const alch_value *v)
{
    char text[ALCH_TEMPORAL_TEXT];

    switch (v->kind) {
    case ALCH_DECIMAL:
    case ALCH_BLOB:
        lua_pushlstring(L, v->as.text.at, v->as.text.len);
        break;
    case ALCH_UUID:
        lua_pushlstring(L, text, alch_uuid_format((const unsigned char *)v->as.text.at, 1, text));
        break;
    default:
        lua_pushlstring(L, text, alch_temporal_format(v, 0, text));
        break;
    }
}

static int arena_gc(lua_State *L)
{
    alch_arena_release(lua_touserdata(L, 1));
    return 0;
}

alch_arena *alch_push_arena(lua_State *L)
{
    alch_arena *a;

    (void)alch_new_metatable(L, "lualchemy.arena", arena_gc);
    a = lua_newuserdatauv(L, sizeof *a, 0);
    alch_arena_init(a);
    lua_insert(L, -2);
    lua_setmetatable(L, -2);
    return a;
}

/* --- comparison --- */

static int compare_bytes(const alch_value *a, const alch_value *b)
{
    size_t n = a->as.text.len < b->as.text.len ? a->as.text.len : b->as.text.len;
    int c = n > 0 ? memcmp(a->as.text.at, b->as.text.at, n) : 0;

    return c != 0 ? (c < 0 ? -1 : 1) : a->as.text.len < b->as.text.len ? -1 : a->as.text.len > b->as.text.len;
}

/* A number beside a decimal becomes one. */
static int to_decimal(alch_value *v, alch_arena *a)
{
    if (v->kind == ALCH_INT)
        return alch_decimal_from_integer(v->as.integer, a, v, NULL) == ALCH_OK;
    if (v->kind == ALCH_FLOAT)
        return alch_decimal_from_float(v->as.number, 0, a, v, NULL) == ALCH_OK;
    return v->kind == ALCH_DECIMAL;
}

static int compare_decimals(alch_value *x, alch_value *y)
{
    alch_arena a;
    int result = 2;

    alch_arena_init(&a);
    if (to_decimal(x, &a) && to_decimal(y, &a))
        result = alch_decimal_compare(x, y);
    alch_arena_release(&a);
    return result;
}

/* -1, 0, 1; 2 if the two cannot be ordered. */
static int compare(lua_State *L, int i, int j)
{
    alch_value x, y;

    alch_lua_to_value(L, i, &x);
    alch_lua_to_value(L, j, &y);
    if (x.kind == ALCH_DECIMAL || y.kind == ALCH_DECIMAL)
        return compare_decimals(&x, &y);
    if (x.kind != y.kind)
        return 2;
    return has_text(&x) ? compare_bytes(&x, &y) : alch_temporal_compare(&x, &y);
}

static int l_eq(lua_State *L)
{
    lua_pushboolean(L, compare(L, 1, 2) == 0);
    return 1;
}

static const char *kind_of(lua_State *L, int idx)
{
    const alch_value *v = alch_test_value(L, idx);

    return v != NULL ? alch_value_kind_name(v->kind) : luaL_typename(L, idx);
}

static int ordered(lua_State *L)
{
    int c = compare(L, 1, 2);

    if (c == 2)
        (void)alch_raisef(L, ALCH_ERR_ARGUMENT, strcmp(kind_of(L, 1), kind_of(L, 2)) == 0
                          ? "a %s with a time zone and a %s without one cannot be ordered"
                          : "a %s and a %s cannot be ordered", kind_of(L, 1), kind_of(L, 2));
    return c;
}

static int l_lt(lua_State *L)
{
    lua_pushboolean(L, ordered(L) < 0);
    return 1;
}

static int l_le(lua_State *L)
{
    lua_pushboolean(L, ordered(L) <= 0);
    return 1;
}

/* --- arithmetic --- */

static int push_result(lua_State *L, int rc, const alch_value *v, const alch_err *err)
{
    if (rc != ALCH_OK)
        return alch_raise(L, err);
    alch_value_push_object(L, v);
    return 1;
}

/* The other operand may be a column: then its own operator builds SQL. */
static int elsewhere(lua_State *L, const char *event, const char *does)
{
    int other = alch_test_value(L, 1) != NULL ? 2 : 1;

    if (alch_test_value(L, other) == NULL && luaL_getmetafield(L, other, event) != LUA_TNIL) {
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 2);
        lua_call(L, 2, 1);
        return 1;
    }
    return alch_raisef(L, ALCH_ERR_ARGUMENT, "cannot %s a %s and a %s", does, kind_of(L, 1), kind_of(L, 2));
}

static int is_kind(const alch_value *v, int kind)
{
    return v != NULL && v->kind == kind;
}

static int moves(const alch_value *v)
{
    return is_kind(v, ALCH_DATE) || is_kind(v, ALCH_DATETIME) || is_kind(v, ALCH_INTERVAL);
}

static int l_add(lua_State *L)
{
    const alch_value *a = alch_test_value(L, 1), *b = alch_test_value(L, 2);
    alch_value out;
    alch_err err;

    if (is_kind(a, ALCH_INTERVAL) && !is_kind(b, ALCH_INTERVAL)) {
        const alch_value *swap = a;

        a = b;
        b = swap;
    }
    if (!moves(a) || !is_kind(b, ALCH_INTERVAL))
        return elsewhere(L, "__add", "add");
    return push_result(L, alch_temporal_add(a, b, 1, &out, &err), &out, &err);
}

static int l_sub(lua_State *L)
{
    const alch_value *a = alch_test_value(L, 1), *b = alch_test_value(L, 2);
    alch_value out;
    alch_err err;

    if (!moves(a) || b == NULL || (b->kind != ALCH_INTERVAL && b->kind != a->kind))
        return elsewhere(L, "__sub", "subtract");
    if (b->kind == ALCH_INTERVAL && a->kind != ALCH_INTERVAL)
        return push_result(L, alch_temporal_add(a, b, -1, &out, &err), &out, &err);
    return push_result(L, alch_temporal_subtract(a, b, &out, &err), &out, &err);
}

static int l_unm(lua_State *L)
{
    const alch_value zero = { .kind = ALCH_INTERVAL, .zone = ALCH_ZONE_NONE, .as.integer = 0 };
    const alch_value *a = alch_test_value(L, 1);
    alch_value out;
    alch_err err;

    if (!is_kind(a, ALCH_INTERVAL))
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "a %s has no negative", kind_of(L, 1));
    return push_result(L, alch_temporal_subtract(&zero, a, &out, &err), &out, &err);
}

static int l_mul(lua_State *L)
{
    const alch_value *a = alch_test_value(L, 1);
    int number = a != NULL ? 2 : 1;
    int64_t n;

    if (a == NULL)
        a = alch_test_value(L, 2);
    if (!is_kind(a, ALCH_INTERVAL) || !lua_isinteger(L, number))
        return elsewhere(L, "__mul", "multiply");
    n = lua_tointeger(L, number);
    if (a->as.integer != 0 && (n > INT64_MAX / 2 / ALCH_US_DAY || n < -(INT64_MAX / 2 / ALCH_US_DAY)
                               || a->as.integer > INT64_MAX / (n == 0 ? 1 : n < 0 ? -n : n)
                               || a->as.integer < -(INT64_MAX / (n == 0 ? 1 : n < 0 ? -n : n))))
        return alch_raisef(L, ALCH_ERR_DATA, "an interval of more than 292,000 years");
    alch_value_push_object(L, &(alch_value){ .kind = ALCH_INTERVAL, .zone = ALCH_ZONE_NONE, .as.integer = a->as.integer * n });
    return 1;
}

static int l_concat(lua_State *L)
{
    int i;

    for (i = 1; i <= 2; i++)
        if (alch_test_value(L, i) == NULL && !lua_isstring(L, i))
            return elsewhere(L, "__concat", "concatenate");
    (void)luaL_tolstring(L, 1, NULL);
    (void)luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

static int l_tostring(lua_State *L)
{
    alch_value_push_text(L, luaL_checkudata(L, 1, ALCH_VALUE_METATABLE));
    return 1;
}

const luaL_Reg alch_value_metamethods[] = {
    { "__eq", l_eq },
    { "__lt", l_lt },
    { "__le", l_le },
    { "__add", l_add },
    { "__sub", l_sub },
    { "__mul", l_mul },
    { "__unm", l_unm },
    { "__concat", l_concat },
    { "__tostring", l_tostring },
    { NULL, NULL }
};
