/* Connections: open, configure, close. */
#include <stdlib.h>
#include <string.h>

#include "plugins/sqlite/sqlite.h"

enum { DEFAULT_STATEMENT_CACHE = 100 };

static const char *option(const alch_option *options, size_t n, const char *key)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (strcmp(options[i].key, key) == 0)
            return options[i].value;
    return NULL;
}

static int check_options(const alch_host *host, const alch_option *options, size_t n, alch_err *err)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (!alch_sqlite_known_option(options[i].key))
            return host->err_set(err, ALCH_ERR_ARGUMENT,
                                 "unknown option '%s' for SQLite; known are database, mode, uri, vfs, "
                                 "timeout, statement_cache_size and the names of pragmas",
                                 options[i].key);
    return ALCH_OK;
}

static int read_size(const alch_host *host, const char *key, const char *text, size_t *out, alch_err *err)
{
    char *end;
    unsigned long value;

    if (text == NULL)
        return ALCH_OK;
    value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > 1000000)
        return host->err_set(err, ALCH_ERR_ARGUMENT, "%s must be a number from 0 to 1000000, not '%s'", key, text);
    *out = value;
    return ALCH_OK;
}

static int is_true(const char *text)
{
    return text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0
                            || strcmp(text, "on") == 0 || strcmp(text, "yes") == 0);
}

/* SQLITE_OPEN_* of "mode" and "uri"; 0 with 'err' filled. NOMUTEX: a
** connection has one owner at a time, so SQLite need not lock for us. */
static int open_flags(const alch_host *host, const alch_option *options, size_t n, alch_err *err)
{
    static const struct { const char *name; int flags; } modes[] = {
        { "ro", SQLITE_OPEN_READONLY },
        { "rw", SQLITE_OPEN_READWRITE },
        { "rwc", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE },
        { "memory", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY },
    };
    const char *mode = option(options, n, "mode");
    int flags = SQLITE_OPEN_NOMUTEX | (is_true(option(options, n, "uri")) ? SQLITE_OPEN_URI : 0);
    size_t i;

    for (i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(mode != NULL ? mode : "rwc", modes[i].name) == 0)
            return flags | modes[i].flags;
    (void)host->err_set(err, ALCH_ERR_ARGUMENT, "mode must be ro, rw, rwc or memory, not '%s'", mode);
    return 0;
}

static alch_step open_database(alch_conn *c, const alch_option *options, size_t n, alch_err *err)
{
    const char *path = option(options, n, "database");
    int flags = open_flags(c->host, options, n, err);
    int rc;

    if (flags == 0)
        return ALCH_STEP_FAIL;
    if (path == NULL || path[0] == '\0')
        path = ":memory:";
    rc = sqlite3_open_v2(path, &c->db, flags, option(options, n, "vfs"));
    if (rc != SQLITE_OK) {
        (void)alch_sqlite_fail(c->host, c->db, rc, err);
        if (err != NULL && c->db != NULL)
            (void)c->host->err_set(err, err->code, "%s: '%s'", sqlite3_errmsg(c->db), path);
        if (err != NULL)
            err->native = rc;
        return ALCH_STEP_FAIL;
    }
    (void)sqlite3_extended_result_codes(c->db, 1);
    if (alch_sqlite_add_regexp(c, err) != ALCH_OK)
        return ALCH_STEP_FAIL;
    return alch_sqlite_configure(c, options, n, err) == ALCH_OK ? ALCH_STEP_DONE : ALCH_STEP_FAIL;
}

static alch_step sqlite_open(const alch_driver *self, const alch_host *host,
                             const alch_option *options, size_t n, alch_conn **out, alch_err *err)
{
    size_t cache = DEFAULT_STATEMENT_CACHE;
    alch_conn *c;

    (void)self;
    *out = NULL;
    if (!sqlite3_threadsafe()) {
        (void)host->err_set(err, ALCH_ERR_INTERFACE, "this SQLite library was built without thread safety "
                            "(SQLITE_THREADSAFE=0); lualchemy needs 1 or 2");
        return ALCH_STEP_FAIL;
    }
    if (check_options(host, options, n, err) != ALCH_OK
        || read_size(host, "statement_cache_size", option(options, n, "statement_cache_size"), &cache, err) != ALCH_OK)
        return ALCH_STEP_FAIL;
    c = host->alloc0(sizeof *c);
    if (c != NULL) {
        c->host = host;
        c->statements = host->statements_new(cache, alch_sqlite_statement_drop, c);
        *out = c;
    }
    if (c == NULL || c->statements == NULL) {
        (void)host->err_nomem(err);
        return ALCH_STEP_FAIL;
    }
    return open_database(c, options, n, err);
}

static alch_step sqlite_open_step(alch_conn *c, alch_err *err)
{
    (void)c;
    (void)err;
    return ALCH_STEP_DONE;
}

static void sqlite_close(alch_conn *c)
{
    if (c == NULL)
        return;
    alch_sqlite_finish(c);
    alch_sqlite_backup_end(c);
    while (c->spare != NULL) {
        alch_cursor *k = c->spare;

        c->spare = k->next;
        alch_sqlite_rows_drop(c->host, k->rows);
        c->host->free(k);
    }
    c->host->statements_drop(c->statements);
    (void)sqlite3_close_v2(c->db);
    c->host->free(c);
}

static int sqlite_fd(const alch_conn *c) { (void)c; return -1; }
static int sqlite_want(const alch_conn *c) { (void)c; return 0; }
static uint32_t sqlite_column_type(const alch_cursor *k, int i) { (void)k; (void)i; return 0; }
static int64_t sqlite_last_id(const alch_conn *c) { return sqlite3_last_insert_rowid(c->db); }
static const char *sqlite_command_tag(const alch_cursor *k) { (void)k; return ""; }
static int sqlite_in_transaction(const alch_conn *c) { return !sqlite3_get_autocommit(c->db); }
static int sqlite_alive(const alch_conn *c) { return c->db != NULL; }
static int sqlite_version(const alch_conn *c) { (void)c; return sqlite3_libversion_number(); }
static size_t sqlite_cache_len(const alch_conn *c) { return c->host->statements_len(c->statements); }

static int sqlite_cancel(alch_conn *c, alch_err *err)
{
    (void)err;
    sqlite3_interrupt(c->db);
    return ALCH_OK;
}

static const alch_driver driver = {
    .abi = ALCH_DRIVER_ABI,
    .flags = ALCH_DRIVER_NEVER_WAITS,
    .name = "sqlite",
    .open = sqlite_open,
    .open_step = sqlite_open_step,
    .close = sqlite_close,
    .fd = sqlite_fd,
    .want = sqlite_want,
    .execute = alch_sqlite_execute,
    .execute_many = alch_sqlite_execute_many,
    .cursor_step = alch_sqlite_cursor_step,
    .cursor_free = alch_sqlite_cursor_free,
    .column_count = alch_sqlite_column_count,
    .column_name = alch_sqlite_column_name,
    .column_type = sqlite_column_type,
    .cell = alch_sqlite_cursor_cell,
    .changes = alch_sqlite_cursor_changes,
    .last_insert_id = sqlite_last_id,
    .command_tag = sqlite_command_tag,
    .in_transaction = sqlite_in_transaction,
    .alive = sqlite_alive,
    .server_version = sqlite_version,
    .cancel = sqlite_cancel,
    .statement_cache_len = sqlite_cache_len,
    .row = alch_sqlite_cursor_row,
    .cursor_failed_set = alch_sqlite_cursor_failed_set,
    .finish = alch_sqlite_finish,
    .limit = alch_sqlite_limit,
    .backup = alch_sqlite_backup,
};

ALCH_PLUGIN(sqlite, &driver)
