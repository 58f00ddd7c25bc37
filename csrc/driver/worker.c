/* The thread of a connection: its jobs, its beginning and its end. */
#include "driver/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "driver/host.h"
#include "driver/worker_conn.h"

struct alch_worker {
    alch_driver driver;         /* first: 'self' of open */
    const alch_driver *inner;
    alch_process process;       /* whose threads these are */
    alch_conn *closing;         /* those that close by themselves */
};

/* -- on the thread -- */

/* The inner driver's own connection and what is left of its cursors. */
static void close_inner(alch_conn *c)
{
    alch_worker_free_unwanted(c);
    c->inner->close(c->conn);
    c->conn = NULL;
}

static void take_state(alch_conn *c)
{
    worker_state *s = &c->state;

    s->alive = c->conn != NULL && c->inner->alive(c->conn);
    if (!s->alive)
        return;
    s->in_transaction = c->inner->in_transaction(c->conn);
    s->version = c->inner->server_version(c->conn);
    s->last_id = c->inner->last_insert_id(c->conn);
    s->cached = c->inner->statement_cache_len(c->conn);
}

static void run(alch_conn *c, worker_job job)
{
    const worker_request *r = &c->request;

    if (job == JOB_OPEN)
        c->step = c->inner->open(c->inner, c->host, r->options, r->option_count, &c->conn, &c->err);
    else if (job == JOB_CLOSE)
        close_inner(c);
    else
        alch_worker_run(c, job);
    take_state(c);
}

/* Nobody waits for a pipe that is full. */
static void tell(const alch_conn *c)
{
    ssize_t n;

    do
        n = write(c->ready[1], "", 1);
    while (n < 0 && errno == EINTR);
}

static void *work(void *data)
{
    alch_conn *c = data;
    worker_job job;

    (void)pthread_mutex_lock(&c->mutex);
    do {
        while (c->job == JOB_NONE)
            (void)pthread_cond_wait(&c->wake, &c->mutex);
        job = c->job;
        if (!c->abandoned) {
            (void)pthread_mutex_unlock(&c->mutex);
            run(c, job);
            (void)pthread_mutex_lock(&c->mutex);
        }
        c->job = JOB_NONE;
        tell(c);
    } while (job != JOB_CLOSE && !c->abandoned);
    if (c->abandoned)
        close_inner(c);
    c->exited = 1;
    (void)pthread_mutex_unlock(&c->mutex);
    return NULL;
}

/* -- on the owner's -- */

alch_step alch_worker_begin(alch_conn *c, worker_job job, worker_answer *current)
{
    c->busy = 1;
    c->current = current;
    (void)pthread_mutex_lock(&c->mutex);
    c->job = job;
    (void)pthread_cond_signal(&c->wake);
    (void)pthread_mutex_unlock(&c->mutex);
    return ALCH_STEP_WAIT;
}

static void settle(alch_conn *c)
{
    char byte;

    while (read(c->ready[0], &byte, 1) < 0 && errno == EINTR)
        continue;
    c->busy = 0;
    alch_arena_release(&c->request.arena);
    alch_worker_free_unwanted(c);
}

int alch_worker_ended(alch_conn *c)
{
    int running;

    if (!c->busy)
        return 1;
    (void)pthread_mutex_lock(&c->mutex);
    running = c->job != JOB_NONE;
    (void)pthread_mutex_unlock(&c->mutex);
    if (running)
        return 0;
    settle(c);
    return 1;
}

/* What remains when there is no thread any more. */
static void release(alch_conn *c)
{
    alch_arena_release(&c->request.arena);
    (void)pthread_mutex_destroy(&c->mutex);
    (void)pthread_cond_destroy(&c->wake);
    if (c->ready[0] >= 0) {
        (void)close(c->ready[0]);
        (void)close(c->ready[1]);
    }
    alch_free(c);
}

static void join(alch_conn *c)
{
    (void)pthread_join(c->thread, NULL);
    release(c);
}

static int has_exited(alch_conn *c)
{
    int exited;

    (void)pthread_mutex_lock(&c->mutex);
    exited = c->exited;
    (void)pthread_mutex_unlock(&c->mutex);
    return exited;
}

/* Those that have closed by themselves meanwhile. */
static void reap(alch_worker *w)
{
    alch_conn **at = &w->closing;

    while (*at != NULL) {
        alch_conn *c = *at;

        if (has_exited(c)) {
            *at = c->next;
            join(c);
        } else {
            at = &c->next;
        }
    }
}

/* A forked child has none of its parent's threads. */
static void check_process(alch_worker *w)
{
    if (!alch_process_same(&w->process)) {
        alch_process_release(&w->process);
        alch_process_init(&w->process);
        w->closing = NULL;
    }
}

/* Cancels what runs; 0 if nothing does. While it opens there is nothing to be
** told yet. 'abandon': the thread is to close by itself. */
static int cancel_job(alch_conn *c, int abandon, alch_err *err)
{
    int running;

    (void)pthread_mutex_lock(&c->mutex);
    running = c->job != JOB_NONE;
    if (running && c->job != JOB_OPEN)
        (void)c->inner->cancel(c->conn, err);
    if (running && abandon)
        c->abandoned = 1;
    (void)pthread_mutex_unlock(&c->mutex);
    return running;
}

static void worker_close(alch_conn *c)
{
    if (c == NULL)
        return;
    alch_worker_detach_all(c);
    reap(c->worker);
    if (!c->started) {
        release(c);
    } else if (c->busy && cancel_job(c, 1, NULL)) {
        c->next = c->worker->closing;
        c->worker->closing = c;
    } else {
        (void)alch_worker_begin(c, JOB_CLOSE, NULL);
        join(c);
    }
}

static int copy_options(worker_request *r, const alch_option *options, size_t n)
{
    alch_option *copy = alch_arena_alloc(&r->arena, (n + 1) * sizeof *copy);
    size_t i;

    for (i = 0; copy != NULL && i < n; i++) {
        copy[i].key = alch_arena_strndup(&r->arena, options[i].key, strlen(options[i].key));
        copy[i].value = alch_arena_strndup(&r->arena, options[i].value, strlen(options[i].value));
        if (copy[i].key == NULL || copy[i].value == NULL)
            return 0;
    }
    r->options = copy;
    r->option_count = n;
    return copy != NULL;
}

static int open_pipe(alch_conn *c)
{
    int i;

    if (pipe(c->ready) != 0) {
        c->ready[0] = -1;
        return errno;
    }
    for (i = 0; i < 2; i++) {
        (void)fcntl(c->ready[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(c->ready[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

/* Signals are for the threads of the program. */
static int start_thread(alch_conn *c)
{
    sigset_t all, before;
    int rc;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&c->thread, NULL, work, c);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    c->started = rc == 0;
    return rc;
}

static alch_step worker_open_start(const alch_driver *self, const alch_host *host, const alch_option *options,
                                   size_t n, alch_conn **out, alch_err *err)
{
    alch_worker *w = (alch_worker *)(uintptr_t)self;    /* the vtable is const, what is behind it is not */
    alch_conn *c = alch_alloc0(sizeof *c);
    int rc;

    *out = c;
    if (c == NULL)
        return (void)alch_err_nomem(err), ALCH_STEP_FAIL;
    check_process(w);
    c->worker = w;
    c->host = host;
    c->inner = w->inner;
    c->ready[0] = -1;
    alch_arena_init(&c->request.arena);
    (void)pthread_mutex_init(&c->mutex, NULL);
    (void)pthread_cond_init(&c->wake, NULL);
    if (!copy_options(&c->request, options, n))
        return (void)alch_err_nomem(err), ALCH_STEP_FAIL;
    rc = open_pipe(c);
    if (rc == 0)
        rc = start_thread(c);
    if (rc == 0)
        return alch_worker_begin(c, JOB_OPEN, NULL);
    (void)alch_err_set(err, ALCH_ERR_OPERATIONAL, "cannot start a worker thread: %s", strerror(rc));
    return ALCH_STEP_FAIL;
}

static alch_step worker_open_step(alch_conn *c, alch_err *err)
{
    if (!alch_worker_ended(c))
        return ALCH_STEP_WAIT;
    if (c->step == ALCH_STEP_FAIL && err != NULL)
        *err = c->err;
    return c->step;
}

static int worker_cancel(alch_conn *c, alch_err *err)
{
    (void)cancel_job(c, 0, err);
    return ALCH_OK;
}

static int worker_fd(const alch_conn *c) { return c->ready[0]; }
static int worker_want(const alch_conn *c) { return c->busy ? ALCH_WANT_READ : 0; }

/* While a job runs the state is the thread's: what it began may be a transaction. */
static int worker_in_transaction(const alch_conn *c) { return c->busy ? 1 : c->state.in_transaction; }
static int worker_alive(const alch_conn *c) { return c->busy || c->state.alive; }
static int worker_version(const alch_conn *c) { return c->busy ? 0 : c->state.version; }
static int64_t worker_last_id(const alch_conn *c) { return c->busy ? 0 : c->state.last_id; }
static size_t worker_cached(const alch_conn *c) { return c->busy ? 0 : c->state.cached; }

alch_worker *alch_worker_new(const alch_driver *inner)
{
    alch_worker *w = alch_alloc0(sizeof *w);
    alch_driver *d;

    if (w == NULL)
        return NULL;
    w->inner = inner;
    alch_process_init(&w->process);
    d = &w->driver;
    d->abi = ALCH_DRIVER_ABI;
    d->flags = ALCH_DRIVER_LOCAL;
    d->name = inner->name;
    d->open = worker_open_start;
    d->open_step = worker_open_step;
    d->close = worker_close;
    d->fd = worker_fd;
    d->want = worker_want;
    d->last_insert_id = worker_last_id;
    d->in_transaction = worker_in_transaction;
    d->alive = worker_alive;
    d->server_version = worker_version;
    d->cancel = worker_cancel;
    d->statement_cache_len = worker_cached;
    alch_worker_cursor_methods(d);
    return w;
}

/* What was cancelled just before it began has not noticed. */
static void insist(alch_conn *c)
{
    static const struct timespec moment = { 0, 5000000 };

    while (!has_exited(c)) {
        (void)cancel_job(c, 1, NULL);
        (void)nanosleep(&moment, NULL);
    }
}

void alch_worker_drop(alch_worker *w)
{
    if (w == NULL || !alch_process_same(&w->process))
        return;
    while (w->closing != NULL) {
        alch_conn *c = w->closing;

        w->closing = c->next;
        insist(c);
        join(c);
    }
    alch_process_release(&w->process);
    alch_free(w);
}

const alch_driver *alch_worker_driver(const alch_worker *w) { return &w->driver; }
