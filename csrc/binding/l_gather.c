/* Loading for many objects at once: the keys by which rows find the objects they belong to. */
#include "binding/orm_host.h"

/* The database's value of attribute i into '*out', text anchored by 'b' or the
** state: as it lies in the packed row, or bound like a parameter. */
static void read_value(lua_State *L, int st, alch_state *s, const alch_codec *codec, size_t i, alch_bound *b, alch_value *out)
{
    alch_param p;

    if (alch_has(s, ALCH_SET_PACKED, i) && !alch_has(s, ALCH_SET_CHANGED, i)) {
        alch_row_cell(s, i, out);
        return;
    }
    alch_push_value(L, st, s, i);
    alch_bind_attr(L, codec, i, lua_gettop(L), b, &p);
    *out = p.value;
}

/* core.batch_key(instance, names, dialect): the key that the values of these
** attributes make up in the rows of its database; nil if one is NULL, false if one
** is not in memory. */
static int l_batch_key(lua_State *L)
{
    alch_value values[ALCH_KEY_MAX];
    alch_state *s;
    const alch_codec *codec;
    const char *name;
    alch_bound *b;
    size_t i, n, len;
    int attr;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 3);
    n = (size_t)lua_rawlen(L, 2);
    luaL_argcheck(L, n >= 1 && n <= ALCH_KEY_MAX, 2, "one to 16 attributes make up a key");
    luaL_checkstack(L, 2 * ALCH_KEY_MAX + 10, "key");
    s = alch_need_state(L, 1, "loading");
    lua_getmetatable(L, 4);
    lua_rawgeti(L, 5, ALCH_MT_PLAN);
    codec = alch_push_codec(L, 6, 3);
    b = alch_bound_push(L, 0, 1);
    for (i = 0; i < n; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        name = luaL_checklstring(L, -1, &len);
        attr = alch_mapper_find(s->mapper, name, len);
        luaL_argcheck(L, attr != ALCH_NO_ATTR && (size_t)attr < s->mapper->columns, 2, "no such column attribute");
        if (!alch_known(s, (size_t)attr)) {
            lua_pushboolean(L, 0);
            return 1;
        }
        read_value(L, 4, s, codec, (size_t)attr, b, &values[i]);
        if (values[i].kind == ALCH_NULL)
            return 0;
    }
    alch_push_key(L, values, n);
    return 1;
}

/* core.many_to_one(instance, name): the object of an unloaded many-to-one that
** memory has, or nil */
static int l_many_to_one(lua_State *L)
{
    const char *name;
    alch_state *s;
    size_t len;
    int i;

    name = luaL_checklstring(L, 2, &len);
    lua_settop(L, 2);
    s = alch_need_state(L, 1, "loading");
    i = alch_mapper_find(s->mapper, name, len);
    luaL_argcheck(L, i != ALCH_NO_ATTR && s->mapper->attrs[i].kind == ALCH_ATTR_OBJECT, 2, "no such relationship");
    return alch_push_many_to_one(L, 3, s, (size_t)i);
}

void alch_open_gather(lua_State *L);

void alch_open_gather(lua_State *L)
{
    static const luaL_Reg functions[] = { { "batch_key", l_batch_key }, { "many_to_one", l_many_to_one }, { NULL, NULL } };

    luaL_setfuncs(L, functions, 0);
}
