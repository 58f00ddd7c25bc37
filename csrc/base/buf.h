#ifndef ALCH_BASE_BUF_H
#define ALCH_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
** A growing byte buffer whose failure sticks: after an allocation fails
** every append is a no-op and 'failed' stays set. Write a whole statement
** without a check, then look at 'failed' once.
**
** alch_buf_init/alch_buf_release for one inside another struct; the
** contents are NUL-terminated whenever 'data' is not NULL.
*/
typedef struct alch_buf {
    char *data;
    size_t len;      /* bytes used, without the NUL */
    size_t size;     /* bytes allocated */
    int failed;
} alch_buf;

#define ALCH_BUF_INIT { NULL, 0, 0, 0 }

/* Makes room for 'more' bytes beyond 'len' and the NUL; 0 when it fails. */
int alch_buf_reserve(alch_buf *b, size_t more);

void alch_buf_add_slowly(alch_buf *b, const char *s, size_t n);

/* What a compile does most: usually there is room. */
static inline void alch_buf_add(alch_buf *b, const char *s, size_t n)
{
    if (b->failed || b->size - b->len <= n) {
        alch_buf_add_slowly(b, s, n);
        return;
    }
    memcpy(b->data + b->len, s, n);
    b->len += n;
    b->data[b->len] = '\0';
}

static inline void alch_buf_puts(alch_buf *b, const char *s) { alch_buf_add(b, s, strlen(s)); }

static inline void alch_buf_putc(alch_buf *b, char c)
{
    if (b->failed || b->size - b->len <= 1) {
        alch_buf_add_slowly(b, &c, 1);
        return;
    }
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
}

void alch_buf_putint(alch_buf *b, int64_t n);
void alch_buf_printf(alch_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends 's' between two 'quote' characters, doubling those inside. */
void alch_buf_quote(alch_buf *b, const char *s, size_t n, char quote);

void alch_buf_clear(alch_buf *b);     /* forgets the contents, keeps the memory and not the failure */
void alch_buf_release(alch_buf *b);   /* frees the contents; 'b' is reusable */

#endif
