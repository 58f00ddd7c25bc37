/* A batch of rows of one shape: its parameters, and what comes back of it. */
#include <stdlib.h>
#include <string.h>

#include "binding/node_conv.h"
#include "binding/orm_flush.h"
#include "binding/run.h"
#include "orm/key.h"

int alch_is_expression(lua_State *L, int idx)
{
    return alch_test_node_ref(L, idx) != NULL;
}

/* -- keys ----------------------------------------------------------------- */

void alch_unpack_key(lua_State *L, int idx, const alch_mapper *m, alch_value *values)
{
    const char *key;
    size_t len;

    values[0].zone = ALCH_ZONE_NONE;
    if (lua_isinteger(L, idx)) {
        values[0].kind = ALCH_INT;
        values[0].as.integer = lua_tointeger(L, idx);
    } else {
        key = lua_tolstring(L, idx, &len);
        if (key == NULL) {
            luaL_error(L, "this %s object has no identity", m->class_name);
        } else if (!alch_key_packed(key, len)) {
            values[0].kind = ALCH_TEXT;
            values[0].as.text.at = key;
            values[0].as.text.len = len;
        } else if (!alch_key_unpack(key, len, values, m->key_count)) {
            luaL_error(L, "the identity of this %s object is damaged", m->class_name);
        }
    }
}

/* The part of the key of an object whose attribute was expired: it is still the one that the row was read by. The key stays
** on the top, for the value may point into it. */
static void keep_part(lua_State *L, int st, const alch_state *s, size_t part, alch_value *out)
{
    const alch_mapper *m = s->mapper;
    alch_value values[ALCH_KEY_MAX];

    if (s->life != ALCH_PERSISTENT || alch_has(s, ALCH_SET_CHANGED, m->keys[part]))
        alch_raisef(L, ALCH_ERR_FLUSH, "%s: the primary key column '%s' has no value and the database made none; set it before the flush",
            m->class_name, m->attrs[m->keys[part]].name);
    alch_push_state_key(L, st, s);
    alch_unpack_key(L, lua_gettop(L), m, values);
    *out = values[part];
}

/* Is the value at 'idx' of the only column of a primary key the whole key? A whole number mostly is, but not where the
** column keeps it as something else. */
static int is_own_key(lua_State *L, int idx, const alch_codec *codec)
{
    const alch_conversion *c = &codec->columns[codec->mapper->keys[0]];

    return lua_isinteger(L, idx) && !c->host && c->type->family == ALCH_FAMILY_INTEGER;
}

void alch_push_object_key(lua_State *L, const alch_codec *codec, int st, alch_state *s)
{
    const alch_mapper *m = s->mapper;
    alch_param values[ALCH_KEY_MAX];
    alch_value plain[ALCH_KEY_MAX];
    int top = lua_gettop(L);
    alch_bound *b;
    size_t i;

    luaL_checkstack(L, 2 * ALCH_KEY_MAX + 10, "key");
    if (m->key_count == 1) {
        alch_push_value(L, st, s, m->keys[0]);
        if (is_own_key(L, -1, codec))
            return;
        lua_pop(L, 1);
    }
    b = alch_bound_push(L, 0, 1);
    for (i = 0; i < m->key_count; i++) {
        alch_push_value(L, st, s, m->keys[i]);
        if (lua_isnil(L, -1)) {
            keep_part(L, st, s, i, &plain[i]);
            continue;
        }
        alch_bind_attr(L, codec, m->keys[i], lua_gettop(L), b, &values[i]);
        plain[i] = values[i].value;
    }
    alch_push_key(L, plain, m->key_count);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}

void alch_bind_key(lua_State *L, int idx, const alch_codec *codec, alch_bound *b, alch_param *out)
{
    const alch_mapper *m = codec->mapper;
    alch_value values[ALCH_KEY_MAX];
    size_t i;

    alch_unpack_key(L, idx, m, values);
    for (i = 0; i < m->key_count; i++) {
        out[i].value = values[i];
        out[i].oid = codec->columns[m->keys[i]].oid;
        alch_bound_own_text(L, b, &out[i].value);
    }
}

/* -- parameters ----------------------------------------------------------- */

size_t *alch_push_slots(lua_State *L, int list, size_t *n)
{
    size_t *slots, i;

    *n = (size_t)lua_rawlen(L, list);
    slots = lua_newuserdatauv(L, (*n + 1) * sizeof *slots, 0);
    for (i = 0; i < *n; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        slots[i] = (size_t)lua_tointeger(L, -1) - 1;
        lua_pop(L, 1);
    }
    return slots;
}

static void bind_columns(lua_State *L, const alch_codec *codec, int st, alch_state *s, const size_t *slots, size_t n, alch_bound *b, alch_param *out)
{
    size_t i;

    for (i = 0; i < n; i++) {
        alch_push_value(L, st, s, slots[i]);
        alch_bind_attr(L, codec, slots[i], lua_gettop(L), b, &out[i]);
        lua_pop(L, 1);
    }
}

/* The value an UPDATE or DELETE expects to find: a version counter's. */
static void bind_base(lua_State *L, const alch_codec *codec, int st, alch_state *s, size_t slot, alch_bound *b, alch_param *out)
{
    if (!alch_has(s, ALCH_SET_CHANGED, slot))
        alch_push_value(L, st, s, slot);
    else if (!alch_push_base(L, st, s, slot))
        lua_pushnil(L);
    alch_bind_attr(L, codec, slot, lua_gettop(L), b, out);
    lua_pop(L, 1);
}

enum { INSERT, UPDATE, DELETE };

/* One object's part of the parameters: columns to set, key, expected version. */
static void bind_object(lua_State *L, const alch_codec *codec, int kind, const size_t *slots, size_t n, lua_Integer version,
                        alch_bound *b, alch_param *out)
{
    int st = lua_gettop(L);
    alch_state *s = lua_touserdata(L, st);

    bind_columns(L, codec, st, s, slots, n, b, out);
    if (kind == INSERT)
        return;
    alch_push_state_key(L, st, s);
    alch_bind_key(L, lua_gettop(L), codec, b, out + n);
    lua_pop(L, 1);
    if (version > 0)
        bind_base(L, codec, st, s, (size_t)version - 1, b, out + n + s->mapper->key_count);
}

/* core.flush_bind(kind, codec, objects, from, count, slots, version) -> bound.
** An insert is one set of count * #slots parameters; updates and deletes are
** a set per object: the columns, the key, the version. */
static int l_bind(lua_State *L)
{
    static const char *const kinds[] = { "insert", "update", "delete", NULL };
    int kind = luaL_checkoption(L, 1, NULL, kinds);
    const alch_codec *codec = alch_check_codec(L, 2);
    const alch_mapper *m = codec->mapper;
    lua_Integer from = luaL_checkinteger(L, 4), count = luaL_checkinteger(L, 5), version = luaL_optinteger(L, 7, 0), i;
    size_t n, each, *slots;
    alch_bound *b;

    luaL_checktype(L, 3, LUA_TTABLE);
    luaL_checktype(L, 6, LUA_TTABLE);
    lua_settop(L, 7);
    slots = alch_push_slots(L, 6, &n);
    each = n + (kind == INSERT ? 0 : m->key_count) + (version > 0);
    b = kind == INSERT ? alch_bound_push(L, each * (size_t)count, 1) : alch_bound_push(L, each, (size_t)count);
    b->many = kind != INSERT && count > 1;
    luaL_checkstack(L, 20, "flush");
    for (i = 0; i < count; i++) {
        lua_rawgeti(L, 3, from + i);
        luaL_argcheck(L, alch_push_state(L, 10) != NULL, 3, "a list of mapped instances");
        bind_object(L, codec, kind, slots, n, version, b, b->params + (size_t)i * each);
        lua_settop(L, 9);
    }
    return 1;
}

/* -- what comes back ------------------------------------------------------ */

/* A value that the database gave to the state at 'st'. Pops it. */
static void give(lua_State *L, int st, alch_state *s, size_t slot)
{
    alch_store_clean(L, st, s, slot);
    alch_put(s, ALCH_SET_GIVEN, slot);
}

/* core.flush_give(object, slot, value) */
static int l_give(lua_State *L)
{
    lua_Integer slot = luaL_checkinteger(L, 2);
    alch_state *s;

    lua_settop(L, 3);
    s = alch_push_state(L, 1);
    luaL_argcheck(L, s != NULL, 1, "a mapped instance");
    luaL_argcheck(L, slot >= 1 && (size_t)slot <= s->mapper->columns, 2, "no such column");
    lua_pushvalue(L, 3);
    give(L, 4, s, (size_t)slot - 1);
    return 0;
}

typedef struct returned {
    int64_t sentinel;
    lua_Integer row;
} returned;

static int by_sentinel(const void *a, const void *b)
{
    int64_t x = ((const returned *)a)->sentinel, y = ((const returned *)b)->sentinel;

    return (x > y) - (x < y);
}

/* What reads the columns that the run at 5 brings for objects of the plan at 1, which keeps it. */
static const alch_conversion *readers_of(lua_State *L)
{
    int top = lua_gettop(L);
    const alch_codec *codec;

    alch_run_push_connection(L, 5);
    codec = alch_push_codec_for(L, 1, top + 1);
    lua_settop(L, top);
    return codec->columns;
}

/* Are the sentinels all that comes back? They are integers. */
static int are_keys_alone(lua_Integer count, size_t columns)
{
    return count > 1 && columns == 1;
}

/* Reads every row: the sentinel (its first column) into 'rows', and unless it
** is all there is, the values of the columns into the list at 'values'.
** Returns how many came, -1 if a sentinel is no integer. */
static lua_Integer read_returned(lua_State *L, alch_run *run, lua_Integer count, const size_t *slots, size_t columns, returned *rows,
                                 int values, int *ascending)
{
    const alch_conversion *readers = readers_of(L);
    alch_err err;
    alch_step step;
    lua_Integer n = 0;
    int keys_alone = are_keys_alone(count, columns);
    size_t i;

    *ascending = 1;
    while ((step = alch_run_fetch(L, run, &err)) == ALCH_STEP_ROW && n < count) {
        if (count > 1 && run->cells[0].kind != ALCH_INT)
            return -1;
        rows[n].sentinel = run->cells[0].kind == ALCH_INT ? run->cells[0].as.integer : 0;
        rows[n].row = n;
        if (n > 0 && rows[n].sentinel < rows[n - 1].sentinel)
            *ascending = 0;
        for (i = 0; i < columns && !keys_alone; i++) {
            alch_push_cell(L, readers, slots[i], &run->cells[i]);
            lua_rawseti(L, values, n * (lua_Integer)columns + (lua_Integer)i + 1);
        }
        n++;
    }
    if (step == ALCH_STEP_FAIL)
        alch_raise(L, &err);
    return n;
}

static void raise_missing_keys(lua_State *L, const alch_mapper *m, lua_Integer count)
{
    alch_raisef(L, ALCH_ERR_FLUSH, "%s: the INSERT of %d rows did not return as many keys", m->class_name, (int)count);
}

/* Are the rows, now sorted, one unbroken range of keys? */
static int is_unbroken(const returned *rows, lua_Integer n)
{
    return (uint64_t)rows[n - 1].sentinel - (uint64_t)rows[0].sentinel == (uint64_t)n - 1;
}

/* Stack indices: of what came back besides the keys, and of the object whose
** row it is, whose state is behind it; between them is room for a finisher. */
enum { VALUES = 10, OBJECT = 13 };

/* The object at a position, and its state, are pushed. */
static alch_state *push_object(lua_State *L, lua_Integer at)
{
    alch_state *s;

    lua_settop(L, OBJECT - 1);
    lua_rawgeti(L, 2, at);
    s = alch_push_state(L, OBJECT);
    luaL_argcheck(L, s != NULL, 2, "a list of mapped instances");
    return s;
}

/* The keys are all that comes back: of the n-th object, rows[n]'s. */
static void give_keys(lua_State *L, const alch_mapper *m, lua_Integer from, lua_Integer count, const returned *rows, size_t slot, int session)
{
    alch_finisher f = { 0, 0, 0, 0 };
    const alch_conversion *readers = readers_of(L);
    lua_Integer i;

    lua_settop(L, OBJECT - 3);
    if (session != 0)
        alch_finisher_begin(L, &f, session, m, count);
    for (i = 0; i < count; i++) {
        alch_state *s = push_object(L, from + i);

        if (readers[slot].host)
            alch_push_cell(L, readers, slot, &(alch_value){ ALCH_INT, ALCH_ZONE_NONE, { .integer = rows[i].sentinel } });
        else
            lua_pushinteger(L, rows[i].sentinel);
        give(L, OBJECT + 1, s, slot);
        if (session != 0)
            alch_finisher_insert(L, &f, OBJECT, OBJECT + 1, s, rows[i].sentinel);
    }
}

/* core.flush_returned(plan, objects, from, count, run, slots, session): the
** rows that RETURNING gave go to their objects. Where the keys are all they
** say, a session makes the objects persistent. -> did it?
**
** No database promises in which order they come. What is promised is that a
** counter counts up as the rows of one INSERT are made, in the order of its
** VALUES (SQLite: the next rowid is one more than the largest; PostgreSQL:
** nextval, called for rows that ORDER BY has put in order). So the generated
** key, the first column, is the sentinel: sorted by it, the n-th row is the
** n-th object's. Where SQLite's counter is exhausted it picks rowids at
** random; then sorting means nothing. It shows: the rows are neither one
** unbroken range nor did they come in ascending order. That is refused
** rather than guessed. */
static int l_returned(lua_State *L)
{
    const alch_mapper *m = alch_check_plan(L, 1);
    lua_Integer from = luaL_checkinteger(L, 3), count = luaL_checkinteger(L, 4), i;
    alch_run *run = alch_check_run(L, 5);
    size_t n, k, *slots;
    returned *rows;
    int ascending, keys_alone, session = lua_isnoneornil(L, 7) ? 0 : 7;

    if (session != 0)
        luaL_checkudata(L, session, ALCH_SESSION_METATABLE);
    lua_settop(L, 7);
    slots = alch_push_slots(L, 6, &n);
    rows = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *rows, 0);
    keys_alone = are_keys_alone(count, n);
    lua_createtable(L, keys_alone ? 0 : (int)(count * (lua_Integer)n), 0);
    luaL_checkstack(L, 30, "flush");
    if (read_returned(L, run, count, slots, n, rows, VALUES, &ascending) != count)
        raise_missing_keys(L, m, count);
    if (!ascending) {
        qsort(rows, (size_t)count, sizeof *rows, by_sentinel);
        if (!is_unbroken(rows, count))
            alch_raisef(L, ALCH_ERR_FLUSH, "%s: the keys of %d new rows cannot be told apart: the database made them in no order; "
                "flush such objects one by one (mapper option batch = false)", m->class_name, (int)count);
    }
    if (keys_alone) {
        give_keys(L, m, from, count, rows, slots[0], session);
        lua_pushboolean(L, session != 0);
        return 1;
    }
    for (i = 0; i < count; i++) {
        alch_state *s = push_object(L, from + i);

        for (k = 0; k < n; k++) {
            lua_rawgeti(L, VALUES, rows[i].row * (lua_Integer)n + (lua_Integer)k + 1);
            give(L, OBJECT + 1, s, slots[k]);
        }
    }
    return 0;
}

/* core.flush_number(plan, objects, from, count, run, slot, session): the keys
** that the rows of an INSERT got one after the other, the last one being what
** the database says it made last. A session makes the objects persistent. */
static int l_number(lua_State *L)
{
    const alch_mapper *m = alch_check_plan(L, 1);
    lua_Integer from = luaL_checkinteger(L, 3), count = luaL_checkinteger(L, 4), slot = luaL_checkinteger(L, 6), i;
    const alch_run *run = alch_check_run(L, 5);
    int session = lua_isnoneornil(L, 7) ? 0 : 7;
    returned *rows;

    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_argcheck(L, slot >= 1 && (size_t)slot <= m->columns, 6, "no such column");
    if (session != 0)
        luaL_checkudata(L, session, ALCH_SESSION_METATABLE);
    lua_settop(L, 7);
    luaL_checkstack(L, 30, "flush");
    if (run->changes != count)
        raise_missing_keys(L, m, count);
    rows = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *rows, 0);
    for (i = 0; i < count; i++)
        rows[i].sentinel = run->last_id - count + 1 + i;
    give_keys(L, m, from, count, rows, (size_t)slot - 1, session);
    return 0;
}

/* core.identity_key(codec, values) -> the key of a list of values */
static int l_identity_key(lua_State *L)
{
    const alch_codec *codec = alch_check_codec(L, 1);
    const alch_mapper *m = codec->mapper;
    alch_param values[ALCH_KEY_MAX];
    alch_value plain[ALCH_KEY_MAX];
    alch_bound *b;
    size_t i;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    if (m->key_count == 1 && lua_rawgeti(L, 2, 1) == LUA_TNUMBER && is_own_key(L, 3, codec))
        return 1;
    luaL_checkstack(L, ALCH_KEY_MAX + 10, "key");
    b = alch_bound_push(L, 0, 1);
    for (i = 0; i < m->key_count; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        alch_bind_attr(L, codec, m->keys[i], lua_gettop(L), b, &values[i]);
        plain[i] = values[i].value;
    }
    alch_push_key(L, plain, m->key_count);
    return 1;
}

/* core.key_bound(codec, key) -> the key's values as parameters */
static int l_key_bound(lua_State *L)
{
    const alch_codec *codec = alch_check_codec(L, 1);
    alch_bound *b;

    luaL_checkany(L, 2);
    lua_settop(L, 2);
    b = alch_bound_push(L, codec->mapper->key_count, 1);
    alch_bind_key(L, 2, codec, b, b->params);
    return 1;
}

/* core.key_values(codec, key) -> the list of values that identity_key was given */
static int l_key_values(lua_State *L)
{
    const alch_codec *codec = alch_check_codec(L, 1);
    const alch_mapper *m = codec->mapper;
    alch_value values[ALCH_KEY_MAX];
    size_t i;

    luaL_checkany(L, 2);
    lua_settop(L, 2);
    alch_unpack_key(L, 2, m, values);
    lua_createtable(L, (int)m->key_count, 0);
    for (i = 0; i < m->key_count; i++) {
        alch_push_cell(L, codec->columns, m->keys[i], &values[i]);
        lua_rawseti(L, 3, (lua_Integer)i + 1);
    }
    return 1;
}

void alch_open_batch(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "flush_bind", l_bind }, { "flush_give", l_give },
        { "flush_returned", l_returned }, { "flush_number", l_number }, { "identity_key", l_identity_key },
        { "key_bound", l_key_bound }, { "key_values", l_key_values }, { NULL, NULL }
    };

    luaL_setfuncs(L, functions, 0);
    alch_open_arrays(L);
}
