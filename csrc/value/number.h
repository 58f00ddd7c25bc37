#ifndef ALCH_VALUE_NUMBER_H
#define ALCH_VALUE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/*
** Numbers and text, whatever the process's locale: a host may have set one
** that writes a decimal comma.
*/
#define ALCH_FLOAT_TEXT 32

/* The number in 15, 16 or 17 digits, the first that reads back; "inf", "-inf",
** "nan". Returns its length; 'out' has room for ALCH_FLOAT_TEXT. */
size_t alch_float_format(double d, char *out);
/* With at most 'digits' significant digits. */
size_t alch_float_format_digits(double d, int digits, char *out);

/* With 'decimals' digits behind the point, of a finite number. Returns its length; with a size of 0 what it needs at most. */
size_t alch_float_format_fixed(double d, int decimals, char *out, size_t size);

/* The whole text must be one number ("1.5e3", "inf", "nan"); 0 if it is not. */
int alch_float_parse(const char *s, size_t n, double *out);
/* The whole text must be one integer within int64. */
int alch_integer_parse(const char *s, size_t n, int64_t *out);

/* Has 'd' no fraction, and does int64 hold it? */
int alch_float_to_integer(double d, int64_t *out);

#endif
