/* What any pool pays whose connections are handles of the Lua C API: a small
** userdata per checkout, which is open or closed by its metatable, and a method
** that makes and one that closes it. Nothing is pooled here. */
#include <lauxlib.h>
#include <lua.h>

/* handle:close(), with the metatable of closed ones. */
static int close_handle(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_setmetatable(L, 1);
    return 0;
}

/* handles:connect(), with the metatable of open ones. */
static int make_handle(lua_State *L)
{
    lua_newuserdatauv(L, 0, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_setmetatable(L, -2);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_handle(lua_State *L);

int luaopen_handle(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 1);
    lua_createtable(L, 0, 0);
    lua_pushcclosure(L, close_handle, 1);
    lua_setfield(L, -2, "close");
    lua_setfield(L, -2, "__index");
    lua_pushcclosure(L, make_handle, 1);
    lua_setfield(L, -2, "connect");
    return 1;
}
