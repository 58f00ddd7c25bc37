/* sa.decimal, sa.date, sa.time, sa.datetime, sa.interval, sa.uuid, sa.bytes:
** how they are made. value_object.c: what they can do. */
#include <math.h>
#include <string.h>

#include "binding/bind.h"
#include "binding/value_conv.h"
#include "binding/value_object.h"
#include "value/decimal.h"
#include "value/number.h"
#include "value/temporal.h"
#include "value/uuid.h"

static int finish(lua_State *L, int rc, const alch_value *v, const alch_err *err)
{
    if (rc != ALCH_OK)
        return alch_raise(L, err);
    alch_value_push_object(L, v);
    return 1;
}

static int refuse(lua_State *L, const char *name, const char *wants)
{
    if (lua_isnoneornil(L, 1))
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: %s is expected, not nil", name, wants);
    return alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: %s is expected, not %s %s", name, wants, luaL_typename(L, 1),
                       luaL_tolstring(L, 1, NULL));
}

/* A value of the kind itself is given back: it never changes. */
static int is_already(lua_State *L, int kind)
{
    const alch_value *v = alch_test_value(L, 1);

    return v != NULL && v->kind == kind && lua_gettop(L) == 1;
}

static int is_plain_table(lua_State *L, int idx)
{
    if (lua_type(L, idx) != LUA_TTABLE)
        return 0;
    if (!lua_getmetatable(L, idx))
        return 1;
    lua_pop(L, 1);
    return 0;
}

/* Like luaL_optinteger, but a string is no number. */
static int number_at(lua_State *L, int idx, const char *name, const char *what, int dflt)
{
    lua_Integer n;
    int isnum;

    if (lua_isnoneornil(L, idx))
        return dflt;
    n = lua_tointegerx(L, idx, &isnum);
    if (!isnum || lua_type(L, idx) != LUA_TNUMBER || n < -1000000 || n > 1000000)
        (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: the %s must be a whole number, not %s", name, what,
                          luaL_tolstring(L, idx, NULL));
    return (int)n;
}

static int required_at(lua_State *L, int idx, const char *name, const char *what)
{
    if (lua_isnoneornil(L, idx))
        (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: the %s is missing", name, what);
    return number_at(L, idx, name, what, 0);
}

/* A field of a table like os.date("*t"), which says "min"; people say "minute". */
static int field_of(lua_State *L, int table, const char *name, const char *key, const char *other, int required)
{
    int value;

    if (lua_getfield(L, table, key) == LUA_TNIL && other != NULL) {
        lua_pop(L, 1);
        lua_getfield(L, table, other);
    }
    value = required ? required_at(L, -1, name, key) : number_at(L, -1, name, key, 0);
    lua_pop(L, 1);
    return value;
}

static void date_of_table(lua_State *L, int t, const char *name, alch_fields *f)
{
    f->year = field_of(L, t, name, "year", NULL, 1);
    f->month = field_of(L, t, name, "month", NULL, 1);
    f->day = field_of(L, t, name, "day", NULL, 1);
}

static void time_of_table(lua_State *L, int t, const char *name, int required, alch_fields *f)
{
    f->hour = field_of(L, t, name, "hour", NULL, required);
    f->minute = field_of(L, t, name, "min", "minute", 0);
    f->second = field_of(L, t, name, "sec", "second", 0);
    f->microsecond = field_of(L, t, name, "microsecond", "usec", 0);
}

/* { tz = "+02:00" } or minutes east; the options table is the last argument. */
static int32_t zone_of_options(lua_State *L, int idx, const char *name)
{
    int32_t zone = ALCH_ZONE_NONE;
    size_t n;
    const char *s;

    switch (lua_getfield(L, idx, "tz")) {
    case LUA_TNIL:
        break;
    case LUA_TNUMBER:
        zone = number_at(L, -1, name, "time zone in minutes", 0);
        break;
    default:
        s = luaL_tolstring(L, -1, &n);
        if (strcmp(s, "UTC") == 0)
            zone = 0;
        else if (!alch_zone_parse(s, n, &zone))
            (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: tz is 'Z', 'UTC' or an offset such as '+02:00', not '%s'", name, s);
        lua_pop(L, 1);
        break;
    }
    lua_pop(L, 1);
    if (zone != ALCH_ZONE_NONE && (zone <= -24 * 60 || zone >= 24 * 60))
        (void)alch_raisef(L, ALCH_ERR_DATA, "%s: a time zone of %d minutes is a day or more", name, (int)zone);
    return zone;
}

/* The zone of the options table at the end, which is then taken off. */
static int32_t take_zone(lua_State *L, const char *name)
{
    int top = lua_gettop(L);
    int32_t zone = ALCH_ZONE_NONE;

    if (top > 1 && is_plain_table(L, top)) {
        for (lua_pushnil(L); lua_next(L, top) != 0; lua_pop(L, 1))
            if (lua_type(L, -2) != LUA_TSTRING || strcmp(lua_tostring(L, -2), "tz") != 0)
                (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: there is no option '%s' (it has: tz)", name, luaL_tolstring(L, -2, NULL));
        zone = zone_of_options(L, top, name);
        lua_settop(L, top - 1);
    }
    return zone;
}

/* Pushes 'v' with the zone asked for: a clock without one is in it, a moment is seen in it. */
static int finish_in_zone(lua_State *L, int rc, alch_value *v, int32_t zone, alch_err *err)
{
    if (rc == ALCH_OK && zone != ALCH_ZONE_NONE && v->zone != zone) {
        if (v->zone == ALCH_ZONE_NONE)
            v->zone = zone;
        else if (v->kind == ALCH_DATETIME)
            rc = alch_datetime_in_zone(v, zone, v, err);
        else
            rc = alch_err_set(err, ALCH_ERR_ARGUMENT, "time: it has a time zone already, and without a date it has no time in another");
    }
    return finish(L, rc, v, err);
}

int alch_make_date(lua_State *L)
{
    const alch_value *v = alch_test_value(L, 1);
    alch_fields f = { 0 };
    alch_value out;
    alch_err err;
    size_t n;
    const char *s;

    if (is_already(L, ALCH_DATE))
        return 1;
    if (v != NULL && v->kind == ALCH_DATETIME) {
        alch_temporal_fields(v, &f);
    } else if (lua_type(L, 1) == LUA_TSTRING) {
        s = lua_tolstring(L, 1, &n);
        return finish(L, alch_date_parse(s, n, &out, &err), &out, &err);
    } else if (is_plain_table(L, 1)) {
        date_of_table(L, 1, "date", &f);
    } else if (lua_type(L, 1) == LUA_TNUMBER) {
        f.year = required_at(L, 1, "date", "year");
        f.month = required_at(L, 2, "date", "month");
        f.day = required_at(L, 3, "date", "day");
    } else {
        return refuse(L, "date", "year, month, day, an ISO 8601 string or a table such as os.date('*t')");
    }
    return finish(L, alch_date_make(&f, &out, &err), &out, &err);
}

int alch_make_time(lua_State *L)
{
    const alch_value *v = alch_test_value(L, 1);
    int32_t zone = take_zone(L, "time");
    alch_fields f = { 0 };
    alch_value out;
    alch_err err;
    size_t n;
    const char *s;

    if (is_already(L, ALCH_TIME)) {
        if (zone == ALCH_ZONE_NONE)
            return 1;
        out = *v;
        return finish_in_zone(L, ALCH_OK, &out, zone, &err);
    }
    if (v != NULL && v->kind == ALCH_DATETIME) {
        alch_temporal_fields(v, &f);
        return finish_in_zone(L, alch_time_make(&f, v->zone, &out, &err), &out, zone, &err);
    } else if (lua_type(L, 1) == LUA_TSTRING) {
        s = lua_tolstring(L, 1, &n);
        return finish_in_zone(L, alch_time_parse(s, n, &out, &err), &out, zone, &err);
    } else if (is_plain_table(L, 1)) {
        time_of_table(L, 1, "time", 1, &f);
        if (zone == ALCH_ZONE_NONE)
            zone = zone_of_options(L, 1, "time");
    } else if (lua_type(L, 1) == LUA_TNUMBER) {
        f.hour = required_at(L, 1, "time", "hour");
        f.minute = number_at(L, 2, "time", "minute", 0);
        f.second = number_at(L, 3, "time", "second", 0);
        f.microsecond = number_at(L, 4, "time", "microsecond", 0);
    } else {
        return refuse(L, "time", "hour, minute, second, microsecond, an ISO 8601 string or a table such as os.date('*t')");
    }
    return finish(L, alch_time_make(&f, zone, &out, &err), &out, &err);
}

/* Seconds since 1970-01-01T00:00Z, as os.time gives: the result is in UTC, or
** the same moment in the zone asked for. */
static int from_epoch(lua_State *L, int32_t zone)
{
    alch_value utc = { .kind = ALCH_DATETIME, .zone = 0 }, out;
    alch_err err;
    double us;

    if (lua_isinteger(L, 1)) {
        lua_Integer seconds = lua_tointeger(L, 1);

        if (seconds > 300000000000 || seconds < -300000000000)
            return alch_raisef(L, ALCH_ERR_DATA, "datetime: %lld seconds are outside the years 1 to 9999", (long long)seconds);
        utc.as.integer = seconds * ALCH_US_SECOND;
    } else {
        us = round(lua_tonumber(L, 1) * 1e6);
        if (!(us > -3e17 && us < 3e17))
            return alch_raisef(L, ALCH_ERR_DATA, "datetime: the seconds are outside the years 1 to 9999");
        utc.as.integer = (int64_t)us;
    }
    return finish(L, alch_datetime_in_zone(&utc, zone == ALCH_ZONE_NONE ? 0 : zone, &out, &err), &out, &err);
}

static void read_datetime(lua_State *L, alch_fields *f)
{
    f->year = required_at(L, 1, "datetime", "year");
    f->month = required_at(L, 2, "datetime", "month");
    f->day = required_at(L, 3, "datetime", "day");
    f->hour = number_at(L, 4, "datetime", "hour", 0);
    f->minute = number_at(L, 5, "datetime", "minute", 0);
    f->second = number_at(L, 6, "datetime", "second", 0);
    f->microsecond = number_at(L, 7, "datetime", "microsecond", 0);
}

int alch_make_datetime(lua_State *L)
{
    const alch_value *v = alch_test_value(L, 1);
    int32_t zone = take_zone(L, "datetime");
    alch_fields f = { 0 };
    alch_value out;
    alch_err err;
    size_t n;
    const char *s;

    if (is_already(L, ALCH_DATETIME)) {
        if (zone == ALCH_ZONE_NONE)
            return 1;
        out = *v;
        return finish_in_zone(L, ALCH_OK, &out, zone, &err);
    }
    if (v != NULL && v->kind == ALCH_DATE) {
        alch_temporal_fields(v, &f);
    } else if (lua_type(L, 1) == LUA_TSTRING) {
        s = lua_tolstring(L, 1, &n);
        return finish_in_zone(L, alch_datetime_parse(s, n, &out, &err), &out, zone, &err);
    } else if (is_plain_table(L, 1)) {
        date_of_table(L, 1, "datetime", &f);
        time_of_table(L, 1, "datetime", 0, &f);
        if (zone == ALCH_ZONE_NONE)
            zone = zone_of_options(L, 1, "datetime");
    } else if (lua_type(L, 1) == LUA_TNUMBER && lua_gettop(L) == 1) {
        return from_epoch(L, zone);
    } else if (lua_type(L, 1) == LUA_TNUMBER) {
        read_datetime(L, &f);
    } else {
        return refuse(L, "datetime", "year, month, day, ..., an ISO 8601 string, os.time() or a table such as os.date('*t')");
    }
    return finish(L, alch_datetime_make(&f, zone, &out, &err), &out, &err);
}

static const struct { const char *name; int64_t us; } interval_parts[] = {
    { "weeks", 7 * ALCH_US_DAY }, { "days", ALCH_US_DAY }, { "hours", 3600 * ALCH_US_SECOND },
    { "minutes", 60 * ALCH_US_SECOND }, { "seconds", ALCH_US_SECOND }, { "milliseconds", 1000 }, { "microseconds", 1 }
};

#define INTERVAL_PARTS (sizeof interval_parts / sizeof interval_parts[0])

/* 'amount' units as whole microseconds; raises when that is not exact enough or too much. */
static int64_t interval_part(lua_State *L, size_t i)
{
    int64_t unit = interval_parts[i].us, n;
    double us;

    if (lua_type(L, -1) != LUA_TNUMBER)
        (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "interval: %s must be a number, not %s", interval_parts[i].name,
                          luaL_typename(L, -1));
    if (lua_isinteger(L, -1)) {
        n = lua_tointeger(L, -1);
        if (n <= INT64_MAX / 16 / unit && n >= -(INT64_MAX / 16 / unit))
            return n * unit;
    } else {
        us = round(lua_tonumber(L, -1) * (double)unit);
        if (us > -5e17 && us < 5e17)
            return (int64_t)us;
    }
    (void)alch_raisef(L, ALCH_ERR_DATA, "interval: %s is out of range", interval_parts[i].name);
    return 0;
}

static int interval_of_table(lua_State *L)
{
    alch_value out = { .kind = ALCH_INTERVAL, .zone = ALCH_ZONE_NONE };
    size_t i;

    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";

        for (i = 0; i < INTERVAL_PARTS && strcmp(key, interval_parts[i].name) != 0; i++)
            ;
        if (i == INTERVAL_PARTS)
            return alch_raisef(L, ALCH_ERR_ARGUMENT, "interval: there is no part '%s' (weeks, days, hours, minutes, seconds, "
                               "milliseconds, microseconds)", luaL_tolstring(L, -2, NULL));
        out.as.integer += interval_part(L, i);      /* seven parts of at most a sixteenth each */
    }
    alch_value_push_object(L, &out);
    return 1;
}

int alch_make_interval(lua_State *L)
{
    alch_value out;
    alch_err err;
    size_t n;
    const char *s;

    if (is_already(L, ALCH_INTERVAL))
        return 1;
    if (is_plain_table(L, 1))
        return interval_of_table(L);
    if (lua_type(L, 1) != LUA_TSTRING)
        return refuse(L, "interval", "a table such as { days = 1, seconds = 2 } or a string such as '1 day 02:00:00'");
    s = lua_tolstring(L, 1, &n);
    return finish(L, alch_interval_parse(s, n, &out, &err), &out, &err);
}

static int l_decimal(lua_State *L)
{
    alch_arena *a;
    alch_value in, out;
    alch_err err;
    int rc;

    if (is_already(L, ALCH_DECIMAL))
        return 1;
    alch_lua_to_value(L, 1, &in);
    a = alch_push_arena(L);
    switch (in.kind) {
    case ALCH_INT:
        rc = alch_decimal_from_integer(in.as.integer, a, &out, &err);
        break;
    case ALCH_FLOAT:
        rc = alch_decimal_from_float(in.as.number, 0, a, &out, &err);
        break;
    case ALCH_TEXT:
        rc = alch_decimal_parse(in.as.text.at, in.as.text.len, a, &out, &err);
        break;
    default:
        return refuse(L, "decimal", "a string such as '1.10' or a number");
    }
    return finish(L, rc, &out, &err);
}

static int l_uuid(lua_State *L)
{
    unsigned char bytes[16];
    alch_value out = { .kind = ALCH_UUID, .zone = ALCH_ZONE_NONE, .as.text = { (const char *)bytes, sizeof bytes } };
    const alch_value *raw;
    alch_err err;
    size_t n;
    const char *s;

    if (is_already(L, ALCH_UUID))
        return 1;
    raw = alch_test_value(L, 1);
    if (raw != NULL && raw->kind == ALCH_BLOB && raw->as.text.len == sizeof bytes) {
        memcpy(bytes, raw->as.text.at, sizeof bytes);
        return finish(L, ALCH_OK, &out, &err);
    }
    if (lua_type(L, 1) != LUA_TSTRING)
        return refuse(L, "uuid", "a string such as '123e4567-e89b-12d3-a456-426614174000', or 16 bytes");
    s = lua_tolstring(L, 1, &n);
    return finish(L, alch_uuid_parse(s, n, bytes, &err), &out, &err);
}

static int l_bytes(lua_State *L)
{
    alch_value out = { .kind = ALCH_BLOB, .zone = ALCH_ZONE_NONE };

    if (is_already(L, ALCH_BLOB))
        return 1;
    if (lua_type(L, 1) != LUA_TSTRING)
        return refuse(L, "bytes", "a string");
    out.as.text.at = lua_tolstring(L, 1, &out.as.text.len);
    alch_value_push_object(L, &out);
    return 1;
}

/* core.value_kind(x) -> "date", "decimal" ...; nil for anything else */
static int l_value_kind(lua_State *L)
{
    const alch_value *v = alch_test_value(L, 1);

    if (v == NULL)
        lua_pushnil(L);
    else
        lua_pushstring(L, alch_value_kind_name(v->kind));
    return 1;
}

static const luaL_Reg functions[] = {
    { "date", alch_make_date },
    { "time", alch_make_time },
    { "datetime", alch_make_datetime },
    { "interval", alch_make_interval },
    { "decimal", l_decimal },
    { "uuid", l_uuid },
    { "bytes", l_bytes },
    { "value_kind", l_value_kind },
    { NULL, NULL }
};

void alch_open_value(lua_State *L);

void alch_open_value(lua_State *L)
{
    if (alch_new_metatable(L, ALCH_VALUE_METATABLE, NULL))
        alch_value_setup(L);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
