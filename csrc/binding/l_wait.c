/* What waiting needs of the system besides poll: a clock, and a signal, that
** is a descriptor one coroutine waits for and another one makes ready, so that
** any scheduler that can wait for a descriptor can wait for a pooled
** connection. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "binding/bind.h"

#define SIGNAL "lualchemy.signal"

typedef struct signal_pipe {
    int open;
    int fd[2];          /* read, write */
} signal_pipe;

/* core.clock() -> seconds of a clock that only goes forward */
static int l_clock(lua_State *L)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return luaL_error(L, "clock_gettime: %s", strerror(errno));
    lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
    return 1;
}

static int l_close(lua_State *L)
{
    signal_pipe *s = luaL_checkudata(L, 1, SIGNAL);

    if (s->open) {
        s->open = 0;
        (void)close(s->fd[0]);
        (void)close(s->fd[1]);
    }
    return 0;
}

static int set_flags(int fd)
{
    return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* core.signal() */
static int l_signal(lua_State *L)
{
    signal_pipe *s = alch_push_object(L, sizeof *s, 0, SIGNAL);

    if (pipe(s->fd) != 0)
        return alch_raisef(L, ALCH_ERR_OPERATIONAL, "pipe: %s", strerror(errno));
    s->open = 1;
    if (!set_flags(s->fd[0]) || !set_flags(s->fd[1]))
        return alch_raisef(L, ALCH_ERR_OPERATIONAL, "fcntl: %s", strerror(errno));
    return 1;
}

static signal_pipe *check_open(lua_State *L)
{
    signal_pipe *s = luaL_checkudata(L, 1, SIGNAL);

    luaL_argcheck(L, s->open, 1, "the signal is closed");
    return s;
}

/* signal:pollfd() is readable once notify has been called. */
static int l_pollfd(lua_State *L)
{
    lua_pushinteger(L, check_open(L)->fd[0]);
    return 1;
}

/* A full pipe is as ready as can be. */
static int l_notify(lua_State *L)
{
    ssize_t written = write(check_open(L)->fd[1], "!", 1);

    lua_pushboolean(L, written == 1 || errno == EAGAIN);
    return 1;
}

static const luaL_Reg methods[] = {
    { "pollfd", l_pollfd },
    { "notify", l_notify },
    { "close", l_close },
    { NULL, NULL }
};

void alch_open_wait(lua_State *L);

void alch_open_wait(lua_State *L)
{
    if (alch_new_metatable(L, SIGNAL, l_close)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, l_clock);
    lua_setfield(L, -2, "clock");
    lua_pushcfunction(L, l_signal);
    lua_setfield(L, -2, "signal");
}
