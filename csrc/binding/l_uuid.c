/* sa.uuid4, sa.uuid7: new UUIDs, from the system's random bytes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "binding/bind.h"
#include "binding/value_conv.h"

enum { UUID_SIZE = 16 };

/* Read each time: what a process kept of them would be its child's, too. */
static int random_bytes(unsigned char *out, size_t n)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return 0;
    do
        got = read(fd, out, n);
    while (got < 0 && errno == EINTR);
    (void)close(fd);
    return got == (ssize_t)n;
}

static void fill(lua_State *L, unsigned char *bytes)
{
    if (!random_bytes(bytes, UUID_SIZE))
        (void)alch_raisef(L, ALCH_ERR_OPERATIONAL, "a UUID needs random bytes, and /dev/urandom gives none: %s", strerror(errno));
}

static int push(lua_State *L, unsigned char *bytes, unsigned version)
{
    alch_value v = { .kind = ALCH_UUID, .zone = ALCH_ZONE_NONE, .as.text = { (const char *)bytes, UUID_SIZE } };

    bytes[6] = (unsigned char)((bytes[6] & 0x0fu) | version << 4);
    bytes[8] = (unsigned char)((bytes[8] & 0x3fu) | 0x80u);
    alch_value_push_object(L, &v);
    return 1;
}

/* core.uuid4() */
static int l_uuid4(lua_State *L)
{
    unsigned char bytes[UUID_SIZE];

    fill(L, bytes);
    return push(L, bytes, 4);
}

/* The time in steps of 1/4096 of a millisecond. */
static uint64_t steps_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return ((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000) << 12 | ((uint64_t)t.tv_nsec % 1000000) * 4096 / 1000000;
}

/* core.uuid7(): above the one before, though it was made in the same step or the clock was set back. The upvalue is the step
** of that one. */
static int l_uuid7(lua_State *L)
{
    uint64_t *last = lua_touserdata(L, lua_upvalueindex(1)), now = steps_now();
    unsigned char bytes[UUID_SIZE];
    int i;

    fill(L, bytes);
    if (now <= *last)
        now = *last + 1;
    *last = now;
    for (i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(now >> (12 + 8 * (5 - i)));
    bytes[6] = (unsigned char)(now >> 8);
    bytes[7] = (unsigned char)now;
    return push(L, bytes, 7);
}

void alch_open_uuid(lua_State *L);

void alch_open_uuid(lua_State *L)
{
    uint64_t *last;

    lua_pushcfunction(L, l_uuid4);
    lua_setfield(L, -2, "uuid4");
    last = lua_newuserdatauv(L, sizeof *last, 0);
    *last = 0;
    lua_pushcclosure(L, l_uuid7, 1);
    lua_setfield(L, -2, "uuid7");
}
