/* Where a checkout comes from and what may stay, one entry for each of
** SQLAlchemy's pool classes, and one for rules written elsewhere. */
#include <string.h>

#include "pool/pool.h"

/* -- queue: up to size kept, up to size + max_overflow out -- */

static alch_taken queue_take(const alch_pool *p, alch_slot **out)
{
    size_t total = alch_pool_total(p);

    *out = p->lifo ? p->newest : p->oldest;
    if (*out != NULL)
        return ALCH_TAKEN_IDLE;
    if (total < p->size || total - p->size < p->max_overflow)
        return ALCH_TAKEN_CREATE;
    return ALCH_TAKEN_EMPTY;
}

static int queue_keeps(const alch_pool *p) { return p->count[ALCH_SLOT_IDLE] < p->size; }

/* -- null: every checkout connects, every return closes -- */

static alch_taken null_take(const alch_pool *p, alch_slot **out)
{
    (void)p;
    *out = NULL;
    return ALCH_TAKEN_CREATE;
}

static int keeps_none(const alch_pool *p) { (void)p; return 0; }

/* -- static and singleton: one connection for all, which an SQLite database
** in memory needs: each connection has a database of its own -- */

static alch_taken shared_take(const alch_pool *p, alch_slot **out)
{
    alch_slot *s;

    for (s = p->slots; s != NULL; s = s->next)
        if (s->state != ALCH_SLOT_CONNECTING && s->generation == p->generation) {
            *out = s;
            return ALCH_TAKEN_IDLE;
        }
    *out = p->oldest;
    if (*out != NULL)
        return ALCH_TAKEN_IDLE;         /* of an older generation: found stale */
    return p->count[ALCH_SLOT_CONNECTING] > 0 ? ALCH_TAKEN_EMPTY : ALCH_TAKEN_CREATE;
}

static int keeps_one(const alch_pool *p) { return p->count[ALCH_SLOT_IDLE] == 0; }

/* -- assertion: one connection, and asking for a second is a mistake -- */

static alch_taken assertion_take(const alch_pool *p, alch_slot **out)
{
    *out = p->oldest;
    if (p->count[ALCH_SLOT_IN_USE] + p->count[ALCH_SLOT_CONNECTING] > 0)
        return ALCH_TAKEN_REFUSED;
    return *out != NULL ? ALCH_TAKEN_IDLE : ALCH_TAKEN_CREATE;
}

/* -- own: somebody else names the slot (alch_slot_take) or begins one, and lets
** go what need not stay -- */

static alch_taken none_chosen(const alch_pool *p, alch_slot **out)
{
    (void)p;
    *out = NULL;
    return ALCH_TAKEN_REFUSED;
}

static int keeps_all(const alch_pool *p) { (void)p; return 1; }

const alch_pool_policy *alch_pool_policy_find(const char *name)
{
    static const alch_pool_policy policies[] = {
        { "queue", 0, queue_take, queue_keeps },
        { "null", 0, null_take, keeps_none },
        { "static", 1, shared_take, keeps_one },
        { "singleton", 1, shared_take, keeps_one },
        { "assertion", 0, assertion_take, keeps_one },
        { "own", 0, none_chosen, keeps_all },
    };
    size_t i;

    for (i = 0; i < sizeof policies / sizeof *policies; i++)
        if (strcmp(name, policies[i].name) == 0)
            return &policies[i];
    return NULL;
}
