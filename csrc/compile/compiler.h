#ifndef ALCH_COMPILE_COMPILER_H
#define ALCH_COMPILE_COMPILER_H

#include "base/buf.h"
#include "base/dict.h"
#include "compile/compiled.h"
#include "expr/names.h"
#include "expr/selectable.h"

/*
** One run of the compiler: a single pass over the nodes, a visitor per kind
** (compile/standard.c), into one buffer. Visitors return nothing: failure
** sticks in 'failed', after which they only waste a little time.
**
** What SQLAlchemy passes down as keyword arguments are the 'flags' of a
** visitor; what it keeps on its compiler's stack is alch_frame.
*/
enum {
    ALCH_V_COLUMNS = 1 << 0,        /* in the columns clause: labels render AS */
    ALCH_V_LABEL = 1 << 1,          /* inside a label */
    ALCH_V_LITERAL = 1 << 2,        /* values are written into the text */
    ALCH_V_FROM = 1 << 3,           /* in FROM: an alias renders what it is of */
    ALCH_V_NO_TABLE = 1 << 4,       /* columns without their table's name */
    ALCH_V_NO_SCHEMA = 1 << 5,
    ALCH_V_LATERAL = 1 << 6,
    ALCH_V_HINT = 1 << 7,           /* only the name of a FROM */
    ALCH_V_CRUD = 1 << 8,           /* the table of an INSERT, UPDATE, DELETE */
    ALCH_V_AGGREGATE = 1 << 9,
    ALCH_V_INSERT_SELECT = 1 << 10, /* INSERT ... SELECT */
    ALCH_V_RESULT = 1 << 11,        /* result columns are collected here */
    ALCH_V_OPERATOR = 1 << 12,      /* inside an operator: eager ones take parentheses */
    ALCH_V_ALIASED = 1 << 14,       /* a table inside its alias */
    ALCH_V_UNNAMED = 1 << 15,       /* a SELECT whose columns need no names of their own */
    ALCH_V_MEMBER = 1 << 13         /* a further member of a compound that is the result: types wrap its columns */
};

/* A statement being compiled, as nested ones see it. */
typedef struct alch_frame {
    struct alch_frame *outer;
    const alch_node *statement;
    alch_nodes correlate, asfrom;   /* FROMs of the enclosing statements; of this one */
    const alch_named_column *columns;   /* SELECT: its list, for ORDER BY a label */
    size_t column_count;
    alch_nodes froms;
    const alch_node *visiting_cte;
    void *assignments;              /* INSERT, UPDATE: what is set (assignments.h) */
    uint8_t has_schema;             /* SELECT: a table of a schema is among its FROMs */
} alch_frame;

/* A CTE that was met: its text is put in front of the statement it belongs to. */
typedef struct alch_cte_text {
    const alch_alias *cte;
    const char *name;               /* resolved */
    char *text;
    size_t len;
    alch_position *positions;       /* offsets from the start of 'text' */
    size_t position_count;
    unsigned level;                 /* of the statement that shows it */
    uint8_t recursive, nesting, shown;
    uint8_t marked;                 /* placeholders are marks (alch_put_marked) */
} alch_cte_text;

typedef struct alch_compiler alch_compiler;
typedef struct alch_wrapping alch_wrapping;     /* compile/wrap.h */

/* What the embedding language does for the compiler. 'render' writes the text
** of a node (a custom construct, or a kind it overrides) into c->out; it may
** call back alch_compile_node. 'replace' gives the bind that stands in for one
** at this execution: lent in '*out', which it leaves alone where none does.
** 'evaluate' gives a reference to the bind with the value that the function of
** a CALLABLE one makes now. */
typedef struct alch_compile_host {
    int (*render)(void *payload, alch_compiler *c, const alch_node *n, unsigned flags, alch_err *err);
    int (*replace)(void *payload, const alch_bind *b, const alch_bind **out, alch_err *err);
    int (*evaluate)(void *payload, const alch_bind *b, const alch_bind **out, alch_err *err);
    void *payload;
    /* What a type's bind_expression or column_expression ('hook') makes of 'n': a reference, '*out'. */
    int (*wrap)(void *type_host, const alch_type *t, unsigned hook, const alch_node *n, const char *dialect,
                const alch_node **out, alch_err *err);
    const uint8_t *overridden;      /* by kind: 1 if 'render' stands in for the visitor; or NULL */
    void *type_host;                /* what type/literal.h and types' hooks get */
    /* A table of the host as SQL text: a JSON document, an array. */
    int (*literal)(void *type_host, const alch_type *t, const alch_storage *s, const alch_value *v, alch_buf *out,
                   alch_err *err);
} alch_compile_host;

/* How to compile. Zeroed: the defaults. */
typedef struct alch_compile_options {
    const char *const *column_keys; /* INSERT, UPDATE: which columns the parameters bring; NULL: unknown */
    size_t column_key_count;
    const alch_compile_host *host;
    uint8_t has_column_keys;
    uint8_t literal_binds;
    uint8_t executemany;
    uint8_t implicit_returning;     /* INSERT: return the primary key if the database makes it */
    uint8_t bare_columns;           /* columns without their tables, for DDL */
    uint8_t linting;                /* compile/lint.h */
    uint8_t for_execution;          /* text for a driver: expanding lists without values are an error */
} alch_compile_options;

struct alch_compiler {
    const alch_dialect *dialect;
    const alch_compile_options *options;
    alch_compiled *result;
    alch_arena *arena;              /* the result's */
    alch_buf *out;
    alch_buf sql;
    alch_namer namer;
    alch_frame *frame;              /* innermost; NULL outside statements */
    alch_dict anon;                 /* anonymous part -> number */
    alch_dict counters;             /* base -> how many */
    alch_dict binds;                /* node -> parameter + 1; and name -> parameter + 1 */
    alch_dict bind_names;
    alch_dict truncated;            /* long name -> short */
    unsigned truncations[3];
    uint8_t has_schema;             /* a SELECT so far has a frame that says so */
    unsigned level;                 /* statements around us */
    const alch_node *label_by_name; /* the label that ORDER BY refers to by name */
    const char *function_name;
    alch_cte_text *ctes;
    size_t cte_count, cte_size;
    size_t param_size, position_size, column_size, made_size;
    const alch_wrapping *wrapping;  /* inside a type's bind_expression; or NULL */
    int marking;                    /* placeholders are written as marks for alch_put_marked */
    int failed;                     /* code of the first failure */
    alch_err *err;
};

/* Compiles a statement or expression. 'result' is initialised; on failure
** the caller still releases it. */
int alch_compile(const alch_node *n, const alch_dialect *d, const alch_compile_options *options,
                 alch_compiled *result, alch_err *err);

/* -- for visitors -------------------------------------------------------- */

typedef void (*alch_visitor)(alch_compiler *c, const alch_node *n, unsigned flags);
extern const alch_visitor alch_standard_visitors[ALCH_NODE_COUNT];

void alch_compile_node(alch_compiler *c, const alch_node *n, unsigned flags);
/* As an operand of 'against': in parentheses where it binds looser. */
void alch_compile_operand(alch_compiler *c, const alch_node *n, int against, unsigned flags);
void alch_compile_operand_custom(alch_compiler *c, const alch_node *n, int against, int precedence, int natural,
                                 unsigned flags);
void alch_compile_list(alch_compiler *c, const alch_list *l, const char *separator, unsigned flags);
/* Items joined by AND, as WHERE and HAVING have them. */
void alch_compile_criteria(alch_compiler *c, const alch_list *l, unsigned flags);
/* The same behind " WHERE "; nothing where the criteria say nothing. */
void alch_compile_where(alch_compiler *c, const char *keyword, const alch_list *l, unsigned flags);
void alch_compile_fail(alch_compiler *c, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void alch_compile_nomem(alch_compiler *c);

/* visit_expr.c: "schema.table" */
void alch_put_table_name(alch_compiler *c, const alch_table *t, unsigned flags);
void alch_puts(alch_compiler *c, const char *s);
void alch_put_identifier(alch_compiler *c, const char *name, unsigned quote);
void alch_put_string(alch_compiler *c, const char *text);      /* a string literal */

/* compile/anon.c: names with anonymous parts spelled out; CLASS says which
** count of shortened names. */
enum { ALCH_IDENT_COLUMN, ALCH_IDENT_ALIAS, ALCH_IDENT_BIND };
const char *alch_resolve_name(alch_compiler *c, const char *name, int ident_class);
unsigned alch_next_number(alch_compiler *c, const char *base);
const char *alch_truncate_name(alch_compiler *c, const char *name, int ident_class);
/* What a table without a schema is called in a SELECT that has one of that name from a schema too; NULL: by its name. */
const char *alch_alias_beside_namesake(alch_compiler *c, const alch_table *t);

/* compile/params.c */
/* Fails because a parameter of the user's and a column's own are called the same. */
void alch_fail_reserved(alch_compiler *c, const char *name);
void alch_compile_bind(alch_compiler *c, const alch_bind *b, int op, unsigned flags);
uint32_t alch_add_param(alch_compiler *c, const alch_compiled_param *p);
/* The values below 'n' are parameters of their own where they come next: for
** expressions that many statements share, such as which rows are a class's. */
void alch_forget_params(alch_compiler *c, const alch_node *n);
void alch_put_placeholder(alch_compiler *c, uint32_t param);
/* Gives a parameter its name and number ahead of the place where it is written. */
void alch_number_param(alch_compiler *c, const alch_bind *b);

/* Fails where the user's name of a parameter is also a generated one: its
** value would be both's. Of two that are called like a column and by a
** generated name the column's goes first. */
void alch_check_param_names(alch_compiler *c);
/* Text that was compiled while 'marking', put in its place. */
void alch_put_marked(alch_compiler *c, const char *text, size_t len);
void alch_compile_literal(alch_compiler *c, const alch_type *t, const alch_value *v);
void alch_keep_made(alch_compiler *c, const alch_node *n);      /* takes the reference */

/* compile/visit_type.c */
void alch_compile_type(alch_compiler *c, const alch_type *t);
int alch_type_text(const alch_dialect *d, const alch_type *t, void *host, alch_buf *out, alch_err *err);

/* compile/visit_select.c */
/* 't': of the expression that stands there, which a type may have put around the column. */
void alch_add_result(alch_compiler *c, const alch_named_column *column, const char *name, const alch_type *t);
void alch_compile_select(alch_compiler *c, const alch_select *s, int member, unsigned flags);
void alch_compile_columns(alch_compiler *c, const alch_named_column *columns, size_t n, unsigned flags);
void alch_compile_prefixes(alch_compiler *c, const alch_list *l, unsigned flags);
/* The program's own clauses of one position, with a space in front of each or behind it. */
void alch_compile_extensions(alch_compiler *c, const alch_list *l, const char *position, int behind, unsigned flags);
void alch_put_hints(alch_compiler *c, const alch_list *hints, const alch_node *from, int before);   /* 'from' NULL: all */
int alch_push_frame(alch_compiler *c, alch_frame *f, const alch_node *statement);
void alch_pop_frame(alch_compiler *c);

/* compile/cte.c */
void alch_visit_cte(alch_compiler *c, const alch_node *n, unsigned flags);
/* Puts the texts of the CTEs that belong to this statement at 'start'. */
void alch_place_ctes(alch_compiler *c, size_t start);
void alch_compile_independent_ctes(alch_compiler *c, const alch_list *l, unsigned flags);

/* every visitor, by file */
#define ALCH_VISITOR(name) void alch_visit_##name(alch_compiler *c, const alch_node *n, unsigned flags)
ALCH_VISITOR(column); ALCH_VISITOR(bind); ALCH_VISITOR(null); ALCH_VISITOR(true); ALCH_VISITOR(false);
ALCH_VISITOR(binary); ALCH_VISITOR(unary); ALCH_VISITOR(list); ALCH_VISITOR(tuple); ALCH_VISITOR(array);
ALCH_VISITOR(grouping); ALCH_VISITOR(label); ALCH_VISITOR(label_name); ALCH_VISITOR(function);
ALCH_VISITOR(func_column); ALCH_VISITOR(over); ALCH_VISITOR(filter); ALCH_VISITOR(within_group);
ALCH_VISITOR(agg_order_by); ALCH_VISITOR(case); ALCH_VISITOR(cast); ALCH_VISITOR(type_coerce);
ALCH_VISITOR(extract); ALCH_VISITOR(collation); ALCH_VISITOR(slice); ALCH_VISITOR(text);
ALCH_VISITOR(scalar); ALCH_VISITOR(table_valued); ALCH_VISITOR(next_value); ALCH_VISITOR(sequence);
ALCH_VISITOR(callable); ALCH_VISITOR(custom); ALCH_VISITOR(table); ALCH_VISITOR(alias); ALCH_VISITOR(values);
ALCH_VISITOR(tablesample); ALCH_VISITOR(join); ALCH_VISITOR(select); ALCH_VISITOR(compound);
ALCH_VISITOR(text_select); ALCH_VISITOR(insert); ALCH_VISITOR(update); ALCH_VISITOR(delete);
ALCH_VISITOR(dml_column); ALCH_VISITOR(part); ALCH_VISITOR(conflict); ALCH_VISITOR(lock);

#endif
