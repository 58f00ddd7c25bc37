#ifndef ALCH_BINDING_ARGS_H
#define ALCH_BINDING_ARGS_H

#include <lauxlib.h>
#include <lua.h>

/*
** lauxlib's checks of arguments under their own names, but a wrong argument is
** an ArgumentError at the line of the library's caller: "bad argument #3 to
** 'alias'" inside a file of ours would tell nobody what to change. bind.h
** includes this, so a binding writes luaL_checkstring as everywhere.
*/

int alch_arg_error(lua_State *L, int arg, const char *text);
int alch_arg_type_error(lua_State *L, int arg, const char *expected);

const char *alch_arg_lstring(lua_State *L, int arg, size_t *len);
const char *alch_arg_opt_lstring(lua_State *L, int arg, const char *def, size_t *len);
lua_Integer alch_arg_integer(lua_State *L, int arg);
lua_Integer alch_arg_opt_integer(lua_State *L, int arg, lua_Integer def);
lua_Number alch_arg_number(lua_State *L, int arg);
lua_Number alch_arg_opt_number(lua_State *L, int arg, lua_Number def);
void alch_arg_type(lua_State *L, int arg, int type);
void alch_arg_any(lua_State *L, int arg);
void *alch_arg_udata(lua_State *L, int arg, const char *metatable);
int alch_arg_option(lua_State *L, int arg, const char *def, const char *const list[]);

#define luaL_argerror alch_arg_error
#define luaL_typeerror alch_arg_type_error
#define luaL_checklstring alch_arg_lstring
#define luaL_optlstring alch_arg_opt_lstring
#define luaL_checkinteger alch_arg_integer
#define luaL_optinteger alch_arg_opt_integer
#define luaL_checknumber alch_arg_number
#define luaL_optnumber alch_arg_opt_number
#define luaL_checktype alch_arg_type
#define luaL_checkany alch_arg_any
#define luaL_checkudata alch_arg_udata
#define luaL_checkoption alch_arg_option

#endif
