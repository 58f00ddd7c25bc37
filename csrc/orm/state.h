#ifndef ALCH_ORM_STATE_H
#define ALCH_ORM_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "orm/mapper.h"
#include "value/value.h"

/*
** What the library knows of one mapped instance. The instance itself is the
** host's object, which hides its state; the host keeps, beside each state,
** values of attributes (and, where there are such, an identity key that is no
** integer and a table of old values). A state that has a row needs few of
** them: it has room for the close attributes of its mapper, and for one more.
**
** The row an instance was loaded from lies packed behind the state and is
** never written again; a value becomes the host's when it is first read.
** Six sets of attributes say where the truth is:
**
**   VALUE    the host holds the current value (for a list: it is loaded)
**   PACKED   the packed row holds the value that the database has
**   CHANGED  set since the last load or flush; implies VALUE
**   BASE     CHANGED, not PACKED: the host kept the database's value aside
**   GIVEN    written by a flush, not by the user: taken back by a rollback
**   READ     the host has made this text once, and let go of it
**
** Neither VALUE nor PACKED: not loaded, or expired. CHANGED with neither
** PACKED nor BASE: the old value was never known.
*/
typedef enum alch_life {
    ALCH_TRANSIENT,     /* no row, no session */
    ALCH_PENDING,       /* added, not flushed */
    ALCH_PERSISTENT,
    ALCH_DELETED,       /* its DELETE was flushed, the transaction still runs */
    ALCH_DETACHED       /* has a row, no session */
} alch_life;

enum { ALCH_SET_VALUE, ALCH_SET_PACKED, ALCH_SET_CHANGED, ALCH_SET_BASE, ALCH_SET_GIVEN, ALCH_SET_READ, ALCH_SETS };

enum {
    ALCH_IN_NEW = 1,            /* which of its session's lists holds it, at 'slot' */
    ALCH_IN_MODIFIED = 2,
    ALCH_IN_DELETED = 4,
    ALCH_IN_LISTS = 7,
    ALCH_STATE_FLUSHING = 8,    /* a running flush has collected it */
    ALCH_STATE_KEYED = 16,      /* the identity key is set */
    ALCH_STATE_MARKED = 32,     /* scratch of one walk over many states */
    ALCH_STATE_INT_KEY = 64,    /* the identity key is an integer, kept in 'key' */
    ALCH_STATE_AUX = 128,       /* the host keeps a table of old values */
    ALCH_STATE_GONE = 512,      /* its row was deleted, and that was committed */
    ALCH_STATE_BOXED = 256,     /* some value was set that is no plain one of the host's: it may be an SQL expression */
    ALCH_STATE_APART = 2048,    /* it has slots for the values of its mapper's close attributes only */
    ALCH_STATE_LOAN = 4096,     /* its relationships load through a session that it is not in; the host knows which */
    ALCH_STATE_LOOSE = 1024     /* it had a row once and is transient now: its history is kept until it is added again */
};

typedef struct alch_state {
    const alch_mapper *mapper;
    const struct alch_conversion *readers;  /* of the packed row's columns, and the identity key's; NULL: values as they are */
    int64_t key;            /* the identity key, with ALCH_STATE_INT_KEY */
    uint32_t session;       /* number of its session, 0: none */
    uint32_t slot;
    uint32_t level;         /* scratch of a flush: depth of dependency */
    uint16_t flags;
    uint16_t single;        /* APART: the one attribute, from 1, whose value stands in the host's own slot; or 0 */
    uint8_t life;           /* alch_life */
    uint8_t sets[];         /* ALCH_SETS * mapper->set_size, then, aligned, the packed row */
} alch_state;

static inline int alch_has(const alch_state *s, int set, size_t i)
{
    return s->sets[(size_t)set * s->mapper->set_size + i / 8] >> (i % 8) & 1;
}

static inline void alch_put(alch_state *s, int set, size_t i)
{
    uint8_t *byte = &s->sets[(size_t)set * s->mapper->set_size + i / 8];

    *byte = (uint8_t)(*byte | 1u << (i % 8));
}

static inline void alch_cut(alch_state *s, int set, size_t i)
{
    uint8_t *byte = &s->sets[(size_t)set * s->mapper->set_size + i / 8];

    *byte = (uint8_t)(*byte & ~(1u << (i % 8)));
}

static inline int alch_known(const alch_state *s, size_t i)
{
    return alch_has(s, ALCH_SET_VALUE, i) || alch_has(s, ALCH_SET_PACKED, i);
}

/* The same for a set that stands alone, of 'set_size' bytes. */
static inline int alch_set_has(const uint8_t *set, size_t i)
{
    return set[i / 8] >> (i % 8) & 1;
}

static inline void alch_set_put(uint8_t *set, size_t i)
{
    set[i / 8] = (uint8_t)(set[i / 8] | 1u << (i % 8));
}

int alch_any(const alch_state *s, int set);
void alch_clear(alch_state *s, int set);

/* Bytes of a state with a packed row of 'row' bytes (0: none). */
size_t alch_state_size(const alch_mapper *m, size_t row);
/* Sets up zeroed memory of that size. */
void alch_state_init(alch_state *s, const alch_mapper *m);

/* The packed row: kinds, then eight bytes per cell, then text. 'cells' are
** the driver's values (kinds up to ALCH_BLOB), one per column attribute. */
size_t alch_row_size(const alch_value *cells, size_t n);
void alch_row_pack(alch_state *s, const alch_value *cells, size_t n);
/* Text points into the state. Only for an attribute in PACKED. */
void alch_row_cell(const alch_state *s, size_t i, alch_value *out);

const char *alch_life_name(int life);

#endif
