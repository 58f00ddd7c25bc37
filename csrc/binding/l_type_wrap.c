/* bind_expression and column_expression of types defined in Lua, asked for by
** a compile. */
#include "binding/bind.h"
#include "binding/compile_conv.h"
#include "binding/node_conv.h"
#include "binding/type_host.h"
#include "binding/value_conv.h"

static const char wrapper_key = 0;      /* registry: function(type object, method, element, dialect) -> element */

typedef struct question {
    const alch_type *type;
    const alch_node *node;
    const char *method, *dialect;
    const alch_node *answer;            /* a reference, once there is one */
    alch_err *err;
} question;

/* Protected: the answer goes into the question when nothing can be raised any more. */
static int ask(lua_State *L)
{
    question *q = lua_touserdata(L, 1);
    const alch_node *n;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &wrapper_key);
    alch_host_ref_push(L, q->type->object);
    lua_pushstring(L, q->method);
    alch_push_node(L, q->node);
    alch_push_dialect(L, q->dialect);
    lua_call(L, 4, 1);
    n = alch_to_node(L, -1);
    if (n == NULL)
        return luaL_error(L, "%s must return an expression, not %s", q->method, alch_describe(L, -1));
    q->answer = alch_node_keep(n);
    return 0;
}

/* The error object at 1 as text; protected because it may allocate. */
static int describe(lua_State *L)
{
    const question *q = lua_touserdata(L, 2);

    if (lua_type(L, 1) == LUA_TTABLE)
        lua_getfield(L, 1, "message");
    else
        lua_pushvalue(L, 1);
    (void)alch_err_set(q->err, ALCH_ERR_CALLBACK, "%s: %s", alch_type_name(q->type), luaL_tolstring(L, -1, NULL));
    return 0;
}

int alch_wrap_in_lua(void *host, const alch_type *t, unsigned hook, const alch_node *n, const char *dialect,
                     const alch_node **out, alch_err *err)
{
    lua_State *L = host;
    question q = { t, n, hook == ALCH_TYPE_HOOK_BIND_EXPRESSION ? "bind_expression" : "column_expression", dialect,
                   NULL, err };

    if (!lua_checkstack(L, 12))
        return alch_err_nomem(err);
    lua_pushcfunction(L, ask);
    lua_pushlightuserdata(L, &q);
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) {
        *out = q.answer;
        return ALCH_OK;
    }
    lua_pushcfunction(L, describe);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, &q);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        lua_pop(L, 1);
        return alch_err_nomem(err);
    }
    return ALCH_ERR_CALLBACK;
}

/* core.set_type_wrapper(function) */
static int l_set_type_wrapper(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &wrapper_key);
    return 0;
}

void alch_open_type_wrap(lua_State *L);

void alch_open_type_wrap(lua_State *L)
{
    lua_pushcfunction(L, l_set_type_wrapper);
    lua_setfield(L, -2, "set_type_wrapper");
}
