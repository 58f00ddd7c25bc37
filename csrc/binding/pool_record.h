#ifndef ALCH_BINDING_POOL_RECORD_H
#define ALCH_BINDING_POOL_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "binding/driver_conn.h"
#include "pool/slot.h"

/*
** The objects of a pool in Lua, and what happens to the record of a physical
** connection; l_pool.c says who keeps whom alive.
*/
#define ALCH_POOL_METATABLE "lualchemy.pool"
#define ALCH_RECORD_METATABLE "lualchemy.pool_record"

enum {
    POOL_KEPT = 1,      /* index of a slot -> the door of a record that is 'kept', or false; negative -> its driver connection */
    POOL_ALL,           /* index -> record, weak */
    POOL_CHECKOUT, POOL_CHECKIN, POOL_ABANDONED,    /* the hooks */
    POOL_CONNECTOR,     /* what pool:connector() answers */
    POOL_USER_VALUES = POOL_CONNECTOR
};
enum {
    RECORD_CONN = 1, RECORD_INFO, RECORD_FIELDS, RECORD_POOL,
    RECORD_KEPT,        /* the pool's POOL_KEPT */
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
    uint64_t missed;                /* the checkout that was forgotten, but maybe not by its holder's finalizer */
    unsigned char given;            /* came back to the pool since its last finalization */
    unsigned char kept;             /* the pool keeps it alive: it is idle, or out and was not let out (pool_leak.c) */
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
/* From now on only its holders keep what the pool at 'pool' has handed out. Never raises. */
void alch_pool_let_out(lua_State *L, int pool);
/* Does that again and again, until the pool at 'pool' ends. */
void alch_pool_watch_leaks(lua_State *L, int pool);
/* Makes the metatable of the watchers that do. */
void alch_open_leaks(lua_State *L);
/* Can the connection be handed on without a word to the database? */
static inline int alch_driver_conn_is_clean(alch_driver_conn *dc)
{
    return dc != NULL && dc->conn != NULL && alch_driver_conn_ours(dc) && dc->owner == NULL && !dc->altered
        && dc->driver->alive(dc->conn) && dc->driver->in_transaction(dc->conn) == 0;
}
/* Ends the results that are still open. */
static inline void alch_driver_conn_finish(alch_driver_conn *dc)
{
    if (dc->cursor != NULL)
        alch_driver_conn_end_result(dc);
    dc->driver->finish(dc->conn);
}
/* Pushes the user's own table of the record at 'record', made if need be. */
void alch_record_push_info(lua_State *L, int record);
/* Makes the metatable of records. */
void alch_open_records(lua_State *L);

#endif
