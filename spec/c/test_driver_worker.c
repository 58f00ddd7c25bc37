/* A driver on threads of its own: jobs, blocks of rows, cancelling, and every
** order of ending. make test-tsan looks for data races here. */
#include "driver/worker.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "check.h"
#include "driver/host.h"

/* -- a driver that waits inside: "sleep" ends when it is cancelled, "rows" has ROWS rows, "fail" fails ----------------- */

enum { ROWS = 1234 };

static atomic_int open_connections, open_cursors;

struct alch_conn {
    atomic_int cancelled, sleeping;
    int statements;
};

struct alch_cursor {
    alch_conn *conn;
    int rows, at;
    char text[32];
};

static void pause_ms(long ms)
{
    struct timespec t = { 0, ms * 1000000 };

    (void)nanosleep(&t, NULL);
}

static alch_step slow_open(const alch_driver *self, const alch_host *host, const alch_option *options, size_t n,
                           alch_conn **out, alch_err *err)
{
    (void)self, (void)host;
    if (n > 0 && strcmp(options[0].key, "fail") == 0) {
        (void)alch_err_set(err, ALCH_ERR_OPERATIONAL, "cannot open: %s", options[0].value);
        return ALCH_STEP_FAIL;
    }
    *out = alch_alloc0(sizeof **out);
    if (*out == NULL)
        return (void)alch_err_nomem(err), ALCH_STEP_FAIL;
    atomic_fetch_add(&open_connections, 1);
    return ALCH_STEP_DONE;
}

static void slow_close(alch_conn *c)
{
    if (c == NULL)
        return;
    atomic_fetch_sub(&open_connections, 1);
    alch_free(c);
}

static alch_step sleep_until_cancelled(alch_conn *c, alch_err *err)
{
    atomic_store(&c->sleeping, 1);
    while (!atomic_exchange(&c->cancelled, 0))
        pause_ms(1);
    atomic_store(&c->sleeping, 0);
    (void)alch_err_set(err, ALCH_ERR_CANCELLED, "interrupted");
    return ALCH_STEP_FAIL;
}

static alch_step slow_execute(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                              unsigned flags, alch_cursor **out, alch_err *err)
{
    alch_cursor *k;

    (void)len, (void)flags;
    *out = NULL;
    c->statements++;
    if (strcmp(sql, "sleep") == 0)
        return sleep_until_cancelled(c, err);
    if (strcmp(sql, "fail") == 0) {
        (void)alch_err_set(err, ALCH_ERR_INTEGRITY, "no: %s", n > 0 ? params[0].value.as.text.at : "");
        return ALCH_STEP_FAIL;
    }
    k = *out = alch_alloc0(sizeof *k);
    if (k == NULL)
        return (void)alch_err_nomem(err), ALCH_STEP_FAIL;
    atomic_fetch_add(&open_cursors, 1);
    k->conn = c;
    k->rows = strcmp(sql, "rows") == 0 ? ROWS : 0;
    return k->rows > 0 ? ALCH_STEP_ROW : ALCH_STEP_DONE;
}

static alch_step slow_execute_many(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                                   size_t sets, unsigned flags, alch_cursor **out, alch_err *err)
{
    alch_step step = slow_execute(c, sql, len, params, n, flags, out, err);

    if (*out != NULL)
        (*out)->at = (int)sets;
    return step;
}

static alch_step slow_cursor_step(alch_cursor *k, alch_err *err)
{
    (void)err;
    return ++k->at < k->rows ? ALCH_STEP_ROW : ALCH_STEP_DONE;
}

static void slow_cursor_free(alch_cursor *k)
{
    if (k == NULL)
        return;
    atomic_fetch_sub(&open_cursors, 1);
    alch_free(k);
}

static int slow_columns(const alch_cursor *k) { return k->rows > 0 ? 2 : 0; }
static const char *slow_name(const alch_cursor *k, int i) { (void)k; return i == 0 ? "id" : "name"; }
static uint32_t slow_type(const alch_cursor *k, int i) { (void)k; return i == 0 ? 20 : 25; }

static void slow_cell(alch_cursor *k, int i, alch_value *out)
{
    out->kind = i == 0 ? ALCH_INT : ALCH_TEXT;
    out->as.integer = k->at;
    if (i == 0)
        return;
    (void)snprintf(k->text, sizeof k->text, "row %d", k->at);
    out->as.text.at = k->text;
    out->as.text.len = strlen(k->text);
}

static int64_t slow_changes(const alch_cursor *k) { return k->at; }
static int64_t slow_last_id(const alch_conn *c) { return c->statements; }
static const char *slow_tag(const alch_cursor *k) { (void)k; return "SLOW"; }
static int slow_in_transaction(const alch_conn *c) { return c->statements % 2; }
static int slow_alive(const alch_conn *c) { (void)c; return 1; }
static int slow_version(const alch_conn *c) { (void)c; return 30400; }
static size_t slow_cached(const alch_conn *c) { return (size_t)c->statements; }
static size_t slow_failed_set(const alch_cursor *k) { (void)k; return (size_t)-1; }
static int slow_cancel(alch_conn *c, alch_err *err) { (void)err; atomic_store(&c->cancelled, 1); return ALCH_OK; }

static const alch_driver slow = {
    .abi = ALCH_DRIVER_ABI, .flags = ALCH_DRIVER_NEVER_WAITS, .name = "slow",
    .open = slow_open, .close = slow_close, .execute = slow_execute, .execute_many = slow_execute_many,
    .cursor_step = slow_cursor_step, .cursor_free = slow_cursor_free, .column_count = slow_columns,
    .column_name = slow_name, .column_type = slow_type, .cell = slow_cell, .changes = slow_changes,
    .last_insert_id = slow_last_id, .command_tag = slow_tag, .in_transaction = slow_in_transaction,
    .alive = slow_alive, .server_version = slow_version, .cancel = slow_cancel,
    .statement_cache_len = slow_cached, .cursor_failed_set = slow_failed_set,
};

/* -- driving ---------------------------------------------------------------------------------------------------------- */

static void await(const alch_driver *d, const alch_conn *c)
{
    struct pollfd p = { d->fd(c), POLLIN, 0 };

    CHECK(d->want(c) == ALCH_WANT_READ);
    CHECK(poll(&p, 1, 5000) == 1);
}

static alch_conn *connect(const alch_driver *d)
{
    alch_conn *c;
    alch_err err;
    alch_step step = d->open(d, &alch_core_host, NULL, 0, &c, &err);

    while (step == ALCH_STEP_WAIT) {
        await(d, c);
        step = d->open_step(c, &err);
    }
    CHECK(step == ALCH_STEP_DONE);
    return c;
}

static alch_step finish(const alch_driver *d, alch_conn *c, alch_cursor *k, alch_step step, alch_err *err)
{
    while (step == ALCH_STEP_WAIT) {
        await(d, c);
        step = d->cursor_step(k, err);
    }
    return step;
}

static alch_step execute(const alch_driver *d, alch_conn *c, const char *sql, alch_cursor **k, alch_err *err)
{
    alch_step step = d->execute(c, sql, strlen(sql), NULL, 0, 0, k, err);

    return finish(d, c, *k, step, err);
}

static alch_cursor *begin(const alch_driver *d, alch_conn *c, const char *sql)
{
    alch_cursor *k;
    alch_err err;

    CHECK(d->execute(c, sql, strlen(sql), NULL, 0, 0, &k, &err) == ALCH_STEP_WAIT);
    return k;
}

static int read_rows(const alch_driver *d, alch_conn *c, alch_cursor *k, alch_step step)
{
    alch_value row[2], cell;
    alch_err err;
    char expected[32];
    int n = 0;

    for (; step == ALCH_STEP_ROW; n++) {
        d->row(k, row);
        d->cell(k, 0, &cell);
        (void)snprintf(expected, sizeof expected, "row %d", n);
        CHECK(row[0].as.integer == n && cell.as.integer == n);
        CHECK(row[1].as.text.len == strlen(expected) && strcmp(row[1].as.text.at, expected) == 0);
        step = finish(d, c, k, d->cursor_step(k, &err), &err);
    }
    CHECK(step == ALCH_STEP_DONE);
    return n;
}

/* -- tests ------------------------------------------------------------------------------------------------------------ */

static void rows_come_in_order_whatever_the_blocks(void)
{
    alch_worker *w = alch_worker_new(&slow);
    const alch_driver *d = alch_worker_driver(w);
    alch_conn *c = connect(d);
    alch_cursor *a = NULL, *b = NULL;
    alch_err err;
    alch_step step;

    CHECK(d->server_version(c) == 30400 && d->alive(c) && d->want(c) == 0);
    step = execute(d, c, "rows", &a, &err);
    CHECK(step == ALCH_STEP_ROW && d->column_count(a) == 2);
    CHECK(strcmp(d->column_name(a, 1), "name") == 0 && d->column_type(a, 0) == 20);
    CHECK(execute(d, c, "rows", &b, &err) == ALCH_STEP_ROW);      /* side by side */
    CHECK(read_rows(d, c, a, step) == ROWS);
    CHECK(read_rows(d, c, b, step) == ROWS);
    CHECK(d->changes(a) == ROWS && strcmp(d->command_tag(a), "SLOW") == 0);
    CHECK(d->last_insert_id(c) == 2 && d->in_transaction(c) == 0 && d->statement_cache_len(c) == 2);
    d->cursor_free(a);
    d->close(c);
    CHECK(d->cursor_step(b, &err) == ALCH_STEP_FAIL && err.code == ALCH_ERR_CLOSED);
    CHECK(d->changes(b) == ROWS && d->column_count(b) == 0);
    d->cursor_free(b);
    alch_worker_drop(w);
}

static void errors_are_those_of_the_driver(void)
{
    alch_worker *w = alch_worker_new(&slow);
    const alch_driver *d = alch_worker_driver(w);
    const alch_option option = { "fail", "as told" };
    alch_conn *c;
    alch_cursor *k = NULL;
    alch_param p = { { .kind = ALCH_TEXT }, 0 };
    alch_err err;

    CHECK(d->open(d, &alch_core_host, &option, 1, &c, &err) == ALCH_STEP_WAIT);
    await(d, c);
    CHECK(d->open_step(c, &err) == ALCH_STEP_FAIL && strcmp(err.text, "cannot open: as told") == 0);
    d->close(c);
    c = connect(d);
    p.value.as.text.at = "x";
    p.value.as.text.len = 1;
    CHECK(d->execute(c, "fail", 4, &p, 1, 0, &k, &err) == ALCH_STEP_WAIT);
    CHECK(finish(d, c, k, ALCH_STEP_WAIT, &err) == ALCH_STEP_FAIL);
    CHECK(err.code == ALCH_ERR_INTEGRITY && strcmp(err.text, "no: x") == 0);
    d->cursor_free(k);
    CHECK(d->execute_many(c, "many", 4, &p, 1, 1, 0, &k, &err) == ALCH_STEP_WAIT);
    CHECK(finish(d, c, k, ALCH_STEP_WAIT, &err) == ALCH_STEP_DONE && d->changes(k) == 1);
    d->cursor_free(k);
    d->close(c);
    alch_worker_drop(w);
}

static void a_job_can_be_cancelled(void)
{
    alch_worker *w = alch_worker_new(&slow);
    const alch_driver *d = alch_worker_driver(w);
    alch_conn *c = connect(d);
    alch_cursor *k = begin(d, c, "sleep"), *other;
    alch_err err;

    pause_ms(5);
    CHECK(d->cursor_step(k, &err) == ALCH_STEP_WAIT);
    CHECK(d->execute(c, "rows", 4, NULL, 0, 0, &other, &err) == ALCH_STEP_FAIL && err.code == ALCH_ERR_CONCURRENT_USE);
    CHECK(d->cancel(c, &err) == ALCH_OK);
    CHECK(finish(d, c, k, ALCH_STEP_WAIT, &err) == ALCH_STEP_FAIL && err.code == ALCH_ERR_CANCELLED);
    CHECK(d->cancel(c, &err) == ALCH_OK);       /* nothing runs: nothing is hit */
    d->cursor_free(k);
    d->close(c);
    alch_worker_drop(w);
}

static void ends_in_any_order(void)
{
    alch_worker *w = alch_worker_new(&slow);
    const alch_driver *d = alch_worker_driver(w);
    int round;

    for (round = 0; round < 40; round++) {
        alch_conn *c = connect(d);
        alch_cursor *open = NULL, *k;
        alch_err err;

        CHECK(execute(d, c, "rows", &open, &err) == ALCH_STEP_ROW);
        k = begin(d, c, round % 2 ? "sleep" : "rows");
        if (round % 4 == 1)
            d->cursor_free(k);
        if (round % 8 < 4)
            pause_ms(1);
        d->finish(c);
        d->close(c);            /* in the middle of the job, or just after it */
        if (round % 4 != 1)
            d->cursor_free(k);
        d->cursor_free(open);
    }
    alch_worker_drop(w);
    CHECK(atomic_load(&open_connections) == 0);
    CHECK(atomic_load(&open_cursors) == 0);
}

static void many_at_once(void)
{
    enum { CONNECTIONS = 8, STATEMENTS = 50 };
    alch_worker *w = alch_worker_new(&slow);
    const alch_driver *d = alch_worker_driver(w);
    alch_conn *c[CONNECTIONS];
    int i, n;

    for (i = 0; i < CONNECTIONS; i++)
        c[i] = connect(d);
    for (n = 0; n < STATEMENTS; n++) {
        alch_cursor *k[CONNECTIONS];
        alch_err err;

        for (i = 0; i < CONNECTIONS; i++)
            k[i] = begin(d, c[i], n % 3 ? "write" : "rows");
        for (i = 0; i < CONNECTIONS; i++) {
            alch_step step = finish(d, c[i], k[i], ALCH_STEP_WAIT, &err);

            CHECK(read_rows(d, c[i], k[i], step) == (n % 3 ? 0 : ROWS));
            d->cursor_free(k[i]);
        }
    }
    for (i = 0; i < CONNECTIONS; i++) {
        CHECK(d->last_insert_id(c[i]) == STATEMENTS);
        d->close(c[i]);
    }
    alch_worker_drop(w);
    CHECK(atomic_load(&open_connections) == 0);
}

static int every_allocation_may_fail(alch_err *err)
{
    alch_worker *w = alch_worker_new(&slow);
    const alch_driver *d;
    alch_conn *c = NULL;
    alch_cursor *k = NULL;
    alch_step step;

    if (w == NULL)
        return alch_err_nomem(err);
    d = alch_worker_driver(w);
    step = d->open(d, &alch_core_host, NULL, 0, &c, err);
    while (step == ALCH_STEP_WAIT) {
        await(d, c);
        step = d->open_step(c, err);
    }
    if (step == ALCH_STEP_DONE)
        step = execute(d, c, "rows", &k, err);
    while (step == ALCH_STEP_ROW)
        step = finish(d, c, k, d->cursor_step(k, err), err);
    if (k != NULL)
        d->cursor_free(k);
    d->close(c);
    alch_worker_drop(w);
    return step == ALCH_STEP_FAIL ? err->code : ALCH_OK;
}

int main(void)
{
    CHECK_RUN(rows_come_in_order_whatever_the_blocks);
    CHECK_RUN(errors_are_those_of_the_driver);
    CHECK_RUN(a_job_can_be_cancelled);
    CHECK_RUN(ends_in_any_order);
    CHECK_RUN(many_at_once);
    CHECK_SWEEP(every_allocation_may_fail);
    return CHECK_END("worker");
}
