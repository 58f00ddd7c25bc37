#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#ifdef ALCH_FAULT
#include <stdatomic.h>

/* The core's only writable globals, and only in builds made for fault specs.
** Not thread-local: LeakSanitizer trips over TLS of modules loaded late.
** Atomic for the threads of csrc/driver/worker.c. */
static atomic_long countdown;
static atomic_long made;
static atomic_int stuck;

void alch_alloc_fail_at(long n, int forever)
{
    countdown = n;
    stuck = forever;
}

long alch_alloc_count(void) { return made; }

static int must_fail(void)
{
    made++;
    if (countdown == 0)
        return 0;
    if (countdown > 1) {
        countdown--;
        return 0;
    }
    if (!stuck)
        countdown = 0;
    return 1;
}
#else
#define must_fail() 0
#endif

void *alch_alloc(size_t size)
{
    return must_fail() ? NULL : malloc(size ? size : 1);
}

void *alch_alloc0(size_t size)
{
    return must_fail() ? NULL : calloc(1, size ? size : 1);
}

void *alch_realloc(void *p, size_t size)
{
    return must_fail() ? NULL : realloc(p, size ? size : 1);
}

char *alch_strndup(const char *s, size_t n)
{
    char *copy = alch_alloc(n + 1);

    if (copy != NULL) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

char *alch_strdup(const char *s) { return alch_strndup(s, strlen(s)); }

void alch_free(void *p) { free(p); }
