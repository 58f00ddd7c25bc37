/* A driver outside the tree: built with nothing but the headers that plug-ins
** get, linked to nothing. Its one statement answers its own text. */
#include "alch/plugin.h"

struct alch_conn { const alch_host *host; alch_statements *cache; };
struct alch_cursor { const alch_host *host; const char *text; size_t len; int row; };

static void drop(void *conn, void *handle)
{
    struct alch_conn *c = conn;

    c->host->free(handle);
}

static alch_step toy_open(const alch_driver *self, const alch_host *host, const alch_option *options,
                          size_t n, alch_conn **out, alch_err *err)
{
    alch_conn *c = host->alloc0(sizeof *c);

    (void)self;
    *out = c;
    if (c != NULL)
        c->host = host;
    if (n > 0)
        return host->err_set(err, ALCH_ERR_ARGUMENT, "a toy has no option '%s'", options[0].key), ALCH_STEP_FAIL;
    if (c == NULL || (c->cache = host->statements_new(2, drop, c)) == NULL)
        return host->err_nomem(err), ALCH_STEP_FAIL;
    return ALCH_STEP_DONE;
}

static void toy_close(alch_conn *c)
{
    if (c != NULL) {
        c->host->statements_drop(c->cache);
        c->host->free(c);
    }
}

static alch_step toy_execute(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                             unsigned flags, alch_cursor **out, alch_err *err)
{
    alch_statement *st = c->host->statements_find(c->cache, sql, len);
    alch_cursor *k = c->host->alloc0(sizeof *k);

    (void)params;
    (void)n;
    (void)flags;
    *out = k;
    if (st == NULL)
        st = c->host->statements_add(c->cache, sql, len, c->host->alloc(1));
    if (k == NULL || st == NULL)
        return c->host->err_nomem(err), ALCH_STEP_FAIL;
    k->host = c->host;
    k->text = st->key;
    k->len = st->len;
    c->host->statements_done(c->cache, st);
    return ALCH_STEP_ROW;
}

static alch_step toy_step(alch_cursor *k, alch_err *err) { (void)k; (void)err; return ALCH_STEP_DONE; }

static void toy_free(alch_cursor *k)
{
    if (k != NULL)
        k->host->free(k);
}

static int toy_count(const alch_cursor *k) { (void)k; return 1; }
static const char *toy_name(const alch_cursor *k, int i) { (void)k; (void)i; return "echo"; }

static void toy_cell(alch_cursor *k, int i, alch_value *out)
{
    (void)i;
    out->kind = ALCH_TEXT;
    out->as.text.at = k->text;
    out->as.text.len = k->len;
}

static int64_t toy_changes(const alch_cursor *k) { (void)k; return -1; }
static const char *toy_tag(const alch_cursor *k) { (void)k; return "ECHO"; }
static int toy_alive(const alch_conn *c) { (void)c; return 1; }
static size_t toy_cached(const alch_conn *c) { return c->host->statements_len(c->cache); }

static const alch_driver driver = {
    .abi = ALCH_DRIVER_ABI, .flags = ALCH_DRIVER_NEVER_WAITS, .name = "toy",
    .open = toy_open, .close = toy_close, .execute = toy_execute,
    .cursor_step = toy_step, .cursor_free = toy_free,
    .column_count = toy_count, .column_name = toy_name, .cell = toy_cell,
    .changes = toy_changes, .command_tag = toy_tag, .alive = toy_alive, .statement_cache_len = toy_cached,
};

ALCH_PLUGIN(toy, &driver)
