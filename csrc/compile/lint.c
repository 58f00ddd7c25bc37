/* The cartesian product lint: FROMs that no comparison and no join connects.
** Parts that are connected are united in a forest of 'up' links. */
#include "compile/lint.h"

#include <string.h>

typedef struct part {
    const alch_node *from;
    size_t up;                  /* index of one that it is connected with; its own: a root */
    uint8_t shown;              /* stands in this statement's FROM */
} part;

typedef struct lint {
    alch_compiler *c;
    part *at;
    size_t len, size;
    const alch_node *lateral;   /* whose inside is read: it takes part in every comparison there */
} lint;

static size_t part_of(lint *l, const alch_node *from)
{
    size_t i;

    for (i = 0; i < l->len; i++)
        if (l->at[i].from == from)
            return i;
    if (l->len == l->size) {
        size_t size = l->size != 0 ? l->size * 2 : 16;
        part *at = alch_arena_alloc(l->c->arena, size * sizeof *at);

        if (at == NULL) {
            alch_compile_nomem(l->c);
            return 0;
        }
        if (l->len > 0)
            memcpy(at, l->at, l->len * sizeof *at);
        l->at = at;
        l->size = size;
    }
    l->at[l->len] = (part){ from, l->len, 0 };
    return l->len++;
}

static size_t root_of(const lint *l, size_t i)
{
    while (l->at[i].up != i)
        i = l->at[i].up;
    return i;
}

static void unite(lint *l, const alch_node *a, const alch_node *b)
{
    size_t x = part_of(l, a), y = part_of(l, b);

    if (l->c->failed != ALCH_OK)
        return;
    x = root_of(l, x);
    y = root_of(l, y);
    l->at[x > y ? x : y].up = x > y ? y : x;
}

/* Each FROM of 'left' is connected with each of 'right'. */
static void unite_all(lint *l, const alch_nodes *left, const alch_nodes *right)
{
    size_t i;

    if (left->failed || right->failed)
        alch_compile_nomem(l->c);
    if (left->len == 0 || right->len == 0)
        return;
    for (i = 0; i < left->len; i++)
        unite(l, left->at[i], right->at[0]);
    for (i = 1; i < right->len; i++)
        unite(l, left->at[0], right->at[i]);
}

static void connect(lint *l, const alch_node *left, const alch_node *right)
{
    alch_nodes a = { l->c->arena, NULL, 0, 0, 0 }, b = a;

    alch_from_objects(left, &a);
    alch_from_objects(right, &b);
    if (l->lateral != NULL) {
        alch_nodes_add(&a, l->lateral);
        alch_nodes_add(&b, l->lateral);
    }
    unite_all(l, &a, &b);
}

static int is_comparison(const alch_node *n)
{
    return n->op == ALCH_OP_CUSTOM ? (((const alch_binary *)n)->flags & ALCH_BINARY_COMPARISON) != 0
                                   : alch_op_is_comparison(n->op);
}

/* What stands inside an expression connects what it compares; a statement
** inside is a world of its own, save that of a LATERAL. */
static int read_expression(const alch_node *n, void *payload)
{
    lint *l = payload;

    if (l->c->failed != ALCH_OK || n->kind == ALCH_NODE_COLUMN)
        return 0;
    if (n->kind == ALCH_NODE_BINARY && is_comparison(n))
        connect(l, ((const alch_binary *)n)->left, ((const alch_binary *)n)->right);
    if (l->lateral == NULL && (alch_is_statement(n) || alch_is_from(n)))
        return 0;
    return alch_node_children(n, read_expression, l);
}

static void read_lateral(lint *l, const alch_alias *a)
{
    const alch_node *outer = l->lateral;

    l->lateral = &a->from.head;
    if (a->element->kind == ALCH_NODE_FUNCTION)     /* its arguments are what it is joined by */
        connect(l, a->element, &a->from.head);
    else
        (void)read_expression(a->element, l);
    l->lateral = outer;
}

static void read_from(lint *l, const alch_node *n)
{
    const alch_alias *a = (const alch_alias *)n;

    if (n->kind == ALCH_NODE_JOIN) {
        const alch_join *j = (const alch_join *)n;

        connect(l, j->left, j->right);
        read_from(l, j->left);
        read_from(l, j->right);
        if (j->on != NULL)
            (void)read_expression(j->on, l);
        return;
    }
    if (!alch_is_from(n) || (n->kind == ALCH_NODE_TABLE_ALIAS && a->flags & ALCH_ALIAS_JOINS_IMPLICITLY))
        return;
    {
        size_t i = part_of(l, n);

        if (l->c->failed == ALCH_OK)
            l->at[i].shown = 1;
    }
    if (n->kind == ALCH_NODE_LATERAL || (n->kind == ALCH_NODE_TABLE_ALIAS && a->flags & ALCH_ALIAS_LATERAL))
        read_lateral(l, a);
}

static const char *name_of(alch_compiler *c, const alch_node *n)
{
    const alch_alias *a = (const alch_alias *)n;

    if (n->kind == ALCH_NODE_TABLE)
        return NULL;
    if (n->kind == ALCH_NODE_VALUES && (a->name == NULL || a->flags & ALCH_ALIAS_UNNAMED))
        return "(unnamed VALUES element)";
    return a->name != NULL ? alch_resolve_name(c, a->name, ALCH_IDENT_ALIAS) : alch_node_class(n->kind);
}

static void put_name(alch_compiler *c, const alch_node *n, alch_buf *out)
{
    const alch_table *t = (const alch_table *)n;
    const char *name = name_of(c, n);

    alch_buf_putc(out, '"');
    if (name == NULL && t->schema != NULL)
        alch_buf_printf(out, "%s.", t->schema);
    alch_buf_puts(out, name != NULL ? name : t->name);
    alch_buf_putc(out, '"');
}

/* The FROMs that are not connected with the first one, or nothing. */
static void describe(lint *l, const char *statement, alch_buf *out)
{
    size_t i, first = 0, start = 0;

    while (first < l->len && !l->at[first].shown)
        first++;
    for (i = first; i < l->len; i++) {
        if (!l->at[i].shown || root_of(l, i) == root_of(l, first))
            continue;
        if (start++ == 0)
            alch_buf_printf(out, "%s statement has a cartesian product between FROM element(s) ", statement);
        else
            alch_buf_puts(out, ", ");
        put_name(l->c, l->at[i].from, out);
    }
    if (start == 0)
        return;
    alch_buf_puts(out, " and FROM element ");
    put_name(l->c, l->at[first].from, out);
    alch_buf_puts(out, ".  Apply join condition(s) between each element to resolve.");
}

static void add_warning(alch_compiler *c, const alch_buf *text)
{
    alch_compiled *r = c->result;
    const char **more = alch_arena_alloc(c->arena, (r->warning_count + 1) * sizeof *more);
    char *copy = alch_arena_strndup(c->arena, text->data, text->len);

    if (more == NULL || copy == NULL) {
        alch_compile_nomem(c);
        return;
    }
    if (r->warning_count > 0)
        memcpy(more, r->warnings, r->warning_count * sizeof *more);
    more[r->warning_count++] = copy;
    r->warnings = more;
}

void alch_lint_froms(alch_compiler *c, const char *statement, const alch_node *target, const alch_nodes *froms,
                     const alch_list *where)
{
    lint l = { c, NULL, 0, 0, NULL };
    alch_buf text = ALCH_BUF_INIT;
    uint32_t k;
    size_t i;

    if (c->failed != ALCH_OK || !(c->options->linting || c->dialect->caps.from_linting)
        || froms->len + (target != NULL) < 2)
        return;
    if (target != NULL)
        read_from(&l, target);
    for (i = 0; i < froms->len; i++)
        read_from(&l, froms->at[i]);
    for (k = 0; k < alch_list_len(where); k++)
        (void)read_expression(where->items[k], &l);
    if (c->failed == ALCH_OK)
        describe(&l, statement, &text);
    if (text.failed)
        alch_compile_nomem(c);
    else if (text.len > 0)
        add_warning(c, &text);
    alch_buf_release(&text);
}
