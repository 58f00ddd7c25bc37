#ifndef ALCH_EXPR_NODE_H
#define ALCH_EXPR_NODE_H

#include "base/err.h"
#include "type/type.h"
#include "value/host.h"
#include "value/value.h"

/*
** Expression nodes.
**
** A node never changes once its maker has handed it out, so any number of
** statements and Lua values may share it. Sharing is counted: 'new' and
** 'keep' hand you a reference, 'drop' gives it back, any other function
** lends. "Changing" a node copies its struct and keeps its children
** (alch_node_copy). A node that only its maker can see (one reference) may be
** filled in step by step.
**
** Columns belong to what they are columns of: a column with an owner has no
** count of its own, keeping it keeps the owner, and the owner frees its
** columns. So a table and its columns are one object with one count, and a
** column always finds its table.
**
** Each kind is a struct whose first member is the alch_node header, one line
** in nodes.def, and one field table in node.c; dropping, copying, walking,
** dumping and the key of a statement (compile/key.h) read that table and
** nothing else lists the fields.
**
** Names may contain anonymous parts that only a compile can spell: see
** expr/names.h.
*/
typedef enum alch_kind {
#define ALCH_NODE(kind, type, class_) ALCH_NODE_##kind,
#include "expr/nodes.def"
#undef ALCH_NODE
    ALCH_NODE_COUNT
} alch_kind;

typedef enum alch_op {
#define ALCH_OP(name, text, prec, negation, flags) ALCH_OP_##name,
#include "expr/ops.def"
#undef ALCH_OP
    ALCH_OP_COUNT
} alch_op;

typedef struct alch_node {
    uint32_t refs;
    uint8_t kind;               /* alch_kind */
    uint8_t op;                 /* alch_op, of kinds that have one */
    uint16_t depth;             /* 1 + deepest child: bounds every recursion */
    const alch_type *type;      /* kept; NULL: not an expression, or NullType */
} alch_node;

#define ALCH_DEPTH_MAX 1000

typedef struct alch_const {
    alch_node head;
} alch_const;

typedef struct alch_list {
    alch_node head;             /* op: AND, OR, COMMA, SPACE: what stands between the items */
    uint32_t count, size;
    uint8_t flags;              /* of the list's owner */
    const alch_node **items;    /* kept */
} alch_list;

/* -- expressions ------------------------------------------------------- */

struct alch_from;

enum {
    ALCH_COLUMN_LITERAL = 1 << 0,       /* literal_column: text, not a name */
    ALCH_COLUMN_ANON = 1 << 1,          /* the name has anonymous parts */
    ALCH_COLUMN_PRIMARY_KEY = 1 << 2,
    ALCH_COLUMN_NULLABLE = 1 << 3,
    ALCH_COLUMN_SERVER_DEFAULT = 1 << 4,
    ALCH_COLUMN_SERVER_ONUPDATE = 1 << 5,
    ALCH_COLUMN_AUTOINCREMENT = 1 << 6, /* the database numbers it */
    ALCH_COLUMN_QUOTE = 1 << 7,         /* always quoted */
    ALCH_COLUMN_NO_QUOTE = 1 << 8,      /* never quoted */
    ALCH_COLUMN_IDENTITY = 1 << 9,      /* GENERATED ... AS IDENTITY */
    ALCH_COLUMN_COMPUTED = 1 << 10,     /* GENERATED ... AS (expression) */
    ALCH_COLUMN_SYSTEM = 1 << 11,       /* not in CREATE TABLE */
    ALCH_COLUMN_SCHEMA = 1 << 12,       /* sa.Column, not sa.column */
    ALCH_COLUMN_SENTINEL = 1 << 13,     /* insert_sentinel */
    ALCH_COLUMN_SHORTEN = 1 << 14       /* of a subquery: the name may be shortened to the database's limit */
};

/* A foreign key of a column, by name, so that it does not matter which table
** is defined first. */
typedef struct alch_reference {
    char *table;                /* "schema.name" */
    char *column;               /* its key there */
    uint32_t constraint;        /* columns of one composite key share the number */
} alch_reference;

typedef struct alch_column {
    alch_node head;
    struct alch_from *owner;    /* whose column it is; NULL: stands alone */
    char *name;
    char *key;                  /* 'name' itself where they are equal */
    const alch_node *origin;    /* what a derived column stands for; lives as long as the owner */
    const alch_node *entity;    /* the ENTITY of the mapped class through whose attribute the column was reached, for
                                ** expressions to say so: a column of its own count that stands for 'origin'; kept, or NULL */
    uint32_t flags;
    uint32_t position;          /* in the owner, from 0 */
    /* schema: what executing needs to know */
    const alch_node *on_insert; /* BIND: a value, CALLABLE, SEQUENCE, else an expression; kept */
    const alch_node *on_update; /* the same */
    alch_reference *references; /* owned */
    uint32_t reference_count;
} alch_column;

enum {
    ALCH_BIND_UNIQUE = 1 << 0,          /* gets a number of its own */
    ALCH_BIND_EXPANDING = 1 << 1,       /* IN: the values are 'items' */
    ALCH_BIND_REQUIRED = 1 << 2,        /* no value: execution must bring it */
    ALCH_BIND_LITERAL = 1 << 3,         /* literal_execute: written into the text */
    ALCH_BIND_CRUD = 1 << 4,            /* made by the compiler for VALUES or SET */
    ALCH_BIND_CALLABLE = 1 << 5,        /* the value is a host function that returns it */
    ALCH_BIND_TYPED = 1 << 6,           /* the user gave the type */
    ALCH_BIND_OWNS_TEXT = 1 << 7,       /* the value's text is the node's own block */
    ALCH_BIND_STAND_IN = 1 << 8,        /* what a type's bind_expression got (compile/wrap.h) */
    ALCH_BIND_CONSTANT = 1 << 9         /* made by the compiler, with the same value whenever it compiles this text */
};

/* A parameter. 'key' is what it is called or, if UNIQUE, what its generated
** name begins with; 'named_for' lends that from a column instead. Text is the
** node's own. */
typedef struct alch_bind {
    alch_node head;
    char *key;                      /* NULL: 'named_for', or "param" */
    const alch_node *named_for;     /* a COLUMN; kept */
    alch_value value;
    alch_value *items;              /* EXPANDING: count * width values */
    uint32_t count;
    uint16_t width;                 /* values per element: above 1 for tuples */
    uint16_t flags;
} alch_bind;

typedef struct alch_binary {
    alch_node head;                 /* op */
    const alch_node *left;          /* kept */
    const alch_node *right;         /* kept */
    char *extra;                    /* LIKE: escape; REGEXP: flags; CUSTOM: the operator; or NULL */
    int8_t precedence;              /* CUSTOM */
    uint8_t negate;                 /* alch_op, NONE: NOT (...) */
    uint8_t flags;
} alch_binary;

enum {
    ALCH_BINARY_SYMMETRIC = 1,      /* BETWEEN SYMMETRIC */
    ALCH_BINARY_COMPARISON = 2,     /* CUSTOM: is_comparison */
    ALCH_BINARY_EAGER = 4,          /* CUSTOM: parentheses around it always */
    ALCH_BINARY_NEGATED = 8,        /* negation of an operator that cannot say so */
    ALCH_BINARY_NATURAL = 16        /* CUSTOM: needs no parentheses beside itself */
};

typedef struct alch_unary {
    alch_node head;                 /* op; what it is a modifier says ops.def (M) */
    const alch_node *element;       /* kept */
    char *extra;                    /* CUSTOM: the operator */
    int8_t precedence;              /* CUSTOM */
    uint8_t flags;                  /* CUSTOM: 1 stands behind its operand */
} alch_unary;

typedef struct alch_wrap {
    alch_node head;
    const alch_node *element;       /* kept */
} alch_wrap;

typedef struct alch_pair {
    alch_node head;
    const alch_node *first;         /* kept */
    const alch_node *second;        /* kept */
} alch_pair;

/* LABEL: element AS name; EXTRACT(name FROM element); FUNC_COLUMN (element).name */
typedef struct alch_label {
    alch_node head;
    char *name;
    const alch_node *element;       /* kept */
    uint8_t anon;                   /* the name has anonymous parts */
    uint8_t quote;                  /* 1: always quoted */
} alch_label;

enum {
    ALCH_FUNC_ORDINALITY = 1,       /* WITH ORDINALITY */
    ALCH_FUNC_QUOTE = 2,            /* the name is always quoted */
    ALCH_FUNC_ANSI = 4,             /* CURRENT_DATE: no parentheses without arguments */
    ALCH_FUNC_AGGREGATE = 8,
    ALCH_FUNC_JOINS_IMPLICITLY = 16 /* not counted by the cartesian product lint */
};

typedef struct alch_function {
    alch_node head;
    char *name;
    char *package;                  /* "a.b" or NULL; a point inside of a part has a backslash in front, and so has a backslash */
    const alch_list *args;          /* COMMA; kept */
    uint8_t flags;
} alch_function;

enum { ALCH_FRAME_NONE, ALCH_FRAME_RANGE, ALCH_FRAME_ROWS, ALCH_FRAME_GROUPS };
enum { ALCH_BOUND_UNBOUNDED, ALCH_BOUND_CURRENT, ALCH_BOUND_PRECEDING, ALCH_BOUND_FOLLOWING };

typedef struct alch_over {
    alch_node head;
    const alch_node *element;       /* kept */
    const alch_list *partition_by;  /* kept or NULL */
    const alch_list *order_by;      /* kept or NULL */
    const alch_node *lower;         /* bind of PRECEDING, FOLLOWING; kept */
    const alch_node *upper;         /* kept */
    char *exclude;                  /* EXCLUDE ...; or NULL */
    uint8_t frame, lower_bound, upper_bound;
} alch_over;

typedef struct alch_case {
    alch_node head;
    const alch_node *value;         /* kept or NULL */
    const alch_list *whens;         /* condition, result, condition, result ...; kept */
    const alch_node *otherwise;     /* kept or NULL */
} alch_case;

/* TEXT: the fragment and its binds; LABEL_NAME, COLLATION, SEQUENCE: a name */
typedef struct alch_text {
    alch_node head;
    char *text;
    char *schema;                   /* COLLATION, SEQUENCE; or NULL */
    const alch_list *binds;         /* TEXT: BIND nodes by key; kept or NULL */
} alch_text;

/* What the embedding language defines: a construct (CUSTOM), a function that
** makes a value (CALLABLE), or the columns of a mapped class, which a SELECT
** lists in its place (ENTITY). */
typedef struct alch_custom {
    alch_node head;
    alch_host_ref *host;            /* kept */
    const alch_list *clauses;       /* children that FROM and walking see; kept or NULL */
    const alch_list *keys;          /* ENTITY: what its columns are called outside of a subquery, LABEL_NAMEs ("": they are not
                                    ** seen there); kept or NULL: by their own keys */
    char *name;                     /* CUSTOM: what an unlabelled one is called; or NULL */
    const alch_node *from;          /* ENTITY: what its columns come from, where no FROM was given; kept or NULL */
    const alch_node *criteria;      /* ENTITY: which rows are the class's; kept or NULL */
    uint8_t is_name;                /* CUSTOM: selected under its name as it is, like a column */
} alch_custom;

/* -- FROM --------------------------------------------------------------- */

/* What has columns: first member of tables, aliases, statements as FROM. The
** columns of derived ones are made when first asked for (expr/columns.h). */
typedef struct alch_from {
    alch_node head;
    alch_column **columns;          /* owned: 'column_count', then those that were replaced */
    uint32_t column_count, column_size;
    uint32_t replaced_count;        /* out of use, but statements may still hold them */
    uint32_t version;               /* TABLE: counts changes of it and its columns (schema/table.h) */
    uint8_t columns_made;
} alch_from;

typedef struct alch_table {
    alch_from from;
    char *name;
    char *schema;                   /* or NULL */
    uint8_t quote;                  /* 1: name always, 2: name never quoted; 4, 8: schema */
    uint8_t lightweight;            /* sa.table, not sa.Table */
    uint8_t implicit_returning_off;
} alch_table;

enum {
    ALCH_ALIAS_RECURSIVE = 1,       /* CTE */
    ALCH_ALIAS_NESTING = 2,         /* CTE: rendered where it is used */
    ALCH_ALIAS_DERIVE = 4,          /* AS name(columns) */
    ALCH_ALIAS_DERIVE_TYPES = 8,    /* AS name(column type, ...) */
    ALCH_ALIAS_ANON = 16,           /* the name has anonymous parts */
    ALCH_ALIAS_POSITIONAL = 32,     /* TEXT_SELECT: columns by position */
    ALCH_ALIAS_LITERAL = 64,        /* VALUES: literals, not parameters */
    ALCH_ALIAS_UNNAMED = 128,       /* VALUES, functions: nobody named it */
    ALCH_ALIAS_LATERAL = 256,       /* VALUES, TABLE_ALIAS: LATERAL in front */
    ALCH_ALIAS_QUOTE = 512,         /* the name is always quoted */
    ALCH_ALIAS_JOINS_IMPLICITLY = 1024,
    ALCH_ALIAS_NO_QUOTE = 2048      /* ... or never */
};

/* ALIAS of a table or function, SUBQUERY and CTE of a statement, TABLESAMPLE,
** VALUES (element: LIST of LIST rows), TEXT_SELECT (element: TEXT). */
typedef struct alch_alias {
    alch_from from;
    char *name;                     /* may be anonymous */
    const alch_node *element;       /* kept */
    const struct alch_alias *restates;  /* CTE: the one it was aliased or unioned from; kept or NULL */
    const struct alch_alias *cte_of;    /* CTE: alias of this CTE; kept or NULL */
    const alch_node *extra;         /* TABLESAMPLE: the method (function); CTE: SELECTs' prefixes; TEXT_SELECT: what its columns stand for */
    const alch_node *seed;          /* TABLESAMPLE: REPEATABLE; kept or NULL */
    char *prefix;                   /* CTE: MATERIALIZED; or NULL */
    const alch_list *ctes;          /* TEXT_SELECT, CTE add_cte; or NULL; kept */
    uint32_t flags;
} alch_alias;

enum { ALCH_JOIN_OUTER = 1, ALCH_JOIN_FULL = 2, ALCH_JOIN_CROSS = 4 };

/* A join; inside a SELECT's list of joins 'left' and 'on' may still be NULL. */
typedef struct alch_join {
    alch_node head;
    const alch_node *left;          /* kept or NULL */
    const alch_node *right;         /* kept */
    const alch_node *on;            /* kept or NULL */
    const alch_node *criteria;      /* without a left side yet: holds beside what the keys say; kept or NULL */
    uint8_t flags;
} alch_join;

/* -- statements --------------------------------------------------------- */

enum {
    ALCH_LABELS_DEFAULT,            /* DISAMBIGUATE_ONLY */
    ALCH_LABELS_NONE,
    ALCH_LABELS_TABLENAME_PLUS_COL,
    ALCH_LABELS_DISAMBIGUATE_ONLY
};
enum {
    ALCH_SELECT_DISTINCT = 1,
    ALCH_SELECT_PERCENT = 2,        /* FETCH ... PERCENT */
    ALCH_SELECT_WITH_TIES = 4,
    ALCH_SELECT_CORRELATE = 8,      /* 'correlate' is what the user said, also when empty */
    ALCH_SELECT_CORRELATE_EXCEPT = 16,
    ALCH_SELECT_GROUPED = 32,       /* COMPOUND: parentheses around members */
    ALCH_SELECT_NO_AUTO = 64        /* members of EXISTS and the like */
};

/* SELECT and COMPOUND; a compound's 'columns' are its members and its word
** is head.op. */
typedef struct alch_select {
    alch_node head;
    const alch_list *columns;       /* kept; this and all lists may be NULL */
    const alch_list *froms;         /* select_from */
    const alch_list *joins;         /* JOIN without a left side yet */
    const alch_list *where;         /* one item per call */
    const alch_list *group_by, *having, *order_by;
    const alch_node *limit, *offset, *fetch;
    const alch_list *distinct_on;
    const alch_node *lock;          /* LOCK */
    const alch_list *correlate;     /* correlate, or correlate_except */
    const alch_list *prefixes, *suffixes, *hints, *statement_hints;
    const alch_list *ctes;          /* add_cte */
    const alch_list *extensions;    /* a program's own clauses: HINTs whose text says where they stand */
    const alch_list *entities;      /* ENTITYs that are not listed, but whose FROM and criteria apply */
    uint8_t label_style;
    uint8_t flags;
} alch_select;

enum {
    ALCH_DML_ORDERED = 1,           /* UPDATE: SET in the order given */
    ALCH_DML_INLINE = 2,
    ALCH_DML_MULTI = 4,             /* INSERT: 'values' is a LIST of rows */
    ALCH_DML_DEFAULTS_FROM_SELECT = 8,
    ALCH_DML_RETURN_DEFAULTS = 16,
    ALCH_DML_SORT_RETURNING = 32,   /* sort_by_parameter_order */
    ALCH_DML_NO_VALUES = 64,
    ALCH_DML_RESTRICTED = 128       /* the last item of 'where' says which rows are the mapped class's */
};

typedef struct alch_dml {
    alch_node head;
    const alch_node *table;         /* kept */
    const alch_list *values;        /* ASSIGN; MULTI: LIST of ASSIGN each */
    const alch_list *names;         /* from_select: columns */
    const alch_node *select;        /* from_select */
    const alch_list *where;
    const alch_list *froms;         /* UPDATE ... FROM, DELETE ... USING: given explicitly */
    const alch_list *returning;
    const alch_list *defaults;      /* RETURN_DEFAULTS: of which columns; NULL: of all */
    const alch_list *supplemental;  /* ... and what comes back with them */
    const alch_list *prefixes, *hints, *ctes;
    const alch_list *extensions;    /* as a SELECT's */
    const alch_node *conflict;      /* CONFLICT */
    alch_host_ref *dialect_options; /* what hooks of dialects read; kept or NULL */
    uint8_t flags;
    uint8_t label_style;
} alch_dml;

enum { ALCH_CONFLICT_NOTHING, ALCH_CONFLICT_UPDATE };

typedef struct alch_conflict {
    alch_node head;
    const alch_list *targets;       /* index_elements; or NULL */
    char *constraint;               /* ON CONSTRAINT name; or NULL */
    const alch_node *target_where;  /* index_where; or NULL */
    const alch_list *values;        /* ASSIGN */
    const alch_node *where;         /* or NULL */
    const alch_node *before;        /* CONFLICT: the clause in front of this one (SQLite); or NULL */
    uint8_t action;
} alch_conflict;

enum {
    ALCH_LOCK_READ = 1, ALCH_LOCK_NOWAIT = 2, ALCH_LOCK_SKIP = 4, ALCH_LOCK_KEY = 8
};

typedef struct alch_lock {
    alch_node head;
    const alch_list *of;            /* kept or NULL */
    uint8_t flags;
} alch_lock;

/* A piece of text for one dialect: prefix, suffix (element), hint (about 'from'). */
typedef struct alch_hint {
    alch_node head;
    const alch_node *element;       /* prefix: TEXT or expression; hint: the FROM; kept or NULL */
    char *text;                     /* or NULL */
    char *dialect;                  /* NULL: every one */
} alch_hint;

/* -- reference counting -------------------------------------------------- */

/* What a node's count is kept in: a column's is its owner's, if it has none of its own. */
static inline alch_node *alch_node_counted(const alch_node *n)
{
    if (n->kind == ALCH_NODE_COLUMN && n->refs == 0)
        return &((const alch_column *)n)->owner->head;
    return (alch_node *)n;
}

/* The column itself, where one of an entity may stand for it; any other node as it is. */
static inline const alch_node *alch_plain_column(const alch_node *n)
{
    if (n->kind == ALCH_NODE_COLUMN && ((const alch_column *)n)->entity != NULL)
        return ((const alch_column *)n)->origin;
    return n;
}

static inline const void *alch_node_keep(const void *n)
{
    if (n != NULL)
        alch_node_counted(n)->refs++;
    return n;
}

void alch_node_drop(const void *n);     /* NULL is allowed */

/* A zeroed node of a kind, one reference; NULL when memory runs out. */
void *alch_node_new(int kind, alch_err *err);

/* A copy that only the caller sees: children kept, strings copied. */
int alch_node_copy(const void *n, void *out, alch_err *err);

/* Sets *slot to 'child' (reference handed over), drops what was there, and
** deepens 'parent'. ArgumentError where the tree would be deeper than
** ALCH_DEPTH_MAX; 'child' is dropped then. */
int alch_node_set(void *parent, const void *slot, const void *child, alch_err *err);

/* The node's type; NullType where it has none. */
static inline const alch_type *alch_node_type(const alch_node *n)
{
    return n->type != NULL ? n->type : alch_type_of(ALCH_TYPE_NULL);
}

/* Gives a bind that only the caller sees its value, and with 'items' the
** elements of an IN list: text is copied, host values are kept. */
int alch_bind_own(alch_bind *b, const alch_value *value, const alch_value *items, size_t count, size_t width,
                  alch_err *err);

/* Replaces the type (kept) of a node that only the caller sees. */
void alch_node_set_type(void *n, const alch_type *t);

/* Calls 'fn' for each direct child; stops at the first non-zero result and
** returns it. A column has none: its owner is not its child. */
typedef int (*alch_child_fn)(const alch_node *child, void *payload);
int alch_node_children(const alch_node *n, alch_child_fn fn, void *payload);

/* Replaces each direct child of 'n' (only the caller sees it) by what 'fn'
** returns for it: a reference for the node, or NULL after filling 'err'. */
typedef const alch_node *(*alch_replace_fn)(const alch_node *child, void *payload, alch_err *err);
int alch_node_replace(alch_node *n, alch_replace_fn fn, void *payload, alch_err *err);

const char *alch_node_class(int kind);  /* nodes.def: "select" */

/* What a kind is made of: the fields it owns up to ALCH_FIELD_END, then the
** plain ones up to another. Only for those who must see every field. */
typedef enum alch_field_type {
    ALCH_FIELD_END,
    ALCH_FIELD_CHILDREN,        /* 'size' nodes or NULLs, one behind the other */
    ALCH_FIELD_TEXT,            /* a string or NULL */
    ALCH_FIELD_HOST,            /* an alch_host_ref */
    ALCH_FIELD_COLUMNS,         /* of an alch_from */
    ALCH_FIELD_BIND,            /* value and items of an alch_bind */
    ALCH_FIELD_ITEMS,           /* of an alch_list */
    ALCH_FIELD_PLAIN            /* 'size' bytes of numbers, at most 8 */
} alch_field_type;

typedef struct alch_field {
    uint8_t type;               /* alch_field_type */
    uint8_t size;
    uint16_t offset;
} alch_field;

const alch_field *alch_node_fields(int kind);

/* -- lists ----------------------------------------------------------------- */

alch_list *alch_list_new(int kind, int op, size_t room, alch_err *err);
/* A copy with room for more; 'l' may be NULL: an empty list of 'op'. */
int alch_list_extend(const alch_list *l, int op, size_t more, alch_list **out, alch_err *err);
/* Hands 'item' over to a list that only the caller sees; drops it on failure. */
int alch_list_push(alch_list *l, const void *item, alch_err *err);

#define alch_list_len(l) ((l) != NULL ? (l)->count : 0)

/* -- operators --------------------------------------------------------------- */

const char *alch_op_text(int op);
int alch_op_precedence(int op);
int alch_op_negation(int op);
int alch_op_is_comparison(int op);
int alch_op_is_boolean(int op);
int alch_op_is_natural(int op);
int alch_op_is_modifier(int op);
const char *alch_op_name(int op);       /* "LIKE" as in ops.def */
int alch_op_find(const char *name);     /* -1 */

#endif
