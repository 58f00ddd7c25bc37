/* The PostgreSQL driver's threads, which look names up and carry cancels, and outlive whoever began them: against a server of this
** test's own that knows no more of the protocol than opening and cancelling. make test-tsan looks for data races here. */
#define _GNU_SOURCE     /* struct addrinfo, EAI_* */
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "driver/host.h"

enum { CONNECTIONS = 12, SOCKETS = 256, CANCEL_REQUEST = 80877102, SSL_REQUEST = 80877103, ENCRYPTION_REQUEST = 80877104, MS = 1000000 };

static void pause_ns(long ns)
{
    struct timespec t = { 0, ns };

    (void)nanosleep(&t, NULL);
}

/* -- names: "missing" has no address, any other is this machine, which takes its time to find out ---------------------------------- */

struct found { struct addrinfo info; struct sockaddr_in address; };

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    struct found *f;

    if (name != NULL && strcmp(name, "missing") == 0)
        return EAI_NONAME;
    if (name != NULL && strcmp(name, "127.0.0.1") != 0)
        pause_ns(5 * MS);
    f = calloc(1, sizeof *f);
    if (f == NULL)
        return EAI_MEMORY;
    f->address.sin_family = AF_INET;
    f->address.sin_port = htons((uint16_t)(service != NULL ? strtol(service, NULL, 10) : 0));
    f->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    f->info.ai_family = AF_INET;
    f->info.ai_socktype = hints != NULL ? hints->ai_socktype : SOCK_STREAM;
    f->info.ai_addr = (struct sockaddr *)&f->address;
    f->info.ai_addrlen = sizeof f->address;
    *out = &f->info;
    return 0;
}

void freeaddrinfo(struct addrinfo *all) { free(all); }

/* -- the server ------------------------------------------------------------------------------------------------------------------- */

static int listening, port;
static atomic_int cancels, opened;

static int read_number(int fd, uint32_t *out)
{
    int ok = recv(fd, out, sizeof *out, MSG_WAITALL) == (ssize_t)sizeof *out;

    *out = ntohl(*out);
    return ok;
}

static void say(int fd, char type, const void *body, size_t len)
{
    char out[128];
    uint32_t length = htonl((uint32_t)(len + 4));

    out[0] = type;
    memcpy(out + 1, &length, sizeof length);
    memcpy(out + 5, body, len);
    (void)send(fd, out, len + 5, MSG_NOSIGNAL);
}

/* The settings are those that the driver asks for. */
static void greet(int fd, uint32_t left)
{
    static const char *const settings[] = { "client_encoding\0UTF8", "DateStyle\0ISO, MDY", "IntervalStyle\0postgres",
                                            "standard_conforming_strings\0on", "server_version\00015.0" };
    static const size_t first[] = { 16, 10, 14, 28, 15 };
    char rest[4096];
    size_t i;

    if (left > sizeof rest || recv(fd, rest, left, MSG_WAITALL) != (ssize_t)left)
        return;
    atomic_fetch_add(&opened, 1);
    say(fd, 'R', "\0\0\0\0", 4);
    for (i = 0; i < sizeof first / sizeof *first; i++)
        say(fd, 'S', settings[i], first[i] + strlen(settings[i] + first[i]) + 1);
    say(fd, 'K', "\0\0\0\1\0\0\0\1", 8);
    say(fd, 'Z', "I", 1);
}

static void take(int fd)
{
    uint32_t length, code;

    while (read_number(fd, &length) && read_number(fd, &code)) {
        if (code == CANCEL_REQUEST) {
            atomic_fetch_add(&cancels, 1);
            return;
        }
        if (code != SSL_REQUEST && code != ENCRYPTION_REQUEST) {
            greet(fd, length - 8);
            return;
        }
        if (send(fd, "N", 1, MSG_NOSIGNAL) != 1)
            return;
    }
}

/* Until the listening socket is shut down. Cancels are hung up on: their senders wait for that. */
static void *serve(void *arg)
{
    int fds[SOCKETS], n = 0, fd;

    while (n < SOCKETS && (fd = accept(listening, NULL, NULL)) >= 0) {
        int before = atomic_load(&cancels);

        take(fd);
        if (atomic_load(&cancels) > before)
            (void)close(fd);
        else
            fds[n++] = fd;
    }
    while (n > 0)
        (void)close(fds[--n]);
    return arg;
}

static int start_server(pthread_t *thread)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listening = socket(AF_INET, SOCK_STREAM, 0);
    if (listening < 0 || bind(listening, (struct sockaddr *)&address, size) != 0 || listen(listening, SOCKETS) != 0
        || getsockname(listening, (struct sockaddr *)&address, &size) != 0)
        return 0;
    port = ntohs(address.sin_port);
    return pthread_create(thread, NULL, serve, NULL) == 0;
}

/* -- the driver ------------------------------------------------------------------------------------------------------------------- */

struct lua_State;
int luaopen_lualchemy_plugin_postgresql(struct lua_State *L);
void lua_pushlightuserdata(struct lua_State *L, void *p);

static const alch_plugin *plugin;

/* What the plug-in's luaopen function calls, in Lua's place. */
void lua_pushlightuserdata(struct lua_State *L, void *p)
{
    (void)L;
    plugin = p;
}

static const alch_driver *driver(void)
{
    alch_err err;

    (void)luaopen_lualchemy_plugin_postgresql(NULL);
    return alch_plugin_driver(plugin, &err);
}

static alch_step begin(const char *host, alch_conn **out, alch_err *err)
{
    const alch_driver *d = driver();
    char text[16];
    alch_option options[] = { { "host", host }, { "port", text }, { "user", "u" }, { "dbname", "d" }, { "sslmode", "disable" } };

    (void)snprintf(text, sizeof text, "%d", port);
    return d->open(d, &alch_core_host, options, sizeof options / sizeof *options, out, err);
}

static alch_step finish(alch_conn *c, alch_step step, alch_err *err)
{
    const alch_driver *d = driver();

    while (step == ALCH_STEP_WAIT) {
        int want = d->want(c);
        struct pollfd p = { d->fd(c), 0, 0 };

        p.events = (short)((want & ALCH_WANT_READ ? POLLIN : 0) | (want & ALCH_WANT_WRITE ? POLLOUT : 0));
        (void)poll(&p, 1, 1000);
        step = d->open_step(c, err);
    }
    return step;
}

/* -- tests ------------------------------------------------------------------------------------------------------------------------ */

static void names_are_looked_up_side_by_side(void)
{
    alch_conn *c[CONNECTIONS];
    alch_step step[CONNECTIONS];
    alch_err err;
    int i, before = atomic_load(&opened);

    for (i = 0; i < CONNECTIONS; i++)
        step[i] = begin(i % 3 == 0 ? "here" : i % 3 == 1 ? "missing" : "missing,there", &c[i], &err);
    for (i = 0; i < CONNECTIONS; i++) {
        CHECK(finish(c[i], step[i], &err) == (i % 3 == 1 ? ALCH_STEP_FAIL : ALCH_STEP_DONE));
        if (i % 3 == 1)
            CHECK(strstr(err.text, "could not translate host name \"missing\"") != NULL);
    }
    for (i = 0; i < CONNECTIONS; i++)
        driver()->close(c[i]);
    CHECK(atomic_load(&opened) == before + CONNECTIONS - CONNECTIONS / 3);
}

static void nobody_waits_for_a_name_that_is_not_wanted_any_more(void)
{
    int i;

    for (i = 0; i < CONNECTIONS; i++) {
        alch_conn *c;
        alch_err err;

        CHECK(begin("here", &c, &err) == ALCH_STEP_WAIT);
        pause_ns(i * MS);       /* some before, some after the answer, some when it comes */
        driver()->close(c);
    }
}

static void cancels_outlive_their_connections(void)
{
    const alch_driver *d = driver();
    int i, tries, before = atomic_load(&cancels);
    alch_err err;

    for (i = 0; i < CONNECTIONS; i++) {
        alch_conn *c;
        alch_step step = begin("127.0.0.1", &c, &err);

        CHECK(finish(c, step, &err) == ALCH_STEP_DONE);
        CHECK(d->cancel(c, &err) == ALCH_OK);
        for (tries = 0; i % 2 == 0 && d->cancelling(c) && tries < 5000; tries++)
            pause_ns(MS);
        CHECK(i % 2 != 0 || !d->cancelling(c));
        d->close(c);
    }
    for (tries = 0; atomic_load(&cancels) < before + CONNECTIONS && tries < 5000; tries++)
        pause_ns(MS);
    CHECK(atomic_load(&cancels) == before + CONNECTIONS);
}

int main(void)
{
    pthread_t server;

    if (!start_server(&server)) {
        perror("a server of one's own");
        return 1;
    }
    CHECK_RUN(names_are_looked_up_side_by_side);
    CHECK_RUN(nobody_waits_for_a_name_that_is_not_wanted_any_more);
    CHECK_RUN(cancels_outlive_their_connections);
    (void)shutdown(listening, SHUT_RDWR);
    (void)pthread_join(server, NULL);
    (void)close(listening);
    return CHECK_END("threads of the PostgreSQL driver");
}
