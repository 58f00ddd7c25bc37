/* core.fake_driver{ waits = boolean, answers = {...} } -> driver, fake
**
** An answer: { match = part of the text, at = n, times = n, wait = n,
** columns = {names}, rows = {{values}}, changes = n, last_insert_id = n,
** tag = "INSERT 0 1", error = class name, message =, sqlstate =, constraint =,
** table =, column = }. The fake: fake:log() -> { { sql =, params = {...} } },
** with params a list of lists where 'sets' is set; fake:clear(),
** fake:answer{...}, fake:refuse{ error =, message = } or fake:refuse(nil),
** fake:connections(). */
#include <string.h>

#include "binding/bind.h"
#include "binding/driver_conn.h"
#include "binding/value_conv.h"
#include "driver/fake.h"

#define FAKE "lualchemy.fake"

typedef struct fake_object { alch_fake *fake; } fake_object;

static alch_fake *check_fake(lua_State *L)
{
    return ((fake_object *)luaL_checkudata(L, 1, FAKE))->fake;
}

static int l_gc(lua_State *L)
{
    fake_object *o = luaL_checkudata(L, 1, FAKE);

    alch_fake_drop(o->fake);
    o->fake = NULL;
    return 0;
}

/* -- reading an answer; scratch memory is userdata on the stack -- */

static lua_Integer integer_field(lua_State *L, int t, const char *key, lua_Integer standard)
{
    lua_Integer n = standard;

    if (lua_getfield(L, t, key) != LUA_TNIL)
        n = luaL_checkinteger(L, -1);
    lua_pop(L, 1);
    return n;
}

/* The string stays alive in the answer's table. */
static const char *string_field(lua_State *L, int t, const char *key)
{
    const char *s = lua_getfield(L, t, key) != LUA_TNIL ? luaL_checkstring(L, -1) : NULL;

    lua_pop(L, 1);
    return s;
}

static int code_of(lua_State *L, const char *class_)
{
#define ALCH_ERROR(name, code, name_) \
    if (strcmp(class_, name_) == 0) \
        return code;
#include "base/errors.def"
#undef ALCH_ERROR
    return luaL_error(L, "no error of the core is a %s", class_);
}

static void copy_field(lua_State *L, int t, const char *key, char *to, size_t size)
{
    const char *s = string_field(L, t, key);
    size_t n = s != NULL ? strlen(s) : 0;

    if (n >= size)
        n = size - 1;
    if (n > 0)
        memcpy(to, s, n);
    to[n] = '\0';
}

static void read_error(lua_State *L, int t, alch_err *err)
{
    const char *class_ = string_field(L, t, "error");
    const char *message = string_field(L, t, "message");

    memset(err, 0, sizeof *err);
    if (class_ == NULL)
        return;
    (void)alch_err_set(err, code_of(L, class_), "%s", message != NULL ? message : "scripted");
    copy_field(L, t, "sqlstate", err->sqlstate, sizeof err->sqlstate);
    copy_field(L, t, "constraint", err->constraint, sizeof err->constraint);
    copy_field(L, t, "table", err->table, sizeof err->table);
    copy_field(L, t, "column", err->column, sizeof err->column);
}

static void read_columns(lua_State *L, int t, alch_fake_answer *a)
{
    const char **columns;
    size_t i;

    if (lua_getfield(L, t, "columns") == LUA_TNIL)
        return;
    luaL_checktype(L, -1, LUA_TTABLE);
    a->column_count = lua_rawlen(L, -1);
    columns = lua_newuserdatauv(L, (a->column_count + 1) * sizeof *columns, 0);
    for (i = 0; i < a->column_count; i++) {
        lua_rawgeti(L, -2, (lua_Integer)i + 1);
        columns[i] = luaL_checkstring(L, -1);
        lua_pop(L, 1);
    }
    a->columns = columns;
}

static void read_row(lua_State *L, alch_value *cells, size_t n)
{
    size_t i;

    luaL_checktype(L, -1, LUA_TTABLE);
    for (i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        alch_lua_to_value(L, -1, &cells[i]);
        if (cells[i].kind > ALCH_BLOB)
            luaL_error(L, "a driver's cell cannot be a %s", luaL_typename(L, -1));
        lua_pop(L, 1);
    }
}

static void read_rows(lua_State *L, int t, alch_fake_answer *a)
{
    alch_value *cells;
    size_t i;

    if (lua_getfield(L, t, "rows") == LUA_TNIL)
        return;
    luaL_checktype(L, -1, LUA_TTABLE);
    a->rows = lua_rawlen(L, -1);
    cells = lua_newuserdatauv(L, (a->rows * a->column_count + 1) * sizeof *cells, 0);
    a->cells = cells;
    for (i = 0; i < a->rows; i++) {
        lua_rawgeti(L, -2, (lua_Integer)i + 1);
        read_row(L, cells + i * a->column_count, a->column_count);
        lua_pop(L, 1);
    }
}

/* fake:answer{...} */
static int l_answer(lua_State *L)
{
    alch_fake *f = check_fake(L);
    alch_fake_answer a;

    luaL_checktype(L, 2, LUA_TTABLE);
    memset(&a, 0, sizeof a);
    a.match = string_field(L, 2, "match");
    a.tag = string_field(L, 2, "tag");
    a.at = (size_t)integer_field(L, 2, "at", 0);
    a.times = (size_t)integer_field(L, 2, "times", 0);
    a.waits = (unsigned)integer_field(L, 2, "wait", 0);
    a.last_insert_id = integer_field(L, 2, "last_insert_id", 0);
    read_error(L, 2, &a.err);
    read_columns(L, 2, &a);
    read_rows(L, 2, &a);
    a.changes = integer_field(L, 2, "changes", a.rows > 0 ? (lua_Integer)a.rows : 1);
    if (!alch_fake_add(f, &a))
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    return 0;
}

static int l_refuse(lua_State *L)
{
    alch_fake *f = check_fake(L);
    alch_err err;

    memset(&err, 0, sizeof err);
    if (!lua_isnoneornil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        read_error(L, 2, &err);
    }
    alch_fake_refuse(f, &err);
    return 0;
}

/* -- the log -- */

/* Pushes n parameters as a list; NULL is sa.null. */
static void push_params(lua_State *L, const alch_param *params, size_t n)
{
    size_t i;

    lua_createtable(L, (int)n, 0);
    for (i = 0; i < n; i++) {
        if (params[i].value.kind == ALCH_NULL)
            alch_push_null(L);
        else
            alch_value_push(L, &params[i].value);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_sets(lua_State *L, const alch_fake_record *r)
{
    size_t i;

    lua_createtable(L, (int)r->sets, 0);
    for (i = 0; i < r->sets; i++) {
        push_params(L, r->params + i * r->count, r->count);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static int l_log(lua_State *L)
{
    const alch_fake_record *r;
    lua_Integer n = 0;

    lua_newtable(L);
    for (r = alch_fake_log(check_fake(L)); r != NULL; r = r->next) {
        lua_createtable(L, 0, 3);
        lua_pushstring(L, r->sql);
        lua_setfield(L, -2, "sql");
        if (r->sets == 1) {
            push_params(L, r->params, r->count);
        } else {
            push_sets(L, r);
            lua_pushinteger(L, (lua_Integer)r->sets);
            lua_setfield(L, -3, "sets");
        }
        lua_setfield(L, -2, "params");
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

static int l_clear(lua_State *L)
{
    alch_fake_clear(check_fake(L));
    return 0;
}

static int l_connections(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)alch_fake_connections(check_fake(L)));
    return 1;
}

/* -- making one -- */

static void add_answers(lua_State *L, int fake)
{
    lua_Integer i, n;

    if (lua_getfield(L, 1, "answers") != LUA_TTABLE)
        return;
    n = (lua_Integer)lua_rawlen(L, -1);
    for (i = 1; i <= n; i++) {
        lua_pushcfunction(L, l_answer);
        lua_pushvalue(L, fake);
        lua_rawgeti(L, -3, i);
        lua_call(L, 2, 0);
    }
}

static int l_fake_driver(lua_State *L)
{
    fake_object *o;
    int waits;

    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    (void)lua_getfield(L, 1, "waits");
    waits = lua_toboolean(L, 2);
    o = alch_push_object(L, sizeof *o, 0, FAKE);
    o->fake = alch_fake_new(waits);
    if (o->fake == NULL)
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    add_answers(L, 3);
    lua_settop(L, 3);
    alch_push_driver(L, alch_fake_driver(o->fake));
    lua_pushvalue(L, 3);
    (void)lua_setiuservalue(L, 4, 1);
    lua_insert(L, 3);
    return 2;
}

static const luaL_Reg methods[] = {
    { "answer", l_answer },
    { "refuse", l_refuse },
    { "log", l_log },
    { "clear", l_clear },
    { "connections", l_connections },
    { NULL, NULL }
};

void alch_open_fake(lua_State *L);

void alch_open_fake(lua_State *L)
{
    if (alch_new_metatable(L, FAKE, l_gc)) {
        lua_pushnil(L);             /* its driver may outlive a scope */
        lua_setfield(L, -2, "__close");
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, l_fake_driver);
    lua_setfield(L, -2, "fake_driver");
}
