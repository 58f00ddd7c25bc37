/* Rows and their shapes: see row.h. Lua sees a row as a list (row[1], #row,
** table.unpack), as a record (row.name) and as a mapping from columns
** (row[users.c.name]). */
#include "binding/row.h"

#include <stdint.h>
#include <string.h>

#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/node_conv.h"
#include "binding/value_conv.h"
#include "compile/compiled.h"
#include "expr/names.h"
#include "expr/selectable.h"

static const char shape_magic, row_magic;

typedef struct cell {
    union {
        int boolean;
        int64_t integer;
        double number;
        size_t offset;          /* into the bytes behind the cells */
    } as;
    uint32_t len;
    uint32_t kind;              /* ALCH_HOST: in the table of the row's second user value */
} cell;

typedef struct row {
    const void *magic;
    const alch_shape *shape;    /* anchored by the first user value */
    cell cells[];
} row;

/* Looking a name up by comparing pointers beats hashing up to about here. */
enum { FEW_COLUMNS = 16 };

static void *check_magic(lua_State *L, int idx, const void *magic, const char *metatable)
{
    void *p = alch_test_tagged(L, idx, magic);

    if (p == NULL)
        luaL_typeerror(L, idx, metatable);
    return p;
}

/* Found by address: by name would cost a hash of the name for every row. */
void alch_row_push_metatable(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &row_magic); }

/* -- shapes -------------------------------------------------------------- */

/* Completes the table of names at the top, names[i] = name, by names[name] = i,
** or false for a name that occurs twice. Few results are asked for that. */
static void index_names(lua_State *L, int n)
{
    int i;

    for (i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) == LUA_TNIL)
            lua_pushinteger(L, i);
        else
            lua_pushboolean(L, 0);
        lua_replace(L, -2);
        lua_rawset(L, -3);
    }
}

/* Pushes the table of names of the shape at 'idx', indexed. */
static void push_names(lua_State *L, int idx)
{
    alch_shape *shape = alch_check_shape(L, idx);

    lua_getiuservalue(L, idx, 1);
    if (!shape->indexed) {
        index_names(L, shape->n);
        shape->indexed = 1;
    }
}

alch_shape *alch_shape_push(lua_State *L, int n)
{
    int first = lua_gettop(L) - n + 1, i;
    size_t size = sizeof(alch_shape) + (size_t)n * sizeof(alch_shape_column);
    alch_shape *shape;

    luaL_checkstack(L, 6, "result columns");
    shape = alch_push_object(L, size, 2, ALCH_SHAPE_METATABLE);
    lua_createtable(L, n, 0);
    for (i = 0; i < n; i++) {
        shape->columns[i].name = lua_tolstring(L, first + i, &shape->columns[i].len);
        lua_pushvalue(L, first + i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setiuservalue(L, -2, 1);
    shape->magic = &shape_magic;
    shape->n = n;
    lua_replace(L, first);
    lua_settop(L, first);
    return shape;
}

alch_shape *alch_shape_push_like(lua_State *L, int idx, int statement_idx)
{
    const alch_shape *from = alch_check_shape(L, idx);
    size_t size = sizeof *from + (size_t)from->n * sizeof *from->columns;
    alch_shape *shape = lua_newuserdatauv(L, size, 3);
    int i;

    memcpy(shape, from, size);
    shape->statement = alch_check_node(L, statement_idx);
    for (i = 1; i <= 2; i++) {
        lua_getiuservalue(L, idx, i);
        lua_setiuservalue(L, -2, i);
    }
    lua_pushvalue(L, statement_idx);
    lua_setiuservalue(L, -2, 3);
    lua_getmetatable(L, idx);
    lua_setmetatable(L, -2);
    return shape;
}

alch_shape *alch_check_shape(lua_State *L, int idx)
{
    return check_magic(L, idx, &shape_magic, ALCH_SHAPE_METATABLE);
}

void alch_shape_push_value(lua_State *L, const alch_shape *shape, int i, const alch_value *v)
{
    const alch_shape_column *column = &shape->columns[i];

    if (column->read != NULL && (v->kind != ALCH_NULL || column->hooked))
        column->read(L, column->context, v);
    else
        alch_value_push(L, v);
}

/* core.shape{ "id", "name" }: for rows that do not come from a driver. */
static int l_shape(lua_State *L)
{
    int n, i;

    luaL_checktype(L, 1, LUA_TTABLE);
    n = (int)lua_rawlen(L, 1);
    luaL_checkstack(L, n, "result columns");
    for (i = 1; i <= n; i++) {
        if (lua_rawgeti(L, 1, i) != LUA_TSTRING)
            return alch_raisef(L, ALCH_ERR_ARGUMENT, "column names are strings, not a %s", luaL_typename(L, -1));
    }
    alch_shape_push(L, n);
    return 1;
}

/* shape:names(): in order, with repetitions. */
static int l_shape_names(lua_State *L)
{
    const alch_shape *shape = alch_check_shape(L, 1);
    int i;

    lua_createtable(L, shape->n, 0);
    for (i = 0; i < shape->n; i++) {
        lua_pushlstring(L, shape->columns[i].name, shape->columns[i].len);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* A column of a subquery or the like that params() made another one of: of the same name, and so is what it is of. */
static int is_copy(const alch_node *from, const alch_node *n)
{
    const alch_column *a = (const alch_column *)from, *b = (const alch_column *)n;
    const char *of, *other;

    if (from == NULL || from->kind != ALCH_NODE_COLUMN || n->kind != ALCH_NODE_COLUMN || a->owner == NULL || b->owner == NULL
        || a->owner->head.kind == ALCH_NODE_TABLE || a->owner->head.kind != b->owner->head.kind)
        return 0;
    of = ((const alch_alias *)a->owner)->name;
    other = ((const alch_alias *)b->owner)->name;
    return of != NULL && other != NULL && strcmp(of, other) == 0 && strcmp(a->name, b->name) == 0;
}

enum { IS_ITSELF, IS_DERIVED, IS_COPY, WAYS };

/* Does the selected expression stand for another one? Itself or what it labels, the column that it was derived from, or
** what it is a copy of. */
static int stands_for(const alch_node *from, const alch_node *n, int way)
{
    if (way == IS_ITSELF)
        return from == n || (from != NULL && from->kind == ALCH_NODE_LABEL && alch_plain_column(((const alch_label *)from)->element) == n);
    if (way == IS_COPY)
        return is_copy(from, n);
    while (from != NULL && from != n)
        from = from->kind == ALCH_NODE_COLUMN ? ((const alch_column *)from)->origin : NULL;
    return from != NULL;
}

/* The position of the column that is this expression; 0: none, -1: several.
** 'selected': the list of the statement that was executed, if another one was
** compiled; or NULL. */
static int find_among(const alch_compiled *r, const alch_node *const *selected, const alch_node *n)
{
    int way, found = 0;
    size_t i;

    for (way = IS_ITSELF; way < WAYS && found == 0; way++) {
        for (i = 0; i < r->column_count; i++) {
            const alch_node *from = r->columns[i].node;

            if (from != NULL && selected != NULL)
                from = selected[i];
            if (stands_for(from, n, way) || (from == NULL && way == IS_ITSELF && r->columns[i].inner == n))
                found = found == 0 || way == IS_ITSELF ? (int)i + 1 : -1;
        }
    }
    return found;
}

static int find_expression(const alch_shape *shape, const alch_node *n)
{
    alch_arena arena;
    alch_nodes selected = { &arena, NULL, 0, 0, 0 };
    int found = 0;

    if (shape->statement == NULL)
        return find_among(shape->compiled, NULL, n);
    alch_arena_init(&arena);
    if (alch_selected_columns(shape->statement, &selected, NULL) == ALCH_OK)
        found = find_among(shape->compiled, selected.at, n);
    alch_arena_release(&arena);
    return found;
}

/* What a column or a label is called, or NULL. */
static const char *own_name(const alch_node *n)
{
    if (n->kind == ALCH_NODE_COLUMN)
        return ((const alch_column *)n)->name;
    return n->kind == ALCH_NODE_LABEL && !((const alch_label *)n)->anon ? ((const alch_label *)n)->name : NULL;
}

/* Finds a column object and remembers its position beside the names, which
** are on the top. Text without declared columns is matched by name. */
static int find_object(lua_State *L, int shape_idx, int key)
{
    const alch_shape *shape = alch_check_shape(L, shape_idx);
    const alch_node *n;
    const char *name;
    int found = 0;

    lua_pushvalue(L, key);
    n = alch_to_node(L, lua_gettop(L));
    n = n != NULL ? alch_listed_node(L, lua_gettop(L), n) : NULL;
    if (n != NULL && shape->compiled != NULL && shape->compiled->column_count > 0)
        found = find_expression(shape, n);
    else if (n != NULL && (name = own_name(n)) != NULL) {
        lua_pushstring(L, name);
        lua_rawget(L, -3);
        found = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    if (found > 0 && shape->statement == NULL) {        /* the names belong to other statements, too */
        lua_pushvalue(L, key);
        lua_pushinteger(L, found);
        lua_rawset(L, -3);
    }
    return found;
}

/* Rows of text have the database's names; the column's own is good, too. So are names with the table's in front, whether
** the SELECT has such labels or not. */
static int is_called(alch_namer *nm, const alch_node *n, const alch_compiled *r, const char *key)
{
    const alch_column *column = (const alch_column *)n;
    const char *qualified;

    if (strcmp(column->key, key) == 0 || (r->of_text && strcmp(column->name, key) == 0))
        return 1;
    if ((qualified = alch_name_qualified(nm, n)) != NULL && strcmp(qualified, key) == 0)
        return 1;
    return (qualified = alch_name_qualified_key(nm, n)) != NULL && strcmp(qualified, key) == 0;
}

static int find_key_among(alch_namer *nm, const alch_compiled *r, const alch_node *const *selected, const char *key)
{
    int found = 0;
    size_t i;

    for (i = 0; i < r->column_count; i++) {
        const alch_node *n = r->columns[i].node;

        if (n != NULL && selected != NULL)
            n = selected[i];
        if (n != NULL && n->kind == ALCH_NODE_COLUMN && is_called(nm, n, r, key))
            found = found == 0 ? (int)i + 1 : -1;
    }
    return found;
}

/* The column that the program calls so, whatever the database does; -1: several, 0: none. */
static int find_key(const alch_shape *shape, const char *key)
{
    alch_arena arena;
    alch_namer nm = { &arena, 0 };
    alch_nodes selected = { &arena, NULL, 0, 0, 0 };
    int found = 0;

    if (shape->compiled == NULL)
        return 0;
    alch_arena_init(&arena);
    if (shape->statement == NULL)
        found = find_key_among(&nm, shape->compiled, NULL, key);
    else if (alch_selected_columns(shape->statement, &selected, NULL) == ALCH_OK)
        found = find_key_among(&nm, shape->compiled, selected.at, key);
    alch_arena_release(&arena);
    return found;
}

/* Pushes the position of the column that the key at 'key' means, a name or an
** expression; false: several; nil: none. */
static void find_column(lua_State *L, int shape, int key)
{
    int found;

    push_names(L, shape);
    lua_pushvalue(L, key);
    if (lua_rawget(L, -2) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    found = lua_type(L, key) == LUA_TSTRING ? find_key(alch_check_shape(L, shape), lua_tostring(L, key))
                                            : find_object(L, shape, key);
    if (found > 0)
        lua_pushinteger(L, found);
    else if (found < 0)
        lua_pushboolean(L, 0);
    else
        lua_pushnil(L);
}

/* shape:find(key) */
static int l_shape_find(lua_State *L)
{
    alch_check_shape(L, 1);
    luaL_checkany(L, 2);
    find_column(L, 1, 2);
    return 1;
}

/* -- making rows --------------------------------------------------------- */

static size_t text_size(const alch_value *cells, int n)
{
    size_t size = 0;
    int i;

    for (i = 0; i < n; i++) {
        if (cells[i].kind == ALCH_TEXT || cells[i].kind == ALCH_BLOB)
            size += cells[i].as.text.len;
    }
    return size;
}

static char *pack(cell *c, const alch_value *v, const char *base, char *at)
{
    c->kind = v->kind;
    switch (v->kind) {
    case ALCH_BOOL: c->as.boolean = v->as.boolean; break;
    case ALCH_INT: c->as.integer = v->as.integer; break;
    case ALCH_FLOAT: c->as.number = v->as.number; break;
    case ALCH_TEXT:
    case ALCH_BLOB:
        c->as.offset = (size_t)(at - base);
        c->len = (uint32_t)v->as.text.len;
        if (v->as.text.len != 0)
            memcpy(at, v->as.text.at, v->as.text.len);
        return at + v->as.text.len;
    default: break;
    }
    return at;
}

/* A cell as its column's reader shows it. */
static void push_read(lua_State *L, const row *r, int i)
{
    const cell *c = &r->cells[i];
    alch_value v = { (uint8_t)c->kind, ALCH_ZONE_NONE, { 0 } };

    switch (c->kind) {
    case ALCH_NULL: break;
    case ALCH_BOOL: v.as.boolean = c->as.boolean; break;
    case ALCH_INT: v.as.integer = c->as.integer; break;
    case ALCH_FLOAT: v.as.number = c->as.number; break;
    default:
        v.as.text.at = (const char *)(r->cells + r->shape->n) + c->as.offset;
        v.as.text.len = c->len;
        break;
    }
    alch_shape_push_value(L, r->shape, i, &v);
}

/* Converts what only Lua can, into the table of the row's second user value: from the row's own bytes, for Lua may close
** the result, or fetch from it. */
static void convert_hooked(lua_State *L, row *r)
{
    const alch_shape *shape = r->shape;
    int i;

    lua_createtable(L, shape->n, 0);
    for (i = 0; i < shape->n; i++) {
        if (!shape->columns[i].hooked)
            continue;
        push_read(L, r, i);
        r->cells[i].kind = lua_isnil(L, -1) ? ALCH_NULL : ALCH_HOST;
        lua_rawseti(L, -2, i + 1);
    }
    lua_setiuservalue(L, -2, 2);
}

/* Replaces the shape on the top by a row of it that has no metatable yet. */
static row *new_row(lua_State *L, const alch_shape *shape, size_t bytes, int user_values)
{
    size_t size = sizeof(row) + (size_t)shape->n * sizeof(cell) + bytes;
    row *r = lua_newuserdatauv(L, size, user_values);

    r->magic = &row_magic;
    r->shape = shape;
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    return r;
}

/* Replaces the shape on the top by a row of the cells, which a finalizer may
** exchange while that is made: by fetching the next. */
static row *pack_row(lua_State *L, const alch_shape *shape, const alch_value *cells)
{
    size_t bytes = text_size(cells, shape->n);
    row *r = new_row(L, shape, bytes, shape->hooked ? 2 : 1);
    char *base = (char *)(r->cells + shape->n), *at = base;
    int i;

    if (text_size(cells, shape->n) != bytes)
        alch_raisef(L, ALCH_ERR_INVALID, "a finalizer fetched from this result while a row of it was being read");
    for (i = 0; i < shape->n; i++)
        at = pack(&r->cells[i], &cells[i], base, at);
    if (shape->hooked)
        convert_hooked(L, r);
    return r;
}

void alch_row_make(lua_State *L, const alch_shape *shape, int metatable, const alch_value *cells)
{
    (void)pack_row(L, shape, cells);
    lua_pushvalue(L, metatable);
    lua_setmetatable(L, -2);
}

/* core.row(shape, values): a row of Lua values; values[i] may be nil. The
** table becomes the row's. */
static int l_row(lua_State *L)
{
    const alch_shape *shape = alch_check_shape(L, 1);
    row *r;
    int i;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_pushvalue(L, 1);
    r = new_row(L, shape, 0, 2);
    for (i = 0; i < shape->n; i++) {
        r->cells[i].kind = lua_rawgeti(L, 2, i + 1) == LUA_TNIL ? ALCH_NULL : ALCH_HOST;
        lua_pop(L, 1);
    }
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, 2);
    alch_row_push_metatable(L);
    lua_setmetatable(L, -2);
    return 1;
}

/* -- reading rows -------------------------------------------------------- */

static row *check_row(lua_State *L, int idx)
{
    return check_magic(L, idx, &row_magic, ALCH_ROW_METATABLE);
}

static void push_converted(lua_State *L, int idx, int i)
{
    lua_getiuservalue(L, idx, 2);
    lua_rawgeti(L, -1, i + 1);
    lua_replace(L, -2);
}

/* Once per value read: most cells are what they came as. */
static void push_cell(lua_State *L, int idx, const row *r, int i)
{
    const cell *c = &r->cells[i];

    if (c->kind == ALCH_NULL)
        lua_pushnil(L);
    else if (c->kind == ALCH_HOST)
        push_converted(L, idx, i);
    else if (r->shape->columns[i].read != NULL && r->shape->columns[i].plain != c->kind)
        push_read(L, r, i);
    else if (c->kind == ALCH_INT)
        lua_pushinteger(L, c->as.integer);
    else if (c->kind == ALCH_TEXT || c->kind == ALCH_BLOB)
        lua_pushlstring(L, (const char *)(r->cells + r->shape->n) + c->as.offset, c->len);
    else
        push_read(L, r, i);
}

void alch_record_make(lua_State *L, const alch_shape *shape, int shape_idx, const alch_value *cells)
{
    const row *r = NULL;
    int i, record = lua_gettop(L) + 2;

    lua_getiuservalue(L, shape_idx, 1);
    lua_createtable(L, 0, shape->n);
    if (shape->hooked) {
        lua_pushvalue(L, shape_idx);
        r = pack_row(L, shape, cells);
    }
    for (i = 0; i < shape->n; i++) {
        lua_rawgeti(L, record - 1, i + 1);
        if (r != NULL)
            push_cell(L, record + 1, r, i);
        else
            alch_shape_push_value(L, shape, i, &cells[i]);
        lua_rawset(L, record);
    }
    lua_settop(L, record);
    lua_remove(L, record - 1);
}

static int raise_no_column(lua_State *L, const row *r, const char *what)
{
    luaL_Buffer b;
    int i;

    luaL_buffinit(L, &b);
    for (i = 0; i < r->shape->n; i++) {
        luaL_addstring(&b, i ? ", " : "");
        luaL_addlstring(&b, r->shape->columns[i].name, r->shape->columns[i].len);
    }
    luaL_pushresult(&b);
    return alch_raisef(L, ALCH_ERR_NO_SUCH_COLUMN, "the row has no column %s; it has: %s", what,
                       lua_tostring(L, -1));
}

/* What __index looks into besides the columns. */
enum { UP_METHODS = 1, UP_ATTRIBUTES };

/* A string key that is no unique name: a method, a column's key, an attribute, or a mistake. */
static int index_method(lua_State *L, const row *r, int ambiguous)
{
    const char *name = lua_tostring(L, 2);
    int keyed = ambiguous ? -1 : 0;

    lua_pushvalue(L, 2);
    if (!ambiguous && lua_rawget(L, lua_upvalueindex(UP_METHODS)) != LUA_TNIL)
        return 1;
    if (!ambiguous)
        keyed = find_key(r->shape, name);
    if (keyed == 0) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(UP_ATTRIBUTES)) != LUA_TNIL) {
            lua_pushvalue(L, 1);
            lua_call(L, 1, 1);
            return 1;
        }
    }
    if (keyed < 0)
        return alch_raisef(L, ALCH_ERR_AMBIGUOUS_COLUMN,
                           "several columns of the row are called '%s'; use row[number] or label them", name);
    if (keyed > 0) {
        push_cell(L, 1, r, keyed - 1);
        return 1;
    }
    lua_pushfstring(L, "'%s'", name);
    return raise_no_column(L, r, lua_tostring(L, -1));
}

static int index_object(lua_State *L, const row *r)
{
    lua_getiuservalue(L, 1, 1);
    find_column(L, 3, 2);
    if (lua_isboolean(L, -1))
        return alch_raisef(L, ALCH_ERR_AMBIGUOUS_COLUMN, "several columns of the row come from %s; use row[number]",
                           luaL_tolstring(L, 2, NULL));
    if (!lua_isinteger(L, -1))
        return raise_no_column(L, r, luaL_tolstring(L, 2, NULL));
    push_cell(L, 1, r, (int)lua_tointeger(L, -1) - 1);
    return 1;
}

static int index_name_of(lua_State *L, const row *r)
{
    const alch_shape *shape = r->shape;
    const char *name = lua_tostring(L, 2);
    int i, found = -1;

    /* Short strings are interned: the same text is the same address. */
    if (shape->n <= FEW_COLUMNS) {
        for (i = 0; i < shape->n; i++) {
            if (shape->columns[i].name != name)
                continue;
            if (found >= 0)
                return index_method(L, r, 1);
            found = i;
        }
        if (found >= 0) {
            push_cell(L, 1, r, found);
            return 1;
        }
    }
    lua_getiuservalue(L, 1, 1);
    push_names(L, 3);
    lua_pushvalue(L, 2);
    switch (lua_rawget(L, -2)) {
    case LUA_TNUMBER:
        push_cell(L, 1, r, (int)lua_tointeger(L, -1) - 1);
        return 1;
    case LUA_TBOOLEAN: return index_method(L, r, 1);
    default: return index_method(L, r, 0);
    }
}

/* row[key]. A position outside the row is nil, as in any list. */
static int l_index(lua_State *L)
{
    const row *r = check_row(L, 1);
    lua_Integer i;

    switch (lua_type(L, 2)) {
    case LUA_TSTRING: return index_name_of(L, r);
    case LUA_TNUMBER:
        i = lua_tointeger(L, 2);
        if (i < 1 || i > r->shape->n)
            lua_pushnil(L);
        else
            push_cell(L, 1, r, (int)i - 1);
        return 1;
    case LUA_TNIL: return raise_no_column(L, r, "nil");
    default: return index_object(L, r);
    }
}

static int l_newindex(lua_State *L)
{
    check_row(L, 1);
    return alch_raisef(L, ALCH_ERR_INVALID, "a row of a result cannot be changed (assigning '%s')",
                       luaL_tolstring(L, 2, NULL));
}

static int l_len(lua_State *L)
{
    lua_pushinteger(L, check_row(L, 1)->shape->n);
    return 1;
}

/* The position is the iterator's own: a key may occur twice, or be nil's. */
static int l_next(lua_State *L)
{
    const row *r = lua_touserdata(L, lua_upvalueindex(1));
    int i = (int)lua_tointeger(L, lua_upvalueindex(2));

    if (i >= r->shape->n)
        return 0;
    lua_pushinteger(L, i + 1);
    lua_replace(L, lua_upvalueindex(2));
    lua_pushlstring(L, r->shape->columns[i].name, r->shape->columns[i].len);
    push_cell(L, lua_upvalueindex(1), r, i);
    return 2;
}

static int l_pairs(lua_State *L)
{
    check_row(L, 1);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, l_next, 2);
    return 1;
}

/* Lua asks the first operand's metatable, whatever the other one is. */
static int l_eq(lua_State *L)
{
    const row *a = alch_test_tagged(L, 1, &row_magic), *b = alch_test_tagged(L, 2, &row_magic);
    int i, same = a != NULL && b != NULL && a->shape->n == b->shape->n;

    for (i = 0; same && i < a->shape->n; i++) {
        push_cell(L, 1, a, i);
        push_cell(L, 2, b, i);
        same = lua_compare(L, -1, -2, LUA_OPEQ);
        lua_pop(L, 2);
    }
    lua_pushboolean(L, same);
    return 1;
}

/* Replaces the value on the top by how tostring(row) shows it. */
static void show(lua_State *L)
{
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushliteral(L, "NULL");
        return;
    }
    if (lua_type(L, -1) != LUA_TSTRING) {
        luaL_tolstring(L, -1, NULL);
        lua_replace(L, -2);
        return;
    }
    lua_pushliteral(L, "'");
    lua_insert(L, -2);
    lua_pushliteral(L, "'");
    lua_concat(L, 3);
}

/* (1, 'Mary', NULL) */
static int l_tostring(lua_State *L)
{
    const row *r = check_row(L, 1);
    int i;

    lua_settop(L, 1);
    luaL_checkstack(L, 2 * r->shape->n + 8, "row");
    lua_pushliteral(L, "(");
    for (i = 0; i < r->shape->n; i++) {
        if (i > 0)
            lua_pushliteral(L, ", ");
        push_cell(L, 1, r, i);
        show(L);
    }
    lua_pushliteral(L, ")");
    lua_concat(L, lua_gettop(L) - 1);
    return 1;
}

/* core.row_record(row) -> { name = value }: a NULL is absent, of a repeated name the last counts */
static int l_row_record(lua_State *L)
{
    const row *r = check_row(L, 1);
    int i;

    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 1);
    lua_getiuservalue(L, 2, 1);
    lua_createtable(L, 0, r->shape->n);
    for (i = 0; i < r->shape->n; i++) {
        lua_rawgeti(L, 3, i + 1);
        push_cell(L, 1, r, i);
        lua_rawset(L, 4);
    }
    return 1;
}

/* core.row_shape(row) */
static int l_row_shape(lua_State *L)
{
    check_row(L, 1);
    lua_getiuservalue(L, 1, 1);
    return 1;
}

static const luaL_Reg functions[] = {
    { "shape", l_shape },
    { "row", l_row },
    { "row_shape", l_row_shape },
    { "row_record", l_row_record },
    { NULL, NULL }
};

static const luaL_Reg metamethods[] = {
    { "__newindex", l_newindex },
    { "__len", l_len },
    { "__pairs", l_pairs },
    { "__eq", l_eq },
    { "__tostring", l_tostring },
    { NULL, NULL }
};

/* core.row_metatable: Lua adds __class, methods to the field 'methods', and to 'attributes' functions of what row.name says;
** a column of the same name wins over both. */
static void open_rows(lua_State *L)
{
    if (alch_new_metatable(L, ALCH_ROW_METATABLE, NULL)) {
        luaL_setfuncs(L, metamethods, 0);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "methods");
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setfield(L, -4, "attributes");
        lua_pushcclosure(L, l_index, 2);
        lua_setfield(L, -2, "__index");
    }
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &row_magic);
    lua_setfield(L, -2, "row_metatable");
}

static const luaL_Reg shape_methods[] = {
    { "names", l_shape_names },
    { "find", l_shape_find },
    { NULL, NULL }
};

static void open_shapes(lua_State *L)
{
    if (alch_new_metatable(L, ALCH_SHAPE_METATABLE, NULL)) {
        luaL_newlib(L, shape_methods);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
}

void alch_open_row(lua_State *L);

void alch_open_row(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
    open_shapes(L);
    open_rows(L);
}
