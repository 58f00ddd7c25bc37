#include "orm/pairs.h"

#include <stdint.h>

#include "base/alloc.h"

static size_t place_of(const alch_pairs *p, const void *a, const void *b)
{
    uint64_t bits = (uint64_t)(uintptr_t)a * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)b;
    size_t at = (size_t)(bits * 0xff51afd7ed558ccdu >> 32) & (p->size - 1);

    while (p->slots[2 * at] != NULL && (p->slots[2 * at] != a || p->slots[2 * at + 1] != b))
        at = (at + 1) & (p->size - 1);
    return at;
}

static void put(alch_pairs *p, size_t at, const void *a, const void *b)
{
    p->slots[2 * at] = a;
    p->slots[2 * at + 1] = b;
    p->count++;
}

static int grow(alch_pairs *p, alch_err *err)
{
    alch_pairs larger = { NULL, p->size != 0 ? p->size * 2 : 64, 0 };
    size_t i;

    larger.slots = alch_alloc0(larger.size * 2 * sizeof *larger.slots);
    if (larger.slots == NULL)
        return alch_err_nomem(err);
    for (i = 0; i < p->size; i++)
        if (p->slots[2 * i] != NULL)
            put(&larger, place_of(&larger, p->slots[2 * i], p->slots[2 * i + 1]), p->slots[2 * i], p->slots[2 * i + 1]);
    alch_free(p->slots);
    *p = larger;
    return ALCH_OK;
}

int alch_pairs_add(alch_pairs *p, const void *a, const void *b, alch_err *err)
{
    size_t at;

    if (p->count * 2 >= p->size && grow(p, err) != ALCH_OK)
        return -1;
    at = place_of(p, a, b);
    if (p->slots[2 * at] != NULL)
        return 0;
    put(p, at, a, b);
    return 1;
}

void alch_pairs_release(alch_pairs *p)
{
    alch_free(p->slots);
    p->slots = NULL;
    p->size = p->count = 0;
}
