/* The driver contract from C, on the fake: steps, rows, faults, life times. */
#include "driver/fake.h"

#include <string.h>

#include "check.h"
#include "driver/host.h"

static alch_param text_param(const char *s)
{
    alch_param p = { { .kind = ALCH_TEXT }, 25 };

    p.value.as.text.at = s;
    p.value.as.text.len = strlen(s);
    return p;
}

static alch_step open_conn(const alch_driver *d, alch_conn **c, alch_err *err)
{
    return d->open(d, &alch_core_host, NULL, 0, c, err);
}

static void answer_rows(alch_fake *f)
{
    static const char *const columns[] = { "id", "name" };
    alch_value cells[4];
    alch_fake_answer a;

    memset(&a, 0, sizeof a);
    memset(cells, 0, sizeof cells);
    cells[0].kind = cells[2].kind = ALCH_INT;
    cells[0].as.integer = 1;
    cells[2].as.integer = INT64_MIN;
    cells[1].kind = ALCH_TEXT;
    cells[1].as.text.at = "ed";
    cells[1].as.text.len = 2;
    a.match = "SELECT";
    a.waits = 1;
    a.columns = columns;
    a.column_count = 2;
    a.cells = cells;
    a.rows = 2;
    a.changes = 2;
    CHECK(alch_fake_add(f, &a));
}

static void a_result_comes_row_by_row(void)
{
    alch_fake *f = alch_fake_new(1);
    const alch_driver *d = alch_fake_driver(f);
    alch_conn *c;
    alch_cursor *k;
    alch_value row[2];
    alch_err err;

    answer_rows(f);
    CHECK(open_conn(d, &c, &err) == ALCH_STEP_WAIT);
    CHECK(d->fd(c) >= 0 && d->want(c) == ALCH_WANT_WRITE);
    CHECK(d->open_step(c, &err) == ALCH_STEP_DONE);
    CHECK(d->execute(c, "SELECT 1", 8, NULL, 0, 0, &k, &err) == ALCH_STEP_WAIT);
    CHECK(d->cursor_step(k, &err) == ALCH_STEP_ROW);
    CHECK(d->column_count(k) == 2 && strcmp(d->column_name(k, 1), "name") == 0);
    d->row(k, row);
    CHECK(row[0].as.integer == 1 && row[1].kind == ALCH_TEXT && memcmp(row[1].as.text.at, "ed", 2) == 0);
    CHECK(d->cursor_step(k, &err) == ALCH_STEP_ROW);
    d->cell(k, 0, row);
    CHECK(row[0].as.integer == INT64_MIN);
    CHECK(d->cursor_step(k, &err) == ALCH_STEP_DONE && d->cursor_step(k, &err) == ALCH_STEP_DONE);
    CHECK(d->changes(k) == 2);
    d->cursor_free(k);
    d->close(c);
    alch_fake_drop(f);
}

static void what_is_left_may_go_in_any_order(void)
{
    alch_fake *f = alch_fake_new(0);
    const alch_driver *d = alch_fake_driver(f);
    alch_param p = text_param("x");
    alch_conn *c;
    alch_cursor *a, *b;
    alch_err err;

    answer_rows(f);
    CHECK(open_conn(d, &c, &err) == ALCH_STEP_DONE);
    CHECK(d->execute(c, "SELECT 1", 8, &p, 1, 0, &a, &err) == ALCH_STEP_ROW);
    CHECK(d->execute(c, "SELECT 2", 8, &p, 1, 0, &b, &err) == ALCH_STEP_ROW);
    CHECK(alch_fake_connections(f) == 1);
    alch_fake_drop(f);              /* its connection and cursors keep it */
    d->finish(c);
    CHECK(d->cursor_step(a, &err) == ALCH_STEP_FAIL && err.code == ALCH_ERR_CLOSED);
    d->cursor_free(a);
    d->close(c);
    CHECK(d->cursor_step(b, &err) == ALCH_STEP_FAIL && err.code == ALCH_ERR_CLOSED);
    CHECK(d->column_count(b) == 0);
    d->cursor_free(b);
    alch_fake_drop(NULL);
}

static void statements_are_recorded_as_copies(void)
{
    alch_fake *f = alch_fake_new(0);
    const alch_driver *d = alch_fake_driver(f);
    char text[] = "value", sql[] = "INSERT";
    alch_param p[2];
    const alch_fake_record *r;
    alch_conn *c;
    alch_cursor *k;
    alch_err err;

    p[0] = p[1] = text_param(text);
    CHECK(open_conn(d, &c, &err) == ALCH_STEP_DONE);
    CHECK(d->execute_many(c, sql, 6, p, 1, 2, 0, &k, &err) == ALCH_STEP_DONE);
    CHECK(d->changes(k) == 2);
    memset(text, '?', 5);
    memset(sql, '?', 6);
    r = alch_fake_log(f);
    CHECK(r != NULL && strcmp(r->sql, "INSERT") == 0 && r->count == 1 && r->sets == 2 && r->next == NULL);
    CHECK(r != NULL && memcmp(r->params[1].value.as.text.at, "value", 5) == 0 && r->params[1].oid == 25);
    d->cursor_free(k);
    d->close(c);
    alch_fake_drop(f);
}

static void a_plugin_of_another_version_is_refused(void)
{
    alch_fake *f = alch_fake_new(0);
    alch_plugin p = { ALCH_PLUGIN_MAGIC, ALCH_PLUGIN_ABI, "toy", alch_fake_driver(f) };
    alch_err err;

    CHECK(alch_plugin_driver(&p, &err) == p.driver);
    p.abi++;
    CHECK(alch_plugin_driver(&p, &err) == NULL && err.code == ALCH_ERR_INTERFACE && strstr(err.text, "toy") != NULL);
    p.magic = 0;
    CHECK(alch_plugin_driver(&p, &err) == NULL && err.code == ALCH_ERR_ARGUMENT);
    CHECK(alch_plugin_driver(NULL, &err) == NULL);
    alch_fake_drop(f);
}

static int use_one(alch_fake *f, alch_err *err)
{
    const alch_driver *d = alch_fake_driver(f);
    alch_param p = text_param("x");
    alch_conn *c;
    alch_cursor *k = NULL;
    alch_fake_answer a;
    int rc = ALCH_OK;

    memset(&a, 0, sizeof a);
    a.match = "SELECT";
    a.tag = "SELECT 0";
    if (!alch_fake_add(f, &a))
        return alch_err_nomem(err);
    if (open_conn(d, &c, err) != ALCH_STEP_DONE || d->execute(c, "SELECT 1", 8, &p, 1, 0, &k, err) == ALCH_STEP_FAIL)
        rc = err->code;
    d->cursor_free(k);
    d->close(c);
    return rc;
}

static int every_allocation_may_fail(alch_err *err)
{
    alch_fake *f = alch_fake_new(0);
    int rc = f != NULL ? use_one(f, err) : alch_err_nomem(err);

    alch_fake_drop(f);
    return rc;
}

int main(void)
{
    CHECK_RUN(a_result_comes_row_by_row);
    CHECK_RUN(what_is_left_may_go_in_any_order);
    CHECK_RUN(statements_are_recorded_as_copies);
    CHECK_RUN(a_plugin_of_another_version_is_refused);
    CHECK_SWEEP(every_allocation_may_fail);
    return CHECK_END("fake");
}
