#ifndef ALCH_COMPILE_KEY_H
#define ALCH_COMPILE_KEY_H

#include "base/arena.h"
#include "compile/compiler.h"

/*
** The key of a statement: everything that its text depends on, as words that
** can be compared, so that what was compiled for one statement serves another
** one (compile/cache.h). Two statements have the same key only if they are
** the same graph of nodes over the same tables, columns and types, and differ
** at most in the values of their parameters.
**
** - A node that a statement holds twice is written once and referred to the
**   second time: whether two parts are one or merely equal is in the key, and
**   so it is for names with anonymous parts, whose addresses become numbers.
** - Columns of tables, tables and types of the host's making are written as
**   their addresses, which nobody else can get while something is cached for
**   them; a table's version says whether it has changed since.
** - Of a parameter the key holds name, type, the kind of its value and, for
**   IN, the number of elements. The parameters themselves are listed in
**   'binds', in the order of the walk: the n-th of one statement is the n-th
**   of the other.
**
** A key may be made again and again; it keeps its memory.
*/
typedef struct alch_key_seen {
    const void *address;
    uint32_t walk;              /* that saw it; of another walk than the key's: empty */
    uint32_t number;            /* from 1, in the order in which the walk met them */
} alch_key_seen;

typedef struct alch_key {
    uint64_t *words;            /* owned */
    size_t count, size;
    uint64_t hash;
    const alch_bind **binds;    /* owned; the binds are lent by the statement */
    size_t bind_count, bind_size;
    size_t value_bytes;         /* of text among the parameters' values */
    uint8_t named_lists;        /* an IN list whose elements may come with the parameters */
    alch_key_seen *seen;        /* owned: 'seen_size' slots, a power of two, at most half of them in use */
    uint32_t seen_size, walk;
    alch_arena arena;           /* of one walk */
} alch_key;

void alch_key_init(alch_key *k);
void alch_key_release(alch_key *k);

/* 1 if the statement has a key; 0 if it has none, because something in it is
** rendered by the host or depends on more than its nodes, or if memory runs
** out. Not for options with literal_binds or a translation of schemas. */
int alch_key_make(alch_key *k, const alch_node *statement, const alch_compile_options *options);

#endif
