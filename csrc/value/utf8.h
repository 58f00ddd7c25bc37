#ifndef ALCH_VALUE_UTF8_H
#define ALCH_VALUE_UTF8_H

#include <stddef.h>

/* Is it UTF-8 (RFC 3629: no surrogates, nothing overlong)? */
int alch_utf8_valid(const char *s, size_t n);
/* Writes a code point below 0x110000; its length. */
size_t alch_utf8_encode(unsigned long code, char out[4]);

#endif
