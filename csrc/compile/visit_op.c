/* Operators: how each is spelled, and the databases that spell it differently. */
#include <string.h>

#include "compile/compiler.h"

#define WITHIN(flags) ((flags) & ~(unsigned)(ALCH_V_COLUMNS | ALCH_V_LABEL | ALCH_V_FROM | ALCH_V_RESULT))
#define INNER(flags) (WITHIN(flags) | ALCH_V_OPERATOR)

static void operand(alch_compiler *c, const alch_binary *b, const alch_node *n, unsigned flags)
{
    if (n->kind == ALCH_NODE_BIND)
        alch_compile_bind(c, (const alch_bind *)n, b->head.op, flags);
    else if (b->head.op == ALCH_OP_CUSTOM)
        alch_compile_operand_custom(c, n, ALCH_OP_CUSTOM, b->precedence, b->flags & ALCH_BINARY_NATURAL, flags);
    else
        alch_compile_operand(c, n, b->head.op, flags);
}

static void generic(alch_compiler *c, const alch_binary *b, const char *text, unsigned flags)
{
    unsigned inner = INNER(flags);

    operand(c, b, b->left, inner);
    alch_puts(c, text);
    operand(c, b, b->right, inner);
}

/* The same in parentheses where it is part of another operator. */
static void eager(alch_compiler *c, const alch_binary *b, const char *text, unsigned flags)
{
    if (flags & ALCH_V_OPERATOR)
        alch_buf_putc(c->out, '(');
    generic(c, b, text, flags);
    if (flags & ALCH_V_OPERATOR)
        alch_buf_putc(c->out, ')');
}

/*
** {=== LIKE and relatives
*/

static void put_escape(alch_compiler *c, const alch_binary *b)
{
    if (b->extra != NULL) {
        alch_puts(c, " ESCAPE ");
        alch_put_string(c, b->extra);
    }
}

static void insensitive(alch_compiler *c, const alch_binary *b, const alch_node *n, unsigned flags)
{
    int native = c->dialect->caps.native_ilike;

    if (!native)
        alch_puts(c, "lower(");
    if (n->kind == ALCH_NODE_BIND)
        alch_compile_bind(c, (const alch_bind *)n, b->head.op, flags);
    else
        alch_compile_operand(c, n, b->head.op, flags);
    if (!native)
        alch_buf_putc(c->out, ')');
}

/* LIKE and its relatives do not count as an operator that their operands are part of. */
static void like(alch_compiler *c, const alch_binary *b, int negated, unsigned flags)
{
    flags = WITHIN(flags);
    operand(c, b, b->left, flags);
    alch_puts(c, negated ? " NOT LIKE " : " LIKE ");
    operand(c, b, b->right, flags);
    put_escape(c, b);
}

static void ilike(alch_compiler *c, const alch_binary *b, int negated, unsigned flags)
{
    int native = c->dialect->caps.native_ilike;

    flags = WITHIN(flags);
    insensitive(c, b, b->left, flags);
    alch_puts(c, native ? negated ? " NOT ILIKE " : " ILIKE " : negated ? " NOT LIKE " : " LIKE ");
    insensitive(c, b, b->right, flags);
    put_escape(c, b);
}

static void put_percent(alch_compiler *c)
{
    alch_put_string(c, "%");
}

/* contains, startswith, endswith: a pattern made of the operand and '%'. */
static void pattern(alch_compiler *c, const alch_binary *b, int before, int behind, int case_blind, int negated,
                    unsigned flags)
{
    flags = WITHIN(flags);
    if (case_blind)
        insensitive(c, b, b->left, flags);
    else
        operand(c, b, b->left, flags);
    if (case_blind && c->dialect->caps.native_ilike)
        alch_puts(c, negated ? " NOT ILIKE " : " ILIKE ");
    else
        alch_puts(c, negated ? " NOT LIKE " : " LIKE ");
    if (before) {
        put_percent(c);
        alch_puts(c, " || ");
    }
    if (case_blind)
        insensitive(c, b, b->right, flags);
    else if (b->right->kind == ALCH_NODE_BINARY && b->right->op == ALCH_OP_CONCAT)
        alch_compile_node(c, b->right, flags);      /* one chain with the '%' */
    else
        operand(c, b, b->right, flags);
    if (behind) {
        alch_puts(c, " || ");
        put_percent(c);
    }
    put_escape(c, b);
}

static int compile_like(alch_compiler *c, const alch_binary *b, unsigned flags)
{
    switch (b->head.op) {
    case ALCH_OP_LIKE: like(c, b, 0, flags); return 1;
    case ALCH_OP_NOT_LIKE: like(c, b, 1, flags); return 1;
    case ALCH_OP_ILIKE: ilike(c, b, 0, flags); return 1;
    case ALCH_OP_NOT_ILIKE: ilike(c, b, 1, flags); return 1;
    case ALCH_OP_CONTAINS: pattern(c, b, 1, 1, 0, 0, flags); return 1;
    case ALCH_OP_NOT_CONTAINS: pattern(c, b, 1, 1, 0, 1, flags); return 1;
    case ALCH_OP_ICONTAINS: pattern(c, b, 1, 1, 1, 0, flags); return 1;
    case ALCH_OP_NOT_ICONTAINS: pattern(c, b, 1, 1, 1, 1, flags); return 1;
    case ALCH_OP_STARTSWITH: pattern(c, b, 0, 1, 0, 0, flags); return 1;
    case ALCH_OP_NOT_STARTSWITH: pattern(c, b, 0, 1, 0, 1, flags); return 1;
    case ALCH_OP_ISTARTSWITH: pattern(c, b, 0, 1, 1, 0, flags); return 1;
    case ALCH_OP_NOT_ISTARTSWITH: pattern(c, b, 0, 1, 1, 1, flags); return 1;
    case ALCH_OP_ENDSWITH: pattern(c, b, 1, 0, 0, 0, flags); return 1;
    case ALCH_OP_NOT_ENDSWITH: pattern(c, b, 1, 0, 0, 1, flags); return 1;
    case ALCH_OP_IENDSWITH: pattern(c, b, 1, 0, 1, 0, flags); return 1;
    case ALCH_OP_NOT_IENDSWITH: pattern(c, b, 1, 0, 1, 1, flags); return 1;
    default: return 0;
    }
}

/* }=== */

/*
** {=== Regular expressions and full text
*/

/* x REGEXP '(?i)' || pattern. A text to be read does without: there SQLAlchemy shows no flags. */
static void regexp_with_prefix(alch_compiler *c, const alch_binary *b, const char *text, unsigned flags)
{
    if (strcmp(b->extra, "i") != 0) {
        alch_compile_fail(c, ALCH_ERR_COMPILE, "regexp_match(): '%s' knows the flag 'i' only, got '%s'", c->dialect->name, b->extra);
        return;
    }
    operand(c, b, b->left, INNER(flags));
    alch_puts(c, text);
    alch_puts(c, "'(?i)' || ");
    operand(c, b, b->right, INNER(flags));
}

static void regexp_match(alch_compiler *c, const alch_binary *b, int negated, unsigned flags)
{
    const alch_words *w = &c->dialect->words;
    const char *text = negated ? w->not_regexp_match : w->regexp_match;

    if (text == NULL)
        text = negated ? " <not regexp> " : " <regexp> ";
    if (b->extra != NULL && c->dialect->caps.regexp_prefix && c->options->for_execution) {
        regexp_with_prefix(c, b, text, flags);
    } else if (b->extra == NULL || !c->dialect->caps.regexp_star) {
        if (b->extra != NULL && c->options->for_execution)
            alch_compile_fail(c, ALCH_ERR_COMPILE, "%s has no flags for regular expressions", c->dialect->name);
        generic(c, b, text, flags);
    } else if (strcmp(b->extra, "i") == 0) {
        generic(c, b, negated ? " !~* " : " ~* ", flags);
    } else {
        operand(c, b, b->left, INNER(flags));
        alch_puts(c, text);
        alch_puts(c, "CONCAT('(?', ");
        alch_put_string(c, b->extra);
        alch_puts(c, ", ')', ");
        operand(c, b, b->right, INNER(flags));
        alch_buf_putc(c->out, ')');
    }
}

static void regexp_replace(alch_compiler *c, const alch_binary *b, unsigned flags)
{
    flags = INNER(flags);
    if (c->options->for_execution && !c->dialect->caps.regexp_functions)
        alch_compile_fail(c, ALCH_ERR_COMPILE, "%s does not support regular expression replacements", c->dialect->name);
    alch_puts(c, c->dialect->caps.regexp_functions ? "REGEXP_REPLACE(" : "<regexp replace>(");
    operand(c, b, b->left, flags);
    alch_puts(c, ", ");
    alch_compile_list(c, (const alch_list *)b->right, ", ", flags);
    if (b->extra != NULL && c->dialect->caps.regexp_functions) {
        alch_puts(c, ", ");
        alch_put_string(c, b->extra);
    }
    alch_buf_putc(c->out, ')');
}

static void match(alch_compiler *c, const alch_binary *b, int negated, unsigned flags)
{
    if (!c->dialect->caps.match_tsquery) {
        if (negated)
            alch_puts(c, "NOT ");
        generic(c, b, " MATCH ", flags);
        return;
    }
    flags = WITHIN(flags);
    if (negated)
        alch_puts(c, "NOT ");
    operand(c, b, b->left, flags);
    alch_puts(c, " @@ plainto_tsquery(");
    if (b->extra != NULL) {
        alch_put_string(c, b->extra);
        alch_puts(c, ", ");
    }
    operand(c, b, b->right, flags);
    alch_buf_putc(c->out, ')');
}

/* }=== */

/*
** {=== Arithmetic
*/

static int is_integer(const alch_node *n)
{
    return alch_node_type(n)->family == ALCH_FAMILY_INTEGER;
}

static void true_division(alch_compiler *c, const alch_binary *b, unsigned flags)
{
    const alch_type *t = alch_node_type(b->right);

    if (!c->dialect->caps.div_is_floordiv && !c->dialect->caps.div_adds_float) {
        generic(c, b, " / ", flags);
        return;
    }
    flags = INNER(flags);
    operand(c, b, b->left, flags);
    alch_puts(c, " / ");
    if (c->dialect->caps.div_adds_float) {
        alch_buf_putc(c->out, '(');
        operand(c, b, b->right, flags);
        alch_puts(c, " + 0.0)");
        return;
    }
    alch_puts(c, "CAST(");
    operand(c, b, b->right, flags);
    alch_puts(c, " AS ");
    alch_compile_type(c, t->family == ALCH_FAMILY_NUMERIC || t->family == ALCH_FAMILY_FLOAT
                      ? t : alch_type_of(ALCH_TYPE_NUMERIC));
    alch_buf_putc(c->out, ')');
}

static void floor_division(alch_compiler *c, const alch_binary *b, unsigned flags)
{
    if (c->dialect->caps.div_is_floordiv && is_integer(b->left) && is_integer(b->right)) {
        generic(c, b, " / ", flags);
        return;
    }
    alch_puts(c, "FLOOR(");
    generic(c, b, " / ", flags);
    alch_buf_putc(c->out, ')');
}

static void exclusive_or(alch_compiler *c, const alch_binary *b, unsigned flags)
{
    if (c->dialect->caps.xor_is_hash) {
        generic(c, b, " # ", flags);
    } else if (c->dialect->caps.xor_by_or_and) {
        flags |= ALCH_V_OPERATOR;
        alch_buf_putc(c->out, '(');
        eager(c, b, " | ", flags);
        alch_puts(c, " - ");
        eager(c, b, " & ", flags);
        alch_buf_putc(c->out, ')');
    } else
        generic(c, b, " ^ ", flags);
}

static void between(alch_compiler *c, const alch_binary *b, int negated, unsigned flags)
{
    const alch_list *bounds = (const alch_list *)b->right;

    flags = INNER(flags);
    operand(c, b, b->left, flags);
    alch_puts(c, negated ? " NOT BETWEEN " : " BETWEEN ");
    if (b->flags & ALCH_BINARY_SYMMETRIC)
        alch_puts(c, "SYMMETRIC ");
    alch_compile_node(c, bounds->items[0], flags);
    alch_puts(c, " AND ");
    alch_compile_node(c, bounds->items[1], flags);
}

/* }=== */

/*
** {=== Subscripts
*/

static int is_named(const alch_type *t, const char *name)
{
    return t->kind == ALCH_TYPE_NAMED && strcmp(alch_type_ddl(t), name) == 0;
}

/* PostgreSQL takes the subscript of a value that no name stands for in parentheses only. */
static void subscripted(alch_compiler *c, const alch_binary *b, unsigned flags)
{
    if (!c->dialect->caps.jsonb_subscripts || (b->left->kind != ALCH_NODE_FUNCTION && b->left->kind != ALCH_NODE_CAST)) {
        operand(c, b, b->left, WITHIN(flags));
        return;
    }
    alch_buf_putc(c->out, '(');
    alch_compile_node(c, b->left, INNER(flags) & ~(unsigned)ALCH_V_OPERATOR);
    alch_buf_putc(c->out, ')');
}

static void subscript(alch_compiler *c, const alch_binary *b, unsigned flags)
{
    if (!c->dialect->caps.jsonb_subscripts && is_named(alch_node_type(b->left), "HSTORE")) {
        eager(c, b, " -> ", flags);
        return;
    }
    subscripted(c, b, flags);
    alch_buf_putc(c->out, '[');
    alch_compile_node(c, b->right, WITHIN(flags) & ~(unsigned)ALCH_V_OPERATOR);
    alch_buf_putc(c->out, ']');
}

static void json_extract(alch_compiler *c, const alch_binary *b, int json, unsigned flags)
{
    alch_puts(c, json ? "JSON_QUOTE(JSON_EXTRACT(" : "JSON_EXTRACT(");
    generic(c, b, ", ", flags);
    alch_puts(c, json ? "))" : ")");
}

/* A JSON element: as JSON, or read as another type. */
static void json_item(alch_compiler *c, const alch_binary *b, unsigned flags)
{
    const alch_type *t = alch_node_type(&b->head);
    int json = t->family == ALCH_FAMILY_JSON, path = b->head.op == ALCH_OP_JSON_PATH;

    if (!c->dialect->caps.json_arrows && !c->dialect->caps.json_extract) {
        subscript(c, b, flags);
        return;
    }
    if (!json)
        alch_puts(c, "CAST(");
    if (c->dialect->caps.json_extract)
        json_extract(c, b, json, flags);
    else if (json && !path && c->dialect->caps.jsonb_subscripts && is_named(alch_node_type(b->left), "JSONB"))
        subscript(c, b, flags);
    else
        eager(c, b, path ? json ? " #> " : " #>> " : json ? " -> " : " ->> ", flags);
    if (!json) {
        alch_puts(c, " AS ");
        alch_compile_type(c, t);
        alch_buf_putc(c->out, ')');
    }
}

/* }=== */

static void custom(alch_compiler *c, const alch_binary *b, unsigned flags)
{
    int doubled = c->dialect->paramstyle == ALCH_PARAM_FORMAT || c->dialect->paramstyle == ALCH_PARAM_PYFORMAT;
    alch_buf text = ALCH_BUF_INIT;
    const char *s;

    alch_buf_putc(&text, ' ');
    for (s = b->extra; *s != '\0'; s++) {
        if (*s == '%' && doubled)
            alch_buf_putc(&text, '%');
        alch_buf_putc(&text, *s);
    }
    alch_buf_putc(&text, ' ');
    if (text.failed)
        alch_compile_nomem(c);
    else if (b->flags & ALCH_BINARY_EAGER)
        eager(c, b, text.data, flags);
    else
        generic(c, b, text.data, flags);
    alch_buf_release(&text);
}

static void not_in(alch_compiler *c, const alch_binary *b, unsigned flags)
{
    alch_buf_putc(c->out, '(');
    generic(c, b, " NOT IN ", flags);
    alch_buf_putc(c->out, ')');
}

void alch_visit_binary(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_binary *b = (const alch_binary *)n;
    int doubled = c->dialect->paramstyle == ALCH_PARAM_FORMAT || c->dialect->paramstyle == ALCH_PARAM_PYFORMAT;

    if (compile_like(c, b, flags))
        return;
    switch (n->op) {
    case ALCH_OP_NOT_IN: not_in(c, b, flags); break;
    case ALCH_OP_BETWEEN: between(c, b, 0, flags); break;
    case ALCH_OP_NOT_BETWEEN: between(c, b, 1, flags); break;
    case ALCH_OP_TRUEDIV: true_division(c, b, flags); break;
    case ALCH_OP_FLOORDIV: floor_division(c, b, flags); break;
    case ALCH_OP_MOD: generic(c, b, doubled ? " %% " : " % ", flags); break;
    case ALCH_OP_BIT_XOR: exclusive_or(c, b, flags); break;
    case ALCH_OP_REGEXP_MATCH: regexp_match(c, b, 0, flags); break;
    case ALCH_OP_NOT_REGEXP_MATCH: regexp_match(c, b, 1, flags); break;
    case ALCH_OP_REGEXP_REPLACE: regexp_replace(c, b, flags); break;
    case ALCH_OP_MATCH: match(c, b, 0, flags); break;
    case ALCH_OP_NOT_MATCH: match(c, b, 1, flags); break;
    case ALCH_OP_GETITEM: subscript(c, b, flags); break;
    case ALCH_OP_JSON_GETITEM: case ALCH_OP_JSON_PATH: json_item(c, b, flags); break;
    case ALCH_OP_FUNC_COMPARE: alch_compile_node(c, b->left, flags); break;
    case ALCH_OP_CUSTOM: custom(c, b, flags); break;
    case ALCH_OP_IS_DISTINCT:
        generic(c, b, c->dialect->caps.distinct_as_is ? " IS NOT " : alch_op_text(n->op), flags);
        break;
    case ALCH_OP_IS_NOT_DISTINCT:
        generic(c, b, c->dialect->caps.distinct_as_is ? " IS " : alch_op_text(n->op), flags);
        break;
    default: generic(c, b, alch_op_text(n->op), flags);
    }
}

/* A truth value by its type alone: bare where the database has booleans. */
static void truth(alch_compiler *c, const alch_unary *u, int wanted, unsigned flags)
{
    int bare = c->dialect->caps.native_boolean || u->element->kind == ALCH_NODE_GROUPING;

    if (!wanted && bare)
        alch_puts(c, "NOT ");
    alch_compile_node(c, u->element, flags);
    if (!bare)
        alch_puts(c, wanted ? " = 1" : " = 0");
}

void alch_visit_unary(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_unary *u = (const alch_unary *)n;
    int behind = alch_op_is_modifier(n->op) || (n->op == ALCH_OP_CUSTOM && u->flags);
    const char *text = n->op == ALCH_OP_CUSTOM ? u->extra : alch_op_text(n->op);

    flags = INNER(flags) & ~(unsigned)ALCH_V_OPERATOR;
    if (n->op == ALCH_OP_IS_TRUE || n->op == ALCH_OP_IS_FALSE) {
        truth(c, u, n->op == ALCH_OP_IS_TRUE, flags);
        return;
    }
    if (!behind) {
        alch_puts(c, text);
        if (n->op == ALCH_OP_CUSTOM)
            alch_buf_putc(c->out, ' ');
    }
    if (n->op == ALCH_OP_CUSTOM)
        alch_compile_operand_custom(c, u->element, ALCH_OP_CUSTOM, u->precedence, 0, flags);
    else
        alch_compile_operand(c, u->element, n->op, flags);
    if (behind) {
        if (n->op == ALCH_OP_CUSTOM)
            alch_buf_putc(c->out, ' ');
        alch_puts(c, text);
    }
}
