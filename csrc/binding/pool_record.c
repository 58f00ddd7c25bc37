/* Records of physical connections: in the pool, in use, forgotten. */
#include "binding/pool_record.h"

#include <string.h>
#include <time.h>

#include "binding/bind.h"
#include "binding/pool_proxy.h"

static double clock_now(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double alch_pool_now(void) { return clock_now(CLOCK_MONOTONIC); }

double alch_pool_coarse_now(void)
{
#ifdef CLOCK_MONOTONIC_COARSE
    return clock_now(CLOCK_MONOTONIC_COARSE);
#else
    return clock_now(CLOCK_MONOTONIC);
#endif
}

alch_pool_object *alch_check_pool(lua_State *L) { return luaL_checkudata(L, 1, ALCH_POOL_METATABLE); }

alch_pool_record *alch_check_record(lua_State *L, int idx) { return luaL_checkudata(L, idx, ALCH_RECORD_METATABLE); }

alch_pool_record *alch_check_own_record(lua_State *L)
{
    alch_pool_object *p = alch_check_pool(L);
    alch_pool_record *r = alch_check_record(L, 2);

    if (r->slot.pool != &p->pool)
        alch_raisef(L, ALCH_ERR_INVALID, "this connection record does not belong to this pool (any more)");
    return r;
}

/* The record at 'record' becomes the pool's to keep. There is room for it in
** the table (alch_push_record), so it does not raise. */
static void keep(lua_State *L, int record, alch_pool_record *r)
{
    (void)lua_getiuservalue(L, record, RECORD_KEPT);
    (void)lua_getiuservalue(L, record, RECORD_DOOR);
    lua_rawseti(L, -2, r->slot.index);
    lua_pop(L, 1);
    r->kept = 1;
}

/* Out of the pool. Setting nil in a table never raises. */
void alch_record_forget(lua_State *L, int record, alch_pool_record *r)
{
    if (r->slot.state != ALCH_SLOT_GONE) {
        (void)lua_getiuservalue(L, record, RECORD_KEPT);
        lua_pushnil(L);
        lua_rawseti(L, -2, r->slot.index);
        lua_pushnil(L);
        lua_rawseti(L, -2, -r->slot.index);
        lua_pop(L, 1);
        r->kept = 0;
        alch_slot_remove(&r->slot);
    }
}

void alch_record_discard(lua_State *L, int record, alch_pool_record *r)
{
    alch_record_forget(L, record, r);
    if (r->dc != NULL)
        alch_driver_conn_close(r->dc);
}

int alch_record_give(lua_State *L, int record, alch_pool_record *r)
{
    if (!alch_slot_give(&r->slot))
        return 0;
    r->given = 1;
    if (r->slot.state == ALCH_SLOT_IDLE && !r->kept)
        keep(L, record, r);
    return 1;
}

/* Makes an abandoned connection clean where that cannot take long. */
static int clean_at_once(lua_State *L, alch_driver_conn *dc)
{
    static const unsigned at_hand = ALCH_DRIVER_NEVER_WAITS | ALCH_DRIVER_LOCAL;
    alch_cursor *k = NULL;
    alch_step step;

    if (dc == NULL || dc->conn == NULL || !alch_driver_conn_ours(dc) || dc->owner != NULL)
        return 0;
    alch_driver_conn_finish(dc);
    if ((dc->driver->flags & at_hand) && dc->driver->in_transaction(dc->conn)) {
        step = dc->driver->execute(dc->conn, "ROLLBACK", 8, NULL, 0, 0, &k, NULL);
        (void)alch_driver_conn_block(L, dc, k, step, NULL);
        dc->driver->cursor_free(k);
    }
    return alch_driver_conn_is_clean(dc);
}

/* Somebody may wait for the place that it took up. */
static void tell_abandoned(lua_State *L, int record)
{
    int top = lua_gettop(L);

    (void)lua_getiuservalue(L, record, RECORD_POOL);
    if (lua_getiuservalue(L, -1, POOL_ABANDONED) == LUA_TFUNCTION) {
        lua_insert(L, -2);
        if (lua_pcall(L, 1, 0, 0) != LUA_OK)
            lua_warning(L, "lualchemy: a pool's hook for an abandoned connection failed", 0);
    }
    lua_settop(L, top);
}

/* Can a record that everybody forgot be used again? What Lua wants to do at
** each checkin cannot be done here, so then it is let go; but never a shared
** connection: with it an SQLite database in memory would go. */
static int can_come_back(lua_State *L, const alch_pool_record *r)
{
    const alch_pool_object *p = alch_pool_of(&r->slot);

    return (!p->hook_in || p->pool.policy->shares) && clean_at_once(L, r->dc);
}

/* A record that was collected lives on: the pool finds it again. */
static void enlist(lua_State *L, const alch_pool_record *r)
{
    (void)lua_getiuservalue(L, 1, RECORD_POOL);
    (void)lua_getiuservalue(L, -1, POOL_ALL);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, r->slot.index);
    lua_pop(L, 2);
}

/* Who said that he holds a connection gives it back in a finalizer of his own,
** which may come after the record's: he has until the next cycle. */
static int has_time_left(alch_pool_record *r)
{
    if (r->holder_of != r->slot.checkout || r->missed == r->slot.checkout)
        return 0;
    r->missed = r->slot.checkout;
    return 1;
}

/* Nobody holds the record at 1. A finalizer may still find its proxy: it gets
** to see a closed one. What fails here is tried again in the next cycle. */
static void bring_back(lua_State *L, alch_pool_record *r)
{
    if (r->slot.state == ALCH_SLOT_IN_USE) {
        alch_record_add_door(L, 1);
        if (can_come_back(L, r)) {
            enlist(L, r);
            r->slot.holders = 1;
            if (alch_record_give(L, 1, r))
                return;
        }
    }
    alch_record_discard(L, 1, r);
}

/* A record that its pool keeps was found before somebody's finalizer gave it
** back, and maybe handed out again since; or the pool is garbage too, and then
** the second time ends it. */
static int l_record_gc(lua_State *L)
{
    alch_pool_record *r = lua_touserdata(L, 1);

    if (r->slot.state == ALCH_SLOT_GONE)
        return 0;
    luaL_setmetatable(L, ALCH_RECORD_METATABLE);    /* to be finalized again */
    if (r->kept ? r->given : has_time_left(r)) {
        r->given = 0;
        enlist(L, r);
    } else if (r->kept) {
        alch_record_forget(L, 1, r);
    } else {
        bring_back(L, r);
        tell_abandoned(L, 1);
    }
    return 0;
}

void alch_record_push_info(lua_State *L, int record)
{
    if (lua_getiuservalue(L, record, RECORD_INFO) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        (void)lua_setiuservalue(L, record, RECORD_INFO);
    }
}

static int push_state(lua_State *L, const alch_slot *s)
{
    static const char *const names[ALCH_SLOT_STATES] = { "gone", "connecting", "idle", "in use" };

    lua_pushstring(L, names[s->state]);
    return 1;
}

/* nil unless it is in use. */
static int push_seconds_held(lua_State *L, const alch_slot *s)
{
    double held = alch_pool_now() - s->taken;

    if (s->state != ALCH_SLOT_IN_USE)
        return lua_pushnil(L), 1;
    lua_pushnumber(L, held > 0 ? held : 0);
    return 1;
}

/* Who has it, if he said so: what the one before him said does not count. */
static int push_holder(lua_State *L, const alch_pool_record *r)
{
    if (r->holder_of == r->slot.checkout)
        (void)lua_getiuservalue(L, 1, RECORD_HOLDER);
    else
        lua_pushnil(L);
    return 1;
}

static int l_record_index(lua_State *L)
{
    const alch_pool_record *r = alch_check_record(L, 1);
    const char *key = luaL_checkstring(L, 2);

    if (strcmp(key, "info") == 0)
        return alch_record_push_info(L, 1), 1;
    if (strcmp(key, "holder") == 0)
        return push_holder(L, r);
    if (strcmp(key, "driver_connection") == 0)
        return lua_getiuservalue(L, 1, RECORD_CONN), 1;
    if (strcmp(key, "created") == 0)
        return lua_pushnumber(L, r->slot.created), 1;
    if (strcmp(key, "seconds_held") == 0)
        return push_seconds_held(L, &r->slot);
    if (strcmp(key, "generation") == 0)
        return lua_pushinteger(L, r->slot.generation), 1;
    if (strcmp(key, "holders") == 0)
        return lua_pushinteger(L, r->slot.holders), 1;
    if (strcmp(key, "state") == 0)
        return push_state(L, &r->slot);
    if (lua_getiuservalue(L, 1, RECORD_FIELDS) != LUA_TTABLE)
        return lua_pushnil(L), 1;
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

static int set_holder(lua_State *L, alch_pool_record *r)
{
    r->holder_of = r->slot.checkout;
    (void)lua_setiuservalue(L, 1, RECORD_HOLDER);
    return 0;
}

/* Who holds it, and fields that the layer above keeps with a record. */
static int l_record_newindex(lua_State *L)
{
    alch_pool_record *r = alch_check_record(L, 1);

    lua_settop(L, 3);
    if (strcmp(luaL_checkstring(L, 2), "holder") == 0)
        return set_holder(L, r);
    if (lua_getiuservalue(L, 1, RECORD_FIELDS) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        (void)lua_setiuservalue(L, 1, RECORD_FIELDS);
    }
    lua_insert(L, 2);
    lua_rawset(L, 2);
    return 0;
}

void alch_push_record(lua_State *L, alch_pool_object *p)
{
    alch_pool_record *r = alch_push_object(L, sizeof *r, RECORD_USER_VALUES, ALCH_RECORD_METATABLE);
    int record = lua_gettop(L);

    lua_pushvalue(L, 1);
    (void)lua_setiuservalue(L, record, RECORD_POOL);
    (void)lua_getiuservalue(L, 1, POOL_KEPT);
    (void)lua_setiuservalue(L, record, RECORD_KEPT);
    alch_slot_begin(&r->slot, &p->pool);
    (void)lua_getiuservalue(L, 1, POOL_KEPT);
    lua_pushboolean(L, 0);      /* makes room, so that no checkin need */
    lua_rawseti(L, -2, r->slot.index);
    lua_pop(L, 1);
    (void)lua_getiuservalue(L, 1, POOL_ALL);
    lua_pushvalue(L, record);
    lua_rawseti(L, -2, r->slot.index);
    lua_pop(L, 1);
}

void alch_open_records(lua_State *L)
{
    if (alch_new_metatable(L, ALCH_RECORD_METATABLE, l_record_gc)) {
        lua_pushnil(L);
        lua_setfield(L, -2, "__close");
        lua_pushcfunction(L, l_record_index);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, l_record_newindex);
        lua_setfield(L, -2, "__newindex");
    }
    lua_pop(L, 1);
}
