#include "expr/names.h"

#include <stdio.h>
#include <string.h>

#include "base/dict.h"

const char *alch_name_part(const char *at, const char **base, const char **end)
{
    for (; (at = strchr(at, ALCH_ANON_BEGIN)) != NULL; at++) {
        size_t digits = strspn(at + 1, "0123456789abcdef");

        if ((digits != 16 && digits != 20) || at[1 + digits] != ALCH_ANON_BASE)
            continue;
        *base = at + digits + 2;
        *end = strchr(*base, ALCH_ANON_END);
        if (*end != NULL)
            return at;
    }
    return NULL;
}

int alch_name_is_anon(const char *name)
{
    const char *base, *end;

    return name != NULL && alch_name_part(name, &base, &end) != NULL;
}

static char *room(alch_namer *nm, size_t size)
{
    char *p = alch_arena_alloc(nm->arena, size);

    if (p == NULL)
        nm->failed = 1;
    return p;
}

/* Characters that SQLAlchemy's format strings cannot hold become one underscore. */
static void put_base(char *at, const char *base)
{
    int gap = 0;

    for (; *base != '\0'; base++) {
        int bad = *base == '%' || *base == '(' || *base == ')' || *base == ' ' || *base == '$'
            || (*base >= ALCH_ANON_BEGIN && *base <= ALCH_ANON_END);

        if (!bad || !gap)
            *at++ = bad ? '_' : *base;
        gap = bad;
    }
    *at++ = ALCH_ANON_END;
    *at = '\0';
}

/* NULL, true and false are the same wherever they stand. */
static const void *identity_of(const void *p)
{
    static const char constants[3];
    const alch_node *n = p;

    return n->kind >= ALCH_NODE_NULL && n->kind <= ALCH_NODE_FALSE ? &constants[n->kind - ALCH_NODE_NULL] : p;
}

static char *put_hex(char *at, uintptr_t n, int digits)
{
    while (digits-- > 0)
        *at++ = "0123456789abcdef"[n >> (digits * 4) & 15];
    return at;
}

const char *alch_name_anon(alch_namer *nm, const void *identity, unsigned index, const char *base)
{
    size_t prefix = alch_name_is_anon(base) ? strlen(base) : 0;
    char *text = room(nm, strlen(base != NULL ? base : "anon") + 32), *at;

    if (text == NULL)
        return NULL;
    if (prefix > 0)
        memcpy(text, base, prefix);
    at = text + prefix;
    *at++ = ALCH_ANON_BEGIN;
    at = put_hex(at, (uintptr_t)identity_of(identity), 16);
    if (index != 0)
        at = put_hex(at, index & 0xffff, 4);
    *at++ = ALCH_ANON_BASE;
    put_base(at, prefix > 0 ? "" : base != NULL ? base : "anon");
    return text;
}

static const char *join(alch_namer *nm, const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    char *text = room(nm, la + lb + 2);

    if (text == NULL)
        return NULL;
    memcpy(text, a, la);
    text[la] = '_';
    memcpy(text + la + 1, b, lb + 1);
    return text;
}

/* CAST and type_coerce, a boolean as a condition, and an aggregate with its order, are called what they wrap is called. */
static const alch_node *wrapped(const alch_node *n)
{
    switch (n->kind) {
    case ALCH_NODE_UNARY:
        return n->op == ALCH_OP_IS_TRUE || n->op == ALCH_OP_IS_FALSE ? ((const alch_unary *)n)->element : NULL;
    case ALCH_NODE_CAST: case ALCH_NODE_TRY_CAST: case ALCH_NODE_TYPE_COERCE: return ((const alch_wrap *)n)->element;
    case ALCH_NODE_AGG_ORDER_BY: case ALCH_NODE_WITHIN_GROUP: return ((const alch_pair *)n)->first;
    default: return NULL;
    }
}

const char *alch_name_plain(alch_namer *nm, const alch_node *n)
{
    (void)nm;
    switch (n->kind) {
    case ALCH_NODE_COLUMN: return ((const alch_column *)n)->name;
    case ALCH_NODE_LABEL:
    case ALCH_NODE_FUNC_COLUMN: return ((const alch_label *)n)->name;
    case ALCH_NODE_FUNCTION: return ((const alch_function *)n)->name;
    case ALCH_NODE_NEXT_VALUE: return "next_value";
    case ALCH_NODE_TABLE_VALUED: {
        const alch_node *from = ((const alch_wrap *)n)->element;

        return from->kind == ALCH_NODE_TABLE ? ((const alch_table *)from)->name
            : from->kind > ALCH_NODE_TABLE && from->kind < ALCH_NODE_JOIN ? ((const alch_alias *)from)->name : NULL;
    }
    case ALCH_NODE_CUSTOM: return ((const alch_custom *)n)->name;
    default: return NULL;
    }
}

const char *alch_name_non_anon(alch_namer *nm, const alch_node *n)
{
    switch (n->kind) {
    case ALCH_NODE_COLUMN:
    case ALCH_NODE_LABEL:
    case ALCH_NODE_FUNC_COLUMN:
    case ALCH_NODE_TABLE_VALUED: return alch_name_plain(nm, n);
    case ALCH_NODE_CUSTOM: return ((const alch_custom *)n)->is_name ? ((const alch_custom *)n)->name : NULL;
    default: return NULL;
    }
}

const char *alch_name_label(alch_namer *nm, const alch_node *n)
{
    const alch_node *inner = wrapped(n);

    if (inner != NULL && inner->kind != ALCH_NODE_TEXT) {
        const char *name = alch_name_non_anon(nm, inner);

        return name != NULL ? name : alch_name_label(nm, inner);
    }
    return alch_name_anon(nm, n, 0, alch_name_plain(nm, n));
}

const char *alch_name_proxy_key(alch_namer *nm, const alch_node *n)
{
    const alch_node *inner = wrapped(n);
    const char *key = NULL;

    if (inner != NULL && inner->kind != ALCH_NODE_TEXT)
        return alch_name_proxy_key(nm, inner);
    if (n->kind == ALCH_NODE_COLUMN)
        key = ((const alch_column *)n)->key;
    else if (n->kind == ALCH_NODE_BIND)
        key = ((const alch_bind *)n)->flags & ALCH_BIND_UNIQUE ? NULL : ((const alch_bind *)n)->key;
    else
        key = alch_name_plain(nm, n);
    return alch_name_is_anon(key) ? NULL : key;
}

const char *alch_name_of_from(const alch_from *f)
{
    switch (f->head.kind) {
    case ALCH_NODE_TABLE: return ((const alch_table *)f)->name;
    case ALCH_NODE_TEXT_SELECT: return NULL;
    default: return ((const alch_alias *)f)->flags & ALCH_ALIAS_UNNAMED && f->head.kind == ALCH_NODE_VALUES
        ? NULL : ((const alch_alias *)f)->name;
    }
}

static int has_key(const alch_from *f, const char *key)
{
    uint32_t i;

    for (i = 0; i < f->column_count; i++)
        if (strcmp(f->columns[i]->key, key) == 0)
            return 1;
    return 0;
}

/* A label must not be the key of another column of the table. */
static const char *unlike_keys(alch_namer *nm, const alch_from *f, const char *label)
{
    const char *made = label;
    char number[16];
    unsigned i;

    for (i = 1; made != NULL && has_key(f, made); i++) {
        (void)snprintf(number, sizeof number, "%u", i);
        made = join(nm, label, number);
    }
    return made;
}

static const char *with_schema(alch_namer *nm, const alch_table *t, const char *label)
{
    char *schema;
    size_t i;

    if (label == NULL || t->schema == NULL)
        return label;
    schema = alch_arena_strndup(nm->arena, t->schema, strlen(t->schema));
    if (schema == NULL) {
        nm->failed = 1;
        return NULL;
    }
    for (i = 0; schema[i] != '\0'; i++)
        if (schema[i] == '.')
            schema[i] = '_';
    return join(nm, schema, label);
}

static const char *qualify(alch_namer *nm, const alch_column *c, const char *name)
{
    const char *table, *label;

    if (c->flags & ALCH_COLUMN_LITERAL)
        return NULL;
    if (c->owner == NULL)
        return name;
    table = alch_name_of_from(c->owner);
    if (table == NULL)
        return name;
    label = join(nm, table, name);
    if (c->owner->head.kind == ALCH_NODE_TABLE)
        label = with_schema(nm, (const alch_table *)c->owner, label);
    return label != NULL ? unlike_keys(nm, c->owner, label) : NULL;
}

const char *alch_name_qualified(alch_namer *nm, const alch_node *n)
{
    const alch_node *inner = wrapped(n);

    if (inner != NULL)
        return alch_name_qualified(nm, inner);
    if (n->kind == ALCH_NODE_COLUMN)
        return qualify(nm, (const alch_column *)n, ((const alch_column *)n)->name);
    return alch_name_non_anon(nm, n);
}

const char *alch_name_qualified_key(alch_namer *nm, const alch_node *n)
{
    if (n->kind == ALCH_NODE_COLUMN) {
        const alch_column *c = (const alch_column *)n;
        const char *key = alch_name_proxy_key(nm, n);

        if (key != NULL && strcmp(key, c->name) != 0)
            return qualify(nm, c, key);
    }
    return n->kind == ALCH_NODE_COLUMN || n->kind == ALCH_NODE_LABEL ? alch_name_qualified(nm, n)
                                                                     : alch_name_proxy_key(nm, n);
}

const char *alch_name_dedupe(alch_namer *nm, const alch_node *n, unsigned index, int qualified)
{
    const alch_node *inner = wrapped(n);
    const char *name;

    if (!qualified) {
        name = inner != NULL ? alch_name_non_anon(nm, inner) : alch_name_plain(nm, n);
        if (name != NULL) {
            name = join(nm, name, "");
            return name != NULL ? alch_name_anon(nm, n, inner != NULL ? 0 : index, name) : NULL;
        }
    }
    name = alch_name_qualified(nm, n);
    name = join(nm, name != NULL ? name : "anon", "");
    return name != NULL ? alch_name_anon(nm, n, index, name) : NULL;
}

/*
** {=== The names of a SELECT list
*/

typedef struct naming {
    alch_namer *nm;
    alch_named_column *columns;
    alch_dict seen;         /* label -> index of the column + 1 */
    alch_dict keys;         /* keys so far -> 1 */
    unsigned dedupe;        /* counts repeated columns */
    int qualified, none, repeat;
    int failed;
} naming;

static const alch_node *seen(const naming *g, const char *name)
{
    uint32_t at = alch_dict_get(&g->seen, name, strlen(name));

    return at != 0 ? g->columns[at - 1].column : NULL;
}

static uint32_t index_of(const naming *g, const alch_named_column *c)
{
    return (uint32_t)(c - g->columns) + 1;
}

static void see(naming *g, const char *name, const alch_named_column *c)
{
    if (!alch_dict_set(&g->seen, name, strlen(name), index_of(g, c)))
        g->failed = 1;
}

static void repeat(naming *g, alch_named_column *c)
{
    c->qualified = 0;
    c->required = c->fallback = alch_name_dedupe(g->nm, c->column, g->dedupe++, g->qualified);
    c->repeated = 1;
}

/* 'first' already has the name: another column, or (matters if asked) the same. */
static void disambiguate(naming *g, alch_named_column *c, const alch_node *first)
{
    if (first != c->column) {
        c->qualified = 0;
        c->required = c->fallback = g->qualified
            ? alch_name_anon(g->nm, c->column, 0, alch_name_qualified(g->nm, c->column))
            : alch_name_label(g->nm, c->column);
        if (c->required == NULL)
            return;
        if (g->repeat && seen(g, c->required) != NULL)
            repeat(g, c);
        else
            see(g, c->required, c);
    } else if (g->repeat)
        repeat(g, c);
}

/* An expression without a name of its own. */
static void name_nameless(naming *g, alch_named_column *c)
{
    const char *label = alch_name_label(g->nm, c->column);

    if (label == NULL)
        return;
    if (seen(g, label) != NULL) {
        c->repeated = 1;
        c->fallback = alch_name_dedupe(g->nm, c->column, g->dedupe++, g->qualified);
    } else
        c->fallback = label;
    see(g, label, c);
}

static void name_one(naming *g, alch_named_column *c)
{
    const char *effective;
    uint32_t *at;

    if (c->column->kind == ALCH_NODE_TEXT)
        return;
    if (g->none) {
        const char *name = alch_name_non_anon(g->nm, c->column);

        c->fallback = name != NULL ? name : alch_name_label(g->nm, c->column);
        return;
    }
    if (g->qualified)
        effective = c->required = c->fallback = alch_name_qualified(g->nm, c->column);
    else
        effective = c->fallback = alch_name_non_anon(g->nm, c->column);
    c->qualified = c->required != NULL;
    if (effective == NULL) {
        name_nameless(g, c);
        return;
    }
    at = alch_dict_place(&g->seen, effective, strlen(effective));
    if (at == NULL)
        g->failed = 1;
    else if (*at != 0)
        disambiguate(g, c, g->columns[*at - 1].column);
    else
        *at = index_of(g, c);
}

unsigned alch_alias_quoting(const alch_alias *a)
{
    return a->flags & ALCH_ALIAS_QUOTE ? ALCH_COLUMN_QUOTE : a->flags & ALCH_ALIAS_NO_QUOTE ? ALCH_COLUMN_NO_QUOTE : 0;
}

unsigned alch_name_quoting(const alch_named_column *c)
{
    const alch_column *column = (const alch_column *)c->column;
    unsigned own;

    if (c->column->kind != ALCH_NODE_COLUMN || (c->required != NULL && !c->qualified))
        return 0;
    own = column->flags & (ALCH_COLUMN_QUOTE | ALCH_COLUMN_NO_QUOTE);
    if (own != 0 || !c->qualified || column->owner == NULL)
        return own;
    if (column->owner->head.kind == ALCH_NODE_TABLE) {
        const alch_table *t = (const alch_table *)column->owner;

        return t->quote & 1 ? ALCH_COLUMN_QUOTE : t->quote & 2 ? ALCH_COLUMN_NO_QUOTE : 0;
    }
    return column->owner->head.kind != ALCH_NODE_TEXT_SELECT ? alch_alias_quoting((const alch_alias *)column->owner) : 0;
}

/* The key as it is, or with a number behind it if it came before in this one list. */
static const char *numbered_key(naming *g, const char *base)
{
    char text[32];
    unsigned i;
    const char *made = base;

    for (i = 1; made != NULL; i++) {
        uint32_t *at = alch_dict_place(&g->keys, made, strlen(made));

        if (at == NULL) {
            g->failed = 1;
            break;
        }
        if ((*at)++ == 0)
            break;
        (void)snprintf(text, sizeof text, "%u", i);
        made = join(g->nm, base, text);
    }
    return made;
}

/* The key that a mapped class gives the column, qualified as its name would be. */
static const char *given_key(naming *g, const alch_node *column, const char *given)
{
    if (column->kind != ALCH_NODE_COLUMN || !g->qualified || g->none)
        return given;
    return strcmp(given, ((const alch_column *)column)->name) == 0 ? alch_name_qualified(g->nm, column)
                                                                  : qualify(g->nm, (const alch_column *)column, given);
}

static void key_one(naming *g, alch_named_column *c, const alch_node *given)
{
    const char *key;

    if (c->column->kind == ALCH_NODE_TEXT)
        return;
    if (given != NULL && ((const alch_text *)given)->text[0] != '\0')
        key = given_key(g, c->column, ((const alch_text *)given)->text);
    else
        key = g->qualified && !g->none ? alch_name_qualified_key(g->nm, c->column)
                                       : alch_name_proxy_key(g->nm, c->column);
    if (key == NULL || alch_name_is_anon(key))
        key = "_no_label";
    c->key = g->none ? key : numbered_key(g, key);
}

int alch_name_keyed_columns(alch_namer *nm, const alch_node *const *columns, const alch_node *const *keys, size_t n,
                            int label_style, int dedupe, alch_named_column **out, alch_err *err)
{
    alch_named_column *made = alch_arena_alloc(nm->arena, (n + 1) * sizeof *made);
    naming g = { nm, made, { nm->arena, NULL, 0, 0 }, { nm->arena, NULL, 0, 0 }, 1,
                 label_style == ALCH_LABELS_TABLENAME_PLUS_COL, label_style == ALCH_LABELS_NONE, dedupe, 0 };
    size_t i;

    if (made == NULL)
        return alch_err_nomem(err);
    for (i = 0; i < n; i++) {
        made[i].column = columns[i];
        name_one(&g, &made[i]);
        key_one(&g, &made[i], keys != NULL ? keys[i] : NULL);
    }
    if (g.failed || nm->failed)
        return alch_err_nomem(err);
    *out = made;
    return ALCH_OK;
}

int alch_name_columns(alch_namer *nm, const alch_node *const *columns, size_t n, int label_style, int dedupe,
                      alch_named_column **out, alch_err *err)
{
    return alch_name_keyed_columns(nm, columns, NULL, n, label_style, dedupe, out, err);
}

/* }=== */
