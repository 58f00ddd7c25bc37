#ifndef ALCH_BASE_VEC_H
#define ALCH_BASE_VEC_H

#include <stddef.h>

#include "base/alloc.h"

/*
** A typed growing array: ALCH_VEC(int) v = ALCH_VEC_INIT. The macros give
** back 0 when memory runs out and leave the vector as it was.
*/
#define ALCH_VEC(type) struct { type *at; size_t len, size; }
#define ALCH_VEC_INIT { NULL, 0, 0 }

/* Room for one more; 1 or 0. */
#define alch_vec_reserve(v) \
    ((v)->len < (v)->size || alch_vec_grow((void **)&(v)->at, &(v)->size, sizeof *(v)->at))

#define alch_vec_push(v, item) \
    (alch_vec_reserve(v) ? ((v)->at[(v)->len++] = (item), 1) : 0)

#define alch_vec_release(v) \
    (alch_free((v)->at), (v)->at = NULL, (v)->len = (v)->size = 0)

static inline int alch_vec_grow(void **at, size_t *size, size_t item)
{
    size_t more = *size ? *size * 2 : 8;
    void *p = alch_realloc(*at, more * item);

    if (p == NULL)
        return 0;
    *at = p;
    *size = more;
    return 1;
}

#endif
