#ifndef ALCH_VALUE_VALUE_H
#define ALCH_VALUE_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
** One value on its way to or from a database.
**
** The first six kinds are what drivers understand; a type's bind conversion
** (type/type.h) turns the others into one of them, and its result conversion
** back. Text and bytes are borrowed: an alch_value never owns memory; its
** maker says how long they live. Host values are handles of the embedding
** language (a Lua registry reference); the core only passes them on.
*/
typedef enum alch_value_kind {
    ALCH_NULL,
    ALCH_BOOL,          /* as.boolean */
    ALCH_INT,           /* as.integer */
    ALCH_FLOAT,         /* as.number */
    ALCH_TEXT,          /* as.text */
    ALCH_BLOB,          /* as.text */
    /* values that Lua has no type for; sa.decimal, sa.date ... make them */
    ALCH_DECIMAL,       /* as.text: "-12.340", canonical, exact */
    ALCH_DATE,          /* as.integer: days since 1970-01-01, proleptic Gregorian */
    ALCH_TIME,          /* as.integer: microseconds since midnight */
    ALCH_DATETIME,      /* as.integer: microseconds since 1970-01-01 of the local clock; 'zone' */
    ALCH_INTERVAL,      /* as.integer: microseconds */
    ALCH_UUID,          /* as.text: 16 bytes */
    ALCH_HOST,          /* as.handle */
    ALCH_VALUE_KIND_COUNT
} alch_value_kind;

#define ALCH_ZONE_NONE INT32_MIN    /* a naive date and time */

typedef struct alch_value {
    uint8_t kind;       /* alch_value_kind */
    int32_t zone;       /* DATETIME and TIME: minutes east of UTC, or ALCH_ZONE_NONE */
    union {
        int boolean;
        int64_t integer;
        double number;
        struct { const char *at; size_t len; } text;
        intptr_t handle;
    } as;
} alch_value;

/* One parameter as a driver takes it. The type layer knows which PostgreSQL
** type it is sent as (FEATURES X45); a driver without typed parameters
** ignores that. */
typedef struct alch_param {
    alch_value value;       /* kinds up to ALCH_BLOB only */
    uint32_t oid;           /* 0: let the server infer */
} alch_param;

/* Copies the text and the bytes of values into a buffer, in place of what it held, and has them point there; 0: no memory. */
int alch_values_own(alch_value *values, size_t n, alch_buf *text);

/* "NULL", "boolean", "integer" ... for messages. */
const char *alch_value_kind_name(int kind);

#endif
