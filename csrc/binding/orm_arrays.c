/* A batch of rows as one array per column, for PostgreSQL's unnest and ANY. */
#include <string.h>

#include "binding/array_wire.h"
#include "binding/orm_flush.h"
#include "binding/value_conv.h"

/* One column of a batch: its array grows. */
typedef struct column {
    size_t slot;
    const alch_wire *wire;      /* NULL: an array literal */
    alch_buf *out;
} column;

/* The columns grow side by side, so that each object is looked up once. */
typedef struct arrays {
    const alch_codec *codec;
    alch_bound *scratch;        /* for what a conversion makes */
    size_t n, keys;
    column *columns;            /* of the slots, then of the identity key */
} arrays;

static void refuse(lua_State *L, const arrays *a, const column *c, const char *what, const char *why)
{
    alch_raisef(L, ALCH_ERR_DATA, "%s.%s cannot take %s: %s", a->codec->mapper->class_name,
        a->codec->mapper->attrs[c->slot].name, what, why);
}

/* Strings that go in the binary form were looked at when they were bound. */
static void put(lua_State *L, const arrays *a, const column *c, const alch_value *v)
{
    if (c->wire == NULL) {
        if (v->kind == ALCH_TEXT && memchr(v->as.text.at, '\0', v->as.text.len) != NULL)
            refuse(L, a, c, "text with a zero byte", "PostgreSQL has none");
        alch_buf_putc(c->out, c->out->len == 0 ? '{' : ',');
        alch_wire_put_text(c->out, v);
    } else if (!alch_wire_put(c->out, c->wire, v)) {
        refuse(L, a, c, "this value", "it is of another kind than the column's type says");
    }
}

/* The identity key of the state at 'st'. */
static void put_key(lua_State *L, const arrays *a, int st)
{
    alch_param values[ALCH_KEY_MAX];
    size_t i;

    alch_push_state_key(L, st, lua_touserdata(L, st));
    alch_bind_key(L, st + 1, a->codec, a->scratch, values);
    for (i = 0; i < a->keys; i++)
        put(L, a, &a->columns[a->n + i], &values[i].value);
    lua_settop(L, st);
}

/* The values of the state on the top. */
static void put_row(lua_State *L, const arrays *a)
{
    int st = lua_gettop(L);
    alch_state *s = lua_touserdata(L, st);
    alch_param p;
    alch_err err;
    size_t i;

    for (i = 0; i < a->n; i++) {
        size_t slot = a->columns[i].slot;

        alch_push_value(L, st, s, slot);
        if (alch_bind_lua(L, st + 1, &a->codec->columns[slot], &a->scratch->memory, &p, &err) != ALCH_OK)
            alch_raise(L, &err);
        put(L, a, &a->columns[i], &p.value);
        lua_settop(L, st);
    }
    if (a->keys > 0)
        put_key(L, a, st);
}

/* The arrays become the parameters of 'b'. */
static void finish(lua_State *L, const arrays *a, alch_bound *b)
{
    size_t i;

    for (i = 0; i < a->n + a->keys; i++) {
        const column *c = &a->columns[i];
        alch_param *p = &b->params[i];

        if (c->wire == NULL)
            alch_buf_putc(c->out, '}');
        if (c->out->failed) {
            alch_err err;

            (void)alch_err_nomem(&err);
            alch_raise(L, &err);
        }
        p->oid = c->wire == NULL ? 0 : c->wire->array;
        p->value.kind = c->wire == NULL ? ALCH_TEXT : ALCH_BLOB;
        p->value.as.text.at = c->out->data;
        p->value.as.text.len = c->out->len;
    }
    b->arrays = 1;
}

/* Makes the columns of the Lua list of slots at 'list', and of the identity
** key; the table on the top holds their buffers. */
static void begin(lua_State *L, arrays *a, int list, size_t count)
{
    size_t i;

    for (i = 0; i < a->n + a->keys; i++) {
        column *c = &a->columns[i];

        if (i < a->n) {
            lua_rawgeti(L, list, (lua_Integer)i + 1);
            c->slot = (size_t)lua_tointeger(L, -1) - 1;
            lua_pop(L, 1);
        } else {
            c->slot = a->codec->mapper->keys[i - a->n];
        }
        luaL_argcheck(L, c->slot < a->codec->mapper->columns, list, "no such column");
        c->wire = alch_wire_of(&a->codec->columns[c->slot]);
        c->out = alch_push_buffer(L);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
        if (c->wire != NULL)
            alch_wire_begin(c->out, c->wire, count);
    }
}

/* core.flush_bind_arrays(codec, objects, from, count, slots, with_key) -> bound
** with one array per column, and then one per column of the identity key:
** unnest makes rows of them again. The bound anchors the buffers that hold
** them. */
static int l_bind_arrays(lua_State *L)
{
    arrays a;
    lua_Integer from = luaL_checkinteger(L, 3), count = luaL_checkinteger(L, 4), i;
    alch_bound *b;

    a.codec = alch_check_codec(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 5, LUA_TTABLE);
    luaL_argcheck(L, count > 0, 4, "no rows");
    a.keys = lua_toboolean(L, 6) ? a.codec->mapper->key_count : 0;
    a.n = (size_t)lua_rawlen(L, 5);
    lua_settop(L, 5);
    luaL_checkstack(L, 20, "flush");
    a.scratch = alch_bound_push(L, 0, 1);
    a.columns = lua_newuserdatauv(L, (a.n + a.keys + 1) * sizeof *a.columns, 0);
    b = alch_bound_push(L, a.n + a.keys, 1);
    lua_createtable(L, (int)(a.n + a.keys), 0);
    begin(L, &a, 5, (size_t)count);
    lua_setiuservalue(L, 8, 1);
    for (i = 0; i < count; i++) {
        lua_rawgeti(L, 2, from + i);
        luaL_argcheck(L, alch_push_state(L, 9) != NULL, 2, "a list of mapped instances");
        put_row(L, &a);
        lua_settop(L, 8);
    }
    finish(L, &a, b);
    return 1;
}

/* core.flush_array_cast(codec, slot) -> what an array of an attribute's values
** is to be cast to, or nil: to the column's type */
static int l_array_cast(lua_State *L)
{
    const alch_codec *codec = alch_check_codec(L, 1);
    lua_Integer slot = luaL_checkinteger(L, 2);

    luaL_argcheck(L, slot >= 1 && (size_t)slot <= codec->mapper->columns, 2, "no such column");
    lua_pushstring(L, alch_wire_cast(&codec->columns[slot - 1]));
    return 1;
}

void alch_open_arrays(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "flush_bind_arrays", l_bind_arrays }, { "flush_array_cast", l_array_cast }, { NULL, NULL }
    };

    luaL_setfuncs(L, functions, 0);
}
