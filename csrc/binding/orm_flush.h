#ifndef ALCH_BINDING_ORM_FLUSH_H
#define ALCH_BINDING_ORM_FLUSH_H

#include "binding/orm_host.h"

/*
** What the files of a flush share: l_flush.c, orm_batch.c (parameters of a
** batch of rows, and the keys that came back), orm_finish.c and orm_sync.c, below.
**
** A flush along relationships (orm_sync.c). 'st' is the state of the object
** that has the relationship; many-to-many is orm/unitofwork.lua's.
*/

/* Objects that left its one-to-manys lose their reference to it; those that
** are orphans now are appended to the list at 'orphans' instead. */
void alch_sync_removed(lua_State *L, int st, alch_state *s, int orphans);
/* The same for what is left of a deleted object's one-to-manys. */
void alch_sync_deleted(lua_State *L, int st, alch_state *s, int orphans);
/* Its key goes down to the new objects of its one-to-manys. Those that are in
** no session are left alone, and with the relationship appended to 'strays'. */
void alch_sync_down(lua_State *L, int st, alch_state *s, int strays);
/* The keys of what its many-to-ones refer to come up to it; strays likewise. */
void alch_sync_up(lua_State *L, int obj, int st, alch_state *s, int strays);
/* Pushes the identity key that an object's current values make. Raises
** FlushError if a part is NULL. */
void alch_push_object_key(lua_State *L, const alch_codec *codec, int st, alch_state *s);
/* Is the value at 'idx' an SQL expression? */
int alch_is_expression(lua_State *L, int idx);
/* The values of the identity key at 'idx'; text points into it. */
void alch_unpack_key(lua_State *L, int idx, const alch_mapper *m, alch_value *values);
/* The same as parameters. */
void alch_bind_key(lua_State *L, int idx, const alch_codec *codec, alch_bound *b, alch_param *out);
/* The slots of a batch, read from a Lua list into a userdata left on the stack. */
size_t *alch_push_slots(lua_State *L, int list, size_t *n);
/* Adds the functions of orm_batch.c, orm_arrays.c or orm_finish.c to the module table on the top. */
void alch_open_batch(lua_State *L);
void alch_open_arrays(lua_State *L);
void alch_open_finish(lua_State *L);

/* Makes objects persistent as soon as their rows are in the database, while
** they are still near the processor, where nothing in the flush looks at their
** changes any more (orm_finish.c). Stack indices; two values are pushed. */
typedef struct alch_finisher {
    int session, frame, identities;
    lua_Integer noted;      /* in the frame's list */
} alch_finisher;

void alch_finisher_begin(lua_State *L, alch_finisher *f, int session, const alch_mapper *m, lua_Integer count);
/* Its key is an integer, and stored in it already. */
void alch_finisher_insert(lua_State *L, alch_finisher *f, int obj, int st, alch_state *s, lua_Integer number);
/* Did the parent that took it in last, by a delete-orphan relationship, let it go? */
int alch_is_let_go(lua_State *L, int st, const alch_state *s, const void *id);
/* Does a parent of that relationship hold it? Of a row that nobody spoke of it is assumed. */
int alch_may_be_held(lua_State *L, int st, const alch_state *s, const void *id);

#endif
