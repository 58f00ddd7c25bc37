#ifndef ALCH_BINDING_PENDING_H
#define ALCH_BINDING_PENDING_H

#include "binding/node_conv.h"

/*
** What a generative method of SELECT gives: a note of what the method adds to
** the statement it was called on, until somebody looks inside. A chain of
** calls makes one copy of its first statement then, in place of one a call,
** and the statements between stay notes, which own nothing outside Lua's
** memory and so need no finalizer.
**
** A note is a reference of a node like any other (binding/node_conv.h), with
** a tag of its own as long as it is one: alch_test_node_ref writes it out.
** Its first user value is the statement before it, then come the values that
** the method got, checked: writing out finds nothing wrong with them. What was
** written out belongs to another reference, which takes their place.
*/
enum {
    ALCH_NOTE_LIST,             /* nodes behind those of a list */
    ALCH_NOTE_NUMBER,           /* a whole number in place of what was there */
    ALCH_NOTE_JOIN              /* left or nil, right, condition or nil, ENTITY with criteria or nil */
};

/* More values than this are not noted but written out at once. */
enum { ALCH_NOTE_VALUES = 8 };

typedef struct alch_note {
    alch_node_ref ref;          /* node: NULL until it is written out */
    uint16_t field;             /* of alch_select: its offset */
    uint8_t how;
    uint8_t op;                 /* of a list; flags of a join */
    uint8_t values;
    uint8_t length;             /* of the chain, up to what is written out */
} alch_note;

extern const char alch_note_tag;

/* Is the value at 'idx' a statement that is not written out yet? */
int alch_is_note(lua_State *L, int idx);

/* Pushes the statement at 1 with what a method adds: 'count' values from
** 'first' on, at most ALCH_NOTE_VALUES. */
void alch_push_note(lua_State *L, const alch_note *what, int first, int count);

#endif
