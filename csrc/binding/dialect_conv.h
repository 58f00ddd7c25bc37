#ifndef ALCH_BINDING_DIALECT_CONV_H
#define ALCH_BINDING_DIALECT_CONV_H

#include <lua.h>

#include "dialect/dialect.h"

/*
** Dialects as Lua values: a userdata that owns one reference, and what has
** one: a Dialect object in its field _dialect, an engine or a connection in
** its field 'dialect'.
*/
#define ALCH_DIALECT_METATABLE "lualchemy.dialect"

/* Its user value: what was compiled for it (l_compiled.c). */
enum { ALCH_DIALECT_CACHE = 1 };

/* Lent; raises ArgumentError. Replaces the value at 'idx' by the userdata. */
const alch_dialect *alch_check_dialect(lua_State *L, int idx);

/* alch_dialect.spell_type: what sa.compiles() was given for the type's class.
** Called protected; 'host' is the running lua_State. */
int alch_spell_type_in_lua(void *host, const alch_dialect *d, const alch_type *t, alch_buf *out, int *done,
                           alch_err *err);

#endif
