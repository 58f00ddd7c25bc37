#ifndef ALCH_POOL_POOL_H
#define ALCH_POOL_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
** A pool of connections. It counts and hands out; it neither connects nor
** closes nor waits, and does not know what a connection is. Whoever uses it
** (binding/l_pool.c) embeds one alch_slot in its record of each physical
** connection and acts on the answers.
**
** A slot is in one state, which only 'alch_slot_move' (slot.h) changes:
**
**     CONNECTING -> IN_USE <-> IDLE        any -> GONE, which is final
**
** Slots of a policy that shares one connection count their holders and stay
** IN_USE until the last gives it back. Nothing is allocated here. A pool
** must outlive its slots, or each slot must have been removed.
*/
typedef enum alch_slot_state {
    ALCH_SLOT_GONE,         /* also a zeroed slot: belongs to no pool */
    ALCH_SLOT_CONNECTING,   /* room is reserved for it */
    ALCH_SLOT_IDLE,
    ALCH_SLOT_IN_USE,
    ALCH_SLOT_STATES
} alch_slot_state;

typedef struct alch_pool alch_pool;

typedef struct alch_slot {
    alch_pool *pool;            /* NULL when GONE */
    alch_slot_state state;
    unsigned holders;
    uint32_t generation;        /* the pool's, when it began to connect */
    int index;                  /* from 1; unique among the pool's slots, small */
    double created;             /* seconds of the caller's clock */
    double taken;               /* likewise: when it was last handed out */
    uint64_t checkout;          /* the number of that checkout */
    struct alch_slot *next, *prev;              /* all of the pool */
    struct alch_slot *next_idle, *prev_idle;    /* by time of return */
} alch_slot;

/* What a checkout answers. */
typedef enum alch_taken {
    ALCH_TAKEN_IDLE,        /* '*out' is yours */
    ALCH_TAKEN_STALE,       /* '*out' is too old: close it, remove it, ask again */
    ALCH_TAKEN_CREATE,      /* there is room: begin a slot and connect */
    ALCH_TAKEN_EMPTY,       /* all are out: wait or give up */
    ALCH_TAKEN_REFUSED      /* the policy forbids it */
} alch_taken;

/* A policy says where a checkout comes from and what may stay; see policy.c. */
typedef struct alch_pool_policy {
    const char *name;
    unsigned char shares;       /* one connection, many holders */
    alch_taken (*take)(const alch_pool *p, alch_slot **out);
    int (*keeps)(const alch_pool *p);   /* may one more connection become idle? */
} alch_pool_policy;

struct alch_pool {
    const alch_pool_policy *policy;
    size_t size;                /* connections kept */
    size_t max_overflow;        /* and more at a time; SIZE_MAX: any number */
    double recycle;             /* seconds a connection may live; < 0: for ever */
    int lifo;                   /* hand out the one returned last */
    uint32_t generation;        /* slots of an older one are stale */
    size_t count[ALCH_SLOT_STATES];
    uint64_t checkouts, opened, closed;     /* since the beginning */
    alch_slot *slots;           /* all */
    alch_slot *oldest, *newest; /* idle ones */
};

/* The policy of that name (queue, null, static, singleton, assertion, own), or NULL. */
const alch_pool_policy *alch_pool_policy_find(const char *name);

void alch_pool_init(alch_pool *p, const alch_pool_policy *policy);

/* Reserves the room that ALCH_TAKEN_CREATE promised. */
void alch_slot_begin(alch_slot *s, alch_pool *p);
/* It is connected: in use by whoever began it. */
void alch_slot_connected(alch_slot *s, double now);

/* Takes a slot out of the pool, whatever its state; may be called again. */
void alch_slot_remove(alch_slot *s);

/* Every connection there is now must not be handed out again. */
void alch_pool_invalidate_all(alch_pool *p);

/* Connections open or being opened. */
static inline size_t alch_pool_total(const alch_pool *p)
{
    return p->count[ALCH_SLOT_CONNECTING] + p->count[ALCH_SLOT_IDLE] + p->count[ALCH_SLOT_IN_USE];
}

#endif
