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
**   'given', in the order of the walk: the n-th of one statement is the n-th
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
    alch_given *given;          /* owned: the parameters; what they point to is lent by the statement */
    size_t given_count, given_size;
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

/*
** The key of something that is no node yet but says what nodes it would be
** (binding/noted.c). Its words come from the caller: a word that no statement
** of nodes begins with, so that the two never are equal, then what it holds.
** Nodes in it are all numbered; what else may come twice goes through
** alch_key_known. Failures stick.
*/
typedef struct alch_key_walk {
    alch_key *key;
    uint64_t *at, *end;         /* of the key's words: where the next one goes, and where room for them ends */
    const uint8_t *overridden;
    uint32_t numbers;
    unsigned level;
    uint8_t every;              /* number every node: some name refers to one */
    uint8_t again;              /* a name was found that does */
    uint8_t failed;
    uint8_t renders_tables;     /* the host renders columns or tables */
    uint8_t writes;             /* INSERT, UPDATE or DELETE: names of parameters count */
} alch_key_walk;

void alch_key_begin(alch_key_walk *w, alch_key *k, const alch_compile_options *options);
int alch_key_end(alch_key_walk *w, const alch_compile_options *options);     /* what alch_key_make returns */

void alch_key_word(alch_key_walk *w, uint64_t word);
void alch_key_node(alch_key_walk *w, const alch_node *n);
/* 1: it came before, and a reference to it is written. */
int alch_key_known(alch_key_walk *w, const void *p);
/* A parameter of type 't', which is written if 'own': the kind of its value and, where it has elements, how many. */
void alch_key_value(alch_key_walk *w, const alch_type *t, int own, const alch_given *given, uint32_t count);

#endif
