/* The pool's states and policies. Time is what the test says it is. */
#include "pool/slot.h"

#include "check.h"

static void init(alch_pool *p, const char *policy, size_t size, size_t overflow)
{
    alch_pool_init(p, alch_pool_policy_find(policy));
    p->size = size;
    p->max_overflow = overflow;
}

static void connect(alch_slot *s, alch_pool *p, double now)
{
    alch_slot_begin(s, p);
    alch_slot_connected(s, now);
}

static alch_taken take(alch_pool *p, double now, alch_slot **out) { return alch_pool_take(p, now, out); }

static void a_queue_grows_to_its_limit(void)
{
    alch_pool p;
    alch_slot a, b, c, *s;

    init(&p, "queue", 2, 1);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_CREATE);
    alch_slot_begin(&a, &p);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_CREATE);
    alch_slot_begin(&b, &p);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_CREATE);    /* overflow */
    alch_slot_begin(&c, &p);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_EMPTY);     /* connecting counts */
    CHECK(a.index == 1 && b.index == 2 && c.index == 3);
    alch_slot_remove(&b);                           /* could not connect */
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_CREATE);
    alch_slot_begin(&b, &p);
    CHECK(b.index == 2);
    alch_slot_connected(&a, 0);
    alch_slot_connected(&b, 0);
    alch_slot_connected(&c, 0);
    CHECK(alch_slot_give(&a) == 1 && alch_slot_give(&b) == 1);
    CHECK(alch_slot_give(&c) == 0);                 /* the queue is full */
    alch_slot_remove(&c);
    CHECK(p.count[ALCH_SLOT_IDLE] == 2 && alch_pool_total(&p) == 2);
    alch_slot_remove(&a);
    alch_slot_remove(&b);
    CHECK(alch_pool_total(&p) == 0 && p.slots == NULL && p.oldest == NULL && p.newest == NULL);
}

static void order_of_return(int lifo)
{
    alch_pool p;
    alch_slot a, b, c, *s;

    init(&p, "queue", 3, 0);
    p.lifo = lifo;
    connect(&a, &p, 0);
    connect(&b, &p, 0);
    connect(&c, &p, 0);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_EMPTY);
    CHECK(alch_slot_give(&b) && alch_slot_give(&a) && alch_slot_give(&c));
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_IDLE && s == (lifo ? &c : &b));
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_IDLE && s == &a);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_IDLE && s == (lifo ? &b : &c));
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_EMPTY);
}

static void first_returned_is_first_out(void) { order_of_return(0); }
static void last_returned_is_first_out(void) { order_of_return(1); }

static void an_old_connection_is_stale(void)
{
    alch_pool p;
    alch_slot a, b, *s;

    init(&p, "queue", 2, 0);
    p.recycle = 60;
    connect(&a, &p, 100);
    connect(&b, &p, 130);
    CHECK(alch_slot_give(&a) && alch_slot_give(&b));
    CHECK(take(&p, 165, &s) == ALCH_TAKEN_STALE && s == &a && a.state == ALCH_SLOT_IN_USE);
    alch_slot_remove(s);
    CHECK(take(&p, 165, &s) == ALCH_TAKEN_IDLE && s == &b);
    CHECK(alch_slot_give(&b) == 1);                 /* age counts at checkout */
    p.recycle = -1;
    CHECK(take(&p, 1e9, &s) == ALCH_TAKEN_IDLE && s == &b);
}

static void invalidation_reaches_all_there_are(void)
{
    alch_pool p;
    alch_slot a, b, c, *s;

    init(&p, "queue", 3, 0);
    connect(&a, &p, 0);
    connect(&b, &p, 0);
    alch_slot_begin(&c, &p);
    CHECK(alch_slot_give(&a));
    alch_pool_invalidate_all(&p);
    alch_slot_connected(&c, 0);         /* was begun before */
    CHECK(alch_slot_stale(&c, 0));
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_STALE && s == &a);
    alch_slot_remove(&a);
    CHECK(alch_slot_give(&b) == 0);
    alch_slot_remove(&b);
    connect(&a, &p, 0);
    CHECK(alch_slot_give(&a) == 1 && take(&p, 0, &s) == ALCH_TAKEN_IDLE);
}

static void null_keeps_nothing(void)
{
    alch_pool p;
    alch_slot a, *s;

    init(&p, "null", 5, 0);
    connect(&a, &p, 0);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_CREATE && s == NULL);
    CHECK(alch_slot_give(&a) == 0);
    alch_slot_remove(&a);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_CREATE);
}

static void sharing(const char *policy)
{
    alch_pool p;
    alch_slot a, b, *s;

    init(&p, policy, 1, 0);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_CREATE);
    alch_slot_begin(&a, &p);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_EMPTY);     /* another must not connect meanwhile */
    alch_slot_connected(&a, 0);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_IDLE && s == &a && a.holders == 2);
    CHECK(alch_slot_give(&a) == 1 && a.state == ALCH_SLOT_IN_USE);
    CHECK(alch_slot_give(&a) == 1 && a.state == ALCH_SLOT_IDLE);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_IDLE && s == &a && a.holders == 1);
    alch_pool_invalidate_all(&p);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_CREATE);    /* the one in use goes when it is given back */
    connect(&b, &p, 0);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_IDLE && s == &b);
    CHECK(alch_slot_give(&a) == 0);
    alch_slot_remove(&a);
    CHECK(alch_slot_give(&b) == 1 && alch_slot_give(&b) == 1);
    alch_pool_invalidate_all(&p);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_STALE && s == &b);
}

static void static_shares(void) { sharing("static"); }
static void singleton_shares(void) { sharing("singleton"); }

static void assertion_refuses_a_second(void)
{
    alch_pool p;
    alch_slot a, *s;

    init(&p, "assertion", 1, 0);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_CREATE);
    connect(&a, &p, 0);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_REFUSED);
    CHECK(alch_slot_give(&a) == 1);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_IDLE && s == &a);
    CHECK(take(&p, 0, &s) == ALCH_TAKEN_REFUSED);
}

static void removing_is_final(void)
{
    alch_pool p;
    alch_slot a;

    init(&p, "queue", 1, 0);
    connect(&a, &p, 0);
    alch_slot_remove(&a);
    alch_slot_remove(&a);
    CHECK(a.pool == NULL && a.state == ALCH_SLOT_GONE && alch_pool_total(&p) == 0);
    CHECK(alch_pool_policy_find("nothing") == NULL);
}

int main(void)
{
    CHECK_RUN(a_queue_grows_to_its_limit);
    CHECK_RUN(first_returned_is_first_out);
    CHECK_RUN(last_returned_is_first_out);
    CHECK_RUN(an_old_connection_is_stale);
    CHECK_RUN(invalidation_reaches_all_there_are);
    CHECK_RUN(null_keeps_nothing);
    CHECK_RUN(static_shares);
    CHECK_RUN(singleton_shares);
    CHECK_RUN(assertion_refuses_a_second);
    CHECK_RUN(removing_is_final);
    return CHECK_END("pool");
}
