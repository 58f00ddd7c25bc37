#include "type/adapt.h"

#include <stddef.h>
#include <string.h>

#include "value/number.h"
#include "value/temporal.h"

#define A (1 << ALCH_OPS_ADD)
#define S (1 << ALCH_OPS_SUBTRACT)
#define M (1 << ALCH_OPS_MULTIPLY)
#define D (1 << ALCH_OPS_DIVIDE)
#define F (1 << ALCH_OPS_FLOOR_DIVIDE)

typedef struct rule {
    uint8_t left, ops, right, result;
} rule;

#define RULE(left, ops, right, result) { ALCH_FAMILY_##left, ops, ALCH_FAMILY_##right, ALCH_FAMILY_##result }

/* What no rule names has the left operand's type. */
static const rule rules[] = {
    RULE(INTEGER, A | S | M | F, INTEGER, INTEGER),
    RULE(INTEGER, D, INTEGER, NUMERIC),
    RULE(INTEGER, A | S | M | D | F, NUMERIC, NUMERIC),
    RULE(INTEGER, A | S | M | D | F, FLOAT, FLOAT),
    RULE(INTEGER, A, DATE, DATE),
    RULE(INTEGER, M, INTERVAL, INTERVAL),
    RULE(NUMERIC, A | S | M | D, NUMERIC, NUMERIC),
    RULE(NUMERIC, A | S | M | D, FLOAT, FLOAT),
    RULE(NUMERIC, M, INTERVAL, INTERVAL),
    RULE(FLOAT, A | S | M | D, FLOAT, FLOAT),
    RULE(FLOAT, M, INTERVAL, INTERVAL),
    RULE(DATE, A | S, INTEGER, DATE),
    RULE(DATE, A | S, INTERVAL, DATETIME),
    RULE(DATE, A, TIME, DATETIME),
    RULE(DATE, S, DATE, INTEGER),       /* days */
    RULE(DATE, S, DATETIME, INTERVAL),
    RULE(TIME, A, DATE, DATETIME),
    RULE(TIME, A | S, INTERVAL, TIME),
    RULE(TIME, S, TIME, INTERVAL),
    RULE(DATETIME, A | S, INTERVAL, DATETIME),
    RULE(DATETIME, S, DATETIME, INTERVAL),
    RULE(INTERVAL, A | S, INTERVAL, INTERVAL),
    RULE(INTERVAL, A, DATE, DATETIME),
    RULE(INTERVAL, A, DATETIME, DATETIME),
    RULE(INTERVAL, A, TIME, TIME),
    RULE(INTERVAL, M | D, NUMERIC, INTERVAL),
    RULE(INTERVAL, M | D, INTEGER, INTERVAL),
    RULE(INTERVAL, M | D, FLOAT, INTERVAL),
};

static const uint8_t bare_kinds[ALCH_FAMILY_COUNT] = {
    [ALCH_FAMILY_INTEGER] = ALCH_TYPE_INTEGER, [ALCH_FAMILY_FLOAT] = ALCH_TYPE_FLOAT, [ALCH_FAMILY_NUMERIC] = ALCH_TYPE_NUMERIC,
    [ALCH_FAMILY_STRING] = ALCH_TYPE_STRING, [ALCH_FAMILY_DATE] = ALCH_TYPE_DATE, [ALCH_FAMILY_TIME] = ALCH_TYPE_TIME,
    [ALCH_FAMILY_DATETIME] = ALCH_TYPE_DATETIME, [ALCH_FAMILY_INTERVAL] = ALCH_TYPE_INTERVAL
};

static int is_text(const alch_type *t)
{
    return t->family == ALCH_FAMILY_STRING || t->family == ALCH_FAMILY_ENUM;
}

/* What '+' puts one behind the other. */
static int is_list(const alch_type *t)
{
    return is_text(t) || t->family == ALCH_FAMILY_ARRAY || t->family == ALCH_FAMILY_BINARY || t->family == ALCH_FAMILY_JSON
        || (t->kind == ALCH_TYPE_NAMED && t->name != NULL && strcmp(t->name, "HSTORE") == 0);
}

static int is_unknown(const alch_type *t)
{
    return t->kind == ALCH_TYPE_NULL;
}

int alch_type_concatenates(const alch_type *left, const alch_type *right)
{
    if (is_unknown(left))
        return is_list(right);
    return is_list(left) && (is_list(right) || is_unknown(right));
}

/* A label is joined to something else: no label any more. */
static const alch_type *joined(const alch_type *left, const alch_type *right)
{
    if (left->family == ALCH_FAMILY_ENUM || (!is_list(left) && right->family == ALCH_FAMILY_ENUM))
        return alch_type_of(ALCH_TYPE_STRING);
    return is_list(left) || !is_list(right) ? left : right;
}

static const alch_type *by_rule(int group, const alch_type *left, const alch_type *right)
{
    size_t i;

    for (i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        const rule *r = &rules[i];

        if (r->left != left->family || r->right != right->family || !(r->ops & (1 << group)))
            continue;
        if (left->family == ALCH_FAMILY_FLOAT && r->result == ALCH_FAMILY_FLOAT)
            return alch_type_of(left->kind == ALCH_TYPE_DOUBLE ? ALCH_TYPE_DOUBLE : ALCH_TYPE_FLOAT);
        if (r->result == right->family)
            return right;
        return r->result == left->family ? left : alch_type_of(bare_kinds[r->result]);
    }
    return left;
}

const alch_type *alch_type_result(int group, const alch_type *left, const alch_type *right)
{
    switch (group) {
    case ALCH_OPS_COMPARE:
    case ALCH_OPS_MATCH:
        return alch_type_of(ALCH_TYPE_BOOLEAN);
    case ALCH_OPS_CONCAT:
        return joined(left, right);
    case ALCH_OPS_OTHER:
        return left;
    default:
        break;
    }
    if (group == ALCH_OPS_ADD && alch_type_concatenates(left, right))
        return joined(left, right);
    if (is_unknown(left))
        return group == ALCH_OPS_ADD || group == ALCH_OPS_MULTIPLY ? right : left;
    return by_rule(group, left, right);
}

/* --- the other operand --- */

static int is_number(const alch_type *t)
{
    return t->family == ALCH_FAMILY_NUMERIC || t->family == ALCH_FAMILY_FLOAT;
}

/* SQLAlchemy's type affinity: String with Enum, Numeric with Float. */
static int same_affinity(const alch_type *a, const alch_type *b)
{
    return a->family == b->family || (is_text(a) && is_text(b)) || (is_number(a) && is_number(b));
}

static const alch_type *type_of_value(const alch_value *v)
{
    if (v->kind == ALCH_INT && (v->as.integer > INT32_MAX || v->as.integer < INT32_MIN))
        return alch_type_of(ALCH_TYPE_BIGINTEGER);
    return alch_type_of_value(v->kind);
}

static int is_midnight(const alch_value *v)
{
    return v->zone == ALCH_ZONE_NONE && v->as.integer % ALCH_US_DAY == 0;
}

/* Text stands for what it is compared with: a date, a UUID, bytes, an exact
** number. What spells no integer is a string beside one, which the database judges. */
static const alch_type *coerce_text(int group, const alch_type *left, const alch_value *v, const alch_type *own)
{
    int64_t whole;
    int arithmetic = group == ALCH_OPS_ADD || group == ALCH_OPS_SUBTRACT;

    if (left->family == ALCH_FAMILY_ENUM)
        return group == ALCH_OPS_COMPARE ? left : own;
    if (arithmetic && left->family >= ALCH_FAMILY_DATE && left->family <= ALCH_FAMILY_INTERVAL)
        return alch_type_of(ALCH_TYPE_INTERVAL);
    if (left->family == ALCH_FAMILY_BINARY)
        return left;
    switch (left->family) {
    case ALCH_FAMILY_JSON: case ALCH_FAMILY_ARRAY:
        return own;
    case ALCH_FAMILY_INTEGER:
        return group == ALCH_OPS_COMPARE && alch_integer_parse(v->as.text.at, v->as.text.len, &whole) ? left : own;
    default:
        return group == ALCH_OPS_COMPARE ? left : own;
    }
}

static const alch_type *coerce_other(int group, const alch_type *left, const alch_value *v, const alch_type *own)
{
    if (group == ALCH_OPS_COMPARE && left->family == ALCH_FAMILY_BOOLEAN && v->kind == ALCH_INT)
        return left;
    if (group == ALCH_OPS_COMPARE && left->family == ALCH_FAMILY_DATETIME && v->kind == ALCH_DATE)
        return left;
    if (group == ALCH_OPS_COMPARE && left->family == ALCH_FAMILY_DATE && v->kind == ALCH_DATETIME && is_midnight(v))
        return left;
    return own;
}

const alch_type *alch_type_coerce(int group, const alch_type *left, const alch_value *value)
{
    const alch_type *own = type_of_value(value);

    if (left->kind == ALCH_TYPE_DECORATED || left->kind == ALCH_TYPE_USER)
        return left;
    if (is_unknown(left))
        return value->kind == ALCH_TEXT && group == ALCH_OPS_COMPARE ? left : own;
    if (value->kind == ALCH_TEXT && (!same_affinity(left, own) || left->family == ALCH_FAMILY_ENUM))
        return coerce_text(group, left, value, own);
    if (is_unknown(own) || same_affinity(left, own))
        return left;
    return coerce_other(group, left, value, own);
}
