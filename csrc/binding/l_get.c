/* session:get(Class, key), the short way: from the identity map, or by one
** SELECT on a driver that never waits. All that a look-up needs is resolved
** once per class and transaction into a *getter*; whatever is not ordinary (a
** composite key, options, an expired object, somebody listening to the
** connection, a failure) goes the long way through orm/session.lua, which
** makes the getter when it can. */
#include <string.h>

#include "binding/driver_conn.h"
#include "binding/orm_host.h"

#define GETTER_METATABLE "lualchemy.getter"

/* UV_OBJECT: the connection as Lua knows it. */
enum { UV_CONNECTION = 1, UV_SQL, UV_ENGINE, UV_OBJECT, UV_CODEC, GETTER_VALUES = UV_CODEC };

typedef struct getter {
    alch_driver_conn *dc;       /* anchored */
    const char *sql;            /* anchored */
    size_t len;
    const alch_codec *codec;    /* anchored */
    uint32_t session;
    alch_cursor *cursor;        /* while a row is being read; left over if that raised */
    size_t selected;            /* columns of the SELECT */
    uint32_t *slots;            /* the attribute of each; these three in the getter's own block */
    uint8_t *wanted;
    alch_value *cells;          /* first one row of the SELECT, then one value per column attribute */
} getter;

static void end_read(getter *g)
{
    if (g->cursor != NULL)
        g->dc->driver->cursor_free(g->cursor);
    g->cursor = NULL;
}

static int getter_gc(lua_State *L)
{
    end_read(lua_touserdata(L, 1));
    return 0;
}

/* core.getter_new(session, plan, dc, sql, slots, engine, connection) */
static int l_getter_new(lua_State *L)
{
    const alch_session *session = luaL_checkudata(L, 1, ALCH_SESSION_METATABLE);
    const alch_mapper *m = alch_check_plan(L, 2);
    alch_driver_conn *dc = alch_check_driver_conn(L, 3);
    size_t i, n, cells;
    getter *g;
    char *room;

    luaL_checkstring(L, 4);
    luaL_checktype(L, 5, LUA_TTABLE);
    lua_settop(L, 7);
    n = (size_t)lua_rawlen(L, 5);
    cells = (n + m->columns) * sizeof(alch_value);
    g = alch_push_object(L, sizeof *g + cells + n * sizeof *g->slots + m->set_size, GETTER_VALUES, GETTER_METATABLE);
    room = (char *)(g + 1);
    g->cells = (alch_value *)(void *)room;
    g->slots = (uint32_t *)(void *)(room + cells);
    g->wanted = (uint8_t *)(g->slots + n);
    g->dc = dc;
    g->session = session->number;
    g->selected = n;
    g->sql = lua_tolstring(L, 4, &g->len);
    for (i = 0; i < n; i++) {
        lua_rawgeti(L, 5, (lua_Integer)i + 1);
        g->slots[i] = (uint32_t)lua_tointeger(L, -1) - 1;
        alch_set_put(g->wanted, g->slots[i]);
        lua_pop(L, 1);
    }
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 8, UV_CONNECTION);
    lua_pushvalue(L, 4);
    lua_setiuservalue(L, 8, UV_SQL);
    lua_pushvalue(L, 6);
    lua_setiuservalue(L, 8, UV_ENGINE);
    lua_pushvalue(L, 7);
    lua_setiuservalue(L, 8, UV_OBJECT);
    g->codec = alch_push_codec(L, 2, dc->driver->name);
    lua_setiuservalue(L, 8, UV_CODEC);
    return 1;
}

/* Stack while getting: the arguments, then these. */
enum { SESSION_OBJECT = 1, CLASS, KEY, OPTIONS, SESSION, PLAN, IDENTITIES, GETTER };

/* Upvalues: the long way, and the names of what is read from Lua objects. */
enum { UP_SLOW = 1, UP_C, UP_FAST, UP_LOG, UP_LISTENERS };

static int rawget_named(lua_State *L, int table, int upvalue)
{
    lua_pushvalue(L, lua_upvalueindex(upvalue));
    return lua_rawget(L, table);
}

/* Pushes session and plan; 0 if the arguments are out of the ordinary. */
static int push_parts(lua_State *L)
{
    const alch_mapper *m;
    const alch_type *type;

    if (!lua_isnil(L, OPTIONS) || !lua_istable(L, SESSION_OBJECT) || !lua_istable(L, CLASS) || !lua_isinteger(L, KEY))
        return 0;
    if (rawget_named(L, SESSION_OBJECT, UP_C) != LUA_TUSERDATA || lua_rawgetp(L, CLASS, &alch_orm_plan) != LUA_TUSERDATA)
        return 0;
    m = lua_touserdata(L, PLAN);
    type = m->key_count == 1 ? m->attrs[m->keys[0]].type : NULL;
    return type != NULL && type->family == ALCH_FAMILY_INTEGER && type->kind != ALCH_TYPE_DECORATED;
}

/* Pushes the instance in memory: 1; 0 if there is none, -1 if it needs a closer look. */
static int push_known(lua_State *L)
{
    const alch_mapper *m = lua_touserdata(L, PLAN);
    const alch_state *s;

    alch_push_identities(L, SESSION, m);
    if (alch_get_identity(L, IDENTITIES, KEY) == LUA_TNIL) {
        lua_pop(L, 1);
        return 0;
    }
    s = alch_push_state(L, GETTER);
    if (s == NULL || !alch_known(s, m->keys[0]) || !alch_mapper_isa(s->mapper, m))
        return -1;
    lua_settop(L, GETTER);
    return 1;
}

/* Pushes the getter; NULL if there is none, or it must not be used now. */
static getter *push_getter(lua_State *L)
{
    getter *g;

    if (rawget_named(L, SESSION_OBJECT, UP_FAST) != LUA_TTABLE)
        return NULL;
    lua_pushvalue(L, PLAN);
    if (lua_rawget(L, GETTER) != LUA_TUSERDATA)
        return NULL;
    lua_replace(L, GETTER);
    g = lua_touserdata(L, GETTER);
    if (g->dc->closed || g->dc->conn == NULL || g->dc->owner != NULL)
        return NULL;
    lua_getiuservalue(L, GETTER, UV_ENGINE);
    (void)rawget_named(L, GETTER + 1, UP_LOG);
    if (lua_toboolean(L, -1) || rawget_named(L, GETTER + 1, UP_LISTENERS) != LUA_TNIL)
        return NULL;
    lua_settop(L, GETTER);
    lua_getiuservalue(L, GETTER, UV_OBJECT);
    if (rawget_named(L, GETTER + 1, UP_LISTENERS) != LUA_TNIL)
        return NULL;
    lua_settop(L, GETTER);
    return g;
}

static void push_row(lua_State *L, getter *g)
{
    alch_value *row = g->cells, *values = g->cells + g->selected;
    alch_new_object new = { g->codec, values, g->wanted, g->session, CLASS, PLAN, IDENTITIES, KEY };
    size_t i;

    g->dc->driver->row(g->cursor, row);
    for (i = 0; i < g->selected; i++)
        values[g->slots[i]] = row[i];
    alch_push_new_object(L, &new);
}

/* Pushes the object of the row, or nil; 0 if the statement failed. */
static int push_loaded(lua_State *L, getter *g)
{
    alch_param p;
    alch_step step;
    alch_err err;

    end_read(g);
    p.value.kind = ALCH_INT;
    p.value.zone = ALCH_ZONE_NONE;
    p.value.as.integer = lua_tointeger(L, KEY);
    p.oid = g->codec->columns[g->codec->mapper->keys[0]].oid;
    step = g->dc->driver->execute(g->dc->conn, g->sql, g->len, &p, 1, 0, &g->cursor, &err);
    if (step == ALCH_STEP_ROW)
        push_row(L, g);
    else if (step == ALCH_STEP_DONE)
        lua_pushnil(L);
    end_read(g);
    return step == ALCH_STEP_ROW || step == ALCH_STEP_DONE;
}

static int finish_slow(lua_State *L, int status, lua_KContext base)
{
    (void)status;
    return lua_gettop(L) - (int)base;
}

/* session:get(class, key, options) */
static int l_get(lua_State *L)
{
    getter *g;
    int known;

    lua_settop(L, OPTIONS);
    if (push_parts(L) && (known = push_known(L)) >= 0) {
        if (known)
            return 1;
        g = push_getter(L);
        if (g != NULL && push_loaded(L, g))
            return 1;
    }
    lua_settop(L, OPTIONS);
    lua_pushvalue(L, lua_upvalueindex(UP_SLOW));
    lua_insert(L, 1);
    lua_callk(L, OPTIONS, LUA_MULTRET, 0, finish_slow);
    return finish_slow(L, LUA_OK, 0);
}

/* core.session_get(slow) -> the method Session.get */
static int l_session_get(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushliteral(L, "_c");
    lua_pushliteral(L, "_fast");
    lua_pushliteral(L, "_log");
    lua_pushliteral(L, "_listeners");
    lua_pushcclosure(L, l_get, UP_LISTENERS);
    return 1;
}

void alch_open_get(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "getter_new", l_getter_new },
        { "session_get", l_session_get },
        { NULL, NULL }
    };

    alch_new_metatable(L, GETTER_METATABLE, getter_gc);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
