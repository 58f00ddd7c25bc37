#include "base/arena.h"

#include <string.h>

#include "base/alloc.h"

struct alch_arena_block {
    alch_arena_block *older;
    _Alignas(8) char data[];
};

/* The first block from the heap is of a size that malloc keeps at hand. */
#define SECOND_BLOCK 1000

#define ALIGN(n) (((n) + 7u) & ~(size_t)7u)

void alch_arena_init(alch_arena *a)
{
    a->blocks = NULL;
    a->next = a->first;
    a->end = a->first + sizeof a->first;
    a->failed = 0;
}

static int add_block(alch_arena *a, size_t size)
{
    size_t usual = a->blocks == NULL ? SECOND_BLOCK : 8192, room = size > usual / 2 ? size : usual;
    alch_arena_block *b = alch_alloc(sizeof *b + room);

    if (b == NULL) {
        a->failed = 1;
        return 0;
    }
    b->older = a->blocks;
    a->blocks = b;
    a->next = b->data;
    a->end = b->data + room;
    return 1;
}

/* Room whose bytes are anything. */
static void *take(alch_arena *a, size_t size)
{
    void *p;

    size = ALIGN(size);
    if ((size_t)(a->end - a->next) < size && !add_block(a, size))
        return NULL;
    p = a->next;
    a->next += size;
    return p;
}

void *alch_arena_alloc(alch_arena *a, size_t size)
{
    void *p = take(a, size);

    return p == NULL ? NULL : memset(p, 0, ALIGN(size));
}

char *alch_arena_strndup(alch_arena *a, const char *s, size_t n)
{
    char *copy = take(a, n + 1);

    if (copy == NULL)
        return NULL;
    if (n > 0)
        memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

void alch_arena_release(alch_arena *a)
{
    while (a->blocks != NULL) {
        alch_arena_block *b = a->blocks;

        a->blocks = b->older;
        alch_free(b);
    }
    alch_arena_init(a);
}
