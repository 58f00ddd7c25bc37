/* Collections: items, and what came and went since the last load or flush.
** The delta maps an item to a stamp: positive, it was added; negative, it
** left. Of an unloaded collection the delta is all there is: a queue. */
#include "binding/orm_host.h"

#include "orm/state.h"

const char alch_list_tag = 0;

static alch_collection *new_list(lua_State *L, int obj, int st, alch_state *s, size_t i)
{
    alch_collection *list = alch_push_object(L, sizeof *list, ALCH_LIST_INDEX, ALCH_LIST_METATABLE);

    list->tag = &alch_list_tag;
    list->attr = (uint32_t)i;
    lua_newtable(L);
    lua_setiuservalue(L, -2, ALCH_LIST_ITEMS);
    lua_pushvalue(L, obj);
    lua_setiuservalue(L, -2, ALCH_LIST_OWNER);
    lua_pushvalue(L, -1);
    alch_keep(L, st, s, i);
    return list;
}

alch_collection *alch_peek_collection(lua_State *L, int st, const alch_state *s, size_t i)
{
    if (alch_push_kept(L, st, s, i) == LUA_TUSERDATA)
        return lua_touserdata(L, -1);
    lua_pop(L, 1);
    return NULL;
}

alch_collection *alch_push_collection(lua_State *L, int obj, int st, alch_state *s, size_t i)
{
    alch_collection *list = alch_peek_collection(L, st, s, i);

    if (list == NULL)
        list = new_list(L, obj, st, s, i);
    if (!list->loaded && !(s->flags & ALCH_STATE_KEYED)) {
        list->loaded = list->fresh = 1;
        alch_put(s, ALCH_SET_VALUE, i);
    }
    return list;
}

/* -- the delta -- */

static void push_delta(lua_State *L, int list)
{
    if (lua_getiuservalue(L, list, ALCH_LIST_DELTA) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, list, ALCH_LIST_DELTA);
}

/* The item came (sign 1) or went (-1): two opposite notes cancel out. */
static void note(lua_State *L, int list, int item, int sign)
{
    alch_collection *l = lua_touserdata(L, list);
    lua_Integer old;

    if (l->fresh)
        return;
    push_delta(L, list);
    lua_pushvalue(L, item);
    lua_rawget(L, -2);
    old = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (old == 0 || (old > 0) != (sign > 0)) {
        lua_pushvalue(L, item);
        if (old == 0)
            lua_pushinteger(L, (lua_Integer)++l->stamp * sign);
        else
            lua_pushnil(L);
        lua_rawset(L, -3);
    }
    lua_pop(L, 1);
}

/* What the delta says of an item: its stamp, 0 if nothing. */
static lua_Integer noted(lua_State *L, int list, int item)
{
    lua_Integer stamp = 0;

    if (lua_getiuservalue(L, list, ALCH_LIST_DELTA) == LUA_TTABLE) {
        lua_pushvalue(L, item);
        lua_rawget(L, -2);
        stamp = lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return stamp;
}

static void forget_delta(lua_State *L, int list)
{
    lua_pushnil(L);
    lua_setiuservalue(L, list, ALCH_LIST_DELTA);
}

/* Pushes the delta's items of one sign, in the order in which they came. */
static void push_noted(lua_State *L, int list, int sign)
{
    const alch_collection *l = lua_touserdata(L, list);
    lua_Integer n = 0, stamp;
    int out, by_stamp;

    lua_newtable(L);
    out = lua_gettop(L);
    if (lua_getiuservalue(L, list, ALCH_LIST_DELTA) == LUA_TTABLE) {
        lua_newtable(L);
        by_stamp = lua_gettop(L);
        for (lua_pushnil(L); lua_next(L, by_stamp - 1); lua_pop(L, 1)) {
            stamp = lua_tointeger(L, -1) * sign;
            if (stamp > 0) {
                lua_pushvalue(L, -2);
                lua_rawseti(L, by_stamp, stamp);
            }
        }
        for (stamp = 1; stamp <= (lua_Integer)l->stamp; stamp++) {
            if (lua_rawgeti(L, by_stamp, stamp) != LUA_TNIL)
                lua_rawseti(L, out, ++n);
            else
                lua_pop(L, 1);
        }
    }
    lua_settop(L, out);
}

/* -- items -- */

/* The owner has something to flush. */
static void changed(lua_State *L, int list)
{
    const alch_collection *l = lua_touserdata(L, list);
    alch_state *s;

    lua_getiuservalue(L, list, ALCH_LIST_OWNER);
    s = alch_push_state(L, lua_gettop(L));
    if (s != NULL) {
        alch_put(s, ALCH_SET_CHANGED, l->attr);
        alch_modified(L, lua_gettop(L) - 1, s);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void alch_collection_delete(lua_State *L, int list, lua_Integer place)
{
    int item = lua_gettop(L) + 1;

    alch_items_get(L, list, place);
    alch_items_remove(L, list, place);
    if (alch_collection_find(L, list, item) == 0)
        note(L, list, item, -1);
    changed(L, list);
    lua_settop(L, item - 1);
}

/* May the item be in the list already, though its own side did not say so?
** A new object that was in it would have been told. */
static int may_hold(lua_State *L, int list, int item)
{
    const alch_collection *l = lua_touserdata(L, list);
    const alch_state *s;
    int may = 1;

    lua_getiuservalue(L, list, ALCH_LIST_OWNER);
    s = alch_push_state(L, lua_gettop(L));
    if (s != NULL && s->mapper->attrs[l->attr].direction == ALCH_ONETOMANY) {
        lua_pop(L, 1);
        s = alch_push_state(L, item);
        may = s == NULL || (s->flags & ALCH_STATE_KEYED);
    }
    lua_pop(L, s != NULL ? 2 : 1);
    return may;
}

/* An item that stands in the list already stands there twice now, but nothing came. */
static void insert(lua_State *L, int list, lua_Integer at, int item, int came)
{
    alch_items_insert(L, list, at, item);
    if (came)
        note(L, list, item, 1);
    changed(L, list);
}

void alch_collection_insert(lua_State *L, int list, lua_Integer at, int item)
{
    const alch_collection *l = lua_touserdata(L, list);
    int stands = !l->fresh && l->count > 0 && may_hold(L, list, item) && alch_collection_find(L, list, item) != 0;

    insert(L, list, at, item, !stands);
}

void alch_collection_join(lua_State *L, int list, int item)
{
    alch_collection *l = lua_touserdata(L, list);

    if (!l->loaded) {
        note(L, list, item, 1);
        changed(L, list);
    } else if (!may_hold(L, list, item) || alch_collection_find(L, list, item) == 0) {
        insert(L, list, (lua_Integer)l->count + 1, item, 1);
    }
}

void alch_collection_leave(lua_State *L, int list, int item)
{
    alch_collection *l = lua_touserdata(L, list);
    lua_Integer at;

    if (!l->loaded) {
        note(L, list, item, -1);
        changed(L, list);
        return;
    }
    while ((at = alch_collection_find(L, list, item)) != 0)
        alch_collection_delete(L, list, at);
}

/* -- whole lists -- */

/* Pushes a set of the first n items of the Lua list at 'items'. */
static void push_set(lua_State *L, int items, lua_Integer n)
{
    lua_Integer i;

    lua_createtable(L, 0, (int)n);
    for (i = 1; i <= n; i++) {
        lua_rawgeti(L, items, i);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            continue;
        }
        lua_pushboolean(L, 1);
        lua_rawset(L, -3);
    }
}

static int in_set(lua_State *L, int set, int item)
{
    int found;

    lua_pushvalue(L, item);
    found = lua_rawget(L, set) != LUA_TNIL;
    lua_pop(L, 1);
    return found;
}

/* Loaded items that the queue says have left are dropped. */
static lua_Integer copy_but_left(lua_State *L, int list, int items, int out)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, items), i, count = 0;

    for (i = 1; i <= n; i++) {
        lua_rawgeti(L, items, i);
        if (noted(L, list, lua_gettop(L)) < 0)
            lua_pop(L, 1);
        else
            lua_rawseti(L, out, ++count);
    }
    return count;
}

/* Queued additions follow the loaded items; one that was there after all is
** no addition, one that left and was not there no removal. */
static lua_Integer play_queue(lua_State *L, int list, int items, int out, lua_Integer count)
{
    int top = lua_gettop(L), sign;
    lua_Integer i, n;

    push_set(L, items, (lua_Integer)lua_rawlen(L, items));
    for (sign = -1; sign <= 1; sign += 2) {
        push_noted(L, list, sign);
        n = (lua_Integer)lua_rawlen(L, -1);
        for (i = 1; i <= n; i++) {
            lua_rawgeti(L, top + 2, i);
            if (in_set(L, top + 1, top + 3) == (sign > 0)) {
                note(L, list, top + 3, -sign);
                lua_pop(L, 1);
            } else if (sign > 0) {
                lua_rawseti(L, out, ++count);
            } else {
                lua_pop(L, 1);
            }
        }
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    return count;
}

/* Its items are the 'count' in the table on the top (popped). */
static void set_loaded(lua_State *L, int list, lua_Integer count)
{
    alch_collection *l = lua_touserdata(L, list);

    alch_items_set(L, list, count);
    l->loaded = 1;
    l->fresh = 0;
    lua_getiuservalue(L, list, ALCH_LIST_OWNER);
    if (lua_rawgeti(L, -1, ALCH_HIDDEN) == LUA_TUSERDATA)
        alch_put(lua_touserdata(L, -1), ALCH_SET_VALUE, l->attr);
    lua_pop(L, 2);
}

void alch_collection_fill(lua_State *L, int list, int items)
{
    lua_Integer count;
    int out;

    luaL_checkstack(L, 20, "collection");
    lua_createtable(L, (int)lua_rawlen(L, items), 0);
    out = lua_gettop(L);
    count = copy_but_left(L, list, items, out);
    if (lua_getiuservalue(L, list, ALCH_LIST_DELTA) == LUA_TTABLE)
        count = play_queue(L, list, items, out, count);
    lua_settop(L, out);
    set_loaded(L, list, count);
}

void alch_collection_take(lua_State *L, int list, int items)
{
    int queue;

    luaL_checkstack(L, 20, "collection");
    queue = lua_getiuservalue(L, list, ALCH_LIST_DELTA);
    lua_pop(L, 1);
    if (queue == LUA_TTABLE) {
        alch_collection_fill(L, list, items);
        return;
    }
    lua_pushvalue(L, items);
    set_loaded(L, list, (lua_Integer)lua_rawlen(L, items));
}

/* Tells every item of 'from' that is not in the set 'other'. */
static void tell(lua_State *L, int list, int from, lua_Integer n, int other, int joined)
{
    const alch_collection *l = lua_touserdata(L, list);
    int owner = lua_gettop(L) + 1, item = owner + 2;
    alch_state *s;
    lua_Integer i;

    lua_getiuservalue(L, list, ALCH_LIST_OWNER);
    s = alch_need_state(L, owner, "collection");
    for (i = 1; i <= n; i++) {
        lua_rawgeti(L, from, i);
        if (in_set(L, other, item)) {
            if (joined)         /* the other side may have brought it, which is no reason to save it */
                alch_cascade_save(L, s, l->attr, item);
            lua_pop(L, 1);
            continue;
        }
        note(L, list, item, joined ? 1 : -1);
        if (joined) {
            alch_link(L, owner, s, l->attr, item);
            alch_cascade_save(L, s, l->attr, item);
        } else {
            alch_unlink(L, owner, s, l->attr, item);
        }
        lua_pop(L, 1);
    }
    lua_settop(L, owner - 1);
}

void alch_collection_assign(lua_State *L, int list, int items)
{
    alch_collection *l = lua_touserdata(L, list);
    lua_Integer n = (lua_Integer)lua_rawlen(L, items), was = (lua_Integer)l->count;
    int top = lua_gettop(L);

    luaL_checkstack(L, 20, "collection");
    alch_items_push(L, list);
    push_set(L, top + 1, was);
    push_set(L, items, n);
    /* The items are in place before anybody is told, so that an item moving
    ** here finds itself in the list and does not join a second time. */
    lua_pushvalue(L, items);
    alch_items_set(L, list, n);
    tell(L, list, top + 1, was, top + 3, 0);
    tell(L, list, items, n, top + 2, 1);
    changed(L, list);
    lua_settop(L, top);
}

void alch_collection_commit(lua_State *L, int list)
{
    alch_collection *l = lua_touserdata(L, list);

    l->fresh = 0;
    l->stamp = 0;
    forget_delta(L, list);
}

void alch_collection_expire(lua_State *L, int list)
{
    alch_collection *l = lua_touserdata(L, list);

    alch_collection_commit(L, list);
    l->loaded = 0;
    lua_newtable(L);
    alch_items_set(L, list, 0);
}

/* Pushes the items of a loaded list that came since ('old' 0), or were there. */
static void push_loaded(lua_State *L, int list, int old)
{
    const alch_collection *l = lua_touserdata(L, list);
    int out = lua_gettop(L) + 1;
    lua_Integer i, n = 0;

    lua_createtable(L, old != l->fresh ? (int)l->count : 0, 0);
    if (old && l->fresh)
        return;
    alch_items_push(L, list);
    for (i = 1; i <= (lua_Integer)l->count; i++) {
        lua_rawgeti(L, out + 1, i);
        if (l->fresh || (noted(L, list, out + 2) <= 0) == old)
            lua_rawseti(L, out, ++n);
        else
            lua_pop(L, 1);
    }
    lua_settop(L, out);
}

void alch_collection_part(lua_State *L, int list, int part)
{
    const alch_collection *l = lua_touserdata(L, list);

    luaL_checkstack(L, 20, "collection");
    if (part == ALCH_PART_DELETED)
        push_noted(L, list, -1);
    else if (l->loaded)
        push_loaded(L, list, part == ALCH_PART_UNCHANGED);
    else if (part == ALCH_PART_ADDED)
        push_noted(L, list, 1);
    else
        lua_newtable(L);
}

void alch_collection_history(lua_State *L, int list)
{
    alch_collection_part(L, list, ALCH_PART_ADDED);
    alch_collection_part(L, list, ALCH_PART_UNCHANGED);
    alch_collection_part(L, list, ALCH_PART_DELETED);
}
