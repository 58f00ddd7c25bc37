#include "value/number.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t format_special(double d, char *out)
{
    const char *s = isnan(d) ? "nan" : d > 0 ? "inf" : "-inf";
    size_t n = strlen(s);

    memcpy(out, s, n + 1);
    return n;
}

/* The C library writes the locale's point, which may be several bytes. */
static size_t undo_locale(char *s, size_t n)
{
    const char *point = localeconv()->decimal_point;
    size_t len = strlen(point);
    char *at = strcmp(point, ".") != 0 && len > 0 ? strstr(s, point) : NULL;

    if (at == NULL)
        return n;
    *at = '.';
    memmove(at + 1, at + len, n - (size_t)(at - s) - len + 1);
    return n - len + 1;
}

size_t alch_float_format_digits(double d, int digits, char *out)
{
    if (!isfinite(d))
        return format_special(d, out);
    return undo_locale(out, (size_t)snprintf(out, ALCH_FLOAT_TEXT, "%.*g", digits, d));
}

size_t alch_float_format_fixed(double d, int decimals, char *out, size_t size)
{
    int n = snprintf(out, size, "%.*f", decimals, d);

    return size > 0 ? undo_locale(out, (size_t)n) : (size_t)n;
}

size_t alch_float_format(double d, char *out)
{
    int digits;
    size_t n = 0;
    double back;

    for (digits = 15; digits <= 17; digits++) {
        n = alch_float_format_digits(d, digits, out);
        if (!isfinite(d) || (alch_float_parse(out, n, &back) && back == d))
            break;
    }
    return n;
}

static int parse_special(const char *s, size_t n, double *out)
{
    static const struct { const char *text; double value; } specials[] = {
        { "inf", INFINITY }, { "+inf", INFINITY }, { "-inf", -INFINITY }, { "infinity", INFINITY },
        { "+infinity", INFINITY }, { "-infinity", -INFINITY }, { "nan", NAN }
    };
    size_t i, k;

    for (i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        if (strlen(specials[i].text) != n)
            continue;
        for (k = 0; k < n && tolower((unsigned char)s[k]) == specials[i].text[k]; k++)
            ;
        if (k == n) {
            *out = specials[i].value;
            return 1;
        }
    }
    return 0;
}

/* Digits, one point, an exponent: what strtod takes, without its hexadecimal,
** blanks and names. */
static int is_number(const char *s, size_t n)
{
    size_t i = 0, digits = 0;

    i += n > 0 && (s[0] == '+' || s[0] == '-');
    for (; i < n && isdigit((unsigned char)s[i]); i++)
        digits++;
    if (i < n && s[i] == '.')
        for (i++; i < n && isdigit((unsigned char)s[i]); i++)
            digits++;
    if (digits == 0)
        return 0;
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        i += i < n && (s[i] == '+' || s[i] == '-');
        if (i == n)
            return 0;
        while (i < n && isdigit((unsigned char)s[i]))
            i++;
    }
    return i == n;
}

/* A copy for strtod: terminated, with the locale's point. */
static int to_locale(const char *s, size_t n, char *out, size_t size)
{
    const char *point = localeconv()->decimal_point;
    size_t len = strlen(point);
    const char *dot = memchr(s, '.', n);
    size_t before = dot != NULL ? (size_t)(dot - s) : n;

    if (n + len + 1 > size)
        return 0;
    memcpy(out, s, before);
    if (dot == NULL) {
        out[n] = '\0';
        return 1;
    }
    memcpy(out + before, point, len);
    memcpy(out + before + len, dot + 1, n - before - 1);
    out[n - 1 + len] = '\0';
    return 1;
}

/* What decides which float is the nearest; of further digits only whether there is one but zero. */
#define DECIDING_DIGITS 800

/* What is behind the 'e' of a number, kept within what matters. */
static int64_t read_exponent(const char *s, size_t n)
{
    const int64_t far = 1000000000;
    int64_t exponent;

    if (!alch_integer_parse(s, n, &exponent))
        return s[0] == '-' ? -far : far;
    return exponent > far ? far : exponent < -far ? -far : exponent;
}

/* A number of any length as digits and an exponent, for strtod; 'out' has room for a few more than DECIDING_DIGITS. */
static void shorten(const char *s, size_t n, char *out)
{
    const char *end = s + n;
    int digits = 0, behind_point = 0, rest = 0;
    int64_t exponent = 0;

    if (*s == '-' || *s == '+')
        *out++ = *s++;
    for (; s < end && *s != 'e' && *s != 'E'; s++) {
        if (*s == '.') {
            behind_point = 1;
        } else if (digits < DECIDING_DIGITS) {
            exponent -= behind_point;
            if (digits > 0 || *s != '0')
                out[digits++] = *s;
        } else {
            exponent += !behind_point;
            rest |= *s != '0';
        }
    }
    out[digits++] = rest ? '1' : '0';
    exponent += (s < end ? read_exponent(s + 1, (size_t)(end - s) - 1) : 0) - 1;
    (void)snprintf(out + digits, 24, "e%lld", (long long)exponent);
}

int alch_float_parse(const char *s, size_t n, double *out)
{
    char copy[DECIDING_DIGITS + 200];

    if (parse_special(s, n, out))
        return 1;
    if (!is_number(s, n))
        return 0;
    if (!to_locale(s, n, copy, sizeof copy))
        shorten(s, n, copy);
    *out = strtod(copy, NULL);
    return 1;
}

int alch_integer_parse(const char *s, size_t n, int64_t *out)
{
    size_t i = 0;
    int negative = n > 0 && s[0] == '-';
    int64_t value = 0;

    i += n > 0 && (s[0] == '+' || s[0] == '-');
    if (i == n)
        return 0;
    for (; i < n; i++) {        /* downwards: the negative range is the larger one */
        int digit = s[i] - '0';

        if (digit < 0 || digit > 9 || value < (INT64_MIN + digit) / 10)
            return 0;
        value = value * 10 - digit;
    }
    if (!negative && value == INT64_MIN)
        return 0;
    *out = negative ? value : -value;
    return 1;
}

int alch_float_to_integer(double d, int64_t *out)
{
    if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0) || floor(d) != d)
        return 0;
    *out = (int64_t)d;
    return 1;
}
