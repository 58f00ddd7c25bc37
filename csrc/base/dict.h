#ifndef ALCH_BASE_DICT_H
#define ALCH_BASE_DICT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/*
** A small map from byte strings or addresses to numbers, for one operation: its
** memory is an arena's, its keys are lent for that long. A missing key is 0.
*/
typedef struct alch_dict_slot {
    const char *key;
    uint32_t len, hash;
    uint32_t value;
} alch_dict_slot;

typedef struct alch_dict {
    alch_arena *arena;
    alch_dict_slot *slots;
    uint32_t count, size;
} alch_dict;

uint32_t alch_dict_get(const alch_dict *d, const void *key, size_t len);
/* Where the number of a key is kept, 0 if it is new; valid until the next key comes. NULL when memory runs out. */
uint32_t *alch_dict_place(alch_dict *d, const void *key, size_t len);
/* 0 when memory runs out. */
int alch_dict_set(alch_dict *d, const void *key, size_t len, uint32_t value);

/* The address itself is the key: nothing is read through it. */
uint32_t alch_dict_get_address(const alch_dict *d, const void *p);
int alch_dict_set_address(alch_dict *d, const void *p, uint32_t value);

#endif
