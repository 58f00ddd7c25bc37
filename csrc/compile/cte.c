/*
** WITH. A CTE's text is compiled where it is first met, beside the buffer, and
** put with its placeholders in front of the statement that shows it: the
** outermost one, or for nesting CTEs the one it was met in.
*/
#include <string.h>

#include "compile/compiler.h"

static const alch_alias *reference(const alch_alias *cte)
{
    while (cte->restates != NULL)
        cte = cte->restates;
    return cte;
}

static alch_cte_text *find_cte(alch_compiler *c, const alch_alias *cte)
{
    size_t i;

    for (i = 0; i < c->cte_count; i++)
        if (!c->ctes[i].shown && reference(c->ctes[i].cte) == reference(cte))
            return &c->ctes[i];
    return NULL;
}

static alch_cte_text *find_name(alch_compiler *c, const char *name, unsigned level)
{
    size_t i;

    for (i = 0; i < c->cte_count; i++)
        if (!c->ctes[i].shown && c->ctes[i].level == level && strcmp(c->ctes[i].name, name) == 0)
            return &c->ctes[i];
    return NULL;
}

static size_t add_cte(alch_compiler *c)
{
    if (c->cte_count == c->cte_size) {
        size_t size = c->cte_size != 0 ? c->cte_size * 2 : 4;
        alch_cte_text *at = alch_arena_alloc(c->arena, size * sizeof *at);

        if (at == NULL) {
            alch_compile_nomem(c);
            return 0;
        }
        if (c->cte_count > 0)
            memcpy(at, c->ctes, c->cte_count * sizeof *at);
        c->ctes = at;
        c->cte_size = size;
    }
    memset(&c->ctes[c->cte_count], 0, sizeof *c->ctes);
    return c->cte_count++;
}

/* A text that is written beside the buffer in hand: the placeholders of the two count from different starts. */
typedef struct side {
    alch_buf text, *out;
    alch_position *positions;
    size_t count, size;
    uint32_t values_end;        /* nothing in here stands in front of an INSERT's values */
} side;

static void begin_side(alch_compiler *c, side *s)
{
    alch_compiled *r = c->result;

    *s = (side){ ALCH_BUF_INIT, c->out, r->positions, r->position_count, c->position_size, r->values_end };
    c->out = &s->text;
    r->positions = NULL;
    r->position_count = c->position_size = 0;
    r->values_end = 0;
}

/* The text and its placeholders are the CTE's. */
static void end_side(alch_compiler *c, side *s, alch_cte_text *t)
{
    alch_compiled *r = c->result;

    t->len = s->text.len;
    t->text = s->text.failed ? NULL : alch_arena_strndup(c->arena, s->text.data, s->text.len);
    t->positions = r->positions;
    t->position_count = r->position_count;
    t->marked = (uint8_t)c->marking;
    if (t->text == NULL)
        alch_compile_nomem(c);
    c->out = s->out;
    r->positions = s->positions;
    r->position_count = s->count;
    c->position_size = s->size;
    r->values_end = s->values_end;
    alch_buf_release(&s->text);
}

static int has_named_columns(const alch_alias *cte)
{
    return cte->element->kind == ALCH_NODE_VALUES;
}

/* name(a, b) AS: the columns of a recursive CTE are named up front. */
static void put_column_names(alch_compiler *c, const alch_alias *cte)
{
    alch_nodes list = { c->arena, NULL, 0, 0, 0 };
    alch_named_column *named = NULL;
    size_t i, written = 0;
    int rc = alch_is_from(cte->element) ? alch_from_columns(cte->element, &list, c->err)
                                        : alch_selected_columns(cte->element, &list, c->err);

    if (rc == ALCH_OK)
        rc = alch_name_columns(&c->namer, list.at, list.len, alch_label_style_of(cte->element), 1, &named, c->err);
    if (rc != ALCH_OK) {
        c->failed = rc;
        return;
    }
    alch_buf_putc(c->out, '(');
    for (i = 0; i < list.len; i++) {
        const char *name = named[i].fallback != NULL ? named[i].fallback : named[i].key;

        if (named[i].repeated || name == NULL)
            continue;
        if (written++ > 0)
            alch_puts(c, ", ");
        alch_put_identifier(c, alch_resolve_name(c, name, ALCH_IDENT_COLUMN), 0);
    }
    alch_buf_putc(c->out, ')');
}

static void compile_body(alch_compiler *c, const alch_alias *cte, const char *name, unsigned flags)
{
    alch_frame frame;

    alch_put_identifier(c, name, alch_alias_quoting(cte));
    if (cte->flags & ALCH_ALIAS_RECURSIVE || has_named_columns(cte))
        put_column_names(c, cte);
    alch_puts(c, " AS ");
    if (cte->prefix != NULL) {
        alch_puts(c, cte->prefix);
        alch_buf_putc(c->out, ' ');
    }
    if (cte->extra != NULL)
        alch_compile_prefixes(c, (const alch_list *)cte->extra, flags);
    alch_buf_putc(c->out, '(');
    /* inside, only what encloses the whole statement is there to correlate with */
    frame = *c->frame;
    frame.outer = c->frame;
    frame.visiting_cte = &cte->from.head;
    c->frame = &frame;
    if (alch_is_dml(cte->element))
        c->result->writes = 1;
    alch_compile_node(c, cte->element, (flags & ALCH_V_LITERAL) | ALCH_V_FROM);
    c->frame = frame.outer;
    alch_buf_putc(c->out, ')');
    if (cte->seed != NULL) {
        alch_buf_putc(c->out, ' ');
        alch_compile_prefixes(c, (const alch_list *)cte->seed, flags);
        if (c->out->len > 0 && c->out->data[c->out->len - 1] == ' ')
            c->out->len--;
    }
}

static const char *cte_name(alch_compiler *c, const alch_alias *cte)
{
    return alch_resolve_name(c, cte->name, ALCH_IDENT_ALIAS);
}

/* Compiles the CTE's own text. */
static void define_cte(alch_compiler *c, const alch_alias *cte, const char *name, int nesting, unsigned flags)
{
    size_t slot = add_cte(c);
    alch_cte_text made;
    side body;

    if (c->failed != ALCH_OK)
        return;
    c->ctes[slot].cte = cte;
    c->ctes[slot].name = name;
    c->ctes[slot].level = nesting ? c->level : 1;
    c->ctes[slot].nesting = (uint8_t)nesting;
    c->ctes[slot].recursive = (cte->flags & ALCH_ALIAS_RECURSIVE) != 0;
    c->ctes[slot].shown = 0;
    made = c->ctes[slot];
    begin_side(c, &body);
    compile_body(c, cte, name, flags);
    end_side(c, &body, &made);
    if (c->failed == ALCH_OK) {     /* the list may have moved, and CTEs met inside come first */
        size_t i, last = c->cte_count - 1;

        for (i = slot; i < last; i++)
            c->ctes[i] = c->ctes[i + 1];
        c->ctes[last] = made;
    }
}

/* The one that is already there under the name: the same one, one that ours
** restates or that restates ours, or another one. 1: ours needs no text. */
static int settle(alch_compiler *c, const alch_alias *cte, alch_cte_text *there)
{
    const alch_alias *other = there->cte;

    if (other == cte || other->restates == cte)
        return 1;
    if (cte->restates == other) {   /* ours encloses it: it takes its place */
        there->shown = 1;
        return 0;
    }
    if (reference(other) == reference(cte))
        return 1;
    alch_compile_fail(c, ALCH_ERR_COMPILE, "multiple, unrelated CTEs found with the same name: '%s'", there->name);
    return 1;
}

static void put_reference(alch_compiler *c, const alch_alias *cte, const char *name)
{
    if (cte->cte_of != NULL) {
        alch_put_identifier(c, cte_name(c, cte->cte_of), 0);
        alch_puts(c, " AS ");
    }
    alch_put_identifier(c, name, alch_alias_quoting(cte));
}

static void visit(alch_compiler *c, const alch_alias *cte, int nesting, unsigned flags)
{
    const char *name = cte_name(c, cte);
    alch_cte_text *there;

    if (cte->cte_of != NULL) {
        visit(c, cte->cte_of, nesting, flags);
        return;
    }
    nesting = nesting || (cte->flags & ALCH_ALIAS_NESTING) != 0;
    there = find_cte(c, cte);
    if (there == NULL)
        there = find_name(c, name, nesting ? c->level : 1);
    if (there != NULL && settle(c, cte, there))
        return;
    define_cte(c, cte, name, nesting, flags);
}

/* An alias of a CTE that was united with something under its own name: inside,
** the name is that of the whole. */
static int stands_for_enclosing(const alch_compiler *c, const alch_alias *cte)
{
    const alch_alias *around = (const alch_alias *)c->frame->visiting_cte;

    return around != NULL && around->restates == cte;
}

void alch_visit_cte(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_alias *cte = (const alch_alias *)n;

    if (flags & ALCH_V_HINT) {
        alch_put_identifier(c, cte_name(c, cte), 0);
        return;
    }
    if (c->frame == NULL) {         /* printed on its own: what is inside */
        alch_compile_node(c, cte->element, flags);
        return;
    }
    if (stands_for_enclosing(c, cte)) {
        if (flags & ALCH_V_FROM)
            alch_put_identifier(c, cte_name(c, cte), alch_alias_quoting(cte));
        return;
    }
    visit(c, cte, 0, flags & ALCH_V_LITERAL);
    if (flags & ALCH_V_FROM && c->failed == ALCH_OK)
        put_reference(c, cte, cte_name(c, cte));
}

void alch_compile_independent_ctes(alch_compiler *c, const alch_list *l, unsigned flags)
{
    uint32_t i;

    for (i = 0; i < alch_list_len(l); i++) {
        const alch_node *n = l->items[i];
        int nest = n->kind == ALCH_NODE_HINT;   /* add_cte(..., {nest_here = true}) */

        if (nest)
            n = ((const alch_hint *)n)->element;
        visit(c, (const alch_alias *)n, nest, flags & ALCH_V_LITERAL);
    }
}

/* Does this CTE belong in front of the statement being finished? */
static int belongs(const alch_compiler *c, const alch_cte_text *t)
{
    return !t->shown && (c->level <= 1 || (t->nesting && (t->level == c->level || t->level == c->level + 1)));
}

/* What was compiled while the host held the text around it, and now stands where placeholders are. */
static void unmark(alch_compiler *c, alch_cte_text *t)
{
    side s;

    begin_side(c, &s);
    alch_put_marked(c, t->text, t->len);
    end_side(c, &s, t);
}

/* Shifts what is behind 'start' and puts the text there with its placeholders
** before the first later one; where the next text goes. Marks stand for
** themselves: then no placeholder belongs to this buffer. */
static size_t paste(alch_compiler *c, size_t start, size_t *first, const alch_cte_text *t)
{
    alch_compiled *r = c->result;
    alch_position *all = alch_arena_alloc(c->arena, (r->position_count + t->position_count + 1) * sizeof *all);
    size_t i;

    if (all == NULL || t->text == NULL || !alch_buf_reserve(c->out, t->len)) {
        alch_compile_nomem(c);
        return start;
    }
    memmove(c->out->data + start + t->len, c->out->data + start, c->out->len - start);
    memcpy(c->out->data + start, t->text, t->len);
    c->out->len += t->len;
    if (c->marking)
        return start + t->len;
    for (i = 0; i < *first; i++)
        all[i] = r->positions[i];
    for (i = 0; i < t->position_count; i++)
        all[*first + i] = (alch_position){ t->positions[i].offset + (uint32_t)start, t->positions[i].param };
    for (i = *first; i < r->position_count; i++)
        all[t->position_count + i] = (alch_position){ r->positions[i].offset + (uint32_t)t->len, r->positions[i].param };
    r->positions = all;
    r->position_count += t->position_count;
    c->position_size = r->position_count;
    if (r->values_end > 0 && start <= r->values_begin) {
        r->values_begin += (uint32_t)t->len;
        r->values_end += (uint32_t)t->len;
        r->values_first += (uint32_t)t->position_count;
    }
    *first += t->position_count;
    return start + t->len;
}

static void paste_text(alch_compiler *c, size_t *start, size_t *first, const char *text)
{
    alch_cte_text t = { .text = (char *)(uintptr_t)text, .len = strlen(text) };

    *start = paste(c, *start, first, &t);
}

void alch_place_ctes(alch_compiler *c, size_t start)
{
    size_t i, shown = 0, first = 0;
    int recursive = 0;

    for (i = 0; i < c->cte_count; i++)
        if (belongs(c, &c->ctes[i]) && c->ctes[i].recursive)
            recursive = 1;
    while (first < c->result->position_count && c->result->positions[first].offset < start)
        first++;
    for (i = 0; i < c->cte_count && c->failed == ALCH_OK; i++) {
        if (!belongs(c, &c->ctes[i]))
            continue;
        paste_text(c, &start, &first, shown++ > 0 ? ", " : recursive ? "WITH RECURSIVE " : "WITH ");
        if (c->ctes[i].marked && !c->marking)
            unmark(c, &c->ctes[i]);
        start = paste(c, start, &first, &c->ctes[i]);
        c->ctes[i].shown = 1;
    }
    if (shown > 0)
        paste_text(c, &start, &first, " ");
}
