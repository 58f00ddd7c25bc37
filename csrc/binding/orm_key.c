/* Identity keys as Lua values. */
#include "orm/key.h"

#include "binding/orm_host.h"
#include "binding/value_conv.h"

#define BUFFER "lualchemy.buffer"

static int buffer_gc(lua_State *L)
{
    alch_buf_release(lua_touserdata(L, 1));
    return 0;
}

void alch_push_key(lua_State *L, const alch_value *values, size_t n)
{
    alch_buf *b;
    int failed;

    if (alch_key_plain(values, n)) {
        alch_value_push(L, values);
        return;
    }
    alch_new_metatable(L, BUFFER, buffer_gc);
    lua_pop(L, 1);
    b = alch_push_object(L, sizeof *b, 0, BUFFER);
    alch_key_pack(values, n, b);
    failed = b->failed;
    if (!failed)
        lua_pushlstring(L, b->data, b->len);
    alch_buf_release(b);
    if (failed) {
        alch_err err;

        (void)alch_err_nomem(&err);
        alch_raise(L, &err);
    }
    lua_remove(L, -2);
}
