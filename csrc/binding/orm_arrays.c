/* A batch of rows as one array per column, for PostgreSQL's unnest and ANY: the
** text of array literals. */
#include <math.h>
#include <string.h>

#include "binding/orm_flush.h"
#include "binding/value_conv.h"
#include "value/number.h"

/* Up to the next character that needs a backslash at a time. */
static void put_quoted(alch_buf *out, const char *s, size_t n)
{
    size_t i, from = 0;

    alch_buf_putc(out, '"');
    for (i = 0; i < n; i++) {
        if (s[i] == '"' || s[i] == '\\') {
            alch_buf_add(out, s + from, i - from);
            alch_buf_putc(out, '\\');
            from = i;
        }
    }
    alch_buf_add(out, s + from, n - from);
    alch_buf_putc(out, '"');
}

static void put_bytes(alch_buf *out, const char *s, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    alch_buf_puts(out, "\"\\\\x");
    for (i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)s[i];

        alch_buf_putc(out, digits[byte >> 4]);
        alch_buf_putc(out, digits[byte & 15]);
    }
    alch_buf_putc(out, '"');
}

static void put_number(alch_buf *out, double x)
{
    char digits[ALCH_FLOAT_TEXT];
    size_t n;

    if (isnan(x)) {
        alch_buf_puts(out, "NaN");
    } else if (isinf(x)) {
        alch_buf_puts(out, x > 0 ? "Infinity" : "-Infinity");
    } else {
        n = alch_float_format(x, digits);
        alch_buf_add(out, digits, n);
    }
}

/* One element of an array literal of PostgreSQL. */
static void put_element(alch_buf *out, const alch_value *v)
{
    switch (v->kind) {
    case ALCH_NULL: alch_buf_puts(out, "NULL"); break;
    case ALCH_BOOL: alch_buf_puts(out, v->as.boolean ? "t" : "f"); break;
    case ALCH_INT: alch_buf_putint(out, v->as.integer); break;
    case ALCH_FLOAT: put_number(out, v->as.number); break;
    case ALCH_BLOB: put_bytes(out, v->as.text.at, v->as.text.len); break;
    default: put_quoted(out, v->as.text.at, v->as.text.len); break;
    }
}

static int has_nul(const alch_value *v)
{
    return v->kind == ALCH_TEXT && memchr(v->as.text.at, '\0', v->as.text.len) != NULL;
}

/* The columns of a batch: the literals grow side by side, so that each object
** is looked up once. */
typedef struct arrays {
    const alch_codec *codec;
    alch_bound *scratch;        /* for what a conversion makes */
    size_t n, keys;
    const size_t *slots;
    alch_buf **texts;           /* of the slots, then of the identity key's columns */
} arrays;

static void put(lua_State *L, const arrays *a, size_t i, size_t slot, const alch_value *v)
{
    if (has_nul(v))
        alch_raisef(L, ALCH_ERR_DATA, "%s.%s cannot take text with a zero byte: PostgreSQL has none",
            a->codec->mapper->class_name, a->codec->mapper->attrs[slot].name);
    alch_buf_putc(a->texts[i], a->texts[i]->len == 0 ? '{' : ',');
    put_element(a->texts[i], v);
}

/* The identity key of the state at 'st'. */
static void put_key(lua_State *L, const arrays *a, int st)
{
    alch_param values[ALCH_KEY_MAX];
    size_t i;

    alch_push_state_key(L, st, lua_touserdata(L, st));
    alch_bind_key(L, st + 1, a->codec, a->scratch, values);
    for (i = 0; i < a->keys; i++)
        put(L, a, a->n + i, a->codec->mapper->keys[i], &values[i].value);
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
        size_t slot = a->slots[i];

        alch_push_value(L, st, s, slot);
        if (alch_bind_lua(L, st + 1, &a->codec->columns[slot], &a->scratch->memory, &p, &err) != ALCH_OK)
            alch_raise(L, &err);
        put(L, a, i, slot, &p.value);
        lua_settop(L, st);
    }
    if (a->keys > 0)
        put_key(L, a, st);
}

/* The literals become the parameters of 'b'. */
static void finish(lua_State *L, const arrays *a, alch_bound *b)
{
    size_t i;

    for (i = 0; i < a->n + a->keys; i++) {
        alch_buf_putc(a->texts[i], '}');
        if (a->texts[i]->failed) {
            alch_err err;

            (void)alch_err_nomem(&err);
            alch_raise(L, &err);
        }
        b->params[i].value.kind = ALCH_TEXT;
        b->params[i].value.as.text.at = a->texts[i]->data;
        b->params[i].value.as.text.len = a->texts[i]->len;
    }
}

/* core.flush_bind_arrays(codec, objects, from, count, slots, with_key) -> bound
** with one array per column, and then one per column of the identity key:
** unnest makes rows of them again. The bound anchors the buffers that hold
** their text. */
static int l_bind_arrays(lua_State *L)
{
    arrays a;
    lua_Integer from = luaL_checkinteger(L, 3), count = luaL_checkinteger(L, 4), i;
    alch_bound *b;
    size_t k;

    a.codec = alch_check_codec(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checktype(L, 5, LUA_TTABLE);
    luaL_argcheck(L, count > 0, 4, "no rows");
    a.keys = lua_toboolean(L, 6) ? a.codec->mapper->key_count : 0;
    lua_settop(L, 5);
    luaL_checkstack(L, 20, "flush");
    a.slots = alch_push_slots(L, 5, &a.n);
    a.scratch = alch_bound_push(L, 0, 1);
    a.texts = lua_newuserdatauv(L, (a.n + a.keys + 1) * sizeof *a.texts, 0);
    b = alch_bound_push(L, a.n + a.keys, 1);
    lua_createtable(L, (int)(a.n + a.keys), 0);
    for (k = 0; k < a.n + a.keys; k++) {
        a.texts[k] = alch_push_buffer(L);
        lua_rawseti(L, 10, (lua_Integer)k + 1);
    }
    lua_setiuservalue(L, 9, 1);
    for (i = 0; i < count; i++) {
        lua_rawgeti(L, 2, from + i);
        luaL_argcheck(L, alch_push_state(L, 10) != NULL, 2, "a list of mapped instances");
        put_row(L, &a);
        lua_settop(L, 9);
    }
    finish(L, &a, b);
    return 1;
}

void alch_open_arrays(lua_State *L)
{
    lua_pushcfunction(L, l_bind_arrays);
    lua_setfield(L, -2, "flush_bind_arrays");
}
