#ifndef ALCH_COMPILE_CACHE_H
#define ALCH_COMPILE_CACHE_H

#include "compile/key.h"

/*
** Which key was compiled to what: a bounded map from keys to numbers, under
** which the owner of the cache keeps what was compiled. A key that comes when
** the cache is full gets the number of one that has not been asked for since
** the hand last passed it (second chance), so what is kept under a number is
** replaced, and never more than 'capacity' are in use.
*/
typedef struct alch_cache_entry {
    uint64_t *words;            /* owned: the key's, then what was added with it */
    size_t count;               /* of the key's */
    uint64_t hash;
    uint32_t extra;             /* bytes behind them */
    uint32_t next;              /* in the bucket, plus one */
    uint8_t used;               /* asked for since the hand passed */
} alch_cache_entry;

typedef struct alch_cache {
    alch_cache_entry *entries;  /* owned */
    uint32_t *buckets;          /* owned: 'size' of them, a power of two; entry plus one */
    uint32_t count, size, capacity, hand;
    uint64_t hits, misses;      /* of alch_cache_find */
} alch_cache;

void alch_cache_init(alch_cache *c, uint32_t capacity);
void alch_cache_release(alch_cache *c);

/* The number of the key, from 1; 0: it is new. */
uint32_t alch_cache_find(alch_cache *c, const alch_key *k);

/* A number for a new key, from 1; 0 when memory runs out or the capacity is
** none. 'extra' bytes at 'with' are kept along with the key. */
uint32_t alch_cache_add(alch_cache *c, const alch_key *k, const void *with, size_t extra);
const void *alch_cache_extra(const alch_cache *c, uint32_t number, size_t *extra);

/* Forgets all keys; what was kept under their numbers is the owner's to drop. */
void alch_cache_clear(alch_cache *c);

#endif
