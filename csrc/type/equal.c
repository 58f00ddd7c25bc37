#include "type/equal.h"

#include <string.h>

#include "type/convert.h"
#include "value/decimal.h"
#include "value/temporal.h"

static int same_bytes(const alch_value *a, const alch_value *b)
{
    return a->as.text.len == b->as.text.len
        && (a->as.text.len == 0 || memcmp(a->as.text.at, b->as.text.at, a->as.text.len) == 0);
}

static int same_kind(const alch_value *a, const alch_value *b)
{
    switch (a->kind) {
    case ALCH_NULL: return 1;
    case ALCH_BOOL: return !a->as.boolean == !b->as.boolean;
    case ALCH_INT: return a->as.integer == b->as.integer;
    case ALCH_FLOAT:    /* NaN is the same NaN; 0.0 and -0.0 are two values */
        return memcmp(&a->as.number, &b->as.number, sizeof a->as.number) == 0;
    case ALCH_DECIMAL: return alch_decimal_compare(a, b) == 0;
    case ALCH_HOST: return a->as.handle != 0 && a->as.handle == b->as.handle;
    case ALCH_TEXT:
    case ALCH_BLOB:
    case ALCH_UUID: return same_bytes(a, b);
    default: return alch_temporal_compare(a, b) == 0;
    }
}

/* The value as results of the type come: through what a database that has
** every type would be sent, and back. 0 if the type does not take it. */
static int normalize(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_value *out)
{
    alch_param param;

    return alch_convert_bind(c, in, a, &param, NULL) == ALCH_OK
        && alch_convert_read(c, &param.value, a, out, NULL) == ALCH_OK;
}

int alch_type_equal(const alch_type *t, const alch_value *x, const alch_value *y)
{
    alch_conversion c;
    alch_value a, b;
    alch_arena arena;
    int equal;

    if (x->kind == y->kind && (x->kind != ALCH_TEXT || t->family == ALCH_FAMILY_STRING))
        return same_kind(x, y);
    if (x->kind == ALCH_NULL || y->kind == ALCH_NULL || x->kind == ALCH_HOST || y->kind == ALCH_HOST)
        return 0;
    if (alch_conversion_init(&c, t, &alch_storage_standard, NULL, NULL, NULL) != ALCH_OK)
        return 0;
    alch_arena_init(&arena);
    if (normalize(&c, x, &arena, &a) && normalize(&c, y, &arena, &b))
        equal = a.kind == b.kind && same_kind(&a, &b);
    else
        equal = x->kind == y->kind && same_kind(x, y);
    alch_arena_release(&arena);
    return equal;
}
