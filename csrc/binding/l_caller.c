/* Whose line it is: the nearest frame on the stack that is not the library's.
** Every error says it, and every checkout of a connection notes it, so it is
** found without a table for each frame, as the debug library would make. And
** what parameters a function has, which every method of the library is asked
** when it is loaded, also where a sandbox has no debug library. */
#include <string.h>

#include "binding/bind.h"

/* Upvalues: where the library's own files are ("@/usr/share/lua/5.4/lualchemy/"), and what is known of functions,
** function -> { [0] = its file, [line] = "file:line" }, false for the library's own and for C. Each line that calls the
** library is spelled once. */
enum { UP_HERE = 1, UP_FUNCTIONS };

enum { MAX_LEVELS = 60 };

/* Replaces the function on the top by what is known of it, or false. */
static void push_known(lua_State *L)
{
    size_t len;
    const char *here = lua_tolstring(L, lua_upvalueindex(UP_HERE), &len);
    lua_Debug ar;

    lua_pushvalue(L, -1);
    if (lua_rawget(L, lua_upvalueindex(UP_FUNCTIONS)) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_getinfo(L, ">S", &ar);
        if (*ar.what == 'C' || strncmp(ar.source, here, len) == 0) {
            lua_pushboolean(L, 0);
        } else {
            lua_createtable(L, 0, 2);
            lua_pushstring(L, ar.short_src);
            lua_rawseti(L, -2, 0);
        }
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, lua_upvalueindex(UP_FUNCTIONS));
    }
    lua_replace(L, -2);
}

/* Pushes "file:line" of a function known at 1. */
static void push_where(lua_State *L, int line)
{
    if (lua_rawgeti(L, 1, line) == LUA_TSTRING && line > 0)
        return;
    lua_rawgeti(L, 1, 0);
    lua_pushfstring(L, "%s:%d", lua_tostring(L, -1), line);
    if (line > 0) {
        lua_pushvalue(L, -1);
        lua_rawseti(L, 1, line);
    }
}

/* caller() -> "file:line" | nil */
static int l_caller(lua_State *L)
{
    lua_Debug ar;
    int level;

    lua_settop(L, 0);
    for (level = 1; level <= MAX_LEVELS && lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "f", &ar);
        push_known(L);
        if (lua_toboolean(L, 1)) {
            lua_getinfo(L, "l", &ar);
            push_where(L, ar.currentline);
            return 1;
        }
        lua_settop(L, 0);
    }
    lua_pushnil(L);
    return 1;
}

/* Pushes the name of a parameter of the function at 1; nil if its names were stripped. */
static void push_parameter(lua_State *L, int i)
{
    lua_pushvalue(L, 1);
    lua_pushstring(L, lua_getlocal(L, NULL, i));
    lua_remove(L, -2);
}

/* core.parameters(function) -> how many it names, the first, the last, does it take more | nil: not written in Lua */
static int l_parameters(lua_State *L)
{
    lua_Debug ar;

    lua_settop(L, 1);
    if (!lua_isfunction(L, 1) || lua_iscfunction(L, 1))
        return lua_pushnil(L), 1;
    lua_pushvalue(L, 1);
    (void)lua_getinfo(L, ">u", &ar);
    lua_pushinteger(L, ar.nparams);
    push_parameter(L, 1);
    push_parameter(L, ar.nparams);
    lua_pushboolean(L, ar.isvararg);
    return 4;
}

/* core.caller_finder(here, functions) -> caller: 'functions' is a table with weak keys. */
static int l_caller_finder(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    lua_pushcclosure(L, l_caller, 2);
    return 1;
}

void alch_open_caller(lua_State *L);

void alch_open_caller(lua_State *L)
{
    lua_pushcfunction(L, l_caller_finder);
    lua_setfield(L, -2, "caller_finder");
    lua_pushcfunction(L, l_parameters);
    lua_setfield(L, -2, "parameters");
}
