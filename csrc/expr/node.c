#include "expr/node.h"

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"

/*
** {=== What each kind is made of
*/

/* First what the node owns, up to the first END (CHILDREN: all members from one
** to another, which must be nodes): that is all that dropping and
** copying read. Behind it the numbers that are left to tell two nodes apart,
** up to eight bytes that stand together each. */
#define CHILDREN(type, from, to) \
    { ALCH_FIELD_CHILDREN, (offsetof(type, to) - offsetof(type, from)) / sizeof(void *) + 1, offsetof(type, from) }
#define CHILD(type, member) CHILDREN(type, member, member)
#define TEXT(type, member)  { ALCH_FIELD_TEXT, 0, offsetof(type, member) }
#define HOST(type, member)  { ALCH_FIELD_HOST, 0, offsetof(type, member) }
#define COLUMNS             { ALCH_FIELD_COLUMNS, 0, 0 }
#define BIND                { ALCH_FIELD_BIND, 0, 0 }
#define ITEMS               { ALCH_FIELD_ITEMS, 0, 0 }
#define PLAIN(type, from, to) \
    { ALCH_FIELD_PLAIN, offsetof(type, to) + sizeof(((type *)NULL)->to) - offsetof(type, from), offsetof(type, from) }
#define END                 { ALCH_FIELD_END, 0, 0 }

typedef alch_field field;
typedef alch_field_type field_type;

static const field alch_const_fields[] = { END, END };
static const field alch_column_fields[] = {
    CHILD(alch_column, on_insert), CHILD(alch_column, on_update), CHILD(alch_column, entity), END, END
                                                                                /* names: column_release */
};
static const field alch_bind_fields[] = {
    TEXT(alch_bind, key), CHILD(alch_bind, named_for), BIND, END, END
};
static const field alch_binary_fields[] = {
    CHILD(alch_binary, left), CHILD(alch_binary, right), TEXT(alch_binary, extra), END,
    PLAIN(alch_binary, precedence, flags), END
};
static const field alch_unary_fields[] = {
    CHILD(alch_unary, element), TEXT(alch_unary, extra), END,
    PLAIN(alch_unary, precedence, flags), END
};
static const field alch_list_fields[] = { ITEMS, END, PLAIN(alch_list, flags, flags), END };
static const field alch_wrap_fields[] = { CHILD(alch_wrap, element), END, END };
static const field alch_pair_fields[] = { CHILD(alch_pair, first), CHILD(alch_pair, second), END, END };
static const field alch_label_fields[] = {
    TEXT(alch_label, name), CHILD(alch_label, element), END,
    PLAIN(alch_label, anon, quote), END
};
static const field alch_function_fields[] = {
    TEXT(alch_function, name), TEXT(alch_function, package), CHILD(alch_function, args), END,
    PLAIN(alch_function, flags, flags), END
};
static const field alch_over_fields[] = {
    CHILD(alch_over, element), CHILD(alch_over, partition_by), CHILD(alch_over, order_by),
    CHILD(alch_over, lower), CHILD(alch_over, upper), TEXT(alch_over, exclude), END,
    PLAIN(alch_over, frame, upper_bound), END
};
static const field alch_case_fields[] = {
    CHILD(alch_case, value), CHILD(alch_case, whens), CHILD(alch_case, otherwise), END, END
};
static const field alch_text_fields[] = {
    TEXT(alch_text, text), TEXT(alch_text, schema), CHILD(alch_text, binds), END, END
};
static const field alch_custom_fields[] = {
    HOST(alch_custom, host), CHILD(alch_custom, clauses), TEXT(alch_custom, name),
    CHILD(alch_custom, from), CHILD(alch_custom, criteria), CHILD(alch_custom, keys), END, END
};
static const field alch_table_fields[] = {
    TEXT(alch_table, name), TEXT(alch_table, schema), COLUMNS, END, END
};
static const field alch_alias_fields[] = {
    TEXT(alch_alias, name), COLUMNS, CHILD(alch_alias, element), CHILD(alch_alias, restates),
    CHILD(alch_alias, cte_of), CHILD(alch_alias, extra), CHILD(alch_alias, seed),
    TEXT(alch_alias, prefix), CHILD(alch_alias, ctes), END, PLAIN(alch_alias, flags, flags), END
};
static const field alch_join_fields[] = {
    CHILD(alch_join, left), CHILD(alch_join, right), CHILD(alch_join, on), CHILD(alch_join, criteria), END,
    PLAIN(alch_join, flags, flags), END
};
static const field alch_select_fields[] = {
    CHILDREN(alch_select, columns, entities), END, PLAIN(alch_select, label_style, flags), END
};
static const field alch_dml_fields[] = {
    CHILDREN(alch_dml, table, conflict), HOST(alch_dml, dialect_options), END, PLAIN(alch_dml, flags, label_style), END
};
static const field alch_conflict_fields[] = {
    CHILD(alch_conflict, targets), TEXT(alch_conflict, constraint), CHILD(alch_conflict, target_where),
    CHILD(alch_conflict, values), CHILD(alch_conflict, where), CHILD(alch_conflict, before), END,
    PLAIN(alch_conflict, action, action), END
};
static const field alch_lock_fields[] = { CHILD(alch_lock, of), END, PLAIN(alch_lock, flags, flags), END };
static const field alch_hint_fields[] = {
    CHILD(alch_hint, element), TEXT(alch_hint, text), TEXT(alch_hint, dialect), END, END
};

static const struct { uint16_t size; const field *fields; const char *class_; } shape[] = {
#define ALCH_NODE(kind, type, class_) [ALCH_NODE_##kind] = { sizeof(type), type##_fields, class_ },
#include "expr/nodes.def"
#undef ALCH_NODE
};

/* }=== */

const alch_field *alch_node_fields(int kind)
{
    return shape[kind].fields;
}

const char *alch_node_class(int kind)
{
    return shape[kind].class_;
}

static void *slot_at(const void *n, const field *f)
{
    return (char *)(alch_node *)n + f->offset;
}

static const alch_node **children_at(const void *n, const field *f)
{
    return slot_at(n, f);
}

static char **text_at(const void *n, const field *f)
{
    return slot_at(n, f);
}

static void release_value(const alch_value *v)
{
    if (v->kind == ALCH_HOST)
        alch_host_drop((alch_host_ref *)v->as.handle);
}

/* Text of 'value' and 'items' lies behind the items in one block (bind_own in build_expr.c). */
static void release_bind(alch_bind *b)
{
    size_t i, n = (size_t)b->count * b->width;

    release_value(&b->value);
    for (i = 0; i < n; i++)
        release_value(&b->items[i]);
    if (b->items != NULL)
        alch_free(b->items);
    else if (b->value.kind != ALCH_NULL && b->flags & ALCH_BIND_OWNS_TEXT)
        alch_free((char *)b->value.as.text.at);
}

static void release_fields(alch_node *n);

static void release_references(alch_column *c)
{
    uint32_t i;

    for (i = 0; i < c->reference_count; i++) {
        alch_free(c->references[i].table);
        alch_free(c->references[i].column);
    }
    alch_free(c->references);
}

static void release_column(alch_column *c)
{
    release_fields(&c->head);
    release_references(c);
    alch_type_drop(c->head.type);
    if (c->key != c->name)
        alch_free(c->key);
    alch_free(c->name);
    alch_free(c);
}

static void release_columns(alch_from *f)
{
    uint32_t i;

    for (i = 0; i < f->column_count + f->replaced_count; i++)
        release_column(f->columns[i]);
    alch_free(f->columns);
}

/* A list whose length was known when it was made has its items behind it, in the same block. */
static const alch_node **own_room(const alch_list *l)
{
    return (const alch_node **)(uintptr_t)(l + 1);
}

static int has_own_room(const alch_list *l)
{
    return l->items == own_room(l);
}

static void release_items(alch_list *l)
{
    uint32_t i;

    for (i = 0; i < l->count; i++)
        alch_node_drop(l->items[i]);
    if (!has_own_room(l))
        alch_free(l->items);
}

static void release_fields(alch_node *n)
{
    const field *f;
    unsigned i;

    for (f = shape[n->kind].fields; f->type != ALCH_FIELD_END; f++) {
        switch ((field_type)f->type) {
        case ALCH_FIELD_CHILDREN:
            for (i = 0; i < f->size; i++)
                if (children_at(n, f)[i] != NULL)
                    alch_node_drop(children_at(n, f)[i]);
            break;
        case ALCH_FIELD_TEXT:
            if (*text_at(n, f) != NULL)
                alch_free(*text_at(n, f));
            break;
        case ALCH_FIELD_HOST: alch_host_drop(*(alch_host_ref **)slot_at(n, f)); break;
        case ALCH_FIELD_COLUMNS: release_columns((alch_from *)n); break;
        case ALCH_FIELD_BIND: release_bind((alch_bind *)n); break;
        case ALCH_FIELD_ITEMS: release_items((alch_list *)n); break;
        default: break;
        }
    }
}

void alch_node_drop(const void *p)
{
    alch_node *n;

    if (p == NULL)
        return;
    n = alch_node_counted(p);
    if (--n->refs > 0)
        return;
    if (n->kind == ALCH_NODE_COLUMN) {
        release_column((alch_column *)n);
        return;
    }
    release_fields(n);      /* at most ALCH_DEPTH_MAX deep */
    alch_type_drop(n->type);
    alch_free(n);
}

static void *node_new(int kind, size_t room, alch_err *err)
{
    alch_node *n = alch_alloc(shape[kind].size + room);     /* calloc has no cache of blocks that were just freed */

    if (n == NULL) {
        (void)alch_err_nomem(err);
        return NULL;
    }
    memset(n, 0, shape[kind].size);
    n->refs = 1;
    n->kind = (uint8_t)kind;
    n->depth = 1;
    return n;
}

void *alch_node_new(int kind, alch_err *err)
{
    return node_new(kind, 0, err);
}

static int copy_items(alch_list *copy, const alch_list *from)
{
    uint32_t i;

    copy->items = NULL;
    copy->count = copy->size = 0;
    if (from->count == 0)
        return 1;
    copy->items = alch_alloc(from->count * sizeof *copy->items);
    if (copy->items == NULL)
        return 0;
    copy->count = copy->size = from->count;
    for (i = 0; i < from->count; i++)
        copy->items[i] = alch_node_keep(from->items[i]);
    return 1;
}

/* The bytes of a value's text, where it is text that the node must own. */
static size_t value_bytes(const alch_value *v)
{
    return v->kind == ALCH_TEXT || v->kind == ALCH_BLOB || v->kind == ALCH_DECIMAL || v->kind == ALCH_UUID
        ? v->as.text.len + 1 : 0;
}

static char *own_value(alch_value *v, char *at)
{
    size_t n = value_bytes(v);

    if (v->kind == ALCH_HOST)
        (void)alch_host_keep((alch_host_ref *)v->as.handle);
    if (n == 0)
        return at;
    memcpy(at, v->as.text.at, n - 1);
    at[n - 1] = '\0';
    v->as.text.at = at;
    return at + n;
}

/* What the bind's fields held before is not its own. */
static int own_values(alch_bind *b, const alch_value *value, const alch_value *items, size_t count, size_t width,
                      alch_err *err)
{
    size_t i, n = count * width, bytes = value_bytes(value);
    char *at;

    b->value.kind = ALCH_NULL;
    b->items = NULL;
    b->count = 0;
    b->flags &= (uint16_t)~ALCH_BIND_OWNS_TEXT;
    for (i = 0; i < n; i++)
        bytes += value_bytes(&items[i]);
    if (n + bytes > 0) {
        at = alch_alloc(n * sizeof *items + bytes + 1);
        if (at == NULL)
            return alch_err_nomem(err);
        if (items == NULL)
            b->flags |= ALCH_BIND_OWNS_TEXT;
        else {
            b->items = (alch_value *)(void *)at;
            memcpy(b->items, items, n * sizeof *items);
            b->count = (uint32_t)count;
            b->width = (uint16_t)width;
            at += n * sizeof *items;
        }
    } else
        at = NULL;
    b->value = *value;
    at = own_value(&b->value, at);
    for (i = 0; i < n && b->items != NULL; i++)
        at = own_value(&b->items[i], at);
    return ALCH_OK;
}

int alch_bind_own(alch_bind *b, const alch_value *value, const alch_value *items, size_t count, size_t width,
                  alch_err *err)
{
    release_bind(b);
    return own_values(b, value, items, count, width, err);
}

static int copy_fields(alch_node *copy, const alch_node *from)
{
    const field *f;
    unsigned i;
    int ok = 1;

    for (f = shape[from->kind].fields; f->type != ALCH_FIELD_END; f++) {
        switch ((field_type)f->type) {
        case ALCH_FIELD_CHILDREN:
            for (i = 0; i < f->size; i++)
                (void)alch_node_keep(children_at(copy, f)[i]);
            break;
        case ALCH_FIELD_TEXT:
            if (*text_at(from, f) != NULL) {
                *text_at(copy, f) = alch_strdup(*text_at(from, f));
                ok = ok && *text_at(copy, f) != NULL;
            }
            break;
        case ALCH_FIELD_HOST: (void)alch_host_keep(*(alch_host_ref **)slot_at(copy, f)); break;
        case ALCH_FIELD_COLUMNS: {
            alch_from *c = (alch_from *)copy;
            c->columns = NULL;
            c->column_count = c->column_size = c->replaced_count = 0;
            c->columns_made = 0;
            break;
        }
        case ALCH_FIELD_BIND: {
            const alch_bind *b = (const alch_bind *)from;
            ok = own_values((alch_bind *)copy, &b->value, b->items, b->count, b->width, NULL) == ALCH_OK && ok;
            break;
        }
        case ALCH_FIELD_ITEMS: ok = copy_items((alch_list *)copy, (const alch_list *)from) && ok; break;
        default: break;
        }
    }
    return ok;
}

int alch_node_copy(const void *n, void *out, alch_err *err)
{
    const alch_node *from = n;
    alch_node *copy;

    if (from->kind == ALCH_NODE_COLUMN || from->kind == ALCH_NODE_TABLE)
        return alch_err_set(err, ALCH_ERR_ARGUMENT, "a %s is one of a kind: it cannot be changed in a copy", alch_node_class(from->kind));
    copy = alch_alloc(shape[from->kind].size);
    if (copy == NULL)
        return alch_err_nomem(err);
    memcpy(copy, from, shape[from->kind].size);
    copy->refs = 1;
    if (copy->type != NULL)
        copy->type = alch_type_keep(copy->type);
    if (!copy_fields(copy, from)) {
        alch_node_drop(copy);
        return alch_err_nomem(err);
    }
    *(alch_node **)out = copy;
    return ALCH_OK;
}

/* A column is as deep as what it is a column of: following one leads there. */
static int deepen(alch_node *parent, const alch_node *child, alch_err *err)
{
    unsigned depth = alch_node_counted(child)->depth + 1u;

    if (depth > ALCH_DEPTH_MAX)
        return alch_err_set(err, ALCH_ERR_ARGUMENT, "expression nested deeper than %d levels", ALCH_DEPTH_MAX);
    if (depth > parent->depth)
        parent->depth = (uint16_t)depth;
    return ALCH_OK;
}

int alch_node_set(void *parent, const void *slot, const void *child, alch_err *err)
{
    const void **at = (const void **)(uintptr_t)slot;
    const void *old = *at;
    int rc = child != NULL ? deepen(parent, child, err) : ALCH_OK;

    if (rc != ALCH_OK) {
        alch_node_drop(child);
        return rc;
    }
    *at = child;
    alch_node_drop(old);
    return ALCH_OK;
}

void alch_node_set_type(void *p, const alch_type *t)
{
    alch_node *n = p;
    const alch_type *old = n->type;

    n->type = t != NULL ? alch_type_keep(t) : NULL;
    alch_type_drop(old);
}

int alch_node_children(const alch_node *n, alch_child_fn fn, void *payload)
{
    const field *f;
    uint32_t i;
    int rc = 0;

    if (n->kind == ALCH_NODE_COLUMN)
        return 0;
    for (f = shape[n->kind].fields; f->type != ALCH_FIELD_END && rc == 0; f++) {
        if (f->type == ALCH_FIELD_CHILDREN) {
            for (i = 0; i < f->size && rc == 0; i++)
                if (children_at(n, f)[i] != NULL)
                    rc = fn(children_at(n, f)[i], payload);
        } else if (f->type == ALCH_FIELD_ITEMS)
            for (i = 0; i < ((const alch_list *)n)->count && rc == 0; i++)
                rc = fn(((const alch_list *)n)->items[i], payload);
    }
    return rc;
}

static int replace_one(alch_node *n, const alch_node **slot, alch_replace_fn fn, void *payload, alch_err *err)
{
    const alch_node *made = fn(*slot, payload, err);

    if (made == NULL)
        return err != NULL ? err->code : ALCH_ERR_NOMEM;
    return alch_node_set(n, slot, made, err);
}

int alch_node_replace(alch_node *n, alch_replace_fn fn, void *payload, alch_err *err)
{
    const field *f;
    uint32_t i;
    int rc = ALCH_OK;

    for (f = shape[n->kind].fields; f->type != ALCH_FIELD_END && rc == ALCH_OK; f++) {
        if (f->type == ALCH_FIELD_CHILDREN) {
            for (i = 0; i < f->size && rc == ALCH_OK; i++)
                if (children_at(n, f)[i] != NULL)
                    rc = replace_one(n, &children_at(n, f)[i], fn, payload, err);
        } else if (f->type == ALCH_FIELD_ITEMS)
            for (i = 0; i < ((alch_list *)n)->count && rc == ALCH_OK; i++)
                rc = replace_one(n, &((alch_list *)n)->items[i], fn, payload, err);
    }
    return rc;
}

/*
** {=== Lists
*/

alch_list *alch_list_new(int kind, int op, size_t room, alch_err *err)
{
    alch_list *l;

    if (room > UINT32_MAX / sizeof *l->items) {     /* a length that somebody made up */
        (void)alch_err_nomem(err);
        return NULL;
    }
    l = node_new(kind, room * sizeof *l->items, err);
    if (l == NULL)
        return NULL;
    l->head.op = (uint8_t)op;
    if (room > 0) {
        l->items = own_room(l);
        l->size = (uint32_t)room;
    }
    return l;
}

int alch_list_extend(const alch_list *l, int op, size_t more, alch_list **out, alch_err *err)
{
    uint32_t i;
    alch_list *made = alch_list_new(ALCH_NODE_LIST, l != NULL ? l->head.op : op, alch_list_len(l) + more, err);

    if (made == NULL)
        return ALCH_ERR_NOMEM;
    if (l != NULL) {
        made->head.depth = l->head.depth;
        made->flags = l->flags;
        for (i = 0; i < l->count; i++)
            made->items[i] = alch_node_keep(l->items[i]);
        made->count = l->count;
    }
    *out = made;
    return ALCH_OK;
}

int alch_list_push(alch_list *l, const void *item, alch_err *err)
{
    int rc = deepen(&l->head, item, err);

    if (rc == ALCH_OK && l->count == l->size) {
        uint32_t size = l->size != 0 ? l->size * 2 : 4;
        const alch_node **at = alch_realloc(has_own_room(l) ? NULL : l->items, size * sizeof *at);

        if (at == NULL)
            rc = alch_err_nomem(err);
        else {
            if (has_own_room(l))
                memcpy(at, l->items, l->count * sizeof *at);
            l->items = at;
            l->size = size;
        }
    }
    if (rc != ALCH_OK) {
        alch_node_drop(item);
        return rc;
    }
    l->items[l->count++] = item;
    return ALCH_OK;
}

/* }=== */

/*
** {=== Operators
*/

enum { C = 1, B = 2, S = 4, M = 8 };

static const struct { const char *name, *text; int8_t precedence; uint8_t negation, flags; } ops[] = {
#define ALCH_OP(name, text, prec, negation, flags) { #name, text, prec, ALCH_OP_##negation, flags },
#include "expr/ops.def"
#undef ALCH_OP
};

const char *alch_op_text(int op) { return ops[op].text; }
const char *alch_op_name(int op) { return ops[op].name; }
int alch_op_precedence(int op) { return ops[op].precedence; }
int alch_op_negation(int op) { return ops[op].negation; }
int alch_op_is_comparison(int op) { return (ops[op].flags & C) != 0; }
int alch_op_is_boolean(int op) { return (ops[op].flags & (C | B)) != 0; }
int alch_op_is_natural(int op) { return (ops[op].flags & S) != 0; }
int alch_op_is_modifier(int op) { return (ops[op].flags & M) != 0; }

int alch_op_find(const char *name)
{
    int op;

    for (op = 0; op < ALCH_OP_COUNT; op++)
        if (strcmp(ops[op].name, name) == 0)
            return op;
    return -1;
}

/* }=== */
