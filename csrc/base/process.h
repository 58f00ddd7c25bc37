#ifndef ALCH_BASE_PROCESS_H
#define ALCH_BASE_PROCESS_H

#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

/*
** Which process this is, for what a forked child must not touch: sockets and
** SQLite handles are its parent's. Asking must be cheap, since every use of a
** connection asks: where the system has it, a page that a fork wipes in the
** child (Linux, MADV_WIPEONFORK) is read, elsewhere the process is asked for
** its number.
*/
typedef struct alch_process {
    volatile unsigned char *page;   /* holds 1 in this process; NULL: the system has no such page */
    size_t size;
    pid_t pid;
} alch_process;

void alch_process_init(alch_process *p);
void alch_process_release(alch_process *p);

/* Is this still the process that 'p' was made in? */
static inline int alch_process_same(const alch_process *p)
{
    return p->page != NULL ? *p->page : getpid() == p->pid;
}

#endif
