/* Lua values that the core holds (value/host.h). */
#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/value_conv.h"

typedef struct lua_ref {
    alch_host_ref head;
    lua_State *releaser;
    int ref;
} lua_ref;

static const char releaser_key = 0;

/* A thread that runs nothing: its stack is always free, so a reference can be
** given back from any finalizer, whatever coroutine happens to run. */
static lua_State *releaser_of(lua_State *L)
{
    lua_State *releaser;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &releaser_key) != LUA_TTHREAD) {
        lua_pop(L, 1);
        (void)lua_newthread(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &releaser_key);
    }
    releaser = lua_tothread(L, -1);
    lua_pop(L, 1);
    return releaser;
}

static void release(alch_host_ref *r)
{
    lua_ref *ref = (lua_ref *)r;

    luaL_unref(ref->releaser, LUA_REGISTRYINDEX, ref->ref);
    alch_free(ref);
}

alch_host_ref *alch_host_ref_new(lua_State *L, int idx)
{
    lua_ref *r;
    lua_State *releaser;
    int ref;

    luaL_checkstack(L, 4, "host reference");
    idx = lua_absindex(L, idx);
    releaser = releaser_of(L);
    lua_pushvalue(L, idx);
    ref = luaL_ref(L, LUA_REGISTRYINDEX);
    r = alch_alloc(sizeof *r);
    if (r == NULL) {
        luaL_unref(L, LUA_REGISTRYINDEX, ref);
        return NULL;
    }
    *r = (lua_ref){ { 1, release }, releaser, ref };
    return &r->head;
}

void alch_host_ref_push(lua_State *L, const alch_host_ref *r)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, ((const lua_ref *)r)->ref);
}
