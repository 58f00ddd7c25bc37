/* Cancelling. PQcancel opens a connection of its own and blocks for as long as
** the network takes, minutes if somebody pulled the cable, and a program with
** an event loop cannot stand still that long: so it runs on a thread that is
** left alone. Whether it is still on its way is asked before the connection's
** next statement, which it could hit. */
#define _GNU_SOURCE     /* MAP_ANONYMOUS */
#include <stdatomic.h>
#include <sys/mman.h>

#include "plugins/postgresql/postgresql.h"

/* Of the thread and the connection; the last one frees it. A page of its own,
** because the thread may outlive the core, whose memory everything else is. */
struct pg_cancelling {
    atomic_int users;
    atomic_int over;
    PGcancel *cancel;
};

static void release(struct pg_cancelling *job)
{
    if (atomic_fetch_sub(&job->users, 1) > 1)
        return;
    PQfreeCancel(job->cancel);
    (void)munmap(job, sizeof *job);
}

static void *work(void *arg)
{
    struct pg_cancelling *job = arg;
    char text[256];

    (void)PQcancel(job->cancel, text, sizeof text);
    atomic_store(&job->over, 1);
    release(job);
    return NULL;
}

int alch_pg_cancelling(const alch_conn *c)
{
    return c->cancelling != NULL && !atomic_load(&c->cancelling->over);
}

void alch_pg_cancel_release(alch_conn *c)
{
    if (c->cancelling != NULL)
        release(c->cancelling);
    c->cancelling = NULL;
}

int alch_pg_cancel(alch_conn *c, alch_err *err)
{
    struct pg_cancelling *job;

    if (alch_pg_cancelling(c))
        return ALCH_OK;
    alch_pg_cancel_release(c);
    job = mmap(NULL, sizeof *job, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (job == MAP_FAILED)
        return c->host->err_nomem(err);
    job->cancel = PQgetCancel(c->pg);
    atomic_init(&job->users, 2);
    if (job->cancel != NULL && alch_pg_start_thread(work, job)) {
        c->cancelling = job;
        return ALCH_OK;
    }
    atomic_store(&job->users, 1);
    release(job);
    return c->host->err_set(err, ALCH_ERR_OPERATIONAL, "cannot cancel: there is no connection, or no thread for it");
}
