/* Conversions as Lua sees them: for specs, tools, and the Lua parts that meet
** a value outside a statement. Statements convert in C (binding/convert.c). */
#include <string.h>

#include "binding/bind.h"
#include "binding/json.h"
#include "binding/type_host.h"
#include "binding/value_conv.h"
#include "type/adapt.h"
#include "type/equal.h"

static const alch_storage *check_storage(lua_State *L, int idx)
{
    static const alch_storage *const known[] = { &alch_storage_standard, &alch_storage_sqlite, &alch_storage_postgresql };
    const char *name = luaL_checkstring(L, idx);
    size_t i;

    for (i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i]->dialect, name) == 0)
            return known[i];
    (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "there is no storage '%s'", name);
    return NULL;
}

static void resolve(lua_State *L, alch_conversion *c, const char *name)
{
    const alch_type *t = alch_check_type(L, 1, NULL);
    alch_err err;

    if (alch_conversion_init(c, t, check_storage(L, 2), name, L, &err) != ALCH_OK)
        (void)alch_raise(L, &err);
}

/* core.type_bind(type, storage, value, name | nil) -> kind, value, oid: what
** the driver is given */
static int l_bind(lua_State *L)
{
    alch_conversion c;
    alch_arena *a;
    alch_param param;
    alch_err err;

    lua_settop(L, 4);
    resolve(L, &c, luaL_optstring(L, 4, NULL));
    a = alch_push_arena(L);
    if (alch_bind_lua(L, 3, &c, a, &param, &err) != ALCH_OK)
        return alch_raise(L, &err);
    lua_pushstring(L, alch_value_kind_name(param.value.kind));
    alch_value_push(L, &param.value);
    lua_pushinteger(L, param.oid);
    return 3;
}

/* core.type_read(type, storage, cell, name | nil) -> value; sa.bytes is a
** cell of bytes, and the storages' other cells are Lua's own kinds */
static int l_read(lua_State *L)
{
    alch_conversion c;
    alch_arena *a;
    alch_value cell;
    alch_err err;

    lua_settop(L, 4);
    resolve(L, &c, luaL_optstring(L, 4, NULL));
    a = alch_push_arena(L);
    alch_lua_to_value(L, 3, &cell);
    if (alch_read_push(L, &c, &cell, a, &err) != ALCH_OK)
        return alch_raise(L, &err);
    return 1;
}

/* core.type_literal(type, storage, value) -> SQL text */
static int l_literal(lua_State *L)
{
    const alch_type *t = alch_check_type(L, 1, NULL);
    const alch_storage *s = check_storage(L, 2);
    alch_buf *b;
    alch_err err;

    lua_settop(L, 3);
    b = alch_push_buffer(L);
    if (alch_literal_lua(L, 3, t, s, b, &err) != ALCH_OK)
        return alch_raise(L, &err);
    lua_pushlstring(L, b->data, b->len);
    return 1;
}

/* Do two tables hold the same? */
static int same_tables(lua_State *L, int a, int b, int depth);

static int same_values(lua_State *L, int a, int b, int depth)
{
    if (lua_compare(L, a, b, LUA_OPEQ))
        return 1;
    if (lua_type(L, a) != LUA_TTABLE || lua_type(L, b) != LUA_TTABLE || depth > 100)
        return 0;
    return same_tables(L, a, b, depth);
}

static int same_tables(lua_State *L, int a, int b, int depth)
{
    int top = lua_gettop(L), same = 1, count = 0;

    luaL_checkstack(L, 8, "comparison");
    for (lua_pushnil(L); same && lua_next(L, a) != 0; count++) {
        lua_pushvalue(L, -2);
        lua_rawget(L, b);
        same = same_values(L, lua_gettop(L) - 1, lua_gettop(L), depth + 1);
        lua_pop(L, 2);
    }
    lua_settop(L, top);
    for (lua_pushnil(L); same && lua_next(L, b) != 0; lua_pop(L, 1))
        count--;
    lua_settop(L, top);
    return same && count == 0;
}

/* The type's own compare_values(self, a, b). */
static int asks_type(lua_State *L, const alch_type *t, int a, int b)
{
    int same;

    alch_host_ref_push(L, t->object);
    lua_getfield(L, -1, "compare_values");
    lua_insert(L, -2);
    lua_pushvalue(L, a);
    lua_pushvalue(L, b);
    lua_call(L, 3, 1);
    same = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return same;
}

int alch_lua_equal(lua_State *L, const alch_type *t, int a, int b)
{
    alch_value x, y;

    luaL_checkstack(L, 8, "comparison");
    a = lua_absindex(L, a);
    b = lua_absindex(L, b);
    if (t->flags & ALCH_TYPE_HOOK_COMPARE)
        return asks_type(L, t, a, b);
    if (t->kind == ALCH_TYPE_DECORATED)     /* its values are the program's: nothing is known of them */
        return same_values(L, a, b, 0);
    alch_lua_to_value(L, a, &x);
    alch_lua_to_value(L, b, &y);
    if (x.kind == ALCH_HOST || y.kind == ALCH_HOST)
        return same_values(L, a, b, 0);
    return alch_type_equal(t, &x, &y);
}

/* core.type_equal(type, a, b): do they mean the same to the type? */
static int l_equal(lua_State *L)
{
    lua_settop(L, 3);
    lua_pushboolean(L, alch_lua_equal(L, alch_check_type(L, 1, NULL), 2, 3));
    return 1;
}

static const char *const groups[] = { "compare", "match", "add", "subtract", "multiply", "divide", "floor_divide", "concat",
                                      "other", NULL };

/* core.type_result(group, left, right) -> type */
static int l_result(lua_State *L)
{
    int group = luaL_checkoption(L, 1, NULL, groups);

    alch_push_type(L, alch_type_result(group, alch_check_type(L, 2, NULL), alch_check_type(L, 3, NULL)));
    return 1;
}

/* core.type_coerce(group, left, value) -> the type that value is bound as */
static int l_coerce(lua_State *L)
{
    int group = luaL_checkoption(L, 1, NULL, groups);
    const alch_type *t = alch_operand_type(L, alch_check_type(L, 2, NULL), group, groups[group], 3);

    alch_push_type(L, t);
    alch_type_drop(t);
    return 1;
}

static const luaL_Reg functions[] = {
    { "type_bind", l_bind },
    { "type_read", l_read },
    { "type_literal", l_literal },
    { "type_equal", l_equal },
    { "type_result", l_result },
    { "type_coerce", l_coerce },
    { NULL, NULL }
};

void alch_open_convert(lua_State *L);

void alch_open_convert(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
    lua_pushlightuserdata(L, alch_json_null());
    lua_setfield(L, -2, "json_null");
}
