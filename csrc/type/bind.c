/* From a program's value to one that a driver takes: a function per family,
** chosen once per parameter. NULL never gets here. */
#include <math.h>
#include <string.h>

#include "type/convert.h"
#include "value/decimal.h"
#include "value/number.h"
#include "value/temporal.h"
#include "value/utf8.h"
#include "value/uuid.h"

/* --- results --- */

static int give_text(alch_param *out, const char *s, size_t n)
{
    out->value = (alch_value){ .kind = ALCH_TEXT, .zone = ALCH_ZONE_NONE, .as.text = { s, n } };
    return ALCH_OK;
}

static int give_copy(alch_arena *a, alch_param *out, const char *s, size_t n, alch_err *err)
{
    const char *copy = alch_arena_strndup(a, s, n);

    return copy != NULL ? give_text(out, copy, n) : alch_err_nomem(err);
}

static int give_integer(alch_param *out, int64_t n)
{
    out->value = (alch_value){ .kind = ALCH_INT, .zone = ALCH_ZONE_NONE, .as.integer = n };
    return ALCH_OK;
}

static int give_float(alch_param *out, double d)
{
    out->value = (alch_value){ .kind = ALCH_FLOAT, .zone = ALCH_ZONE_NONE, .as.number = d };
    return ALCH_OK;
}

static int give_temporal(const alch_value *v, int flags, alch_arena *a, alch_param *out, alch_err *err)
{
    char text[ALCH_TEMPORAL_TEXT];

    return give_copy(a, out, text, alch_temporal_format(v, flags, text), err);
}

/* --- numbers --- */

/* PostgreSQL's int4 and int2 take what fits; more goes as int8, so that a
** comparison works and only storing it is refused, by the server. */
static int sized_integer(const alch_conversion *c, alch_param *out, int64_t n)
{
    if ((c->oid == 23 && (n < INT32_MIN || n > INT32_MAX)) || (c->oid == 21 && (n < INT16_MIN || n > INT16_MAX)))
        out->oid = 20;
    return give_integer(out, n);
}

static int bind_integer(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    int64_t n;

    (void)a;
    if (in->kind == ALCH_INT)
        return sized_integer(c, out, in->as.integer);
    if ((in->kind == ALCH_FLOAT && alch_float_to_integer(in->as.number, &n))
        || (in->kind == ALCH_DECIMAL && alch_decimal_to_integer(in, &n)))
        return sized_integer(c, out, n);
    if (in->kind == ALCH_TEXT)
        return alch_convert_refuse(c, in, err, "a whole number is expected; convert it with math.tointeger");
    return alch_convert_refuse(c, in, err, "a whole number of 64 bits is expected");
}

static int check_float(const alch_conversion *c, const alch_value *in, double d, alch_param *out, alch_err *err)
{
    if (isnan(d) && !c->storage->nan)
        return alch_convert_refuse(c, in, err, "the database would make it NULL");
    return give_float(out, d);
}

static int bind_float(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    double d;
    int64_t back;

    (void)a;
    switch (in->kind) {
    case ALCH_FLOAT:
        return check_float(c, in, in->as.number, out, err);
    case ALCH_INT:
        d = (double)in->as.integer;
        if (!alch_float_to_integer(d, &back) || back != in->as.integer)
            return alch_convert_refuse(c, in, err, "a float cannot hold it exactly; use Numeric or BigInteger");
        return give_float(out, d);
    case ALCH_DECIMAL:
        (void)alch_decimal_to_float(in, &d);
        if (isinf(d) && alch_decimal_is_finite(in))
            return alch_convert_refuse(c, in, err, "it is larger than any float; use Numeric");
        return check_float(c, in, d, out, err);
    default:
        return alch_convert_refuse(c, in, err, "a number is expected");
    }
}

static int to_decimal(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_value *out, alch_err *err)
{
    int rc;

    switch (in->kind) {
    case ALCH_DECIMAL:
        *out = *in;
        return ALCH_OK;
    case ALCH_INT:
        return alch_decimal_from_integer(in->as.integer, a, out, err);
    case ALCH_FLOAT:
        return alch_decimal_from_float(in->as.number, 0, a, out, err);
    case ALCH_TEXT:
        rc = alch_decimal_parse(in->as.text.at, in->as.text.len, a, out, err);
        if (rc != ALCH_ERR_DATA)
            return rc;
        break;
    default:
        break;
    }
    return alch_convert_refuse(c, in, err, "a number, a decimal or its text is expected");
}

static int bind_numeric(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    alch_value v;
    int rc = to_decimal(c, in, a, &v, err);

    return rc == ALCH_OK ? give_text(out, v.as.text.at, v.as.text.len) : rc;
}

/* SQLite: an integer, or a binary float where its 15 digits give the decimal
** back. A float of the program's own stays what it is. */
static int bind_number(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    alch_value v;
    int64_t n;
    double d;
    int rc;

    if (in->kind == ALCH_FLOAT)
        return check_float(c, in, in->as.number, out, err);
    rc = to_decimal(c, in, a, &v, err);
    if (rc != ALCH_OK)
        return rc;
    if (alch_decimal_to_integer(&v, &n))
        return give_integer(out, n);
    if (alch_decimal_to_float(&v, &d))
        return give_float(out, d);
    if (!alch_decimal_is_finite(&v))
        return check_float(c, in, d, out, err);
    return alch_convert_refuse(c, in, err, "%s keeps 15 significant digits; store it in a String column to keep more",
                               c->storage->dialect);
}

/* --- text and bytes --- */

static int check_text(const alch_conversion *c, const alch_value *in, alch_param *out, alch_err *err)
{
    const char *s = in->as.text.at;
    size_t n = in->as.text.len;

    if (!c->storage->nul_in_text && n > 0 && memchr(s, '\0', n) != NULL)
        return alch_convert_refuse(c, in, err, "%s text cannot contain a zero byte; use LargeBinary", c->storage->dialect);
    if (c->storage->utf8 && !alch_utf8_valid(s, n))
        return alch_convert_refuse(c, in, err, "it is not valid UTF-8; use LargeBinary for bytes");
    return give_text(out, s, n);
}

static int bind_string(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    (void)a;
    if (in->kind == ALCH_TEXT)
        return check_text(c, in, out, err);
    return alch_convert_refuse(c, in, err, "a string is expected%s",
                               in->kind == ALCH_HOST ? "" : "; convert it with tostring");
}

static int bind_enum(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    const alch_type *t = c->type;
    size_t i;

    (void)a;
    if (in->kind != ALCH_TEXT)
        return alch_convert_refuse(c, in, err, "one of its labels is expected");
    for (i = 0; i < t->label_count; i++)
        if (strlen(t->labels[i]) == in->as.text.len && memcmp(t->labels[i], in->as.text.at, in->as.text.len) == 0)
            return give_text(out, in->as.text.at, in->as.text.len);
    if (t->label_count == 0 || (t->flags & ALCH_TYPE_ANY_LABEL))
        return check_text(c, in, out, err);
    return alch_convert_refuse(c, in, err, "it is none of the labels '%s'%s", t->labels[0], t->label_count > 1 ? ", ..." : "");
}

static int bind_binary(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    (void)a;
    if (in->kind != ALCH_TEXT && in->kind != ALCH_BLOB)
        return alch_convert_refuse(c, in, err, "a string of bytes is expected");
    out->value = *in;
    out->value.kind = ALCH_BLOB;
    return ALCH_OK;
}

/* The binding has made JSON text or an array literal of the value. */
static int bind_document(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    (void)a;
    if (in->kind != ALCH_TEXT)
        return alch_convert_refuse(c, in, err, "its text is expected");
    return check_text(c, in, out, err);
}

/* --- booleans, UUIDs --- */

static int bind_boolean(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    int truth;

    (void)a;
    if (in->kind == ALCH_BOOL)
        truth = in->as.boolean != 0;
    else if (in->kind == ALCH_INT && (in->as.integer == 0 || in->as.integer == 1))
        truth = (int)in->as.integer;
    else
        return alch_convert_refuse(c, in, err, "true or false is expected");
    if (c->encoding == ALCH_AS_INTEGER)
        return give_integer(out, truth);
    out->value = (alch_value){ .kind = ALCH_BOOL, .zone = ALCH_ZONE_NONE, .as.boolean = truth };
    return ALCH_OK;
}

static int bind_uuid(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    unsigned char bytes[16];
    char text[ALCH_UUID_TEXT];
    const unsigned char *source = bytes;

    if (in->kind == ALCH_UUID)
        source = (const unsigned char *)in->as.text.at;
    else if (in->kind != ALCH_TEXT || alch_uuid_parse(in->as.text.at, in->as.text.len, bytes, NULL) != ALCH_OK)
        return alch_convert_refuse(c, in, err, "a uuid or its text is expected");
    return give_copy(a, out, text, alch_uuid_format(source, c->encoding != ALCH_AS_HEX, text), err);
}

/* --- dates and times --- */

typedef int (*parse_fn)(const char *s, size_t n, alch_value *out, alch_err *err);

/* The value as it is, or what its text says; 0 if it is neither. */
static int as_temporal(const alch_value *in, int kind, parse_fn parse, alch_value *out)
{
    *out = *in;
    return in->kind == kind || (in->kind == ALCH_TEXT && parse(in->as.text.at, in->as.text.len, out, NULL) == ALCH_OK);
}

/* The width never varies, so that text sorts as time. */
static int fixed_width(const alch_conversion *c)
{
    return c->encoding == ALCH_AS_TEXT ? ALCH_TEMPORAL_FIXED : 0;
}

static int bind_date(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    alch_value v;

    if (in->kind == ALCH_DATETIME) {
        if (in->zone != ALCH_ZONE_NONE || in->as.integer % ALCH_US_DAY != 0)
            return alch_convert_refuse(c, in, err, "its time of day would be lost; use d:date()");
        v = (alch_value){ .kind = ALCH_DATE, .zone = ALCH_ZONE_NONE, .as.integer = in->as.integer / ALCH_US_DAY };
    } else if (!as_temporal(in, ALCH_DATE, alch_date_parse, &v)) {
        return alch_convert_refuse(c, in, err, "a date is expected, such as sa.date(2024, 12, 31) or '2024-12-31'");
    }
    return give_temporal(&v, 0, a, out, err);
}

static int check_zone(const alch_conversion *c, const alch_value *in, const alch_value *v, alch_err *err)
{
    int wants = (c->type->flags & ALCH_TYPE_TIMEZONE) != 0;

    if (wants && v->zone == ALCH_ZONE_NONE)
        return alch_convert_refuse(c, in, err, "it has no time zone and the type has; give one, as in { tz = 'Z' }");
    if (!wants && v->zone != ALCH_ZONE_NONE)
        return alch_convert_refuse(c, in, err, "its time zone would be lost; use a type with timezone = true");
    if (wants && !c->storage->zones && c->encoding != ALCH_AS_TEXT)
        return alch_convert_refuse(c, in, err, "%s cannot hold a time zone", c->storage->dialect);
    return ALCH_OK;
}

static int bind_time(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    alch_value v;
    int rc;

    if (!as_temporal(in, ALCH_TIME, alch_time_parse, &v))
        return alch_convert_refuse(c, in, err, "a time is expected, such as sa.time(10, 30) or '10:30:00'");
    rc = check_zone(c, in, &v, err);
    return rc == ALCH_OK ? give_temporal(&v, fixed_width(c), a, out, err) : rc;
}

/* os.time() is a moment in UTC: unambiguous for a type with a zone only. */
static int moment_of(const alch_conversion *c, const alch_value *in, alch_value *v, alch_err *err)
{
    double us = in->kind == ALCH_FLOAT ? round(in->as.number * 1e6) : (double)in->as.integer * 1e6;
    alch_value utc = { .kind = ALCH_DATETIME, .zone = 0 };

    if (!(c->type->flags & ALCH_TYPE_TIMEZONE))
        return alch_convert_refuse(c, in, err, "without a time zone a number of seconds is ambiguous; use os.date('*t', n) or os.date('!*t', n)");
    if (!(us > -3e17 && us < 3e17))
        return alch_convert_refuse(c, in, err, "it is outside the years 1 to 9999");
    utc.as.integer = in->kind == ALCH_FLOAT ? (int64_t)us : in->as.integer * ALCH_US_SECOND;
    return alch_datetime_in_zone(&utc, 0, v, err);
}

static int to_datetime(const alch_conversion *c, const alch_value *in, alch_value *v, alch_err *err)
{
    if (in->kind == ALCH_INT || in->kind == ALCH_FLOAT)
        return moment_of(c, in, v, err);
    if (in->kind == ALCH_DATE) {
        *v = (alch_value){ .kind = ALCH_DATETIME, .zone = ALCH_ZONE_NONE, .as.integer = in->as.integer * ALCH_US_DAY };
        return ALCH_OK;
    }
    if (!as_temporal(in, ALCH_DATETIME, alch_datetime_parse, v))
        return alch_convert_refuse(c, in, err, "a date and time is expected, such as sa.datetime(2024, 12, 31, 10, 30) or '2024-12-31 10:30:00'");
    return ALCH_OK;
}

/* Where the database has no zones the text is UTC and says so: it sorts, and
** comes back as the same moment. */
static int bind_datetime(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    alch_value v;
    int rc = to_datetime(c, in, &v, err);

    if (rc == ALCH_OK)
        rc = check_zone(c, in, &v, err);
    if (rc == ALCH_OK && v.zone != ALCH_ZONE_NONE && c->encoding == ALCH_AS_TEXT)
        rc = alch_datetime_in_zone(&v, 0, &v, err);
    return rc == ALCH_OK ? give_temporal(&v, fixed_width(c), a, out, err) : rc;
}

static int bind_interval(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    const alch_value epoch = { .kind = ALCH_DATETIME, .zone = ALCH_ZONE_NONE, .as.integer = 0 };
    alch_value v, moment;

    if (!as_temporal(in, ALCH_INTERVAL, alch_interval_parse, &v))
        return alch_convert_refuse(c, in, err, "an interval is expected, such as sa.interval{ days = 1 } or '1 day 02:00:00'");
    if (c->encoding != ALCH_AS_DATETIME)
        return give_temporal(&v, 0, a, out, err);
    if (alch_temporal_add(&epoch, &v, 1, &moment, NULL) != ALCH_OK)
        return alch_convert_refuse(c, in, err, "counted from 1970 it leaves the years 1 to 9999");
    return give_temporal(&moment, ALCH_TEMPORAL_FIXED, a, out, err);
}

/* --- no type, or one of the user's --- */

/* Text without a type goes without a number: PostgreSQL then takes it for
** what stands beside it, a date or an inet as well as text. */
static int bind_untyped(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err)
{
    alch_type zoned;
    const alch_type *t = alch_type_of_value(in->kind);
    alch_conversion natural;
    int rc;

    if (in->kind == ALCH_TEXT)
        return check_text(c, in, out, err);
    if (in->kind == ALCH_HOST)
        return alch_convert_refuse(c, in, err, "nothing says how to store it; give the column or parameter a type");
    if ((in->kind == ALCH_DATETIME || in->kind == ALCH_TIME) && in->zone != ALCH_ZONE_NONE) {
        zoned = *t;
        zoned.flags |= ALCH_TYPE_TIMEZONE;
        t = &zoned;
    }
    rc = alch_conversion_init(&natural, t, c->storage, c->name, NULL, err);
    if (rc == ALCH_OK)
        rc = alch_convert_bind(&natural, in, a, out, err);
    if (c->oid != 0)
        out->oid = c->oid;
    return rc;
}

alch_bind_fn alch_binder(int family, int encoding)
{
    static const alch_bind_fn binders[ALCH_FAMILY_COUNT] = {
        [ALCH_FAMILY_NULL] = bind_untyped, [ALCH_FAMILY_INTEGER] = bind_integer, [ALCH_FAMILY_FLOAT] = bind_float,
        [ALCH_FAMILY_NUMERIC] = bind_numeric, [ALCH_FAMILY_STRING] = bind_string, [ALCH_FAMILY_BOOLEAN] = bind_boolean,
        [ALCH_FAMILY_DATE] = bind_date, [ALCH_FAMILY_TIME] = bind_time, [ALCH_FAMILY_DATETIME] = bind_datetime,
        [ALCH_FAMILY_INTERVAL] = bind_interval, [ALCH_FAMILY_BINARY] = bind_binary, [ALCH_FAMILY_ENUM] = bind_enum,
        [ALCH_FAMILY_JSON] = bind_document, [ALCH_FAMILY_UUID] = bind_uuid, [ALCH_FAMILY_ARRAY] = bind_document,
        [ALCH_FAMILY_TUPLE] = bind_untyped, [ALCH_FAMILY_USER] = bind_untyped
    };

    return family == ALCH_FAMILY_NUMERIC && encoding == ALCH_AS_NUMBER ? bind_number : binders[family];
}
