#include "compile/cache.h"

#include <string.h>

#include "base/alloc.h"

void alch_cache_init(alch_cache *c, uint32_t capacity)
{
    memset(c, 0, sizeof *c);
    c->capacity = capacity;
}

void alch_cache_clear(alch_cache *c)
{
    uint32_t i;

    for (i = 0; i < c->count; i++)
        alch_free(c->entries[i].words);
    c->count = c->hand = 0;
    if (c->size > 0)
        memset(c->buckets, 0, c->size * sizeof *c->buckets);
}

void alch_cache_release(alch_cache *c)
{
    alch_cache_clear(c);
    alch_free(c->entries);
    alch_free(c->buckets);
    alch_cache_init(c, c->capacity);
}

static uint32_t *bucket_of(const alch_cache *c, uint64_t hash)
{
    return &c->buckets[hash & (c->size - 1)];
}

uint32_t alch_cache_find(alch_cache *c, const alch_key *k)
{
    uint32_t at = c->size > 0 ? *bucket_of(c, k->hash) : 0;

    while (at != 0) {
        alch_cache_entry *e = &c->entries[at - 1];

        if (e->hash == k->hash && e->count == k->count && memcmp(e->words, k->words, k->count * sizeof *k->words) == 0) {
            e->used = 1;
            c->hits++;
            return at;
        }
        at = e->next;
    }
    c->misses++;
    return 0;
}

static void link_entry(alch_cache *c, uint32_t i)
{
    uint32_t *bucket = bucket_of(c, c->entries[i].hash);

    c->entries[i].next = *bucket;
    *bucket = i + 1;
}

static void unlink_entry(alch_cache *c, uint32_t i)
{
    uint32_t *at = bucket_of(c, c->entries[i].hash);

    while (*at != i + 1)
        at = &c->entries[*at - 1].next;
    *at = c->entries[i].next;
}

/* Room for one more below the capacity, and as many buckets as entries. */
static int grow(alch_cache *c)
{
    uint32_t size = c->size != 0 ? c->size * 2 : 16, i;
    uint32_t *buckets = alch_alloc0(size * sizeof *buckets);
    alch_cache_entry *entries = buckets != NULL ? alch_realloc(c->entries, size * sizeof *entries) : NULL;

    if (entries == NULL) {
        alch_free(buckets);
        return 0;
    }
    alch_free(c->buckets);
    c->buckets = buckets;
    c->entries = entries;
    c->size = size;
    for (i = 0; i < c->count; i++)
        link_entry(c, i);
    return 1;
}

/* The entry to be given up: the first from the hand on that nobody asked for. */
static uint32_t choose_victim(alch_cache *c)
{
    for (;;) {
        uint32_t i = c->hand;

        c->hand = (c->hand + 1) % c->count;
        if (!c->entries[i].used)
            return i;
        c->entries[i].used = 0;
    }
}

uint32_t alch_cache_add(alch_cache *c, const alch_key *k, const void *with, size_t extra)
{
    uint64_t *words;
    uint32_t i;

    if (c->capacity == 0 || (c->count < c->capacity && c->count == c->size && !grow(c)))
        return 0;
    words = alch_alloc(k->count * sizeof *words + extra);
    if (words == NULL)
        return 0;
    memcpy(words, k->words, k->count * sizeof *words);
    if (extra > 0)
        memcpy(words + k->count, with, extra);
    if (c->count < c->capacity)
        i = c->count++;
    else {
        i = choose_victim(c);
        unlink_entry(c, i);
        alch_free(c->entries[i].words);
    }
    c->entries[i] = (alch_cache_entry){ .words = words, .count = k->count, .hash = k->hash,
                                         .extra = (uint32_t)extra };
    link_entry(c, i);
    return i + 1;
}

const void *alch_cache_extra(const alch_cache *c, uint32_t number, size_t *extra)
{
    *extra = c->entries[number - 1].extra;
    return c->entries[number - 1].words + c->entries[number - 1].count;
}
