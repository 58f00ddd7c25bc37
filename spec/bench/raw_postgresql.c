/*
** raw_postgresql URL WORKLOAD: libpq and prepared statements, binary parameters and results. A workload has
** variants: "row" makes a round trip for each row, "values" sends 1,000 rows in one VALUES, "unnest" 1,000 rows as one
** array for each column.
*/
#include <arpa/inet.h>
#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#else
#include <postgresql/libpq-fe.h>
#endif

#include "raw.h"

enum { BLOCK = 1000, INT4 = 23, TEXT = 25 };

static PGconn *db;

static PGresult *check(PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        raw_die("query", PQerrorMessage(db));
    return r;
}

static void execute(const char *sql) { PQclear(check(PQexec(db, sql))); }

static void prepare(const char *sql) { PQclear(check(PQprepare(db, "", sql, 0, NULL))); }

static PGresult *run(int n, const char *const *values, const int *lengths)
{
    static const int binary[] = { 1, 1 };

    return check(PQexecPrepared(db, "", n, values, lengths, lengths ? binary : NULL, 1));
}

static int64_t scalar(const char *sql)
{
    PGresult *r = check(PQexec(db, sql));
    int64_t v = strtoll(PQgetvalue(r, 0, 0), NULL, 10);

    PQclear(r);
    return v;
}

static int32_t integer(const PGresult *r, int row, int column)
{
    uint32_t v;

    memcpy(&v, PQgetvalue(r, row, column), sizeof v);
    return (int32_t)ntohl(v);
}

static char *text(const PGresult *r, int row, int column)
{
    return raw_copy(PQgetvalue(r, row, column), PQgetlength(r, row, column));
}

static raw_customer customer(const PGresult *r, int i)
{
    return (raw_customer){ integer(r, i, 0), text(r, i, 1), text(r, i, 2) };
}

/* One-dimensional arrays in the binary format, up to BLOCK items of at most 60 bytes. */
typedef struct array { char data[20 + BLOCK * 64]; int len; } array;

static void put(array *a, const void *p, int n)
{
    memcpy(a->data + a->len, p, (size_t)n);
    a->len += n;
}

static void put_integer(array *a, int32_t v)
{
    uint32_t wire = htonl((uint32_t)v);

    put(a, &wire, sizeof wire);
}

static void array_begin(array *a, int type, int n)
{
    a->len = 0;
    put_integer(a, 1);
    put_integer(a, 0);
    put_integer(a, type);
    put_integer(a, n);
    put_integer(a, 1);
}

static void array_text(array *a, const char *s)
{
    int n = (int)strlen(s);

    put_integer(a, n);
    put(a, s, n);
}

static void array_integer(array *a, int64_t v)
{
    put_integer(a, 4);
    put_integer(a, (int32_t)v);
}

static PGresult *run_arrays(const array *a, const array *b)
{
    const char *values[] = { a->data, b ? b->data : NULL };
    int lengths[] = { a->len, b ? b->len : 0 };

    return run(b ? 2 : 1, values, lengths);
}

static int block(int n, int at) { return n - at < BLOCK ? n - at : BLOCK; }

/* "INSERT INTO customer ... VALUES ($1, $2), ..." for 'rows' rows. */
static void prepare_values(int rows)
{
    size_t size = (size_t)rows * 20 + 128, len;
    char *sql = raw_alloc(size);
    int i;

    len = (size_t)snprintf(sql, size, "INSERT INTO customer (name, description) VALUES ");
    for (i = 0; i < rows; i++)
        len += (size_t)snprintf(sql + len, size - len, "%s($%d,$%d)", i ? "," : "", 2 * i + 1, 2 * i + 2);
    snprintf(sql + len, size - len, " RETURNING id");
    prepare(sql);
    free(sql);
}

static void take_keys(PGresult *r, raw_customer *v)
{
    int i;

    for (i = 0; i < PQntuples(r); i++)
        v[i].id = integer(r, i, 0);
    PQclear(r);
}

static void insert_row(raw_customer *v, int n)
{
    int i;

    prepare("INSERT INTO customer (name, description) VALUES ($1, $2) RETURNING id");
    for (i = 0; i < n; i++) {
        const char *values[] = { v[i].name, v[i].description };

        take_keys(run(2, values, NULL), v + i);
    }
}

static void insert_values(raw_customer *v, int n)
{
    const char *values[2 * BLOCK];
    int at, i, prepared = 0;

    for (at = 0; at < n; at += BLOCK) {
        int rows = block(n, at);

        if (rows != prepared)
            prepare_values(prepared = rows);
        for (i = 0; i < rows; i++) {
            values[2 * i] = v[at + i].name;
            values[2 * i + 1] = v[at + i].description;
        }
        take_keys(run(2 * rows, values, NULL), v + at);
    }
}

static void insert_unnest(raw_customer *v, int n)
{
    static array names, descriptions;
    int at, i;

    prepare("INSERT INTO customer (name, description) "
            "SELECT a, b FROM unnest($1::text[], $2::text[]) AS t(a, b) RETURNING id");
    for (at = 0; at < n; at += BLOCK) {
        array_begin(&names, TEXT, block(n, at));
        array_begin(&descriptions, TEXT, block(n, at));
        for (i = 0; i < block(n, at); i++) {
            array_text(&names, v[at + i].name);
            array_text(&descriptions, v[at + i].description);
        }
        take_keys(run_arrays(&names, &descriptions), v + at);
    }
}

static double add_objects(int n, void (*insert)(raw_customer *, int))
{
    double start = raw_now(), seconds;
    raw_customer *v = raw_customers(n);

    execute("BEGIN");
    insert(v, n);
    execute("COMMIT");
    seconds = raw_now() - start;
    raw_expect(scalar("SELECT count(*) FROM customer"), n);
    raw_expect(v[n - 1].id, n);
    return seconds;
}

/* W1 and W2 */
static double add_row(int n) { return add_objects(n, insert_row); }
static double add_values(int n) { return add_objects(n, insert_values); }
static double add_unnest(int n) { return add_objects(n, insert_unnest); }

static raw_customer *load(int n)
{
    PGresult *r = check(PQexecParams(db, "SELECT id, name, description FROM customer", 0, NULL, NULL, NULL, NULL, 1));
    raw_customer *v = raw_alloc(sizeof *v * (size_t)n);
    int i;

    raw_expect(PQntuples(r), n);
    for (i = 0; i < n; i++)
        v[i] = customer(r, i);
    PQclear(r);
    return v;
}

/* W3 */
static double load_objects(int n)
{
    double start;
    raw_customer *v;

    raw_setup("postgresql", "customers", n, execute);
    start = raw_now();
    v = load(n);
    raw_expect(raw_read(v, n) > 0, 1);
    return raw_now() - start;
}

/* W4 */
static double fetch_rows(int n)
{
    double start;
    PGresult *r;
    int64_t sum = 0;
    int i;

    raw_setup("postgresql", "customers", n, execute);
    start = raw_now();
    r = check(PQexecParams(db, "SELECT id, name, description FROM customer", 0, NULL, NULL, NULL, NULL, 1));
    for (i = 0; i < PQntuples(r); i++) {
        sum += integer(r, i, 0);
        sum += PQgetvalue(r, i, 1)[0] + PQgetlength(r, i, 1);
        sum += PQgetvalue(r, i, 2)[0] + PQgetlength(r, i, 2);
    }
    raw_expect(i, n);
    raw_expect(sum > 0, 1);
    PQclear(r);
    return raw_now() - start;
}

/* W5 */
static double get_objects(int n)
{
    double start, seconds;
    int i, found = 0;

    raw_setup("postgresql", "customers", n, execute);
    start = raw_now();
    execute("BEGIN");
    prepare("SELECT id, name, description FROM customer WHERE id = $1::int4");
    for (i = 0; i < n; i++) {
        uint32_t key = htonl((uint32_t)raw_pick(i, n));
        const char *values[] = { (const char *)&key };
        int lengths[] = { sizeof key };
        PGresult *r = run(1, values, lengths);
        raw_customer c = customer(r, 0);

        found += c.id > 0;
        free(c.name);
        free(c.description);
        PQclear(r);
    }
    execute("COMMIT");
    seconds = raw_now() - start;
    raw_expect(found, n);
    return seconds;
}

static void update_row(raw_customer *v, int n)
{
    char key[16];
    int i;

    prepare("UPDATE customer SET description = $1 WHERE id = $2");
    for (i = 0; i < n; i++) {
        const char *values[] = { v[i].description, key };

        snprintf(key, sizeof key, "%d", (int)v[i].id);
        PQclear(run(2, values, NULL));
    }
}

static void update_unnest(raw_customer *v, int n)
{
    static array keys, descriptions;
    int at, i;

    prepare("UPDATE customer SET description = t.d FROM unnest($1::int4[], $2::text[]) AS t(i, d) WHERE customer.id = t.i");
    for (at = 0; at < n; at += BLOCK) {
        array_begin(&keys, INT4, block(n, at));
        array_begin(&descriptions, TEXT, block(n, at));
        for (i = 0; i < block(n, at); i++) {
            array_integer(&keys, v[at + i].id);
            array_text(&descriptions, v[at + i].description);
        }
        PQclear(run_arrays(&keys, &descriptions));
    }
}

static double change_objects(int n, void (*update)(raw_customer *, int))
{
    double start, seconds;
    raw_customer *v;

    raw_setup("postgresql", "customers", n, execute);
    v = load(n);
    start = raw_now();
    raw_change(v, n);
    execute("BEGIN");
    update(v, n);
    execute("COMMIT");
    seconds = raw_now() - start;
    raw_expect(scalar("SELECT count(*) FROM customer WHERE description LIKE '% updated'"), n);
    return seconds;
}

/* W6 */
static double change_row(int n) { return change_objects(n, update_row); }
static double change_unnest(int n) { return change_objects(n, update_unnest); }

static void insert_parents(raw_parent *v, int n)
{
    static array names;
    int at, i;

    prepare("INSERT INTO parent (name) SELECT a FROM unnest($1::text[]) AS t(a) RETURNING id");
    for (at = 0; at < n; at += BLOCK) {
        PGresult *r;

        array_begin(&names, TEXT, block(n, at));
        for (i = 0; i < block(n, at); i++)
            array_text(&names, v[at + i].name);
        r = run_arrays(&names, NULL);
        for (i = 0; i < PQntuples(r); i++)
            v[at + i].id = integer(r, i, 0);
        PQclear(r);
    }
}

static void insert_children(raw_parent *v, int n)
{
    static array keys, names;
    int at, i, total = n * RAW_CHILDREN;

    prepare("INSERT INTO child (parent_id, name) SELECT a, b FROM unnest($1::int4[], $2::text[]) AS t(a, b) RETURNING id");
    for (at = 0; at < total; at += BLOCK) {
        PGresult *r;

        array_begin(&keys, INT4, block(total, at));
        array_begin(&names, TEXT, block(total, at));
        for (i = at; i < at + block(total, at); i++) {
            array_integer(&keys, v[i / RAW_CHILDREN].id);
            array_text(&names, v[i / RAW_CHILDREN].children[i % RAW_CHILDREN].name);
        }
        r = run_arrays(&keys, &names);
        for (i = 0; i < PQntuples(r); i++)
            v[(at + i) / RAW_CHILDREN].children[(at + i) % RAW_CHILDREN].id = integer(r, i, 0);
        PQclear(r);
    }
}

/* W11 */
static double add_families(int n)
{
    double start = raw_now(), seconds;
    int parents = n / (RAW_CHILDREN + 1);
    raw_parent *v = raw_family(parents);

    execute("BEGIN");
    insert_parents(v, parents);
    insert_children(v, parents);
    execute("COMMIT");
    seconds = raw_now() - start;
    raw_expect(scalar("SELECT count(*) FROM child"), (int64_t)parents * RAW_CHILDREN);
    return seconds;
}

static char *text_at(PGresult *r, int i, int column)
{
    return raw_copy(PQgetvalue(r, i, column), PQgetlength(r, i, column));
}

static void add_child(raw_loaded_parent *p, PGresult *r, int i, int at)
{
    raw_loaded_child *c = &p->children[p->count++];

    c->id = integer(r, i, at);
    c->parent_id = integer(r, i, at + 1);
    c->name = text_at(r, i, at + 2);
}

/* W8j: parents and children by one join. */
static double load_joined(int n)
{
    raw_loaded_parent *v;
    PGresult *r;
    double start;
    int i, at;

    raw_setup("postgresql", "families", n, execute);
    start = raw_now();
    v = raw_alloc(sizeof *v * (size_t)(n / RAW_LOADED + 1));
    r = check(PQexecParams(db, "SELECT p.id, p.name, c.id, c.parent_id, c.name FROM parent p LEFT JOIN child c ON c.parent_id = p.id",
                           0, NULL, NULL, NULL, NULL, 1));
    for (i = 0; i < PQntuples(r); i++) {
        at = (int)integer(r, i, 0) - 1;
        if (v[at].id == 0) {
            v[at].id = at + 1;
            v[at].name = text_at(r, i, 1);
        }
        add_child(&v[at], r, i, 2);
    }
    raw_expect(i, n);
    PQclear(r);
    return raw_now() - start;
}

/* W8s: the parents, then their children by an array of all keys. */
static double load_by_keys(int n)
{
    raw_loaded_parent *v;
    array keys;
    const char *values = keys.data;
    const int binary = 1;
    PGresult *r;
    double start;
    int parents, i;

    raw_setup("postgresql", "families", n, execute);
    start = raw_now();
    v = raw_alloc(sizeof *v * (size_t)(n / RAW_LOADED + 1));
    r = check(PQexecParams(db, "SELECT id, name FROM parent ORDER BY id", 0, NULL, NULL, NULL, NULL, 1));
    parents = PQntuples(r);
    array_begin(&keys, INT4, parents);
    for (i = 0; i < parents; i++) {
        v[i].id = integer(r, i, 0);
        v[i].name = text_at(r, i, 1);
        array_integer(&keys, v[i].id);
    }
    PQclear(r);
    r = check(PQexecParams(db, "SELECT id, parent_id, name FROM child WHERE parent_id = ANY($1::int[])", 1, NULL,
                           &values, &keys.len, &binary, 1));
    for (i = 0; i < PQntuples(r); i++)
        add_child(&v[integer(r, i, 1) - 1], r, i, 0);
    raw_expect(i, n);
    PQclear(r);
    return raw_now() - start;
}

static void insert_people(raw_engineer *v, int n)
{
    static array kinds, names;
    int at, i;

    prepare("INSERT INTO person (kind, name) SELECT a, b FROM unnest($1::text[], $2::text[]) AS t(a, b) RETURNING id");
    for (at = 0; at < n; at += BLOCK) {
        PGresult *r;

        array_begin(&kinds, TEXT, block(n, at));
        array_begin(&names, TEXT, block(n, at));
        for (i = 0; i < block(n, at); i++) {
            array_text(&kinds, v[at + i].kind);
            array_text(&names, v[at + i].name);
        }
        r = run_arrays(&kinds, &names);
        for (i = 0; i < PQntuples(r); i++)
            v[at + i].id = integer(r, i, 0);
        PQclear(r);
    }
}

static void insert_engineers(const raw_engineer *v, int n)
{
    static array keys, languages;
    int at, i;

    prepare("INSERT INTO engineer (id, language) SELECT a, b FROM unnest($1::int4[], $2::text[]) AS t(a, b)");
    for (at = 0; at < n; at += BLOCK) {
        array_begin(&keys, INT4, block(n, at));
        array_begin(&languages, TEXT, block(n, at));
        for (i = 0; i < block(n, at); i++) {
            array_integer(&keys, v[at + i].id);
            array_text(&languages, v[at + i].language);
        }
        PQclear(run_arrays(&keys, &languages));
    }
}

static raw_engineer *load_engineers(int n)
{
    PGresult *r = check(PQexecParams(db, "SELECT p.id, p.kind, p.name, e.id, e.language FROM person p JOIN engineer e ON p.id = e.id",
                                     0, NULL, NULL, NULL, NULL, 1));
    raw_engineer *v = raw_alloc(sizeof *v * (size_t)n);
    int i;

    raw_expect(PQntuples(r), n);
    for (i = 0; i < n; i++)
        v[i] = (raw_engineer){ integer(r, i, 0), text(r, i, 1), text(r, i, 2), text(r, i, 4) };
    PQclear(r);
    return v;
}

/* W12: rows of two tables that belong together, written and read again. */
static double joined_inheritance(int n)
{
    double start = raw_now();
    raw_engineer *v = raw_engineers(n);

    execute("BEGIN");
    insert_people(v, n);
    insert_engineers(v, n);
    execute("COMMIT");
    raw_expect(load_engineers(n)[n - 1].id, v[n - 1].id);
    return raw_now() - start;
}

/* W10 */
static double delete_objects(int n)
{
    static array keys;
    double start, seconds;
    raw_customer *v;
    int at, i;

    raw_setup("postgresql", "customers", n, execute);
    v = load(n);
    start = raw_now();
    execute("BEGIN");
    prepare("DELETE FROM customer WHERE id = ANY($1::int4[])");
    for (at = 0; at < n; at += BLOCK) {
        array_begin(&keys, INT4, block(n, at));
        for (i = 0; i < block(n, at); i++)
            array_integer(&keys, v[at + i].id);
        PQclear(run_arrays(&keys, NULL));
    }
    execute("COMMIT");
    seconds = raw_now() - start;
    raw_expect(scalar("SELECT count(*) FROM customer"), 0);
    return seconds;
}

static const raw_workload workloads[] = {
    { "W1/row", 20000, add_row },
    { "W1/values", 100000, add_values },
    { "W1/unnest", 100000, add_unnest },
    { "W3", 100000, load_objects },
    { "W4", 100000, fetch_rows },
    { "W5", 10000, get_objects },
    { "W6/row", 20000, change_row },
    { "W6/unnest", 20000, change_unnest },
    { "W8j", 40000, load_joined },
    { "W8s", 40000, load_by_keys },
    { "W10/any", 20000, delete_objects },
    { "W11/unnest", 55000, add_families },
    { "W12/unnest", 20000, joined_inheritance },
    { NULL, 0, NULL }
};

int main(int argc, char **argv)
{
    if (argc < 3)
        raw_die("usage", "raw_postgresql URL WORKLOAD");
    db = PQconnectdb(argv[1]);
    if (PQstatus(db) != CONNECTION_OK)
        raw_die(argv[1], PQerrorMessage(db));
    raw_setup("postgresql", "schema", 0, execute);
    raw_run("pg", argv[2], workloads);
    PQfinish(db);
    return 0;
}
