/* From a driver's cell to the value that a type promises: a function per
** family, chosen once per column. NULL, and cells of the conversion's plain
** kind, never get here. */
#include <math.h>
#include <string.h>

#include "type/convert.h"
#include "value/decimal.h"
#include "value/number.h"
#include "value/temporal.h"
#include "value/uuid.h"

/* A cell that is not of the type: somebody else wrote it. */
static int not_of_type(const alch_conversion *c, const alch_value *cell, alch_err *err)
{
    alch_err inner;

    (void)alch_convert_refuse(c, cell, &inner, "the database holds it here");
    return alch_err_set(err, ALCH_ERR_DATA, "%s; read the column with sa.type_coerce or another type", inner.text);
}

static void integer(alch_value *out, int64_t n)
{
    *out = (alch_value){ .kind = ALCH_INT, .zone = ALCH_ZONE_NONE, .as.integer = n };
}

static void number(alch_value *out, double d)
{
    *out = (alch_value){ .kind = ALCH_FLOAT, .zone = ALCH_ZONE_NONE, .as.number = d };
}

/* Sums of big integers arrive as numeric text; what int64 does not hold stays
** exact as a decimal, and what is not whole stays a float. */
static int read_integer(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    alch_value v;
    int64_t n;
    int rc;

    *out = *cell;
    if (cell->kind == ALCH_FLOAT && alch_float_to_integer(cell->as.number, &n)) {
        integer(out, n);
    } else if (cell->kind == ALCH_TEXT) {
        rc = alch_decimal_parse(cell->as.text.at, cell->as.text.len, a, &v, err);
        if (rc != ALCH_OK)
            return rc == ALCH_ERR_DATA ? not_of_type(c, cell, err) : rc;
        *out = v;
        if (alch_decimal_to_integer(&v, &n))
            integer(out, n);
    }
    return ALCH_OK;
}

static int read_float(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    double d;

    (void)a;
    if (cell->kind == ALCH_INT)
        number(out, (double)cell->as.integer);
    else if (cell->kind == ALCH_FLOAT)
        *out = *cell;
    else if (cell->kind == ALCH_TEXT && alch_float_parse(cell->as.text.at, cell->as.text.len, &d))
        number(out, d);
    else
        return not_of_type(c, cell, err);
    return ALCH_OK;
}

static int cell_to_decimal(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    int rc;

    switch (cell->kind) {
    case ALCH_INT:
        return alch_decimal_from_integer(cell->as.integer, a, out, err);
    case ALCH_FLOAT:
        if (c->type->length != ALCH_UNSET)
            return alch_decimal_from_float_at(cell->as.number, c->type->length, a, out, err);
        return alch_decimal_from_float(cell->as.number, 15, a, out, err);
    case ALCH_TEXT:
        rc = alch_decimal_parse(cell->as.text.at, cell->as.text.len, a, out, err);
        if (rc != ALCH_ERR_DATA)
            return rc;
        break;
    default:
        break;
    }
    return not_of_type(c, cell, err);
}

/* A binary float has lost the zeros that the type's scale promises; the type's length is the scale that results of floats shall
** have (decimal_return_scale). */
static int read_decimal(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    int rc = cell_to_decimal(c, cell, a, out, err);

    if (rc == ALCH_OK && cell->kind != ALCH_TEXT)
        rc = alch_decimal_pad(out, c->type->length != ALCH_UNSET ? c->type->length : c->type->scale, a, out, err);
    return rc;
}

/* SQLite's expressions give any number; what is not 0 is true there. */
static int read_boolean(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    int truth;

    (void)a;
    if (cell->kind == ALCH_INT)
        truth = cell->as.integer != 0;
    else if (cell->kind == ALCH_FLOAT)
        truth = cell->as.number != 0;
    else if (cell->kind == ALCH_TEXT && cell->as.text.len == 1 && (cell->as.text.at[0] == 't' || cell->as.text.at[0] == 'f'))
        truth = cell->as.text.at[0] == 't';
    else
        return not_of_type(c, cell, err);
    *out = (alch_value){ .kind = ALCH_BOOL, .zone = ALCH_ZONE_NONE, .as.boolean = truth };
    return ALCH_OK;
}

typedef int (*parse_fn)(const char *s, size_t n, alch_value *out, alch_err *err);

static int read_temporal(const alch_conversion *c, const alch_value *cell, parse_fn parse, alch_value *out, alch_err *err)
{
    alch_err inner;

    if (cell->kind != ALCH_TEXT)
        return not_of_type(c, cell, err);
    if (parse(cell->as.text.at, cell->as.text.len, out, &inner) == ALCH_OK)
        return ALCH_OK;
    return alch_err_set(err, ALCH_ERR_DATA, "%s%s%s", c->name != NULL ? c->name : "", c->name != NULL ? ": " : "", inner.text);
}

static int read_date(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    (void)a;
    return read_temporal(c, cell, alch_date_parse, out, err);
}

static int read_time(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    (void)a;
    return read_temporal(c, cell, alch_time_parse, out, err);
}

static int read_datetime(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    (void)a;
    return read_temporal(c, cell, alch_datetime_parse, out, err);
}

static int read_interval(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    const alch_value epoch = { .kind = ALCH_DATETIME, .zone = ALCH_ZONE_NONE, .as.integer = 0 };
    alch_value moment;
    int rc;

    (void)a;
    if (c->encoding != ALCH_AS_DATETIME)
        return read_temporal(c, cell, alch_interval_parse, out, err);
    rc = read_temporal(c, cell, alch_datetime_parse, &moment, err);
    return rc == ALCH_OK ? alch_temporal_subtract(&moment, &epoch, out, err) : rc;
}

static int read_enum(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    const alch_type *t = c->type;
    size_t i;

    (void)a;
    *out = *cell;
    if (t->label_count == 0 || (t->flags & ALCH_TYPE_ANY_LABEL))
        return ALCH_OK;
    for (i = 0; cell->kind == ALCH_TEXT && i < t->label_count; i++)
        if (strlen(t->labels[i]) == cell->as.text.len && memcmp(t->labels[i], cell->as.text.at, cell->as.text.len) == 0)
            return ALCH_OK;
    return not_of_type(c, cell, err);
}

static int read_uuid(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err)
{
    unsigned char bytes[16];
    char text[ALCH_UUID_TEXT];
    size_t n = sizeof bytes;
    const char *source = (const char *)bytes, *copy;

    if (cell->kind == ALCH_BLOB && cell->as.text.len == sizeof bytes)
        memcpy(bytes, cell->as.text.at, sizeof bytes);
    else if (cell->kind != ALCH_TEXT || alch_uuid_parse(cell->as.text.at, cell->as.text.len, bytes, NULL) != ALCH_OK)
        return not_of_type(c, cell, err);
    if (c->type->flags & ALCH_TYPE_AS_TEXT) {
        n = alch_uuid_format(bytes, 1, text);
        source = text;
    }
    copy = alch_arena_strndup(a, source, n);
    if (copy == NULL)
        return alch_err_nomem(err);
    *out = (alch_value){ .kind = c->type->flags & ALCH_TYPE_AS_TEXT ? ALCH_TEXT : ALCH_UUID, .zone = ALCH_ZONE_NONE,
                         .as.text = { copy, n } };
    return ALCH_OK;
}

typedef struct reader {
    alch_read_fn fn;
    uint8_t plain;
} reader;

#define NOTHING_PLAIN ALCH_VALUE_KIND_COUNT

alch_read_fn alch_reader(const alch_type *t, uint8_t *plain)
{
    static const reader readers[ALCH_FAMILY_COUNT] = {
        [ALCH_FAMILY_INTEGER] = { read_integer, ALCH_INT }, [ALCH_FAMILY_FLOAT] = { read_float, ALCH_FLOAT },
        [ALCH_FAMILY_NUMERIC] = { read_float, ALCH_FLOAT }, [ALCH_FAMILY_BOOLEAN] = { read_boolean, ALCH_BOOL },
        [ALCH_FAMILY_DATE] = { read_date, NOTHING_PLAIN }, [ALCH_FAMILY_TIME] = { read_time, NOTHING_PLAIN },
        [ALCH_FAMILY_DATETIME] = { read_datetime, NOTHING_PLAIN }, [ALCH_FAMILY_INTERVAL] = { read_interval, NOTHING_PLAIN },
        [ALCH_FAMILY_ENUM] = { read_enum, NOTHING_PLAIN }, [ALCH_FAMILY_UUID] = { read_uuid, NOTHING_PLAIN }
    };
    int decimals = (t->family == ALCH_FAMILY_NUMERIC || t->family == ALCH_FAMILY_FLOAT) && (t->flags & ALCH_TYPE_ASDECIMAL);

    *plain = decimals ? NOTHING_PLAIN : readers[t->family].plain;
    return decimals ? read_decimal : readers[t->family].fn;
}
