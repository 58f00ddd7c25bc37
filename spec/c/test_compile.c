/* Compiling without Lua: text, positions, a repeated VALUES group, failing allocations. */
#include <string.h>

#include "check.h"
#include "compile/compiler.h"
#include "expr/build.h"
#include "schema/table.h"

static int new_table(alch_table **out, alch_err *err)
{
    static const char *const names[] = { "id", "name" };
    alch_table *t;
    size_t i;
    int rc = alch_table_new("users", NULL, &t, err);

    for (i = 0; rc == ALCH_OK && i < 2; i++) {
        alch_column *c;

        rc = alch_column_new(names[i], NULL, alch_type_of(i == 0 ? ALCH_TYPE_INTEGER : ALCH_TYPE_STRING), 0, &c, err);
        if (rc == ALCH_OK) {
            rc = alch_from_append(&t->from, c, err);
            alch_node_drop(c);
        }
    }
    if (rc == ALCH_OK)
        *out = t;
    else if (i > 0)
        alch_node_drop(t);
    return rc;
}

/* SELECT users FROM users WHERE id = 5 AND id > 5, a subquery of it, selected from. */
static int new_select(const alch_table *t, const alch_node *from, alch_select **out, alch_err *err)
{
    alch_value five = { .kind = ALCH_INT, .zone = ALCH_ZONE_NONE, .as.integer = 5 };
    alch_select *s = alch_node_new(ALCH_NODE_SELECT, err);
    alch_list *columns = NULL, *where = NULL;
    const alch_node *bind, *criterion;
    int rc = s != NULL ? ALCH_OK : ALCH_ERR_NOMEM;

    if (rc == ALCH_OK && (columns = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, 1, err)) == NULL)
        rc = ALCH_ERR_NOMEM;
    if (rc == ALCH_OK)
        rc = alch_list_push(columns, alch_node_keep(from), err);
    if (rc == ALCH_OK) {
        rc = alch_node_set(s, &s->columns, columns, err);
        columns = NULL;
    }
    if (rc == ALCH_OK)
        rc = alch_bind_beside(&t->from.columns[0]->head, ALCH_OP_EQ, &five, &bind, err);
    if (rc == ALCH_OK)
        rc = alch_operate(ALCH_OP_EQ, alch_node_keep(t->from.columns[0]), bind, &criterion, err);
    if (rc == ALCH_OK && (where = alch_list_new(ALCH_NODE_LIST, ALCH_OP_AND, 1, err)) == NULL) {
        alch_node_drop(criterion);
        rc = ALCH_ERR_NOMEM;
    }
    if (rc == ALCH_OK)
        rc = alch_list_push(where, criterion, err);
    if (rc == ALCH_OK) {
        rc = alch_node_set(s, &s->where, where, err);
        where = NULL;
    }
    alch_node_drop(columns);
    alch_node_drop(where);
    if (rc != ALCH_OK)
        alch_node_drop(s);
    else
        *out = s;
    return rc;
}

static int compile_text(const alch_node *n, int paramstyle, const char *want, alch_err *err)
{
    alch_dialect *d;
    alch_compiled r;
    int rc = alch_dialect_new("test", &d, err);

    if (rc != ALCH_OK)
        return rc;
    d->paramstyle = (uint8_t)paramstyle;
    alch_compiled_init(&r);
    rc = alch_compile(n, d, NULL, &r, err);
    if (rc == ALCH_OK && strcmp(r.sql, want) != 0)
        printf("got  %s\nwant %s\n", r.sql, want), check_bad++;
    alch_compiled_release(&r);
    alch_dialect_drop(d);
    return rc;
}

static int selects(alch_err *err)
{
    alch_table *t;
    alch_select *s = NULL;
    int rc = new_table(&t, err);

    if (rc != ALCH_OK)
        return rc;
    rc = new_select(t, &t->from.head, &s, err);
    if (rc == ALCH_OK)
        rc = compile_text(&s->head, ALCH_PARAM_NAMED, "SELECT users.id, users.name FROM users WHERE users.id = :id_1", err);
    if (rc == ALCH_OK)
        rc = compile_text(&s->head, ALCH_PARAM_DOLLAR, "SELECT users.id, users.name FROM users WHERE users.id = $1", err);
    alch_node_drop(s);
    alch_node_drop(t);
    return rc;
}

/* An alias of a subquery, whose columns are derived while compiling. */
static int derives(alch_err *err)
{
    alch_table *t;
    alch_select *inner = NULL, *outer = NULL;
    alch_alias *a = NULL;
    int rc = new_table(&t, err);

    if (rc != ALCH_OK)
        return rc;
    rc = new_select(t, &t->from.head, &inner, err);
    if (rc == ALCH_OK && (a = alch_node_new(ALCH_NODE_SUBQUERY, err)) == NULL) {
        alch_node_drop(inner);
        rc = ALCH_ERR_NOMEM;
    }
    if (rc == ALCH_OK)
        rc = alch_node_set(a, &a->element, inner, err);
    if (rc == ALCH_OK && (a->name = alch_strdup("s")) == NULL)
        rc = alch_err_nomem(err);
    if (rc == ALCH_OK)
        rc = new_select(t, &a->from.head, &outer, err);
    if (rc == ALCH_OK) {
        rc = compile_text(&outer->head, ALCH_PARAM_QMARK, "SELECT s.id, s.name FROM (SELECT users.id AS id, users.name AS "
                          "name FROM users WHERE users.id = ?) AS s, users WHERE users.id = ?", err);
        alch_node_drop(outer);
    }
    alch_node_drop(a);
    alch_node_drop(t);
    return rc;
}

static void repeats_values(void)
{
    alch_buf text = ALCH_BUF_INIT;
    alch_dialect *d = NULL;
    alch_compiled r;
    alch_table *t;
    alch_dml *insert;
    alch_err err;

    CHECK(new_table(&t, &err) == ALCH_OK && alch_dialect_new("test", &d, &err) == ALCH_OK);
    d->paramstyle = ALCH_PARAM_DOLLAR;
    insert = alch_node_new(ALCH_NODE_INSERT, &err);
    CHECK(alch_node_set(insert, &insert->table, t, &err) == ALCH_OK);
    alch_compiled_init(&r);
    CHECK(alch_compile(&insert->head, d, NULL, &r, &err) == ALCH_OK);
    CHECK(strcmp(r.sql, "INSERT INTO users (id, name) VALUES ($1, $2)") == 0);
    CHECK(r.fill_count == 2 && r.values_count == 2 && r.param_count == 2 && r.params[0].required);
    CHECK(alch_compiled_repeat(&r, 3, &text, &err) == ALCH_OK);
    CHECK(strcmp(text.data, "INSERT INTO users (id, name) VALUES ($1, $2), ($3, $4), ($5, $6)") == 0);
    alch_buf_release(&text);
    alch_compiled_release(&r);
    alch_node_drop(insert);
    alch_dialect_drop(d);
}

int main(void)
{
    CHECK_RUN(repeats_values);
    CHECK_SWEEP(selects);
    CHECK_SWEEP(derives);
    return CHECK_END("compile");
}
