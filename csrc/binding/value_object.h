#ifndef ALCH_BINDING_VALUE_OBJECT_H
#define ALCH_BINDING_VALUE_OBJECT_H

#include <lauxlib.h>
#include <lua.h>

#include "value/value.h"

/* The value at 'idx' if it is a value object; lent, text included, for as
** long as the userdata lives. */
const alch_value *alch_test_value(lua_State *L, int idx);

/* What tostring gives: "2024-12-31 10:30:00", "1.10". */
void alch_value_push_text(lua_State *L, const alch_value *v);

/* sa.date(...) and the like, as Lua calls them. */
int alch_make_date(lua_State *L);
int alch_make_time(lua_State *L);
int alch_make_datetime(lua_State *L);
int alch_make_interval(lua_State *L);

/* Comparison, arithmetic and printing. */
extern const luaL_Reg alch_value_metamethods[];
/* Fills the metatable on the top of the stack: those, fields and methods. */
void alch_value_setup(lua_State *L);

#endif
