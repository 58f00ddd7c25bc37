/* Rows to objects. A loader stands between a running statement and a list:
**
**     loader = core.loader_new(session, run, entities, options)
**     count, status = loader:fetch(list, count, limit)
**
** An entity is { plan =, columns = { slot -> position } } or { column = position }.
** One entity gives objects or values, several give rows with the metatable
** options.row. Everything a row needs is resolved when the loader is made:
** the plan, where its columns stand, its class, the identity table. */
#include "binding/load.h"
#include "compile/compiled.h"

#define LOADER_METATABLE "lualchemy.loader"

/* -- one object ----------------------------------------------------------- */

static void gather(const alch_loader *l, const alch_entity *e)
{
    static const alch_value null = { ALCH_NULL, ALCH_ZONE_NONE, { 0 } };
    size_t i;

    for (i = 0; i < e->m->columns; i++)
        l->cells[i] = e->positions[i] < 0 ? null : l->run->cells[e->positions[i]];
}

/* Is the identity key of the gathered row one integer? */
static int has_int_key(const alch_loader *l, const alch_mapper *m)
{
    return m->key_count == 1 && l->cells[m->keys[0]].kind == ALCH_INT;
}

/* Pushes the identity key of the gathered row; 0 and nothing if a part is
** NULL: an outer join found nobody. */
static int push_row_key(lua_State *L, const alch_loader *l, const alch_mapper *m)
{
    alch_value values[ALCH_KEY_MAX];
    size_t i;

    for (i = 0; i < m->key_count; i++) {
        values[i] = l->cells[m->keys[i]];
        if (values[i].kind == ALCH_NULL)
            return 0;
    }
    alch_push_key(L, values, m->key_count);
    return 1;
}

/* Nothing of what the row brings is missing: the usual second sight. */
static int is_complete(const alch_state *s, const alch_entity *e)
{
    const uint8_t *value = s->sets + ALCH_SET_VALUE * s->mapper->set_size;
    const uint8_t *packed = s->sets + ALCH_SET_PACKED * s->mapper->set_size;
    size_t i;

    for (i = 0; i < e->m->set_size; i++)
        if ((e->wanted[i] & ~(value[i] | packed[i])) != 0)
            return 0;
    return 1;
}

/* Fills in what the instance at 'obj' lacks; everything, where the query says so.
** It may be of a class below the entity's: that has the same columns in the same places. */
static int populate(lua_State *L, const alch_loader *l, const alch_entity *e, int obj)
{
    alch_state *s = alch_push_state(L, obj);
    int st = lua_gettop(L);
    size_t i;

    if (s == NULL || (s->mapper != e->m && !alch_mapper_isa(s->mapper, e->m)) || (!l->populate_existing && is_complete(s, e))) {
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

/* What a row did to its object. */
enum { KNOWN, FILLED, MADE };

static void collect(lua_State *L, alch_loader *l, int self, int obj, int made)
{
    lua_getiuservalue(L, self, ALCH_LOAD_LOADED);
    lua_pushvalue(L, obj);
    lua_rawseti(L, -2, ++l->collected);
    lua_pushboolean(L, made);
    lua_rawseti(L, -2, ++l->collected);
    lua_pop(L, 1);
}

/* What the query said about later loads goes with the object at 'obj'. */
static void keep_context(lua_State *L, int obj, int context)
{
    alch_state *s = alch_push_state(L, obj);

    if (s == NULL)
        return;
    lua_pushvalue(L, context);
    alch_set_context(L, lua_gettop(L) - 1, s);
    lua_pop(L, 1);
}

/* What else is done with an object of entity i, at 'obj', once it stands for a row. */
static void note_object(lua_State *L, alch_loader *l, size_t i, int obj, int fresh, const alch_load_frame *f)
{
    alch_entity *e = &l->entities[i];

    if (fresh != KNOWN && l->collect)
        collect(L, l, f->self, obj, fresh == MADE);
    if (fresh != KNOWN && e->informed)
        keep_context(L, obj, alch_load_anchor(f, i, ALCH_OF_CONTEXT));
    if (e->listed && e->last_seen != lua_topointer(L, obj)) {
        lua_pushvalue(L, obj);
        lua_rawseti(L, alch_load_anchor(f, i, ALCH_OF_SEEN), ++e->seen_count);
        e->last_seen = lua_topointer(L, obj);
    }
    if (e->first_child >= 0)
        alch_load_below(L, l, i, obj, f);
}

/* Listeners have their say in what a row becomes: pushes what the entity's
** function makes of the values by attribute, an object or nil. */
static int load_by_hook(lua_State *L, const alch_loader *l, const alch_entity *e, int hook)
{
    size_t i;
    int fresh;

    luaL_checkstack(L, 10, "listeners");
    lua_pushvalue(L, hook);
    lua_createtable(L, 0, (int)e->m->columns);
    for (i = 0; i < e->m->columns; i++) {
        if (e->positions[i] < 0)
            continue;
        alch_push_cell(L, e->codec->columns, i, &l->cells[i]);
        lua_setfield(L, -2, e->m->attrs[i].name);
    }
    lua_call(L, 1, 2);
    fresh = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return fresh;
}

/* Pushes the object of the gathered row, whose key is at 'key' or, with 0, its
** integer; says whether it was made, filled or known. */
static int push_known_or_new(lua_State *L, const alch_loader *l, const alch_entity *e, size_t v, const alch_load_frame *f, int key)
{
    int identities = alch_load_anchor(f, v, ALCH_OF_IDENTITY);
    alch_new_object new = { e->codec, l->cells, e->wanted, l->session, alch_load_anchor(f, v, ALCH_OF_CLASS),
                            alch_load_anchor(f, v, ALCH_OF_PLAN), identities, key, 0 };
    int found;

    if (key == 0) {
        new.int_key = l->cells[e->m->keys[0]].as.integer;
        found = lua_rawgeti(L, identities, new.int_key);
    } else {
        found = alch_get_identity(L, identities, key);
    }
    if (found == LUA_TTABLE)
        return populate(L, l, e, lua_gettop(L));
    lua_pop(L, 1);
    alch_push_new_object(L, &new);
    return MADE;
}

void alch_load_object(lua_State *L, alch_loader *l, size_t i, const alch_load_frame *f)
{
    size_t v = l->entities[i].discriminator < 0 ? i : alch_load_variant(L, l, i, f);
    const alch_entity *e = &l->entities[v];
    int top = lua_gettop(L), fresh = KNOWN;

    gather(l, e);
    if (e->hooked) {
        fresh = load_by_hook(L, l, e, alch_load_anchor(f, v, ALCH_OF_HOOK));
        if (!lua_isnil(L, top + 1))
            note_object(L, l, i, top + 1, fresh, f);
        return;
    }
    if (has_int_key(l, e->m)) {
        fresh = push_known_or_new(L, l, e, v, f, 0);
        note_object(L, l, i, top + 1, fresh, f);
    } else if (push_row_key(L, l, e->m)) {
        fresh = push_known_or_new(L, l, e, v, f, top + 1);
        note_object(L, l, i, top + 2, fresh, f);
        lua_remove(L, top + 1);
    } else {
        lua_pushnil(L);
    }
}

/* -- rows ----------------------------------------------------------------- */

static void push_entity(lua_State *L, alch_loader *l, size_t i, const alch_load_frame *f)
{
    const alch_entity *e = &l->entities[i];

    if (e->m != NULL)
        alch_load_object(L, l, i, f);
    else
        alch_shape_push_value(L, l->run->shape, e->column, &l->run->cells[e->column]);
}

/* Is the object on the top in the result already? */
static int is_repeated(lua_State *L, alch_loader *l)
{
    const void *object = lua_topointer(L, -1);
    alch_err err;
    int added;

    if (l->last_result == object)
        return 1;
    l->last_result = object;
    added = alch_pairs_add(&l->pairs, l, object, &err);
    if (added < 0)
        alch_raise(L, &err);
    return !added;
}

/* Pushes what a row comes to: the single entity, or a list of all. 0 and
** nothing where an object is asked for and there is none, or it came before. */
static int push_result(lua_State *L, alch_loader *l, const alch_load_frame *f, int row_meta)
{
    size_t i;

    if (l->count == 1) {
        push_entity(L, l, 0, f);
        if (l->entities[0].m == NULL || (!lua_isnil(L, -1) && !(l->unique && is_repeated(L, l))))
            return 1;
        lua_pop(L, 1);
        return 0;
    }
    lua_createtable(L, (int)l->count, 0);
    for (i = 0; i < l->count; i++) {
        push_entity(L, l, i, f);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushvalue(L, row_meta);
    lua_setmetatable(L, -2);
    return 1;
}

/* Spreads the anchors over the stack, in fixed places. */
static void spread_anchors(lua_State *L, alch_loader *l, alch_load_frame *f)
{
    lua_Integer i, n = (lua_Integer)l->all * ALCH_OF_EACH;
    int at;

    luaL_checkstack(L, (int)n + 30, "entities");
    lua_getiuservalue(L, 1, ALCH_LOAD_ANCHORS);
    at = lua_gettop(L);
    f->self = 1;
    f->anchors = at + 1;
    for (i = 1; i <= n; i++)
        lua_rawgeti(L, at, i);
    for (i = 0; i < (lua_Integer)l->total; i++)
        l->entities[i].last_owner = NULL;   /* its items were at hand in an earlier call */
}

/* What Lua runs in the midst of a row cannot fetch from the same loader: pushes what ends that, also where an error does. */
static void begin_reading(lua_State *L, alch_loader *l)
{
    if (l->reading)
        alch_raisef(L, ALCH_ERR_INVALID, "a row of this result is being read: a type, listener or finalizer that is called meanwhile cannot fetch "
                    "from it; keep what it needs, and fetch afterwards");
    l->reading = 1;
    lua_pushvalue(L, 1);
    lua_toclose(L, -1);
}

static int end_reading(lua_State *L)
{
    alch_loader *l = luaL_checkudata(L, 1, LOADER_METATABLE);

    l->reading = 0;
    return 0;
}

static int finish_fetch(lua_State *L, lua_Integer n, alch_step step)
{
    lua_pushinteger(L, n);
    lua_pushstring(L, step == ALCH_STEP_ROW ? "more" : step == ALCH_STEP_WAIT ? "wait" : "done");
    return 2;
}

/* Where the rows are Lua's business too, garbage is made: nobody then does without the collector. */
static int rest_from(lua_State *L, const alch_loader *l)
{
    size_t i;

    for (i = 0; i < l->all; i++)
        if (l->entities[i].hooked)
            return 0;
    return alch_rest_from(L);
}

/* Reads rows into the list at 2 until it has 'limit', there are no more, or
** ('watch') it pays to go on at rest. */
static alch_step fetch_rows(lua_State *L, alch_loader *l, lua_Integer *n, lua_Integer limit, int watch, alch_err *err)
{
    alch_step step = ALCH_STEP_ROW;
    alch_load_frame f;
    int row_meta, from, rows = 0, top = lua_gettop(L);

    begin_reading(L, l);
    lua_getiuservalue(L, 1, ALCH_LOAD_ROW);
    row_meta = lua_gettop(L);
    spread_anchors(L, l, &f);
    from = watch ? rest_from(L, l) : 0;
    while (*n < limit && !alch_rest_pays(L, from, ++rows) && (step = alch_run_fetch(L, l->run, err)) == ALCH_STEP_ROW)
        if (push_result(L, l, &f, row_meta))
            lua_rawseti(L, 2, ++*n);
    if (step == ALCH_STEP_DONE)
        alch_load_fill(L, l, &f);
    lua_settop(L, top);
    return step;
}

/* The rest of the rows; the stack is loader, list, count, limit. */
static int fetch_on(lua_State *L)
{
    lua_Integer n = lua_tointeger(L, 3);
    alch_err err;
    alch_step step = fetch_rows(L, lua_touserdata(L, 1), &n, lua_tointeger(L, 4), 0, &err);

    if (step == ALCH_STEP_FAIL)
        return alch_raise(L, &err);
    return finish_fetch(L, n, step);
}

/* loader:fetch(list, count, limit) -> count, "done" | "more" | "wait" */
static int l_fetch(lua_State *L)
{
    alch_loader *l = luaL_checkudata(L, 1, LOADER_METATABLE);
    lua_Integer n, limit;
    alch_step step;
    alch_err err;

    luaL_checktype(L, 2, LUA_TTABLE);
    n = luaL_checkinteger(L, 3);
    limit = n + luaL_optinteger(L, 4, LUA_MAXINTEGER - n);
    lua_settop(L, 3);
    step = fetch_rows(L, l, &n, limit, 1, &err);
    if (step == ALCH_STEP_FAIL)
        return alch_raise(L, &err);
    if (step != ALCH_STEP_ROW || n >= limit)
        return finish_fetch(L, n, step);
    lua_settop(L, 2);
    lua_pushcfunction(L, fetch_on);
    lua_insert(L, 1);
    lua_pushinteger(L, n);
    lua_pushinteger(L, limit);
    alch_call_at_rest(L, 4, 2);
    return 2;
}

/* Each row's object goes where it belongs; as fetch_rows. */
static alch_step distribute_rows(lua_State *L, alch_loader *l, int watch, alch_err *err)
{
    int positions[ALCH_KEY_MAX], from, rows = 0;
    alch_step step = ALCH_STEP_ROW;
    alch_load_frame f;
    size_t n;

    lua_settop(L, 3);
    n = alch_load_positions(L, l, 3, positions);
    lua_pushnil(L);     /* the items at hand */
    begin_reading(L, l);
    spread_anchors(L, l, &f);
    from = watch ? rest_from(L, l) : 0;
    l->group_owner = NULL;
    while (!alch_rest_pays(L, from, ++rows) && (step = alch_run_fetch(L, l->run, err)) == ALCH_STEP_ROW)
        alch_load_distribute(L, l, 2, 4, positions, n, &f);
    if (step == ALCH_STEP_DONE)
        alch_load_fill(L, l, &f);
    lua_settop(L, 3);
    return step;
}

static int distribute_on(lua_State *L)
{
    alch_err err;
    alch_step step = distribute_rows(L, lua_touserdata(L, 1), 0, &err);

    if (step == ALCH_STEP_FAIL)
        return alch_raise(L, &err);
    return finish_fetch(L, 0, step);
}

/* loader:distribute(lists, positions) -> 0, "done" | "wait": each row's object
** goes into the list that stands in 'lists' under the key which the columns at
** 'positions' make up. */
static int l_distribute(lua_State *L)
{
    alch_loader *l = luaL_checkudata(L, 1, LOADER_METATABLE);
    alch_step step;
    alch_err err;

    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 3, LUA_TTABLE);
    step = distribute_rows(L, l, 1, &err);
    if (step == ALCH_STEP_FAIL)
        return alch_raise(L, &err);
    if (step != ALCH_STEP_ROW)
        return finish_fetch(L, 0, step);
    lua_settop(L, 3);
    lua_pushcfunction(L, distribute_on);
    lua_insert(L, 1);
    alch_call_at_rest(L, 3, 2);
    return 2;
}

/* loader:seen(i) -> the objects of entity i that rows stood for since the last
** call, in their order; one may be there more than once. nil if nobody asked to keep them. */
static int l_seen(lua_State *L)
{
    alch_loader *l = luaL_checkudata(L, 1, LOADER_METATABLE);
    lua_Integer i = luaL_checkinteger(L, 2), at = (i - 1) * ALCH_OF_EACH + ALCH_OF_SEEN + 1;

    luaL_argcheck(L, i >= 1 && i <= (lua_Integer)l->total, 2, "no such entity");
    lua_getiuservalue(L, 1, ALCH_LOAD_ANCHORS);
    if (lua_rawgeti(L, -1, at) == LUA_TTABLE) {
        lua_newtable(L);
        lua_rawseti(L, -3, at);
    }
    l->entities[i - 1].seen_count = 0;
    l->entities[i - 1].last_seen = NULL;
    return 1;
}

/* loader:loaded() -> instance, was it made, instance, ...: those loaded since the last call */
static int l_loaded(lua_State *L)
{
    alch_loader *l = luaL_checkudata(L, 1, LOADER_METATABLE);

    lua_getiuservalue(L, 1, ALCH_LOAD_LOADED);
    lua_newtable(L);
    lua_setiuservalue(L, 1, ALCH_LOAD_LOADED);
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

static void read_positions(lua_State *L, const alch_run *run, alch_entity *e, int columns)
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

/* Entity i hangs below the one that 'parent' names, as its attribute 'key', or as that of a class below it, whose plan is
** 'owner'. The description is at 'spec'. */
static void read_parent(lua_State *L, alch_loader *l, size_t i, int spec, int anchors)
{
    alch_entity *parent, *e = &l->entities[i];
    const char *key;
    lua_Integer p;
    size_t len;
    int attr, *at;

    l->entities[i].first_child = l->entities[i].next = -1;
    lua_getfield(L, spec, "parent");
    if (i < l->count) {
        luaL_argcheck(L, lua_isnil(L, -1), 3, "an entity of the row has no parent");
        lua_pop(L, 1);
        return;
    }
    p = luaL_checkinteger(L, -1);
    luaL_argcheck(L, p >= 1 && p <= (lua_Integer)i && l->entities[p - 1].m != NULL, 3, "a parent stands before its children");
    parent = &l->entities[p - 1];
    lua_getfield(L, spec, "key");
    key = luaL_checklstring(L, -1, &len);
    e->owner = lua_getfield(L, spec, "owner") == LUA_TNIL ? parent->m : alch_check_plan(L, -1);
    lua_rawsetp(L, anchors, e);
    attr = alch_mapper_find(e->owner, key, len);
    luaL_argcheck(L, attr != ALCH_NO_ATTR && (size_t)attr >= e->owner->columns, 3, "the parent has no such relationship");
    e->attr = (size_t)attr;
    if (e->owner->attrs[attr].kind == ALCH_ATTR_LIST)
        l->has_lists = 1;
    for (at = &parent->first_child; *at >= 0; at = &l->entities[*at].next)
        ;
    *at = (int)i;
    lua_pop(L, 2);
}

/* The anchors of entity i; its plan is at 'plan', its description at 'spec'. */
static void anchor_entity(lua_State *L, alch_loader *l, size_t i, int spec, int plan, int anchors)
{
    lua_Integer first = (lua_Integer)i * ALCH_OF_EACH + 1;
    alch_entity *e = &l->entities[i];
    int top = lua_gettop(L);

    lua_getiuservalue(L, plan, 1);
    lua_rawgeti(L, -1, ALCH_MT_CLASS);
    lua_rawseti(L, anchors, first + ALCH_OF_CLASS);
    lua_pushvalue(L, plan);
    lua_rawseti(L, anchors, first + ALCH_OF_PLAN);
    alch_push_identities(L, 1, l->entities[i].m);
    lua_rawseti(L, anchors, first + ALCH_OF_IDENTITY);
    e->informed = lua_getfield(L, spec, "context") != LUA_TNIL;
    lua_rawseti(L, anchors, first + ALCH_OF_CONTEXT);
    e->hooked = lua_getfield(L, spec, "hook") == LUA_TFUNCTION;
    lua_rawseti(L, anchors, first + ALCH_OF_HOOK);
    lua_getfield(L, spec, "seen");
    e->listed = (uint8_t)lua_toboolean(L, -1);
    if (e->listed) {
        lua_newtable(L);
        lua_rawseti(L, anchors, first + ALCH_OF_SEEN);
    }
    if (i >= l->count) {
        lua_newtable(L);
        lua_rawseti(L, anchors, first + ALCH_OF_FILLING);
    }
    lua_settop(L, top);
}

/* What stands in the row of the run at 2 for objects of a plan: described at 'spec', the plan behind it. */
static char *read_object(lua_State *L, alch_loader *l, size_t i, int spec, int anchors, char *room)
{
    alch_entity *e = &l->entities[i];

    e->m = alch_check_plan(L, spec + 1);
    e->discriminator = -1;
    e->positions = (int *)(void *)room;
    e->wanted = (uint8_t *)(e->positions + e->m->columns);
    room += (e->m->columns * sizeof(int) + e->m->set_size + 7) & ~(size_t)7;
    lua_getfield(L, spec, "columns");
    read_positions(L, l->run, e, lua_gettop(L));
    anchor_entity(L, l, i, spec, spec + 1, anchors);
    alch_run_push_connection(L, 2);
    e->codec = alch_push_codec_for(L, spec + 1, lua_gettop(L));
    lua_settop(L, spec);
    return room;
}

/* Pushes what the description at 'spec' says of variants, and a new table; 0 and nothing if there are none. */
static int push_variants(lua_State *L, alch_entity *e, int spec)
{
    lua_getfield(L, spec, "discriminator");
    e->discriminator = (int)luaL_optinteger(L, -1, 0) - 1;
    lua_pop(L, 1);
    if (e->discriminator < 0 || lua_getfield(L, spec, "variants") != LUA_TTABLE) {
        e->discriminator = -1;
        lua_settop(L, spec);
        return 0;
    }
    luaL_argcheck(L, (size_t)e->discriminator < e->m->columns && e->positions[e->discriminator] >= 0, 3,
                  "the discriminator is not selected");
    lua_newtable(L);
    return 1;
}

/* The classes below an entity's, described at 'spec', become entities of their own from '*next' on. */
static char *read_variants(lua_State *L, alch_loader *l, size_t i, int spec, int anchors, size_t *next, char *room)
{
    int variants = spec + 1, numbers = spec + 2, key = spec + 3;

    if (!push_variants(L, &l->entities[i], spec))
        return room;
    for (lua_pushnil(L); lua_next(L, variants); lua_settop(L, key)) {
        if (!lua_istable(L, key + 1)) {
            lua_pushvalue(L, key);
            lua_pushboolean(L, 0);
        } else {
            l->entities[*next].first_child = l->entities[*next].next = -1;
            lua_getfield(L, key + 1, "plan");
            room = read_object(L, l, *next, key + 1, anchors, room);
            lua_pushvalue(L, key);
            lua_pushinteger(L, (lua_Integer)++*next);
        }
        lua_rawset(L, numbers);
    }
    lua_rawseti(L, anchors, (lua_Integer)i * ALCH_OF_EACH + 1 + ALCH_OF_VARIANTS);
    lua_settop(L, spec);
    return room;
}

/* The description is at 'spec'; fills the entity and its anchors. */
static char *read_entity(lua_State *L, alch_loader *l, size_t i, int spec, int anchors, size_t *next, char *room)
{
    alch_entity *e = &l->entities[i];

    e->discriminator = -1;
    read_parent(L, l, i, spec, anchors);
    if (lua_getfield(L, spec, "plan") == LUA_TNIL) {
        lua_getfield(L, spec, "column");
        e->column = (int)luaL_checkinteger(L, -1) - 1;
        luaL_argcheck(L, l->run->shape != NULL && e->column >= 0 && e->column < l->run->shape->n, 3, "no such column");
        lua_settop(L, spec);
        return room;
    }
    room = read_object(L, l, i, spec, anchors, room);
    return read_variants(L, l, i, spec, anchors, next, room);
}

/* Adds up the variants of the description on the top. */
static size_t variants_size(lua_State *L, size_t *columns, size_t *count)
{
    size_t size = 0;

    if (lua_getfield(L, -1, "variants") == LUA_TTABLE) {
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            if (lua_istable(L, -1)) {
                size += arrays_size(L, columns);
                ++*count;
            }
        }
    }
    lua_pop(L, 1);
    return size;
}

static alch_loader *push_loader(lua_State *L, size_t total, int entities, char **room)
{
    size_t i, columns = 1, all = total, head, size = 0;
    alch_loader *l;

    luaL_checkstack(L, 20, "loader");
    for (i = 0; i < total; i++) {
        lua_rawgeti(L, entities, (lua_Integer)i + 1);
        luaL_checktype(L, -1, LUA_TTABLE);
        size += arrays_size(L, &columns);
        size += variants_size(L, &columns, &all);
        lua_pop(L, 1);
    }
    head = sizeof(alch_loader) + all * sizeof(alch_entity);
    l = alch_push_object(L, head + columns * sizeof *l->cells + size, ALCH_LOAD_USER_VALUES, LOADER_METATABLE);
    l->total = l->count = total;
    l->all = all;
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

static int unique_field(lua_State *L, int t, const alch_shape *shape)
{
    int yes;

    lua_getfield(L, t, "unique");
    yes = lua_type(L, -1) == LUA_TSTRING ? shape->compiled != NULL && shape->compiled->several : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return yes;
}

/* core.loader_new(session, run, entities, options): the first options.count
** entities (all by default) make up a row, each of the others hangs below the
** 'parent' (its number) that it names. Further options: populate_existing,
** collect, unique (true, or "several": where the statement has several FROMs),
** distinct, row (a metatable). */
static int l_loader_new(lua_State *L)
{
    const alch_session *session = luaL_checkudata(L, 1, ALCH_SESSION_METATABLE);
    size_t i, total, next;
    alch_loader *l;
    char *room;

    luaL_checktype(L, 3, LUA_TTABLE);
    luaL_checktype(L, 4, LUA_TTABLE);
    lua_settop(L, 4);
    total = (size_t)lua_rawlen(L, 3);
    l = push_loader(L, total, 3, &room);
    next = total;
    l->run = alch_check_run(L, 2);
    l->session = session->number;
    l->populate_existing = (uint8_t)boolean_field(L, 4, "populate_existing");
    l->collect = (uint8_t)boolean_field(L, 4, "collect");
    l->unique = (uint8_t)unique_field(L, 4, l->run->shape);
    l->distinct = (uint8_t)boolean_field(L, 4, "distinct");
    lua_getfield(L, 4, "count");
    l->count = (size_t)luaL_optinteger(L, -1, (lua_Integer)total);
    luaL_argcheck(L, l->count <= total, 4, "a row has no more entities than there are");
    lua_settop(L, 5);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 5, ALCH_LOAD_RUN);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 5, ALCH_LOAD_SESSION);
    lua_getfield(L, 4, "row");
    lua_setiuservalue(L, 5, ALCH_LOAD_ROW);
    lua_newtable(L);
    lua_setiuservalue(L, 5, ALCH_LOAD_LOADED);
    lua_createtable(L, (int)l->all * ALCH_OF_EACH, 0);
    for (i = 0; i < total; i++) {
        lua_rawgeti(L, 3, (lua_Integer)i + 1);
        room = read_entity(L, l, i, 7, 6, &next, room);
        lua_settop(L, 6);
    }
    lua_setiuservalue(L, 5, ALCH_LOAD_ANCHORS);
    return 1;
}

static int loader_gc(lua_State *L)
{
    alch_loader *l = lua_touserdata(L, 1);

    alch_pairs_release(&l->pairs);
    return 0;
}

void alch_open_load(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "fetch", l_fetch }, { "distribute", l_distribute }, { "loaded", l_loaded }, { "seen", l_seen }, { NULL, NULL }
    };

    if (alch_new_metatable(L, LOADER_METATABLE, loader_gc)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, end_reading);
        lua_setfield(L, -2, "__close");
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, l_loader_new);
    lua_setfield(L, -2, "loader_new");
}
