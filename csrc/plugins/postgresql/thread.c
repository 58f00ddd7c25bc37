/* Threads for what libpq and the C library can only do by blocking. Each is
** left alone: nobody waits for its end. */
#define _GNU_SOURCE     /* dladdr */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

#include "plugins/postgresql/postgresql.h"

/* Lua unloads the plug-in with its state; the thread's code stays. */
static void stay_loaded(void)
{
    static const char here;
    Dl_info self;

    if (dladdr(&here, &self) != 0)
        (void)dlopen(self.dli_fname, RTLD_LAZY | RTLD_NODELETE);
}

int alch_pg_start_thread(void *(*work)(void *), void *job)
{
    sigset_t all, before;
    pthread_t thread;
    int rc;

    stay_loaded();
    (void)sigfillset(&all);         /* signals are for the threads of the program */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&thread, NULL, work, job);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        (void)pthread_detach(thread);
    return rc == 0;
}
