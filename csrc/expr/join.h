#ifndef ALCH_EXPR_JOIN_H
#define ALCH_EXPR_JOIN_H

#include "expr/selectable.h"

/*
** Joins, and the condition that foreign keys give one that has none.
*/

/* left JOIN right ON on; takes the references. 'on' NULL: from the foreign
** keys (unless ALCH_JOIN_CROSS). */
int alch_join_new(const alch_node *left, const alch_node *right, const alch_node *on, unsigned flags,
                  const alch_node **out, alch_err *err);

/* The condition between two FROMs (lent). NoForeignKeysError if there is no
** key between them, AmbiguousForeignKeysError if there are several. */
int alch_join_condition(const alch_node *left, const alch_node *right, const alch_node **out, alch_err *err);

/* 1 if exactly such a condition could be found, or if there are several. */
int alch_can_join(const alch_node *left, const alch_node *right);

#endif
