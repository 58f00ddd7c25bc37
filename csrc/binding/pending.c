#include "binding/pending.h"

#include <string.h>

#include "binding/bind.h"
#include "expr/build.h"

const char alch_note_tag = 0;

/* A chain is written out when it has this many notes, so that neither reading nor freeing one takes long. */
enum { LENGTH_MAX = 32 };

enum { BEFORE = 1, FIRST };         /* user values of a note */
enum { OPTIONS = 1, OWNER };        /* and of what was written out */

static alch_note *test_note(lua_State *L, int idx)
{
    alch_note *note = lua_touserdata(L, idx);

    return note != NULL && lua_rawlen(L, idx) == sizeof *note && note->ref.tag == &alch_note_tag ? note : NULL;
}

int alch_is_note(lua_State *L, int idx)
{
    return test_note(L, idx) != NULL;
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

/* Pushes the metatable for a note on the statement at 'idx': that statement's own if it was a note. */
static void push_class(lua_State *L, int idx)
{
    int class_;

    (void)lua_getmetatable(L, idx);
    if (lua_rawlen(L, idx) == sizeof(alch_note))
        return;
    class_ = lua_gettop(L);
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

/* -- noting ------------------------------------------------------------------ */

void alch_push_note(lua_State *L, const alch_note *what, int first, int count)
{
    const alch_note *before = test_note(L, 1);
    alch_note *note = lua_newuserdatauv(L, sizeof *note, (count > 0 ? count : 1) + BEFORE);
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

/* -- writing out --------------------------------------------------------------- */

/* The node that a value of the note at 'idx' is, lent by the note; or NULL. */
static const alch_node *node_of(lua_State *L, int idx, int value)
{
    const alch_node *n = NULL;

    if (lua_getiuservalue(L, idx, FIRST + value) == LUA_TUSERDATA)
        n = ((const alch_node_ref *)lua_touserdata(L, -1))->node;
    lua_pop(L, 1);
    return n;
}

static int add_list(lua_State *L, int idx, const alch_note *note, alch_select *s, const alch_list **field, alch_err *err)
{
    alch_list *l;
    int i, rc = alch_list_extend(*field, note->op, note->values, &l, err);

    if (rc != ALCH_OK)
        return rc;
    for (i = 0; i < note->values && rc == ALCH_OK; i++)
        rc = alch_list_push(l, alch_node_keep(node_of(L, idx, i)), err);
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

/* A join of lent parts; '*out' is the caller's. */
static int new_join(const alch_node *left, const alch_node *right, const alch_node *on, const alch_node *criteria,
                    unsigned flags, alch_join **out, alch_err *err)
{
    alch_join *j = alch_node_new(ALCH_NODE_JOIN, err);
    int rc = j != NULL ? ALCH_OK : ALCH_ERR_NOMEM;

    if (rc == ALCH_OK)
        rc = alch_node_set(j, &j->right, alch_node_keep(right), err);
    if (rc == ALCH_OK)
        rc = alch_node_set(j, &j->left, alch_node_keep(left), err);
    if (rc == ALCH_OK)
        rc = alch_node_set(j, &j->on, alch_node_keep(on), err);
    if (rc == ALCH_OK)
        rc = alch_node_set(j, &j->criteria, alch_node_keep(criteria), err);
    if (rc != ALCH_OK) {
        alch_node_drop(j);
        return rc;
    }
    j->flags = (uint8_t)flags;
    *out = j;
    return ALCH_OK;
}

static int add_join(lua_State *L, int idx, const alch_note *note, alch_select *s, alch_err *err)
{
    const alch_custom *entity = (const alch_custom *)node_of(L, idx, 3);
    alch_join *j;
    alch_list *l;
    int rc = new_join(node_of(L, idx, 0), node_of(L, idx, 1), node_of(L, idx, 2), entity != NULL ? entity->criteria : NULL,
                      note->op, &j, err);

    if (rc != ALCH_OK)
        return rc;
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
    const alch_note *note = lua_touserdata(L, idx);
    void *field = (char *)s + note->field;

    switch (note->how) {
    case ALCH_NOTE_LIST: return add_list(L, idx, note, s, field, err);
    case ALCH_NOTE_NUMBER: return set_number(L, idx, s, field, err);
    default: return add_join(L, idx, note, s, err);
    }
}

/* Puts what the chain came to in the place of what was noted at 'idx'; it belongs to the reference on the top. */
static alch_node_ref *become(lua_State *L, int idx, int base)
{
    alch_note *note = lua_touserdata(L, idx);
    int i;

    note->ref.node = ((const alch_node_ref *)lua_touserdata(L, -1))->node;
    note->ref.tag = &alch_node_tag;
    lua_setiuservalue(L, idx, OWNER);
    if (lua_getiuservalue(L, base, OPTIONS) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    lua_setiuservalue(L, idx, OPTIONS);
    for (i = OWNER + 1; i < FIRST + note->values; i++) {
        lua_pushnil(L);
        lua_setiuservalue(L, idx, i);
    }
    return &note->ref;
}

alch_node_ref *alch_write_out(lua_State *L, int idx)
{
    int top = lua_gettop(L), at, rc;
    alch_node_ref *owner, *made;
    alch_select *s;
    alch_err err;

    idx = lua_absindex(L, idx);
    luaL_checkstack(L, LENGTH_MAX + 10, "statement");
    lua_pushvalue(L, idx);
    while (test_note(L, -1) != NULL)
        lua_getiuservalue(L, -1, BEFORE);
    at = lua_gettop(L);                 /* what all begins with; the notes in front of it, the latest first */
    owner = alch_push_node_slot(L, ALCH_NODE_SELECT);
    rc = alch_node_copy(((const alch_node_ref *)lua_touserdata(L, at))->node, &s, &err);
    if (rc == ALCH_OK)
        owner->node = &s->head;
    while (rc == ALCH_OK && --at > top)
        rc = apply(L, at, s, &err);
    if (rc != ALCH_OK)
        alch_raise(L, &err);
    made = become(L, idx, lua_gettop(L) - 1);
    lua_settop(L, top);
    return made;
}
