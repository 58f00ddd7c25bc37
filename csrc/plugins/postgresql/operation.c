/* One operation: what is sent, and how what comes back is taken. */
#include <string.h>

#include "plugins/postgresql/postgresql.h"

#ifndef LIBPQ_HAS_PIPELINING
#error "libpq 14 or newer is needed (pipeline mode)"
#endif

enum {
    OID_INT4 = 23, OID_INT8 = 20, OID_FLOAT8 = 701,
    SEND_AT_A_TIME = 16000      /* bytes of execute_many between two looks at the socket: below
                                ** libpq's own limit, from which on each message is a system call */
};

/* -- sending -- */

static int send_parse(alch_conn *c)
{
    const pg_statement *st = c->op.cached->handle;

    return PQsendPrepare(c->pg, st->name, c->key, (int)c->op.params, c->params.types);
}

static int send_execute(alch_conn *c)
{
    const pg_params *p = &c->params;
    const pg_statement *st = c->op.cached != NULL ? c->op.cached->handle : NULL;
    int n = (int)c->op.params;

    if (st == NULL)
        return PQsendQueryParams(c->pg, c->key, n, p->types, p->values, p->lengths, p->formats, 0);
    return PQsendQueryPrepared(c->pg, st->name, n, p->values, p->lengths, p->formats, 0);
}

static int send_sync(alch_conn *c)
{
    c->op.synced = 1;
    return PQpipelineSync(c->pg);
}

/* The connection is of no more use: what was sent of an operation is not known. */
static alch_step broken(alch_conn *c, alch_err *err)
{
    (void)alch_pg_fail_conn(c, err);
    c->lost = 1;
    return ALCH_STEP_FAIL;
}

/* The next set. Sets were checked before the first was sent, so what is left
** to fail is memory, in ours or in libpq. */
static int send_set(alch_conn *c)
{
    pg_operation *op = &c->op;
    const alch_param *set = op->sets + op->sent * op->params;
    int rc = op->sent > 0 ? alch_pg_params_set(c, set, op->params, 0, &op->err) : ALCH_OK;

    if (rc != ALCH_OK)
        op->failed = rc;
    return rc == ALCH_OK && send_execute(c);
}

/* More sets of execute_many, as long as the socket takes them; none after one
** has failed. 0 if the connection is done for. */
static int send_sets(alch_conn *c)
{
    pg_operation *op = &c->op;
    int flushed = 0;

    if (op->failed)
        op->count = op->sent;
    while (!op->synced && flushed == 0) {
        size_t bytes;

        for (bytes = 0; bytes < SEND_AT_A_TIME && op->sent < op->count; bytes += c->params.bytes_sent, op->sent++)
            if (!send_set(c))
                return 0;
        if (op->sent == op->count && !send_sync(c))
            return 0;
        flushed = PQflush(c->pg);
        if (flushed < 0)
            return 0;
    }
    return 1;
}

/* Parse if it is new, the first set, and Sync if there is no other. */
static int send_start(alch_conn *c)
{
    pg_operation *op = &c->op;
    const pg_statement *st = op->cached != NULL ? op->cached->handle : NULL;

    op->stage = STAGE_EXECUTE;
    op->received = op->sent = 0;
    op->synced = op->single_row = 0;
    if (st != NULL && !st->prepared) {
        op->stage = STAGE_PARSE;
        if (!send_parse(c))
            return 0;
    }
    if (op->many)
        return send_sets(c);
    op->sent = 1;
    return send_execute(c) && send_sync(c);
}

/* -- taking results -- */

/* What is wrong with a statement that was prepared before: somebody's DDL changed what it
** answers or took the type of a parameter away, or it is not there (DEALLOCATE ALL; another
** server behind a proxy). A statement that the user prepared himself is not ours to judge. */
static pg_staleness staleness(const pg_operation *op)
{
    const alch_err *err = &op->err;

    if (op->cached == NULL || op->stage != STAGE_EXECUTE || !op->found)
        return STALE_NOT;
    if (strcmp(err->sqlstate, "26000") == 0)
        return strstr(err->text, ((const pg_statement *)op->cached->handle)->name) != NULL ? STALE_GONE : STALE_NOT;
    if ((strcmp(err->sqlstate, "0A000") == 0 && strstr(err->text, "cached plan") != NULL)
        || (strcmp(err->sqlstate, "XX000") == 0 && strstr(err->text, "cache lookup failed for type") != NULL))
        return STALE_PLAN;
    return STALE_NOT;
}

static void fail_once(alch_conn *c, const PGresult *r)
{
    pg_operation *op = &c->op;

    if (!op->failed) {
        (void)alch_pg_fail_result(c, r, &op->err);
        op->stale = staleness(op);
        if (op->stale != STALE_NOT)
            alch_pg_blame_staleness(&op->err, op->stale);
        op->failed = op->err.code;
        if (op->many)
            op->cursor->failed_set = op->received;
    }
}

static void refuse(alch_conn *c, int code, const char *what)
{
    if (!c->op.failed)
        c->op.failed = c->host->err_set(&c->op.err, code, "%s", what);
}

/* A result of the operation. 1: a streamed row stands ready. Takes 'r'. */
static int take_result(alch_conn *c, PGresult *r)
{
    pg_operation *op = &c->op;
    ExecStatusType status = PQresultStatus(r);

    switch (status) {
    case PGRES_COMMAND_OK: case PGRES_TUPLES_OK: case PGRES_SINGLE_TUPLE:
        if (op->stage == STAGE_PARSE) {
            ((pg_statement *)op->cached->handle)->prepared = 1;
        } else if (op->cursor != NULL) {
            alch_pg_cursor_take(op->cursor, r);
            return status == PGRES_SINGLE_TUPLE;
        }
        break;
    case PGRES_EMPTY_QUERY:
        refuse(c, ALCH_ERR_PROGRAMMING, "the statement is empty");
        break;
    case PGRES_COPY_IN: case PGRES_COPY_OUT: case PGRES_COPY_BOTH:
        refuse(c, ALCH_ERR_NOT_SUPPORTED, "COPY to or from the client cannot be executed as a statement");
        c->lost = 1;
        break;
    case PGRES_PIPELINE_ABORTED:
        break;
    default:
        fail_once(c, r);
    }
    PQclear(r);
    return 0;
}

/* The results of one message are complete. */
static void next_stage(pg_operation *op)
{
    if (op->stage == STAGE_PARSE)
        op->stage = STAGE_EXECUTE;
    else if (op->stage == STAGE_EXECUTE)
        op->received++;
    if (op->stage == STAGE_EXECUTE && op->received == op->count)
        op->stage = STAGE_SYNC;
}

/* -- the end -- */

static int read_transaction(const alch_conn *c)
{
    switch (PQtransactionStatus(c->pg)) {
    case PQTRANS_IDLE: return 0;
    case PQTRANS_INERROR: return -1;
    case PQTRANS_UNKNOWN: return 0;
    default: return 1;
    }
}

/* One stale statement tells of others, and in a transaction each of them would fail it once.
** Of what is gone the server need not be told. */
static void clear_stale(alch_conn *c)
{
    c->host->statements_clear(c->statements);
    if (c->op.stale == STALE_GONE)
        c->closings = 0;
}

static void give_statement_back(alch_conn *c)
{
    pg_operation *op = &c->op;

    if (op->cached != NULL) {
        const pg_statement *st = op->cached->handle;

        if (!st->prepared || op->stale != STALE_NOT)
            c->host->statements_forget(c->statements, op->cached);
        c->host->statements_done(c->statements, op->cached);
        op->cached = NULL;
        if (op->stale != STALE_NOT)
            clear_stale(c);
    }
}

/* A stale statement that nothing was lost by (may_retry) is prepared anew. The
** parameters are still in c->params, the text in c->key. */
static int retry(alch_conn *c)
{
    pg_operation *op = &c->op;

    if (op->stale == STALE_NOT || !op->retry)
        return 0;
    give_statement_back(c);
    op->failed = op->retry = op->found = 0;
    op->stale = STALE_NOT;
    op->cached = alch_pg_statement_add(c, NULL);
    return 1;
}

static int begins_with_any(const char *tag, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strncmp(tag, *words, strlen(*words)) == 0)
            return 1;
    return 0;
}

/* A prepared statement knows types and tables by number, and a stale one fails
** the transaction that it is used in. So all go with DDL that changes a table or takes
** types away, and where what DDL made is rolled back. */
static void watch_ddl(alch_conn *c)
{
    static const char *const ddl[] = { "CREATE ", "ALTER ", "DROP ", NULL };
    static const char *const outdating[] = {
        "ALTER ", "DROP TYPE", "DROP DOMAIN", "DROP SCHEMA", "DROP EXTENSION", NULL
    };
    static const char *const dropping[] = { "DEALLOCATE ALL", "DISCARD ALL", NULL };
    const char *tag = c->op.cursor != NULL ? c->op.cursor->tag : "";
    int inside = c->transaction != 0, dropped = begins_with_any(tag, dropping);
    int gone = dropped || begins_with_any(tag, outdating);

    if (begins_with_any(tag, ddl)) {
        c->ddl = 1;
    } else if (c->ddl && (!inside || strcmp(tag, "ROLLBACK") == 0)) {
        gone = strcmp(tag, "COMMIT") != 0;
    }
    if (gone)
        c->host->statements_clear(c->statements);
    if (dropped)
        c->closings = 0;
    c->ddl = c->ddl && inside;
}

static alch_step finish_operation(alch_conn *c, alch_err *err)
{
    pg_operation *op = &c->op;

    give_statement_back(c);
    watch_ddl(c);
    op->stage = STAGE_NONE;
    op->cursor = NULL;
    c->want = 0;
    if (!op->failed)
        return ALCH_STEP_DONE;
    if (err != NULL)
        *err = op->err;
    return ALCH_STEP_FAIL;
}

/* A Sync came: of what is skipped, or the operation's own. 1 if that is over. */
static int take_sync(alch_conn *c)
{
    if (c->op.skip > 0) {
        c->op.skip--;
        return 0;
    }
    c->transaction = read_transaction(c);
    if (!retry(c))
        return 1;
    if (!alch_pg_statement_send_closings(c) || !send_start(c))
        c->lost = 1;
    return 0;
}

static alch_step lost(alch_conn *c, alch_err *err)
{
    if (!c->op.failed) {
        (void)broken(c, &c->op.err);
        c->op.failed = c->op.err.code;
    }
    c->lost = 1;
    return finish_operation(c, err);
}

alch_step alch_pg_advance(alch_conn *c, alch_err *err)
{
    pg_operation *op = &c->op;

    for (;;) {
        PGresult *r;
        int unsent;

        if (c->lost || (op->many && !send_sets(c)) || (unsent = PQflush(c->pg)) < 0)
            return lost(c, err);
        c->want = ALCH_WANT_READ | (unsent ? ALCH_WANT_WRITE : 0);
        if (op->stream && op->skip == 0 && op->stage == STAGE_EXECUTE && !op->single_row)
            op->single_row = (unsigned char)PQsetSingleRowMode(c->pg);
        c->waiting = (unsigned char)PQisBusy(c->pg);
        if (c->waiting)
            return ALCH_STEP_WAIT;
        r = PQgetResult(c->pg);
        if (r == NULL) {
            if (op->skip == 0)
                next_stage(op);
        } else if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
            PQclear(r);
            if (take_sync(c))
                return finish_operation(c, err);
        } else if (op->skip > 0) {
            PQclear(r);
        } else if (take_result(c, r)) {
            return ALCH_STEP_ROW;
        }
        if (PQstatus(c->pg) == CONNECTION_BAD)
            return lost(c, err);
    }
}

void alch_pg_abandon(alch_conn *c)
{
    pg_operation *op = &c->op;

    if (op->stage == STAGE_NONE)
        return;
    if (!c->lost && !op->synced && !send_sync(c))
        c->lost = 1;
    op->skip++;
    /* Whether its Parse succeeds will not be known: the server is told to
    ** forget the statement in any case. */
    if (op->cached != NULL && op->stage == STAGE_PARSE) {
        ((pg_statement *)op->cached->handle)->prepared = 1;
        c->host->statements_forget(c->statements, op->cached);
    }
    op->failed = 0;
    give_statement_back(c);
    op->stage = STAGE_NONE;
    op->cursor = NULL;
    op->many = op->stream = 0;
}

/* -- beginning -- */

static int check_ready(alch_conn *c, alch_err *err)
{
    if (c->lost)
        return c->host->err_set(err, ALCH_ERR_DISCONNECT, "the connection to the server is lost");
    if (c->op.stage != STAGE_NONE && c->op.stream)
        return c->host->err_set(err, ALCH_ERR_INVALID, "a streamed result is still being read on this connection; "
                                "read it to its end or close it first");
    if (c->op.stage != STAGE_NONE)
        return c->host->err_set(err, ALCH_ERR_CONCURRENT_USE, "an operation is in flight on this connection");
    return ALCH_OK;
}

/* One type for all sets: that of the values that have one. */
static Oid merge_types(Oid a, Oid b)
{
    if (a == b || b == 0)
        return a;
    if (a == 0)
        return b;
    if ((a == OID_INT4 && b == OID_INT8) || (a == OID_INT8 && b == OID_INT4))
        return OID_INT8;
    if ((a == OID_FLOAT8 && (b == OID_INT4 || b == OID_INT8)) || (b == OID_FLOAT8 && (a == OID_INT4 || a == OID_INT8)))
        return OID_FLOAT8;
    return 0;
}

static void merge_sets(alch_conn *c, const alch_param *params, size_t n, size_t sets)
{
    size_t i, j;

    for (i = 1; i < sets; i++)
        for (j = 0; j < n; j++)
            c->params.types[j] = merge_types(c->params.types[j], params[i * n + j].oid);
}

/* A stale statement fails the transaction it is in, except where there is none
** or it has failed before. What rolls back does so all the same. */
static int may_retry(const alch_conn *c, size_t params)
{
    int transaction = alch_pg_transaction(c);

    if (c->op.many)
        return 0;
    return transaction == 0 || (params == 0 && (transaction < 0 || strncmp(c->key, "ROLLBACK", 8) == 0));
}

/* The prepared statement for c->key, unless this one is to have no name. */
static int choose_statement(alch_conn *c, size_t params, unsigned flags, alch_err *err)
{
    pg_operation *op = &c->op;

    op->retry = op->found = 0;
    op->cached = NULL;
    if (!c->prepares || (flags & ALCH_CURSOR_NO_CACHE))
        return ALCH_OK;
    op->cached = alch_pg_statement_find(c);
    op->found = op->cached != NULL;
    if (op->found)
        op->retry = (unsigned char)may_retry(c, params);
    else if ((op->cached = alch_pg_statement_add(c, err)) == NULL)
        return ALCH_ERR_NOMEM;
    return ALCH_OK;
}

/* Everything up to the first byte sent may fail without a trace. */
static int prepare_operation(alch_conn *c, const char *sql, size_t len, const alch_param *params,
                             size_t n, unsigned flags, alch_err *err)
{
    int rc = alch_pg_params_set(c, params, n, alch_pg_transaction(c) == 0, err);

    if (rc == ALCH_OK && c->op.many) {
        rc = alch_pg_params_check(c, params, n, c->op.count, err);
        merge_sets(c, params, n, c->op.count);
    }
    if (rc == ALCH_OK)
        rc = alch_pg_key_set(c, sql, len, n, err);
    if (rc == ALCH_OK)
        rc = choose_statement(c, n, flags, err);
    return rc;
}

static alch_step begin(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                       unsigned flags, alch_cursor **out, alch_err *err)
{
    alch_cursor *k;
    alch_step step;

    if (prepare_operation(c, sql, len, params, n, flags, err) != ALCH_OK)
        return ALCH_STEP_FAIL;
    c->op.cursor = k = alch_pg_cursor_new(c);
    if (k == NULL) {
        give_statement_back(c);
        (void)c->host->err_nomem(err);
        return ALCH_STEP_FAIL;
    }
    *out = k;
    if (!alch_pg_statement_send_closings(c) || !send_start(c))
        return lost(c, err);
    step = alch_pg_advance(c, err);
    return step == ALCH_STEP_DONE ? alch_pg_cursor_step(k, err) : step;
}

static void init_operation(alch_conn *c, const alch_param *params, size_t n, size_t sets, int many)
{
    pg_operation *op = &c->op;

    op->sets = params;
    op->params = n;
    op->count = sets;
    op->many = (unsigned char)many;
    op->stream = 0;
    op->failed = 0;
    op->stale = STALE_NOT;
}

alch_step alch_pg_execute(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                     unsigned flags, alch_cursor **out, alch_err *err)
{
    *out = NULL;
    if (check_ready(c, err) != ALCH_OK)
        return ALCH_STEP_FAIL;
    init_operation(c, NULL, n, 1, 0);
    c->op.stream = (flags & ALCH_CURSOR_STREAM) != 0;
    return begin(c, sql, len, params, n, flags, out, err);
}

alch_step alch_pg_execute_many(alch_conn *c, const char *sql, size_t len, const alch_param *params,
                          size_t n, size_t sets, unsigned flags, alch_cursor **out, alch_err *err)
{
    *out = NULL;
    if (check_ready(c, err) != ALCH_OK)
        return ALCH_STEP_FAIL;
    if (sets == 0) {
        *out = alch_pg_cursor_new(c);
        if (*out == NULL)
            return (void)c->host->err_nomem(err), ALCH_STEP_FAIL;
        (*out)->state = CURSOR_DONE;
        (*out)->changes = 0;
        return ALCH_STEP_DONE;
    }
    init_operation(c, params, n, sets, 1);
    return begin(c, sql, len, params, n, flags, out, err);
}
