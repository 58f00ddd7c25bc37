#ifndef ALCH_VALUE_HOST_H
#define ALCH_VALUE_HOST_H

#include <stddef.h>
#include <stdint.h>

/*
** A value of the embedding language that structures of the core hold: a
** table given as a literal, a function given as a default, the object behind
** a type defined in Lua. Counted; made by the binding (alch_host_ref_new in
** binding/value_conv.h), kept and dropped by whoever stores it. The core
** never looks inside. An ALCH_HOST value's as.handle is the address of one,
** or 0 while the value is only passing through.
*/
typedef struct alch_host_ref alch_host_ref;

struct alch_host_ref {
    uint32_t refs;
    void (*release)(alch_host_ref *r);      /* called at zero; frees */
};

static inline alch_host_ref *alch_host_keep(alch_host_ref *r)
{
    if (r != NULL)
        r->refs++;
    return r;
}

static inline void alch_host_drop(alch_host_ref *r)
{
    if (r != NULL && --r->refs == 0)
        r->release(r);
}

#endif
