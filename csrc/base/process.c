/* MAP_ANONYMOUS and MADV_WIPEONFORK are not in POSIX. */
#define _DEFAULT_SOURCE
#include "base/process.h"

#include <sys/mman.h>

void alch_process_init(alch_process *p)
{
    p->page = NULL;
    p->size = 0;
    p->pid = getpid();
#ifdef MADV_WIPEONFORK
    long size = sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return;
    if (madvise(page, (size_t)size, MADV_WIPEONFORK) != 0) {
        (void)munmap(page, (size_t)size);
        return;
    }
    p->page = page;
    p->size = (size_t)size;
    *p->page = 1;
#endif
}

void alch_process_release(alch_process *p)
{
    if (p->page != NULL)
        (void)munmap((void *)p->page, p->size);
    p->page = NULL;
}
