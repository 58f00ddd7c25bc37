#ifndef ALCH_BINDING_JSON_H
#define ALCH_BINDING_JSON_H

#include <lua.h>

#include "type/storage.h"

/* The light userdata that is JSON.NULL: JSON's null as a whole document, as
** sa.null there means SQL NULL. */
void *alch_json_null(void);

/* Metatable of decoded empty lists, which would else come back as {}. */
#define ALCH_JSON_ARRAY "lualchemy.json_array"

/* Documents by functions of the user's, if the dialect that 's' is part of has
** them. Encoding replaces the value at the top of the stack and says 1, 0 when
** it is not its business, -1 with 'err' set; decoding pushes and says 1, or 0.
** They raise what the functions raise. */
int alch_json_encode_by_host(lua_State *L, const alch_storage *s, alch_err *err);
int alch_json_decode_by_host(lua_State *L, const alch_storage *s, const char *at, size_t n);

#endif
