/* libFuzzer's side: hands the bytes it makes to one function of targets.lua, named by FUZZ_TARGET, in a Lua state whose
** library is the instrumented build. An error that gets here is a finding. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer offers no place of its own for this. */
static lua_State *L;

static void give_up(const char *what)
{
    fprintf(stderr, "fuzz: %s: %s\n", what, lua_tostring(L, -1));
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *target = getenv("FUZZ_TARGET");

    (void)argc;
    (void)argv;
    L = luaL_newstate();
    luaL_openlibs(L);
    (void)luaL_loadstring(L, "return require('spec.fuzz.targets')[...] or error('FUZZ_TARGET names no target')");
    lua_pushstring(L, target);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK)
        give_up("targets");
    return 0;
}

/* The target's function stays at 1. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lua_pushvalue(L, 1);
    lua_pushlstring(L, (const char *)data, size);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK)
        give_up("finding");
    return 0;
}
