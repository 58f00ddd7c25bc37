#ifndef ALCH_VALUE_DECIMAL_H
#define ALCH_VALUE_DECIMAL_H

#include "base/arena.h"
#include "base/err.h"
#include "value/value.h"

/*
** Exact decimals, kept as canonical text: an optional '-', digits without
** needless leading zeros, and a fraction whose trailing zeros stay ("1.10").
** "NaN", "Infinity" and "-Infinity" exist because PostgreSQL has them; they
** are ordered as there: NaN equals itself and is above everything.
*/

/* Digits on either side that are more than PostgreSQL's numeric can hold. */
#define ALCH_DECIMAL_MAX_DIGITS 150000

/* "1.10", "+.5", "1e-3", "NaN". Text that is canonical already is borrowed,
** else made in 'a'. ALCH_ERR_DATA if it is no number. */
int alch_decimal_parse(const char *s, size_t n, alch_arena *a, alch_value *out, alch_err *err);
/* The decimal that 'd' is written as with the fewest digits, or with at most
** 'digits' (0: the fewest). */
int alch_decimal_from_float(double d, int digits, alch_arena *a, alch_value *out, alch_err *err);
/* With 'scale' digits behind the point: what is between two such decimals becomes the nearer one. */
int alch_decimal_from_float_at(double d, int scale, alch_arena *a, alch_value *out, alch_err *err);
int alch_decimal_from_integer(int64_t n, alch_arena *a, alch_value *out, alch_err *err);

/* -1, 0, 1; exact: "1.1" equals "1.10". */
int alch_decimal_compare(const alch_value *a, const alch_value *b);
/* Digits behind the point. */
size_t alch_decimal_scale(const alch_value *v);
int alch_decimal_is_finite(const alch_value *v);

/* Zeros appended until there are 'scale' digits behind the point; what has
** more is left as it is. */
int alch_decimal_pad(const alch_value *v, int scale, alch_arena *a, alch_value *out, alch_err *err);

/* 1 if 'v' is whole and within int64. */
int alch_decimal_to_integer(const alch_value *v, int64_t *out);
/* The nearest float; 1 if its 15 significant digits give 'v' back. */
int alch_decimal_to_float(const alch_value *v, double *out);

#endif
