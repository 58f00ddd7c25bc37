/* Host names. libpq looks them up by itself and blocks for as long as the name
** servers take, or do not answer; a program with an event loop cannot stand
** still that long. So a thread looks up what needs a name server, and libpq is
** given the addresses: a host of several is several hosts. */
#define _GNU_SOURCE     /* MAP_ANONYMOUS */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugins/postgresql/postgresql.h"

/* Of the thread and the connection; the last one frees it. Pages of its own,
** because the thread may outlive the core, whose memory everything else is. */
struct pg_resolving {
    atomic_int users;
    atomic_int over;
    int pipe[2];                /* [0] is the connection's, [1] the thread's, who writes when it is over */
    int failed;                 /* what getaddrinfo said of 'unknown'; 0: every name has an address */
    char unknown[NI_MAXHOST];
    size_t hosts;               /* found */
    char names[PG_LIST_SIZE], name_ports[PG_LIST_SIZE];       /* asked for: lists with commas, as libpq takes them */
    pg_hosts found;
};

/* -- the thread --------------------------------------------------------------------------------------------------- */

/* Can libpq find it without asking anybody? The folder of a socket, an address, this machine. */
static int is_local(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];

    return name[0] == '\0' || name[0] == '/' || name[0] == '@' || strcmp(name, "localhost") == 0
        || inet_pton(AF_INET, name, address) == 1 || strchr(name, ':') != NULL;
}

/* One more for a list; 0: there is no room. */
static int add(char *list, int first, const char *text)
{
    size_t len = strlen(list);
    int n = snprintf(list + len, PG_LIST_SIZE - len, "%s%s", first ? "" : ",", text);

    return n >= 0 && (size_t)n < PG_LIST_SIZE - len;
}

static void add_host(struct pg_resolving *job, const char *name, const char *address, const char *port)
{
    pg_hosts *found = &job->found;
    size_t names = strlen(found->names), addresses = strlen(found->addresses), ports = strlen(found->ports);
    int first = job->hosts == 0;

    if (add(found->names, first, name) && add(found->addresses, first, address) && add(found->ports, first, port)) {
        job->hosts++;
        return;
    }
    found->names[names] = found->addresses[addresses] = found->ports[ports] = '\0';
}

static void look_up(struct pg_resolving *job, const char *name, const char *port)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *all = NULL, *one;
    char address[NI_MAXHOST];
    int rc = getaddrinfo(name, NULL, &hints, &all);

    if (rc != 0) {
        job->failed = rc;
        (void)snprintf(job->unknown, sizeof job->unknown, "%s", name);
        return;
    }
    for (one = all; one != NULL; one = one->ai_next)
        if (getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST) == 0)
            add_host(job, name, address, port);
    freeaddrinfo(all);
}

/* The i-th of a list as a string; "" if it has no such. */
static const char *copy_item(char *out, size_t size, const char *list, size_t i)
{
    size_t len;
    const char *at = alch_pg_item(list, i, &len);

    (void)snprintf(out, size, "%.*s", at != NULL ? (int)len : 0, at != NULL ? at : "");
    return out;
}

static void look_up_all(struct pg_resolving *job)
{
    int one_port = strchr(job->name_ports, ',') == NULL;
    char name[NI_MAXHOST], port[32];
    size_t i, len;

    for (i = 0; alch_pg_item(job->names, i, &len) != NULL; i++) {
        (void)copy_item(name, sizeof name, job->names, i);
        (void)copy_item(port, sizeof port, job->name_ports, one_port ? 0 : i);
        if (is_local(name))
            add_host(job, name, "", port);
        else
            look_up(job, name, port);
    }
}

static void release(struct pg_resolving *job)
{
    if (atomic_fetch_sub(&job->users, 1) == 1)
        (void)munmap(job, sizeof *job);
}

static void *work(void *arg)
{
    struct pg_resolving *job = arg;
    ssize_t n;

    look_up_all(job);
    atomic_store(&job->over, 1);
    n = write(job->pipe[1], "", 1);     /* SIGPIPE is blocked: nobody may be there any more */
    (void)n;
    (void)close(job->pipe[1]);
    release(job);
    return NULL;
}

/* -- the connection ----------------------------------------------------------------------------------------------- */

/* Is there a name among the hosts that libpq would ask somebody for? */
static int is_needed(const char *names)
{
    char name[NI_MAXHOST];
    size_t i, len;

    if (getenv("PGHOSTADDR") != NULL)
        return 0;
    for (i = 0; alch_pg_item(names, i, &len) != NULL; i++)
        if (!is_local(copy_item(name, sizeof name, names, i)))
            return 1;
    return 0;
}

static int open_pipe(int ends[2])
{
    int i;

    if (pipe(ends) != 0)
        return 0;
    for (i = 0; i < 2; i++)
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    return 1;
}

static struct pg_resolving *start(const char *names, const char *ports)
{
    struct pg_resolving *job;

    if (strlen(names) >= PG_LIST_SIZE || strlen(ports) >= PG_LIST_SIZE)
        return NULL;
    job = mmap(NULL, sizeof *job, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (job == MAP_FAILED)
        return NULL;
    (void)snprintf(job->names, sizeof job->names, "%s", names);
    (void)snprintf(job->name_ports, sizeof job->name_ports, "%s", ports);
    atomic_init(&job->users, 2);
    if (open_pipe(job->pipe)) {
        if (alch_pg_start_thread(work, job))
            return job;
        (void)close(job->pipe[0]);
        (void)close(job->pipe[1]);
    }
    (void)munmap(job, sizeof *job);
    return NULL;
}

int alch_pg_resolve(alch_conn *c, const char *names, const char *ports)
{
    if (names != NULL && is_needed(names))
        c->resolving = start(names, ports != NULL ? ports : "");
    return c->resolving != NULL;
}

int alch_pg_resolve_fd(const alch_conn *c) { return c->resolving->pipe[0]; }

int alch_pg_resolved(const alch_conn *c) { return atomic_load(&c->resolving->over); }

const pg_hosts *alch_pg_resolved_hosts(alch_conn *c, alch_err *err)
{
    const struct pg_resolving *job = c->resolving;

    if (job->hosts > 0)
        return &job->found;
    (void)c->host->err_set(err, ALCH_ERR_OPERATIONAL, "could not translate host name \"%s\" to address: %s", job->unknown,
                           job->failed != 0 ? gai_strerror(job->failed) : "there are too many");
    return NULL;
}

void alch_pg_resolve_release(alch_conn *c)
{
    if (c->resolving == NULL)
        return;
    (void)close(c->resolving->pipe[0]);
    release(c->resolving);
    c->resolving = NULL;
}
