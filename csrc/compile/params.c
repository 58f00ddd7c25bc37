/* Parameters: their names, the placeholders, IN lists, literals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "compile/compiler.h"
#include "compile/wrap.h"
#include "expr/build.h"

/* Room for one more in an array that lives in the arena. */
static int reserve(alch_compiler *c, void *at, size_t count, size_t *size, size_t item)
{
    void **array = at, *more;

    if (count < *size)
        return 1;
    more = alch_arena_alloc(c->arena, (*size != 0 ? *size * 2 : 8) * item);
    if (more == NULL) {
        alch_compile_nomem(c);
        return 0;
    }
    if (count > 0)
        memcpy(more, *array, count * item);
    *array = more;
    *size = *size != 0 ? *size * 2 : 8;
    return 1;
}

void alch_keep_made(alch_compiler *c, const alch_node *n)
{
    alch_compiled *r = c->result;

    if (!reserve(c, &r->made, r->made_count, &c->made_size, sizeof *r->made)) {
        alch_node_drop(n);
        return;
    }
    r->made[r->made_count++] = n;
}

uint32_t alch_add_param(alch_compiler *c, const alch_compiled_param *p)
{
    alch_compiled *r = c->result;

    if (!reserve(c, &r->params, r->param_count, &c->param_size, sizeof *p))
        return 0;
    r->params[r->param_count] = *p;
    return (uint32_t)r->param_count++;
}

static void put_name(alch_compiler *c, const alch_compiled_param *p)
{
    char buf[256];

    alch_puts(c, alch_param_name(p, buf, sizeof buf));
}

/* Placeholders in text that the host language holds for a while. */
#define MARK_BEGIN '\4'
#define MARK_END '\5'

void alch_put_marked(alch_compiler *c, const char *text, size_t len)
{
    const char *end = text + len;

    while (text < end) {
        const char *mark = memchr(text, MARK_BEGIN, (size_t)(end - text));
        char *behind;
        unsigned long param;

        if (mark == NULL || c->marking) {
            alch_buf_add(c->out, text, (size_t)(end - text));
            return;
        }
        alch_buf_add(c->out, text, (size_t)(mark - text));
        param = strtoul(mark + 1, &behind, 10);
        if (*behind != MARK_END || param >= c->result->param_count) {
            alch_compile_fail(c, ALCH_ERR_COMPILE, "the text of a custom construct contains control characters");
            return;
        }
        alch_put_placeholder(c, (uint32_t)param);
        text = behind + 1;
    }
}

void alch_put_placeholder(alch_compiler *c, uint32_t param)
{
    alch_compiled *r = c->result;

    if (c->marking) {
        alch_buf_printf(c->out, "%c%u%c", MARK_BEGIN, param, MARK_END);
        return;
    }
    if (c->failed != ALCH_OK
        || !reserve(c, &r->positions, r->position_count, &c->position_size, sizeof *r->positions))
        return;
    r->positions[r->position_count++] = (alch_position){ (uint32_t)c->out->len, param };
    switch (c->dialect->paramstyle) {
    case ALCH_PARAM_QMARK: alch_buf_putc(c->out, '?'); break;
    case ALCH_PARAM_DOLLAR: alch_buf_putc(c->out, '$'); break;
    case ALCH_PARAM_NUMERIC: alch_buf_putc(c->out, ':'); break;
    case ALCH_PARAM_FORMAT: alch_puts(c, "%s"); break;
    case ALCH_PARAM_PYFORMAT:
        alch_puts(c, "%(");
        put_name(c, &r->params[param]);
        alch_puts(c, ")s");
        break;
    default:
        alch_buf_putc(c->out, ':');
        put_name(c, &r->params[param]);
    }
}

/*
** {=== Names
*/

/* A subquery's column for a label bears its name, whatever a mapped class calls it; NULL: it has none of its own. */
static const char *name_of_column(const alch_node *n)
{
    const alch_column *column = (const alch_column *)n;

    if (n->kind == ALCH_NODE_LABEL)
        return ((const alch_label *)n)->name;
    if (column->origin == NULL || column->origin->kind != ALCH_NODE_LABEL)
        return column->key;
    return column->flags & ALCH_COLUMN_ANON ? NULL : column->name;
}

/* What a generated name begins with: no characters a name cannot have, no
** underscores at its ends. */
static const char *base_name(alch_compiler *c, const alch_bind *b)
{
    const char *base = b->key;
    char *clean;
    size_t n;

    if (base == NULL && b->named_for != NULL)
        base = name_of_column(b->named_for);
    if (base == NULL || alch_name_is_anon(base))
        return base == NULL ? "param" : base;
    n = strlen(base);
    if (n > 0 && strpbrk(base, "%() $") == NULL && base[0] != '_' && base[n - 1] != '_')
        return base;
    while (*base == '_')
        base++, n--;
    clean = alch_arena_alloc(c->arena, n + 1);
    if (clean == NULL) {
        alch_compile_nomem(c);
        return "param";
    }
    {
        size_t used = 0;

        for (; *base != '\0'; base++) {
            int bad = strchr("%() $", *base) != NULL;

            if (!bad || used == 0 || clean[used - 1] != '_' || base[-1] == '_')
                clean[used++] = bad ? '_' : *base;
        }
        while (used > 0 && clean[used - 1] == '_')
            used--;
        clean[used] = '\0';
        if (used > 0 && clean[0] == '_')
            clean++;
    }
    return clean;
}

/* A name with characters that a ":name" cannot have loses them. */
static const char *escaped_name(alch_compiler *c, const char *name)
{
    static const char bad[] = "%():.[] ", good[] = "PAZC____";
    char *made;
    size_t i;

    if (strpbrk(name, bad) == NULL)
        return name;
    made = alch_arena_strndup(c->arena, name, strlen(name));
    if (made == NULL) {
        alch_compile_nomem(c);
        return name;
    }
    for (i = 0; made[i] != '\0'; i++) {
        const char *at = strchr(bad, made[i]);

        if (at != NULL)
            made[i] = good[at - bad];
    }
    return made;
}

static void name_param(alch_compiler *c, const alch_bind *b, alch_compiled_param *p)
{
    const char *base = base_name(c, b);
    size_t limit, len;

    if (!(b->flags & ALCH_BIND_UNIQUE)) {
        p->base = escaped_name(c, b->key != NULL ? b->key : "param");
        p->key = b->key != NULL ? b->key : "param";
        return;
    }
    if (alch_name_is_anon(base)) {
        p->base = alch_resolve_name(c, base, ALCH_IDENT_BIND);
        p->number = alch_next_number(c, p->base);
    } else {
        p->number = alch_next_number(c, base);
        p->base = base;
    }
    len = strlen(p->base);
    limit = (size_t)(c->dialect->label_length != 0 ? c->dialect->label_length : c->dialect->max_identifier_length);
    if (len + 2 > (limit > 6 ? limit - 6 : 0)) {
        char *full = alch_arena_alloc(c->arena, len + 16);

        if (full == NULL) {
            alch_compile_nomem(c);
            return;
        }
        (void)snprintf(full, len + 16, "%s_%u", p->base, p->number);
        p->base = alch_truncate_name(c, full, ALCH_IDENT_BIND);
        p->number = 0;
    }
    p->base = escaped_name(c, p->base);
    p->key = p->base;
}

void alch_fail_reserved(alch_compiler *c, const char *name)
{
    alch_compile_fail(c, ALCH_ERR_COMPILE, "bindparam() name '%s' is reserved for automatic usage in the VALUES or SET "
                      "clause of this insert/update statement. Please use a name other than column name when using "
                      "bindparam() with insert() or update() (for example, 'b_%s')", name, name);
}

/* A named parameter that was used before is the same parameter. */
static int same_name(alch_compiler *c, const alch_bind *b, uint32_t *param)
{
    const alch_compiled_param *p;
    const char *name = b->key != NULL ? b->key : "param";
    uint32_t found = alch_dict_get(&c->bind_names, name, strlen(name));

    if (found == 0)
        return 0;
    p = &c->result->params[found - 1];
    *param = found - 1;
    if (p->bind == NULL || p->row || p->bind->flags & ALCH_BIND_CRUD || b->flags & ALCH_BIND_CRUD) {
        alch_fail_reserved(c, name);
        return 1;
    }
    if (((p->bind->flags ^ b->flags) & ALCH_BIND_EXPANDING) != 0)
        alch_compile_fail(c, ALCH_ERR_COMPILE, "bound parameter '%s' is used both inside and outside of an IN list; "
                          "give one of them another name", name);
    return 1;
}

static void remember(alch_compiler *c, const alch_bind *b, uint32_t param)
{
    const char *name = b->key != NULL ? b->key : "param";
    int ok = b->flags & ALCH_BIND_UNIQUE ? alch_dict_set_address(&c->binds, b, param + 1)
                                         : alch_dict_set(&c->bind_names, name, strlen(name), param + 1);

    if (!ok)
        alch_compile_nomem(c);
}

static int forget(const alch_node *n, void *compiler)
{
    alch_compiler *c = compiler;

    if (n->kind == ALCH_NODE_BIND && alch_dict_get_address(&c->binds, n) != 0 && !alch_dict_set_address(&c->binds, n, 0))
        alch_compile_nomem(c);
    return alch_node_children(n, forget, c);
}

void alch_forget_params(alch_compiler *c, const alch_node *n)
{
    forget(n, c);
}

static int is_named(const alch_compiled_param *p)
{
    return p->bind != NULL && !(p->bind->flags & (ALCH_BIND_UNIQUE | ALCH_BIND_CRUD));
}

static int is_generated(const alch_compiled_param *p)
{
    return p->bind != NULL && p->bind->flags & ALCH_BIND_UNIQUE && p->element == 0;
}

/* What an execution brings for a column is not for the value of a criterion that got the same name. */
static void shadow_names(alch_compiler *c)
{
    alch_compiled *r = c->result;
    char buf[256];
    size_t i;

    for (i = 0; i < r->param_count; i++) {
        alch_compiled_param *p = &r->params[i];
        const char *name;

        if (p->number == 0 || !is_generated(p))
            continue;
        name = alch_param_name(p, buf, sizeof buf);
        p->shadowed = alch_dict_get(&c->bind_names, name, strlen(name)) != 0;
    }
}

void alch_check_param_names(alch_compiler *c)
{
    const alch_compiled *r = c->result;
    char buf[256];
    size_t i, j;

    if (r->table != NULL)
        shadow_names(c);
    for (i = 0; i < r->param_count; i++)
        for (j = 0; is_named(&r->params[i]) && j < r->param_count; j++)
            if (is_generated(&r->params[j]) && strcmp(alch_param_name(&r->params[j], buf, sizeof buf), r->params[i].base) == 0) {
                alch_compile_fail(c, ALCH_ERR_COMPILE, "bindparam() name '%s' is the one that this statement gives another "
                                  "parameter by itself; use a different name", r->params[i].base);
                return;
            }
}

/* The parameter of a bind, made when it is met first. */
static uint32_t param_of(alch_compiler *c, const alch_bind *b)
{
    alch_compiled_param p = { .bind = b, .value = &b->value };
    uint32_t found;

    if (b->flags & ALCH_BIND_UNIQUE) {
        found = alch_dict_get_address(&c->binds, b);
        if (found != 0)
            return found - 1;
    } else if (same_name(c, b, &found))
        return found;
    name_param(c, b, &p);
    p.type = alch_node_type(&b->head);
    if (b->flags & ALCH_BIND_REQUIRED) {
        p.value = NULL;
        p.required = 1;
    }
    found = alch_add_param(c, &p);
    remember(c, b, found);
    return found;
}

void alch_number_param(alch_compiler *c, const alch_bind *b)
{
    if (c->failed == ALCH_OK && !(b->flags & (ALCH_BIND_EXPANDING | ALCH_BIND_LITERAL)))
        (void)param_of(c, b);
}

/* }=== */

/*
** {=== IN lists
*/

static void put_null_list(alch_compiler *c, unsigned width)
{
    unsigned i;

    for (i = 0; i < width; i++)
        alch_puts(c, i > 0 ? ", NULL" : "NULL");
}

static const alch_type *part_type(const alch_bind *b, unsigned part)
{
    const alch_type *t = alch_node_type(&b->head);

    return t->family == ALCH_FAMILY_TUPLE ? part < t->item_count ? t->items[part] : alch_type_of(ALCH_TYPE_NULL) : t;
}

/* A list without rows cannot say how wide they are: what it is compared with can. */
static unsigned empty_width(const alch_bind *b)
{
    const alch_type *t = alch_node_type(&b->head);

    if (t->family == ALCH_FAMILY_TUPLE && t->item_count > 0)
        return (unsigned)t->item_count;
    return b->width > 0 ? b->width : 1;
}

/* What an empty list is: never in it, always not in it. */
static void put_empty_set(alch_compiler *c, const alch_bind *b, int op)
{
    unsigned i, width = empty_width(b);

    if (c->dialect->caps.empty_set_in_op && (op == ALCH_OP_IN || op == ALCH_OP_NOT_IN)) {
        if (width > 1) {
            alch_buf_putc(c->out, '(');
            put_null_list(c, width);
            alch_buf_putc(c->out, ')');
        } else
            alch_puts(c, "NULL");
        alch_puts(c, op == ALCH_OP_IN ? ") AND (1 != 1" : ") OR (1 = 1");
        return;
    }
    alch_puts(c, "SELECT ");
    for (i = 0; i < width; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        if (c->dialect->caps.casts_empty_set) {
            const alch_type *t = part_type(b, i);

            alch_puts(c, "CAST(NULL AS ");
            alch_compile_type(c, t->family == ALCH_FAMILY_NULL ? alch_type_of(ALCH_TYPE_INTEGER) : t);
            alch_puts(c, ")");
        } else
            alch_puts(c, "1");
    }
    if (c->dialect->caps.values_in_tuples) {
        alch_puts(c, " FROM (SELECT ");
        for (i = 0; i < width; i++)
            alch_puts(c, i > 0 ? ", 1" : "1");
        alch_puts(c, ")");
    }
    alch_puts(c, " WHERE 1!=1");
}

static void put_element(alch_compiler *c, const alch_bind *b, const alch_compiled_param *list, uint32_t element, unsigned part,
                        unsigned flags)
{
    const alch_value *v = &b->items[(size_t)element * b->width + part];
    alch_compiled_param p = *list;
    const alch_type *t = part_type(b, part);

    if (t->kind == ALCH_TYPE_NULL)
        t = alch_type_of_value(v->kind);
    if (flags & ALCH_V_LITERAL || b->flags & ALCH_BIND_LITERAL) {
        alch_compile_literal(c, t, v);
        return;
    }
    p.value = v;
    p.type = t;
    p.element = element + 1;
    p.part = b->width > 1 ? part + 1 : 0;
    p.required = 0;
    if (p.number == 0 || p.base == NULL)
        p.number = 0;
    alch_put_placeholder(c, alch_add_param(c, &p));
}

/* An element inside its type's bind_expression; 'param' counts those of one part from 0. */
static void put_wrapped_element(alch_compiler *c, const alch_wrapping *w, const alch_type *t, unsigned flags)
{
    (void)t;
    put_element(c, w->bind, w->list, w->param, w->part, flags);
}

static void put_known_element(alch_compiler *c, const alch_wrapping *w, const alch_type *t, unsigned flags)
{
    (void)t, (void)flags;
    alch_put_placeholder(c, w->param);
}

/* The elements of a list, wrapped by its type or bare. 'known': the first
** parameter (plus one) of the list, where it stood in the statement before. */
static void put_elements(alch_compiler *c, const alch_bind *b, const alch_compiled_param *list, uint32_t known,
                         unsigned flags)
{
    const alch_type *t = b->count > 0 && c->wrapping == NULL
        ? alch_wrapping_type(c, part_type(b, 0), ALCH_TYPE_HOOK_BIND_EXPRESSION) : NULL;
    const alch_node *wrapped = t != NULL ? alch_wrap_bind(c, t, b) : NULL;
    uint32_t i;
    unsigned k;

    for (i = 0; i < b->count && c->failed == ALCH_OK; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        if (b->width > 1)
            alch_buf_putc(c->out, '(');
        for (k = 0; k < b->width; k++) {
            const alch_wrapping w = { known != 0 ? put_known_element : put_wrapped_element, b, list, NULL,
                                      known != 0 ? known - 1 + i * b->width + k : i, k };

            if (k > 0)
                alch_puts(c, ", ");
            if (wrapped != NULL && b->width == 1)
                alch_compile_wrapped(c, wrapped, &w, flags);
            else
                w.put(c, &w, NULL, flags);
        }
        if (b->width > 1)
            alch_buf_putc(c->out, ')');
    }
}

/* The first parameter (plus one) of a list that stood in the statement before; 0: it did not. */
static uint32_t known_list(alch_compiler *c, const alch_bind *b)
{
    uint32_t param;

    if (b->flags & ALCH_BIND_UNIQUE)
        return alch_dict_get_address(&c->binds, b);
    if (!same_name(c, b, &param) || c->failed != ALCH_OK)
        return 0;
    return c->result->params[param].bind->count == b->count ? param + 1 : 0;
}

/* The name that the elements' names begin with. */
static alch_compiled_param list_param(alch_compiler *c, const alch_bind *b)
{
    alch_compiled_param p = { .bind = b };

    name_param(c, b, &p);
    return p;
}

static void compile_expanding(alch_compiler *c, const alch_bind *b, int op, unsigned flags)
{
    uint32_t known;
    alch_compiled_param list;

    c->result->expanding = 1;
    known = known_list(c, b);
    if (known == 0)
        list = list_param(c, b);
    else
        list = c->result->params[known - 1];
    if (b->flags & ALCH_BIND_REQUIRED) {
        char buf[256];

        if (c->options->for_execution) {
            alch_compile_fail(c, ALCH_ERR_INVALID, "a value is required for bind parameter '%s'",
                              alch_param_name(&list, buf, sizeof buf));
            return;
        }
        alch_puts(c, "(__[POSTCOMPILE_");
        put_name(c, &list);
        alch_puts(c, "])");
        list.required = 1;
        (void)alch_add_param(c, &list);
        return;
    }
    alch_buf_putc(c->out, '(');
    if (b->count == 0)
        put_empty_set(c, b, op);
    if (b->count > 0 && b->width > 1 && c->dialect->caps.values_in_tuples)
        alch_puts(c, "VALUES ");
    if (b->count > 0 && known == 0 && !(flags & ALCH_V_LITERAL))
        remember(c, b, (uint32_t)c->result->param_count);
    put_elements(c, b, &list, known, flags);
    alch_buf_putc(c->out, ')');
}

/* }=== */

static void put_bind(alch_compiler *c, const alch_bind *b, const alch_type *t, unsigned flags)
{
    uint32_t param;

    if (flags & ALCH_V_LITERAL || b->flags & ALCH_BIND_LITERAL) {
        alch_compile_literal(c, t, &b->value);
        return;
    }
    param = param_of(c, b);
    if (t != alch_node_type(&b->head) && c->failed == ALCH_OK)
        c->result->params[param].type = t;
    alch_put_placeholder(c, param);
    if (b->value.kind == ALCH_HOST && c->dialect->storage.oids && t->flags & ALCH_TYPE_BIND_CAST) {
        alch_puts(c, "::");
        alch_compile_type(c, t);
    }
}

static void put_wrapped_bind(alch_compiler *c, const alch_wrapping *w, const alch_type *t, unsigned flags)
{
    put_bind(c, w->bind, t, flags);
}

/* What is written into the text must be known now, whoever makes it: its length, or the value itself. */
static const alch_bind *evaluate(alch_compiler *c, const alch_bind *b, unsigned flags)
{
    const alch_compile_host *host = c->options->host;
    const alch_bind *known = b;

    if (!(flags & ALCH_V_LITERAL) && !(b->flags & (ALCH_BIND_LITERAL | ALCH_BIND_EXPANDING)))
        return b;
    c->result->fixed = 1;
    if (host == NULL || host->evaluate == NULL)
        return b;
    if (host->evaluate(host->payload, b, &known, c->err) == ALCH_OK)
        alch_keep_made(c, &known->head);
    else if (c->failed == ALCH_OK)
        c->failed = c->err->code;
    return known;
}

void alch_compile_bind(alch_compiler *c, const alch_bind *b, int op, unsigned flags)
{
    const alch_compile_host *host = c->options->host;

    if (b->flags & ALCH_BIND_CALLABLE)
        b = evaluate(c, b, flags);
    if (host != NULL && host->replace != NULL && host->replace(host->payload, b, &b, c->err) != ALCH_OK) {
        c->failed = c->failed != ALCH_OK ? c->failed : c->err->code;
        return;
    }
    if (b->flags & ALCH_BIND_EXPANDING) {
        compile_expanding(c, b, op, flags);
        return;
    }
    if (c->wrapping != NULL && b->flags & ALCH_BIND_STAND_IN) {
        c->wrapping->put(c, c->wrapping, alch_node_type(&b->head), flags);
        return;
    }
    if (c->wrapping == NULL) {
        const alch_type *t = alch_wrapping_type(c, alch_node_type(&b->head), ALCH_TYPE_HOOK_BIND_EXPRESSION);
        const alch_wrapping w = { put_wrapped_bind, b, NULL, NULL, 0, 0 };

        if (t != NULL) {
            alch_compile_wrapped(c, alch_wrap_bind(c, t, b), &w, flags);
            return;
        }
    }
    put_bind(c, b, alch_node_type(&b->head), flags);
}

void alch_visit_bind(alch_compiler *c, const alch_node *n, unsigned flags)
{
    alch_compile_bind(c, (const alch_bind *)n, ALCH_OP_NONE, flags);
}
