/* Reading dates, times and spans. A scanner walks the text; every function
** that reads a part advances it only over what it understood. */
#include <string.h>

#include "value/temporal.h"

typedef struct scan {
    const char *at, *end;
} scan;

static int peek(const scan *s)
{
    return s->at < s->end ? (unsigned char)*s->at : -1;
}

static int accept(scan *s, char c)
{
    if (peek(s) != c)
        return 0;
    s->at++;
    return 1;
}

static int is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* Exactly 'digits' digits. */
static int read_fixed(scan *s, int digits, int *out)
{
    int value = 0;

    for (; digits > 0; digits--) {
        if (!is_digit(peek(s)))
            return 0;
        value = value * 10 + (*s->at++ - '0');
    }
    *out = value;
    return 1;
}

static int refuse(const char *what, const char *s, size_t n, alch_err *err)
{
    return alch_err_set(err, ALCH_ERR_DATA, "'%.*s' is not %s", (int)(n < 60 ? n : 60), s, what);
}

/* What PostgreSQL has and this library does not hold. */
static int refuse_special(const char *what, const char *s, size_t n, alch_err *err)
{
    size_t sign = n > 0 && s[0] == '-';

    if (n - sign == 8 && memcmp(s + sign, "infinity", 8) == 0)
        return alch_err_set(err, ALCH_ERR_DATA, "'%.*s' is no moment; cast it to text in the query", (int)n, s);
    if (n > 3 && memcmp(s + n - 3, " BC", 3) == 0)
        return alch_err_set(err, ALCH_ERR_DATA, "'%.*s': years before 1 are not supported; cast it to text in the query",
                            (int)(n < 60 ? n : 60), s);
    return refuse(what, s, n, err);
}

static int read_date(scan *s, alch_fields *f)
{
    return read_fixed(s, 4, &f->year) && accept(s, '-') && read_fixed(s, 2, &f->month)
        && accept(s, '-') && read_fixed(s, 2, &f->day);
}

/* Digits after the point; more than six only if the rest is zeros. */
static int read_fraction(scan *s, int *microsecond)
{
    int digits = 0, value = 0;

    if (!is_digit(peek(s)))
        return 0;
    for (; is_digit(peek(s)); s->at++, digits++) {
        if (digits < 6)
            value = value * 10 + (*s->at - '0');
        else if (*s->at != '0')
            return 0;
    }
    for (; digits < 6; digits++)
        value *= 10;
    *microsecond = value;
    return 1;
}

static int read_time(scan *s, alch_fields *f)
{
    if (!(read_fixed(s, 2, &f->hour) && accept(s, ':') && read_fixed(s, 2, &f->minute)))
        return 0;
    if (!accept(s, ':'))
        return 1;
    return read_fixed(s, 2, &f->second) && (!(accept(s, '.') || accept(s, ',')) || read_fraction(s, &f->microsecond));
}

/* Seconds east of UTC; old local times have seconds. */
static int read_zone(scan *s, int *seconds)
{
    int sign = peek(s) == '-' ? -1 : 1, h = 0, m = 0, sec = 0;

    if (accept(s, 'Z') || accept(s, 'z')) {
        *seconds = 0;
        return 1;
    }
    if (!(accept(s, '+') || accept(s, '-')) || !read_fixed(s, 2, &h))
        return 0;
    if (accept(s, ':') || is_digit(peek(s))) {
        if (!read_fixed(s, 2, &m))
            return 0;
        if (accept(s, ':') && !read_fixed(s, 2, &sec))
            return 0;
    }
    *seconds = sign * ((h * 60 + m) * 60 + sec);
    return m < 60 && sec < 60;
}

static int has_zone(const scan *s)
{
    int c = peek(s);

    return c == '+' || c == '-' || c == 'Z' || c == 'z';
}

int alch_zone_parse(const char *text, size_t n, int32_t *minutes)
{
    scan s = { text, text + n };
    int seconds;

    if (!read_zone(&s, &seconds) || s.at != s.end || seconds % 60 != 0)
        return 0;
    *minutes = seconds / 60;
    return 1;
}

int alch_date_parse(const char *text, size_t n, alch_value *out, alch_err *err)
{
    scan s = { text, text + n };
    alch_fields f = { 0 };

    if (!read_date(&s, &f) || s.at != s.end)
        return refuse_special("a date such as 2024-12-31", text, n, err);
    return alch_date_make(&f, out, err);
}

int alch_time_parse(const char *text, size_t n, alch_value *out, alch_err *err)
{
    scan s = { text, text + n };
    alch_fields f = { 0 };
    int seconds = 0, zoned;

    if (!read_time(&s, &f))
        return refuse("a time such as 10:30:00", text, n, err);
    zoned = has_zone(&s);
    if ((zoned && !read_zone(&s, &seconds)) || s.at != s.end || seconds % 60 != 0)
        return refuse("a time such as 10:30:00", text, n, err);
    return alch_time_make(&f, zoned ? seconds / 60 : ALCH_ZONE_NONE, out, err);
}

/* A zone with seconds becomes UTC: the instant is what counts. */
static int make_in_seconds(const alch_fields *f, int seconds, alch_value *out, alch_err *err)
{
    alch_value clock, shift = { .kind = ALCH_INTERVAL, .zone = ALCH_ZONE_NONE, .as.integer = seconds * ALCH_US_SECOND };
    int rc;

    if (seconds % 60 == 0)
        return alch_datetime_make(f, seconds / 60, out, err);
    rc = alch_datetime_make(f, 0, &clock, err);
    return rc == ALCH_OK ? alch_temporal_add(&clock, &shift, -1, out, err) : rc;
}

int alch_datetime_parse(const char *text, size_t n, alch_value *out, alch_err *err)
{
    static const char *const what = "a date and time such as 2024-12-31 10:30:00";
    scan s = { text, text + n };
    alch_fields f = { 0 };
    int seconds = 0, zoned = 0;

    if (!read_date(&s, &f))
        return refuse_special(what, text, n, err);
    if (accept(&s, 'T') || accept(&s, 't') || accept(&s, ' ')) {
        if (!read_time(&s, &f))
            return refuse_special(what, text, n, err);
        zoned = has_zone(&s);
        if (zoned && !read_zone(&s, &seconds))
            return refuse(what, text, n, err);
    }
    if (s.at != s.end)
        return refuse_special(what, text, n, err);
    return zoned ? make_in_seconds(&f, seconds, out, err) : alch_datetime_make(&f, ALCH_ZONE_NONE, out, err);
}

/* --- spans --- */

typedef struct span {
    int64_t us;
    int months;     /* a part counted in months or years, and not zero */
} span;

/* "4", "-4.000005": microseconds of 'unit' each; exact or refused. */
static int read_amount(scan *s, int64_t *whole, int *microparts)
{
    int negative = 0, digits = 0, micro = 0;
    int64_t value = 0;

    if (accept(s, '-'))
        negative = 1;
    else
        (void)accept(s, '+');
    for (; is_digit(peek(s)); s->at++, digits++) {
        if (digits > 17)
            return 0;
        value = value * 10 + (*s->at - '0');
    }
    if (accept(s, '.') ? !read_fraction(s, &micro) : digits == 0)
        return 0;
    *whole = negative ? -value : value;
    *microparts = negative ? -micro : micro;
    return 1;
}

/* Adds 'whole' and millionths of a unit of 'unit' microseconds. */
static int add_units(span *sp, int64_t whole, int micro, int64_t unit)
{
    int64_t parts = micro * (unit / ALCH_US_SECOND), us;

    if (unit < ALCH_US_SECOND) {
        if (micro % (ALCH_US_SECOND / unit) != 0)
            return 0;
        parts = micro / (ALCH_US_SECOND / unit);
    }
    if (whole > INT64_MAX / 4 / unit || whole < -(INT64_MAX / 4 / unit))
        return 0;
    us = whole * unit + parts;
    if (sp->us > INT64_MAX / 2 || sp->us < -(INT64_MAX / 2))
        return 0;
    sp->us += us;
    return 1;
}

static void skip_blanks(scan *s)
{
    while (accept(s, ' '))
        ;
}

static int word_is(const char *word, size_t n, const char *unit)
{
    size_t len = strlen(unit);

    return (n == len && memcmp(word, unit, n) == 0) || (n == len + 1 && memcmp(word, unit, len) == 0 && word[len] == 's');
}

typedef struct unit {
    const char *name;
    int64_t us;     /* 0: months and longer */
} unit;

static const unit units[] = {
    { "day", ALCH_US_DAY }, { "hour", 3600 * ALCH_US_SECOND }, { "min", 60 * ALCH_US_SECOND },
    { "minute", 60 * ALCH_US_SECOND }, { "sec", ALCH_US_SECOND }, { "second", ALCH_US_SECOND },
    { "week", 7 * ALCH_US_DAY }, { "millisecond", 1000 }, { "microsecond", 1 },
    { "mon", 0 }, { "month", 0 }, { "year", 0 }
};

static int add_named(span *sp, scan *s, int64_t whole, int micro)
{
    const char *word = s->at;
    size_t n, i;

    while (peek(s) >= 'a' && peek(s) <= 'z')
        s->at++;
    n = (size_t)(s->at - word);
    for (i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!word_is(word, n, units[i].name))
            continue;
        if (units[i].us == 0) {
            sp->months |= whole != 0 || micro != 0;
            return 1;
        }
        return add_units(sp, whole, micro, units[i].us);
    }
    return 0;
}

/* "02:03[:04.5]" after its hours were read as 'hours'; 'negative' covers it all. */
static int add_clock(span *sp, scan *s, int64_t hours, int negative)
{
    alch_fields f = { 0 };
    int sign = negative ? -1 : 1;

    if (!read_fixed(s, 2, &f.minute) || f.minute > 59)
        return 0;
    if (accept(s, ':') && (!read_fixed(s, 2, &f.second) || f.second > 59))
        return 0;
    if (accept(s, '.') && !read_fraction(s, &f.microsecond))
        return 0;
    return add_units(sp, hours, 0, 3600 * ALCH_US_SECOND)
        && add_units(sp, sign * (f.minute * 60 + f.second), sign * f.microsecond, ALCH_US_SECOND);
}

static int read_words(scan *s, span *sp)
{
    int parts = 0;

    for (skip_blanks(s); s->at < s->end; skip_blanks(s), parts++) {
        int negative = peek(s) == '-', micro;
        int64_t whole;

        if (!read_amount(s, &whole, &micro))
            return 0;
        if (micro == 0 && accept(s, ':')) {
            if (!add_clock(sp, s, whole, negative))
                return 0;
            continue;
        }
        skip_blanks(s);
        if (!add_named(sp, s, whole, micro))
            return 0;
    }
    return parts > 0;
}

/* "P1Y2M3DT4H5M6.5S": M is months before the T and minutes after it. */
static int read_designators(scan *s, span *sp)
{
    int time = 0, parts = 0;

    for (; s->at < s->end; parts++) {
        int micro, c;
        int64_t whole, us = -1;

        if (!time && accept(s, 'T'))
            time = 1;
        if (!read_amount(s, &whole, &micro))
            return 0;
        c = peek(s);
        s->at += c >= 0;
        if (!time)
            us = c == 'D' ? ALCH_US_DAY : c == 'W' ? 7 * ALCH_US_DAY : c == 'Y' || c == 'M' ? 0 : -1;
        else
            us = c == 'H' ? 3600 * ALCH_US_SECOND : c == 'M' ? 60 * ALCH_US_SECOND : c == 'S' ? ALCH_US_SECOND : -1;
        if (us < 0)
            return 0;
        if (us == 0)
            sp->months |= whole != 0 || micro != 0;
        else if (!add_units(sp, whole, micro, us))
            return 0;
    }
    return parts > 0;
}

int alch_interval_parse(const char *text, size_t n, alch_value *out, alch_err *err)
{
    scan s = { text, text + n };
    span sp = { 0, 0 };
    int ok = accept(&s, 'P') ? read_designators(&s, &sp) : read_words(&s, &sp);

    if (!ok || s.at != s.end)
        return refuse("an interval such as 1 day 02:30:00 or P1DT2H30M", text, n, err);
    if (sp.months)
        return alch_err_set(err, ALCH_ERR_DATA, "'%.*s': months and years have no fixed length; cast it to text in the query",
                            (int)(n < 60 ? n : 60), text);
    *out = (alch_value){ .kind = ALCH_INTERVAL, .zone = ALCH_ZONE_NONE, .as.integer = sp.us };
    return ALCH_OK;
}
