/* SELECT and compound SELECT: which FROMs show, what columns are called, the
** clauses in their order. */
#include <string.h>

#include "compile/compiler.h"
#include "compile/join.h"
#include "compile/lint.h"
#include "compile/wrap.h"
#include "expr/build.h"
#include "expr/entity.h"

int alch_push_frame(alch_compiler *c, alch_frame *f, const alch_node *statement)
{
    memset(f, 0, sizeof *f);
    f->outer = c->frame;
    f->statement = statement;
    f->correlate.arena = f->asfrom.arena = f->froms.arena = c->arena;
    f->visiting_cte = c->frame != NULL ? c->frame->visiting_cte : NULL;
    c->frame = f;
    c->level++;
    return c->frame->outer == NULL;
}

void alch_pop_frame(alch_compiler *c)
{
    c->frame = c->frame->outer;
    c->level--;
}

/*
** {=== Which FROMs a SELECT shows
*/

static void add_all_new(alch_nodes *to, const alch_nodes *from)
{
    size_t i;

    for (i = 0; i < from->len; i++)
        alch_nodes_add_new(to, from->at[i]);
}

static void remove_from(alch_nodes *list, const alch_nodes *gone)
{
    size_t i, kept = 0;

    for (i = 0; i < list->len; i++)
        if (!alch_nodes_has(gone, list->at[i]))
            list->at[kept++] = list->at[i];
    list->len = kept;
}

/* What the columns and the criteria refer to, behind the explicit FROMs. */
static void collect_froms(alch_compiler *c, const alch_select *s, const alch_nodes *criteria, alch_nodes *froms)
{
    alch_nodes used = { c->arena, NULL, 0, 0, 0 }, hidden = { c->arena, NULL, 0, 0, 0 };
    uint32_t i;
    size_t k;

    alch_listed_froms(s, &used);
    for (i = 0; i < alch_list_len(s->where); i++)
        alch_from_objects(s->where->items[i], &used);
    for (k = 0; k < criteria->len; k++)
        alch_from_objects(criteria->at[k], &used);
    add_all_new(froms, &used);
    for (k = 0; k < froms->len; k++)
        alch_hidden_froms(froms->at[k], &hidden);
    if (hidden.len > 0)
        remove_from(froms, &hidden);
    if (used.failed || hidden.failed || froms->failed)
        alch_compile_nomem(c);
}

static int in_list(const alch_list *l, const alch_node *n)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(l); i++)
        if (l->items[i] == n)
            return 1;
    return 0;
}

/* Takes out what correlates with the enclosing statements: 'explicitly' what
** correlate() may name, 'silently' what auto-correlation takes. */
static void correlate(alch_compiler *c, const alch_select *s, alch_nodes *froms, const alch_nodes *explicitly,
                      const alch_nodes *silently)
{
    size_t i, kept = 0, total = froms->len;

    if (s->flags & (ALCH_SELECT_CORRELATE | ALCH_SELECT_CORRELATE_EXCEPT)) {
        for (i = 0; i < total; i++) {
            const alch_node *f = froms->at[i];
            int named = in_list(s->correlate, f);
            int takes = s->flags & ALCH_SELECT_CORRELATE ? named : !named;

            if (!(takes && alch_nodes_has(explicitly, f)))
                froms->at[kept++] = f;
        }
        froms->len = kept;
        return;
    }
    if (silently->len == 0 || total < 2)
        return;
    for (i = 0; i < total; i++)
        if (!alch_nodes_has(silently, froms->at[i]))
            froms->at[kept++] = froms->at[i];
    froms->len = kept;
    if (kept == 0)
        alch_compile_fail(c, ALCH_ERR_INVALID, "select statement returned no FROM clauses due to auto-correlation; "
                          "specify correlate(<tables>) to control correlation manually");
}

static void difference(alch_nodes *out, const alch_nodes *a, const alch_nodes *b)
{
    size_t i;

    for (i = 0; i < a->len; i++)
        if (!alch_nodes_has(b, a->at[i]))
            alch_nodes_add(out, a->at[i]);
}

static void setup_froms(alch_compiler *c, const alch_select *s, const alch_nodes *criteria, alch_frame *f, unsigned flags)
{
    alch_nodes none = { c->arena, NULL, 0, 0, 0 }, beside = none, own = none;
    const alch_nodes *outer = f->outer != NULL ? &f->outer->correlate : &none;
    const alch_nodes *outer_asfrom = f->outer != NULL ? &f->outer->asfrom : &none;
    size_t i;

    alch_setup_joins(c, s, &f->froms);
    collect_froms(c, s, criteria, &f->froms);
    if (flags & ALCH_V_FROM && !(flags & ALCH_V_LATERAL)) {
        difference(&beside, outer, outer_asfrom);
        correlate(c, s, &f->froms, &beside, &none);
    } else
        correlate(c, s, &f->froms, outer, outer_asfrom);
    for (i = 0; i < f->froms.len; i++)
        alch_from_objects(f->froms.at[i], &own);
    for (i = 0; i < own.len && !f->has_schema; i++)
        f->has_schema = own.at[i]->kind == ALCH_NODE_TABLE && ((const alch_table *)own.at[i])->schema != NULL;
    c->has_schema |= f->has_schema;
    f->asfrom = own;
    add_all_new(&f->correlate, &own);
    add_all_new(&f->correlate, outer);
    if (f->correlate.failed || own.failed || beside.failed)
        alch_compile_nomem(c);
}

/* }=== */

/*
** {=== The columns
*/

void alch_add_result(alch_compiler *c, const alch_named_column *column, const char *name, const alch_type *t)
{
    alch_compiled *r = c->result;
    const alch_node *n = column->column;
    alch_result_column *made;

    if (t->family == ALCH_FAMILY_TUPLE)
        alch_compile_fail(c, ALCH_ERR_COMPILE, "a tuple_() cannot be selected: a database has no value for it; select what is in it");
    if (r->column_count == c->column_size) {
        size_t size = c->column_size != 0 ? c->column_size * 2 : 8;
        alch_result_column *at = alch_arena_alloc(c->arena, size * sizeof *at);

        if (at == NULL) {
            alch_compile_nomem(c);
            return;
        }
        if (r->column_count > 0)
            memcpy(at, r->columns, r->column_count * sizeof *at);
        r->columns = at;
        c->column_size = size;
    }
    made = &r->columns[r->column_count++];
    made->name = name;
    made->key = column->key;
    made->type = t;
    made->node = column->repeated ? NULL : n;
    made->inner = n->kind == ALCH_NODE_LABEL ? ((const alch_label *)n)->element : NULL;
    if (name == NULL || strcmp(name, "*") == 0)
        r->textual = 1;
}

/* The label a column renders, or NULL: none but its own. */
static const char *label_of(const alch_compiler *c, const alch_named_column *k, unsigned flags)
{
    const alch_node *n = k->column;
    const alch_column *column = (const alch_column *)n;

    if (n->kind == ALCH_NODE_LABEL || n->kind == ALCH_NODE_TEXT
        || (n->kind == ALCH_NODE_CUSTOM && ((const alch_custom *)n)->is_name && !(flags & ALCH_V_FROM)))
        return NULL;
    if (n->kind == ALCH_NODE_COLUMN && column->owner == NULL)
        return NULL;        /* text or a bare name: it stands as it was written, however often */
    if (k->required != NULL)
        return k->required;
    switch (n->kind) {
    case ALCH_NODE_COLUMN:
        return flags & ALCH_V_FROM && !(column->flags & ALCH_COLUMN_LITERAL) && column->owner != NULL
            ? k->fallback : NULL;
    case ALCH_NODE_TABLE_VALUED: case ALCH_NODE_FUNC_COLUMN: return NULL;
    case ALCH_NODE_UNARY: {
        const alch_node *inner = ((const alch_unary *)n)->element;

        if (n->op == ALCH_OP_IS_TRUE || n->op == ALCH_OP_IS_FALSE)
            return flags & ALCH_V_FROM || !c->dialect->caps.native_boolean || inner->kind != ALCH_NODE_COLUMN ? k->fallback : NULL;
        return !(flags & ALCH_V_FROM) && (inner->kind == ALCH_NODE_COLUMN || inner->kind == ALCH_NODE_LABEL)
            ? NULL : k->fallback;
    }
    default: return k->fallback;
    }
}

/* The label of a column whose type puts an expression around it: there is always one. */
static const char *own_label(const alch_named_column *k)
{
    if (k->column->kind == ALCH_NODE_LABEL)
        return ((const alch_label *)k->column)->name;
    return k->required != NULL ? k->required : k->fallback;
}

/* The name a column without a label is reported under. */
static const char *own_name(alch_compiler *c, const alch_node *n)
{
    const char *name;

    if (n->kind == ALCH_NODE_UNARY)
        return own_name(c, ((const alch_unary *)n)->element);
    name = n->kind == ALCH_NODE_TEXT ? NULL : alch_name_plain(&c->namer, n);
    return name != NULL ? alch_resolve_name(c, name, ALCH_IDENT_COLUMN) : NULL;
}

/* -x where x is a label: the label stands behind the whole. */
static void put_inner_label(alch_compiler *c, const alch_node *n)
{
    if (n->kind != ALCH_NODE_UNARY)
        return;
    while (n->kind == ALCH_NODE_UNARY)
        n = ((const alch_unary *)n)->element;
    if (n->kind == ALCH_NODE_LABEL) {
        alch_puts(c, " AS ");
        alch_put_identifier(c, alch_resolve_name(c, ((const alch_label *)n)->name, ALCH_IDENT_COLUMN), 0);
    }
}

static void compile_column(alch_compiler *c, const alch_named_column *k, unsigned flags)
{
    const alch_node *shown = flags & (ALCH_V_RESULT | ALCH_V_MEMBER) ? alch_wrap_column(c, k->column) : k->column;
    const char *label = shown != k->column ? own_label(k) : label_of(c, k, flags), *name;
    unsigned inner = (flags & (ALCH_V_LITERAL | ALCH_V_NO_TABLE | ALCH_V_NO_SCHEMA)) | ALCH_V_COLUMNS;

    if (label == NULL) {
        alch_compile_node(c, k->column, inner);
        put_inner_label(c, k->column);
        if (flags & ALCH_V_RESULT)
            alch_add_result(c, k, own_name(c, k->column), alch_node_type(k->column));
        return;
    }
    name = alch_resolve_name(c, label, ALCH_IDENT_COLUMN);
    if (name == label && name != NULL && k->column->kind == ALCH_NODE_COLUMN)
        name = alch_truncate_name(c, name, ALCH_IDENT_COLUMN);
    if (shown->kind == ALCH_NODE_BINARY)    /* in parentheses only under a label of the program's */
        alch_compile_node(c, shown, inner | ALCH_V_LABEL);
    else
        alch_compile_operand(c, shown, ALCH_OP_AS, inner | ALCH_V_LABEL);
    alch_puts(c, " AS ");
    alch_put_identifier(c, name, alch_name_quoting(k));
    if (flags & ALCH_V_RESULT)
        alch_add_result(c, k, name, alch_node_type(shown));
}

void alch_compile_columns(alch_compiler *c, const alch_named_column *columns, size_t n, unsigned flags)
{
    size_t i;

    for (i = 0; i < n && c->failed == ALCH_OK; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        compile_column(c, &columns[i], flags);
    }
}

static void name_columns(alch_compiler *c, const alch_select *s, alch_frame *f, int style)
{
    alch_nodes list = { c->arena, NULL, 0, 0, 0 };
    alch_named_column *named = NULL;
    int rc = alch_expand_columns(s->columns, &list, c->err);

    if (rc == ALCH_OK)
        rc = alch_name_columns(&c->namer, list.at, list.len, style, 1, &named, c->err);
    if (rc != ALCH_OK) {
        c->failed = rc;
        return;
    }
    f->columns = named;
    f->column_count = list.len;
}

/* }=== */

static int for_this_dialect(alch_compiler *c, const alch_hint *h)
{
    return h->dialect == NULL || strcmp(h->dialect, "*") == 0 || strcmp(h->dialect, c->dialect->name) == 0;
}

void alch_compile_prefixes(alch_compiler *c, const alch_list *l, unsigned flags)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(l); i++) {
        const alch_hint *h = (const alch_hint *)l->items[i];

        if (!for_this_dialect(c, h))
            continue;
        if (h->element != NULL)
            alch_compile_node(c, h->element, flags & ALCH_V_LITERAL);
        else
            alch_puts(c, h->text);
        alch_buf_putc(c->out, ' ');
    }
}

void alch_compile_extensions(alch_compiler *c, const alch_list *l, const char *position, int behind, unsigned flags)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(l); i++) {
        const alch_hint *h = (const alch_hint *)l->items[i];

        if (strcmp(h->text, position) != 0)
            continue;
        if (!behind)
            alch_buf_putc(c->out, ' ');
        alch_compile_node(c, h->element, flags & ALCH_V_LITERAL);
        if (behind)
            alch_buf_putc(c->out, ' ');
    }
}

static void trim(alch_buf *b)
{
    if (!b->failed)
        while (b->len > 0 && b->data[b->len - 1] == ' ')
            b->len--;
}

static void compile_suffixes(alch_compiler *c, const alch_list *l, unsigned flags)
{
    if (alch_list_len(l) > 0) {
        alch_buf_putc(c->out, ' ');
        alch_compile_prefixes(c, l, flags);
        trim(c->out);
    }
}

/* distinct(column) is DISTINCT where there is no DISTINCT ON; what asked for the latter alone is shown or refused. */
static void compile_distinct(alch_compiler *c, const alch_select *s, unsigned flags)
{
    int alone = alch_list_len(s->distinct_on) > 0 && !(s->flags & ALCH_SELECT_DISTINCT);

    if (alone && !c->dialect->caps.distinct_on_ext)
        alch_compile_fail(c, ALCH_ERR_COMPILE, "the %s dialect has no DISTINCT ON", c->dialect->name);
    if (alone || (alch_list_len(s->distinct_on) > 0 && c->dialect->caps.distinct_on)) {
        alch_puts(c, "DISTINCT ON (");
        alch_compile_list(c, s->distinct_on, ", ", flags);
        alch_puts(c, ") ");
    } else if (s->flags & ALCH_SELECT_DISTINCT)
        alch_puts(c, "DISTINCT ");
}

static void compile_fetch(alch_compiler *c, const alch_select *s, unsigned flags)
{
    int wrap = c->dialect->caps.fetch_parentheses;

    if (s->offset != NULL) {
        alch_puts(c, wrap ? " OFFSET (" : " OFFSET ");
        alch_compile_node(c, s->offset, flags);
        alch_puts(c, wrap ? ") ROWS" : " ROWS");
    }
    alch_puts(c, wrap ? " FETCH FIRST (" : " FETCH FIRST ");
    if (wrap) {
        alch_compile_node(c, s->fetch, flags);
        alch_buf_putc(c->out, ')');
    } else
        alch_compile_operand(c, s->fetch, ALCH_OP_COMMA, flags);
    if (s->flags & ALCH_SELECT_PERCENT)
        alch_puts(c, " PERCENT");
    alch_puts(c, " ROWS ");
    alch_puts(c, s->flags & ALCH_SELECT_WITH_TIES ? "WITH TIES" : "ONLY");
}

/* A number that the dialect wants where the user gave none, as a parameter. */
static void put_number(alch_compiler *c, int64_t number, unsigned flags)
{
    alch_value v = { .kind = ALCH_INT, .zone = ALCH_ZONE_NONE, .as.integer = number };
    const alch_node *bind;
    int rc = alch_bind_new(NULL, NULL, alch_type_of(ALCH_TYPE_INTEGER), &v, ALCH_BIND_UNIQUE | ALCH_BIND_CONSTANT, &bind,
                           c->err);

    if (rc != ALCH_OK) {
        c->failed = rc;
        return;
    }
    alch_keep_made(c, bind);
    alch_compile_node(c, bind, flags);
}

static void compile_limit(alch_compiler *c, const alch_select *s, unsigned flags)
{
    if (s->fetch != NULL) {
        compile_fetch(c, s, flags);
        return;
    }
    if (s->limit != NULL) {
        alch_puts(c, " LIMIT ");
        alch_compile_operand(c, s->limit, ALCH_OP_COMMA, flags);
    } else if (s->offset != NULL) {
        if (c->dialect->caps.limit_bound) {
            alch_puts(c, " LIMIT ");
            put_number(c, -1, flags);
        } else
            alch_puts(c, c->dialect->caps.limit_all ? " LIMIT ALL" : " LIMIT -1");
    }
    if (s->offset != NULL) {
        alch_puts(c, " OFFSET ");
        alch_compile_operand(c, s->offset, ALCH_OP_COMMA, flags);
    } else if (s->limit != NULL && c->dialect->caps.limit_bound) {
        alch_puts(c, " OFFSET ");
        put_number(c, 0, flags);
    }
}

/* What FOR UPDATE OF names: columns stand for their tables, joins for what they join. */
static void add_lock_target(alch_nodes *tables, const alch_node *n)
{
    if (n->kind == ALCH_NODE_JOIN) {
        add_lock_target(tables, ((const alch_join *)n)->right);
        add_lock_target(tables, ((const alch_join *)n)->left);
    } else if (n->kind == ALCH_NODE_COLUMN && ((const alch_column *)n)->owner != NULL)
        alch_nodes_add_new(tables, &((const alch_column *)n)->owner->head);
    else
        alch_nodes_add_new(tables, n);
}

static void compile_lock_targets(alch_compiler *c, const alch_list *of)
{
    alch_nodes tables = { c->arena, NULL, 0, 0, 0 };
    uint32_t i;
    size_t k;

    for (i = 0; i < of->count; i++)
        add_lock_target(&tables, of->items[i]);
    for (k = 0; k < tables.len; k++) {
        alch_puts(c, k > 0 ? ", " : " OF ");
        alch_compile_node(c, tables.at[k], ALCH_V_HINT | ALCH_V_NO_SCHEMA);
    }
}

void alch_visit_lock(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_lock *l = (const alch_lock *)n;

    (void)flags;
    if (c->dialect->caps.no_locking)
        return;
    if (!c->dialect->caps.lock_options) {
        alch_puts(c, " FOR UPDATE");
        return;
    }
    if (l->flags & ALCH_LOCK_READ)
        alch_puts(c, l->flags & ALCH_LOCK_KEY ? " FOR KEY SHARE" : " FOR SHARE");
    else
        alch_puts(c, l->flags & ALCH_LOCK_KEY ? " FOR NO KEY UPDATE" : " FOR UPDATE");
    if (l->of != NULL)
        compile_lock_targets(c, l->of);
    if (l->flags & ALCH_LOCK_NOWAIT)
        alch_puts(c, " NOWAIT");
    if (l->flags & ALCH_LOCK_SKIP)
        alch_puts(c, " SKIP LOCKED");
}

/* Two labels of one expression by one name are as good as one. */
static int same_label(const alch_node *a, const alch_node *b)
{
    return a == b || (a->kind == ALCH_NODE_LABEL && alch_shares_lineage(a, b)
                      && strcmp(((const alch_label *)a)->name, ((const alch_label *)b)->name) == 0);
}

/* Is the label among the columns of the statement? Only then may ORDER BY use its name. */
static int is_selected(const alch_frame *f, const alch_node *label)
{
    size_t i;

    for (i = 0; i < f->column_count; i++)
        if (same_label(f->columns[i].column, label))
            return 1;
    return 0;
}

/* The label inside an ORDER BY item: it itself, or under DESC and the like. */
static const alch_node *ordering_label(const alch_node *n)
{
    while (n->kind == ALCH_NODE_UNARY && alch_op_is_modifier(n->op))
        n = ((const alch_unary *)n)->element;
    return n->kind == ALCH_NODE_LABEL ? n : NULL;
}

/* 'by_label': what the statement selects under a label is ordered by its name. GROUP BY has the expression: there the
** name of a column of the table would go before the label. */
static void compile_ordering(alch_compiler *c, const alch_list *l, const char *keyword, int by_label, unsigned flags)
{
    size_t start = c->out->len, first;
    uint32_t i;

    alch_puts(c, keyword);
    first = c->out->len;
    for (i = 0; i < l->count && c->failed == ALCH_OK; i++) {
        const alch_node *saved = c->label_by_name, *label = by_label ? ordering_label(l->items[i]) : NULL;
        size_t before = c->out->len;

        if (c->out->len > first)
            alch_puts(c, ", ");
        if (label != NULL && c->dialect->caps.order_by_label && c->frame != NULL && is_selected(c->frame, label))
            c->label_by_name = label;
        {
            size_t at = c->out->len;

            alch_compile_node(c, l->items[i], flags);
            if (c->out->len == at)
                c->out->len = before;
        }
        c->label_by_name = saved;
    }
    if (c->out->len == first)
        c->out->len = start;
}

static void compile_tail(alch_compiler *c, const alch_select *s, unsigned flags)
{
    if (alch_list_len(s->group_by) > 0)
        compile_ordering(c, s->group_by, " GROUP BY ", 0, flags);
    alch_compile_where(c, " HAVING ", s->having, flags);
    alch_compile_extensions(c, s->extensions, "post_criteria", 0, flags);
    if (alch_list_len(s->order_by) > 0)
        compile_ordering(c, s->order_by, " ORDER BY ", 1, flags);
    if (s->limit != NULL || s->offset != NULL || s->fetch != NULL)
        compile_limit(c, s, flags);
    if (s->lock != NULL)
        alch_compile_node(c, s->lock, flags);
}

static void compile_statement_hints(alch_compiler *c, const alch_list *l)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(l); i++) {
        const alch_hint *h = (const alch_hint *)l->items[i];

        if (for_this_dialect(c, h)) {
            alch_buf_putc(c->out, ' ');
            alch_puts(c, h->text);
        }
    }
}

static void compile_froms(alch_compiler *c, const alch_frame *f, unsigned flags)
{
    size_t i;

    for (i = 0; i < f->froms.len; i++) {
        alch_puts(c, i > 0 ? ", " : " FROM ");
        alch_compile_node(c, f->froms.at[i], flags | ALCH_V_FROM);
    }
}

/* Members of a compound have as many columns as the first one. */
static void check_width(alch_compiler *c, const alch_frame *f, int member)
{
    alch_nodes first = { c->arena, NULL, 0, 0, 0 };
    int rc;

    if (member == 0 || f->outer == NULL || f->outer->statement->kind != ALCH_NODE_COMPOUND)
        return;
    rc = alch_selected_columns(f->outer->statement, &first, c->err);
    if (rc != ALCH_OK)
        c->failed = rc;
    else if (first.len != f->column_count)
        alch_compile_fail(c, ALCH_ERR_COMPILE, "all selectables of a compound select must have identical numbers of "
                          "columns; select #1 has %zu columns, select #%d has %zu", first.len, member + 1,
                          f->column_count);
}

/* WHERE, with the criteria of mapped classes behind the user's. */
static const alch_list *where_of(alch_compiler *c, const alch_select *s, const alch_nodes *criteria)
{
    alch_list *all;
    size_t i;

    if (criteria->len == 0 || c->failed != ALCH_OK)
        return s->where;
    c->failed = alch_list_extend(s->where, ALCH_OP_COMMA, criteria->len, &all, c->err);
    if (c->failed != ALCH_OK)
        return s->where;
    for (i = 0; i < criteria->len && c->failed == ALCH_OK; i++) {
        alch_forget_params(c, criteria->at[i]);
        c->failed = c->failed != ALCH_OK ? c->failed : alch_list_push(all, alch_node_keep(criteria->at[i]), c->err);
    }
    alch_keep_made(c, &all->head);
    return all;
}

static int has_own_tail(const alch_node *n)
{
    const alch_select *s = (const alch_select *)n;

    return alch_list_len(s->order_by) > 0 || s->limit != NULL || s->offset != NULL || s->fetch != NULL;
}

/* Behind the FROMs that an INSERT's SELECT ends with: some databases would take the ON of ON CONFLICT for a join's. */
static void part_from_conflict(alch_compiler *c, const alch_frame *outer, unsigned flags)
{
    if (!(flags & ALCH_V_INSERT_SELECT) || !c->dialect->caps.conflict_after_where)
        return;
    if (outer->statement->kind == ALCH_NODE_COMPOUND)
        outer = outer->outer;
    if (((const alch_dml *)outer->statement)->conflict != NULL)
        alch_puts(c, " WHERE true");
}

/* 'member': -1, or the place in a compound. */
void alch_compile_select(alch_compiler *c, const alch_select *s, int member, unsigned flags)
{
    alch_frame frame;
    alch_nodes criteria = { c->arena, NULL, 0, 0, 0 };
    const alch_list *where;
    size_t start = c->out->len;
    int toplevel = alch_push_frame(c, &frame, &s->head);
    unsigned inner = flags & ALCH_V_LITERAL;

    name_columns(c, s, &frame, flags & ALCH_V_UNNAMED ? ALCH_LABELS_NONE : s->label_style);
    if (c->failed == ALCH_OK)
        check_width(c, &frame, member);
    alch_entity_criteria(s, &criteria);
    if (criteria.failed)
        alch_compile_nomem(c);
    if (c->failed == ALCH_OK)
        setup_froms(c, s, &criteria, &frame, flags);
    if (c->failed == ALCH_OK) {
        if (frame.outer == NULL)
            c->result->several = frame.froms.len > 1;
        alch_puts(c, "SELECT ");
        alch_compile_extensions(c, s->extensions, "post_select", 1, inner);
        if (s->ctes != NULL)
            alch_compile_independent_ctes(c, s->ctes, inner);
        alch_compile_prefixes(c, s->prefixes, inner);
        compile_distinct(c, s, inner);
        alch_compile_extensions(c, s->extensions, "pre_columns", 1, inner);
        alch_compile_columns(c, frame.columns, frame.column_count, inner | (flags & (ALCH_V_RESULT | ALCH_V_MEMBER | ALCH_V_FROM)));
        if (frame.column_count == 0)
            trim(c->out);
        compile_froms(c, &frame, inner);
        where = where_of(c, s, &criteria);
        alch_compile_where(c, " WHERE ", where, inner);
        if (alch_list_len(where) == 0 && frame.froms.len > 0 && alch_list_len(s->group_by) == 0 && !has_own_tail(&s->head))
            part_from_conflict(c, frame.outer, flags);
        alch_lint_froms(c, "SELECT", NULL, &frame.froms, where);
        compile_tail(c, s, inner);
        alch_compile_extensions(c, s->extensions, "post_body", 0, inner);
        compile_statement_hints(c, s->statement_hints);
        if (c->cte_count > 0 && (toplevel || (member < 0 && !(flags & ALCH_V_INSERT_SELECT))))
            alch_place_ctes(c, start);
        compile_suffixes(c, s->suffixes, inner);
    }
    alch_pop_frame(c);
}

void alch_visit_select(alch_compiler *c, const alch_node *n, unsigned flags)
{
    alch_compile_select(c, (const alch_select *)n, -1, flags);
}

/*
** {=== UNION and relatives
*/

/* Members that are compounds, or have an ORDER BY or LIMIT of their own, stand in parentheses. */
static int member_needs_parentheses(const alch_node *n)
{
    if (n->kind == ALCH_NODE_COMPOUND)
        return 1;
    return n->kind == ALCH_NODE_SELECT && has_own_tail(n);
}

static void compile_member(alch_compiler *c, const alch_node *n, int i, unsigned flags)
{
    int wrap = member_needs_parentheses(n), bare = c->dialect->caps.compound_members_bare;

    if (i > 0 && flags & ALCH_V_RESULT)
        flags = (flags & ~(unsigned)ALCH_V_RESULT) | ALCH_V_MEMBER;
    if (wrap)
        alch_puts(c, bare ? "SELECT * FROM (" : "(");
    if (n->kind == ALCH_NODE_SELECT)
        alch_compile_select(c, (const alch_select *)n, i, wrap ? flags & ~(unsigned)ALCH_V_INSERT_SELECT : flags);
    else
        alch_compile_node(c, n, flags & ~(unsigned)ALCH_V_INSERT_SELECT);
    if (wrap)
        alch_buf_putc(c->out, ')');
    if (wrap && bare)
        part_from_conflict(c, c->frame, flags);
}

/* ORDER BY of a compound names the first member's columns, without tables. */
static void name_compound(alch_compiler *c, const alch_node *n, alch_frame *f)
{
    alch_nodes list = { c->arena, NULL, 0, 0, 0 };
    alch_named_column *named = NULL;
    int rc = alch_selected_columns(n, &list, c->err);

    if (rc == ALCH_OK)
        rc = alch_name_columns(&c->namer, list.at, list.len, ALCH_LABELS_DEFAULT, 1, &named, c->err);
    if (rc != ALCH_OK)
        c->failed = rc;
    f->columns = named;
    f->column_count = list.len;
}

void alch_visit_compound(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_select *s = (const alch_select *)n;
    alch_frame frame;
    size_t start = c->out->len;
    unsigned member = flags & (ALCH_V_LITERAL | ALCH_V_RESULT | ALCH_V_MEMBER | ALCH_V_FROM | ALCH_V_LATERAL);
    uint32_t i;

    (void)alch_push_frame(c, &frame, n);
    if (frame.outer != NULL) {
        frame.correlate = frame.outer->correlate;
        frame.asfrom = frame.outer->asfrom;
    }
    if (s->ctes != NULL)
        alch_compile_independent_ctes(c, s->ctes, flags & ALCH_V_LITERAL);
    for (i = 0; i < s->columns->count && c->failed == ALCH_OK; i++) {
        if (i > 0) {
            alch_buf_putc(c->out, ' ');
            alch_puts(c, alch_op_text(n->op));
            alch_buf_putc(c->out, ' ');
        }
        if (i + 1 == s->columns->count && !has_own_tail(n))
            member |= flags & ALCH_V_INSERT_SELECT;
        compile_member(c, s->columns->items[i], (int)i, member);
    }
    if (c->failed == ALCH_OK)
        name_compound(c, n, &frame);
    if (c->failed == ALCH_OK)
        compile_tail(c, s, (flags & ALCH_V_LITERAL) | ALCH_V_NO_TABLE);
    if (c->cte_count > 0)
        alch_place_ctes(c, start);
    alch_pop_frame(c);
}

/* }=== */

/* The columns that text is said to have. A column twice would be two things of one row. */
static void add_text_results(alch_compiler *c, const alch_alias *t)
{
    const alch_column *const *at = (const alch_column *const *)t->from.columns;
    uint32_t i, k;

    for (i = 0; i < t->from.column_count; i++) {
        alch_named_column named = { &at[i]->head, NULL, NULL, at[i]->key, 0, 0 };

        for (k = 0; k < i && t->flags & ALCH_ALIAS_POSITIONAL; k++)
            if (at[i]->origin != NULL && at[i]->origin == at[k]->origin)
                alch_compile_fail(c, ALCH_ERR_INVALID, "Duplicate column expression requested in textual SQL: '%s'",
                                  at[i]->key);
        alch_add_result(c, &named, at[i]->name, alch_node_type(&at[i]->head));
    }
    c->result->of_text = t->flags & ALCH_ALIAS_POSITIONAL ? ALCH_TEXT_BY_POSITION : ALCH_TEXT_BY_NAME;
}

void alch_visit_text_select(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_alias *t = (const alch_alias *)n;
    alch_frame frame;
    size_t start = c->out->len;

    (void)alch_push_frame(c, &frame, n);
    if (t->ctes != NULL)
        alch_compile_independent_ctes(c, t->ctes, flags & ALCH_V_LITERAL);
    if (flags & ALCH_V_RESULT)
        add_text_results(c, t);
    alch_compile_node(c, t->element, flags & ALCH_V_LITERAL);
    if (c->cte_count > 0)
        alch_place_ctes(c, start);
    alch_pop_frame(c);
}
