#ifndef ALCH_COMPILE_WRAP_H
#define ALCH_COMPILE_WRAP_H

#include "compile/compiler.h"

/*
** Types that put SQL around their values: bind_expression of a parameter,
** column_expression of a selected column.
**
** The hook is given a stand-in for the parameter (ALCH_BIND_STAND_IN) and
** answers an expression around it; compiling that expression, the stand-in is
** written by 'put'. Parameters met meanwhile are not wrapped again.
*/
struct alch_wrapping {
    /* 't': the type the stand-in came back with. */
    void (*put)(alch_compiler *c, const alch_wrapping *w, const alch_type *t, unsigned flags);
    const alch_bind *bind;              /* the parameter itself, or the list it is an element of; lent */
    const alch_compiled_param *list;    /* name and type of that list's elements; lent */
    const alch_value *value;            /* a literal; lent */
    uint32_t param;                     /* a parameter that is made already, or the element */
    unsigned part;
};

/* The type that has the hook (ALCH_TYPE_HOOK_BIND_EXPRESSION or
** _COLUMN_EXPRESSION) in this dialect: 't', a variant of it, or NULL. */
const alch_type *alch_wrapping_type(const alch_compiler *c, const alch_type *t, unsigned hook);

/* What the type puts around a parameter: 'b' lends its name and value, NULL is
** a column's. NULL after a failure. */
const alch_node *alch_wrap_bind(alch_compiler *c, const alch_type *t, const alch_bind *b);

/* The expression of alch_wrap_bind with the stand-in written by 'w'. */
void alch_compile_wrapped(alch_compiler *c, const alch_node *wrapped, const alch_wrapping *w, unsigned flags);

/* VALUES and SET: the placeholder of a column's parameter, wrapped by its type; a value as literal. */
void alch_put_column_placeholder(alch_compiler *c, const alch_type *t, uint32_t param);
void alch_put_column_literal(alch_compiler *c, const alch_type *t, const alch_value *v);

/* What is selected in place of a column: itself, or what its type puts around it. */
const alch_node *alch_wrap_column(alch_compiler *c, const alch_node *column);

#endif
