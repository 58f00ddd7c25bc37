/*
** host SCRIPT: runs a Lua script in a state whose allocator can be made to fail, and checks that closing the state gives
** back every byte. The script gets two functions:
**
**     fault.try(n, forever, f)   pcall(f) with the n-th request for memory failing, with 'forever' all after it too;
**                                Lua answers a failure with a full collection and asks once more
**     fault.made()               requests so far
**     fault.fresh(n, forever, f, ...)    the same as 'try' for a function without upvalues and string arguments in a
**                                state of its own; also returns how many bytes closing it left behind
*/
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

typedef struct memory {
    long made;          /* requests for more */
    long fail_at;       /* value of 'made' from which to fail; 0: never */
    int forever;
    long long bytes;
} memory;

static void *allocate(void *ud, void *p, size_t old, size_t size)
{
    memory *m = ud;
    void *moved;

    if (p == NULL)
        old = 0;        /* Lua tells the kind of object there */
    if (size == 0) {
        free(p);
        m->bytes -= (long long)old;
        return NULL;
    }
    if (size > old) {
        m->made++;
        if (m->fail_at && (m->made == m->fail_at || (m->forever && m->made > m->fail_at)))
            return NULL;
    }
    moved = realloc(p, size);
    if (moved != NULL)
        m->bytes += (long long)size - (long long)old;
    return moved;
}

static memory *memory_of(lua_State *L)
{
    void *ud;

    (void)lua_getallocf(L, &ud);
    return ud;
}

static int protected_call(lua_State *L, long n, int forever, int arguments)
{
    memory *m = memory_of(L);
    int rc;

    m->forever = forever;
    m->fail_at = n > 0 ? m->made + n : 0;
    rc = lua_pcall(L, arguments, 0, 0);
    m->fail_at = 0;
    return rc;
}

static int fault_try(lua_State *L)
{
    long n = (long)luaL_checkinteger(L, 1);
    int forever = lua_toboolean(L, 2), rc;

    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_settop(L, 3);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    rc = protected_call(L, n, forever, 0);
    lua_pushboolean(L, rc == LUA_OK);
    if (rc == LUA_OK)
        return 1;
    /* What the failure left behind ends now: a forgotten connection's lock would keep the next attempt waiting. */
    lua_gc(L, LUA_GCCOLLECT, 0);
    lua_insert(L, -2);
    return 2;
}

static int fault_made(lua_State *L)
{
    lua_pushinteger(L, memory_of(L)->made);
    return 1;
}

static int open_libraries(lua_State *L)
{
    luaL_openlibs(L);
    return 0;
}

static int keep_code(lua_State *L, const void *code, size_t size, void *buffer)
{
    (void)L;
    luaL_addlstring(buffer, code, size);
    return 0;
}

static int fault_fresh(lua_State *L)
{
    memory m = { 0, 0, 0, 0 };
    lua_State *fresh = lua_newstate(allocate, &m);
    const char *code;
    size_t size;
    luaL_Buffer b;
    int rc, i, n = lua_gettop(L) - 3;

    if (fresh == NULL)
        return luaL_error(L, "no memory for a state");
    luaL_buffinit(L, &b);
    lua_pushvalue(L, 3);
    (void)lua_dump(L, keep_code, &b, 0);
    lua_pop(L, 1);
    luaL_pushresult(&b);
    code = lua_tolstring(L, -1, &size);
    lua_pushcfunction(fresh, open_libraries);
    rc = lua_pcall(fresh, 0, 0, 0);
    if (rc == LUA_OK)
        rc = luaL_loadbufferx(fresh, code, size, "=fresh", "b");
    for (i = 0; rc == LUA_OK && i < n; i++)
        lua_pushstring(fresh, lua_tostring(L, 4 + i));
    if (rc == LUA_OK)
        rc = protected_call(fresh, (long)luaL_checkinteger(L, 1), lua_toboolean(L, 2), n);
    lua_pushboolean(L, rc == LUA_OK);
    lua_pushstring(L, rc == LUA_OK ? NULL : luaL_tolstring(fresh, -1, NULL));
    lua_close(fresh);
    lua_pushinteger(L, (lua_Integer)m.bytes);
    lua_pushinteger(L, m.made);
    return 4;
}

static int run(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "try", fault_try }, { "made", fault_made }, { "fresh", fault_fresh }, { NULL, NULL }
    };

    luaL_openlibs(L);
    luaL_newlib(L, functions);
    lua_setglobal(L, "fault");
    if (luaL_loadfile(L, lua_touserdata(L, 1)) != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    return 1;
}

int main(int argc, char **argv)
{
    memory m = { 0, 0, 0, 0 };
    lua_State *L = lua_newstate(allocate, &m);
    int failed;

    if (L == NULL || argc < 2) {
        fprintf(stderr, "usage: host SCRIPT\n");
        return 2;
    }
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, argv[1]);
    failed = lua_pcall(L, 1, 1, 0) != LUA_OK;
    if (failed)
        fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
    else
        failed = !lua_toboolean(L, -1);
    lua_close(L);
    printf("fault balance: %d passed, %d failed\n", m.bytes == 0, m.bytes != 0);
    return failed || m.bytes != 0;
}
