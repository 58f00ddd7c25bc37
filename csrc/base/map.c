#include "base/map.h"

#include <string.h>

#include "base/alloc.h"

/* A key pointer that marks a slot once used. */
static const char removed_mark;
#define REMOVED ((char *)(uintptr_t)&removed_mark)

/* FNV-1a. */
uint64_t alch_hash(const void *s, size_t n)
{
    const unsigned char *p = s;
    uint64_t h = 14695981039346656037u;

    while (n-- > 0)
        h = (h ^ *p++) * 1099511628211u;
    return h ^ (h >> 29);
}

static alch_map_slot *find(const alch_map *m, const char *key, size_t len, uint64_t hash)
{
    size_t i;

    if (m->size == 0)
        return NULL;
    for (i = hash & (m->size - 1); m->slots[i].key != NULL; i = (i + 1) & (m->size - 1)) {
        alch_map_slot *s = &m->slots[i];

        if (s->key != REMOVED && s->hash == hash && s->len == len && memcmp(s->key, key, len) == 0)
            return s;
    }
    return NULL;
}

void *alch_map_get(const alch_map *m, const char *key, size_t len)
{
    alch_map_slot *s = find(m, key, len, alch_hash(key, len));

    return s ? s->value : NULL;
}

static void place(alch_map *m, alch_map_slot item)
{
    size_t i = item.hash & (m->size - 1);

    while (m->slots[i].key != NULL)
        i = (i + 1) & (m->size - 1);
    m->slots[i] = item;
}

/* Removed slots take room until the table is built anew, which doubles it
** only when those in use need that. */
static int grow(alch_map *m)
{
    alch_map fresh = { NULL, m->count, m->count, m->size };
    size_t i;

    if (m->count * 2 >= m->size)
        fresh.size = m->size ? m->size * 2 : 16;
    fresh.slots = alch_alloc0(fresh.size * sizeof *fresh.slots);
    if (fresh.slots == NULL)
        return 0;
    for (i = 0; i < m->size; i++)
        if (m->slots[i].key != NULL && m->slots[i].key != REMOVED)
            place(&fresh, m->slots[i]);
    alch_free(m->slots);
    *m = fresh;
    return 1;
}

int alch_map_set(alch_map *m, const char *key, size_t len, void *value)
{
    uint64_t hash = alch_hash(key, len);
    alch_map_slot *s = find(m, key, len, hash);
    alch_map_slot item = { NULL, len, hash, value };

    if (s != NULL) {
        s->value = value;
        return 1;
    }
    if (m->taken * 4 >= m->size * 3 && !grow(m))
        return 0;
    item.key = alch_strndup(key, len);
    if (item.key == NULL)
        return 0;
    place(m, item);
    m->count++;
    m->taken++;
    return 1;
}

void *alch_map_remove(alch_map *m, const char *key, size_t len)
{
    alch_map_slot *s = find(m, key, len, alch_hash(key, len));

    if (s == NULL)
        return NULL;
    alch_free(s->key);
    s->key = REMOVED;
    m->count--;
    return s->value;
}

void alch_map_release(alch_map *m)
{
    size_t i;

    for (i = 0; i < m->size; i++)
        if (m->slots[i].key != REMOVED)
            alch_free(m->slots[i].key);
    alch_free(m->slots);
    m->slots = NULL;
    m->count = m->taken = m->size = 0;
}
