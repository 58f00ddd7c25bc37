/* Column readers: see row_readers.h. */
#include "binding/row_readers.h"

#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "binding/bind.h"
#include "binding/value_conv.h"

#define READERS "lualchemy.readers"

typedef struct reader {
    alch_conversion conversion;
    alch_readers *all;
} reader;

struct alch_readers {
    alch_arena scratch;     /* what one conversion needs; emptied after it */
    unsigned depth;         /* conversions under way: a hook may read other rows of the result */
    size_t n;
    reader at[];
};

static int readers_gc(lua_State *L)
{
    alch_readers **slot = luaL_checkudata(L, 1, READERS);

    if (*slot != NULL) {
        alch_arena_release(&(*slot)->scratch);
        alch_free(*slot);
    }
    *slot = NULL;
    return 0;
}

static void read_cell(lua_State *L, const void *context, const alch_value *in)
{
    const reader *r = context;
    alch_readers *all = r->all;
    alch_err err;

    all->depth++;
    if (alch_read_push(L, &r->conversion, in, &all->scratch, &err) != ALCH_OK) {
        all->depth--;
        alch_raise(L, &err);
    }
    all->depth--;
    if (all->depth == 0 && all->scratch.next != all->scratch.first)
        alch_arena_release(&all->scratch);
}

alch_readers *alch_readers_attach(lua_State *L, int shape_idx, int anchor_idx)
{
    const alch_shape *shape = alch_check_shape(L, shape_idx);
    size_t n = (size_t)shape->n;
    alch_readers **slot, *readers;

    shape_idx = lua_absindex(L, shape_idx);
    anchor_idx = lua_absindex(L, anchor_idx);
    (void)alch_new_metatable(L, READERS, readers_gc);
    lua_pop(L, 1);
    slot = alch_push_object(L, sizeof *slot, 1, READERS);
    readers = alch_alloc0(sizeof *readers + n * sizeof *readers->at);
    if (readers == NULL) {
        alch_err err;

        (void)alch_err_nomem(&err);
        alch_raise(L, &err);
    }
    *slot = readers;
    readers->n = n;
    alch_arena_init(&readers->scratch);
    lua_pushvalue(L, anchor_idx);
    lua_setiuservalue(L, -2, 1);
    lua_setiuservalue(L, shape_idx, 2);
    return readers;
}

void alch_readers_set(lua_State *L, alch_readers *readers, alch_shape *shape, int i,
                      const alch_type *type, const alch_storage *storage)
{
    reader *r = &readers->at[i];
    alch_shape_column *column = &shape->columns[i];
    alch_err err;

    r->all = readers;
    if (alch_conversion_init(&r->conversion, type, storage, column->name, L, &err) != ALCH_OK)
        alch_raise(L, &err);
    if (!r->conversion.host && r->conversion.read == NULL)
        return;
    column->read = read_cell;
    column->context = r;
    column->hooked = r->conversion.host != 0;
    shape->hooked |= column->hooked;
}

const alch_storage *alch_storage_of_driver(const char *driver)
{
    if (strcmp(driver, "libpq") == 0)
        return &alch_storage_postgresql;
    if (strcmp(driver, "sqlite") == 0)
        return &alch_storage_sqlite;
    return &alch_storage_standard;
}
