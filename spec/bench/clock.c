/* The clock of raw.h and the process's peak memory for spec/bench/lualchemy.lua. */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

/* Valgrind's header comes with valgrind, which need not be there. */
#ifdef __has_include
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif
#ifndef CALLGRIND_TOGGLE_COLLECT
#define CALLGRIND_TOGGLE_COLLECT (void)0
#endif

/* Under callgrind --collect-atstart=no: instructions count from here, or no longer. */
static int toggle(lua_State *L)
{
    (void)L;
    CALLGRIND_TOGGLE_COLLECT;
    return 0;
}

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
    static const luaL_Reg functions[] = { { "now", now }, { "peak_kb", peak_kb }, { "toggle", toggle }, { NULL, NULL } };

    luaL_newlib(L, functions);
    return 1;
}
