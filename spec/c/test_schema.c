/* Tables and columns: who owns whom, replaced columns, failing allocations. */
#include <string.h>

#include "check.h"
#include "schema/table.h"

static alch_column *column(const char *name, alch_err *err)
{
    alch_column *c = NULL;

    (void)alch_column_new(name, NULL, NULL, ALCH_COLUMN_NULLABLE, &c, err);
    return c;
}

/* A table of 'n' columns c0, c1 ...; the caller holds only the table. */
static int table_of(size_t n, alch_table **out, alch_err *err)
{
    alch_table *t;
    size_t i;
    int rc = alch_table_new("t", "s", &t, err);

    if (rc != ALCH_OK)
        return rc;
    for (i = 0; i < n && rc == ALCH_OK; i++) {
        char name[8] = { 'c', (char)('0' + i % 10), '\0' };
        alch_column *c = column(name, err);

        rc = c == NULL ? ALCH_ERR_NOMEM : alch_from_append(&t->from, c, err);
        alch_node_drop(c);      /* a column in a table counts on the table */
    }
    if (rc == ALCH_OK)
        *out = t;
    else
        alch_node_drop(t);
    return rc;
}

static void owns_its_columns(void)
{
    alch_table *t;
    alch_err err;
    const alch_column *held;
    char label[16];

    CHECK(table_of(3, &t, &err) == ALCH_OK);
    CHECK(t->from.column_count == 3);
    CHECK(alch_from_find(&t->from, "c1", 2) == t->from.columns[1]);
    CHECK(alch_from_find(&t->from, "c1x", 3) == NULL);
    CHECK(strcmp(alch_table_label(t, label, sizeof label), "s.t") == 0);
    held = (const alch_column *)(const void *)alch_node_keep(&t->from.columns[2]->head);
    alch_node_drop(t);
    CHECK(strcmp(held->name, "c2") == 0);       /* keeping a column keeps its table */
    CHECK(((const alch_table *)(const void *)held->owner)->from.column_count == 3);
    alch_node_drop(held);
}

static void takes_a_column_once(void)
{
    alch_table *a, *b;
    alch_err err;

    CHECK(table_of(1, &a, &err) == ALCH_OK);
    CHECK(table_of(0, &b, &err) == ALCH_OK);
    CHECK(alch_from_append(&b->from, a->from.columns[0], &err) == ALCH_ERR_INVALID);
    CHECK(strstr(err.text, "'c0'") != NULL);
    CHECK(alch_from_replace(&b->from, a->from.columns[0], a->from.columns[0], &err) == ALCH_ERR_INVALID);
    alch_node_drop(a);
    alch_node_drop(b);
}

static void keeps_what_it_replaced(void)
{
    alch_table *t;
    alch_err err;
    const alch_column *old;
    alch_column *other = NULL, *last = NULL;

    CHECK(table_of(8, &t, &err) == ALCH_OK);    /* as many as fit before it grows */
    old = (const alch_column *)(const void *)alch_node_keep(&t->from.columns[3]->head);
    CHECK(alch_column_new("c3", "k3", NULL, 0, &other, &err) == ALCH_OK);
    CHECK(alch_from_replace(&t->from, old, other, &err) == ALCH_OK);
    CHECK(t->from.columns[3] == other && other->position == 3 && t->from.column_count == 8);
    CHECK(alch_from_find(&t->from, "k3", 2) == other && alch_from_find(&t->from, "c3", 2) == NULL);
    CHECK(old->owner == &t->from && strcmp(old->name, "c3") == 0);
    CHECK(alch_from_replace(&t->from, old, other, &err) == ALCH_ERR_INVALID);   /* it is out already */
    last = column("z", &err);
    CHECK(alch_from_append(&t->from, last, &err) == ALCH_OK);
    CHECK(t->from.columns[8] == last && t->from.column_count == 9 && t->from.replaced_count == 1);
    alch_node_drop(other);
    alch_node_drop(last);
    alch_node_drop(t);
    alch_node_drop(old);
}

static int builds(alch_err *err)
{
    alch_table *t;
    alch_column *c;
    int rc = table_of(9, &t, err);

    if (rc != ALCH_OK)
        return rc;
    c = column("new", err);
    rc = c == NULL ? ALCH_ERR_NOMEM : alch_from_replace(&t->from, t->from.columns[0], c, err);
    alch_node_drop(c);
    alch_node_drop(t);
    return rc;
}

int main(void)
{
    CHECK_RUN(owns_its_columns);
    CHECK_RUN(takes_a_column_once);
    CHECK_RUN(keeps_what_it_replaced);
    CHECK_SWEEP(builds);
    return CHECK_END("schema");
}
