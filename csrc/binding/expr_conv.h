#ifndef ALCH_BINDING_EXPR_CONV_H
#define ALCH_BINDING_EXPR_CONV_H

#include <lua.h>

#include "expr/node.h"

/*
** What a Lua value means where SQL expects an expression. One place for all
** bindings, so that the same mistake gets the same advice everywhere.
*/

/* A value for a column: an expression stands for itself (a SELECT for its
** scalar result), anything else becomes an unnamed parameter of 'type'. '*out'
** is a slot that owns what it gets. May replace the value at 'idx' by the
** expression it stands for. */
void alch_value_node(lua_State *L, int idx, const alch_type *type, const alch_node **out);
/* The same; the parameter that a value becomes is called 'name'. */
void alch_named_value_node(lua_State *L, int idx, const char *name, const alch_type *type, const alch_node **out);

/* The type that an object says it has (its metamethod __sql_type), or NULL: it
** takes the type of what it stands beside ('beside', or NULL). Lent by what is
** pushed, nil or the type. May raise. */
const alch_type *alch_own_type(lua_State *L, int idx, const alch_type *beside);

/* A value beside an expression: nil and sa.null are NULL, a boolean beside '='
** the constant, other values a parameter named and typed after 'beside'. */
void alch_operand_node(lua_State *L, int idx, const alch_node *beside, int op, const alch_node **out);
/* A type with a coerce_compared_value of its own says what the value at 'idx' is bound as; '*out' is a parameter just made
** for it, or for a list of such. */
void alch_ask_operand_type(lua_State *L, int idx, const alch_node *beside, int op, const alch_node **out);

/* An operand that must be an expression already, lent; a SELECT at 'idx' is
** replaced by its scalar value. */
const alch_node *alch_check_expression(lua_State *L, int idx);

/* Lists of values (IN): how wide the elements of the list at 'idx' are (1, or
** with 'tuples' the length of the first; 0: some element is an expression), a
** block for values that Lua frees, and reading them: text is borrowed. */
unsigned alch_element_width(lua_State *L, int idx, lua_Integer n, int tuples);
alch_value *alch_push_values(lua_State *L, size_t n);
void alch_read_elements(lua_State *L, int idx, lua_Integer n, unsigned width, alch_value *v);

/* The value at 'idx' becomes the parameter's; a list, where it is expanding, its elements. */
void alch_give_value(lua_State *L, alch_bind *b, int idx);

/* Pushes the ENTITY that a mapped class or one of its attributes has in its raw
** field _columns; NULL and nothing pushed for anything else. */
const alch_custom *alch_push_entity(lua_State *L, int idx);
/* What the value at 'idx', which stands for 'n', is in a SELECT's list: of an attribute of a mapped class its expression,
** which inside of others says whose it is. Lent by the value. */
const alch_node *alch_listed_node(lua_State *L, int idx, const alch_node *n);
/* The same of the raw field _about: what a join of mapped classes brings to WHERE. */
const alch_custom *alch_push_about(lua_State *L, int idx);
/* Anything that can stand in FROM, lent; a SELECT is refused with advice. */
const alch_node *alch_check_from(lua_State *L, int idx, const char *what);

/* An item of ORDER BY and the like: an expression, or a string that names a
** label or column of the statement. */
void alch_ordering_node(lua_State *L, int idx, const char *what, const alch_node **out);

/* LIMIT and its kind: a whole number or an expression. */
void alch_number_node(lua_State *L, int idx, const char *what, const alch_node **out);

/* A column of a SELECT list, or a FROM that stands for its columns, lent; a number or "*" is replaced by the
** text it is. */
const alch_node *alch_check_selectable(lua_State *L, int idx, const char *what);

/* Gives the userdata on the top its class, when its node is another kind than it was pushed for. */
void alch_settle_slot(lua_State *L, int kind);

/* A plain table: no metatable. */
int alch_is_plain_table(lua_State *L, int idx);
/* ... or a list out of a JSON document, which bears its mark when it is empty? */
int alch_is_list(lua_State *L, int idx);

/* If the arguments from 'first' on are one plain list, puts its items in its
** place; the number of arguments from 'first' on afterwards. */
int alch_spread(lua_State *L, int first);

/* Checks that the values from 'first' to 'last' are criteria for 'what'
** ("where"): none at all, nil and plain booleans are refused with advice,
** because that is what == and < leave behind. */
void alch_check_criteria(lua_State *L, int first, int last, const char *what);

#endif
