/* Proxies of pooled connections: pool_proxy.h says what one is. */
#include "binding/pool_proxy.h"

#include "binding/bind.h"

/* In the registry: the metatable of closed proxies, and that of their indexes, which finds the methods of all. */
#define CLOSED "lualchemy.pooled_connection"
#define METHODS "lualchemy.pooled_connection_methods"

/* Upvalues of a door's 'close'. */
enum { CLOSE_RECORD = 1, CLOSE_KEPT, CLOSE_CLOSED, CLOSE_UPVALUES = CLOSE_CLOSED };

void alch_proxy_shut(lua_State *L) { luaL_setmetatable(L, CLOSED); }

/* -- closing ------------------------------------------------------------------------------------------------------ */

static int close_done(lua_State *L, int status, lua_KContext context)
{
    (void)L;
    (void)status;
    (void)context;
    return 0;
}

/* Without a hook what is not clean is closed. */
static int checkin_by_hook(lua_State *L, alch_pool_record *r)
{
    int record = lua_gettop(L) + 1;

    lua_pushvalue(L, lua_upvalueindex(CLOSE_RECORD));
    (void)lua_getiuservalue(L, record, RECORD_POOL);
    if (lua_getiuservalue(L, -1, POOL_CHECKIN) != LUA_TFUNCTION) {
        alch_record_discard(L, record, r);
        return 0;
    }
    lua_insert(L, -2);
    lua_pushvalue(L, record);
    lua_callk(L, 2, 0, 0, close_done);
    return close_done(L, LUA_OK, 0);
}

static int l_close(lua_State *L);

/* a.close(b), or one that is closed already. What closes a proxy tells what it is. */
static int l_close_any(lua_State *L)
{
    lua_CFunction close;

    lua_settop(L, 1);
    close = luaL_getmetafield(L, 1, "__close") == LUA_TNIL ? NULL : lua_tocfunction(L, -1);
    if (close == l_close_any)
        return 0;
    if (close != l_close)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "a pooled connection is expected, not a %s", luaL_typename(L, 1));
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 0, 0, close_done);
    return close_done(L, LUA_OK, 0);
}

/* proxy:close(): back to the pool; a second time does nothing. Cheap, not
** short: it is half of what a checkout and its checkin cost. */
static int l_close(lua_State *L)
{
    alch_pool_record *r = lua_touserdata(L, lua_upvalueindex(CLOSE_RECORD));

    if (!lua_getmetatable(L, 1) || lua_topointer(L, -1) != r->door)
        return l_close_any(L);
    lua_pushvalue(L, lua_upvalueindex(CLOSE_CLOSED));
    (void)lua_setmetatable(L, 1);
    if (r->slot.state != ALCH_SLOT_IN_USE)
        return 0;
    if (alch_pool_of(&r->slot)->hook_in || !alch_driver_conn_is_clean(r->dc))
        return checkin_by_hook(L, r);
    if (r->slot.holders == 1)
        alch_driver_conn_finish(r->dc);
    if (!alch_slot_give(&r->slot)) {
        lua_pushvalue(L, lua_upvalueindex(CLOSE_RECORD));
        alch_record_discard(L, lua_gettop(L), r);
        return 0;
    }
    r->given = 1;
    if (!r->kept && r->slot.state == ALCH_SLOT_IDLE) {
        r->kept = 1;
        lua_rawseti(L, lua_upvalueindex(CLOSE_KEPT), r->slot.index);    /* the door */
    }
    return 0;
}

/* -- the other methods -------------------------------------------------------------------------------------------- */

/* Pushes the record of the proxy at 1; of a closed one NULL, and nothing. */
static alch_pool_record *push_record(lua_State *L)
{
    alch_pool_record *r = NULL;

    lua_settop(L, 1);
    if (lua_isuserdata(L, 1) && lua_getmetatable(L, 1)) {
        if (lua_rawgeti(L, 2, DOOR_RECORD) == LUA_TUSERDATA)
            r = luaL_testudata(L, -1, ALCH_RECORD_METATABLE);
        else if (luaL_getmetafield(L, 1, "__close") != LUA_TNIL && lua_tocfunction(L, -1) == l_close_any)
            return lua_settop(L, 1), NULL;
    }
    if (r == NULL)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "a pooled connection is expected, not a %s", luaL_typename(L, 1));
    lua_replace(L, 2);
    return r;
}

/* Closes the proxy at 1 and pushes the record it held, at index 2; NULL if
** there is none in use any more. */
static alch_pool_record *release(lua_State *L)
{
    alch_pool_record *r = push_record(L);

    lua_pushvalue(L, 1);
    alch_proxy_shut(L);
    lua_pop(L, 1);
    return r != NULL && r->slot.state == ALCH_SLOT_IN_USE ? r : NULL;
}

/* proxy:invalidate(): closes the connection; the pool makes another when it needs one. */
static int l_invalidate(lua_State *L)
{
    alch_pool_record *r = release(L);

    if (r != NULL)
        alch_record_discard(L, 2, r);
    return 0;
}

/* proxy:detach() -> driver connection, no longer the pool's. */
static int l_detach(lua_State *L)
{
    alch_pool_record *r = release(L);

    if (r == NULL)
        return alch_raisef(L, ALCH_ERR_CLOSED, "this connection has been returned to its pool");
    alch_record_forget(L, 2, r);
    (void)lua_getiuservalue(L, 2, RECORD_CONN);
    return 1;
}

static int l_is_valid(lua_State *L)
{
    const alch_pool_record *r = push_record(L);
    alch_driver_conn *dc = r != NULL ? r->dc : NULL;

    lua_pushboolean(L, dc != NULL && dc->conn != NULL && alch_driver_conn_ours(dc) && dc->driver->alive(dc->conn));
    return 1;
}

/* -- doors -------------------------------------------------------------------------------------------------------- */

/* Pushes the 'close' of a record's door. */
static void push_close(lua_State *L, int record)
{
    lua_pushvalue(L, record);
    (void)lua_getiuservalue(L, record, RECORD_KEPT);
    luaL_getmetatable(L, CLOSED);
    lua_pushcclosure(L, l_close, CLOSE_UPVALUES);
}

/* Pushes what an open proxy of the record finds by name. */
static void push_index(lua_State *L, int record)
{
    lua_createtable(L, 0, 5);
    lua_pushvalue(L, record);
    lua_setfield(L, -2, "record");
    (void)lua_getiuservalue(L, record, RECORD_CONN);
    lua_setfield(L, -2, "driver_connection");
    alch_record_push_info(L, record);
    lua_setfield(L, -2, "info");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "closed");
    luaL_setmetatable(L, METHODS);
}

static void push_door(lua_State *L, int record)
{
    int door = lua_gettop(L) + 1;

    lua_createtable(L, DOOR_RECORD, 2);
    lua_pushvalue(L, record);
    lua_rawseti(L, door, DOOR_RECORD);
    push_index(L, record);
    push_close(L, record);
    lua_pushvalue(L, -1);
    lua_setfield(L, door, "__close");
    lua_setfield(L, -2, "close");
    lua_setfield(L, door, "__index");
}

/* The door at the top, if there is one, becomes that of closed proxies. Its
** fields are there, so nothing raises. */
static void shut_door(lua_State *L)
{
    if (!lua_istable(L, -1))
        return;
    luaL_getmetatable(L, CLOSED);
    lua_getfield(L, -1, "__index");
    lua_setfield(L, -3, "__index");
    lua_getfield(L, -1, "__close");
    lua_setfield(L, -3, "__close");
    lua_pushboolean(L, 0);
    lua_rawseti(L, -3, DOOR_RECORD);
    lua_pop(L, 1);
}

void alch_record_add_door(lua_State *L, int record)
{
    alch_pool_record *r = lua_touserdata(L, record);
    int door = lua_gettop(L) + 1;

    luaL_checkstack(L, 12, NULL);
    push_door(L, record);
    (void)lua_getiuservalue(L, record, RECORD_DOOR);
    shut_door(L);
    lua_pop(L, 1);
    r->door = lua_topointer(L, door);
    (void)lua_setiuservalue(L, record, RECORD_DOOR);
}

static const luaL_Reg methods[] = {
    { "close", l_close_any },
    { "invalidate", l_invalidate },
    { "detach", l_detach },
    { "is_valid", l_is_valid },
    { NULL, NULL }
};

void alch_open_proxies(lua_State *L, int module)
{
    if (luaL_newmetatable(L, METHODS)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    if (luaL_newmetatable(L, CLOSED)) {
        lua_createtable(L, 0, 1);
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, "closed");
        luaL_setmetatable(L, METHODS);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, l_close_any);
        lua_setfield(L, -2, "__close");
    }
    lua_getfield(L, -2, "__index");
    lua_setfield(L, module, "pooled_connection_methods");
    lua_pop(L, 2);
}
