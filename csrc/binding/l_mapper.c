/* core.plan_new(spec): the runtime's plan of a mapped class, from the
** description that orm/instrument.lua makes of its mapper. */
#include <string.h>

#include "binding/orm_host.h"
#include "binding/value_conv.h"

const char alch_orm_plan = 1;

static int plan_gc(lua_State *L)
{
    alch_mapper_release(lua_touserdata(L, 1));
    return 0;
}

const alch_mapper *alch_check_plan(lua_State *L, int idx)
{
    return luaL_checkudata(L, idx, ALCH_PLAN_METATABLE);
}

void alch_push_mapper(lua_State *L, int st)
{
    lua_getmetatable(L, st);
    lua_rawgeti(L, -1, ALCH_MT_MAPPER);
    lua_replace(L, -2);
}

void alch_push_property(lua_State *L, int st, size_t i)
{
    lua_getmetatable(L, st);
    lua_rawgeti(L, -1, ALCH_MT_PROPERTIES);
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* Reads a string field. The description stays anchored, and with it the text. */
static const char *string_field(lua_State *L, int t, const char *key, size_t *len)
{
    const char *text;

    lua_getfield(L, t, key);
    text = lua_tolstring(L, -1, len);
    lua_pop(L, 1);
    return text;
}

static lua_Integer integer_field(lua_State *L, int t, const char *key)
{
    lua_Integer n;

    lua_getfield(L, t, key);
    n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return n;
}

static void read_sync(lua_State *L, int spec, alch_attr *a)
{
    alch_err err;
    size_t i;

    if (lua_getfield(L, spec, "sync") == LUA_TTABLE) {
        if (alch_mapper_sync(a, (size_t)lua_rawlen(L, -1), &err) != ALCH_OK)
            alch_raise(L, &err);
        for (i = 0; i < a->sync_count; i++) {
            lua_rawgeti(L, -1, (lua_Integer)i + 1);
            a->sync[i].local = (int)integer_field(L, lua_gettop(L), "local_index") - 1;
            a->sync[i].remote = string_field(L, lua_gettop(L), "remote", &a->sync[i].remote_len);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
}

static void read_attr(lua_State *L, int spec, alch_attr *a)
{
    a->name = string_field(L, spec, "name", &a->len);
    a->kind = (uint8_t)integer_field(L, spec, "kind");
    a->direction = (uint8_t)integer_field(L, spec, "direction");
    a->flags = (uint16_t)integer_field(L, spec, "flags");
    a->reverse = string_field(L, spec, "reverse", &a->reverse_len);
    if (lua_getfield(L, spec, "type") != LUA_TNIL) {
        a->type = alch_check_type(L, lua_gettop(L), a->name);
        lua_setfield(L, spec, "type");      /* the handle lives as long as the plan */
    } else {
        lua_pop(L, 1);
    }
    lua_getfield(L, spec, "root");
    a->id = lua_topointer(L, -1);
    lua_pop(L, 1);
    read_sync(L, spec, a);
}

static void read_attrs(lua_State *L, int attrs, alch_mapper *m)
{
    size_t i;

    for (i = 0; i < m->count; i++) {
        lua_rawgeti(L, attrs, (lua_Integer)i + 1);
        read_attr(L, lua_gettop(L), &m->attrs[i]);
        m->columns += m->attrs[i].kind == ALCH_ATTR_COLUMN;
        lua_pop(L, 1);
    }
}

static void read_keys(lua_State *L, int keys, alch_mapper *m)
{
    size_t i;

    for (i = 0; i < m->key_count; i++) {
        lua_rawgeti(L, keys, (lua_Integer)i + 1);
        m->keys[i] = (uint32_t)lua_tointeger(L, -1) - 1;
        lua_pop(L, 1);
    }
}

/* The metatable that every state of this plan gets: it anchors the plan. */
static void push_state_metatable(lua_State *L, int spec, int plan)
{
    lua_createtable(L, 5, 1);
    lua_pushvalue(L, plan);
    lua_rawseti(L, -2, ALCH_MT_PLAN);
    lua_getfield(L, spec, "mapper");
    lua_rawseti(L, -2, ALCH_MT_MAPPER);
    lua_getfield(L, spec, "properties");
    lua_rawseti(L, -2, ALCH_MT_PROPERTIES);
    lua_getfield(L, spec, "class");
    lua_rawseti(L, -2, ALCH_MT_CLASS);
    lua_getfield(L, spec, "identity");
    lua_rawseti(L, -2, ALCH_MT_IDENTITY);
    lua_pushliteral(L, "lualchemy.state");
    lua_setfield(L, -2, "__name");
}

/* Whose objects share the identity map, and what says which class one is of. */
static void read_hierarchy(lua_State *L, int spec, alch_mapper *m)
{
    lua_getfield(L, spec, "parent");
    m->parent = lua_isnil(L, -1) ? NULL : alch_check_plan(L, -1);
    lua_getfield(L, spec, "mapper");
    m->id = lua_topointer(L, -1);
    lua_getfield(L, spec, "concrete");
    m->base_id = m->parent != NULL && !lua_toboolean(L, -1) ? m->parent->base_id : m->id;
    lua_pop(L, 3);
    m->discriminator = (int)integer_field(L, spec, "discriminator") - 1;
    if (m->discriminator < 0 || (size_t)m->discriminator >= m->columns)
        m->discriminator = ALCH_NO_ATTR;
    lua_getfield(L, spec, "abstract");
    m->abstract = lua_toboolean(L, -1);
    lua_pop(L, 1);
}

/* spec: class_name, class, mapper, properties, parent (a plan), concrete, attrs, keys,
** discriminator and identity (what new objects have in it), abstract. Columns come first among the
** attributes, those of the parent before all others and in the parent's order, so that a
** column has one number in the whole hierarchy. */
static int l_plan_new(lua_State *L)
{
    alch_mapper *m;
    alch_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    m = alch_push_object(L, sizeof *m, 2, ALCH_PLAN_METATABLE);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 2, 2);         /* anchors names and types */
    lua_getfield(L, 1, "attrs");
    lua_getfield(L, 1, "keys");
    if (alch_mapper_init(m, lua_rawlen(L, 3), lua_rawlen(L, 4), &err) != ALCH_OK)
        return alch_raise(L, &err);
    luaL_argcheck(L, m->key_count <= ALCH_KEY_MAX, 1, "primary keys have at most 16 columns");
    m->class_name = string_field(L, 1, "class_name", &(size_t){ 0 });
    read_attrs(L, 3, m);
    read_keys(L, 4, m);
    read_hierarchy(L, 1, m);
    if (alch_mapper_index(m, &err) != ALCH_OK)
        return alch_raise(L, &err);
    push_state_metatable(L, 1, 2);
    lua_setiuservalue(L, 2, 1);
    lua_settop(L, 2);
    return 1;
}

/* core.plan_replace(old plan, new plan): the class got another attribute. The
** states of its instances move to the new plan when they are next met. */
static int l_plan_replace(lua_State *L)
{
    alch_mapper *m = luaL_checkudata(L, 1, ALCH_PLAN_METATABLE);
    const alch_mapper *successor = alch_check_plan(L, 2);

    lua_getiuservalue(L, 1, 2);
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "successor");
    m->successor = successor;
    return 0;
}

/* core.plan_flags(plan, attribute number, flags): somebody began to listen to
** an attribute, or nobody does any more. */
static int l_plan_flags(lua_State *L)
{
    alch_mapper *m = luaL_checkudata(L, 1, ALCH_PLAN_METATABLE);
    lua_Integer i = luaL_checkinteger(L, 2);
    const int kept = ~(ALCH_ATTR_GUARDED | ALCH_ATTR_FACED | ALCH_ATTR_INIT);

    luaL_argcheck(L, i >= 1 && (size_t)i <= m->count, 2, "no such attribute");
    m->attrs[i - 1].flags = (uint16_t)((m->attrs[i - 1].flags & kept) | ((int)luaL_checkinteger(L, 3) & ~kept));
    return 0;
}

void alch_open_mapper(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "plan_new", l_plan_new },
        { "plan_flags", l_plan_flags },
        { "plan_replace", l_plan_replace },
        { NULL, NULL }
    };

    alch_new_metatable(L, ALCH_PLAN_METATABLE, plan_gc);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
    alch_open_codec(L);
}
