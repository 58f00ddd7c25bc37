#ifndef ALCH_TYPE_STORAGE_H
#define ALCH_TYPE_STORAGE_H

#include <stdint.h>

#include "type/type.h"

/*
** How a database keeps the values of each family: what convert.c, literal.c
** and a dialect's description agree on. Data only, so a dialect written in
** Lua can have one of its own.
*/
typedef enum alch_encoding {
    ALCH_AS_NATIVE,     /* the database has the type */
    ALCH_AS_INTEGER,    /* Boolean: 0 and 1 */
    ALCH_AS_NUMBER,     /* Numeric: an integer or a binary float, so at most 15 digits */
    ALCH_AS_TEXT,       /* ISO text of fixed width that sorts; a decimal's digits */
    ALCH_AS_DATETIME,   /* Interval: the date and time so far from 1970-01-01 */
    ALCH_AS_HEX,        /* Uuid: 32 hexadecimal digits */
    ALCH_ENCODING_COUNT
} alch_encoding;

typedef struct alch_storage {
    const char *dialect;                /* whose variants of a type are used */
    uint8_t as[ALCH_FAMILY_COUNT];      /* alch_encoding */
    uint8_t oids;                       /* parameters carry PostgreSQL's type numbers */
    uint8_t zones;                      /* a time zone survives */
    uint8_t nul_in_text;                /* text may contain zero bytes */
    uint8_t nan;                        /* floats may be NaN (and are then not NULL) */
    uint8_t utf8;                       /* text must be valid UTF-8 */
    uint8_t json_host;                  /* the dialect has functions of the host's for JSON documents */
} alch_storage;

extern const alch_storage alch_storage_standard;
extern const alch_storage alch_storage_sqlite;
extern const alch_storage alch_storage_postgresql;

/* The one of those above that says the same as 's', or 's' itself. */
const alch_storage *alch_storage_known(const alch_storage *s);

/* "native", "integer" ...: what a dialect's table says; -1: no such. */
int alch_encoding_called(const char *name);
int alch_family_called(const char *name);

#endif
