#include "binding/bind.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FACTORY "lualchemy.error_factory"

static void set_field(lua_State *L, const char *key, const char *value)
{
    if (value[0] != '\0') {
        lua_pushstring(L, value);
        lua_setfield(L, -2, key);
    }
}

/* {class=, message=, sqlstate=...}: what the factory turns into an error. */
static void push_description(lua_State *L, const alch_err *err)
{
    lua_createtable(L, 0, 8);
    set_field(L, "class", alch_err_class(err->code));
    set_field(L, "message", err->text);
    set_field(L, "sqlstate", err->sqlstate);
    set_field(L, "constraint", err->constraint);
    set_field(L, "table", err->table);
    set_field(L, "column", err->column);
    if (err->native != 0) {
        lua_pushinteger(L, err->native);
        lua_setfield(L, -2, "code");
    }
}

void alch_push_error(lua_State *L, const alch_err *err)
{
    luaL_checkstack(L, 4, "error");
    if (lua_getfield(L, LUA_REGISTRYINDEX, FACTORY) == LUA_TFUNCTION) {
        push_description(L, err);
        lua_call(L, 1, 1);
    } else {
        lua_pop(L, 1);
        push_description(L, err);
    }
}

int alch_raise(lua_State *L, const alch_err *err)
{
    alch_push_error(L, err);
    return lua_error(L);
}

int alch_raisef(lua_State *L, int code, const char *fmt, ...)
{
    alch_err err;
    char text[sizeof err.text];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)alch_err_set(&err, code, "%s", text);
    return alch_raise(L, &err);
}

int alch_new_metatable(lua_State *L, const char *name, lua_CFunction gc)
{
    if (!luaL_newmetatable(L, name))
        return 0;
    if (gc != NULL) {
        lua_pushcfunction(L, gc);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "__gc");
        lua_setfield(L, -2, "__close");
    }
    return 1;
}

void alch_push_weak_table(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    (void)lua_setmetatable(L, -2);
}

void *alch_push_object(lua_State *L, size_t size, int user_values, const char *metatable)
{
    void *p = lua_newuserdatauv(L, size, user_values);

    memset(p, 0, size);
    luaL_setmetatable(L, metatable);
    return p;
}

int alch_rest_from(lua_State *L) { return lua_gc(L, LUA_GCISRUNNING) == 1 ? 2 * lua_gc(L, LUA_GCCOUNT) : 0; }

/* Let go on, the collector would begin at once, with all that was just made;
** as after a collection, it waits until there is more: half as much again. */
static void put_off_collection(lua_State *L)
{
    lua_gc(L, LUA_GCSTEP, -(lua_gc(L, LUA_GCCOUNT) / 2));
}

void alch_call_at_rest(lua_State *L, int args, int results)
{
    int status;

    lua_gc(L, LUA_GCSTOP);
    status = lua_pcall(L, args, results, 0);
    lua_gc(L, LUA_GCRESTART);
    if (status != LUA_OK)
        lua_error(L);
    put_off_collection(L);
}

#define BUFFER_METATABLE "lualchemy.buffer"

static int buffer_gc(lua_State *L)
{
    alch_buf_release(lua_touserdata(L, 1));
    return 0;
}

alch_buf *alch_push_buffer(lua_State *L)
{
    alch_new_metatable(L, BUFFER_METATABLE, buffer_gc);
    lua_pop(L, 1);
    return alch_push_object(L, sizeof(alch_buf), 0, BUFFER_METATABLE);
}

alch_buf *alch_test_buffer(lua_State *L, int idx)
{
    return luaL_testudata(L, idx, BUFFER_METATABLE);
}
