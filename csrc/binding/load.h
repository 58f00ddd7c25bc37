#ifndef ALCH_BINDING_LOAD_H
#define ALCH_BINDING_LOAD_H

#include "binding/orm_host.h"
#include "binding/run.h"
#include "orm/pairs.h"

/*
** A loader: rows of a running statement to objects (l_load.c), and what
** belongs to them along relationships that the same rows bring (load_tree.c).
**
** The entities are one array: first those a row is made of, then those that
** hang below another one, each behind its parent; then the *variants*: a row whose
** discriminator names a class below the entity's is read as that class. Everything a row needs is resolved when
** the loader is made: the plan, where its columns stand, its class, the identity table.
**
** A collection that rows fill is gathered in a Lua list of its own and given
** to its owner when the last row was read: whoever looks in between, or never
** comes to the end, sees it unloaded.
*/
enum {
    ALCH_LOAD_RUN = 1, ALCH_LOAD_SESSION, ALCH_LOAD_ANCHORS, ALCH_LOAD_ROW, ALCH_LOAD_LOADED,
    ALCH_LOAD_USER_VALUES = ALCH_LOAD_LOADED
};

/*
** Per entity, in the anchors, which a fetch spreads over the stack: its class,
** its plan, its identity table; what later lazy loads of its objects have to
** know (or nil); a list of the objects seen (or nil); for a collection its
** items by owner, false where they are loaded, and those of the last owner; a
** function that makes its objects from rows in the loader's place (or nil); the
** variants by discriminator: a number, false for a class that is not below the entity's.
*/
enum {
    ALCH_OF_CLASS, ALCH_OF_PLAN, ALCH_OF_IDENTITY, ALCH_OF_CONTEXT, ALCH_OF_SEEN, ALCH_OF_FILLING, ALCH_OF_ITEMS,
    ALCH_OF_HOOK, ALCH_OF_VARIANTS, ALCH_OF_EACH
};

typedef struct alch_entity {
    const alch_mapper *m;   /* NULL: a plain column */
    const alch_codec *codec;
    int column;
    int *positions;         /* of each column attribute, -1: not selected; in the loader's own block */
    uint8_t *wanted;        /* set of the selected attributes */
    uint8_t hooked;         /* a function makes its objects */
    uint8_t listed;         /* somebody asks which objects were seen */
    uint8_t informed;       /* its objects have to know something for later loads */
    int discriminator;      /* the attribute that says which variant a row is; -1: there are none */
    alch_value last_value;  /* its value in the row before, where it is short, and what that meant */
    char last_text[40];
    size_t last_variant;
    int first_child, next;  /* entities below it, and beside it below the same parent; -1: none */
    const alch_mapper *owner;   /* the class whose attribute holds it: the parent's, or one below that */
    size_t attr;            /* that attribute */
    const void *last_owner; /* collection: whose items are at hand; only compared */
    lua_Integer item_count; /* of those */
    const void *last_seen;
    lua_Integer seen_count;
} alch_entity;

typedef struct alch_loader {
    alch_run *run;
    uint32_t session;
    size_t count;           /* entities of a row */
    size_t total;           /* entities but for the variants */
    size_t all;             /* entities */
    size_t widest;          /* most columns of an entity */
    uint8_t populate_existing;
    uint8_t collect;        /* keep a list of what was loaded, for the host's load events */
    uint8_t unique;         /* a row whose object came before gives nothing */
    uint8_t distinct;       /* no row puts an object where an earlier one has put it */
    uint8_t has_lists;      /* rows fill collections */
    uint8_t reading;        /* a row is being read */
    lua_Integer collected;
    const void *last_result;    /* only compared */
    alch_pairs pairs;       /* what lies in which collection, and in the result */
    alch_value group[ALCH_KEY_MAX];     /* distributing: the key whose items are at hand */
    const void *group_owner;    /* NULL: none are */
    lua_Integer group_count;
    alch_value *cells;      /* room for one entity's row */
    alch_entity entities[];
} alch_loader;

/* Where a fetch has the loader and the anchors on the stack. */
typedef struct alch_load_frame {
    int self;
    int anchors;
} alch_load_frame;

static inline int alch_load_anchor(const alch_load_frame *f, size_t entity, int which)
{
    return f->anchors + (int)entity * ALCH_OF_EACH + which;
}

/* -- load_variant.c -- */
/* Which entity the row's object of entity i is: i itself or one of its variants. */
size_t alch_load_variant(lua_State *L, alch_loader *l, size_t i, const alch_load_frame *f);

/* -- l_load.c -- */
/* Pushes the object of entity i in this row, with all that hangs below it, or nil. */
void alch_load_object(lua_State *L, alch_loader *l, size_t i, const alch_load_frame *f);

/* -- load_tree.c -- */
/* The row's objects below entity i, whose own is at 'obj', take their places. */
void alch_load_below(lua_State *L, alch_loader *l, size_t i, int obj, const alch_load_frame *f);
/* The last row has been read: collections go to their owners. */
void alch_load_fill(lua_State *L, alch_loader *l, const alch_load_frame *f);
/* Reads a list of places in the row; returns how many. */
size_t alch_load_positions(lua_State *L, const alch_loader *l, int list, int *positions);
/* One row of loader:distribute(); 'items' is a place for the list at hand. */
void alch_load_distribute(lua_State *L, alch_loader *l, int lists, int items, const int *positions, size_t n,
                          const alch_load_frame *f);
/* Puts the object on the top into the items on the stack at 'items', whose
** length is '*n', unless it is among them. Pops it. */
void alch_load_append(lua_State *L, alch_loader *l, int items, lua_Integer *n);

#endif
