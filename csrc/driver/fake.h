#ifndef ALCH_DRIVER_FAKE_H
#define ALCH_DRIVER_FAKE_H

#include "base/arena.h"
#include "driver/driver.h"

/*
** A driver without a database, for specs: it records every statement with its
** parameters and answers from a script: rows, counts, errors, a lost
** connection, waits.
**
** Counted: its owner holds a reference, and so does each connection and
** cursor, so these may be freed in any order. Everything it is given is
** copied. One fake belongs to one thread.
*/
typedef struct alch_fake alch_fake;

/* What statements of a kind get. Zeroed, with changes -1, it is no rows. */
typedef struct alch_fake_answer {
    const char *match;          /* part of the SQL text; NULL: any statement */
    size_t at;                  /* only the at-th statement, from 1; 0: any */
    size_t times;               /* used up after so many; 0: never */
    unsigned waits;             /* WAIT so many times first */
    alch_err err;               /* code not ALCH_OK: fails so; DISCONNECT loses the connection */
    const char *const *columns;
    const alch_value *cells;    /* row after row */
    size_t column_count, rows;
    int64_t changes, last_insert_id;
    const char *tag;            /* NULL: none */
} alch_fake_answer;

/* One statement as it was executed; through 'next' in order. */
typedef struct alch_fake_record {
    const struct alch_fake_record *next;
    const char *sql;
    const alch_param *params;   /* sets * count */
    size_t count, sets;
} alch_fake_record;

alch_fake *alch_fake_new(int waits);        /* 'waits': not ALCH_DRIVER_NEVER_WAITS; opening waits once */
void alch_fake_drop(alch_fake *f);          /* NULL is allowed */
const alch_driver *alch_fake_driver(const alch_fake *f);

/* Answers are tried in the order in which they were added; a statement that
** fits none gets no rows and one change. 0 when memory runs out. */
int alch_fake_add(alch_fake *f, const alch_fake_answer *a);

/* Opening a connection fails so, until the code is ALCH_OK again. */
void alch_fake_refuse(alch_fake *f, const alch_err *err);

const alch_fake_record *alch_fake_log(const alch_fake *f);
void alch_fake_clear(alch_fake *f);         /* forgets the log, and counts statements from 1 again */

size_t alch_fake_connections(const alch_fake *f);   /* open ones */

#endif
