/* session:get(Class, key), the short way: from the identity map, or by one
** SELECT. All that a look-up needs is resolved once per class and transaction
** into a *getter*; whatever is not ordinary (a composite key, options, an
** expired object, somebody listening to the connection, a time limit) goes the
** long way through orm/session.lua, which makes the getter when it can.
**
** Most of that is named by fields of Lua objects, so a getter that was examined
** is taken again by the session's next look-up of the class, until somebody
** says with core.look_again() that one of these fields has changed. Each place
** that changes one says so: what to look for is in 'names' below.
**
** A driver that has to wait is waited for by Lua, which may yield; the getter
** is the operation that is stepped meanwhile. */
#include <string.h>

#include "binding/driver_conn.h"
#include "binding/orm_host.h"

#define GETTER_METATABLE "lualchemy.getter"

/* UV_OBJECT: the connection as Lua knows it; UV_OPTIONS: its execution options. */
enum { UV_CONNECTION = 1, UV_SQL, UV_ENGINE, UV_OBJECT, UV_CODEC, UV_OPTIONS, GETTER_VALUES = UV_OPTIONS };

typedef struct getter {
    uint64_t examined;          /* the number of changes there had been when it could be used */
    const alch_mapper *mapper;
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
    alch_buf text;              /* of that row */
    uint8_t reading;            /* the object of the row is being made */
} getter;

static void end_read(getter *g)
{
    if (g->cursor != NULL && alch_driver_conn_ours(g->dc))
        g->dc->driver->cursor_free(g->cursor);
    g->cursor = NULL;
}

static int getter_gc(lua_State *L)
{
    getter *g = lua_touserdata(L, 1);

    end_read(g);
    alch_buf_release(&g->text);
    return 0;
}

/* The argument at 'idx' becomes a user value of the getter at 9. */
static void anchor(lua_State *L, int idx, int value)
{
    lua_pushvalue(L, idx);
    lua_setiuservalue(L, 9, value);
}

/* core.getter_new(session, plan, dc, sql, slots, engine, connection, options) */
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
    luaL_checkany(L, 8);
    lua_settop(L, 8);
    n = (size_t)lua_rawlen(L, 5);
    cells = (n + m->columns) * sizeof(alch_value);
    g = alch_push_object(L, sizeof *g + cells + n * sizeof *g->slots + m->set_size, GETTER_VALUES, GETTER_METATABLE);
    room = (char *)(g + 1);
    g->cells = (alch_value *)(void *)room;
    g->slots = (uint32_t *)(void *)(room + cells);
    g->wanted = (uint8_t *)(g->slots + n);
    g->mapper = m;
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
    anchor(L, 3, UV_CONNECTION);
    anchor(L, 4, UV_SQL);
    anchor(L, 6, UV_ENGINE);
    anchor(L, 7, UV_OBJECT);
    anchor(L, 8, UV_OPTIONS);
    g->codec = alch_push_codec_for(L, 2, 3);
    lua_setiuservalue(L, 9, UV_CODEC);
    return 1;
}

/* Stack while getting: the arguments, then these. */
enum { SESSION_OBJECT = 1, CLASS, KEY, OPTIONS, SESSION, PLAN, IDENTITIES, GETTER };

/* Upvalues: the long way, who waits, who raises, the number of changes, and the names of what is read from Lua objects. */
enum { UP_SLOW = 1, UP_WAIT, UP_FAIL, UP_CHANGES, UP_C, UP_FAST, UP_WATCHED, UP_LISTENERS, UP_OPTIONS, UP_LIMITED, UP_BUSY, UP_END };

static int rawget_named(lua_State *L, int table, int upvalue)
{
    lua_pushvalue(L, lua_upvalueindex(upvalue));
    return lua_rawget(L, table);
}

/* Pushes session and plan, and answers the latter; NULL if the arguments are out of the ordinary. */
static const alch_mapper *push_parts(lua_State *L)
{
    const alch_mapper *m;
    const alch_type *type;

    if (!lua_isnil(L, OPTIONS) || !lua_istable(L, SESSION_OBJECT) || !lua_istable(L, CLASS) || !lua_isinteger(L, KEY))
        return NULL;
    (void)rawget_named(L, SESSION_OBJECT, UP_C);
    if (alch_test_tagged(L, SESSION, &alch_session_tag) == NULL || lua_rawgetp(L, CLASS, &alch_orm_plan) != LUA_TUSERDATA)
        return NULL;
    m = lua_touserdata(L, PLAN);
    type = m->key_count == 1 ? m->attrs[m->keys[0]].type : NULL;
    return type != NULL && type->family == ALCH_FAMILY_INTEGER && alch_type_is_plain(type) ? m : NULL;
}

/* Pushes the instance in memory: 1; 0 if there is none, -1 if it needs a closer look. */
static int push_known(lua_State *L, const alch_mapper *m)
{
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

/* Pushes the class's getter, if nothing around it asks for more than it does; else NULL. */
static getter *examine(lua_State *L)
{
    if (rawget_named(L, SESSION_OBJECT, UP_BUSY) != LUA_TNIL)
        return NULL;
    lua_settop(L, IDENTITIES);
    if (rawget_named(L, SESSION_OBJECT, UP_FAST) != LUA_TTABLE)
        return NULL;
    lua_pushvalue(L, PLAN);
    if (lua_rawget(L, GETTER) != LUA_TUSERDATA)
        return NULL;
    lua_replace(L, GETTER);
    lua_getiuservalue(L, GETTER, UV_ENGINE);
    (void)rawget_named(L, GETTER + 1, UP_WATCHED);
    if (lua_toboolean(L, -1) || rawget_named(L, GETTER + 1, UP_LISTENERS) != LUA_TNIL)
        return NULL;
    lua_settop(L, GETTER);
    lua_getiuservalue(L, GETTER, UV_OBJECT);
    lua_getiuservalue(L, GETTER, UV_OPTIONS);
    (void)rawget_named(L, GETTER + 1, UP_OPTIONS);
    if (!lua_rawequal(L, -1, -2) || rawget_named(L, GETTER + 1, UP_LISTENERS) != LUA_TNIL)
        return NULL;
    (void)rawget_named(L, GETTER + 1, UP_LIMITED);
    if (lua_toboolean(L, -1))
        return NULL;
    lua_settop(L, GETTER);
    return lua_touserdata(L, GETTER);
}

/* Pushes the getter; NULL if there is none, or it must not be used now: also
** where something waits to be flushed, which a SELECT does first. */
static getter *push_getter(lua_State *L, const alch_mapper *m)
{
    const alch_session *l = lua_touserdata(L, SESSION);
    const uint64_t *changes = lua_touserdata(L, lua_upvalueindex(UP_CHANGES));
    getter *g;

    if (l->count[0] + l->count[1] + l->count[2] > 0)
        return NULL;
    lua_getiuservalue(L, SESSION, ALCH_SESSION_GETTER);
    g = lua_touserdata(L, GETTER);
    if (g == NULL || g->examined != *changes || g->mapper != m) {
        lua_settop(L, IDENTITIES);
        g = examine(L);
        if (g == NULL)
            return NULL;
        g->examined = *changes;
        lua_pushvalue(L, GETTER);
        lua_setiuservalue(L, SESSION, ALCH_SESSION_GETTER);
    }
    return g->reading || g->dc->closed || g->dc->conn == NULL || !alch_driver_conn_ours(g->dc) || g->dc->owner != NULL ? NULL : g;
}

/* A finalizer, which comes wherever something is made, may close the connection; and look up an object itself, but not by
** this getter. */
static void push_row(lua_State *L, getter *g)
{
    alch_value *row = g->cells, *values = g->cells + g->selected;
    alch_new_object new = { g->codec, values, g->wanted, g->session, CLASS, PLAN, IDENTITIES, 0, lua_tointeger(L, KEY) };
    size_t i;

    g->dc->driver->row(g->cursor, row);
    if (!alch_values_own(row, g->selected, &g->text)) {
        alch_err err;

        (void)alch_err_nomem(&err);
        alch_raise(L, &err);
    }
    for (i = 0; i < g->selected; i++)
        values[g->slots[i]] = row[i];
    g->reading = 1;
    alch_push_new_object(L, &new);
    g->reading = 0;
}

static alch_step send(lua_State *L, getter *g, alch_err *err)
{
    alch_step step;
    alch_param p;

    end_read(g);
    p.value.kind = ALCH_INT;
    p.value.zone = ALCH_ZONE_NONE;
    p.value.as.integer = lua_tointeger(L, KEY);
    p.oid = g->codec->columns[g->codec->mapper->keys[0]].oid;
    step = g->dc->driver->execute(g->dc->conn, g->sql, g->len, &p, 1, 0, &g->cursor, err);
    step = alch_driver_conn_block(L, g->dc, g->cursor, step, err);
    alch_driver_conn_settle(L, g->dc, step);
    return step;
}

/* getter:step() -> "row", "done" or "wait"; nil and an error if it failed */
static int l_step(lua_State *L)
{
    getter *g = luaL_checkudata(L, 1, GETTER_METATABLE);
    alch_step step;
    alch_err err;

    lua_settop(L, 1);
    lua_getiuservalue(L, 1, UV_CONNECTION);
    (void)alch_waiting_driver_conn(L, 2);
    luaL_argcheck(L, g->cursor != NULL, 1, "a getter that waits");
    step = g->dc->driver->cursor_step(g->cursor, &err);
    alch_driver_conn_settle(L, g->dc, step);
    if (step == ALCH_STEP_FAIL) {
        lua_pushnil(L);
        alch_push_error(L, &err);
        return 2;
    }
    alch_push_step(L, step);
    return 1;
}

/* The error of the statement is on the top: Lua completes and raises it. */
static int fail(lua_State *L, getter *g)
{
    end_read(g);
    lua_pushvalue(L, lua_upvalueindex(UP_FAIL));
    lua_insert(L, -2);
    lua_getiuservalue(L, GETTER, UV_OBJECT);
    lua_insert(L, -2);
    lua_getiuservalue(L, GETTER, UV_SQL);
    lua_getiuservalue(L, GETTER, UV_CODEC);
    lua_pushvalue(L, KEY);
    lua_call(L, 5, 0);
    return 0;
}

/* Pushes what the look-up came to; the identity map does not have the object. */
static int answer(lua_State *L, getter *g, int found)
{
    if (found)
        push_row(L, g);
    else
        lua_pushnil(L);
    end_read(g);
    return 1;
}

/* Stack: as while getting, and what the driver's wait returned: the last step, or nil and an error. */
static int finish_wait(lua_State *L, int status, lua_KContext context)
{
    getter *g = lua_touserdata(L, GETTER);
    int found;

    (void)status;
    (void)context;
    lua_settop(L, GETTER + 2);
    if (lua_isnil(L, GETTER + 1))
        return fail(L, g);
    found = lua_tostring(L, GETTER + 1)[0] == 'r';
    lua_settop(L, GETTER);
    if (found && alch_get_identity(L, IDENTITIES, KEY) == LUA_TTABLE) {     /* brought in by somebody else meanwhile */
        end_read(g);
        return 1;
    }
    lua_settop(L, GETTER);
    return answer(L, g, found);
}

static int get_loaded(lua_State *L, getter *g)
{
    alch_err err;
    alch_step step = send(L, g, &err);

    if (step == ALCH_STEP_FAIL) {
        alch_push_error(L, &err);
        return fail(L, g);
    }
    if (step != ALCH_STEP_WAIT)
        return answer(L, g, step == ALCH_STEP_ROW);
    lua_pushvalue(L, lua_upvalueindex(UP_WAIT));
    lua_getiuservalue(L, GETTER, UV_CONNECTION);
    lua_pushvalue(L, GETTER);
    lua_callk(L, 2, 2, 0, finish_wait);
    return finish_wait(L, LUA_OK, 0);
}

static int finish_slow(lua_State *L, int status, lua_KContext base)
{
    (void)status;
    return lua_gettop(L) - (int)base;
}

/* session:get(class, key, options) */
static int l_get(lua_State *L)
{
    const alch_mapper *m;
    getter *g;
    int known;

    lua_settop(L, OPTIONS);
    m = push_parts(L);
    if (m != NULL && (known = push_known(L, m)) >= 0) {
        if (known)
            return 1;
        g = push_getter(L, m);
        if (g != NULL)
            return get_loaded(L, g);
    }
    lua_settop(L, OPTIONS);
    lua_pushvalue(L, lua_upvalueindex(UP_SLOW));
    lua_insert(L, 1);
    lua_callk(L, OPTIONS, LUA_MULTRET, 0, finish_slow);
    return finish_slow(L, LUA_OK, 0);
}

/* core.session_get(slow, drive, fail) -> the method Session.get */
static int l_session_get(lua_State *L)
{
    static const char *const names[] = { "_c", "_fast", "_watched", "_listeners", "_options", "_limited", "_busy" };
    size_t i;

    for (i = UP_SLOW; i <= UP_FAIL; i++)
        luaL_checktype(L, (int)i, LUA_TFUNCTION);
    lua_settop(L, UP_FAIL);
    lua_pushvalue(L, lua_upvalueindex(1));
    for (i = 0; i < sizeof names / sizeof *names; i++)
        lua_pushstring(L, names[i]);
    lua_pushcclosure(L, l_get, UP_END - 1);
    return 1;
}

/* core.look_again(): getters are examined again before they are used. */
static int l_look_again(lua_State *L)
{
    uint64_t *changes = lua_touserdata(L, lua_upvalueindex(1));

    ++*changes;
    return 0;
}

void alch_open_get(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "getter_new", l_getter_new },
        { NULL, NULL }
    }, sharing[] = {
        { "session_get", l_session_get },
        { "look_again", l_look_again },
        { NULL, NULL }
    };
    uint64_t *changes;

    if (alch_new_metatable(L, GETTER_METATABLE, getter_gc)) {
        lua_newtable(L);
        lua_pushcfunction(L, l_step);
        lua_setfield(L, -2, "step");
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
    changes = lua_newuserdatauv(L, sizeof *changes, 0);
    *changes = 1;       /* a new getter has not been examined */
    luaL_setfuncs(L, sharing, 1);
}
