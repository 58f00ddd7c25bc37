#ifndef ALCH_ORM_MAPPER_H
#define ALCH_ORM_MAPPER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
** What the runtime knows of a mapped class: its attributes in order, which
** of them are the primary key, and how relationships hang together. Made
** once when the class is configured, never changed afterwards, except that
** relationship targets are filled in when they are first needed (their
** mapper may be configured later) and attributes become guarded when
** somebody begins to listen.
**
** Names are the host's interned strings: found by pointer, and by contents
** only if they are too long for a host to intern. A mapper owns its arrays,
** not the names, types or other mappers; the binding anchors those.
*/
typedef struct alch_type alch_type;
typedef struct alch_mapper alch_mapper;

typedef enum alch_attr_kind {
    ALCH_ATTR_COLUMN,
    ALCH_ATTR_OBJECT,       /* relationship: one object or none */
    ALCH_ATTR_LIST,         /* relationship: a collection */
    ALCH_ATTR_PROXY         /* computed by the host: its own getter and setter */
} alch_attr_kind;

typedef enum alch_direction {
    ALCH_ONETOMANY,
    ALCH_MANYTOONE,
    ALCH_MANYTOMANY
} alch_direction;

enum {
    ALCH_ATTR_KEY = 1 << 0,             /* part of the primary key */
    ALCH_ATTR_READONLY = 1 << 1,        /* an expression: never written to the database */
    ALCH_ATTR_DEFERRED = 1 << 2,        /* loaded alone, when it is read */
    ALCH_ATTR_VIEWONLY = 1 << 3,        /* relationship that a flush passes over */
    ALCH_ATTR_SAVE_UPDATE = 1 << 4,     /* cascades */
    ALCH_ATTR_DELETE = 1 << 5,
    ALCH_ATTR_DELETE_ORPHAN = 1 << 6,
    ALCH_ATTR_EXPUNGE = 1 << 7,
    ALCH_ATTR_GUARDED = 1 << 8,         /* the host's own function makes its changes: somebody listens */
    ALCH_ATTR_SIMPLE_KEY = 1 << 9,      /* many-to-one whose remote columns are the target's whole key, in order */
    ALCH_ATTR_GENERATED = 1 << 10,      /* the database makes the value: read it back after an INSERT */
    ALCH_ATTR_FACED = 1 << 11,          /* what is read goes through the host, which shows something else */
    ALCH_ATTR_INIT = 1 << 12,           /* somebody listens to reads of a value that was never set */
    ALCH_ATTR_UNREAD = 1 << 13,         /* collection that reading does not load: dynamic, write-only */
    ALCH_ATTR_POST_UPDATE = 1 << 14,    /* relationship whose keys are written by an UPDATE of their own */
    ALCH_ATTR_PASSIVE = 1 << 15         /* relationship whose children keep their reference to a deleted parent */
};

#define ALCH_NO_ATTR (-1)

/* One pair of a relationship's join: this side's attribute, the other side's name. */
typedef struct alch_sync {
    int local;              /* attribute here, or ALCH_NO_ATTR: not mapped */
    const char *remote;     /* name of the attribute there; NULL: not mapped */
    size_t remote_len;
} alch_sync;

typedef struct alch_attr {
    const char *name;
    size_t len;
    uint8_t kind;           /* alch_attr_kind */
    uint8_t direction;      /* alch_direction */
    uint16_t flags;
    uint32_t slot;          /* where the host keeps its value, from 1 (see 'close') */
    const alch_type *type;      /* columns; NULL: values pass unchanged */
    const char *reverse;        /* name of the attribute on the other side, or NULL */
    size_t reverse_len;
    const alch_mapper *target;  /* relationships; NULL until it is first needed */
    const void *id;             /* the property of the class that has it first, the same in every class below */
    alch_sync *sync;
    size_t sync_count;
} alch_attr;

struct alch_mapper {
    const char *class_name;
    const alch_mapper *parent;  /* the mapper it inherits from, or NULL */
    const void *id;             /* the host's mapper, the same in every plan that is made of it */
    const void *base_id;        /* 'id' of the top of the hierarchy: whose identity map it shares (a concrete class: its own) */
    const alch_mapper *successor;   /* the plan made when the class got another attribute, or NULL */
    size_t count;               /* attributes */
    size_t columns;             /* the first 'columns' attributes are columns */
    size_t set_size;            /* bytes of a set of attributes */
    size_t close;               /* attributes whose value every state has a slot for: the slots up to this one. The others
                                ** are columns that are mostly read from the packed row: their slots come last */
    alch_attr *attrs;
    size_t key_count;
    uint32_t *keys;             /* attributes of the primary key, in its order */
    int discriminator;          /* the column that says an object's class: set when one is made; or ALCH_NO_ATTR */
    int abstract;               /* no object is of this class alone */
    struct alch_name_slot *slots;   /* name -> attribute */
    size_t slot_count;          /* a power of two */
};

/* Room for 'count' attributes and 'keys' key columns, zeroed; the caller
** fills 'attrs' and 'keys' and then calls alch_mapper_index. */
int alch_mapper_init(alch_mapper *m, size_t count, size_t keys, alch_err *err);
int alch_mapper_sync(alch_attr *a, size_t count, alch_err *err);    /* room for a join's pairs */
int alch_mapper_index(alch_mapper *m, alch_err *err);
void alch_mapper_release(alch_mapper *m);

/* The attribute of a name, or ALCH_NO_ATTR. 'name' is the host's own string. */
int alch_mapper_find(const alch_mapper *m, const char *name, size_t len);
int alch_mapper_isa(const alch_mapper *m, const alch_mapper *ancestor);

#endif
