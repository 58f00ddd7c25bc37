#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

int alch_buf_reserve(alch_buf *b, size_t more)
{
    size_t need = b->len + more + 1;
    size_t size = b->size ? b->size : 128;
    char *p;

    if (b->failed)
        return 0;
    if (need <= b->size && need > more)
        return 1;
    if (more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4) {     /* doubling would wrap around */
        b->failed = 1;
        return 0;
    }
    while (size < need)
        size *= 2;
    p = alch_realloc(b->data, size);
    if (p == NULL) {
        b->failed = 1;
        return 0;
    }
    b->data = p;
    b->size = size;
    return 1;
}

void alch_buf_add_slowly(alch_buf *b, const char *s, size_t n)
{
    if (!alch_buf_reserve(b, n))
        return;
    if (n > 0)
        memcpy(b->data + b->len, s, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void alch_buf_putint(alch_buf *b, int64_t n)
{
    char digits[24], *p = digits + sizeof digits;
    uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

    do
        *--p = (char)('0' + u % 10);
    while ((u /= 10) > 0);
    if (n < 0)
        *--p = '-';
    alch_buf_add(b, p, (size_t)(digits + sizeof digits - p));
}

void alch_buf_printf(alch_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n >= 0 && alch_buf_reserve(b, (size_t)n)) {
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void alch_buf_quote(alch_buf *b, const char *s, size_t n, char quote)
{
    const char *end = s + n;

    alch_buf_putc(b, quote);
    while (s < end) {
        const char *q = memchr(s, quote, (size_t)(end - s));
        size_t run = (size_t)((q ? q + 1 : end) - s);

        alch_buf_add(b, s, run);
        if (q != NULL)
            alch_buf_putc(b, quote);
        s += run;
    }
    alch_buf_putc(b, quote);
}

void alch_buf_clear(alch_buf *b)
{
    b->len = 0;
    b->failed = 0;
    if (b->data != NULL)
        b->data[0] = '\0';
}

void alch_buf_release(alch_buf *b)
{
    alch_buf empty = ALCH_BUF_INIT;

    alch_free(b->data);
    *b = empty;
}
