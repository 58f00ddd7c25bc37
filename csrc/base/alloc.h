#ifndef ALCH_BASE_ALLOC_H
#define ALCH_BASE_ALLOC_H

#include <stddef.h>

/*
** Every allocation of the core. Nothing outside this file calls malloc, so
** that the fault specs can make the n-th allocation fail (builds with
** ALCH_FAULT) and a host can see where memory comes from.
**
** All functions return NULL when memory runs out; nobody else reports it.
*/
void *alch_alloc(size_t size);               /* contents undefined */
void *alch_alloc0(size_t size);              /* zeroed */
void *alch_realloc(void *p, size_t size);    /* on failure 'p' is untouched */
char *alch_strndup(const char *s, size_t n); /* adds a NUL */
char *alch_strdup(const char *s);
void alch_free(void *p);                     /* NULL is allowed */

#ifdef ALCH_FAULT
/* The n-th allocation from now on fails, and with 'forever' all after it.
** 0 switches failing off. */
void alch_alloc_fail_at(long n, int forever);
/* Allocations made so far. */
long alch_alloc_count(void);
#endif

#endif
