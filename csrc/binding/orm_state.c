/* States: finding them, making them, adopting what a plain constructor left. */
#include "binding/orm_host.h"

alch_state *alch_push_state(lua_State *L, int obj)
{
    if (lua_type(L, obj) == LUA_TTABLE) {
        if (lua_rawgeti(L, obj, ALCH_HIDDEN) == LUA_TUSERDATA) {
            alch_state *s = lua_touserdata(L, -1);

            return s->mapper->successor == NULL ? s : alch_move_state(L, obj);
        }
        lua_pop(L, 1);
    }
    return NULL;
}

alch_state *alch_new_state(lua_State *L, int plan, size_t row)
{
    const alch_mapper *m = lua_touserdata(L, plan);
    size_t slots = row > 0 ? m->close : m->count;
    alch_state *s = lua_newuserdatauv(L, alch_state_size(m, row), (int)slots + 1);

    alch_state_init(s, m);
    if (row > 0)
        s->flags = ALCH_STATE_APART;
    lua_getiuservalue(L, plan, 1);
    lua_setmetatable(L, -2);
    return s;
}

/* Where the EXTRA of a state holds the AUX table, its key is in there at 0. */
void alch_push_state_key(lua_State *L, int st, const alch_state *s)
{
    if (s->flags & ALCH_STATE_INT_KEY) {
        lua_pushinteger(L, s->key);
    } else {
        lua_getiuservalue(L, st, alch_uv_extra(s->mapper));
        if (s->flags & ALCH_STATE_AUX) {
            lua_rawgeti(L, -1, 0);
            lua_replace(L, -2);
        }
    }
}

void alch_set_state_key(lua_State *L, int st, alch_state *s)
{
    if (lua_isinteger(L, -1)) {
        s->key = lua_tointeger(L, -1);
        s->flags |= ALCH_STATE_INT_KEY;
        lua_pop(L, 1);
        return;
    }
    if (s->single != 0) {       /* makes room */
        alch_push_aux(L, st, s);
        lua_pop(L, 1);
    }
    s->flags = (uint16_t)(s->flags & ~ALCH_STATE_INT_KEY);
    if (s->flags & ALCH_STATE_AUX) {
        lua_getiuservalue(L, st, alch_uv_extra(s->mapper));
        lua_insert(L, -2);
        lua_rawseti(L, -2, 0);
        lua_pop(L, 1);
    } else {
        lua_setiuservalue(L, st, alch_uv_extra(s->mapper));
    }
}

void alch_stamp_identity(lua_State *L, alch_state *s)
{
    size_t i = (size_t)s->mapper->discriminator;

    if (s->mapper->abstract)
        alch_raisef(L, ALCH_ERR_INVALID, "%s is marked polymorphic_abstract: no object is of this class alone; make one of a class below it",
                    s->mapper->class_name);
    if (s->mapper->discriminator == ALCH_NO_ATTR)
        return;
    lua_getmetatable(L, -1);
    if (lua_rawgeti(L, -1, ALCH_MT_IDENTITY) != LUA_TNIL) {
        alch_keep(L, lua_gettop(L) - 2, s, i);
        lua_pop(L, 1);
        alch_put(s, ALCH_SET_VALUE, i);
        alch_put(s, ALCH_SET_CHANGED, i);
    } else {
        lua_pop(L, 2);
    }
}

/* Pushes the plan of an instance's class; 0 if there is none. A mapped class
** may have its base for metatable: it is no instance of it. */
static int push_plan(lua_State *L, int obj)
{
    if (lua_type(L, obj) != LUA_TTABLE || !lua_getmetatable(L, obj))
        return 0;
    if (lua_rawgetp(L, obj, &alch_orm_plan) != LUA_TNIL) {
        lua_pop(L, 2);
        return 0;
    }
    lua_pop(L, 1);
    if (lua_rawgetp(L, -1, &alch_orm_plan) == LUA_TUSERDATA) {
        lua_replace(L, -2);
        return 1;
    }
    lua_pop(L, 2);
    return 0;
}

int alch_is_instance(lua_State *L, int obj)
{
    if (!push_plan(L, obj))
        return 0;
    lua_pop(L, 1);
    return 1;
}

static void raise_unmapped(lua_State *L, int obj, const char *what)
{
    if (lua_type(L, obj) == LUA_TTABLE)
        alch_raisef(L, ALCH_ERR_UNMAPPED,
            "%s: this table is not an instance of a mapped class (map its class with orm.mapper, and give it the class as metatable)", what);
    alch_raisef(L, ALCH_ERR_UNMAPPED, "%s expects an instance of a mapped class, not a %s value",
        what, luaL_typename(L, obj));
}

/* Takes one raw field over: from now on writes to it meet __newindex. */
static void adopt_field(lua_State *L, int obj, int st, alch_state *s, size_t i)
{
    const alch_attr *a = &s->mapper->attrs[i];

    lua_pushlstring(L, a->name, a->len);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, obj) == LUA_TNIL) {
        lua_pop(L, 2);
        return;
    }
    lua_insert(L, -2);
    lua_pushnil(L);
    lua_rawset(L, obj);
    if (a->kind == ALCH_ATTR_COLUMN && !(a->flags & ALCH_ATTR_GUARDED)) {
        alch_store(L, obj, st, s, i);
    } else {
        /* Through __newindex like any assignment: lists and backrefs. */
        lua_pushlstring(L, a->name, a->len);
        lua_insert(L, -2);
        lua_settable(L, obj);
    }
}

alch_state *alch_need_state(lua_State *L, int obj, const char *what)
{
    alch_state *s = alch_push_state(L, obj);
    int st;
    size_t i;

    if (s != NULL)
        return s;
    luaL_checkstack(L, 10, "mapped instance");
    if (!push_plan(L, obj))
        raise_unmapped(L, obj, what);
    s = alch_new_state(L, lua_gettop(L), 0);
    lua_replace(L, -2);
    st = lua_gettop(L);
    alch_stamp_identity(L, s);
    lua_pushvalue(L, st);
    lua_rawseti(L, obj, ALCH_HIDDEN);
    for (i = 0; i < s->mapper->count; i++)
        adopt_field(L, obj, st, s, i);
    return s;
}
