#include "compile/compiled.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

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
