/* Calls from the core into types defined in Lua: always protected, a status
** comes back. */
#include "binding/type_host.h"

#include <string.h>

#include "binding/bind.h"
#include "binding/value_conv.h"
#include "type/literal.h"

static const char dialects_key = 0, objects_key = 0, cache_key = 0;

void alch_push_dialect(lua_State *L, const char *name)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &dialects_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &dialects_key);
    }
    if (lua_getfield(L, -1, name) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 1);
        lua_pushstring(L, name);
        lua_setfield(L, -2, "name");
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, name);
    }
    lua_replace(L, -2);
}

void alch_set_dialect(lua_State *L, const char *name)
{
    alch_push_dialect(L, name);     /* makes the table */
    lua_pop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &dialects_key);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* The table of dialect objects by identity, which it does not keep alive. */
static void push_objects(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &objects_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    alch_push_weak_table(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &objects_key);
}

void alch_push_dialect_of(lua_State *L, const void *identity, const char *name)
{
    push_objects(L);
    if (lua_rawgetp(L, -1, identity) == LUA_TNIL) {
        lua_pop(L, 1);
        alch_push_dialect(L, name);
    }
    lua_replace(L, -2);
}

void alch_set_dialect_of(lua_State *L, const void *identity)
{
    push_objects(L);
    lua_insert(L, -2);
    lua_rawsetp(L, -2, identity);
    lua_pop(L, 1);
}

/* One call into Lua: what goes in, what comes out. */
typedef struct call {
    const alch_type *type;
    const char *dialect;
    const alch_storage *storage;    /* literal */
    const alch_value *value;        /* literal */
    alch_buf *text;                 /* column_spec, literal */
    const alch_type *found;         /* impl */
    alch_err *err;
    int rc;                         /* what the core said inside */
} call;

/* A call of which an error says whose hook raised it. */
typedef struct guarded {
    const alch_type *type;
    alch_err *err;
} guarded;

/* The error object at 1, as text; runs protected because it may allocate. */
static int describe(lua_State *L)
{
    const guarded *g = lua_touserdata(L, 2);

    if (lua_type(L, 1) == LUA_TTABLE)
        lua_getfield(L, 1, "message");
    else
        lua_pushvalue(L, 1);
    (void)alch_err_set(g->err, ALCH_ERR_CALLBACK, "%s: %s", alch_type_name(g->type), luaL_tolstring(L, -1, NULL));
    return 0;
}

int alch_call_protected(lua_State *L, lua_CFunction f, void *payload, const alch_type *t, alch_err *err)
{
    guarded g = { t, err };

    if (!lua_checkstack(L, 12))
        return alch_err_nomem(err);
    lua_pushcfunction(L, f);
    lua_pushlightuserdata(L, payload);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK)
        return ALCH_OK;
    lua_pushcfunction(L, describe);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, &g);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return alch_err_nomem(err);
    }
    return ALCH_ERR_CALLBACK;
}

static int protected(lua_State *L, lua_CFunction f, call *c)
{
    return alch_call_protected(L, f, c, c->type, c->err);
}

/* Pushes the object's method and the object. */
static void push_method(lua_State *L, const call *c, const char *name)
{
    alch_host_ref_push(L, c->type->object);
    if (lua_getfield(L, -1, name) != LUA_TFUNCTION)
        luaL_error(L, "the method %s(self) is missing", name);
    lua_insert(L, -2);
}

/* cache[object][name .. dialect], weak by object. */
static void push_cache_of(lua_State *L, int object)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &cache_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_createtable(L, 0, 1);
        lua_pushliteral(L, "k");
        lua_setfield(L, -2, "__mode");
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &cache_key);
    }
    lua_pushvalue(L, object);
    if (lua_rawget(L, -2) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, object);
        lua_pushvalue(L, -2);
        lua_rawset(L, -4);
    }
    lua_replace(L, -2);
}

void alch_push_cached(lua_State *L, const alch_type *t, const char *name, const char *dialect)
{
    int object, cache, key;

    luaL_checkstack(L, 12, "type hook");
    alch_host_ref_push(L, t->object);
    object = lua_gettop(L);
    push_cache_of(L, object);
    cache = object + 1;
    key = cache + 1;
    lua_pushfstring(L, "%s %s", name, dialect);
    lua_pushvalue(L, key);
    if (lua_rawget(L, cache) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_getfield(L, object, name);
        lua_pushvalue(L, object);
        alch_push_dialect(L, dialect);
        lua_call(L, 2, 1);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_pushboolean(L, 0);      /* no processor: remembered too */
        } else if (strcmp(name, "load_dialect_impl") == 0) {
            (void)alch_check_type(L, -1, name);
        }
        lua_pushvalue(L, key);
        lua_pushvalue(L, -2);
        lua_rawset(L, cache);
    }
    if (lua_isboolean(L, -1)) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    lua_replace(L, object);
    lua_settop(L, object);
}

static int run_column_spec(lua_State *L)
{
    call *c = lua_touserdata(L, 1);
    size_t len;
    const char *text;

    push_method(L, c, "get_col_spec");
    alch_push_dialect(L, c->dialect);
    lua_call(L, 2, 1);
    if (lua_type(L, -1) != LUA_TSTRING)
        return luaL_error(L, "get_col_spec must return the type's DDL as a string, not %s", luaL_typename(L, -1));
    text = lua_tolstring(L, -1, &len);
    alch_buf_add(c->text, text, len);
    return 0;
}

static int column_spec(void *host, const alch_type *t, const char *dialect, alch_buf *out, alch_err *err)
{
    call c = { .type = t, .dialect = dialect, .text = out, .err = err };

    return protected(host, run_column_spec, &c);
}

static int run_impl(lua_State *L)
{
    call *c = lua_touserdata(L, 1);

    alch_push_cached(L, c->type, "load_dialect_impl", c->dialect);
    c->found = alch_check_type(L, -1, NULL);    /* the cache holds the handle as long as the object lives */
    return 0;
}

static int impl(void *host, const alch_type *t, const char *dialect, const alch_type **out, alch_err *err)
{
    call c = { .type = t, .dialect = dialect, .err = err };
    int rc = protected(host, run_impl, &c);

    if (rc == ALCH_OK)
        *out = c.found;
    return rc;
}

/* What stands for the value where it is written as text: the hook's result,
** written as the type behind would. */
static void push_literal_value(lua_State *L, const call *c)
{
    int user = c->type->kind == ALCH_TYPE_USER;
    const char *name = c->type->flags & ALCH_TYPE_HOOK_LITERAL ? (user ? "literal_processor" : "process_literal_param")
                                                               : (user ? "bind_processor" : "process_bind_param");

    if (user) {
        alch_push_cached(L, c->type, name, c->storage->dialect);
        alch_value_push(L, c->value);
        if (lua_isnil(L, -2))
            lua_replace(L, -2);
        else
            lua_call(L, 1, 1);
        return;
    }
    push_method(L, c, name);
    alch_value_push(L, c->value);
    alch_push_dialect(L, c->storage->dialect);
    lua_call(L, 3, 1);
}

/* literal_processor gives SQL text; every other hook gives a value. */
static int run_literal(lua_State *L)
{
    call *c = lua_touserdata(L, 1);
    const alch_type *behind;
    alch_value v;

    push_literal_value(L, c);
    alch_lua_to_value(L, -1, &v);
    if (c->type->kind == ALCH_TYPE_USER && (c->type->flags & ALCH_TYPE_HOOK_LITERAL) && v.kind == ALCH_TEXT) {
        alch_buf_add(c->text, v.as.text.at, v.as.text.len);
        return 0;
    }
    c->rc = alch_type_behind(c->type, c->storage->dialect, L, &behind, c->err);
    if (c->rc == ALCH_OK)
        c->rc = alch_literal_lua(L, -1, behind == c->type ? alch_type_of(ALCH_TYPE_NULL) : behind, c->storage, c->text, c->err);
    return 0;
}

static int literal(void *host, const alch_type *t, const alch_storage *s, const alch_value *in, alch_buf *out, alch_err *err)
{
    call c = { .type = t, .dialect = s->dialect, .storage = s, .value = in, .text = out, .err = err };
    int rc = protected(host, run_literal, &c);

    return rc == ALCH_OK ? c.rc : rc;
}

static int run_document(lua_State *L)
{
    call *c = lua_touserdata(L, 1);

    alch_value_push(L, c->value);
    c->rc = alch_literal_lua(L, -1, c->type, c->storage, c->text, c->err);
    return 0;
}

int alch_protected_literal(void *host, const alch_type *t, const alch_storage *s, const alch_value *v, alch_buf *out,
                           alch_err *err)
{
    call c = { .type = t, .dialect = s->dialect, .storage = s, .value = v, .text = out, .err = err };
    int rc = protected(host, run_document, &c);

    return rc == ALCH_OK ? c.rc : rc;
}

const alch_type_host alch_lua_type_host = { column_spec, literal, impl };
