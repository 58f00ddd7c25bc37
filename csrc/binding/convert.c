/* Values of a type between Lua and a driver: the type's hooks, JSON and
** arrays, around type/convert.h. */
#include <string.h>

#include "binding/bind.h"
#include "binding/document.h"
#include "binding/json.h"
#include "binding/type_host.h"
#include "binding/value_conv.h"
#include "binding/value_object.h"
#include "type/adapt.h"

/* --- hooks --- */

/* Calls process_x(self, value, dialect) on the value at the top. */
static void call_method(lua_State *L, const alch_type *t, const char *name, const char *dialect)
{
    alch_host_ref_push(L, t->object);
    lua_getfield(L, -1, name);
    lua_insert(L, -2);
    lua_pushvalue(L, -3);
    alch_push_dialect(L, dialect);
    lua_call(L, 3, 1);
    lua_replace(L, -2);
}

/* Calls the function that x_processor(self, dialect) gave, if it gave one. */
static void call_processor(lua_State *L, const alch_type *t, const char *name, const char *dialect)
{
    alch_push_cached(L, t, name, dialect);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    lua_insert(L, -2);
    lua_call(L, 1, 1);
}

static void call_hook(lua_State *L, const alch_type *t, int user_processor, const char *dialect)
{
    static const char *const methods[] = { "process_bind_param", "process_result_value" };
    static const char *const processors[] = { "bind_processor", "result_processor" };

    luaL_checkstack(L, 16, "type hook");
    if (t->kind == ALCH_TYPE_USER)
        call_processor(L, t, processors[user_processor], dialect);
    else
        call_method(L, t, methods[user_processor], dialect);
}

enum { BIND, RESULT };

/* Outermost first on the way in. */
static int bind_hooks(lua_State *L, const alch_type *t, const char *dialect, alch_err *err)
{
    const alch_type *next = t;
    int rc = ALCH_OK;

    do {
        t = next;
        rc = alch_type_behind(t, dialect, L, &next, err);
        if (rc == ALCH_OK && (t->flags & ALCH_TYPE_HOOK_BIND) && alch_type_for(t, dialect) == t)
            call_hook(L, t, BIND, dialect);
    } while (rc == ALCH_OK && next != t);
    return rc;
}

/* Innermost first on the way out. */
static int result_hooks(lua_State *L, const alch_type *t, const char *dialect, alch_err *err)
{
    const alch_type *next;
    int rc = alch_type_behind(t, dialect, L, &next, err);

    if (rc == ALCH_OK && next != t)
        rc = result_hooks(L, next, dialect, err);
    if (rc == ALCH_OK && (t->flags & ALCH_TYPE_HOOK_RESULT) && alch_type_for(t, dialect) == t)
        call_hook(L, t, RESULT, dialect);
    return rc;
}

/* --- binding --- */

/* os.date("*t") for a date, { days = 1 } for an interval: through the
** constructor of the kind, in place of the table at the top. */
static void table_to_temporal(lua_State *L, int family)
{
    static const lua_CFunction makers[ALCH_FAMILY_COUNT] = {
        [ALCH_FAMILY_DATE] = alch_make_date, [ALCH_FAMILY_TIME] = alch_make_time,
        [ALCH_FAMILY_DATETIME] = alch_make_datetime, [ALCH_FAMILY_INTERVAL] = alch_make_interval
    };

    if (makers[family] == NULL || lua_type(L, -1) != LUA_TTABLE || lua_getmetatable(L, -1)) {
        if (lua_type(L, -1) == LUA_TTABLE && makers[family] != NULL)
            lua_pop(L, 1);
        return;
    }
    lua_pushcfunction(L, makers[family]);
    lua_insert(L, -2);
    lua_call(L, 1, 1);
}

/* The Lua value at the top; its text is copied, because the stack is not kept. */
static int bind_top(lua_State *L, const alch_conversion *c, alch_arena *a, alch_param *out, alch_err *err)
{
    alch_value v;
    int rc;

    table_to_temporal(L, c->type->family);
    alch_lua_to_value(L, -1, &v);
    rc = alch_convert_bind(c, &v, a, out, err);
    if (rc == ALCH_OK && (out->value.kind == ALCH_TEXT || out->value.kind == ALCH_BLOB)) {
        out->value.as.text.at = alch_arena_strndup(a, out->value.as.text.at, out->value.as.text.len);
        if (out->value.as.text.at == NULL)
            rc = alch_err_nomem(err);
    }
    return rc;
}

static int bind_slow(lua_State *L, const alch_conversion *c, alch_arena *a, alch_param *out, alch_err *err)
{
    int rc;

    if (alch_is_null(L, -1)) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    rc = bind_hooks(L, c->declared, c->storage->dialect, err);
    if (rc != ALCH_OK || lua_isnil(L, -1) || alch_is_null(L, -1)) {
        out->oid = c->oid;
        out->value.kind = ALCH_NULL;
        return rc;
    }
    if (c->type->family == ALCH_FAMILY_JSON)
        rc = alch_json_encode(L, c, a, err);
    else if (c->type->family == ALCH_FAMILY_ARRAY)
        rc = alch_array_encode(L, c, a, err);
    return rc == ALCH_OK ? bind_top(L, c, a, out, err) : rc;
}

int alch_bind_lua(lua_State *L, int idx, const alch_conversion *c, alch_arena *a, alch_param *out, alch_err *err)
{
    int top = lua_gettop(L), rc;
    alch_value v;

    if (!c->host) {
        alch_lua_to_value(L, idx, &v);
        if (v.kind != ALCH_HOST)
            return alch_convert_bind(c, &v, a, out, err);
    }
    luaL_checkstack(L, 16, "parameter");
    lua_pushvalue(L, idx);
    rc = c->host ? bind_slow(L, c, a, out, err) : bind_top(L, c, a, out, err);
    lua_settop(L, top);
    return rc;
}

int alch_bind_value(lua_State *L, const alch_value *v, const alch_conversion *c, alch_arena *a, alch_param *out, alch_err *err)
{
    int rc;

    if (!c->host && v->kind != ALCH_HOST)
        return alch_convert_bind(c, v, a, out, err);
    luaL_checkstack(L, 16, "parameter");
    if (v->kind == ALCH_BLOB)
        alch_value_push_object(L, v);
    else
        alch_value_push(L, v);
    rc = c->host ? bind_slow(L, c, a, out, err) : bind_top(L, c, a, out, err);
    lua_pop(L, 1);
    return rc;
}

/* --- results --- */

static int push_document(lua_State *L, const alch_conversion *c, const alch_value *v, alch_arena *a, alch_err *err)
{
    if (v->kind == ALCH_TEXT && c->type->family == ALCH_FAMILY_JSON) {
        if (alch_json_decode_by_host(L, c->storage, v->as.text.at, v->as.text.len))
            return ALCH_OK;
        return alch_json_decode(L, v->as.text.at, v->as.text.len, err);
    }
    if (v->kind == ALCH_TEXT && c->type->family == ALCH_FAMILY_ARRAY)
        return alch_array_decode(L, c, v->as.text.at, v->as.text.len, a, err);
    alch_value_push(L, v);
    return ALCH_OK;
}

static int read_hosted(lua_State *L, const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_err *err)
{
    int top, rc;
    alch_value v;

    luaL_checkstack(L, 16, "result");
    if (a == NULL)
        a = alch_push_arena(L);
    else
        lua_pushnil(L);
    top = lua_gettop(L);
    rc = alch_convert_read(c, cell, a, &v, err);
    if (rc == ALCH_OK)
        rc = push_document(L, c, &v, a, err);
    if (rc == ALCH_OK)
        rc = result_hooks(L, c->declared, c->storage->dialect, err);
    if (rc != ALCH_OK) {
        lua_settop(L, top - 1);
        return rc;
    }
    lua_replace(L, top);
    return ALCH_OK;
}

int alch_read_push_slow(lua_State *L, const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_err *err)
{
    alch_arena local;
    alch_value v;
    int rc;

    if (c->host)
        return read_hosted(L, c, cell, a, err);
    if (a != NULL) {
        rc = alch_convert_read(c, cell, a, &v, err);
        if (rc == ALCH_OK)
            alch_value_push(L, &v);
        return rc;
    }
    alch_arena_init(&local);        /* its first block nearly always does: then nothing can leak */
    rc = alch_convert_read(c, cell, &local, &v, err);
    if (local.blocks != NULL) {
        alch_arena_release(&local);
        return rc == ALCH_OK ? read_hosted(L, c, cell, NULL, err) : rc;
    }
    if (rc == ALCH_OK)
        alch_value_push(L, &v);
    return rc;
}

/* --- operands --- */

const alch_type *alch_operand_type(lua_State *L, const alch_type *left, int group, const char *op, int idx)
{
    const alch_type *t;
    alch_value v;

    if (left->flags & ALCH_TYPE_HOOK_COERCE) {
        idx = lua_absindex(L, idx);
        luaL_checkstack(L, 8, "operand");
        alch_host_ref_push(L, left->object);
        lua_getfield(L, -1, "coerce_compared_value");
        lua_insert(L, -2);
        lua_pushstring(L, op);
        lua_pushvalue(L, idx);
        lua_call(L, 3, 1);
        t = alch_type_keep(alch_check_type(L, -1, "coerce_compared_value"));
        lua_pop(L, 1);
        return t;
    }
    alch_lua_to_value(L, idx, &v);
    return alch_type_keep(alch_type_coerce(group, left, &v));
}
