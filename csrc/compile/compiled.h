#ifndef ALCH_COMPILE_COMPILED_H
#define ALCH_COMPILE_COMPILED_H

#include "base/arena.h"
#include "dialect/dialect.h"
#include "expr/node.h"

/*
** What a compile leaves: the text and what executing it needs to know. It
** keeps the statement and the dialect, so everything here that points into
** nodes lives as long as it does. Never changed afterwards.
**
** alch_compiled_init / alch_compiled_release: the owner is whoever embeds it
** (a userdata of the binding).
*/

/* One parameter. Its name is 'base', behind it the numbers that are not 0:
** "id_1", "id_1_2" for the second element of an IN list; see
** alch_param_name. */
typedef struct alch_compiled_param {
    const alch_bind *bind;      /* where it comes from; NULL: made for a column (crud) */
    const char *base;
    const char *key;            /* what the user calls it in parameters: bind->key, or a column's key */
    const alch_type *type;
    const alch_value *value;    /* NULL: execution must bring it */
    const alch_column *column;  /* VALUES and SET: the column it is for; else NULL */
    uint32_t number, element, part;
    uint32_t group;             /* INSERT of several rows: of which, from 1; 0: of one */
    uint32_t ordinal;           /* of 'bind' among those of the statement's key, from 1; 0: not known */
    uint8_t required;           /* no value and no default */
    uint8_t row;                /* bound to the rows of executemany (VALUES) */
    uint8_t called;             /* the column's function makes it, for another row than the first */
    uint8_t shadowed;           /* its generated name is also a column's, which parameters of that name are for */
    uint8_t from_default;       /* 'value' is a column's default, which execution fills in: .params does not show it */
} alch_compiled_param;

typedef struct alch_result_column {
    const char *name;           /* as the database will report it; NULL: text */
    const char *key;            /* .key of the column, for the ORM */
    const alch_type *type;
    const alch_node *node;      /* the selected expression: row[node] */
    const alch_node *inner;     /* under a label; or NULL */
} alch_result_column;

/* text():columns(): rows have the database's names, and the columns are matched so. */
enum {
    ALCH_TEXT_NONE,             /* any other statement */
    ALCH_TEXT_BY_POSITION,
    ALCH_TEXT_BY_NAME
};

/* How a column of an INSERT or UPDATE that the parameters do not name gets
** its value. */
enum {
    ALCH_FILL_PARAM,            /* from the parameters */
    ALCH_FILL_VALUE,            /* column->on_insert or on_update is a BIND with a value */
    ALCH_FILL_CALL,             /* ... is a CALLABLE: once per row, with a context */
    ALCH_FILL_SQL               /* in the text */
};

typedef struct alch_fill {
    const alch_column *column;
    uint32_t param;             /* index of its parameter; UINT32_MAX for FILL_SQL */
    uint8_t how;
} alch_fill;

typedef struct alch_position {
    uint32_t offset;            /* of the placeholder in the text */
    uint32_t param;
} alch_position;

typedef struct alch_compiled {
    alch_arena arena;
    const alch_node *statement; /* kept */
    const alch_dialect *dialect;    /* kept */
    char *sql;                  /* NUL-terminated, owned */
    size_t sql_len;
    alch_compiled_param *params;         /* each once, in order of first appearance while compiling */
    size_t param_count;
    alch_position *positions;   /* every placeholder, in order of the text */
    size_t position_count;
    /* what a driver is sent: indexes of parameters, one for each placeholder, or for each number of "$1" */
    const uint32_t *sent;
    size_t sent_count;
    alch_result_column *columns;
    size_t column_count;
    alch_fill *fills;           /* INSERT, UPDATE: columns with a value, in table order */
    size_t fill_count;
    const alch_node *table;     /* INSERT, UPDATE, DELETE: of what; lent */
    /* INSERT with one row: where its group "(?, ?)" is, so that it can be
    ** written several times; 0, 0: cannot */
    uint32_t values_begin, values_end;
    uint32_t values_first, values_count;    /* positions inside the group */
    uint8_t kind;               /* alch_kind of the statement */
    uint8_t returning;          /* INSERT, UPDATE, DELETE that return rows */
    uint8_t implicit_returning; /* ... the primary key, which nobody asked for */
    uint8_t expanding;          /* has an IN list whose length parameters decide */
    uint8_t textual;            /* names of result columns come from the database */
    uint8_t of_text;            /* alch_text_columns */
    uint8_t multi_values;       /* INSERT ... VALUES (), () by the user */
    uint8_t from_select;
    uint8_t upsert;
    uint8_t writes;             /* a CTE writes */
    uint8_t several;            /* SELECT: it takes its rows from several FROMs, so that a row of one may come again */
    uint8_t fixed;              /* the text holds a value, or what the host made of something: it is good once */
    const char **warnings;      /* of the lint; for whoever asked for it to issue */
    size_t warning_count;
    const alch_node **made;     /* binds the compiler made; kept */
    size_t made_count;
} alch_compiled;

void alch_compiled_init(alch_compiled *r);
void alch_compiled_release(alch_compiled *r);

/* A parameter of a statement, as its key lists them (compile/key.h). */
typedef struct alch_given {
    const alch_value *value;
    const alch_value *items;    /* the elements of a list */
    const void *of;             /* the BIND, or what the host has in its place */
} alch_given;

/* What a statement's parameter is worth in another statement with the same
** key, whose parameters are 'given'; NULL: execution must bring it. */
const alch_value *alch_param_value_of(const alch_compiled_param *p, const alch_given *given);

/* Finds each parameter among those of the statement's key. 0: the text serves
** this statement alone. */
int alch_compiled_share(alch_compiled *r, const alch_given *given, size_t count);

/* Is the result column the same in every statement with the same key? Others
** are the statement's own, in the order of alch_selected_columns. */
int alch_result_column_is_shared(const alch_result_column *c);

/* The parameter's full name, NUL-terminated, at 'buf' (or in it). */
const char *alch_param_name(const alch_compiled_param *p, char *buf, size_t size);

/* The text of an INSERT with its VALUES group 'rows' times. Positions follow:
** those before the group, 'rows' times those inside, those behind. Numbered
** placeholders go on counting. */
int alch_compiled_repeat(const alch_compiled *r, size_t rows, alch_buf *out, alch_err *err);

/* The same for a database with the capability ordered_insert, so that it makes
** the rows in the order of the groups: INSERT ... SELECT ... FROM (VALUES ...)
** ORDER BY. All placeholders are inside the group. 'type_host' is that of
** alch_type_text. */
int alch_compiled_repeat_ordered(const alch_compiled *r, size_t rows, void *type_host, alch_buf *out, alch_err *err);

#endif
