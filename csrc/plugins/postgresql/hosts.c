/* Several hosts in one URL. libpq tries them in turn by itself, except that
** without blocking it lets one that never answers hold up the others: then
** all but that one are tried anew, with what libpq knows of the options. */
#include <string.h>

#include "plugins/postgresql/postgresql.h"

enum { MAX_OPTIONS = 128 };

const char *alch_pg_item(const char *list, size_t i, size_t *len)
{
    while (list != NULL && i-- > 0) {
        list = strchr(list, ',');
        if (list != NULL)
            list++;
    }
    *len = list != NULL ? strcspn(list, ",") : 0;
    return list;
}

static int same(const char *list, size_t i, const char *text)
{
    size_t len;
    const char *at = alch_pg_item(list, i, &len);

    return at != NULL && strlen(text) == len && memcmp(at, text, len) == 0;
}

static const char *value_of(const PQconninfoOption *all, const char *key)
{
    for (; all->keyword != NULL; all++)
        if (strcmp(all->keyword, key) == 0)
            return all->val != NULL && all->val[0] != '\0' ? all->val : NULL;
    return NULL;
}

/* Which of the hosts is being tried? 0 if it cannot be told, or is the only one. */
static int current(const alch_conn *c, const PQconninfoOption *all, size_t *out)
{
    const char *hosts = value_of(all, "host"), *ports = value_of(all, "port"), *addresses = value_of(all, "hostaddr");
    const char *host = PQhost(c->pg), *port = PQport(c->pg);
    size_t i, len;

    if (hosts == NULL)
        hosts = addresses;
    if (hosts == NULL || strchr(hosts, ',') == NULL || host == NULL || port == NULL)
        return 0;
    for (i = 0; alch_pg_item(hosts, i, &len) != NULL; i++)
        if (same(hosts, i, host)
            && (addresses == NULL || same(addresses, i, "") || same(addresses, i, PQhostaddr(c->pg)))
            && (ports == NULL || strchr(ports, ',') == NULL || same(ports, i, port) || same(ports, i, ""))) {
            *out = i;
            return 1;
        }
    return 0;
}

/* Takes the i-th of a list away, in place; a list of one goes for all hosts. */
static void leave_out(char *list, size_t i)
{
    size_t len;
    char *at;

    if (list == NULL || strchr(list, ',') == NULL)
        return;
    at = list + (alch_pg_item(list, i, &len) - list);
    if (at[len] == ',')
        memmove(at, at + len + 1, strlen(at + len + 1) + 1);
    else
        at[-1] = '\0';
}

static PGconn *start(PQconninfoOption *all, size_t without)
{
    const char *keys[MAX_OPTIONS + 1], *values[MAX_OPTIONS + 1];
    size_t n = 0;

    for (; all->keyword != NULL && n < MAX_OPTIONS; all++) {
        if (strcmp(all->keyword, "host") == 0 || strcmp(all->keyword, "hostaddr") == 0 || strcmp(all->keyword, "port") == 0)
            leave_out(all->val, without);
        if (all->val != NULL) {
            keys[n] = all->keyword;
            values[n++] = all->val;
        }
    }
    keys[n] = values[n] = NULL;
    return PQconnectStartParams(keys, values, 0);
}

alch_step alch_pg_open_next(alch_conn *c, alch_err *err)
{
    PQconninfoOption *all = c->pg != NULL ? PQconninfo(c->pg) : NULL;
    size_t at;
    PGconn *pg;

    if (all == NULL || !current(c, all, &at)) {
        (void)c->host->err_set(err, ALCH_ERR_OPERATIONAL, "there is no other host to connect to");
        PQconninfoFree(all);
        return ALCH_STEP_FAIL;
    }
    pg = start(all, at);
    PQconninfoFree(all);
    PQfinish(c->pg);
    c->pg = pg;
    return alch_pg_open_started(c, err);
}
