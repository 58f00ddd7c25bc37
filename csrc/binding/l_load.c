/* Rows to objects. A loader stands between a running statement and a list:
**
**     loader = core.loader_new(session, run, entities, options)
**     count, status = loader:fetch(list, count, limit)
**
** An entity is { plan =, columns = { slot -> position } } or { column = position }.
** One entity gives objects or values, several give rows with the metatable
** options.row. Everything a row needs is resolved when the loader is made:
** the plan, where its columns stand, its class, the identity table. */
#include <string.h>

#include "binding/orm_host.h"
#include "binding/run.h"

#define LOADER_METATABLE "lualchemy.loader"

enum { UV_RUN = 1, UV_SESSION, UV_ANCHORS, UV_ROW, UV_LOADED, USER_VALUES = UV_LOADED };

/* Per entity, in the anchors: its class, its plan, its state metatable, its identity table. */
enum { CLASS, PLAN, IDENTITY, ANCHORS_EACH };

typedef struct entity {
    const alch_mapper *m;   /* NULL: a plain column */
    const alch_codec *codec;
    int column;
    int *positions;         /* of each column attribute, -1: not selected; in the loader's own block */
    uint8_t *wanted;        /* set of the selected attributes */
} entity;

typedef struct loader {
    alch_run *run;
    uint32_t session;
    size_t count;
    size_t widest;          /* most columns of an entity */
    uint8_t populate_existing;
    uint8_t collect;        /* keep a list of what was loaded anew, for the host's load events */
    lua_Integer collected;
    alch_value *cells;      /* room for one entity's row */
    entity entities[];
} loader;

/* -- one object ----------------------------------------------------------- */

static void gather(const loader *l, const entity *e)
{
    static const alch_value null = { ALCH_NULL, ALCH_ZONE_NONE, { 0 } };
    size_t i;

    for (i = 0; i < e->m->columns; i++)
        l->cells[i] = e->positions[i] < 0 ? null : l->run->cells[e->positions[i]];
}

/* Pushes the identity key of the gathered row; 0 and nothing if a part is
** NULL: an outer join found nobody. */
static int push_row_key(lua_State *L, const loader *l, const alch_mapper *m)
{
    alch_value values[ALCH_KEY_MAX];
    size_t i;

    if (m->key_count == 1 && l->cells[m->keys[0]].kind == ALCH_INT) {
        lua_pushinteger(L, l->cells[m->keys[0]].as.integer);
        return 1;
    }
    for (i = 0; i < m->key_count; i++) {
        values[i] = l->cells[m->keys[i]];
        if (values[i].kind == ALCH_NULL)
            return 0;
    }
    alch_push_key(L, values, m->key_count);
    return 1;
}

/* Nothing of what the row brings is missing: the usual second sight. */
static int is_complete(const alch_state *s, const entity *e)
{
    const uint8_t *value = s->sets + ALCH_SET_VALUE * s->mapper->set_size;
    const uint8_t *packed = s->sets + ALCH_SET_PACKED * s->mapper->set_size;
    size_t i;

    for (i = 0; i < s->mapper->set_size; i++)
        if ((e->wanted[i] & ~(value[i] | packed[i])) != 0)
            return 0;
    return 1;
}

/* Fills in what the instance at 'obj' lacks; everything, where the query says so. */
static int populate(lua_State *L, const loader *l, const entity *e, int obj)
{
    alch_state *s = alch_push_state(L, obj);
    int st = lua_gettop(L);
    size_t i;

    if (s == NULL || s->mapper != e->m || (!l->populate_existing && is_complete(s, e))) {
        lua_settop(L, st - (s != NULL));
        return 0;
    }
    if (l->populate_existing)
        alch_expire_state(L, st, s);
    for (i = 0; i < e->m->columns; i++) {
        if (e->positions[i] < 0 || alch_known(s, i))
            continue;
        alch_push_cell(L, e->codec->columns, i, &l->cells[i]);
        alch_store_clean(L, st, s, i);
    }
    lua_settop(L, st - 1);
    return 1;
}

static void collect(lua_State *L, loader *l, int self, int obj)
{
    lua_getiuservalue(L, self, UV_LOADED);
    lua_pushvalue(L, obj);
    lua_rawseti(L, -2, ++l->collected);
    lua_pop(L, 1);
}

/* Pushes the object of this row, or nil. */
static void push_object(lua_State *L, loader *l, const entity *e, int self, int anchors)
{
    int top = lua_gettop(L), fresh = 0;

    gather(l, e);
    if (!push_row_key(L, l, e->m)) {
        lua_pushnil(L);
        return;
    }
    lua_pushvalue(L, top + 1);
    if (lua_rawget(L, anchors + IDENTITY) == LUA_TTABLE) {
        fresh = populate(L, l, e, top + 2);
    } else {
        alch_new_object new = { e->codec, l->cells, e->wanted, l->session, anchors + CLASS, anchors + PLAN,
                                anchors + IDENTITY, top + 1 };

        lua_pop(L, 1);
        alch_push_new_object(L, &new);
        fresh = 1;
    }
    if (fresh && l->collect)
        collect(L, l, self, top + 2);
    lua_remove(L, top + 1);
}

/* -- rows ----------------------------------------------------------------- */

static void push_entity(lua_State *L, loader *l, size_t i, int self, int anchors)
{
    const entity *e = &l->entities[i];

    if (e->m != NULL)
        push_object(L, l, e, self, anchors + (int)i * ANCHORS_EACH);
    else
        alch_shape_push_value(L, l->run->shape, e->column, &l->run->cells[e->column]);
}

/* Pushes what a row comes to: the single entity, or a list of all. */
static void push_result(lua_State *L, loader *l, int self, int anchors, int row_meta)
{
    size_t i;

    if (l->count == 1) {
        push_entity(L, l, 0, self, anchors);
        return;
    }
    lua_createtable(L, (int)l->count, 0);
    for (i = 0; i < l->count; i++) {
        push_entity(L, l, i, self, anchors);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushvalue(L, row_meta);
    lua_setmetatable(L, -2);
}

/* Spreads the anchors over the stack, in fixed places; returns the first. */
static int spread_anchors(lua_State *L, const loader *l)
{
    int at, anchors;
    lua_Integer i;

    luaL_checkstack(L, (int)l->count * ANCHORS_EACH + 30, "entities");
    lua_getiuservalue(L, 1, UV_ANCHORS);
    at = lua_gettop(L);
    anchors = at + 1;
    for (i = 1; i <= (lua_Integer)l->count * ANCHORS_EACH; i++)
        lua_rawgeti(L, at, i);
    return anchors;
}

/* loader:fetch(list, count, limit) -> count, "done" | "more" | "wait" */
static int l_fetch(lua_State *L)
{
    loader *l = luaL_checkudata(L, 1, LOADER_METATABLE);
    lua_Integer n, limit;
    alch_step step = ALCH_STEP_ROW;
    int anchors, row_meta;
    alch_err err;

    luaL_checktype(L, 2, LUA_TTABLE);
    n = luaL_checkinteger(L, 3);
    limit = n + luaL_optinteger(L, 4, LUA_MAXINTEGER - n);
    lua_settop(L, 3);
    lua_getiuservalue(L, 1, UV_ROW);
    row_meta = lua_gettop(L);
    anchors = spread_anchors(L, l);
    while (n < limit && (step = alch_run_fetch(L, l->run, &err)) == ALCH_STEP_ROW) {
        push_result(L, l, 1, anchors, row_meta);
        if (lua_isnil(L, -1) && l->count == 1 && l->entities[0].m != NULL)
            lua_pop(L, 1);
        else
            lua_rawseti(L, 2, ++n);
    }
    if (step == ALCH_STEP_FAIL)
        return alch_raise(L, &err);
    lua_pushinteger(L, n);
    lua_pushstring(L, step == ALCH_STEP_ROW ? "more" : step == ALCH_STEP_WAIT ? "wait" : "done");
    return 2;
}

/* loader:loaded() -> the list of instances loaded since the last call */
static int l_loaded(lua_State *L)
{
    loader *l = luaL_checkudata(L, 1, LOADER_METATABLE);

    lua_getiuservalue(L, 1, UV_LOADED);
    lua_newtable(L);
    lua_setiuservalue(L, 1, UV_LOADED);
    l->collected = 0;
    return 1;
}

/* -- making a loader ------------------------------------------------------ */

/* Bytes of an entity's arrays. The description is on the top. */
static size_t arrays_size(lua_State *L, size_t *columns)
{
    const alch_mapper *m;
    size_t size = 0;

    if (lua_getfield(L, -1, "plan") != LUA_TNIL) {
        m = alch_check_plan(L, -1);
        size = (m->columns * sizeof(int) + m->set_size + 7) & ~(size_t)7;
        if (m->columns > *columns)
            *columns = m->columns;
    }
    lua_pop(L, 1);
    return size;
}

static void read_positions(lua_State *L, const alch_run *run, entity *e, int columns)
{
    size_t i;

    for (i = 0; i < e->m->columns; i++) {
        lua_rawgeti(L, columns, (lua_Integer)i + 1);
        e->positions[i] = (int)lua_tointeger(L, -1) - 1;
        lua_pop(L, 1);
        if (e->positions[i] >= 0) {
            if (run->shape == NULL || e->positions[i] >= run->shape->n)
                luaL_error(L, "the statement returns no column %d", e->positions[i] + 1);
            alch_set_put(e->wanted, i);
        }
    }
    for (i = 0; i < e->m->key_count; i++)
        if (e->positions[e->m->keys[i]] < 0)
            luaL_error(L, "%s objects cannot be loaded without their primary key", e->m->class_name);
}

/* The description is at 'spec'; fills the entity and its anchors. */
static char *read_entity(lua_State *L, const loader *l, entity *e, int spec, int anchors, lua_Integer first, char *room)
{
    if (lua_getfield(L, spec, "plan") == LUA_TNIL) {
        lua_getfield(L, spec, "column");
        e->column = (int)luaL_checkinteger(L, -1) - 1;
        luaL_argcheck(L, l->run->shape != NULL && e->column >= 0 && e->column < l->run->shape->n, 3, "no such column");
        lua_settop(L, spec);
        return room;
    }
    e->m = alch_check_plan(L, -1);
    e->positions = (int *)(void *)room;
    e->wanted = (uint8_t *)(e->positions + e->m->columns);
    room += (e->m->columns * sizeof(int) + e->m->set_size + 7) & ~(size_t)7;
    lua_getfield(L, spec, "columns");
    read_positions(L, l->run, e, lua_gettop(L));
    lua_getiuservalue(L, spec + 1, 1);
    lua_rawgeti(L, -1, ALCH_MT_CLASS);
    lua_rawseti(L, anchors, first + CLASS);
    lua_pushvalue(L, spec + 1);
    lua_rawseti(L, anchors, first + PLAN);
    alch_push_identities(L, 1, e->m);
    lua_rawseti(L, anchors, first + IDENTITY);
    e->codec = alch_push_codec(L, spec + 1, l->run->dc->driver->name);
    lua_settop(L, spec);
    return room;
}

static loader *push_loader(lua_State *L, size_t count, int entities, char **room)
{
    size_t i, columns = 1, head = sizeof(loader) + count * sizeof(entity), size = 0;
    loader *l;

    for (i = 0; i < count; i++) {
        lua_rawgeti(L, entities, (lua_Integer)i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        size += arrays_size(L, &columns);
        lua_pop(L, 1);
    }
    l = alch_push_object(L, head + columns * sizeof *l->cells + size, USER_VALUES, LOADER_METATABLE);
    l->count = count;
    l->widest = columns;
    l->cells = (alch_value *)(void *)((char *)l + head);
    *room = (char *)(l->cells + columns);
    return l;
}

static int boolean_field(lua_State *L, int t, const char *key)
{
    int yes;

    lua_getfield(L, t, key);
    yes = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return yes;
}

/* core.loader_new(session, run, entities, { populate_existing =, collect =, row = metatable }) */
static int l_loader_new(lua_State *L)
{
    const alch_session *session = luaL_checkudata(L, 1, ALCH_SESSION_METATABLE);
    size_t i, count;
    loader *l;
    char *room;

    luaL_checktype(L, 3, LUA_TTABLE);
    luaL_checktype(L, 4, LUA_TTABLE);
    lua_settop(L, 4);
    count = (size_t)lua_rawlen(L, 3);
    l = push_loader(L, count, 3, &room);
    l->run = alch_check_run(L, 2);
    l->session = session->number;
    l->populate_existing = (uint8_t)boolean_field(L, 4, "populate_existing");
    l->collect = (uint8_t)boolean_field(L, 4, "collect");
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 5, UV_RUN);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 5, UV_SESSION);
    lua_getfield(L, 4, "row");
    lua_setiuservalue(L, 5, UV_ROW);
    lua_newtable(L);
    lua_setiuservalue(L, 5, UV_LOADED);
    lua_createtable(L, (int)count * ANCHORS_EACH, 0);
    for (i = 0; i < count; i++) {
        lua_rawgeti(L, 3, (lua_Integer)i + 1);
        room = read_entity(L, l, &l->entities[i], 7, 6, (lua_Integer)i * ANCHORS_EACH + 1, room);
        lua_settop(L, 6);
    }
    lua_setiuservalue(L, 5, UV_ANCHORS);
    return 1;
}

void alch_open_load(lua_State *L)
{
    static const luaL_Reg methods[] = { { "fetch", l_fetch }, { "loaded", l_loaded }, { NULL, NULL } };

    if (alch_new_metatable(L, LOADER_METATABLE, NULL)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, l_loader_new);
    lua_setfield(L, -2, "loader_new");
}
