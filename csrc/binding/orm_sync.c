/* What a flush does along relationships: keys are copied from the object that
** has them to the one that refers to it, and blanked where it refers no more. */
#include "binding/orm_host.h"

#include "binding/orm_flush.h"

/* -- one pair of objects -------------------------------------------------- */

static int find_remote(const alch_mapper *m, const alch_sync *pair)
{
    return pair->remote == NULL ? ALCH_NO_ATTR : alch_mapper_find(m, pair->remote, pair->remote_len);
}

/* Pushes the value of an attribute whose object was expired, where it is part
** of the primary key: the identity still knows it. nil otherwise. */
static void push_from_identity(lua_State *L, int st, const alch_state *s, size_t i)
{
    alch_value values[ALCH_KEY_MAX];
    const alch_mapper *m = s->mapper;
    size_t k;

    for (k = 0; k < m->key_count && m->keys[k] != i; k++)
        ;
    if (k == m->key_count || !(s->flags & ALCH_STATE_KEYED)) {
        lua_pushnil(L);
        return;
    }
    alch_push_state_key(L, st, s);
    alch_unpack_key(L, lua_gettop(L), m, values);
    alch_push_cell(L, s->readers, i, &values[k]);
    lua_replace(L, -2);
}

/* Copies attribute 'from' of one object to 'to' of another; what was written
** by a flush is marked GIVEN, for a rollback to take back. */
static void copy_value(lua_State *L, int source, size_t from, int obj, int st, size_t to)
{
    alch_state *s = lua_touserdata(L, st), *src = lua_touserdata(L, source);
    int same;

    if (alch_known(src, from))
        alch_push_value(L, source, src, from);
    else
        push_from_identity(L, source, src, from);
    alch_push_value(L, st, s, to);
    same = alch_known(s, to) && lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    if (same) {
        lua_pop(L, 1);
        return;
    }
    alch_store(L, obj, st, s, to);
    alch_put(s, ALCH_SET_GIVEN, to);
}

static void refuse_blank(lua_State *L, const alch_mapper *m, size_t i, const char *relationship)
{
    alch_raisef(L, ALCH_ERR_FLUSH,
        "%s: an object left the relationship, and its %s.%s, part of its primary key, cannot be set to NULL; delete the object "
        "(session:delete, or cascade \"all, delete-orphan\"), or give it another parent", relationship, m->class_name, m->attrs[i].name);
}

static void blank(lua_State *L, int obj, int st, size_t i, const char *relationship)
{
    alch_state *s = lua_touserdata(L, st);

    if (alch_known(s, i)) {
        int empty;

        alch_push_value(L, st, s, i);
        empty = lua_isnil(L, -1);
        lua_pop(L, 1);
        if (empty)
            return;
    }
    if (s->mapper->attrs[i].flags & ALCH_ATTR_KEY)
        refuse_blank(L, s->mapper, i, relationship);
    lua_pushnil(L);
    alch_store(L, obj, st, s, i);
}

/* A relationship leads to an object that is in no session: whoever runs the flush is to say so. */
static void note_stray(lua_State *L, int st, size_t rel, int object, int out)
{
    lua_Integer n = (lua_Integer)lua_rawlen(L, out);

    lua_pushvalue(L, object);
    lua_rawseti(L, out, n + 1);
    alch_push_property(L, st, rel);
    lua_rawseti(L, out, n + 2);
}

/* The parent's key goes to a child of a one-to-many. */
static void push_key_down(lua_State *L, int parent, size_t rel, int child, int strays)
{
    const alch_state *p = lua_touserdata(L, parent);
    const alch_attr *a = &p->mapper->attrs[rel];
    const alch_state *c = alch_push_state(L, child);
    size_t i;
    int to;

    if (c != NULL && c->session == 0)
        note_stray(L, parent, rel, child, strays);
    for (i = 0; c != NULL && c->session != 0 && i < a->sync_count; i++) {
        to = find_remote(c->mapper, &a->sync[i]);
        if (to != ALCH_NO_ATTR && a->sync[i].local != ALCH_NO_ATTR)
            copy_value(L, parent, (size_t)a->sync[i].local, child, lua_gettop(L), (size_t)to);
    }
    if (c != NULL)
        lua_pop(L, 1);
}

/* A child of a one-to-many has lost its parent. */
static void blank_child(lua_State *L, const alch_attr *a, int child)
{
    alch_state *c = alch_push_state(L, child);
    size_t i;
    int to;

    if (c == NULL)
        return;
    for (i = 0; i < a->sync_count; i++) {
        to = find_remote(c->mapper, &a->sync[i]);
        if (to != ALCH_NO_ATTR)
            blank(L, child, lua_gettop(L), (size_t)to, a->name);
    }
    lua_pop(L, 1);
}

/* -- orphans -------------------------------------------------------------- */

/* Did the parent that took it in last let it go? 'unknown' if it never had to do with one. */
static int was_let_go(lua_State *L, int st, const alch_state *s, const void *id, int unknown)
{
    int top = lua_gettop(L), gone = unknown;

    if ((s->flags & ALCH_STATE_AUX) && lua_getiuservalue(L, st, alch_uv_extra(s->mapper)) == LUA_TTABLE && lua_rawgetp(L, -1, id) != LUA_TNIL)
        gone = !lua_toboolean(L, -1);
    lua_settop(L, top);
    return gone;
}

/* The child left a delete-orphan relationship. It is an orphan unless another
** parent took it in, or it is a row that nobody spoke of. */
static int is_orphan(lua_State *L, const alch_attr *a, int child)
{
    const alch_state *c = alch_push_state(L, child);
    int orphan;

    if (c == NULL)
        return 0;
    orphan = was_let_go(L, lua_gettop(L), c, a->id, !(c->flags & ALCH_STATE_KEYED));
    lua_pop(L, 1);
    return orphan;
}

/* One that never had a parent, such as the root of a tree, is none. */
int alch_is_let_go(lua_State *L, int st, const alch_state *s, const void *id)
{
    return (s->life == ALCH_PENDING || s->life == ALCH_PERSISTENT) && was_let_go(L, st, s, id, 0);
}

int alch_may_be_held(lua_State *L, int st, const alch_state *s, const void *id)
{
    return !was_let_go(L, st, s, id, s->life != ALCH_PERSISTENT);
}

/* -- walking -------------------------------------------------------------- */

/* Appends the value on the top to the list at 'out'. */
static void append(lua_State *L, int out)
{
    lua_rawseti(L, out, (lua_Integer)lua_rawlen(L, out) + 1);
}

static int leaves_session(const alch_state *c)
{
    return c == NULL || c->session == 0 || (c->flags & ALCH_IN_DELETED) || c->life == ALCH_DELETED;
}

/* Does the child itself refer to another parent by now, whose key it will get? */
static int has_moved(lua_State *L, const alch_attr *a, int child, int parent_st)
{
    alch_state *c = alch_push_state(L, child);
    int top = lua_gettop(L), mirror, moved = 0;

    if (c == NULL)
        return 0;
    mirror = a->reverse == NULL ? ALCH_NO_ATTR : alch_mapper_find(c->mapper, a->reverse, a->reverse_len);
    if (mirror != ALCH_NO_ATTR && alch_has(c, ALCH_SET_CHANGED, (size_t)mirror)
        && c->mapper->attrs[mirror].kind == ALCH_ATTR_OBJECT
        && alch_push_kept(L, top, c, (size_t)mirror) == LUA_TTABLE) {
        const alch_state *p = alch_push_state(L, top + 1);

        moved = p != NULL && p != lua_touserdata(L, parent_st) && !leaves_session(p);
    }
    lua_settop(L, top - 1);
    return moved;
}

/* One object that left a one-to-many, or whose parent goes. */
static void release_child(lua_State *L, const alch_attr *a, int child, int parent_st, int orphans)
{
    const alch_state *c = alch_push_state(L, child);
    int gone = leaves_session(c);

    if (c != NULL)
        lua_pop(L, 1);
    if ((a->flags & ALCH_ATTR_DELETE_ORPHAN) && is_orphan(L, a, child)) {
        lua_pushvalue(L, child);
        append(L, orphans);
    } else if (!gone && !has_moved(L, a, child, parent_st)) {
        blank_child(L, a, child);
    }
}

/* Pushes the objects of one part of a relationship's history. */
static void push_part(lua_State *L, int st, alch_state *s, size_t i, int part)
{
    int top = lua_gettop(L);

    if (s->mapper->attrs[i].kind == ALCH_ATTR_LIST) {
        if (alch_peek_collection(L, st, s, i) == NULL) {
            lua_newtable(L);
            return;
        }
        alch_collection_part(L, top + 1, part);
        lua_remove(L, top + 1);
        return;
    }
    lua_newtable(L);
    if (part == ALCH_PART_DELETED && alch_has(s, ALCH_SET_CHANGED, i) && alch_push_base(L, st, s, i)) {
        if (lua_istable(L, -1) && !alch_unchanged(L, st, s, i))
            lua_rawseti(L, top + 1, 1);
    } else if (part != ALCH_PART_DELETED && alch_has(s, ALCH_SET_VALUE, i)
               && (part == ALCH_PART_ADDED) == (alch_has(s, ALCH_SET_CHANGED, i) || !(s->flags & ALCH_STATE_KEYED))) {
        if (alch_push_kept(L, st, s, i) == LUA_TTABLE)
            lua_rawseti(L, top + 1, 1);
    }
    lua_settop(L, top + 1);
}

typedef void (*visit)(lua_State *L, int st, size_t rel, int child, int out);

static void each(lua_State *L, int st, alch_state *s, size_t i, int part, visit fn, int out)
{
    int list = lua_gettop(L) + 1;
    lua_Integer k, n;

    push_part(L, st, s, i, part);
    n = (lua_Integer)lua_rawlen(L, list);
    for (k = 1; k <= n; k++) {
        lua_rawgeti(L, list, k);
        fn(L, st, i, list + 1, out);
        lua_settop(L, list);
    }
    lua_settop(L, list - 1);
}

static void visit_release(lua_State *L, int st, size_t rel, int child, int out)
{
    const alch_state *s = lua_touserdata(L, st);

    release_child(L, &s->mapper->attrs[rel], child, st, out);
}

/* What left a reference, or a many-to-many, of delete-orphan: there is nothing to blank. */
static void visit_orphan(lua_State *L, int st, size_t rel, int child, int out)
{
    const alch_state *s = lua_touserdata(L, st);

    if (is_orphan(L, &s->mapper->attrs[rel], child)) {
        lua_pushvalue(L, child);
        append(L, out);
    }
}

static void visit_push(lua_State *L, int st, size_t rel, int child, int out)
{
    push_key_down(L, st, rel, child, out);
}

static int is_flushed(const alch_attr *a, int direction)
{
    return a->kind != ALCH_ATTR_COLUMN && a->kind != ALCH_ATTR_PROXY && a->direction == direction
        && !(a->flags & ALCH_ATTR_VIEWONLY);
}

/* Has the relationship anything new to say? All of a new object's does. */
static int has_news(const alch_state *s, size_t i)
{
    return alch_has(s, ALCH_SET_CHANGED, i) || !(s->flags & ALCH_STATE_KEYED);
}

void alch_sync_removed(lua_State *L, int st, alch_state *s, int orphans)
{
    size_t i;

    for (i = s->mapper->columns; i < s->mapper->count; i++) {
        const alch_attr *a = &s->mapper->attrs[i];

        if (!alch_has(s, ALCH_SET_CHANGED, i))
            continue;
        if (is_flushed(a, ALCH_ONETOMANY))
            each(L, st, s, i, ALCH_PART_DELETED, visit_release, orphans);
        else if ((a->flags & ALCH_ATTR_DELETE_ORPHAN) && is_flushed(a, a->direction))
            each(L, st, s, i, ALCH_PART_DELETED, visit_orphan, orphans);
    }
}

void alch_sync_deleted(lua_State *L, int st, alch_state *s, int orphans)
{
    size_t i;

    for (i = s->mapper->columns; i < s->mapper->count; i++) {
        if (!is_flushed(&s->mapper->attrs[i], ALCH_ONETOMANY) || (s->mapper->attrs[i].flags & ALCH_ATTR_PASSIVE))
            continue;
        each(L, st, s, i, ALCH_PART_UNCHANGED, visit_release, orphans);
        each(L, st, s, i, ALCH_PART_DELETED, visit_release, orphans);
    }
}

/* Are its keys copied from object to object here? */
static int copies_keys(const alch_attr *a, int direction)
{
    return is_flushed(a, direction) && !(a->flags & ALCH_ATTR_POST_UPDATE);
}

void alch_sync_down(lua_State *L, int st, alch_state *s, int strays)
{
    size_t i;

    for (i = s->mapper->columns; i < s->mapper->count; i++)
        if (copies_keys(&s->mapper->attrs[i], ALCH_ONETOMANY) && has_news(s, i))
            each(L, st, s, i, ALCH_PART_ADDED, visit_push, strays);
}

/* Copies the key of what a many-to-one refers to, or blanks ours. */
static void pull_key(lua_State *L, int obj, int st, alch_state *s, size_t rel, int strays)
{
    const alch_attr *a = &s->mapper->attrs[rel];
    int top = lua_gettop(L), from;
    const alch_state *t = NULL;
    size_t i;

    if (alch_push_kept(L, st, s, rel) == LUA_TTABLE)
        t = alch_push_state(L, top + 1);
    if (t != NULL && t->session == 0) {
        note_stray(L, st, rel, top + 1, strays);
        lua_settop(L, top);
        return;
    }
    for (i = 0; i < a->sync_count; i++) {
        if (a->sync[i].local == ALCH_NO_ATTR)
            continue;
        if (t == NULL) {
            blank(L, obj, st, (size_t)a->sync[i].local, a->name);
        } else if (!leaves_session(t)) {
            from = find_remote(t->mapper, &a->sync[i]);
            if (from != ALCH_NO_ATTR)
                copy_value(L, top + 2, (size_t)from, obj, st, (size_t)a->sync[i].local);
        }
    }
    lua_settop(L, top);
}

void alch_sync_up(lua_State *L, int obj, int st, alch_state *s, int strays)
{
    size_t i;

    for (i = s->mapper->columns; i < s->mapper->count; i++)
        if (copies_keys(&s->mapper->attrs[i], ALCH_MANYTOONE) && alch_has(s, ALCH_SET_CHANGED, i)
            && alch_has(s, ALCH_SET_VALUE, i))
            pull_key(L, obj, st, s, i, strays);
}
