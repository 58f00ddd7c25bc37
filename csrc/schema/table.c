#include "schema/table.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

int alch_column_new(const char *name, const char *key, const alch_type *type, uint32_t flags,
                    alch_column **out, alch_err *err)
{
    alch_column *c = alch_node_new(ALCH_NODE_COLUMN, err);

    if (c == NULL)
        return ALCH_ERR_NOMEM;
    c->name = alch_strdup(name);
    c->key = key == NULL || strcmp(key, name) == 0 ? c->name : alch_strdup(key);
    if (c->name == NULL || c->key == NULL) {
        alch_node_drop(c);
        return alch_err_nomem(err);
    }
    c->flags = flags;
    alch_node_set_type(c, type);
    *out = c;
    return ALCH_OK;
}

int alch_table_new(const char *name, const char *schema, alch_table **out, alch_err *err)
{
    alch_table *t = alch_node_new(ALCH_NODE_TABLE, err);

    if (t == NULL)
        return ALCH_ERR_NOMEM;
    t->name = alch_strdup(name);
    t->schema = schema != NULL ? alch_strdup(schema) : NULL;
    t->from.columns_made = 1;
    if (t->name == NULL || (schema != NULL && t->schema == NULL)) {
        alch_node_drop(t);
        return alch_err_nomem(err);
    }
    *out = t;
    return ALCH_OK;
}

/* Room for one more column, live or replaced. */
static int reserve_column(alch_from *f, alch_err *err)
{
    uint32_t size;
    alch_column **at;

    if (f->column_count + f->replaced_count < f->column_size)
        return ALCH_OK;
    size = f->column_size != 0 ? f->column_size * 2 : 8;
    at = alch_realloc(f->columns, size * sizeof(alch_column *));
    if (at == NULL)
        return alch_err_nomem(err);
    f->columns = at;
    f->column_size = size;
    return ALCH_OK;
}

/* The references to 'c' become references to its owner. */
static void own_column(alch_from *f, alch_column *c, uint32_t position)
{
    c->position = position;
    f->columns[position] = c;
    f->head.refs += c->head.refs;
    c->head.refs = 0;
    c->owner = f;
    f->version++;
}

static int check_unowned(const alch_column *c, alch_err *err)
{
    if (c->owner != NULL)
        return alch_err_set(err, ALCH_ERR_INVALID, "column '%s' already belongs to a table", c->name);
    return ALCH_OK;
}

int alch_from_append(alch_from *f, alch_column *c, alch_err *err)
{
    int rc = check_unowned(c, err);

    if (rc == ALCH_OK)
        rc = reserve_column(f, err);
    if (rc != ALCH_OK)
        return rc;
    f->columns[f->column_count + f->replaced_count] = f->columns[f->column_count];
    own_column(f, c, f->column_count++);
    return ALCH_OK;
}

int alch_from_replace(alch_from *f, const alch_column *old, alch_column *c, alch_err *err)
{
    uint32_t at = old->position;
    int rc = check_unowned(c, err);

    if (rc == ALCH_OK && (old->owner != f || at >= f->column_count || f->columns[at] != old))
        rc = alch_err_set(err, ALCH_ERR_INVALID, "column '%s' is not in this table", old->name);
    if (rc == ALCH_OK)
        rc = reserve_column(f, err);
    if (rc != ALCH_OK)
        return rc;
    f->columns[f->column_count + f->replaced_count++] = f->columns[at];
    own_column(f, c, at);
    return ALCH_OK;
}

void alch_from_move(alch_from *f, const alch_column *c, uint32_t to)
{
    alch_column *moved = f->columns[c->position];
    uint32_t from = c->position, i;

    for (i = from; i < to; i++)
        f->columns[i] = f->columns[i + 1];
    for (i = from; i > to; i--)
        f->columns[i] = f->columns[i - 1];
    f->columns[to] = moved;
    for (i = 0; i < f->column_count; i++)
        f->columns[i]->position = i;
    f->version++;
}

int alch_column_refer(alch_column *c, const char *table, const char *column, uint32_t constraint, alch_err *err)
{
    alch_reference *at = alch_realloc(c->references, (c->reference_count + 1) * sizeof *at);
    alch_reference made = { alch_strdup(table), alch_strdup(column), constraint };

    if (at != NULL)
        c->references = at;
    if (at == NULL || made.table == NULL || made.column == NULL) {
        alch_free(made.table);
        alch_free(made.column);
        return alch_err_nomem(err);
    }
    at[c->reference_count++] = made;
    alch_column_changes(c);
    return ALCH_OK;
}

alch_column *alch_from_find(const alch_from *f, const char *key, size_t len)
{
    uint32_t i;

    for (i = 0; i < f->column_count; i++)
        if (strlen(f->columns[i]->key) == len && memcmp(f->columns[i]->key, key, len) == 0)
            return f->columns[i];
    return NULL;
}

const char *alch_table_label(const alch_table *t, char *buf, size_t size)
{
    (void)snprintf(buf, size, "%s%s%s", t->schema != NULL ? t->schema : "", t->schema != NULL ? "." : "", t->name);
    return buf;
}
