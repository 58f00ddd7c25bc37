#ifndef ALCH_SPEC_CHECK_H
#define ALCH_SPEC_CHECK_H

#include <stdio.h>

/*
** What every C test is made of: functions of CHECKs, run by CHECK_RUN from
** main, whose result is CHECK_END. A test goes on after a failed CHECK.
**
**     static void appends(void) { CHECK(...); }
**     int main(void) { CHECK_RUN(appends); return CHECK_END("buf"); }
*/
static int check_passed, check_failed, check_bad;

#define CHECK(condition) \
    ((condition) ? (void)0 : (check_bad++, \
        (void)printf("%s:%d: %s: CHECK(%s)\n", __FILE__, __LINE__, __func__, #condition)))

#define CHECK_RUN(test) \
    (check_bad = 0, test(), check_bad ? check_failed++ : check_passed++)

#define CHECK_END(name) \
    (printf("c %s: %d passed, %d failed\n", name, check_passed, check_failed), check_failed != 0)

#endif
