#include "pool/pool.h"

#include <assert.h>
#include <string.h>

static inline void link_idle(alch_slot *s)
{
    alch_pool *p = s->pool;

    s->next_idle = NULL;
    s->prev_idle = p->newest;
    *(p->newest ? &p->newest->next_idle : &p->oldest) = s;
    p->newest = s;
}

static inline void unlink_idle(alch_slot *s)
{
    alch_pool *p = s->pool;

    *(s->prev_idle ? &s->prev_idle->next_idle : &p->oldest) = s->next_idle;
    *(s->next_idle ? &s->next_idle->prev_idle : &p->newest) = s->prev_idle;
}

static void link_slot(alch_slot *s)
{
    alch_pool *p = s->pool;

    s->prev = NULL;
    s->next = p->slots;
    if (s->next != NULL)
        s->next->prev = s;
    p->slots = s;
}

static void unlink_slot(alch_slot *s)
{
    *(s->prev ? &s->prev->next : &s->pool->slots) = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
}

/* The one place where a state changes: lists and counts follow it. Inline, so
** that what is known of 'from' and 'to' is not asked. */
static inline void move(alch_slot *s, alch_slot_state from, alch_slot_state to)
{
    assert(s->state == from && from != to);
    if (from == ALCH_SLOT_GONE)
        link_slot(s);
    else
        s->pool->count[from]--;
    if (from == ALCH_SLOT_IDLE)
        unlink_idle(s);
    if (to == ALCH_SLOT_IDLE)
        link_idle(s);
    if (to == ALCH_SLOT_GONE)
        unlink_slot(s);
    else
        s->pool->count[to]++;
    s->state = to;
}

void alch_pool_init(alch_pool *p, const alch_pool_policy *policy)
{
    memset(p, 0, sizeof *p);
    p->policy = policy;
    p->size = 5;
    p->max_overflow = 10;
    p->recycle = -1;
}

int alch_slot_stale(const alch_slot *s, double now)
{
    const alch_pool *p = s->pool;

    return s->generation != p->generation || (p->recycle >= 0 && now - s->created > p->recycle);
}

alch_taken alch_slot_take(alch_slot *s, double now)
{
    /* One that others are using is not pulled from under them. */
    if (s->state == ALCH_SLOT_IDLE) {
        int stale = alch_slot_stale(s, now);

        move(s, ALCH_SLOT_IDLE, ALCH_SLOT_IN_USE);
        if (stale)
            return ALCH_TAKEN_STALE;
    }
    s->holders++;
    s->taken = now;
    s->checkout = ++s->pool->checkouts;
    return ALCH_TAKEN_IDLE;
}

alch_taken alch_pool_take(alch_pool *p, double now, alch_slot **out)
{
    alch_taken taken = p->policy->take(p, out);

    return taken == ALCH_TAKEN_IDLE ? alch_slot_take(*out, now) : taken;
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
    move(s, ALCH_SLOT_GONE, ALCH_SLOT_CONNECTING);
}

void alch_slot_connected(alch_slot *s, double now)
{
    s->created = s->taken = now;
    s->holders = 1;
    s->pool->opened++;
    s->checkout = ++s->pool->checkouts;
    move(s, ALCH_SLOT_CONNECTING, ALCH_SLOT_IN_USE);
}

int alch_slot_give(alch_slot *s)
{
    assert(s->state == ALCH_SLOT_IN_USE && s->holders > 0);
    if (--s->holders > 0)
        return 1;
    if (s->generation != s->pool->generation || !s->pool->policy->keeps(s->pool))
        return 0;
    move(s, ALCH_SLOT_IN_USE, ALCH_SLOT_IDLE);
    return 1;
}

void alch_slot_remove(alch_slot *s)
{
    if (s->state != ALCH_SLOT_GONE) {
        if (s->state != ALCH_SLOT_CONNECTING)
            s->pool->closed++;
        move(s, s->state, ALCH_SLOT_GONE);
        s->pool = NULL;
        s->holders = 0;
    }
}

void alch_pool_invalidate_all(alch_pool *p) { p->generation++; }
