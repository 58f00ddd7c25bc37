/* The clock of raw.h and the process's peak memory for spec/bench/lualchemy.lua. */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static int now(lua_State *L)
{
    struct timespec t;

    clock_gettime(getenv("BENCH_CPU") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    lua_pushnumber(L, (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec * 1e-9);
    return 1;
}

static int peak_kb(lua_State *L)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    lua_pushinteger(L, usage.ru_maxrss);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_clock(lua_State *L);

int luaopen_clock(lua_State *L)
{
    static const luaL_Reg functions[] = { { "now", now }, { "peak_kb", peak_kb }, { NULL, NULL } };

    luaL_newlib(L, functions);
    return 1;
}
