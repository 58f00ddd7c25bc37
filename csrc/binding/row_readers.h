#ifndef ALCH_BINDING_ROW_READERS_H
#define ALCH_BINDING_ROW_READERS_H

#include <lua.h>

#include "binding/row.h"
#include "type/convert.h"

/*
** What the columns of a shape read their cells with: one conversion per
** column, resolved once per result. They belong to a userdata that becomes
** the shape's second user value and keeps what the types live in.
*/
typedef struct alch_readers alch_readers;

/* Gives the shape at 'shape_idx' readers of nothing yet, one per column. The
** value at 'anchor_idx' (what the types belong to; may be nil) is kept. */
alch_readers *alch_readers_attach(lua_State *L, int shape_idx, int anchor_idx);

/* Column 'i' (from 0) is of 'type', lent as long as the anchor lives. Raises. */
void alch_readers_set(lua_State *L, alch_readers *readers, alch_shape *shape, int i,
                      const alch_type *type, const alch_storage *storage);

/* How the database behind a driver keeps values where no dialect says. */
const alch_storage *alch_storage_of_driver(const char *driver);

#endif
