/* Compiled statements as Lua values, and the cache of them.
**
** What was compiled for one statement serves others with the same key
** (compile/key.h). Each dialect has a cache; what is kept under the cache's
** numbers are *owners*, userdata with the compiled statement itself. The next
** statement with the key gets an *instance*: the same compiled statement with
** its own parameters.
**
** A statement that is only noted (binding/pending.h) has a key of its notes, and
** each cache a second one of these: a statement found there is not written out. */
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/compile_conv.h"
#include "binding/dialect_conv.h"
#include "binding/node_conv.h"
#include "binding/pending.h"
#include "binding/value_conv.h"
#include "compile/cache.h"

static const char compiled_tag;
static const char cache_tag;

#define CACHE_METATABLE "lualchemy.statement_cache"
#define INSTANCE_METATABLE "lualchemy.compiled_instance"

enum { INSTANCE_OWNER = 1, INSTANCE_STATEMENT };        /* user values of an instance */
enum { CACHE_OWNERS = 1, CACHE_NOTED, CACHE_INSTANCE_CLASS };   /* and of a cache */

/* As many statements as SQLAlchemy keeps. */
enum { CACHE_CAPACITY = 500 };

/* A statement with more text than this among its parameters stays out of the cache, which would hold it. */
enum { VALUES_MAX = 2000 };

/* Nor is one with more parameters found by its notes. */
enum { NOTED_MAX = 64 };

typedef struct statement_cache {
    const void *tag;
    alch_cache cache, noted;    /* the latter's extra: of each parameter of the statement its place in the notes */
    alch_key key, noted_key;    /* of the statement in hand */
    unsigned walks;             /* how often a key was made: a hook may compile while we do */
    const uint8_t *overridden;
} statement_cache;

/*
** {=== The userdata
*/

alch_compiled_ref *alch_test_compiled_ref(lua_State *L, int idx)
{
    alch_compiled_ref *r = alch_test_tagged(L, idx, &compiled_tag);

    return r != NULL && r->compiled != NULL ? r : NULL;
}

alch_compiled *alch_test_compiled(lua_State *L, int idx)
{
    alch_compiled_ref *r = alch_test_compiled_ref(L, idx);

    return r != NULL ? r->compiled : NULL;
}

static alch_compiled_ref *check_ref(lua_State *L, int idx)
{
    alch_compiled_ref *r = alch_test_compiled_ref(L, idx);

    luaL_argexpected(L, r != NULL, idx, ALCH_COMPILED_METATABLE);
    return r;
}

alch_compiled *alch_push_compiled_slot(lua_State *L)
{
    alch_compiled_ref *ref = lua_newuserdatauv(L, sizeof *ref, ALCH_COMPILED_USER_VALUES);

    memset(ref, 0, sizeof *ref);
    ref->tag = &compiled_tag;
    ref->owner = ref;
    luaL_setmetatable(L, ALCH_COMPILED_METATABLE);
    ref->compiled = alch_alloc(sizeof *ref->compiled);
    if (ref->compiled == NULL)
        alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    alch_compiled_init(ref->compiled);
    return ref->compiled;
}

void alch_push_compiled_owner(lua_State *L, int idx)
{
    if (check_ref(L, idx)->given != NULL)
        lua_getiuservalue(L, idx, INSTANCE_OWNER);
    else
        lua_pushvalue(L, idx);
}

const alch_conversion *alch_compiled_conversions(lua_State *L, alch_compiled_ref *ref)
{
    alch_compiled_ref *owner = ref->owner;
    const alch_compiled *r = owner->compiled;
    alch_conversion *at = owner->conversions;
    size_t i;
    alch_err err;

    if (owner->converted)
        return at;
    if (at == NULL)
        at = owner->conversions = alch_alloc((r->param_count + 1) * sizeof *at);
    if (at == NULL)
        alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    for (i = 0; i < r->param_count; i++) {
        const alch_compiled_param *p = &r->params[i];
        const char *name = p->column != NULL ? p->column->name : p->key;

        if (alch_conversion_init(&at[i], p->type, &r->dialect->storage, name, L, &err) != ALCH_OK)
            alch_raise(L, &err);
    }
    owner->converted = 1;
    return at;
}

static int l_gc(lua_State *L)
{
    alch_compiled_ref *ref = alch_test_tagged(L, 1, &compiled_tag);

    if (ref == NULL || ref->compiled == NULL || ref->owner != ref)
        return 0;
    alch_compiled_release(ref->compiled);
    alch_free(ref->compiled);
    alch_free(ref->conversions);
    ref->compiled = NULL;
    ref->conversions = NULL;
    return 0;
}

/* }=== */

/*
** {=== What Lua reads of it
*/

static void push_param_name(lua_State *L, const alch_compiled_param *p)
{
    char buf[256];

    lua_pushstring(L, alch_param_name(p, buf, sizeof buf));
}

/* .params: name -> value; NULL is nil. */
static int push_params(lua_State *L, const alch_compiled_ref *ref)
{
    const alch_compiled *r = ref->compiled;
    size_t i;

    lua_createtable(L, 0, (int)r->param_count);
    for (i = 0; i < r->param_count; i++) {
        const alch_compiled_param *p = &r->params[i];

        const alch_value *v = alch_compiled_value(ref, p);

        if (v == NULL || p->from_default)
            continue;
        push_param_name(L, p);
        if (v->kind == ALCH_HOST && v->as.handle != 0) {
            alch_host_ref_push(L, (const alch_host_ref *)v->as.handle);
            if (p->bind != NULL && p->bind->flags & ALCH_BIND_CALLABLE)
                lua_call(L, 0, 1);
        } else
            alch_value_push(L, v);
        lua_rawset(L, -3);
    }
    return 1;
}

/* compiled:construct_params(params): the same with values of the user's, who knows the parameters by their keys, and
** those that have generated names by these. */
static int l_construct_params(lua_State *L)
{
    const alch_compiled_ref *ref = check_ref(L, 1);
    const alch_compiled *r = ref->compiled;
    size_t i;

    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    (void)push_params(L, ref);
    for (i = 0; i < r->param_count; i++) {
        const alch_compiled_param *p = &r->params[i];
        int generated = p->key == NULL || (p->bind != NULL && p->bind->flags & ALCH_BIND_UNIQUE);

        push_param_name(L, p);
        if (p->element == 0 && lua_getfield(L, 2, generated ? lua_tostring(L, 4) : p->key) != LUA_TNIL) {
            if (alch_is_null(L, -1)) {
                lua_pop(L, 1);
                lua_pushnil(L);
            }
            lua_rawset(L, 3);
        } else if (p->required)
            return alch_raisef(L, ALCH_ERR_INVALID, "a value is required for bind parameter '%s'", lua_tostring(L, 4));
        lua_settop(L, 3);
    }
    return 1;
}

/* .positiontup: the names in the order in which a driver is sent their values. */
static int push_positions(lua_State *L, const alch_compiled *r)
{
    size_t i;

    lua_createtable(L, (int)r->sent_count, 0);
    for (i = 0; i < r->sent_count; i++) {
        push_param_name(L, &r->params[r->sent[i]]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* .column_names: of the result, in order; false for text. */
static int push_columns(lua_State *L, const alch_compiled *r)
{
    size_t i;

    lua_createtable(L, (int)r->column_count, 0);
    for (i = 0; i < r->column_count; i++) {
        if (r->columns[i].name != NULL)
            lua_pushstring(L, r->columns[i].name);
        else
            lua_pushboolean(L, 0);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* .warnings: what linting found. */
static int push_warnings(lua_State *L, const alch_compiled *r)
{
    size_t i;

    lua_createtable(L, (int)r->warning_count, 0);
    for (i = 0; i < r->warning_count; i++) {
        lua_pushstring(L, r->warnings[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* .string: one for all instances of an owner. */
static int push_string(lua_State *L, const alch_compiled *r)
{
    alch_push_compiled_owner(L, 1);
    if (lua_getiuservalue(L, -1, ALCH_COMPILED_TEXT) == LUA_TSTRING)
        return 1;
    lua_pushlstring(L, r->sql != NULL ? r->sql : "", r->sql_len);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -4, ALCH_COMPILED_TEXT);
    return 1;
}

static int l_compiled_index(lua_State *L)
{
    const alch_compiled_ref *ref = check_ref(L, 1);
    const alch_compiled *r = ref->compiled;
    const char *key = lua_tostring(L, 2);

    if (key == NULL)
        return 0;
    if (strcmp(key, "string") == 0)
        return push_string(L, r);
    if (strcmp(key, "params") == 0)
        return push_params(L, ref);
    if (strcmp(key, "construct_params") == 0) {
        lua_pushcfunction(L, l_construct_params);
        return 1;
    }
    if (strcmp(key, "positiontup") == 0)
        return push_positions(L, r);
    if (strcmp(key, "column_names") == 0)
        return push_columns(L, r);
    if (strcmp(key, "warnings") == 0)
        return push_warnings(L, r);
    if (strcmp(key, "statement") == 0) {
        if (ref->given != NULL)
            lua_getiuservalue(L, 1, INSTANCE_STATEMENT);
        else
            alch_push_node(L, r->statement);
        return 1;
    }
    if (strcmp(key, "is_insert") == 0 || strcmp(key, "is_update") == 0 || strcmp(key, "is_delete") == 0) {
        lua_pushboolean(L, r->kind == (key[3] == 'i' ? ALCH_NODE_INSERT : key[3] == 'u' ? ALCH_NODE_UPDATE
                                                                                       : ALCH_NODE_DELETE));
        return 1;
    }
    if (strcmp(key, "returning") == 0) {
        lua_pushboolean(L, r->returning);
        return 1;
    }
    return 0;
}

static int l_compiled_tostring(lua_State *L)
{
    return push_string(L, check_ref(L, 1)->compiled);
}

/* }=== */

/*
** {=== The cache
*/

/* The cache at 'idx' has no owners. */
static void set_owners(lua_State *L, int idx)
{
    lua_newtable(L);
    lua_setiuservalue(L, idx, CACHE_OWNERS);
    lua_newtable(L);
    lua_setiuservalue(L, idx, CACHE_NOTED);
}

static statement_cache *push_new_cache(lua_State *L, const alch_dialect *d)
{
    statement_cache *c = alch_push_object(L, sizeof *c, CACHE_INSTANCE_CLASS, CACHE_METATABLE);

    c->tag = &cache_tag;
    alch_cache_init(&c->cache, CACHE_CAPACITY);
    alch_cache_init(&c->noted, CACHE_CAPACITY);
    alch_key_init(&c->key);
    alch_key_init(&c->noted_key);
    c->overridden = alch_overridden_kinds(L, d->name);
    set_owners(L, lua_gettop(L));
    luaL_getmetatable(L, INSTANCE_METATABLE);
    lua_setiuservalue(L, -2, CACHE_INSTANCE_CLASS);
    return c;
}

/* Pushes the cache of the dialect (a userdata) at 'idx', made when first asked for. */
static statement_cache *push_cache(lua_State *L, int idx)
{
    statement_cache *c;

    if (lua_getiuservalue(L, idx, ALCH_DIALECT_CACHE) == LUA_TUSERDATA)
        return lua_touserdata(L, -1);
    lua_pop(L, 1);
    c = push_new_cache(L, alch_check_dialect(L, idx));
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, idx, ALCH_DIALECT_CACHE);
    return c;
}

static int cache_gc(lua_State *L)
{
    statement_cache *c = alch_test_tagged(L, 1, &cache_tag);

    if (c != NULL) {
        alch_cache_release(&c->cache);
        alch_cache_release(&c->noted);
        alch_key_release(&c->key);
        alch_key_release(&c->noted_key);
    }
    return 0;
}

/* What the text depends on besides the statement: what Lua renders. */
static alch_compile_options options_of_key(const statement_cache *c, const alch_compile_options *options,
                                           alch_compile_host *host)
{
    alch_compile_options all = *options;

    *host = (alch_compile_host){ .overridden = c->overridden };
    all.host = host;
    return all;
}

static int caches(const statement_cache *c)
{
    return c->cache.capacity != 0 && !c->overridden[ALCH_OVERRIDDEN_TYPES];
}

/* Does the key in hand say everything about the statement and these options? */
static int has_key(statement_cache *c, const alch_node *n, const alch_compile_options *options, int params)
{
    alch_compile_host host;
    alch_compile_options all = options_of_key(c, options, &host);

    if (!caches(c))
        return 0;
    c->walks++;
    return alch_key_make(&c->key, n, &all) && !(params != 0 && c->key.named_lists);
}

/* The same of a statement that is only noted. */
static int has_noted_key(statement_cache *c, const alch_note *note, const alch_compile_options *options, int params)
{
    alch_compile_host host;
    alch_compile_options all = options_of_key(c, options, &host);

    if (!caches(c))
        return 0;
    c->walks++;
    return alch_key_of_note(&c->noted_key, note, &all) && !(params != 0 && c->noted_key.named_lists)
        && c->noted_key.given_count <= NOTED_MAX;
}

/* Pushes an instance of the owner at 'owner' for the statement at 'statement', with room for 'n' parameters, which are
** the caller's to fill in. */
static alch_given *push_instance(lua_State *L, int cache, int owner, int statement, size_t n)
{
    alch_compiled_ref *from = lua_touserdata(L, owner);
    alch_compiled_ref *ref = lua_newuserdatauv(L, sizeof *ref + (n + 1) * sizeof *ref->given, 2);
    alch_given *given = (alch_given *)(void *)(ref + 1);

    *ref = (alch_compiled_ref){ .tag = &compiled_tag, .owner = from, .compiled = from->compiled, .given = given };
    lua_pushvalue(L, owner);
    lua_setiuservalue(L, -2, INSTANCE_OWNER);
    lua_pushvalue(L, statement);
    lua_setiuservalue(L, -2, INSTANCE_STATEMENT);
    lua_getiuservalue(L, cache, CACHE_INSTANCE_CLASS);
    lua_setmetatable(L, -2);
    return given;
}

/* Pushes the owners ('which': by what key) and the one that has the number; nothing if there is none. */
static int push_owner(lua_State *L, int cache, int which, uint32_t number)
{
    if (number == 0)
        return 0;
    lua_getiuservalue(L, cache, which);
    lua_rawgeti(L, -1, number);
    if (alch_test_compiled_ref(L, -1) != NULL)
        return 1;
    lua_pop(L, 2);
    return 0;
}

/* Keeps the owner at 'owner' under a number. If that raises the number stays without one: push_owner. */
static void set_owner(lua_State *L, int cache, int which, uint32_t number, int owner)
{
    lua_getiuservalue(L, cache, which);
    lua_pushvalue(L, owner);
    lua_rawseti(L, -2, number);
    lua_pop(L, 1);
}

/* Keeps the owner on the top for the key in hand, unless it is good for its own statement only. */
static int keep_owner(lua_State *L, statement_cache *c, int cache, alch_compiled *r)
{
    uint32_t number;

    if (c->key.value_bytes > VALUES_MAX || !alch_compiled_share(r, c->key.given, c->key.given_count))
        return 0;
    number = alch_cache_add(&c->cache, &c->key, NULL, 0);
    if (number != 0)
        set_owner(L, cache, CACHE_OWNERS, number, lua_gettop(L));
    return number != 0;
}

/* Which parameter of the notes each of the statement's is, in 'order'. 0: not all of them were noted. */
static int find_order(const statement_cache *c, const alch_select *s, unsigned char *order)
{
    const alch_key *noted = &c->noted_key;
    size_t i, k;

    if (c->key.given_count > NOTED_MAX)
        return 0;
    for (i = 0; i < c->key.given_count; i++) {
        for (k = 0; k < noted->given_count && alch_bind_of_given(&noted->given[k], s) != c->key.given[i].of; k++)
            ;       /* the latest LIMIT comes first */
        if (k == noted->given_count)
            return 0;
        order[i] = (unsigned char)k;
    }
    return 1;
}

/* Keeps the owner at 'owner' for the notes in hand, which became 'n'. */
static void keep_noted(lua_State *L, statement_cache *c, int cache, const alch_node *n, int owner)
{
    unsigned char order[NOTED_MAX];
    uint32_t number;

    if (!find_order(c, (const alch_select *)n, order))
        return;
    number = alch_cache_add(&c->noted, &c->noted_key, order, c->key.given_count);
    if (number != 0)
        set_owner(L, cache, CACHE_NOTED, number, owner);
}

/* Pushes an instance for the notes in hand; nothing if they were not compiled yet. */
static alch_compiled *push_noted(lua_State *L, statement_cache *c, int cache, int statement)
{
    uint32_t number = alch_cache_find(&c->noted, &c->noted_key);
    const unsigned char *order;
    alch_given given[NOTED_MAX];
    size_t i, n;

    if (!push_owner(L, cache, CACHE_NOTED, number))
        return NULL;
    order = alch_cache_extra(&c->noted, number, &n);
    for (i = 0; i < n; i++)
        given[i] = c->noted_key.given[order[i]];
    memcpy(push_instance(L, cache, cache + 2, statement, n), given, n * sizeof *given);
    return ((alch_compiled_ref *)lua_touserdata(L, -1))->compiled;
}

/* Pushes an instance for the key in hand, which is that of 'n'; nothing if it was not compiled yet. */
static alch_compiled *push_known(lua_State *L, statement_cache *c, int cache, int statement, const alch_node *n,
                                 const alch_compile_options *options)
{
    unsigned walk = c->walks;
    alch_given *given;

    if (!push_owner(L, cache, CACHE_OWNERS, alch_cache_find(&c->cache, &c->key)))
        return NULL;
    given = push_instance(L, cache, cache + 2, statement, c->key.given_count);
    if (walk != c->walks)       /* a collector that ran just now compiled something */
        (void)has_key(c, n, options, 0);
    if (c->key.given_count > 0)
        memcpy(given, c->key.given, c->key.given_count * sizeof *given);
    return ((alch_compiled_ref *)lua_touserdata(L, -1))->compiled;
}

/* Pushes an instance or an owner for the statement, which is written out. 'noted': the notes in hand are its own. */
static alch_compiled *push_written(lua_State *L, statement_cache *c, int cache, int statement, const alch_dialect *d,
                                   const alch_compile_options *options, int params, int noted)
{
    unsigned walk = c->walks + 1;
    const alch_node *n = alch_check_node(L, statement);
    alch_compiled *r;
    int kept = 1;

    if (!has_key(c, n, options, params))
        return alch_push_compiled(L, n, d, options, params);
    r = push_known(L, c, cache, statement, n, options);
    if (r != NULL)
        alch_issue_warnings(L, r, options);
    else {
        r = alch_push_compiled(L, n, d, options, params);
        kept = walk == c->walks && keep_owner(L, c, cache, r);
    }
    if (noted && kept && walk == c->walks) {    /* nobody compiled anything else in between */
        alch_push_compiled_owner(L, lua_gettop(L));
        keep_noted(L, c, cache, n, lua_gettop(L));
        lua_pop(L, 1);
    }
    return r;
}

alch_compiled *alch_push_compiled_once(lua_State *L, int statement, int dialect, const alch_compile_options *options,
                                       int params)
{
    const alch_note *note = alch_test_note(L, statement);
    const alch_dialect *d = alch_check_dialect(L, dialect);
    int cache = lua_gettop(L) + 1, noted;
    statement_cache *c = push_cache(L, dialect);
    alch_compiled *r = NULL;

    noted = note != NULL && !alch_notes_expression(note) && has_noted_key(c, note, options, params);
    if (noted && (r = push_noted(L, c, cache, statement)) != NULL)
        alch_issue_warnings(L, r, options);
    if (r == NULL)
        r = push_written(L, c, cache, statement, d, options, params, noted);
    lua_replace(L, cache);
    lua_settop(L, cache);
    return r;
}

/* core.statement_cache(dialect, capacity | nil) -> { size =, capacity =, hits =, misses = }: how full the dialect's
** cache is; with a capacity (0: none) it begins anew. */
static int l_statement_cache(lua_State *L)
{
    statement_cache *c;

    lua_settop(L, 2);
    (void)alch_check_dialect(L, 1);
    c = push_cache(L, 1);
    if (!lua_isnil(L, 2)) {
        lua_Integer capacity = luaL_checkinteger(L, 2);

        if (capacity < 0 || capacity > 1000000)
            return alch_raisef(L, ALCH_ERR_ARGUMENT, "a statement cache keeps 0 to 1000000 statements");
        set_owners(L, 3);
        alch_cache_release(&c->cache);
        alch_cache_release(&c->noted);
        alch_cache_init(&c->cache, (uint32_t)capacity);
        alch_cache_init(&c->noted, (uint32_t)capacity);
    }
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, c->cache.count);
    lua_setfield(L, -2, "size");
    lua_pushinteger(L, c->cache.capacity);
    lua_setfield(L, -2, "capacity");
    lua_pushinteger(L, (lua_Integer)(c->cache.hits + c->noted.hits));
    lua_setfield(L, -2, "hits");
    lua_pushinteger(L, (lua_Integer)c->cache.misses);
    lua_setfield(L, -2, "misses");
    return 1;
}

/* }=== */

static void set_metamethods(lua_State *L)
{
    lua_pushcfunction(L, l_compiled_index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_compiled_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}

void alch_open_compiled(lua_State *L);

void alch_open_compiled(lua_State *L)
{
    (void)alch_new_metatable(L, ALCH_COMPILED_METATABLE, l_gc);
    set_metamethods(L);
    (void)alch_new_metatable(L, INSTANCE_METATABLE, NULL);
    set_metamethods(L);
    (void)alch_new_metatable(L, CACHE_METATABLE, cache_gc);
    lua_pop(L, 1);
    lua_pushcfunction(L, l_statement_cache);
    lua_setfield(L, -2, "statement_cache");
}
