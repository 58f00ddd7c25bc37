#ifndef ALCH_SPEC_CHECK_H
#define ALCH_SPEC_CHECK_H

#include <stdio.h>

#include "base/alloc.h"
#include "base/err.h"

/*
** What every C test is made of: functions of CHECKs, run by CHECK_RUN from
** main, whose result is CHECK_END. A test goes on after a failed CHECK.
**
**     static void appends(void) { CHECK(...); }
**     int main(void) { CHECK_RUN(appends); return CHECK_END("buf"); }
**
** CHECK_SWEEP(program) runs "int program(alch_err *)" once as it is, then
** with each of its allocations failing: that one alone, and all from it on.
** A run must end in ALCH_OK or ALCH_ERR_NOMEM; the leak check of the
** sanitized build sees what an error path forgets.
*/
static int check_passed, check_failed, check_bad;

#define CHECK(condition) \
    ((condition) ? (void)0 : (check_bad++, \
        (void)printf("%s:%d: %s: CHECK(%s)\n", __FILE__, __LINE__, __func__, #condition)))

#define CHECK_RUN(test) \
    (check_bad = 0, test(), check_bad ? check_failed++ : check_passed++)

#define CHECK_END(name) \
    (printf("c %s: %d passed, %d failed\n", name, check_passed, check_failed), check_failed != 0)

#define CHECK_SWEEP(program) check_sweep(program, #program)

static inline void check_sweep(int (*program)(alch_err *), const char *name)
{
    alch_err err;
    long before = alch_alloc_count(), made, n;
    int forever, rc = program(&err), bad = rc != ALCH_OK;

    made = alch_alloc_count() - before;
    for (n = 1; n <= made; n++)
        for (forever = 0; forever <= 1; forever++) {
            alch_alloc_fail_at(n, forever);
            rc = program(&err);
            alch_alloc_fail_at(0, 0);
            if (rc != ALCH_OK && (rc != ALCH_ERR_NOMEM || err.code != rc)) {
                printf("%s: allocation %ld: %d %s\n", name, n, rc, err.text);
                bad++;
            }
        }
    if (made == 0 || bad)
        printf("%s: %d bad of %ld allocations\n", name, bad, made);
    *(made == 0 || bad ? &check_failed : &check_passed) += 1;
}

#endif
