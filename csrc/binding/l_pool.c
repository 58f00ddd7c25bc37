/* Pools of driver connections in Lua.
**
** Two layers over pool/pool.h. Records: pool:checkout(), pool:add(record, dc),
** pool:checkin(record), for lua/lualchemy/pool, which connects, resets and
** fires events. Proxies (pool_proxy.h): pool:connect() and proxy:close(), the
** whole of a checkout in C as long as there is nothing for Lua to do; what is
** left over goes to the functions of pool:set_hooks.
**
** Who keeps whom alive: the pool its idle records and, under the negative
** index, the driver connections of all; a proxy its record; a record its pool
** and its connection. What is out the pool keeps until the end of the
** collector's cycle (pool_leak.c). A record that was forgotten is collected,
** and its finalizer brings it back to the pool if the connection can be cleaned
** without waiting, and lets it go otherwise. That is why no proxy needs a
** finalizer, which would double the price of one. */
#include <stdint.h>

#include "binding/bind.h"
#include "binding/pool_proxy.h"
#include "binding/pool_record.h"

/* Upvalues of the function that connects. */
enum { CONNECT_POOL = 1, CONNECT_KEPT, CONNECT_ALL, CONNECT_UPVALUES = CONNECT_ALL };

/* -- the pool ----------------------------------------------------------------------------------------------------- */

/* In a forked child what the pool has is the parent's: what is out there leaves the pool, what is idle will be replaced. */
static void be_child(lua_State *L, alch_pool_object *p)
{
    alch_slot *s, *next;

    p->process = alch_this_process(L);
    alch_pool_invalidate_all(&p->pool);
    for (s = p->pool.slots; s != NULL; s = next) {
        next = s->next;
        if (s->state != ALCH_SLOT_IDLE)
            alch_slot_remove(s);
    }
}

static inline void notice_fork(lua_State *L, alch_pool_object *p)
{
    if (!alch_process_same(p->process))
        be_child(L, p);
}

/* Who holds a connection for how long is told in seconds, so a clock of some
** milliseconds will do, at a quarter of the price; an age is told exactly. */
static double time_of_take(const alch_pool_object *p)
{
    return p->pool.recycle >= 0 ? alch_pool_now() : alch_pool_coarse_now();
}

static inline alch_taken take(alch_pool_object *p, alch_slot **s) { return alch_pool_take(&p->pool, time_of_take(p), s); }

/* Is the record of a slot that is in use alive? */
static int is_held(lua_State *L, const alch_slot *s, int all)
{
    int found = ((const alch_pool_record *)s)->kept;

    if (!found) {
        found = lua_rawgeti(L, all, s->index) != LUA_TNIL;
        lua_pop(L, 1);
    }
    return found;
}

/* To have been taken a further time, with the pool's POOL_ALL at 'all'. A
** shared record that all its holders forgot is out of reach between the
** collection that found it and the finalizer that brings it back: so that one
** is made to run. */
static alch_taken take_shared(lua_State *L, alch_pool_object *p, int all, alch_slot **s)
{
    alch_taken taken = ALCH_TAKEN_IDLE;
    int collected = 0;

    while (taken == ALCH_TAKEN_IDLE && (*s)->holders > 1 && !is_held(L, *s, all)) {
        (void)alch_slot_give(*s);
        if (collected)      /* we are inside a finalizer ourselves */
            alch_raisef(L, ALCH_ERR_INVALID, "the pool's shared connection is being collected");
        lua_gc(L, LUA_GCCOLLECT, 0);
        collected = 1;
        taken = take(p, s);
    }
    return taken;
}

static inline alch_taken take_reachable(lua_State *L, alch_pool_object *p, int all, alch_slot **s)
{
    alch_taken taken = take(p, s);

    return taken == ALCH_TAKEN_IDLE && (*s)->holders > 1 ? take_shared(L, p, all, s) : taken;
}

/* Pushes the door of a slot that was taken. */
static inline void push_taken(lua_State *L, const alch_slot *s, int kept, int all)
{
    if (((const alch_pool_record *)s)->kept) {
        lua_rawgeti(L, kept, s->index);
    } else {
        lua_rawgeti(L, all, s->index);
        (void)lua_getiuservalue(L, -1, RECORD_DOOR);
        lua_replace(L, -2);
    }
}

/* The same with the record in place of its door; the tables are on the stack. */
static void push_taken_record(lua_State *L, const alch_slot *s, int kept, int all)
{
    push_taken(L, s, kept, all);
    lua_rawgeti(L, -1, DOOR_RECORD);
    lua_replace(L, -2);
}

/* pool:checkout() -> record in use | record, "create" (connect, then
** pool:add) | record, "stale" (close it, pool:remove, ask again)
** | nil, "empty" | nil, "refused" */
static int l_checkout(lua_State *L)
{
    alch_pool_object *p = alch_check_pool(L);
    alch_slot *s;

    lua_settop(L, 1);
    luaL_checkstack(L, 8, NULL);
    (void)lua_getiuservalue(L, 1, POOL_KEPT);
    (void)lua_getiuservalue(L, 1, POOL_ALL);
    notice_fork(L, p);
    switch (take_reachable(L, p, 3, &s)) {
    case ALCH_TAKEN_IDLE:
        push_taken_record(L, s, 2, 3);
        return 1;
    case ALCH_TAKEN_STALE:
        push_taken_record(L, s, 2, 3);
        lua_pushliteral(L, "stale");
        return 2;
    case ALCH_TAKEN_CREATE:
        alch_push_record(L, p);
        lua_pushliteral(L, "create");
        return 2;
    case ALCH_TAKEN_EMPTY:
        lua_pushnil(L);
        lua_pushliteral(L, "empty");
        return 2;
    case ALCH_TAKEN_REFUSED:
        break;
    }
    lua_pushnil(L);
    lua_pushliteral(L, "refused");
    return 2;
}

/* pool:take(record) -> the idle record, in use | record, "stale": for rules
** written in Lua, which choose among pool:idle() */
static int l_take(lua_State *L)
{
    alch_pool_object *p = alch_check_pool(L);
    alch_pool_record *r;
    alch_taken taken;

    lua_settop(L, 2);
    luaL_checkstack(L, 8, NULL);
    notice_fork(L, p);
    r = alch_check_own_record(L);
    if (r->slot.state != ALCH_SLOT_IDLE)
        return alch_raisef(L, ALCH_ERR_INVALID, "only an idle connection can be taken");
    taken = alch_slot_take(&r->slot, time_of_take(p));
    if (taken != ALCH_TAKEN_STALE)
        return 1;
    lua_pushliteral(L, "stale");
    return 2;
}

/* pool:create() -> a new record: connect, then pool:add */
static int l_create(lua_State *L)
{
    alch_pool_object *p = alch_check_pool(L);

    lua_settop(L, 1);
    luaL_checkstack(L, 8, NULL);
    notice_fork(L, p);
    alch_push_record(L, p);
    return 1;
}

/* pool:add(record, driver_connection): what checkout called "create" is connected. */
static int l_add(lua_State *L)
{
    alch_pool_record *r = alch_check_own_record(L);

    luaL_checkany(L, 3);
    lua_settop(L, 3);
    if (r->slot.state != ALCH_SLOT_CONNECTING)
        return alch_raisef(L, ALCH_ERR_INVALID, "this connection record has its connection already");
    (void)lua_getiuservalue(L, 2, RECORD_KEPT);
    lua_pushvalue(L, 3);
    lua_rawseti(L, -2, -r->slot.index);
    lua_pop(L, 1);
    r->dc = alch_test_driver_conn(L, 3);
    (void)lua_setiuservalue(L, 2, RECORD_CONN);
    alch_record_add_door(L, 2);
    alch_slot_connected(&r->slot, alch_pool_now());
    return 0;
}

/* pool:checkin(record) -> kept? If not, the caller closes the connection and
** calls pool:remove. The connection must be clean. */
static int l_checkin(lua_State *L)
{
    alch_pool_record *r = alch_check_own_record(L);

    if (r->slot.state != ALCH_SLOT_IN_USE)
        return alch_raisef(L, ALCH_ERR_INVALID, "this connection record is not checked out");
    lua_pushboolean(L, alch_record_give(L, 2, r));
    return 1;
}

/* pool:remove(record): out of the pool; the connection stays as it is. */
static int l_remove(lua_State *L)
{
    (void)alch_check_pool(L);
    alch_record_forget(L, 2, alch_check_record(L, 2));
    return 0;
}

/* pool:invalidate(record): out of the pool, and its connection closed. */
static int l_invalidate(lua_State *L)
{
    (void)alch_check_pool(L);
    alch_record_discard(L, 2, alch_check_record(L, 2));
    return 0;
}

/* pool:stale(record) -> is it older than an invalidation, or past its time? */
static int l_stale(lua_State *L)
{
    alch_pool_record *r = alch_check_record(L, 2);

    (void)alch_check_pool(L);
    lua_pushboolean(L, r->slot.pool == NULL || alch_slot_stale(&r->slot, alch_pool_now()));
    return 1;
}

static int l_invalidate_all(lua_State *L)
{
    alch_pool_invalidate_all(&alch_check_pool(L)->pool);
    return 0;
}

/* pool:counts() -> idle, in use, connecting */
static int l_counts(lua_State *L)
{
    const alch_pool_object *p = alch_check_pool(L);

    lua_pushinteger(L, (lua_Integer)p->pool.count[ALCH_SLOT_IDLE]);
    lua_pushinteger(L, (lua_Integer)p->pool.count[ALCH_SLOT_IN_USE]);
    lua_pushinteger(L, (lua_Integer)p->pool.count[ALCH_SLOT_CONNECTING]);
    return 3;
}

/* pool:totals() -> checkouts, connections opened, and closed or given away, since the beginning */
static int l_totals(lua_State *L)
{
    const alch_pool_object *p = alch_check_pool(L);

    lua_pushinteger(L, (lua_Integer)p->pool.checkouts);
    lua_pushinteger(L, (lua_Integer)p->pool.opened);
    lua_pushinteger(L, (lua_Integer)p->pool.closed);
    return 3;
}

/* pool:idle() -> the list of idle records, for dispose. */
static int l_idle(lua_State *L)
{
    const alch_pool_object *p = alch_check_pool(L);
    const alch_slot *s;
    lua_Integer n = 0;

    lua_settop(L, 1);
    lua_createtable(L, (int)p->pool.count[ALCH_SLOT_IDLE], 0);
    (void)lua_getiuservalue(L, 1, POOL_KEPT);
    for (s = p->pool.oldest; s != NULL; s = s->next_idle) {
        lua_rawgeti(L, 3, s->index);
        lua_rawgeti(L, -1, DOOR_RECORD);
        lua_rawseti(L, 2, ++n);
        lua_pop(L, 1);
    }
    lua_settop(L, 2);
    return 1;
}

/* pool:in_use() -> the list of records that are out, for messages: without
** those that everybody forgot and the collector has not brought back yet. */
static int l_in_use(lua_State *L)
{
    const alch_pool_object *p = alch_check_pool(L);
    const alch_slot *s;
    lua_Integer n = 0;

    lua_settop(L, 1);
    lua_newtable(L);
    (void)lua_getiuservalue(L, 1, POOL_ALL);
    for (s = p->pool.slots; s != NULL; s = s->next) {
        if (s->state == ALCH_SLOT_IN_USE && lua_rawgeti(L, 3, s->index) != LUA_TNIL)
            lua_rawseti(L, 2, ++n);
        lua_settop(L, 3);
    }
    lua_settop(L, 2);
    return 1;
}

/* pool:let_out(): what everybody forgot is found by the next collection, not by the one after it. */
static int l_let_out(lua_State *L)
{
    (void)alch_check_pool(L);
    alch_pool_let_out(L, 1);
    return 0;
}

/* pool:set_hooks{ checkout = fn(pool, proxy) -> record, checkin = fn(pool, record),
** abandoned = fn(pool) }: called for what is not done in C. The first two may
** yield; the proxy is what connect will return, still without the record. The
** last is called by the collector when a record in use was forgotten. */
static int l_set_hooks(lua_State *L)
{
    (void)alch_check_pool(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    (void)lua_getfield(L, 2, "checkout");
    (void)lua_setiuservalue(L, 1, POOL_CHECKOUT);
    (void)lua_getfield(L, 2, "checkin");
    (void)lua_setiuservalue(L, 1, POOL_CHECKIN);
    (void)lua_getfield(L, 2, "abandoned");
    (void)lua_setiuservalue(L, 1, POOL_ABANDONED);
    return 0;
}

/* pool:watch(checkouts, checkins): must the hooks see every one of them? */
static int l_watch(lua_State *L)
{
    alch_pool_object *p = alch_check_pool(L);

    p->hook_out = (unsigned char)lua_toboolean(L, 2);
    p->hook_in = (unsigned char)lua_toboolean(L, 3);
    return 0;
}

/* -- connecting --------------------------------------------------------------------------------------------------- */

/* With the proxy, still closed, below what the hook answered. */
static int checkout_hook_done(lua_State *L, int status, lua_KContext context)
{
    const alch_pool_record *r = luaL_testudata(L, -1, ALCH_RECORD_METATABLE);

    (void)status;
    (void)context;
    if (r == NULL)
        return alch_raisef(L, ALCH_ERR_INVALID, "a pool's checkout hook must return a record, not a %s", luaL_typename(L, -1));
    if (r->slot.state != ALCH_SLOT_IN_USE)
        return alch_raisef(L, ALCH_ERR_INVALID, "a pool's checkout hook must return a record that is in use");
    (void)lua_getiuservalue(L, -1, RECORD_DOOR);
    (void)lua_setmetatable(L, -3);
    lua_pop(L, 1);
    return 1;
}

/* With the proxy on the top, which has no metatable yet. */
static int checkout_by_hook(lua_State *L)
{
    alch_proxy_shut(L);
    if (lua_getiuservalue(L, lua_upvalueindex(CONNECT_POOL), POOL_CHECKOUT) != LUA_TFUNCTION)
        return alch_raisef(L, ALCH_ERR_INVALID, "this pool has no checkout hook to connect with");
    lua_pushvalue(L, lua_upvalueindex(CONNECT_POOL));
    lua_pushvalue(L, -3);
    lua_callk(L, 2, 1, 0, checkout_hook_done);
    return checkout_hook_done(L, LUA_OK, 0);
}

/* Closes a record that was taken but is too old. */
static void discard_taken(lua_State *L, alch_slot *s)
{
    push_taken_record(L, s, lua_upvalueindex(CONNECT_KEPT), lua_upvalueindex(CONNECT_ALL));
    alch_record_discard(L, lua_gettop(L), (alch_pool_record *)s);
    lua_pop(L, 1);
}

/* The proxy on the top gets the door of a slot that was taken. */
static int admit(lua_State *L, alch_slot *s)
{
    push_taken(L, s, lua_upvalueindex(CONNECT_KEPT), lua_upvalueindex(CONNECT_ALL));
    (void)lua_setmetatable(L, -2);
    return 1;
}

/* What pool:connector() answers. What may raise comes before 'take'. */
static int l_connect_bound(lua_State *L)
{
    alch_pool_object *p = lua_touserdata(L, lua_upvalueindex(CONNECT_POOL));
    alch_slot *s;
    alch_taken taken;

    (void)lua_newuserdatauv(L, 0, 0);
    if (p->hook_out)
        return checkout_by_hook(L);
    notice_fork(L, p);
    taken = take_reachable(L, p, lua_upvalueindex(CONNECT_ALL), &s);
    if (taken == ALCH_TAKEN_IDLE)
        return admit(L, s);
    if (taken == ALCH_TAKEN_STALE)
        discard_taken(L, s);
    return checkout_by_hook(L);
}

/* pool:connector() -> pool:connect as a function that ignores its arguments,
** for a method of an object in front of the pool. */
static int l_connector(lua_State *L)
{
    (void)alch_check_pool(L);
    return lua_getiuservalue(L, 1, POOL_CONNECTOR), 1;
}

static int connect_done(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 1;
}

/* pool:connect() -> proxy */
static int l_connect(lua_State *L)
{
    (void)l_connector(L);
    lua_callk(L, 0, 1, 0, connect_done);
    return connect_done(L, LUA_OK, 0);
}

/* -- making one --------------------------------------------------------------------------------------------------- */

static size_t size_field(lua_State *L, const char *key, size_t standard)
{
    size_t value = standard;

    if (lua_getfield(L, 1, key) != LUA_TNIL) {
        lua_Integer n = luaL_checkinteger(L, -1);

        value = n < 0 ? SIZE_MAX : (size_t)n;
    }
    lua_pop(L, 1);
    return value;
}

static void read_settings(lua_State *L, alch_pool *p)
{
    p->size = size_field(L, "size", p->size);
    p->max_overflow = size_field(L, "max_overflow", p->max_overflow);
    if (lua_getfield(L, 1, "recycle") != LUA_TNIL)
        p->recycle = luaL_checknumber(L, -1);
    (void)lua_getfield(L, 1, "lifo");
    p->lifo = lua_toboolean(L, -1);
    lua_pop(L, 2);
}

/* core.pool_new{ policy =, size =, max_overflow = (-1: any), recycle = seconds, lifo = } */
static int l_pool_new(lua_State *L)
{
    const alch_pool_policy *policy;
    const char *name = "queue";
    alch_pool_object *p;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    if (lua_getfield(L, 1, "policy") != LUA_TNIL)
        name = luaL_checkstring(L, -1);
    policy = alch_pool_policy_find(name);
    if (policy == NULL)
        return alch_raisef(L, ALCH_ERR_ARGUMENT,
                           "unknown pool policy '%s' (known: queue, null, static, singleton, assertion, own)", name);
    p = alch_push_object(L, sizeof *p, POOL_USER_VALUES, ALCH_POOL_METATABLE);
    p->process = alch_this_process(L);
    alch_pool_init(&p->pool, policy);
    read_settings(L, &p->pool);
    lua_pushvalue(L, -1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    (void)lua_setiuservalue(L, -3, POOL_KEPT);
    alch_push_weak_table(L);
    lua_pushvalue(L, -1);
    (void)lua_setiuservalue(L, -4, POOL_ALL);
    lua_pushcclosure(L, l_connect_bound, CONNECT_UPVALUES);
    (void)lua_setiuservalue(L, -2, POOL_CONNECTOR);
    alch_pool_watch_leaks(L, lua_gettop(L));
    return 1;
}

static const luaL_Reg pool_methods[] = {
    { "checkout", l_checkout },
    { "take", l_take },
    { "create", l_create },
    { "add", l_add },
    { "checkin", l_checkin },
    { "remove", l_remove },
    { "invalidate", l_invalidate },
    { "invalidate_all", l_invalidate_all },
    { "stale", l_stale },
    { "counts", l_counts },
    { "totals", l_totals },
    { "idle", l_idle },
    { "in_use", l_in_use },
    { "let_out", l_let_out },
    { "set_hooks", l_set_hooks },
    { "watch", l_watch },
    { "connect", l_connect },
    { "connector", l_connector },
    { NULL, NULL }
};

void alch_open_pool(lua_State *L);

void alch_open_pool(lua_State *L)
{
    alch_open_records(L);
    alch_open_proxies(L, lua_gettop(L));
    alch_open_leaks(L);
    (void)alch_new_metatable(L, ALCH_POOL_METATABLE, NULL);
    lua_newtable(L);
    luaL_setfuncs(L, pool_methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, l_pool_new);
    lua_setfield(L, -2, "pool_new");
}
