/* Writing notes out: the nodes that they say, and who owns them. See pending.h. */
#include "binding/bind.h"
#include "binding/pending.h"
#include "expr/build.h"

/* User values of an owner. */
enum { CHAIN = 1, LENDER, OWNER_VALUES = LENDER };

#define OWNER_METATABLE "lualchemy.written"

/* What notes were written out to. */
typedef struct owner {
    const void *tag;            /* no node's: it is nobody's expression */
    const alch_node *node;
    alch_note *first;           /* that it lends the node or a part of it to; kept by the user values */
} owner;

/* The reference's node, lent. It has none if a finalizer uses it when it was finalized itself. */
static const alch_node *lent_node(const alch_node_ref *r, alch_err *err)
{
    if (r->node == NULL)
        (void)alch_err_set(err, ALCH_ERR_INVALID, "a finalizer used a statement or an expression that was collected before it");
    return r->node;
}

static int make_right(const alch_note *note, const alch_node *left, const alch_node **out, alch_err *err)
{
    if (note->items != NULL)
        return alch_bind_list_beside(left, note->op, note->items, note->count, 1, out, err);
    if (note->values < 2)
        return alch_bind_beside(left, note->op, &note->value, out, err);
    *out = alch_node_keep(lent_node(note->parts[1], err));
    return *out != NULL ? ALCH_OK : err->code;
}

/* Makes the expression that is noted. */
static int make_expression(const alch_note *note, const alch_node **out, alch_err *err)
{
    const alch_node *left = lent_node(note->parts[0], err), *right;
    int rc;

    if (left == NULL)
        return err->code;
    if (note->how == ALCH_NOTE_UNARY)
        return alch_unary_new(note->op, alch_node_keep(left), left->type, out, err);
    rc = make_right(note, left, &right, err);
    return rc == ALCH_OK ? alch_operate(note->op, alch_node_keep(left), right, out, err) : rc;
}

/* '*out' is a reference of the node that a part of the noted statement is, or
** NULL. A noted expression is made the first time. */
static int take_node(alch_note *statement, int part, const alch_node **out, alch_err *err)
{
    alch_node_ref *r = statement->parts[part];
    int rc = ALCH_OK;

    if (r == NULL)
        *out = NULL;
    else if (r->node != NULL || r->tag != &alch_note_tag) {
        *out = alch_node_keep(lent_node(r, err));
        rc = *out != NULL ? ALCH_OK : err->code;
    } else if ((rc = make_expression((const alch_note *)r, out, err)) == ALCH_OK) {
        r->node = *out;         /* lent: settle() says by whom */
        statement->made = 1;
    }
    return rc;
}

static int add_list(alch_note *note, alch_select *s, const alch_list **field, alch_err *err)
{
    const alch_node *n;
    alch_list *l;
    int i, rc = alch_list_extend(*field, note->op, note->values, &l, err);

    if (rc != ALCH_OK)
        return rc;
    for (i = 0; i < note->values && rc == ALCH_OK; i++) {
        rc = take_node(note, i, &n, err);
        if (rc == ALCH_OK)
            rc = alch_list_push(l, n, err);
    }
    if (rc == ALCH_OK)
        return alch_node_set(s, field, l, err);
    alch_node_drop(l);
    return rc;
}

/* LIMIT and FETCH replace each other. */
static int set_number(const alch_note *note, alch_select *s, const alch_node **field, alch_err *err)
{
    const alch_node *bind;
    int rc = alch_bind_new(NULL, NULL, alch_type_of(ALCH_TYPE_INTEGER), &note->value, ALCH_BIND_UNIQUE, &bind, err);

    if (rc == ALCH_OK)
        rc = alch_node_set(s, field, bind, err);
    if (rc == ALCH_OK && field == &s->limit)
        rc = alch_node_set(s, &s->fetch, NULL, err);
    return rc;
}

/* Sets a part of a join to one of the note's. */
static int set_part(alch_note *note, int value, alch_join *j, const alch_node **part, alch_err *err)
{
    const alch_node *n;
    int rc = take_node(note, value, &n, err);

    return rc == ALCH_OK ? alch_node_set(j, part, n, err) : rc;
}

static int fill_join(alch_note *note, alch_join *j, alch_err *err)
{
    const alch_node *entity = NULL;
    int rc = set_part(note, 1, j, &j->right, err);

    if (rc == ALCH_OK)
        rc = set_part(note, 0, j, &j->left, err);
    if (rc == ALCH_OK)
        rc = set_part(note, 2, j, &j->on, err);
    if (rc == ALCH_OK && note->values > 3)
        rc = take_node(note, 3, &entity, err);
    if (rc == ALCH_OK && entity != NULL)
        rc = alch_node_set(j, &j->criteria, alch_node_keep(((const alch_custom *)entity)->criteria), err);
    alch_node_drop(entity);
    return rc;
}

/* The very join again, of the same parts: a path that several others begin with. */
static int is_joined(const alch_select *s, const alch_join *join)
{
    uint32_t i;

    for (i = 0; join->left != NULL && join->on != NULL && i < alch_list_len(s->joins); i++) {
        const alch_join *j = (const alch_join *)s->joins->items[i];

        if (j->left == join->left && j->right == join->right && j->on == join->on)
            return 1;
    }
    return 0;
}

static int add_join(alch_note *note, alch_select *s, alch_err *err)
{
    alch_join *j = alch_node_new(ALCH_NODE_JOIN, err);
    alch_list *l;
    int rc;

    if (j == NULL)
        return ALCH_ERR_NOMEM;
    j->flags = note->op;
    rc = fill_join(note, j, err);
    if (rc != ALCH_OK || is_joined(s, j)) {
        alch_node_drop(j);
        return rc;
    }
    rc = alch_list_extend(s->joins, ALCH_OP_COMMA, 1, &l, err);
    if (rc != ALCH_OK) {
        alch_node_drop(j);
        return rc;
    }
    rc = alch_list_push(l, j, err);
    if (rc == ALCH_OK)
        return alch_node_set(s, &s->joins, l, err);
    alch_node_drop(l);
    return rc;
}

static int apply(alch_note *note, alch_select *s, alch_err *err)
{
    void *field = (char *)s + note->field;

    switch (note->how) {
    case ALCH_NOTE_SELECT:
    case ALCH_NOTE_LIST: return add_list(note, s, field, err);
    case ALCH_NOTE_NUMBER: return set_number(note, s, field, err);
    case ALCH_NOTE_STYLE: s->label_style = note->op; return ALCH_OK;
    default: return add_join(note, s, err);
    }
}

static int owner_gc(lua_State *L)
{
    owner *o = lua_touserdata(L, 1);
    const alch_node *n = o->node;
    alch_note *note;

    for (note = o->first; note != NULL; note = note->next)
        note->ref.node = NULL;
    o->node = NULL;
    o->first = NULL;
    alch_node_drop(n);
    return 0;
}

/* Pushes an empty owner, which keeps what the values at 'chain' (or 0) and 'lender' lead to. */
static owner *push_owner(lua_State *L, int chain, int lender)
{
    owner *o = alch_push_object(L, sizeof *o, OWNER_VALUES, OWNER_METATABLE);

    if (chain != 0) {
        lua_pushvalue(L, chain);
        lua_setiuservalue(L, -2, CHAIN);
    }
    lua_pushvalue(L, lender);
    lua_setiuservalue(L, -2, LENDER);
    return o;
}

/* The note at 'idx' is that node from now on, which the owner at 'at' lends. */
static void become(lua_State *L, int idx, alch_note *note, const alch_node *n, int at)
{
    owner *o = lua_touserdata(L, at);

    note->ref = (alch_node_ref){ &alch_node_tag, n };
    note->next = o->first;
    o->first = note;
    lua_pushvalue(L, at);
    lua_setiuservalue(L, idx, ALCH_NOTE_OWNER);
}

/* The expressions that were made for the statement noted at 'idx' are its owner's; with 0 it was not made after all. */
static void settle(lua_State *L, int idx, int at)
{
    alch_note *statement = lua_touserdata(L, idx), *note;
    int i;

    for (i = 0; statement->made && i < statement->values; i++) {
        lua_getiuservalue(L, idx, ALCH_NOTE_FIRST + i);
        note = alch_test_note(L, -1);
        if (note != NULL && at == 0)
            note->ref.node = NULL;
        else if (note != NULL)
            become(L, lua_gettop(L), note, note->ref.node, at);
        lua_pop(L, 1);
    }
    statement->made = 0;
}

static alch_node_ref *write_expression(lua_State *L, int idx)
{
    alch_note *note = lua_touserdata(L, idx);
    owner *o;
    alch_err err;

    luaL_checkstack(L, 10, "expression");
    o = push_owner(L, 0, idx);
    alch_check(L, make_expression(note, &o->node, &err), &err);
    become(L, idx, note, o->node, lua_gettop(L));
    lua_pop(L, 1);
    return &note->ref;
}

/* '*out' is a copy of what the chain begins with, at 'base'; a new SELECT if that is nil. */
static int begin_chain(lua_State *L, int base, alch_select **out, alch_err *err)
{
    const alch_node *begin;

    if (lua_isnil(L, base)) {
        *out = alch_node_new(ALCH_NODE_SELECT, err);
        return *out != NULL ? ALCH_OK : ALCH_ERR_NOMEM;
    }
    begin = lent_node(lua_touserdata(L, base), err);
    return begin != NULL ? alch_node_copy(begin, out, err) : err->code;
}

/* Puts what the chain begins with, at 'base', into the owner behind it, and adds what is noted down to 'top'. */
static int write_chain(lua_State *L, int top, int base, alch_err *err)
{
    owner *o = lua_touserdata(L, base + 1);
    alch_select *s;
    int at, rc = begin_chain(L, base, &s, err);

    if (rc != ALCH_OK)
        return rc;
    o->node = &s->head;
    for (at = base - 1; rc == ALCH_OK && at > top; at--)
        rc = apply(lua_touserdata(L, at), s, err);
    return rc;
}

static alch_node_ref *write_statement(lua_State *L, int idx)
{
    int top = lua_gettop(L), base, at, rc;
    alch_note *note = lua_touserdata(L, idx);
    owner *o;
    alch_err err;

    luaL_checkstack(L, ALCH_NOTE_LENGTH + 10, "statement");
    lua_pushvalue(L, idx);
    while (alch_test_note(L, -1) != NULL)
        lua_getiuservalue(L, -1, ALCH_NOTE_BEFORE);
    base = lua_gettop(L);               /* what all begins with, or nil; the notes in front of it, the latest first */
    o = push_owner(L, top + 2, idx);
    rc = write_chain(L, top, base, &err);
    for (at = base - 1; at > top; at--)
        settle(L, at, rc == ALCH_OK ? base + 1 : 0);
    if (rc != ALCH_OK)
        alch_raise(L, &err);
    become(L, idx, note, o->node, base + 1);
    if (lua_isnil(L, base) || lua_getiuservalue(L, base, ALCH_NOTE_OPTIONS) != LUA_TTABLE)
        lua_pushnil(L);
    lua_setiuservalue(L, idx, ALCH_NOTE_OPTIONS);
    lua_settop(L, top);
    return &note->ref;
}

alch_node_ref *alch_write_out(lua_State *L, int idx)
{
    idx = lua_absindex(L, idx);
    return alch_is_noted_statement(L, idx) ? write_statement(L, idx) : write_expression(L, idx);
}

void alch_open_pending(lua_State *L);

void alch_open_pending(lua_State *L)
{
    (void)alch_new_metatable(L, OWNER_METATABLE, owner_gc);
    lua_pop(L, 1);
}
