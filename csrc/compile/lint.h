#ifndef ALCH_COMPILE_LINT_H
#define ALCH_COMPILE_LINT_H

#include "compile/compiler.h"

/* Leaves a warning in the compiled statement where FROMs are not connected by
** any comparison or join, if somebody asked for it (the option linting, or
** the dialect of an engine). 'target': the table of an UPDATE or DELETE, or
** NULL. One FROM costs nothing. */
void alch_lint_froms(alch_compiler *c, const char *statement, const alch_node *target, const alch_nodes *froms,
                     const alch_list *where);

#endif
