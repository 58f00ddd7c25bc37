/* Proxies that were forgotten while the pool keeps their records.
**
** Each pool has a watcher: garbage from the start, so that the collector
** finalizes it once in each of its cycles, after it has emptied the weak fields
** of doors, and made garbage again by its finalizer. One whose pool has been
** collected, which it knows weakly, ends. */
#include "binding/bind.h"
#include "binding/pool_proxy.h"

#define WATCHER_METATABLE "lualchemy.pool_watcher"

int alch_slot_is_forgotten(lua_State *L, int kept, const alch_slot *s)
{
    int forgotten;

    lua_rawgeti(L, kept, s->index);
    forgotten = lua_rawgeti(L, -1, DOOR_PROXY) == LUA_TNIL;
    lua_pop(L, 2);
    return forgotten;
}

/* Who said that he holds a connection gives it back in a finalizer of his own,
** which runs in the cycle that empties the door, maybe after the watcher: he
** has until the next one. */
static int has_time_left(alch_pool_record *r)
{
    if (r->holder_of != r->slot.checkout || r->missed == r->slot.checkout)
        return 0;
    r->missed = r->slot.checkout;
    return 1;
}

/* Pushes the record of a slot whose proxy was forgotten; 0: there is none. */
static int push_forgotten(lua_State *L, const alch_pool_object *p, int kept)
{
    alch_slot *s;

    for (s = p->pool.slots; s != NULL; s = s->next) {
        alch_pool_record *r = (alch_pool_record *)s;

        if (s->state != ALCH_SLOT_IN_USE || !r->kept || !alch_slot_is_forgotten(L, kept, s) || has_time_left(r))
            continue;
        lua_rawgeti(L, kept, s->index);
        lua_rawgeti(L, -1, DOOR_RECORD);
        lua_replace(L, -2);
        return 1;
    }
    return 0;
}

/* A finalizer may still find the proxy: it gets to see a closed one. */
static void bring_back(lua_State *L, int kept, int record)
{
    alch_pool_record *r = lua_touserdata(L, record);

    alch_record_add_door(L, record);
    (void)lua_getiuservalue(L, record, RECORD_DOOR);
    lua_rawseti(L, kept, r->slot.index);
    if (!alch_record_come_back(L, record, r))
        alch_record_discard(L, record, r);
    alch_record_tell_abandoned(L, record);
}

static int l_watcher_gc(lua_State *L)
{
    const alch_pool_object *p;

    lua_settop(L, 1);
    (void)lua_getiuservalue(L, 1, 1);
    lua_rawgeti(L, 2, 1);
    p = lua_touserdata(L, 3);
    if (p == NULL)
        return 0;
    lua_pushvalue(L, 1);
    luaL_setmetatable(L, WATCHER_METATABLE);
    lua_settop(L, 3);
    (void)lua_getiuservalue(L, 3, POOL_KEPT);
    while (push_forgotten(L, p, 4)) {
        bring_back(L, 4, 5);
        lua_settop(L, 4);
    }
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
