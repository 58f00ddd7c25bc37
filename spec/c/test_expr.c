/* Expression nodes: counts, negation, merging, text parameters, depth, failing allocations. */
#include <string.h>

#include "check.h"
#include "expr/build.h"
#include "expr/selectable.h"
#include "schema/table.h"

static const alch_node *number(int64_t n, alch_err *err)
{
    alch_value v = { .kind = ALCH_INT, .zone = ALCH_ZONE_NONE, .as.integer = n };
    const alch_node *bind = NULL;

    (void)alch_bind_new(NULL, NULL, alch_type_of(ALCH_TYPE_INTEGER), &v, ALCH_BIND_UNIQUE, &bind, err);
    return bind;
}

static alch_column *column(const char *name, alch_err *err)
{
    alch_column *c = NULL;

    (void)alch_column_new(name, NULL, alch_type_of(ALCH_TYPE_INTEGER), 0, &c, err);
    return c;
}

static void negates_by_the_table(void)
{
    alch_err err;
    alch_column *c = column("a", &err);
    const alch_node *equal, *not_equal, *back;

    CHECK(alch_operate(ALCH_OP_EQ, alch_node_keep(c), number(1, &err), &equal, &err) == ALCH_OK);
    CHECK(alch_negate(equal, &not_equal, &err) == ALCH_OK && not_equal->op == ALCH_OP_NE);
    CHECK(alch_negate(not_equal, &back, &err) == ALCH_OK && back->op == ALCH_OP_EQ);
    CHECK(((const alch_binary *)back)->right == ((const alch_binary *)equal)->right);
    CHECK(c->head.refs == 4);       /* ours, and one in each */
    alch_node_drop(back);
    alch_node_drop(not_equal);
    alch_node_drop(equal);
    CHECK(c->head.refs == 1);
    alch_node_drop(c);
}

static void merges_what_is_anded(void)
{
    alch_err err;
    alch_list *inner = alch_list_new(ALCH_NODE_LIST, ALCH_OP_AND, 2, &err);
    alch_list *outer = alch_list_new(ALCH_NODE_LIST, ALCH_OP_AND, 2, &err);
    const alch_node *truth, *all;

    CHECK(alch_const_new(ALCH_NODE_TRUE, &truth, &err) == ALCH_OK);
    CHECK(alch_list_push(inner, number(1, &err), &err) == ALCH_OK && alch_list_push(inner, number(2, &err), &err) == ALCH_OK);
    CHECK(alch_list_push(outer, inner, &err) == ALCH_OK && alch_list_push(outer, number(3, &err), &err) == ALCH_OK);
    CHECK(alch_list_push(outer, truth, &err) == ALCH_OK);
    CHECK(alch_conjunction(outer, &all, &err) == ALCH_OK);
    CHECK(all->kind == ALCH_NODE_LIST && ((const alch_list *)all)->count == 3);
    alch_node_drop(all);
}

static void finds_parameters_in_text(void)
{
    alch_err err;
    const alch_node *n;
    const alch_list *binds;

    CHECK(alch_text_new("a = :a and b = :b2 and c = :a and d::int and '\\:no'", &n, &err) == ALCH_OK);
    binds = ((const alch_text *)n)->binds;
    CHECK(alch_list_len(binds) == 2);
    CHECK(strcmp(((const alch_bind *)binds->items[0])->key, "a") == 0);
    CHECK(strcmp(((const alch_bind *)binds->items[1])->key, "b2") == 0);
    alch_node_drop(n);
}

static void refuses_endless_depth(void)
{
    alch_err err;
    const alch_node *n = number(0, &err), *next;
    int i, rc = ALCH_OK;

    for (i = 0; i < 2 * ALCH_DEPTH_MAX; i++) {
        rc = alch_unary_new(ALCH_OP_NEG, n, NULL, &next, &err);
        if (rc != ALCH_OK)
            break;
        n = next;
    }
    CHECK(rc == ALCH_ERR_ARGUMENT && i < ALCH_DEPTH_MAX);   /* what was handed over is gone */
}

static void keeps_the_owner(void)
{
    alch_err err;
    alch_table *t;
    alch_column *c = column("a", &err);
    const alch_node *held;

    CHECK(alch_table_new("t", NULL, &t, &err) == ALCH_OK && alch_from_append(&t->from, c, &err) == ALCH_OK);
    held = alch_node_keep(c);
    alch_node_drop(c);
    alch_node_drop(t);
    CHECK(((const alch_column *)held)->owner == &t->from && strcmp(t->name, "t") == 0);
    alch_node_drop(held);
}

/* (a = 1 OR NOT a IN (...)) with a copy, a label, a function and text. */
static int builds(alch_err *err)
{
    alch_column *c = column("a", err);
    const alch_node *n = NULL, *label = NULL;
    alch_list *args = NULL;
    alch_node *copy = NULL;
    int rc = c != NULL ? ALCH_OK : ALCH_ERR_NOMEM;

    if (rc == ALCH_OK && (n = number(5, err)) == NULL)
        rc = ALCH_ERR_NOMEM;
    if (rc == ALCH_OK)
        rc = alch_operate(ALCH_OP_ADD, alch_node_keep(c), n, &n, err);
    if (rc == ALCH_OK)
        rc = alch_label_new(NULL, n, &label, err);
    if (rc == ALCH_OK && (args = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, 1, err)) == NULL)
        rc = ALCH_ERR_NOMEM;
    if (rc == ALCH_OK) {
        rc = alch_list_push(args, label, err);
        label = NULL;
    }
    if (rc == ALCH_OK) {
        rc = alch_function_new("pkg", "f", args, NULL, &n, err);
        args = NULL;
        if (rc == ALCH_OK) {
            rc = alch_node_copy(n, &copy, err);
            alch_node_drop(n);
        }
    }
    alch_node_drop(copy);
    alch_node_drop(args);
    alch_node_drop(label);
    alch_node_drop(c);
    if (rc == ALCH_OK) {
        rc = alch_text_new("x = :x", &n, err);
        if (rc == ALCH_OK)
            alch_node_drop(n);
    }
    return rc;
}

int main(void)
{
    CHECK_RUN(negates_by_the_table);
    CHECK_RUN(merges_what_is_anded);
    CHECK_RUN(finds_parameters_in_text);
    CHECK_RUN(refuses_endless_depth);
    CHECK_RUN(keeps_the_owner);
    CHECK_SWEEP(builds);
    return CHECK_END("expr");
}
