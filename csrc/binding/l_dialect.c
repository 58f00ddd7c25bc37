/* Dialects: filled from the tables of lua/lualchemy/dialects. */
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/dialect_conv.h"
#include "binding/type_host.h"

static const char dialect_tag;

typedef struct dialect_ref {
    const void *tag;
    const alch_dialect *dialect;
} dialect_ref;

/* Replaces the value at 'idx' by its field. */
static int step_into(lua_State *L, int idx, const char *field)
{
    if (lua_type(L, idx) != LUA_TTABLE || lua_getfield(L, idx, field) == LUA_TNIL)
        return 0;
    lua_replace(L, idx);
    return 1;
}

/* A Dialect object has it as a field of its own. */
static int step_into_own(lua_State *L, int idx)
{
    lua_pushliteral(L, "_dialect");
    if (lua_rawget(L, idx) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        return 0;
    }
    lua_replace(L, idx);
    return 1;
}

const alch_dialect *alch_check_dialect(lua_State *L, int idx)
{
    const dialect_ref *r;

    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 4, "dialect");
    if (lua_type(L, idx) == LUA_TTABLE && !step_into_own(L, idx)) {
        (void)step_into(L, idx, "dialect");
        (void)step_into(L, idx, "_dialect");
    }
    r = alch_test_tagged(L, idx, &dialect_tag);
    if (r == NULL || r->dialect == NULL)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "a dialect, an engine or a connection expected, got %s",
                    luaL_typename(L, idx));
    return r->dialect;
}

/*
** {=== Reading a description
*/

static void check(lua_State *L, int rc, const alch_err *err)
{
    if (rc != ALCH_OK)
        alch_raise(L, err);
}

static void read_caps(lua_State *L, int idx, alch_dialect *d)
{
    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
        const char *name = luaL_checkstring(L, -2);

        if (!alch_dialect_set_cap(d, name, lua_toboolean(L, -1)))
            alch_raisef(L, ALCH_ERR_ARGUMENT, "dialect '%s': no capability is called '%s'", d->name, name);
    }
}

typedef int (*set_fn)(alch_dialect *d, const char *name, const char *text, alch_err *err);

static void read_texts(lua_State *L, int idx, alch_dialect *d, set_fn set)
{
    alch_err err;

    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1))
        check(L, set(d, luaL_checkstring(L, -2), luaL_checkstring(L, -1), &err), &err);
}

static void read_reserved(lua_State *L, int idx, alch_dialect *d)
{
    lua_Integer i, n = luaL_len(L, idx);
    alch_err err;

    for (i = 1; i <= n; i++) {
        lua_geti(L, idx, i);
        check(L, alch_dialect_reserve(d, luaL_checkstring(L, -1), &err), &err);
        lua_pop(L, 1);
    }
}

/* {one = "other", [null] = "for tables without a schema", two = null} */
static void read_schemas(lua_State *L, int idx, alch_dialect *d)
{
    alch_err err;

    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
        const char *from = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        const char *to = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;

        check(L, alch_dialect_map_schema(d, from, to, &err), &err);
    }
}

static void read_encodings(lua_State *L, int idx, alch_dialect *d)
{
    for (lua_pushnil(L); lua_next(L, idx) != 0; lua_pop(L, 1)) {
        int family = alch_family_called(luaL_checkstring(L, -2));
        int encoding = alch_encoding_called(luaL_checkstring(L, -1));

        if (family < 0 || encoding < 0)
            alch_raisef(L, ALCH_ERR_ARGUMENT, "dialect '%s': storage cannot keep '%s' as '%s'", d->name,
                        lua_tostring(L, -2), lua_tostring(L, -1));
        d->storage.as[family] = (uint8_t)encoding;
    }
}

static uint8_t flag_field(lua_State *L, int idx, const char *name, uint8_t otherwise)
{
    if (lua_getfield(L, idx, name) != LUA_TNIL)
        otherwise = (uint8_t)lua_toboolean(L, -1);
    lua_pop(L, 1);
    return otherwise;
}

/* storage = { base = "sqlite", as = { boolean = "integer" }, zones = false, ... } */
static void read_storage(lua_State *L, int idx, alch_dialect *d)
{
    static const char *const bases[] = { "standard", "sqlite", "postgresql", NULL };
    static const alch_storage *const storages[] = { &alch_storage_standard, &alch_storage_sqlite,
                                                    &alch_storage_postgresql };

    lua_getfield(L, idx, "base");
    d->storage = *storages[luaL_checkoption(L, -1, "standard", bases)];
    lua_pop(L, 1);
    d->storage.dialect = d->name;
    d->storage.oids = flag_field(L, idx, "oids", d->storage.oids);
    d->storage.zones = flag_field(L, idx, "zones", d->storage.zones);
    d->storage.nul_in_text = flag_field(L, idx, "nul_in_text", d->storage.nul_in_text);
    d->storage.nan = flag_field(L, idx, "nan", d->storage.nan);
    d->storage.json_host = flag_field(L, idx, "json_host", 0);
    if (lua_getfield(L, idx, "as") == LUA_TTABLE)
        read_encodings(L, lua_gettop(L), d);
    lua_pop(L, 1);
}

static int integer_field(lua_State *L, const char *name, int otherwise)
{
    if (lua_getfield(L, 1, name) != LUA_TNIL)
        otherwise = (int)luaL_checkinteger(L, -1);
    lua_pop(L, 1);
    return otherwise;
}

static void read_parts(lua_State *L, alch_dialect *d)
{
    static const char *const styles[] = { "named", "qmark", "numeric_dollar", "numeric", "format", "pyformat", NULL };
    static const char *const parts[] = { "caps", "words", "types", "reserved", "schemas", "storage" };
    size_t i;

    lua_getfield(L, 1, "paramstyle");
    d->paramstyle = (uint8_t)luaL_checkoption(L, -1, "named", styles);
    lua_pop(L, 1);
    d->max_identifier_length = integer_field(L, "max_identifier_length", d->max_identifier_length);
    d->label_length = integer_field(L, "label_length", 0);
    for (i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (lua_getfield(L, 1, parts[i]) == LUA_TTABLE) {
            int at = lua_gettop(L);

            switch (i) {
            case 0: read_caps(L, at, d); break;
            case 1: read_texts(L, at, d, alch_dialect_set_word); break;
            case 2: read_texts(L, at, d, alch_dialect_set_type); break;
            case 3: read_reserved(L, at, d); break;
            case 4: read_schemas(L, at, d); break;
            default: read_storage(L, at, d);
            }
        }
        lua_pop(L, 1);
    }
}

/* }=== */

/* core.dialect{ name =, paramstyle =, max_identifier_length =, label_length =, caps = {}, words = {}, types = {},
** reserved = {}, schemas = {}, storage = {} } */
static int l_dialect(lua_State *L)
{
    dialect_ref *slot;
    alch_dialect *d;
    const char *name;
    alch_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "name");
    name = luaL_checkstring(L, -1);
    slot = alch_push_object(L, sizeof *slot, ALCH_DIALECT_CACHE, ALCH_DIALECT_METATABLE);
    slot->tag = &dialect_tag;
    check(L, alch_dialect_new(name, &d, &err), &err);
    slot->dialect = d;
    d->storage.dialect = d->name;
    d->spell_type = alch_spell_type_in_lua;
    read_parts(L, d);
    return 1;
}

static int l_gc(lua_State *L)
{
    dialect_ref *r = luaL_testudata(L, 1, ALCH_DIALECT_METATABLE);

    if (r != NULL) {
        alch_dialect_drop(r->dialect);
        r->dialect = NULL;
    }
    return 0;
}

static int push_text(lua_State *L, alch_buf *b)
{
    if (b->failed)
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    lua_pushlstring(L, b->data != NULL ? b->data : "", b->len);
    alch_buf_release(b);
    return 1;
}

/* core.dialect_quote(dialect, name, force | nil) */
static int l_quote(lua_State *L)
{
    const alch_dialect *d = alch_check_dialect(L, 1);
    size_t len;
    const char *name = luaL_checklstring(L, 2, &len);
    int force = lua_toboolean(L, 3);
    alch_buf *b;

    if (memchr(name, '\0', len) != NULL)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "a name cannot contain a NUL character");
    b = alch_push_buffer(L);
    if (force)
        alch_dialect_quote_always(d, name, b);
    else
        alch_dialect_quote(d, name, b);
    return push_text(L, b);
}

/* core.dialect_object(dialect, object, named): the object that hooks get for it, and for its name */
static int l_dialect_object(lua_State *L)
{
    const alch_dialect *d = alch_check_dialect(L, 1);

    lua_settop(L, 3);
    lua_pushvalue(L, 2);
    alch_set_dialect_of(L, d);
    if (lua_toboolean(L, 3)) {
        lua_settop(L, 2);
        alch_set_dialect(L, d->name);
    }
    return 0;
}

/* core.has_own_storage(dialect): does it keep values in another way than the
** databases known here? Then its connections have to be told of it. */
static int l_has_own_storage(lua_State *L)
{
    const alch_dialect *d = alch_check_dialect(L, 1);

    lua_pushboolean(L, alch_storage_known(&d->storage) == &d->storage);
    return 1;
}

static const luaL_Reg functions[] = {
    { "dialect", l_dialect },
    { "has_own_storage", l_has_own_storage },
    { "dialect_object", l_dialect_object },
    { "dialect_quote", l_quote },
    { NULL, NULL }
};

void alch_open_dialect(lua_State *L);

void alch_open_dialect(lua_State *L)
{
    (void)alch_new_metatable(L, ALCH_DIALECT_METATABLE, l_gc);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
