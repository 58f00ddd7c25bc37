#include "type/storage.h"

#include <string.h>

/* Everything is a value of the type's own name, written as text. */
const alch_storage alch_storage_standard = {
    .dialect = "default", .zones = 1, .nul_in_text = 1, .nan = 1
};

/* SQLAlchemy's: dates as ISO text that sorts, booleans as 0 and 1. SQLite
** turns a NaN into NULL. */
const alch_storage alch_storage_sqlite = {
    .dialect = "sqlite",
    .as = {
        [ALCH_FAMILY_BOOLEAN] = ALCH_AS_INTEGER, [ALCH_FAMILY_NUMERIC] = ALCH_AS_NUMBER,
        [ALCH_FAMILY_DATE] = ALCH_AS_TEXT, [ALCH_FAMILY_TIME] = ALCH_AS_TEXT, [ALCH_FAMILY_DATETIME] = ALCH_AS_TEXT,
        [ALCH_FAMILY_INTERVAL] = ALCH_AS_DATETIME, [ALCH_FAMILY_UUID] = ALCH_AS_HEX, [ALCH_FAMILY_ENUM] = ALCH_AS_TEXT
    },
    .nul_in_text = 1
};

/* Parameters are text with a type number, so that $1 IS NULL and a > $1 mean
** what they say. */
const alch_storage alch_storage_postgresql = {
    .dialect = "postgresql", .oids = 1, .zones = 1, .nan = 1, .utf8 = 1
};

static int is_same(const alch_storage *a, const alch_storage *b)
{
    return strcmp(a->dialect, b->dialect) == 0 && memcmp(a->as, b->as, sizeof a->as) == 0 && a->oids == b->oids
           && a->zones == b->zones && a->nul_in_text == b->nul_in_text && a->nan == b->nan && a->utf8 == b->utf8
           && a->json_host == b->json_host;
}

const alch_storage *alch_storage_known(const alch_storage *s)
{
    static const alch_storage *const known[] = { &alch_storage_standard, &alch_storage_sqlite, &alch_storage_postgresql };
    size_t i;

    for (i = 0; i < sizeof known / sizeof *known; i++)
        if (is_same(known[i], s))
            return known[i];
    return s;
}

static const char *const encodings[ALCH_ENCODING_COUNT] = {
    "native", "integer", "number", "text", "datetime", "hex"
};

int alch_encoding_called(const char *name)
{
    int i;

    for (i = 0; i < ALCH_ENCODING_COUNT; i++)
        if (strcmp(encodings[i], name) == 0)
            return i;
    return -1;
}

int alch_family_called(const char *name)
{
    int i;

    for (i = 0; i < ALCH_FAMILY_COUNT; i++)
        if (strcmp(alch_family_name(i), name) == 0)
            return i;
    return -1;
}
