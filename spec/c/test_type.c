/* Types and their conversions below Lua: sharing, variants, the fast paths,
** and every allocation failing. spec/unit/types has the rules, row by row. */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "check.h"
#include "type/adapt.h"
#include "type/convert.h"
#include "type/equal.h"
#include "type/literal.h"
#include "value/temporal.h"

static alch_value integer(int64_t n)
{
    return (alch_value){ .kind = ALCH_INT, .zone = ALCH_ZONE_NONE, .as.integer = n };
}

static alch_value text(const char *s)
{
    return (alch_value){ .kind = ALCH_TEXT, .zone = ALCH_ZONE_NONE, .as.text = { s, strlen(s) } };
}

static void bare_types_are_immortal(void)
{
    const alch_type *t = alch_type_of(ALCH_TYPE_NUMERIC);
    int kind;

    CHECK(alch_type_keep(t) == t);
    alch_type_drop(t);
    alch_type_drop(t);
    CHECK(t->refs == ALCH_TYPE_IMMORTAL);
    CHECK(t->family == ALCH_FAMILY_NUMERIC && (t->flags & ALCH_TYPE_ASDECIMAL));
    for (kind = 0; kind < ALCH_TYPE_KIND_COUNT; kind++) {
        CHECK(alch_type_of(kind)->kind == kind);
        CHECK(alch_type_name(alch_type_of(kind))[0] != '\0');
        CHECK(alch_type_of(kind)->length == ALCH_UNSET);
    }
}

static void a_type_owns_what_it_was_made_of(void)
{
    char name[] = "mood", first[] = "sad", second[] = "happy";
    const char *labels[] = { first, second };
    alch_type spec;
    const alch_type *t, *list;
    alch_err err;

    alch_type_init(&spec, ALCH_TYPE_ENUM);
    spec.name = name;
    spec.labels = labels;
    spec.label_count = 2;
    CHECK(alch_type_new(&spec, &t, &err) == ALCH_OK);
    name[0] = first[0] = second[0] = '?';
    CHECK(strcmp(t->name, "mood") == 0 && strcmp(t->labels[0], "sad") == 0 && strcmp(t->labels[1], "happy") == 0);

    alch_type_init(&spec, ALCH_TYPE_ARRAY);
    spec.item = t;
    CHECK(alch_type_new(&spec, &list, &err) == ALCH_OK);
    alch_type_drop(t);
    CHECK(strcmp(list->item->name, "mood") == 0);
    alch_type_drop(list);
}

static void labels_differ(void)
{
    static const char *const labels[] = { "a", "b", "a" };
    alch_type spec;
    const alch_type *t = NULL;
    alch_err err;

    alch_type_init(&spec, ALCH_TYPE_ENUM);
    spec.labels = labels;
    spec.label_count = 3;
    CHECK(alch_type_new(&spec, &t, &err) == ALCH_ERR_ARGUMENT && strstr(err.text, "'a'") != NULL && t == NULL);
}

static void released(alch_host_ref *r)
{
    r->refs = 100;
}

/* A host's object lives as long as a type that names it, variants included. */
static void objects_are_counted(void)
{
    alch_host_ref object = { 1, released };
    alch_type spec;
    const alch_type *t, *variant;
    alch_err err;

    alch_type_init(&spec, ALCH_TYPE_USER);
    spec.object = &object;
    CHECK(alch_type_new(&spec, &t, &err) == ALCH_OK && object.refs == 2);
    CHECK(alch_type_with_variant(t, "sqlite", alch_type_of(ALCH_TYPE_TEXT), &variant, &err) == ALCH_OK);
    CHECK(object.refs == 3);
    CHECK(alch_type_for(variant, "sqlite")->kind == ALCH_TYPE_TEXT && alch_type_for(variant, "other") == variant);
    alch_type_drop(t);
    alch_type_drop(variant);
    CHECK(object.refs == 1);
    alch_host_drop(&object);
    CHECK(object.refs == 100);
}

static void later_variants_replace(void)
{
    const alch_type *t = alch_type_of(ALCH_TYPE_STRING), *a, *b;
    alch_err err;

    CHECK(alch_type_with_variant(t, "x", alch_type_of(ALCH_TYPE_TEXT), &a, &err) == ALCH_OK);
    CHECK(alch_type_with_variant(a, "x", alch_type_of(ALCH_TYPE_SQL_CLOB), &b, &err) == ALCH_OK);
    CHECK(a->variant_count == 1 && b->variant_count == 1);
    CHECK(alch_type_for(b, "x")->kind == ALCH_TYPE_SQL_CLOB);
    alch_type_drop(a);
    alch_type_drop(b);
}

/* Cells that are the value already are passed on without a call. */
static void plain_cells(void)
{
    static const struct { int kind, plain; } rows[] = {
        { ALCH_TYPE_INTEGER, ALCH_INT }, { ALCH_TYPE_FLOAT, ALCH_FLOAT }, { ALCH_TYPE_BOOLEAN, ALCH_BOOL }
    };
    alch_conversion c;
    alch_err err;
    size_t i;

    for (i = 0; i < 3; i++) {
        CHECK(alch_conversion_init(&c, alch_type_of(rows[i].kind), &alch_storage_sqlite, NULL, NULL, &err) == ALCH_OK);
        CHECK(c.plain == rows[i].plain && !c.host);
    }
    CHECK(alch_conversion_init(&c, alch_type_of(ALCH_TYPE_STRING), &alch_storage_sqlite, NULL, NULL, &err) == ALCH_OK);
    CHECK(c.read == NULL);
    CHECK(alch_conversion_init(&c, alch_type_of(ALCH_TYPE_JSON), &alch_storage_sqlite, NULL, NULL, &err) == ALCH_OK);
    CHECK(c.host);
}

/* Whatever the type, NULL and a value of any kind give an answer, not a crash. */
static void every_type_meets_every_kind(void)
{
    static const alch_storage *const storages[] = { &alch_storage_standard, &alch_storage_sqlite, &alch_storage_postgresql };
    const alch_value values[] = {
        { .kind = ALCH_NULL }, { .kind = ALCH_BOOL, .as.boolean = 1 }, integer(INT64_MIN), { .kind = ALCH_FLOAT, .as.number = -1e308 },
        text(""), { .kind = ALCH_BLOB, .as.text = { "\0\xff", 2 } }, { .kind = ALCH_DECIMAL, .as.text = { "-1.5", 4 } },
        { .kind = ALCH_DATE, .zone = ALCH_ZONE_NONE, .as.integer = -719162 }, { .kind = ALCH_TIME, .zone = -1439, .as.integer = 0 },
        { .kind = ALCH_DATETIME, .zone = 1439, .as.integer = INT64_C(253402300799999999) },
        { .kind = ALCH_INTERVAL, .zone = ALCH_ZONE_NONE, .as.integer = INT64_MIN }, { .kind = ALCH_UUID, .as.text = { "0123456789abcdef", 16 } },
        { .kind = ALCH_HOST }
    };
    size_t s, v;
    int kind, taken = 0;

    for (kind = 0; kind < ALCH_TYPE_KIND_COUNT; kind++) {
        const alch_type *t = alch_type_of(kind == ALCH_TYPE_DECORATED ? ALCH_TYPE_NULL : kind);

        for (s = 0; s < 3; s++)
            for (v = 0; v < sizeof values / sizeof values[0]; v++) {
                alch_conversion c;
                alch_param param;
                alch_value back;
                alch_arena a;
                alch_err err;
                int rc;

                alch_arena_init(&a);
                CHECK(alch_conversion_init(&c, t, storages[s], "t.c", NULL, &err) == ALCH_OK);
                rc = alch_convert_bind(&c, &values[v], &a, &param, &err);
                CHECK(rc == ALCH_OK || (rc == ALCH_ERR_DATA && strstr(err.text, "t.c (") != NULL));
                if (rc == ALCH_OK) {
                    taken++;
                    CHECK(param.value.kind <= ALCH_BLOB);
                    rc = alch_convert_read(&c, &param.value, &a, &back, &err);
                    CHECK(rc == ALCH_OK || rc == ALCH_ERR_DATA);
                    CHECK(rc != ALCH_OK || v == 0 || back.kind != ALCH_NULL);
                }
                alch_arena_release(&a);
            }
    }
    CHECK(taken > 400);
}

/* What a program of any size of values does, with allocations failing. */
static int uses_everything(alch_err *err)
{
    static const char *const labels[] = { "a", "b" };
    const alch_type *t = NULL, *variant = NULL;
    char digits[3000];
    alch_type spec;
    alch_conversion c;
    alch_param param;
    alch_value in, out;
    alch_arena a;
    alch_buf b = ALCH_BUF_INIT;
    int rc;

    memset(digits, '7', sizeof digits);
    digits[0] = '.';
    in = (alch_value){ .kind = ALCH_TEXT, .as.text = { digits, sizeof digits } };
    alch_arena_init(&a);
    alch_type_init(&spec, ALCH_TYPE_ENUM);
    spec.labels = labels;
    spec.label_count = 2;
    rc = alch_type_new(&spec, &t, err);
    if (rc == ALCH_OK)
        rc = alch_type_with_variant(t, "postgresql", alch_type_of(ALCH_TYPE_NUMERIC), &variant, err);
    if (rc == ALCH_OK)
        rc = alch_conversion_init(&c, variant, &alch_storage_postgresql, "t.c", NULL, err);
    if (rc == ALCH_OK)
        rc = alch_convert_bind(&c, &in, &a, &param, err);
    if (rc == ALCH_OK)
        rc = alch_convert_read(&c, &param.value, &a, &out, err);
    if (rc == ALCH_OK)
        rc = alch_type_literal(variant, &alch_storage_postgresql, NULL, &in, &b, err);
    alch_buf_release(&b);
    alch_arena_release(&a);
    alch_type_drop(variant);
    alch_type_drop(t);
    return rc;
}

int main(void)
{
    CHECK_RUN(bare_types_are_immortal);
    CHECK_RUN(a_type_owns_what_it_was_made_of);
    CHECK_RUN(labels_differ);
    CHECK_RUN(objects_are_counted);
    CHECK_RUN(later_variants_replace);
    CHECK_RUN(plain_cells);
    CHECK_RUN(every_type_meets_every_kind);
    CHECK_SWEEP(uses_everything);
    return CHECK_END("type");
}
