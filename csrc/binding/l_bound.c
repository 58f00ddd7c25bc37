/* Bound parameters: see bound.h. */
#include "binding/bound.h"

#include <string.h>

#include "base/alloc.h"
#include "binding/array_wire.h"
#include "binding/bind.h"
#include "binding/driver_conn.h"
#include "binding/row_readers.h"
#include "binding/value_conv.h"

static const char bound_tag;

/* The userdata holds a pointer, so that Lua's collector is not driven by memory that is soon free again. */
typedef struct bound_ref {
    const void *tag;
    alch_bound *bound;
} bound_ref;

static void release_memory(alch_bound *b)
{
    if (b->own_array)
        alch_free(b->params);
    b->own_array = 0;
    b->params = NULL;
    b->sets = 0;
    alch_arena_release(&b->memory);
}

static int bound_gc(lua_State *L)
{
    bound_ref *ref = alch_test_tagged(L, 1, &bound_tag);
    alch_bound *b = ref != NULL ? ref->bound : NULL;

    if (b == NULL)
        return 0;
    ref->bound = NULL;
    release_memory(b);
    alch_free(b);
    return 0;
}

static int out_of_memory(lua_State *L)
{
    alch_err err;

    (void)alch_err_nomem(&err);
    return alch_raise(L, &err);
}

static void allocate_params(lua_State *L, alch_bound *b, size_t n, size_t sets)
{
    size_t count = n * sets;

    if (n != 0 && (count / n != sets || count > SIZE_MAX / sizeof *b->params))
        luaL_error(L, "too many parameters");
    if (count <= 16) {
        b->params = alch_arena_alloc(&b->memory, (count + 1) * sizeof *b->params);
    } else {
        b->params = alch_alloc0(count * sizeof *b->params);
        b->own_array = 1;
    }
    if (b->params == NULL)
        out_of_memory(L);
}

alch_bound *alch_bound_push(lua_State *L, size_t n, size_t sets)
{
    bound_ref *ref = lua_newuserdatauv(L, sizeof *ref, 1);
    alch_bound *b;

    ref->tag = &bound_tag;
    ref->bound = NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bound_tag);
    lua_setmetatable(L, -2);
    b = alch_alloc(sizeof *b);
    if (b == NULL)
        out_of_memory(L);
    ref->bound = b;
    b->n = n;
    b->sets = sets;
    b->many = 0;
    b->params = NULL;
    b->own_array = 0;
    alch_arena_init(&b->memory);
    allocate_params(L, b, n, sets);
    return b;
}

alch_bound *alch_check_bound(lua_State *L, int idx)
{
    const bound_ref *ref = alch_test_tagged(L, idx, &bound_tag);

    luaL_argexpected(L, ref != NULL, idx, ALCH_BOUND_METATABLE);
    if (ref->bound == NULL || ref->bound->params == NULL)
        alch_raisef(L, ALCH_ERR_CLOSED, "these parameters are closed");
    return ref->bound;
}

void alch_bound_own_text(lua_State *L, alch_bound *b, alch_value *v)
{
    char *copy;

    if ((v->kind != ALCH_TEXT && v->kind != ALCH_BLOB) || v->as.text.len == 0)
        return;
    copy = alch_arena_strndup(&b->memory, v->as.text.at, v->as.text.len);
    if (copy == NULL)
        out_of_memory(L);
    v->as.text.at = copy;
}

/* -- plain lists of driver values ----------------------------------------- */

/* A list's length: its field n where it has one, so that nil at the end counts. */
static size_t list_length(lua_State *L, int idx)
{
    lua_Integer n;

    lua_pushliteral(L, "n");
    if (lua_rawget(L, idx) == LUA_TNUMBER)
        n = lua_tointeger(L, -1);
    else
        n = (lua_Integer)lua_rawlen(L, idx);
    lua_pop(L, 1);
    return n > 0 ? (size_t)n : 0;
}

/* Without a type a value goes as its own: PostgreSQL is told that a number is one, and of text nothing, so that it may
** be a date. */
static void bind_set(lua_State *L, alch_bound *b, int idx, size_t set, const alch_conversion *natural)
{
    alch_param *params = b->params + set * b->n;
    alch_value v;
    alch_err err;
    size_t i;

    for (i = 0; i < b->n; i++) {
        lua_rawgeti(L, idx, (lua_Integer)i + 1);
        alch_lua_to_value(L, -1, &v);
        if (v.kind == ALCH_HOST)
            alch_raisef(L, ALCH_ERR_ARGUMENT, "a parameter is a %s; text sent as it is takes plain values",
                        luaL_typename(L, -1));
        if (alch_convert_bind(natural, &v, &b->memory, &params[i], &err) != ALCH_OK)
            alch_raise(L, &err);
        alch_bound_own_text(L, b, &params[i].value);
        lua_pop(L, 1);
    }
}

static void check_list(lua_State *L, int idx)
{
    if (list_length(L, idx) == 0 && (lua_pushnil(L), lua_next(L, idx)))
        alch_raisef(L, ALCH_ERR_ARGUMENT,
                    "parameters of text that is sent as it is are a list in the order of its placeholders, not named");
}

/* core.bind_list(values, dc) or core.bind_list({ values, values, ... }, dc) */
static int l_bind_list(lua_State *L)
{
    const alch_storage *storage = &alch_storage_standard;
    alch_conversion natural;
    size_t sets = 1, i;
    int many;
    alch_bound *b;
    alch_err err;

    if (!lua_isnoneornil(L, 2))
        storage = alch_storage_of_driver(alch_check_driver_conn(L, 2)->driver->name);
    if (alch_conversion_init(&natural, alch_type_of(ALCH_TYPE_NULL), storage, NULL, NULL, &err) != ALCH_OK)
        return alch_raise(L, &err);
    lua_settop(L, 1);
    if (lua_isnil(L, 1)) {
        alch_bound_push(L, 0, 1);
        return 1;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    many = lua_rawgeti(L, 1, 1) == LUA_TTABLE;
    check_list(L, many ? 2 : 1);
    if (many)
        sets = lua_rawlen(L, 1);
    b = alch_bound_push(L, list_length(L, many ? 2 : 1), sets);
    b->many = many;
    if (!many)
        bind_set(L, b, 1, 0, &natural);
    for (i = 0; many && i < sets; i++) {
        if (lua_rawgeti(L, 1, (lua_Integer)i + 1) != LUA_TTABLE || list_length(L, lua_gettop(L)) != b->n)
            return alch_raisef(L, ALCH_ERR_ARGUMENT, "parameter set %d is not a list of %d values as the first one is",
                               (int)i + 1, (int)b->n);
        bind_set(L, b, lua_gettop(L), i, &natural);
        lua_pop(L, 1);
    }
    return 1;
}

/* -- for logs, events and errors ------------------------------------------ */

static void push_array(lua_State *L, const alch_value *v)
{
    alch_buf *text = alch_push_buffer(L);

    alch_wire_to_text(text, v->as.text.at, v->as.text.len);
    if (text->failed)
        out_of_memory(L);
    lua_pushlstring(L, text->data, text->len);
    lua_replace(L, -2);
}

static void push_set(lua_State *L, const alch_bound *b, size_t set)
{
    size_t i;

    lua_createtable(L, (int)b->n, 0);
    for (i = 0; i < b->n; i++) {
        const alch_value *v = &b->params[set * b->n + i].value;

        if (v->kind == ALCH_NULL)
            alch_push_null(L);
        else if (v->kind == ALCH_BLOB && b->arrays)
            push_array(L, v);
        else
            alch_value_push(L, v);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* bound:list(limit) -> values in order, or a list of such lists of at most
** 'limit' sets when there are many; and the number of sets. */
static int l_list(lua_State *L)
{
    const alch_bound *b = alch_check_bound(L, 1);
    size_t limit = (size_t)luaL_optinteger(L, 2, LUA_MAXINTEGER), i;

    if (!b->many) {
        push_set(L, b, 0);
    } else {
        lua_newtable(L);
        for (i = 0; i < b->sets && i < limit; i++) {
            push_set(L, b, i);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    }
    lua_pushinteger(L, (lua_Integer)b->sets);
    return 2;
}

/* bound:many() -> was it a list of sets? */
static int l_many(lua_State *L)
{
    lua_pushboolean(L, alch_check_bound(L, 1)->many);
    return 1;
}

/* bound:release(): it has been executed and nobody looks at it again. Its
** memory goes back now, not when it is collected, so that the next batch finds
** it still near the processor. A run may go on pointing to what is left. */
static int l_release(lua_State *L)
{
    alch_bound *b = alch_check_bound(L, 1);

    release_memory(b);
    if (lua_getiuservalue(L, 1, 1) == LUA_TTABLE) {
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            alch_buf *buffer = alch_test_buffer(L, -1);

            if (buffer != NULL)
                alch_buf_release(buffer);
        }
    }
    return 0;
}

static int l_len(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)alch_check_bound(L, 1)->sets);
    return 1;
}

static const luaL_Reg methods[] = {
    { "list", l_list },
    { "many", l_many },
    { "release", l_release },
    { NULL, NULL }
};

void alch_open_bound(lua_State *L);

void alch_open_bound(lua_State *L)
{
    if (alch_new_metatable(L, ALCH_BOUND_METATABLE, bound_gc)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, l_len);
        lua_setfield(L, -2, "__len");
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &bound_tag);
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, l_bind_list);
    lua_setfield(L, -2, "bind_list");
}
