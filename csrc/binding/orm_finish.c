/* The end of a flush: what was written is what the database has now, and the
** transaction notes it for a rollback. */
#include "binding/orm_flush.h"

/* Notes a value (an object, or an old key) in a list of the transaction's frame, for a rollback. */
static void note_in_frame(lua_State *L, int session, int which, int obj)
{
    if (lua_getiuservalue(L, session, ALCH_SESSION_FRAME) == LUA_TTABLE
        && lua_rawgeti(L, -1, which) == LUA_TTABLE) {
        lua_Integer n;

        lua_getfield(L, -1, "n");
        n = lua_tointeger(L, -1) + 1;
        lua_pop(L, 1);
        lua_pushvalue(L, obj);
        lua_rawseti(L, -2, n);
        lua_pushinteger(L, n);
        lua_setfield(L, -2, "n");
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* The row is new: a column without a value is NULL, and reading it need not
** ask. What the database itself fills in is another matter. */
static void know_nulls(alch_state *s)
{
    const alch_mapper *m = s->mapper;
    size_t i;

    for (i = 0; i < m->columns; i++) {
        if (!alch_known(s, i) && !(m->attrs[i].flags & (ALCH_ATTR_KEY | ALCH_ATTR_GENERATED | ALCH_ATTR_READONLY))) {
            alch_put(s, ALCH_SET_VALUE, i);
            alch_put(s, ALCH_SET_GIVEN, i);
        }
    }
}

static void finish_insert(lua_State *L, const alch_codec *codec, int identities, int obj, int st, alch_state *s)
{
    alch_push_object_key(L, codec, st, s);
    alch_claim_identity(L, 1, identities, obj, st, s);      /* the database took the row: another one's is gone */
    alch_session_unlist(L, 1, s);
    s->life = ALCH_PERSISTENT;
    s->readers = codec->columns;
    alch_commit_state(L, st, s);
    know_nulls(s);
}

/* The primary key itself may have been changed. */
static void follow_key(lua_State *L, const alch_codec *codec, int obj, int st, alch_state *s)
{
    size_t i;
    int top = lua_gettop(L);

    for (i = 0; i < s->mapper->key_count; i++)
        if (alch_has(s, ALCH_SET_CHANGED, s->mapper->keys[i]))
            break;
    if (i == s->mapper->key_count)
        return;
    alch_push_state_key(L, st, s);
    alch_push_object_key(L, codec, st, s);
    if (lua_rawequal(L, -1, -2)) {      /* set, to what it was */
        lua_settop(L, top);
        return;
    }
    lua_settop(L, top);
    note_in_frame(L, 1, ALCH_FRAME_KEYS, obj);
    alch_push_state_key(L, st, s);
    note_in_frame(L, 1, ALCH_FRAME_KEYS, top + 1);
    alch_push_identities(L, 1, s->mapper);
    lua_pushvalue(L, top + 1);
    lua_pushnil(L);
    lua_rawset(L, -3);
    lua_settop(L, top);
    alch_push_object_key(L, codec, st, s);
    alch_identify(L, 1, obj, st, s);
}

static void finish_update(lua_State *L, const alch_codec *codec, int obj, int st, alch_state *s)
{
    follow_key(L, codec, obj, st, s);
    alch_session_unlist(L, 1, s);
    alch_commit_state(L, st, s);
}

static void finish_delete(lua_State *L, int identities, int st, alch_state *s)
{
    alch_push_state_key(L, st, s);
    lua_pushnil(L);
    lua_rawset(L, identities);
    alch_session_unlist(L, 1, s);
    s->life = ALCH_DELETED;
}

/* Pushes the list of the session's frame for what was done (a new table if
** there is no frame) with its length grown by 'count'; returns the length it
** had. Grown beforehand: if finishing breaks off, what is noted so far counts,
** and an empty place is passed over. */
static lua_Integer push_frame_list(lua_State *L, int session, lua_Integer which, lua_Integer count)
{
    static const int lists[] = { ALCH_FRAME_NEW, ALCH_FRAME_DIRTY, ALCH_FRAME_DELETED };
    int list = lua_gettop(L) + 1;
    lua_Integer n;

    if (lua_getiuservalue(L, session, ALCH_SESSION_FRAME) != LUA_TTABLE
        || lua_rawgeti(L, -1, lists[which - 1]) != LUA_TTABLE) {
        lua_settop(L, list - 1);
        lua_newtable(L);
        return 0;
    }
    lua_replace(L, list);
    lua_getfield(L, list, "n");
    n = lua_tointeger(L, -1);
    lua_pushinteger(L, n + count);
    lua_setfield(L, list, "n");
    lua_settop(L, list);
    return n;
}

/* core.flush_finish(session, objects, which, codec): 1 inserted, 2 updated,
** 3 deleted. New objects that are persistent already are passed over. */
static int l_finish(lua_State *L)
{
    const alch_codec *codec = alch_check_codec(L, 4);
    lua_Integer which, i, n, noted;

    luaL_checkudata(L, 1, ALCH_SESSION_METATABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    which = luaL_checkinteger(L, 3);
    lua_settop(L, 3);           /* the bucket's statements hold the codec */
    luaL_argcheck(L, which >= 1 && which <= 3, 3, "1, 2 or 3");
    luaL_checkstack(L, 30, "flush");
    n = (lua_Integer)lua_rawlen(L, 2);
    noted = push_frame_list(L, 1, which, n);
    alch_push_identities(L, 1, codec->mapper);
    for (i = 1; i <= n; i++) {
        alch_state *s;

        lua_settop(L, 5);
        lua_rawgeti(L, 2, i);
        s = alch_push_state(L, 6);
        if (s == NULL || (which == 1 && s->life != ALCH_PENDING))
            continue;
        lua_pushvalue(L, 6);
        lua_rawseti(L, 4, noted + i);
        s->flags = (uint16_t)(s->flags & ~ALCH_STATE_FLUSHING);
        if (which == 1)
            finish_insert(L, codec, 5, 6, 7, s);
        else if (which == 2)
            finish_update(L, codec, 6, 7, s);
        else
            finish_delete(L, 5, 7, s);
    }
    return 0;
}

/* -- as soon as the row is there ------------------------------------------ */

void alch_finisher_begin(lua_State *L, alch_finisher *f, int session, const alch_mapper *m, lua_Integer count)
{
    f->session = session;
    f->noted = push_frame_list(L, session, 1, count);
    f->frame = lua_gettop(L);
    alch_push_identities(L, session, m);
    f->identities = f->frame + 1;
}

/* The order is flush_finish's: wherever memory ends, a rollback finds the object. */
void alch_finisher_insert(lua_State *L, alch_finisher *f, int obj, int st, alch_state *s, lua_Integer number)
{
    lua_pushvalue(L, obj);
    lua_rawseti(L, f->frame, ++f->noted);
    alch_claim_number(L, f->session, f->identities, obj, s, number);
    alch_session_unlist(L, f->session, s);
    s->flags = (uint16_t)(s->flags & ~ALCH_STATE_FLUSHING);
    s->life = ALCH_PERSISTENT;
    alch_commit_state(L, st, s);
    know_nulls(s);
}

void alch_open_finish(lua_State *L)
{
    lua_pushcfunction(L, l_finish);
    lua_setfield(L, -2, "flush_finish");
}
