#ifndef ALCH_DRIVER_COPY_H
#define ALCH_DRIVER_COPY_H

#include "base/arena.h"
#include "value/value.h"

/* Values as drivers take and give them (kinds up to ALCH_BLOB), copied with
** their text into an arena. */

/* 0 when memory runs out. */
int alch_copy_value(alch_arena *a, alch_value *to, const alch_value *from);
/* NULL when memory runs out. */
const alch_param *alch_copy_params(alch_arena *a, const alch_param *params, size_t n);

#endif
