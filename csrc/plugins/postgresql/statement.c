/* Prepared statements of a connection: found by text and parameter types (the
** same text with other types is another). */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugins/postgresql/postgresql.h"

uint64_t alch_pg_nonce(const alch_conn *c)
{
    struct timespec t;
    uint64_t parts[4], h = 0xcbf29ce484222325u;
    size_t i;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    parts[0] = (uint64_t)t.tv_sec;
    parts[1] = (uint64_t)t.tv_nsec;
    parts[2] = (uint64_t)getpid();
    parts[3] = (uint64_t)(uintptr_t)c;
    for (i = 0; i < sizeof parts; i++)
        h = (h ^ ((const unsigned char *)parts)[i]) * 0x100000001b3u;
    return h;
}

/* Where a proxy hands the server from one client to the next between
** transactions, a name must not be another's: its statement would be executed
** instead, and nobody would know. So it is found missing, which is told. */
static void name_statement(const alch_conn *c, uint32_t id, char name[PG_NAME_SIZE])
{
    (void)snprintf(name, PG_NAME_SIZE, "alch_%llx_%x", (unsigned long long)c->nonce, (unsigned)id);
}

static int reserve_closing(alch_conn *c)
{
    size_t room = c->closing_room ? c->closing_room * 2 : 16;
    uint32_t *closing;

    if (c->closings < c->closing_room)
        return 1;
    closing = c->host->realloc(c->closing, room * sizeof *closing);
    if (closing == NULL)
        return 0;
    c->closing = closing;
    c->closing_room = room;
    return 1;
}

/* The server is told with the next operation: dropping must not wait. If
** memory runs out it keeps the statement until the connection ends. */
void alch_pg_statement_drop(void *conn, void *handle)
{
    alch_conn *c = conn;
    pg_statement *s = handle;

    if (s->prepared && !c->lost && reserve_closing(c))
        c->closing[c->closings++] = s->id;
    c->host->free(s);
}

int alch_pg_key_set(alch_conn *c, const char *sql, size_t len, size_t params, alch_err *err)
{
    size_t types = params * sizeof(Oid), need = len + 1 + types;

    if (memchr(sql, '\0', len) != NULL)
        return c->host->err_set(err, ALCH_ERR_PROGRAMMING,
                                "the statement contains a zero byte; bind such bytes as a parameter");
    if (need > c->key_room) {
        char *key = c->host->realloc(c->key, need);

        if (key == NULL)
            return c->host->err_nomem(err);
        c->key = key;
        c->key_room = need;
    }
    memcpy(c->key, sql, len);
    c->key[len] = '\0';
    if (types > 0)
        memcpy(c->key + len + 1, c->params.types, types);
    c->key_len = need;
    return ALCH_OK;
}

alch_statement *alch_pg_statement_find(alch_conn *c)
{
    return c->host->statements_find(c->statements, c->key, c->key_len);
}

alch_statement *alch_pg_statement_add(alch_conn *c, alch_err *err)
{
    pg_statement *s = c->host->alloc0(sizeof *s);
    alch_statement *st = NULL;

    if (s != NULL) {
        s->id = ++c->last_id;
        name_statement(c, s->id, s->name);
        st = c->host->statements_add(c->statements, c->key, c->key_len, s);
        if (st == NULL)
            c->host->free(s);
    }
    if (st == NULL)
        (void)c->host->err_nomem(err);
    return st;
}

/* Only between transactions: a DEALLOCATE that fails (somebody sent DISCARD
** ALL) would take the user's transaction with it. A Sync for each keeps them out
** of each other's way and of the user's: VACUUM refuses company. */
int alch_pg_statement_send_closings(alch_conn *c)
{
    char name[PG_NAME_SIZE], sql[32 + PG_NAME_SIZE];
    size_t i;

    if (c->closings == 0 || alch_pg_transaction(c) != 0)
        return 1;
    for (i = 0; i < c->closings; i++) {
        name_statement(c, c->closing[i], name);
        (void)snprintf(sql, sizeof sql, "DEALLOCATE %s", name);
        if (!PQsendQueryParams(c->pg, sql, 0, NULL, NULL, NULL, NULL, 0) || !PQpipelineSync(c->pg))
            return 0;
        c->op.skip++;
    }
    c->closings = 0;
    return 1;
}
