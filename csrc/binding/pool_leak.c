/* Records that were forgotten while the pool keeps them.
**
** A pool keeps what it hands out, because letting go of it and taking it back
** would be a good part of the price of a checkout. Each pool has a watcher:
** garbage from the start, so that the collector finalizes it once in each of
** its cycles, and made garbage again by its finalizer. That lets out what is in
** use: such a record is alive as long as somebody holds it, and if nobody does,
** the next cycle finalizes it (pool_record.c), which brings it back. Giving it
** back makes it the pool's again. A watcher whose pool has been collected,
** which it knows weakly, ends. */
#include "binding/bind.h"
#include "binding/pool_record.h"

#define WATCHER_METATABLE "lualchemy.pool_watcher"

/* One that was collected, but not finalized yet, is not looked at: its finalizer takes it for forgotten if it is let out. */
static int is_listed(lua_State *L, int all, const alch_slot *s)
{
    int listed = lua_rawgeti(L, all, s->index) != LUA_TNIL;

    lua_pop(L, 1);
    return listed;
}

void alch_pool_let_out(lua_State *L, int pool)
{
    const alch_pool_object *p = lua_touserdata(L, pool);
    int kept = lua_gettop(L) + 1;
    int all = kept + 1;
    alch_slot *s;

    (void)lua_getiuservalue(L, pool, POOL_KEPT);
    (void)lua_getiuservalue(L, pool, POOL_ALL);
    for (s = p->pool.slots; s != NULL; s = s->next) {
        alch_pool_record *r = (alch_pool_record *)s;

        if (s->state != ALCH_SLOT_IN_USE || !r->kept || !is_listed(L, all, s))
            continue;
        lua_pushboolean(L, 0);      /* leaves the room that its return needs */
        lua_rawseti(L, kept, s->index);
        r->kept = 0;
    }
    lua_settop(L, kept - 1);
}

static int l_watcher_gc(lua_State *L)
{
    lua_settop(L, 1);
    (void)lua_getiuservalue(L, 1, 1);
    if (lua_rawgeti(L, 2, 1) != LUA_TUSERDATA)
        return 0;
    lua_pushvalue(L, 1);
    luaL_setmetatable(L, WATCHER_METATABLE);
    alch_pool_let_out(L, 3);
    return 0;
}

void alch_pool_watch_leaks(lua_State *L, int pool)
{
    (void)lua_newuserdatauv(L, 0, 1);
    alch_push_weak_table(L);
    lua_pushvalue(L, pool);
    lua_rawseti(L, -2, 1);
    (void)lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, WATCHER_METATABLE);
    lua_pop(L, 1);
}

void alch_open_leaks(lua_State *L)
{
    if (alch_new_metatable(L, WATCHER_METATABLE, l_watcher_gc)) {
        lua_pushnil(L);
        lua_setfield(L, -2, "__close");
    }
    lua_pop(L, 1);
}
