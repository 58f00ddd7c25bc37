/* raw_sqlite WORKLOAD: libsqlite3 and prepared statements, on a database in memory. */
#include <pthread.h>
#include <sqlite3.h>

#include "raw.h"

static sqlite3 *db;

static void execute(const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        raw_die(sql, sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *s;

    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        raw_die(sql, sqlite3_errmsg(db));
    return s;
}

static void finish(sqlite3_stmt *s)
{
    if (sqlite3_step(s) != SQLITE_DONE)
        raw_die("step", sqlite3_errmsg(db));
    sqlite3_reset(s);
}

static int64_t scalar(const char *sql)
{
    sqlite3_stmt *s = prepare(sql);
    int64_t v;

    (void)sqlite3_step(s);
    v = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return v;
}

static char *text(sqlite3_stmt *s, int i)
{
    const char *p = (const char *)sqlite3_column_text(s, i);

    return raw_copy(p, sqlite3_column_bytes(s, i));
}

static raw_customer row(sqlite3_stmt *s)
{
    return (raw_customer){ sqlite3_column_int64(s, 0), text(s, 1), text(s, 2) };
}

static raw_customer *load(int n)
{
    raw_customer *v = raw_alloc(sizeof *v * (size_t)n);
    sqlite3_stmt *s = prepare("SELECT id, name, description FROM customer");
    int i;

    for (i = 0; i < n && sqlite3_step(s) == SQLITE_ROW; i++)
        v[i] = row(s);
    sqlite3_finalize(s);
    raw_expect(i, n);
    return v;
}

/* W1: objects made, inserted one by one, keys taken back. */
static double add_objects(int n)
{
    double start = raw_now(), seconds;
    raw_customer *v = raw_customers(n);
    sqlite3_stmt *s;
    int i;

    execute("BEGIN");
    s = prepare("INSERT INTO customer (name, description) VALUES (?, ?)");
    for (i = 0; i < n; i++) {
        sqlite3_bind_text(s, 1, v[i].name, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 2, v[i].description, -1, SQLITE_STATIC);
        finish(s);
        v[i].id = sqlite3_last_insert_rowid(db);
    }
    sqlite3_finalize(s);
    execute("COMMIT");
    seconds = raw_now() - start;
    raw_expect(scalar("SELECT count(*) FROM customer"), n);
    return seconds;
}

/* W2: rows inserted one by one. */
static double insert_rows(int n)
{
    double start = raw_now(), seconds;
    char name[64], description[64];
    sqlite3_stmt *s;
    int i;

    execute("BEGIN");
    s = prepare("INSERT INTO customer (name, description) VALUES (?, ?)");
    for (i = 0; i < n; i++) {
        sqlite3_bind_text(s, 1, name, snprintf(name, sizeof name, "customer name %d", i), SQLITE_STATIC);
        sqlite3_bind_text(s, 2, description, snprintf(description, sizeof description, "customer description %d", i),
                          SQLITE_STATIC);
        finish(s);
    }
    sqlite3_finalize(s);
    execute("COMMIT");
    seconds = raw_now() - start;
    raw_expect(scalar("SELECT count(*) FROM customer"), n);
    return seconds;
}

/* W3: rows loaded into objects of their own. */
static double load_objects(int n)
{
    double start, seconds;
    raw_customer *v;

    raw_setup("sqlite", "customers", n, execute);
    start = raw_now();
    v = load(n);
    raw_expect(raw_read(v, n) > 0, 1);
    seconds = raw_now() - start;
    return seconds;
}

/* W4: every value read where it stands. */
static double fetch_rows(int n)
{
    double start, seconds;
    sqlite3_stmt *s;
    int64_t sum = 0;
    int rows = 0;

    raw_setup("sqlite", "customers", n, execute);
    start = raw_now();
    s = prepare("SELECT id, name, description FROM customer");
    for (; sqlite3_step(s) == SQLITE_ROW; rows++) {
        sum += sqlite3_column_int64(s, 0);
        sum += sqlite3_column_text(s, 1)[0] + sqlite3_column_bytes(s, 1);
        sum += sqlite3_column_text(s, 2)[0] + sqlite3_column_bytes(s, 2);
    }
    sqlite3_finalize(s);
    seconds = raw_now() - start;
    raw_expect(rows, n);
    raw_expect(sum > 0, 1);
    return seconds;
}

/* W5: one object by its key. */
static double get_objects(int n)
{
    double start, seconds;
    sqlite3_stmt *s;
    int i, found = 0;

    raw_setup("sqlite", "customers", n, execute);
    start = raw_now();
    s = prepare("SELECT id, name, description FROM customer WHERE id = ?");
    for (i = 0; i < n; i++) {
        sqlite3_bind_int64(s, 1, raw_pick(i, n));
        if (sqlite3_step(s) == SQLITE_ROW) {
            raw_customer *c = raw_alloc(sizeof *c);

            *c = row(s);
            found += c->id > 0;
            free(c->name);
            free(c->description);
            free(c);
        }
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    seconds = raw_now() - start;
    raw_expect(found, n);
    return seconds;
}

/* W6: one field of each loaded object changed and written back. */
static double change_objects(int n)
{
    double start, seconds;
    raw_customer *v;
    sqlite3_stmt *s;
    int i;

    raw_setup("sqlite", "customers", n, execute);
    v = load(n);
    start = raw_now();
    raw_change(v, n);
    execute("BEGIN");
    s = prepare("UPDATE customer SET description = ? WHERE id = ?");
    for (i = 0; i < n; i++) {
        sqlite3_bind_text(s, 1, v[i].description, -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 2, v[i].id);
        finish(s);
    }
    sqlite3_finalize(s);
    execute("COMMIT");
    seconds = raw_now() - start;
    raw_expect(scalar("SELECT count(*) FROM customer WHERE description LIKE '% updated'"), n);
    return seconds;
}

/* W11: parents and their children, keys taken back and handed down. */
static double add_families(int n)
{
    double start = raw_now(), seconds;
    int parents = n / (RAW_CHILDREN + 1), i, j;
    raw_parent *v = raw_family(parents);
    sqlite3_stmt *s;

    execute("BEGIN");
    s = prepare("INSERT INTO parent (name) VALUES (?)");
    for (i = 0; i < parents; i++) {
        sqlite3_bind_text(s, 1, v[i].name, -1, SQLITE_STATIC);
        finish(s);
        v[i].id = sqlite3_last_insert_rowid(db);
    }
    sqlite3_finalize(s);
    s = prepare("INSERT INTO child (parent_id, name) VALUES (?, ?)");
    for (i = 0; i < parents; i++)
        for (j = 0; j < RAW_CHILDREN; j++) {
            sqlite3_bind_int64(s, 1, v[i].id);
            sqlite3_bind_text(s, 2, v[i].children[j].name, -1, SQLITE_STATIC);
            finish(s);
            v[i].children[j].id = sqlite3_last_insert_rowid(db);
        }
    sqlite3_finalize(s);
    execute("COMMIT");
    seconds = raw_now() - start;
    raw_expect(scalar("SELECT count(*) FROM child"), (int64_t)parents * RAW_CHILDREN);
    return seconds;
}

static raw_loaded_parent parent_at(sqlite3_stmt *s)
{
    raw_loaded_parent p = { 0 };

    p.id = sqlite3_column_int64(s, 0);
    p.name = raw_copy((const char *)sqlite3_column_text(s, 1), sqlite3_column_bytes(s, 1));
    return p;
}

static void add_child(raw_loaded_parent *p, sqlite3_stmt *s, int at)
{
    raw_loaded_child *c = &p->children[p->count++];

    c->id = sqlite3_column_int64(s, at);
    c->parent_id = sqlite3_column_int64(s, at + 1);
    c->name = raw_copy((const char *)sqlite3_column_text(s, at + 2), sqlite3_column_bytes(s, at + 2));
}

/* W8j: parents and children by one join. */
static double load_joined(int n)
{
    raw_loaded_parent *v;
    sqlite3_stmt *s;
    double start;
    int parents = 0, children = 0;

    raw_setup("sqlite", "families", n, execute);
    start = raw_now();
    v = raw_alloc(sizeof *v * (size_t)(n / RAW_LOADED + 1));
    s = prepare("SELECT p.id, p.name, c.id, c.parent_id, c.name FROM parent p LEFT JOIN child c ON c.parent_id = p.id");
    for (; sqlite3_step(s) == SQLITE_ROW; children++) {
        if (parents == 0 || v[parents - 1].id != sqlite3_column_int64(s, 0))
            v[parents++] = parent_at(s);
        add_child(&v[parents - 1], s, 2);
    }
    sqlite3_finalize(s);
    raw_expect(children, n);
    return raw_now() - start;
}

/* W8s: the parents, then their children, 500 keys at a time. */
static double load_by_keys(int n)
{
    raw_loaded_parent *v;
    sqlite3_stmt *s;
    char sql[2048] = "SELECT id, parent_id, name FROM child WHERE parent_id IN (?";
    double start;
    int parents = 0, children = 0, i, at;

    raw_setup("sqlite", "families", n, execute);
    for (i = 1; i < 500; i++)
        strcat(sql, ",?");
    strcat(sql, ")");
    start = raw_now();
    v = raw_alloc(sizeof *v * (size_t)(n / RAW_LOADED + 1));
    s = prepare("SELECT id, name FROM parent");
    while (sqlite3_step(s) == SQLITE_ROW)
        v[parents++] = parent_at(s);
    sqlite3_finalize(s);
    s = prepare(sql);
    for (at = 0; at < parents; at += 500) {
        for (i = 0; i < 500; i++)
            sqlite3_bind_int64(s, i + 1, at + i < parents ? v[at + i].id : 0);
        for (; sqlite3_step(s) == SQLITE_ROW; children++)
            add_child(&v[sqlite3_column_int64(s, 1) - 1], s, 0);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    raw_expect(children, n);
    return raw_now() - start;
}

static void add_engineers(raw_engineer *v, int n)
{
    sqlite3_stmt *s;
    int i;

    execute("BEGIN");
    s = prepare("INSERT INTO person (kind, name) VALUES (?, ?)");
    for (i = 0; i < n; i++) {
        sqlite3_bind_text(s, 1, v[i].kind, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 2, v[i].name, -1, SQLITE_STATIC);
        finish(s);
        v[i].id = sqlite3_last_insert_rowid(db);
    }
    sqlite3_finalize(s);
    s = prepare("INSERT INTO engineer (id, language) VALUES (?, ?)");
    for (i = 0; i < n; i++) {
        sqlite3_bind_int64(s, 1, v[i].id);
        sqlite3_bind_text(s, 2, v[i].language, -1, SQLITE_STATIC);
        finish(s);
    }
    sqlite3_finalize(s);
    execute("COMMIT");
}

static char *text_of(sqlite3_stmt *s, int at)
{
    return raw_copy((const char *)sqlite3_column_text(s, at), sqlite3_column_bytes(s, at));
}

/* W12: rows of two tables that belong together, written and read again. */
static double joined_inheritance(int n)
{
    double start = raw_now();
    raw_engineer *w = raw_alloc(sizeof *w * (size_t)n);
    sqlite3_stmt *s;
    int i = 0;

    add_engineers(raw_engineers(n), n);
    s = prepare("SELECT p.id, p.kind, p.name, e.id, e.language FROM person p JOIN engineer e ON p.id = e.id");
    for (; sqlite3_step(s) == SQLITE_ROW; i++) {
        w[i].id = sqlite3_column_int64(s, 0);
        w[i].kind = text_of(s, 1);
        w[i].name = text_of(s, 2);
        w[i].language = text_of(s, 4);
    }
    sqlite3_finalize(s);
    raw_expect(i, n);
    return raw_now() - start;
}

/* W10: the rows of loaded objects deleted. */
static double delete_objects(int n)
{
    double start, seconds;
    raw_customer *v;
    sqlite3_stmt *s;
    int i;

    raw_setup("sqlite", "customers", n, execute);
    v = load(n);
    start = raw_now();
    execute("BEGIN");
    s = prepare("DELETE FROM customer WHERE id = ?");
    for (i = 0; i < n; i++) {
        sqlite3_bind_int64(s, 1, v[i].id);
        finish(s);
    }
    sqlite3_finalize(s);
    execute("COMMIT");
    seconds = raw_now() - start;
    raw_expect(scalar("SELECT count(*) FROM customer"), 0);
    return seconds;
}

/* W9: a connection taken off a list of idle ones and put back, each under a lock. */
static double take_and_give(int n)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static sqlite3 *volatile idle[5];
    static volatile int count;
    double start, seconds;
    int i;

    idle[count++] = db;
    start = raw_now();
    for (i = 0; i < n; i++) {
        sqlite3 *c;

        pthread_mutex_lock(&lock);
        c = idle[--count];
        pthread_mutex_unlock(&lock);
        pthread_mutex_lock(&lock);
        idle[count++] = c;
        pthread_mutex_unlock(&lock);
    }
    seconds = raw_now() - start;
    raw_expect(idle[0] == db && count == 1, 1);
    return seconds;
}

static const raw_workload workloads[] = {
    { "W1", 100000, add_objects },
    { "W2", 100000, insert_rows },
    { "W2/10k", 10000, insert_rows },
    { "W3", 100000, load_objects },
    { "W4", 100000, fetch_rows },
    { "W5", 10000, get_objects },
    { "W6", 20000, change_objects },
    { "W8j", 40000, load_joined },
    { "W8s", 40000, load_by_keys },
    { "W9", 200000, take_and_give },
    { "W10", 20000, delete_objects },
    { "W11", 55000, add_families },
    { "W12", 20000, joined_inheritance },
    { NULL, 0, NULL }
};

int main(int argc, char **argv)
{
    if (argc < 2 || sqlite3_open(":memory:", &db) != SQLITE_OK)
        raw_die("usage", "raw_sqlite WORKLOAD");
    raw_setup("sqlite", "schema", 0, execute);
    raw_run("sqlite", argv[1], workloads);
    sqlite3_close(db);
    return 0;
}
