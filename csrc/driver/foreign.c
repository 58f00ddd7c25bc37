#include "driver/foreign.h"

static alch_step refuse(alch_err *err)
{
    (void)alch_err_set(err, ALCH_ERR_DISCONNECT,
                       "this connection was opened before fork() and is the parent process's; the child needs its own");
    return ALCH_STEP_FAIL;
}

static alch_step foreign_open(const alch_driver *self, const alch_host *host, const alch_option *options, size_t n,
                              alch_conn **out, alch_err *err)
{
    (void)self, (void)host, (void)options, (void)n;
    *out = NULL;
    return refuse(err);
}

static alch_step foreign_execute(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                                 unsigned flags, alch_cursor **out, alch_err *err)
{
    (void)c, (void)sql, (void)len, (void)params, (void)n, (void)flags;
    *out = NULL;
    return refuse(err);
}

static alch_step foreign_execute_many(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                                      size_t sets, unsigned flags, alch_cursor **out, alch_err *err)
{
    (void)sets;
    return foreign_execute(c, sql, len, params, n, flags, out, err);
}

static alch_step foreign_open_step(alch_conn *c, alch_err *err) { (void)c; return refuse(err); }
static alch_step foreign_cursor_step(alch_cursor *k, alch_err *err) { (void)k; return refuse(err); }
static void foreign_close(alch_conn *c) { (void)c; }
static void foreign_finish(alch_conn *c) { (void)c; }
static void foreign_cursor_free(alch_cursor *k) { (void)k; }
static int foreign_fd(const alch_conn *c) { (void)c; return -1; }
static int foreign_no(const alch_conn *c) { (void)c; return 0; }
static int foreign_columns(const alch_cursor *k) { (void)k; return 0; }
static const char *foreign_column_name(const alch_cursor *k, int i) { (void)k, (void)i; return ""; }
static uint32_t foreign_column_type(const alch_cursor *k, int i) { (void)k, (void)i; return 0; }
static void foreign_row(alch_cursor *k, alch_value *out) { (void)k, (void)out; }
static int64_t foreign_changes(const alch_cursor *k) { (void)k; return -1; }
static int64_t foreign_last_id(const alch_conn *c) { (void)c; return 0; }
static const char *foreign_tag(const alch_cursor *k) { (void)k; return ""; }
static int foreign_cancel(alch_conn *c, alch_err *err) { (void)c; (void)refuse(err); return ALCH_ERR_DISCONNECT; }
static size_t foreign_cache_len(const alch_conn *c) { (void)c; return 0; }
static size_t foreign_failed_set(const alch_cursor *k) { (void)k; return (size_t)-1; }

static void foreign_cell(alch_cursor *k, int i, alch_value *out)
{
    (void)k, (void)i;
    out->kind = ALCH_NULL;
}

const alch_driver alch_foreign_driver = {
    .abi = ALCH_DRIVER_ABI, .flags = ALCH_DRIVER_NEVER_WAITS, .name = "foreign",
    .open = foreign_open, .open_step = foreign_open_step, .close = foreign_close,
    .fd = foreign_fd, .want = foreign_no,
    .execute = foreign_execute, .execute_many = foreign_execute_many,
    .cursor_step = foreign_cursor_step, .cursor_free = foreign_cursor_free,
    .column_count = foreign_columns, .column_name = foreign_column_name, .column_type = foreign_column_type,
    .cell = foreign_cell, .changes = foreign_changes, .last_insert_id = foreign_last_id, .command_tag = foreign_tag,
    .in_transaction = foreign_no, .alive = foreign_no, .server_version = foreign_no,
    .cancel = foreign_cancel, .statement_cache_len = foreign_cache_len,
    .row = foreign_row, .cursor_failed_set = foreign_failed_set, .finish = foreign_finish,
};
