#ifndef ALCH_BINDING_DOCUMENT_H
#define ALCH_BINDING_DOCUMENT_H

#include <lua.h>

#include "type/convert.h"

/*
** Lua tables that are one value of a database: JSON documents and PostgreSQL
** arrays. Encoding replaces the value at the top of the stack by its text;
** decoding pushes. ALCH_ERR_DATA names what cannot be kept.
*/
int alch_json_encode(lua_State *L, const alch_conversion *c, alch_arena *a, alch_err *err);
int alch_json_decode(lua_State *L, const char *s, size_t n, alch_err *err);

int alch_array_encode(lua_State *L, const alch_conversion *c, alch_arena *a, alch_err *err);
int alch_array_decode(lua_State *L, const alch_conversion *c, const char *s, size_t n, alch_arena *a, alch_err *err);

/* Is the table at 'idx' one item of an array, not a dimension of it? Of a
** dialect's type with hooks an item is an object (a range) or a table without
** a first element (hstore). */
int alch_is_item(lua_State *L, int idx, const alch_type *item);

/* Text that grows inside an arena, so that a Lua error on the way leaks nothing. */
typedef struct alch_text {
    alch_arena *arena;
    char *at;
    size_t len, size;
    int failed;
} alch_text;

void alch_text_add(alch_text *t, const char *s, size_t n);

#endif
