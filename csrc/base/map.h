#ifndef ALCH_BASE_MAP_H
#define ALCH_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

/*
** A hash table from byte strings to pointers, open addressing. Keys are
** copied; values are the caller's. alch_map_ptr_* use a pointer's bits as
** the key. Insertion order is not kept.
*/
typedef struct alch_map_slot {
    char *key;
    size_t len;
    uint64_t hash;
    void *value;
} alch_map_slot;

typedef struct alch_map {
    alch_map_slot *slots;
    size_t count;           /* keys */
    size_t taken;           /* slots that are or were in use */
    size_t size;            /* 0 or a power of two */
} alch_map;

#define ALCH_MAP_INIT { NULL, 0, 0, 0 }

uint64_t alch_hash(const void *s, size_t n);

void *alch_map_get(const alch_map *m, const char *key, size_t len);   /* NULL: absent */
/* 1, or 0 when memory runs out. Replaces an older value. */
int alch_map_set(alch_map *m, const char *key, size_t len, void *value);
void *alch_map_remove(alch_map *m, const char *key, size_t len);      /* the value it had */
void alch_map_release(alch_map *m);

#define alch_map_ptr_get(m, p) alch_map_get(m, (const char *)&(const void *){ p }, sizeof(void *))
#define alch_map_ptr_set(m, p, v) alch_map_set(m, (const char *)&(const void *){ p }, sizeof(void *), v)

#endif
