/* The statement cache: who is handed out, what is dropped when. */
#include "driver/statements.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

enum { MAX_DROPS = 64 };

typedef struct journal { int drops[MAX_DROPS], n; } journal;

/* A handle is its number. */
static void note_drop(void *payload, void *handle)
{
    journal *j = payload;

    if (j->n < MAX_DROPS)
        j->drops[j->n] = (int)(intptr_t)handle;
    j->n++;
}

static alch_statement *add(alch_statements *s, const char *key, int number)
{
    return alch_statements_add(s, key, strlen(key), (void *)(intptr_t)number);
}

static alch_statement *find(alch_statements *s, const char *key)
{
    return alch_statements_find(s, key, strlen(key));
}

static int number_of(const alch_statement *st) { return st ? (int)(intptr_t)st->handle : 0; }

static void a_text_finds_its_statement(void)
{
    journal j = { { 0 }, 0 };
    alch_statements *s = alch_statements_new(10, note_drop, &j);
    alch_statement *a = add(s, "SELECT 1", 1), *b;

    CHECK(find(s, "SELECT 1") == NULL);     /* in use */
    alch_statements_done(s, a);
    b = add(s, "SELECT 1 ", 2);
    alch_statements_done(s, b);
    CHECK(number_of(a = find(s, "SELECT 1")) == 1);
    CHECK(number_of(b = find(s, "SELECT 1 ")) == 2);
    CHECK(find(s, "SELECT") == NULL && find(s, "") == NULL);
    alch_statements_done(s, a);
    alch_statements_done(s, b);
    CHECK(j.n == 0);
    alch_statements_drop(s);
    CHECK(j.n == 2);
}

static void a_text_in_use_gets_a_second_statement(void)
{
    journal j = { { 0 }, 0 };
    alch_statements *s = alch_statements_new(10, note_drop, &j);
    alch_statement *a = add(s, "x", 1), *b = add(s, "x", 2);

    CHECK(alch_statements_len(s) == 2);
    alch_statements_done(s, a);
    CHECK(find(s, "x") == a);
    CHECK(find(s, "x") == NULL);
    alch_statements_done(s, b);
    CHECK(find(s, "x") == b);
    alch_statements_done(s, a);
    alch_statements_done(s, b);
    alch_statements_drop(s);
}

static void the_one_unused_for_longest_goes(void)
{
    journal j = { { 0 }, 0 };
    alch_statements *s = alch_statements_new(2, note_drop, &j);

    alch_statements_done(s, add(s, "a", 1));
    alch_statements_done(s, add(s, "b", 2));
    alch_statements_done(s, find(s, "a"));
    alch_statements_done(s, add(s, "c", 3));
    CHECK(j.n == 1 && j.drops[0] == 2);
    CHECK(find(s, "b") == NULL);
    CHECK(alch_statements_len(s) == 2);
    alch_statements_drop(s);
    CHECK(j.n == 3);
}

static void what_is_in_use_is_never_dropped(void)
{
    journal j = { { 0 }, 0 };
    alch_statements *s = alch_statements_new(1, note_drop, &j);
    alch_statement *a = add(s, "a", 1), *b = add(s, "b", 2);

    CHECK(alch_statements_len(s) == 1 && j.n == 0);
    alch_statements_done(s, b);             /* found no room, so it goes */
    CHECK(j.n == 1 && j.drops[0] == 2);
    alch_statements_forget(s, a);
    alch_statements_forget(s, a);
    CHECK(alch_statements_len(s) == 0 && j.n == 1);
    alch_statements_done(s, a);
    CHECK(j.n == 2 && j.drops[1] == 1);
    a = add(s, "a", 3);
    alch_statements_clear(s);
    CHECK(j.n == 2 && find(s, "a") == NULL);
    alch_statements_done(s, a);
    CHECK(j.n == 3);
    alch_statements_drop(s);
    CHECK(j.n == 3);
}

static void limit_zero_keeps_nothing(void)
{
    journal j = { { 0 }, 0 };
    alch_statements *s = alch_statements_new(0, note_drop, &j);

    alch_statements_done(s, add(s, "a", 1));
    CHECK(j.n == 1 && find(s, "a") == NULL && alch_statements_len(s) == 0);
    alch_statements_drop(s);
    alch_statements_drop(NULL);
}

static void many_texts_share_few_buckets(void)
{
    journal j = { { 0 }, 0 };
    alch_statements *s = alch_statements_new(5000, note_drop, &j);
    char key[32];
    int i, wrong = 0;

    for (i = 1; i <= 5000; i++) {
        (void)snprintf(key, sizeof key, "SELECT %d", i);
        alch_statements_done(s, add(s, key, i));
    }
    for (i = 1; i <= 5000; i++) {
        alch_statement *st;

        (void)snprintf(key, sizeof key, "SELECT %d", i);
        st = find(s, key);
        wrong += number_of(st) != i;
        alch_statements_done(s, st);
    }
    CHECK(wrong == 0 && j.n == 0);
    alch_statements_drop(s);
    CHECK(j.n == 5000);
}

static int every_allocation_may_fail(alch_err *err)
{
    journal j = { { 0 }, 0 };
    alch_statements *s = alch_statements_new(2, note_drop, &j);
    alch_statement *a;

    if (s == NULL)
        return alch_err_nomem(err);
    a = add(s, "a", 1);
    if (a != NULL)
        alch_statements_done(s, a);
    alch_statements_drop(s);
    return a != NULL ? ALCH_OK : alch_err_nomem(err);
}

int main(void)
{
    CHECK_RUN(a_text_finds_its_statement);
    CHECK_RUN(a_text_in_use_gets_a_second_statement);
    CHECK_RUN(the_one_unused_for_longest_goes);
    CHECK_RUN(what_is_in_use_is_never_dropped);
    CHECK_RUN(limit_zero_keeps_nothing);
    CHECK_RUN(many_texts_share_few_buckets);
    CHECK_SWEEP(every_allocation_may_fail);
    return CHECK_END("statements");
}
