/* Identity keys as Lua values. */
#include "orm/key.h"

#include "binding/orm_host.h"
#include "binding/value_conv.h"

void alch_push_key(lua_State *L, const alch_value *values, size_t n)
{
    alch_buf *b;
    int failed;

    if (alch_key_plain(values, n)) {
        alch_value_push(L, values);
        return;
    }
    b = alch_push_buffer(L);
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
    lua_replace(L, -2);
}
