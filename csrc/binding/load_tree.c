/* What rows bring of relationships: objects below objects. */
#include "binding/load.h"

/* The parent's attribute that the entity fills, in the state's own plan: a
** subclass has its attributes in other places. */
static size_t attr_of(const alch_state *s, const alch_entity *e)
{
    const alch_attr *a = &e->owner->attrs[e->attr];
    int i;

    if (s->mapper == e->owner)
        return e->attr;
    i = alch_mapper_find(s->mapper, a->name, a->len);
    return i == ALCH_NO_ATTR ? s->mapper->count : (size_t)i;
}

/* Is there such an attribute, and is it not loaded? */
static int is_missing(const alch_state *s, size_t attr)
{
    return attr < s->mapper->count && !alch_known(s, attr);
}

/* -- one object ----------------------------------------------------------- */

/* The object on the top (or nil) becomes the owner's, who does not know it yet. Pops it. */
static void set_object(lua_State *L, const alch_entity *e, int obj)
{
    int value = lua_gettop(L);
    alch_state *s = alch_push_state(L, obj);
    size_t attr;

    if (s != NULL && is_missing(s, attr = attr_of(s, e))) {
        lua_pushvalue(L, value);
        alch_store_clean(L, value + 1, s, attr);
    }
    lua_settop(L, value - 1);
}

/* -- collections ---------------------------------------------------------- */

/* Puts the items of the owner at 'obj' in their place on the stack: a new list
** at first sight, false if the collection was loaded before. */
static void find_items(lua_State *L, alch_entity *e, int obj, int filling)
{
    int top = lua_gettop(L), items = filling - ALCH_OF_FILLING + ALCH_OF_ITEMS;
    const alch_state *s;

    lua_pushvalue(L, obj);
    if (lua_rawget(L, filling) == LUA_TNIL) {
        s = alch_push_state(L, obj);
        lua_settop(L, top);
        if (s != NULL && is_missing(s, attr_of(s, e)))
            lua_newtable(L);
        else
            lua_pushboolean(L, 0);
        lua_pushvalue(L, obj);
        lua_pushvalue(L, top + 1);
        lua_rawset(L, filling);
    }
    e->item_count = lua_istable(L, top + 1) ? (lua_Integer)lua_rawlen(L, top + 1) : 0;
    e->last_owner = lua_topointer(L, obj);
    lua_replace(L, items);
}

void alch_load_append(lua_State *L, alch_loader *l, int items, lua_Integer *n)
{
    alch_err err;
    int added = l->distinct ? 1 : alch_pairs_add(&l->pairs, lua_topointer(L, items), lua_topointer(L, -1), &err);

    if (added < 0)
        alch_raise(L, &err);
    if (added)
        lua_rawseti(L, items, ++*n);
    else
        lua_pop(L, 1);
}

/* The object on the top (or nil) belongs to the owner's collection. Pops it. */
static void add_item(lua_State *L, alch_loader *l, alch_entity *e, int obj, int filling)
{
    int items = filling - ALCH_OF_FILLING + ALCH_OF_ITEMS;

    if (e->last_owner != lua_topointer(L, obj))
        find_items(L, e, obj, filling);
    if (lua_istable(L, items) && !lua_isnil(L, -1))
        alch_load_append(L, l, items, &e->item_count);
    else
        lua_pop(L, 1);
}

void alch_load_below(lua_State *L, alch_loader *l, size_t i, int obj, const alch_load_frame *f)
{
    alch_entity *parent = &l->entities[i], *e;
    int at;

    luaL_checkstack(L, 12, "relationships");
    for (at = parent->first_child; at >= 0; at = e->next) {
        e = &l->entities[at];
        alch_load_object(L, l, (size_t)at, f);
        if (e->owner->attrs[e->attr].kind == ALCH_ATTR_LIST)
            add_item(L, l, e, obj, alch_load_anchor(f, (size_t)at, ALCH_OF_FILLING));
        else
            set_object(L, e, obj);
    }
}

/* Gives the items at 'items' to their owner at 'obj'. */
static void give(lua_State *L, const alch_entity *e, int obj, int items)
{
    int top = lua_gettop(L);
    alch_state *s = alch_push_state(L, obj);
    size_t attr;

    if (s != NULL && is_missing(s, attr = attr_of(s, e))) {
        alch_push_collection(L, obj, top + 1, s, attr);
        alch_collection_take(L, top + 2, items);
    }
    lua_settop(L, top);
}

static void fill_all(lua_State *L, const alch_entity *e, int filling)
{
    int top = lua_gettop(L);

    for (lua_pushnil(L); lua_next(L, filling); lua_settop(L, top + 1))
        if (lua_istable(L, top + 2))
            give(L, e, top + 1, top + 2);
}

void alch_load_fill(lua_State *L, alch_loader *l, const alch_load_frame *f)
{
    size_t i;
    int at;

    if (!l->has_lists)
        return;
    luaL_checkstack(L, 20, "relationships");
    for (i = 0; i < l->total; i++) {
        const alch_entity *parent = &l->entities[i];

        for (at = parent->m != NULL ? parent->first_child : -1; at >= 0; at = l->entities[at].next)
            if (l->entities[at].owner->attrs[l->entities[at].attr].kind == ALCH_ATTR_LIST)
                fill_all(L, &l->entities[at], alch_load_anchor(f, (size_t)at, ALCH_OF_FILLING));
    }
    alch_pairs_release(&l->pairs);
}

/* -- distributing --------------------------------------------------------- */

size_t alch_load_positions(lua_State *L, const alch_loader *l, int list, int *positions)
{
    lua_Integer i, n = (lua_Integer)lua_rawlen(L, list);

    luaL_argcheck(L, n >= 1 && n <= ALCH_KEY_MAX && l->run->shape != NULL, list, "one to 16 columns make up a key");
    for (i = 0; i < n; i++) {
        lua_rawgeti(L, list, i + 1);
        positions[i] = (int)luaL_checkinteger(L, -1) - 1;
        luaL_argcheck(L, positions[i] >= 0 && positions[i] < l->run->shape->n, list, "no such column");
        lua_pop(L, 1);
    }
    return (size_t)n;
}

/* Gathers the row's key; is it the one whose items are at hand? Told of whole numbers only. */
static int is_same_group(alch_loader *l, const int *positions, size_t n)
{
    int same = l->group_owner != NULL;
    size_t i;

    for (i = 0; i < n; i++) {
        const alch_value *cell = &l->run->cells[positions[i]];

        same = same && cell->kind == ALCH_INT && l->group[i].kind == ALCH_INT
            && cell->as.integer == l->group[i].as.integer;
        l->group[i] = *cell;
    }
    return same;
}

void alch_load_distribute(lua_State *L, alch_loader *l, int lists, int items, const int *positions, size_t n,
                          const alch_load_frame *f)
{
    if (!is_same_group(l, positions, n)) {
        alch_push_key(L, l->group, n);
        lua_rawget(L, lists);
        l->group_owner = lua_topointer(L, -1);
        l->group_count = lua_istable(L, -1) ? (lua_Integer)lua_rawlen(L, -1) : 0;
        lua_replace(L, items);
    }
    alch_load_object(L, l, 0, f);
    if (lua_istable(L, items) && !lua_isnil(L, -1))
        alch_load_append(L, l, items, &l->group_count);
    else
        lua_pop(L, 1);
}
