#include "value/temporal.h"

#include <stdio.h>
#include <string.h>

#define DAY_MIN INT64_C(-719162)    /* 0001-01-01 */
#define DAY_MAX INT64_C(2932896)    /* 9999-12-31 */

/* Days since 1970-01-01; counts in eras of 400 years that begin in March, so
** that the leap day comes last (Howard Hinnant, "chrono-compatible low-level
** date algorithms"). */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, alch_fields *f)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;

    f->day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    f->month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    f->year = (int)(year_of_era + era * 400 + (f->month <= 2));
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static int check_date(const alch_fields *f, alch_err *err)
{
    if (f->year < 1 || f->year > 9999)
        return alch_err_set(err, ALCH_ERR_DATA, "the year %d is outside 1 to 9999", f->year);
    if (f->month < 1 || f->month > 12)
        return alch_err_set(err, ALCH_ERR_DATA, "there is no month %d", f->month);
    if (f->day < 1 || f->day > days_in_month(f->year, f->month))
        return alch_err_set(err, ALCH_ERR_DATA, "%04d-%02d has no day %d", f->year, f->month, f->day);
    return ALCH_OK;
}

/* PostgreSQL's type time has an end of day, 24:00:00; 'last_hour' says whether it may be. */
static int check_time(const alch_fields *f, int last_hour, alch_err *err)
{
    int end_of_day = f->minute == 0 && f->second == 0 && f->microsecond == 0;

    if (f->hour < 0 || f->minute < 0 || f->second < 0 || f->microsecond < 0 || f->hour > last_hour
        || (f->hour == 24 && !end_of_day) || f->minute > 59 || f->second > 59 || f->microsecond > 999999)
        return alch_err_set(err, ALCH_ERR_DATA, "there is no time %02d:%02d:%02d.%06d", f->hour, f->minute, f->second,
                            f->microsecond);
    return ALCH_OK;
}

static int64_t time_of_day(const alch_fields *f)
{
    return ((INT64_C(60) * f->hour + f->minute) * 60 + f->second) * ALCH_US_SECOND + f->microsecond;
}

int alch_date_make(const alch_fields *f, alch_value *out, alch_err *err)
{
    int rc = check_date(f, err);

    if (rc == ALCH_OK)
        *out = (alch_value){ .kind = ALCH_DATE, .zone = ALCH_ZONE_NONE,
                             .as.integer = days_from_civil(f->year, f->month, f->day) };
    return rc;
}

/* Offsets are less than a day; PostgreSQL's go to 15:59. */
static int check_zone(int32_t zone, alch_err *err)
{
    if (zone != ALCH_ZONE_NONE && (zone <= -24 * 60 || zone >= 24 * 60))
        return alch_err_set(err, ALCH_ERR_DATA, "a time zone of %d minutes is a day or more", zone);
    return ALCH_OK;
}

int alch_time_make(const alch_fields *f, int32_t zone, alch_value *out, alch_err *err)
{
    int rc = check_time(f, 24, err);

    if (rc == ALCH_OK)
        rc = check_zone(zone, err);
    if (rc == ALCH_OK)
        *out = (alch_value){ .kind = ALCH_TIME, .zone = zone, .as.integer = time_of_day(f) };
    return rc;
}

static int datetime_of(int64_t us, int32_t zone, alch_value *out, alch_err *err)
{
    if (us < DAY_MIN * ALCH_US_DAY || us >= (DAY_MAX + 1) * ALCH_US_DAY)
        return alch_err_set(err, ALCH_ERR_DATA, "a date and time outside the years 1 to 9999");
    *out = (alch_value){ .kind = ALCH_DATETIME, .zone = zone, .as.integer = us };
    return ALCH_OK;
}

int alch_datetime_make(const alch_fields *f, int32_t zone, alch_value *out, alch_err *err)
{
    int rc = check_date(f, err);

    if (rc == ALCH_OK)
        rc = check_time(f, 23, err);
    if (rc == ALCH_OK)
        rc = check_zone(zone, err);
    if (rc == ALCH_OK)
        rc = datetime_of(days_from_civil(f->year, f->month, f->day) * ALCH_US_DAY + time_of_day(f), zone, out, err);
    return rc;
}

/* Division that rounds down, for moments before 1970. */
static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;

    return a % b < 0 ? q - 1 : q;
}

static void fields_of_time(int64_t us, alch_fields *f)
{
    f->microsecond = (int)(us % ALCH_US_SECOND);
    us /= ALCH_US_SECOND;
    f->second = (int)(us % 60);
    f->minute = (int)(us / 60 % 60);
    f->hour = (int)(us / 3600);
}

void alch_temporal_fields(const alch_value *v, alch_fields *f)
{
    int64_t days;

    memset(f, 0, sizeof *f);
    switch (v->kind) {
    case ALCH_DATE:
        civil_from_days(v->as.integer, f);
        break;
    case ALCH_TIME:
        fields_of_time(v->as.integer, f);
        break;
    default:
        days = floor_div(v->as.integer, ALCH_US_DAY);
        civil_from_days(days, f);
        fields_of_time(v->as.integer - days * ALCH_US_DAY, f);
        break;
    }
}

/* Digits by hand: snprintf takes half a microsecond for a date and time. */
static char *put_digits(char *out, unsigned n, int width)
{
    int i;

    for (i = width - 1; i >= 0; i--, n /= 10)
        out[i] = (char)('0' + n % 10);
    return out + width;
}

static char *put_time(const alch_fields *f, int flags, char *out)
{
    out = put_digits(out, (unsigned)f->hour, 2);
    *out++ = ':';
    out = put_digits(out, (unsigned)f->minute, 2);
    *out++ = ':';
    out = put_digits(out, (unsigned)f->second, 2);
    if (f->microsecond != 0 || (flags & ALCH_TEMPORAL_FIXED)) {
        *out++ = '.';
        out = put_digits(out, (unsigned)f->microsecond, 6);
    }
    return out;
}

static char *put_date(const alch_fields *f, char *out)
{
    out = put_digits(out, (unsigned)f->year, 4);
    *out++ = '-';
    out = put_digits(out, (unsigned)f->month, 2);
    *out++ = '-';
    return put_digits(out, (unsigned)f->day, 2);
}

static char *put_zone(int32_t zone, char *out)
{
    unsigned minutes;

    if (zone == ALCH_ZONE_NONE)
        return out;
    minutes = (unsigned)(zone < 0 ? -zone : zone);
    *out++ = zone < 0 ? '-' : '+';
    out = put_digits(out, minutes / 60, 2);
    *out++ = ':';
    return put_digits(out, minutes % 60, 2);
}

/* "1 day 02:03:04.5", "-02:00:00", "-1 days -02:00:00": each part has its sign. */
static char *put_interval(int64_t us, int flags, char *out)
{
    int64_t days = us / ALCH_US_DAY, rest = us % ALCH_US_DAY;
    alch_fields f;

    if (days != 0)
        out += snprintf(out, 32, "%lld day%s", (long long)days, days == 1 ? "" : "s");
    if (days != 0 && rest == 0)
        return out;
    if (days != 0)
        *out++ = ' ';
    if (rest < 0)
        *out++ = '-';
    fields_of_time(rest < 0 ? -rest : rest, &f);
    return put_time(&f, flags, out);
}

size_t alch_temporal_format(const alch_value *v, int flags, char *out)
{
    char *at = out;
    alch_fields f;

    if (v->kind == ALCH_INTERVAL) {
        at = put_interval(v->as.integer, flags, at);
    } else {
        alch_temporal_fields(v, &f);
        if (v->kind != ALCH_TIME)
            at = put_date(&f, at);
        if (v->kind == ALCH_DATETIME)
            *at++ = (flags & ALCH_TEMPORAL_T) ? 'T' : ' ';
        if (v->kind != ALCH_DATE)
            at = put_zone(v->zone, put_time(&f, flags, at));
    }
    *at = '\0';
    return (size_t)(at - out);
}

int64_t alch_datetime_instant(const alch_value *v)
{
    return v->zone == ALCH_ZONE_NONE ? v->as.integer : v->as.integer - v->zone * 60 * ALCH_US_SECOND;
}

int alch_datetime_in_zone(const alch_value *v, int32_t zone, alch_value *out, alch_err *err)
{
    int rc = check_zone(zone, err);

    return rc == ALCH_OK ? datetime_of(alch_datetime_instant(v) + zone * 60 * ALCH_US_SECOND, zone, out, err) : rc;
}

int alch_temporal_compare(const alch_value *a, const alch_value *b)
{
    int64_t x = a->as.integer, y = b->as.integer;

    if (a->kind == ALCH_DATETIME || a->kind == ALCH_TIME) {
        if ((a->zone == ALCH_ZONE_NONE) != (b->zone == ALCH_ZONE_NONE))
            return 2;
        x = alch_datetime_instant(a);
        y = alch_datetime_instant(b);
    }
    return x < y ? -1 : x > y;
}

static int interval_of(int64_t us, alch_value *out)
{
    *out = (alch_value){ .kind = ALCH_INTERVAL, .zone = ALCH_ZONE_NONE, .as.integer = us };
    return ALCH_OK;
}

static int add_checked(int64_t a, int64_t b, int64_t *sum)
{
    if ((b > 0 && a > INT64_MAX - b) || (b < 0 && a < INT64_MIN - b))
        return 0;
    *sum = a + b;
    return 1;
}

static int too_long(alch_err *err)
{
    return alch_err_set(err, ALCH_ERR_DATA, "an interval of more than 292,000 years");
}

static int add_to_date(const alch_value *a, int64_t us, alch_value *out, alch_err *err)
{
    int64_t days = a->as.integer + us / ALCH_US_DAY;

    if (us % ALCH_US_DAY != 0)
        return alch_err_set(err, ALCH_ERR_DATA, "a date moves by whole days; use a datetime for less");
    if (days < DAY_MIN || days > DAY_MAX)
        return alch_err_set(err, ALCH_ERR_DATA, "a date outside the years 1 to 9999");
    *out = *a;
    out->as.integer = days;
    return ALCH_OK;
}

int alch_temporal_add(const alch_value *a, const alch_value *interval, int sign, alch_value *out, alch_err *err)
{
    int64_t us = interval->as.integer, sum;

    if (us == INT64_MIN)
        return too_long(err);
    us *= sign;
    if (a->kind == ALCH_DATE)
        return add_to_date(a, us, out, err);
    if (!add_checked(a->as.integer, us, &sum))
        return too_long(err);
    return a->kind == ALCH_INTERVAL ? interval_of(sum, out) : datetime_of(sum, a->zone, out, err);
}

int alch_temporal_subtract(const alch_value *a, const alch_value *b, alch_value *out, alch_err *err)
{
    int64_t difference;

    if (a->kind == ALCH_DATE)
        return interval_of((a->as.integer - b->as.integer) * ALCH_US_DAY, out);
    if (a->kind == ALCH_INTERVAL) {
        if (b->as.integer == INT64_MIN || !add_checked(a->as.integer, -b->as.integer, &difference))
            return too_long(err);
        return interval_of(difference, out);
    }
    if (alch_temporal_compare(a, b) == 2)
        return alch_err_set(err, ALCH_ERR_DATA, "a datetime with a time zone and one without have no distance");
    return interval_of(alch_datetime_instant(a) - alch_datetime_instant(b), out);
}
