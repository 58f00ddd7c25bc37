/* Codecs: how the columns of a plan go to and come from one kind of database.
** A codec is made once per plan and storage and lives as long as the plan. */
#include <string.h>

#include "base/alloc.h"
#include "binding/dialect_conv.h"
#include "binding/driver_conn.h"
#include "binding/orm_host.h"
#include "binding/row_readers.h"
#include "binding/value_conv.h"

#define CODEC_METATABLE "lualchemy.codec"

const alch_codec *alch_check_codec(lua_State *L, int idx)
{
    return luaL_checkudata(L, idx, CODEC_METATABLE);
}

/* A column's name for messages, "User.name", kept in the table at 'anchors'. */
static const char *full_name(lua_State *L, const alch_mapper *m, size_t i, int anchors)
{
    const char *name = lua_pushfstring(L, "%s.%s", m->class_name, m->attrs[i].name);

    lua_rawseti(L, anchors, (lua_Integer)i + 1);
    return name;
}

static void fill_codec(lua_State *L, alch_codec *c, const alch_storage *storage, int anchors)
{
    const alch_mapper *m = c->mapper;
    alch_err err;
    size_t i;

    for (i = 0; i < m->columns; i++) {
        const char *name = full_name(L, m, i, anchors);
        const alch_type *type = m->attrs[i].type;

        if (type == NULL)
            type = alch_type_of_value(ALCH_NULL);
        if (alch_conversion_init(&c->columns[i], type, storage, name, L, &err) != ALCH_OK)
            alch_raise(L, &err);
    }
}

/* Of a storage that is part of a dialect the codec keeps the dialect, at
** 'owner': the storage's address is the codec's key in the plan's table. */
static const alch_codec *push_codec(lua_State *L, int plan, const alch_storage *storage, int owner)
{
    const alch_mapper *m = alch_check_plan(L, plan);
    int top = lua_gettop(L);
    alch_codec *c;

    lua_getiuservalue(L, plan, 2);
    if (lua_rawgetp(L, top + 1, storage) == LUA_TUSERDATA) {
        lua_remove(L, top + 1);
        return lua_touserdata(L, -1);
    }
    lua_pop(L, 1);
    c = alch_push_object(L, sizeof *c + m->columns * sizeof *c->columns, 3, CODEC_METATABLE);
    c->mapper = m;
    lua_newtable(L);
    fill_codec(L, c, storage, top + 3);
    lua_setiuservalue(L, top + 2, 1);
    lua_pushvalue(L, plan);
    lua_setiuservalue(L, top + 2, 2);
    if (owner != 0) {
        lua_pushvalue(L, owner);
        lua_setiuservalue(L, top + 2, 3);
    }
    lua_pushvalue(L, top + 2);
    lua_rawsetp(L, top + 1, storage);
    lua_remove(L, top + 1);
    return c;
}

const alch_codec *alch_push_codec(lua_State *L, int plan, int dialect)
{
    const alch_dialect *d = alch_check_dialect(L, dialect);
    const alch_storage *storage = alch_storage_known(&d->storage);

    return push_codec(L, plan, storage, storage == &d->storage ? dialect : 0);
}

const alch_codec *alch_push_codec_for(lua_State *L, int plan, int conn)
{
    const alch_driver_conn *dc = lua_touserdata(L, conn);
    const alch_codec *codec;

    if (dc->storage == NULL)
        return push_codec(L, plan, alch_storage_of_driver(dc->driver->name), 0);
    (void)lua_getiuservalue(L, conn, ALCH_DRIVER_CONN_DIALECT);
    codec = push_codec(L, plan, dc->storage, lua_gettop(L));
    lua_remove(L, -2);
    return codec;
}

void alch_push_cell(lua_State *L, const alch_conversion *columns, size_t i, const alch_value *cell)
{
    alch_err err;

    if (columns == NULL)
        alch_value_push(L, cell);
    else if (alch_read_push(L, columns + i, cell, NULL, &err) != ALCH_OK)
        alch_raise(L, &err);
}

void alch_bind_attr(lua_State *L, const alch_codec *codec, size_t i, int idx, alch_bound *b, alch_param *out)
{
    alch_err err;

    if (alch_bind_lua(L, idx, &codec->columns[i], &b->memory, out, &err) != ALCH_OK)
        alch_raise(L, &err);
    alch_bound_own_text(L, b, &out->value);
}

/* core.codec(plan, dialect) */
static int l_codec(lua_State *L)
{
    (void)alch_push_codec(L, 1, 2);
    return 1;
}

void alch_open_codec(lua_State *L)
{
    alch_new_metatable(L, CODEC_METATABLE, NULL);
    lua_pop(L, 1);
    lua_pushcfunction(L, l_codec);
    lua_setfield(L, -2, "codec");
}
