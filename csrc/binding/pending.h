#ifndef ALCH_BINDING_PENDING_H
#define ALCH_BINDING_PENDING_H

#include "binding/node_conv.h"
#include "compile/key.h"

/*
** What sa.select() and a generative method of SELECT give, and an operator
** between a column and plain values: a note of it, until somebody looks
** inside. A chain of calls makes one node of its statement then; the
** statements between stay notes, which own nothing outside Lua's memory and so
** need no finalizer; and nor do the expressions that go into it. A statement
** like one that was compiled before is never written out at all: its key comes
** from the notes (binding/noted_key.c).
**
** A note is a reference of a node like any other (binding/node_conv.h), with
** a tag of its own as long as it is one: alch_test_node_ref writes it out.
** Its user values are the statement before it and the values that the method
** got, checked: writing out finds nothing wrong with them. 'before' and
** 'parts' are the same for C, which need not ask Lua; they are good as long as
** it is a note. 'value' and 'items' stay for good: parameters are bound from
** there.
**
** What was written out belongs to an *owner*, which the note then keeps: one
** of the whole statement with the expressions in it, so that one used twice is
** one node. The owner keeps those that it lends to in turn, so that they have
** nothing any more when it was finalized before somebody else's finalizer uses
** them.
*/
enum {
    ALCH_NOTE_SELECT,           /* nodes of a list, that of its columns: nothing is before it */
    ALCH_NOTE_LIST,             /* nodes behind those of a list */
    ALCH_NOTE_NUMBER,           /* 'value', a whole number, in place of what was there */
    ALCH_NOTE_STYLE,            /* 'op' as how columns are labelled */
    ALCH_NOTE_JOIN,             /* left or nil, right, condition or nil, ENTITY with criteria or nil */
    ALCH_NOTE_BINARY,           /* no statement: a column, and a column or 'value', a number or text */
    ALCH_NOTE_IN,               /* a column and 'items', numbers and texts */
    ALCH_NOTE_UNARY             /* a column */
};

/* More values than this are not noted but written out at once; and a chain when it has so many notes, so that neither
** reading nor freeing one takes long. */
enum { ALCH_NOTE_VALUES = 16, ALCH_NOTE_LENGTH = 32 };

/* User values of a statement; of an expression, the last where it needs it; and of both when they are written out. */
enum { ALCH_NOTE_BEFORE = 1, ALCH_NOTE_FIRST = 3 };
enum { ALCH_NOTE_LEFT = 1, ALCH_NOTE_RIGHT = 3 };
enum { ALCH_NOTE_OPTIONS = 1, ALCH_NOTE_OWNER };

typedef struct alch_note {
    alch_node_ref ref;          /* node: NULL until it is written out, or lent while the statement around it is */
    uint16_t field;             /* of alch_select: its offset */
    uint8_t how;
    uint8_t op;                 /* of a list, of an expression; flags of a join */
    uint8_t values;             /* how many parts there are */
    uint8_t length;             /* of the chain, up to what is written out */
    uint8_t made;               /* writing out has made some expression of this statement's */
    uint8_t uses;               /* of an expression: statements it was put into; 2: or more */
    struct alch_note *next;     /* that the owner lends to */
    alch_node_ref *before;      /* of a statement, but for SELECT */
    alch_value value;           /* its text is a user value's */
    const alch_value *items;    /* behind the parts, and their text behind them; or NULL */
    uint32_t count;             /* of them */
    alch_node_ref *parts[];     /* NULL where there is none */
} alch_note;

extern const char alch_note_tag;

/* The note at 'idx' as long as it is one; else NULL. */
alch_note *alch_test_note(lua_State *L, int idx);

/* The same of a reference, or NULL. */
static inline alch_note *alch_as_note(alch_node_ref *r)
{
    return r != NULL && r->tag == &alch_note_tag ? (alch_note *)r : NULL;
}

static inline int alch_notes_expression(const alch_note *note)
{
    return note->how >= ALCH_NOTE_BINARY;
}

/* Is the value at 'idx' a statement, or an expression, that is not written out yet? */
int alch_is_noted_statement(lua_State *L, int idx);
int alch_is_noted_expression(lua_State *L, int idx);

/* The kind of node that what is noted at 'idx' will be, or -1. */
int alch_noted_kind(lua_State *L, int idx);

/* Pushes the execution options of the statement that the one noted at 'idx' begins with: a table, or nil. */
void alch_push_noted_options(lua_State *L, int idx);

/* Pushes what such a statement of a kind has in its list of columns, and returns 1; 0 and nothing: it is another one. */
int alch_push_noted_parts(lua_State *L, int idx, int kind);

/* Pushes a note of the operator between the values at 1 and 2 ('how': BINARY,
** IN), or of the one at 1 (UNARY), and returns 1 if nothing about it can be
** wrong: a column of a plain type and a column, number or string, or a short list
** of the latter two. 'classes': as for alch_push_node_of. */
int alch_push_noted(lua_State *L, int classes, int how, int op);

/* Pushes the statement at 1 with what a method adds: 'count' values from
** 'first' on, at most ALCH_NOTE_VALUES. */
void alch_push_note(lua_State *L, const alch_note *what, int first, int count);

/* Pushes a SELECT of the 'count' columns from 1 on, as many at most. */
void alch_push_noted_select(lua_State *L, int classes, int count);

/* The key of a noted statement (compile/key.h). 0: it has none. What it holds
** in place of a BIND has no 'of'. */
int alch_key_of_note(alch_key *k, const alch_note *note, const alch_compile_options *options);

/* The BIND that something given became when the noted statement was written out to 's'; NULL: none. */
const void *alch_bind_of_given(const alch_given *given, const alch_select *s);

#endif
