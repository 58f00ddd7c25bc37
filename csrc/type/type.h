#ifndef ALCH_TYPE_TYPE_H
#define ALCH_TYPE_TYPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "value/host.h"
#include "value/value.h"

/*
** An SQL type: which kind (types.def), its arguments, and, where a host
** language defined it, what to call. Counted and immutable: columns, binds
** and results share it; "changing" one makes another. Bare types (Integer,
** String without a length) are static, immortal and never written to, so
** every Lua state and thread may use the same ones.
**
** What a type does lives beside it: convert.h (bind and result), adapt.h
** (what operators make of it), literal.h (as SQL text), equal.h (has a value
** changed). Rendering its DDL is compile/visit_type.c's.
*/
typedef enum alch_family {
#define ALCH_FAMILY(name, text) ALCH_FAMILY_##name,
#include "type/families.def"
#undef ALCH_FAMILY
    ALCH_FAMILY_COUNT
} alch_family;

typedef enum alch_type_kind {
#define ALCH_TYPE(kind, class_, family, ddl, flags) ALCH_TYPE_##kind,
#include "type/types.def"
#undef ALCH_TYPE
    ALCH_TYPE_KIND_COUNT
} alch_type_kind;

enum {
    ALCH_TYPE_EXACT = 1 << 0,         /* DDL as written in every dialect */
    ALCH_TYPE_TIMEZONE = 1 << 1,      /* DateTime, Time: with a zone */
    ALCH_TYPE_ASDECIMAL = 1 << 2,     /* results are decimals, not floats */
    ALCH_TYPE_NATIVE = 1 << 3,        /* Enum, Uuid, Interval: the database's own type where it has one */
    ALCH_TYPE_CONSTRAINT = 1 << 4,    /* Boolean, Enum: create_constraint */
    ALCH_TYPE_AS_TEXT = 1 << 5,       /* Uuid: results are strings (as_uuid = false) */
    ALCH_TYPE_NULL_AS_SQL = 1 << 6,   /* JSON: none_as_null */
    ALCH_TYPE_INHERIT_SCHEMA = 1 << 7,
    ALCH_TYPE_ANY_LABEL = 1 << 8,     /* Enum: validate_strings = false */
    /* which hooks the host has, so that nobody calls for nothing */
    ALCH_TYPE_HOOK_BIND = 1 << 9,
    ALCH_TYPE_HOOK_RESULT = 1 << 10,
    ALCH_TYPE_HOOK_LITERAL = 1 << 11,
    ALCH_TYPE_HOOK_IMPL = 1 << 12,    /* load_dialect_impl */
    ALCH_TYPE_HOOK_COERCE = 1 << 13,  /* coerce_compared_value */
    ALCH_TYPE_HOOK_COMPARE = 1 << 14, /* compare_values */
    ALCH_TYPE_HOOKS = 0x3f << 9,
    ALCH_TYPE_HOOK_BIND_EXPRESSION = 1 << 16,     /* SQL around parameters, around selected columns */
    ALCH_TYPE_HOOK_COLUMN_EXPRESSION = 1 << 17,
    ALCH_TYPE_BIND_CAST = 1 << 15     /* NAMED: a HOST value is rendered with its type behind it, "$1::INT4RANGE" */
};

typedef struct alch_type alch_type;
struct alch_storage;    /* type/storage.h */

/* What the embedding language supplies for a type it defined. 'host' is the
** caller's context (the running lua_State), 'object' the type as the host
** knows it. The per-value hooks (bind, result) are not here: only a binding
** meets host values, and it calls them itself (binding/value_conv.h). */
typedef struct alch_type_host {
    /* DDL text of a USER type. */
    int (*column_spec)(void *host, const alch_type *t, const char *dialect, alch_buf *out, alch_err *err);
    /* The value as SQL text (literal_binds), for types with HOOK_LITERAL or
    ** HOOK_BIND; 'in' may be an ALCH_HOST value. */
    int (*literal)(void *host, const alch_type *t, const struct alch_storage *s, const alch_value *in,
                   alch_buf *out, alch_err *err);
    /* The type behind a DECORATED one in a dialect, kept: drop it. */
    int (*impl)(void *host, const alch_type *t, const char *dialect, const alch_type **out, alch_err *err);
} alch_type_host;

typedef struct alch_type_variant {
    const char *dialect;
    const alch_type *type;      /* kept */
} alch_type_variant;

#define ALCH_UNSET (-1)

struct alch_type {
    uint32_t refs;              /* ALCH_TYPE_IMMORTAL: static */
    uint8_t kind;               /* alch_type_kind */
    uint8_t family;             /* alch_family; of a DECORATED type that of 'item' */
    uint32_t flags;
    int32_t length;             /* characters; ALCH_UNSET: none given */
    int32_t precision;          /* digits, or fractional seconds; ALCH_UNSET */
    int32_t scale;              /* ALCH_UNSET */
    uint32_t oid;               /* PostgreSQL's, of a NAMED type; 0: let the server infer */
    const char *name;           /* NAMED: the DDL name; ENUM: the type's name; or NULL */
    const char *schema;         /* ENUM: its own; strings: the collation's; or NULL */
    const char *collation;      /* strings: or NULL */
    const char *class_name;     /* DECORATED, USER: the host's class; or NULL: types.def says */
    const alch_type *item;      /* ARRAY: of what; DECORATED: the impl; kept */
    const char *const *labels;  /* ENUM */
    size_t label_count;
    const alch_type *const *items;   /* TUPLE; kept */
    size_t item_count;
    const alch_type_variant *variants;
    size_t variant_count;
    const alch_type_host *host; /* static; or NULL */
    alch_host_ref *object;      /* kept; or NULL */
};

#define ALCH_TYPE_IMMORTAL UINT32_MAX

/* Are its values those of its family in every database, and no host's business? */
static inline int alch_type_is_plain(const alch_type *t)
{
    return t->kind != ALCH_TYPE_DECORATED && !(t->flags & ALCH_TYPE_HOOKS) && t->variant_count == 0;
}

/* The bare type of a kind. */
const alch_type *alch_type_of(int kind);

/* A specification to fill in for alch_type_new: the bare type's values. Owns nothing. */
void alch_type_init(alch_type *spec, int kind);

/* A type like 'spec': strings and lists are copied, types and object kept.
** Labels must differ from one another. */
int alch_type_new(const alch_type *spec, const alch_type **out, alch_err *err);
const alch_type *alch_type_keep(const alch_type *t);
void alch_type_drop(const alch_type *t);    /* NULL is allowed */

/* 't' with another type standing in for it in one dialect; replaces an
** earlier one for the same dialect. */
int alch_type_with_variant(const alch_type *t, const char *dialect, const alch_type *variant,
                           const alch_type **out, alch_err *err);
/* The type that a dialect uses; lent. */
const alch_type *alch_type_for(const alch_type *t, const char *dialect);

/* "String", "VARCHAR", "INET", "MyType": for messages. */
const char *alch_type_name(const alch_type *t);
/* types.def's DDL name, a NAMED type's name; no arguments. */
const char *alch_type_ddl(const alch_type *t);
const char *alch_family_name(int family);

/* The type a plain value is bound as where nothing else says: 5 is an Integer. */
const alch_type *alch_type_of_value(int value_kind);

#endif
