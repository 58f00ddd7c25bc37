#ifndef ALCH_EXPR_READS_H
#define ALCH_EXPR_READS_H

#include "expr/node.h"

/*
** Does a statement only read, so that a copy of the database can answer it?
** '*out' is 1 for a SELECT (or a compound of them) that locks no row, takes
** no number of a sequence, has no INSERT, UPDATE or DELETE in a CTE and calls
** no function known to change or to depend on its server. Text of the user's
** own inside a SELECT is taken for reading, a statement of text is not.
*/
int alch_only_reads(const alch_node *statement, int *out, alch_err *err);

#endif
