#ifndef ALCH_BINDING_ARRAY_WIRE_H
#define ALCH_BINDING_ARRAY_WIRE_H

#include "base/buf.h"
#include "type/convert.h"

/*
** Arrays of one dimension as PostgreSQL takes them for a parameter: a column
** of a batch of rows. Values that the server would only have to parse again go
** in its binary form; all others as an array literal, of which each item is
** the text that the value has as a parameter of its own.
*/
typedef struct alch_wire {
    uint32_t item, array;   /* PostgreSQL's numbers of the items' type and of arrays of it */
} alch_wire;

/* The binary form for the values of a conversion; NULL: they go as text. */
const alch_wire *alch_wire_of(const alch_conversion *c);
/* What a parameter of such values is to be cast to, if not to the column's
** type: a cast to VARCHAR(5) would cut what an INSERT refuses. NULL: that. */
const char *alch_wire_cast(const alch_conversion *c);

void alch_wire_begin(alch_buf *out, const alch_wire *w, size_t items);
/* 0, and nothing added, if the value is not of that kind. */
int alch_wire_put(alch_buf *out, const alch_wire *w, const alch_value *v);
/* One item of an array literal, without what stands between items. */
void alch_wire_put_text(alch_buf *out, const alch_value *v);
/* The array literal of what was put together so, for people to read. */
void alch_wire_to_text(alch_buf *out, const char *bytes, size_t len);

#endif
