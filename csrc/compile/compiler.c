#include "compile/compiler.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/build.h"

void alch_compile_fail(alch_compiler *c, int code, const char *fmt, ...)
{
    char text[sizeof c->err->text];
    va_list ap;

    if (c->failed != ALCH_OK)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    c->failed = alch_err_set(c->err, code, "%s", text);
}

void alch_compile_nomem(alch_compiler *c)
{
    if (c->failed == ALCH_OK)
        c->failed = alch_err_nomem(c->err);
}

void alch_puts(alch_compiler *c, const char *s)
{
    alch_buf_puts(c->out, s);
}

void alch_put_identifier(alch_compiler *c, const char *name, unsigned quote)
{
    if (quote & ALCH_COLUMN_QUOTE)
        alch_dialect_quote_always(c->dialect, name, c->out);
    else if (quote & ALCH_COLUMN_NO_QUOTE)
        alch_puts(c, name);
    else
        alch_dialect_quote(c->dialect, name, c->out);
}

void alch_put_string(alch_compiler *c, const char *text)
{
    const char *s;

    alch_buf_putc(c->out, '\'');
    for (s = text; *s != '\0'; s++) {
        if (*s == '\'' || (*s == '\\' && c->dialect->caps.escape_backslashes))
            alch_buf_putc(c->out, *s);
        if (*s == '%' && (c->dialect->paramstyle == ALCH_PARAM_FORMAT || c->dialect->paramstyle == ALCH_PARAM_PYFORMAT))
            alch_buf_putc(c->out, '%');
        alch_buf_putc(c->out, *s);
    }
    alch_buf_putc(c->out, '\'');
}

/* A node of the host, or of a kind whose rendering the host took over. */
static void render_by_host(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_compile_host *host = c->options->host;

    c->result->fixed = 1;
    if (host == NULL || host->render == NULL)
        alch_compile_fail(c, ALCH_ERR_UNSUPPORTED, "a custom %s cannot be compiled here", alch_node_class(n->kind));
    else if (host->render(host->payload, c, n, flags, c->err) != ALCH_OK && c->failed == ALCH_OK)
        c->failed = c->err->code;
}

void alch_visit_custom(alch_compiler *c, const alch_node *n, unsigned flags)
{
    render_by_host(c, n, flags);
}

void alch_compile_node(alch_compiler *c, const alch_node *n, unsigned flags)
{
    if (c->failed != ALCH_OK)
        return;
    if (c->options->host != NULL && c->options->host->overridden != NULL && c->options->host->overridden[n->kind])
        render_by_host(c, n, flags);
    else
        alch_standard_visitors[n->kind](c, n, flags);
}

/* An item that renders to nothing takes no separator. */
void alch_compile_list(alch_compiler *c, const alch_list *l, const char *separator, unsigned flags)
{
    int written = 0;
    uint32_t i;

    for (i = 0; i < alch_list_len(l); i++) {
        size_t before = c->out->len, at;

        if (written)
            alch_puts(c, separator);
        at = c->out->len;
        alch_compile_node(c, l->items[i], flags);
        if (c->out->len > at)
            written = 1;
        else
            c->out->len = before;
    }
}

/*
** {=== Parentheses
*/

static int precedence_of(const alch_node *n)
{
    if (n->op == ALCH_OP_CUSTOM)
        return n->kind == ALCH_NODE_BINARY ? ((const alch_binary *)n)->precedence
                                           : ((const alch_unary *)n)->precedence;
    return alch_op_precedence(n->op);
}

/* operators.is_precedent(op, against) */
static int binds_looser(const alch_node *n, int against, int precedence, int natural)
{
    if (n->op == against && against != ALCH_OP_CUSTOM && natural)
        return 0;
    return precedence_of(n) <= precedence;
}

static int is_select(const alch_node *n)
{
    return n->kind == ALCH_NODE_SELECT || n->kind == ALCH_NODE_COMPOUND || n->kind == ALCH_NODE_TEXT_SELECT
        || alch_is_dml(n);
}

/* self_group(): does the node stand in parentheses as an operand of 'against'? */
static int needs_parentheses(const alch_node *n, int against, int precedence, int natural)
{
    switch (n->kind) {
    case ALCH_NODE_BINARY:
        return binds_looser(n, against, precedence, natural) || (against == ALCH_OP_NOT && !alch_is_boolean_form(n));
    case ALCH_NODE_UNARY:
        if (n->op == ALCH_OP_IS_TRUE || n->op == ALCH_OP_IS_FALSE || alch_op_is_modifier(n->op))
            return 0;
        return binds_looser(n, against, precedence, natural);
    case ALCH_NODE_LIST:
        if (n->op == ALCH_OP_SPACE || ((const alch_list *)n)->count == 0)
            return 0;
        return binds_looser(n, against, precedence, natural);
    case ALCH_NODE_LABEL:
        return needs_parentheses(((const alch_label *)n)->element, against, precedence, natural);
    case ALCH_NODE_TYPE_COERCE:
        return needs_parentheses(((const alch_wrap *)n)->element, against, precedence, natural);
    case ALCH_NODE_FILTER:
        return alch_op_precedence(ALCH_OP_FILTER) <= precedence;
    case ALCH_NODE_FUNCTION:
        return (against == ALCH_OP_GETITEM && alch_node_type(n)->family != ALCH_FAMILY_JSON) || against == ALCH_OP_ANY
            || against == ALCH_OP_ALL;
    case ALCH_NODE_TEXT:
        return against == ALCH_OP_IN || against == ALCH_OP_NOT_IN;
    case ALCH_NODE_ARRAY:
        return against == ALCH_OP_ANY || against == ALCH_OP_ALL || against == ALCH_OP_GETITEM;
    case ALCH_NODE_TUPLE: case ALCH_NODE_GROUPING: case ALCH_NODE_SCALAR:
        return 0;
    default:
        return is_select(n) || ((against == ALCH_OP_ANY || against == ALCH_OP_ALL) && n->kind != ALCH_NODE_CUSTOM);
    }
}

static void compile_constant_condition(alch_compiler *c, const alch_node *n)
{
    int truth = n->kind == ALCH_NODE_TRUE;

    if (c->dialect->caps.native_boolean)
        alch_puts(c, truth ? "true" : "false");
    else
        alch_puts(c, truth ? "1 = 1" : "0 = 1");
}

void alch_compile_operand_custom(alch_compiler *c, const alch_node *n, int against, int precedence, int natural,
                                 unsigned flags)
{
    int condition = against == ALCH_OP_AND || against == ALCH_OP_OR || against == ALCH_OP_ASBOOL;

    if (condition && (n->kind == ALCH_NODE_TRUE || n->kind == ALCH_NODE_FALSE)) {
        compile_constant_condition(c, n);
    } else if (condition && alch_is_bare_boolean(n)) {
        alch_compile_node(c, n, flags);
        if (!c->dialect->caps.native_boolean)
            alch_puts(c, " = 1");
    } else if (n != c->label_by_name && needs_parentheses(n, against, precedence, natural)) {
        alch_buf_putc(c->out, '(');
        alch_compile_node(c, n, flags);
        alch_buf_putc(c->out, ')');
    } else
        alch_compile_node(c, n, flags);
}

void alch_compile_operand(alch_compiler *c, const alch_node *n, int against, unsigned flags)
{
    int precedence = alch_op_precedence(against);

    /* an operator that SQLAlchemy's table does not know groups whatever it gets */
    alch_compile_operand_custom(c, n, against, precedence == -100 ? 100 : precedence, alch_op_is_natural(against),
                                flags);
}

/* }=== */

/* WHERE, HAVING: several calls are ANDed; constants that do not matter are left out. */
void alch_compile_criteria(alch_compiler *c, const alch_list *l, unsigned flags)
{
    alch_list *copy;
    const alch_node *all;
    uint32_t i;
    int rc;

    if (c->failed != ALCH_OK)
        return;
    for (i = 0; i < l->count; i++)
        if (l->items[i]->kind == ALCH_NODE_TRUE || l->items[i]->kind == ALCH_NODE_FALSE)
            break;
    if (i == l->count) {
        if (l->count > 1)
            flags |= ALCH_V_OPERATOR;
        for (i = 0; i < l->count; i++) {
            if (i > 0)
                alch_puts(c, " AND ");
            alch_compile_operand(c, l->items[i], l->count > 1 ? ALCH_OP_AND : ALCH_OP_ASBOOL, flags);
        }
        return;
    }
    rc = alch_list_extend(l, ALCH_OP_AND, 0, &copy, c->err);
    if (rc == ALCH_OK) {
        copy->head.op = ALCH_OP_AND;
        rc = alch_conjunction(copy, &all, c->err);
    }
    if (rc != ALCH_OK) {
        c->failed = rc;
        return;
    }
    alch_keep_made(c, all);
    alch_compile_operand(c, all, ALCH_OP_ASBOOL, flags);
}

void alch_compile_where(alch_compiler *c, const char *keyword, const alch_list *l, unsigned flags)
{
    size_t start = c->out->len, behind;

    if (alch_list_len(l) == 0)
        return;
    alch_puts(c, keyword);
    behind = c->out->len;
    alch_compile_criteria(c, l, flags);
    if (c->out->len == behind)
        c->out->len = start;
}

/*
** {=== One run
*/

/* Most statements are shorter; one allocation. */
#define ROOM_FOR_TEXT 500

static void begin(alch_compiler *c, const alch_dialect *d, const alch_compile_options *options, alch_compiled *result,
                  alch_err *err)
{
    memset(c, 0, sizeof *c);
    c->dialect = d;
    c->options = options;
    c->result = result;
    c->arena = &result->arena;
    c->out = &c->sql;
    (void)alch_buf_reserve(c->out, ROOM_FOR_TEXT);     /* a failure sticks */
    c->namer.arena = c->arena;
    c->anon.arena = c->counters.arena = c->binds.arena = c->bind_names.arena = c->truncated.arena = c->arena;
    c->err = err;
}

/* Without numbers, or each with its own, every placeholder is sent a value. */
static int send_each_position(alch_compiler *c)
{
    alch_compiled *r = c->result;
    uint32_t *sent = alch_arena_alloc(c->arena, (r->position_count + 1) * sizeof *sent);
    size_t i;

    if (sent == NULL)
        return 0;
    for (i = 0; i < r->position_count; i++)
        sent[i] = r->positions[i].param;
    r->sent = sent;
    r->sent_count = r->position_count;
    return 1;
}

/* A parameter has one number wherever it stands, so that the database knows it for the same. They are numbered as
** they were compiled, which is not where they stand: a CTE is compiled when something names it. Elements of IN lists
** come behind all others. */
static void number_params(const alch_compiled *r, uint32_t *number_of, uint32_t *sent)
{
    const uint32_t stands = UINT32_MAX;
    uint32_t next = 0, param;
    int elements;
    size_t i;

    for (i = 0; i < r->position_count; i++)
        number_of[r->positions[i].param] = stands;
    for (elements = 0; elements < 2; elements++)
        for (param = 0; param < r->param_count; param++) {
            if (number_of[param] != stands || (r->params[param].element != 0) != elements)
                continue;
            sent[next++] = param;
            number_of[param] = next;
        }
}

/* Writes the numbers into the text, which grows; 'number_of' NULL: each place has its own. */
static int write_numbers(alch_compiler *c, const uint32_t *number_of)
{
    alch_compiled *r = c->result;
    alch_buf text = ALCH_BUF_INIT;
    size_t i, from = 0;

    for (i = 0; i < r->position_count; i++) {
        alch_position *p = &r->positions[i];
        size_t at = p->offset + 1;

        alch_buf_add(&text, c->sql.data + from, at - from);
        p->offset = (uint32_t)(text.len - 1);
        if (r->values_end > 0 && i == r->values_first)
            r->values_begin = (uint32_t)(r->values_begin + (text.len - at));
        alch_buf_putint(&text, number_of != NULL ? number_of[p->param] : (int64_t)i + 1);
        from = at;
        if (r->values_end > 0 && i + 1 == r->values_first + r->values_count)
            r->values_end = (uint32_t)(r->values_end + (text.len - at));
    }
    alch_buf_add(&text, c->sql.data + from, c->sql.len - from);
    if (text.failed) {
        alch_buf_release(&text);
        return 0;
    }
    alch_buf_release(&c->sql);
    c->sql = text;
    return 1;
}

/* Numbered placeholders get their numbers when everything is in its place.
** Those of an INSERT's rows, which are repeated, each have their own. */
static int number_placeholders(alch_compiler *c)
{
    alch_compiled *r = c->result;
    uint32_t *number_of, *sent;
    size_t i, n = 0;

    if (c->options->executemany && r->values_end > 0)
        return send_each_position(c) && write_numbers(c, NULL);
    number_of = alch_arena_alloc(c->arena, (r->param_count + 1) * sizeof *number_of);
    sent = alch_arena_alloc(c->arena, (r->position_count + 1) * sizeof *sent);
    if (number_of == NULL || sent == NULL)
        return 0;
    number_params(r, number_of, sent);
    for (i = 0; i < r->param_count; i++)
        n += number_of[i] != 0;
    r->sent = sent;
    r->sent_count = n;
    return write_numbers(c, number_of);
}

static int finish(alch_compiler *c, const alch_node *n)
{
    alch_compiled *r = c->result;
    int numbered = c->dialect->paramstyle == ALCH_PARAM_DOLLAR || c->dialect->paramstyle == ALCH_PARAM_NUMERIC;

    if (c->failed == ALCH_OK && c->arena->failed)       /* whoever it was that went on without */
        alch_compile_nomem(c);
    if (c->failed == ALCH_OK && !alch_buf_reserve(&c->sql, 1))
        alch_compile_nomem(c);
    if (c->failed == ALCH_OK)
        alch_check_param_names(c);
    if (c->failed == ALCH_OK && r->position_count > 0
        && !(numbered ? number_placeholders(c) : send_each_position(c)))
        alch_compile_nomem(c);
    if (c->failed == ALCH_OK && c->sql.failed)
        alch_compile_nomem(c);
    if (c->failed != ALCH_OK) {
        alch_buf_release(&c->sql);
        return c->failed;
    }
    c->sql.data[c->sql.len] = '\0';
    r->sql = c->sql.data;
    r->sql_len = c->sql.len;
    r->kind = n->kind;
    r->statement = alch_node_keep(n);
    r->dialect = alch_dialect_keep(c->dialect);
    return ALCH_OK;
}

int alch_compile(const alch_node *n, const alch_dialect *d, const alch_compile_options *options,
                 alch_compiled *result, alch_err *err)
{
    static const alch_compile_options defaults;
    alch_err own;
    alch_compiler c;
    unsigned flags;

    begin(&c, d, options != NULL ? options : &defaults, result, err != NULL ? err : &own);
    flags = (c.options->literal_binds ? ALCH_V_LITERAL : 0u) | (c.options->bare_columns ? ALCH_V_NO_TABLE : 0u);
    if (alch_is_statement(n) || alch_is_dml(n))
        flags |= ALCH_V_RESULT;
    alch_compile_node(&c, n, flags);
    return finish(&c, n);
}

/* }=== */
