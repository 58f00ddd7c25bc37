/* lualchemy._core: the C core as Lua sees it. lua/lualchemy/_meta/core.lua
** describes it for editors. */
#include "binding/bind.h"

/* core.set_error_factory(fn): fn{class=, message=, ...} makes the error object. */
static int l_set_error_factory(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "lualchemy.error_factory");
    return 0;
}

static const luaL_Reg functions[] = {
    { "set_error_factory", l_set_error_factory },
    { NULL, NULL }
};

#define ALCH_OPEN(x) void alch_open_##x(lua_State *L);
#include "binding/openers.def"
#undef ALCH_OPEN

static const alch_opener openers[] = {
#define ALCH_OPEN(x) alch_open_##x,
#include "binding/openers.def"
#undef ALCH_OPEN
    NULL
};

__attribute__((visibility("default"))) int luaopen_lualchemy__core(lua_State *L);

int luaopen_lualchemy__core(lua_State *L)
{
    const alch_opener *open;

    luaL_newlib(L, functions);
    alch_push_null(L);
    lua_setfield(L, -2, "null");
    for (open = openers; *open != NULL; open++)
        (*open)(L);
    return 1;
}
