#ifndef ALCH_SCHEMA_TABLE_H
#define ALCH_SCHEMA_TABLE_H

#include "expr/node.h"

/*
** Tables and columns as statements need them: names, types, keys, defaults.
** Constraints, comments and events belong to the host's objects.
**
** Unlike other nodes these are filled in while a program configures its
** schema; afterwards nobody changes them. A table owns its columns
** (expr/node.h), so keeping a column keeps its table.
*/

/* A column that stands alone. 'key' NULL: the name. 'type' is kept; NULL: none yet. */
int alch_column_new(const char *name, const char *key, const alch_type *type, uint32_t flags,
                    alch_column **out, alch_err *err);

int alch_table_new(const char *name, const char *schema, alch_table **out, alch_err *err);

/* To be said before a column changes: what was compiled for its table is
** not found again. Appending, replacing and referring say it themselves. */
static inline void alch_column_changes(alch_column *c)
{
    if (c->owner != NULL)
        c->owner->version++;
}

/* Makes 'c' the last column of 'f'. The references to 'c' become references
** to 'f'. InvalidRequestError if it already has an owner. */
int alch_from_append(alch_from *f, alch_column *c, alch_err *err);

/* Puts 'c' in the place of 'old', which leaves the table but stays its
** property, because statements may hold it. */
int alch_from_replace(alch_from *f, const alch_column *old, alch_column *c, alch_err *err);

/* Puts a column of 'f' before the one at 'to', which counts the others from 0. */
void alch_from_move(alch_from *f, const alch_column *c, uint32_t to);

/* The column refers to another table's: "schema.name" (or "name"), and the
** key or name of a column there. */
int alch_column_refer(alch_column *c, const char *table, const char *column, uint32_t constraint, alch_err *err);

/* By key; NULL: there is none. Lent. */
alch_column *alch_from_find(const alch_from *f, const char *key, size_t len);

/* "schema.name" or "name", for messages. */
const char *alch_table_label(const alch_table *t, char *buf, size_t size);

#endif
