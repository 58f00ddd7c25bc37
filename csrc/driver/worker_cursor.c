/* Statements and rows: what is copied for the thread, and what it copies back
** in blocks, so that a row costs no change of threads. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "driver/copy.h"
#include "driver/worker_conn.h"

enum { ROWS_IN_BLOCK = 500, BYTES_IN_BLOCK = 1 << 18 };

/* -- on the thread -- */

static void give_up(worker_answer *a)
{
    a->end = ALCH_STEP_FAIL;
    (void)alch_err_nomem(&a->err);
}

static int describe(worker_answer *a, const alch_driver *d)
{
    int i;

    a->columns = d->column_count(a->inner);
    a->names = alch_arena_alloc(&a->names_arena, ((size_t)a->columns + 1) * sizeof *a->names);
    a->types = alch_arena_alloc(&a->names_arena, ((size_t)a->columns + 1) * sizeof *a->types);
    if (a->names == NULL || a->types == NULL)
        return 0;
    for (i = 0; i < a->columns; i++) {
        const char *name = d->column_name(a->inner, i);

        a->names[i] = alch_arena_strndup(&a->names_arena, name, strlen(name));
        a->types[i] = d->column_type(a->inner, i);
        if (a->names[i] == NULL)
            return 0;
    }
    return 1;
}

/* The row that the inner cursor stands on; its bytes, or -1 when memory runs out. */
static long add_row(worker_answer *a, const alch_driver *d)
{
    size_t size = sizeof(worker_row) + (size_t)a->columns * sizeof(alch_value);
    worker_row *row = alch_arena_alloc(&a->rows_arena, size);
    int i;

    if (row == NULL)
        return -1;
    for (i = 0; i < a->columns; i++) {
        alch_value v;

        memset(&v, 0, sizeof v);
        d->cell(a->inner, i, &v);
        if (!alch_copy_value(&a->rows_arena, &row->cells[i], &v))
            return -1;
        size += v.kind == ALCH_TEXT || v.kind == ALCH_BLOB ? v.as.text.len : 0;
    }
    if (a->last != NULL)
        a->last->next = row;
    else
        a->row = row;
    a->last = row;
    return (long)size;
}

/* What is known once a statement has come to its end. */
static void take_end(worker_answer *a, const alch_driver *d)
{
    alch_cursor *inner = a->inner;

    a->inner = NULL;
    if (inner == NULL)
        return;
    a->changes = d->changes(inner);
    a->failed_set = d->cursor_failed_set(inner);
    (void)snprintf(a->tag, sizeof a->tag, "%s", d->command_tag(inner));
    d->cursor_free(inner);
}

/* A block of rows, the first of which the inner cursor stands on if 'step' says so. */
static void fill(worker_answer *a, const alch_driver *d, alch_step step)
{
    long bytes = 0, rows = 0;

    while (step == ALCH_STEP_ROW && rows < ROWS_IN_BLOCK && bytes < BYTES_IN_BLOCK) {
        long size = add_row(a, d);

        if (size < 0) {
            give_up(a);
            take_end(a, d);
            return;
        }
        bytes += size;
        rows++;
        if (rows < ROWS_IN_BLOCK && bytes < BYTES_IN_BLOCK)
            step = d->cursor_step(a->inner, &a->err);
    }
    a->end = step;
    if (step != ALCH_STEP_ROW)
        take_end(a, d);
}

static void execute(alch_conn *c, worker_answer *a)
{
    const worker_request *r = &c->request;
    const alch_driver *d = c->inner;
    alch_step step = d->execute(c->conn, r->sql, r->len, r->params, r->n, r->flags, &a->inner, &a->err);

    if (step == ALCH_STEP_FAIL || describe(a, d)) {
        fill(a, d, step);
    } else {
        give_up(a);
        take_end(a, d);
    }
}

static void execute_many(alch_conn *c, worker_answer *a)
{
    const worker_request *r = &c->request;

    a->end = c->inner->execute_many(c->conn, r->sql, r->len, r->params, r->n, r->sets, r->flags, &a->inner, &a->err);
    take_end(a, c->inner);
}

void alch_worker_run(alch_conn *c, worker_job job)
{
    worker_answer *a = c->current;

    if (job == JOB_EXECUTE)
        execute(c, a);
    else if (job == JOB_EXECUTE_MANY)
        execute_many(c, a);
    else
        fill(a, c->inner, c->inner->cursor_step(a->inner, &a->err));
}

/* -- on the owner's -- */

static void answer_drop(worker_answer *a)
{
    alch_arena_release(&a->names_arena);
    alch_arena_release(&a->rows_arena);
    alch_free(a);
}

void alch_worker_free_unwanted(alch_conn *c)
{
    while (c->unwanted != NULL) {
        worker_answer *a = c->unwanted;

        c->unwanted = a->next;
        c->inner->cursor_free(a->inner);
        answer_drop(a);
    }
}

/* The cursor loses its connection; its answer may be what the thread is at. */
static void detach(alch_cursor *k)
{
    alch_conn *c = k->conn;
    worker_answer *a = k->answer;

    if (k->prev != NULL)
        k->prev->next = k->next;
    else
        c->cursors = k->next;
    if (k->next != NULL)
        k->next->prev = k->prev;
    if (!(c->busy && c->current == a))
        k->changes = a->changes;
    k->conn = NULL;
    k->answer = NULL;
    a->next = c->unwanted;
    c->unwanted = a;
}

void alch_worker_detach_all(alch_conn *c)
{
    while (c->cursors != NULL)
        detach(c->cursors);
    if (!c->busy)
        alch_worker_free_unwanted(c);
}

static worker_answer *answer_new(void)
{
    worker_answer *a = alch_alloc0(sizeof *a);

    if (a == NULL)
        return NULL;
    alch_arena_init(&a->names_arena);
    alch_arena_init(&a->rows_arena);
    a->changes = -1;
    a->failed_set = (size_t)-1;
    return a;
}

static alch_cursor *cursor_new(alch_conn *c)
{
    alch_cursor *k = alch_alloc0(sizeof *k);

    if (k == NULL)
        return NULL;
    k->answer = answer_new();
    if (k->answer == NULL) {
        alch_free(k);
        return NULL;
    }
    k->changes = -1;
    k->conn = c;
    k->next = c->cursors;
    if (k->next != NULL)
        k->next->prev = k;
    c->cursors = k;
    return k;
}

static int copy_request(worker_request *r, const char *sql, size_t len, const alch_param *params, size_t n, size_t sets,
                        unsigned flags)
{
    r->sql = alch_arena_strndup(&r->arena, sql, len);
    r->params = alch_copy_params(&r->arena, params, n * sets);
    r->len = len;
    r->n = n;
    r->sets = sets;
    r->flags = flags;
    return r->sql != NULL && r->params != NULL;
}

static alch_step begin(alch_conn *c, worker_job job, const char *sql, size_t len, const alch_param *params, size_t n,
                       size_t sets, unsigned flags, alch_cursor **out, alch_err *err)
{
    *out = NULL;
    if (!alch_worker_ended(c)) {
        (void)alch_err_set(err, ALCH_ERR_CONCURRENT_USE, "an operation is in flight on this connection");
        return ALCH_STEP_FAIL;
    }
    if (!copy_request(&c->request, sql, len, params, n, sets, flags) || (*out = cursor_new(c)) == NULL) {
        alch_arena_release(&c->request.arena);
        (void)alch_err_nomem(err);
        return ALCH_STEP_FAIL;
    }
    return alch_worker_begin(c, job, (*out)->answer);
}

static alch_step worker_execute(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                                unsigned flags, alch_cursor **out, alch_err *err)
{
    return begin(c, JOB_EXECUTE, sql, len, params, n, 1, flags, out, err);
}

static alch_step worker_execute_many(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                                     size_t sets, unsigned flags, alch_cursor **out, alch_err *err)
{
    return begin(c, JOB_EXECUTE_MANY, sql, len, params, n, sets, flags, out, err);
}

/* Stands on the first row of a new block, or at the end. */
static alch_step enter_block(const worker_answer *a, alch_err *err)
{
    if (a->row != NULL)
        return ALCH_STEP_ROW;
    if (a->end == ALCH_STEP_FAIL && err != NULL)
        *err = a->err;
    return a->end;
}

static alch_step next_block(alch_conn *c, worker_answer *a, alch_err *err)
{
    a->row = a->last = NULL;
    if (a->end != ALCH_STEP_ROW)
        return enter_block(a, err);
    if (!alch_worker_ended(c)) {
        (void)alch_err_set(err, ALCH_ERR_CONCURRENT_USE, "an operation is in flight on this connection");
        return ALCH_STEP_FAIL;
    }
    alch_arena_release(&a->rows_arena);
    return alch_worker_begin(c, JOB_STEP, a);
}

static alch_step worker_cursor_step(alch_cursor *k, alch_err *err)
{
    alch_conn *c = k->conn;
    worker_answer *a = k->answer;

    if (c == NULL) {
        (void)alch_err_set(err, ALCH_ERR_CLOSED, "the connection of this result was closed or given back");
        return ALCH_STEP_FAIL;
    }
    if (c->busy && c->current == a)
        return alch_worker_ended(c) ? enter_block(a, err) : ALCH_STEP_WAIT;
    if (a->row != NULL && a->row->next != NULL) {
        a->row = a->row->next;
        return ALCH_STEP_ROW;
    }
    return next_block(c, a, err);
}

static void worker_cursor_free(alch_cursor *k)
{
    alch_conn *c = k != NULL ? k->conn : NULL;

    if (c != NULL) {
        detach(k);
        if (!c->busy)
            alch_worker_free_unwanted(c);
    }
    alch_free(k);
}

static const worker_row *current_row(const alch_cursor *k) { return k->answer != NULL ? k->answer->row : NULL; }
static int worker_column_count(const alch_cursor *k) { return k->answer != NULL ? k->answer->columns : 0; }

static void worker_cell(alch_cursor *k, int i, alch_value *out)
{
    const worker_row *row = current_row(k);

    if (row != NULL && i >= 0 && i < k->answer->columns)
        *out = row->cells[i];
    else
        out->kind = ALCH_NULL;
}

static void worker_whole_row(alch_cursor *k, alch_value *out)
{
    const worker_row *row = current_row(k);

    if (row != NULL)
        memcpy(out, row->cells, (size_t)k->answer->columns * sizeof *out);
}

static const char *worker_column_name(const alch_cursor *k, int i)
{
    return i >= 0 && i < worker_column_count(k) ? k->answer->names[i] : "";
}

static uint32_t worker_column_type(const alch_cursor *k, int i)
{
    return i >= 0 && i < worker_column_count(k) ? k->answer->types[i] : 0;
}

static int64_t worker_changes(const alch_cursor *k) { return k->answer != NULL ? k->answer->changes : k->changes; }
static size_t worker_failed_set(const alch_cursor *k) { return k->answer != NULL ? k->answer->failed_set : (size_t)-1; }
static const char *worker_tag(const alch_cursor *k) { return k->answer != NULL ? k->answer->tag : ""; }

void alch_worker_cursor_methods(alch_driver *d)
{
    d->execute = worker_execute;
    d->execute_many = worker_execute_many;
    d->cursor_step = worker_cursor_step;
    d->cursor_free = worker_cursor_free;
    d->column_count = worker_column_count;
    d->column_name = worker_column_name;
    d->column_type = worker_column_type;
    d->cell = worker_cell;
    d->changes = worker_changes;
    d->command_tag = worker_tag;
    d->row = worker_whole_row;
    d->cursor_failed_set = worker_failed_set;
    d->finish = alch_worker_detach_all;
}
