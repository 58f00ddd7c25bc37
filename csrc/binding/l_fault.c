/* core._fail_at and core._alloc_count: failing allocations for spec/fault. In the ordinary build there is nothing here. */
#include "binding/bind.h"

#ifdef ALCH_FAULT
#include "base/alloc.h"

/* core._fail_at(n, forever): the n-th allocation of the core from now on fails, and with 'forever' all after it; 0: none. */
static int l_fail_at(lua_State *L)
{
    alch_alloc_fail_at((long)luaL_checkinteger(L, 1), lua_toboolean(L, 2));
    return 0;
}

static int l_alloc_count(lua_State *L)
{
    lua_pushinteger(L, alch_alloc_count());
    return 1;
}

void alch_open_fault(lua_State *L);

void alch_open_fault(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "_fail_at", l_fail_at },
        { "_alloc_count", l_alloc_count },
        { NULL, NULL }
    };

    luaL_setfuncs(L, functions, 0);
}
#endif
