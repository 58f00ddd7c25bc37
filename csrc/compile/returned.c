/* RETURNING: what the user asked for, and what a result tells of a row that the
** database completed (inserted_primary_key, returned_defaults). */
#include "compile/returned.h"

#include "expr/selectable.h"

void alch_compile_returning(alch_compiler *c, const alch_list *columns, int style, unsigned flags)
{
    alch_nodes list = { c->arena, NULL, 0, 0, 0 };
    alch_named_column *named = NULL;
    int rc = alch_expand_columns(columns, &list, c->err);

    if (rc == ALCH_OK)
        rc = alch_name_columns(&c->namer, list.at, list.len, style, 1, &named, c->err);
    if (rc != ALCH_OK) {
        c->failed = rc;
        return;
    }
    if (c->frame->outer == NULL)
        c->result->returning = 1;
    alch_puts(c, " RETURNING ");
    if (c->dialect->caps.returning_bare)
        flags |= ALCH_V_NO_TABLE;
    alch_compile_columns(c, named, list.len, flags);
}

static const alch_fill *fill_of(const alch_compiled *r, const alch_column *column)
{
    size_t i;

    for (i = 0; i < r->fill_count; i++)
        if (r->fills[i].column == column)
            return &r->fills[i];
    return NULL;
}

/* Did return_defaults() ask for the column? Without any named, for all of them. */
static int is_asked(const alch_dml *d, const alch_column *column)
{
    uint32_t i;

    if (!(d->flags & ALCH_DML_RETURN_DEFAULTS))
        return 0;
    for (i = 0; i < alch_list_len(d->defaults); i++)
        if (d->defaults->items[i] == &column->head)
            return 1;
    return d->defaults == NULL;
}

/* A value that was sent is known; what the text or the database makes of a column is not. */
static int comes_back_from_insert(const alch_compiled *r, const alch_dml *d, const alch_column *column)
{
    const alch_fill *fill = fill_of(r, column);
    int key = (column->flags & ALCH_COLUMN_PRIMARY_KEY) != 0;

    if (fill != NULL)
        return fill->how == ALCH_FILL_SQL && (key || is_asked(d, column));
    if (key)
        return (column->flags & (ALCH_COLUMN_AUTOINCREMENT | ALCH_COLUMN_SERVER_DEFAULT | ALCH_COLUMN_IDENTITY)) != 0;
    return is_asked(d, column);
}

/* Columns that nothing changes come back only when they are named. */
static int comes_back(const alch_compiled *r, const alch_dml *d, const alch_column *column)
{
    const alch_fill *fill;

    if (d->head.kind == ALCH_NODE_INSERT)
        return comes_back_from_insert(r, d, column);
    fill = fill_of(r, column);
    if (fill != NULL)
        return fill->how == ALCH_FILL_SQL && is_asked(d, column);
    return is_asked(d, column) && (d->defaults != NULL || (d->head.kind == ALCH_NODE_UPDATE
                                                           && column->flags & ALCH_COLUMN_SERVER_ONUPDATE));
}

static int has_item(const alch_list *l, const alch_node *item)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(l); i++)
        if (l->items[i] == item)
            return 1;
    return 0;
}

/* Those of 'from' that 'out' has not. */
static int add_items(const alch_list *from, alch_list *out, alch_err *err)
{
    int rc = ALCH_OK;
    uint32_t i;

    for (i = 0; i < alch_list_len(from) && rc == ALCH_OK; i++)
        if (!has_item(out, from->items[i]))
            rc = alch_list_push(out, alch_node_keep(from->items[i]), err);
    return rc;
}

/* In the table's order, what is no column of it after them; a DELETE gives what was asked for as it was asked. */
static int collect(const alch_compiler *c, const alch_dml *d, alch_list *out)
{
    const alch_from *f = alch_target_columns(d->table);
    int rc = ALCH_OK;
    uint32_t i;

    if (d->head.kind == ALCH_NODE_DELETE)
        rc = add_items(d->defaults, out, c->err);
    for (i = 0; d->head.kind != ALCH_NODE_DELETE && i < f->column_count && rc == ALCH_OK; i++)
        if (comes_back(c->result, d, f->columns[i]) || has_item(d->supplemental, &f->columns[i]->head))
            rc = alch_list_push(out, alch_node_keep(&f->columns[i]->head), c->err);
    return rc == ALCH_OK ? add_items(d->supplemental, out, c->err) : rc;
}

/* Does the database tell the key of one row without RETURNING? Only one that it counted up itself: what an expression
** made of a key comes back, or nobody knows it. */
static int key_is_told(const alch_compiler *c, const alch_dml *d)
{
    const alch_from *f = alch_target_columns(d->table);
    uint32_t i;

    for (i = 0; i < f->column_count && c->dialect->caps.last_row_id; i++)
        if (f->columns[i]->flags & ALCH_COLUMN_AUTOINCREMENT)
            return 1;
    return 0;
}

/* Where the key of one row is known without, only what was asked for is a reason. */
static int is_wanted(const alch_compiler *c, const alch_dml *d)
{
    int asked = (d->flags & ALCH_DML_RETURN_DEFAULTS) != 0;

    if (!c->dialect->caps.insert_returning || c->frame->outer != NULL || d->flags & (ALCH_DML_INLINE | ALCH_DML_MULTI)
        || d->select != NULL || d->table->kind != ALCH_NODE_TABLE || ((const alch_table *)d->table)->implicit_returning_off)
        return 0;
    if (d->head.kind != ALCH_NODE_INSERT)
        return asked && !c->options->executemany;
    return asked || (!c->options->executemany && !key_is_told(c, d));
}

void alch_compile_implicit_returning(alch_compiler *c, const alch_dml *d, unsigned flags)
{
    alch_list *columns;
    int rc;

    if (c->failed != ALCH_OK || !is_wanted(c, d))
        return;
    columns = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, 2, c->err);
    if (columns == NULL) {
        alch_compile_nomem(c);
        return;
    }
    rc = collect(c, d, columns);
    alch_keep_made(c, &columns->head);
    if (rc != ALCH_OK) {
        c->failed = rc;
        return;
    }
    if (columns->count == 0)
        return;
    c->result->implicit_returning = 1;
    alch_compile_returning(c, columns, ALCH_LABELS_DEFAULT, flags);
}
