#ifndef ALCH_VALUE_UUID_H
#define ALCH_VALUE_UUID_H

#include "base/err.h"
#include "value/value.h"

/* 32 hexadecimal digits with or without the usual dashes, braces or
** "urn:uuid:"; 'out' has room for 16 bytes. ALCH_ERR_DATA otherwise. */
int alch_uuid_parse(const char *s, size_t n, unsigned char out[16], alch_err *err);

#define ALCH_UUID_TEXT 37
/* Lower case; the length: 36, or 32 without dashes. */
size_t alch_uuid_format(const unsigned char *bytes, int dashes, char *out);

#endif
