#ifndef ALCH_EXPR_ENTITY_H
#define ALCH_EXPR_ENTITY_H

#include "expr/selectable.h"

/*
** Which mapped classes an expression speaks of. A class whose tables are joined, or that shares its table with other
** classes, says so in an ENTITY: what its columns come from, and which rows are its own. A SELECT may list the ENTITY
** itself. An attribute inside an expression is a column that carries it (alch_column.entity): it reads, renders and
** is found like the column that it stands for, and statements apply what its class says.
*/

/* A column that stands for 'column', which 'entity' lists. */
int alch_entity_column_new(const alch_node *column, const alch_custom *entity, const alch_node **out, alch_err *err);

/* Whose a listed expression is: of the ENTITYs in it the outermost, the first one of these; subqueries are their own. NULL:
** there is none. */
const alch_custom *alch_entity_within(const alch_node *n);

/* The parts of what is listed, where each may be of a class of its own (a bundle, a composite); else NULL. */
const alch_list *alch_entity_parts(const alch_node *n);

/* The criteria of the mapped classes that a SELECT lists, selects from or compares in WHERE, each once; those of what it
** joins to stand in the ON clauses. Whatever stands in a function's arguments or in a window does not count for WHERE, as
** in SQLAlchemy. */
void alch_entity_criteria(const alch_select *s, alch_nodes *out);

#endif
