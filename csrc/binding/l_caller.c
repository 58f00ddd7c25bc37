/* Whose line it is: the nearest frame on the stack that is not the library's.
** Every error says it, and every checkout of a connection notes it, so it is
** found without a table for each frame, as the debug library would make. */
#include <string.h>

#include "binding/bind.h"

/* Upvalues: where the library's own files are ("@/usr/share/lua/5.4/lualchemy/"), and what is known of functions,
** function -> its file, false for the library's own and for C. */
enum { UP_HERE = 1, UP_FILES };

enum { MAX_LEVELS = 60 };

/* Replaces the function on the top by its file, or false. */
static void push_file(lua_State *L)
{
    size_t len;
    const char *here = lua_tolstring(L, lua_upvalueindex(UP_HERE), &len);
    lua_Debug ar;

    lua_pushvalue(L, -1);
    if (lua_rawget(L, lua_upvalueindex(UP_FILES)) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_getinfo(L, ">S", &ar);
        if (*ar.what == 'C' || strncmp(ar.source, here, len) == 0)
            lua_pushboolean(L, 0);
        else
            lua_pushstring(L, ar.short_src);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, lua_upvalueindex(UP_FILES));
    }
    lua_replace(L, -2);
}

/* caller() -> "file:line" | nil */
static int l_caller(lua_State *L)
{
    lua_Debug ar;
    int level;

    lua_settop(L, 0);
    for (level = 1; level <= MAX_LEVELS && lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "f", &ar);
        push_file(L);
        if (lua_toboolean(L, 1)) {
            lua_getinfo(L, "l", &ar);
            lua_pushfstring(L, "%s:%d", lua_tostring(L, 1), ar.currentline);
            return 1;
        }
        lua_settop(L, 0);
    }
    lua_pushnil(L);
    return 1;
}

/* core.caller_finder(here, files) -> caller: 'files' is a table with weak keys. */
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
}
