/* Notes: making them, and what can be said about them without writing them out. See pending.h. */
#include <limits.h>
#include <string.h>

#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/pending.h"
#include "binding/value_conv.h"

const char alch_note_tag = 0;

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

/* What the chain begins with; NULL: a noted SELECT. */
static const alch_node_ref *base_of(const alch_note *note)
{
    while (alch_as_note(note->before) != NULL)
        note = alch_as_note(note->before);
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
    for (; note != NULL && note->how != ALCH_NOTE_SELECT; note = alch_as_note(note->before)) {
        lua_getiuservalue(L, -1, ALCH_NOTE_BEFORE);
        lua_replace(L, -2);
    }
}

void alch_push_noted_options(lua_State *L, int idx)
{
    push_base(L, idx);
    if (alch_test_note(L, -1) != NULL)
        lua_pushnil(L);
    else
        lua_getiuservalue(L, -1, ALCH_NOTE_OPTIONS);
    lua_replace(L, -2);
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
            lua_getiuservalue(L, base, ALCH_NOTE_FIRST + i);
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
    alch_note *note = lua_newuserdatauv(L, sizeof *note + (size_t)count * sizeof *note->parts, count + ALCH_NOTE_FIRST - 1);
    int i;

    *note = *what;
    note->ref = (alch_node_ref){ &alch_note_tag, NULL };
    note->values = (uint8_t)count;
    for (i = 0; i < count; i++) {
        alch_node_ref *part = note->parts[i] = lua_touserdata(L, first + i);

        if (part == NULL)
            continue;
        if (alch_as_note(part) != NULL && alch_as_note(part)->uses < 2)
            alch_as_note(part)->uses++;
        lua_pushvalue(L, first + i);
        lua_setiuservalue(L, -2, ALCH_NOTE_FIRST + i);
    }
    return note;
}

void alch_push_note(lua_State *L, const alch_note *what, int first, int count)
{
    alch_note *note = push_statement(L, what, first, count), *before;

    note->before = lua_touserdata(L, 1);
    before = alch_as_note(note->before);
    note->length = (uint8_t)(before != NULL ? before->length + 1 : 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, ALCH_NOTE_BEFORE);
    push_class(L, 1);
    lua_setmetatable(L, -2);
    if (note->length == ALCH_NOTE_LENGTH)
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
    lua_setiuservalue(L, -2, ALCH_NOTE_LEFT);
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
    note = push_expression(L, &what, classes, left, type == LUA_TNUMBER ? ALCH_NOTE_OWNER : ALCH_NOTE_RIGHT, 0);
    if (type == LUA_TNUMBER)
        return 1;
    if (right != NULL) {
        note->values = 2;
        note->parts[1] = right;
    }
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, ALCH_NOTE_RIGHT);
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
    note = push_expression(L, &what, classes, left, ALCH_NOTE_OWNER, n * sizeof *items + (size_t)bytes);
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
    (void)push_expression(L, &(alch_note){ .how = ALCH_NOTE_UNARY, .op = (uint8_t)op, .values = 1 }, classes, left,
                          ALCH_NOTE_OWNER, 0);
    return 1;
}
