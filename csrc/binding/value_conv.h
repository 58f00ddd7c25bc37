#ifndef ALCH_BINDING_VALUE_CONV_H
#define ALCH_BINDING_VALUE_CONV_H

#include <lua.h>

#include "base/arena.h"
#include "type/convert.h"
#include "type/type.h"
#include "value/host.h"
#include "value/value.h"

/*
** Lua values to and from the core's, and what a type makes of them. Every
** binding that meets a user's value comes here.
**
** nil, sa.null, cjson.null  NULL          sa.decimal, sa.date ...  their kinds
** boolean                   BOOL          sa.bytes                 BLOB
** integer, float            INT, FLOAT    table, function, thread,
** string                    TEXT            other userdata         HOST
*/

#define ALCH_VALUE_METATABLE "lualchemy.value"
#define ALCH_TYPE_METATABLE "lualchemy.type"

/* Text and bytes are borrowed from the Lua value at 'idx': they live as long
** as it does. A HOST value's handle is 0. Never raises. */
void alch_lua_to_value(lua_State *L, int idx, alch_value *out);

/* The kinds that Lua has no type for, and HOST. */
void alch_value_push_object(lua_State *L, const alch_value *v);

static inline void alch_value_push(lua_State *L, const alch_value *v)
{
    switch (v->kind) {
    case ALCH_NULL: lua_pushnil(L); break;
    case ALCH_BOOL: lua_pushboolean(L, v->as.boolean); break;
    case ALCH_INT: lua_pushinteger(L, v->as.integer); break;
    case ALCH_FLOAT: lua_pushnumber(L, v->as.number); break;
    case ALCH_TEXT:
    case ALCH_BLOB: lua_pushlstring(L, v->as.text.at, v->as.text.len); break;
    default: alch_value_push_object(L, v); break;
    }
}

/* Pushes a userdata that is an arena: what is in it goes with the userdata. */
alch_arena *alch_push_arena(lua_State *L);

/* A counted reference to the Lua value at 'idx', for a structure of the core
** to hold; NULL when memory runs out. May raise (before it allocates). */
alch_host_ref *alch_host_ref_new(lua_State *L, int idx);
void alch_host_ref_push(lua_State *L, const alch_host_ref *r);

/* The type at 'idx': a type object, a type's class (sa.Integer) or the handle
** of one. Replaces it by the handle, so the lent pointer lives as long as
** that stack slot. Raises ArgumentError naming what came instead; 'what' says
** where ("Column 'id'"), or is NULL. */
const alch_type *alch_check_type(lua_State *L, int idx, const char *what);
/* Pushes the handle of a type, and keeps the type for it. */
void alch_push_type(lua_State *L, const alch_type *t);

/*
** Whole conversions: the type's hooks in Lua, JSON and arrays, around what
** type/convert.h does. They may raise what a hook raises, so 'a' must belong
** to something that Lua frees (alch_push_arena, or a userdata with __gc); the
** stack is left as it was. What 'out' points to lives in 'a' or in the Lua
** value at 'idx'.
*/
int alch_bind_lua(lua_State *L, int idx, const alch_conversion *c, alch_arena *a, alch_param *out, alch_err *err);
/* The same for a value that a structure of the core holds (a literal in a statement). */
int alch_bind_value(lua_State *L, const alch_value *v, const alch_conversion *c, alch_arena *a, alch_param *out, alch_err *err);
/* Pushes what a cell means to its column's type; nothing on failure. 'a' may
** be NULL: nothing outlives the call. */
int alch_read_push_slow(lua_State *L, const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_err *err);

static inline int alch_read_push(lua_State *L, const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_err *err)
{
    if (c->host || (cell->kind != c->plain && cell->kind != ALCH_NULL && c->read != NULL))
        return alch_read_push_slow(L, c, cell, a, err);
    alch_value_push(L, cell);
    return ALCH_OK;
}

/* Appends a Lua value as SQL text (type/literal.h), tables and hooks included.
** May raise, so 'out' must belong to something that Lua frees. */
int alch_literal_lua(lua_State *L, int idx, const alch_type *t, const alch_storage *s, alch_buf *out, alch_err *err);

/* Do two Lua values mean the same to a type, so that storing one over the
** other changes nothing? Tables are compared by what they hold. May raise. */
int alch_lua_equal(lua_State *L, const alch_type *t, int a, int b);

/* The type to bind the Lua value at 'idx' as, beside an expression of type
** 'left' (alch_type_coerce, and the type's own coerce_compared_value): 'op' is
** the operator's text for it. Kept: drop it. May raise. */
const alch_type *alch_operand_type(lua_State *L, const alch_type *left, int group, const char *op, int idx);

#endif
