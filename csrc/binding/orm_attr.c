/* Values of attributes: reading, writing, what was there before. */
#include <string.h>

#include "binding/orm_host.h"
#include "binding/value_conv.h"

/* Is there no slot for it? Then it is in AUX, if anywhere. */
static int is_apart(const alch_state *s, size_t i)
{
    return (s->flags & ALCH_STATE_APART) && s->mapper->attrs[i].slot > s->mapper->close;
}

int alch_push_kept(lua_State *L, int st, const alch_state *s, size_t i)
{
    if (!is_apart(s, i))
        return lua_getiuservalue(L, st, (int)s->mapper->attrs[i].slot);
    if (s->single == i + 1)
        return lua_getiuservalue(L, st, alch_uv_extra(s->mapper));
    if (!(s->flags & ALCH_STATE_AUX)) {
        lua_pushnil(L);
        return LUA_TNIL;
    }
    lua_getiuservalue(L, st, alch_uv_extra(s->mapper));
    lua_rawgeti(L, -1, alch_aux_value(i));
    lua_replace(L, -2);
    return lua_type(L, -1);
}

static int may_be_single(const alch_state *s, size_t i)
{
    return (s->flags & ALCH_STATE_INT_KEY) && !(s->flags & ALCH_STATE_AUX) && (s->single == 0 || s->single == i + 1);
}

/* Where it may fail for want of memory, nothing is changed yet: the sets come afterwards. */
void alch_keep(lua_State *L, int st, alch_state *s, size_t i)
{
    if (!is_apart(s, i)) {
        lua_setiuservalue(L, st, (int)s->mapper->attrs[i].slot);
    } else if (lua_isnil(L, -1) && !(s->flags & ALCH_STATE_AUX) && s->single != i + 1) {
        lua_pop(L, 1);
    } else if (may_be_single(s, i)) {
        s->single = (uint16_t)(lua_isnil(L, -1) ? 0 : i + 1);
        lua_setiuservalue(L, st, alch_uv_extra(s->mapper));
    } else {
        alch_push_aux(L, st, s);
        lua_insert(L, -2);
        lua_rawseti(L, -2, alch_aux_value(i));
        lua_pop(L, 1);
    }
}

static void push_packed(lua_State *L, const alch_state *s, size_t i)
{
    alch_value v;

    alch_row_cell(s, i, &v);
    alch_push_cell(L, s->readers, i, &v);
}

/* Is a cell of the packed row the value already, without a conversion? */
static int is_plain(const alch_state *s, size_t i, const alch_value *cell)
{
    const alch_conversion *c = s->readers == NULL ? NULL : &s->readers[i];

    return c == NULL || cell->kind == ALCH_NULL || (!c->host && (c->plain == cell->kind || c->read == NULL));
}

/* Longer text is no value that a host finds again by its contents. */
#define SHORT_TEXT 40

/* Is what a cell was read as, on the top, worth keeping? A plain number costs
** less to read again, and so does a short text. Most text of a program that
** walks over many objects is read once: it is kept when it is read a second
** time. Anything else is costly to make, or an object that the program changes in place. */
static int is_kept(lua_State *L, alch_state *s, size_t i, const alch_value *cell, int plain)
{
    if (!plain)
        return s->readers[i].host || lua_type(L, -1) >= LUA_TSTRING;
    if ((cell->kind != ALCH_TEXT && cell->kind != ALCH_BLOB) || cell->as.text.len <= SHORT_TEXT)
        return 0;
    if (alch_has(s, ALCH_SET_READ, i))
        return 1;
    alch_put(s, ALCH_SET_READ, i);
    return 0;
}

static void push_unpacked(lua_State *L, int st, alch_state *s, size_t i)
{
    alch_value v;
    int plain;

    alch_row_cell(s, i, &v);
    plain = is_plain(s, i, &v);
    if (plain)
        alch_value_push(L, &v);
    else
        alch_push_cell(L, s->readers, i, &v);
    if (is_kept(L, s, i, &v, plain)) {
        lua_pushvalue(L, -1);
        alch_keep(L, st, s, i);
        alch_put(s, ALCH_SET_VALUE, i);
    }
}

int alch_push_known(lua_State *L, int st, alch_state *s, size_t i)
{
    if (alch_has(s, ALCH_SET_VALUE, i))
        alch_push_kept(L, st, s, i);
    else if (alch_has(s, ALCH_SET_PACKED, i))
        push_unpacked(L, st, s, i);
    else
        return 0;
    return 1;
}

void alch_push_value(lua_State *L, int st, alch_state *s, size_t i)
{
    if (!alch_push_known(L, st, s, i))
        lua_pushnil(L);
}

void alch_keep_value(lua_State *L, int st, alch_state *s, size_t i)
{
    if (alch_has(s, ALCH_SET_VALUE, i))
        return;
    alch_push_value(L, st, s, i);
    alch_keep(L, st, s, i);
    alch_put(s, ALCH_SET_VALUE, i);
}

void alch_push_aux(lua_State *L, int st, alch_state *s)
{
    lua_getiuservalue(L, st, alch_uv_extra(s->mapper));
    if (s->flags & ALCH_STATE_AUX)
        return;
    lua_createtable(L, s->flags & ALCH_STATE_APART ? (int)s->mapper->columns : 0, s->flags & ALCH_STATE_APART ? 0 : 2);
    lua_insert(L, -2);
    lua_rawseti(L, -2, s->single != 0 ? alch_aux_value(s->single - 1) : 0);     /* 0: the identity key */
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, st, alch_uv_extra(s->mapper));
    s->single = 0;
    s->flags |= ALCH_STATE_AUX;
}

/* The database's value is about to be overwritten in the host: set it aside. */
static void keep_base(lua_State *L, int st, alch_state *s, size_t i)
{
    alch_push_aux(L, st, s);
    alch_push_kept(L, st, s, i);
    lua_rawseti(L, -2, alch_aux_old(i));
    lua_pop(L, 1);
    alch_put(s, ALCH_SET_BASE, i);
}

/* The value on the top is about to be the state's. */
static void note_kind(lua_State *L, alch_state *s)
{
    if (lua_type(L, -1) == LUA_TUSERDATA)
        s->flags |= ALCH_STATE_BOXED;
}

void alch_store(lua_State *L, int obj, int st, alch_state *s, size_t i)
{
    note_kind(L, s);
    if (!alch_has(s, ALCH_SET_CHANGED, i) && (s->flags & (ALCH_STATE_KEYED | ALCH_STATE_LOOSE))
        && alch_has(s, ALCH_SET_VALUE, i) && !alch_has(s, ALCH_SET_PACKED, i))
        keep_base(L, st, s, i);
    alch_keep(L, st, s, i);
    alch_put(s, ALCH_SET_CHANGED, i);
    alch_put(s, ALCH_SET_VALUE, i);
    alch_cut(s, ALCH_SET_GIVEN, i);
    alch_modified(L, obj, s);
}

void alch_store_clean(lua_State *L, int st, alch_state *s, size_t i)
{
    note_kind(L, s);
    alch_keep(L, st, s, i);
    alch_cut(s, ALCH_SET_CHANGED, i);
    alch_cut(s, ALCH_SET_BASE, i);
    alch_cut(s, ALCH_SET_PACKED, i);
    alch_put(s, ALCH_SET_VALUE, i);
}

int alch_push_base(lua_State *L, int st, alch_state *s, size_t i)
{
    if (alch_has(s, ALCH_SET_PACKED, i)) {
        push_packed(L, s, i);
        return 1;
    }
    if (!alch_has(s, ALCH_SET_BASE, i))
        return 0;
    lua_getiuservalue(L, st, alch_uv_extra(s->mapper));
    lua_rawgeti(L, -1, alch_aux_old(i));
    lua_replace(L, -2);
    return 1;
}

/* Do two strings of a type that differ mean two values? NULL: a column without a type. */
static int tells_strings_apart(const alch_type *t)
{
    return t == NULL
        || (t->family == ALCH_FAMILY_STRING && t->kind != ALCH_TYPE_DECORATED && !(t->flags & ALCH_TYPE_HOOK_COMPARE));
}

/* Is the value on the top the text that the packed row has? Found out without
** making a string of that. -1: it is no text, or the type has to say. */
static int is_packed_text(lua_State *L, const alch_state *s, size_t i)
{
    alch_value cell;
    const char *text;
    size_t len;

    if (!alch_has(s, ALCH_SET_PACKED, i) || lua_type(L, -1) != LUA_TSTRING)
        return -1;
    alch_row_cell(s, i, &cell);
    if (cell.kind != ALCH_TEXT || !is_plain(s, i, &cell))
        return -1;
    text = lua_tolstring(L, -1, &len);
    if (len == cell.as.text.len && (len == 0 || memcmp(text, cell.as.text.at, len) == 0))
        return 1;
    return tells_strings_apart(s->mapper->attrs[i].type) ? 0 : -1;
}

int alch_unchanged(lua_State *L, int st, alch_state *s, size_t i)
{
    int top = lua_gettop(L), equal;

    alch_push_kept(L, st, s, i);
    equal = is_packed_text(L, s, i);
    if (equal < 0)
        equal = alch_push_base(L, st, s, i) && (lua_rawequal(L, top + 1, top + 2)
            || (s->mapper->attrs[i].type != NULL && alch_lua_equal(L, s->mapper->attrs[i].type, top + 2, top + 1)));
    lua_settop(L, top);
    return equal;
}

/* In AUX, the key of the context. */
static const char context_key = 0;

void alch_set_context(lua_State *L, int st, alch_state *s)
{
    alch_push_aux(L, st, s);
    lua_insert(L, -2);
    lua_rawsetp(L, -2, &context_key);
    lua_pop(L, 1);
}

void alch_push_context(lua_State *L, int st, const alch_state *s)
{
    if (!(s->flags & ALCH_STATE_AUX)) {
        lua_pushnil(L);
        return;
    }
    lua_getiuservalue(L, st, alch_uv_extra(s->mapper));
    lua_rawgetp(L, -1, &context_key);
    lua_replace(L, -2);
}

/* Takes all out of AUX but the identity key, values that are kept there and, if so asked, the context. */
static void clear_aux(lua_State *L, int st, const alch_state *s, int context)
{
    lua_getiuservalue(L, st, alch_uv_extra(s->mapper));
    for (lua_pushnil(L); lua_next(L, -2); ) {
        int stays = lua_isinteger(L, -2) ? lua_tointeger(L, -2) >= 0 : context && lua_touserdata(L, -2) == &context_key;

        lua_pop(L, 1);
        if (!stays) {
            lua_pushvalue(L, -1);
            lua_pushnil(L);
            lua_rawset(L, -4);
        }
    }
    lua_pop(L, 1);
}

/* The same where no value is kept there: the table goes. */
static void drop_aux(lua_State *L, int st, alch_state *s, int context)
{
    if (context)
        alch_push_context(L, st, s);
    else
        lua_pushnil(L);
    lua_getiuservalue(L, st, alch_uv_extra(s->mapper));
    lua_rawgeti(L, -1, 0);
    lua_setiuservalue(L, st, alch_uv_extra(s->mapper));
    lua_pop(L, 1);
    s->flags = (uint16_t)(s->flags & ~ALCH_STATE_AUX);
    if (lua_isnil(L, -1))
        lua_pop(L, 1);
    else
        alch_set_context(L, st, s);
}

static void drop_old(lua_State *L, int st, alch_state *s, int context)
{
    if (!(s->flags & ALCH_STATE_AUX))
        return;
    if ((s->flags & ALCH_STATE_APART) && alch_any(s, ALCH_SET_VALUE))
        clear_aux(L, st, s, context);
    else
        drop_aux(L, st, s, context);
}

/* What the packed row says of attributes that were set since is history. */
static void forget_replaced(alch_state *s)
{
    size_t i, size = s->mapper->set_size;

    for (i = 0; i < size; i++) {
        uint8_t *packed = &s->sets[ALCH_SET_PACKED * size + i];

        *packed = (uint8_t)(*packed & ~s->sets[ALCH_SET_CHANGED * size + i]);
    }
}

void alch_commit_state(lua_State *L, int st, alch_state *s)
{
    const alch_mapper *m = s->mapper;
    size_t i;

    forget_replaced(s);
    for (i = m->columns; i < m->count; i++) {
        if (m->attrs[i].kind == ALCH_ATTR_LIST && alch_peek_collection(L, st, s, i) != NULL) {
            alch_collection_commit(L, lua_gettop(L));
            lua_pop(L, 1);
        }
    }
    alch_clear(s, ALCH_SET_CHANGED);
    alch_clear(s, ALCH_SET_BASE);
    drop_old(L, st, s, 1);
}

/* Sets that say how a value came to be mean nothing for an object without a row. */
void alch_forget_history(lua_State *L, int st, alch_state *s)
{
    const alch_mapper *m = s->mapper;
    size_t i;

    forget_replaced(s);
    for (i = m->columns; i < m->count; i++) {
        alch_collection *list;

        if (m->attrs[i].kind != ALCH_ATTR_LIST || (list = alch_peek_collection(L, st, s, i)) == NULL)
            continue;
        alch_collection_commit(L, lua_gettop(L));
        list->fresh = list->loaded = 1;
        alch_put(s, ALCH_SET_VALUE, i);
        lua_pop(L, 1);
    }
    drop_old(L, st, s, 0);
    alch_clear(s, ALCH_SET_BASE);
    alch_clear(s, ALCH_SET_GIVEN);
    s->flags = (uint16_t)(s->flags & ~ALCH_STATE_LOOSE);
}

/* The host lets go of a value; the caller clears the attribute's bits. */
static void forget_value(lua_State *L, int st, alch_state *s, size_t i)
{
    if (s->mapper->attrs[i].kind != ALCH_ATTR_LIST) {
        lua_pushnil(L);
        alch_keep(L, st, s, i);
    } else if (alch_peek_collection(L, st, s, i) != NULL) {
        alch_collection_expire(L, lua_gettop(L));
        lua_pop(L, 1);
    }
}

void alch_expire_attr(lua_State *L, int st, alch_state *s, size_t i)
{
    int set;

    for (set = 0; set < ALCH_SETS; set++)
        alch_cut(s, set, i);
    forget_value(L, st, s, i);
}

void alch_expire_state(lua_State *L, int st, alch_state *s)
{
    size_t i;

    for (i = 0; i < s->mapper->count; i++)
        if (s->mapper->attrs[i].kind == ALCH_ATTR_LIST || alch_has(s, ALCH_SET_VALUE, i))
            forget_value(L, st, s, i);
    memset(s->sets, 0, ALCH_SETS * s->mapper->set_size);
    drop_old(L, st, s, 1);
}
