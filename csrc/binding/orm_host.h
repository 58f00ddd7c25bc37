#ifndef ALCH_BINDING_ORM_HOST_H
#define ALCH_BINDING_ORM_HOST_H

#include <lauxlib.h>
#include <lua.h>

#include "base/buf.h"
#include "binding/bind.h"
#include "binding/bound.h"
#include "orm/state.h"
#include "type/convert.h"

/*
** How a mapped instance hangs together in Lua, for the files l_mapper,
** l_state, l_list, l_session, l_load, l_flush and the orm_* beside them.
**
**   instance   the user's table; instance[HIDDEN] is its state
**   state      userdata: alch_state; user values: one per attribute, at its
**              slot, and EXTRA: an identity key that is no integer, or the
**              AUX table, which has such a key at 0 and, from -1 downwards,
**              old values by attribute; nil where there is neither. A state
**              made with a packed row (ALCH_STATE_APART) has user values for
**              its mapper's close attributes only: one other value that is
**              kept may be in EXTRA, if the key is an integer; if there are
**              more, they are in AUX, from 1 upwards
**   class      class[PLAN] is the plan of its mapper (another key: a class is no instance)
**   plan       userdata "lualchemy.plan": alch_mapper
**
** A state's metatable anchors its plan, so a state outlives clear_mappers.
** The state does not know its instance: functions take both, as absolute
** stack indices ('obj' the instance, 'st' the state's userdata).
*/
extern const char alch_orm_plan;

/* The key of an instance's state: an integer, since that is the kind of key
** that a table finds soonest; one that no program counts or dates up to. */
#define ALCH_HIDDEN ((lua_Integer)0x7b6c636821)

/* Most columns of a primary key. */
#define ALCH_KEY_MAX 16

#define ALCH_PLAN_METATABLE "lualchemy.plan"
#define ALCH_LIST_METATABLE "lualchemy.list"
#define ALCH_SESSION_METATABLE "lualchemy.session"

/* Slots of a state's metatable. */
enum { ALCH_MT_PLAN = 1, ALCH_MT_MAPPER = 2, ALCH_MT_PROPERTIES = 3, ALCH_MT_CLASS = 4, ALCH_MT_IDENTITY = 5 };

#define alch_uv_extra(m) ((int)(m)->close + 1)
/* In AUX: the key of an attribute's value if that is kept apart, of its old value. */
#define alch_aux_value(i) ((lua_Integer)(i) + 1)
#define alch_aux_old(i) (-(lua_Integer)(i) - 1)

/* -- l_mapper.c -- */
const alch_mapper *alch_check_plan(lua_State *L, int idx);
/* Pushes the Lua mapper, or the property of an attribute, of a state's plan. */
void alch_push_mapper(lua_State *L, int st);
void alch_push_property(lua_State *L, int st, size_t i);

/* -- orm_state.c: states -- */
/* Pushes the state of the instance at 'obj'. NULL, and nothing pushed, if it has none. */
alch_state *alch_push_state(lua_State *L, int obj);
/* The same; gives a state to an instance that has none yet and adopts its raw
** fields. Raises UnmappedInstanceError for anything else; 'what' says where. */
alch_state *alch_need_state(lua_State *L, int obj, const char *what);
/* Is it an instance of a mapped class, whether it has met the library or not? */
int alch_is_instance(lua_State *L, int obj);
/* A new object says in its discriminator which class it is of. Its state is on the top. */
void alch_stamp_identity(lua_State *L, alch_state *s);
/* Pushes a new state for 'plan' with room for a packed row. */
alch_state *alch_new_state(lua_State *L, int plan, size_t row);
/* Pushes the identity key: an integer, a string, or nil if it has none. */
void alch_push_state_key(lua_State *L, int st, const alch_state *s);
/* Gives it the key on the top, which may be nil, and pops that. */
void alch_set_state_key(lua_State *L, int st, alch_state *s);

/* -- orm_move.c -- */
/* Replaces the state on the top, of the instance at 'obj', by one of its
** plan's last successor, which has the same values. */
alch_state *alch_move_state(lua_State *L, int obj);

/* -- orm_convert.c: the database's values -- */
typedef struct alch_codec {
    const alch_mapper *mapper;      /* its plan is anchored */
    alch_conversion columns[];      /* one per column attribute */
} alch_codec;

const alch_codec *alch_check_codec(lua_State *L, int idx);
/* Pushes the codec of the plan at 'plan' for the dialect at 'dialect', made if need
** be; and for the driver connection at 'conn', which knows who has its own way of
** keeping values. */
const alch_codec *alch_push_codec(lua_State *L, int plan, int dialect);
const alch_codec *alch_push_codec_for(lua_State *L, int plan, int conn);
/* Pushes a driver's value as column i reads it; as it is where 'columns' is NULL. */
void alch_push_cell(lua_State *L, const alch_conversion *columns, size_t i, const alch_value *cell);
/* The Lua value at 'idx' as the parameter of column i; its text goes into 'b'. */
void alch_bind_attr(lua_State *L, const alch_codec *codec, size_t i, int idx, alch_bound *b, alch_param *out);
/* Adds orm_convert.c's functions to the module table on the top. */
void alch_open_codec(lua_State *L);

/* -- orm_attr.c: values of attributes -- */
/* Pushes what the host keeps of an attribute, or nil, and gives its type; keeps
** the value on the top from now on, and pops it. The sets are the caller's matter. */
int alch_push_kept(lua_State *L, int st, const alch_state *s, size_t i);
void alch_keep(lua_State *L, int st, alch_state *s, size_t i);
/* Pushes what is in memory; 0 and nothing, or nil, if unknown. */
int alch_push_known(lua_State *L, int st, alch_state *s, size_t i);
void alch_push_value(lua_State *L, int st, alch_state *s, size_t i);
/* The host holds the value of a known attribute from now on. */
void alch_keep_value(lua_State *L, int st, alch_state *s, size_t i);
/* Sets the current value to the one on the top and pops it, keeping the
** database's value; no listeners, no backrefs. Marks the object as changed. */
void alch_store(lua_State *L, int obj, int st, alch_state *s, size_t i);
/* Sets it as the database's value: no change. Pops it. */
void alch_store_clean(lua_State *L, int st, alch_state *s, size_t i);
/* Pushes the AUX table, made if need be: old values by attribute number, and
** for delete-orphan relationships a count of parents by property. */
void alch_push_aux(lua_State *L, int st, alch_state *s);
/* For an object that has no row any more: every value it has counts as set, every item as added. */
void alch_forget_history(lua_State *L, int st, alch_state *s);
/* What the query that loaded the object said about loading what it refers to
** (any Lua value, at the top of the stack): kept in AUX, longer than old values are. Pops it. */
void alch_set_context(lua_State *L, int st, alch_state *s);
/* Pushes it, or nil. */
void alch_push_context(lua_State *L, int st, const alch_state *s);
/* Pushes the database's value of a changed attribute; 0 and nothing if unknown. */
int alch_push_base(lua_State *L, int st, alch_state *s, size_t i);
/* Is a CHANGED column back at the database's value? */
int alch_unchanged(lua_State *L, int st, alch_state *s, size_t i);
/* What was set is now what the database has. */
void alch_commit_state(lua_State *L, int st, alch_state *s);
/* Forgets everything but the identity key; lists stay, unloaded. */
void alch_expire_state(lua_State *L, int st, alch_state *s);
void alch_expire_attr(lua_State *L, int st, alch_state *s, size_t i);

/* -- orm_link.c: relationships, both sides -- */
/* Assignment to a scalar relationship; the new value (object or nil) is on the top; pops it. */
void alch_set_object(lua_State *L, int obj, int st, alch_state *s, size_t i);
/* Pushes the object of an unloaded many-to-one if it is in memory; 0 and
** nothing if not. */
int alch_push_many_to_one(lua_State *L, int st, alch_state *s, size_t i);
/* The same, if that is what a load would give: not where it has expired, for
** its row may be gone, and not where it is of another class than asked for. */
int alch_push_answer(lua_State *L, int st, alch_state *s, size_t i);
/* 'me' (attribute i) now refers to the instance at 'other', or no longer
** does: lets the other side's attribute know. */
void alch_link(lua_State *L, int me, const alch_state *s, size_t i, int other);
void alch_unlink(lua_State *L, int me, const alch_state *s, size_t i, int other);
/* Raises unless the value at 'other' may stand in the relationship. */
void alch_check_target(lua_State *L, int st, alch_state *s, size_t i, int other);
/* If 'me' is in a session, its relationship i brings 'other' in too. */
void alch_cascade_save(lua_State *L, const alch_state *s, size_t i, int other);

/* -- l_list.c: collections -- */
typedef struct alch_collection {
    const void *tag;        /* &alch_list_tag */
    uint32_t attr;
    uint32_t count;         /* items, when loaded */
    uint32_t head, holes;   /* of the places of the items (orm_items.c) */
    uint32_t stamp;         /* order of the entries of the delta */
    uint32_t changes;       /* of the items, so far */
    uint8_t loaded;
    uint8_t fresh;          /* no row yet: every item counts as added */
    uint8_t indexed, searches;
} alch_collection;

extern const char alch_list_tag;

enum { ALCH_LIST_ITEMS = 1, ALCH_LIST_OWNER = 2, ALCH_LIST_DELTA = 3, ALCH_LIST_INDEX = 4 };

/* Pushes the collection of an attribute, made if need be; loaded if the owner has no row. */
alch_collection *alch_push_collection(lua_State *L, int obj, int st, alch_state *s, size_t i);
/* Pushes it only if there is one. */
alch_collection *alch_peek_collection(lua_State *L, int st, const alch_state *s, size_t i);
/* The last place of an object, or 0: what 'delete' takes, but no position. */
lua_Integer alch_collection_find(lua_State *L, int list, int item);
void alch_collection_insert(lua_State *L, int list, lua_Integer at, int item);
void alch_collection_delete(lua_State *L, int list, lua_Integer place);
/* From the other side: the item joins or leaves, queued when not loaded. */
void alch_collection_join(lua_State *L, int list, int item);
void alch_collection_leave(lua_State *L, int list, int item);
/* Fills a list from the database's items (a Lua list at 'items') and plays
** what was queued over them. */
void alch_collection_fill(lua_State *L, int list, int items);
/* The same with a Lua list that is nobody else's: it may become the collection's own. */
void alch_collection_take(lua_State *L, int list, int items);
/* Makes the list's items those of the Lua list (or collection) at 'items'. */
void alch_collection_assign(lua_State *L, int list, int items);
void alch_collection_commit(lua_State *L, int list);
void alch_collection_expire(lua_State *L, int list);
/* What came since the last load or flush, what stayed, what left. */
enum { ALCH_PART_ADDED, ALCH_PART_UNCHANGED, ALCH_PART_DELETED };
/* Pushes a new table of one part of the items. */
void alch_collection_part(lua_State *L, int list, int part);
/* Pushes three tables: added, unchanged, deleted. */
void alch_collection_history(lua_State *L, int list);

/* -- orm_items.c: the items of a loaded collection -- */
/* Pushes the items as a list without holes. */
void alch_items_push(lua_State *L, int list);
/* Makes the table on the top, of 'count' items, the collection's. Pops it. */
void alch_items_set(lua_State *L, int list, lua_Integer count);
/* The place of the item at a position; and pushes what is in a place, giving its type. */
lua_Integer alch_items_place(lua_State *L, int list, lua_Integer at);
int alch_items_get(lua_State *L, int list, lua_Integer place);
void alch_items_insert(lua_State *L, int list, lua_Integer at, int item);
void alch_items_remove(lua_State *L, int list, lua_Integer place);

/* -- orm_load.c: what is not in memory -- */
/* Pushes a function and two arguments that, called, fetch an attribute: the
** caller makes the call, so that it may yield. 0 and nothing pushed if there
** is nothing to load from: the object has no row. Raises DetachedInstanceError
** when it has one but no session. */
int alch_begin_load(lua_State *L, int obj, int st, size_t i);
/* The result of that call is on the top: fills the list at 'list'. */
void alch_finish_load(lua_State *L, int list);
/* A row that has no object in memory yet. class_ to key are stack indices; most
** keys are integers, which need no place on the stack. */
typedef struct alch_new_object {
    const alch_codec *codec;
    const alch_value *cells;    /* one per column attribute */
    const uint8_t *wanted;      /* set of those that were selected */
    uint32_t session;
    int class_, plan, identities;
    int key;                    /* 0: it is 'int_key' */
    lua_Integer int_key;
} alch_new_object;

/* Pushes the object: persistent, and in the identity map. */
void alch_push_new_object(lua_State *L, const alch_new_object *o);

/* -- orm_session.c -- */
/* The objects a session holds strongly, each in one of three Lua lists with
** holes (false) where one left; and the identity map: per mapper hierarchy a
** Lua table from key to instance with weak values. */
typedef struct alch_session {
    const void *tag;        /* &alch_session_tag */
    uint32_t number;        /* never used twice in a Lua state */
    uint32_t length[3];     /* of new, modified, deleted */
    uint32_t count[3];      /* of which live */
    uint32_t seen[3];       /* how far a running flush has collected them */
    uint8_t watched;        /* tell the session object of each instance that comes in */
} alch_session;

extern const char alch_session_tag;

enum { ALCH_NEW, ALCH_MODIFIED, ALCH_MARKED_DELETED };

/* User values: the lists from 1 on, then these. */
enum { ALCH_SESSION_IDENTITY = 4, ALCH_SESSION_OBJECT = 5, ALCH_SESSION_FRAME = 6, ALCH_SESSION_GETTER = 7, ALCH_SESSION_VALUES = 7 };

/* Lists of a transaction's frame: what a rollback has to undo. Each has its
** length in its field n (they are weak, but for the last). */
enum { ALCH_FRAME_NEW = 1, ALCH_FRAME_DELETED = 2, ALCH_FRAME_DIRTY = 3,
       ALCH_FRAME_KEYS = 4 };    /* object, old key, object, old key ... */

/* An attribute of the instance changed: its session has to know. */
void alch_modified(lua_State *L, int obj, alch_state *s);
/* Brings an instance into a session, and with it what its relationships reach;
** with 'walk' also if it was there already. */
void alch_attach(lua_State *L, int obj, uint32_t session, int walk);
/* The same with the session's userdata at 'session'. */
void alch_attach_to(lua_State *L, int session, int obj, int walk);
/* The same for an instance whose state is at hand; it and what it reaches. */
void alch_attach_state(lua_State *L, int session, int obj, int st, alch_state *s);
/* Pushes the userdata of a live session; 0 and nothing pushed if it is gone. */
int alch_push_session(lua_State *L, uint32_t number);
/* An object whose session was collected is in none: a row stays a row, what was not written starts over. */
void alch_leave_dead_session(lua_State *L, alch_state *s);
/* Every live session is watched from now on. */
void alch_watch_sessions(lua_State *L);
/* Pushes a list of the session objects of every session there is. */
void alch_push_session_objects(lua_State *L);
/* Gives the new session userdata its number. */
void alch_register_session(lua_State *L, int session);
void alch_session_list(lua_State *L, int session, int which, int obj, alch_state *s);
/* Takes an instance out of the list that holds it. */
void alch_session_unlist(lua_State *L, int session, alch_state *s);
/* Pushes the identity table of a mapper's hierarchy. */
void alch_push_identities(lua_State *L, int session, const alch_mapper *m);
/* Pushes what an identity table has under the key at 'key' and gives its type;
** puts the instance at 'obj' there. */
int alch_get_identity(lua_State *L, int identities, int key);
void alch_put_identity(lua_State *L, int identities, int key, int obj);
/* Pushes the instance of an identity key (at 'key'); 0 and nothing if absent. */
int alch_push_identity(lua_State *L, int session, const alch_mapper *m, int key);
/* The instance has a row now, known by the key on the top (popped). Raises
** FlushError if another instance has that key. */
void alch_identify(lua_State *L, int session, int obj, int st, alch_state *s);
/* The same, with the identity map of its hierarchy at hand; but another
** instance that has the key leaves the session: its row is gone, as after a
** rollback, when numbers are given out again. Stack indices. */
void alch_claim_identity(lua_State *L, int session, int identities, int obj, int st, alch_state *s);
/* The same for a key that is an integer. */
void alch_claim_number(lua_State *L, int session, int identities, int obj, alch_state *s, lua_Integer number);

/* -- orm_key.c -- */
/* Pushes the identity key of these values. */
void alch_push_key(lua_State *L, const alch_value *values, size_t n);

#endif
