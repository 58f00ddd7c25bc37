/* What Lua says of types while SQL is written: bind_expression and
** column_expression of types of the user's, and the text that sa.compiles()
** gives a type's name. */
#include "binding/bind.h"
#include "binding/compile_conv.h"
#include "binding/dialect_conv.h"
#include "binding/node_conv.h"
#include "binding/type_host.h"
#include "binding/value_conv.h"

static const char wrapper_key = 0;      /* registry: function(type object, method, element, dialect) -> element */
static const char speller_key = 0;      /* registry: function(type, dialect) -> text or nil; absent: nobody asked */
static const char plain_key = 0;        /* registry: the type that its own hook wants as the library writes it */

typedef struct question {
    const alch_type *type;
    const alch_node *node;
    const char *method, *dialect;
    const alch_node *answer;            /* a reference, once there is one */
    const alch_dialect *spelled_for;
    alch_buf *text;
    int done;                           /* 'text' is the answer */
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

int alch_wrap_in_lua(void *host, const alch_type *t, unsigned hook, const alch_node *n, const char *dialect,
                     const alch_node **out, alch_err *err)
{
    question q = { t, n, hook == ALCH_TYPE_HOOK_BIND_EXPRESSION ? "bind_expression" : "column_expression", dialect,
                   NULL, NULL, NULL, 0 };
    int rc = alch_call_protected(host, ask, &q, t, err);

    if (rc == ALCH_OK)
        *out = q.answer;
    return rc;
}

/* core.set_type_wrapper(function) */
static int l_set_type_wrapper(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &wrapper_key);
    return 0;
}

/*
** {=== The text of a type
*/

/* Is this the type that a hook asks the library about? Only the first time: what it consists of is rendered as ever. */
static int is_plain(lua_State *L, const alch_type *t)
{
    int is = lua_rawgetp(L, LUA_REGISTRYINDEX, &plain_key) == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == t;

    lua_pop(L, 1);
    if (is) {
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &plain_key);
    }
    return is;
}

/* Protected */
static int spell(lua_State *L)
{
    question *q = lua_touserdata(L, 1);
    const char *text;
    size_t len;

    if (is_plain(L, q->type))
        return 0;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &speller_key);
    alch_push_type(L, q->type);
    alch_push_dialect_of(L, q->spelled_for, q->dialect);
    lua_call(L, 2, 1);
    if (lua_isnil(L, -1))
        return 0;
    if (lua_type(L, -1) != LUA_TSTRING)
        return luaL_error(L, "its function given to sa.compiles() must return text, not %s", luaL_typename(L, -1));
    text = lua_tolstring(L, -1, &len);
    alch_buf_add(q->text, text, len);
    q->done = 1;
    return 0;
}

int alch_spell_type_in_lua(void *host, const alch_dialect *d, const alch_type *t, alch_buf *out, int *done,
                           alch_err *err)
{
    lua_State *L = host;
    question q = { t, NULL, NULL, d->name, NULL, d, out, 0 };
    int asked, rc;

    if (!lua_checkstack(L, 2))
        return alch_err_nomem(err);
    asked = lua_rawgetp(L, LUA_REGISTRYINDEX, &speller_key) == LUA_TFUNCTION;
    lua_pop(L, 1);
    if (!asked)
        return ALCH_OK;
    rc = alch_call_protected(L, spell, &q, t, err);
    *done = q.done;
    return rc;
}

/* core.set_type_speller(function): from now on asked for the text of every type. */
static int l_set_type_speller(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &speller_key);
    return 0;
}

static int push_type_text(lua_State *L, const alch_type *t, const alch_dialect *d)
{
    alch_buf *b = alch_push_buffer(L);
    alch_err err;

    alch_check(L, alch_type_text(d, t, L, b, &err), &err);
    if (b->failed)
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    lua_pushlstring(L, b->data != NULL ? b->data : "", b->len);
    return 1;
}

/* core.type_text(type, dialect): as CREATE TABLE and CAST show it. */
static int l_type_text(lua_State *L)
{
    const alch_type *t = alch_check_type(L, 1, NULL);

    return push_type_text(L, t, alch_check_dialect(L, 2));
}

/* core.type_text_plain(type, dialect): its text as if nobody had been asked for it. */
static int l_type_text_plain(lua_State *L)
{
    const alch_type *t = alch_check_type(L, 1, NULL);
    const alch_dialect *d = alch_check_dialect(L, 2);

    lua_pushlightuserdata(L, (void *)(uintptr_t)alch_type_for(t, d->name));
    lua_rawsetp(L, LUA_REGISTRYINDEX, &plain_key);
    return push_type_text(L, t, d);
}

/* }=== */

static const luaL_Reg functions[] = {
    { "set_type_wrapper", l_set_type_wrapper },
    { "set_type_speller", l_set_type_speller },
    { "type_text", l_type_text },
    { "type_text_plain", l_type_text_plain },
    { NULL, NULL }
};

void alch_open_type_wrap(lua_State *L);

void alch_open_type_wrap(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
