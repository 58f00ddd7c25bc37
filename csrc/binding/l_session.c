/* A session's objects as orm/session.lua handles them: the userdata's methods. */
#include "binding/orm_host.h"

const char alch_session_tag = 0;

static alch_session *check_session(lua_State *L)
{
    return luaL_checkudata(L, 1, ALCH_SESSION_METATABLE);
}

/* The instance at 2 has its state pushed at 3; it must be in this session. */
static alch_state *check_member(lua_State *L, const char *what)
{
    const alch_session *l = check_session(L);
    alch_state *s;

    lua_settop(L, 2);
    s = alch_need_state(L, 2, what);
    if (s->session != l->number)
        alch_raisef(L, ALCH_ERR_INVALID, "%s: this %s object is not in this session", what, s->mapper->class_name);
    return s;
}

/* core.session_new(session object) */
static int l_session_new(lua_State *L)
{
    alch_session *l;
    int i;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    l = alch_push_object(L, sizeof *l, ALCH_SESSION_VALUES, ALCH_SESSION_METATABLE);
    l->tag = &alch_session_tag;
    for (i = 1; i <= ALCH_SESSION_IDENTITY; i++) {
        lua_newtable(L);
        lua_setiuservalue(L, 2, i);
    }
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 2, ALCH_SESSION_OBJECT);
    alch_register_session(L, 2);
    return 1;
}

/* s:watch(): somebody listens to what comes into the session. */
static int l_watch(lua_State *L)
{
    alch_session *l = check_session(L);

    l->watched = 1;
    return 0;
}

/* core.watch_sessions(): the same for every session there is. */
static int l_watch_sessions(lua_State *L)
{
    alch_watch_sessions(L);
    return 0;
}

/* s:add(obj) */
static int l_add(lua_State *L)
{
    check_session(L);
    lua_settop(L, 2);
    alch_attach_to(L, 1, 2, 1);
    return 0;
}

static int finish_call(lua_State *L, int status, lua_KContext results)
{
    (void)L;
    (void)status;
    return (int)results;
}

/* session:add and session:delete as Lua does them, upvalue 1; it may yield. */
static int go_long_way(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_callk(L, 2, 0, 0, finish_call);
    return 0;
}

/* session:add(object); upvalues: the long way, for classes that wait to be
** configured, and the name of the field with the userdata, which knows whether
** somebody listens. */
static int l_session_object_add(lua_State *L)
{
    alch_state *s;

    lua_settop(L, 2);
    if (lua_istable(L, 1)) {
        lua_pushvalue(L, lua_upvalueindex(2));
        (void)lua_rawget(L, 1);
        if (alch_test_tagged(L, 3, &alch_session_tag) != NULL) {
            s = alch_push_state(L, 2);
            if (s == NULL && alch_is_instance(L, 2))
                s = alch_need_state(L, 2, "session:add");
            if (s != NULL) {
                alch_attach_state(L, 3, 2, 4, s);
                return 0;
            }
        }
    }
    return go_long_way(L);
}

/* core.session_add(slow) -> the method Session.add */
static int l_session_add(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushliteral(L, "_c");
    lua_pushcclosure(L, l_session_object_add, 2);
    return 1;
}

static void mark_deleted(lua_State *L, int session, int obj, alch_state *s)
{
    if (s->life == ALCH_PERSISTENT && !(s->flags & ALCH_IN_DELETED)) {
        alch_session_unlist(L, session, s);
        alch_session_list(L, session, ALCH_MARKED_DELETED, obj, s);
    }
}

/* Does deleting it delete only it? Relationships that cascade may lead on. */
static int is_deleted_alone(const alch_state *s, const alch_session *l)
{
    const alch_mapper *m = s->mapper;
    size_t i;

    if (s->session != l->number || s->life != ALCH_PERSISTENT)
        return 0;
    for (i = m->columns; i < m->count; i++)
        if (m->attrs[i].flags & ALCH_ATTR_DELETE)
            return 0;
    return 1;
}

/* session:delete(object); upvalues: the long way, and the name of the field with the userdata. */
static int l_session_object_delete(lua_State *L)
{
    const alch_session *l;
    alch_state *s;

    lua_settop(L, 2);
    if (lua_istable(L, 1)) {
        lua_pushvalue(L, lua_upvalueindex(2));
        (void)lua_rawget(L, 1);
        if ((l = alch_test_tagged(L, 3, &alch_session_tag)) != NULL && (s = alch_push_state(L, 2)) != NULL && is_deleted_alone(s, l)) {
            mark_deleted(L, 3, 2, s);
            return 0;
        }
    }
    return go_long_way(L);
}

/* core.session_delete(slow) -> the method Session.delete */
static int l_session_delete(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushliteral(L, "_c");
    lua_pushcclosure(L, l_session_object_delete, 2);
    return 1;
}

/* __index of a session: a computed field (upvalue: functions by name), or what
** its class has. */
static int l_session_index(lua_State *L)
{
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TFUNCTION) {
        lua_pushvalue(L, 1);
        lua_callk(L, 1, 1, 1, finish_call);
        return 1;
    }
    if (!lua_getmetatable(L, 1))
        return 0;
    lua_pushvalue(L, 2);
    lua_gettable(L, -2);
    return 1;
}

/* core.session_index(computed) -> the function */
static int l_make_session_index(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_pushcclosure(L, l_session_index, 1);
    return 1;
}

/* s:objects(which) -> list in the order in which they came; 0 new, 1 modified, 2 deleted. */
static int l_objects(lua_State *L)
{
    const alch_session *l = check_session(L);
    lua_Integer which = luaL_checkinteger(L, 2), i, n = 0;

    luaL_argcheck(L, which >= 0 && which < 3, 2, "no such list");
    lua_createtable(L, (int)l->count[which], 0);
    lua_getiuservalue(L, 1, (int)which + 1);
    for (i = 1; i <= (lua_Integer)l->length[which]; i++) {
        if (lua_rawgeti(L, -1, i) == LUA_TTABLE)
            lua_rawseti(L, -3, ++n);
        else
            lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return 1;
}

/* s:count(which) */
static int l_count(lua_State *L)
{
    const alch_session *l = check_session(L);
    lua_Integer which = luaL_checkinteger(L, 2);

    luaL_argcheck(L, which >= 0 && which < 3, 2, "no such list");
    lua_pushinteger(L, (lua_Integer)l->count[which]);
    return 1;
}

/* s:is_clean(): a flush has nothing to do. */
static int l_is_clean(lua_State *L)
{
    const alch_session *l = check_session(L);

    lua_pushboolean(L, l->count[0] == 0 && l->count[1] == 0 && l->count[2] == 0);
    return 1;
}

static int l_contains(lua_State *L)
{
    const alch_session *l = check_session(L);
    const alch_state *s = alch_push_state(L, 2);

    lua_pushboolean(L, s != NULL && s->session == l->number && s->life != ALCH_DELETED);
    return 1;
}

/* s:mark_deleted(obj): to be deleted by the next flush. */
static int l_mark_deleted(lua_State *L)
{
    mark_deleted(L, 1, 2, check_member(L, "session:delete"));
    return 0;
}

/* Takes the instance (2, state 3) out of the identity map. */
static void unidentify(lua_State *L, alch_state *s)
{
    int top = lua_gettop(L);

    alch_push_identities(L, 1, s->mapper);
    alch_push_state_key(L, 3, s);
    if (!lua_isnil(L, -1)) {
        lua_pushvalue(L, -1);
        lua_rawget(L, -3);
        if (lua_rawequal(L, -1, 2)) {
            lua_pushvalue(L, -2);
            lua_pushnil(L);
            lua_rawset(L, -5);
        }
    }
    lua_settop(L, top);
}

/* The instance at 2 leaves the session, keeping its row's identity. Its DELETE has taken it out of the map. */
static void detach(lua_State *L, alch_state *s)
{
    alch_session_unlist(L, 1, s);
    if (s->life != ALCH_DELETED)
        unidentify(L, s);
    s->session = 0;
    s->life = s->flags & ALCH_STATE_KEYED ? ALCH_DETACHED : ALCH_TRANSIENT;
}

/* s:detach(obj) */
static int l_detach(lua_State *L)
{
    detach(L, check_member(L, "session:expunge"));
    return 0;
}

/* s:detach_each(list): those of a frame's list of deleted objects that are in the session leave for good. */
static int l_detach_each(lua_State *L)
{
    const alch_session *l = check_session(L);
    lua_Integer i, n;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_getfield(L, 2, "n");
    n = luaL_checkinteger(L, -1);
    lua_settop(L, 2);
    lua_pushnil(L);
    lua_pushvalue(L, 2);        /* object and state stand at 2 and 3, as everywhere here */
    for (i = n; i >= 1; i--) {
        alch_state *s;

        lua_rawgeti(L, 4, i);
        lua_replace(L, 2);
        s = alch_push_state(L, 2);
        if (s != NULL) {
            lua_replace(L, 3);
            if (s->session == l->number) {
                detach(L, s);
                s->flags |= ALCH_STATE_GONE;
            }
        }
        lua_settop(L, 4);
    }
    return 0;
}

/* The instance at 'obj' leaves; the lists and the map are the caller's. */
static void let_go(lua_State *L, const alch_session *l, int obj)
{
    alch_state *s = alch_push_state(L, obj);

    if (s == NULL)
        return;
    if (s->session == l->number) {
        s->session = 0;
        s->flags = (uint16_t)(s->flags & ~ALCH_IN_LISTS);
        s->life = s->flags & ALCH_STATE_KEYED ? ALCH_DETACHED : ALCH_TRANSIENT;
    }
    lua_pop(L, 1);
}

/* Empties the identity maps in place: a running loader holds on to them. */
static void let_go_identities(lua_State *L, const alch_session *l)
{
    int maps = lua_gettop(L) + 1;

    lua_getiuservalue(L, 1, ALCH_SESSION_IDENTITY);
    for (lua_pushnil(L); lua_next(L, maps); lua_pop(L, 1)) {
        for (lua_pushnil(L); lua_next(L, maps + 2); ) {
            let_go(L, l, maps + 4);
            lua_pop(L, 1);
            lua_pushvalue(L, -1);
            lua_pushnil(L);
            lua_rawset(L, maps + 2);
        }
    }
    lua_settop(L, maps - 1);
}

/* s:detach_all(): every object leaves. */
static int l_detach_all(lua_State *L)
{
    alch_session *l = check_session(L);
    int which;
    uint32_t i;

    lua_settop(L, 1);
    for (which = 0; which < 3; which++) {
        lua_newtable(L);
        lua_getiuservalue(L, 1, which + 1);
        for (i = 1; i <= l->length[which]; i++) {
            lua_rawgeti(L, 3, (lua_Integer)i);
            let_go(L, l, 4);
            lua_settop(L, 3);
        }
        lua_settop(L, 2);
        lua_setiuservalue(L, 1, which + 1);
        l->length[which] = l->seen[which] = l->count[which] = 0;
    }
    let_go_identities(L, l);
    return 0;
}

/* s:rekey(obj, key): its primary key in the database is again what it was. */
static int l_rekey(lua_State *L)
{
    alch_state *s;

    check_session(L);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    s = alch_need_state(L, 2, "session:rollback");
    lua_insert(L, 3);           /* session, object, state, key */
    unidentify(L, s);
    alch_push_identities(L, 1, s->mapper);
    lua_insert(L, 4);
    alch_claim_identity(L, 1, 4, 2, 3, s);
    return 0;
}

/* Takes the instance at 2 (state 3) out of its session and from its row. 1 is scratch. */
static void come_loose(lua_State *L, alch_state *s)
{
    if (alch_push_session(L, s->session)) {
        lua_replace(L, 1);
        alch_session_unlist(L, 1, s);
        unidentify(L, s);
    }
    lua_pushnil(L);
    alch_set_state_key(L, 3, s);
    s->flags &= ALCH_STATE_BOXED | ALCH_STATE_AUX | ALCH_STATE_APART | ALCH_STATE_LOOSE;
    s->session = 0;
    s->life = ALCH_TRANSIENT;
}

static alch_state *need_loose(lua_State *L, const char *verb)
{
    lua_settop(L, 1);
    lua_pushnil(L);
    lua_insert(L, 1);
    return alch_need_state(L, 2, verb);
}

/* core.make_transient(obj): it has no row and no session; its values and their history stay. */
static int l_make_transient(lua_State *L)
{
    alch_state *s = need_loose(L, "make_transient");

    if (s->flags & ALCH_STATE_KEYED)
        s->flags |= ALCH_STATE_LOOSE;
    come_loose(L, s);
    return 0;
}

/* core.start_over(obj): as if it had never had a row: what a flush wrote into it is taken back. */
static int l_start_over(lua_State *L)
{
    alch_state *s = need_loose(L, "session:rollback");
    size_t i;

    come_loose(L, s);
    for (i = 0; i < s->mapper->count; i++)
        if (alch_has(s, ALCH_SET_GIVEN, i))
            alch_expire_attr(L, 3, s, i);
    alch_forget_history(L, 3, s);
    return 0;
}

/* core.make_persistent(obj, key, codec): as if it had been loaded by a session
** that is gone: detached, with an identity. 'codec', or nil: how the key's values are read. */
static int l_make_persistent(lua_State *L)
{
    alch_state *s;

    luaL_checkany(L, 2);
    lua_settop(L, 3);
    s = alch_need_state(L, 1, "merge");
    alch_commit_state(L, 4, s);
    if (!lua_isnil(L, 3) && alch_check_codec(L, 3)->mapper == s->mapper)
        s->readers = alch_check_codec(L, 3)->columns;
    lua_pushvalue(L, 2);
    alch_set_state_key(L, 4, s);
    s->flags |= ALCH_STATE_KEYED;
    s->life = ALCH_DETACHED;
    return 0;
}

/* s:revive(obj): a deleted object is persistent again, its DELETE undone. */
static int l_revive(lua_State *L)
{
    alch_state *s = check_member(L, "session:rollback");

    s->life = ALCH_PERSISTENT;
    alch_push_identities(L, 1, s->mapper);
    alch_push_state_key(L, 3, s);
    alch_claim_identity(L, 1, 4, 2, 3, s);
    return 0;
}

/* s:get(plan, key) -> the instance of an identity key, or nil. */
static int l_get(lua_State *L)
{
    const alch_mapper *m = alch_check_plan(L, 2);

    check_session(L);
    lua_settop(L, 3);
    return alch_push_identity(L, 1, m, 3);
}

/* s:instances() -> every instance of the identity map. */
static int l_instances(lua_State *L)
{
    lua_Integer n = 0;

    check_session(L);
    lua_settop(L, 1);
    lua_newtable(L);
    lua_getiuservalue(L, 1, ALCH_SESSION_IDENTITY);
    for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) {
        for (lua_pushnil(L); lua_next(L, 5); ) {
            lua_rawseti(L, 2, ++n);
        }
    }
    lua_settop(L, 2);
    return 1;
}

static void expire_one(lua_State *L, int obj)
{
    alch_state *s = alch_push_state(L, obj);

    if (s == NULL)
        return;
    alch_expire_state(L, lua_gettop(L), s);
    lua_pop(L, 1);
}

/* s:expire_all(): every instance that has a row forgets what it loaded. What
** is expired has no change left, so the modified list empties too. */
static int l_expire_all(lua_State *L)
{
    alch_session *l = check_session(L);
    lua_Integer i;

    lua_settop(L, 1);
    lua_getiuservalue(L, 1, ALCH_MODIFIED + 1);
    for (i = 1; i <= (lua_Integer)l->length[ALCH_MODIFIED]; i++) {
        if (lua_rawgeti(L, 2, i) == LUA_TTABLE) {
            alch_state *s = alch_push_state(L, 3);

            if (s != NULL)
                alch_session_unlist(L, 1, s);
        }
        lua_settop(L, 2);
    }
    lua_getiuservalue(L, 1, ALCH_SESSION_IDENTITY);
    for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1))
        for (lua_pushnil(L); lua_next(L, 5); lua_pop(L, 1))
            expire_one(L, 7);
    return 0;
}

/* s:expire(obj, names or nil) */
static int l_expire(lua_State *L)
{
    alch_state *s;
    lua_Integer i, n;

    check_session(L);
    lua_settop(L, 3);
    s = alch_need_state(L, 2, "session:expire");
    if (lua_isnil(L, 3)) {
        if (s->flags & ALCH_IN_MODIFIED)    /* what is to be deleted still is */
            alch_session_unlist(L, 1, s);
        alch_expire_state(L, 4, s);
        return 0;
    }
    n = luaL_len(L, 3);
    for (i = 1; i <= n; i++) {
        size_t len;
        const char *name;
        int at;

        lua_geti(L, 3, i);
        name = luaL_checklstring(L, 5, &len);
        at = alch_mapper_find(s->mapper, name, len);
        if (at == ALCH_NO_ATTR)
            alch_raisef(L, ALCH_ERR_ARGUMENT, "%s has no mapped attribute '%s'", s->mapper->class_name, name);
        alch_expire_attr(L, 4, s, (size_t)at);
        lua_settop(L, 4);
    }
    return 0;
}

/* s:set_frame(frame): where a flush notes what a rollback undoes: a table of
** three weak lists. */
static int l_set_frame(lua_State *L)
{
    check_session(L);
    lua_settop(L, 2);
    lua_setiuservalue(L, 1, ALCH_SESSION_FRAME);
    return 0;
}

static int l_number(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)check_session(L)->number);
    return 1;
}

/* core.object_session(number) -> the session object, or nil. */
static int l_object_session(lua_State *L)
{
    lua_Integer number = luaL_checkinteger(L, 1);

    if (!alch_push_session(L, (uint32_t)number))
        return 0;
    lua_getiuservalue(L, -1, ALCH_SESSION_OBJECT);
    return 1;
}

/* core.session_objects() -> a list of every session there is */
static int l_session_objects(lua_State *L)
{
    alch_push_session_objects(L);
    return 1;
}

/* core.was_deleted(instance) -> is its row gone, by this transaction or by one that was committed? */
static int l_was_deleted(lua_State *L)
{
    const alch_state *s = alch_push_state(L, 1);

    lua_pushboolean(L, s != NULL && (s->life == ALCH_DELETED || (s->flags & ALCH_STATE_GONE) != 0));
    return 1;
}

void alch_open_session(lua_State *L)
{
    static const luaL_Reg methods[] = {
        { "add", l_add }, { "watch", l_watch }, { "objects", l_objects }, { "count", l_count }, { "is_clean", l_is_clean }, { "contains", l_contains },
        { "mark_deleted", l_mark_deleted }, { "detach", l_detach }, { "detach_each", l_detach_each },
        { "detach_all", l_detach_all },
        { "revive", l_revive }, { "rekey", l_rekey }, { "get", l_get }, { "instances", l_instances }, { "expire_all", l_expire_all }, { "expire", l_expire },
        { "set_frame", l_set_frame }, { "number", l_number }, { NULL, NULL }
    };
    static const luaL_Reg functions[] = {
        { "session_new", l_session_new }, { "watch_sessions", l_watch_sessions },
        { "session_objects", l_session_objects },
        { "object_session", l_object_session },
        { "session_add", l_session_add },
        { "session_delete", l_session_delete },
        { "session_index", l_make_session_index },
        { "make_transient", l_make_transient },
        { "start_over", l_start_over },
        { "was_deleted", l_was_deleted },
        { "make_persistent", l_make_persistent },
        { NULL, NULL }
    };

    if (alch_new_metatable(L, ALCH_SESSION_METATABLE, NULL)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
