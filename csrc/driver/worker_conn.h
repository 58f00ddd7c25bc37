#ifndef ALCH_DRIVER_WORKER_CONN_H
#define ALCH_DRIVER_WORKER_CONN_H

#include <pthread.h>

#include "base/arena.h"
#include "base/process.h"
#include "driver/worker.h"

/* What worker.c (threads and jobs) and worker_cursor.c (statements and rows)
** share. */

typedef enum worker_job {
    JOB_NONE, JOB_OPEN, JOB_EXECUTE, JOB_EXECUTE_MANY, JOB_STEP, JOB_CLOSE
} worker_job;

/* Rows in the order in which they came. */
typedef struct worker_row {
    struct worker_row *next;
    alch_value cells[];
} worker_row;

/* What a statement answers; the thread's while it works for it. It may outlive
** its cursor, which has a holder of its own. */
typedef struct worker_answer {
    struct worker_answer *next; /* among the unwanted */
    alch_cursor *inner;         /* the inner driver's; NULL once it came to its end */
    alch_arena names_arena, rows_arena;
    const char **names;
    uint32_t *types;
    int columns;
    worker_row *row, *last;     /* the current one; the last one there is */
    alch_step end;              /* what comes behind 'last'; ROW: more, when it is asked for */
    alch_err err;               /* of FAIL */
    int64_t changes;
    size_t failed_set;
    char tag[64];
} worker_answer;

/* What a job reads: copies, in 'arena'. */
typedef struct worker_request {
    alch_arena arena;
    const alch_option *options;
    size_t option_count;
    const char *sql;
    size_t len;
    const alch_param *params;
    size_t n, sets;
    unsigned flags;
} worker_request;

/* A connection as its driver answers for it without being asked: as of the
** last job. */
typedef struct worker_state {
    int in_transaction, alive, version;
    int64_t last_id;
    size_t cached;
} worker_state;

struct alch_conn {
    alch_worker *worker;
    const alch_host *host;
    const alch_driver *inner;
    alch_conn *conn;            /* the inner driver's own, never looked into; NULL: not open */
    pthread_t thread;
    pthread_mutex_t mutex;      /* of the next line */
    pthread_cond_t wake;
    worker_job job;             /* JOB_NONE once it is done */
    unsigned char abandoned;    /* nobody takes note of the end: the thread closes */
    unsigned char exited;       /* and does nothing more */
    int ready[2];               /* a pipe, readable once the job is done */

    /* the thread's while a job runs, else the owner's */
    worker_request request;
    worker_answer *current;     /* whose job it is; NULL: open, close */
    alch_step step;             /* of opening */
    alch_err err;
    worker_state state;

    /* the owner's */
    unsigned char started;      /* there is a thread */
    unsigned char busy;         /* a job was begun and its end not taken note of */
    worker_answer *unwanted;    /* to be freed when no job is in flight */
    alch_cursor *cursors;       /* not closed ones, through next */
    alch_conn *next;            /* among those that close by themselves */
};

struct alch_cursor {
    alch_conn *conn;            /* NULL once that was closed or gave it up */
    alch_cursor *next, *prev;
    worker_answer *answer;      /* NULL with 'conn' */
    int64_t changes;            /* what was known of them then */
};

/* worker.c */
/* Begins a job; the request is filled. Answers WAIT. */
alch_step alch_worker_begin(alch_conn *c, worker_job job, worker_answer *current);
/* Has the job in flight ended? Then the connection is the owner's again. */
int alch_worker_ended(alch_conn *c);

/* worker_cursor.c */
void alch_worker_run(alch_conn *c, worker_job job);     /* on the thread */
void alch_worker_detach_all(alch_conn *c);
void alch_worker_free_unwanted(alch_conn *c);           /* no job is in flight */
void alch_worker_cursor_methods(alch_driver *d);

#endif
