#include "binding/pending.h"

#include <limits.h>
#include <string.h>

#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/value_conv.h"
#include "expr/build.h"

const char alch_note_tag = 0;

/* A chain is written out when it has this many notes, so that neither reading nor freeing one takes long. */
enum { LENGTH_MAX = 32 };

/* User values of a statement; of an expression, the last where it needs it; of both when they are written out; and of an
** owner. */
enum { BEFORE = 1, FIRST = 3 };
enum { LEFT = 1, RIGHT = 3 };
enum { OPTIONS = 1, OWNER };
enum { CHAIN = 1, LENDER, OWNER_VALUES = LENDER };

#define OWNER_METATABLE "lualchemy.written"

/* What notes were written out to. */
typedef struct owner {
    const void *tag;            /* no node's: it is nobody's expression */
    const alch_node *node;
    alch_note *first;           /* that it lends the node or a part of it to; kept by the user values */
} owner;

alch_note *alch_test_note(lua_State *L, int idx)
{
    alch_note *note = lua_touserdata(L, idx);

    return note != NULL && lua_rawlen(L, idx) >= sizeof *note && note->ref.tag == &alch_note_tag ? note : NULL;
}

int alch_is_noted_statement(lua_State *L, int idx)
{
    const alch_note *note = alch_test_note(L, idx);

    return note != NULL && !alch_notes_expression(note);
}

int alch_is_noted_expression(lua_State *L, int idx)
{
    const alch_note *note = alch_test_note(L, idx);

    return note != NULL && alch_notes_expression(note);
}

static alch_note *as_note(alch_node_ref *r)
{
    return r != NULL && r->tag == &alch_note_tag ? (alch_note *)r : NULL;
}

/* What the chain begins with; NULL: a noted SELECT. */
static const alch_node_ref *base_of(const alch_note *note)
{
    while (as_note(note->before) != NULL)
        note = as_note(note->before);
    return note->before;
}

static int kind_of(const alch_note *note)
{
    if (alch_notes_expression(note))
        return note->how == ALCH_NOTE_UNARY ? ALCH_NODE_UNARY : ALCH_NODE_BINARY;
    return note->how == ALCH_NOTE_SELECT ? ALCH_NODE_SELECT : -1;
}

int alch_noted_kind(lua_State *L, int idx)
{
    const alch_note *note = alch_test_note(L, idx);
    const alch_node_ref *base;

    if (note == NULL || alch_notes_expression(note))
        return note != NULL ? kind_of(note) : -1;
    base = base_of(note);
    return base == NULL ? ALCH_NODE_SELECT : base->node != NULL ? base->node->kind : -1;
}

/* Pushes what the chain noted at 'idx' begins with: a statement, or a note of SELECT. */
static void push_base(lua_State *L, int idx)
{
    const alch_note *note = alch_test_note(L, idx);

    lua_pushvalue(L, idx);
    for (; note != NULL && note->how != ALCH_NOTE_SELECT; note = as_note(note->before)) {
        lua_getiuservalue(L, -1, BEFORE);
        lua_remove(L, -2);
    }
}

void alch_push_noted_options(lua_State *L, int idx)
{
    push_base(L, idx);
    if (alch_test_note(L, -1) != NULL)
        lua_pushnil(L);
    else
        lua_getiuservalue(L, -1, OPTIONS);
    lua_remove(L, -2);
}

int alch_push_noted_parts(lua_State *L, int idx, int kind)
{
    const alch_note *note;
    const alch_list *l;
    int i, base;

    push_base(L, idx);
    base = lua_gettop(L);
    note = alch_test_note(L, base);
    if ((note != NULL ? ALCH_NODE_SELECT : alch_check_node(L, base)->kind) != kind) {
        lua_pop(L, 1);
        return 0;
    }
    l = note != NULL ? NULL : ((const alch_select *)alch_check_node(L, base))->columns;
    lua_newtable(L);
    for (i = 0; i < (note != NULL ? note->values : (int)alch_list_len(l)); i++) {
        if (note != NULL)
            lua_getiuservalue(L, base, FIRST + i);
        else
            alch_push_node(L, l->items[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_remove(L, base);
    return 1;
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
    if (lua_rawlen(L, idx) < sizeof(alch_note))
        to_note_class(L);
}

/* The same for a new note of a kind. */
static void push_class_of(lua_State *L, int classes, int kind)
{
    if (lua_rawgeti(L, classes, kind + ALCH_NODE_COUNT) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_rawgeti(L, classes, kind);
    to_note_class(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, classes, kind + ALCH_NODE_COUNT);
}

/* -- noting ------------------------------------------------------------------ */

/* Pushes a note without a class, of the statement's values from 'first' on. */
static alch_note *push_statement(lua_State *L, const alch_note *what, int first, int count)
{
    alch_note *note = lua_newuserdatauv(L, sizeof *note + (size_t)count * sizeof *note->parts, count + FIRST - 1);
    int i;

    *note = *what;
    note->ref = (alch_node_ref){ &alch_note_tag, NULL };
    note->values = (uint8_t)count;
    for (i = 0; i < count; i++) {
        alch_node_ref *part = note->parts[i] = lua_touserdata(L, first + i);

        if (part == NULL)
            continue;
        if (as_note(part) != NULL && as_note(part)->uses < 2)
            as_note(part)->uses++;
        lua_pushvalue(L, first + i);
        lua_setiuservalue(L, -2, FIRST + i);
    }
    return note;
}

void alch_push_note(lua_State *L, const alch_note *what, int first, int count)
{
    alch_note *note = push_statement(L, what, first, count), *before;

    note->before = lua_touserdata(L, 1);
    before = as_note(note->before);
    note->length = (uint8_t)(before != NULL ? before->length + 1 : 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, BEFORE);
    push_class(L, 1);
    lua_setmetatable(L, -2);
    if (note->length == LENGTH_MAX)
        (void)alch_write_out(L, lua_gettop(L));
}

void alch_push_noted_select(lua_State *L, int classes, int count)
{
    (void)push_statement(L, &(alch_note){ .how = ALCH_NOTE_SELECT, .field = offsetof(alch_select, columns),
                                          .op = ALCH_OP_COMMA, .length = 1 }, 1, count);
    push_class_of(L, classes, ALCH_NODE_SELECT);
    lua_setmetatable(L, -2);
}

/* A column whose type leaves nothing to ask the host about what stands beside it. */
static alch_node_ref *plain_column(lua_State *L, int idx)
{
    alch_node_ref *r = alch_test_node_ref(L, idx);

    return r != NULL && r->node != NULL && r->node->kind == ALCH_NODE_COLUMN && alch_node_type(r->node)->object == NULL
        && (alch_node_type(r->node)->flags & ALCH_TYPE_HOOKS) == 0 ? r : NULL;
}

/* Pushes the note of an expression over the column 'left' at 1, with room for 'more' bytes behind its parts. */
static alch_note *push_expression(lua_State *L, const alch_note *what, int classes, alch_node_ref *left, int user_values,
                                  size_t more)
{
    alch_note *note = lua_newuserdatauv(L, sizeof *note + 2 * sizeof *note->parts + more, user_values);

    *note = *what;
    note->ref.tag = &alch_note_tag;
    note->parts[0] = left;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, LEFT);
    push_class_of(L, classes, kind_of(what));
    lua_setmetatable(L, -2);
    return note;
}

static int push_binary(lua_State *L, int classes, int op, alch_node_ref *left)
{
    alch_note what = { .how = ALCH_NOTE_BINARY, .op = (uint8_t)op, .values = 1 }, *note;
    int type = lua_type(L, 2);
    alch_node_ref *right = type == LUA_TUSERDATA ? plain_column(L, 2) : NULL;

    if (!alch_op_is_comparison(op) || (right == NULL && type != LUA_TNUMBER && type != LUA_TSTRING))
        return 0;
    if (right == NULL)
        alch_lua_to_value(L, 2, &what.value);
    note = push_expression(L, &what, classes, left, type == LUA_TNUMBER ? OWNER : RIGHT, 0);
    if (type == LUA_TNUMBER)
        return 1;
    if (right != NULL) {
        note->values = 2;
        note->parts[1] = right;
    }
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, RIGHT);
    return 1;
}

/* Most lists are short. */
enum { FEW_VALUES = 16 };

/* Reads the numbers and strings in the list at 2, and leaves the strings on the stack. Returns the bytes of text, or -1:
** there is something else. */
static int read_few(lua_State *L, int n, alch_value *v)
{
    int i, bytes = 0;

    for (i = 0; i < n; i++) {
        int type = lua_rawgeti(L, 2, i + 1);

        if (type != LUA_TNUMBER && type != LUA_TSTRING)
            return -1;
        alch_lua_to_value(L, -1, &v[i]);
        if (type == LUA_TNUMBER)
            lua_pop(L, 1);
        else if (v[i].as.text.len > INT_MAX / FEW_VALUES - 1)
            return -1;
        else
            bytes += (int)v[i].as.text.len + 1;
    }
    return bytes;
}

static int push_in(lua_State *L, int classes, int op, alch_node_ref *left)
{
    alch_note what = { .how = ALCH_NOTE_IN, .op = (uint8_t)op, .values = 1 }, *note;
    size_t n = alch_is_plain_table(L, 2) ? lua_rawlen(L, 2) : 0, i;
    alch_value few[FEW_VALUES], *items;
    int bytes;
    char *text;

    if (n == 0 || n > FEW_VALUES)
        return 0;
    luaL_checkstack(L, FEW_VALUES + 12, "list");
    bytes = read_few(L, (int)n, few);
    if (bytes < 0) {
        lua_settop(L, 2);
        return 0;
    }
    what.count = (uint32_t)n;
    note = push_expression(L, &what, classes, left, OWNER, n * sizeof *items + (size_t)bytes);
    items = (alch_value *)(void *)(note->parts + 2);
    text = (char *)(items + n);
    memcpy(items, few, n * sizeof *items);
    note->items = items;
    for (i = 0; i < n; i++)
        if (items[i].kind == ALCH_TEXT) {
            memcpy(text, items[i].as.text.at, items[i].as.text.len + 1);
            items[i].as.text.at = text;
            text += items[i].as.text.len + 1;
        }
    return 1;
}

int alch_push_noted(lua_State *L, int classes, int how, int op)
{
    alch_node_ref *left = plain_column(L, 1);

    if (left == NULL)
        return 0;
    if (how == ALCH_NOTE_BINARY)
        return push_binary(L, classes, op, left);
    if (how == ALCH_NOTE_IN)
        return push_in(L, classes, op, left);
    (void)push_expression(L, &(alch_note){ .how = ALCH_NOTE_UNARY, .op = (uint8_t)op, .values = 1 }, classes, left, OWNER, 0);
    return 1;
}

/* -- writing out --------------------------------------------------------------- */

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
    lua_setiuservalue(L, idx, OWNER);
}

/* The expressions that were made for the statement noted at 'idx' are its owner's; with 0 it was not made after all. */
static void settle(lua_State *L, int idx, int at)
{
    alch_note *statement = lua_touserdata(L, idx), *note;
    int i;

    for (i = 0; statement->made && i < statement->values; i++) {
        lua_getiuservalue(L, idx, FIRST + i);
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

    luaL_checkstack(L, LENGTH_MAX + 10, "statement");
    lua_pushvalue(L, idx);
    while (alch_test_note(L, -1) != NULL)
        lua_getiuservalue(L, -1, BEFORE);
    base = lua_gettop(L);               /* what all begins with, or nil; the notes in front of it, the latest first */
    o = push_owner(L, top + 2, idx);
    rc = write_chain(L, top, base, &err);
    for (at = base - 1; at > top; at--)
        settle(L, at, rc == ALCH_OK ? base + 1 : 0);
    if (rc != ALCH_OK)
        alch_raise(L, &err);
    become(L, idx, note, o->node, base + 1);
    if (lua_isnil(L, base) || lua_getiuservalue(L, base, OPTIONS) != LUA_TTABLE)
        lua_pushnil(L);
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
