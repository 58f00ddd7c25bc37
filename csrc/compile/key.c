#include "compile/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Columns lead to their tables, which depth does not count: deeper than this a statement has no key. */
#define LEVELS_MAX 400

/* What a word begins with where it is not a node's kind. */
enum { TAG_REFERENCE = 0x80, TAG_IDENTITY, TAG_STRING, TAG_NONE };

typedef alch_key_walk walk;

void alch_key_init(alch_key *k)
{
    memset(k, 0, offsetof(alch_key, arena));
    alch_arena_init(&k->arena);
}

void alch_key_release(alch_key *k)
{
    alch_free(k->words);
    alch_free(k->given);
    alch_free(k->seen);
    alch_arena_release(&k->arena);
    alch_key_init(k);
}

/* -- words --------------------------------------------------------------------------------------------------------- */

/* 0: there is no room, and the walk has failed. */
static int grow(walk *w, size_t more)
{
    alch_key *k = w->key;
    size_t count = (size_t)(w->at - k->words), size = k->size * 2 > count + more ? k->size * 2 : count + more + 128;
    uint64_t *words = alch_realloc(k->words, size * sizeof *words);

    if (words == NULL) {
        w->failed = 1;
        return 0;
    }
    k->words = words;
    k->size = size;
    w->at = words + count;
    w->end = words + size;
    return 1;
}

static inline void put(walk *w, uint64_t word)
{
    if (w->at == w->end && !grow(w, 1))
        return;
    *w->at++ = word;
}

static inline void put_address(walk *w, const void *p)
{
    put(w, (uint64_t)(uintptr_t)p);
}

static inline void put_tagged(walk *w, unsigned tag, uint64_t number)
{
    put(w, tag | number << 8);
}

static void put_bytes(walk *w, const char *s, size_t len)
{
    size_t words = (len + 7) / 8;

    put_tagged(w, TAG_STRING, len);
    if (words == 0 || ((size_t)(w->end - w->at) < words && !grow(w, words)))
        return;
    w->at[words - 1] = 0;
    memcpy(w->at, s, len);
    w->at += words;
}

/* -- identities ---------------------------------------------------------------------------------------------------- */

/* Where the address is or belongs: slots that an earlier walk wrote are empty. */
static alch_key_seen *seen_slot(const alch_key *k, const void *p)
{
    uint32_t mask = k->seen_size - 1, i = (uint32_t)(((uintptr_t)p >> 4) * 0x9e3779b1u >> 7) & mask;

    while (k->seen[i].walk == k->walk && k->seen[i].address != p)
        i = (i + 1) & mask;
    return &k->seen[i];
}

/* Twice as many slots, with what the walk has seen so far. */
static int grow_seen(alch_key *k)
{
    alch_key_seen *old = k->seen;
    uint32_t i, size = k->seen_size;

    k->seen = alch_alloc0((size != 0 ? size * 2 : 64) * sizeof *k->seen);
    if (k->seen == NULL) {
        k->seen = old;
        return 0;
    }
    k->seen_size = size != 0 ? size * 2 : 64;
    for (i = 0; i < size; i++)
        if (old[i].walk == k->walk)
            *seen_slot(k, old[i].address) = old[i];
    alch_free(old);
    return 1;
}

/* 1: the address has a number already, which is written. Otherwise it gets the next one. */
static int put_known(walk *w, const void *p, unsigned tag)
{
    alch_key *k = w->key;
    alch_key_seen *s;

    if (w->numbers * 2 >= k->seen_size && !grow_seen(k)) {
        w->failed = 1;
        return 1;
    }
    s = seen_slot(k, p);
    if (s->walk == k->walk) {
        put_tagged(w, tag, s->number);
        return 1;
    }
    *s = (alch_key_seen){ .address = p, .walk = k->walk, .number = ++w->numbers };
    return 0;
}

enum { IDENTITY_DIGITS = 16 };

/* What an anonymous part of a name is named for; NULL if the name only looks as if it had one. */
static const void *identity_at(const char *part)
{
    char digits[IDENTITY_DIGITS + 1];
    size_t i;

    for (i = 0; i < IDENTITY_DIGITS; i++) {
        digits[i] = part[i + 1];
        if (digits[i] == '\0')
            return NULL;
    }
    digits[i] = '\0';
    return (const void *)(uintptr_t)strtoull(digits, NULL, 16);
}

/* A name: of its anonymous parts the number of what they are named for. */
static void put_name(walk *w, const char *s)
{
    const char *part;

    if (s == NULL) {
        put(w, TAG_NONE);
        return;
    }
    while ((part = strchr(s, ALCH_ANON_BEGIN)) != NULL) {
        const void *identity = identity_at(part);

        if (identity == NULL || !w->every) {
            w->failed |= identity == NULL;
            w->again = 1;
            return;
        }
        put_bytes(w, s, (size_t)(part - s));
        if (!put_known(w, identity, TAG_IDENTITY))
            put_tagged(w, TAG_IDENTITY, w->numbers);
        s = part + 1 + IDENTITY_DIGITS;
    }
    put_bytes(w, s, strlen(s));
}

/* -- types --------------------------------------------------------------------------------------------------------- */

static uint64_t pair(uint32_t low, uint32_t high)
{
    return low | (uint64_t)high << 32;
}

/* A type is its address if it is there for good or says more than numbers and
** names; other ones, made for one expression (a cast), are what they say. */
static void put_type(walk *w, const alch_type *t)
{
    if (t == NULL || t->refs == ALCH_TYPE_IMMORTAL || t->object != NULL || t->host != NULL || t->class_name != NULL
        || t->label_count != 0 || t->item_count != 0 || t->variant_count != 0) {
        put_address(w, t);
        return;
    }
    put(w, pair(1u | (uint32_t)t->kind << 8 | (uint32_t)t->flags << 16, t->oid));      /* odd: no address */
    put(w, pair((uint32_t)t->length, (uint32_t)t->precision));
    put(w, pair((uint32_t)t->scale, t->family));
    put_name(w, t->name);
    put_name(w, t->schema);
    put_name(w, t->collation);
    put_type(w, t->item);
}

/* -- parts of nodes ------------------------------------------------------------------------------------------------ */

static void put_node(walk *w, const alch_node *n);

static int needs_kinds(const alch_type *t)
{
    return t->family == ALCH_FAMILY_NULL || t->family == ALCH_FAMILY_TUPLE;
}

static int grow_given(alch_key *k)
{
    size_t size = k->given_size != 0 ? k->given_size * 2 : 16;
    alch_given *at = alch_realloc(k->given, size * sizeof *at);

    if (at == NULL)
        return 0;
    k->given = at;
    k->given_size = size;
    return 1;
}

static size_t bytes_of(const alch_value *v)
{
    return v->kind == ALCH_TEXT || v->kind == ALCH_BLOB || v->kind == ALCH_DECIMAL ? v->as.text.len : 0;
}

/* How the text treats a value may depend on its kind, and on that of elements without a type of their own. */
static void put_given(walk *w, const alch_type *t, const alch_given *given, size_t n)
{
    alch_key *k = w->key;
    size_t i;

    put(w, given->value->kind);
    k->value_bytes += bytes_of(given->value) + n * sizeof *given->items;
    for (i = 0; i < n; i++) {
        k->value_bytes += bytes_of(&given->items[i]);
        if (needs_kinds(t))
            put(w, given->items[i].kind);
    }
    if (k->given_count == k->given_size && !grow_given(k))
        w->failed = 1;
    else
        k->given[k->given_count++] = *given;
}

static void put_bind(walk *w, const alch_bind *b)
{
    if (b->flags & ALCH_BIND_LITERAL) {
        w->failed = 1;
        return;
    }
    put(w, pair((uint32_t)(b->flags & ~ALCH_BIND_OWNS_TEXT) | (uint32_t)b->width << 16, b->count));
    put_given(w, alch_node_type(&b->head), &(alch_given){ &b->value, b->items, b }, (size_t)b->count * b->width);
    if (b->flags & ALCH_BIND_EXPANDING && b->key != NULL)
        w->key->named_lists = 1;
}

static void put_column_itself(walk *w, const alch_column *c)
{
    put_name(w, c->name);
    if (c->key != c->name)
        put_name(w, c->key);
    put(w, pair(c->flags, c->key != c->name));
    put_type(w, c->head.type);
}

/* Columns that a FROM was given; others follow from what it is of, and from when they were made of it. */
static void put_columns(walk *w, const alch_from *f)
{
    uint32_t i;
    int given = f->head.kind == ALCH_NODE_VALUES || f->head.kind == ALCH_NODE_TABLE_ALIAS
        || f->head.kind == ALCH_NODE_TEXT_SELECT;

    put(w, f->columns_made ? f->column_count + 1u : 0);
    for (i = 0; given && i < f->column_count; i++)
        put_column_itself(w, f->columns[i]);
}

/* A table and its columns are addresses. */
static inline int is_of_table(const alch_node *n)
{
    return alch_node_counted(n)->kind == ALCH_NODE_TABLE;
}

static inline void put_of_table(walk *w, const alch_node *n)
{
    put_tagged(w, n->kind, 2 | (uint64_t)((const alch_from *)alch_node_counted(n))->version << 8);
    put_address(w, n);
}

/* Most of a statement's nodes are columns of tables. */
static inline void put_child(walk *w, const alch_node *n)
{
    if (is_of_table(n) && !w->renders_tables)
        put_of_table(w, n);
    else
        put_node(w, n);
}

/* 1 if there is a text, which is written. */
static uint64_t put_text(walk *w, const char *s)
{
    if (s != NULL)
        put_name(w, s);
    return s != NULL;
}

static uint64_t put_children(walk *w, const alch_node *const *children, unsigned n)
{
    uint64_t present = 0;
    unsigned i;

    for (i = 0; i < n; i++)
        if (children[i] != NULL) {
            present |= (uint64_t)1 << i;
            put_child(w, children[i]);
        }
    return present;
}

static void put_items(walk *w, const alch_list *l)
{
    uint32_t i;

    put(w, l->count);
    for (i = 0; i < l->count && !w->failed; i++)
        put_child(w, l->items[i]);
}

/* Which children there are, in one word; then the children. */
static const alch_field *put_owned(walk *w, const alch_node *n, const alch_field *f)
{
    size_t at = (size_t)(w->at - w->key->words);
    uint64_t present = 0;
    unsigned bit = 0;

    put(w, 0);
    for (; f->type != ALCH_FIELD_END; f++) {
        const void *slot = (const char *)n + f->offset;

        switch ((alch_field_type)f->type) {
        case ALCH_FIELD_CHILDREN:
            present |= put_children(w, slot, f->size) << bit;
            bit += f->size - 1u;
            break;
        case ALCH_FIELD_TEXT: present |= put_text(w, *(char *const *)slot) << bit; break;
        case ALCH_FIELD_COLUMNS: put_columns(w, (const alch_from *)n); break;
        case ALCH_FIELD_BIND: put_bind(w, (const alch_bind *)n); break;
        case ALCH_FIELD_ITEMS: put_items(w, (const alch_list *)n); break;
        default: break;         /* the object of an ENTITY: its columns are its clauses */
        }
        bit++;
    }
    if (!w->failed)
        w->key->words[at] = present;
    return f + 1;
}

static void put_plain(walk *w, const alch_node *n, const alch_field *f)
{
    for (; f->type != ALCH_FIELD_END; f++) {
        const unsigned char *at = (const unsigned char *)n + f->offset;
        uint64_t word = 0;
        unsigned i;

        for (i = 0; i < f->size; i++)
            word = word << 8 | at[i];
        put(w, word);
    }
}

/* -- nodes --------------------------------------------------------------------------------------------------------- */

/* Another FROM's column than a table's is its place in it. */
static void put_column(walk *w, const alch_column *c)
{
    const alch_from *f = c->owner;

    if (c->entity != NULL) {
        put_tagged(w, ALCH_NODE_COLUMN, 2);
        put_child(w, c->origin);
        put_node(w, c->entity);
        return;
    }
    put_tagged(w, ALCH_NODE_COLUMN, f != NULL);
    if (f == NULL) {
        if ((c->head.refs > 1 || w->every) && put_known(w, c, TAG_REFERENCE))
            return;
        put_column_itself(w, c);
        return;
    }
    if (c->position >= f->column_count || f->columns[c->position] != c)
        w->failed = 1;          /* it was replaced */
    put(w, c->position);
    put_name(w, c->name);
    w->level++;
    put_node(w, &f->head);
    w->level--;
}

static int is_of_host(const walk *w, const alch_node *n)
{
    return n->kind == ALCH_NODE_CUSTOM || n->kind == ALCH_NODE_CALLABLE
        || (w->overridden != NULL && w->overridden[n->kind]);
}

/* Something that is held once only cannot come again, nor can the statement itself inside it; a column holds its FROM
** without being its child. */
static int may_come_again(const walk *w, const alch_node *n)
{
    return (n->refs > 1 && w->level > 0) || w->every || alch_is_from(n) || n->kind == ALCH_NODE_TEXT_SELECT;
}

static void put_other(walk *w, const alch_node *n)
{
    const alch_field *plain;

    if (may_come_again(w, n) && put_known(w, n, TAG_REFERENCE))
        return;
    w->writes |= (uint8_t)alch_is_dml(n);
    put_tagged(w, n->kind, n->op);
    put_type(w, n->type);
    w->level++;
    plain = put_owned(w, n, alch_node_fields(n->kind));
    w->level--;
    put_plain(w, n, plain);
}

static void put_node(walk *w, const alch_node *n)
{
    if (w->failed || w->again)
        return;
    if (is_of_host(w, n) || w->level == LEVELS_MAX)
        w->failed = 1;
    else if (is_of_table(n))
        put_of_table(w, n);
    else if (n->kind == ALCH_NODE_COLUMN)
        put_column(w, (const alch_column *)n);
    else
        put_other(w, n);
}

/* -- the whole ----------------------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The columns that parameters bring, whatever their order. */
static void put_column_keys(walk *w, const alch_compile_options *o)
{
    size_t i, n = o->column_key_count;
    const char **names = alch_arena_alloc(&w->key->arena, (n + 1) * sizeof *names);

    if (names == NULL) {
        w->failed = 1;
        return;
    }
    if (n > 0)
        memcpy(names, o->column_keys, n * sizeof *names);
    qsort(names, n, sizeof *names, compare_names);
    put(w, n);
    for (i = 0; i < n; i++)
        put_bytes(w, names[i], strlen(names[i]));
}

/* Which text is asked for. */
static void put_options(walk *w, const alch_compile_options *o)
{
    put(w, (uint64_t)(o->executemany | o->implicit_returning << 1 | o->bare_columns << 2 | o->for_execution << 3
                  | o->linting << 4));
}

static inline uint64_t mixed(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

/* Over words, which are addresses, small numbers and text: each must move all bits. Four chains, because each step
** waits for the one before it. */
static uint64_t hash_words(const uint64_t *words, size_t n)
{
    uint64_t a = n, b = 1, c = 2, d = 3;
    size_t i;

    for (i = 0; i + 4 <= n; i += 4) {
        a = mixed(a, words[i]);
        b = mixed(b, words[i + 1]);
        c = mixed(c, words[i + 2]);
        d = mixed(d, words[i + 3]);
    }
    for (; i < n; i++)
        a = mixed(a, words[i]);
    return mixed(mixed(mixed(a, b), c), d);
}

/* The slots of the walks before are empty for this one. */
static void begin_walk(walk *w)
{
    alch_key *k = w->key;

    if (++k->walk == 0) {
        if (k->seen_size > 0)
            memset(k->seen, 0, k->seen_size * sizeof *k->seen);
        k->walk = 1;
    }
    k->given_count = k->value_bytes = 0;
    k->named_lists = 0;
    w->at = w->end = k->words;
    if (k->size > 0)
        w->end += k->size;
    w->numbers = 0;
    w->every = w->again;
    w->again = 0;
}

static walk new_walk(alch_key *k, const alch_compile_options *o)
{
    const uint8_t *overridden = o->host != NULL ? o->host->overridden : NULL;

    return (walk){ .key = k, .overridden = overridden,
                   .renders_tables = overridden != NULL && (overridden[ALCH_NODE_COLUMN] || overridden[ALCH_NODE_TABLE]) };
}

/* What the parameters bring, and the sum of it all. */
static int end_walk(walk *w, const alch_compile_options *o)
{
    alch_key *k = w->key;

    if (w->writes && o->has_column_keys)
        put_column_keys(w, o);
    if (k->arena.next != k->arena.first)
        alch_arena_release(&k->arena);
    if (w->failed)
        return 0;
    k->count = (size_t)(w->at - k->words);
    k->hash = hash_words(k->words, k->count);
    return 1;
}

int alch_key_make(alch_key *k, const alch_node *statement, const alch_compile_options *options)
{
    walk w = new_walk(k, options);

    do {
        begin_walk(&w);
        put_options(&w, options);
        put_node(&w, statement);
    } while (w.again && !w.every && !w.failed);
    return end_walk(&w, options);
}

/* -- of what is no node yet ---------------------------------------------------------------------------------------- */

void alch_key_begin(alch_key_walk *w, alch_key *k, const alch_compile_options *options)
{
    *w = new_walk(k, options);
    w->again = 1;       /* begin_walk: every node is numbered */
    begin_walk(w);
    put_options(w, options);
}

int alch_key_end(alch_key_walk *w, const alch_compile_options *options)
{
    return end_walk(w, options);
}

void alch_key_word(alch_key_walk *w, uint64_t word)
{
    put(w, word);
}

void alch_key_node(alch_key_walk *w, const alch_node *n)
{
    put_child(w, n);
}

int alch_key_known(alch_key_walk *w, const void *p)
{
    return put_known(w, p, TAG_REFERENCE);
}

void alch_key_value(alch_key_walk *w, const alch_type *t, int own, const alch_given *given, uint32_t count)
{
    if (own)
        put_type(w, t);
    if (given->items != NULL)
        put(w, count);
    put_given(w, t, given, given->items != NULL ? count : 0);
}
