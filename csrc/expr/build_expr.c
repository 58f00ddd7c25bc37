#include "expr/build.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/names.h"
#include "type/adapt.h"

static const alch_type *boolean_type(void)
{
    return alch_type_of(ALCH_TYPE_BOOLEAN);
}

/* -- parameters ------------------------------------------------------------ */

int alch_bind_new(const char *key, const alch_node *named_for, const alch_type *type, const alch_value *value,
                  unsigned flags, const alch_node **out, alch_err *err)
{
    alch_bind *b = alch_node_new(ALCH_NODE_BIND, err);
    int rc;

    if (b == NULL)
        return ALCH_ERR_NOMEM;
    b->flags = (uint16_t)flags;
    alch_node_set_type(b, type);
    b->named_for = alch_node_keep(named_for);
    if (key != NULL && (b->key = alch_strdup(key)) == NULL)
        rc = alch_err_nomem(err);
    else
        rc = alch_bind_own(b, value, NULL, 0, 1, err);
    if (rc != ALCH_OK) {
        alch_node_drop(b);
        return rc;
    }
    *out = &b->head;
    return ALCH_OK;
}

static int op_group(int op)
{
    switch (op) {
    case ALCH_OP_ADD: return ALCH_OPS_ADD;
    case ALCH_OP_SUB: return ALCH_OPS_SUBTRACT;
    case ALCH_OP_MUL: return ALCH_OPS_MULTIPLY;
    case ALCH_OP_TRUEDIV: return ALCH_OPS_DIVIDE;
    case ALCH_OP_FLOORDIV: return ALCH_OPS_FLOOR_DIVIDE;
    case ALCH_OP_CONCAT: return ALCH_OPS_CONCAT;
    default:
        if (op >= ALCH_OP_MATCH && op <= ALCH_OP_NOT_IENDSWITH)
            return ALCH_OPS_MATCH;
        return alch_op_is_comparison(op) ? ALCH_OPS_COMPARE : ALCH_OPS_OTHER;
    }
}

const alch_type *alch_compared_type(const alch_type *beside, int op, const alch_value *value)
{
    return alch_type_coerce(op_group(op), beside, value);
}

/* What a value is compared with: an array's element under ANY and ALL. */
static const alch_type *element_type(const alch_node *n)
{
    const alch_type *t;

    if (n->kind == ALCH_NODE_UNARY && (n->op == ALCH_OP_ANY || n->op == ALCH_OP_ALL)) {
        t = alch_node_type(((const alch_unary *)n)->element);
        return t->family == ALCH_FAMILY_ARRAY && t->item != NULL ? t->item : t;
    }
    return alch_node_type(n);
}

int alch_bind_beside(const alch_node *beside, int op, const alch_value *value, const alch_node **out, alch_err *err)
{
    const alch_node *named = beside->kind == ALCH_NODE_COLUMN ? alch_plain_column(beside) : NULL;
    const char *key = beside->kind == ALCH_NODE_FUNCTION || beside->kind == ALCH_NODE_TABLE_VALUED ? alch_name_plain(NULL, beside) : NULL;

    if (key != NULL && alch_name_is_anon(key))
        key = NULL;
    return alch_bind_new(key, named, alch_compared_type(element_type(beside), op, value), value, ALCH_BIND_UNIQUE,
                         out, err);
}

const alch_type *alch_list_type_beside(const alch_node *beside, int op, const alch_value *items, size_t count, size_t width)
{
    static const alch_value none = { .kind = ALCH_NULL };

    if (beside->kind == ALCH_NODE_TUPLE)
        return beside->type;
    if (count > 0 && width == 1)
        return alch_compared_type(alch_node_type(beside), op, items);
    return alch_compared_type(element_type(beside), op, &none);
}

int alch_bind_list_beside(const alch_node *beside, int op, const alch_value *items, size_t count, size_t width,
                          const alch_node **out, alch_err *err)
{
    static const alch_value none = { .kind = ALCH_NULL };
    const alch_node *n;
    alch_bind *b;
    int rc = alch_bind_beside(beside, op, &none, &n, err);

    if (rc != ALCH_OK)
        return rc;
    b = (alch_bind *)(uintptr_t)n;
    b->flags |= ALCH_BIND_EXPANDING;
    alch_node_set_type(b, alch_list_type_beside(beside, op, items, count, width));
    rc = alch_bind_own(b, &none, items, count, width, err);
    if (rc != ALCH_OK) {
        alch_node_drop(b);
        return rc;
    }
    b->width = (uint16_t)width;
    *out = n;
    return ALCH_OK;
}

/* -- operators ----------------------------------------------------------------- */

int alch_binary_new(int op, const alch_node *left, const alch_node *right, const alch_type *type,
                    const alch_node **out, alch_err *err)
{
    alch_binary *b = alch_node_new(ALCH_NODE_BINARY, err);
    int rc;

    if (b == NULL) {
        alch_node_drop(left);
        alch_node_drop(right);
        return ALCH_ERR_NOMEM;
    }
    b->head.op = (uint8_t)op;
    b->negate = (uint8_t)alch_op_negation(op);
    alch_node_set_type(b, type);
    rc = alch_node_set(b, &b->left, left, err);
    if (rc == ALCH_OK)
        rc = alch_node_set(b, &b->right, right, err);
    else
        alch_node_drop(right);
    if (rc != ALCH_OK) {
        alch_node_drop(b);
        return rc;
    }
    *out = &b->head;
    return ALCH_OK;
}

static int is_any(const alch_node *n)
{
    return n->kind == ALCH_NODE_UNARY && (n->op == ALCH_OP_ANY || n->op == ALCH_OP_ALL);
}

static int is_constant(const alch_node *n)
{
    return n->kind == ALCH_NODE_NULL || n->kind == ALCH_NODE_TRUE || n->kind == ALCH_NODE_FALSE;
}

/* What '=' means with NULL, TRUE or FALSE on its right. */
static int with_constant(int op, const alch_node *right)
{
    switch (op) {
    case ALCH_OP_EQ: return right->kind == ALCH_NODE_NULL ? ALCH_OP_IS : op;
    case ALCH_OP_NE: return right->kind == ALCH_NODE_NULL ? ALCH_OP_IS_NOT : op;
    case ALCH_OP_IS:
    case ALCH_OP_IS_NOT:
    case ALCH_OP_IS_DISTINCT:
    case ALCH_OP_IS_NOT_DISTINCT: return op;
    default: return ALCH_OP_NONE;
    }
}

static int mirrored(int op)
{
    switch (op) {
    case ALCH_OP_GT: return ALCH_OP_LT;
    case ALCH_OP_GE: return ALCH_OP_LE;
    case ALCH_OP_LT: return ALCH_OP_GT;
    case ALCH_OP_LE: return ALCH_OP_GE;
    default: return op;
    }
}

static int refuse(const alch_node *left, const alch_node *right, alch_err *err, const char *text)
{
    alch_node_drop(left);
    alch_node_drop(right);
    return alch_err_set(err, ALCH_ERR_ARGUMENT, "%s", text);
}

static int compare(int op, const alch_node *left, const alch_node *right, const alch_node **out, alch_err *err)
{
    if (is_any(left)) {     /* it stands on the right, and has no negation: NOT (a = ANY (b)) */
        int rc = alch_binary_new(mirrored(op), right, left, boolean_type(), out, err);

        if (rc == ALCH_OK)
            ((alch_binary *)(uintptr_t)*out)->negate = ALCH_OP_NONE;
        return rc;
    }
    if (is_constant(right)) {
        op = with_constant(op, right);
        if (op == ALCH_OP_NONE)
            return refuse(left, right, err, "only eq, ne, is_, is_not, is_distinct_from and is_not_distinct_from "
                                            "can be used with NULL, true and false");
    }
    return alch_binary_new(op, left, right, boolean_type(), out, err);
}

int alch_operate(int op, const alch_node *left, const alch_node *right, const alch_node **out, alch_err *err)
{
    const alch_type *type;

    if (alch_op_is_comparison(op))
        return compare(op, left, right, out, err);
    if (is_any(left))
        return refuse(left, right, err, "only comparison operators may be used with ANY and ALL");
    if (op == ALCH_OP_ADD && alch_type_concatenates(alch_node_type(left), alch_node_type(right)))
        op = ALCH_OP_CONCAT;
    type = alch_type_result(op_group(op), alch_node_type(left), alch_node_type(right));
    return alch_binary_new(op, left, right, type, out, err);
}

int alch_unary_new(int op, const alch_node *element, const alch_type *type, const alch_node **out, alch_err *err)
{
    alch_unary *u = alch_node_new(ALCH_NODE_UNARY, err);
    int rc;

    if (u == NULL) {
        alch_node_drop(element);
        return ALCH_ERR_NOMEM;
    }
    u->head.op = (uint8_t)op;
    alch_node_set_type(u, type);
    rc = alch_node_set(u, &u->element, element, err);
    if (rc != ALCH_OK) {
        alch_node_drop(u);
        return rc;
    }
    *out = &u->head;
    return ALCH_OK;
}

int alch_select_all(const alch_node *from, const alch_node **out, alch_err *err)
{
    alch_select *s = alch_node_new(ALCH_NODE_SELECT, err);
    alch_list *columns = s != NULL ? alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, 1, err) : NULL;
    int rc = columns != NULL ? alch_list_push(columns, alch_node_keep(from), err) : ALCH_ERR_NOMEM;

    if (rc == ALCH_OK)
        rc = alch_node_set(s, &s->columns, columns, err);
    else
        alch_node_drop(columns);
    if (rc == ALCH_OK)
        *out = &s->head;
    else
        alch_node_drop(s);
    return rc;
}

int alch_wrap_new(int kind, const alch_node *element, const alch_type *type, const alch_node **out, alch_err *err)
{
    alch_wrap *w = alch_node_new(kind, err);
    int rc;

    if (w == NULL) {
        alch_node_drop(element);
        return ALCH_ERR_NOMEM;
    }
    alch_node_set_type(w, type);
    rc = alch_node_set(w, &w->element, element, err);
    if (rc != ALCH_OK) {
        alch_node_drop(w);
        return rc;
    }
    *out = &w->head;
    return ALCH_OK;
}

int alch_pair_new(int kind, const alch_node *first, const alch_node *second, const alch_node **out, alch_err *err)
{
    alch_pair *p = alch_node_new(kind, err);
    int rc;

    if (p == NULL) {
        alch_node_drop(first);
        alch_node_drop(second);
        return ALCH_ERR_NOMEM;
    }
    rc = alch_node_set(p, &p->first, first, err);
    if (rc == ALCH_OK)
        rc = alch_node_set(p, &p->second, second, err);
    else
        alch_node_drop(second);
    if (rc != ALCH_OK) {
        alch_node_drop(p);
        return rc;
    }
    *out = &p->head;
    return ALCH_OK;
}

int alch_const_new(int kind, const alch_node **out, alch_err *err)
{
    alch_node *n = alch_node_new(kind, err);

    if (n == NULL)
        return ALCH_ERR_NOMEM;
    if (kind != ALCH_NODE_NULL)
        alch_node_set_type(n, boolean_type());
    *out = n;
    return ALCH_OK;
}

static int same_name(const char *a, const char *b)
{
    while (*a != '\0' && tolower((unsigned char)*a) == *b)
        a++, b++;
    return *a == *b;
}

/* -- NOT, AND, OR ------------------------------------------------------------------ */

int alch_is_boolean_form(const alch_node *n)
{
    switch (n->kind) {
    case ALCH_NODE_BINARY:
        return alch_op_is_boolean(n->op) || (((const alch_binary *)n)->flags & ALCH_BINARY_COMPARISON) != 0;
    case ALCH_NODE_UNARY: return alch_op_is_boolean(n->op) || n->op == ALCH_OP_EXISTS;
    case ALCH_NODE_LIST: return n->op == ALCH_OP_AND || n->op == ALCH_OP_OR;
    case ALCH_NODE_GROUPING: return alch_is_boolean_form(((const alch_wrap *)n)->element);
    default: return 0;
    }
}

int alch_is_bare_boolean(const alch_node *n)
{
    switch (n->kind) {
    case ALCH_NODE_BINARY: case ALCH_NODE_UNARY: case ALCH_NODE_LIST: case ALCH_NODE_GROUPING:
    case ALCH_NODE_TUPLE: case ALCH_NODE_TRUE: case ALCH_NODE_FALSE: case ALCH_NODE_TEXT: case ALCH_NODE_SCALAR:
    case ALCH_NODE_FILTER: case ALCH_NODE_CUSTOM: case ALCH_NODE_NULL:
        return 0;
    case ALCH_NODE_LABEL:
        return alch_is_bare_boolean(((const alch_label *)n)->element);
    default:
        return n->type != NULL && n->type->family == ALCH_FAMILY_BOOLEAN;
    }
}

/* ANY, ALL, also as functions: a != any(x) is not NOT a = any(x). */
static int is_any_or_all(const alch_node *n)
{
    const alch_function *f = (const alch_function *)n;

    if (n->kind == ALCH_NODE_UNARY && (n->op == ALCH_OP_ANY || n->op == ALCH_OP_ALL))
        return 1;
    return n->kind == ALCH_NODE_FUNCTION && f->package == NULL
        && (same_name(f->name, "any") || same_name(f->name, "all") || same_name(f->name, "some"));
}

/* A list of values is a parameter of its IN alone: an empty one is written differently under NOT IN. */
static int own_elements(alch_binary *b, alch_err *err)
{
    alch_bind *copy;
    int rc;

    if (b->right->kind != ALCH_NODE_BIND
        || (((const alch_bind *)b->right)->flags & (ALCH_BIND_EXPANDING | ALCH_BIND_UNIQUE)) != (ALCH_BIND_EXPANDING | ALCH_BIND_UNIQUE))
        return ALCH_OK;
    rc = alch_node_copy(b->right, &copy, err);
    return rc == ALCH_OK ? alch_node_set(b, &b->right, &copy->head, err) : rc;
}

static int negate_binary(const alch_binary *b, const alch_node **out, alch_err *err)
{
    alch_binary *made;
    const alch_node *grouped;
    int rc;

    if (b->negate != ALCH_OP_NONE && !is_any_or_all(b->right) && !is_any_or_all(b->left)) {
        rc = alch_node_copy(b, &made, err);
        if (rc != ALCH_OK)
            return rc;
        made->negate = b->head.op;
        made->head.op = b->negate;
        rc = own_elements(made, err);
        if (rc == ALCH_OK)
            *out = &made->head;
        else
            alch_node_drop(made);
        return rc;
    }
    if (alch_node_type(&b->head)->family != ALCH_FAMILY_BOOLEAN)
        return alch_unary_new(ALCH_OP_NOT, alch_node_keep(b), NULL, out, err);
    rc = alch_wrap_new(ALCH_NODE_GROUPING, alch_node_keep(b), b->head.type, &grouped, err);
    return rc == ALCH_OK ? alch_unary_new(ALCH_OP_IS_FALSE, grouped, boolean_type(), out, err) : rc;
}

static int negate_unary(const alch_unary *u, const alch_node **out, alch_err *err)
{
    if (u->head.op == ALCH_OP_IS_TRUE && (u->element->kind == ALCH_NODE_TRUE || u->element->kind == ALCH_NODE_FALSE))
        return alch_negate(u->element, out, err);
    if (u->head.op == ALCH_OP_IS_TRUE || u->head.op == ALCH_OP_IS_FALSE)
        return alch_unary_new(alch_op_negation(u->head.op), alch_node_keep(u->element), boolean_type(), out, err);
    if (alch_node_type(&u->head)->family == ALCH_FAMILY_BOOLEAN)
        return alch_unary_new(ALCH_OP_NOT, alch_node_keep(u), boolean_type(), out, err);
    return alch_unary_new(ALCH_OP_NOT, alch_node_keep(u), NULL, out, err);
}

static int negate_label(const alch_label *l, const alch_node **out, alch_err *err)
{
    const alch_node *inner;
    int rc = alch_negate(l->element, &inner, err);

    return rc == ALCH_OK ? alch_label_new(l->name, inner, out, err) : rc;
}

int alch_negate(const alch_node *n, const alch_node **out, alch_err *err)
{
    switch (n->kind) {
    case ALCH_NODE_BINARY: return negate_binary((const alch_binary *)n, out, err);
    case ALCH_NODE_UNARY: return negate_unary((const alch_unary *)n, out, err);
    case ALCH_NODE_TRUE: return alch_const_new(ALCH_NODE_FALSE, out, err);
    case ALCH_NODE_FALSE: return alch_const_new(ALCH_NODE_TRUE, out, err);
    case ALCH_NODE_LABEL: return negate_label((const alch_label *)n, out, err);
    case ALCH_NODE_LIST: return alch_unary_new(ALCH_OP_NOT, alch_node_keep(n), boolean_type(), out, err);
    default: break;
    }
    if (alch_node_type(n)->family == ALCH_FAMILY_BOOLEAN)
        return alch_unary_new(ALCH_OP_IS_FALSE, alch_node_keep(n), boolean_type(), out, err);
    return alch_unary_new(ALCH_OP_NOT, alch_node_keep(n), NULL, out, err);
}

/* Copies the items that matter; 1: one of them decides alone, '*only' is it. */
static int collect(const alch_list *items, alch_list *made, const alch_node **only, alch_err *err)
{
    int neutral = items->head.op == ALCH_OP_AND ? ALCH_NODE_TRUE : ALCH_NODE_FALSE;
    int decides = items->head.op == ALCH_OP_AND ? ALCH_NODE_FALSE : ALCH_NODE_TRUE;
    uint32_t i;
    int rc = ALCH_OK;

    for (i = 0; i < items->count && rc == ALCH_OK; i++) {
        const alch_node *item = items->items[i];

        if (item->kind == decides) {
            *only = item;
            return ALCH_OK;
        }
        if (item->kind == ALCH_NODE_LIST && ((const alch_list *)item)->count == 0)
            continue;       /* and_() of nothing says nothing */
        if (item->kind == ALCH_NODE_LIST && item->op == items->head.op)
            rc = collect((const alch_list *)item, made, only, err);
        else if (item->kind != neutral)
            rc = alch_list_push(made, alch_node_keep(item), err);
        if (*only != NULL)
            break;
    }
    return rc;
}

/* The one item of and_() or or_() is a condition by itself. */
static int condition(const alch_node *n, const alch_node **out, alch_err *err)
{
    if (alch_is_bare_boolean(n) || n->kind == ALCH_NODE_TRUE || n->kind == ALCH_NODE_FALSE)
        return alch_unary_new(ALCH_OP_IS_TRUE, alch_node_keep(n), boolean_type(), out, err);
    if (n->kind == ALCH_NODE_BINARY && n->op != ALCH_OP_CUSTOM && alch_op_precedence(n->op) <= alch_op_precedence(ALCH_OP_ASBOOL))
        return alch_wrap_new(ALCH_NODE_GROUPING, alch_node_keep(n), n->type, out, err);
    *out = alch_node_keep(n);
    return ALCH_OK;
}

int alch_conjunction(alch_list *items, const alch_node **out, alch_err *err)
{
    const alch_node *only = NULL;
    alch_list *made = alch_list_new(ALCH_NODE_LIST, items->head.op, items->count, err);
    int rc = made != NULL ? collect(items, made, &only, err) : ALCH_ERR_NOMEM;

    if (rc == ALCH_OK && only == NULL && made->count == 0 && items->count > 0)
        only = items->items[items->count - 1];
    if (rc == ALCH_OK && only == NULL && made->count == 1)
        only = made->items[0];
    if (rc == ALCH_OK && only != NULL)
        rc = condition(only, out, err);
    else if (rc == ALCH_OK) {
        alch_node_set_type(made, boolean_type());
        *out = &made->head;
        made = NULL;
    }
    alch_node_drop(made);
    alch_node_drop(items);
    return rc;
}

/* -- labels, functions, text --------------------------------------------------------- */

int alch_label_new(const char *name, const alch_node *element, const alch_node **out, alch_err *err)
{
    alch_label *l = alch_node_new(ALCH_NODE_LABEL, err);
    alch_arena arena;
    alch_namer nm = { &arena, 0 };
    const alch_node *inner = element;
    int rc;

    if (l == NULL) {
        alch_node_drop(element);
        return ALCH_ERR_NOMEM;
    }
    if (element->kind == ALCH_NODE_LABEL) {     /* a label of a label names what is inside */
        inner = alch_node_keep(((const alch_label *)element)->element);
        alch_node_drop(element);
    }
    alch_arena_init(&arena);
    if (name == NULL)
        name = alch_name_anon(&nm, l, 0, alch_name_plain(&nm, inner));
    l->anon = (uint8_t)alch_name_is_anon(name);
    alch_node_set_type(l, inner->type);
    l->name = name != NULL ? alch_strdup(name) : NULL;
    alch_arena_release(&arena);
    rc = alch_node_set(l, &l->element, inner, err);
    if (rc == ALCH_OK && l->name == NULL)
        rc = alch_err_nomem(err);
    if (rc != ALCH_OK) {
        alch_node_drop(l);
        return rc;
    }
    *out = &l->head;
    return ALCH_OK;
}

/* What well-known functions return: a type, or 'S': that of the first argument. */
static const struct { const char *name; char result; uint8_t kind, flags; } known[] = {
    { "aggregate_strings", 'T', ALCH_TYPE_STRING, ALCH_FUNC_AGGREGATE },
    { "array_agg", 'A', 0, ALCH_FUNC_AGGREGATE },
    { "char_length", 'T', ALCH_TYPE_INTEGER, 0 },
    { "coalesce", 'S', 0, 0 },
    { "concat", 'T', ALCH_TYPE_STRING, 0 },
    { "count", 'T', ALCH_TYPE_INTEGER, ALCH_FUNC_AGGREGATE },
    { "cube", 'N', 0, 0 },
    { "cume_dist", 'T', ALCH_TYPE_NUMERIC, 0 },
    { "current_date", 'T', ALCH_TYPE_DATE, ALCH_FUNC_ANSI },
    { "current_time", 'T', ALCH_TYPE_TIME, ALCH_FUNC_ANSI },
    { "current_timestamp", 'T', ALCH_TYPE_DATETIME, ALCH_FUNC_ANSI },
    { "current_user", 'T', ALCH_TYPE_STRING, ALCH_FUNC_ANSI },
    { "dense_rank", 'T', ALCH_TYPE_INTEGER, 0 },
    { "localtime", 'T', ALCH_TYPE_DATETIME, ALCH_FUNC_ANSI },
    { "localtimestamp", 'T', ALCH_TYPE_DATETIME, ALCH_FUNC_ANSI },
    { "max", 'S', 0, ALCH_FUNC_AGGREGATE },
    { "min", 'S', 0, ALCH_FUNC_AGGREGATE },
    { "mode", 'O', 0, 0 },
    { "now", 'T', ALCH_TYPE_DATETIME, 0 },
    { "percent_rank", 'T', ALCH_TYPE_NUMERIC, 0 },
    { "percentile_cont", 'O', 0, 0 },
    { "percentile_disc", 'O', 0, 0 },
    { "pow", 'S', 0, 0 },
    { "random", 'N', 0, 0 },
    { "rank", 'T', ALCH_TYPE_INTEGER, 0 },
    { "session_user", 'T', ALCH_TYPE_STRING, ALCH_FUNC_ANSI },
    { "sum", 'S', 0, ALCH_FUNC_AGGREGATE },
    { "sysdate", 'T', ALCH_TYPE_DATETIME, ALCH_FUNC_ANSI },
    { "user", 'T', ALCH_TYPE_STRING, ALCH_FUNC_ANSI }
};

static void infer(alch_function *f, int typed)
{
    const alch_node *first = f->args->count > 0 ? f->args->items[0] : NULL;
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++) {
        if (!same_name(f->name, known[i].name))
            continue;
        f->flags |= known[i].flags;
        if (!typed && known[i].result == 'T')
            alch_node_set_type(f, alch_type_of(known[i].kind));
        else if (!typed && known[i].result == 'S' && first != NULL)
            alch_node_set_type(f, first->type);
    }
}

int alch_function_new(const char *package, const char *name, alch_list *args, const alch_type *type,
                      const alch_node **out, alch_err *err)
{
    alch_function *f = alch_node_new(ALCH_NODE_FUNCTION, err);
    int rc;

    if (f == NULL) {
        alch_node_drop(args);
        return ALCH_ERR_NOMEM;
    }
    rc = alch_node_set(f, &f->args, args, err);
    f->name = alch_strdup(name);
    f->package = package != NULL ? alch_strdup(package) : NULL;
    if (rc == ALCH_OK && (f->name == NULL || (package != NULL && f->package == NULL)))
        rc = alch_err_nomem(err);
    if (rc != ALCH_OK) {
        alch_node_drop(f);
        return rc;
    }
    alch_node_set_type(f, type);
    if (package == NULL)
        infer(f, type != NULL);
    *out = &f->head;
    return ALCH_OK;
}

int alch_name_new(int kind, const char *text, const char *schema, const alch_node **out, alch_err *err)
{
    alch_text *t = alch_node_new(kind, err);

    if (t == NULL)
        return ALCH_ERR_NOMEM;
    t->text = alch_strdup(text);
    t->schema = schema != NULL ? alch_strdup(schema) : NULL;
    if (t->text == NULL || (schema != NULL && t->schema == NULL)) {
        alch_node_drop(t);
        return alch_err_nomem(err);
    }
    *out = &t->head;
    return ALCH_OK;
}
