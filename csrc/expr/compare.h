#ifndef ALCH_EXPR_COMPARE_H
#define ALCH_EXPR_COMPARE_H

#include "expr/node.h"

/* Do two expressions or statements say the same? Tables and their columns are
** the same only if they are one; what else is made twice of equal parts is.
** The order of what is commutative (a + b, x AND y) does not matter, nor do
** the names of parameters that get a number anyway; values do, and types as
** far as they are of different families. What the embedding language defines
** is compared by 'same_host', which does not fail. '*same' is 1 or 0. */
typedef int (*alch_same_host_fn)(const alch_host_ref *a, const alch_host_ref *b, int is_value, void *payload);
int alch_node_compare(const alch_node *a, const alch_node *b, alch_same_host_fn same_host, void *payload, int *same,
                      alch_err *err);

#endif
