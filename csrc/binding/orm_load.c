/* Attributes that are not in memory: who is asked, and what becomes of the
** answer. The call itself is the caller's, so that it may yield. */
#include <string.h>

#include "binding/orm_host.h"

int alch_begin_load(lua_State *L, int obj, int st, size_t i)
{
    alch_state *s = lua_touserdata(L, st);
    const alch_attr *a = &s->mapper->attrs[i];
    int loan = (s->flags & ALCH_STATE_LOAN) && a->kind != ALCH_ATTR_COLUMN;

    if (!(s->flags & ALCH_STATE_KEYED) && !loan)
        return 0;
    alch_leave_dead_session(L, s);
    if (s->session == 0 && !loan)
        alch_raisef(L, ALCH_ERR_DETACHED,
            "%s.%s is not loaded, and the object is in no session that could load it: add it to one, or load what you need before the session closes "
            "(expire_on_commit = false keeps what is loaded)", s->mapper->class_name, a->name);
    alch_push_mapper(L, st);
    lua_getfield(L, -1, a->kind == ALCH_ATTR_COLUMN ? "refresh" : "loader");
    lua_replace(L, -2);
    lua_pushvalue(L, obj);
    alch_push_property(L, st, i);
    return 1;
}

void alch_finish_load(lua_State *L, int list)
{
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    alch_collection_take(L, list, lua_gettop(L));
    lua_pop(L, 1);
}

void alch_push_new_object(lua_State *L, const alch_new_object *o)
{
    const alch_mapper *m = o->codec->mapper;
    alch_state *s;

    lua_createtable(L, 0, 1);
    s = alch_new_state(L, o->plan, alch_row_size(o->cells, m->columns));
    alch_row_pack(s, o->cells, m->columns);
    memcpy(s->sets + ALCH_SET_PACKED * m->set_size, o->wanted, m->set_size);
    s->readers = o->codec->columns;
    s->session = o->session;
    s->life = ALCH_PERSISTENT;
    s->flags |= ALCH_STATE_KEYED;
    if (o->key == 0) {
        s->key = o->int_key;
        s->flags |= ALCH_STATE_INT_KEY;
    } else {
        lua_pushvalue(L, o->key);
        alch_set_state_key(L, lua_gettop(L) - 1, s);
    }
    lua_rawseti(L, -2, ALCH_HIDDEN);
    lua_pushvalue(L, o->class_);
    lua_setmetatable(L, -2);
    if (o->key == 0) {
        lua_pushvalue(L, -1);
        lua_rawseti(L, o->identities, o->int_key);
    } else {
        alch_put_identity(L, o->identities, o->key, lua_gettop(L));
    }
}
