/* Whether two graphs of nodes say the same, field by field (expr/node.c). */
#include "expr/compare.h"

#include <string.h>

#include "base/alloc.h"
#include "expr/names.h"
#include "expr/selectable.h"
#include "type/equal.h"

enum { IDENTITY_LEN = 16 };

/* What an anonymous name is derived from on one side stands for one thing on
** the other, however often it is met. */
typedef struct identity_pair {
    const char *left, *right;   /* the digits in the names, lent */
} identity_pair;

/* A FROM is met once for each of its columns that is used, and so are those
** inside it: it is compared once. */
typedef struct from_pair {
    const alch_node *left, *right;
    int same;
} from_pair;

typedef struct comparison {
    identity_pair *names;       /* owned */
    from_pair *froms;           /* owned */
    size_t name_count, name_size, from_count, from_size;
    alch_same_host_fn same_host;
    void *payload;
    alch_err *err;
    int rc;
} comparison;

static int same_node(comparison *c, const alch_node *a, const alch_node *b);

/* The list with room for one more: 'list' itself, or what took its place; NULL if there is none. */
static void *reserve(comparison *c, void *list, size_t item, size_t count, size_t *size)
{
    size_t wanted = *size > 0 ? *size * 2 : 8;
    void *grown;

    if (count < *size)
        return list;
    grown = alch_realloc(list, wanted * item);
    if (grown == NULL)
        c->rc = alch_err_nomem(c->err);
    else
        *size = wanted;
    return grown;
}

static int same_identity(comparison *c, const char *left, const char *right)
{
    identity_pair *names;
    size_t i;

    for (i = 0; i < c->name_count; i++) {
        int is_left = memcmp(c->names[i].left, left, IDENTITY_LEN) == 0;
        int is_right = memcmp(c->names[i].right, right, IDENTITY_LEN) == 0;

        if (is_left || is_right)
            return is_left && is_right;
    }
    names = reserve(c, c->names, sizeof *names, c->name_count, &c->name_size);
    if (names == NULL)
        return 0;
    c->names = names;
    c->names[c->name_count++] = (identity_pair){ left, right };
    return 1;
}

static int same_text(comparison *c, const char *a, const char *b)
{
    const char *base, *end, *other_base, *other_end;

    if (a == NULL || b == NULL)
        return a == b;
    for (;;) {
        const char *part = alch_name_part(a, &base, &end), *other = alch_name_part(b, &other_base, &other_end);

        if (part == NULL || other == NULL)
            return part == other && strcmp(a, b) == 0;
        if (part - a != other - b || base - part != other_base - other || memcmp(a, b, (size_t)(part - a)) != 0
            || memcmp(part + 1 + IDENTITY_LEN, other + 1 + IDENTITY_LEN, (size_t)(base - part) - 1 - IDENTITY_LEN) != 0
            || !same_identity(c, part + 1, other + 1))
            return 0;
        a = base;       /* it may have parts of its own; its end is text of the name */
        b = other_base;
    }
}

static int same_host(const comparison *c, const alch_host_ref *a, const alch_host_ref *b, int is_value)
{
    return a == b || (a != NULL && b != NULL && c->same_host(a, b, is_value, c->payload));
}

static int same_value(const comparison *c, const alch_node *owner, const alch_value *x, const alch_value *y)
{
    if (x->kind == ALCH_HOST && y->kind == ALCH_HOST)
        return same_host(c, (const alch_host_ref *)x->as.handle, (const alch_host_ref *)y->as.handle, 1);
    return alch_type_equal(alch_node_type(owner), x, y);
}

/* A name that gets a number is the compiler's business, so only the others are compared. */
static int same_bind(comparison *c, const alch_bind *a, const alch_bind *b)
{
    enum { WHAT_IT_IS = ALCH_BIND_UNIQUE | ALCH_BIND_EXPANDING | ALCH_BIND_REQUIRED | ALCH_BIND_LITERAL | ALCH_BIND_CALLABLE };
    size_t i;

    if ((a->flags & WHAT_IT_IS) != (b->flags & WHAT_IT_IS) || a->count != b->count || a->width != b->width)
        return 0;
    if (!(a->flags & ALCH_BIND_UNIQUE) && !same_text(c, a->key, b->key))
        return 0;
    for (i = 0; i < (size_t)a->count * a->width; i++)
        if (!same_value(c, &a->head, &a->items[i], &b->items[i]))
            return 0;
    return same_value(c, &a->head, &a->value, &b->value);
}

static int same_column(comparison *c, const alch_column *a, const alch_column *b)
{
    if (a->owner != NULL || b->owner != NULL) {
        if (a->owner == NULL || b->owner == NULL || a->position != b->position)
            return 0;
        return same_node(c, &a->owner->head, &b->owner->head);
    }
    return (a->flags & ALCH_COLUMN_LITERAL) == (b->flags & ALCH_COLUMN_LITERAL) && same_text(c, a->name, b->name)
        && alch_node_type(&a->head)->family == alch_node_type(&b->head)->family;
}

static int same_table(comparison *c, const alch_table *a, const alch_table *b)
{
    uint32_t i;

    if (!a->lightweight || !b->lightweight || a->from.column_count != b->from.column_count)
        return 0;
    for (i = 0; i < a->from.column_count; i++) {
        const alch_column *x = a->from.columns[i], *y = b->from.columns[i];

        if (!same_text(c, x->name, y->name) || alch_node_type(&x->head)->family != alch_node_type(&y->head)->family)
            return 0;
    }
    return same_text(c, a->name, b->name) && same_text(c, a->schema, b->schema);
}

static int is_associative(int op)
{
    return op == ALCH_OP_AND || op == ALCH_OP_OR || op == ALCH_OP_ADD || op == ALCH_OP_MUL || op == ALCH_OP_CONCAT;
}

/* Is there a partner of its own for each item, no matter where it stands? */
static int same_in_any_order(comparison *c, const alch_list *a, const alch_list *b)
{
    uint8_t *taken = alch_alloc0(b->count);
    uint32_t i, k = 0;

    if (taken == NULL) {
        c->rc = alch_err_nomem(c->err);
        return 0;
    }
    for (i = 0; i < a->count && k < b->count; i++) {
        for (k = 0; k < b->count && (taken[k] || !same_node(c, a->items[i], b->items[k])); k++)
            ;
        if (k < b->count)
            taken[k] = 1;
    }
    alch_free(taken);
    return k < b->count || a->count == 0;
}

static int same_items(comparison *c, const alch_list *a, const alch_list *b)
{
    uint32_t i;

    if (a->count != b->count)
        return 0;
    if (is_associative(a->head.op))
        return same_in_any_order(c, a, b);
    for (i = 0; i < a->count; i++)
        if (!same_node(c, a->items[i], b->items[i]))
            return 0;
    return 1;
}

static int same_children(comparison *c, const alch_node *const *a, const alch_node *const *b, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++)
        if (!same_node(c, a[i], b[i]))
            return 0;
    return 1;
}

static int same_field(comparison *c, const alch_node *a, const alch_node *b, const alch_field *f)
{
    const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;

    switch ((alch_field_type)f->type) {
    case ALCH_FIELD_CHILDREN:
        return same_children(c, (const alch_node *const *)(const void *)x, (const alch_node *const *)(const void *)y, f->size);
    case ALCH_FIELD_TEXT:
        return same_text(c, *(char *const *)(const void *)x, *(char *const *)(const void *)y);
    case ALCH_FIELD_HOST:
        return a->kind == ALCH_NODE_ENTITY      /* which class it is, its FROM says */
            || same_host(c, *(alch_host_ref *const *)(const void *)x, *(alch_host_ref *const *)(const void *)y, 0);
    case ALCH_FIELD_ITEMS: return same_items(c, (const alch_list *)a, (const alch_list *)b);
    case ALCH_FIELD_PLAIN: return memcmp(x, y, f->size) == 0;
    case ALCH_FIELD_COLUMNS:    /* they follow from the other fields, or are compared where they are used */
    case ALCH_FIELD_BIND:
    case ALCH_FIELD_END: break;
    }
    return 1;
}

static int same_fields(comparison *c, const alch_node *a, const alch_node *b)
{
    const alch_field *f = alch_node_fields(a->kind);

    for (; f->type != ALCH_FIELD_END; f++)
        if (!same_field(c, a, b, f))
            return 0;
    for (f++; f->type != ALCH_FIELD_END; f++)
        if (!same_field(c, a, b, f))
            return 0;
    return 1;
}

static int is_commutative(int op)
{
    return op == ALCH_OP_EQ || op == ALCH_OP_NE || op == ALCH_OP_ADD || op == ALCH_OP_MUL;
}

static int same_binary(comparison *c, const alch_binary *a, const alch_binary *b)
{
    size_t known = c->name_count;

    if (same_fields(c, &a->head, &b->head))
        return 1;
    if (!is_commutative(a->head.op))
        return 0;
    c->name_count = known;
    return same_node(c, a->left, b->right) && same_node(c, a->right, b->left);
}

static int same_from(comparison *c, const alch_node *a, const alch_node *b)
{
    from_pair *froms;
    size_t i;
    int same;

    for (i = 0; i < c->from_count; i++)
        if (c->froms[i].left == a && c->froms[i].right == b)
            return c->froms[i].same;
    same = a->kind == ALCH_NODE_TABLE ? same_table(c, (const alch_table *)a, (const alch_table *)b) : same_fields(c, a, b);
    froms = c->rc == ALCH_OK ? reserve(c, c->froms, sizeof *froms, c->from_count, &c->from_size) : NULL;
    if (froms == NULL)
        return 0;
    c->froms = froms;
    c->froms[c->from_count++] = (from_pair){ a, b, same };
    return same;
}

static int is_conversion(const alch_node *n)
{
    return n->kind == ALCH_NODE_CAST || n->kind == ALCH_NODE_TRY_CAST || n->kind == ALCH_NODE_TYPE_COERCE;
}

static int same_node(comparison *c, const alch_node *a, const alch_node *b)
{
    if (a == b || c->rc != ALCH_OK)
        return c->rc == ALCH_OK;
    if (a == NULL || b == NULL || a->kind != b->kind || a->op != b->op)
        return 0;
    if (a->kind == ALCH_NODE_COLUMN)
        return same_column(c, (const alch_column *)a, (const alch_column *)b);
    if (a->kind == ALCH_NODE_BIND)
        return same_bind(c, (const alch_bind *)a, (const alch_bind *)b);
    if (a->kind == ALCH_NODE_BINARY)
        return same_binary(c, (const alch_binary *)a, (const alch_binary *)b);
    if (alch_is_from(a))
        return same_from(c, a, b);
    if (is_conversion(a) && alch_node_type(a)->family != alch_node_type(b)->family)
        return 0;
    return same_fields(c, a, b);
}

int alch_node_compare(const alch_node *a, const alch_node *b, alch_same_host_fn same_host_fn, void *payload, int *same,
                      alch_err *err)
{
    comparison c = { .same_host = same_host_fn, .payload = payload, .err = err, .rc = ALCH_OK };

    *same = same_node(&c, a, b);
    alch_free(c.names);
    alch_free(c.froms);
    return c.rc;
}
