#include "pool/pool.h"

#include <string.h>

#include "pool/slot.h"

void alch_pool_init(alch_pool *p, const alch_pool_policy *policy)
{
    memset(p, 0, sizeof *p);
    p->policy = policy;
    p->size = 5;
    p->max_overflow = 10;
    p->recycle = -1;
}

/* The smallest number no other slot has. Connecting is rare, so it is sought. */
static int free_index(const alch_pool *p)
{
    const alch_slot *s;
    int index = 1;

    for (s = p->slots; s != NULL; )
        if (s->index == index) {
            index++;
            s = p->slots;
        } else {
            s = s->next;
        }
    return index;
}

void alch_slot_begin(alch_slot *s, alch_pool *p)
{
    memset(s, 0, sizeof *s);
    s->pool = p;
    s->index = free_index(p);
    s->generation = p->generation;
    alch_slot_move(s, ALCH_SLOT_GONE, ALCH_SLOT_CONNECTING);
}

void alch_slot_connected(alch_slot *s, double now)
{
    s->created = s->taken = now;
    s->holders = 1;
    s->pool->opened++;
    s->checkout = ++s->pool->checkouts;
    alch_slot_move(s, ALCH_SLOT_CONNECTING, ALCH_SLOT_IN_USE);
}

void alch_slot_remove(alch_slot *s)
{
    if (s->state != ALCH_SLOT_GONE) {
        if (s->state != ALCH_SLOT_CONNECTING)
            s->pool->closed++;
        alch_slot_move(s, s->state, ALCH_SLOT_GONE);
        s->pool = NULL;
        s->holders = 0;
    }
}

void alch_pool_invalidate_all(alch_pool *p) { p->generation++; }
