#ifndef ALCH_BINDING_BOUND_H
#define ALCH_BINDING_BOUND_H

#include <lua.h>

#include "base/arena.h"
#include "driver/driver.h"

/*
** The parameters of one execution, converted to what the driver takes and
** copied, so that nothing the user does to his tables afterwards (in a
** listener, or while the database is waited for) reaches them. Every set is
** converted before the first is sent: a bad one costs no half-done work.
*/
#define ALCH_BOUND_METATABLE "lualchemy.bound"

typedef struct alch_bound {
    size_t n;               /* parameters of one set */
    size_t sets;
    int many;               /* came as a list of sets */
    alch_param *params;     /* n * sets, set after set; in 'memory' or of its own */
    int own_array;
    int arrays;             /* a blob among them is an array (array_wire.h): people are shown its text */
    alch_arena memory;      /* holds the text */
} alch_bound;

/* Pushes a bound with room for the parameters, which are zeroed (NULL). Its
** user value is the caller's: an anchor for text that is not copied. */
alch_bound *alch_bound_push(lua_State *L, size_t n, size_t sets);
alch_bound *alch_check_bound(lua_State *L, int idx);

/* Copies the bytes of a text or blob; raises OutOfMemoryError. */
void alch_bound_own_text(lua_State *L, alch_bound *b, alch_value *v);

#endif
