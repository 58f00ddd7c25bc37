/* Copying a database to a file and back, some pages at a time, while others go
** on using it. SQLite begins anew by itself when somebody else writes. */
#include "plugins/sqlite/sqlite.h"

void alch_sqlite_backup_end(alch_conn *c)
{
    if (c->copying != NULL)
        (void)sqlite3_backup_finish(c->copying);
    (void)sqlite3_close(c->file);
    c->copying = NULL;
    c->file = NULL;
}

static int begin(alch_conn *c, const char *path, int restore, alch_err *err)
{
    int flags = restore ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(path, &c->file, flags, NULL);
    sqlite3 *from = restore ? c->file : c->db, *to = restore ? c->db : c->file;

    if (rc != SQLITE_OK) {
        (void)alch_sqlite_fail(c->host, c->file, rc, err);
        if (err != NULL && err->code != ALCH_ERR_NOMEM)
            (void)c->host->err_set(err, err->code, "%s: '%s'", sqlite3_errmsg(c->file), path);
        return -1;
    }
    c->copying = sqlite3_backup_init(to, "main", from, "main");
    if (c->copying == NULL) {
        (void)alch_sqlite_fail(c->host, to, sqlite3_errcode(to), err);
        return -1;
    }
    return 0;
}

/* What a step says of the file's database or of ours, whichever is written. */
static int failed(alch_conn *c, int restore, int rc, alch_err *err)
{
    (void)alch_sqlite_fail(c->host, restore ? c->db : c->file, rc, err);
    return err != NULL ? err->code : ALCH_ERR_OPERATIONAL;
}

int alch_sqlite_backup(alch_conn *c, const char *path, int restore, int pages, int *left, int *total, alch_err *err)
{
    int rc, code;

    if (path == NULL) {
        alch_sqlite_backup_end(c);
        return ALCH_OK;
    }
    if (c->copying == NULL && begin(c, path, restore, err) != 0) {
        alch_sqlite_backup_end(c);
        return err != NULL ? err->code : ALCH_ERR_OPERATIONAL;
    }
    rc = sqlite3_backup_step(c->copying, pages);
    *left = sqlite3_backup_remaining(c->copying);
    *total = sqlite3_backup_pagecount(c->copying);
    if (rc == SQLITE_OK)
        return ALCH_OK;
    if (rc == SQLITE_DONE) {
        alch_sqlite_backup_end(c);
        return ALCH_OK;
    }
    code = failed(c, restore, rc, err);
    if (code != ALCH_ERR_BUSY)
        alch_sqlite_backup_end(c);
    return code;
}
