/* Opening: libpq's own options pass through; what values need to be read back
** exactly is pinned in the start-up packet, so that it costs no round trip. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/postgresql/postgresql.h"

enum { DEFAULT_STATEMENT_CACHE = 100, MAX_OPTIONS = 64, OPTIONS_SIZE = 2048 };

/* What libpq is given besides the user's own. */
#define PINS "-c DateStyle=ISO,MDY -c IntervalStyle=postgres -c extra_float_digits=3 " \
    "-c bytea_output=hex -c standard_conforming_strings=on"

typedef struct pg_settings {
    const char *keys[MAX_OPTIONS + 6], *values[MAX_OPTIONS + 6];       /* the last key is NULL */
    size_t n;
    char options[OPTIONS_SIZE];
    size_t cache;
    int prepares;
} settings;

static int is_true(const char *text)
{
    return strcmp(text, "1") == 0 || strcmp(text, "true") == 0 || strcmp(text, "on") == 0 || strcmp(text, "yes") == 0;
}

static int read_cache(const alch_host *host, const char *text, size_t *out, alch_err *err)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n > 1000000)
        return host->err_set(err, ALCH_ERR_ARGUMENT, "statement_cache_size must be a number from 0 to 1000000, not '%s'", text);
    *out = n;
    return ALCH_OK;
}

static int check_encoding(const alch_host *host, const char *text, alch_err *err)
{
    static const char *const names[] = { "utf8", "utf-8", "UTF8", "UTF-8", "auto" };
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0)
            return ALCH_OK;
    return host->err_set(err, ALCH_ERR_ARGUMENT, "client_encoding is always UTF8, not '%s'", text);
}

static void add(settings *s, const char *key, const char *value)
{
    s->keys[s->n] = key;
    s->values[s->n++] = value;
}

/* Sorts the driver's own options from libpq's. */
static int read_options(const alch_host *host, const alch_option *options, size_t n, settings *s, alch_err *err)
{
    const char *more = "";
    size_t i;
    int rc = ALCH_OK;

    if (n > MAX_OPTIONS)
        return host->err_set(err, ALCH_ERR_ARGUMENT, "%zu connection options are too many", n);
    for (i = 0; i < n && rc == ALCH_OK; i++)
        if (strcmp(options[i].key, "statement_cache_size") == 0)
            rc = read_cache(host, options[i].value, &s->cache, err);
        else if (strcmp(options[i].key, "prepared_statements") == 0)
            s->prepares = is_true(options[i].value);
        else if (strcmp(options[i].key, "options") == 0)
            more = options[i].value;
        else if (strcmp(options[i].key, "client_encoding") == 0)
            rc = check_encoding(host, options[i].value, err);
        else
            add(s, options[i].key, options[i].value);
    if (rc != ALCH_OK)
        return rc;
    /* A proxy that pools transactions refuses 'options'; see 'pinned'. */
    if ((size_t)snprintf(s->options, sizeof s->options, "%s%s%s", more, more[0] ? " " : "",
                         s->prepares ? PINS : "") >= sizeof s->options)
        return host->err_set(err, ALCH_ERR_ARGUMENT, "the connection option 'options' is too long");
    if (s->options[0] != '\0')
        add(s, "options", s->options);
    add(s, "client_encoding", "UTF8");
    s->keys[s->n] = NULL;
    return ALCH_OK;
}

/* Where the option is, or its end. */
static size_t place_of(const settings *s, const char *key)
{
    size_t i = 0;

    while (i < s->n && strcmp(s->keys[i], key) != 0)
        i++;
    return i;
}

static const char *value_of(const settings *s, const char *key)
{
    size_t at = place_of(s, key);

    return at < s->n && s->values[at][0] != '\0' ? s->values[at] : NULL;
}

static void set(settings *s, const char *key, const char *value)
{
    size_t at = place_of(s, key);

    s->keys[at] = key;
    s->values[at] = value;
    if (at == s->n)
        s->keys[++s->n] = NULL;
}

static char *put(char *at, const char *text, const char **out)
{
    size_t size = strlen(text) + 1;

    memcpy(at, text, size);
    *out = at;
    return at + size;
}

/* A copy with its texts behind it; NULL: no memory. */
static settings *keep(const alch_host *host, const settings *s)
{
    size_t i, size = sizeof *s;
    settings *copy;
    char *at;

    for (i = 0; i < s->n; i++)
        size += strlen(s->keys[i]) + strlen(s->values[i]) + 2;
    copy = host->alloc(size);
    if (copy == NULL)
        return NULL;
    *copy = *s;
    at = (char *)(copy + 1);
    for (i = 0; i < s->n; i++) {
        at = put(at, s->keys[i], &copy->keys[i]);
        at = put(at, s->values[i], &copy->values[i]);
    }
    return copy;
}

static void ignore_notice(void *arg, const PGresult *r)
{
    (void)arg;
    (void)r;
}

static alch_step fail_open(alch_conn *c, alch_err *err)
{
    static const char unknown[] = "invalid connection option";

    (void)alch_pg_fail_conn(c, err);
    c->lost = 1;
    if (err != NULL && strncmp(err->text, unknown, sizeof unknown - 1) == 0)
        err->code = ALCH_ERR_ARGUMENT;
    if (err != NULL && strstr(err->text, "unsupported startup parameter") != NULL)
        alch_pg_blame_proxy(err);
    return ALCH_STEP_FAIL;
}

/* Were the pins taken? The server reports these of itself. */
static int pinned(const alch_conn *c)
{
    const char *date = PQparameterStatus(c->pg, "DateStyle");
    const char *interval = PQparameterStatus(c->pg, "IntervalStyle");
    const char *encoding = PQparameterStatus(c->pg, "client_encoding");
    const char *strings = PQparameterStatus(c->pg, "standard_conforming_strings");

    return date != NULL && strncmp(date, "ISO", 3) == 0 && interval != NULL && strcmp(interval, "postgres") == 0
        && encoding != NULL && strcmp(encoding, "UTF8") == 0 && strings != NULL && strcmp(strings, "on") == 0;
}

static alch_step opened(alch_conn *c, alch_err *err)
{
    if (!pinned(c)) {
        (void)c->host->err_set(err, ALCH_ERR_INTERFACE,
                               "the server did not take DateStyle=ISO, IntervalStyle=postgres, client_encoding=UTF8, "
                               "standard_conforming_strings=on; behind a proxy, set them for the role");
        c->lost = 1;
        return ALCH_STEP_FAIL;
    }
    if (PQsetnonblocking(c->pg, 1) != 0 || !PQenterPipelineMode(c->pg))
        return fail_open(c, err);
    c->opening = 0;
    c->want = 0;
    return ALCH_STEP_DONE;
}

/* Fresh from PQconnectStart the socket is waited for writing, as its manual asks. */
alch_step alch_pg_open_started(alch_conn *c, alch_err *err)
{
    if (c->pg == NULL) {
        (void)c->host->err_nomem(err);
        return ALCH_STEP_FAIL;
    }
    (void)PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
    if (PQstatus(c->pg) == CONNECTION_BAD)
        return fail_open(c, err);
    c->want = ALCH_WANT_WRITE;
    return ALCH_STEP_WAIT;
}

/* The hosts of the options are what their names were found to be. */
static alch_step open_resolved(alch_conn *c, alch_err *err)
{
    const pg_hosts *hosts = alch_pg_resolved_hosts(c, err);

    if (hosts == NULL) {
        c->lost = 1;
        return ALCH_STEP_FAIL;
    }
    set(c->settings, "host", hosts->names);
    set(c->settings, "hostaddr", hosts->addresses);
    set(c->settings, "port", hosts->ports);
    c->pg = PQconnectStartParams(c->settings->keys, c->settings->values, 0);
    alch_pg_resolve_release(c);
    c->host->free(c->settings);
    c->settings = NULL;
    return alch_pg_open_started(c, err);
}

alch_step alch_pg_open_step(alch_conn *c, alch_err *err)
{
    if (c->resolving != NULL)
        return alch_pg_resolved(c) ? open_resolved(c, err) : ALCH_STEP_WAIT;
    switch (PQconnectPoll(c->pg)) {
    case PGRES_POLLING_OK:
        return opened(c, err);
    case PGRES_POLLING_READING:
        c->want = ALCH_WANT_READ;
        return ALCH_STEP_WAIT;
    case PGRES_POLLING_WRITING:
        c->want = ALCH_WANT_WRITE;
        return ALCH_STEP_WAIT;
    default:
        return fail_open(c, err);
    }
}

static alch_step wait_for_names(alch_conn *c, const settings *s, alch_err *err)
{
    c->settings = keep(c->host, s);
    if (c->settings == NULL) {
        (void)c->host->err_nomem(err);
        return ALCH_STEP_FAIL;
    }
    c->want = ALCH_WANT_READ;
    return ALCH_STEP_WAIT;
}

alch_step alch_pg_open(const alch_driver *self, const alch_host *host, const alch_option *options,
                  size_t n, alch_conn **out, alch_err *err)
{
    settings s = { .cache = DEFAULT_STATEMENT_CACHE, .prepares = 1 };
    alch_conn *c;

    (void)self;
    *out = NULL;
    if (read_options(host, options, n, &s, err) != ALCH_OK)
        return ALCH_STEP_FAIL;
    c = host->alloc0(sizeof *c);
    if (c != NULL) {
        c->host = host;
        c->opening = 1;
        c->nonce = alch_pg_nonce(c);
        c->prepares = s.prepares && s.cache > 0;
        c->statements = host->statements_new(s.cache, alch_pg_statement_drop, c);
        *out = c;
    }
    if (c == NULL || c->statements == NULL) {
        (void)host->err_nomem(err);
        return ALCH_STEP_FAIL;
    }
    /* What a service says of addresses is libpq's to know. */
    if (value_of(&s, "hostaddr") == NULL && value_of(&s, "service") == NULL
        && alch_pg_resolve(c, value_of(&s, "host"), value_of(&s, "port")))
        return wait_for_names(c, &s, err);
    c->pg = PQconnectStartParams(s.keys, s.values, 0);
    return alch_pg_open_started(c, err);
}
