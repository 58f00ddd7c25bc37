#ifndef ALCH_ORM_KEY_H
#define ALCH_ORM_KEY_H

#include "base/buf.h"
#include "value/value.h"

/*
** Identity keys: the values of a primary key as one thing that the host's
** tables can be indexed by. One integer or one text stands for itself;
** everything else is packed, values with their kinds and lengths, so that
** (1, "12") differs from (11, "2") and 1 from "1".
*/

/* Is a key of these values the one value itself? */
int alch_key_plain(const alch_value *values, size_t n);
void alch_key_pack(const alch_value *values, size_t n, alch_buf *out);
/* Reads a packed key back; text points into 'key'. 0 if it holds other than n values. */
int alch_key_unpack(const char *key, size_t len, alch_value *out, size_t n);
/* Is this text a packed key? */
int alch_key_packed(const char *key, size_t len);

#endif
