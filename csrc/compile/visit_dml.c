/* INSERT, UPDATE, DELETE: which columns get what, and the clauses around it. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "compile/compiler.h"
#include "compile/lint.h"
#include "compile/returned.h"
#include "compile/wrap.h"
#include "expr/build.h"

/* One column of VALUES or SET. */
typedef struct assignment {
    const alch_node *target;        /* a COLUMN, or an expression (data['x']) */
    const alch_node *value;         /* NULL: a parameter of the column's name */
    uint32_t param;                 /* its parameter once it has one; UINT32_MAX */
    uint8_t how;                    /* ALCH_FILL_... of a parameter */
} assignment;

typedef struct assignments {
    assignment *at;
    size_t len, size;
} assignments;

static void assign(alch_compiler *c, assignments *a, const alch_node *target, const alch_node *value, int how)
{
    if (a->len == a->size) {
        size_t size = a->size != 0 ? a->size * 2 : 16;
        assignment *at = alch_arena_alloc(c->arena, size * sizeof *at);

        if (at == NULL) {
            alch_compile_nomem(c);
            return;
        }
        if (a->len > 0)
            memcpy(at, a->at, a->len * sizeof *at);
        a->at = at;
        a->size = size;
    }
    a->at[a->len++] = (assignment){ target, value, UINT32_MAX, (uint8_t)how };
}

/*
** {=== Which columns
*/

static const alch_node *given(const alch_list *row, const alch_column *column)
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
static int assign_default(alch_compiler *c, assignments *a, const alch_column *column, const alch_node *made)
{
    if (made == NULL)
        return 0;
    if (made->kind == ALCH_NODE_BIND)
        assign(c, a, &column->head, NULL, ALCH_FILL_VALUE);
    else if (made->kind == ALCH_NODE_CALLABLE)
        assign(c, a, &column->head, NULL, ALCH_FILL_CALL);
    else if (made->kind == ALCH_NODE_SEQUENCE || made->kind == ALCH_NODE_NEXT_VALUE) {
        if (!c->dialect->caps.sequences)
            return 0;
        assign(c, a, &column->head, made, ALCH_FILL_SQL);
    } else
        assign(c, a, &column->head, made, ALCH_FILL_SQL);
    return 1;
}

/* Without parameters and values every column is one. */
static int takes_all(const alch_compiler *c, const alch_dml *d)
{
    return !c->options->has_column_keys && alch_list_len(d->values) == 0 && !(d->flags & ALCH_DML_NO_VALUES);
}

static void choose_columns(alch_compiler *c, const alch_dml *d, const alch_list *row, assignments *a)
{
    const alch_from *f = alch_target_columns(d->table);
    int all = takes_all(c, d), insert = d->head.kind == ALCH_NODE_INSERT;
    uint32_t i;

    for (i = 0; i < f->column_count; i++) {
        const alch_column *column = f->columns[i];
        const alch_node *value = given(row, column);

        if (value != NULL)
            assign(c, a, &column->head, value, ALCH_FILL_PARAM);
        else if (all || in_keys(c, column))
            assign(c, a, &column->head, NULL, ALCH_FILL_PARAM);
        else
            (void)assign_default(c, a, column, insert ? column->on_insert : column->on_update);
    }
}

/* What is set but is no column of the table: data['x'], a column of another table. */
static void choose_expressions(alch_compiler *c, const alch_dml *d, const alch_list *row, assignments *a)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(row); i++) {
        const alch_pair *p = (const alch_pair *)row->items[i];
        const alch_column *column = (const alch_column *)p->first;

        if (p->first->kind != ALCH_NODE_COLUMN || &column->owner->head != d->table)
            assign(c, a, p->first, p->second, ALCH_FILL_PARAM);
    }
}

/* The columns with onupdate of other tables that this UPDATE sets columns of. */
static void choose_affected(alch_compiler *c, const alch_dml *d, const alch_list *row, assignments *a)
{
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
            if (given(row, f->columns[i]) == NULL)
                (void)assign_default(c, a, f->columns[i], f->columns[i]->on_update);
    }
    if (tables.failed)
        alch_compile_nomem(c);
}

/* UPDATE in the order of ordered_values(), other columns with onupdate behind. */
static void choose_ordered(alch_compiler *c, const alch_dml *d, assignments *a)
{
    const alch_from *f = alch_target_columns(d->table);
    uint32_t i;

    for (i = 0; i < d->values->count; i++) {
        const alch_pair *p = (const alch_pair *)d->values->items[i];

        assign(c, a, p->first, p->second, ALCH_FILL_PARAM);
    }
    for (i = 0; i < f->column_count; i++)
        if (given(d->values, f->columns[i]) == NULL)
            (void)assign_default(c, a, f->columns[i], f->columns[i]->on_update);
}

/* }=== */

/*
** {=== Values
*/

static void remember_fill(alch_compiler *c, const assignment *a, uint32_t param)
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
static void put_inner_value(alch_compiler *c, const assignment *a, unsigned flags)
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
static void put_called_param(alch_compiler *c, const assignment *a, int row)
{
    const alch_column *column = (const alch_column *)a->target;
    const char *key = key_in_row(c, column->key, row);
    alch_compiled_param p = { .base = key, .key = key, .column = column, .type = alch_node_type(&column->head), .row = 1,
                              .group = (uint32_t)row + 1, .called = 1 };

    alch_put_column_placeholder(c, p.type, alch_add_param(c, &p));
}

/* ":name": the parameter of a column. */
static void put_column_param(alch_compiler *c, assignment *a, int row)
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
    remember_fill(c, a, param);
    alch_put_column_placeholder(c, p.type, param);
}

/* A plain value: a parameter named after its column, with the column's type. */
static void put_value_param(alch_compiler *c, assignment *a, const alch_bind *b, int row)
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
        remember_fill(c, a, param);
    alch_put_column_placeholder(c, p.type, param);
}

/* What stands in the text has no parameter of its own; of several rows the first one's counts. */
static void remember_text(alch_compiler *c, const assignment *a, int row)
{
    if (row < 1)
        remember_fill(c, a, UINT32_MAX);
}

static int is_plain_value(const alch_node *n)
{
    const alch_bind *b = (const alch_bind *)n;

    return n->kind == ALCH_NODE_BIND && b->key == NULL && !(b->flags & ALCH_BIND_EXPANDING);
}

static void put_value(alch_compiler *c, assignment *a, int row, unsigned flags)
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

static void put_target(alch_compiler *c, const assignment *a, unsigned flags)
{
    alch_compile_node(c, a->target, flags | ALCH_V_NO_TABLE);
}

static int reserve_fills(alch_compiler *c, size_t n)
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
    assignments *all = c->frame != NULL ? c->frame->assignments : NULL;
    size_t i;

    for (i = 0; all != NULL && i < all->len; i++)
        if (all->at[i].target == column) {
            put_value(c, &all->at[i], -1, flags);
            return;
        }
    if (all != NULL && c->frame->statement->kind == ALCH_NODE_UPDATE)
        alch_compile_node(c, column, flags);
    else
        alch_compile_fail(c, ALCH_ERR_COMPILE, "from_dml_column() needs an INSERT or UPDATE that sets its column");
}

/*
** {=== INSERT
*/

static void put_columns(alch_compiler *c, const assignments *a)
{
    size_t i;

    alch_puts(c, " (");
    for (i = 0; i < a->len; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        put_target(c, &a->at[i], 0);
    }
    alch_buf_putc(c->out, ')');
}

static void put_row(alch_compiler *c, assignments *a, int row, unsigned flags)
{
    size_t i;

    c->frame->assignments = a;
    alch_buf_putc(c->out, '(');
    for (i = 0; i < a->len; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        put_value(c, &a->at[i], row, flags);
    }
    alch_buf_putc(c->out, ')');
}

static void put_single(alch_compiler *c, assignments *a, unsigned flags)
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
static void put_next_row(alch_compiler *c, const alch_dml *d, const assignments *first, uint32_t row, unsigned flags)
{
    const alch_list *values = (const alch_list *)d->values->items[row];
    assignments a = { NULL, 0, 0 };
    size_t i;

    for (i = 0; i < first->len; i++) {
        const alch_column *column = (const alch_column *)first->at[i].target;
        const alch_node *value = given(values, column);
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
        assign(c, &a, first->at[i].target, value, how);
    }
    put_row(c, &a, (int)row, flags);
}

static void put_rows(alch_compiler *c, const alch_dml *d, assignments *a, unsigned flags)
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
static int push_default(alch_compiler *c, const assignment *a, alch_list *columns)
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
static void fill_defaults(alch_compiler *c, const assignments *extra)
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
        remember_fill(c, &extra->at[i], found - 1);
    }
}

/* The SELECT of from_select, with the defaults of columns it does not fill. */
static const alch_node *select_with_defaults(alch_compiler *c, const alch_dml *d, assignments *extra)
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
            assign(c, extra, &f->columns[i]->head, made, made->kind == ALCH_NODE_BIND ? ALCH_FILL_VALUE
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
    assignments extra = { NULL, 0, 0 };
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
        put_target(c, &extra.at[k], 0);
    }
    alch_puts(c, ") ");
    start = c->out->len;
    if (c->frame->outer == NULL)
        c->result->from_select = 1;
    if (select->kind == ALCH_NODE_SELECT)
        alch_compile_select(c, (const alch_select *)select, -1, flags | ALCH_V_INSERT_SELECT);
    else
        alch_compile_node(c, select, flags | ALCH_V_INSERT_SELECT);
    if (reserve_fills(c, extra.len))
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
    assignments a = { NULL, 0, 0 };
    int multi = (d->flags & ALCH_DML_MULTI) != 0;

    choose_columns(c, d, multi ? (const alch_list *)d->values->items[0] : d->values, &a);
    if (c->failed != ALCH_OK || !reserve_fills(c, a.len))
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
    if (d->conflict != NULL)
        alch_compile_node(c, d->conflict, flags);
    if (d->returning == NULL)
        alch_compile_implicit_returning(c, d, flags | ALCH_V_RESULT);
}

void alch_visit_insert(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_dml *d = (const alch_dml *)n;
    alch_frame frame;
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
        put_from_select(c, d, inner | (flags & ALCH_V_FROM));
        if (d->conflict != NULL)
            alch_compile_node(c, d->conflict, inner);
    } else
        insert_values(c, d, inner);
    if (d->returning != NULL)
        alch_compile_returning(c, d->returning, d->label_style, inner | (flags & ALCH_V_RESULT));
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
    assignments a = { NULL, 0, 0 };
    alch_frame frame;
    size_t start = c->out->len, i;
    unsigned inner = flags & ALCH_V_LITERAL;

    enter(c, d, &frame);
    alch_puts(c, "UPDATE ");
    alch_compile_prefixes(c, d->prefixes, inner);
    put_written_table(c, d, inner | ALCH_V_FROM);
    if (d->flags & ALCH_DML_ORDERED)
        choose_ordered(c, d, &a);
    else {
        choose_columns(c, d, d->values, &a);
        choose_expressions(c, d, d->values, &a);
        choose_affected(c, d, d->values, &a);
    }
    if (c->failed == ALCH_OK && a.len == 0)
        alch_compile_fail(c, ALCH_ERR_COMPILE, "this UPDATE sets no column; give it values()");
    if (c->failed == ALCH_OK && reserve_fills(c, a.len)) {
        alch_puts(c, " SET ");
        frame.assignments = &a;
        for (i = 0; i < a.len && c->failed == ALCH_OK; i++) {
            if (i > 0)
                alch_puts(c, ", ");
            put_target(c, &a.at[i], inner);
            alch_buf_putc(c->out, '=');
            put_value(c, &a.at[i], -1, inner);
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
