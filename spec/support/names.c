/* For specs, to be preloaded: names that need a name server, without one. "slow.example" takes 0.4 seconds and is this
** machine, "two.example" has an address first where nobody listens, "missing.example" is unknown. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <time.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

__attribute__((visibility("default"))) lookup getaddrinfo;

static lookup *original(void)
{
    lookup *found;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");

    memcpy(&found, &symbol, sizeof found);
    return found;
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    struct timespec pause = { 0, 400000000 };
    int rc;

    if (name == NULL || strstr(name, ".example") == NULL)
        return original()(name, service, hints, out);
    if (strcmp(name, "missing.example") == 0)
        return EAI_NONAME;
    if (strcmp(name, "slow.example") == 0) {
        (void)nanosleep(&pause, NULL);
        return original()("127.0.0.1", service, hints, out);
    }
    rc = original()("127.0.0.2", service, hints, out);
    return rc == 0 ? original()("127.0.0.1", service, hints, &(*out)->ai_next) : rc;
}
