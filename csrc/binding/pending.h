#ifndef ALCH_BINDING_PENDING_H
#define ALCH_BINDING_PENDING_H

#include "binding/node_conv.h"

/*
** What a generative method of SELECT gives, and an operator between a column
** and a plain value: a note of it, until somebody looks inside. A chain of
** calls makes one copy of its first statement then, in place of one a call;
** the statements between stay notes, which own nothing outside Lua's memory and
** so need no finalizer; and nor do the expressions that go into it.
**
** A note is a reference of a node like any other (binding/node_conv.h), with
** a tag of its own as long as it is one: alch_test_node_ref writes it out.
** Its user values are the statement before it and the values that the method
** got, checked: writing out finds nothing wrong with them. What was written
** out belongs to an *owner*, which the note then keeps: one of the whole
** statement with the expressions in it, so that one used twice is one node.
** The owner keeps those that it lends to in turn, so that they have nothing
** any more when it was finalized before somebody else's finalizer uses them.
*/
enum {
    ALCH_NOTE_LIST,             /* nodes behind those of a list */
    ALCH_NOTE_NUMBER,           /* a whole number in place of what was there */
    ALCH_NOTE_JOIN,             /* left or nil, right, condition or nil, ENTITY with criteria or nil */
    ALCH_NOTE_BINARY,           /* no statement: a column, and a column, number or string */
    ALCH_NOTE_UNARY             /* a column */
};

/* More values than this are not noted but written out at once. */
enum { ALCH_NOTE_VALUES = 8 };

typedef struct alch_note {
    alch_node_ref ref;          /* node: NULL until it is written out, or lent while the statement around it is */
    uint16_t field;             /* of alch_select: its offset */
    uint8_t how;
    uint8_t op;                 /* of a list, of an expression; flags of a join */
    uint8_t values;
    uint8_t length;             /* of the chain, up to what is written out */
    uint8_t made;               /* writing out has made some expression of this statement's */
    struct alch_note *next;     /* that the owner lends to */
} alch_note;

extern const char alch_note_tag;

/* Is the value at 'idx' a statement, or an expression, that is not written out yet? */
int alch_is_noted_statement(lua_State *L, int idx);
int alch_is_noted_expression(lua_State *L, int idx);

/* The kind of node that the noted expression at 'idx' will be, or -1. */
int alch_noted_kind(lua_State *L, int idx);

/* Pushes a note of the operator between the values at 1 and 2 ('how': BINARY),
** or of the one at 1 (UNARY), and returns 1 if nothing about it can be wrong: a
** column of a plain type and a column, number or string. 'classes': as for
** alch_push_node_of. */
int alch_push_noted(lua_State *L, int classes, int how, int op);

/* Pushes the statement at 1 with what a method adds: 'count' values from
** 'first' on, at most ALCH_NOTE_VALUES. */
void alch_push_note(lua_State *L, const alch_note *what, int first, int count);

#endif
