/* For specs: fork.run(fn) calls a function in a forked child, which then ends at once without any cleaning up; true if
** the function did not raise. */
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

static void child(lua_State *L)
{
    int ok = lua_pcall(L, 0, 0, 0) == LUA_OK;

    if (!ok)
        fprintf(stderr, "in the child: %s\n", luaL_tolstring(L, -1, NULL));
    fflush(stderr);
    _exit(!ok);
}

static int l_run(lua_State *L)
{
    int status = 0;
    pid_t pid;

    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    pid = fork();
    if (pid < 0)
        return luaL_error(L, "fork failed");
    if (pid == 0)
        child(L);
    if (waitpid(pid, &status, 0) != pid)
        return luaL_error(L, "waitpid failed");
    lua_pushboolean(L, WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_fork(lua_State *L);

int luaopen_fork(lua_State *L)
{
    static const luaL_Reg functions[] = { { "run", l_run }, { NULL, NULL } };

    luaL_newlib(L, functions);
    return 1;
}
