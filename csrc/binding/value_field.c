/* The fields and methods of value objects: d.year, d:timestamp(), n:tonumber(). */
#include <string.h>

#include "binding/bind.h"
#include "binding/value_conv.h"
#include "binding/value_object.h"
#include "value/decimal.h"
#include "value/number.h"
#include "value/temporal.h"
#include "value/uuid.h"

static const alch_value *self(lua_State *L)
{
    return luaL_checkudata(L, 1, ALCH_VALUE_METATABLE);
}

static int lacks(lua_State *L, const char *method)
{
    return alch_raisef(L, ALCH_ERR_ARGUMENT, "a %s has no method %s", alch_value_kind_name(self(L)->kind), method);
}

static int has_date(const alch_value *v)
{
    return v->kind == ALCH_DATE || v->kind == ALCH_DATETIME;
}

static int has_clock(const alch_value *v)
{
    return v->kind == ALCH_TIME || v->kind == ALCH_DATETIME;
}

static void push_microseconds(lua_State *L, int64_t us)
{
    if (us % ALCH_US_SECOND == 0)
        lua_pushinteger(L, us / ALCH_US_SECOND);
    else
        lua_pushnumber(L, (double)us / 1e6);
}

/* Seconds since 1970-01-01T00:00Z; an integer unless there are microseconds. */
static int l_timestamp(lua_State *L)
{
    const alch_value *v = self(L);

    if (!has_date(v))
        return lacks(L, "timestamp");
    push_microseconds(L, v->kind == ALCH_DATE ? v->as.integer * ALCH_US_DAY : alch_datetime_instant(v));
    return 1;
}

static int l_total_seconds(lua_State *L)
{
    if (self(L)->kind != ALCH_INTERVAL)
        return lacks(L, "total_seconds");
    push_microseconds(L, self(L)->as.integer);
    return 1;
}

static void set(lua_State *L, const char *key, lua_Integer n)
{
    lua_pushinteger(L, n);
    lua_setfield(L, -2, key);
}

static void push_zone(lua_State *L, const alch_value *v)
{
    int32_t minutes;

    if (v->zone == ALCH_ZONE_NONE) {
        lua_pushnil(L);
        return;
    }
    minutes = v->zone < 0 ? -v->zone : v->zone;
    lua_pushfstring(L, "%c%d%d:%d%d", v->zone < 0 ? '-' : '+', minutes / 600, minutes / 60 % 10, minutes % 60 / 10, minutes % 10);
}

static void interval_fields(const alch_value *v, int64_t *days, int64_t *seconds, int64_t *microseconds)
{
    int64_t rest = v->as.integer % ALCH_US_DAY;

    *days = v->as.integer / ALCH_US_DAY;
    *seconds = rest / ALCH_US_SECOND;
    *microseconds = rest % ALCH_US_SECOND;
}

/* What os.time and os.date take; of an interval what sa.interval takes. */
static int l_to_table(lua_State *L)
{
    const alch_value *v = self(L);
    alch_fields f;
    int64_t days, seconds, microseconds;

    if (!has_date(v) && !has_clock(v) && v->kind != ALCH_INTERVAL)
        return lacks(L, "to_table");
    lua_createtable(L, 0, 8);
    if (v->kind == ALCH_INTERVAL) {
        interval_fields(v, &days, &seconds, &microseconds);
        set(L, "days", days);
        set(L, "seconds", seconds);
        set(L, "microseconds", microseconds);
        return 1;
    }
    alch_temporal_fields(v, &f);
    if (has_date(v)) {
        set(L, "year", f.year);
        set(L, "month", f.month);
        set(L, "day", f.day);
    }
    set(L, "hour", f.hour);
    set(L, "min", f.minute);
    set(L, "sec", f.second);
    if (has_clock(v)) {
        set(L, "microsecond", f.microsecond);
        push_zone(L, v);
        lua_setfield(L, -2, "tz");
    }
    return 1;
}

static int l_isoformat(lua_State *L)
{
    const alch_value *v = self(L);
    char text[ALCH_TEMPORAL_TEXT];

    if (!has_date(v) && !has_clock(v))
        return lacks(L, "isoformat");
    lua_pushlstring(L, text, alch_temporal_format(v, ALCH_TEMPORAL_T, text));
    return 1;
}

static int part_of_datetime(lua_State *L, const char *method, int kind)
{
    const alch_value *v = self(L);
    alch_fields f;
    alch_value out;
    alch_err err;
    int rc;

    if (v->kind != ALCH_DATETIME)
        return lacks(L, method);
    alch_temporal_fields(v, &f);
    rc = kind == ALCH_DATE ? alch_date_make(&f, &out, &err) : alch_time_make(&f, v->zone, &out, &err);
    if (rc != ALCH_OK)
        return alch_raise(L, &err);
    alch_value_push_object(L, &out);
    return 1;
}

static int l_date(lua_State *L)
{
    return part_of_datetime(L, "date", ALCH_DATE);
}

static int l_time(lua_State *L)
{
    return part_of_datetime(L, "time", ALCH_TIME);
}

/* d:in_zone("+02:00"): the same moment on another clock. */
static int l_in_zone(lua_State *L)
{
    const alch_value *v = self(L);
    size_t n;
    const char *s = luaL_checklstring(L, 2, &n);
    int32_t zone;
    alch_value out;
    alch_err err;

    if (v->kind != ALCH_DATETIME)
        return lacks(L, "in_zone");
    if (v->zone == ALCH_ZONE_NONE)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "in_zone: this datetime has no time zone; make it with { tz = ... }");
    if (strcmp(s, "UTC") == 0)
        zone = 0;
    else if (!alch_zone_parse(s, n, &zone))
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "in_zone: 'Z', 'UTC' or an offset such as '+02:00' is expected, not '%s'", s);
    if (alch_datetime_in_zone(v, zone, &out, &err) != ALCH_OK)
        return alch_raise(L, &err);
    alch_value_push_object(L, &out);
    return 1;
}

/* The nearest float, which may be another number. */
static int l_tonumber(lua_State *L)
{
    double d;

    if (self(L)->kind != ALCH_DECIMAL)
        return lacks(L, "tonumber");
    (void)alch_decimal_to_float(self(L), &d);
    lua_pushnumber(L, d);
    return 1;
}

/* The integer, or nil if it is not whole or too large. */
static int l_tointeger(lua_State *L)
{
    int64_t n;

    if (self(L)->kind != ALCH_DECIMAL)
        return lacks(L, "tointeger");
    if (alch_decimal_to_integer(self(L), &n))
        lua_pushinteger(L, n);
    else
        lua_pushnil(L);
    return 1;
}

/* --- fields --- */

static int push_named(lua_State *L, const char *const *names, const int64_t *values, int n, const char *key)
{
    int i;

    for (i = 0; i < n; i++) {
        if (strcmp(key, names[i]) == 0) {
            lua_pushinteger(L, values[i]);
            return 1;
        }
    }
    return 0;
}

static int push_temporal(lua_State *L, const alch_value *v, const char *key)
{
    static const char *const names[] = { "year", "month", "day", "hour", "minute", "second", "microsecond", "min", "sec" };
    alch_fields f;
    int first = has_date(v) ? 0 : 3, last = has_clock(v) ? 9 : 3;

    alch_temporal_fields(v, &f);
    if (strcmp(key, "tz") == 0 && has_clock(v)) {
        push_zone(L, v);
        return 1;
    }
    return push_named(L, names + first, (const int64_t[]){ f.year, f.month, f.day, f.hour, f.minute, f.second, f.microsecond,
                                                           f.minute, f.second } + first, last - first, key);
}

static int push_interval(lua_State *L, const alch_value *v, const char *key)
{
    static const char *const names[] = { "days", "seconds", "microseconds" };
    int64_t values[3];

    interval_fields(v, &values[0], &values[1], &values[2]);
    return push_named(L, names, values, 3, key);
}

/* The 16 bytes, the digits without dashes, and which of its kinds it is. */
static int push_uuid(lua_State *L, const alch_value *v, const char *key)
{
    char text[ALCH_UUID_TEXT];

    if (strcmp(key, "bytes") == 0)
        lua_pushlstring(L, v->as.text.at, v->as.text.len);
    else if (strcmp(key, "hex") == 0)
        lua_pushlstring(L, text, alch_uuid_format((const unsigned char *)v->as.text.at, 0, text));
    else if (strcmp(key, "version") == 0)
        lua_pushinteger(L, (unsigned char)v->as.text.at[6] >> 4);
    else
        return 0;
    return 1;
}

/* A field of the value, else a method of the table that is the upvalue. */
static int l_index(lua_State *L)
{
    const alch_value *v = self(L);
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    int found = 0;

    if (strcmp(key, "kind") == 0) {
        lua_pushstring(L, alch_value_kind_name(v->kind));
        found = 1;
    } else if (has_date(v) || has_clock(v)) {
        found = push_temporal(L, v, key);
    } else if (v->kind == ALCH_INTERVAL) {
        found = push_interval(L, v, key);
    } else if (v->kind == ALCH_UUID) {
        found = push_uuid(L, v, key);
    }
    if (!found) {
        lua_pushvalue(L, 2);
        lua_rawget(L, lua_upvalueindex(1));
    }
    return 1;
}

static int l_newindex(lua_State *L)
{
    return alch_raisef(L, ALCH_ERR_ARGUMENT, "a %s cannot be changed; make another", alch_value_kind_name(self(L)->kind));
}

static const luaL_Reg methods[] = {
    { "timestamp", l_timestamp },
    { "total_seconds", l_total_seconds },
    { "to_table", l_to_table },
    { "isoformat", l_isoformat },
    { "date", l_date },
    { "time", l_time },
    { "in_zone", l_in_zone },
    { "tonumber", l_tonumber },
    { "tointeger", l_tointeger },
    { NULL, NULL }
};

void alch_value_setup(lua_State *L)
{
    luaL_setfuncs(L, alch_value_metamethods, 0);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, l_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_newindex);
    lua_setfield(L, -2, "__newindex");
}
