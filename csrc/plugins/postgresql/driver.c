/* The driver's table of functions, and the small ones among them. */
#include "plugins/postgresql/postgresql.h"

static void pg_close(alch_conn *c)
{
    if (c == NULL)
        return;
    c->lost = 1;            /* nothing more is sent */
    alch_pg_finish(c);
    c->host->statements_drop(c->statements);
    PQfinish(c->pg);
    alch_pg_resolve_release(c);
    c->host->free(c->settings);
    alch_pg_cancel_release(c);
    alch_pg_params_release(c);
    c->host->free(c->closing);
    c->host->free(c->key);
    c->host->free(c);
}

static int pg_fd(const alch_conn *c) { return c->resolving != NULL ? alch_pg_resolve_fd(c) : PQsocket(c->pg); }
static int pg_want(const alch_conn *c) { return c->want; }
static int pg_column_count(const alch_cursor *k) { return k->columns; }
static int64_t pg_changes(const alch_cursor *k) { return k->changes; }
static int64_t pg_last_insert_id(const alch_conn *c) { (void)c; return 0; }
static const char *pg_command_tag(const alch_cursor *k) { return k->tag; }
static int pg_in_transaction(const alch_conn *c) { return alch_pg_transaction(c); }
static int pg_alive(const alch_conn *c) { return !c->lost && PQstatus(c->pg) == CONNECTION_OK; }
static int pg_server_version(const alch_conn *c) { return PQserverVersion(c->pg); }
static size_t pg_cache_len(const alch_conn *c) { return c->host->statements_len(c->statements); }
static size_t pg_failed_set(const alch_cursor *k) { return k->failed_set; }

static const char *pg_column_name(const alch_cursor *k, int i)
{
    const char *name = k->result != NULL ? PQfname(k->result, i) : NULL;

    return name != NULL ? name : "";
}

static uint32_t pg_column_type(const alch_cursor *k, int i)
{
    return k->result != NULL ? PQftype(k->result, i) : 0;
}

static const alch_driver driver = {
    .abi = ALCH_DRIVER_ABI,
    .flags = 0,
    .name = "libpq",
    .open = alch_pg_open,
    .open_step = alch_pg_open_step,
    .close = pg_close,
    .fd = pg_fd,
    .want = pg_want,
    .execute = alch_pg_execute,
    .execute_many = alch_pg_execute_many,
    .cursor_step = alch_pg_cursor_step,
    .cursor_free = alch_pg_cursor_free,
    .column_count = pg_column_count,
    .column_name = pg_column_name,
    .column_type = pg_column_type,
    .cell = alch_pg_cell,
    .changes = pg_changes,
    .last_insert_id = pg_last_insert_id,
    .command_tag = pg_command_tag,
    .in_transaction = pg_in_transaction,
    .alive = pg_alive,
    .server_version = pg_server_version,
    .cancel = alch_pg_cancel,
    .statement_cache_len = pg_cache_len,
    .row = alch_pg_row,
    .cursor_failed_set = pg_failed_set,
    .finish = alch_pg_finish,
    .open_next = alch_pg_open_next,
    .cancelling = alch_pg_cancelling,
};

ALCH_PLUGIN(postgresql, &driver)
