#ifndef ALCH_DRIVER_WORKER_H
#define ALCH_DRIVER_WORKER_H

#include "driver/driver.h"

/*
** Makes a driver that waits inside (SQLite) one that answers WAIT: each of
** its connections gets a thread that opens it, executes and closes, while
** whoever owns the connection waits for a descriptor, or does something else.
**
** The thread sees nothing of Lua: texts, parameters and options are copied
** before a job begins, rows are copied in blocks while it runs. A connection
** is the thread's from the beginning of a job until its owner has taken note
** of the end; in between jobs the owner may call the driver itself.
**
** Closing waits for the thread, which is idle as a rule. One that is in the
** middle of a job is told to cancel and left alone to close its connection;
** it is waited for at the latest when the worker is dropped, so that no
** thread outlives the code it runs.
*/
typedef struct alch_worker alch_worker;

/* 'inner' must have ALCH_DRIVER_NEVER_WAITS, and allow its connections to be
** used by one thread after the other. NULL when memory runs out. */
alch_worker *alch_worker_new(const alch_driver *inner);
/* Its connections have been closed. NULL is allowed. In a forked child it does
** nothing: the threads are the parent's. */
void alch_worker_drop(alch_worker *w);
const alch_driver *alch_worker_driver(const alch_worker *w);

#endif
