#include "driver/statements.h"

#include <string.h>

#include "base/alloc.h"

enum { MAX_BUCKETS = 1024 };

struct alch_statements {
    alch_statement_drop drop;
    void *payload;
    size_t limit, len;
    alch_statement *newest, *oldest;
    size_t mask;                    /* buckets - 1 */
    alch_statement *buckets[];
};

/* Eight bytes a turn: an SQL text has a hundred or more. */
static uint64_t hash_text(const char *s, size_t n)
{
    const uint64_t k = 0x9e3779b97f4a7c15u;
    uint64_t h = n * k, w;

    for (; n >= 8; s += 8, n -= 8) {
        memcpy(&w, s, 8);
        h = (h ^ w) * k;
        h ^= h >> 32;
    }
    w = 0;
    memcpy(&w, s, n);
    h = (h ^ w) * k;
    return h ^ (h >> 29);
}

alch_statements *alch_statements_new(size_t limit, alch_statement_drop drop, void *payload)
{
    alch_statements *s;
    size_t buckets = 8;

    while (buckets < limit && buckets < MAX_BUCKETS)
        buckets *= 2;
    s = alch_alloc0(sizeof *s + buckets * sizeof(alch_statement *));
    if (s != NULL) {
        s->drop = drop;
        s->payload = payload;
        s->limit = limit;
        s->mask = buckets - 1;
    }
    return s;
}

static void destroy(alch_statements *s, alch_statement *st)
{
    s->drop(s->payload, st->handle);
    alch_free(st);
}

static void unlink_age(alch_statements *s, alch_statement *st)
{
    *(st->newer ? &st->newer->older : &s->newest) = st->older;
    *(st->older ? &st->older->newer : &s->oldest) = st->newer;
}

static void link_newest(alch_statements *s, alch_statement *st)
{
    st->newer = NULL;
    st->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = st;
    s->newest = st;
}

/* Takes a statement out of both lists; it lives on until it is done. */
static void unkeep(alch_statements *s, alch_statement *st)
{
    alch_statement **at = &s->buckets[st->hash & s->mask];

    while (*at != st)
        at = &(*at)->next;
    *at = st->next;
    unlink_age(s, st);
    st->newer = st->older = st->next = NULL;
    st->kept = 0;
    s->len--;
}

void alch_statements_forget(alch_statements *s, alch_statement *st)
{
    if (st->kept)
        unkeep(s, st);
}

void alch_statements_clear(alch_statements *s)
{
    while (s->newest != NULL) {
        alch_statement *st = s->newest;

        unkeep(s, st);
        if (!st->in_use)
            destroy(s, st);
    }
}

void alch_statements_drop(alch_statements *s)
{
    if (s != NULL) {
        alch_statements_clear(s);
        alch_free(s);
    }
}

static int matches(const alch_statement *st, const char *key, size_t len)
{
    return st->len == len && !st->in_use && memcmp(st->key, key, len) == 0;
}

alch_statement *alch_statements_find(alch_statements *s, const char *key, size_t len)
{
    alch_statement *st = s->newest;
    uint64_t hash;

    /* A loop over one statement never hashes. */
    if (st == NULL || !matches(st, key, len)) {
        hash = hash_text(key, len);
        for (st = s->buckets[hash & s->mask]; st != NULL; st = st->next)
            if (st->hash == hash && matches(st, key, len))
                break;
        if (st == NULL)
            return NULL;
        unlink_age(s, st);
        link_newest(s, st);
    }
    st->in_use = 1;
    return st;
}

/* Makes room for one more; 0 if every kept statement is in use. */
static int make_room(alch_statements *s)
{
    alch_statement *st;

    if (s->len < s->limit)
        return 1;
    for (st = s->oldest; st != NULL; st = st->newer)
        if (!st->in_use) {
            unkeep(s, st);
            destroy(s, st);
            return 1;
        }
    return 0;
}

alch_statement *alch_statements_add(alch_statements *s, const char *key, size_t len, void *handle)
{
    alch_statement *st = alch_alloc(sizeof *st + len);

    if (st == NULL)
        return NULL;
    memset(st, 0, sizeof *st);
    memcpy(st->key, key, len);
    st->len = len;
    st->handle = handle;
    st->in_use = 1;
    if (make_room(s)) {
        alch_statement **bucket;

        st->hash = hash_text(key, len);
        bucket = &s->buckets[st->hash & s->mask];
        st->next = *bucket;
        *bucket = st;
        link_newest(s, st);
        st->kept = 1;
        s->len++;
    }
    return st;
}

void alch_statements_done(alch_statements *s, alch_statement *st)
{
    st->in_use = 0;
    if (!st->kept)
        destroy(s, st);
}

size_t alch_statements_len(const alch_statements *s) { return s->len; }
