#include "binding/pending.h"

#include <string.h>

#include "binding/bind.h"
#include "binding/value_conv.h"
#include "expr/build.h"

const char alch_note_tag = 0;

/* A chain is written out when it has this many notes, so that neither reading nor freeing one takes long. */
enum { LENGTH_MAX = 32 };

/* User values of a statement, whose first two change when it is written out; of an expression; and of an owner. */
enum { BEFORE = 1, FIRST = 3 };
enum { LEFT = 1, RIGHT };
enum { OPTIONS = 1, OWNER };
enum { CHAIN = 1, LENDER, OWNER_VALUES = LENDER };

#define OWNER_METATABLE "lualchemy.written"

/* What notes were written out to. */
typedef struct owner {
    const void *tag;            /* no node's: it is nobody's expression */
    const alch_node *node;
    alch_note *first;           /* that it lends the node or a part of it to; kept by the user values */
} owner;

static alch_note *test_note(lua_State *L, int idx)
{
    alch_note *note = lua_touserdata(L, idx);

    return note != NULL && lua_rawlen(L, idx) == sizeof *note && note->ref.tag == &alch_note_tag ? note : NULL;
}

int alch_is_noted_statement(lua_State *L, int idx)
{
    const alch_note *note = test_note(L, idx);

    return note != NULL && note->how < ALCH_NOTE_BINARY;
}

int alch_is_noted_expression(lua_State *L, int idx)
{
    const alch_note *note = test_note(L, idx);

    return note != NULL && note->how >= ALCH_NOTE_BINARY;
}

static int kind_of(const alch_note *note)
{
    return note->how == ALCH_NOTE_UNARY ? ALCH_NODE_UNARY : ALCH_NODE_BINARY;
}

int alch_noted_kind(lua_State *L, int idx)
{
    return alch_is_noted_expression(L, idx) ? kind_of(test_note(L, idx)) : -1;
}

/* -- the class of notes ---------------------------------------------------- */

/* The metatable of a class without its finalizer: what metamethods there are when its first note is made. */
static void push_new_class(lua_State *L, int class_)
{
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, class_) != 0;) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";

        if (strncmp(key, "__", 2) != 0 || strcmp(key, "__gc") == 0 || strcmp(key, "__super") == 0) {
            lua_pop(L, 1);
            continue;
        }
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    lua_pushvalue(L, class_);
    lua_setfield(L, -2, "__class");
}

/* Replaces a class on the top by the metatable of its notes. */
static void to_note_class(lua_State *L)
{
    int class_ = lua_gettop(L);

    lua_pushliteral(L, "_note_class");
    if (lua_rawget(L, class_) != LUA_TTABLE) {
        lua_pop(L, 1);
        push_new_class(L, class_);
        lua_pushliteral(L, "_note_class");
        lua_pushvalue(L, -2);
        lua_rawset(L, class_);
    }
    lua_remove(L, class_);
}

/* Pushes the metatable for a note on the statement at 'idx': that statement's own if it was a note. */
static void push_class(lua_State *L, int idx)
{
    (void)lua_getmetatable(L, idx);
    if (lua_rawlen(L, idx) != sizeof(alch_note))
        to_note_class(L);
}

/* -- noting ------------------------------------------------------------------ */

void alch_push_note(lua_State *L, const alch_note *what, int first, int count)
{
    const alch_note *before = test_note(L, 1);
    alch_note *note = lua_newuserdatauv(L, sizeof *note, count + FIRST - 1);
    int i;

    *note = *what;
    note->ref = (alch_node_ref){ &alch_note_tag, NULL };
    note->values = (uint8_t)count;
    note->length = (uint8_t)(before != NULL ? before->length + 1 : 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, BEFORE);
    for (i = 0; i < count; i++) {
        lua_pushvalue(L, first + i);
        lua_setiuservalue(L, -2, FIRST + i);
    }
    push_class(L, 1);
    lua_setmetatable(L, -2);
    if (note->length == LENGTH_MAX)
        (void)alch_write_out(L, lua_gettop(L));
}

/* A column whose type leaves nothing to ask the host about what stands beside it. */
static int is_plain_column(lua_State *L, int idx)
{
    const alch_node_ref *r = alch_test_node_ref(L, idx);

    return r != NULL && r->node != NULL && r->node->kind == ALCH_NODE_COLUMN && alch_node_type(r->node)->object == NULL
        && (alch_node_type(r->node)->flags & ALCH_TYPE_HOOKS) == 0;
}

static int is_plain_operand(lua_State *L, int idx)
{
    switch (lua_type(L, idx)) {
    case LUA_TNUMBER:
    case LUA_TSTRING: return 1;
    case LUA_TUSERDATA: return is_plain_column(L, idx);
    default: return 0;
    }
}

int alch_push_noted(lua_State *L, int classes, int how, int op)
{
    int values = how == ALCH_NOTE_BINARY ? 2 : 1, i;
    alch_note *note;

    if (!is_plain_column(L, 1) || (values == 2 && (!alch_op_is_comparison(op) || !is_plain_operand(L, 2))))
        return 0;
    note = lua_newuserdatauv(L, sizeof *note, 2);
    *note = (alch_note){ .ref = { &alch_note_tag, NULL }, .how = (uint8_t)how, .op = (uint8_t)op, .values = (uint8_t)values };
    for (i = LEFT; i <= values; i++) {
        lua_pushvalue(L, i);
        lua_setiuservalue(L, -2, i);
    }
    if (lua_rawgeti(L, classes, kind_of(note) + ALCH_NODE_COUNT) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_rawgeti(L, classes, kind_of(note));
        to_note_class(L);
        lua_pushvalue(L, -1);
        lua_rawseti(L, classes, kind_of(note) + ALCH_NODE_COUNT);
    }
    lua_setmetatable(L, -2);
    return 1;
}

/* -- writing out --------------------------------------------------------------- */

/* The node of the reference that is user value 'value' of what is at 'idx', lent by that. It has none if a finalizer
** uses it when it was finalized itself. */
static const alch_node *lent_node(lua_State *L, int idx, int value, alch_err *err)
{
    const alch_node *n;

    lua_getiuservalue(L, idx, value);
    n = ((const alch_node_ref *)lua_touserdata(L, -1))->node;
    lua_pop(L, 1);
    if (n == NULL)
        (void)alch_err_set(err, ALCH_ERR_INVALID, "a finalizer used a statement or an expression that was collected before it");
    return n;
}

static int make_right(lua_State *L, int idx, const alch_note *note, const alch_node *left, const alch_node **out, alch_err *err)
{
    alch_value v;
    int rc;

    if (lua_getiuservalue(L, idx, RIGHT) == LUA_TUSERDATA) {
        *out = alch_node_keep(lent_node(L, idx, RIGHT, err));
        rc = *out != NULL ? ALCH_OK : err->code;
    } else {
        alch_lua_to_value(L, -1, &v);
        rc = alch_bind_beside(left, note->op, &v, out, err);
    }
    lua_pop(L, 1);
    return rc;
}

/* Makes the expression that is noted at 'idx'. */
static int make_expression(lua_State *L, int idx, const alch_note *note, const alch_node **out, alch_err *err)
{
    const alch_node *left = lent_node(L, idx, LEFT, err), *right;
    int rc;

    if (left == NULL)
        return err->code;
    if (note->how == ALCH_NOTE_UNARY)
        return alch_unary_new(note->op, alch_node_keep(left), left->type, out, err);
    rc = make_right(L, idx, note, left, &right, err);
    return rc == ALCH_OK ? alch_operate(note->op, alch_node_keep(left), right, out, err) : rc;
}

/* '*out' is a reference of the node that a value of the statement noted at
** 'idx' is, or NULL. A noted expression is made the first time. */
static int take_node(lua_State *L, int idx, alch_note *statement, int value, const alch_node **out, alch_err *err)
{
    alch_node_ref *r = lua_getiuservalue(L, idx, FIRST + value) == LUA_TUSERDATA ? lua_touserdata(L, -1) : NULL;
    int rc = ALCH_OK;

    if (r == NULL)
        *out = NULL;
    else if (r->node != NULL || r->tag != &alch_note_tag) {
        *out = alch_node_keep(lent_node(L, idx, FIRST + value, err));
        rc = *out != NULL ? ALCH_OK : err->code;
    } else if ((rc = make_expression(L, lua_gettop(L), (const alch_note *)r, out, err)) == ALCH_OK) {
        r->node = *out;         /* lent: settle() says by whom */
        statement->made = 1;
    }
    lua_pop(L, 1);
    return rc;
}

static int add_list(lua_State *L, int idx, alch_note *note, alch_select *s, const alch_list **field, alch_err *err)
{
    const alch_node *n;
    alch_list *l;
    int i, rc = alch_list_extend(*field, note->op, note->values, &l, err);

    if (rc != ALCH_OK)
        return rc;
    for (i = 0; i < note->values && rc == ALCH_OK; i++) {
        rc = take_node(L, idx, note, i, &n, err);
        if (rc == ALCH_OK)
            rc = alch_list_push(l, n, err);
    }
    if (rc == ALCH_OK)
        return alch_node_set(s, field, l, err);
    alch_node_drop(l);
    return rc;
}

/* LIMIT and FETCH replace each other. */
static int set_number(lua_State *L, int idx, alch_select *s, const alch_node **field, alch_err *err)
{
    alch_value v = { .kind = ALCH_INT, .zone = ALCH_ZONE_NONE };
    const alch_node *bind;
    int rc;

    lua_getiuservalue(L, idx, FIRST);
    v.as.integer = lua_tointeger(L, -1);
    lua_pop(L, 1);
    rc = alch_bind_new(NULL, NULL, alch_type_of(ALCH_TYPE_INTEGER), &v, ALCH_BIND_UNIQUE, &bind, err);
    if (rc == ALCH_OK)
        rc = alch_node_set(s, field, bind, err);
    if (rc == ALCH_OK && field == &s->limit)
        rc = alch_node_set(s, &s->fetch, NULL, err);
    return rc;
}

/* Sets a part of a join to a value of the note at 'idx'. */
static int set_part(lua_State *L, int idx, alch_note *note, int value, alch_join *j, const alch_node **part, alch_err *err)
{
    const alch_node *n;
    int rc = take_node(L, idx, note, value, &n, err);

    return rc == ALCH_OK ? alch_node_set(j, part, n, err) : rc;
}

static int fill_join(lua_State *L, int idx, alch_note *note, alch_join *j, alch_err *err)
{
    const alch_node *entity = NULL;
    int rc = set_part(L, idx, note, 1, j, &j->right, err);

    if (rc == ALCH_OK)
        rc = set_part(L, idx, note, 0, j, &j->left, err);
    if (rc == ALCH_OK)
        rc = set_part(L, idx, note, 2, j, &j->on, err);
    if (rc == ALCH_OK && note->values > 3)
        rc = take_node(L, idx, note, 3, &entity, err);
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

static int add_join(lua_State *L, int idx, alch_note *note, alch_select *s, alch_err *err)
{
    alch_join *j = alch_node_new(ALCH_NODE_JOIN, err);
    alch_list *l;
    int rc;

    if (j == NULL)
        return ALCH_ERR_NOMEM;
    j->flags = note->op;
    rc = fill_join(L, idx, note, j, err);
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

static int apply(lua_State *L, int idx, alch_select *s, alch_err *err)
{
    alch_note *note = lua_touserdata(L, idx);
    void *field = (char *)s + note->field;

    switch (note->how) {
    case ALCH_NOTE_LIST: return add_list(L, idx, note, s, field, err);
    case ALCH_NOTE_NUMBER: return set_number(L, idx, s, field, err);
    default: return add_join(L, idx, note, s, err);
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
    lua_setiuservalue(L, idx, OWNER);
}

/* The expressions that were made for the statement noted at 'idx' are its owner's; with 0 it was not made after all. */
static void settle(lua_State *L, int idx, int at)
{
    alch_note *statement = lua_touserdata(L, idx), *note;
    int i;

    for (i = 0; statement->made && i < statement->values; i++) {
        lua_getiuservalue(L, idx, FIRST + i);
        note = test_note(L, -1);
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
    alch_check(L, make_expression(L, idx, note, &o->node, &err), &err);
    become(L, idx, note, o->node, lua_gettop(L));
    lua_pop(L, 1);
    return &note->ref;
}

/* Copies what the chain begins with, at 'base', into the owner behind it, and adds what is noted down to 'top'. */
static int write_chain(lua_State *L, int top, int base, alch_err *err)
{
    const alch_node *begin = ((const alch_node_ref *)lua_touserdata(L, base))->node;
    owner *o = lua_touserdata(L, base + 1);
    alch_select *s;
    int at, rc;

    if (begin == NULL)
        return alch_err_set(err, ALCH_ERR_INVALID, "a finalizer used a statement that was collected before it");
    rc = alch_node_copy(begin, &s, err);
    if (rc != ALCH_OK)
        return rc;
    o->node = &s->head;
    for (at = base - 1; rc == ALCH_OK && at > top; at--)
        rc = apply(L, at, s, err);
    return rc;
}

static alch_node_ref *write_statement(lua_State *L, int idx)
{
    int top = lua_gettop(L), base, at, rc;
    alch_note *note = lua_touserdata(L, idx);
    owner *o;
    alch_err err;

    luaL_checkstack(L, LENGTH_MAX + 10, "statement");
    lua_pushvalue(L, idx);
    while (test_note(L, -1) != NULL)
        lua_getiuservalue(L, -1, BEFORE);
    base = lua_gettop(L);               /* what all begins with; the notes in front of it, the latest first */
    o = push_owner(L, top + 2, idx);
    rc = write_chain(L, top, base, &err);
    for (at = base - 1; at > top; at--)
        settle(L, at, rc == ALCH_OK ? base + 1 : 0);
    if (rc != ALCH_OK)
        alch_raise(L, &err);
    become(L, idx, note, o->node, base + 1);
    if (lua_getiuservalue(L, base, OPTIONS) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    lua_setiuservalue(L, idx, OPTIONS);
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
