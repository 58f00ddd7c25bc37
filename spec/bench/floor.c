/* What mapped objects cost in a C module that does nothing else. One is a table
** in front of a state (a userdata that holds the row as it came, and its values
** once there are any), it is found again by its key, and rows are written as
** many at a time as pays: no types, errors, events, relationships, sessions,
** nor transactions that fail. SQLite, the customers of setup.txt. */
#include <lauxlib.h>
#include <lua.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 3, ROWS_PER_INSERT = 250 };

/* Upvalue 1 of all functions; its user values anchor the names. */
typedef struct floor {
    sqlite3 *db;
    const char *names[COLUMNS];     /* Lua makes each short string once, so its address tells which it is */
} floor;

/* User values 1 to COLUMNS: the values that were read or set. */
typedef struct state {
    int64_t key;
    uint32_t length[COLUMNS], at[COLUMNS];  /* the texts of the row, in 'row' */
    unsigned char has[COLUMNS];             /* is the user value there? */
    char row[];
} state;

static const char hidden = 0;       /* its address: the key of an object's state */

static floor *self(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

static int check(lua_State *L, floor *f, int code)
{
    return code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW ? code : luaL_error(L, "%s", sqlite3_errmsg(f->db));
}

static sqlite3_stmt *prepare(lua_State *L, floor *f, const char *sql)
{
    sqlite3_stmt *s = NULL;

    check(L, f, sqlite3_prepare_v2(f->db, sql, -1, &s, NULL));
    return s;
}

static int execute(lua_State *L)
{
    return check(L, self(L), sqlite3_exec(self(L)->db, luaL_checkstring(L, 1), NULL, NULL, NULL)), 0;
}

/* The column of the name at 'idx', or -1. */
static int column(lua_State *L, const floor *f, int idx)
{
    const char *name = lua_tostring(L, idx);
    int i;

    for (i = 0; i < COLUMNS; i++)
        if (f->names[i] == name)
            return i;
    return -1;
}

/* Pushes an object of the class at 1 and, above it, its state. */
static state *push_object(lua_State *L, size_t row)
{
    state *s;

    lua_createtable(L, 0, 1);
    s = lua_newuserdatauv(L, sizeof *s + row, COLUMNS);
    memset(s, 0, sizeof *s);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, &hidden);
    lua_pushvalue(L, 1);
    lua_setmetatable(L, -3);
    return s;
}

/* -- reading ------------------------------------------------------------------------------------------------------ */

/* object.name */
static int index_object(lua_State *L)
{
    int i = column(L, self(L), 2);
    state *s;

    if (i < 0)
        return 0;
    (void)lua_rawgetp(L, 1, &hidden);
    s = lua_touserdata(L, -1);
    if (s->has[i])
        return lua_getiuservalue(L, -1, i + 1), 1;
    if (i == 0)
        return lua_pushinteger(L, s->key), 1;
    lua_pushlstring(L, s->row + s->at[i], s->length[i]);
    lua_pushvalue(L, -1);
    s->has[i] = (unsigned char)lua_setiuservalue(L, -3, i + 1);
    return 1;
}

/* Pushes an object, and its state, of the row that a statement stands on. */
static state *push_row(lua_State *L, sqlite3_stmt *st)
{
    const char *text[COLUMNS] = { NULL };
    size_t length[COLUMNS] = { 0 }, all = 0;
    state *s;
    int i;

    for (i = 1; i < COLUMNS; i++) {
        text[i] = (const char *)sqlite3_column_text(st, i);
        all += length[i] = (size_t)sqlite3_column_bytes(st, i);
    }
    s = push_object(L, all);
    s->key = sqlite3_column_int64(st, 0);
    for (i = 1, all = 0; i < COLUMNS; all += length[i++]) {
        s->at[i] = (uint32_t)all;
        s->length[i] = (uint32_t)length[i];
        memcpy(s->row + all, text[i], length[i]);
    }
    return s;
}

/* floor.load(class, identities) -> list of objects */
static int load(lua_State *L)
{
    sqlite3_stmt *st = prepare(L, self(L), "SELECT id, name, description FROM customer");
    lua_Integer n = 0;

    lua_settop(L, 2);
    lua_newtable(L);
    while (check(L, self(L), sqlite3_step(st)) == SQLITE_ROW) {
        if (lua_rawgeti(L, 2, sqlite3_column_int64(st, 0)) == LUA_TNIL) {
            const state *s = push_row(L, st);

            lua_pushvalue(L, -2);
            lua_rawseti(L, 2, s->key);
            lua_pop(L, 1);
        }
        lua_rawseti(L, 3, ++n);
        lua_settop(L, 3);
    }
    sqlite3_finalize(st);
    return 1;
}

/* -- writing ------------------------------------------------------------------------------------------------------ */

/* floor.new(class, values) -> object */
static int new_object(lua_State *L)
{
    state *s;

    lua_settop(L, 2);
    s = push_object(L, 0);
    for (lua_pushnil(L); lua_next(L, 2) != 0; ) {
        int i = column(L, self(L), -2);

        if (i < 0)
            return luaL_error(L, "no column %s", lua_tostring(L, -2));
        s->has[i] = (unsigned char)lua_setiuservalue(L, 4, i + 1);
    }
    lua_settop(L, 3);
    return 1;
}

static sqlite3_stmt *prepare_insert(lua_State *L, floor *f, int rows)
{
    char sql[64 + ROWS_PER_INSERT * 8];
    int n = snprintf(sql, sizeof sql, "INSERT INTO customer (name, description) VALUES (?, ?)");

    while (--rows > 0)
        n += snprintf(sql + n, sizeof sql - (size_t)n, ", (?, ?)");
    return prepare(L, f, sql);
}

/* The values of the i-th object of the list at 1. */
static void bind_object(lua_State *L, sqlite3_stmt *st, lua_Integer i, int parameter)
{
    size_t length;
    int c;

    (void)lua_rawgeti(L, 1, i);
    (void)lua_rawgetp(L, -1, &hidden);
    for (c = 1; c < COLUMNS; c++, lua_pop(L, 1)) {
        const char *text;

        (void)lua_getiuservalue(L, -1, c + 1);
        text = lua_tolstring(L, -1, &length);
        sqlite3_bind_text64(st, parameter++, text, length, SQLITE_STATIC, SQLITE_UTF8);
    }
    lua_pop(L, 2);
}

/* It has got its key, by which the table at 2 finds it. */
static void identify(lua_State *L, lua_Integer i, int64_t key)
{
    state *s;

    (void)lua_rawgeti(L, 1, i);
    (void)lua_rawgetp(L, -1, &hidden);
    s = lua_touserdata(L, -1);
    s->key = key;
    lua_pop(L, 1);
    lua_rawseti(L, 2, key);
}

/* floor.insert(list of objects, identities) */
static int insert(lua_State *L)
{
    floor *f = self(L);
    sqlite3_stmt *many = prepare_insert(L, f, ROWS_PER_INSERT), *one = prepare_insert(L, f, 1), *st;
    lua_Integer done, n = luaL_len(L, 1);
    int rows, k;

    check(L, f, sqlite3_exec(f->db, "BEGIN", NULL, NULL, NULL));
    for (done = 0; done < n; done += rows) {
        rows = n - done < ROWS_PER_INSERT ? 1 : ROWS_PER_INSERT;
        st = rows == 1 ? one : many;
        for (k = 0; k < rows; k++)
            bind_object(L, st, done + k + 1, k * (COLUMNS - 1) + 1);
        check(L, f, sqlite3_step(st));
        sqlite3_reset(st);
        for (k = 0; k < rows; k++)
            identify(L, done + k + 1, sqlite3_last_insert_rowid(f->db) - rows + k + 1);
    }
    sqlite3_finalize(many);
    sqlite3_finalize(one);
    return check(L, f, sqlite3_exec(f->db, "COMMIT", NULL, NULL, NULL)), 0;
}

__attribute__((visibility("default"))) int luaopen_floor(lua_State *L);

int luaopen_floor(lua_State *L)
{
    static const char *const names[COLUMNS] = { "id", "name", "description" };
    static const luaL_Reg functions[] = {
        { "execute", execute }, { "index", index_object }, { "load", load }, { "new", new_object }, { "insert", insert }, { NULL, NULL }
    };
    floor *f;
    int i;

    luaL_newlibtable(L, functions);
    f = lua_newuserdatauv(L, sizeof *f, COLUMNS);
    for (i = 0; i < COLUMNS; i++) {
        f->names[i] = lua_pushstring(L, names[i]);
        lua_setiuservalue(L, -2, i + 1);
    }
    check(L, f, sqlite3_open_v2(":memory:", &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
    luaL_setfuncs(L, functions, 1);
    return 1;
}
