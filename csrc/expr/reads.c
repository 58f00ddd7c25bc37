#include "expr/reads.h"

#include <ctype.h>
#include <string.h>

#include "expr/selectable.h"

/* Functions that a copy of the database must not answer: these names, and
** those that begin as the ones with '_' at their end. */
static const char *const not_for_a_copy[] = {
    "nextval", "setval", "currval", "lastval", "set_config", "pg_notify", "pg_advisory_", "pg_try_advisory_", "lo_",
    "pg_current_wal_", "pg_current_xact_", "txid_", "last_insert_rowid", "changes", "total_changes",
};

/* Does 'name', in whatever case, begin with 'known', or is it that? */
static int is_one_of(const char *known, const char *name)
{
    const char *end = known + strlen(known);

    while (known < end && tolower((unsigned char)*name) == *known)
        known++, name++;
    return known == end && (end[-1] == '_' || *name == '\0');
}

static int needs_its_server(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof not_for_a_copy / sizeof *not_for_a_copy; i++)
        if (is_one_of(not_for_a_copy[i], name))
            return 1;
    return 0;
}

static int writes(const alch_node *n, void *seen);

/* A FROM that is more than a table; columns lead to it again and again, those
** of a recursive CTE even from within. */
static int from_writes(const alch_node *from, alch_nodes *seen)
{
    if (alch_nodes_has(seen, from))
        return 0;
    alch_nodes_add(seen, from);
    return seen->failed || alch_node_children(from, writes, seen);
}

static int writes(const alch_node *n, void *seen)
{
    const alch_column *column = (const alch_column *)n;

    switch (n->kind) {
    case ALCH_NODE_INSERT: case ALCH_NODE_UPDATE: case ALCH_NODE_DELETE:
    case ALCH_NODE_LOCK: case ALCH_NODE_NEXT_VALUE: case ALCH_NODE_TEXT_SELECT:
        return 1;
    case ALCH_NODE_TABLE:
        return 0;
    case ALCH_NODE_COLUMN:
        return column->owner != NULL && writes(&column->owner->head, seen);
    case ALCH_NODE_FUNCTION:
        return needs_its_server(((const alch_function *)n)->name) || alch_node_children(n, writes, seen);
    default:
        return alch_is_from(n) ? from_writes(n, seen) : alch_node_children(n, writes, seen);
    }
}

int alch_only_reads(const alch_node *statement, int *out, alch_err *err)
{
    alch_arena arena;
    alch_nodes seen = { .arena = &arena };
    int selects = statement->kind == ALCH_NODE_SELECT || statement->kind == ALCH_NODE_COMPOUND;

    alch_arena_init(&arena);
    *out = selects && !writes(statement, &seen);
    alch_arena_release(&arena);
    return seen.failed ? alch_err_nomem(err) : ALCH_OK;
}
