/* Cancelling. PQcancel opens a connection of its own and blocks for as long as
** the network takes, minutes if somebody pulled the cable, and a program with
** an event loop cannot stand still that long: so it runs on a thread that is
** left alone. Whether it is still on its way is asked before the connection's
** next statement, which it could hit. */
#define _GNU_SOURCE     /* dladdr */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
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

/* Lua unloads the plug-in with its state; the thread's code stays. */
static void stay_loaded(void)
{
    static const char here;
    Dl_info self;

    if (dladdr(&here, &self) != 0)
        (void)dlopen(self.dli_fname, RTLD_LAZY | RTLD_NODELETE);
}

static int start(struct pg_cancelling *job)
{
    sigset_t all, before;
    pthread_t thread;
    int rc;

    (void)sigfillset(&all);         /* signals are for the threads of the program */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&thread, NULL, work, job);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        (void)pthread_detach(thread);
    return rc == 0;
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
    stay_loaded();
    if (job->cancel != NULL && start(job)) {
        c->cancelling = job;
        return ALCH_OK;
    }
    atomic_store(&job->users, 1);
    release(job);
    return c->host->err_set(err, ALCH_ERR_OPERATIONAL, "cannot cancel: there is no connection, or no thread for it");
}
