#ifndef ALCH_COMPILE_JOIN_H
#define ALCH_COMPILE_JOIN_H

#include "compile/compiler.h"

/* The explicit FROMs of a SELECT into 'froms', its joins worked in: each join
** finds its left side among them, as SQLAlchemy's _setup_joins does. */
void alch_setup_joins(alch_compiler *c, const alch_select *s, alch_nodes *froms);

#endif
