/* How long statements may run. SQLite calls its progress handler every so
** many instructions of its machine; waiting for another process's lock is
** busy_timeout's business and calls nobody. Only time spent inside SQLite
** counts, not what the program does between two rows. */
#include <time.h>

#include "plugins/sqlite/sqlite.h"

/* Some tens of microseconds: rare enough to cost nothing, often enough. */
enum { INSTRUCTIONS = 1000 };

static double clock_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int is_over(void *data)
{
    const alch_conn *c = data;

    return clock_now() >= c->stop_at;
}

int alch_sqlite_limit(alch_conn *c, double seconds)
{
    c->limited = seconds > 0;
    c->budget = seconds;
    sqlite3_progress_handler(c->db, c->limited ? INSTRUCTIONS : 0, c->limited ? is_over : NULL, c);
    return 1;
}

int alch_sqlite_step(alch_conn *c, sqlite3_stmt *stmt)
{
    double start;
    int rc;

    if (!c->limited)
        return sqlite3_step(stmt);
    start = clock_now();
    c->stop_at = start + c->budget;
    rc = sqlite3_step(stmt);
    c->budget -= clock_now() - start;
    return rc;
}
