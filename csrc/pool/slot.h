#ifndef ALCH_POOL_SLOT_H
#define ALCH_POOL_SLOT_H

#include <assert.h>

#include "pool/pool.h"

/*
** What a checkout and its checkin do to a slot; pool.h says what slots are.
** Inline, because there is so little to do that calling is a part of it, and
** so that what is known of a state is not asked again.
*/

static inline void alch_slot_link_idle(alch_slot *s)
{
    alch_pool *p = s->pool;

    s->next_idle = NULL;
    s->prev_idle = p->newest;
    *(p->newest ? &p->newest->next_idle : &p->oldest) = s;
    p->newest = s;
}

static inline void alch_slot_unlink_idle(alch_slot *s)
{
    alch_pool *p = s->pool;

    *(s->prev_idle ? &s->prev_idle->next_idle : &p->oldest) = s->next_idle;
    *(s->next_idle ? &s->next_idle->prev_idle : &p->newest) = s->prev_idle;
}

static inline void alch_slot_link(alch_slot *s)
{
    alch_pool *p = s->pool;

    s->prev = NULL;
    s->next = p->slots;
    if (s->next != NULL)
        s->next->prev = s;
    p->slots = s;
}

static inline void alch_slot_unlink(alch_slot *s)
{
    *(s->prev ? &s->prev->next : &s->pool->slots) = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
}

/* The one place where a state changes: lists and counts follow it. */
static inline void alch_slot_move(alch_slot *s, alch_slot_state from, alch_slot_state to)
{
    assert(s->state == from && from != to);
    if (from == ALCH_SLOT_GONE)
        alch_slot_link(s);
    else
        s->pool->count[from]--;
    if (from == ALCH_SLOT_IDLE)
        alch_slot_unlink_idle(s);
    if (to == ALCH_SLOT_IDLE)
        alch_slot_link_idle(s);
    if (to == ALCH_SLOT_GONE)
        alch_slot_unlink(s);
    else
        s->pool->count[to]++;
    s->state = to;
}

/* Is it of an older generation, or past its time? */
static inline int alch_slot_stale(const alch_slot *s, double now)
{
    const alch_pool *p = s->pool;

    return s->generation != p->generation || (p->recycle >= 0 && now - s->created > p->recycle);
}

/* That very slot, idle or in use, for somebody: ALCH_TAKEN_IDLE or _STALE. */
static inline alch_taken alch_slot_take(alch_slot *s, double now)
{
    /* One that others are using is not pulled from under them. */
    if (s->state == ALCH_SLOT_IDLE) {
        int stale = alch_slot_stale(s, now);

        alch_slot_move(s, ALCH_SLOT_IDLE, ALCH_SLOT_IN_USE);
        if (stale)
            return ALCH_TAKEN_STALE;
    }
    s->holders++;
    s->taken = now;
    s->checkout = ++s->pool->checkouts;
    return ALCH_TAKEN_IDLE;
}

/* The next connection for somebody. 'now' may be a coarse clock's unless
** 'recycle' >= 0. After ALCH_TAKEN_IDLE the slot is in use, once more if it is shared. */
static inline alch_taken alch_pool_take(alch_pool *p, double now, alch_slot **out)
{
    alch_taken taken = p->policy->take(p, out);

    return taken == ALCH_TAKEN_IDLE ? alch_slot_take(*out, now) : taken;
}

/* Gives a slot back. 1: it is idle, or others still hold it. 0: the pool does
** not want it; close the connection, then remove the slot. */
static inline int alch_slot_give(alch_slot *s)
{
    assert(s->state == ALCH_SLOT_IN_USE && s->holders > 0);
    if (--s->holders > 0)
        return 1;
    if (s->generation != s->pool->generation || !s->pool->policy->keeps(s->pool))
        return 0;
    alch_slot_move(s, ALCH_SLOT_IN_USE, ALCH_SLOT_IDLE);
    return 1;
}

#endif
