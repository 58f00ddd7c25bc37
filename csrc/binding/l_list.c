/* The list that a collection attribute shows: [i], #, ipairs, append, insert,
** remove, pop, clear, extend, contains. Anything that needs the items of an
** unloaded list loads it whole first, yielding if its session does. */
#include "binding/orm_host.h"

static alch_collection *check_list(lua_State *L, int idx)
{
    alch_collection *l = alch_test_tagged(L, idx, &alch_list_tag);

    return l != NULL ? l : luaL_checkudata(L, idx, ALCH_LIST_METATABLE);
}

/* Pushes owner and state; the list is at 1. */
static alch_state *push_owner(lua_State *L)
{
    lua_getiuservalue(L, 1, ALCH_LIST_OWNER);
    return alch_need_state(L, lua_gettop(L), "collection");
}

/* -- operations on a loaded list; the arguments stand from 2 on -- */

static void raise_not_in(lua_State *L)
{
    const alch_collection *l = lua_touserdata(L, 1);
    const alch_state *s = push_owner(L);

    alch_raisef(L, ALCH_ERR_INVALID, "%s.%s does not hold this object", s->mapper->class_name,
        s->mapper->attrs[l->attr].name);
}

static void add_item(lua_State *L, lua_Integer at, int item)
{
    const alch_collection *l = lua_touserdata(L, 1);
    int owner = lua_gettop(L) + 1;
    alch_state *s = push_owner(L);

    alch_check_target(L, owner + 1, s, l->attr, item);
    alch_collection_insert(L, 1, at, item);
    alch_link(L, owner, s, l->attr, item);
    alch_cascade_save(L, s, l->attr, item);
    lua_settop(L, owner - 1);
}

/* Takes the item in a place out and leaves it on the stack. */
static void take_item(lua_State *L, lua_Integer place)
{
    const alch_collection *l = lua_touserdata(L, 1);
    int item = lua_gettop(L) + 1, owner = item + 1;
    alch_state *s;

    alch_items_get(L, 1, place);
    s = push_owner(L);
    alch_collection_delete(L, 1, place);
    if (alch_collection_find(L, 1, item) == 0)
        alch_unlink(L, owner, s, l->attr, item);
    lua_settop(L, item);
}

static int op_append(lua_State *L)
{
    const alch_collection *l = lua_touserdata(L, 1);

    add_item(L, (lua_Integer)l->count + 1, 2);
    return 0;
}

static int op_insert(lua_State *L)
{
    const alch_collection *l = lua_touserdata(L, 1);
    lua_Integer at = luaL_checkinteger(L, 2);

    luaL_argcheck(L, at >= 1 && at <= (lua_Integer)l->count + 1, 2, "position out of bounds");
    add_item(L, at, 3);
    return 0;
}

static int op_remove(lua_State *L)
{
    lua_Integer place = alch_collection_find(L, 1, 2);

    if (place == 0)
        raise_not_in(L);
    take_item(L, place);
    return 0;
}

static int op_pop(lua_State *L)
{
    const alch_collection *l = lua_touserdata(L, 1);
    lua_Integer at = luaL_optinteger(L, 2, (lua_Integer)l->count);

    if (l->count == 0 && lua_isnoneornil(L, 2))
        return 0;
    luaL_argcheck(L, at >= 1 && at <= (lua_Integer)l->count, 2, "position out of bounds");
    take_item(L, alch_items_place(L, 1, at));
    return 1;
}

static int op_clear(lua_State *L)
{
    lua_newtable(L);
    alch_collection_assign(L, 1, lua_gettop(L));
    return 0;
}

static int op_extend(lua_State *L)
{
    const alch_collection *l = lua_touserdata(L, 1);
    lua_Integer n = luaL_len(L, 2), i;

    for (i = 1; i <= n; i++) {
        lua_geti(L, 2, i);
        add_item(L, (lua_Integer)l->count + 1, lua_gettop(L));
        lua_settop(L, 2);
    }
    return 0;
}

static int op_contains(lua_State *L)
{
    lua_pushboolean(L, alch_collection_find(L, 1, 2) != 0);
    return 1;
}

static int op_get(lua_State *L)
{
    const alch_collection *l = lua_touserdata(L, 1);
    int whole;
    lua_Integer at = lua_tointegerx(L, 2, &whole);

    if (!whole || at < 1 || at > (lua_Integer)l->count)
        return 0;
    alch_items_get(L, 1, alch_items_place(L, 1, at));
    return 1;
}

static int op_len(lua_State *L)
{
    const alch_collection *l = lua_touserdata(L, 1);

    lua_pushinteger(L, (lua_Integer)l->count);
    return 1;
}

/* list[i] = x. The object that stood there stays a member while it stands
** elsewhere in the list, so table.insert and table.remove, which shift slot
** by slot, change membership only where it really changes. */
static int op_set(lua_State *L)
{
    const alch_collection *l = lua_touserdata(L, 1);
    lua_Integer at = luaL_checkinteger(L, 2), n = (lua_Integer)l->count;

    luaL_argcheck(L, at >= 1 && at <= n + 1, 2, "position out of bounds: lists have no holes");
    if (lua_isnil(L, 3)) {
        luaL_argcheck(L, at >= n, 3, "only the last item of a list can be set to nil; use :remove or :pop");
        if (at == n)
            take_item(L, alch_items_place(L, 1, at));
        return 0;
    }
    if (at == n + 1) {
        if (alch_collection_find(L, 1, 3) == 0)
            add_item(L, at, 3);
        else
            alch_collection_insert(L, 1, at, 3);
        return 0;
    }
    alch_items_get(L, 1, alch_items_place(L, 1, at));
    if (!lua_rawequal(L, -1, 3)) {
        int known = alch_collection_find(L, 1, 3) != 0;

        take_item(L, alch_items_place(L, 1, at));
        if (known)
            alch_collection_insert(L, 1, at, 3);
        else
            add_item(L, at, 3);
    }
    return 0;
}

static int next_item(lua_State *L)
{
    const alch_collection *l = check_list(L, 1);
    lua_Integer i = luaL_checkinteger(L, 2);

    if (i < 0 || i >= (lua_Integer)l->count)
        return 0;
    lua_pushinteger(L, i + 1);
    alch_items_get(L, 1, alch_items_place(L, 1, i + 1));
    return 2;
}

static int op_pairs(lua_State *L)
{
    lua_pushcfunction(L, next_item);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

/* -- loading first -- */

typedef struct operation {
    const char *name;
    lua_CFunction run;
    int unloaded;       /* works on an unloaded list, by queueing */
    int changes;        /* the list: a guarded attribute's host is asked to do it */
} operation;

static void queue_append(lua_State *L, int item)
{
    const alch_collection *l = lua_touserdata(L, 1);
    int owner = lua_gettop(L) + 1;
    alch_state *s = push_owner(L);

    alch_check_target(L, owner + 1, s, l->attr, item);
    alch_collection_join(L, 1, item);
    alch_link(L, owner, s, l->attr, item);
    alch_cascade_save(L, s, l->attr, item);
}

static int op_append_any(lua_State *L)
{
    const alch_collection *l = lua_touserdata(L, 1);

    if (l->loaded)
        return op_append(L);
    queue_append(L, 2);
    return 0;
}

static void queue_removal(lua_State *L, int item)
{
    const alch_collection *l = lua_touserdata(L, 1);
    int owner = lua_gettop(L) + 1;
    alch_state *s = push_owner(L);

    alch_check_target(L, owner + 1, s, l->attr, item);
    alch_collection_leave(L, 1, item);
    alch_unlink(L, owner, s, l->attr, item);
}

/* The same as remove, without loading the collection to see whether it is there. */
static int op_release(lua_State *L)
{
    const alch_collection *l = lua_touserdata(L, 1);

    if (l->loaded)
        return op_remove(L);
    queue_removal(L, 2);
    return 0;
}

static const operation operations[] = {
    { "append", op_append_any, 1, 1 }, { "insert", op_insert, 0, 1 }, { "remove", op_remove, 0, 1 },
    { "pop", op_pop, 0, 1 }, { "clear", op_clear, 0, 1 }, { "extend", op_extend, 0, 1 },
    { "release", op_release, 1, 1 }, { "contains", op_contains, 0, 0 }, { "__len", op_len, 0, 0 }, { "__newindex", op_set, 0, 1 },
    { "__pairs", op_pairs, 0, 0 }, { "get", op_get, 0, 0 }
};

enum { OPERATIONS = sizeof operations / sizeof operations[0], GET = OPERATIONS - 1 };

static int finish(lua_State *L, int status, lua_KContext which)
{
    alch_collection *l = lua_touserdata(L, 1);

    (void)status;
    if (!l->loaded)     /* the loader may have filled it itself */
        alch_finish_load(L, 1);
    lua_settop(L, 3);
    return operations[which].run(L);
}

static int run(lua_State *L, lua_KContext which)
{
    alch_collection *l = lua_touserdata(L, 1);

    lua_settop(L, 3);
    if (l->loaded || operations[which].unloaded)
        return operations[which].run(L);
    push_owner(L);
    if (!alch_begin_load(L, 4, 5, l->attr)) {
        lua_settop(L, 3);
        return operations[which].run(L);
    }
    lua_callk(L, 2, 1, which, finish);
    return finish(L, LUA_OK, which);
}

static int finish_guard(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 1;
}

/* property:change_list(operation, list, ...) does it, with core.list_operations. */
static int ask_host(lua_State *L, lua_KContext which)
{
    const alch_collection *l = lua_touserdata(L, 1);

    lua_settop(L, 3);
    push_owner(L);
    alch_push_property(L, 5, l->attr);
    lua_getfield(L, -1, "change_list");
    lua_insert(L, -2);
    lua_pushstring(L, operations[which].name);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_callk(L, 5, 1, 0, finish_guard);
    return 1;
}

static int is_guarded(lua_State *L, lua_KContext which)
{
    const alch_collection *l = lua_touserdata(L, 1);
    int guarded;

    if (!operations[which].changes)
        return 0;
    guarded = push_owner(L)->mapper->attrs[l->attr].flags & ALCH_ATTR_GUARDED;
    lua_pop(L, 2);
    return guarded;
}

/* Upvalues: which operation; is it the host's own call? */
static int l_method(lua_State *L)
{
    lua_KContext which = (lua_KContext)lua_tointeger(L, lua_upvalueindex(1));

    check_list(L, 1);
    if (!lua_toboolean(L, lua_upvalueindex(2)) && is_guarded(L, which))
        return ask_host(L, which);
    return run(L, which);
}

/* core.list_changes(list) -> a number that is another one after each change */
static int l_changes(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)check_list(L, 1)->changes);
    return 1;
}

/* core.list_owner(list) -> the instance it belongs to, the property */
static int l_owner(lua_State *L)
{
    const alch_collection *l = check_list(L, 1);

    lua_settop(L, 1);
    push_owner(L);
    alch_push_property(L, 3, l->attr);
    lua_remove(L, 3);
    return 2;
}

/* core.is_list(value): the collection of an object, as the core keeps it? */
static int l_is_list(lua_State *L)
{
    lua_pushboolean(L, alch_test_tagged(L, 1, &alch_list_tag) != NULL);
    return 1;
}

/* core.list_loaded(list) */
static int l_loaded(lua_State *L)
{
    lua_pushboolean(L, check_list(L, 1)->loaded);
    return 1;
}

/* The operations as functions that ask nobody. */
static void push_operations(lua_State *L)
{
    lua_Integer i;

    lua_createtable(L, 0, OPERATIONS);
    for (i = 0; i < OPERATIONS; i++) {
        lua_pushinteger(L, i);
        lua_pushboolean(L, 1);
        lua_pushcclosure(L, l_method, 2);
        lua_setfield(L, -2, operations[i].name);
    }
}

/* list[i] and list.append; the methods are upvalue 1. */
static int l_index(lua_State *L)
{
    const alch_collection *l = check_list(L, 1);

    if (lua_type(L, 2) == LUA_TNUMBER) {
        if (l->loaded)
            return op_get(L);
        return run(L, GET);
    }
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    return 1;
}

static int l_tostring(lua_State *L)
{
    const alch_collection *l = check_list(L, 1);
    const alch_state *s = push_owner(L);

    if (l->loaded)
        lua_pushfstring(L, "%s.%s: %d objects", s->mapper->class_name, s->mapper->attrs[l->attr].name, (int)l->count);
    else
        lua_pushfstring(L, "%s.%s: not loaded", s->mapper->class_name, s->mapper->attrs[l->attr].name);
    return 1;
}

void alch_open_list(lua_State *L)
{
    lua_Integer i;

    lua_pushcfunction(L, l_changes);
    lua_setfield(L, -2, "list_changes");
    lua_pushcfunction(L, l_owner);
    lua_setfield(L, -2, "list_owner");
    lua_pushcfunction(L, l_is_list);
    lua_setfield(L, -2, "is_list");
    lua_pushcfunction(L, l_loaded);
    lua_setfield(L, -2, "list_loaded");
    push_operations(L);
    lua_setfield(L, -2, "list_operations");
    if (!alch_new_metatable(L, ALCH_LIST_METATABLE, NULL)) {
        lua_pop(L, 1);
        return;
    }
    lua_newtable(L);
    for (i = 0; i < OPERATIONS; i++) {
        int meta = operations[i].name[0] == '_';

        lua_pushinteger(L, i);
        lua_pushboolean(L, 0);
        lua_pushcclosure(L, l_method, 2);
        lua_setfield(L, meta ? -3 : -2, operations[i].name);
    }
    lua_pushcclosure(L, l_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}
