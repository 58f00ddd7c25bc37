#include <stddef.h>

#include "binding/pending.h"
#include "expr/build.h"

/*
** The key of a statement that is only noted (compile/key.h): the notes, the
** last one first, each as one word that says what it is, and what it holds. A
** statement that was compiled before is found by it without a node being made.
**
** It is another key than that of the nodes which the notes become, with the
** parameters in another order; who keeps both says which is which by
** alch_bind_of_given.
*/

/* What a word begins with; none of compile/key.c does. */
enum { TAG_NOTE = 0xc0, TAG_NOTHING };

enum { OWN_TYPE = 1 };          /* a value's type is not that of the column beside it */

static void put_note(alch_key_walk *w, const alch_note *note, unsigned flags)
{
    alch_key_word(w, TAG_NOTE | (uint64_t)note->how << 8 | (uint64_t)note->op << 16 | (uint64_t)note->values << 24
                  | (uint64_t)note->field << 32 | (uint64_t)flags << 48);
}

/* 0: a finalizer uses what was finalized before. */
static int put_node(alch_key_walk *w, const alch_node_ref *r)
{
    if (r->node == NULL)
        return 0;
    alch_key_node(w, r->node);
    return 1;
}

/* The parameter beside the column 'left', which names it. */
static void put_value(alch_key_walk *w, const alch_note *note, const alch_node *left)
{
    const alch_type *t = note->items != NULL ? alch_list_type_beside(left, note->op, note->items, note->count, 1)
                                             : alch_compared_type(alch_node_type(left), note->op, &note->value);
    int own = t != alch_node_type(left);

    put_note(w, note, own ? OWN_TYPE : 0);
    alch_key_value(w, t, own, &(alch_given){ &note->value, note->items, NULL }, note->count);
}

static int put_expression(alch_key_walk *w, const alch_note *note)
{
    const alch_node_ref *left = note->parts[0];

    if (note->uses > 1 && alch_key_known(w, note))
        return 1;
    if (left->node == NULL)
        return 0;
    if (note->how != ALCH_NOTE_UNARY && note->values == 1)
        put_value(w, note, left->node);
    else
        put_note(w, note, 0);
    return put_node(w, left) && (note->values < 2 || put_node(w, note->parts[1]));
}

static int put_part(alch_key_walk *w, const alch_node_ref *r)
{
    if (r == NULL) {
        alch_key_word(w, TAG_NOTHING);
        return 1;
    }
    return r->tag == &alch_note_tag ? put_expression(w, (const alch_note *)r) : put_node(w, r);
}

static int put_statement(alch_key_walk *w, const alch_note *note)
{
    int i, ok = 1;

    put_note(w, note, 0);
    if (note->how == ALCH_NOTE_NUMBER)
        alch_key_value(w, alch_type_of(ALCH_TYPE_INTEGER), 0, &(alch_given){ &note->value, NULL, NULL }, 0);
    for (i = 0; i < note->values && ok; i++)
        ok = put_part(w, note->parts[i]);
    return ok;
}

int alch_key_of_note(alch_key *k, const alch_note *note, const alch_compile_options *options)
{
    const alch_node_ref *r = &note->ref;
    alch_key_walk w;
    int ok = 1;

    alch_key_begin(&w, k, options);
    for (; ok && r != NULL && r->tag == &alch_note_tag; r = ((const alch_note *)r)->before)
        ok = put_statement(&w, (const alch_note *)r);
    if (ok && r != NULL)
        ok = put_node(&w, r);
    return alch_key_end(&w, options) && ok;
}

/* -- what it became ---------------------------------------------------------------------------------------------- */

const void *alch_bind_of_given(const alch_given *given, const alch_select *s)
{
    const char *at = (const char *)given->value - offsetof(alch_note, value);
    const alch_note *note = (const alch_note *)(const void *)at;

    if (given->of != NULL)
        return given->of;
    if (note->how == ALCH_NOTE_NUMBER)
        return *(const alch_node *const *)(const void *)((const char *)s + note->field);
    return note->ref.node != NULL && note->ref.node->kind == ALCH_NODE_BINARY
        ? ((const alch_binary *)note->ref.node)->right : NULL;
}
