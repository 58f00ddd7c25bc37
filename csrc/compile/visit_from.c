/* What stands in FROM: tables, aliases, joins, VALUES. */
#include <string.h>

#include "compile/compiler.h"

static const char *alias_name(alch_compiler *c, const alch_alias *a)
{
    return a->name != NULL ? alch_resolve_name(c, a->name, ALCH_IDENT_ALIAS) : NULL;
}

static void put_alias_name(alch_compiler *c, const alch_alias *a)
{
    const char *name = alias_name(c, a);

    if (name != NULL)
        alch_put_identifier(c, name, alch_alias_quoting(a));
}

static int goes_before(const alch_compiler *c, const alch_hint *h)
{
    return c->dialect->caps.distinct_on && (strcmp(h->text, "ONLY") == 0 || strcmp(h->text, "only") == 0);
}

/* The hints of with_hint() for this dialect, as the standard shows them: behind what they are about. PostgreSQL knows
** one, ONLY, in front ('before'). */
void alch_put_hints(alch_compiler *c, const alch_list *hints, const alch_node *from, int before)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(hints); i++) {
        const alch_hint *h = (const alch_hint *)hints->items[i];

        if (goes_before(c, h) == before && (from == NULL || h->element == from) && (h->dialect == NULL || strcmp(h->dialect, "*") == 0
                                   || strcmp(h->dialect, c->dialect->name) == 0)) {
            alch_puts(c, before ? "" : " ");
            alch_puts(c, h->text);
            alch_puts(c, before ? " " : "");
        }
    }
}

static void put_hint(alch_compiler *c, const alch_node *from, int before)
{
    if (c->frame != NULL && c->frame->statement != NULL && c->frame->statement->kind == ALCH_NODE_SELECT)
        alch_put_hints(c, ((const alch_select *)c->frame->statement)->hints, from, before);
}

void alch_visit_table(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const char *alias = flags & ALCH_V_ALIASED ? NULL : alch_alias_beside_namesake(c, (const alch_table *)n);

    if (flags & ALCH_V_FROM)
        put_hint(c, n, 1);
    if (alias == NULL || flags & ALCH_V_FROM)
        alch_put_table_name(c, (const alch_table *)n, flags);
    if (alias != NULL) {
        alch_puts(c, flags & ALCH_V_FROM ? " AS " : "");
        alch_put_identifier(c, alias, 0);
    }
    if (flags & ALCH_V_FROM)
        put_hint(c, n, 0);
}

/* AS name(column [type], ...) */
static void put_derived_columns(alch_compiler *c, const alch_alias *a)
{
    uint32_t i;

    alch_buf_putc(c->out, '(');
    for (i = 0; i < a->from.column_count; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        alch_put_identifier(c, a->from.columns[i]->name, 0);
        if (a->flags & ALCH_ALIAS_DERIVE_TYPES) {
            alch_buf_putc(c->out, ' ');
            alch_compile_type(c, alch_node_type(&a->from.columns[i]->head));
        }
    }
    alch_buf_putc(c->out, ')');
}

static int takes_parentheses(const alch_alias *a)
{
    return alch_is_statement(a->element) || alch_is_dml(a->element) || a->element->kind == ALCH_NODE_JOIN;
}

void alch_visit_alias(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_alias *a = (const alch_alias *)n;
    const alch_alias *of = a;
    unsigned inner = (flags & (ALCH_V_LITERAL | ALCH_V_NO_SCHEMA)) | ALCH_V_FROM;

    if (n->kind == ALCH_NODE_LATERAL && !(flags & ALCH_V_FROM))
        inner &= ~(unsigned)ALCH_V_FROM;
    if (flags & ALCH_V_HINT) {
        put_alias_name(c, a);
        return;
    }
    if (!(flags & ALCH_V_FROM) && n->kind != ALCH_NODE_LATERAL) {   /* an alias on its own shows what it is of */
        alch_compile_node(c, a->element, flags);
        return;
    }
    (void)alias_name(c, a);     /* numbered before what is in it */
    while (of->element->kind == ALCH_NODE_ALIAS || of->element->kind == ALCH_NODE_SUBQUERY
           || of->element->kind == ALCH_NODE_LATERAL)
        of = (const alch_alias *)of->element;   /* an alias of an alias: only the outer name shows */
    if (n->kind == ALCH_NODE_LATERAL || of->from.head.kind == ALCH_NODE_LATERAL || a->flags & ALCH_ALIAS_LATERAL) {
        alch_puts(c, "LATERAL ");
        inner |= ALCH_V_LATERAL;
    }
    put_hint(c, n, 1);
    if (takes_parentheses(of))
        alch_buf_putc(c->out, '(');
    alch_compile_node(c, of->element, of->element->kind == ALCH_NODE_TABLE ? inner | ALCH_V_ALIASED : inner);
    if (takes_parentheses(of))
        alch_buf_putc(c->out, ')');
    if (!(flags & ALCH_V_FROM))
        return;
    if (a->name != NULL) {
        alch_puts(c, " AS ");
        put_alias_name(c, a);
    }
    if (a->flags & (ALCH_ALIAS_DERIVE | ALCH_ALIAS_DERIVE_TYPES))
        put_derived_columns(c, a);
    put_hint(c, n, 0);
}

void alch_visit_tablesample(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_alias *a = (const alch_alias *)n;

    alch_visit_alias(c, n, flags | ALCH_V_FROM);
    alch_puts(c, " TABLESAMPLE ");
    alch_compile_node(c, a->extra, flags & ALCH_V_LITERAL);
    if (a->seed != NULL) {
        alch_puts(c, " REPEATABLE (");
        alch_compile_node(c, a->seed, flags & ALCH_V_LITERAL);
        alch_buf_putc(c->out, ')');
    }
}

/* A table-valued function named as a column: its alias's name. */
void alch_visit_table_valued(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_node *from = ((const alch_wrap *)n)->element;

    if (from->kind == ALCH_NODE_TABLE)
        alch_put_table_name(c, (const alch_table *)from, flags | ALCH_V_NO_SCHEMA);
    else if (alch_is_from(from) && from->kind != ALCH_NODE_JOIN)
        put_alias_name(c, (const alch_alias *)from);
    else
        alch_compile_fail(c, ALCH_ERR_COMPILE, "a %s has no name that could stand for its rows",
                          alch_node_class(from->kind));
}

static void put_rows(alch_compiler *c, const alch_alias *v, unsigned flags)
{
    const alch_list *rows = (const alch_list *)v->element;
    uint32_t i;

    alch_puts(c, "VALUES ");
    for (i = 0; i < alch_list_len(rows); i++) {
        if (i > 0)
            alch_puts(c, ", ");
        alch_compile_node(c, rows->items[i], flags);
    }
}

void alch_visit_values(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_alias *v = (const alch_alias *)n;
    unsigned inner = flags & ALCH_V_LITERAL;
    uint32_t i;

    if (v->flags & ALCH_ALIAS_LITERAL)
        inner |= ALCH_V_LITERAL;
    if (v->ctes != NULL)
        alch_compile_independent_ctes(c, v->ctes, flags);
    if (!(flags & ALCH_V_FROM) || (c->frame != NULL && c->frame->visiting_cte != NULL
                                   && ((const alch_alias *)c->frame->visiting_cte)->element == n)) {
        put_rows(c, v, inner);
        return;
    }
    if (v->flags & ALCH_ALIAS_LATERAL)
        alch_puts(c, "LATERAL ");
    alch_buf_putc(c->out, '(');
    put_rows(c, v, inner);
    alch_buf_putc(c->out, ')');
    if (v->flags & ALCH_ALIAS_UNNAMED)
        return;
    alch_puts(c, " AS ");
    put_alias_name(c, v);
    alch_puts(c, " (");
    for (i = 0; i < v->from.column_count; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        alch_put_identifier(c, v->from.columns[i]->name, v->from.columns[i]->flags);
    }
    alch_buf_putc(c->out, ')');
}

void alch_visit_join(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_join *j = (const alch_join *)n;
    unsigned inner = (flags & (ALCH_V_LITERAL | ALCH_V_NO_SCHEMA)) | ALCH_V_FROM;
    int nested = j->right->kind == ALCH_NODE_JOIN;

    alch_compile_node(c, j->left, inner);
    alch_puts(c, j->flags & ALCH_JOIN_FULL ? " FULL OUTER JOIN " : j->flags & ALCH_JOIN_OUTER ? " LEFT OUTER JOIN "
                 : j->flags & ALCH_JOIN_CROSS ? " CROSS JOIN " : " JOIN ");
    if (nested)
        alch_buf_putc(c->out, '(');
    alch_compile_node(c, j->right, inner);
    if (nested)
        alch_buf_putc(c->out, ')');
    if (j->on == NULL)
        return;
    alch_puts(c, " ON ");
    alch_compile_operand(c, j->on, ALCH_OP_ASBOOL, flags & ALCH_V_LITERAL);
}
