#ifndef ALCH_DRIVER_STATEMENTS_H
#define ALCH_DRIVER_STATEMENTS_H

#include <stddef.h>
#include <stdint.h>

/*
** The prepared statements of one connection, by SQL text (the key may hold
** more: PostgreSQL adds the parameter types), bounded: when the limit is
** reached the one unused for longest is dropped.
**
** A statement is *in use* from find/add until done. It is neither handed out
** again nor dropped meanwhile; a text that is wanted while its statement is
** in use gets a second one. A statement that found no room is dropped at
** done, so drivers treat cached and uncached ones alike. Limit 0: no cache.
*/
typedef struct alch_statements alch_statements;

typedef struct alch_statement {
    void *handle;               /* the driver's */
    struct alch_statement *newer, *older;   /* by last use; NULL when not kept */
    struct alch_statement *next;            /* same bucket */
    uint64_t hash;
    size_t len;
    uint8_t in_use, kept;
    char key[];
} alch_statement;

/* Frees one handle: closes it, or notes that the server still has to. */
typedef void (*alch_statement_drop)(void *payload, void *handle);

alch_statements *alch_statements_new(size_t limit, alch_statement_drop drop, void *payload);
/* Drops all; none may be in use. NULL is allowed. */
void alch_statements_drop(alch_statements *s);

/* An idle statement of that key, now in use, or NULL. */
alch_statement *alch_statements_find(alch_statements *s, const char *key, size_t len);
/* A new statement in use. Owns 'handle' from now on; NULL when memory runs
** out, then the handle is still the caller's. */
alch_statement *alch_statements_add(alch_statements *s, const char *key, size_t len, void *handle);
/* No longer in use. */
void alch_statements_done(alch_statements *s, alch_statement *st);
/* Never hand it out again; done drops it. */
void alch_statements_forget(alch_statements *s, alch_statement *st);
/* Forgets all of them: idle ones are dropped now, those in use at done. */
void alch_statements_clear(alch_statements *s);

size_t alch_statements_len(const alch_statements *s);   /* kept ones, in use or idle */

#endif
