#include "base/dict.h"

#include <string.h>

#include "base/map.h"

/* len of keys that are addresses: they are compared as such, never read */
#define ADDRESS UINT32_MAX

static uint32_t hash_of(const void *key, uint32_t len)
{
    if (len == ADDRESS)
        return (uint32_t)(((uintptr_t)key >> 4) * 0x9e3779b1u);
    return (uint32_t)alch_hash(key, len);
}

static alch_dict_slot *slot_of(alch_dict_slot *slots, uint32_t size, const void *key, uint32_t len, uint32_t hash)
{
    uint32_t i;

    for (i = hash & (size - 1); slots[i].key != NULL; i = (i + 1) & (size - 1))
        if (slots[i].hash == hash && slots[i].len == len
            && (len == ADDRESS ? slots[i].key == key : memcmp(slots[i].key, key, len) == 0))
            break;
    return &slots[i];
}

static uint32_t get(const alch_dict *d, const void *key, uint32_t len)
{
    return d->size != 0 ? slot_of(d->slots, d->size, key, len, hash_of(key, len))->value : 0;
}

static int grow(alch_dict *d)
{
    uint32_t size = d->size != 0 ? d->size * 2 : 8, i;
    alch_dict_slot *slots = alch_arena_alloc(d->arena, size * sizeof *slots);

    if (slots == NULL)
        return 0;
    for (i = 0; i < d->size; i++)
        if (d->slots[i].key != NULL)
            *slot_of(slots, size, d->slots[i].key, d->slots[i].len, d->slots[i].hash) = d->slots[i];
    d->slots = slots;
    d->size = size;
    return 1;
}

static uint32_t *place(alch_dict *d, const void *key, uint32_t len)
{
    uint32_t hash = hash_of(key, len);
    alch_dict_slot *s;

    if (d->count * 4 >= d->size * 3 && !grow(d))
        return NULL;
    s = slot_of(d->slots, d->size, key, len, hash);
    if (s->key == NULL) {
        d->count++;
        *s = (alch_dict_slot){ key, len, hash, 0 };
    }
    return &s->value;
}

static int set(alch_dict *d, const void *key, uint32_t len, uint32_t value)
{
    uint32_t *at = place(d, key, len);

    if (at == NULL)
        return 0;
    *at = value;
    return 1;
}

uint32_t *alch_dict_place(alch_dict *d, const void *key, size_t len)
{
    return place(d, key, (uint32_t)len);
}

uint32_t alch_dict_get(const alch_dict *d, const void *key, size_t len)
{
    return get(d, key, (uint32_t)len);
}

int alch_dict_set(alch_dict *d, const void *key, size_t len, uint32_t value)
{
    return set(d, key, (uint32_t)len, value);
}

uint32_t alch_dict_get_address(const alch_dict *d, const void *p)
{
    return get(d, p, ADDRESS);
}

int alch_dict_set_address(alch_dict *d, const void *p, uint32_t value)
{
    return set(d, p, ADDRESS, value);
}
