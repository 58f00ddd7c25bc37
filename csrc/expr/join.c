#include "expr/join.h"

#include <stdio.h>
#include <string.h>

#include "expr/build.h"

/* A pair of columns of one foreign key between two FROMs. */
typedef struct link {
    const alch_node *target, *source;
    const alch_column *base;    /* the schema column that has the key */
    uint32_t constraint;
} link;

typedef struct links {
    alch_arena *arena;
    link at[64];
    size_t len;
} links;

static const alch_column *schema_column(const alch_node *n)
{
    const alch_node *base = alch_base_column(n);

    return base->kind == ALCH_NODE_COLUMN ? (const alch_column *)base : NULL;
}

/* Is 'c' (through whatever derived it) the column that the key names? */
static int is_target(const alch_node *c, const alch_reference *ref)
{
    const alch_column *base = schema_column(c);
    const alch_table *t;
    size_t schema;

    if (base == NULL || base->owner == NULL || base->owner->head.kind != ALCH_NODE_TABLE)
        return 0;
    t = (const alch_table *)base->owner;
    schema = t->schema != NULL ? strlen(t->schema) : 0;
    if (schema > 0 && (strncmp(ref->table, t->schema, schema) != 0 || ref->table[schema] != '.'))
        return 0;
    return strcmp(ref->table + (schema > 0 ? schema + 1 : 0), t->name) == 0 && strcmp(base->key, ref->column) == 0;
}

static void add_links(const alch_nodes *sources, const alch_nodes *targets, links *found)
{
    size_t i, k;
    uint32_t r;

    for (i = 0; i < sources->len; i++) {
        const alch_column *base = schema_column(sources->at[i]);

        for (r = 0; base != NULL && r < base->reference_count; r++)
            for (k = 0; k < targets->len; k++)
                if (is_target(targets->at[k], &base->references[r]) && found->len < 64) {
                    found->at[found->len++] = (link){ targets->at[k], sources->at[i], base,
                                                      base->references[r].constraint };
                    break;
                }
    }
}

static int find_links(const alch_node *left, const alch_node *right, links *found, alch_err *err)
{
    alch_nodes l = { found->arena, NULL, 0, 0, 0 }, r = { found->arena, NULL, 0, 0, 0 };
    int rc = alch_from_columns(left, &l, err);

    if (rc == ALCH_OK)
        rc = alch_from_columns(right, &r, err);
    if (rc != ALCH_OK)
        return rc;
    add_links(&r, &l, found);
    if (left != right)
        add_links(&l, &r, found);
    return l.failed || r.failed ? alch_err_nomem(err) : ALCH_OK;
}

static int same_constraint(const link *a, const link *b)
{
    return a->constraint == b->constraint && a->base->owner == b->base->owner;
}

static int condition_of(const links *found, const alch_node **out, alch_err *err)
{
    alch_list *all = alch_list_new(ALCH_NODE_LIST, ALCH_OP_AND, found->len, err);
    size_t i;
    int rc = all != NULL ? ALCH_OK : ALCH_ERR_NOMEM;

    for (i = 0; i < found->len && rc == ALCH_OK; i++) {
        const alch_node *equal;

        rc = alch_operate(ALCH_OP_EQ, alch_node_keep(found->at[i].target), alch_node_keep(found->at[i].source),
                          &equal, err);
        if (rc == ALCH_OK)
            rc = alch_list_push(all, equal, err);
    }
    if (rc != ALCH_OK) {
        alch_node_drop(all);
        return rc;
    }
    return alch_conjunction(all, out, err);
}

static int judge(const links *found, const alch_node *left, const alch_node *right, alch_err *err)
{
    char a[128], b[128];
    size_t i;

    (void)alch_from_label(left, a, sizeof a);
    (void)alch_from_label(right, b, sizeof b);
    if (found->len == 0)
        return alch_err_set(err, ALCH_ERR_NO_FOREIGN_KEY, "can't find any foreign key relationships between '%s' and "
                            "'%s'; give the join its ON clause", a, b);
    for (i = 1; i < found->len; i++)
        if (!same_constraint(&found->at[0], &found->at[i]))
            return alch_err_set(err, ALCH_ERR_AMBIGUOUS_FK, "can't determine join between '%s' and '%s'; the tables "
                                "have more than one foreign key between them ('%s', '%s'). Give the join its ON "
                                "clause", a, b, found->at[0].base->name, found->at[i].base->name);
    return ALCH_OK;
}

int alch_join_condition(const alch_node *left, const alch_node *right, const alch_node **out, alch_err *err)
{
    alch_arena arena;
    links found;
    int rc = ALCH_OK;

    alch_arena_init(&arena);
    found.arena = &arena;
    found.len = 0;
    if (left->kind == ALCH_NODE_JOIN)   /* what was joined last is asked first */
        rc = find_links(((const alch_join *)left)->right, right, &found, err);
    if (rc == ALCH_OK && found.len == 0)
        rc = find_links(left, right, &found, err);
    if (rc == ALCH_OK)
        rc = judge(&found, left, right, err);
    if (rc == ALCH_OK)
        rc = condition_of(&found, out, err);
    alch_arena_release(&arena);
    return rc;
}

int alch_can_join(const alch_node *left, const alch_node *right)
{
    alch_arena arena;
    links found;
    int rc;

    alch_arena_init(&arena);
    found.arena = &arena;
    found.len = 0;
    rc = find_links(left, right, &found, NULL);
    alch_arena_release(&arena);
    return rc == ALCH_OK && found.len > 0;
}

int alch_join_new(const alch_node *left, const alch_node *right, const alch_node *on, unsigned flags,
                  const alch_node **out, alch_err *err)
{
    alch_join *j = alch_node_new(ALCH_NODE_JOIN, err);
    int rc = j != NULL ? ALCH_OK : ALCH_ERR_NOMEM;

    if (rc == ALCH_OK && on == NULL && !(flags & ALCH_JOIN_CROSS) && left != NULL)
        rc = alch_join_condition(left, right, &on, err);
    if (rc != ALCH_OK) {
        alch_node_drop(left);
        alch_node_drop(right);
        alch_node_drop(on);
        alch_node_drop(j);
        return rc;
    }
    j->flags = (uint8_t)flags;
    rc = alch_node_set(j, &j->left, left, err);
    if (rc == ALCH_OK)
        rc = alch_node_set(j, &j->right, right, err);
    else
        alch_node_drop(right);
    if (rc == ALCH_OK)
        rc = alch_node_set(j, &j->on, on, err);
    else
        alch_node_drop(on);
    if (rc != ALCH_OK) {
        alch_node_drop(j);
        return rc;
    }
    *out = &j->head;
    return ALCH_OK;
}
