#include "type/type.h"

#include <string.h>

#include "base/alloc.h"

typedef struct kind_info {
    const char *class_name;
    const char *ddl;
} kind_info;

static const kind_info kinds[ALCH_TYPE_KIND_COUNT] = {
#define ALCH_TYPE(kind, class_, family, ddl, flags) { class_, ddl },
#include "type/types.def"
#undef ALCH_TYPE
};

static const char *const families[ALCH_FAMILY_COUNT] = {
#define ALCH_FAMILY(name, text) text,
#include "type/families.def"
#undef ALCH_FAMILY
};

#define BARE(kind_, family_, flags_) \
    { .refs = ALCH_TYPE_IMMORTAL, .kind = kind_, .family = family_, .flags = flags_, \
      .length = ALCH_UNSET, .precision = ALCH_UNSET, .scale = ALCH_UNSET }

static const alch_type bare[ALCH_TYPE_KIND_COUNT] = {
#define ALCH_TYPE(kind, class_, family, ddl, flags) BARE(ALCH_TYPE_##kind, ALCH_FAMILY_##family, flags),
#include "type/types.def"
#undef ALCH_TYPE
};

const alch_type *alch_type_of(int kind)
{
    return &bare[kind];
}

void alch_type_init(alch_type *spec, int kind)
{
    *spec = bare[kind];
}

/* Where the next piece of a type's single block goes. With 'at' NULL only the
** size is counted, so that one function both measures and copies. */
typedef struct block {
    char *at;
    size_t used;
} block;

static void *take(block *b, const void *from, size_t size)
{
    void *to = b->at != NULL ? b->at + b->used : NULL;

    b->used += (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
    if (to != NULL && size > 0)
        memcpy(to, from, size);
    return to;
}

static const char *take_text(block *b, const char *s)
{
    return s != NULL ? take(b, s, strlen(s) + 1) : NULL;
}

static void take_labels(block *b, const alch_type *spec, alch_type *t)
{
    const char **labels = take(b, spec->labels, spec->label_count * sizeof *labels);
    size_t i;

    for (i = 0; i < spec->label_count; i++) {
        const char *label = take_text(b, spec->labels[i]);

        if (labels != NULL)
            labels[i] = label;
    }
    t->labels = labels;
}

static void take_variants(block *b, const alch_type *spec, alch_type *t)
{
    alch_type_variant *variants = take(b, spec->variants, spec->variant_count * sizeof *variants);
    size_t i;

    for (i = 0; i < spec->variant_count; i++) {
        const char *dialect = take_text(b, spec->variants[i].dialect);

        if (variants != NULL)
            variants[i].dialect = dialect;
    }
    t->variants = variants;
}

/* Copies what 'spec' borrows into 'b' and points 't' at the copies. */
static void take_all(block *b, const alch_type *spec, alch_type *t)
{
    t->name = take_text(b, spec->name);
    t->schema = take_text(b, spec->schema);
    t->collation = take_text(b, spec->collation);
    t->class_name = take_text(b, spec->class_name);
    take_labels(b, spec, t);
    take_variants(b, spec, t);
    t->items = take(b, spec->items, spec->item_count * sizeof *spec->items);
}

static void keep_children(const alch_type *t)
{
    size_t i;

    if (t->item != NULL)
        (void)alch_type_keep(t->item);
    for (i = 0; i < t->item_count; i++)
        (void)alch_type_keep(t->items[i]);
    for (i = 0; i < t->variant_count; i++)
        (void)alch_type_keep(t->variants[i].type);
    (void)alch_host_keep(t->object);
}

static void drop_children(const alch_type *t)
{
    size_t i;

    alch_type_drop(t->item);
    for (i = 0; i < t->item_count; i++)
        alch_type_drop(t->items[i]);
    for (i = 0; i < t->variant_count; i++)
        alch_type_drop(t->variants[i].type);
    alch_host_drop(t->object);
}

static int check_labels(const alch_type *spec, alch_err *err)
{
    size_t i, j;

    for (i = 0; i < spec->label_count; i++)
        for (j = 0; j < i; j++)
            if (strcmp(spec->labels[i], spec->labels[j]) == 0)
                return alch_err_set(err, ALCH_ERR_ARGUMENT, "Enum: the label '%s' is given twice", spec->labels[i]);
    return ALCH_OK;
}

int alch_type_new(const alch_type *spec, const alch_type **out, alch_err *err)
{
    alch_type copy = *spec, *t;
    block b = { NULL, sizeof *t };

    if (check_labels(spec, err) != ALCH_OK)
        return ALCH_ERR_ARGUMENT;
    take_all(&b, spec, &copy);
    t = alch_alloc(b.used);
    if (t == NULL)
        return alch_err_nomem(err);
    *t = *spec;
    b.at = (char *)t;
    b.used = sizeof *t;
    take_all(&b, spec, t);
    t->refs = 1;
    keep_children(t);
    *out = t;
    return ALCH_OK;
}

/* The count is the one field that is not constant; static types never get here. */
static alch_type *counted(const alch_type *t)
{
    return (alch_type *)(uintptr_t)t;
}

const alch_type *alch_type_keep(const alch_type *t)
{
    if (t->refs != ALCH_TYPE_IMMORTAL)
        counted(t)->refs++;
    return t;
}

void alch_type_drop(const alch_type *t)
{
    if (t == NULL || t->refs == ALCH_TYPE_IMMORTAL || --counted(t)->refs > 0)
        return;
    drop_children(t);
    alch_free(counted(t));
}

int alch_type_with_variant(const alch_type *t, const char *dialect, const alch_type *variant,
                           const alch_type **out, alch_err *err)
{
    alch_type spec = *t;
    alch_type_variant *list;
    size_t i, n = 0;
    int rc;

    list = alch_alloc((t->variant_count + 1) * sizeof *list);
    if (list == NULL)
        return alch_err_nomem(err);
    for (i = 0; i < t->variant_count; i++)
        if (strcmp(t->variants[i].dialect, dialect) != 0)
            list[n++] = t->variants[i];
    list[n++] = (alch_type_variant){ dialect, variant };
    spec.variants = list;
    spec.variant_count = n;
    rc = alch_type_new(&spec, out, err);
    alch_free(list);
    return rc;
}

const alch_type *alch_type_for(const alch_type *t, const char *dialect)
{
    size_t i;

    for (i = 0; i < t->variant_count; i++)
        if (strcmp(t->variants[i].dialect, dialect) == 0)
            return t->variants[i].type;
    return t;
}

const char *alch_type_name(const alch_type *t)
{
    if (t->class_name != NULL)
        return t->class_name;
    if (t->kind == ALCH_TYPE_NAMED && t->name != NULL)
        return t->name;
    return kinds[t->kind].class_name;
}

const char *alch_type_ddl(const alch_type *t)
{
    return t->kind == ALCH_TYPE_NAMED && t->name != NULL ? t->name : kinds[t->kind].ddl;
}

const char *alch_family_name(int family)
{
    return family >= 0 && family < ALCH_FAMILY_COUNT ? families[family] : "unknown";
}

const alch_type *alch_type_of_value(int value_kind)
{
    static const uint8_t natural[ALCH_VALUE_KIND_COUNT] = {
        [ALCH_NULL] = ALCH_TYPE_NULL, [ALCH_BOOL] = ALCH_TYPE_BOOLEAN, [ALCH_INT] = ALCH_TYPE_INTEGER,
        [ALCH_FLOAT] = ALCH_TYPE_DOUBLE, [ALCH_TEXT] = ALCH_TYPE_STRING, [ALCH_BLOB] = ALCH_TYPE_LARGEBINARY,
        [ALCH_DECIMAL] = ALCH_TYPE_NUMERIC, [ALCH_DATE] = ALCH_TYPE_DATE, [ALCH_TIME] = ALCH_TYPE_TIME,
        [ALCH_DATETIME] = ALCH_TYPE_DATETIME, [ALCH_INTERVAL] = ALCH_TYPE_INTERVAL,
        [ALCH_UUID] = ALCH_TYPE_UUID, [ALCH_HOST] = ALCH_TYPE_NULL
    };

    return alch_type_of(natural[value_kind]);
}
