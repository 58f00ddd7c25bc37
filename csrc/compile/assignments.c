/* What an INSERT or UPDATE sets: the columns, and the parameters of their values. */
#include "compile/assignments.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "compile/wrap.h"
#include "expr/build.h"
#include "schema/table.h"

void alch_assign(alch_compiler *c, alch_assignments *a, const alch_node *target, const alch_node *value, int how)
{
    if (a->len == a->size) {
        size_t size = a->size != 0 ? a->size * 2 : 16;
        alch_assignment *at = alch_arena_alloc(c->arena, size * sizeof *at);

        if (at == NULL) {
            alch_compile_nomem(c);
            return;
        }
        if (a->len > 0)
            memcpy(at, a->at, a->len * sizeof *at);
        a->at = at;
        a->size = size;
    }
    a->at[a->len++] = (alch_assignment){ target, value, UINT32_MAX, (uint8_t)how };
}

/*
** {=== Which columns
*/

const alch_node *alch_given_value(const alch_list *row, const alch_column *column)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(row); i++)
        if (((const alch_pair *)row->items[i])->first == &column->head)
            return ((const alch_pair *)row->items[i])->second;
    return NULL;
}

static int in_keys(const alch_compiler *c, const alch_column *column)
{
    size_t i;

    for (i = 0; i < c->options->column_key_count; i++)
        if (strcmp(c->options->column_keys[i], column->key) == 0)
            return 1;
    return 0;
}

/* A default of a column the parameters do not bring. 1: there is one. */
static int assign_default(alch_compiler *c, alch_assignments *a, const alch_column *column, const alch_node *made)
{
    if (made == NULL)
        return 0;
    if (made->kind == ALCH_NODE_BIND)
        alch_assign(c, a, &column->head, NULL, ALCH_FILL_VALUE);
    else if (made->kind == ALCH_NODE_CALLABLE)
        alch_assign(c, a, &column->head, NULL, ALCH_FILL_CALL);
    else if (made->kind == ALCH_NODE_SEQUENCE || made->kind == ALCH_NODE_NEXT_VALUE) {
        if (!c->dialect->caps.sequences)
            return 0;
        alch_assign(c, a, &column->head, made, ALCH_FILL_SQL);
    } else
        alch_assign(c, a, &column->head, made, ALCH_FILL_SQL);
    return 1;
}

/* Without parameters and values every column is one. */
static int takes_all(const alch_compiler *c, const alch_dml *d)
{
    return !c->options->has_column_keys && alch_list_len(d->values) == 0 && !(d->flags & ALCH_DML_NO_VALUES);
}

void alch_choose_columns(alch_compiler *c, const alch_dml *d, const alch_list *row, alch_assignments *a)
{
    const alch_from *f = alch_target_columns(d->table);
    int all = takes_all(c, d), insert = d->head.kind == ALCH_NODE_INSERT;
    uint32_t i;

    for (i = 0; i < f->column_count; i++) {
        const alch_column *column = f->columns[i];
        const alch_node *value = alch_given_value(row, column);

        if (value != NULL)
            alch_assign(c, a, &column->head, value, ALCH_FILL_PARAM);
        else if (all || in_keys(c, column))
            alch_assign(c, a, &column->head, NULL, ALCH_FILL_PARAM);
        else
            (void)assign_default(c, a, column, insert ? column->on_insert : column->on_update);
    }
}

/* Is this an alias of the table, or an alias of one? */
static int is_derived_from(const alch_node *n, const alch_node *table)
{
    while (n != table && n->kind == ALCH_NODE_ALIAS)
        n = ((const alch_alias *)n)->element;
    return n == table;
}

/* The column of the table's own that another one stands for by its key. */
static const alch_node *namesake(alch_compiler *c, const alch_dml *d, const alch_column *column)
{
    const alch_column *own = alch_from_find(alch_target_columns(d->table), column->key, strlen(column->key));
    char name[128];

    if (own != NULL)
        return &own->head;
    alch_compile_fail(c, ALCH_ERR_COMPILE, "Unconsumed column names: %s (%s has no such column)", column->key,
                      alch_from_label(d->table, name, sizeof name));
    return &column->head;
}

/* Is the table one of those that the statement writes to, which may be a join? */
static int is_written(const alch_node *target, const alch_node *table)
{
    const alch_join *j = (const alch_join *)target;

    return target == table
        || (target->kind == ALCH_NODE_JOIN && (is_written(j->left, table) || is_written(j->right, table)));
}

/* What a key of values{} sets. A column of another table that stands in FROM is
** set only where the statement's own table is an alias of that one. */
static const alch_node *target_of(alch_compiler *c, const alch_dml *d, const alch_node *key)
{
    const alch_column *column = (const alch_column *)key;
    char name[128];

    if (key->kind != ALCH_NODE_COLUMN || (column->owner != NULL && is_written(d->table, &column->owner->head)))
        return key;
    if (column->owner == NULL || !alch_nodes_has(&c->frame->froms, &column->owner->head))
        return namesake(c, d, column);
    if (!is_derived_from(d->table, &column->owner->head))
        alch_compile_fail(c, ALCH_ERR_COMPILE, "Backend does not support additional tables in the SET clause; cannot include "
                          "columns from table(s) '%s' in SET clause", alch_from_label(&column->owner->head, name, sizeof name));
    return key;
}

/* What is set but is no column of the table: data['x'], a column of another one. */
static void choose_expressions(alch_compiler *c, const alch_dml *d, alch_assignments *a)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(d->values); i++) {
        const alch_pair *p = (const alch_pair *)d->values->items[i];
        const alch_column *column = (const alch_column *)p->first;

        if (p->first->kind != ALCH_NODE_COLUMN || column->owner == NULL || &column->owner->head != d->table)
            alch_assign(c, a, target_of(c, d, p->first), p->second, ALCH_FILL_PARAM);
    }
}

/* The columns with onupdate of other tables that this UPDATE sets columns of. */
static void choose_affected(alch_compiler *c, const alch_dml *d, alch_assignments *a)
{
    const alch_list *row = d->values;
    alch_nodes tables = { c->arena, NULL, 0, 0, 0 };
    uint32_t i;
    size_t k;

    for (i = 0; i < alch_list_len(row); i++) {
        const alch_node *target = ((const alch_pair *)row->items[i])->first;
        const alch_column *column = (const alch_column *)target;

        if (target->kind == ALCH_NODE_COLUMN && column->owner != NULL && &column->owner->head != d->table)
            alch_nodes_add_new(&tables, &column->owner->head);
    }
    for (k = 0; k < tables.len; k++) {
        const alch_from *f = (const alch_from *)tables.at[k];

        for (i = 0; i < f->column_count; i++)
            if (alch_given_value(row, f->columns[i]) == NULL)
                (void)assign_default(c, a, f->columns[i], f->columns[i]->on_update);
    }
    if (tables.failed)
        alch_compile_nomem(c);
}

/* UPDATE in the order of ordered_values(), other columns with onupdate behind. */
static void choose_ordered(alch_compiler *c, const alch_dml *d, alch_assignments *a)
{
    const alch_from *f = alch_target_columns(d->table);
    uint32_t i;

    for (i = 0; i < d->values->count; i++) {
        const alch_pair *p = (const alch_pair *)d->values->items[i];

        alch_assign(c, a, target_of(c, d, p->first), p->second, ALCH_FILL_PARAM);
    }
    for (i = 0; i < f->column_count; i++)
        if (alch_given_value(d->values, f->columns[i]) == NULL)
            (void)assign_default(c, a, f->columns[i], f->columns[i]->on_update);
}

void alch_choose_updates(alch_compiler *c, const alch_dml *d, alch_assignments *a)
{
    if (d->flags & ALCH_DML_ORDERED)
        choose_ordered(c, d, a);
    else {
        alch_choose_columns(c, d, d->values, a);
        choose_expressions(c, d, a);
        choose_affected(c, d, a);
    }
}

/* }=== */

/*
** {=== Values
*/

void alch_remember_fill(alch_compiler *c, const alch_assignment *a, uint32_t param)
{
    alch_compiled *r = c->result;

    if (a->target->kind == ALCH_NODE_COLUMN && c->frame->outer == NULL)
        r->fills[r->fill_count++] = (alch_fill){ (const alch_column *)a->target, param, a->how };
}

/* What the parameter of a column is called: its key; behind the table's name
** where an UPDATE sets a column of another table than its own. */
static const char *param_key(alch_compiler *c, const alch_column *column)
{
    const alch_dml *d = (const alch_dml *)c->frame->statement;
    const char *table;
    char *made;
    size_t size;

    if (d->head.kind != ALCH_NODE_UPDATE || column->owner == NULL || !alch_nodes_has(&c->frame->froms, &column->owner->head))
        return column->key;
    table = alch_name_of_from(column->owner);
    if (table == NULL)
        return column->key;
    table = alch_resolve_name(c, table, ALCH_IDENT_ALIAS);
    size = strlen(table) + strlen(column->key) + 2;
    made = alch_arena_alloc(c->arena, size);
    if (made == NULL) {
        alch_compile_nomem(c);
        return column->key;
    }
    (void)snprintf(made, size, "%s_%s", table, column->key);
    return made;
}

/* In a CTE a plain value is a parameter like any other, with the column's type. */
static void put_inner_value(alch_compiler *c, const alch_assignment *a, unsigned flags)
{
    alch_bind *typed;
    int rc = alch_node_copy(a->value, &typed, c->err);

    if (rc != ALCH_OK) {
        c->failed = rc;
        return;
    }
    alch_keep_made(c, &typed->head);
    typed->flags |= ALCH_BIND_UNIQUE;
    if (alch_node_type(a->target)->family != ALCH_FAMILY_NULL && !(typed->flags & ALCH_BIND_TYPED))
        alch_node_set_type(typed, a->target->type);
    alch_compile_node(c, &typed->head, flags);
}

/* Of several rows: name_m0, name_m1. */
static const char *key_in_row(alch_compiler *c, const char *key, int row)
{
    size_t size = strlen(key) + 16;
    char *name = alch_arena_alloc(c->arena, size);

    if (name == NULL) {
        alch_compile_nomem(c);
        return key;
    }
    (void)snprintf(name, size, "%s_m%d", key, row);
    return name;
}

/* ":name_m1": what the column's function makes for one of several rows. The first one's is ":name". */
static void put_called_param(alch_compiler *c, const alch_assignment *a, int row)
{
    const alch_column *column = (const alch_column *)a->target;
    const char *key = key_in_row(c, column->key, row);
    alch_compiled_param p = { .base = key, .key = key, .column = column, .type = alch_node_type(&column->head), .row = 1,
                              .group = (uint32_t)row + 1, .called = 1 };

    alch_put_column_placeholder(c, p.type, alch_add_param(c, &p));
}

/* ":name": the parameter of a column. */
static void put_column_param(alch_compiler *c, alch_assignment *a, int row)
{
    const alch_column *column = (const alch_column *)a->target;
    const char *key = param_key(c, column);
    alch_compiled_param p = { .base = key, .key = key, .column = column, .required = a->how == ALCH_FILL_PARAM, .row = 1,
                              .group = (uint32_t)(row + 1) };
    const alch_node *made = c->frame->statement->kind == ALCH_NODE_UPDATE ? column->on_update : column->on_insert;
    uint32_t param, found = alch_dict_get(&c->bind_names, key, strlen(key));

    if (found != 0 && a->how == ALCH_FILL_VALUE && c->frame->outer != NULL) {    /* another CTE has the same default */
        a->value = made;
        put_inner_value(c, a, 0);
        return;
    }
    if (found != 0) {
        alch_fail_reserved(c, key);
        return;
    }
    p.type = alch_node_type(&column->head);
    if (a->how == ALCH_FILL_VALUE) {
        p.value = &((const alch_bind *)made)->value;
        p.from_default = 1;
    }
    param = alch_add_param(c, &p);
    if (!alch_dict_set(&c->bind_names, key, strlen(key), param + 1))
        alch_compile_nomem(c);
    a->param = param;
    alch_remember_fill(c, a, param);
    alch_put_column_placeholder(c, p.type, param);
}

/* A plain value: a parameter named after its column, with the column's type. */
static void put_value_param(alch_compiler *c, alch_assignment *a, const alch_bind *b, int row)
{
    const alch_column *column = (const alch_column *)a->target;
    const char *key = param_key(c, column);
    alch_compiled_param p = { .bind = b, .base = key, .key = key, .value = &b->value, .column = column, .row = 1,
                              .from_default = a->how == ALCH_FILL_VALUE, .group = (uint32_t)(row + 1) };
    uint32_t param;

    if (row >= 0)
        p.base = p.key = key_in_row(c, key, row);
    if (row < 0 && alch_dict_get(&c->bind_names, p.base, strlen(p.base)) != 0)
        alch_fail_reserved(c, key);
    p.type = b->flags & ALCH_BIND_TYPED || alch_node_type(&column->head)->family == ALCH_FAMILY_NULL
        ? alch_node_type(&b->head) : alch_node_type(&column->head);
    param = alch_add_param(c, &p);
    if (row < 0 && !alch_dict_set(&c->bind_names, p.base, strlen(p.base), param + 1))
        alch_compile_nomem(c);
    a->param = param;
    if (row < 1)
        alch_remember_fill(c, a, param);
    alch_put_column_placeholder(c, p.type, param);
}

/* What stands in the text has no parameter of its own; of several rows the first one's counts. */
static void remember_text(alch_compiler *c, const alch_assignment *a, int row)
{
    if (row < 1)
        alch_remember_fill(c, a, UINT32_MAX);
}

static int is_plain_value(const alch_node *n)
{
    const alch_bind *b = (const alch_bind *)n;

    return n->kind == ALCH_NODE_BIND && b->key == NULL && !(b->flags & ALCH_BIND_EXPANDING);
}

void alch_put_value(alch_compiler *c, alch_assignment *a, int row, unsigned flags)
{
    if (a->param != UINT32_MAX) {       /* another column referred to it already */
        alch_put_column_placeholder(c, c->result->params[a->param].type, a->param);
        return;
    }
    if (a->value == NULL) {
        if (row > 0)
            put_called_param(c, a, row);
        else
            put_column_param(c, a, row);
        return;
    }
    if (is_plain_value(a->value) && a->target->kind == ALCH_NODE_COLUMN && c->frame->outer != NULL) {
        put_inner_value(c, a, flags);
        return;
    }
    if (is_plain_value(a->value) && a->target->kind == ALCH_NODE_COLUMN) {
        const alch_bind *b = (const alch_bind *)a->value;

        if (flags & ALCH_V_LITERAL) {
            remember_text(c, a, row);
            alch_put_column_literal(c, alch_node_type(a->target)->family != ALCH_FAMILY_NULL ? alch_node_type(a->target)
                                 : alch_node_type(a->value), &b->value);
        } else
            put_value_param(c, a, b, row);
        return;
    }
    if (a->value->kind != ALCH_NODE_BIND)
        a->how = ALCH_FILL_SQL;
    remember_text(c, a, row);
    if (a->value->kind == ALCH_NODE_SEQUENCE) {
        alch_wrap next = { { 1, ALCH_NODE_NEXT_VALUE, 0, 2, NULL }, a->value };

        alch_compile_node(c, &next.head, flags);
    } else
        alch_compile_operand(c, a->value, ALCH_OP_NONE, flags);
}

void alch_put_target(alch_compiler *c, const alch_assignment *a, unsigned flags)
{
    alch_compile_node(c, a->target, flags | ALCH_V_NO_TABLE);
}

int alch_reserve_fills(alch_compiler *c, size_t n)
{
    if (c->frame->outer != NULL)
        return 1;
    c->result->fills = alch_arena_alloc(c->arena, (n + 1) * sizeof *c->result->fills);
    if (c->result->fills == NULL) {
        alch_compile_nomem(c);
        return 0;
    }
    return 1;
}

/* }=== */

/* from_dml_column(c): what this very statement sets the column to. */
void alch_visit_dml_column(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_node *column = ((const alch_wrap *)n)->element;
    alch_assignments *all = c->frame != NULL ? c->frame->assignments : NULL;
    size_t i;

    for (i = 0; all != NULL && i < all->len; i++)
        if (all->at[i].target == column) {
            alch_put_value(c, &all->at[i], -1, flags);
            return;
        }
    if (all != NULL && c->frame->statement->kind == ALCH_NODE_UPDATE)
        alch_compile_node(c, column, flags);
    else
        alch_compile_fail(c, ALCH_ERR_COMPILE, "from_dml_column() needs an INSERT or UPDATE that sets its column");
}

