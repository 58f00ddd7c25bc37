/* Column readers: see row_readers.h. */
#include "binding/row_readers.h"

#include <string.h>

#include "binding/bind.h"
#include "binding/value_conv.h"

/* One block of Lua's: it owns nothing, what it lends from is its user value. */
struct alch_readers {
    size_t n;
    alch_conversion at[];
};

static void read_cell(lua_State *L, const void *context, const alch_value *in)
{
    alch_err err;

    if (alch_read_push(L, context, in, NULL, &err) != ALCH_OK)
        alch_raise(L, &err);
}

alch_readers *alch_readers_attach(lua_State *L, int shape_idx, int anchor_idx)
{
    const alch_shape *shape = alch_check_shape(L, shape_idx);
    size_t n = (size_t)shape->n, size = sizeof(alch_readers) + n * sizeof(alch_conversion);
    alch_readers *readers;

    shape_idx = lua_absindex(L, shape_idx);
    anchor_idx = lua_absindex(L, anchor_idx);
    readers = lua_newuserdatauv(L, size, 1);
    memset(readers, 0, size);
    readers->n = n;
    lua_pushvalue(L, anchor_idx);
    lua_setiuservalue(L, -2, 1);
    lua_setiuservalue(L, shape_idx, 2);
    return readers;
}

void alch_readers_set(lua_State *L, alch_readers *readers, alch_shape *shape, int i,
                      const alch_type *type, const alch_storage *storage)
{
    alch_conversion *c = &readers->at[i];
    alch_shape_column *column = &shape->columns[i];
    alch_err err;

    if (alch_conversion_init(c, type, storage, column->name, L, &err) != ALCH_OK)
        alch_raise(L, &err);
    if (!c->host && c->read == NULL)
        return;     /* the cell is the value */
    column->read = read_cell;
    column->context = c;
    column->hooked = c->host != 0;
    column->plain = c->host ? ALCH_NULL : c->plain;
    shape->hooked = shape->hooked || column->hooked;
}

const alch_storage *alch_storage_of_driver(const char *driver)
{
    if (strcmp(driver, "libpq") == 0)
        return &alch_storage_postgresql;
    if (strcmp(driver, "sqlite") == 0)
        return &alch_storage_sqlite;
    return &alch_storage_standard;
}
