/* An engine's own way with JSON documents: the functions json_serializer and
** json_deserializer of its dialect, in place of json_encode.c and json_decode.c. */
#include "binding/json.h"

#include <stddef.h>

#include <lauxlib.h>

#include "binding/type_host.h"
#include "dialect/dialect.h"

/* Pushes the dialect's function of that name, if it has one. Only a storage
** that is part of a dialect says json_host. */
static int push_function(lua_State *L, const alch_storage *s, const char *name)
{
    const void *at;
    const alch_dialect *d;

    if (!s->json_host)
        return 0;
    at = (const char *)s - offsetof(alch_dialect, storage);
    d = at;
    luaL_checkstack(L, 8, name);
    alch_push_dialect_of(L, d, d->name);
    if (lua_getfield(L, -1, name) == LUA_TNIL) {
        lua_pop(L, 2);
        return 0;
    }
    lua_remove(L, -2);
    return 1;
}

int alch_json_encode_by_host(lua_State *L, const alch_storage *s, alch_err *err)
{
    if (lua_islightuserdata(L, -1) && lua_touserdata(L, -1) == alch_json_null())
        return 0;       /* which nobody else knows */
    if (!push_function(L, s, "json_serializer"))
        return 0;
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    if (lua_type(L, -1) == LUA_TSTRING)
        return 1;
    (void)alch_err_set(err, ALCH_ERR_DATA, "json_serializer returned a %s, a string is meant", luaL_typename(L, -1));
    return -1;
}

int alch_json_decode_by_host(lua_State *L, const alch_storage *s, const char *at, size_t n)
{
    if (!push_function(L, s, "json_deserializer"))
        return 0;
    lua_pushlstring(L, at, n);
    lua_call(L, 1, 1);
    return 1;
}
