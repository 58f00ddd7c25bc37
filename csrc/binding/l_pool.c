/* Pools of driver connections in Lua.
**
** Two layers over pool/pool.h. Records: pool:checkout(), pool:add(record, dc),
** pool:checkin(record), for lua/lualchemy/pool, which connects, resets and
** fires events. Proxies: pool:connect() and proxy:close(), the whole of a
** checkout in C as long as there is nothing for Lua to do; what is left over
** goes to the functions of pool:set_hooks.
**
** Who keeps whom alive: the pool its idle records and, under the negative
** index, the driver connections of all; a proxy its record; a record its pool
** and its connection. So a record that was checked out
** and forgotten is collected; its finalizer brings it back to the pool if the
** connection can be cleaned without waiting, and lets it go otherwise. That
** is why no proxy needs a finalizer, which would double the price of one. */
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "binding/bind.h"
#include "binding/pool_record.h"

#define PROXY "lualchemy.pooled_connection"

enum { PROXY_RECORD = 1 };

static const char proxy_tag = 'x';

typedef struct proxy_object {
    const char *tag;                /* &proxy_tag */
    alch_pool_record *record;          /* NULL: closed */
} proxy_object;

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The one record of a sharing pool may have lost its entry in the weak table
** when everybody forgot it; the next to share it looks there. It is in the
** proxy at 'proxy', or on the top. */
static void find_again(lua_State *L, const alch_slot *s, int proxy)
{
    if (proxy != 0)
        (void)lua_getiuservalue(L, proxy, PROXY_RECORD);
    else
        lua_pushvalue(L, -1);
    (void)lua_getiuservalue(L, 1, POOL_ALL);
    lua_insert(L, -2);
    lua_rawseti(L, -2, s->index);
    lua_pop(L, 1);
}

/* -- the pool ----------------------------------------------------------------------------------------------------- */

/* Hands the record of a slot that was taken out of the pool at index 1: it
** becomes the proxy's at 'proxy', or with 0 is pushed. Cheap, not short: it is
** half of what a checkout costs. */
static void move_taken(lua_State *L, const alch_slot *s, int proxy)
{
    int shared = s->holders > 1;        /* so it was in use already, and is in the weak table only */

    (void)lua_getiuservalue(L, 1, shared ? POOL_ALL : POOL_IDLE);
    lua_rawgeti(L, -1, s->index);
    if (proxy != 0)
        (void)lua_setiuservalue(L, proxy, PROXY_RECORD);
    if (!shared) {
        lua_pushnil(L);
        lua_rawseti(L, proxy != 0 ? -2 : -3, s->index);
    }
    if (proxy != 0)
        lua_pop(L, 1);
    else
        lua_remove(L, -2);
    if (s->pool->policy->shares && !shared)
        find_again(L, s, proxy);
}

/* In a forked child what the pool has is the parent's; it will be replaced one by one. */
static void notice_fork(lua_State *L, alch_pool_object *p)
{
    if (alch_process_same(p->process))
        return;
    p->process = alch_this_process(L);
    alch_pool_invalidate_all(&p->pool);
}

static alch_taken take(alch_pool_object *p, alch_slot **s)
{
    return alch_pool_take(&p->pool, p->pool.recycle >= 0 ? now() : 0, s);
}

/* Is a shared record that is in use within reach? The pool holds it weakly. */
static int is_reachable(lua_State *L, const alch_slot *s)
{
    int found;

    (void)lua_getiuservalue(L, 1, POOL_ALL);
    found = lua_rawgeti(L, -1, s->index) != LUA_TNIL;
    lua_pop(L, 2);
    return found;
}

/* Takes with the pool at 1. A shared record that all its holders forgot is out
** of reach between the collection that found it and its finalizer, which
** brings it back: so that one is made to run. */
static alch_taken take_reachable(lua_State *L, alch_pool_object *p, alch_slot **s)
{
    alch_taken taken = take(p, s);
    int collected = 0;

    while (taken == ALCH_TAKEN_IDLE && (*s)->holders > 1 && !is_reachable(L, *s)) {
        (void)alch_slot_give(*s);
        if (collected)      /* we are inside a finalizer ourselves */
            alch_raisef(L, ALCH_ERR_INVALID, "the pool's shared connection is being collected");
        lua_gc(L, LUA_GCCOLLECT, 0);
        collected = 1;
        taken = take(p, s);
    }
    return taken;
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
    notice_fork(L, p);
    switch (take_reachable(L, p, &s)) {
    case ALCH_TAKEN_IDLE:
        move_taken(L, s, 0);
        return 1;
    case ALCH_TAKEN_STALE:
        move_taken(L, s, 0);
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

/* pool:add(record, driver_connection): what checkout called "create" is connected. */
static int l_add(lua_State *L)
{
    alch_pool_record *r = alch_check_own_record(L);

    luaL_checkany(L, 3);
    lua_settop(L, 3);
    if (r->slot.state != ALCH_SLOT_CONNECTING)
        return alch_raisef(L, ALCH_ERR_INVALID, "this connection record has its connection already");
    (void)lua_getiuservalue(L, 2, RECORD_IDLE);
    lua_pushvalue(L, 3);
    lua_rawseti(L, -2, -r->slot.index);
    lua_pop(L, 1);
    r->dc = alch_test_driver_conn(L, 3);
    (void)lua_setiuservalue(L, 2, RECORD_CONN);
    alch_slot_connected(&r->slot, now());
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
    lua_pushboolean(L, r->slot.pool == NULL || alch_slot_stale(&r->slot, now()));
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

/* pool:idle() -> the list of idle records, for dispose. */
static int l_idle(lua_State *L)
{
    const alch_pool_object *p = alch_check_pool(L);
    const alch_slot *s;
    lua_Integer n = 0;

    lua_settop(L, 1);
    lua_createtable(L, (int)p->pool.count[ALCH_SLOT_IDLE], 0);
    (void)lua_getiuservalue(L, 1, POOL_IDLE);
    for (s = p->pool.oldest; s != NULL; s = s->next_idle) {
        lua_rawgeti(L, 3, s->index);
        lua_rawseti(L, 2, ++n);
    }
    lua_settop(L, 2);
    return 1;
}

/* pool:in_use() -> the list of records that are out, for messages. */
static int l_in_use(lua_State *L)
{
    const alch_pool_object *p = alch_check_pool(L);
    const alch_slot *s;
    lua_Integer n = 0;

    lua_settop(L, 1);
    lua_newtable(L);
    (void)lua_getiuservalue(L, 1, POOL_ALL);
    for (s = p->pool.slots; s != NULL; s = s->next) {
        if (s->state != ALCH_SLOT_IN_USE)
            continue;
        lua_rawgeti(L, 3, s->index);
        lua_rawseti(L, 2, ++n);
    }
    lua_settop(L, 2);
    return 1;
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

/* -- proxies ------------------------------------------------------------------------------------------------------ */

/* luaL_checkudata without the look-up by name: 'tag' is the first word. */
static int has_tag(lua_State *L, const void *p, size_t size, const char *tag)
{
    return p != NULL && lua_rawlen(L, 1) >= size && *(const char *const *)p == tag;
}

static alch_pool_object *check_pool_fast(lua_State *L)
{
    alch_pool_object *p = lua_touserdata(L, 1);

    return has_tag(L, p, sizeof *p, &alch_pool_tag) ? p : alch_check_pool(L);
}

static proxy_object *check_proxy(lua_State *L)
{
    proxy_object *x = lua_touserdata(L, 1);

    return has_tag(L, x, sizeof *x, &proxy_tag) ? x : luaL_checkudata(L, 1, PROXY);
}

static int checkout_hook_done(lua_State *L, int status, lua_KContext context)
{
    proxy_object *x;

    (void)status;
    (void)context;
    if (luaL_testudata(L, -1, ALCH_RECORD_METATABLE) == NULL)
        return alch_raisef(L, ALCH_ERR_INVALID, "a pool's checkout hook must return a record, not a %s", luaL_typename(L, -1));
    x = lua_touserdata(L, 2);
    x->record = lua_touserdata(L, -1);
    (void)lua_setiuservalue(L, 2, PROXY_RECORD);
    lua_settop(L, 2);
    return 1;
}

/* With the pool at 1 and a closed proxy at 2. */
static int checkout_by_hook(lua_State *L)
{
    if (lua_getiuservalue(L, 1, POOL_CHECKOUT) != LUA_TFUNCTION)
        return alch_raisef(L, ALCH_ERR_INVALID, "this pool has no checkout hook to connect with");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_callk(L, 2, 1, 0, checkout_hook_done);
    return checkout_hook_done(L, LUA_OK, 0);
}

/* With the pool at 1 and nothing above; upvalue 1 is the proxies' metatable.
** What may raise comes before 'take'. */
static int connect_from(lua_State *L, alch_pool_object *p)
{
    proxy_object *x = lua_newuserdatauv(L, sizeof *x, 1);
    alch_slot *s;
    alch_taken taken;

    x->tag = &proxy_tag;
    x->record = NULL;
    lua_pushvalue(L, lua_upvalueindex(1));
    (void)lua_setmetatable(L, 2);
    if (p->hook_out)
        return checkout_by_hook(L);
    notice_fork(L, p);
    taken = take_reachable(L, p, &s);
    if (taken == ALCH_TAKEN_IDLE) {
        move_taken(L, s, 2);
        x->record = (alch_pool_record *)s;
        return 1;
    }
    if (taken == ALCH_TAKEN_STALE) {
        move_taken(L, s, 0);
        alch_record_discard(L, 3, (alch_pool_record *)s);
        lua_settop(L, 2);
    }
    return checkout_by_hook(L);
}

/* pool:connect() -> proxy */
static int l_connect(lua_State *L)
{
    alch_pool_object *p = check_pool_fast(L);

    lua_settop(L, 1);
    return connect_from(L, p);
}

/* The same with the pool as upvalue 2, whatever the arguments are. */
static int l_bound_connect(lua_State *L)
{
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(2));
    return connect_from(L, lua_touserdata(L, 1));
}

/* pool:connector() -> a function that connects, for a method of an object in
** front of the pool: a call, a look-up and a check less for each checkout. */
static int l_connector(lua_State *L)
{
    (void)alch_check_pool(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, l_bound_connect, 2);
    return 1;
}

static int checkin_hook_done(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 0;
}

/* With the record at 'record'. Without a hook what is not clean is closed. */
static int checkin_by_hook(lua_State *L, int record, alch_pool_record *r)
{
    (void)lua_getiuservalue(L, record, RECORD_POOL);
    if (lua_getiuservalue(L, -1, POOL_CHECKIN) != LUA_TFUNCTION) {
        alch_record_discard(L, record, r);
        return 0;
    }
    lua_insert(L, -2);
    lua_pushvalue(L, record);
    lua_callk(L, 2, 0, 0, checkin_hook_done);
    return 0;
}

/* Ends the proxy at index 1 and pushes the record it held, at index 2; NULL,
** and nothing, if there is none any more. */
static alch_pool_record *release(lua_State *L)
{
    proxy_object *x = check_proxy(L);
    alch_pool_record *r = x->record;

    if (r == NULL)
        return NULL;
    lua_settop(L, 1);
    x->record = NULL;
    (void)lua_getiuservalue(L, 1, PROXY_RECORD);
    return r->slot.state == ALCH_SLOT_IN_USE ? r : NULL;
}

/* proxy:close(): back to the pool; a second time does nothing. */
static int l_proxy_close(lua_State *L)
{
    alch_pool_record *r = release(L);

    if (r == NULL)
        return 0;
    if (alch_pool_of(&r->slot)->hook_in || !alch_driver_conn_is_clean(r->dc))
        return checkin_by_hook(L, 2, r);
    if (r->slot.holders == 1)
        alch_driver_conn_finish(r->dc);
    if (!alch_record_give(L, 2, r))
        alch_record_discard(L, 2, r);
    return 0;
}

/* proxy:invalidate(): closes the connection; the pool makes another when it needs one. */
static int l_proxy_invalidate(lua_State *L)
{
    alch_pool_record *r = release(L);

    if (r != NULL)
        alch_record_discard(L, 2, r);
    return 0;
}

/* proxy:detach() -> driver connection, no longer the pool's. */
static int l_proxy_detach(lua_State *L)
{
    alch_pool_record *r = release(L);

    if (r == NULL)
        return alch_raisef(L, ALCH_ERR_CLOSED, "this connection has been returned to its pool");
    alch_record_forget(L, 2, r);
    (void)lua_getiuservalue(L, 2, RECORD_CONN);
    return 1;
}

static int l_proxy_is_valid(lua_State *L)
{
    const proxy_object *x = check_proxy(L);
    alch_driver_conn *dc = x->record != NULL ? x->record->dc : NULL;

    lua_pushboolean(L, dc != NULL && dc->conn != NULL && alch_driver_conn_ours(dc) && dc->driver->alive(dc->conn));
    return 1;
}

/* A proxy's fields stand among its methods as light userdata, so that one
** look-up finds either. */
static const char field_closed, field_record, field_connection, field_info;

static int push_field(lua_State *L, const void *field)
{
    const proxy_object *x = check_proxy(L);

    if (field == &field_closed)
        return lua_pushboolean(L, x->record == NULL), 1;
    if (x->record == NULL)
        return lua_pushnil(L), 1;
    (void)lua_getiuservalue(L, 1, PROXY_RECORD);
    if (field == &field_connection)
        return lua_getiuservalue(L, -1, RECORD_CONN), 1;
    if (field == &field_info)
        return lua_replace(L, 1), alch_record_push_info(L);
    return 1;
}

static int l_proxy_index(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TLIGHTUSERDATA)
        return push_field(L, lua_touserdata(L, 2));
    return 1;
}

static void set_field(lua_State *L, const char *name, const char *field)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)field);
    lua_setfield(L, -2, name);
}

static void push_proxy_methods(lua_State *L, const luaL_Reg *methods)
{
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    set_field(L, "closed", &field_closed);
    set_field(L, "record", &field_record);
    set_field(L, "driver_connection", &field_connection);
    set_field(L, "info", &field_info);
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
                           "unknown pool policy '%s' (known: queue, null, static, singleton, assertion)", name);
    p = alch_push_object(L, sizeof *p, POOL_USER_VALUES, ALCH_POOL_METATABLE);
    p->tag = &alch_pool_tag;
    p->process = alch_this_process(L);
    alch_pool_init(&p->pool, policy);
    read_settings(L, &p->pool);
    lua_newtable(L);
    (void)lua_setiuservalue(L, -2, POOL_IDLE);
    alch_push_weak_table(L);
    (void)lua_setiuservalue(L, -2, POOL_ALL);
    return 1;
}

static const luaL_Reg pool_methods[] = {
    { "checkout", l_checkout },
    { "add", l_add },
    { "checkin", l_checkin },
    { "remove", l_remove },
    { "invalidate", l_invalidate },
    { "invalidate_all", l_invalidate_all },
    { "stale", l_stale },
    { "counts", l_counts },
    { "idle", l_idle },
    { "in_use", l_in_use },
    { "set_hooks", l_set_hooks },
    { "watch", l_watch },
    { NULL, NULL }
};

static const luaL_Reg proxy_methods[] = {
    { "close", l_proxy_close },
    { "invalidate", l_proxy_invalidate },
    { "detach", l_proxy_detach },
    { "is_valid", l_proxy_is_valid },
    { NULL, NULL }
};

/* Leaves the metatable of proxies on the stack; their methods, which Lua may
** add to, are core.pooled_connection_methods. */
static void open_proxy(lua_State *L, int module)
{
    if (alch_new_metatable(L, PROXY, NULL)) {
        push_proxy_methods(L, proxy_methods);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "methods");
        lua_pushcclosure(L, l_proxy_index, 1);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, l_proxy_close);
        lua_setfield(L, -2, "__close");
    }
    lua_getfield(L, -1, "methods");
    lua_setfield(L, module, "pooled_connection_methods");
}

void alch_open_pool(lua_State *L);

void alch_open_pool(lua_State *L)
{
    int module = lua_gettop(L);

    alch_open_records(L);
    (void)alch_new_metatable(L, ALCH_POOL_METATABLE, NULL);
    lua_newtable(L);
    luaL_setfuncs(L, pool_methods, 0);
    open_proxy(L, module);
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, l_connector, 1);
    lua_setfield(L, -3, "connector");
    lua_pushcclosure(L, l_connect, 1);
    lua_setfield(L, -2, "connect");
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, l_pool_new);
    lua_setfield(L, -2, "pool_new");
}
