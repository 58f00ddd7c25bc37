/* From a statement and the user's parameters to what the driver takes: the
** compiled text, values by name, column defaults, conversions. See bound.h.
**
** core.prepare(statement, dialect, params, context) -> compiled, bound, sql,
**     "insert", "keys" (an INSERT that returns keys nobody asked for),
**     "defaults" (an UPDATE or DELETE with return_defaults) or nil,
**     whether these rows are the result's too
**
** 'params' is nil, a table of values by name, or a list of such tables.
** 'context' is what default functions get; its field current_parameters is the
** set they are called for. */
#include <limits.h>
#include <string.h>

#include "binding/bind.h"
#include "binding/bound.h"
#include "binding/compile_conv.h"
#include "binding/dialect_conv.h"
#include "binding/node_conv.h"
#include "binding/value_conv.h"

enum { STATEMENT = 1, DIALECT, PARAMS, CONTEXT, CONNECTION, COMPILED, BOUND };

/* Where one parameter's value comes from, worked out once per execution. */
typedef struct source {
    const alch_conversion *conversion;
    const alch_value *value;        /* when the set does not bring one; or NULL */
    const alch_host_ref *call;      /* a function that makes one; or NULL */
    int key;                        /* stack index of the name in a set */
    uint8_t required;
    uint8_t constant;               /* the same for every set: bound once */
} source;

typedef struct binding {
    const alch_compiled *compiled;
    alch_compiled_ref *ref;
    const alch_conversion *conversions;
    alch_bound *bound;
    source *sources;                /* one per compiled parameter */
    alch_param *scratch;            /* one set, by compiled parameter */
    size_t n;
    lua_Integer first_keys;         /* keys of the first of many sets */
} binding;

static void *scratch_memory(lua_State *L, alch_bound *b, size_t size)
{
    void *p = alch_arena_alloc(&b->memory, size);
    alch_err err;

    if (p == NULL) {
        (void)alch_err_nomem(&err);
        alch_raise(L, &err);
    }
    return p;
}

/* -- sources -------------------------------------------------------------- */

/* The default of a column that the parameters do not name. */
static void source_of_fill(const alch_compiled *r, const alch_fill *fill, source *s)
{
    const alch_column *column = fill->column;
    const alch_node *node = r->kind == ALCH_NODE_UPDATE ? column->on_update : column->on_insert;

    if (fill->how == ALCH_FILL_CALL)
        s->call = ((const alch_custom *)node)->host;
    else if (fill->how == ALCH_FILL_VALUE)
        s->value = &((const alch_bind *)node)->value;
}

static int is_generated(const alch_compiled_param *p) { return p->bind != NULL && (p->bind->flags & ALCH_BIND_UNIQUE); }

/* Pushes what a set calls a parameter. One whose name was generated is known
** by all of that name: "data_1" when a column is called "data". */
static void push_key(lua_State *L, const alch_compiled_param *p)
{
    char name[256];

    if (p->key == NULL || p->element != 0 || p->shadowed || (is_generated(p) && lua_isnil(L, PARAMS)))
        lua_pushboolean(L, 0);      /* no key of a set is false; elements of an IN list have their values already */
    else
        lua_pushstring(L, is_generated(p) ? alch_param_name(p, name, sizeof name) : p->key);
}

static void init_source(lua_State *L, binding *b, size_t i)
{
    const alch_compiled_param *p = &b->compiled->params[i];
    source *s = &b->sources[i];

    s->conversion = &b->conversions[i];
    s->value = alch_compiled_value(b->ref, p);
    s->required = p->required;
    if (p->bind != NULL && (p->bind->flags & ALCH_BIND_CALLABLE) && s->value != NULL) {
        s->call = (const alch_host_ref *)s->value->as.handle;
        s->value = NULL;
    }
    if (p->called)
        s->call = ((const alch_custom *)p->column->on_insert)->host;
    push_key(L, p);
    s->key = lua_gettop(L);
}

static void init_sources(lua_State *L, binding *b)
{
    const alch_compiled *r = b->compiled;
    size_t i;

    if (b->n > INT_MAX / 2 || !lua_checkstack(L, (int)b->n + 16))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "a statement with %zu parameters: no database takes that many", b->n);
    b->sources = scratch_memory(L, b->bound, (b->n + 1) * sizeof *b->sources);
    b->scratch = scratch_memory(L, b->bound, (b->n + 1) * sizeof *b->scratch);
    for (i = 0; i < b->n; i++)
        init_source(L, b, i);
    for (i = 0; i < r->fill_count; i++) {
        if (r->fills[i].param != UINT32_MAX)
            source_of_fill(r, &r->fills[i], &b->sources[r->fills[i].param]);
    }
}

/* -- one set -------------------------------------------------------------- */

static void raise_missing(lua_State *L, const binding *b, size_t i, size_t set)
{
    char name[256];
    const char *text = alch_param_name(&b->compiled->params[i], name, sizeof name);

    if (b->bound->many && set > 0)
        alch_raisef(L, ALCH_ERR_INVALID,
                    "parameter set %d has no value for '%s', which the first set has; all sets must have the same keys",
                    (int)set + 1, text);
    alch_raisef(L, ALCH_ERR_INVALID, "a value is required for bind parameter '%s'", text);
}

/* Pushes the values by name that the set at 'idx' (0: none given) and the statement itself bring; of several rows, those
** of row 'group'. */
static void push_current(lua_State *L, const binding *b, int idx, uint32_t group)
{
    size_t i;

    lua_newtable(L);
    for (i = 0; i < b->n; i++) {
        const source *s = &b->sources[i];
        const alch_compiled_param *p = &b->compiled->params[i];

        if ((lua_type(L, s->key) != LUA_TSTRING && p->column == NULL) || p->group != group)
            continue;
        if (p->column != NULL)
            lua_pushstring(L, group != 0 ? p->column->key : p->key);
        else
            lua_pushvalue(L, s->key);
        lua_pushvalue(L, s->key);
        if (idx == 0 || lua_rawget(L, idx) == LUA_TNIL) {
            lua_pop(L, 1);
            if (s->value != NULL && s->call == NULL && !s->required)
                alch_value_push(L, s->value);
            else
                lua_pushnil(L);
        }
        lua_rawset(L, -3);
    }
}

/* Pushes what a default function makes for the set at 'idx' (0: none given). */
static void push_made(lua_State *L, const binding *b, size_t i, int idx)
{
    const source *s = &b->sources[i];

    if (!lua_isnil(L, CONTEXT)) {
        push_current(L, b, idx, b->compiled->params[i].group);
        lua_setfield(L, CONTEXT, "current_parameters");
    }
    alch_host_ref_push(L, s->call);
    lua_pushvalue(L, CONTEXT);
    lua_call(L, 1, 1);
}

/* The Lua value on the top becomes the parameter; its text is copied unless
** the conversion made a text of its own. */
static void bind_top(lua_State *L, binding *b, const source *s, alch_param *out)
{
    alch_err err;

    if (alch_bind_lua(L, -1, s->conversion, &b->bound->memory, out, &err) != ALCH_OK)
        alch_raise(L, &err);
    if (lua_type(L, -1) == LUA_TSTRING || lua_type(L, -1) == LUA_TUSERDATA || s->call != NULL)
        alch_bound_own_text(L, b->bound, &out->value);
}

/* Parameter 'i' for the set at 'idx'; 0: no set was given. */
static void bind_source(lua_State *L, binding *b, size_t i, size_t set, int idx)
{
    source *s = &b->sources[i];
    alch_param *out = &b->scratch[i];
    alch_err err;

    if (idx != 0) {
        lua_pushvalue(L, s->key);
        if (lua_rawget(L, idx) != LUA_TNIL) {
            bind_top(L, b, s, out);
            lua_pop(L, 1);
            s->constant = 0;
            return;
        }
        lua_pop(L, 1);
    }
    if (s->call != NULL) {
        push_made(L, b, i, idx);
        bind_top(L, b, s, out);
        lua_pop(L, 1);
    } else if (s->value != NULL && !s->required) {
        if (!s->constant && alch_bind_value(L, s->value, s->conversion, &b->bound->memory, out, &err) != ALCH_OK)
            alch_raise(L, &err);
        s->constant = !s->conversion->host;
    } else {
        raise_missing(L, b, i, set);
    }
}

/* Which key of the set at 'idx' is none of the first set's? */
static void check_extra(lua_State *L, int idx, size_t set)
{
    lua_rawgeti(L, PARAMS, 1);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        if (lua_rawget(L, -4) == LUA_TNIL)
            alch_raisef(L, ALCH_ERR_INVALID,
                        "parameter set %d has the key '%s', which the first set has not; all sets must have the same "
                        "keys", (int)set + 1, luaL_tolstring(L, -3, NULL));
        lua_pop(L, 1);
    }
}

static lua_Integer count_keys(lua_State *L, int idx)
{
    lua_Integer n = 0;

    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
        n++;
    return n;
}

static int is_known(const alch_compiled *r, const char *key)
{
    char name[256];
    size_t i;

    for (i = 0; i < r->param_count; i++) {
        const alch_compiled_param *p = &r->params[i];

        if ((p->key != NULL && !is_generated(p) && strcmp(p->key, key) == 0) || strcmp(alch_param_name(p, name, sizeof name), key) == 0)
            return 1;
    }
    return 0;
}

/* An INSERT or UPDATE takes no values for columns it does not have. */
static void check_known(lua_State *L, const alch_compiled *r, int idx)
{
    const char *table = "the table";

    if (r->kind != ALCH_NODE_INSERT && r->kind != ALCH_NODE_UPDATE)
        return;
    if (r->table != NULL && r->table->kind == ALCH_NODE_TABLE)
        table = ((const alch_table *)r->table)->name;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !is_known(r, lua_tostring(L, -2)))
            alch_raisef(L, ALCH_ERR_COMPILE, "unconsumed column names: %s has no column '%s'", table,
                        luaL_tolstring(L, -2, NULL));
    }
}

static void bind_set(lua_State *L, binding *b, size_t set, int idx)
{
    const alch_compiled *r = b->compiled;
    alch_param *out = b->bound->params + set * b->bound->n;
    lua_Integer keys;
    size_t i;

    if (set == 0 && idx != 0)
        check_known(L, r, idx);
    for (i = 0; i < b->n; i++)
        bind_source(L, b, i, set, idx);
    for (i = 0; i < r->sent_count; i++)
        out[i] = b->scratch[r->sent[i]];
    if (!b->bound->many)
        return;
    keys = count_keys(L, idx);
    if (set == 0)
        b->first_keys = keys;
    else if (keys != b->first_keys)
        check_extra(L, idx, set);
}

/* -- Lua ------------------------------------------------------------------ */

/* A list of sets rather than one set: it has a first element that is a plain
** table (the value of a parameter called 1 cannot be meant). */
static int check_params(lua_State *L)
{
    int list = 0;

    if (lua_isnil(L, PARAMS))
        return 0;
    if (lua_type(L, PARAMS) != LUA_TTABLE)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "parameters are a table of values by name, or a list of such, not a %s",
                    luaL_typename(L, PARAMS));
    list = lua_rawgeti(L, PARAMS, 1) == LUA_TTABLE;
    if (!list && !lua_isnil(L, -1))
        alch_raisef(L, ALCH_ERR_ARGUMENT,
                    "parameters are values by name; a list of values goes with exec_driver_sql");
    lua_pop(L, 1);
    return list;
}

static void bind_sets(lua_State *L, binding *b)
{
    int top = lua_gettop(L);
    size_t set;

    for (set = 0; set < b->bound->sets; set++) {
        if (lua_rawgeti(L, PARAMS, (lua_Integer)set + 1) != LUA_TTABLE)
            alch_raisef(L, ALCH_ERR_ARGUMENT, "parameter set %d is a %s, not a table of values by name",
                        (int)set + 1, luaL_typename(L, -1));
        bind_set(L, b, set, top + 1);
        lua_settop(L, top);
    }
}

/* Pushes the bound of the compiled statement at COMPILED. */
static void push_bound(lua_State *L, const alch_compiled *compiled, int many)
{
    binding b;

    b.compiled = compiled;
    b.ref = alch_test_compiled_ref(L, COMPILED);
    b.conversions = alch_compiled_conversions(L, b.ref);
    b.n = compiled->param_count;
    b.first_keys = 0;
    b.bound = alch_bound_push(L, compiled->sent_count, many ? lua_rawlen(L, PARAMS) : 1);
    b.bound->many = many;
    lua_pushvalue(L, COMPILED);
    lua_setiuservalue(L, BOUND, 1);
    init_sources(L, &b);
    if (many)
        bind_sets(L, &b);
    else
        bind_set(L, &b, 0, lua_isnil(L, PARAMS) ? 0 : PARAMS);
    lua_settop(L, BOUND);
}

/* The names that the set at the top brings: an INSERT or UPDATE is compiled
** for them. The array is a userdata left on the stack. */
static void read_column_keys(lua_State *L, alch_compile_options *options)
{
    int set = lua_gettop(L);
    size_t n = 0, room = (size_t)count_keys(L, set);
    const char **keys = lua_newuserdatauv(L, (room + 1) * sizeof *keys, 0);     /* a finalizer that runs now may add some */

    for (lua_pushnil(L); lua_next(L, set) && n < room; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            alch_raisef(L, ALCH_ERR_ARGUMENT, "parameters have names; a %s is none", luaL_typename(L, -2));
        keys[n++] = lua_tostring(L, -2);
    }
    options->column_keys = keys;
    options->column_key_count = n;
    options->has_column_keys = 1;
}

const alch_compiled *alch_prepare(lua_State *L)
{
    alch_compile_options options;
    const alch_compiled *compiled;
    int many, set = 0;

    lua_settop(L, CONNECTION);
    many = check_params(L);
    memset(&options, 0, sizeof options);
    options.executemany = (uint8_t)many;
    options.for_execution = 1;
    if (!lua_isnil(L, PARAMS)) {
        if (many)
            lua_rawgeti(L, PARAMS, 1);
        else
            lua_pushvalue(L, PARAMS);
        set = lua_gettop(L);
        read_column_keys(L, &options);
    } else {
        options.has_column_keys = 1;
    }
    compiled = alch_push_compiled_once(L, STATEMENT, DIALECT, &options, set);
    lua_insert(L, COMPILED);
    lua_settop(L, COMPILED);
    push_bound(L, compiled, many);
    return compiled;
}

static int l_prepare(lua_State *L)
{
    const alch_compiled *compiled = alch_prepare(L);

    lua_pushlstring(L, compiled->sql, compiled->sql_len);
    if (compiled->kind != ALCH_NODE_INSERT && compiled->implicit_returning)
        lua_pushliteral(L, "defaults");
    else if (compiled->kind != ALCH_NODE_INSERT)
        lua_pushnil(L);
    else if (compiled->implicit_returning)
        lua_pushliteral(L, "keys");
    else
        lua_pushliteral(L, "insert");
    lua_pushboolean(L, compiled->implicit_returning && ((const alch_dml *)compiled->statement)->supplemental != NULL);
    return 5;
}

static const luaL_Reg functions[] = {
    { "prepare", l_prepare },
    { NULL, NULL }
};

void alch_open_bind(lua_State *L);

void alch_open_bind(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
