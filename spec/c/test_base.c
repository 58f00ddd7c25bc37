/* base/: buffers, arenas, maps, vectors, topological sort, errors. */
#include <string.h>

#include "base/buf.h"
#include "check.h"

static void buffer_appends(void)
{
    alch_buf b = ALCH_BUF_INIT;

    alch_buf_puts(&b, "a");
    alch_buf_putint(&b, INT64_MIN);
    alch_buf_quote(&b, "x\"y", 3, '"');
    CHECK(!b.failed && strcmp(b.data, "a-9223372036854775808\"x\"\"y\"") == 0);
    alch_buf_release(&b);
}

int main(void)
{
    CHECK_RUN(buffer_appends);
    return CHECK_END("base");
}
