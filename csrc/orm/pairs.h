#ifndef ALCH_ORM_PAIRS_H
#define ALCH_ORM_PAIRS_H

#include <stddef.h>

#include "base/err.h"

/*
** A set of pairs of addresses: which object a load has put into which
** collection. The addresses are only compared, so whoever uses the set keeps
** both things alive as long as it is asked.
*/
typedef struct alch_pairs {
    const void **slots;     /* two per pair, owned; NULL: empty */
    size_t size;            /* pairs there is room for: a power of two, or 0 */
    size_t count;
} alch_pairs;

/* Adds the pair: 1, or 0 if it is in already; -1 when memory runs out. */
int alch_pairs_add(alch_pairs *p, const void *a, const void *b, alch_err *err);
void alch_pairs_release(alch_pairs *p);

#endif
