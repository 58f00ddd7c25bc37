#ifndef ALCH_BASE_ARENA_H
#define ALCH_BASE_ARENA_H

#include <stddef.h>

/*
** Memory for one operation (one compile, one flush), freed all at once.
** The first block lives inside the struct, so a small operation allocates
** nothing. A pointer from an arena is valid until alch_arena_release; an
** arena must not be moved while it is in use. Objects are aligned to 8 bytes,
** as Lua aligns a userdata, which may hold an arena.
*/
typedef struct alch_arena_block alch_arena_block;

typedef struct alch_arena {
    alch_arena_block *blocks;   /* newest first */
    char *next, *end;           /* free part of the newest block */
    int failed;                 /* something was asked for that there was no memory for: sticks */
    _Alignas(8) char first[760];     /* so that what holds one is small enough for malloc to keep at hand */
} alch_arena;

void alch_arena_init(alch_arena *a);
/* Zeroed, aligned for any object; NULL when memory runs out. */
void *alch_arena_alloc(alch_arena *a, size_t size);
char *alch_arena_strndup(alch_arena *a, const char *s, size_t n);
void alch_arena_release(alch_arena *a);   /* 'a' is reusable */

#endif
