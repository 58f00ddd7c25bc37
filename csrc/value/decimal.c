#include "value/decimal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "value/number.h"

/* A decimal's parts, pointing into text: digits 'whole' '.' 'fraction' times
** ten to 'exponent'. */
typedef struct parts {
    int negative;
    const char *whole, *fraction;
    size_t whole_len, fraction_len;
    int64_t exponent;
} parts;

static size_t count_digits(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && s[i] >= '0' && s[i] <= '9')
        i++;
    return i;
}

static int split(const char *s, size_t n, parts *p)
{
    const char *end = s + n;

    *p = (parts){ 0, s, s, 0, 0, 0 };
    if (s < end && (*s == '-' || *s == '+'))
        p->negative = *s++ == '-';
    p->whole = s;
    p->whole_len = count_digits(s, (size_t)(end - s));
    s += p->whole_len;
    p->fraction = s;
    if (s < end && *s == '.') {
        p->fraction = ++s;
        p->fraction_len = count_digits(s, (size_t)(end - s));
        s += p->fraction_len;
    }
    if (p->whole_len + p->fraction_len == 0)
        return 0;
    if (s < end && (*s == 'e' || *s == 'E')) {
        s++;
        if (!alch_integer_parse(s, (size_t)(end - s), &p->exponent))
            return 0;
        s = end;
    }
    return s == end;
}

static int is_zero(const parts *p)
{
    size_t i;

    for (i = 0; i < p->whole_len; i++)
        if (p->whole[i] != '0')
            return 0;
    for (i = 0; i < p->fraction_len; i++)
        if (p->fraction[i] != '0')
            return 0;
    return 1;
}

static int is_canonical(size_t n, const parts *p)
{
    size_t plain = (size_t)p->negative + p->whole_len + (p->fraction_len > 0 ? 1 + p->fraction_len : 0);

    return plain == n && p->whole_len > 0 && (p->whole_len == 1 || p->whole[0] != '0')
        && !(p->negative && is_zero(p));
}

static int refuse(const char *s, size_t n, alch_err *err)
{
    return alch_err_set(err, ALCH_ERR_DATA, "'%.*s' is not a number", (int)(n < 60 ? n : 60), s);
}

static void set_text(alch_value *out, const char *s, size_t n)
{
    *out = (alch_value){ .kind = ALCH_DECIMAL, .zone = ALCH_ZONE_NONE, .as.text = { s, n } };
}

/* The digit at position 'i' of all digits, whole and fraction; zeros beyond. */
static char digit_at(const parts *p, int64_t i)
{
    if (i < 0 || i >= (int64_t)(p->whole_len + p->fraction_len))
        return '0';
    return (size_t)i < p->whole_len ? p->whole[i] : p->fraction[(size_t)i - p->whole_len];
}

/* Spells the parts out: 'point' digits come before the point. */
static int build(const parts *p, alch_arena *a, alch_value *out, alch_err *err)
{
    int64_t point = (int64_t)p->whole_len + p->exponent, i;
    int64_t digits = (int64_t)(p->whole_len + p->fraction_len);
    int64_t first = 0, last = digits > point ? digits : point;
    char *s, *at;

    while (first < point - 1 && digit_at(p, first) == '0')
        first++;
    if (point <= 0)
        first = point - 1;
    at = s = alch_arena_alloc(a, (size_t)(last - first) + 3);
    if (s == NULL)
        return alch_err_nomem(err);
    if (p->negative && !is_zero(p))
        *at++ = '-';
    for (i = first; i < point; i++)
        *at++ = digit_at(p, i);
    if (last > point)
        *at++ = '.';
    for (; i < last; i++)
        *at++ = digit_at(p, i);
    set_text(out, s, (size_t)(at - s));
    return ALCH_OK;
}

static int parse_special(const char *s, size_t n, alch_value *out)
{
    double d;

    if (!alch_float_parse(s, n, &d) || isfinite(d))
        return 0;
    if (isnan(d))
        set_text(out, "NaN", 3);
    else
        set_text(out, d > 0 ? "Infinity" : "-Infinity", d > 0 ? 8 : 9);
    return 1;
}

int alch_decimal_parse(const char *s, size_t n, alch_arena *a, alch_value *out, alch_err *err)
{
    parts p;

    if (!split(s, n, &p)) {
        char last = n > 0 ? s[n - 1] : '0';     /* names end in a letter: "nan", "inf" */

        return (last < '0' || last > '9') && parse_special(s, n, out) ? ALCH_OK : refuse(s, n, err);
    }
    if (is_canonical(n, &p)) {
        set_text(out, s, n);
        return ALCH_OK;
    }
    if (p.exponent > ALCH_DECIMAL_MAX_DIGITS || p.exponent < -ALCH_DECIMAL_MAX_DIGITS)
        return alch_err_set(err, ALCH_ERR_DATA, "'%.*s' has more digits than any database holds", (int)(n < 60 ? n : 60), s);
    return build(&p, a, out, err);
}

/* Below 10^15 and up to 10^22 integers and powers of ten are exact doubles,
** so that one division rounds once: what strtod and printf compute for 15
** digits, twenty times faster. */
#define FAST_DIGITS 15
#define FAST_LIMIT 1e15
static const double powers[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };

/* 'd' as a whole number of 10^-scale for the smallest scale there is; 0 if
** none of the usual ones does. */
static int as_scaled(double d, int64_t *whole, int *scale)
{
    int i;

    for (i = 0; i <= 6; i++) {
        double scaled = d * powers[i];

        if (!(scaled > -FAST_LIMIT && scaled < FAST_LIMIT))
            return 0;
        scaled = nearbyint(scaled);
        if (scaled / powers[i] == d) {
            *whole = (int64_t)scaled;
            *scale = i;
            return 1;
        }
    }
    return 0;
}

static int from_scaled(int64_t whole, int scale, alch_arena *a, alch_value *out, alch_err *err)
{
    char text[32], *at = text + sizeof text;
    uint64_t n = whole < 0 ? 0 - (uint64_t)whole : (uint64_t)whole;
    const char *copy;
    int i;

    for (i = 0; n > 0 || i <= scale; i++, n /= 10) {
        if (i == scale && scale > 0)
            *--at = '.';
        *--at = (char)('0' + n % 10);
    }
    if (whole < 0)
        *--at = '-';
    copy = alch_arena_strndup(a, at, (size_t)(text + sizeof text - at));
    if (copy == NULL)
        return alch_err_nomem(err);
    set_text(out, copy, (size_t)(text + sizeof text - at));
    return ALCH_OK;
}

int alch_decimal_from_float(double d, int digits, alch_arena *a, alch_value *out, alch_err *err)
{
    char text[ALCH_FLOAT_TEXT];
    const char *copy;
    size_t n;
    int64_t whole;
    int scale;

    if ((digits == 0 || digits >= FAST_DIGITS) && as_scaled(d, &whole, &scale))
        return from_scaled(whole, scale, a, out, err);
    n = digits > 0 ? alch_float_format_digits(d, digits, text) : alch_float_format(d, text);
    copy = alch_arena_strndup(a, text, n);
    if (copy == NULL)
        return alch_err_nomem(err);
    return alch_decimal_parse(copy, n, a, out, err);
}

int alch_decimal_from_float_at(double d, int scale, alch_arena *a, alch_value *out, alch_err *err)
{
    size_t size;
    char *text;

    if (!isfinite(d))
        return alch_decimal_from_float(d, 0, a, out, err);
    size = alch_float_format_fixed(d, scale, NULL, 0) + 1;
    text = alch_arena_alloc(a, size);
    if (text == NULL)
        return alch_err_nomem(err);
    return alch_decimal_parse(text, alch_float_format_fixed(d, scale, text, size), a, out, err);
}

int alch_decimal_from_integer(int64_t n, alch_arena *a, alch_value *out, alch_err *err)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%" PRId64, n);
    const char *copy = alch_arena_strndup(a, text, (size_t)len);

    if (copy == NULL)
        return alch_err_nomem(err);
    set_text(out, copy, (size_t)len);
    return ALCH_OK;
}

int alch_decimal_is_finite(const alch_value *v)
{
    char last = v->as.text.at[v->as.text.len - 1];

    return last >= '0' && last <= '9';
}

/* Where NaN and the infinities stand: -1, 0 for a number, 1, 2. */
static int rank(const alch_value *v)
{
    if (alch_decimal_is_finite(v))
        return 0;
    return v->as.text.at[0] == 'N' ? 2 : v->as.text.at[0] == '-' ? -1 : 1;
}

static int compare_magnitude(const parts *a, const parts *b)
{
    size_t i, n = a->fraction_len > b->fraction_len ? a->fraction_len : b->fraction_len;
    int c;

    if (a->whole_len != b->whole_len)
        return a->whole_len < b->whole_len ? -1 : 1;
    c = memcmp(a->whole, b->whole, a->whole_len);
    for (i = 0; c == 0 && i < n; i++)
        c = (i < a->fraction_len ? a->fraction[i] : '0') - (i < b->fraction_len ? b->fraction[i] : '0');
    return c < 0 ? -1 : c > 0;
}

int alch_decimal_compare(const alch_value *a, const alch_value *b)
{
    int ra = rank(a), rb = rank(b), c;
    parts pa, pb;

    if (ra != 0 || rb != 0)
        return ra < rb ? -1 : ra > rb;
    (void)split(a->as.text.at, a->as.text.len, &pa);
    (void)split(b->as.text.at, b->as.text.len, &pb);
    if (pa.negative != pb.negative)
        return pa.negative ? -1 : 1;
    c = compare_magnitude(&pa, &pb);
    return pa.negative ? -c : c;
}

size_t alch_decimal_scale(const alch_value *v)
{
    const char *point = memchr(v->as.text.at, '.', v->as.text.len);

    return point != NULL ? v->as.text.len - (size_t)(point - v->as.text.at) - 1 : 0;
}

int alch_decimal_pad(const alch_value *v, int scale, alch_arena *a, alch_value *out, alch_err *err)
{
    size_t have = alch_decimal_scale(v), want = scale > 0 ? (size_t)scale : 0;
    size_t n = v->as.text.len;
    char *s;

    *out = *v;
    if (have >= want || !alch_decimal_is_finite(v))
        return ALCH_OK;
    s = alch_arena_alloc(a, n + 1 + want - have);
    if (s == NULL)
        return alch_err_nomem(err);
    memcpy(s, v->as.text.at, n);
    if (have == 0)
        s[n++] = '.';
    memset(s + n, '0', want - have);
    set_text(out, s, n + want - have);
    return ALCH_OK;
}

int alch_decimal_to_integer(const alch_value *v, int64_t *out)
{
    parts p;
    size_t i;

    if (!split(v->as.text.at, v->as.text.len, &p))
        return 0;
    for (i = 0; i < p.fraction_len; i++)
        if (p.fraction[i] != '0')
            return 0;
    return alch_integer_parse(v->as.text.at, (size_t)p.negative + p.whole_len, out);
}

/* Compares without an arena: a double's 15 digits and exponent against 'v'. */
static int gives_back(const alch_value *v, double d)
{
    char text[ALCH_FLOAT_TEXT];
    size_t n = alch_float_format_digits(d, 15, text);
    alch_arena a;
    alch_value again;
    int same;

    alch_arena_init(&a);
    same = alch_decimal_parse(text, n, &a, &again, NULL) == ALCH_OK && alch_decimal_compare(v, &again) == 0;
    alch_arena_release(&a);
    return same;
}

/* Fifteen digits at most, leading zeros aside: exact by construction. */
static int to_float_fast(const parts *p, double *out)
{
    int64_t whole = 0;
    size_t i;

    if (p->whole_len > FAST_DIGITS || p->fraction_len > FAST_DIGITS)
        return 0;
    for (i = 0; i < p->whole_len + p->fraction_len; i++) {
        whole = whole * 10 + (digit_at(p, (int64_t)i) - '0');
        if (whole >= (int64_t)FAST_LIMIT)
            return 0;
    }
    *out = (double)(p->negative ? -whole : whole) / powers[p->fraction_len];
    return 1;
}

int alch_decimal_to_float(const alch_value *v, double *out)
{
    parts p;

    if (split(v->as.text.at, v->as.text.len, &p) && to_float_fast(&p, out))
        return 1;
    if (!alch_float_parse(v->as.text.at, v->as.text.len, out)) {
        *out = 0;
        return 0;
    }
    return isfinite(*out) && gives_back(v, *out);
}
