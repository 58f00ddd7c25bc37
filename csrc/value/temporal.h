#ifndef ALCH_VALUE_TEMPORAL_H
#define ALCH_VALUE_TEMPORAL_H

#include "base/err.h"
#include "value/value.h"

/*
** Dates, times and spans: the proleptic Gregorian calendar, microseconds, no
** leap seconds, years 1 to 9999 (what ISO text of fixed width holds). BC,
** "infinity" and spans of months are refused by name rather than bent.
*/
#define ALCH_US_SECOND INT64_C(1000000)
#define ALCH_US_DAY (INT64_C(86400) * ALCH_US_SECOND)

typedef struct alch_fields {
    int year, month, day;
    int hour, minute, second, microsecond;
} alch_fields;

/* Fields checked ("there is no 30 February"): ALCH_ERR_DATA. 'zone': minutes
** east or ALCH_ZONE_NONE. */
int alch_date_make(const alch_fields *f, alch_value *out, alch_err *err);
int alch_time_make(const alch_fields *f, int32_t zone, alch_value *out, alch_err *err);
int alch_datetime_make(const alch_fields *f, int32_t zone, alch_value *out, alch_err *err);
/* Of a DATE, TIME or DATETIME; what it lacks is 0. */
void alch_temporal_fields(const alch_value *v, alch_fields *f);

/* ISO 8601 and what PostgreSQL and SQLite write: "2024-02-29",
** "10:30:00.5+02:00", "2024-02-29T10:30Z", "2024-02-29 10:30:00+02". */
int alch_date_parse(const char *s, size_t n, alch_value *out, alch_err *err);
int alch_time_parse(const char *s, size_t n, alch_value *out, alch_err *err);
/* A bare date is its midnight. */
int alch_datetime_parse(const char *s, size_t n, alch_value *out, alch_err *err);
/* "1 day 02:03:04.5", "-1 days +02:00:00", "3 hours 4 mins", "P1DT2H3M4.5S". */
int alch_interval_parse(const char *s, size_t n, alch_value *out, alch_err *err);
/* "Z", "+02:00", "-0330", "+02". */
int alch_zone_parse(const char *s, size_t n, int32_t *minutes);

#define ALCH_TEMPORAL_TEXT 64
enum {
    ALCH_TEMPORAL_T = 1,        /* 'T' between date and time, not a blank */
    ALCH_TEMPORAL_FIXED = 2     /* six digits of fraction even if they are zero */
};
/* As text; the length. 'out' has room for ALCH_TEMPORAL_TEXT. */
size_t alch_temporal_format(const alch_value *v, int flags, char *out);

/* -1, 0, 1 for two values of one kind; 2 if they cannot be ordered: one has a
** time zone and the other has none. */
int alch_temporal_compare(const alch_value *a, const alch_value *b);

/* date + interval, datetime - interval ('sign' -1), interval + interval;
** a - b of two dates, datetimes or intervals. ALCH_ERR_DATA out of range, or
** when a date would need a part of a day. */
int alch_temporal_add(const alch_value *a, const alch_value *interval, int sign, alch_value *out, alch_err *err);
int alch_temporal_subtract(const alch_value *a, const alch_value *b, alch_value *out, alch_err *err);

/* Microseconds since 1970-01-01T00:00Z; a naive one is read as UTC. */
int64_t alch_datetime_instant(const alch_value *v);
/* The same instant seen in another zone. */
int alch_datetime_in_zone(const alch_value *v, int32_t zone, alch_value *out, alch_err *err);

#endif
