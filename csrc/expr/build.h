#ifndef ALCH_EXPR_BUILD_H
#define ALCH_EXPR_BUILD_H

#include "expr/node.h"

/*
** Constructors that know SQL. They take over the references they are given,
** also when they fail (arguments marked "lent" excepted), so that a caller
** can hand on what it just made. '*out' gets one reference.
*/

int alch_bind_new(const char *key, const alch_node *named_for /* lent */, const alch_type *type,
                  const alch_value *value, unsigned flags, const alch_node **out, alch_err *err);

/* The type a plain value gets beside an expression: the expression's own
** where the two are of a kind, else the value's (coerce_compared_value). */
const alch_type *alch_compared_type(const alch_type *beside, int op, const alch_value *value);

/* A parameter for a plain value that stands beside 'beside' (lent): named and
** typed after it. */
int alch_bind_beside(const alch_node *beside, int op, const alch_value *value, const alch_node **out, alch_err *err);

/* The same for the list of an IN: 'count' elements of 'width' values each. */
int alch_bind_list_beside(const alch_node *beside, int op, const alch_value *items, size_t count, size_t width,
                          const alch_node **out, alch_err *err);

/* The type of such a list's parameter. */
const alch_type *alch_list_type_beside(const alch_node *beside, int op, const alch_value *items, size_t count,
                                       size_t width);

/* left op right with the operator's own result type and negation. */
int alch_binary_new(int op, const alch_node *left, const alch_node *right, const alch_type *type,
                    const alch_node **out, alch_err *err);

/* The same as users mean it: '=' with NULL is IS, with ANY turned round ... */
int alch_operate(int op, const alch_node *left, const alch_node *right, const alch_node **out, alch_err *err);

int alch_unary_new(int op, const alch_node *element, const alch_type *type, const alch_node **out, alch_err *err);
/* SELECT of every column of a FROM, which is lent. */
int alch_select_all(const alch_node *from, const alch_node **out, alch_err *err);
int alch_wrap_new(int kind, const alch_node *element, const alch_type *type, const alch_node **out, alch_err *err);
int alch_pair_new(int kind, const alch_node *first, const alch_node *second, const alch_node **out, alch_err *err);

/* NOT n, in the way SQLAlchemy says it: an operator's own negation first. */
int alch_negate(const alch_node *n /* lent */, const alch_node **out, alch_err *err);

/* a AND b ..., OR: takes the list (op AND or OR); nested lists of the same
** operator are merged, constants that do not matter left out. */
int alch_conjunction(alch_list *items, const alch_node **out, alch_err *err);

/* 'name' NULL: anonymous. */
int alch_label_new(const char *name, const alch_node *element, const alch_node **out, alch_err *err);

/* args: LIST of COMMA. 'type' NULL: what the function is known to return. */
int alch_function_new(const char *package, const char *name, alch_list *args, const alch_type *type,
                      const alch_node **out, alch_err *err);

/* A fragment; a BIND without a value is made for each ":name". */
int alch_text_new(const char *text, const alch_node **out, alch_err *err);

/* The next ":name" of a fragment from 'from' on, which is its begin or behind a
** name: its colon, or NULL. '*len' is the name's. "\:x" and "::x" are none, nor
** is anything inside of literals, quoted names and comments. */
const char *alch_text_param(const char *text, const char *from, size_t *len);

/* COLLATION, LABEL_NAME, SEQUENCE */
int alch_name_new(int kind, const char *text, const char *schema, const alch_node **out, alch_err *err);

/* The bare constant of a kind: NULL, TRUE, FALSE. */
int alch_const_new(int kind, const alch_node **out, alch_err *err);

/* Is it a boolean that is no comparison? As a condition it is "x", or "x = 1"
** where the database has no booleans (SQLAlchemy: AsBoolean). */
int alch_is_bare_boolean(const alch_node *n);

/* Is it a truth value by its form (comparison, AND, EXISTS), not by its type? */
int alch_is_boolean_form(const alch_node *n);

#endif
