/* stmt:compile(): options, and the door through which Lua renders what it
** defined (custom constructs, sa.compiles). */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/compile_conv.h"
#include "binding/dialect_conv.h"
#include "binding/expr_conv.h"
#include "binding/node_conv.h"
#include "binding/type_host.h"
#include "binding/value_conv.h"
#include "expr/build.h"

static const char renderer_key = 0;     /* registry: function(element, compiler, dialect name) -> text */
static const char warner_key = 0;       /* registry: function(text), which issues a warning */
static const char overridden_key = 0;   /* registry: dialect's name, or "*" -> userdata of a byte per kind, for good */

#define WARN_LINTING 2      /* of the option linting; 1 only collects */

#define RUN_METATABLE "lualchemy.compiler"

/* What the compiler's host functions need of one run. */
typedef struct run {
    lua_State *L;
    int params;                 /* stack index of the parameters, or 0; for who is called by the compiler itself */
    int anchors;                /* stack index of a table that keeps replaced binds */
    alch_compiler *compiler;    /* while Lua renders */
    unsigned flags;
    struct run *whole;          /* of the whole compile: the references are its */
    int tables[2];              /* registry: params and anchors once a hook runs, which has a stack of its own */
    int state;                  /* registry: what hooks keep on the compiler; LUA_NOREF */
    int error;                  /* registry: the error object that ended it; LUA_NOREF */
} run;

#define NEW_RUN(L, params, whole) \
    { (L), (params), 0, NULL, 0, (whole), { LUA_NOREF, LUA_NOREF }, LUA_NOREF, LUA_NOREF }

/*
** {=== Lua renders
*/

/* The object that compile hooks get: a run that is over refuses to work. */
static run *check_run(lua_State *L, int idx)
{
    run **r = luaL_checkudata(L, idx, RUN_METATABLE);

    if (*r == NULL || (*r)->compiler == NULL)
        alch_raisef(L, ALCH_ERR_INVALID, "this compiler has finished: it can only be used inside its hook");
    return *r;
}

/* Writes a node, placeholders marked, into 'side'. 'own': by the standard visitor, not by a hook. A hook may have
** made the node for this moment; its parameters are the compiled statement's, so that keeps it. */
static void render_into(lua_State *L, run *r, const alch_node *n, int own, unsigned flags, alch_buf *side)
{
    alch_compiler *c = r->compiler;
    alch_buf *saved = c->out;
    int marking = c->marking;

    alch_keep_made(c, alch_node_keep(n));
    c->out = side;
    c->marking = 1;
    if (own)
        alch_standard_visitors[n->kind](c, n, flags);
    else
        alch_compile_node(c, n, flags);
    c->out = saved;
    c->marking = marking;
    c->result->values_begin = c->result->values_end = 0;    /* the hook may write anything around it */
    if (c->failed != ALCH_OK)
        alch_raise(L, c->err);
    if (side->failed)
        alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
}

static int push_text(lua_State *L, alch_buf *side)
{
    lua_pushlstring(L, side->data != NULL ? side->data : "", side->len);
    alch_buf_release(side);
    return 1;
}

/* Pushes what stands for a Lua value in a hook: a parameter for a plain value. */
static const alch_node *rendered_node(lua_State *L, run *r, int idx)
{
    const alch_node *n = alch_to_node(L, idx);
    alch_value v;
    alch_err err;

    if (n != NULL)
        return n;
    alch_lua_to_value(L, idx, &v);
    if (v.kind == ALCH_HOST)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "compiler:process() takes expressions, got %s", alch_describe(L, idx));
    if (alch_bind_new(NULL, NULL, alch_type_of_value(v.kind), &v, ALCH_BIND_UNIQUE, &n, &err) != ALCH_OK)
        alch_raise(L, &err);
    alch_keep_made(r->compiler, n);
    return n;
}

/* What a hook may say about how something is to be rendered. */
static unsigned read_keywords(lua_State *L, int idx, unsigned flags)
{
    if (!lua_istable(L, idx))
        return flags;
    lua_getfield(L, idx, "literal_binds");
    if (lua_toboolean(L, -1))
        flags |= ALCH_V_LITERAL;
    lua_getfield(L, idx, "asfrom");
    if (lua_toboolean(L, -1))
        flags |= ALCH_V_FROM;
    lua_pop(L, 2);
    return flags;
}

/* compiler:process(expression, kw); a list of expressions gives "a, b". */
static int l_process(lua_State *L)
{
    run *r = check_run(L, 1);
    unsigned flags = read_keywords(L, 3, r->flags & ~(unsigned)(ALCH_V_COLUMNS | ALCH_V_LABEL | ALCH_V_RESULT));
    alch_buf *side = alch_push_buffer(L);
    lua_Integer i, n = lua_istable(L, 2) && luaL_getmetafield(L, 2, "__index") == LUA_TNIL ? luaL_len(L, 2) : -1;

    if (n < 0 || alch_to_node(L, 2) != NULL) {
        render_into(L, r, rendered_node(L, r, 2), 0, flags, side);
        return push_text(L, side);
    }
    for (i = 1; i <= n; i++) {
        if (i > 1)
            alch_buf_puts(side, ", ");
        lua_geti(L, 2, i);
        render_into(L, r, rendered_node(L, r, lua_gettop(L)), 0, flags, side);
        lua_pop(L, 1);
    }
    return push_text(L, side);
}

static int push_standard(lua_State *L, run *r, const alch_node *n);

/* compiler:visit_x(element, kw): what the library itself would write. */
static int l_visit(lua_State *L)
{
    run *r = check_run(L, 1);
    const alch_node *n = alch_check_node(L, 2);
    unsigned flags = read_keywords(L, 3, r->flags);
    alch_buf *side;

    if (n->kind == ALCH_NODE_CUSTOM)
        return push_standard(L, r, n);
    side = alch_push_buffer(L);
    render_into(L, r, n, 1, flags, side);
    return push_text(L, side);
}

/* compiler:quote(name) */
static int l_quote(lua_State *L)
{
    run *r = check_run(L, 1);
    const char *name = alch_check_text(L, 2);
    alch_buf *b = alch_push_buffer(L);

    alch_dialect_quote(r->compiler->dialect, name, b);
    lua_pushlstring(L, b->data != NULL ? b->data : "", b->len);
    return 1;
}

/* Pushes the table of what hooks keep on the compiler of this run, or nil. */
static void push_state(lua_State *L, const run *r)
{
    if (r->whole->state != LUA_NOREF)
        lua_rawgeti(L, LUA_REGISTRYINDEX, r->whole->state);
    else
        lua_pushnil(L);
}

/* __index: methods; visit_<anything> is the standard rendering; what a hook kept. */
static int l_run_index(lua_State *L)
{
    const char *key = lua_tostring(L, 2);
    run *r = check_run(L, 1);

    if (key != NULL && strncmp(key, "visit_", 6) == 0)
        lua_pushcfunction(L, l_visit);
    else if (key != NULL && strcmp(key, "process") == 0)
        lua_pushcfunction(L, l_process);
    else if (key != NULL && strcmp(key, "quote") == 0)
        lua_pushcfunction(L, l_quote);
    else if (key != NULL && strcmp(key, "dialect") == 0)
        alch_push_dialect_of(L, r->compiler->dialect, r->compiler->dialect->name);
    else {
        push_state(L, r);
        if (lua_istable(L, -1)) {
            lua_pushvalue(L, 2);
            lua_rawget(L, -2);
        }
    }
    return 1;
}

/* __newindex: hooks of one compile share what they keep. */
static int l_run_newindex(lua_State *L)
{
    run *r = check_run(L, 1);

    lua_settop(L, 3);
    if (r->whole->state == LUA_NOREF) {
        lua_newtable(L);
        r->whole->state = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    push_state(L, r);
    lua_insert(L, 2);
    lua_rawset(L, 2);
    return 0;
}

/* Protected: pushes the object that hooks get. 2 and 3: parameters and anchors of the whole, the first time. */
static int push_handle(lua_State *L)
{
    run *r = lua_touserdata(L, 1), **handle;
    int i;

    for (i = 0; i < 2 && lua_istable(L, 2 + i); i++) {
        lua_pushvalue(L, 2 + i);
        r->whole->tables[i] = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    handle = alch_push_object(L, sizeof *handle, 0, RUN_METATABLE);
    *handle = r;
    return 1;
}

/* Calls renderer(element, compiler, dialect name, standard); the compiler is at 'handle'. */
static void call_renderer_for(lua_State *L, const alch_node *n, int handle, int standard)
{
    const run *r = *(run **)lua_touserdata(L, handle);

    lua_rawgetp(L, LUA_REGISTRYINDEX, &renderer_key);
    alch_push_node(L, n);
    lua_pushvalue(L, handle);
    lua_pushstring(L, r->compiler->dialect->name);
    lua_pushboolean(L, standard);
    lua_call(L, 4, 1);
}

/* Protected. */
static int call_renderer(lua_State *L)
{
    call_renderer_for(L, lua_touserdata(L, 2), 1, 0);
    return 1;
}

/* A construct of the user's without its hook. */
static int push_standard(lua_State *L, run *r, const alch_node *n)
{
    (void)r;
    call_renderer_for(L, n, 1, 1);
    return 1;
}

/* Protected: the error object at 1, or its message, stays what the compile ends with. */
static int keep_error(lua_State *L)
{
    run *r = lua_touserdata(L, 2);

    lua_settop(L, 1);
    luaL_unref(L, LUA_REGISTRYINDEX, r->error);
    r->error = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* Fills 'err' from the error object on the top, which is raised again behind the compile if it is a structured one. */
static int take_error(lua_State *L, run *whole, alch_err *err)
{
    int object = lua_gettop(L), structured = lua_istable(L, object);
    const char *text;

    if (structured) {
        lua_pushliteral(L, "message");      /* raw: nothing protects a metamethod here */
        lua_rawget(L, object);
    }
    text = lua_tostring(L, -1);
    (void)alch_err_set(err, ALCH_ERR_COMPILE, "%s", text != NULL ? text : "a compile hook raised an error");
    if (structured && text != NULL) {
        lua_pushcfunction(L, keep_error);
        lua_pushvalue(L, object);
        lua_pushlightuserdata(L, whole);
        if (lua_pcall(L, 2, 0, 0) != LUA_OK)
            lua_pop(L, 1);      /* its text has to do */
    }
    return err->code;
}

/* alch_compile_host.render */
static int render(void *payload, alch_compiler *c, const alch_node *n, unsigned flags, alch_err *err)
{
    run *outer = payload;
    lua_State *L = outer->L;
    run r = NEW_RUN(L, outer->params, outer->whole);
    int top = lua_gettop(L), rc = ALCH_OK;
    const char *text;
    size_t len;
    run **handle;

    if (!lua_checkstack(L, 16))
        return alch_err_nomem(err);
    r.anchors = outer->anchors;
    r.compiler = c;
    r.flags = flags;
    lua_pushcfunction(L, push_handle);
    lua_pushlightuserdata(L, &r);
    if (outer->params != 0 && outer->whole->tables[1] == LUA_NOREF) {
        lua_pushvalue(L, outer->params);
        lua_pushvalue(L, outer->anchors);
    }
    if (lua_pcall(L, lua_gettop(L) - top - 1, 1, 0) != LUA_OK) {
        rc = take_error(L, outer->whole, err);
        lua_settop(L, top);
        return rc;
    }
    handle = lua_touserdata(L, -1);
    lua_pushcfunction(L, call_renderer);
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, (void *)(uintptr_t)n);
    if (lua_pcall(L, 2, 1, 0) != LUA_OK)
        rc = take_error(L, outer->whole, err);
    else if ((text = lua_tolstring(L, -1, &len)) == NULL)
        rc = alch_err_set(err, ALCH_ERR_COMPILE, "the compile hook of a %s returned a %s, expected text",
                          alch_node_class(n->kind), luaL_typename(L, -1));
    else
        alch_put_marked(c, text, len);
    *handle = NULL;     /* a hook that kept it finds it finished */
    lua_settop(L, top);
    return rc;
}

/* Pushes the table of overridden kinds by dialect. */
static void push_overridden(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &overridden_key);
}

/* The bytes of a dialect, made when first asked for: those of every dialect. */
static uint8_t *kinds_of(lua_State *L, const char *dialect)
{
    uint8_t *kinds, *every;

    push_overridden(L);
    if (lua_getfield(L, -1, dialect) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_getfield(L, -1, "*");
        every = lua_touserdata(L, -1);
        kinds = lua_newuserdatauv(L, ALCH_OVERRIDDEN, 0);
        memcpy(kinds, every, ALCH_OVERRIDDEN);
        lua_pushvalue(L, -1);
        lua_setfield(L, -4, dialect);
        lua_pop(L, 1);
    } else
        kinds = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return kinds;
}

const uint8_t *alch_overridden_kinds(lua_State *L, const char *dialect)
{
    return kinds_of(L, dialect);
}

/* A module that is loaded again finds what was there. */
static void open_overridden(lua_State *L)
{
    int there = lua_rawgetp(L, LUA_REGISTRYINDEX, &overridden_key) == LUA_TTABLE;

    lua_pop(L, 1);
    if (there)
        return;
    lua_newtable(L);
    memset(lua_newuserdatauv(L, ALCH_OVERRIDDEN, 0), 0, ALCH_OVERRIDDEN);
    lua_setfield(L, -2, "*");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &overridden_key);
}

/* core.set_renderer(function, kinds): who renders custom constructs, and built-in kinds by name. */
static int l_set_renderer(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &renderer_key);
    return 0;
}

/* core.set_warner(function): who issues the warnings of a compile. */
static int l_set_warner(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &warner_key);
    return 0;
}

void alch_issue_warnings(lua_State *L, const alch_compiled *r, const alch_compile_options *options)
{
    size_t i;

    if (r->warning_count == 0 || !(options->linting & WARN_LINTING || r->dialect->caps.from_linting))
        return;
    for (i = 0; i < r->warning_count; i++) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &warner_key);
        lua_pushstring(L, r->warnings[i]);
        lua_call(L, 1, 0);
    }
}

/* core.override(kind or "type", dialect's name or "*"): from now on the renderer is asked for this kind there, too. */
static int l_override(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1), *dialect = luaL_checkstring(L, 2);
    int kind = 0;

    while (kind < ALCH_NODE_COUNT && strcmp(alch_node_class(kind), name) != 0)
        kind++;
    if (kind == ALCH_NODE_COUNT && strcmp(name, "type") != 0)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "no kind of node is called '%s'", name);
    kinds_of(L, dialect)[kind] = 1;
    if (strcmp(dialect, "*") != 0)
        return 0;
    push_overridden(L);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
        ((uint8_t *)lua_touserdata(L, -1))[kind] = 1;
    return 0;
}

/* }=== */

/*
** {=== Parameters that the text depends on
*/

/* Protected: the bind with the list that the parameters, at 2, bring for it; nil where they bring none. The anchors, at 3,
** keep it. */
static int l_replacement(lua_State *L)
{
    const alch_bind *b = lua_touserdata(L, 1);
    alch_node_ref *slot;
    alch_bind *copy;
    alch_err err;

    lua_pushstring(L, b->key);
    if (lua_rawget(L, 2) == LUA_TNIL)
        return 1;
    slot = alch_push_node_slot(L, ALCH_NODE_BIND);
    alch_check(L, alch_node_copy(b, &copy, &err), &err);
    slot->node = &copy->head;
    copy->flags = (uint16_t)((copy->flags & ~ALCH_BIND_REQUIRED) | ALCH_BIND_EXPANDING);
    alch_give_value(L, copy, 4);
    lua_settop(L, 5);
    lua_pushvalue(L, 5);
    lua_rawseti(L, 3, (lua_Integer)lua_rawlen(L, 3) + 1);
    return 1;
}

/* Pushes the parameters (0) or the anchors (1). */
static void push_table(lua_State *L, const run *r, int which)
{
    if (r->whole->tables[which] != LUA_NOREF)
        lua_rawgeti(L, LUA_REGISTRYINDEX, r->whole->tables[which]);
    else
        lua_pushvalue(L, which == 0 ? r->params : r->anchors);
}

/* alch_compile_host.replace: IN lists take their elements from the parameters. */
static int replace(void *payload, const alch_bind *b, const alch_bind **out, alch_err *err)
{
    run *r = payload;
    lua_State *L = r->L;
    int top = lua_gettop(L), rc = ALCH_OK;

    if (!(b->flags & ALCH_BIND_EXPANDING) || b->key == NULL || r->params == 0)
        return ALCH_OK;
    if (!lua_checkstack(L, 16))
        return alch_err_nomem(err);
    lua_pushcfunction(L, l_replacement);
    lua_pushlightuserdata(L, (void *)(uintptr_t)b);
    push_table(L, r, 0);
    push_table(L, r, 1);
    if (lua_pcall(L, 3, 1, 0) != LUA_OK)
        rc = take_error(L, r->whole, err);
    else if (!lua_isnil(L, -1))
        *out = (const alch_bind *)((alch_node_ref *)lua_touserdata(L, -1))->node;
    lua_settop(L, top);
    return rc;
}

/* The bind with the value that its function makes. */
static int l_evaluated(lua_State *L)
{
    const alch_bind *b = lua_touserdata(L, 1);
    alch_node_ref *slot = alch_push_node_slot(L, ALCH_NODE_BIND);
    alch_bind *copy;
    alch_err err;

    if (alch_node_copy(b, &copy, &err) != ALCH_OK)
        return alch_raise(L, &err);
    slot->node = &copy->head;
    copy->flags &= (uint16_t)~ALCH_BIND_CALLABLE;
    alch_host_ref_push(L, (const alch_host_ref *)b->value.as.handle);
    lua_call(L, 0, 1);
    alch_give_value(L, copy, 3);
    lua_settop(L, 2);
    return 1;
}

/* alch_compile_host.evaluate */
static int evaluate(void *payload, const alch_bind *b, const alch_bind **out, alch_err *err)
{
    run *r = payload;
    lua_State *L = r->L;
    int top = lua_gettop(L), rc = ALCH_OK;

    if (!lua_checkstack(L, 16))
        return alch_err_nomem(err);
    lua_pushcfunction(L, l_evaluated);
    lua_pushlightuserdata(L, (void *)(uintptr_t)b);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
        *out = alch_node_keep(((alch_node_ref *)lua_touserdata(L, -1))->node);
    else
        rc = take_error(L, r->whole, err);
    lua_settop(L, top);
    return rc;
}

/* }=== */

alch_compiled *alch_push_compiled(lua_State *L, const alch_node *n, const alch_dialect *d,
                                  const alch_compile_options *options, int params)
{
    run r = NEW_RUN(L, params, &r);
    alch_compile_host host = { render, replace, evaluate, &r, alch_wrap_in_lua, NULL, L, alch_protected_literal };
    alch_compile_options all = *options;
    alch_compiled *result;
    alch_err err;
    int rc;

    luaL_checkstack(L, 8, "compile");
    if (params == 0)
        host.replace = NULL;
    host.overridden = alch_overridden_kinds(L, d->name);
    all.host = &host;
    result = alch_push_compiled_slot(L);
    if (params != 0) {
        lua_newtable(L);
        r.anchors = lua_gettop(L);
    }
    rc = alch_compile(n, d, &all, result, &err);
    luaL_unref(L, LUA_REGISTRYINDEX, r.state);
    luaL_unref(L, LUA_REGISTRYINDEX, r.tables[0]);
    luaL_unref(L, LUA_REGISTRYINDEX, r.tables[1]);
    if (r.error != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, r.error);
        luaL_unref(L, LUA_REGISTRYINDEX, r.error);
        lua_error(L);
    }
    if (rc != ALCH_OK)
        alch_raise(L, &err);
    if (params != 0)
        lua_setiuservalue(L, -2, ALCH_COMPILED_ANCHOR);
    alch_issue_warnings(L, result, options);
    return result;
}

/*
** {=== stmt:compile()
*/

static int option(lua_State *L, int idx, const char *name)
{
    int on;

    lua_getfield(L, idx, name);
    on = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return on;
}

/* linting = sa.FROM_LINTING and relatives; true means that, too. */
static int linting_option(lua_State *L, int idx)
{
    int level;

    if (lua_getfield(L, idx, "linting") == LUA_TNIL) {
        lua_pop(L, 1);
        lua_getfield(L, idx, "from_linting");
    }
    if (lua_isboolean(L, -1))
        level = lua_toboolean(L, -1) ? 1 | WARN_LINTING : 0;
    else
        level = (int)lua_tointeger(L, -1) & 3;
    lua_pop(L, 1);
    return level;
}

/* Reads {"a", "b"} into a block on the stack. */
static void read_column_keys(lua_State *L, int idx, alch_compile_options *o)
{
    lua_Integer i, n;
    const char **keys;

    if (lua_getfield(L, idx, "column_keys") == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    if (!alch_is_list(L, -1))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "compile(): column_keys is a list of names, not %s", alch_describe(L, -1));
    n = (lua_Integer)lua_rawlen(L, -1);
    keys = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *keys, 0);
    for (i = 1; i <= n; i++) {
        if (lua_rawgeti(L, -2, i) != LUA_TSTRING)
            alch_raisef(L, ALCH_ERR_ARGUMENT, "compile(): a column key is a name, not %s", alch_describe(L, -1));
        keys[i - 1] = lua_tostring(L, -1);      /* the list holds the strings */
        lua_pop(L, 1);
    }
    o->column_keys = keys;
    o->column_key_count = (size_t)n;
    o->has_column_keys = 1;
}

/* core.compile(node, dialect, options | nil) */
static int l_compile(lua_State *L)
{
    const alch_node *n;
    const alch_dialect *d;
    alch_compile_options o;
    int params = 0, uncached = 0;

    lua_settop(L, 3);
    memset(&o, 0, sizeof o);
    o.implicit_returning = 1;
    if (lua_isnil(L, 3)) {
        (void)alch_push_compiled_once(L, 1, 2, &o, 0);
        return 1;
    }
    n = alch_check_node(L, 1);
    d = alch_check_dialect(L, 2);
    if (lua_istable(L, 3)) {
        o.literal_binds = (uint8_t)option(L, 3, "literal_binds");
        o.executemany = (uint8_t)option(L, 3, "for_executemany");
        o.for_execution = (uint8_t)option(L, 3, "for_execution");
        o.linting = (uint8_t)linting_option(L, 3);
        lua_getfield(L, 3, "include_table");
        o.bare_columns = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
        if (lua_getfield(L, 3, "params") == LUA_TTABLE)
            params = lua_gettop(L);
        uncached = option(L, 3, "uncached");
        read_column_keys(L, 3, &o);
    }
    if (o.literal_binds || uncached)
        (void)alch_push_compiled(L, n, d, &o, params);
    else
        (void)alch_push_compiled_once(L, 1, 2, &o, params);
    return 1;
}

/* core.string_literal(dialect, text) */
static int l_string_literal(lua_State *L)
{
    const alch_dialect *d = alch_check_dialect(L, 1);
    size_t len, i;
    const char *s = luaL_checklstring(L, 2, &len);
    luaL_Buffer b;

    if (strlen(s) != len)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "a string literal cannot contain a zero byte");
    luaL_buffinit(L, &b);
    luaL_addchar(&b, '\'');
    for (i = 0; i < len; i++) {
        if (s[i] == '\'' || (s[i] == '\\' && d->caps.escape_backslashes))
            luaL_addchar(&b, s[i]);
        luaL_addchar(&b, s[i]);
    }
    luaL_addchar(&b, '\'');
    luaL_pushresult(&b);
    return 1;
}

/* }=== */

static const luaL_Reg functions[] = {
    { "compile", l_compile },
    { "string_literal", l_string_literal },
    { "set_renderer", l_set_renderer },
    { "set_warner", l_set_warner },
    { "override", l_override },
    { NULL, NULL }
};

void alch_open_compile(lua_State *L);

void alch_open_compile(lua_State *L)
{
    open_overridden(L);
    (void)alch_new_metatable(L, RUN_METATABLE, NULL);
    lua_pushcfunction(L, l_run_index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_run_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
