/* Calls from the core into types defined in Lua: always protected, a status
** comes back. */
#include "binding/type_host.h"

#include <stdio.h>

#include "binding/bind.h"
#include "binding/value_conv.h"

static const char dialects_key = 0;

void alch_push_dialect(lua_State *L, const char *name)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &dialects_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &dialects_key);
    }
    if (lua_getfield(L, -1, name) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 1);
        lua_pushstring(L, name);
        lua_setfield(L, -2, "name");
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, name);
    }
    lua_remove(L, -2);
}

void alch_set_dialect(lua_State *L, const char *name)
{
    alch_push_dialect(L, name);     /* makes the table */
    lua_pop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &dialects_key);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* One call into Lua: what goes in, what comes out. */
typedef struct call {
    const alch_type *type;
    const char *dialect;
    alch_buf *text;             /* column_spec */
    const alch_type *found;     /* impl: kept */
    alch_err *err;
} call;

/* The error object at 1, as text; runs protected because it may allocate. */
static int describe(lua_State *L)
{
    const call *c = lua_touserdata(L, 2);
    const char *text;

    if (lua_type(L, 1) == LUA_TTABLE)
        lua_getfield(L, 1, "message");
    else
        lua_pushvalue(L, 1);
    text = luaL_tolstring(L, -1, NULL);
    (void)alch_err_set(c->err, ALCH_ERR_CALLBACK, "%s: %s", alch_type_name(c->type), text);
    return 0;
}

static int protected(lua_State *L, lua_CFunction f, call *c)
{
    if (!lua_checkstack(L, 8))
        return alch_err_nomem(c->err);
    lua_pushcfunction(L, f);
    lua_pushlightuserdata(L, c);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        return ALCH_OK;
    lua_pushcfunction(L, describe);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, c);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return alch_err_nomem(c->err);
    }
    return ALCH_ERR_CALLBACK;
}

/* Pushes the object's method and the object. */
static void push_method(lua_State *L, const call *c, const char *name)
{
    luaL_checkstack(L, 8, "type hook");
    alch_host_ref_push(L, c->type->object);
    if (lua_getfield(L, -1, name) != LUA_TFUNCTION)
        luaL_error(L, "the method %s(self) is missing", name);
    lua_insert(L, -2);
}

static int run_column_spec(lua_State *L)
{
    call *c = lua_touserdata(L, 1);
    size_t len;
    const char *text;

    push_method(L, c, "get_col_spec");
    alch_push_dialect(L, c->dialect);
    lua_call(L, 2, 1);
    if (lua_type(L, -1) != LUA_TSTRING)
        return luaL_error(L, "get_col_spec must return the type's DDL as a string, not %s", luaL_typename(L, -1));
    text = lua_tolstring(L, -1, &len);
    alch_buf_add(c->text, text, len);
    return 0;
}

static int column_spec(void *host, const alch_type *t, const char *dialect, alch_buf *out, alch_err *err)
{
    call c = { t, dialect, out, NULL, err };

    return protected(host, run_column_spec, &c);
}

static int run_impl(lua_State *L)
{
    call *c = lua_touserdata(L, 1);

    push_method(L, c, "load_dialect_impl");
    alch_push_dialect(L, c->dialect);
    lua_call(L, 2, 1);
    c->found = alch_type_keep(alch_check_type(L, -1, "load_dialect_impl"));
    return 0;
}

static int impl(void *host, const alch_type *t, const char *dialect, const alch_type **out, alch_err *err)
{
    call c = { t, dialect, NULL, NULL, err };
    int rc = protected(host, run_impl, &c);

    *out = c.found;
    return rc;
}

const alch_type_host alch_lua_type_host = { column_spec, NULL, impl };
