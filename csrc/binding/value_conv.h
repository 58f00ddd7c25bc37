#ifndef ALCH_BINDING_VALUE_CONV_H
#define ALCH_BINDING_VALUE_CONV_H

#include <lua.h>

#include "base/arena.h"
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

#endif
