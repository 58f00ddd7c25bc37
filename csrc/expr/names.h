#ifndef ALCH_EXPR_NAMES_H
#define ALCH_EXPR_NAMES_H

#include "base/arena.h"
#include "base/buf.h"
#include "expr/node.h"

/*
** What expressions are called in SELECT lists and as columns of subqueries.
**
** A name may contain anonymous parts: ALCH_ANON_BEGIN, the identity of what is
** named (16 hex digits, and 4 more where one thing needs several names),
** ALCH_ANON_BASE, the text it is derived from, ALCH_ANON_END. Only a compile
** turns such a part into "users_1", counting per base, so that one statement's
** names do not depend on what else the program made. The identity is an
** address: whoever stores the name keeps what it is derived from alive.
**
** All functions here follow SQLAlchemy's attributes of the same names
** (sql/elements.py). They return text of the node or of the arena, or NULL
** for "none"; 'failed' is set when memory ran out.
*/
#define ALCH_ANON_BEGIN '\1'
#define ALCH_ANON_BASE '\2'
#define ALCH_ANON_END '\3'

typedef struct alch_namer {
    alch_arena *arena;
    int failed;
} alch_namer;

int alch_name_is_anon(const char *name);

/* The first anonymous part at or behind 'at', or NULL; what a user's name
** holds that only looks like the beginning of one is text. Its base reaches
** from '*base' to '*end', where its ALCH_ANON_END is. */
const char *alch_name_part(const char *at, const char **base, const char **end);

/* An anonymous name of 'n': base NULL means "anon"; a base that is anonymous
** itself gets a part behind it. 'index' tells several names of one thing apart. */
const char *alch_name_anon(alch_namer *nm, const void *identity, unsigned index, const char *base);

/* The text of a name as one would use it as a key: NULL for none. */
const char *alch_name_plain(alch_namer *nm, const alch_node *n);         /* .name */
const char *alch_name_non_anon(alch_namer *nm, const alch_node *n);      /* _non_anon_label */
const char *alch_name_label(alch_namer *nm, const alch_node *n);         /* _anon_name_label */
const char *alch_name_proxy_key(alch_namer *nm, const alch_node *n);     /* _proxy_key */
const char *alch_name_qualified(alch_namer *nm, const alch_node *n);     /* _tq_label */
const char *alch_name_qualified_key(alch_namer *nm, const alch_node *n); /* _tq_key_label */
const char *alch_name_of_from(const alch_from *f);                       /* of what has columns; NULL: it shows none */
const char *alch_name_dedupe(alch_namer *nm, const alch_node *n, unsigned index, int qualified);

/* One column of a SELECT list. */
typedef struct alch_named_column {
    const alch_node *column;
    const char *required;       /* the label it must have, or NULL */
    const char *fallback;       /* the label it gets where it needs one */
    const char *key;            /* its key in .c; NULL for text */
    uint8_t repeated;           /* the same column came before */
    uint8_t qualified;          /* 'required' is "table_column", quoted as these are */
} alch_named_column;

/* How the column's label is to be quoted, as flags of a column: its own way,
** and for a label that begins with the table's name, else the table's. */
unsigned alch_name_quoting(const alch_named_column *c);
/* The same for the name of an alias, subquery or CTE. */
unsigned alch_alias_quoting(const alch_alias *a);

/* Names for the columns (already expanded: no tables) of a SELECT list or a
** RETURNING clause; 'out' is in the arena. 'dedupe': name repeated columns
** (_generate_columns_plus_names(anon_for_dupe_key)). */
int alch_name_columns(alch_namer *nm, const alch_node *const *columns, size_t n, int label_style, int dedupe,
                      alch_named_column **out, alch_err *err);
/* The same with keys that a mapped class gives (LABEL_NAMEs; NULL: the column's
** own), as alch_selected_keys finds them. */
int alch_name_keyed_columns(alch_namer *nm, const alch_node *const *columns, const alch_node *const *keys, size_t n,
                            int label_style, int dedupe, alch_named_column **out, alch_err *err);

#endif
