/* INSERT, UPDATE, DELETE: the clauses around what is set. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "compile/assignments.h"
#include "compile/lint.h"
#include "compile/returned.h"
#include "compile/wrap.h"
#include "expr/build.h"

/*
** {=== INSERT
*/

static void put_columns(alch_compiler *c, const alch_assignments *a)
{
    size_t i;

    alch_puts(c, " (");
    for (i = 0; i < a->len; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        alch_put_target(c, &a->at[i], 0);
    }
    alch_buf_putc(c->out, ')');
}

static void put_row(alch_compiler *c, alch_assignments *a, int row, unsigned flags)
{
    size_t i;

    c->frame->assignments = a;
    alch_buf_putc(c->out, '(');
    for (i = 0; i < a->len; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        alch_put_value(c, &a->at[i], row, flags);
    }
    alch_buf_putc(c->out, ')');
}

static void put_single(alch_compiler *c, alch_assignments *a, unsigned flags)
{
    alch_compiled *r = c->result;

    alch_puts(c, " VALUES ");
    if (c->frame->outer == NULL) {
        r->values_begin = (uint32_t)c->out->len;
        r->values_first = (uint32_t)r->position_count;
    }
    put_row(c, a, -1, flags);
    if (c->frame->outer == NULL) {
        r->values_end = (uint32_t)c->out->len;
        r->values_count = (uint32_t)r->position_count - r->values_first;
    }
}

/* Row 'row' of several: the first one's columns, each given again. */
static void put_next_row(alch_compiler *c, const alch_dml *d, const alch_assignments *first, uint32_t row, unsigned flags)
{
    const alch_list *values = (const alch_list *)d->values->items[row];
    alch_assignments a = { NULL, 0, 0 };
    size_t i;

    for (i = 0; i < first->len; i++) {
        const alch_column *column = (const alch_column *)first->at[i].target;
        const alch_node *value = alch_given_value(values, column);
        int how = value != NULL ? ALCH_FILL_PARAM : first->at[i].how;

        if (value == NULL && first->at[i].how == ALCH_FILL_PARAM) {
            alch_compile_fail(c, ALCH_ERR_COMPILE, "INSERT value for column %s is explicitly rendered as a bound "
                              "parameter in the VALUES clause; a Lua value or SQL expression is required in row %u",
                              column->name, row + 1);
            return;
        }
        if (value == NULL && first->at[i].how == ALCH_FILL_VALUE)
            value = column->on_insert;
        if (value == NULL)
            value = first->at[i].value;
        alch_assign(c, &a, first->at[i].target, value, how);
    }
    put_row(c, &a, (int)row, flags);
}

static void put_rows(alch_compiler *c, const alch_dml *d, alch_assignments *a, unsigned flags)
{
    uint32_t i;

    if (c->frame->outer == NULL)
        c->result->multi_values = 1;
    alch_puts(c, " VALUES ");
    put_row(c, a, 0, flags);
    for (i = 1; i < d->values->count && c->failed == ALCH_OK; i++) {
        alch_puts(c, ", ");
        put_next_row(c, d, a, i, flags);
    }
}

/* Pushes what the SELECT of from_select gives a column by default. A value, and what a function makes once for the whole
** statement, is a parameter called like the column. */
static int push_default(alch_compiler *c, const alch_assignment *a, alch_list *columns)
{
    static const alch_value none = { .kind = ALCH_NULL };
    const alch_column *column = (const alch_column *)a->target;
    const alch_node *value = alch_node_keep(a->value);
    int rc = ALCH_OK;

    if (a->how != ALCH_FILL_SQL) {
        alch_node_drop(value);
        rc = alch_bind_new(column->key, NULL, alch_node_type(&column->head), &none, ALCH_BIND_REQUIRED | ALCH_BIND_CRUD, &value,
                           c->err);
    } else if (value->kind == ALCH_NODE_SEQUENCE) {
        rc = alch_wrap_new(ALCH_NODE_NEXT_VALUE, value, NULL, &value, c->err);
    }
    return rc == ALCH_OK ? alch_list_push(columns, value, c->err) : rc;
}

/* Those parameters, now that the SELECT has its text: execution fills them in from their columns. */
static void fill_defaults(alch_compiler *c, const alch_assignments *extra)
{
    size_t i;

    for (i = 0; i < extra->len && c->failed == ALCH_OK; i++) {
        const alch_column *column = (const alch_column *)extra->at[i].target;
        uint32_t found = alch_dict_get(&c->bind_names, column->key, strlen(column->key));
        alch_compiled_param *p;

        if (extra->at[i].how == ALCH_FILL_SQL || found == 0)
            continue;
        p = &c->result->params[found - 1];
        p->bind = NULL;
        p->column = column;
        p->value = extra->at[i].how == ALCH_FILL_VALUE ? &((const alch_bind *)column->on_insert)->value : NULL;
        p->required = 0;
        p->from_default = 1;
        alch_remember_fill(c, &extra->at[i], found - 1);
    }
}

/* The SELECT of from_select, with the defaults of columns it does not fill. */
static const alch_node *select_with_defaults(alch_compiler *c, const alch_dml *d, alch_assignments *extra)
{
    const alch_from *f = alch_target_columns(d->table);
    alch_select *copy;
    alch_list *columns = NULL;
    uint32_t i, k;
    size_t n;
    int rc;

    for (i = 0; i < f->column_count; i++) {
        const alch_node *made = f->columns[i]->on_insert;

        for (k = 0; k < d->names->count && d->names->items[k] != &f->columns[i]->head; k++)
            ;
        if (k == d->names->count && made != NULL && (made->kind != ALCH_NODE_SEQUENCE || c->dialect->caps.sequences))
            alch_assign(c, extra, &f->columns[i]->head, made, made->kind == ALCH_NODE_BIND ? ALCH_FILL_VALUE
                   : made->kind == ALCH_NODE_CALLABLE ? ALCH_FILL_CALL : ALCH_FILL_SQL);
    }
    if (extra->len == 0 || d->select->kind != ALCH_NODE_SELECT || !(d->flags & ALCH_DML_DEFAULTS_FROM_SELECT)) {
        extra->len = 0;
        return d->select;
    }
    rc = alch_node_copy(d->select, &copy, c->err);
    if (rc != ALCH_OK) {
        c->failed = rc;
        return d->select;
    }
    alch_keep_made(c, &copy->head);
    rc = alch_list_extend(copy->columns, ALCH_OP_COMMA, extra->len, &columns, c->err);
    for (n = 0; n < extra->len && rc == ALCH_OK; n++)
        rc = push_default(c, &extra->at[n], columns);
    if (rc == ALCH_OK)
        rc = alch_node_set(copy, &copy->columns, columns, c->err);
    else
        alch_node_drop(columns);
    if (rc != ALCH_OK)
        c->failed = rc;
    return &copy->head;
}

static void put_from_select(alch_compiler *c, const alch_dml *d, unsigned flags)
{
    alch_assignments extra = { NULL, 0, 0 };
    const alch_node *select = select_with_defaults(c, d, &extra);
    uint32_t i;
    size_t k, start;

    alch_puts(c, " (");
    for (i = 0; i < d->names->count; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        alch_compile_node(c, d->names->items[i], ALCH_V_NO_TABLE);
    }
    for (k = 0; k < extra.len; k++) {
        alch_puts(c, ", ");
        alch_put_target(c, &extra.at[k], 0);
    }
    alch_puts(c, ") ");
    start = c->out->len;
    if (c->frame->outer == NULL)
        c->result->from_select = 1;
    if (select->kind == ALCH_NODE_SELECT)
        alch_compile_select(c, (const alch_select *)select, -1, flags | ALCH_V_INSERT_SELECT);
    else
        alch_compile_node(c, select, flags | ALCH_V_INSERT_SELECT);
    if (alch_reserve_fills(c, extra.len))
        fill_defaults(c, &extra);
    if (c->dialect->caps.cte_follows_insert && c->cte_count > 0)
        alch_place_ctes(c, start);
}

/* The table that is written, with the hints that stand in front of it or behind. */
static void put_written_table(alch_compiler *c, const alch_dml *d, unsigned flags)
{
    alch_put_hints(c, d->hints, NULL, 1);
    alch_compile_node(c, d->table, flags);
    alch_put_hints(c, d->hints, NULL, 0);
}

/* A row of defaults only. */
static void insert_nothing(alch_compiler *c, const alch_dml *d)
{
    const alch_from *f = alch_target_columns(d->table);

    if (c->options->executemany && c->dialect->caps.default_metavalue && f->column_count > 0) {
        alch_puts(c, " (");
        alch_compile_node(c, &f->columns[0]->head, ALCH_V_NO_TABLE);
        alch_puts(c, ") VALUES (DEFAULT)");
    } else if (c->dialect->caps.default_values)
        alch_puts(c, " DEFAULT VALUES");
    else if (c->dialect->caps.empty_insert)
        alch_puts(c, " () VALUES ()");
    else
        alch_compile_fail(c, ALCH_ERR_COMPILE, "The '%s' dialect with current database version settings does not support "
                          "empty inserts.", c->dialect->name);
}

static void insert_values(alch_compiler *c, const alch_dml *d, unsigned flags)
{
    alch_assignments a = { NULL, 0, 0 };
    int multi = (d->flags & ALCH_DML_MULTI) != 0;

    alch_choose_columns(c, d, multi ? (const alch_list *)d->values->items[0] : d->values, &a);
    if (c->failed != ALCH_OK || !alch_reserve_fills(c, a.len))
        return;
    if (a.len == 0)
        insert_nothing(c, d);
    else {
        put_columns(c, &a);
        if (multi)
            put_rows(c, d, &a, flags);
        else
            put_single(c, &a, flags);
    }
    if (d->ctes != NULL)        /* their parameters are numbered behind those of the values */
        alch_compile_independent_ctes(c, d->ctes, flags);
}

/* RETURNING, whose parameters and labels are numbered in front of those of the
** SELECT and of ON CONFLICT, but which stands behind them. */
static void hold_returning(alch_compiler *c, const alch_dml *d, unsigned flags, alch_buf *held)
{
    alch_buf *out = c->out;
    int marking = c->marking;

    if (d->returning == NULL)
        return;
    c->out = held;
    c->marking = 1;
    alch_compile_returning(c, d->returning, d->label_style, flags & (ALCH_V_LITERAL | ALCH_V_RESULT));
    c->marking = marking;
    c->out = out;
    if (held->failed)
        alch_compile_nomem(c);
}

void alch_visit_insert(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_dml *d = (const alch_dml *)n;
    alch_frame frame;
    alch_buf returning = ALCH_BUF_INIT;
    size_t start = c->out->len;
    unsigned inner = flags & ALCH_V_LITERAL;

    if (alch_push_frame(c, &frame, n))
        c->result->table = d->table;
    frame.correlate.len = frame.asfrom.len = 0;
    if (frame.outer == NULL)
        c->result->kind = ALCH_NODE_INSERT;
    alch_puts(c, "INSERT ");
    alch_compile_prefixes(c, d->prefixes, inner);
    alch_puts(c, "INTO ");
    put_written_table(c, d, 0);
    if (d->select != NULL) {
        if (d->ctes != NULL)
            alch_compile_independent_ctes(c, d->ctes, inner);
        hold_returning(c, d, flags, &returning);
        put_from_select(c, d, inner | (flags & ALCH_V_FROM));
    } else {
        insert_values(c, d, inner);
        hold_returning(c, d, flags, &returning);
    }
    if (d->conflict != NULL)
        alch_compile_node(c, d->conflict, inner);
    alch_compile_extensions(c, d->extensions, "post_values", 0, inner);
    if (d->select == NULL && d->returning == NULL)
        alch_compile_implicit_returning(c, d, inner | ALCH_V_RESULT);
    alch_put_marked(c, returning.data, returning.len);
    alch_buf_release(&returning);
    if (c->cte_count > 0)
        alch_place_ctes(c, start);
    alch_pop_frame(c);
}

/* }=== */

/*
** {=== UPDATE and DELETE
*/

/* FROMs besides the table: given, or named by criteria and values and not in a join that was given. */
static void extra_froms(alch_compiler *c, const alch_dml *d, alch_nodes *out)
{
    alch_nodes used = { c->arena, NULL, 0, 0, 0 }, own = used;
    uint32_t i;
    size_t k;

    for (i = 0; i < alch_list_len(d->froms); i++) {
        alch_nodes_add_new(out, d->froms->items[i]);
        alch_hidden_froms(d->froms->items[i], &own);
    }
    for (i = 0; i < alch_list_len(d->where); i++)
        alch_from_objects(d->where->items[i], &used);
    for (i = 0; d->head.kind == ALCH_NODE_UPDATE && i < alch_list_len(d->values); i++)
        alch_from_objects(((const alch_pair *)d->values->items[i])->second, &used);
    alch_from_objects(d->table, &own);
    for (k = 0; k < used.len; k++)
        if (!alch_nodes_has(&own, used.at[k]))
            alch_nodes_add_new(out, used.at[k]);
    if (used.failed || own.failed || out->failed)
        alch_compile_nomem(c);
}

static void enter(alch_compiler *c, const alch_dml *d, alch_frame *f)
{
    if (alch_push_frame(c, f, &d->head))
        c->result->table = d->table;
    if (f->outer == NULL)
        c->result->kind = d->head.kind;
    extra_froms(c, d, &f->froms);
    alch_nodes_add(&f->correlate, d->table);
    {
        size_t i;

        for (i = 0; i < f->froms.len; i++)
            alch_nodes_add(&f->correlate, f->froms.at[i]);
    }
    f->asfrom = f->correlate;
}

static void put_froms(alch_compiler *c, const alch_frame *f, const char *keyword, unsigned flags)
{
    size_t i;

    for (i = 0; i < f->froms.len; i++) {
        alch_puts(c, i > 0 ? ", " : keyword);
        alch_compile_node(c, f->froms.at[i], flags | ALCH_V_FROM);
    }
}

/* Criteria that came to nothing (and_() of a list that was empty) would make every row meant: the text may be looked
** at, but a database does not get it. */
static void put_where(alch_compiler *c, const alch_dml *d, unsigned flags)
{
    size_t before = c->out->len;

    alch_compile_where(c, " WHERE ", d->where, flags);
    if (c->failed != ALCH_OK || c->out->failed)
        return;
    if (c->options->for_execution && c->out->len == before && alch_list_len(d->where) > 0)
        alch_compile_fail(c, ALCH_ERR_ARGUMENT, "where() got an and_() or or_() of nothing, so that this would %s every row of "
                          "the table; leave where() out if that is wanted", d->head.kind == ALCH_NODE_UPDATE ? "update" : "delete");
}

static void finish_dml(alch_compiler *c, const alch_dml *d, size_t start, unsigned flags)
{
    unsigned inner = flags & ALCH_V_LITERAL;

    put_where(c, d, inner);
    alch_compile_extensions(c, d->extensions, "post_criteria", 0, inner);
    alch_lint_froms(c, d->head.kind == ALCH_NODE_UPDATE ? "UPDATE" : "DELETE", d->table, &c->frame->froms, d->where);
    if (d->returning != NULL)
        alch_compile_returning(c, d->returning, d->label_style, inner | (flags & ALCH_V_RESULT));
    else
        alch_compile_implicit_returning(c, d, inner | ALCH_V_RESULT);
    if (c->cte_count > 0)
        alch_place_ctes(c, start);
    alch_pop_frame(c);
}

void alch_visit_update(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_dml *d = (const alch_dml *)n;
    alch_assignments a = { NULL, 0, 0 };
    alch_frame frame;
    size_t start = c->out->len, i;
    unsigned inner = flags & ALCH_V_LITERAL;

    enter(c, d, &frame);
    alch_puts(c, "UPDATE ");
    alch_compile_prefixes(c, d->prefixes, inner);
    put_written_table(c, d, inner | ALCH_V_FROM);
    alch_choose_updates(c, d, &a);
    if (c->failed == ALCH_OK && a.len == 0)
        alch_compile_fail(c, ALCH_ERR_COMPILE, "this UPDATE sets no column; give it values()");
    if (c->failed == ALCH_OK && alch_reserve_fills(c, a.len)) {
        alch_puts(c, " SET ");
        frame.assignments = &a;
        for (i = 0; i < a.len && c->failed == ALCH_OK; i++) {
            if (i > 0)
                alch_puts(c, ", ");
            alch_put_target(c, &a.at[i], inner);
            alch_buf_putc(c->out, '=');
            alch_put_value(c, &a.at[i], -1, inner);
        }
    }
    if (d->ctes != NULL)
        alch_compile_independent_ctes(c, d->ctes, inner);
    put_froms(c, &frame, " FROM ", inner);
    finish_dml(c, d, start, flags);
}

void alch_visit_delete(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_dml *d = (const alch_dml *)n;
    alch_frame frame;
    size_t start = c->out->len;
    unsigned inner = flags & ALCH_V_LITERAL;

    enter(c, d, &frame);
    alch_puts(c, "DELETE ");
    alch_compile_prefixes(c, d->prefixes, inner);
    alch_puts(c, "FROM ");
    if (d->ctes != NULL)
        alch_compile_independent_ctes(c, d->ctes, inner);
    put_written_table(c, d, inner | ALCH_V_FROM);
    if (c->options->for_execution && !c->dialect->caps.delete_using && frame.froms.len > 0)
        alch_compile_fail(c, ALCH_ERR_COMPILE, "%s does not support multiple-table criteria within DELETE; name the rows by a "
                          "subquery", c->dialect->name);
    put_froms(c, &frame, c->dialect->caps.delete_using ? " USING " : ", ", inner);
    finish_dml(c, d, start, flags);
}

/* }=== */
