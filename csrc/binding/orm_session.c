/* What a session holds: lists of new, modified and deleted objects, and the
** identity map. */
#include "binding/orm_host.h"

/* Its address in the registry: session number -> userdata, weak. */
static const char sessions = 0;

static const uint8_t list_flag[] = { ALCH_IN_NEW, ALCH_IN_MODIFIED, ALCH_IN_DELETED };

int alch_push_session(lua_State *L, uint32_t number)
{
    if (number == 0)
        return 0;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &sessions) == LUA_TTABLE
        && lua_rawgeti(L, -1, (lua_Integer)number) == LUA_TUSERDATA) {
        lua_replace(L, -2);
        return 1;
    }
    lua_pop(L, lua_istable(L, -1) ? 1 : 2);
    return 0;
}

void alch_register_session(lua_State *L, int session)
{
    alch_session *l = lua_touserdata(L, session);

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &sessions) != LUA_TTABLE) {
        lua_pop(L, 1);
        alch_push_weak_table(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &sessions);
    }
    lua_getfield(L, -1, "last");
    l->number = (uint32_t)lua_tointeger(L, -1) + 1;
    lua_pop(L, 1);
    lua_pushinteger(L, (lua_Integer)l->number);
    lua_setfield(L, -2, "last");
    lua_pushvalue(L, session);
    lua_rawseti(L, -2, (lua_Integer)l->number);
    lua_pop(L, 1);
}

void alch_watch_sessions(lua_State *L)
{
    int top = lua_gettop(L);

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &sessions) == LUA_TTABLE)
        for (lua_pushnil(L); lua_next(L, top + 1); lua_pop(L, 1))
            if (lua_type(L, -1) == LUA_TUSERDATA)
                ((alch_session *)lua_touserdata(L, -1))->watched = 1;
    lua_settop(L, top);
}

void alch_push_session_objects(lua_State *L)
{
    int list, all;

    lua_newtable(L);
    list = lua_gettop(L);
    all = list + 1;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &sessions) == LUA_TTABLE)
        for (lua_pushnil(L); lua_next(L, all); lua_pop(L, 1))
            if (lua_type(L, -1) == LUA_TUSERDATA) {
                lua_getiuservalue(L, -1, ALCH_SESSION_OBJECT);
                lua_rawseti(L, list, (lua_Integer)lua_rawlen(L, list) + 1);
            }
    lua_settop(L, list);
}

/* -- lists -- */

void alch_session_list(lua_State *L, int session, int which, int obj, alch_state *s)
{
    alch_session *l = lua_touserdata(L, session);

    lua_getiuservalue(L, session, which + 1);
    lua_pushvalue(L, obj);
    lua_rawseti(L, -2, (lua_Integer)l->length[which] + 1);
    lua_pop(L, 1);
    s->slot = ++l->length[which];
    l->count[which]++;
    s->flags = (uint16_t)(s->flags | list_flag[which]);
}

void alch_session_unlist(lua_State *L, int session, alch_state *s)
{
    alch_session *l = lua_touserdata(L, session);
    int which = 0;

    if (!(s->flags & ALCH_IN_LISTS))
        return;
    while (!(s->flags & list_flag[which]))
        which++;
    lua_getiuservalue(L, session, which + 1);
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, (lua_Integer)s->slot);
    lua_pop(L, 1);
    if (--l->count[which] == 0) {
        l->length[which] = l->seen[which] = 0;
        lua_newtable(L);
        lua_setiuservalue(L, session, which + 1);
    }
    s->flags = (uint16_t)(s->flags & ~ALCH_IN_LISTS);
}

void alch_modified(lua_State *L, int obj, alch_state *s)
{
    if (s->session == 0 || s->life != ALCH_PERSISTENT || (s->flags & ALCH_IN_LISTS))
        return;
    luaL_checkstack(L, 6, "session");
    if (!alch_push_session(L, s->session))
        return;
    alch_session_list(L, lua_gettop(L), ALCH_MODIFIED, obj, s);
    lua_pop(L, 1);
}

/* -- identity map -- */

void alch_push_identities(lua_State *L, int session, const alch_mapper *m)
{
    lua_getiuservalue(L, session, ALCH_SESSION_IDENTITY);
    if (lua_rawgetp(L, -1, m->base_id) != LUA_TTABLE) {
        lua_pop(L, 1);
        alch_push_weak_table(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, -3, m->base_id);
    }
    lua_replace(L, -2);
}

/* Most keys are integers, which a table finds and takes sooner when it is told. */
int alch_get_identity(lua_State *L, int identities, int key)
{
    if (lua_isinteger(L, key))
        return lua_rawgeti(L, identities, lua_tointeger(L, key));
    lua_pushvalue(L, key);
    return lua_rawget(L, identities);
}

void alch_put_identity(lua_State *L, int identities, int key, int obj)
{
    if (lua_isinteger(L, key)) {
        lua_pushvalue(L, obj);
        lua_rawseti(L, identities, lua_tointeger(L, key));
    } else {
        lua_pushvalue(L, key);
        lua_pushvalue(L, obj);
        lua_rawset(L, identities);
    }
}

int alch_push_identity(lua_State *L, int session, const alch_mapper *m, int key)
{
    lua_getiuservalue(L, session, ALCH_SESSION_IDENTITY);
    if (lua_rawgetp(L, -1, m->base_id) == LUA_TTABLE) {
        if (alch_get_identity(L, lua_gettop(L), key) == LUA_TTABLE) {
            lua_replace(L, -3);
            lua_pop(L, 1);
            return 1;
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 2);
    return 0;
}

/* What had the key is on the top: unless it is the instance itself, it leaves. */
static void dispossess(lua_State *L, int session, int obj)
{
    alch_state *former;

    if (lua_rawequal(L, -1, obj) || (former = alch_push_state(L, lua_gettop(L))) == NULL)
        return;
    alch_session_unlist(L, session, former);
    former->session = 0;
    former->life = ALCH_DETACHED;
}

void alch_claim_number(lua_State *L, int session, int identities, int obj, alch_state *s, lua_Integer number)
{
    int top = lua_gettop(L);

    if (lua_rawgeti(L, identities, number) == LUA_TTABLE)
        dispossess(L, session, obj);
    lua_settop(L, top);
    lua_pushvalue(L, obj);
    lua_rawseti(L, identities, number);
    s->key = number;
    s->flags |= ALCH_STATE_KEYED | ALCH_STATE_INT_KEY;
}

void alch_claim_identity(lua_State *L, int session, int identities, int obj, int st, alch_state *s)
{
    int key = lua_gettop(L);

    if (alch_get_identity(L, identities, key) == LUA_TTABLE)
        dispossess(L, session, obj);
    lua_settop(L, key);
    alch_put_identity(L, identities, key, obj);
    alch_set_state_key(L, st, s);
    s->flags |= ALCH_STATE_KEYED;
}

void alch_identify(lua_State *L, int session, int obj, int st, alch_state *s)
{
    int key = lua_gettop(L), identities = key + 1;

    alch_push_identities(L, session, s->mapper);
    if (alch_get_identity(L, identities, key) != LUA_TNIL && !lua_rawequal(L, -1, obj))
        alch_raisef(L, ALCH_ERR_INVALID,
            "the session already holds another %s object with this primary key; use session:merge to copy onto it", s->mapper->class_name);
    alch_put_identity(L, identities, key, obj);
    lua_settop(L, key);
    alch_set_state_key(L, st, s);
    s->flags |= ALCH_STATE_KEYED;
}

/* -- coming in -- */

void alch_leave_dead_session(lua_State *L, alch_state *s)
{
    if (s->session == 0)
        return;
    if (alch_push_session(L, s->session)) {
        lua_pop(L, 1);
        return;
    }
    s->session = 0;
    s->slot = 0;
    s->flags = (uint16_t)(s->flags & ~ALCH_IN_LISTS);
    s->life = s->flags & ALCH_STATE_KEYED ? ALCH_DETACHED : ALCH_TRANSIENT;
}

static void check_free(lua_State *L, alch_state *s, uint32_t number)
{
    if (s->session != 0 && s->session != number) {
        alch_leave_dead_session(L, s);
        if (s->session != 0)
            alch_raisef(L, ALCH_ERR_INVALID,
                "this %s object is already attached to another session (number %d, this is %d): expunge it there first",
                s->mapper->class_name, (int)s->session, (int)number);
    }
    if (s->life == ALCH_DELETED)
        alch_raisef(L, ALCH_ERR_INVALID,
            "this %s object was deleted by this transaction; orm.make_transient gives it a new life", s->mapper->class_name);
}

/* session:_attaching(object) or session:_attached(object), for listeners. */
static void tell(lua_State *L, int session, int obj, const char *method)
{
    luaL_checkstack(L, 6, "session");
    if (lua_getiuservalue(L, session, ALCH_SESSION_OBJECT) != LUA_TTABLE) {
        lua_pop(L, 1);
        return;
    }
    lua_getfield(L, -1, method);
    lua_insert(L, -2);
    lua_pushvalue(L, obj);
    lua_call(L, 2, 0);
}

/* 1 if the instance was not in the session before. */
static int attach_one(lua_State *L, int session, int obj, int st, alch_state *s)
{
    const alch_session *l = lua_touserdata(L, session);
    int watched = l->watched && s->session != l->number;

    check_free(L, s, l->number);
    if (s->session == l->number) {
        if (s->flags & ALCH_IN_DELETED) {
            alch_session_unlist(L, session, s);
            if (alch_any(s, ALCH_SET_CHANGED))
                alch_modified(L, obj, s);
        }
        return 0;
    }
    if (watched) {
        tell(L, session, obj, "_attaching");
        check_free(L, s, l->number);
        if (s->session == l->number)    /* the listener has added it */
            return 0;
    }
    if (s->flags & ALCH_STATE_KEYED) {
        alch_push_state_key(L, st, s);
        alch_identify(L, session, obj, st, s);
        s->session = l->number;
        s->life = ALCH_PERSISTENT;
        if (alch_any(s, ALCH_SET_CHANGED))
            alch_modified(L, obj, s);
    } else {
        if (s->flags & ALCH_STATE_LOOSE)
            alch_forget_history(L, st, s);
        s->session = l->number;
        s->life = ALCH_PENDING;
        alch_session_list(L, session, ALCH_NEW, obj, s);
    }
    if (watched)
        tell(L, session, obj, "_attached");
    return 1;
}

/* Room for what one object mostly brings: a table that grows from nothing is made anew five times by then. */
enum { QUEUED = 16 };

/* A walk from object to object. A queue, not recursion: chains may be long. */
typedef struct cascade {
    int session, queue;     /* stack indices; the queue is nil until it is needed */
    lua_Integer n;
} cascade;

/* Brings in the object on the top and pops it; if it was not in the session
** before, it is queued, for what it reaches in turn. */
static void attach_next(lua_State *L, cascade *w)
{
    int item = lua_gettop(L);
    alch_state *s = lua_istable(L, item) ? alch_need_state(L, item, "session:add") : NULL;

    if (s != NULL && attach_one(L, w->session, item, item + 1, s) && s->mapper->columns < s->mapper->count) {
        if (w->n == 0) {
            lua_createtable(L, QUEUED, 0);
            lua_replace(L, w->queue);
        }
        lua_pushvalue(L, item);
        lua_rawseti(L, w->queue, ++w->n);
    }
    lua_settop(L, item - 1);
}

/* What the collection on the top holds, or has queued. */
static void attach_items(lua_State *L, cascade *w)
{
    const alch_collection *l = lua_touserdata(L, -1);
    int items = lua_gettop(L) + 1;
    lua_Integer i, n;

    if (l->loaded)
        alch_items_push(L, items - 1);
    else
        alch_collection_part(L, items - 1, ALCH_PART_ADDED);
    n = (lua_Integer)lua_rawlen(L, items);
    for (i = 1; i <= n; i++) {
        lua_rawgeti(L, items, i);
        attach_next(L, w);
    }
    lua_pop(L, 1);
}

static void attach_related(lua_State *L, int st, const alch_state *s, cascade *w)
{
    const alch_mapper *m = s->mapper;
    size_t i;

    for (i = m->columns; i < m->count; i++) {
        if (!(m->attrs[i].flags & ALCH_ATTR_SAVE_UPDATE))
            continue;
        if (m->attrs[i].kind == ALCH_ATTR_LIST) {
            if (alch_peek_collection(L, st, s, i) != NULL) {
                attach_items(L, w);
                lua_pop(L, 1);
            }
        } else if (m->attrs[i].kind == ALCH_ATTR_OBJECT && alch_has(s, ALCH_SET_VALUE, i)) {
            alch_push_kept(L, st, s, i);
            attach_next(L, w);
        }
    }
}

/* What an object reaches, and what came in now reaches in turn. */
static void attach_all(lua_State *L, int session, int st, const alch_state *s)
{
    int item = lua_gettop(L) + 2;
    cascade w = { session, item - 1, 0 };
    lua_Integer at;

    lua_pushnil(L);
    attach_related(L, st, s, &w);
    for (at = 1; at <= w.n; at++) {
        lua_rawgeti(L, w.queue, at);
        s = alch_push_state(L, item);
        if (s != NULL)
            attach_related(L, item + 1, s, &w);
        lua_settop(L, w.queue);
    }
    lua_pop(L, 1);
}

void alch_attach_state(lua_State *L, int session, int obj, int st, alch_state *s)
{
    luaL_checkstack(L, 30, "session");
    (void)attach_one(L, session, obj, st, s);
    if (s->mapper->columns < s->mapper->count)
        attach_all(L, session, st, s);
}

void alch_attach_to(lua_State *L, int session, int obj, int walk)
{
    int top = lua_gettop(L);
    alch_state *s = alch_need_state(L, obj, "session:add");

    luaL_checkstack(L, 30, "session");
    if (attach_one(L, session, obj, top + 1, s))
        walk = 1;
    if (walk && s->mapper->columns < s->mapper->count)
        attach_all(L, session, top + 1, s);
    lua_settop(L, top);
}

void alch_attach(lua_State *L, int obj, uint32_t session, int walk)
{
    int top = lua_gettop(L);

    if (alch_push_session(L, session))
        alch_attach_to(L, top + 1, obj, walk);
    lua_settop(L, top);
}
