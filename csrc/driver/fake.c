#include "driver/fake.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "driver/copy.h"

/* One answer of the script, with what is left of it. */
typedef struct answer {
    alch_fake_answer as;
    size_t used;
    struct answer *next;
} answer;

struct alch_fake {
    alch_driver driver;         /* first: a driver function's 'self' is its fake */
    int refs;
    int fd;                     /* always ready; -1: never waits */
    size_t connections, statements;
    alch_err refusal;
    answer *script;
    alch_fake_record *first, *last;
    alch_arena script_arena, log_arena;
};

struct alch_conn {
    alch_fake *fake;
    alch_cursor *cursors;       /* open ones */
    int64_t last_id;
    unsigned char opening, lost, in_transaction;
};

struct alch_cursor {
    alch_fake *fake;
    alch_conn *conn;            /* NULL once that was closed or gave it up */
    alch_cursor *next, *prev;
    const alch_fake_answer *answer;
    unsigned waits;             /* still to answer */
    unsigned char done, many;
    size_t row;                 /* from 1; 0: before the first */
    size_t sets;
};

static const alch_fake_answer nothing = { .changes = 1, .tag = "" };

/* -- the script and the log -- */

static const char *copy_text(alch_arena *arena, const char *s)
{
    return s != NULL ? alch_arena_strndup(arena, s, strlen(s)) : NULL;
}

static const char *const *copy_columns(alch_arena *arena, const alch_fake_answer *a)
{
    const char **to = alch_arena_alloc(arena, (a->column_count + 1) * sizeof *to);
    size_t i;

    for (i = 0; to != NULL && i < a->column_count; i++)
        if ((to[i] = copy_text(arena, a->columns[i])) == NULL)
            return NULL;
    return to;
}

static const alch_value *copy_cells(alch_arena *arena, const alch_fake_answer *a)
{
    size_t i, n = a->rows * a->column_count;
    alch_value *to = alch_arena_alloc(arena, (n + 1) * sizeof *to);

    for (i = 0; to != NULL && i < n; i++)
        if (!alch_copy_value(arena, &to[i], &a->cells[i]))
            return NULL;
    return to;
}

int alch_fake_add(alch_fake *f, const alch_fake_answer *a)
{
    alch_arena *arena = &f->script_arena;
    answer *item = alch_arena_alloc(arena, sizeof *item), **end = &f->script;

    if (item == NULL)
        return 0;
    item->as = *a;
    item->as.match = copy_text(arena, a->match);
    item->as.tag = copy_text(arena, a->tag != NULL ? a->tag : "");
    item->as.columns = copy_columns(arena, a);
    item->as.cells = copy_cells(arena, a);
    if ((a->match != NULL && item->as.match == NULL) || item->as.tag == NULL || item->as.columns == NULL
        || item->as.cells == NULL)
        return 0;
    while (*end != NULL)
        end = &(*end)->next;
    *end = item;
    return 1;
}

static int fits(const alch_fake *f, const answer *a, const char *sql)
{
    return (a->as.match == NULL || strstr(sql, a->as.match) != NULL)
        && (a->as.at == 0 || a->as.at == f->statements) && (a->as.times == 0 || a->used < a->as.times);
}

static const alch_fake_answer *choose(alch_fake *f, const char *sql)
{
    answer *a;

    for (a = f->script; a != NULL; a = a->next)
        if (fits(f, a, sql)) {
            a->used++;
            return &a->as;
        }
    return &nothing;
}

/* The record of a statement that begins, or NULL when memory runs out. */
static const alch_fake_record *note(alch_fake *f, const char *sql, size_t len, const alch_param *params,
                                    size_t n, size_t sets)
{
    alch_arena *arena = &f->log_arena;
    alch_fake_record *r = alch_arena_alloc(arena, sizeof *r);

    if (r == NULL || (r->sql = alch_arena_strndup(arena, sql, len)) == NULL
        || (r->params = alch_copy_params(arena, params, n * sets)) == NULL)
        return NULL;
    r->count = n;
    r->sets = sets;
    if (f->last != NULL)
        f->last->next = r;
    else
        f->first = r;
    f->last = r;
    f->statements++;
    return r;
}

const alch_fake_record *alch_fake_log(const alch_fake *f) { return f->first; }

void alch_fake_clear(alch_fake *f)
{
    f->first = f->last = NULL;
    f->statements = 0;
    alch_arena_release(&f->log_arena);
}

void alch_fake_refuse(alch_fake *f, const alch_err *err) { f->refusal = *err; }

size_t alch_fake_connections(const alch_fake *f) { return f->connections; }

/* -- connections -- */

static alch_step fail(alch_err *err, const alch_err *with)
{
    if (err != NULL)
        *err = *with;
    return ALCH_STEP_FAIL;
}

static alch_step fake_open_step(alch_conn *c, alch_err *err)
{
    c->opening = 0;
    if (c->fake->refusal.code == ALCH_OK)
        return ALCH_STEP_DONE;
    c->lost = 1;
    return fail(err, &c->fake->refusal);
}

static alch_step fake_open(const alch_driver *self, const alch_host *host, const alch_option *options,
                           size_t n, alch_conn **out, alch_err *err)
{
    alch_fake *f = (alch_fake *)(uintptr_t)self;    /* the vtable is const, what is behind it is not */
    alch_conn *c = alch_alloc0(sizeof *c);

    (void)host;
    (void)options;
    (void)n;
    *out = c;
    if (c == NULL)
        return (void)alch_err_nomem(err), ALCH_STEP_FAIL;
    c->fake = f;
    c->opening = f->fd >= 0;
    f->refs++;
    f->connections++;
    return c->opening ? ALCH_STEP_WAIT : fake_open_step(c, err);
}

static void detach(alch_cursor *k)
{
    if (k->prev != NULL)
        k->prev->next = k->next;
    else
        k->conn->cursors = k->next;
    if (k->next != NULL)
        k->next->prev = k->prev;
    k->conn = NULL;
}

static void fake_finish(alch_conn *c)
{
    while (c->cursors != NULL)
        detach(c->cursors);
}

static void fake_close(alch_conn *c)
{
    alch_fake *f = c != NULL ? c->fake : NULL;

    if (c == NULL)
        return;
    fake_finish(c);
    f->connections--;
    alch_free(c);
    alch_fake_drop(f);
}

static int fake_fd(const alch_conn *c) { return c->fake->fd; }
static int fake_want(const alch_conn *c) { return c->fake->fd >= 0 ? ALCH_WANT_WRITE : 0; }

static alch_step lost(alch_err *err)
{
    (void)alch_err_set(err, ALCH_ERR_DISCONNECT, "the connection to the server is lost");
    return ALCH_STEP_FAIL;
}

/* -- cursors -- */

static alch_cursor *cursor_new(alch_conn *c, const alch_fake_answer *a, size_t sets, int many)
{
    alch_cursor *k = alch_alloc0(sizeof *k);

    if (k == NULL)
        return NULL;
    k->fake = c->fake;
    k->fake->refs++;
    k->conn = c;
    k->answer = a;
    k->waits = c->fake->fd >= 0 ? a->waits : 0;
    k->sets = sets;
    k->many = (unsigned char)many;
    k->next = c->cursors;
    if (k->next != NULL)
        k->next->prev = k;
    c->cursors = k;
    return k;
}

static void fake_cursor_free(alch_cursor *k)
{
    alch_fake *f = k != NULL ? k->fake : NULL;

    if (k == NULL)
        return;
    if (k->conn != NULL)
        detach(k);
    alch_free(k);
    alch_fake_drop(f);
}

static alch_step fail_as_scripted(alch_cursor *k, alch_err *err)
{
    k->done = 1;
    if (k->answer->err.code == ALCH_ERR_DISCONNECT)
        k->conn->lost = 1;
    return fail(err, &k->answer->err);
}

static alch_step fake_cursor_step(alch_cursor *k, alch_err *err)
{
    if (k->conn == NULL) {
        (void)alch_err_set(err, ALCH_ERR_CLOSED, "the connection of this result was closed or given back");
        return ALCH_STEP_FAIL;
    }
    if (k->done)
        return ALCH_STEP_DONE;
    if (k->waits > 0) {
        k->waits--;
        return ALCH_STEP_WAIT;
    }
    if (k->row == 0 && k->answer->err.code != ALCH_OK)
        return fail_as_scripted(k, err);
    if (!k->many && k->row < k->answer->rows) {
        k->row++;
        return ALCH_STEP_ROW;
    }
    k->conn->last_id = k->answer->last_insert_id;
    k->done = 1;
    return ALCH_STEP_DONE;
}

static int begins_with(const char *sql, const char *word)
{
    size_t n = strlen(word);

    return strncmp(sql, word, n) == 0 && (sql[n] == '\0' || sql[n] == ' ' || sql[n] == ';');
}

static void follow_transaction(alch_conn *c, const char *sql)
{
    if (begins_with(sql, "BEGIN"))
        c->in_transaction = 1;
    else if (begins_with(sql, "COMMIT") || (begins_with(sql, "ROLLBACK") && strstr(sql, " TO ") == NULL))
        c->in_transaction = 0;
}

static alch_step execute(alch_conn *c, const char *sql, size_t len, const alch_param *params, size_t n,
                         size_t sets, int many, alch_cursor **out, alch_err *err)
{
    const alch_fake_record *r;

    *out = NULL;
    if (c->lost)
        return lost(err);
    r = note(c->fake, sql, len, params, n, sets);
    if (r != NULL)
        *out = cursor_new(c, choose(c->fake, r->sql), sets, many);
    if (*out == NULL)
        return (void)alch_err_nomem(err), ALCH_STEP_FAIL;
    if ((*out)->answer->err.code == ALCH_OK)
        follow_transaction(c, r->sql);
    return fake_cursor_step(*out, err);
}

static alch_step fake_execute(alch_conn *c, const char *sql, size_t len, const alch_param *params,
                              size_t n, unsigned flags, alch_cursor **out, alch_err *err)
{
    (void)flags;
    return execute(c, sql, len, params, n, 1, 0, out, err);
}

static alch_step fake_execute_many(alch_conn *c, const char *sql, size_t len, const alch_param *params,
                                   size_t n, size_t sets, unsigned flags, alch_cursor **out, alch_err *err)
{
    (void)flags;
    return execute(c, sql, len, params, n, sets, 1, out, err);
}

static int fake_column_count(const alch_cursor *k)
{
    return k->conn != NULL && !k->many ? (int)k->answer->column_count : 0;
}

static const char *fake_column_name(const alch_cursor *k, int i) { return k->answer->columns[i]; }
static uint32_t fake_column_type(const alch_cursor *k, int i) { (void)k; (void)i; return 0; }

static void fake_cell(alch_cursor *k, int i, alch_value *out)
{
    if (k->conn == NULL || k->row == 0 || k->done)
        out->kind = ALCH_NULL;
    else
        *out = k->answer->cells[(k->row - 1) * k->answer->column_count + (size_t)i];
}

static void fake_row(alch_cursor *k, alch_value *out)
{
    int i;

    for (i = 0; i < fake_column_count(k); i++)
        fake_cell(k, i, out + i);
}

static int64_t fake_changes(const alch_cursor *k)
{
    return k->many && k->answer->changes > 0 ? k->answer->changes * (int64_t)k->sets : k->answer->changes;
}

static size_t fake_failed_set(const alch_cursor *k)
{
    return k->answer->err.code != ALCH_OK && k->many ? 0 : (size_t)-1;
}

static int64_t fake_last_id(const alch_conn *c) { return c->last_id; }
static const char *fake_tag(const alch_cursor *k) { return k->answer->tag; }
static int fake_in_transaction(const alch_conn *c) { return c->in_transaction; }
static int fake_alive(const alch_conn *c) { return !c->lost; }
static int fake_version(const alch_conn *c) { (void)c; return 150000; }
static int fake_cancel(alch_conn *c, alch_err *err) { (void)c; (void)err; return ALCH_OK; }
static size_t fake_cache_len(const alch_conn *c) { (void)c; return 0; }

/* -- the fake itself -- */

alch_fake *alch_fake_new(int waits)
{
    static const alch_driver functions = {
        .abi = ALCH_DRIVER_ABI, .name = "fake",
        .open = fake_open, .open_step = fake_open_step, .close = fake_close,
        .fd = fake_fd, .want = fake_want,
        .execute = fake_execute, .execute_many = fake_execute_many,
        .cursor_step = fake_cursor_step, .cursor_free = fake_cursor_free,
        .column_count = fake_column_count, .column_name = fake_column_name, .column_type = fake_column_type,
        .cell = fake_cell, .changes = fake_changes, .last_insert_id = fake_last_id, .command_tag = fake_tag,
        .in_transaction = fake_in_transaction, .alive = fake_alive, .server_version = fake_version,
        .cancel = fake_cancel, .statement_cache_len = fake_cache_len,
        .row = fake_row, .cursor_failed_set = fake_failed_set, .finish = fake_finish,
    };
    alch_fake *f = alch_alloc0(sizeof *f);

    if (f == NULL)
        return NULL;
    f->driver = functions;
    f->driver.flags = waits ? 0 : ALCH_DRIVER_NEVER_WAITS;
    f->refs = 1;
    f->fd = waits ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
    alch_arena_init(&f->script_arena);
    alch_arena_init(&f->log_arena);
    if (waits && f->fd < 0) {
        alch_fake_drop(f);
        return NULL;
    }
    return f;
}

void alch_fake_drop(alch_fake *f)
{
    if (f == NULL || --f->refs > 0)
        return;
    alch_arena_release(&f->script_arena);
    alch_arena_release(&f->log_arena);
    if (f->fd >= 0)
        (void)close(f->fd);
    alch_free(f);
}

const alch_driver *alch_fake_driver(const alch_fake *f) { return &f->driver; }
