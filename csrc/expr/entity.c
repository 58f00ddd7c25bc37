#include "expr/entity.h"

#include <string.h>

#include "base/alloc.h"

int alch_entity_column_new(const alch_node *column, const alch_custom *entity, const alch_node **out, alch_err *err)
{
    const alch_column *of = (const alch_column *)column;
    alch_column *c = alch_node_new(ALCH_NODE_COLUMN, err);

    if (c == NULL)
        return ALCH_ERR_NOMEM;
    c->owner = of->owner;
    c->origin = column;
    c->flags = of->flags;
    c->position = of->position;
    c->head.depth = alch_node_counted(column)->depth;
    alch_node_set_type(c, column->type);
    c->entity = alch_node_keep(entity);     /* which keeps the column, and so its owner */
    c->name = alch_strdup(of->name);
    c->key = of->key == of->name ? c->name : alch_strdup(of->key);
    if (c->name == NULL || c->key == NULL) {
        alch_node_drop(c);
        return alch_err_nomem(err);
    }
    *out = &c->head;
    return ALCH_OK;
}

static const alch_custom *entity_of(const alch_node *n)
{
    if (n->kind == ALCH_NODE_COLUMN)
        return (const alch_custom *)((const alch_column *)n)->entity;
    return n->kind == ALCH_NODE_ENTITY ? (const alch_custom *)n : NULL;
}

/* A search from the left; 'level' is how far below the top 'found' is. */
typedef struct search {
    const alch_custom *found;
    unsigned level, at;
} search;

static int search_in(const alch_node *n, void *payload)
{
    search *s = payload;
    const alch_custom *entity = entity_of(n);

    if (s->found != NULL && s->at >= s->level)
        return 0;
    if (entity != NULL) {
        s->found = entity;
        s->level = s->at;
        return 0;
    }
    if (n->kind == ALCH_NODE_COLUMN || n->kind == ALCH_NODE_BIND || n->kind == ALCH_NODE_SCALAR || alch_is_from(n)
        || alch_is_statement(n))
        return 0;
    s->at++;
    (void)alch_node_children(n, search_in, s);
    s->at--;
    return 0;
}

const alch_custom *alch_entity_within(const alch_node *n)
{
    search s = { NULL, 0, 0 };

    (void)search_in(n, &s);
    return s.found;
}

const alch_list *alch_entity_parts(const alch_node *n)
{
    const alch_custom *entity = (const alch_custom *)n;

    if (n->kind == ALCH_NODE_LIST && n->op == ALCH_OP_COMMA)
        return (const alch_list *)n;
    return n->kind == ALCH_NODE_ENTITY && entity->from == NULL && entity->criteria == NULL
        && alch_entity_within(&entity->clauses->head) != NULL ? entity->clauses : NULL;
}

/* -- criteria ------------------------------------------------------------------------------------------------------ */

static int is_in_join(const alch_select *s, const alch_node *criteria)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(s->joins); i++)
        if (((const alch_join *)s->joins->items[i])->criteria == criteria)
            return 1;
    return 0;
}

static void add_criteria(const alch_select *s, const alch_custom *entity, alch_nodes *out)
{
    if (entity != NULL && entity->criteria != NULL && !is_in_join(s, entity->criteria))
        alch_nodes_add_new(out, entity->criteria);
}

static void add_listed(const alch_select *s, const alch_list *l, alch_nodes *out)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(l); i++) {
        const alch_list *parts = alch_entity_parts(l->items[i]);

        if (parts != NULL)
            add_listed(s, parts, out);
        else
            add_criteria(s, alch_entity_within(l->items[i]), out);
    }
}

/* Adds the attributes of restricted classes that a criterion compares. */
static int add_compared(const alch_node *n, void *payload)
{
    switch (n->kind) {
    case ALCH_NODE_COLUMN:
        if (entity_of(n) != NULL && entity_of(n)->criteria != NULL)
            alch_nodes_add(payload, &entity_of(n)->head);
        return 0;
    case ALCH_NODE_BIND: case ALCH_NODE_TEXT: case ALCH_NODE_SCALAR: case ALCH_NODE_FUNCTION: case ALCH_NODE_ENTITY:
        return 0;
    case ALCH_NODE_OVER:
        return add_compared(((const alch_over *)n)->element, payload);
    case ALCH_NODE_WITHIN_GROUP:
        return add_compared(((const alch_pair *)n)->first, payload);
    case ALCH_NODE_BINARY:
        if (n->op == ALCH_OP_IN || n->op == ALCH_OP_NOT_IN)
            return add_compared(((const alch_binary *)n)->left, payload);
        return alch_node_children(n, add_compared, payload);
    default:
        return alch_is_from(n) || alch_is_statement(n) ? 0 : alch_node_children(n, add_compared, payload);
    }
}

void alch_entity_criteria(const alch_select *s, alch_nodes *out)
{
    alch_nodes compared = { out->arena, NULL, 0, 0, 0 };
    uint32_t i;

    add_listed(s, s->columns, out);
    add_listed(s, s->entities, out);
    for (i = 0; i < alch_list_len(s->where); i++) {
        compared.len = 0;
        (void)add_compared(s->where->items[i], &compared);
        while (compared.len > 0)        /* the last one first, as in SQLAlchemy */
            add_criteria(s, (const alch_custom *)compared.at[--compared.len], out);
    }
    out->failed |= compared.failed;
}
