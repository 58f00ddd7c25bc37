/* New instances of mapped classes, with their first values: Class{ name = value }. */
#include "binding/orm_host.h"
#include "binding/value_conv.h"

static int is_plain_column(const alch_attr *a)
{
    return a->kind == ALCH_ATTR_COLUMN && !(a->flags & ALCH_ATTR_GUARDED);
}

/* Puts the plain values of the table at 2 into the new state at 4, which no
** session and no instance knows yet. 0 if a key is no attribute; '*special'
** becomes 1 if some value needs more than to be stored. */
static int fill_columns(lua_State *L, alch_state *s, int *special)
{
    const alch_mapper *m = s->mapper;

    for (lua_pushnil(L); lua_next(L, 2); ) {
        size_t len = 0;
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &len) : NULL;
        int i = name != NULL ? alch_mapper_find(m, name, len) : ALCH_NO_ATTR;

        if (i == ALCH_NO_ATTR)
            return 0;
        if (is_plain_column(&m->attrs[i]) && !alch_is_null(L, -1)) {
            if (lua_type(L, -1) == LUA_TUSERDATA)
                s->flags |= ALCH_STATE_BOXED;
            alch_put(s, ALCH_SET_CHANGED, (size_t)i);
            alch_put(s, ALCH_SET_VALUE, (size_t)i);
            alch_keep(L, 4, s, (size_t)i);
        } else {
            *special = 1;
            lua_pop(L, 1);
        }
    }
    return 1;
}

/* Assigns the others, in the order of the attributes. */
static void assign_others(lua_State *L, const alch_mapper *m)
{
    size_t i;

    for (i = 0; i < m->count; i++) {
        lua_pushlstring(L, m->attrs[i].name, m->attrs[i].len);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, 2) != LUA_TNIL && (!is_plain_column(&m->attrs[i]) || alch_is_null(L, -1)))
            lua_settable(L, 3);
        else
            lua_pop(L, 2);
    }
}

/* Stack: class, values. Pushes the instance; 0 if 'values' has a key that is
** no attribute or the class is not configured yet: then nothing is done. */
static int push_instance(lua_State *L)
{
    alch_state *s;
    int special = 0;

    if (lua_rawgetp(L, 1, &alch_orm_plan) != LUA_TUSERDATA)
        return 0;
    s = alch_new_state(L, 3, 0);
    alch_stamp_identity(L, s);
    if (!fill_columns(L, s, &special))
        return 0;
    lua_createtable(L, 0, 1);
    lua_replace(L, 3);
    lua_rawseti(L, 3, ALCH_HIDDEN);
    lua_pushvalue(L, 1);
    lua_setmetatable(L, 3);
    if (special)
        assign_others(L, s->mapper);
    return 1;
}

/* core.instance_new(class, values) -> instance, or nothing (see above).
** Columns are set first, then the others in the mapper's order. */
static int l_instance_new(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    return push_instance(L);
}

/* Upvalues of a constructor. */
enum { UP_REGISTRY = 1, UP_WAITING, UP_OWN_INIT, UP_INIT, UP_SLOW };

/* Does a call take one table of attributes, to a class without an 'init' of its own? */
static int is_ordinary(lua_State *L)
{
    int yes = lua_gettop(L) == 2 && lua_type(L, 1) == LUA_TTABLE && lua_type(L, 2) == LUA_TTABLE;

    if (yes) {
        lua_pushvalue(L, lua_upvalueindex(UP_WAITING));
        lua_rawget(L, lua_upvalueindex(UP_REGISTRY));
        lua_pushvalue(L, lua_upvalueindex(UP_INIT));
        lua_gettable(L, 1);
        yes = !lua_toboolean(L, 3) && lua_rawequal(L, 4, lua_upvalueindex(UP_OWN_INIT));
        lua_settop(L, 2);
    }
    return yes;
}

static int finish_slow(lua_State *L, int status, lua_KContext context)
{
    (void)status;
    (void)context;
    return lua_gettop(L);
}

/* Class(...) */
static int l_construct(lua_State *L)
{
    int n = lua_gettop(L);

    if (is_ordinary(L)) {
        if (push_instance(L)) {
            lua_settop(L, 3);
            return 1;
        }
        lua_settop(L, 2);
    }
    lua_pushvalue(L, lua_upvalueindex(UP_SLOW));
    lua_insert(L, 1);
    lua_callk(L, n, LUA_MULTRET, 0, finish_slow);
    return finish_slow(L, LUA_OK, 0);
}

/* core.constructor(registry, own init, slow) -> the __call of classes. 'slow'
** makes what is out of the ordinary: classes that wait to be configured
** (registry.waiting), an 'init' of the user's, wrong arguments. */
static int l_constructor(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_settop(L, 3);
    lua_pushliteral(L, "waiting");
    lua_insert(L, UP_WAITING);
    lua_pushliteral(L, "init");
    lua_insert(L, UP_INIT);
    lua_pushcclosure(L, l_construct, UP_SLOW);
    return 1;
}

void alch_open_construct(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "instance_new", l_instance_new }, { "constructor", l_constructor }, { NULL, NULL }
    };

    luaL_setfuncs(L, functions, 0);
}
