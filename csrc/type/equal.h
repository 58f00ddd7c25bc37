#ifndef ALCH_TYPE_EQUAL_H
#define ALCH_TYPE_EQUAL_H

#include "type/type.h"

/* Do two values of a type mean the same, so that storing one over the other
** changes nothing? "1.10" and 1.1 for a Numeric, 1 and true for a Boolean,
** '2024-01-01' and that date. Two HOST values: only the same reference; the
** binding compares what is in them. */
int alch_type_equal(const alch_type *t, const alch_value *a, const alch_value *b);

#endif
