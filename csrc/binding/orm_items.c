/* The items of a loaded collection: a Lua list in which an object is found and
** taken out in constant time, so that emptying or moving thousands of objects
** one by one is linear.
**
** Items stand in the places head + 1 to head + count + holes of the table
** ITEMS; what is taken out of the middle leaves a hole (false) there until
** somebody asks for positions. INDEX, made when a long list is searched again
** and again, maps an object to its place, negative if it stands in several. A
** place is good until the next change. */
#include "binding/orm_host.h"

enum {
    SHORT = 64,         /* items that are sooner looked through than indexed */
    SEARCHES = 3        /* of a longer list before it is worth an index */
};

static lua_Integer last_place(const alch_collection *l)
{
    return (lua_Integer)l->head + l->count + l->holes;
}

static void drop_index(lua_State *L, int list)
{
    alch_collection *l = lua_touserdata(L, list);

    if (!l->indexed)
        return;
    l->indexed = 0;
    l->searches = 0;
    lua_pushnil(L);
    lua_setiuservalue(L, list, ALCH_LIST_INDEX);
}

void alch_items_set(lua_State *L, int list, lua_Integer count)
{
    alch_collection *l = lua_touserdata(L, list);

    lua_setiuservalue(L, list, ALCH_LIST_ITEMS);
    l->count = (uint32_t)count;
    l->head = l->holes = 0;
    l->changes++;
    drop_index(L, list);
}

/* The n-th item has place n again. A new table, filled before it is put in
** the old one's stead: memory may run out. */
static void close_up(lua_State *L, int list)
{
    alch_collection *l = lua_touserdata(L, list);
    int items = lua_gettop(L) + 1;
    lua_Integer place, last = last_place(l), n = 0;

    if (l->head == 0 && l->holes == 0)
        return;
    lua_getiuservalue(L, list, ALCH_LIST_ITEMS);
    lua_createtable(L, (int)l->count, 0);
    for (place = (lua_Integer)l->head + 1; place <= last; place++) {
        if (lua_rawgeti(L, items, place) == LUA_TTABLE)
            lua_rawseti(L, items + 1, ++n);
        else
            lua_pop(L, 1);
    }
    alch_items_set(L, list, n);
    lua_settop(L, items - 1);
}

void alch_items_push(lua_State *L, int list)
{
    close_up(L, list);
    lua_getiuservalue(L, list, ALCH_LIST_ITEMS);
}

lua_Integer alch_items_place(lua_State *L, int list, lua_Integer at)
{
    const alch_collection *l = lua_touserdata(L, list);

    if (l->holes > 0)
        close_up(L, list);
    return (lua_Integer)l->head + at;
}

int alch_items_get(lua_State *L, int list, lua_Integer place)
{
    lua_getiuservalue(L, list, ALCH_LIST_ITEMS);
    lua_rawgeti(L, -1, place);
    lua_replace(L, -2);
    return lua_type(L, -1);
}

/* -- the index -- */

/* Notes in the index on the top that the object at 'item' stands in a place. */
static void note_place(lua_State *L, int item, lua_Integer place)
{
    lua_pushvalue(L, item);
    lua_pushvalue(L, item);
    lua_pushinteger(L, lua_rawget(L, -3) == LUA_TNIL ? place : -place);
    lua_replace(L, -2);
    lua_rawset(L, -3);
}

static void make_index(lua_State *L, int list)
{
    alch_collection *l = lua_touserdata(L, list);
    int items = lua_gettop(L) + 1;
    lua_Integer place, last = last_place(l);

    lua_getiuservalue(L, list, ALCH_LIST_ITEMS);
    lua_createtable(L, 0, (int)l->count);
    for (place = (lua_Integer)l->head + 1; place <= last; place++) {
        if (lua_rawgeti(L, items, place) == LUA_TTABLE) {
            lua_insert(L, items + 1);
            note_place(L, items + 1, place);
            lua_remove(L, items + 1);
        } else {
            lua_pop(L, 1);
        }
    }
    lua_setiuservalue(L, list, ALCH_LIST_INDEX);
    l->indexed = 1;
    lua_settop(L, items - 1);
}

static int stands_at(lua_State *L, int list, lua_Integer place, int item)
{
    int same;

    alch_items_get(L, list, place);
    same = lua_rawequal(L, -1, item);
    lua_pop(L, 1);
    return same;
}

static lua_Integer look_through(lua_State *L, int list, int item)
{
    const alch_collection *l = lua_touserdata(L, list);
    lua_Integer place, last = last_place(l);
    int found = 0;

    lua_getiuservalue(L, list, ALCH_LIST_ITEMS);
    for (place = (lua_Integer)l->head + 1; place <= last && !found; place++) {
        lua_rawgeti(L, -1, place);
        found = lua_rawequal(L, -1, item);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return found ? place - 1 : 0;
}

lua_Integer alch_collection_find(lua_State *L, int list, int item)
{
    alch_collection *l = lua_touserdata(L, list);
    lua_Integer place;

    if (!l->indexed) {
        if (l->count <= SHORT || ++l->searches < SEARCHES)
            return look_through(L, list, item);
        make_index(L, list);
    }
    lua_getiuservalue(L, list, ALCH_LIST_INDEX);
    lua_pushvalue(L, item);
    lua_rawget(L, -2);
    place = lua_tointeger(L, -1);
    lua_pop(L, 2);
    if (place == 0 || (place > 0 && stands_at(L, list, place, item)))
        return place;
    return look_through(L, list, item);
}

/* -- changing -- */

/* The index learns of it first: should memory run out then, an entry of it is
** found to be wrong. */
static void append(lua_State *L, int list, int item)
{
    const alch_collection *l = lua_touserdata(L, list);

    if (l->indexed) {
        lua_getiuservalue(L, list, ALCH_LIST_INDEX);
        note_place(L, item, last_place(l) + 1);
        lua_pop(L, 1);
    }
    lua_getiuservalue(L, list, ALCH_LIST_ITEMS);
    lua_pushvalue(L, item);
    lua_rawseti(L, -2, last_place(l) + 1);
    lua_pop(L, 1);
}

void alch_items_insert(lua_State *L, int list, lua_Integer at, int item)
{
    alch_collection *l = lua_touserdata(L, list);
    lua_Integer i;

    if (at == (lua_Integer)l->count + 1) {
        append(L, list, item);
    } else {
        alch_items_push(L, list);
        drop_index(L, list);
        for (i = (lua_Integer)l->count; i >= at; i--) {
            lua_rawgeti(L, -1, i);
            lua_rawseti(L, -2, i + 1);
        }
        lua_pushvalue(L, item);
        lua_rawseti(L, -2, at);
        lua_pop(L, 1);
    }
    l->count++;
    l->changes++;
}

/* What is taken out is in one place no more: the index forgets it, or is
** forgotten if the object stands elsewhere too. */
static void forget_place(lua_State *L, int list, lua_Integer place)
{
    const alch_collection *l = lua_touserdata(L, list);
    int top = lua_gettop(L);

    if (!l->indexed)
        return;
    lua_getiuservalue(L, list, ALCH_LIST_INDEX);
    alch_items_get(L, list, place);
    lua_pushvalue(L, top + 2);
    lua_rawget(L, top + 1);
    if (lua_tointeger(L, -1) == place) {
        lua_pushvalue(L, top + 2);
        lua_pushnil(L);
        lua_rawset(L, top + 1);
    } else {
        drop_index(L, list);
    }
    lua_settop(L, top);
}

/* Takes holes at both ends away. ITEMS are on the top. */
static void trim(lua_State *L, alch_collection *l)
{
    while (l->holes > 0) {
        lua_Integer last = last_place(l);
        int at_end = lua_rawgeti(L, -1, last) != LUA_TTABLE;

        if (!at_end && lua_rawgeti(L, -2, (lua_Integer)l->head + 1) == LUA_TTABLE) {
            lua_pop(L, 2);
            return;
        }
        lua_pop(L, at_end ? 1 : 2);
        l->holes--;
        lua_pushnil(L);
        lua_rawseti(L, -2, at_end ? last : (lua_Integer)++l->head);
    }
}

void alch_items_remove(lua_State *L, int list, lua_Integer place)
{
    alch_collection *l = lua_touserdata(L, list);

    forget_place(L, list, place);
    lua_getiuservalue(L, list, ALCH_LIST_ITEMS);
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, place);
    l->count--;
    l->changes++;
    l->holes++;
    trim(L, l);
    lua_pop(L, 1);
    /* As much as has been taken out since pays for it. */
    if (l->head > SHORT && l->head > l->count)
        close_up(L, list);
}
