/* For specs: reset(fd) ends a TCP connection with RST, as a host that went down and came back does. The descriptor stays
** open and reads as closed. */
#include <string.h>
#include <sys/socket.h>

#include <lauxlib.h>
#include <lua.h>

/* To connect nowhere is to drop the connection there is; nothing of it is lingered over. */
static int l_reset(lua_State *L)
{
    struct sockaddr nowhere;

    memset(&nowhere, 0, sizeof nowhere);
    nowhere.sa_family = AF_UNSPEC;
    lua_pushboolean(L, connect((int)luaL_checkinteger(L, 1), &nowhere, sizeof nowhere) == 0);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_reset(lua_State *L);

int luaopen_reset(lua_State *L)
{
    lua_pushcfunction(L, l_reset);
    return 1;
}
