/* ON CONFLICT, as INSERT ends with it. */
#include "compile/compiler.h"

/* ON CONFLICT (a, b) WHERE x, ON CONFLICT ON CONSTRAINT c */
static void put_conflict_target(alch_compiler *c, const alch_conflict *k, unsigned flags)
{
    uint32_t i;

    if (k->constraint != NULL) {
        alch_puts(c, " ON CONSTRAINT ");
        alch_put_identifier(c, k->constraint, 0);
        return;
    }
    if (k->targets == NULL)
        return;
    alch_puts(c, " (");
    for (i = 0; i < k->targets->count; i++) {
        if (i > 0)
            alch_puts(c, ", ");
        if (k->targets->items[i]->kind == ALCH_NODE_LABEL_NAME)
            alch_put_identifier(c, ((const alch_text *)k->targets->items[i])->text, 0);
        else
            alch_compile_node(c, k->targets->items[i], flags | ALCH_V_NO_TABLE | ALCH_V_NO_SCHEMA);
    }
    alch_buf_putc(c->out, ')');
    if (k->target_where != NULL) {
        alch_puts(c, " WHERE ");
        alch_compile_operand(c, k->target_where, ALCH_OP_ASBOOL,
                             flags | ALCH_V_NO_TABLE | ALCH_V_NO_SCHEMA
                             | (c->dialect->caps.literal_conflict_where ? ALCH_V_LITERAL : 0u));
    }
}

static void put_conflict_value(alch_compiler *c, const alch_pair *p, unsigned flags)
{
    const alch_type *t = alch_node_type(p->first);

    if (p->first->kind == ALCH_NODE_LABEL_NAME)
        alch_put_identifier(c, ((const alch_text *)p->first)->text, 0);
    else
        alch_compile_node(c, p->first, flags | ALCH_V_NO_TABLE);
    alch_puts(c, " = ");
    if (p->second->kind == ALCH_NODE_BIND && alch_node_type(p->second)->family == ALCH_FAMILY_NULL
        && t->family != ALCH_FAMILY_NULL) {
        alch_bind *typed;
        int rc = alch_node_copy(p->second, &typed, c->err);

        if (rc != ALCH_OK) {
            c->failed = rc;
            return;
        }
        alch_node_set_type(typed, t);
        alch_keep_made(c, &typed->head);
        alch_compile_node(c, &typed->head, flags);
    } else
        alch_compile_operand(c, p->second, ALCH_OP_NONE, flags);
}

void alch_visit_conflict(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_conflict *k = (const alch_conflict *)n;
    uint32_t i;

    if (k->before != NULL)
        alch_compile_node(c, k->before, flags);
    flags = (flags & ALCH_V_LITERAL) | ALCH_V_NO_SCHEMA;
    if (c->frame->outer == NULL)
        c->result->upsert = 1;
    alch_puts(c, " ON CONFLICT");
    put_conflict_target(c, k, flags);
    if (k->action == ALCH_CONFLICT_NOTHING) {
        alch_puts(c, " DO NOTHING");
        return;
    }
    alch_puts(c, " DO UPDATE SET ");
    for (i = 0; i < alch_list_len(k->values); i++) {
        if (i > 0)
            alch_puts(c, ", ");
        put_conflict_value(c, (const alch_pair *)k->values->items[i], flags);
    }
    if (k->where != NULL) {
        alch_puts(c, " WHERE ");
        alch_compile_operand(c, k->where, ALCH_OP_ASBOOL, flags);
    }
}
