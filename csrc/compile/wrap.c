/* bind_expression and column_expression of types: asking, and writing what
** they answer. */
#include "compile/wrap.h"

#include "expr/build.h"

const alch_type *alch_wrapping_type(const alch_compiler *c, const alch_type *t, unsigned hook)
{
    if (t->variant_count > 0)
        t = alch_type_for(t, c->dialect->name);
    return t->flags & hook ? t : NULL;
}

/* What the type makes of 'n'; kept by the compiled statement. */
static const alch_node *ask(alch_compiler *c, const alch_type *t, unsigned hook, const alch_node *n)
{
    const alch_compile_host *host = c->options->host;
    const alch_node *answer;
    int rc;

    if (host == NULL || host->wrap == NULL)
        return n;
    c->result->fixed = 1;
    rc = host->wrap(host->type_host, t, hook, n, c->dialect->name, &answer, c->err);
    if (rc != ALCH_OK) {
        c->failed = rc;
        return NULL;
    }
    alch_keep_made(c, answer);
    return answer;
}

/* A parameter by itself, of type 't', that the hook may put anywhere. */
static alch_bind *stand_in(alch_compiler *c, const alch_type *t, const alch_bind *b)
{
    static const alch_value none = { .kind = ALCH_NULL };
    const alch_node *made;
    alch_bind *copy;
    int rc = b != NULL ? alch_node_copy(b, &copy, c->err) : alch_bind_new(NULL, NULL, t, &none, 0, &made, c->err);

    if (rc != ALCH_OK) {
        c->failed = rc;
        return NULL;
    }
    if (b == NULL)
        copy = (alch_bind *)(uintptr_t)made;
    alch_keep_made(c, &copy->head);
    if (c->failed != ALCH_OK)
        return NULL;
    alch_node_set_type(copy, t);
    copy->flags = (uint16_t)((copy->flags & ~ALCH_BIND_EXPANDING) | ALCH_BIND_STAND_IN);
    return copy;
}

const alch_node *alch_wrap_bind(alch_compiler *c, const alch_type *t, const alch_bind *b)
{
    alch_bind *inner = stand_in(c, t, b);

    return inner != NULL ? ask(c, t, ALCH_TYPE_HOOK_BIND_EXPRESSION, &inner->head) : NULL;
}

void alch_compile_wrapped(alch_compiler *c, const alch_node *wrapped, const alch_wrapping *w, unsigned flags)
{
    const alch_wrapping *saved = c->wrapping;

    if (wrapped == NULL)
        return;
    c->wrapping = w;
    alch_compile_node(c, wrapped, flags);
    c->wrapping = saved;
}

/* A parameter that came back with another type is sent as that one. */
static void put_param(alch_compiler *c, const alch_wrapping *w, const alch_type *t, unsigned flags)
{
    (void)flags;
    if (c->failed == ALCH_OK)
        c->result->params[w->param].type = t;
    alch_put_placeholder(c, w->param);
}

static void put_literal(alch_compiler *c, const alch_wrapping *w, const alch_type *t, unsigned flags)
{
    (void)flags;
    alch_compile_literal(c, t, w->value);
}

void alch_put_column_placeholder(alch_compiler *c, const alch_type *t, uint32_t param)
{
    const alch_wrapping w = { put_param, NULL, NULL, NULL, param, 0 };
    const alch_type *wrapping = alch_wrapping_type(c, t, ALCH_TYPE_HOOK_BIND_EXPRESSION);

    if (wrapping == NULL)
        alch_put_placeholder(c, param);
    else
        alch_compile_wrapped(c, alch_wrap_bind(c, wrapping, NULL), &w, 0);
}

void alch_put_column_literal(alch_compiler *c, const alch_type *t, const alch_value *v)
{
    const alch_wrapping w = { put_literal, NULL, NULL, v, 0, 0 };
    const alch_type *wrapping = alch_wrapping_type(c, t, ALCH_TYPE_HOOK_BIND_EXPRESSION);

    if (wrapping == NULL)
        alch_compile_literal(c, t, v);
    else
        alch_compile_wrapped(c, alch_wrap_bind(c, wrapping, NULL), &w, ALCH_V_LITERAL);
}

const alch_node *alch_wrap_column(alch_compiler *c, const alch_node *column)
{
    const alch_type *t = alch_wrapping_type(c, alch_node_type(column), ALCH_TYPE_HOOK_COLUMN_EXPRESSION);
    const alch_node *answer = t != NULL ? ask(c, t, ALCH_TYPE_HOOK_COLUMN_EXPRESSION, column) : column;

    return answer != NULL ? answer : column;
}
