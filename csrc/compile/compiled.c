#include "compile/compiled.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "compile/compiler.h"
#include "expr/selectable.h"

void alch_compiled_init(alch_compiled *r)
{
    memset((char *)r + sizeof r->arena, 0, sizeof *r - sizeof r->arena);
    alch_arena_init(&r->arena);
}

void alch_compiled_release(alch_compiled *r)
{
    size_t i;

    for (i = 0; i < r->made_count; i++)
        alch_node_drop(r->made[i]);
    alch_node_drop(r->statement);
    alch_dialect_drop(r->dialect);
    alch_free(r->sql);
    alch_arena_release(&r->arena);
    alch_compiled_init(r);
}

const alch_value *alch_param_value_of(const alch_compiled_param *p, const alch_given *given)
{
    const alch_given *g;

    if (p->ordinal == 0 || p->value == NULL)
        return p->value;
    g = &given[p->ordinal - 1];
    if (p->element == 0)
        return g->value;
    return &g->items[(size_t)(p->element - 1) * p->bind->width + (p->part != 0 ? p->part - 1 : 0)];
}

/* Parameters mostly come in the order of the key: the next one is looked for behind the one before, at 'from'. */
static uint32_t ordinal_of(const alch_bind *b, const alch_given *given, size_t count, size_t from)
{
    size_t i;

    for (i = from; i < count; i++)
        if (given[i].of == b)
            return (uint32_t)i + 1;
    for (i = 0; i < from; i++)
        if (given[i].of == b)
            return (uint32_t)i + 1;
    return 0;
}

int alch_result_column_is_shared(const alch_result_column *c)
{
    const alch_column *column = (const alch_column *)c->node;

    return c->node == NULL || (c->node->kind == ALCH_NODE_COLUMN && column->owner != NULL
                               && column->owner->head.kind == ALCH_NODE_TABLE);
}

/* Can the columns of another statement's result be told from its own list? */
static int columns_are_known(const alch_compiled *r)
{
    alch_arena arena;
    alch_nodes selected = { &arena, NULL, 0, 0, 0 };
    size_t i;
    int known;

    for (i = 0; i < r->column_count && alch_result_column_is_shared(&r->columns[i]); i++)
        ;
    if (i == r->column_count)
        return 1;
    alch_arena_init(&arena);
    known = alch_selected_columns(r->statement, &selected, NULL) == ALCH_OK && selected.len == r->column_count;
    for (i = 0; i < r->column_count && known; i++)
        known = r->columns[i].node == NULL || r->columns[i].node == selected.at[i];
    alch_arena_release(&arena);
    return known;
}

int alch_compiled_share(alch_compiled *r, const alch_given *given, size_t count)
{
    const alch_bind *last = NULL;
    uint32_t ordinal = 0;
    size_t i;

    if (r->fixed || !columns_are_known(r))
        return 0;
    for (i = 0; i < r->param_count; i++) {
        alch_compiled_param *p = &r->params[i];

        if (p->bind == NULL)
            continue;       /* a column's: from its default, or from the parameters of an execution */
        if (p->bind != last)
            ordinal = ordinal_of(p->bind, given, count, ordinal);
        if (ordinal == 0 && !p->from_default && !(p->bind->flags & ALCH_BIND_CONSTANT))
            return 0;       /* of the compiler's making, with a value of this statement */
        last = p->bind;
        p->ordinal = ordinal;
    }
    return 1;
}

const char *alch_param_name(const alch_compiled_param *p, char *buf, size_t size)
{
    int n;

    if (p->number == 0 && p->element == 0)
        return p->base;
    n = snprintf(buf, size, "%s", p->base);
    if (p->number != 0 && n >= 0 && (size_t)n < size)
        n += snprintf(buf + n, size - (size_t)n, "_%u", p->number);
    if (p->element != 0 && n >= 0 && (size_t)n < size)
        n += snprintf(buf + n, size - (size_t)n, "_%u", p->element);
    if (p->part != 0 && n >= 0 && (size_t)n < size)
        (void)snprintf(buf + n, size - (size_t)n, "_%u", p->part);
    return buf;
}

static int numbered(const alch_compiled *r)
{
    return r->dialect->paramstyle == ALCH_PARAM_DOLLAR || r->dialect->paramstyle == ALCH_PARAM_NUMERIC;
}

/* Copies the text from 'from' to 'to'; numbered placeholders inside get the next number. */
static void copy_numbered(const alch_compiled *r, size_t from, size_t to, size_t first, size_t count,
                          unsigned *number, alch_buf *out)
{
    size_t i;

    for (i = first; i < first + count && numbered(r); i++) {
        size_t at = r->positions[i].offset + 1;

        alch_buf_add(out, r->sql + from, at - from);
        alch_buf_putint(out, (*number)++);
        while (at < r->sql_len && r->sql[at] >= '0' && r->sql[at] <= '9')
            at++;
        from = at;
    }
    alch_buf_add(out, r->sql + from, to - from);
}

int alch_compiled_repeat(const alch_compiled *r, size_t rows, alch_buf *out, alch_err *err)
{
    unsigned number = 1;
    size_t i, behind = r->values_first + r->values_count;

    copy_numbered(r, 0, r->values_begin, 0, r->values_first, &number, out);
    for (i = 0; i < rows; i++) {
        if (i > 0)
            alch_buf_add(out, ", ", 2);
        copy_numbered(r, r->values_begin, r->values_end, r->values_first, r->values_count, &number, out);
    }
    copy_numbered(r, r->values_end, r->sql_len, behind, r->position_count - behind, &number, out);
    return out->failed ? alch_err_nomem(err) : ALCH_OK;
}

/* -- rows made in the order of their groups --------------------------------- */

/* The group without its parentheses, a typed column of the inner VALUES in
** place of each placeholder. */
static int put_selected(const alch_compiled *r, void *type_host, alch_buf *out, alch_err *err)
{
    size_t from = r->values_begin + 1, i;

    for (i = 0; i < r->values_count; i++) {
        const alch_position *p = &r->positions[r->values_first + i];
        const alch_type *type = r->params[p->param].type;
        size_t at = p->offset + 1;

        alch_buf_add(out, r->sql + from, p->offset - from);
        alch_buf_printf(out, type != NULL ? "CAST(p%zu AS " : "p%zu", i);
        if (type != NULL) {
            int rc = alch_type_text(r->dialect, type, type_host, out, err);

            if (rc != ALCH_OK)
                return rc;
            alch_buf_putc(out, ')');
        }
        while (r->sql[at] >= '0' && r->sql[at] <= '9')
            at++;
        from = at;
    }
    alch_buf_add(out, r->sql + from, r->values_end - 1 - from);
    return ALCH_OK;
}

static void put_group(const alch_compiled *r, size_t row, unsigned *number, alch_buf *out)
{
    uint32_t i;

    alch_buf_puts(out, row > 0 ? ", (" : "(");
    for (i = 0; i < r->values_count; i++)
        alch_buf_printf(out, "$%u, ", (*number)++);
    alch_buf_printf(out, "%zu)", row);
}

int alch_compiled_repeat_ordered(const alch_compiled *r, size_t rows, void *type_host, alch_buf *out, alch_err *err)
{
    static const char keyword[] = "VALUES ";
    unsigned number = 1;
    size_t i;
    int rc;

    alch_buf_add(out, r->sql, r->values_begin - (sizeof keyword - 1));
    alch_buf_puts(out, "SELECT ");
    rc = put_selected(r, type_host, out, err);
    if (rc != ALCH_OK)
        return rc;
    alch_buf_puts(out, " FROM (VALUES ");
    for (i = 0; i < rows; i++)
        put_group(r, i, &number, out);
    alch_buf_puts(out, ") AS imp_sen(");
    for (i = 0; i < r->values_count; i++)
        alch_buf_printf(out, "p%zu, ", i);
    alch_buf_puts(out, "sen_counter) ORDER BY sen_counter");
    alch_buf_add(out, r->sql + r->values_end, r->sql_len - r->values_end);
    return out->failed ? alch_err_nomem(err) : ALCH_OK;
}
