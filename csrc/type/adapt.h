#ifndef ALCH_TYPE_ADAPT_H
#define ALCH_TYPE_ADAPT_H

#include "type/type.h"

/*
** What operators make of types: the type of a result (SQLAlchemy's
** _expression_adaptations) and the type that a plain value is bound as beside
** a typed expression (coerce_compared_value; FEATURES X44).
*/
typedef enum alch_op_group {
    ALCH_OPS_COMPARE,       /* = < IN IS BETWEEN ...: a Boolean */
    ALCH_OPS_MATCH,         /* LIKE, regular expressions: a Boolean of strings */
    ALCH_OPS_ADD,
    ALCH_OPS_SUBTRACT,
    ALCH_OPS_MULTIPLY,
    ALCH_OPS_DIVIDE,        /* true division */
    ALCH_OPS_FLOOR_DIVIDE,
    ALCH_OPS_CONCAT,
    ALCH_OPS_OTHER          /* modulo, bitwise, the user's own: the left type */
} alch_op_group;

/* Lent: one of the two, or a static type. */
const alch_type *alch_type_result(int group, const alch_type *left, const alch_type *right);

/* '+' between two of these means '||'. */
int alch_type_concatenates(const alch_type *left, const alch_type *right);

/* The type to bind 'value' as beside an expression of type 'left'; lent. A
** type with HOOK_COERCE is asked by the binding instead (alch_operand_type). */
const alch_type *alch_type_coerce(int group, const alch_type *left, const alch_value *value);

#endif
