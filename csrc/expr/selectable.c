#include "expr/selectable.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "expr/entity.h"

void alch_nodes_add(alch_nodes *list, const alch_node *n)
{
    if (list->len == list->size) {
        size_t size = list->size != 0 ? list->size * 2 : 8;
        const alch_node **at = alch_arena_alloc(list->arena, size * sizeof *at);

        if (at == NULL) {
            list->failed = 1;
            return;
        }
        if (list->len > 0)
            memcpy(at, list->at, list->len * sizeof *at);
        list->at = at;
        list->size = size;
    }
    list->at[list->len++] = n;
}

int alch_nodes_has(const alch_nodes *list, const alch_node *n)
{
    size_t i;

    for (i = 0; i < list->len; i++)
        if (list->at[i] == n)
            return 1;
    return 0;
}

void alch_nodes_add_new(alch_nodes *list, const alch_node *n)
{
    if (!alch_nodes_has(list, n))
        alch_nodes_add(list, n);
}

int alch_is_from(const alch_node *n)
{
    return n->kind >= ALCH_NODE_TABLE && n->kind <= ALCH_NODE_JOIN;
}

int alch_is_statement(const alch_node *n)
{
    return n->kind == ALCH_NODE_SELECT || n->kind == ALCH_NODE_COMPOUND || n->kind == ALCH_NODE_TEXT_SELECT;
}

int alch_is_dml(const alch_node *n)
{
    return n->kind == ALCH_NODE_INSERT || n->kind == ALCH_NODE_UPDATE || n->kind == ALCH_NODE_DELETE;
}

/*
** {=== Derived columns
*/

static int add_derived(alch_from *f, const char *name, const char *key, const alch_node *origin, alch_err *err)
{
    alch_column *c = alch_node_new(ALCH_NODE_COLUMN, err);
    int rc;

    if (c == NULL)
        return ALCH_ERR_NOMEM;
    c->name = alch_strdup(name);
    c->key = key == NULL || strcmp(key, name) == 0 ? c->name : alch_strdup(key);
    c->origin = origin;
    alch_node_set_type(c, origin->type);
    if (alch_name_is_anon(name))
        c->flags |= ALCH_COLUMN_ANON;
    /* What a label was called is written as it is. */
    if (origin->kind != ALCH_NODE_LABEL
        && (alch_is_statement(((const alch_alias *)f)->element) || alch_is_dml(((const alch_alias *)f)->element)))
        c->flags |= ALCH_COLUMN_SHORTEN;
    if (origin->kind == ALCH_NODE_COLUMN)
        c->flags |= ((const alch_column *)origin)->flags &
            (ALCH_COLUMN_PRIMARY_KEY | ALCH_COLUMN_NULLABLE | ALCH_COLUMN_QUOTE | ALCH_COLUMN_NO_QUOTE
             | ALCH_COLUMN_SHORTEN | (strcmp(((const alch_column *)origin)->name, name) == 0 ? ALCH_COLUMN_LITERAL : 0));
    rc = c->name != NULL && c->key != NULL ? ALCH_OK : alch_err_nomem(err);
    if (rc == ALCH_OK) {
        if (f->column_count == f->column_size) {
            uint32_t size = f->column_size != 0 ? f->column_size * 2 : 8;
            alch_column **at = alch_realloc(f->columns, size * sizeof(alch_column *));

            if (at == NULL)
                rc = alch_err_nomem(err);
            else {
                f->columns = at;
                f->column_size = size;
            }
        }
    }
    if (rc != ALCH_OK) {
        alch_node_drop(c);
        return rc;
    }
    c->position = f->column_count;
    f->columns[f->column_count++] = c;
    c->head.refs = 0;       /* now the owner's */
    c->owner = f;
    return ALCH_OK;
}

/* An alias of a FROM has its columns, under their names. */
static int derive_from(alch_from *f, const alch_node *element, alch_arena *arena, alch_err *err)
{
    alch_nodes columns = { arena, NULL, 0, 0, 0 };
    int rc = alch_from_columns(element, &columns, err);
    size_t i;

    for (i = 0; i < columns.len && rc == ALCH_OK; i++) {
        const alch_column *c = (const alch_column *)columns.at[i];

        rc = add_derived(f, c->name, c->key, columns.at[i], err);
    }
    return rc;
}

int alch_label_style_of(const alch_node *statement)
{
    while (statement->kind == ALCH_NODE_COMPOUND) {
        const alch_select *s = (const alch_select *)statement;

        if (s->label_style != ALCH_LABELS_DEFAULT)
            return s->label_style;
        statement = s->columns->items[0];
    }
    if (statement->kind == ALCH_NODE_SELECT)
        return ((const alch_select *)statement)->label_style;
    return alch_is_dml(statement) ? ((const alch_dml *)statement)->label_style : ALCH_LABELS_DEFAULT;
}

/* A label stays as it is where another column has it too; from outside neither could be told from the other. */
static int check_label(const alch_named_column *c, alch_err *err)
{
    const alch_label *l = (const alch_label *)c->column;

    if (l->head.kind != ALCH_NODE_LABEL || l->anon || c->required == NULL || strcmp(c->required, l->name) == 0 || c->qualified)
        return ALCH_OK;
    return alch_err_set(err, ALCH_ERR_ARGUMENT, "'%s' is the label of two columns of the SELECT; a subquery's columns need "
                        "labels of their own", l->name);
}

/* A mapped class gives no key to another column of an attribute that has one: it is selected, and not seen from outside. */
static int is_unexported(const alch_node *key)
{
    return key != NULL && ((const alch_text *)key)->text[0] == '\0';
}

/* A subquery's columns are called what its SELECT list is called from outside. */
static int derive_statement(alch_from *f, const alch_node *statement, alch_arena *arena, alch_err *err)
{
    alch_nodes columns = { arena, NULL, 0, 0, 0 }, keys = columns;
    alch_namer nm = { arena, 0 };
    alch_named_column *named;
    int style = alch_label_style_of(statement);
    int rc = alch_selected_keys(statement, &columns, &keys, err);
    size_t i;

    if (rc == ALCH_OK)
        rc = alch_name_keyed_columns(&nm, columns.at, keys.at, columns.len, style, 0, &named, err);
    for (i = 0; i < columns.len && rc == ALCH_OK; i++) {
        const alch_named_column *c = &named[i];
        const char *name = c->required;

        if (c->column->kind == ALCH_NODE_TEXT || is_unexported(keys.at[i]))
            continue;
        rc = check_label(c, err);
        if (rc != ALCH_OK)
            break;
        if (name == NULL)
            name = alch_name_non_anon(&nm, c->column);
        if (name == NULL)
            name = alch_name_label(&nm, c->column);
        if (name == NULL)
            rc = alch_err_nomem(err);
        else
            rc = add_derived(f, name, c->key, c->column, err);
        if (rc == ALCH_OK)
            f->columns[f->column_count - 1]->flags |= alch_name_quoting(c);
    }
    return rc;
}

/* A function nobody said the columns of has one, which it gives the name. */
static int derive_function(alch_from *f, const alch_node *function, alch_arena *arena, alch_err *err)
{
    alch_namer nm = { arena, 0 };
    const char *name = alch_name_label(&nm, function);

    return name != NULL ? add_derived(f, name, NULL, function, err) : alch_err_nomem(err);
}

static int has_statement_inside(const alch_alias *a)
{
    return a->element != NULL && (alch_is_statement(a->element) || alch_is_dml(a->element));
}

int alch_from_derive(const alch_node *from, alch_err *err)
{
    alch_from *f = (alch_from *)(uintptr_t)from;
    const alch_alias *a = (const alch_alias *)from;
    alch_arena arena;
    int rc = ALCH_OK;

    if (!alch_is_from(from) || from->kind == ALCH_NODE_JOIN || f->columns_made)
        return ALCH_OK;
    alch_arena_init(&arena);
    if (has_statement_inside(a))
        rc = derive_statement(f, a->element, &arena, err);
    else if (a->element != NULL && alch_is_from(a->element))
        rc = derive_from(f, a->element, &arena, err);
    else if (a->element != NULL && a->element->kind == ALCH_NODE_FUNCTION && f->column_count == 0)
        rc = derive_function(f, a->element, &arena, err);
    alch_arena_release(&arena);
    f->columns_made = rc == ALCH_OK;
    return rc;
}

int alch_from_copy_given(alch_node *copy, const alch_node *original, alch_err *err)
{
    const alch_from *from = (const alch_from *)original;
    alch_from *f = (alch_from *)copy;
    uint32_t i;
    int rc = ALCH_OK;

    if (copy->kind != ALCH_NODE_VALUES && copy->kind != ALCH_NODE_TEXT_SELECT && copy->kind != ALCH_NODE_TABLE_ALIAS)
        return ALCH_OK;
    for (i = 0; i < from->column_count && rc == ALCH_OK; i++) {
        const alch_column *given = from->columns[i];

        rc = add_derived(f, given->name, given->key, &given->head, err);
        if (rc == ALCH_OK)      /* what text's columns stand for is kept by its 'extra', the given ones are not */
            f->columns[i]->origin = given->origin;
    }
    f->columns_made = rc == ALCH_OK;
    return rc;
}

/* }=== */

const alch_from *alch_target_columns(const alch_node *table)
{
    static const alch_from none = { .columns_made = 1 };

    return table->kind == ALCH_NODE_JOIN ? &none : (const alch_from *)table;
}

int alch_from_columns(const alch_node *from, alch_nodes *out, alch_err *err)
{
    const alch_from *f = (const alch_from *)from;
    uint32_t i;
    int rc;

    if (from->kind == ALCH_NODE_JOIN) {
        rc = alch_from_columns(((const alch_join *)from)->left, out, err);
        return rc == ALCH_OK ? alch_from_columns(((const alch_join *)from)->right, out, err) : rc;
    }
    if (from->kind == ALCH_NODE_TEXT_SELECT || alch_is_from(from)) {
        rc = alch_from_derive(from, err);
        for (i = 0; rc == ALCH_OK && i < f->column_count; i++)
            alch_nodes_add(out, &f->columns[i]->head);
        return rc == ALCH_OK && out->failed ? alch_err_nomem(err) : rc;
    }
    return ALCH_OK;
}

/* Adds the keys of an ENTITY, and for columns before it that have none of their own, none. */
static void add_keys(alch_nodes *keys, const alch_list *given, size_t columns)
{
    uint32_t i;

    if (keys == NULL)
        return;
    while (keys->len + alch_list_len(given) < columns && !keys->failed)
        alch_nodes_add(keys, NULL);
    for (i = 0; i < alch_list_len(given); i++)
        alch_nodes_add(keys, given->items[i]);
}

static int expand(const alch_list *columns, alch_nodes *out, alch_nodes *keys, alch_err *err)
{
    uint32_t i;
    int rc = ALCH_OK;

    for (i = 0; i < alch_list_len(columns) && rc == ALCH_OK; i++) {
        const alch_node *c = columns->items[i];

        if (alch_is_from(c))
            rc = alch_from_columns(c, out, err);
        else if (c->kind == ALCH_NODE_LIST && c->op == ALCH_OP_COMMA)
            rc = expand((const alch_list *)c, out, keys, err);
        else if (c->kind == ALCH_NODE_ENTITY) {
            const alch_list *given = ((const alch_custom *)c)->keys;

            rc = expand(((const alch_custom *)c)->clauses, out, given != NULL ? NULL : keys, err);
            if (given != NULL)
                add_keys(keys, given, out->len);
        } else
            alch_nodes_add(out, c);
    }
    add_keys(keys, NULL, out->len);
    return rc == ALCH_OK && (out->failed || (keys != NULL && keys->failed)) ? alch_err_nomem(err) : rc;
}

int alch_expand_columns(const alch_list *columns, alch_nodes *out, alch_err *err)
{
    return expand(columns, out, NULL, err);
}

int alch_selected_keys(const alch_node *statement, alch_nodes *out, alch_nodes *keys, alch_err *err)
{
    int rc = ALCH_OK;

    while (statement->kind == ALCH_NODE_COMPOUND)
        statement = ((const alch_select *)statement)->columns->items[0];
    if (alch_is_dml(statement))
        return expand(((const alch_dml *)statement)->returning, out, keys, err);
    if (statement->kind == ALCH_NODE_SELECT)
        return expand(((const alch_select *)statement)->columns, out, keys, err);
    if (statement->kind == ALCH_NODE_TEXT_SELECT || alch_is_from(statement))
        rc = alch_from_columns(statement, out, err);
    add_keys(keys, NULL, out->len);
    return rc == ALCH_OK && keys != NULL && keys->failed ? alch_err_nomem(err) : rc;
}

int alch_selected_columns(const alch_node *statement, alch_nodes *out, alch_err *err)
{
    return alch_selected_keys(statement, out, NULL, err);
}

static int add_objects(const alch_node *n, void *payload)
{
    alch_from_objects(n, payload);
    return 0;
}

void alch_from_objects(const alch_node *n, alch_nodes *out)
{
    switch (n->kind) {
    case ALCH_NODE_COLUMN:
        if (((const alch_column *)n)->owner != NULL && ((const alch_column *)n)->owner->head.kind != ALCH_NODE_TEXT_SELECT)
            alch_nodes_add(out, &((const alch_column *)n)->owner->head);
        return;
    case ALCH_NODE_BIND: case ALCH_NODE_TEXT: case ALCH_NODE_SCALAR: case ALCH_NODE_SELECT:
    case ALCH_NODE_COMPOUND: case ALCH_NODE_TEXT_SELECT: case ALCH_NODE_CALLABLE:
        return;
    case ALCH_NODE_JOIN:
        alch_nodes_add(out, n);
        alch_from_objects(((const alch_join *)n)->left, out);
        alch_from_objects(((const alch_join *)n)->right, out);
        return;
    case ALCH_NODE_ENTITY:
        if (((const alch_custom *)n)->clauses != NULL)
            alch_from_objects(&((const alch_custom *)n)->clauses->head, out);
        return;
    default:
        if (alch_is_from(n))
            alch_nodes_add(out, n);
        else
            (void)alch_node_children(n, add_objects, out);
    }
}

/* First what the tables of a listed thing are joined in, where it is of a mapped class. */
static void add_listed(const alch_node *n, int given, alch_nodes *out)
{
    const alch_list *parts = given ? NULL : alch_entity_parts(n);
    const alch_custom *entity = given || parts != NULL ? NULL : alch_entity_within(n);
    uint32_t i;

    for (i = 0; i < alch_list_len(parts); i++)
        add_listed(parts->items[i], given, out);
    if (parts != NULL)
        return;
    if (entity != NULL)
        alch_from_objects(entity->from != NULL ? entity->from : &entity->clauses->head, out);
    if (entity == NULL || &entity->head != n)
        alch_from_objects(n, out);
}

static void add_columns_froms(const alch_select *s, int given, alch_nodes *out)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(s->columns); i++)
        add_listed(s->columns->items[i], given, out);
}

void alch_columns_froms(const alch_select *s, alch_nodes *out)
{
    add_columns_froms(s, 0, out);
}

void alch_listed_froms(const alch_select *s, alch_nodes *out)
{
    int given = alch_list_len(s->froms) > 0;
    uint32_t i;

    add_columns_froms(s, given, out);
    for (i = 0; !given && i < alch_list_len(s->entities); i++)
        if (((const alch_custom *)s->entities->items[i])->from != NULL)
            alch_from_objects(((const alch_custom *)s->entities->items[i])->from, out);
}

void alch_hidden_froms(const alch_node *from, alch_nodes *out)
{
    if (from->kind == ALCH_NODE_JOIN) {
        alch_from_objects(((const alch_join *)from)->left, out);
        alch_from_objects(((const alch_join *)from)->right, out);
    }
}

const alch_node *alch_base_column(const alch_node *n)
{
    while (n->kind == ALCH_NODE_COLUMN && ((const alch_column *)n)->origin != NULL)
        n = ((const alch_column *)n)->origin;
    return n;
}

int alch_shares_lineage(const alch_node *a, const alch_node *b)
{
    const alch_node *x, *y;

    for (x = a; x != NULL; x = x->kind == ALCH_NODE_COLUMN ? ((const alch_column *)x)->origin
                             : x->kind == ALCH_NODE_LABEL ? ((const alch_label *)x)->element : NULL)
        for (y = b; y != NULL; y = y->kind == ALCH_NODE_COLUMN ? ((const alch_column *)y)->origin
                                 : y->kind == ALCH_NODE_LABEL ? ((const alch_label *)y)->element : NULL)
            if (x == y)
                return 1;
    return 0;
}

const char *alch_from_label(const alch_node *from, char *buf, size_t size)
{
    const char *name = "a join", *schema = NULL;

    if (from->kind == ALCH_NODE_TABLE) {
        name = ((const alch_table *)from)->name;
        schema = ((const alch_table *)from)->schema;
    } else if (from->kind != ALCH_NODE_JOIN && alch_is_from(from)) {
        const alch_alias *a = (const alch_alias *)from;

        name = a->name != NULL && !alch_name_is_anon(a->name) ? a->name : "an anonymous alias";
    } else if (from->kind == ALCH_NODE_COLUMN)
        name = ((const alch_column *)from)->name;
    else if (from->kind != ALCH_NODE_JOIN)
        name = alch_node_class(from->kind);
    (void)snprintf(buf, size, "%s%s%s", schema != NULL ? schema : "", schema != NULL ? "." : "", name);
    return buf;
}
