#ifndef ALCH_BINDING_COMPILE_CONV_H
#define ALCH_BINDING_COMPILE_CONV_H

#include <lua.h>

#include "compile/compiler.h"

/*
** Compiling from Lua, for stmt:compile() and for whoever executes.
*/
#define ALCH_COMPILED_METATABLE "lualchemy.compiled"

/* Compiles 'n' and pushes the compiled userdata. 'options' may be zeroed; its
** host is filled in here. 'params': stack index of a table of parameters that
** the text depends on (lengths of IN lists), or 0. Raises. */
alch_compiled *alch_push_compiled(lua_State *L, const alch_node *n, const alch_dialect *d,
                                  const alch_compile_options *options, int params);

/* What the type's bind_expression or column_expression ('hook') makes of 'n':
** a reference, '*out'. Called protected; 'host' is the running lua_State. */
int alch_wrap_in_lua(void *host, const alch_type *t, unsigned hook, const alch_node *n, const char *dialect,
                     const alch_node **out, alch_err *err);

/* Lent; NULL if it is none. */
alch_compiled *alch_test_compiled(lua_State *L, int idx);

#endif
