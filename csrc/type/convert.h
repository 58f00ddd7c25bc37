#ifndef ALCH_TYPE_CONVERT_H
#define ALCH_TYPE_CONVERT_H

#include "base/arena.h"
#include "type/storage.h"
#include "type/type.h"

/*
** Values on their way between a program and one database. A conversion is
** resolved once per column or parameter of a statement and then called per
** value: one indirect call to bind, and to read none when the cell already is
** the value.
**
** Binding is strict: what the type would have to change or guess is refused
** with ALCH_ERR_DATA before anything is sent ("users.id (Integer) cannot take
** 3.5: ..."). NULL always passes. Results are what the type says, or the cell
** as it is where that is no lie (an Integer too large for int64 is a decimal).
**
** Hooks of types defined in Lua, JSON and arrays are the binding's work around
** this (binding/value_conv.h); 'host' says that there is some.
*/
typedef struct alch_conversion alch_conversion;

typedef int (*alch_bind_fn)(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out, alch_err *err);
typedef int (*alch_read_fn)(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out, alch_err *err);

struct alch_conversion {
    const alch_type *declared;      /* the type as given; lent */
    const alch_type *type;          /* what the dialect makes of it, hooks taken off; lent */
    const alch_storage *storage;
    const char *name;               /* "users.id", for messages; lent; may be NULL */
    alch_bind_fn bind;
    alch_read_fn read;
    uint32_t oid;                   /* of a value of this type; 0: inferred */
    uint8_t plain;                  /* cells of this kind are the value already */
    uint8_t encoding;               /* alch_encoding of the family here */
    uint8_t host;                   /* the binding has work to do: use its functions */
};

/* 'host' is for types with a load_dialect_impl of their own. Lends 'type' and
** 'name': they must outlive 'c'. */
int alch_conversion_init(alch_conversion *c, const alch_type *type, const alch_storage *storage, const char *name,
                         void *host, alch_err *err);

/* Text of 'out' lives in 'a', or is the text of 'in'. */
static inline int alch_convert_bind(const alch_conversion *c, const alch_value *in, alch_arena *a, alch_param *out,
                                    alch_err *err)
{
    out->oid = c->oid;
    if (in->kind == ALCH_NULL) {
        out->value.kind = ALCH_NULL;
        return ALCH_OK;
    }
    return c->bind(c, in, a, out, err);
}

static inline int alch_convert_read(const alch_conversion *c, const alch_value *cell, alch_arena *a, alch_value *out,
                                    alch_err *err)
{
    if (cell->kind == c->plain || cell->kind == ALCH_NULL || c->read == NULL) {
        *out = *cell;
        return ALCH_OK;
    }
    return c->read(c, cell, a, out, err);
}

/* The type behind decorators in a dialect; lent. 'host' may be NULL: then
** load_dialect_impl is not asked. */
int alch_type_resolve(const alch_type *t, const char *dialect, void *host, const alch_type **out, alch_err *err);
/* One step of it: variant, or the type behind a decorator. */
int alch_type_behind(const alch_type *t, const char *dialect, void *host, const alch_type **out, alch_err *err);

/* PostgreSQL: the number a value of the type is sent as, 0 to infer; the
** number of an array of them; and the type to read an untyped column as. */
uint32_t alch_type_oid(const alch_type *t);
uint32_t alch_type_array_oid(const alch_type *item);
const alch_type *alch_type_of_oid(uint32_t oid);

/* bind.c and read.c: the functions per family and encoding. */
alch_bind_fn alch_binder(int family, int encoding);
alch_read_fn alch_reader(const alch_type *t, uint8_t *plain);

/* "users.id (Integer) cannot take 3.5: <why>"; ALCH_ERR_DATA. */
int alch_convert_refuse(const alch_conversion *c, const alch_value *in, alch_err *err, const char *why, ...)
    __attribute__((format(printf, 4, 5)));

#endif
