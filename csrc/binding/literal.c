/* Lua values as SQL literals: what type/literal.h does, and tables (JSON
** documents, arrays), and the hooks of types defined in Lua. */
#include "binding/bind.h"
#include "binding/document.h"
#include "binding/type_host.h"
#include "binding/value_conv.h"
#include "type/literal.h"

#define MAX_DIMENSIONS 6    /* PostgreSQL's own limit */

/* Through the type's own hooks; a table travels as a reference. */
static int hooked_literal(lua_State *L, int idx, const alch_type *t, const alch_storage *s, alch_buf *out, alch_err *err)
{
    alch_value v;
    int rc;

    alch_lua_to_value(L, idx, &v);
    if (v.kind == ALCH_HOST) {
        v.as.handle = (intptr_t)alch_host_ref_new(L, idx);
        if (v.as.handle == 0)
            return alch_err_nomem(err);
    }
    rc = alch_type_literal(t, s, L, &v, out, err);      /* calls Lua protected: the reference is always dropped */
    if (v.kind == ALCH_HOST)
        alch_host_drop((alch_host_ref *)v.as.handle);
    return rc;
}

static int json_literal(lua_State *L, int idx, const alch_type *t, const alch_storage *s, alch_buf *out, alch_err *err)
{
    int top = lua_gettop(L), rc;
    alch_conversion c;
    alch_value v;
    alch_arena *a;

    idx = lua_absindex(L, idx);
    rc = alch_conversion_init(&c, t, s, NULL, L, err);
    if (rc != ALCH_OK)
        return rc;
    a = alch_push_arena(L);
    lua_pushvalue(L, idx);
    rc = alch_json_encode(L, &c, a, err);
    alch_lua_to_value(L, -1, &v);
    if (rc == ALCH_OK)
        rc = alch_type_literal(alch_type_of(ALCH_TYPE_TEXT), s, L, &v, out, err);
    lua_settop(L, top);
    return rc;
}

/* ARRAY['a', 'b'] for PostgreSQL; without the word elsewhere, as SQLAlchemy. */
static int list_literal(lua_State *L, int list, const alch_type *item, const alch_storage *s, int depth, alch_buf *out,
                        alch_err *err)
{
    lua_Integer i, n = luaL_len(L, list);
    int rc = ALCH_OK;

    if (depth > MAX_DIMENSIONS)
        return alch_err_set(err, ALCH_ERR_DATA, "an array has at most %d dimensions", MAX_DIMENSIONS);
    luaL_checkstack(L, 8, "array literal");
    list = lua_absindex(L, list);
    alch_buf_puts(out, "[");
    for (i = 1; rc == ALCH_OK && i <= n; i++) {
        if (i > 1)
            alch_buf_puts(out, ", ");
        lua_geti(L, list, i);
        if (lua_type(L, -1) == LUA_TTABLE && item->family != ALCH_FAMILY_JSON && item->family != ALCH_FAMILY_USER
            && !alch_is_item(L, -1, item))
            rc = list_literal(L, -1, item, s, depth + 1, out, err);
        else
            rc = alch_literal_lua(L, -1, item, s, out, err);
        lua_pop(L, 1);
    }
    alch_buf_puts(out, "]");
    return rc == ALCH_OK && out->failed ? alch_err_nomem(err) : rc;
}

int alch_literal_lua(lua_State *L, int idx, const alch_type *t, const alch_storage *s, alch_buf *out, alch_err *err)
{
    const alch_type *next = t;
    int rc;

    luaL_checkstack(L, 8, "literal");
    do {
        t = next;
        if (alch_type_for(t, s->dialect) == t && (t->flags & (ALCH_TYPE_HOOK_LITERAL | ALCH_TYPE_HOOK_BIND)))
            return hooked_literal(L, idx, t, s, out, err);
        rc = alch_type_behind(t, s->dialect, L, &next, err);
    } while (rc == ALCH_OK && next != t);
    if (rc != ALCH_OK)
        return rc;
    if (t->family == ALCH_FAMILY_JSON && !lua_isnil(L, idx) && !alch_is_null(L, idx))
        return json_literal(L, idx, t, s, out, err);
    if (t->family == ALCH_FAMILY_ARRAY && t->item != NULL && lua_type(L, idx) == LUA_TTABLE) {
        alch_buf_puts(out, s->oids ? "ARRAY" : "");
        return list_literal(L, idx, t->item, s, 1, out, err);
    }
    return hooked_literal(L, idx, t, s, out, err);
}
