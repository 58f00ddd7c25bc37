/* Expressions: columns, operators, functions, case, cast, text. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "compile/compiler.h"
#include "expr/build.h"

/* What the operands of an expression inherit of its flags. */
#define INNER(flags) ((flags) & ~(unsigned)(ALCH_V_COLUMNS | ALCH_V_LABEL | ALCH_V_FROM | ALCH_V_RESULT))

/* -- columns and labels ------------------------------------------------------ */

void alch_put_table_name(alch_compiler *c, const alch_table *t, unsigned flags)
{
    const char *schema = flags & ALCH_V_NO_SCHEMA ? NULL : alch_dialect_schema(c->dialect, t->schema);

    if (schema != NULL && schema[0] != '\0') {
        unsigned quote = t->quote & 4 ? ALCH_COLUMN_QUOTE : t->quote & 8 ? ALCH_COLUMN_NO_QUOTE : 0;

        alch_put_identifier(c, schema, quote);
        alch_buf_putc(c->out, '.');
    }
    alch_put_identifier(c, t->name, t->quote & 1 ? ALCH_COLUMN_QUOTE : t->quote & 2 ? ALCH_COLUMN_NO_QUOTE : 0);
}

/* "users." in front of a column; nothing for what has no name. */
static void put_qualifier(alch_compiler *c, const alch_from *owner, unsigned flags)
{
    if (owner->head.kind == ALCH_NODE_TABLE) {
        const char *alias = alch_alias_beside_namesake(c, (const alch_table *)owner);

        if (alias != NULL)
            alch_put_identifier(c, alias, 0);
        else
            alch_put_table_name(c, (const alch_table *)owner, flags);
        alch_buf_putc(c->out, '.');
    } else if (owner->head.kind != ALCH_NODE_TEXT_SELECT) {
        const alch_alias *a = (const alch_alias *)owner;

        if (a->name == NULL || (a->flags & ALCH_ALIAS_UNNAMED && owner->head.kind == ALCH_NODE_VALUES))
            return;
        alch_put_identifier(c, alch_resolve_name(c, a->name, ALCH_IDENT_ALIAS), alch_alias_quoting(a));
        alch_buf_putc(c->out, '.');
    }
}

static void put_literal_text(alch_compiler *c, const char *text)
{
    const char *s;

    for (s = text; *s != '\0'; s++) {
        if (*s == '%' && (c->dialect->paramstyle == ALCH_PARAM_FORMAT || c->dialect->paramstyle == ALCH_PARAM_PYFORMAT))
            alch_buf_putc(c->out, '%');
        alch_buf_putc(c->out, *s);
    }
}

void alch_visit_column(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_column *column = (const alch_column *)n;
    const char *name = column->name;

    /* Generated names are numbered as they are met: the column's before its table's. */
    if (column->flags & ALCH_COLUMN_ANON)
        name = alch_resolve_name(c, name, ALCH_IDENT_COLUMN);
    else if (column->flags & ALCH_COLUMN_SHORTEN)
        name = alch_truncate_name(c, name, ALCH_IDENT_COLUMN);
    if (column->owner != NULL && !(flags & ALCH_V_NO_TABLE))
        put_qualifier(c, column->owner, flags);
    if (column->flags & ALCH_COLUMN_LITERAL)
        put_literal_text(c, column->name);
    else
        alch_put_identifier(c, name, column->flags);
}

void alch_visit_label(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_label *l = (const alch_label *)n;
    unsigned quote = l->quote ? ALCH_COLUMN_QUOTE : 0;

    if (flags & ALCH_V_COLUMNS && !(flags & ALCH_V_LABEL)) {
        const char *name = alch_resolve_name(c, l->name, ALCH_IDENT_COLUMN);    /* numbered before what is in it */

        alch_compile_operand(c, l->element, ALCH_OP_AS, flags | ALCH_V_LABEL);
        alch_puts(c, " AS ");
        alch_put_identifier(c, name, quote);
    } else if (c->label_by_name == n)
        alch_put_identifier(c, alch_resolve_name(c, l->name, ALCH_IDENT_COLUMN), quote);
    else
        alch_compile_operand(c, l->element, ALCH_OP_AS, flags & ~(unsigned)ALCH_V_COLUMNS);
}

/* The databases do not agree on what a name means that two columns are labelled with. */
static void refuse_second_label(alch_compiler *c, const alch_frame *f, size_t first, const char *name)
{
    const alch_node *element = ((const alch_label *)f->columns[first].column)->element;
    size_t i;

    for (i = first + 1; i < f->column_count; i++) {
        const alch_label *l = (const alch_label *)f->columns[i].column;

        if (l->head.kind == ALCH_NODE_LABEL && l->element != element && strcmp(l->name, name) == 0)
            alch_compile_fail(c, ALCH_ERR_COMPILE, "'%s' is the label of two columns of this SELECT; order or group by the "
                              "expression that is meant", name);
    }
}

/* A column of the statement's list by its label or name, else one of its FROMs'. */
static const alch_node *find_named(alch_compiler *c, const char *name, int *labelled)
{
    alch_nodes columns = { c->arena, NULL, 0, 0, 0 };
    const alch_frame *f = c->frame;
    size_t i;

    for (i = 0; f != NULL && i < f->column_count; i++) {
        const alch_named_column *k = &f->columns[i];
        const char *label = k->column->kind == ALCH_NODE_TEXT ? NULL : alch_name_qualified(&c->namer, k->column);

        if (label == NULL && k->column->kind != ALCH_NODE_TEXT)
            label = alch_name_proxy_key(&c->namer, k->column);
        if (label != NULL && strcmp(label, name) == 0) {
            *labelled = k->column->kind == ALCH_NODE_LABEL;
            if (*labelled)
                refuse_second_label(c, f, i, name);
            return k->column;
        }
    }
    for (i = 0; f != NULL && i < f->column_count; i++)
        if (f->columns[i].key != NULL && strcmp(f->columns[i].key, name) == 0)
            return f->columns[i].column;
    for (i = 0; f != NULL && i < f->froms.len; i++)
        if (alch_from_columns(f->froms.at[i], &columns, c->err) != ALCH_OK)
            alch_compile_nomem(c);
    for (i = 0; i < columns.len; i++)
        if (strcmp(((const alch_column *)columns.at[i])->key, name) == 0)
            return columns.at[i];
    return NULL;
}

void alch_visit_label_name(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_text *t = (const alch_text *)n;
    const alch_node *saved = c->label_by_name, *found;
    int labelled = 0;

    if (c->frame == NULL) {
        alch_puts(c, t->text);
        return;
    }
    found = find_named(c, t->text, &labelled);
    if (found == NULL) {
        alch_compile_fail(c, ALCH_ERR_COMPILE, "can't resolve label reference for ORDER BY / GROUP BY / DISTINCT etc. "
                          "Textual SQL expression '%s' should be explicitly declared as sa.text('%s')", t->text, t->text);
        return;
    }
    if (labelled && c->dialect->caps.order_by_label)
        c->label_by_name = found;
    alch_compile_node(c, found, INNER(flags));
    c->label_by_name = saved;
}

/* -- constants and lists ------------------------------------------------------- */

void alch_visit_null(alch_compiler *c, const alch_node *n, unsigned flags)
{
    (void)n, (void)flags;
    alch_puts(c, "NULL");
}

void alch_visit_true(alch_compiler *c, const alch_node *n, unsigned flags)
{
    (void)n, (void)flags;
    alch_puts(c, c->dialect->caps.native_boolean ? "true" : "1");
}

void alch_visit_false(alch_compiler *c, const alch_node *n, unsigned flags)
{
    (void)n, (void)flags;
    alch_puts(c, c->dialect->caps.native_boolean ? "false" : "0");
}

void alch_visit_list(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_list *l = (const alch_list *)n;
    const char *between = alch_op_text(n->op);
    uint32_t i;

    flags = INNER(flags);
    if (n->op == ALCH_OP_AND || n->op == ALCH_OP_OR)
        flags |= ALCH_V_OPERATOR;
    for (i = 0; i < l->count; i++) {
        if (i > 0)
            alch_puts(c, between);
        alch_compile_operand(c, l->items[i], n->op, flags);
    }
}

void alch_visit_tuple(alch_compiler *c, const alch_node *n, unsigned flags)
{
    alch_buf_putc(c->out, '(');
    alch_visit_list(c, n, flags);
    alch_buf_putc(c->out, ')');
}

void alch_visit_array(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_list *l = (const alch_list *)n;

    alch_puts(c, "ARRAY[");
    alch_visit_list(c, n, flags);
    alch_buf_putc(c->out, ']');
    if (l->count == 0 && alch_node_type(n)->item != NULL && alch_node_type(n)->item->kind != ALCH_TYPE_NULL) {
        /* an empty one has no type of its own */
        alch_puts(c, "::");
        alch_compile_type(c, alch_node_type(n));
    }
}

void alch_visit_grouping(alch_compiler *c, const alch_node *n, unsigned flags)
{
    alch_buf_putc(c->out, '(');
    alch_compile_node(c, ((const alch_wrap *)n)->element, flags);
    alch_buf_putc(c->out, ')');
}

/* A SELECT as a value: nobody asks for its columns by name, so none is labelled to be told from another. */
void alch_visit_scalar(alch_compiler *c, const alch_node *n, unsigned flags)
{
    alch_buf_putc(c->out, '(');
    alch_compile_node(c, ((const alch_wrap *)n)->element, INNER(flags) | ALCH_V_UNNAMED);
    alch_buf_putc(c->out, ')');
}

void alch_visit_slice(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_pair *s = (const alch_pair *)n;

    alch_compile_node(c, s->first, INNER(flags));
    alch_buf_putc(c->out, ':');
    alch_compile_node(c, s->second, INNER(flags));
}

void alch_visit_collation(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_text *t = (const alch_text *)n;

    (void)flags;
    if (t->schema != NULL) {
        alch_put_identifier(c, t->schema, 0);
        alch_buf_putc(c->out, '.');
    }
    alch_put_identifier(c, t->text, 0);
}

/* -- functions --------------------------------------------------------------------- */

static void compile_arguments(alch_compiler *c, const alch_function *f, const alch_list *order_by, unsigned flags)
{
    uint32_t i;

    alch_buf_putc(c->out, '(');
    for (i = 0; i < f->args->count; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        alch_compile_operand(c, f->args->items[i], ALCH_OP_COMMA, flags);
    }
    if (order_by != NULL) {
        alch_puts(c, " ORDER BY ");
        alch_compile_list(c, order_by, ", ", flags);
    }
    alch_buf_putc(c->out, ')');
}

static void put_function_name(alch_compiler *c, const char *name, int quote)
{
    if (quote || alch_illegal_name(name))
        alch_dialect_quote(c->dialect, name, c->out);
    else
        alch_puts(c, name);
}

/* Copies the part of a package that begins at 'at' to 'part' without its backslashes -> what is behind it, past its point. */
static const char *next_part(const char *at, char *part)
{
    for (; *at != '\0' && *at != '.'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        *part++ = *at;
    }
    *part = '\0';
    return *at == '.' ? at + 1 : at;
}

/* "a.b" in front of the name: each part is a name of its own. */
static void put_package(alch_compiler *c, const char *package)
{
    char *part;

    if (package == NULL)
        return;
    part = alch_arena_alloc(c->arena, strlen(package) + 1);
    if (part == NULL) {
        alch_compile_nomem(c);
        return;
    }
    while (*package != '\0') {
        package = next_part(package, part);
        put_function_name(c, part, 0);
        alch_buf_putc(c->out, '.');
    }
}

static int is_called(const alch_function *f, const char *name)
{
    const char *s = f->name;

    for (; *s != '\0' && *name != '\0'; s++, name++)
        if (tolower((unsigned char)*s) != *name)
            return 0;
    return *s == *name && f->package == NULL;
}

/* substring(s FROM a FOR b), as PostgreSQL has it. */
static void compile_substring(alch_compiler *c, const alch_function *f, unsigned flags)
{
    static const char *const between[] = { "", " FROM ", " FOR " };
    uint32_t i;

    alch_puts(c, "SUBSTRING(");
    for (i = 0; i < f->args->count && i < 3; i++) {
        alch_puts(c, between[i]);
        alch_compile_node(c, f->args->items[i], flags);
    }
    alch_buf_putc(c->out, ')');
}

/* aggregate_strings(expr, separator): the separator is written into the text. */
static void compile_string_agg(alch_compiler *c, const alch_function *f, const alch_list *order_by, unsigned flags)
{
    const char *name = c->dialect->words.string_agg;

    alch_puts(c, name != NULL ? name : "aggregate_strings");
    alch_buf_putc(c->out, '(');
    alch_compile_operand(c, f->args->items[0], ALCH_OP_COMMA, flags);
    alch_puts(c, ", ");
    alch_compile_operand(c, f->args->items[1], ALCH_OP_COMMA, name != NULL ? flags | ALCH_V_LITERAL : flags);
    if (order_by != NULL) {
        alch_puts(c, " ORDER BY ");
        alch_compile_list(c, order_by, ", ", flags);
    }
    alch_buf_putc(c->out, ')');
}

/* A function that this dialect spells differently; 0: it does not. */
static int compile_known(alch_compiler *c, const alch_function *f, const alch_list *order_by, unsigned flags)
{
    const alch_words *w = &c->dialect->words;

    if (w->now != NULL && is_called(f, "now"))
        alch_puts(c, w->now);
    else if (w->localtimestamp != NULL && is_called(f, "localtimestamp"))
        alch_puts(c, w->localtimestamp);
    else if (w->char_length != NULL && is_called(f, "char_length")) {
        alch_puts(c, w->char_length);
        compile_arguments(c, f, order_by, flags);
    } else if (w->power != NULL && is_called(f, "pow")) {
        alch_puts(c, w->power);
        compile_arguments(c, f, order_by, flags);
    } else if (c->dialect->caps.regexp_functions && is_called(f, "substring") && f->args->count >= 2)
        compile_substring(c, f, flags);
    else if (is_called(f, "aggregate_strings") && f->args->count == 2)
        compile_string_agg(c, f, order_by, flags);
    else
        return 0;
    return 1;
}

/* Names that are always written in one case, and "*" for count(). */
static int compile_standard(alch_compiler *c, const alch_function *f)
{
    static const char *const upper[] = { "current_date", "current_time", "current_timestamp", "current_user",
                                         "localtime", "localtimestamp", "session_user", "user", "sysdate" };
    size_t i;
    const char *s;

    for (i = 0; i < sizeof upper / sizeof *upper; i++)
        if (is_called(f, upper[i])) {
            int bare = strcmp(upper[i], "sysdate") == 0;

            for (s = bare ? upper[i] : upper[i]; *s != '\0'; s++)
                alch_buf_putc(c->out, bare ? *s : (char)toupper((unsigned char)*s));
            return 1;
        }
    if (is_called(f, "count") && f->args->count == 0) {
        alch_puts(c, f->name);
        alch_puts(c, "(*)");
        return 1;
    }
    if (is_called(f, "grouping_sets")) {
        alch_puts(c, "GROUPING SETS");
        return 2;
    }
    if (is_called(f, "cube") || is_called(f, "rollup")) {
        alch_puts(c, is_called(f, "cube") ? "CUBE" : "ROLLUP");
        return 2;
    }
    if (is_called(f, "char_length") || is_called(f, "coalesce") || is_called(f, "random")) {
        alch_puts(c, f->name);
        return 2;
    }
    return 0;
}

static void compile_function(alch_compiler *c, const alch_function *f, const alch_list *order_by, unsigned flags)
{
    int known = 0;

    flags = INNER(flags) | ALCH_V_AGGREGATE;
    if (compile_known(c, f, order_by, flags))
        return;
    if (f->package == NULL)
        known = compile_standard(c, f);
    if (known == 1) {
        if (f->args->count > 0)
            compile_arguments(c, f, order_by, flags);
        return;
    }
    if (known == 0) {
        put_package(c, f->package);
        put_function_name(c, f->name, f->flags & ALCH_FUNC_QUOTE);
    }
    compile_arguments(c, f, order_by, flags);
}

void alch_visit_function(alch_compiler *c, const alch_node *n, unsigned flags)
{
    compile_function(c, (const alch_function *)n, NULL, flags);
    if (((const alch_function *)n)->flags & ALCH_FUNC_ORDINALITY)
        alch_puts(c, " WITH ORDINALITY");
}

void alch_visit_func_column(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_label *l = (const alch_label *)n;

    alch_buf_putc(c->out, '(');
    alch_compile_node(c, l->element, INNER(flags));
    alch_puts(c, ").");
    alch_put_identifier(c, l->name, 0);
}

void alch_visit_filter(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_pair *p = (const alch_pair *)n;

    flags = INNER(flags);
    alch_compile_node(c, p->first, flags);
    alch_puts(c, " FILTER (WHERE ");
    alch_compile_node(c, p->second, flags);
    alch_buf_putc(c->out, ')');
}

void alch_visit_within_group(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_pair *p = (const alch_pair *)n;

    flags = INNER(flags);
    alch_compile_node(c, p->first, flags);
    alch_puts(c, " WITHIN GROUP (ORDER BY ");
    alch_compile_list(c, (const alch_list *)p->second, ", ", flags);
    alch_buf_putc(c->out, ')');
}

/* f(x ORDER BY y); 'first' may also be any expression inside a function's arguments. */
void alch_visit_agg_order_by(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_pair *p = (const alch_pair *)n;

    flags = INNER(flags);
    if (p->first->kind == ALCH_NODE_FUNCTION && n->op != ALCH_OP_COMMA) {
        compile_function(c, (const alch_function *)p->first, (const alch_list *)p->second, flags);
        return;
    }
    alch_compile_node(c, p->first, flags);
    alch_puts(c, " ORDER BY ");
    alch_compile_list(c, (const alch_list *)p->second, ", ", flags);
}

static void compile_bound(alch_compiler *c, int bound, const alch_node *n, const char *unbounded, unsigned flags)
{
    if (bound == ALCH_BOUND_UNBOUNDED)
        alch_puts(c, unbounded);
    else if (bound == ALCH_BOUND_CURRENT)
        alch_puts(c, "CURRENT ROW");
    else {
        alch_compile_node(c, n, flags);
        alch_puts(c, bound == ALCH_BOUND_PRECEDING ? " PRECEDING" : " FOLLOWING");
    }
}

static void compile_frame(alch_compiler *c, const alch_over *o, unsigned flags)
{
    static const char *const words[] = { "", "RANGE BETWEEN ", "ROWS BETWEEN ", "GROUPS BETWEEN " };

    alch_puts(c, words[o->frame]);
    compile_bound(c, o->lower_bound, o->lower, "UNBOUNDED PRECEDING", flags);
    alch_puts(c, " AND ");
    compile_bound(c, o->upper_bound, o->upper, "UNBOUNDED FOLLOWING", flags);
    if (o->exclude != NULL) {
        alch_puts(c, " EXCLUDE ");
        alch_puts(c, o->exclude);
    }
}

static void number_bound(alch_compiler *c, const alch_node *n, unsigned flags)
{
    if (n != NULL && n->kind == ALCH_NODE_BIND && !(flags & ALCH_V_LITERAL))
        alch_number_param(c, (const alch_bind *)n);
}

void alch_visit_over(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_over *o = (const alch_over *)n;
    const char *gap = "";

    flags = INNER(flags);
    alch_compile_node(c, o->element, flags);
    number_bound(c, o->lower, flags);       /* before those in front of them, as in SQLAlchemy */
    number_bound(c, o->upper, flags);
    alch_puts(c, " OVER (");
    if (alch_list_len(o->partition_by) > 0) {
        alch_puts(c, "PARTITION BY ");
        alch_compile_list(c, o->partition_by, ", ", flags);
        gap = " ";
    }
    if (alch_list_len(o->order_by) > 0) {
        alch_puts(c, gap);
        alch_puts(c, "ORDER BY ");
        alch_compile_list(c, o->order_by, ", ", flags);
        gap = " ";
    }
    if (o->frame != ALCH_FRAME_NONE) {
        alch_puts(c, gap);
        compile_frame(c, o, flags);
    }
    alch_buf_putc(c->out, ')');
}

/* -- CASE, CAST and relatives ---------------------------------------------------------- */

void alch_visit_case(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_case *k = (const alch_case *)n;
    uint32_t i;

    flags = INNER(flags);
    alch_puts(c, "CASE ");
    if (k->value != NULL) {
        alch_compile_node(c, k->value, flags);
        alch_buf_putc(c->out, ' ');
    }
    for (i = 0; i + 1 < k->whens->count; i += 2) {
        alch_puts(c, "WHEN ");
        alch_compile_operand(c, k->whens->items[i], ALCH_OP_NONE, flags);
        alch_puts(c, " THEN ");
        alch_compile_node(c, k->whens->items[i + 1], flags);
        alch_buf_putc(c->out, ' ');
    }
    if (k->otherwise != NULL) {
        alch_puts(c, "ELSE ");
        alch_compile_node(c, k->otherwise, flags);
        alch_buf_putc(c->out, ' ');
    }
    alch_puts(c, "END");
}

/* The type without its collation. A copy of its own: hooks may keep what they
** are shown. */
static void compile_bare_type(alch_compiler *c, const alch_type *t)
{
    alch_type spec = *t;
    const alch_type *bare;
    int rc;

    if (c->failed != ALCH_OK)
        return;
    spec.collation = NULL;
    rc = alch_type_new(&spec, &bare, c->err);
    if (rc != ALCH_OK) {
        c->failed = rc;
        return;
    }
    alch_compile_type(c, bare);
    alch_type_drop(bare);
}

void alch_visit_cast(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_wrap *w = (const alch_wrap *)n;
    const alch_type *t = alch_node_type(n);

    alch_puts(c, n->kind == ALCH_NODE_TRY_CAST ? "TRY_CAST(" : "CAST(");
    alch_compile_node(c, w->element, INNER(flags));
    alch_puts(c, " AS ");
    if (t->collation != NULL) {     /* the collation belongs behind the parenthesis */
        compile_bare_type(c, t);
        alch_puts(c, ") COLLATE ");
        if (t->schema != NULL) {
            alch_put_identifier(c, t->schema, 0);
            alch_buf_putc(c->out, '.');
        }
        alch_put_identifier(c, t->collation, 0);
        return;
    }
    alch_compile_type(c, t);
    alch_buf_putc(c->out, ')');
}

void alch_visit_type_coerce(alch_compiler *c, const alch_node *n, unsigned flags)
{
    alch_compile_node(c, ((const alch_wrap *)n)->element, INNER(flags));
}

static const char *strftime_format(const char *field)
{
    static const char *const formats[][2] = {
        { "month", "%m" }, { "day", "%d" }, { "year", "%Y" }, { "second", "%S" }, { "hour", "%H" }, { "doy", "%j" },
        { "minute", "%M" }, { "epoch", "%s" }, { "dow", "%w" }, { "week", "%W" }
    };
    size_t i;

    for (i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i][0], field) == 0)
            return formats[i][1];
    return NULL;
}

static int plain_word(const char *s)
{
    if (*s == '\0')
        return 0;
    for (; *s != '\0'; s++)
        if (!isalnum((unsigned char)*s) && *s != '_' && *s != ' ')
            return 0;
    return 1;
}

void alch_visit_extract(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_label *e = (const alch_label *)n;
    const char *format;

    if (!plain_word(e->name)) {
        alch_compile_fail(c, ALCH_ERR_COMPILE, "'%s' is not a valid extract argument", e->name);
    } else if (!c->dialect->caps.strftime_extract) {
        alch_puts(c, "EXTRACT(");
        alch_puts(c, e->name);
        alch_puts(c, " FROM ");
        alch_compile_node(c, e->element, INNER(flags));
        alch_buf_putc(c->out, ')');
    } else if ((format = strftime_format(e->name)) == NULL) {
        alch_compile_fail(c, ALCH_ERR_COMPILE, "'%s' is not a valid extract argument", e->name);
    } else {
        alch_puts(c, "CAST(STRFTIME('");
        alch_puts(c, format);
        alch_puts(c, "', ");
        alch_compile_node(c, e->element, INNER(flags));
        alch_puts(c, ") AS INTEGER)");
    }
}

/* -- text ---------------------------------------------------------------------------------- */

/* The fragment up to 'end': "\:" is a colon; percent signs are doubled for drivers that read them. */
static void put_fragment(alch_compiler *c, const char *at, const char *end)
{
    int doubled = c->dialect->paramstyle == ALCH_PARAM_FORMAT || c->dialect->paramstyle == ALCH_PARAM_PYFORMAT;

    for (; at < end; at++) {
        if (*at == '\\' && at + 1 < end && at[1] == ':')
            continue;
        if (*at == '%' && doubled)
            alch_buf_putc(c->out, '%');
        alch_buf_putc(c->out, *at);
    }
}

static const alch_node *bind_called(const alch_list *binds, const char *name, size_t len)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(binds); i++) {
        const char *key = ((const alch_bind *)binds->items[i])->key;

        if (key != NULL && strncmp(key, name, len) == 0 && key[len] == '\0')
            return binds->items[i];
    }
    return NULL;
}

void alch_visit_text(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_text *t = (const alch_text *)n;
    const char *at = t->text, *colon;
    size_t len;

    while ((colon = alch_text_param(t->text, at, &len)) != NULL) {
        const alch_node *bind = bind_called(t->binds, colon + 1, len);

        put_fragment(c, at, colon);
        if (bind != NULL)
            alch_compile_node(c, bind, INNER(flags));
        at = colon + 1 + len;
    }
    put_fragment(c, at, t->text + strlen(t->text));
}

void alch_visit_sequence(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_text *t = (const alch_text *)n;
    const char *schema = alch_dialect_schema(c->dialect, t->schema);

    (void)flags;
    if (schema != NULL && schema[0] != '\0') {
        alch_put_identifier(c, schema, 0);
        alch_buf_putc(c->out, '.');
    }
    alch_put_identifier(c, t->text, 0);
}

/* nextval('"s"'): the name quoted as an identifier, inside a string. */
void alch_visit_next_value(alch_compiler *c, const alch_node *n, unsigned flags)
{
    alch_buf name = ALCH_BUF_INIT, *saved = c->out;

    c->out = &name;
    alch_compile_node(c, ((const alch_wrap *)n)->element, flags);
    c->out = saved;
    if (name.failed || name.data == NULL)
        alch_compile_nomem(c);
    else if (c->dialect->caps.sequences) {
        alch_puts(c, "nextval(");
        alch_put_string(c, name.data);
        alch_buf_putc(c->out, ')');
    } else {
        alch_puts(c, "<next sequence value: ");
        alch_puts(c, name.data);
        alch_buf_putc(c->out, '>');
    }
    alch_buf_release(&name);
}

void alch_visit_callable(alch_compiler *c, const alch_node *n, unsigned flags)
{
    (void)n, (void)flags;
    alch_compile_fail(c, ALCH_ERR_COMPILE, "a Lua function cannot stand in a statement");
}
