/* Options of the URL that are pragmas. One table: its order is the order in
** which they are applied (busy_timeout before anything that takes a lock,
** page_size before the first page is written). What was set is read back,
** because SQLite ignores what it cannot do without a word. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/sqlite/sqlite.h"

typedef struct pragma {
    const char *name;
    const char *words;      /* names of values: "off=0 normal=1"; NULL: any */
    const char *standard;   /* the value without an option, or NULL */
} pragma;

#define BOOLEAN "off=0 no=0 false=0 on=1 yes=1 true=1 0=0 1=1"

/* 'words' NULL: read back as given. "": cannot be read back. */
static const pragma pragmas[] = {
    { "busy_timeout", NULL, "5000" },
    { "page_size", NULL, NULL },
    { "encoding", NULL, NULL },
    { "auto_vacuum", "none=0 full=1 incremental=2 0=0 1=1 2=2", NULL },
    { "locking_mode", NULL, NULL },
    { "journal_mode", NULL, NULL },
    { "synchronous", "off=0 normal=1 full=2 extra=3 0=0 1=1 2=2 3=3", NULL },
    { "foreign_keys", BOOLEAN, "on" },
    { "trusted_schema", BOOLEAN, "off" },
    { "automatic_index", BOOLEAN, NULL },
    { "cache_size", NULL, NULL },
    { "cache_spill", BOOLEAN, NULL },
    { "case_sensitive_like", "", NULL },
    { "cell_size_check", BOOLEAN, NULL },
    { "checkpoint_fullfsync", BOOLEAN, NULL },
    { "defer_foreign_keys", BOOLEAN, NULL },
    { "fullfsync", BOOLEAN, NULL },
    { "ignore_check_constraints", BOOLEAN, NULL },
    { "journal_size_limit", NULL, NULL },
    { "legacy_alter_table", BOOLEAN, NULL },
    { "max_page_count", NULL, NULL },
    { "mmap_size", NULL, NULL },
    { "query_only", BOOLEAN, NULL },
    { "read_uncommitted", BOOLEAN, NULL },
    { "recursive_triggers", BOOLEAN, NULL },
    { "reverse_unordered_selects", BOOLEAN, NULL },
    { "secure_delete", "off=0 on=1 fast=2 false=0 true=1 0=0 1=1 2=2", NULL },
    { "temp_store", "default=0 file=1 memory=2 0=0 1=1 2=2", NULL },
    { "threads", NULL, NULL },
    { "wal_autocheckpoint", NULL, NULL },
};

enum { PRAGMAS = sizeof pragmas / sizeof *pragmas };

int alch_sqlite_known_option(const char *key)
{
    static const char *const others[] = {
        "database", "mode", "uri", "vfs", "timeout", "statement_cache_size"
    };
    size_t i;

    for (i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(key, others[i]) == 0)
            return 1;
    for (i = 0; i < PRAGMAS; i++)
        if (strcmp(key, pragmas[i].name) == 0)
            return 1;
    return 0;
}

/* A pragma's value is pasted into its text, so it must be a plain word. */
static int is_word(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    return n > 0 && n < 40 && s[n] == '\0';
}

/* What SQLite answers when 'value' was set: "wal" for "WAL", "1" for "on".
** NULL: not one of the words. */
static const char *expected(const pragma *p, const char *value, char *digit)
{
    const char *at = p->words;
    size_t n = strlen(value);

    while (at != NULL && at[0] != '\0') {
        const char *equals = strchr(at, '=');

        if ((size_t)(equals - at) == n && sqlite3_strnicmp(at, value, (int)n) == 0) {
            digit[0] = equals[1];
            digit[1] = '\0';
            return digit;
        }
        at = equals[2] == ' ' ? equals + 3 : equals + 2;
    }
    return p->words == NULL ? value : NULL;
}

/* Runs "PRAGMA name" and leaves the first answer in 'out'. */
static int run(alch_conn *c, const char *sql, char *out, size_t size, alch_err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);

    out[0] = '\0';
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL)
            (void)snprintf(out, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
        while (rc == SQLITE_ROW)
            rc = sqlite3_step(stmt);
    }
    if (rc != SQLITE_DONE)
        (void)alch_sqlite_fail(c->host, c->db, rc, err);
    (void)sqlite3_finalize(stmt);
    return rc == SQLITE_DONE;
}

static int set_pragma(alch_conn *c, const pragma *p, const char *value, alch_err *err)
{
    char sql[128], now[64], digit[2];
    const char *want = value;

    if (!is_word(value))
        return c->host->err_set(err, ALCH_ERR_ARGUMENT, "'%s' is no value for the SQLite option %s", value, p->name);
    if (p->words == NULL || p->words[0] != '\0') {
        want = expected(p, value, digit);
        if (want == NULL)
            return c->host->err_set(err, ALCH_ERR_ARGUMENT, "'%s' is no value for the SQLite option %s (known: %s)",
                                    value, p->name, p->words);
    }
    (void)snprintf(sql, sizeof sql, "PRAGMA %s=\"%s\"", p->name, value);
    if (!run(c, sql, now, sizeof now, err))
        return err != NULL ? err->code : ALCH_ERR_OPERATIONAL;
    if (p->words != NULL && p->words[0] == '\0')
        return ALCH_OK;
    (void)snprintf(sql, sizeof sql, "PRAGMA %s", p->name);
    if (!run(c, sql, now, sizeof now, err))
        return err != NULL ? err->code : ALCH_ERR_OPERATIONAL;
    if (sqlite3_stricmp(now, want) != 0)
        return c->host->err_set(err, ALCH_ERR_OPERATIONAL,
                                "SQLite did not take %s=%s for this database: it is '%s'", p->name, value, now);
    return ALCH_OK;
}

/* The two defaults need no SQL: opening is on the path of every new
** connection. */
static int set_standard(alch_conn *c, const pragma *p, alch_err *err)
{
    int on = -1, rc;

    if (strcmp(p->name, "busy_timeout") == 0) {
        (void)sqlite3_busy_timeout(c->db, (int)strtol(p->standard, NULL, 10));
        return ALCH_OK;
    }
    if (strcmp(p->name, "foreign_keys") == 0) {
        rc = sqlite3_db_config(c->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, &on);
        if (rc != SQLITE_OK || on != 1)
            return c->host->err_set(err, ALCH_ERR_OPERATIONAL, "this SQLite library cannot enforce foreign keys; "
                                    "pass foreign_keys=off to go without");
        return ALCH_OK;
    }
    return set_pragma(c, p, p->standard, err);
}

/* pysqlite's "timeout" is busy_timeout in seconds. */
static const char *timeout_in_ms(const char *seconds, char *out, size_t size)
{
    char *end;
    double s = strtod(seconds, &end);

    if (end == seconds || *end != '\0' || !(s >= 0 && s < 1e6))
        return seconds;         /* is refused as a value of busy_timeout, with its text */
    (void)snprintf(out, size, "%d", (int)(s * 1000));
    return out;
}

static const char *find(const alch_option *options, size_t n, const char *key)
{
    while (n-- > 0)
        if (strcmp(options[n].key, key) == 0)
            return options[n].value;
    return NULL;
}

int alch_sqlite_configure(alch_conn *c, const alch_option *options, size_t n, alch_err *err)
{
    const char *timeout = find(options, n, "timeout");
    char ms[32];
    size_t i;
    int rc = ALCH_OK;

    for (i = 0; i < PRAGMAS && rc == ALCH_OK; i++) {
        const char *value = find(options, n, pragmas[i].name);

        if (value == NULL && i == 0 && timeout != NULL)
            value = timeout_in_ms(timeout, ms, sizeof ms);
        if (value != NULL)
            rc = set_pragma(c, &pragmas[i], value, err);
        else if (pragmas[i].standard != NULL)
            rc = set_standard(c, &pragmas[i], err);
    }
    return rc;
}
