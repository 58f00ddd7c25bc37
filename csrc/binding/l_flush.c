/* The flush as orm/unitofwork.lua drives it: collecting what is to be written,
** and telling which rows have the same shape. Statements and their order are
** Lua's; every object is C's.
**
** A *bucket* is a Lua table per hierarchy of classes that share tables:
** { mapper = its base, mappers = those of the objects in it, [1] = new objects,
** [2] = changed ones, [3] = deleted ones }, in 'buckets' under the base's address. */
#include <stdlib.h>
#include <string.h>

#include "binding/orm_flush.h"

static alch_session *check_session(lua_State *L, int idx)
{
    return luaL_checkudata(L, idx, ALCH_SESSION_METATABLE);
}

/* -- collecting ----------------------------------------------------------- */

static void push_new_bucket(lua_State *L, int buckets, int st, const alch_state *s)
{
    int i;

    lua_createtable(L, 3, 2);
    for (i = 1; i <= 3; i++) {
        lua_newtable(L);
        lua_rawseti(L, -2, i);
    }
    lua_createtable(L, 1, 1);
    lua_setfield(L, -2, "mappers");
    alch_push_mapper(L, st);
    lua_getfield(L, -1, "base_mapper");
    lua_setfield(L, -3, "mapper");
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, buckets, s->mapper->base_id);
}

/* Pushes the bucket of a state's hierarchy; its class is noted in it. */
static void push_bucket(lua_State *L, int buckets, int st, const alch_state *s)
{
    if (lua_rawgetp(L, buckets, s->mapper->base_id) != LUA_TTABLE) {
        lua_pop(L, 1);
        push_new_bucket(L, buckets, st, s);
    }
    lua_getfield(L, -1, "mappers");
    if (lua_rawgetp(L, -1, s->mapper->id) == LUA_TNIL) {
        alch_push_mapper(L, st);
        lua_rawseti(L, -3, (lua_Integer)lua_rawlen(L, -3) + 1);
        lua_pushboolean(L, 1);
        lua_rawsetp(L, -3, s->mapper->id);
    }
    lua_pop(L, 2);
}

/* Consecutive objects mostly share a mapper: its list stays at 'list'. */
static lua_Integer collect_list(lua_State *L, alch_session *l, int which, int buckets)
{
    const alch_mapper *last = NULL;
    int top = lua_gettop(L), source = top + 1, list = top + 2, obj = top + 3;
    lua_Integer added = 0, n = 0;

    lua_getiuservalue(L, 1, which + 1);
    lua_pushnil(L);
    while (l->seen[which] < l->length[which]) {
        alch_state *s;

        if (lua_rawgeti(L, source, (lua_Integer)++l->seen[which]) == LUA_TTABLE
            && (s = alch_push_state(L, obj)) != NULL
            /* an object that was collected to be written may turn out to be an orphan */
            && (which == ALCH_MARKED_DELETED || !(s->flags & ALCH_STATE_FLUSHING))) {
            s->flags |= ALCH_STATE_FLUSHING;
            if (s->mapper != last) {
                push_bucket(L, buckets, obj + 1, s);
                lua_rawgeti(L, -1, which + 1);
                lua_replace(L, list);
                n = (lua_Integer)lua_rawlen(L, list);
                last = s->mapper;
            }
            lua_pushvalue(L, obj);
            lua_rawseti(L, list, ++n);
            added++;
        }
        lua_settop(L, list);
    }
    lua_settop(L, top);
    return added;
}

/* core.flush_collect(session, buckets, changed) -> how many objects were added.
** Again after a step, with 'changed', for what that step changed: what is new
** or deleted by then waits for the next flush. */
static int l_collect(lua_State *L)
{
    alch_session *l = check_session(L, 1);
    lua_Integer added = 0;
    int which, only_changed;

    luaL_checktype(L, 2, LUA_TTABLE);
    only_changed = lua_toboolean(L, 3);
    lua_settop(L, 2);
    for (which = ALCH_MARKED_DELETED; which >= ALCH_NEW; which--)
        if (!only_changed || which == ALCH_MODIFIED)
            added += collect_list(L, l, which, 2);
    lua_pushinteger(L, added);
    return 1;
}

/* Is the object at 'obj' still to be written by the session's flush? */
static int is_to_be_written(lua_State *L, const alch_session *l, int obj)
{
    const alch_state *s = alch_push_state(L, obj);

    if (s == NULL)
        return 0;
    lua_pop(L, 1);
    return s->session == l->number && !(s->flags & ALCH_IN_DELETED)
        && (s->life == ALCH_PENDING || s->life == ALCH_PERSISTENT);
}

/* The object at 'obj' will not be written: if it comes back, a later flush must find it. */
static void stop_flushing(lua_State *L, const alch_session *l, int obj)
{
    alch_state *s = alch_push_state(L, obj);

    if (s != NULL && s->session != l->number)
        s->flags = (uint16_t)(s->flags & ~ALCH_STATE_FLUSHING);
}

/* core.flush_keep(session, objects): those that left the session, or are to be
** deleted now, drop out of the list. */
static int l_keep(lua_State *L)
{
    const alch_session *l = check_session(L, 1);
    lua_Integer i, n, kept = 0;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    n = (lua_Integer)lua_rawlen(L, 2);
    for (i = 1; i <= n; i++) {
        lua_rawgeti(L, 2, i);
        if (!is_to_be_written(L, l, 3))
            stop_flushing(L, l, 3);
        else if (++kept < i)
            lua_rawseti(L, 2, kept);
        lua_settop(L, 2);
    }
    for (i = kept + 1; i <= n; i++) {
        lua_pushnil(L);
        lua_rawseti(L, 2, i);
    }
    return 0;
}

/* core.flush_release(session, objects): they are no longer being flushed. */
static int l_release(lua_State *L)
{
    alch_session *l = check_session(L, 1);
    lua_Integer i, n;

    luaL_checktype(L, 2, LUA_TTABLE);
    memset(l->seen, 0, sizeof l->seen);
    n = (lua_Integer)lua_rawlen(L, 2);
    for (i = 1; i <= n; i++) {
        alch_state *s;

        lua_settop(L, 2);
        lua_rawgeti(L, 2, i);
        s = alch_push_state(L, 3);
        if (s != NULL)
            s->flags = (uint16_t)(s->flags & ~ALCH_STATE_FLUSHING);
    }
    return 0;
}

/* -- relationships -------------------------------------------------------- */

/* core.flush_sync(phase, objects, from, to, out): 'out' receives the orphans of
** the first two phases; of the others, object and relationship of each child
** or parent that is in no session, so that no key was copied. */
static int l_sync(lua_State *L)
{
    static const char *const phases[] = { "removed", "deleted", "down", "up", NULL };
    int phase = luaL_checkoption(L, 1, NULL, phases);
    lua_Integer i, to;

    luaL_checktype(L, 2, LUA_TTABLE);
    i = luaL_checkinteger(L, 3);
    to = luaL_checkinteger(L, 4);
    lua_settop(L, 5);
    luaL_checkstack(L, 40, "flush");
    for (; i <= to; i++) {
        alch_state *s;

        lua_settop(L, 5);
        lua_rawgeti(L, 2, i);
        s = alch_push_state(L, 6);
        if (s == NULL)
            continue;
        switch (phase) {
        case 0: alch_sync_removed(L, 7, s, 5); break;
        case 1: alch_sync_deleted(L, 7, s, 5); break;
        case 2: alch_sync_down(L, 7, s, 5); break;
        default: alch_sync_up(L, 6, 7, s, 5); break;
        }
    }
    return 0;
}

/* core.flush_takes_row(object, key): a new object will be written over the row
** of that key, which another object had. */
static int l_takes_row(lua_State *L)
{
    alch_state *s;
    size_t i;

    luaL_checkany(L, 2);
    lua_settop(L, 2);
    s = alch_need_state(L, 1, "flush");
    lua_insert(L, 2);
    alch_set_state_key(L, 2, s);
    s->flags |= ALCH_STATE_KEYED;
    for (i = 0; i < s->mapper->key_count; i++)
        alch_cut(s, ALCH_SET_CHANGED, s->mapper->keys[i]);
    return 0;
}

/* core.flush_orphan(object, property) -> did the last parent of the
** delete-orphan relationship let it go; may it have one? */
static int l_orphan(lua_State *L)
{
    const alch_state *s = alch_push_state(L, 1);
    int st = lua_gettop(L);

    lua_pushboolean(L, s != NULL && alch_is_let_go(L, st, s, lua_topointer(L, 2)));
    lua_pushboolean(L, s != NULL && alch_may_be_held(L, st, s, lua_topointer(L, 2)));
    return 2;
}

/* -- order of changed rows ------------------------------------------------ */

typedef struct sort_item {
    lua_Integer key, index;
} sort_item;

static int by_key(const void *a, const void *b)
{
    lua_Integer x = ((const sort_item *)a)->key, y = ((const sort_item *)b)->key;

    return (x > y) - (x < y);
}

/* Reads the keys; 0 unless all are integers. '*sorted': they ascend already. */
static int read_keys(lua_State *L, sort_item *items, lua_Integer n, int *sorted)
{
    lua_Integer i;

    *sorted = 1;
    for (i = 0; i < n; i++) {
        const alch_state *s;
        int is_integer;

        lua_rawgeti(L, 1, i + 1);
        s = alch_push_state(L, lua_gettop(L));
        luaL_argcheck(L, s != NULL, 1, "a list of mapped instances");
        alch_push_state_key(L, lua_gettop(L), s);
        is_integer = lua_isinteger(L, -1);
        items[i].key = lua_tointeger(L, -1);
        items[i].index = i + 1;
        lua_pop(L, 3);
        if (!is_integer)
            return 0;
        if (i > 0 && items[i].key < items[i - 1].key)
            *sorted = 0;
    }
    return 1;
}

/* core.flush_sort(objects) -> the same by primary key, where it is one
** integer: two transactions that change the same rows then meet them in the
** same order, and cannot deadlock over them. */
static int l_sort(lua_State *L)
{
    lua_Integer i, n;
    sort_item *items;
    int sorted;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    n = (lua_Integer)lua_rawlen(L, 1);
    items = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *items, 0);
    if (!read_keys(L, items, n, &sorted) || sorted) {
        lua_settop(L, 1);
        return 1;
    }
    qsort(items, (size_t)n, sizeof *items, by_key);
    lua_createtable(L, (int)n, 0);
    for (i = 0; i < n; i++) {
        lua_rawgeti(L, 1, items[i].index);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* -- shapes --------------------------------------------------------------- */

/* A set of attributes that are columns of one table, as Lua has it: a string;
** of all columns where there is none. Objects of several classes may have
** columns in the table: those of the set have one number in all of them. */
typedef struct mask {
    const char *bits;       /* NULL: every column */
    size_t size;
} mask;

static int in_mask(const mask *k, size_t i)
{
    return k->bits == NULL || alch_set_has((const uint8_t *)k->bits, i);
}

static size_t mask_end(const mask *k, const alch_mapper *m)
{
    return k->size * 8 < m->columns ? k->size * 8 : m->columns;
}

/* Which columns an INSERT names: what has a value, and what is nothing but
** NULL without one; not what the database or a default fills in. */
static void insert_shape(lua_State *L, int st, alch_state *s, const mask *k, uint8_t *shape)
{
    const alch_mapper *m = s->mapper;
    size_t i, end = mask_end(k, m);

    memset(shape, 0, k->size);
    for (i = 0; i < end; i++) {
        uint16_t flags = m->attrs[i].flags;
        int wanted;

        if (flags & ALCH_ATTR_READONLY || !in_mask(k, i))
            continue;
        if (!alch_known(s, i)) {
            wanted = !(flags & (ALCH_ATTR_KEY | ALCH_ATTR_GENERATED));
        } else if (flags & ALCH_ATTR_KEY) {
            alch_push_value(L, st, s, i);
            wanted = !lua_isnil(L, -1);
            lua_pop(L, 1);
        } else {
            wanted = 1;
        }
        if (wanted)
            alch_set_put(shape, i);
    }
}

/* Which columns an UPDATE sets: what differs from the database. */
static void update_shape(lua_State *L, int st, alch_state *s, const mask *k, uint8_t *shape)
{
    const alch_mapper *m = s->mapper;
    size_t i, end = mask_end(k, m);

    memset(shape, 0, k->size);
    for (i = 0; i < end; i++)
        if (alch_has(s, ALCH_SET_CHANGED, i) && !(m->attrs[i].flags & ALCH_ATTR_READONLY) && in_mask(k, i)
            && !alch_unchanged(L, st, s, i))
            alch_set_put(shape, i);
}

static int push_expression_test(lua_State *L, int st, const alch_state *s, const mask *k, const uint8_t *shape)
{
    size_t i, end = mask_end(k, s->mapper);

    if (!(s->flags & ALCH_STATE_BOXED))
        return 0;
    for (i = 0; i < end; i++) {
        int found;

        if (!alch_set_has(shape, i))
            continue;
        found = alch_push_kept(L, st, s, i) == LUA_TUSERDATA && alch_is_expression(L, -1);
        lua_pop(L, 1);
        if (found)
            return 1;
    }
    return 0;
}

/* What of a new object says its shape, where the next one's says the same:
** which of its attributes are known. NULL: that alone does not say it, for one
** of its key may be nil or a value an SQL expression. */
typedef struct likeness {
    const alch_mapper *mapper;
    uint8_t *known;         /* room for its set */
} likeness;

static uint8_t known_byte(const alch_state *s, size_t at)
{
    return (uint8_t)(s->sets[ALCH_SET_VALUE * s->mapper->set_size + at] | s->sets[ALCH_SET_PACKED * s->mapper->set_size + at]);
}

static void note_likeness(likeness *k, const alch_state *s)
{
    const alch_mapper *m = s->mapper;
    size_t i;

    k->mapper = NULL;
    if (s->flags & ALCH_STATE_BOXED)
        return;
    for (i = 0; i < m->key_count; i++)
        if (alch_known(s, m->keys[i]))
            return;
    for (i = 0; i < m->set_size; i++)
        k->known[i] = known_byte(s, i);
    k->mapper = m;
}

static int is_alike(const likeness *k, const alch_state *s)
{
    size_t i;

    if (s->mapper != k->mapper || s->flags & ALCH_STATE_BOXED)
        return 0;
    for (i = 0; i < s->mapper->set_size; i++)
        if (known_byte(s, i) != k->known[i])
            return 0;
    return 1;
}

/* Does an object's discriminator say another class than its own? Its state is on the top. */
static int is_stranger(lua_State *L, const alch_state *s)
{
    int top = lua_gettop(L), i = s->mapper->discriminator, strange = 0;

    if (i != ALCH_NO_ATTR && lua_getmetatable(L, top)) {
        strange = lua_rawgeti(L, top + 1, ALCH_MT_IDENTITY) != LUA_TNIL;
        alch_push_kept(L, top, s, (size_t)i);
        strange = strange && !lua_rawequal(L, top + 2, top + 3);
    }
    lua_settop(L, top);
    return strange;
}

/* core.flush_stranger(objects, from, to) -> the place of the first new object among
** them whose discriminator was set to something that its class does not stand for. */
static int l_stranger(lua_State *L)
{
    lua_Integer i = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3);

    luaL_checktype(L, 1, LUA_TTABLE);
    for (; i <= to; i++) {
        const alch_state *s;

        lua_settop(L, 3);
        lua_rawgeti(L, 1, i);
        s = alch_push_state(L, 4);
        luaL_argcheck(L, s != NULL, 1, "a list of mapped instances");
        if (is_stranger(L, s)) {
            lua_pushinteger(L, i);
            return 1;
        }
    }
    return 0;
}

/* core.flush_shape(objects, from, to, insert?, mask) -> how many objects from there
** on have the same shape, the shape as a string, and whether a value is an SQL
** expression (then it is one object). A shape of zeros: nothing to write. */
static int l_shape(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3), i;
    int insert = lua_toboolean(L, 4), expression = 0;
    uint8_t *first = NULL, *shape = NULL;
    likeness alike = { NULL, NULL };
    mask k = { NULL, 0 };

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 5);
    k.bits = luaL_optlstring(L, 5, NULL, &k.size);
    for (i = from; i <= to; i++) {
        alch_state *s;

        lua_settop(L, first == NULL ? 5 : 6);
        lua_rawgeti(L, 1, i);
        s = alch_push_state(L, first == NULL ? 6 : 7);
        luaL_argcheck(L, s != NULL, 1, "a list of mapped instances");
        if (first == NULL) {
            if (k.bits == NULL)
                k.size = s->mapper->set_size;
            first = lua_newuserdatauv(L, 2 * k.size + s->mapper->set_size, 0);
            shape = first + k.size;
            alike.known = shape + k.size;
            lua_insert(L, 6);
            if (insert)
                note_likeness(&alike, s);
        } else if (is_alike(&alike, s)) {
            continue;
        }
        if (insert)
            insert_shape(L, lua_gettop(L), s, &k, shape);
        else
            update_shape(L, lua_gettop(L), s, &k, shape);
        expression = push_expression_test(L, lua_gettop(L), s, &k, shape);
        if (i == from)
            memcpy(first, shape, k.size);
        else if (expression || memcmp(first, shape, k.size) != 0)
            break;
        if (expression) {
            i++;
            break;
        }
    }
    lua_pushinteger(L, i - from);
    lua_pushlstring(L, (const char *)first, first == NULL ? 0 : k.size);
    lua_pushboolean(L, expression && i == from + 1);
    return 3;
}

static int is_empty(const uint8_t *shape, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++)
        if (shape[i] != 0)
            return 0;
    return 1;
}

/* core.flush_changed(objects, from, to, mask) -> a list of those that have
** something to UPDATE, so that the others do not part them */
static int l_changed(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3), i, n = 0;
    mask k = { NULL, 0 };
    uint8_t *shape;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 4);
    k.bits = luaL_checklstring(L, 4, &k.size);
    shape = lua_newuserdatauv(L, k.size, 0);
    lua_newtable(L);
    for (i = from; i <= to; i++) {
        alch_state *s;

        lua_rawgeti(L, 1, i);
        s = alch_push_state(L, 7);
        luaL_argcheck(L, s != NULL, 1, "a list of mapped instances");
        update_shape(L, 8, s, &k, shape);
        lua_settop(L, 7);
        if (is_empty(shape, k.size))
            lua_pop(L, 1);
        else
            lua_rawseti(L, 6, ++n);
    }
    return 1;
}

/* core.flush_run(objects, from, to) -> how many objects from there on are of
** one class, and its mapper */
static int l_run(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3), i;
    const alch_mapper *first = NULL;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 3);
    lua_pushnil(L);
    for (i = from; i <= to; i++) {
        const alch_state *s;

        lua_rawgeti(L, 1, i);
        s = alch_push_state(L, 5);
        luaL_argcheck(L, s != NULL, 1, "a list of mapped instances");
        if (first == NULL) {
            first = s->mapper;
            alch_push_mapper(L, 6);
            lua_replace(L, 4);
        } else if (s->mapper != first) {
            break;
        }
        lua_settop(L, 4);
    }
    lua_pushinteger(L, i - from);
    lua_pushvalue(L, 4);
    return 2;
}

/* core.flush_slots(shape) -> the attribute numbers in it */
static int l_slots(lua_State *L)
{
    size_t len, i;
    const char *shape = luaL_checklstring(L, 1, &len);
    lua_Integer n = 0;

    lua_newtable(L);
    for (i = 0; i < len * 8; i++) {
        if (alch_set_has((const uint8_t *)shape, i)) {
            lua_pushinteger(L, (lua_Integer)i + 1);
            lua_rawseti(L, 2, ++n);
        }
    }
    return 1;
}

/* core.flush_set(object, slot, value, own): a default or version, written by
** the flush; with 'own' the user's, who set it while the flush ran. */
static int l_set(lua_State *L)
{
    alch_state *s;
    lua_Integer slot = luaL_checkinteger(L, 2);

    lua_settop(L, 4);
    s = alch_need_state(L, 1, "flush");
    luaL_argcheck(L, slot >= 1 && (size_t)slot <= s->mapper->columns, 2, "no such column");
    lua_pushvalue(L, 3);
    alch_store(L, 1, 5, s, (size_t)slot - 1);
    if (!lua_toboolean(L, 4))
        alch_put(s, ALCH_SET_GIVEN, (size_t)slot - 1);
    return 0;
}

void alch_open_flush(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "flush_collect", l_collect }, { "flush_keep", l_keep }, { "flush_release", l_release }, { "flush_sync", l_sync },
        { "flush_orphan", l_orphan }, { "flush_sort", l_sort }, { "flush_shape", l_shape }, { "flush_stranger", l_stranger },
        { "flush_takes_row", l_takes_row },
        { "flush_changed", l_changed },
        { "flush_run", l_run },
        { "flush_slots", l_slots }, { "flush_set", l_set }, { NULL, NULL }
    };

    luaL_setfuncs(L, functions, 0);
    alch_open_batch(L);
    alch_open_finish(L);
}
