#ifndef ALCH_BINDING_COMPILE_CONV_H
#define ALCH_BINDING_COMPILE_CONV_H

#include <lua.h>

#include "compile/compiler.h"
#include "type/convert.h"

/*
** Compiling from Lua, for stmt:compile() and for whoever executes.
**
** A compiled statement in Lua is an *owner*, or an *instance* of one that the
** dialect's cache keeps: the same text with the parameters of another
** statement. Both are a reference like this; whoever wants a parameter's value
** asks for it through the reference.
*/
#define ALCH_COMPILED_METATABLE "lualchemy.compiled"

typedef struct alch_compiled_ref {
    const void *tag;
    struct alch_compiled_ref *owner;    /* itself, or what an instance keeps alive */
    alch_compiled *compiled;            /* the owner's; NULL: collected */
    const alch_given *given;            /* of an instance: its parameters, lent by its statement; NULL: an owner */
    alch_conversion *conversions;       /* of an owner: one per parameter, or NULL; owned */
    unsigned char converted;            /* ... and all of them are there */
} alch_compiled_ref;

/* User values of an owner. */
enum {
    ALCH_COMPILED_ANCHOR = 1,   /* what the binds that stood in for others live in */
    ALCH_COMPILED_SHAPE,        /* of its results (l_exec.c) */
    ALCH_COMPILED_TEXT,         /* as Lua's string, once somebody asked for it */
    ALCH_COMPILED_USER_VALUES = ALCH_COMPILED_TEXT
};

/* What the statement brings for a parameter; NULL: execution must. */
static inline const alch_value *alch_compiled_value(const alch_compiled_ref *r, const alch_compiled_param *p)
{
    return r->given != NULL ? alch_param_value_of(p, r->given) : p->value;
}

/* How the parameters are bound, in their order; made once. Raises. */
const alch_conversion *alch_compiled_conversions(lua_State *L, alch_compiled_ref *ref);

/* Compiles the statement at 'statement' for the dialect at 'dialect' (both may
** be replaced by what they stand for), or finds what was compiled for another
** one like it, and pushes it. 'options' may be zeroed; its host is filled in
** here, and it translates no schemas. 'params': stack index of a table of
** parameters that the text depends on (lengths of IN lists), or 0. Raises. */
alch_compiled *alch_push_compiled_once(lua_State *L, int statement, int dialect, const alch_compile_options *options,
                                       int params);

/* The same for this statement alone, with any options. */
alch_compiled *alch_push_compiled(lua_State *L, const alch_node *n, const alch_dialect *d,
                                  const alch_compile_options *options, int params);

/* What the type's bind_expression or column_expression ('hook') makes of 'n':
** a reference, '*out'. Called protected; 'host' is the running lua_State. */
int alch_wrap_in_lua(void *host, const alch_type *t, unsigned hook, const alch_node *n, const char *dialect,
                     const alch_node **out, alch_err *err);

/* Pushes an empty owner, to be compiled into. */
alch_compiled *alch_push_compiled_slot(lua_State *L);

/* What executing takes. The stack holds, from 1: the statement, the dialect,
** the parameters or nil, the context of default functions or nil, one value of
** the caller's; nothing is read behind them, and the compiled statement and
** the bound parameters are left there. Raises. (l_bind.c) */
const alch_compiled *alch_prepare(lua_State *L);

/* Lent; NULL if it is none. */
alch_compiled *alch_test_compiled(lua_State *L, int idx);
alch_compiled_ref *alch_test_compiled_ref(lua_State *L, int idx);

/* Pushes the owner of the compiled statement at 'idx', perhaps itself. */
void alch_push_compiled_owner(lua_State *L, int idx);

/* Tells Lua what the lint found, if somebody asked. May raise, and run a hook. */
void alch_issue_warnings(lua_State *L, const alch_compiled *r, const alch_compile_options *options);

/* By kind: 1 where Lua renders it in this dialect; behind the kinds: 1 if it
** renders types that are the library's. There as long as the state. */
enum { ALCH_OVERRIDDEN_TYPES = ALCH_NODE_COUNT, ALCH_OVERRIDDEN };
const uint8_t *alch_overridden_kinds(lua_State *L, const char *dialect);

#endif
