#ifndef ALCH_BINDING_ROW_H
#define ALCH_BINDING_ROW_H

#include <lua.h>

#include "value/value.h"

/*
** Rows of a result as Lua sees them.
**
** A *shape* is what all rows of one result have in common: the columns'
** names and how a cell becomes a Lua value. A *row* is one userdata: the
** cells as they came from the driver, packed, and a reference to the shape.
** A cell becomes a Lua value when it is read, so a column nobody asks for
** costs its bytes only.
**
** Cells that only Lua can convert (types with hooks, objects of the ORM) are
** converted when the row is made; they stand in a table beside the row.
*/
#define ALCH_SHAPE_METATABLE "lualchemy.shape"
#define ALCH_ROW_METATABLE "lualchemy.row"

typedef struct alch_shape alch_shape;

/* Pushes a conversion of 'in', which is no NULL unless the column's reader
** wants NULLs; raises what the conversion raises. */
typedef void (*alch_shape_read)(lua_State *L, const void *context, const alch_value *in);

typedef struct alch_shape_column {
    const char *name;           /* a Lua string that the shape's user value anchors */
    size_t len;
    alch_shape_read read;       /* NULL: as it came */
    const void *context;        /* of 'read'; the shape's owner anchors it */
    uint8_t hooked;             /* calls Lua: at most once per value, so when the row is made */
    uint8_t plain;              /* cells of this kind are what 'read' would push */
} alch_shape_column;

struct alch_shape {
    const void *magic;
    int n;
    uint8_t hooked;             /* some column is */
    uint8_t indexed;            /* the names can be looked up */
    uint8_t shared;             /* row[column] finds the same columns whatever statement the rows are of */
    uint8_t described;          /* by the database, this time: another execution of the statement may have other types */
    const struct alch_compiled *compiled;   /* what row[column] looks into; anchored with the readers; or NULL */
    const struct alch_node *statement;      /* whose columns they are, if not the one that was compiled; anchored */
    alch_shape_column columns[];
};

/* Pushes a shape for the 'n' strings on the top of the stack and pops them;
** readers are the caller's to fill in before the first row. The shape's
** second user value is the caller's: an anchor for contexts. */
alch_shape *alch_shape_push(lua_State *L, int n);
alch_shape *alch_check_shape(lua_State *L, int idx);

/* Pushes a shape like that at 'idx' for the rows of another statement (at
** 'statement_idx') that was compiled to the same. */
alch_shape *alch_shape_push_like(lua_State *L, int idx, int statement_idx);

/* Replaces the shape on the top by a row of 'cells' (kinds up to ALCH_BLOB);
** their bytes are copied. 'metatable' is where that of rows stands. */
void alch_row_make(lua_State *L, const alch_shape *shape, int metatable, const alch_value *cells);
void alch_row_push_metatable(lua_State *L);

/* Pushes a plain table of the cells by the names of the shape at 'shape_idx': a NULL is absent, of a repeated name the last
** counts. */
void alch_record_make(lua_State *L, const alch_shape *shape, int shape_idx, const alch_value *cells);

/* Pushes the value of cell 'i' (from 0) of a driver's row as the shape reads it. */
void alch_shape_push_value(lua_State *L, const alch_shape *shape, int i, const alch_value *cell);

#endif
