#include "compile/join.h"

#include "expr/build.h"
#include "expr/entity.h"
#include "expr/join.h"

static int refers_to(const alch_nodes *objects, const alch_node *from)
{
    return alch_nodes_has(objects, from);
}

/* Do all FROMs that the ON clause names lie in 'from' or in 'right'? */
static int covers(alch_compiler *c, const alch_node *from, const alch_node *right, const alch_node *on)
{
    alch_nodes used = { c->arena, NULL, 0, 0, 0 }, here = used;
    size_t i;

    alch_from_objects(on, &used);
    alch_from_objects(from, &here);
    alch_from_objects(right, &here);
    for (i = 0; i < used.len; i++)
        if (!refers_to(&here, used.at[i]))
            return 0;
    return 1;
}

static int contains(alch_compiler *c, const alch_node *from, const alch_node *part)
{
    alch_nodes here = { c->arena, NULL, 0, 0, 0 };

    alch_from_objects(from, &here);
    return alch_nodes_has(&here, part);
}

/* Which of 'froms' can be joined from: how many, and the last one's index. */
static size_t candidates(alch_compiler *c, const alch_nodes *froms, const alch_join *j, size_t *index)
{
    alch_nodes hidden = { c->arena, NULL, 0, 0, 0 };
    size_t i, n = 0;

    for (i = 0; i < froms->len; i++)
        alch_hidden_froms(froms->at[i], &hidden);
    alch_hidden_froms(j->right, &hidden);       /* criteria may name a table inside it */
    for (i = 0; i < froms->len; i++) {
        const alch_node *f = froms->at[i];
        int can = f != j->right && (j->on == NULL ? alch_can_join(f, j->right)
                                    : froms->len == 1 || covers(c, f, j->right, j->on));

        if (j->flags & ALCH_JOIN_CROSS)
            can = f != j->right;
        if (can && !alch_nodes_has(&hidden, f)) {
            n++;
            *index = i;
        }
    }
    if (n == 0 && j->on != NULL) {
        *index = 0;
        return froms->len;
    }
    return n;
}

static int lists_classes(const alch_select *s)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(s->columns); i++)
        if (alch_entity_within(s->columns->items[i]) != NULL)
            return 1;
    return alch_list_len(s->entities) > 0;
}

/* The FROMs that columns bring, when none was given; criteria as well where no
** mapped class says what the statement is about (as SQLAlchemy's select() and Query do). */
static void implied(alch_compiler *c, const alch_select *s, alch_nodes *out)
{
    alch_nodes used = { c->arena, NULL, 0, 0, 0 };
    uint32_t i;
    size_t k;

    alch_listed_froms(s, &used);
    for (i = 0; !lists_classes(s) && i < alch_list_len(s->where); i++)
        alch_from_objects(s->where->items[i], &used);
    for (k = 0; k < used.len; k++)
        alch_nodes_add_new(out, used.at[k]);
}

static void fail_left(alch_compiler *c, const alch_join *j, size_t n)
{
    char name[128];

    if (n > 1)
        alch_compile_fail(c, ALCH_ERR_INVALID, "can't determine which FROM clause to join from, there are multiple FROMS "
                          "which can join to '%s'. Use select_from() to establish an explicit left side, and an "
                          "explicit ON clause", alch_from_label(j->right, name, sizeof name));
    else
        alch_compile_fail(c, ALCH_ERR_INVALID, "don't know how to join to '%s'. Use select_from() to establish an "
                          "explicit left side, and an explicit ON clause",
                          alch_from_label(j->right, name, sizeof name));
}

/* The ON clause of a join to a mapped class: what the keys or the user say, and which rows are the class's. */
static const alch_node *with_criteria(alch_compiler *c, const alch_node *left, const alch_join *j, const alch_node *on)
{
    alch_list *both;
    const alch_node *all;

    if (j->criteria == NULL || c->failed != ALCH_OK)
        return on;
    if (on == NULL && !(j->flags & ALCH_JOIN_CROSS)) {
        c->failed = alch_join_condition(left, j->right, &on, c->err);
        if (c->failed != ALCH_OK)
            return NULL;
        alch_keep_made(c, on);
    }
    alch_forget_params(c, j->criteria);
    both = alch_list_new(ALCH_NODE_LIST, ALCH_OP_AND, 2, c->err);
    c->failed = both == NULL ? ALCH_ERR_NOMEM : ALCH_OK;
    if (c->failed == ALCH_OK && on != NULL)
        c->failed = alch_list_push(both, alch_node_keep(on), c->err);
    if (c->failed == ALCH_OK)
        c->failed = alch_list_push(both, alch_node_keep(j->criteria), c->err);
    if (c->failed != ALCH_OK) {
        alch_node_drop(both);
        return on;
    }
    c->failed = alch_conjunction(both, &all, c->err);
    if (c->failed != ALCH_OK)
        return on;
    alch_keep_made(c, all);
    return all;
}

static const alch_node *make_join(alch_compiler *c, const alch_node *left, const alch_join *j, const alch_node *given)
{
    const alch_node *made, *on = with_criteria(c, left, j, given);
    int rc = c->failed != ALCH_OK ? c->failed
        : alch_join_new(alch_node_keep(left), alch_node_keep(j->right), alch_node_keep(on), j->flags, &made, c->err);

    if (rc != ALCH_OK) {
        c->failed = rc;
        return NULL;
    }
    alch_keep_made(c, made);
    return made;
}

static void place(alch_compiler *c, alch_nodes *froms, size_t index, const alch_node *made)
{
    if (made == NULL)
        return;
    if (index < froms->len)
        froms->at[index] = made;
    else
        alch_nodes_add(froms, made);
    if (froms->failed)
        alch_compile_nomem(c);
}

static void join_implicit(alch_compiler *c, const alch_select *s, alch_nodes *froms, const alch_join *j)
{
    alch_nodes possible = { c->arena, NULL, 0, 0, 0 };
    size_t index = 0, n;

    if (froms->len > 0) {
        n = candidates(c, froms, j, &index);
        if (n == 1)
            place(c, froms, index, make_join(c, froms->at[index], j, j->on));
        else
            fail_left(c, j, n);
        return;
    }
    implied(c, s, &possible);
    n = candidates(c, &possible, j, &index);
    if (n == 1)
        place(c, froms, froms->len, make_join(c, possible.at[index], j, j->on));
    else
        fail_left(c, j, n);
}

/* join_from(left, right): into the FROM that contains 'left', else a new one. */
static void join_explicit(alch_compiler *c, alch_nodes *froms, const alch_join *j)
{
    const alch_node *on = j->on;
    size_t i;

    for (i = 0; i < froms->len; i++)
        if (froms->at[i] == j->left || contains(c, froms->at[i], j->left))
            break;
    if (i == froms->len) {
        place(c, froms, i, make_join(c, j->left, j, on));
        return;
    }
    if (on == NULL && !(j->flags & ALCH_JOIN_CROSS)) {
        int rc = alch_join_condition(j->left, j->right, &on, c->err);

        if (rc != ALCH_OK) {
            c->failed = rc;
            return;
        }
        alch_keep_made(c, on);
    }
    place(c, froms, i, make_join(c, froms->at[i], j, on));
}

void alch_setup_joins(alch_compiler *c, const alch_select *s, alch_nodes *froms)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(s->froms); i++)
        alch_nodes_add_new(froms, s->froms->items[i]);
    for (i = 0; i < alch_list_len(s->joins) && c->failed == ALCH_OK; i++) {
        const alch_join *j = (const alch_join *)s->joins->items[i];

        if (j->left != NULL)
            join_explicit(c, froms, j);
        else
            join_implicit(c, s, froms, j);
    }
}
