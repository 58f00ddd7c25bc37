#ifndef ALCH_BINDING_BIND_H
#define ALCH_BINDING_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "base/buf.h"
#include "base/err.h"
#include "binding/args.h"

/*
** What all bindings share. Order in a binding function: check the arguments,
** push the empty userdata that will own the result, call the core into it,
** convert. Nothing that must be freed lives only in a C local across a Lua
** call that can raise.
*/

/* Raises the Lua error object for 'err': calls the factory that
** lua/lualchemy/errors.lua registered, so that the error has its class and
** the line of the caller. Never returns; "return alch_raise(L, &err)". */
int alch_raise(lua_State *L, const alch_err *err);
int alch_raisef(lua_State *L, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Raises what a function of the core says went wrong. */
static inline void alch_check(lua_State *L, int rc, const alch_err *err)
{
    if (rc != ALCH_OK)
        alch_raise(L, err);
}

/* Pushes that error object instead of raising it. */
void alch_push_error(lua_State *L, const alch_err *err);

/* A metatable with __gc and __close, made once per state (luaopen may run
** again in the same state); left on the stack. 1 if it is new. */
int alch_new_metatable(lua_State *L, const char *name, lua_CFunction gc);

/* Pushes a new table that does not keep its values alive. */
void alch_push_weak_table(lua_State *L);

/* lua_newuserdatauv zeroed, with its metatable set. */
void *alch_push_object(lua_State *L, size_t size, int user_values, const char *metatable);

/* Pushes an empty buffer that the collector frees. */
alch_buf *alch_push_buffer(lua_State *L);
/* NULL for anything else. */
alch_buf *alch_test_buffer(lua_State *L, int idx);

/* Objects that are checked once per row or more begin with the address of a
** constant of their own: comparing that costs less than comparing metatables.
** NULL if the value at 'idx' is something else. */
static inline void *alch_test_tagged(lua_State *L, int idx, const void *tag)
{
    void *p = lua_touserdata(L, idx);

    if (p == NULL || lua_rawlen(L, idx) < sizeof tag || *(const void *const *)p != tag)
        return NULL;
    return p;
}

/* What a large result makes stays alive, all of it, so a collection in the
** midst looks at everything for nothing, each time the memory has doubled.
** alch_rest_from: the memory in use, in KiB, from which it pays to do without;
** 0: the collector does not run anyway. alch_call_at_rest: lua_call, which
** then may not yield, while there are no collections, nor soon afterwards. */
int alch_rest_from(lua_State *L);
void alch_call_at_rest(lua_State *L, int args, int results);

/* Is so much in use? Looked at once in a while: 'rows' counts. */
static inline int alch_rest_pays(lua_State *L, int from, int rows)
{
    return from > 0 && rows % 256 == 0 && lua_gc(L, LUA_GCCOUNT) >= from;
}

/* sa.null: light userdata NULL. */
#define alch_push_null(L) lua_pushlightuserdata(L, NULL)
#define alch_is_null(L, i) (lua_islightuserdata(L, i) && lua_touserdata(L, i) == NULL)

/* Each l_x.c adds its functions to the module table on the top of the stack. */
typedef void (*alch_opener)(lua_State *L);

#endif
