#ifndef ALCH_DIALECT_DIALECT_H
#define ALCH_DIALECT_DIALECT_H

#include "base/map.h"
#include "expr/node.h"
#include "type/storage.h"

/*
** How one database spells SQL: data only. The core ships the standard
** dialect; every other one is filled from a table of its Lua module
** (binding/l_dialect.c), so adding a database changes nothing here. Counted
** and immutable once handed out.
**
** What data cannot say, a dialect's module says through the compiler's door
** for the embedding language (alch_compile_host in compile/compiler.h).
*/
typedef enum alch_paramstyle {
    ALCH_PARAM_NAMED,       /* :name */
    ALCH_PARAM_QMARK,       /* ? */
    ALCH_PARAM_DOLLAR,      /* $1 */
    ALCH_PARAM_NUMERIC,     /* :1 */
    ALCH_PARAM_FORMAT,      /* %s; percent signs are doubled */
    ALCH_PARAM_PYFORMAT     /* %(name)s */
} alch_paramstyle;

typedef struct alch_caps {
#define ALCH_CAP(name, standard) unsigned name : 1;
#include "dialect/caps.def"
#undef ALCH_CAP
} alch_caps;

/* Words that differ; NULL: the standard's. */
typedef struct alch_words {
    char *regexp_match;     /* " ~ " */
    char *not_regexp_match;
    char *string_agg;       /* aggregate_strings: "string_agg" */
    char *char_length;
    char *now;              /* the whole text of now() */
    char *localtimestamp;
    char *power;
    char *for_share;        /* read lock */
} alch_words;

typedef struct alch_dialect {
    uint32_t refs;          /* ALCH_TYPE_IMMORTAL: static */
    char name[32];
    uint8_t paramstyle;
    char quote;             /* " */
    int max_identifier_length;
    int label_length;       /* 0: max_identifier_length */
    alch_caps caps;
    alch_words words;
    alch_storage storage;
    alch_map reserved;      /* lower case word -> itself */
    /* by first letter, a bit for each length modulo 32 and for each last letter: most names need no look-up */
    uint32_t reserved_lengths[26], reserved_endings[26];
    alch_map schemas;       /* the schema that tables say -> the one they are in here (text, owned) */
    char *types[ALCH_TYPE_KIND_COUNT];  /* templates, see compile/visit_type.c; NULL: types.def */
    /* What the embedding language may say in place of all that; '*done': it did. NULL: nothing. */
    int (*spell_type)(void *host, const struct alch_dialect *d, const alch_type *t, alch_buf *out, int *done,
                      alch_err *err);
} alch_dialect;

/* The standard dialect with nothing set differently, one reference; fill it in. */
int alch_dialect_new(const char *name, alch_dialect **out, alch_err *err);
const alch_dialect *alch_dialect_keep(const alch_dialect *d);
void alch_dialect_drop(const alch_dialect *d);

int alch_dialect_reserve(alch_dialect *d, const char *word, alch_err *err);
/* 1 if there is such a capability, and sets it. */
int alch_dialect_set_cap(alch_dialect *d, const char *name, int value);
int alch_dialect_set_word(alch_dialect *d, const char *name, const char *text, alch_err *err);
int alch_dialect_set_type(alch_dialect *d, const char *kind, const char *text, alch_err *err);

/* Tables of schema 'from' are in 'to'; NULL: in none that is named. */
int alch_dialect_map_schema(alch_dialect *d, const char *from, const char *to, alch_err *err);
/* The schema to write for tables that say this one; NULL: none. */
const char *alch_dialect_schema(const alch_dialect *d, const char *schema);

/* Does the identifier need quotes? */
int alch_dialect_needs_quotes(const alch_dialect *d, const char *name);
int alch_illegal_name(const char *name);    /* characters no bare name has */
void alch_dialect_quote(const alch_dialect *d, const char *name, alch_buf *out);    /* as needed */
void alch_dialect_quote_always(const alch_dialect *d, const char *name, alch_buf *out);

#endif
