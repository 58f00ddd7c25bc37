/* A class that has instances got another attribute: their states move to its
** new plan, one by one, when they are next met. Attributes keep their names;
** their numbers may change. */
#include "binding/orm_host.h"

typedef struct move {
    int from, to, plan;         /* stack: both states, the new plan */
    alch_state *old, *now;
} move;

static void push_last_successor(lua_State *L, const move *m)
{
    const alch_mapper *at = m->old->mapper;

    lua_getmetatable(L, m->from);
    lua_rawgeti(L, -1, ALCH_MT_PLAN);
    lua_replace(L, -2);
    for (; at->successor != NULL; at = at->successor) {
        lua_getiuservalue(L, -1, 2);
        lua_getfield(L, -1, "successor");
        lua_replace(L, -3);
        lua_pop(L, 1);
    }
}

/* The packed row has a place per column of its plan: its values move out of it. */
static void move_attr(lua_State *L, const move *m, size_t i, size_t j)
{
    static const int kept[] = { ALCH_SET_VALUE, ALCH_SET_CHANGED, ALCH_SET_GIVEN };
    size_t k;

    if (alch_has(m->old, ALCH_SET_CHANGED, i) && alch_push_base(L, m->from, m->old, i)) {
        alch_push_aux(L, m->to, m->now);
        lua_insert(L, -2);
        lua_rawseti(L, -2, alch_aux_old(j));
        lua_pop(L, 1);
        alch_put(m->now, ALCH_SET_BASE, j);
    }
    if (alch_known(m->old, i))
        alch_keep_value(L, m->from, m->old, i);
    alch_push_kept(L, m->from, m->old, i);     /* or a list's queue */
    if (m->old->mapper->attrs[i].kind == ALCH_ATTR_LIST && lua_type(L, -1) == LUA_TUSERDATA)
        ((alch_collection *)lua_touserdata(L, -1))->attr = (uint32_t)j;
    alch_keep(L, m->to, m->now, j);
    for (k = 0; k < sizeof kept / sizeof *kept; k++)
        if (alch_has(m->old, kept[k], i))
            alch_put(m->now, kept[k], j);
}

/* What the AUX table notes by property: how many parents an object has. */
static void move_counts(lua_State *L, const move *m)
{
    if (m->old->flags & ALCH_STATE_AUX) {
        lua_getiuservalue(L, m->from, alch_uv_extra(m->old->mapper));
        alch_push_aux(L, m->to, m->now);
        for (lua_pushnil(L); lua_next(L, -3); ) {
            if (lua_islightuserdata(L, -2)) {
                lua_pushvalue(L, -2);
                lua_insert(L, -2);
                lua_rawset(L, -4);
            } else {
                lua_pop(L, 1);
            }
        }
        lua_pop(L, 2);
    }
}

alch_state *alch_move_state(lua_State *L, int obj)
{
    move m = { lua_gettop(L), 0, 0, lua_touserdata(L, -1), NULL };
    size_t i;
    int j;

    luaL_checkstack(L, 20, "mapped instance");
    push_last_successor(L, &m);
    m.plan = lua_gettop(L);
    m.now = alch_new_state(L, m.plan, 0);
    m.to = lua_gettop(L);
    m.now->session = m.old->session;
    m.now->slot = m.old->slot;
    m.now->level = m.old->level;
    m.now->life = m.old->life;
    m.now->flags = (uint16_t)(m.old->flags & ~(ALCH_STATE_AUX | ALCH_STATE_APART));
    m.now->key = m.old->key;
    alch_push_state_key(L, m.from, m.old);
    if (lua_type(L, -1) == LUA_TSTRING)
        lua_setiuservalue(L, m.to, alch_uv_extra(m.now->mapper));
    lua_settop(L, m.to);
    for (i = 0; i < m.old->mapper->count; i++) {
        j = alch_mapper_find(m.now->mapper, m.old->mapper->attrs[i].name, m.old->mapper->attrs[i].len);
        if (j != ALCH_NO_ATTR)
            move_attr(L, &m, i, (size_t)j);
    }
    move_counts(L, &m);
    lua_pushvalue(L, m.to);
    lua_rawseti(L, obj, ALCH_HIDDEN);
    lua_replace(L, m.from);
    lua_settop(L, m.from);
    return m.now;
}
