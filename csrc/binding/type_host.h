#ifndef ALCH_BINDING_TYPE_HOST_H
#define ALCH_BINDING_TYPE_HOST_H

#include <lua.h>

#include "type/storage.h"

/* What Lua supplies for TypeDecorator and UserDefinedType; the 'host' that
** the core hands through is the running lua_State. */
extern const alch_type_host alch_lua_type_host;

/* f(payload, as light userdata), protected: an error of a hook of 't' becomes 'err', which names the type. */
int alch_call_protected(lua_State *L, lua_CFunction f, void *payload, const alch_type *t, alch_err *err);

/* alch_literal_lua for a value that a structure of the core holds, called
** protected: the text belongs to the core. 'host' is the running lua_State. */
int alch_protected_literal(void *host, const alch_type *t, const alch_storage *s, const alch_value *v, alch_buf *out,
                           alch_err *err);

/* Pushes the dialect object that hooks get: the one that alch_set_dialect was
** last given under this name, else a table with only a name. */
void alch_push_dialect(lua_State *L, const char *name);
/* Pushes what the type's method 'name'(self, dialect) gave the first time it
** was asked for this dialect: the functions that bind_processor and
** result_processor return, or a handle from load_dialect_impl. May raise. */
void alch_push_cached(lua_State *L, const alch_type *t, const char *name, const char *dialect);
/* Registers the value on the top of the stack, and pops it. */
void alch_set_dialect(lua_State *L, const char *name);

/* The same by the dialect of the core that the object stands for; one that
** nobody registered is found by name. The object is not kept alive. */
void alch_push_dialect_of(lua_State *L, const void *identity, const char *name);
void alch_set_dialect_of(lua_State *L, const void *identity);

#endif
