/* What PostgreSQL says, as error classes (FEATURES Y04): by SQLSTATE, in the
** classes that psycopg gives its users, finer where a program can act on it. */
#include <stdio.h>
#include <string.h>

#include "plugins/postgresql/postgresql.h"

typedef struct state_class { const char *prefix; int code; } state_class;

/* The first prefix that fits decides. */
static const state_class classes[] = {
    { "40001", ALCH_ERR_SERIALIZATION }, { "40P01", ALCH_ERR_DEADLOCK },
    { "57014", ALCH_ERR_CANCELLED }, { "55P03", ALCH_ERR_BUSY },
    { "57P0", ALCH_ERR_DISCONNECT }, { "08P01", ALCH_ERR_PROGRAMMING },     /* too few parameters */
    { "08", ALCH_ERR_DISCONNECT },
    { "0A", ALCH_ERR_NOT_SUPPORTED },
    { "21", ALCH_ERR_PROGRAMMING }, { "22", ALCH_ERR_DATA }, { "23", ALCH_ERR_INTEGRITY },
    { "24", ALCH_ERR_INTERNAL }, { "25", ALCH_ERR_INTERNAL },
    { "2B", ALCH_ERR_INTERNAL }, { "2D", ALCH_ERR_INTERNAL }, { "2F", ALCH_ERR_INTERNAL },
    { "38", ALCH_ERR_INTERNAL }, { "39", ALCH_ERR_INTERNAL }, { "3B", ALCH_ERR_INTERNAL },
    { "3D", ALCH_ERR_PROGRAMMING }, { "3F", ALCH_ERR_PROGRAMMING },
    { "42", ALCH_ERR_PROGRAMMING }, { "44", ALCH_ERR_PROGRAMMING },
    { "26", ALCH_ERR_OPERATIONAL }, { "27", ALCH_ERR_OPERATIONAL }, { "28", ALCH_ERR_OPERATIONAL },
    { "34", ALCH_ERR_OPERATIONAL }, { "40", ALCH_ERR_OPERATIONAL },
    { "5", ALCH_ERR_OPERATIONAL },      /* resources, limits, object state, operator, system */
    { "F0", ALCH_ERR_INTERNAL }, { "P0", ALCH_ERR_INTERNAL }, { "XX", ALCH_ERR_INTERNAL },
};

static int class_of(const char *state)
{
    size_t i;

    for (i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strncmp(state, classes[i].prefix, strlen(classes[i].prefix)) == 0)
            return classes[i].code;
    return ALCH_ERR_DATABASE;
}

static const char *field(const PGresult *r, int code)
{
    const char *text = PQresultErrorField(r, code);

    return text != NULL ? text : "";
}

static void append(alch_err *err, const char *label, const char *text)
{
    size_t used = strlen(err->text);

    if (text[0] != '\0')
        (void)snprintf(err->text + used, sizeof err->text - used, "\n%s:  %s", label, text);
}

/* libpq's messages end in a newline, and may have several lines. */
static void trim(char *text)
{
    size_t n = strlen(text);

    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
        text[--n] = '\0';
}

void alch_pg_blame_proxy(alch_err *err)
{
    append(err, "HINT", "if this is a proxy that pools transactions, such as pgbouncer, connect with prepared_statements=0");
}

void alch_pg_blame_staleness(alch_err *err, pg_staleness how)
{
    err->code = ALCH_ERR_STALE_STATEMENT;
    append(err, "HINT", how == STALE_PLAN
        ? "another connection changed the tables or types of this statement after it was prepared here; next time it is "
          "prepared anew: roll back and run the transaction again, as run_transaction does"
        : "the server dropped this prepared statement (DEALLOCATE, DISCARD, a change of servers); next time it is "
          "prepared anew: roll back and run the transaction again, as run_transaction does");
    if (how == STALE_GONE)
        alch_pg_blame_proxy(err);
}

alch_step alch_pg_fail_conn(alch_conn *c, alch_err *err)
{
    int gone = c->pg == NULL || PQstatus(c->pg) == CONNECTION_BAD;

    if (gone && !c->opening)
        c->lost = 1;
    (void)c->host->err_set(err, c->opening || !gone ? ALCH_ERR_OPERATIONAL : ALCH_ERR_DISCONNECT, "%s",
                           c->pg != NULL ? PQerrorMessage(c->pg) : "no connection");
    if (err != NULL)
        trim(err->text);
    return ALCH_STEP_FAIL;
}

alch_step alch_pg_fail_result(alch_conn *c, const PGresult *r, alch_err *err)
{
    const char *state = field(r, PG_DIAG_SQLSTATE);
    int code;

    if (state[0] == '\0')
        return alch_pg_fail_conn(c, err);        /* libpq's own trouble */
    code = class_of(state);
    if (code == ALCH_ERR_DISCONNECT)
        c->lost = 1;
    (void)c->host->err_set(err, code, "%s", field(r, PG_DIAG_MESSAGE_PRIMARY));
    if (err == NULL)
        return ALCH_STEP_FAIL;
    append(err, "DETAIL", field(r, PG_DIAG_MESSAGE_DETAIL));
    append(err, "HINT", field(r, PG_DIAG_MESSAGE_HINT));
    append(err, "CONTEXT", field(r, PG_DIAG_CONTEXT));
    append(err, "POSITION", field(r, PG_DIAG_STATEMENT_POSITION));
    if (strcmp(state, "42P18") == 0)
        append(err, "HINT", "nothing in the statement says the parameter's type: give it one, as in sa.literal(value, type)");
    (void)snprintf(err->sqlstate, sizeof err->sqlstate, "%s", state);
    (void)snprintf(err->constraint, sizeof err->constraint, "%s", field(r, PG_DIAG_CONSTRAINT_NAME));
    (void)snprintf(err->table, sizeof err->table, "%s", field(r, PG_DIAG_TABLE_NAME));
    (void)snprintf(err->column, sizeof err->column, "%s", field(r, PG_DIAG_COLUMN_NAME));
    return ALCH_STEP_FAIL;
}
