#ifndef ALCH_BINDING_POOL_PROXY_H
#define ALCH_BINDING_POOL_PROXY_H

#include <lua.h>

#include "binding/pool_record.h"

/*
** What a checkout hands out. A proxy is a userdata without a byte in it: its
** metatable is its state. While it is open that is the door of its record,
** made once for each physical connection:
**
**     door = { record, __index = { record =, driver_connection =, info =, closed = false, close = }, __close = }
**
** and a closed one has the metatable of all closed proxies. So a checkout
** makes the smallest object there is, an open proxy keeps its record alive, a
** closed one nothing, and none can act on a connection that was returned.
*/
enum { DOOR_RECORD = 1 };

/* Makes the door of the record at 'record', whose connection has been set. One
** that it had is shut before: its proxies are closed ones from then on. */
void alch_record_add_door(lua_State *L, int record);
/* The proxy on the top becomes closed; a new one is so until it gets a door. */
void alch_proxy_shut(lua_State *L);
/* Adds the methods of proxies, which Lua may add to, to the module at 'module'. */
void alch_open_proxies(lua_State *L, int module);

#endif
