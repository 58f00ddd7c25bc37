#ifndef ALCH_COMPILE_RETURNED_H
#define ALCH_COMPILE_RETURNED_H

#include "compile/compiler.h"

/* What INSERT, UPDATE and DELETE give back. 'style': how equal names are told apart. */
void alch_compile_returning(alch_compiler *c, const alch_list *columns, int style, unsigned flags);

/* RETURNING of a statement that has none: the keys that the database makes, and
** what return_defaults() asked for. Reads what the statement filled in. */
void alch_compile_implicit_returning(alch_compiler *c, const alch_dml *d, unsigned flags);

#endif
