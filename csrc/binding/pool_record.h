#ifndef ALCH_BINDING_POOL_RECORD_H
#define ALCH_BINDING_POOL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "binding/driver_conn.h"
#include "pool/pool.h"

/*
** The objects of a pool in Lua, and what happens to the record of a physical
** connection; l_pool.c says who keeps whom alive.
*/
#define ALCH_POOL_METATABLE "lualchemy.pool"
#define ALCH_RECORD_METATABLE "lualchemy.pool_record"

enum {
    POOL_IDLE = 1,      /* index of a slot -> the door of its idle record; negative -> its driver connection */
    POOL_ALL,           /* index -> record, weak */
    POOL_CHECKOUT, POOL_CHECKIN, POOL_ABANDONED,    /* the hooks */
    POOL_CONNECTOR,     /* what pool:connector() answers */
    POOL_USER_VALUES = POOL_CONNECTOR
};
enum {
    RECORD_CONN = 1, RECORD_INFO, RECORD_FIELDS, RECORD_POOL,
    RECORD_IDLE,        /* the pool's POOL_IDLE */
    RECORD_DOOR,        /* see pool_proxy.h; from when it is connected */
    RECORD_HOLDER,      /* what somebody said about himself, see holder_of */
    RECORD_USER_VALUES = RECORD_HOLDER
};

typedef struct alch_pool_object {
    unsigned char hook_out, hook_in;    /* Lua wants to see every checkout, every checkin */
    const alch_process *process;        /* that uses it */
    alch_pool pool;
} alch_pool_object;

typedef struct alch_pool_record {
    alch_slot slot;                 /* first: a slot is its record */
    alch_driver_conn *dc;           /* in user value RECORD_CONN; NULL: none, or something else */
    const void *door;               /* which user value RECORD_DOOR is */
    uint64_t holder_of;             /* the number of the checkout that RECORD_HOLDER tells of */
    unsigned char given;            /* came back to the pool since its last finalization */
} alch_pool_record;

static inline alch_pool_object *alch_pool_of(const alch_slot *s)
{
    return (alch_pool_object *)((char *)s->pool - offsetof(alch_pool_object, pool));
}

/* Seconds of the monotonic clock: exactly, and as of its last tick. */
double alch_pool_now(void);
double alch_pool_coarse_now(void);
/* The pool at index 1; a record; the record of a pool's method: at index 2, and the pool's own. */
alch_pool_object *alch_check_pool(lua_State *L);
alch_pool_record *alch_check_record(lua_State *L, int idx);
alch_pool_record *alch_check_own_record(lua_State *L);
/* Pushes a new record, connecting, of the pool at index 1. */
void alch_push_record(lua_State *L, alch_pool_object *p);
/* The record at 'record' leaves its pool; with 'discard' its connection is closed too. */
void alch_record_forget(lua_State *L, int record, alch_pool_record *r);
void alch_record_discard(lua_State *L, int record, alch_pool_record *r);
/* Checkin of a record whose connection is clean; 1 if the pool keeps it. */
int alch_record_give(lua_State *L, int record, alch_pool_record *r);
/* Can the connection be handed on without a word to the database? */
int alch_driver_conn_is_clean(alch_driver_conn *dc);
/* Ends the results that are still open. */
void alch_driver_conn_finish(alch_driver_conn *dc);
/* Pushes the user's own table of the record at 'record', made if need be. */
void alch_record_push_info(lua_State *L, int record);
/* Makes the metatable of records. */
void alch_open_records(lua_State *L);

#endif
