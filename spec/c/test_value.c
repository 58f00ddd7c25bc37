/* Numbers, decimals, dates and UUIDs: each rule is a row. */
#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "check.h"
#include "value/decimal.h"
#include "value/number.h"
#include "value/temporal.h"
#include "value/uuid.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROW(condition, text) \
    ((condition) ? (void)0 : (check_bad++, (void)printf("%s:%d: row %s: %s\n", __func__, __LINE__, text, #condition)))

static void floats_as_text(void)
{
    static const struct { double d; const char *text; } rows[] = {
        { 0.1, "0.1" }, { 1.0 / 3.0, "0.3333333333333333" }, { 5e-324, "4.94065645841247e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" }, { -0.0, "-0" }, { 1e15, "1e+15" },
        { 9007199254740993.0, "9007199254740992" }, { INFINITY, "inf" }, { -INFINITY, "-inf" }, { NAN, "nan" }
    };
    char text[ALCH_FLOAT_TEXT];
    double back;
    size_t i;

    for (i = 0; i < COUNT(rows); i++) {
        size_t n = alch_float_format(rows[i].d, text);

        ROW(strcmp(text, rows[i].text) == 0 && n == strlen(text), text);
        ROW(alch_float_parse(text, n, &back), text);
        ROW(memcmp(&back, &rows[i].d, sizeof back) == 0 || isnan(back), text);
    }
}

static void text_as_numbers(void)
{
    static const char *const bad[] = { "", " 1", "1 ", "0x10", "1e", "e5", ".", "+", "--1", "1.2.3", "nano", "1,5" };
    double d;
    int64_t n;
    size_t i;

    for (i = 0; i < COUNT(bad); i++) {
        ROW(!alch_float_parse(bad[i], strlen(bad[i]), &d), bad[i]);
        ROW(!alch_integer_parse(bad[i], strlen(bad[i]), &n), bad[i]);
    }
    CHECK(alch_float_parse("-1.5E3", 6, &d) && d == -1500);
    CHECK(alch_float_parse("Infinity", 8, &d) && d == INFINITY);
    CHECK(alch_integer_parse("9223372036854775807", 19, &n) && n == INT64_MAX);
    CHECK(alch_integer_parse("-9223372036854775808", 20, &n) && n == INT64_MIN);
    CHECK(!alch_integer_parse("9223372036854775808", 19, &n));
    CHECK(!alch_integer_parse("-9223372036854775809", 20, &n));
    CHECK(alch_float_to_integer(-9223372036854775808.0, &n) && n == INT64_MIN);
    CHECK(!alch_float_to_integer(9223372036854775808.0, &n));
    CHECK(!alch_float_to_integer(3.5, &n) && !alch_float_to_integer(NAN, &n));
}

/* A locale with a decimal comma changes nothing (where the machine has one). */
static void locale_does_not_matter(void)
{
    static const char *const names[] = { "de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "C.UTF-8" };
    char text[ALCH_FLOAT_TEXT];
    double d;
    size_t i;

    for (i = 0; i < COUNT(names) && setlocale(LC_NUMERIC, names[i]) == NULL; i++)
        ;
    (void)alch_float_format(1.5, text);
    CHECK(strcmp(text, "1.5") == 0);
    CHECK(alch_float_parse("2.25", 4, &d) && d == 2.25);
    (void)setlocale(LC_NUMERIC, "C");
}

static void decimals_canonical(void)
{
    static const struct { const char *in, *out; } rows[] = {
        { "1.10", "1.10" }, { "-12.340", "-12.340" }, { "+5", "5" }, { ".5", "0.5" }, { "5.", "5" }, { "007.50", "7.50" },
        { "-0", "0" }, { "-0.00", "0.00" }, { "000", "0" }, { "1e5", "100000" }, { "1.5E-3", "0.0015" }, { "0.001e2", "0.1" },
        { "-12.5e1", "-125" }, { "1.20e1", "12.0" }, { "NaN", "NaN" }, { "inf", "Infinity" }, { "-Infinity", "-Infinity" },
        { "12345678901234567890.12345678901234567890", "12345678901234567890.12345678901234567890" }
    };
    static const char *const bad[] = { "", "-", ".", "1.2.3", "1e", "1 ", "0x1", "e1", "1e999999999", "nano", "1e99999999999999999999" };
    alch_arena a;
    alch_value v;
    alch_err err;
    size_t i;

    alch_arena_init(&a);
    for (i = 0; i < COUNT(rows); i++) {
        ROW(alch_decimal_parse(rows[i].in, strlen(rows[i].in), &a, &v, &err) == ALCH_OK, rows[i].in);
        ROW(v.kind == ALCH_DECIMAL && v.as.text.len == strlen(rows[i].out), rows[i].in);
        ROW(memcmp(v.as.text.at, rows[i].out, v.as.text.len) == 0, rows[i].in);
    }
    for (i = 0; i < COUNT(bad); i++)
        ROW(alch_decimal_parse(bad[i], strlen(bad[i]), &a, &v, &err) == ALCH_ERR_DATA, bad[i]);
    alch_arena_release(&a);
}

static alch_value decimal(alch_arena *a, const char *s)
{
    alch_value v = { .kind = ALCH_NULL };

    (void)alch_decimal_parse(s, strlen(s), a, &v, NULL);
    return v;
}

static void decimals_ordered(void)
{
    static const char *const ascending[] = {
        "-Infinity", "-100.5", "-100.49", "-1", "-0.001", "0", "0.0001", "0.00011", "9.9", "10", "99999999999999999999",
        "99999999999999999999.5", "Infinity", "NaN"
    };
    alch_arena a;
    size_t i, j;

    alch_arena_init(&a);
    for (i = 0; i < COUNT(ascending); i++)
        for (j = 0; j < COUNT(ascending); j++) {
            alch_value x = decimal(&a, ascending[i]), y = decimal(&a, ascending[j]);

            ROW(alch_decimal_compare(&x, &y) == (i < j ? -1 : i > j), ascending[i]);
        }
    alch_arena_release(&a);
}

static void decimals_converted(void)
{
    static const struct { const char *text; int whole; int64_t n; int exact; double d; } rows[] = {
        { "1.10", 0, 0, 1, 1.1 }, { "3.00", 1, 3, 1, 3 }, { "9223372036854775807", 1, INT64_MAX, 0, 9223372036854775807.0 },
        { "9223372036854775808", 0, 0, 0, 9223372036854775808.0 }, { "-9223372036854775808.0", 1, INT64_MIN, 0, -9223372036854775808.0 },
        { "123456789012345", 1, 123456789012345, 1, 123456789012345 }, { "1234567890.12345", 0, 0, 1, 1234567890.12345 },
        { "1234567890.123456", 0, 0, 0, 1234567890.123456 }, { "0", 1, 0, 1, 0 }, { "NaN", 0, 0, 0, 0 }
    };
    alch_arena a;
    size_t i;

    alch_arena_init(&a);
    for (i = 0; i < COUNT(rows); i++) {
        alch_value v = decimal(&a, rows[i].text);
        int64_t n = 0;
        double d = 0;

        ROW(alch_decimal_to_integer(&v, &n) == rows[i].whole && n == rows[i].n, rows[i].text);
        ROW(alch_decimal_to_float(&v, &d) == rows[i].exact, rows[i].text);
        ROW(d == rows[i].d || isnan(d), rows[i].text);
    }
    alch_arena_release(&a);
}

/* The quick paths agree with strtod and printf. */
static void quick_conversions_are_right(void)
{
    uint64_t seed = 88172645463325252u;
    int i, wrong = 0;

    for (i = 0; i < 200000; i++) {
        char text[40], want[ALCH_FLOAT_TEXT], again[ALCH_FLOAT_TEXT];
        alch_value v, back;
        alch_arena a;
        double d, expected, e;

        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (void)snprintf(text, sizeof text, "%s%lld.%0*lld", seed & 1 ? "-" : "", (long long)(seed >> 8) % 10000000, 1 + i % 7,
                       (long long)(seed >> 32) % 10);
        (void)alch_float_parse(text, strlen(text), &expected);
        alch_arena_init(&a);
        (void)alch_decimal_parse(text, strlen(text), &a, &v, NULL);
        wrong += !alch_decimal_to_float(&v, &d) || d != expected;
        (void)alch_decimal_from_float(i % 2 ? expected : expected / 3, 15, &a, &back, NULL);
        (void)alch_float_format_digits(i % 2 ? expected : expected / 3, 15, want);
        (void)alch_float_parse(back.as.text.at, back.as.text.len, &e);
        (void)alch_float_format_digits(e, 15, again);
        wrong += strcmp(want, again) != 0 && e != 0;
        alch_arena_release(&a);
    }
    CHECK(wrong == 0);
}

static int text_is(const alch_value *v, const char *s)
{
    return v->as.text.len == strlen(s) && memcmp(v->as.text.at, s, v->as.text.len) == 0;
}

static void decimals_from_numbers(void)
{
    alch_arena a;
    alch_value v, padded;
    alch_err err;

    alch_arena_init(&a);
    CHECK(alch_decimal_from_float(0.1, 0, &a, &v, &err) == ALCH_OK && text_is(&v, "0.1"));
    CHECK(alch_decimal_from_float(0.1 + 0.2, 15, &a, &v, &err) == ALCH_OK && text_is(&v, "0.3"));
    CHECK(alch_decimal_from_float(1e22, 0, &a, &v, &err) == ALCH_OK && text_is(&v, "10000000000000000000000"));
    CHECK(alch_decimal_from_float(NAN, 0, &a, &v, &err) == ALCH_OK && text_is(&v, "NaN"));
    CHECK(alch_decimal_from_integer(INT64_MIN, &a, &v, &err) == ALCH_OK && text_is(&v, "-9223372036854775808"));
    v = decimal(&a, "1.1");
    CHECK(alch_decimal_pad(&v, 3, &a, &padded, &err) == ALCH_OK && text_is(&padded, "1.100"));
    CHECK(alch_decimal_pad(&v, 0, &a, &padded, &err) == ALCH_OK && text_is(&padded, "1.1"));
    v = decimal(&a, "7");
    CHECK(alch_decimal_pad(&v, 2, &a, &padded, &err) == ALCH_OK && text_is(&padded, "7.00"));
    v = decimal(&a, "NaN");
    CHECK(alch_decimal_pad(&v, 2, &a, &padded, &err) == ALCH_OK && text_is(&padded, "NaN"));
    alch_arena_release(&a);
}

/* --- dates --- */

typedef int parse_fn(const char *s, size_t n, alch_value *out, alch_err *err);

typedef struct temporal_row {
    parse_fn *parse;
    const char *in;
    const char *out;    /* NULL: refused */
} temporal_row;

static const temporal_row temporal_rows[] = {
    { alch_date_parse, "1970-01-01", "1970-01-01" },
    { alch_date_parse, "0001-01-01", "0001-01-01" },
    { alch_date_parse, "9999-12-31", "9999-12-31" },
    { alch_date_parse, "2000-02-29", "2000-02-29" },
    { alch_date_parse, "1900-02-29", NULL },
    { alch_date_parse, "2024-13-01", NULL },
    { alch_date_parse, "2024-00-10", NULL },
    { alch_date_parse, "0000-01-01", NULL },
    { alch_date_parse, "2024-1-1", NULL },
    { alch_date_parse, "2024-01-01x", NULL },
    { alch_date_parse, "10000-01-01", NULL },
    { alch_date_parse, "0044-03-15 BC", NULL },
    { alch_date_parse, "infinity", NULL },
    { alch_date_parse, "-infinity", NULL },
    { alch_date_parse, "", NULL },
    { alch_time_parse, "00:00:00", "00:00:00" },
    { alch_time_parse, "23:59:59.999999", "23:59:59.999999" },
    { alch_time_parse, "10:30", "10:30:00" },
    { alch_time_parse, "10:30:00.5", "10:30:00.500000" },
    { alch_time_parse, "10:30:00.5000000", "10:30:00.500000" },
    { alch_time_parse, "10:30:00.0000001", NULL },
    { alch_time_parse, "24:00:00", "24:00:00" },
    { alch_time_parse, "24:00:01", NULL },
    { alch_time_parse, "23:59:60", NULL },
    { alch_time_parse, "10:30:00-03:30", "10:30:00-03:30" },
    { alch_time_parse, "10:30:00Z", "10:30:00+00:00" },
    { alch_time_parse, "10", NULL },
    { alch_time_parse, "10:30:00.", NULL },
    { alch_datetime_parse, "2024-02-29", "2024-02-29 00:00:00" },
    { alch_datetime_parse, "2024-02-29T10:30:00", "2024-02-29 10:30:00" },
    { alch_datetime_parse, "2024-02-29 10:30:00.000001", "2024-02-29 10:30:00.000001" },
    { alch_datetime_parse, "2024-02-29 10:30:00+02", "2024-02-29 10:30:00+02:00" },
    { alch_datetime_parse, "2024-02-29 10:30:00+0530", "2024-02-29 10:30:00+05:30" },
    { alch_datetime_parse, "2024-02-29 10:30Z", "2024-02-29 10:30:00+00:00" },
    { alch_datetime_parse, "1890-01-01 00:53:28+00:53:28", "1890-01-01 00:00:00+00:00" },
    { alch_datetime_parse, "0001-01-01 00:00:00", "0001-01-01 00:00:00" },
    { alch_datetime_parse, "9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999" },
    { alch_datetime_parse, "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999" },
    { alch_datetime_parse, "2024-02-29 24:00:00", NULL },
    { alch_datetime_parse, "2024-02-29T", NULL },
    { alch_datetime_parse, "2024-02-29 10:30:00 BC", NULL },
    { alch_datetime_parse, "2024-02-29 10:30:00+99", NULL },
    { alch_datetime_parse, "2024-02-29 10:30:00+02:", NULL },
    { alch_interval_parse, "00:00:00", "00:00:00" },
    { alch_interval_parse, "1 day", "1 day" },
    { alch_interval_parse, "3 days 04:05:06.000007", "3 days 04:05:06.000007" },
    { alch_interval_parse, "-1 days +02:03:00", "-21:57:00" },
    { alch_interval_parse, "-00:30:00.5", "-00:30:00.500000" },
    { alch_interval_parse, "1 day -02:00:00", "22:00:00" },
    { alch_interval_parse, "2 hours 30 mins", "02:30:00" },
    { alch_interval_parse, "1.5 days", "1 day 12:00:00" },
    { alch_interval_parse, "100:00:00", "4 days 04:00:00" },
    { alch_interval_parse, "250 milliseconds", "00:00:00.250000" },
    { alch_interval_parse, "P1DT2H3M4.5S", "1 day 02:03:04.500000" },
    { alch_interval_parse, "P-1DT-2H", "-1 days -02:00:00" },
    { alch_interval_parse, "P2W", "14 days" },
    { alch_interval_parse, "PT0S", "00:00:00" },
    { alch_interval_parse, "0 years 1 day", "1 day" },
    { alch_interval_parse, "1 mon", NULL },
    { alch_interval_parse, "P1M", NULL },
    { alch_interval_parse, "P", NULL },
    { alch_interval_parse, "", NULL },
    { alch_interval_parse, "1", NULL },
    { alch_interval_parse, "1 fortnight", NULL },
    { alch_interval_parse, "99999999999999 days", NULL },
    { alch_interval_parse, "0.5 microseconds", NULL },
};

static void temporal_text(void)
{
    size_t i;

    for (i = 0; i < COUNT(temporal_rows); i++) {
        const temporal_row *row = &temporal_rows[i];
        char text[ALCH_TEMPORAL_TEXT];
        alch_value v, again;
        alch_err err;
        int rc = row->parse(row->in, strlen(row->in), &v, &err);

        ROW(rc == (row->out != NULL ? ALCH_OK : ALCH_ERR_DATA), row->in);
        if (rc != ALCH_OK || row->out == NULL)
            continue;
        ROW(alch_temporal_format(&v, 0, text) == strlen(row->out), text);
        ROW(strcmp(text, row->out) == 0, text);
        ROW(row->parse(text, strlen(text), &again, &err) == ALCH_OK && alch_temporal_compare(&v, &again) == 0, text);
    }
}

/* Every day of the calendar there and back, and each one after the other. */
static void calendar(void)
{
    alch_value v = { .kind = ALCH_DATE, .zone = ALCH_ZONE_NONE };
    alch_fields f, before = { 0, 12, 31, 0, 0, 0, 0 };
    int64_t day;
    int wrong = 0;

    for (day = -719162; day <= 2932896; day++) {
        alch_value again;
        int next;

        v.as.integer = day;
        alch_temporal_fields(&v, &f);
        next = f.day == before.day + 1 ? f.month == before.month && f.year == before.year
             : f.day == 1 && (f.month == before.month + 1 ? f.year == before.year : f.month == 1 && f.year == before.year + 1);
        wrong += !next || alch_date_make(&f, &again, NULL) != ALCH_OK || again.as.integer != day;
        before = f;
    }
    CHECK(wrong == 0);
    CHECK(f.year == 9999 && f.month == 12 && f.day == 31);
}

static alch_value parsed(parse_fn *parse, const char *s)
{
    alch_value v = { .kind = ALCH_NULL };

    (void)parse(s, strlen(s), &v, NULL);
    return v;
}

static void temporal_arithmetic(void)
{
    alch_value date = parsed(alch_date_parse, "2024-02-28"), day = parsed(alch_interval_parse, "2 days");
    alch_value hour = parsed(alch_interval_parse, "01:00:00"), last = parsed(alch_datetime_parse, "9999-12-31 23:30:00");
    alch_value zoned = parsed(alch_datetime_parse, "2024-01-01 02:00:00+02:00");
    alch_value utc = parsed(alch_datetime_parse, "2024-01-01 00:00:00Z"), naive = parsed(alch_datetime_parse, "2024-01-01");
    alch_value huge = { .kind = ALCH_INTERVAL, .zone = ALCH_ZONE_NONE, .as.integer = INT64_MIN }, out;
    alch_err err;
    char text[ALCH_TEMPORAL_TEXT];

    CHECK(alch_temporal_add(&date, &day, 1, &out, &err) == ALCH_OK);
    CHECK(alch_temporal_format(&out, 0, text) && strcmp(text, "2024-03-01") == 0);
    CHECK(alch_temporal_add(&date, &hour, 1, &out, &err) == ALCH_ERR_DATA);
    CHECK(alch_temporal_add(&last, &hour, 1, &out, &err) == ALCH_ERR_DATA);
    CHECK(alch_temporal_add(&hour, &huge, 1, &out, &err) == ALCH_ERR_DATA);
    CHECK(alch_temporal_subtract(&hour, &huge, &out, &err) == ALCH_ERR_DATA);
    CHECK(alch_temporal_compare(&zoned, &utc) == 0);
    CHECK(alch_temporal_compare(&zoned, &naive) == 2);
    CHECK(alch_temporal_subtract(&zoned, &utc, &out, &err) == ALCH_OK && out.as.integer == 0);
    CHECK(alch_temporal_subtract(&zoned, &naive, &out, &err) == ALCH_ERR_DATA);
    CHECK(alch_datetime_in_zone(&zoned, -300, &out, &err) == ALCH_OK);
    CHECK(alch_temporal_format(&out, ALCH_TEMPORAL_T | ALCH_TEMPORAL_FIXED, text)
          && strcmp(text, "2023-12-31T19:00:00.000000-05:00") == 0);
    CHECK(alch_temporal_format(&huge, 0, text) > 0 && strcmp(text, "-106751991 days -04:00:54.775808") == 0);
}

static void uuids(void)
{
    static const char *const good[] = {
        "123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000",
        "{123e4567-e89b-12d3-a456-426614174000}", "urn:uuid:123e4567-e89b-12d3-a456-426614174000"
    };
    static const char *const bad[] = {
        "", "123e4567", "123e4567-e89b-12d3-a456-42661417400g", "123e4567e-89b-12d3-a456-426614174000",
        "123e4567-e89b-12d3-a456-4266141740000", "{123e4567-e89b-12d3-a456-426614174000"
    };
    unsigned char bytes[16];
    char text[ALCH_UUID_TEXT];
    alch_err err;
    size_t i;

    for (i = 0; i < COUNT(good); i++) {
        ROW(alch_uuid_parse(good[i], strlen(good[i]), bytes, &err) == ALCH_OK, good[i]);
        ROW(alch_uuid_format(bytes, 1, text) == 36 && strcmp(text, good[0]) == 0, good[i]);
    }
    CHECK(alch_uuid_format(bytes, 0, text) == 32 && strcmp(text, "123e4567e89b12d3a456426614174000") == 0);
    for (i = 0; i < COUNT(bad); i++)
        ROW(alch_uuid_parse(bad[i], strlen(bad[i]), bytes, &err) == ALCH_ERR_DATA, bad[i]);
}

/* Long enough to leave the arena's first block. */
static int long_decimals(alch_err *err)
{
    alch_arena a;
    alch_value v, padded;
    int rc;

    alch_arena_init(&a);
    rc = alch_decimal_parse("1e2000", 6, &a, &v, err);
    if (rc == ALCH_OK)
        rc = alch_decimal_pad(&v, 9000, &a, &padded, err);
    alch_arena_release(&a);
    return rc;
}

int main(void)
{
    CHECK_RUN(floats_as_text);
    CHECK_RUN(text_as_numbers);
    CHECK_RUN(locale_does_not_matter);
    CHECK_RUN(decimals_canonical);
    CHECK_RUN(decimals_ordered);
    CHECK_RUN(decimals_converted);
    CHECK_RUN(decimals_from_numbers);
    CHECK_RUN(quick_conversions_are_right);
    CHECK_RUN(temporal_text);
    CHECK_RUN(calendar);
    CHECK_RUN(temporal_arithmetic);
    CHECK_RUN(uuids);
    CHECK_SWEEP(long_decimals);
    return CHECK_END("value");
}
