#ifndef ALCH_PLUGIN_H
#define ALCH_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "driver/driver.h"
#include "driver/statements.h"
#include "value/value.h"

/*
** All that a plug-in includes besides its client library. A plug-in is its
** own loadable module, "lualchemy.plugin.<name>"; Lua loads C modules with
** private symbols, so it cannot link to the core. Therefore
**
** - of the headers included here a plug-in uses types and constants only;
**   the functions it calls are in the alch_host that alch_driver.open gets;
** - its luaopen function hands the core one constant struct, alch_plugin;
** - structs grow at the end only; any other change is a new ALCH_PLUGIN_ABI.
**
** A plug-in has no writable globals: what it keeps hangs on its connections.
*/
#define ALCH_PLUGIN_MAGIC 0x414c4348u   /* "ALCH" */
#define ALCH_PLUGIN_ABI 1

/* As in base/alloc.h, base/err.h and driver/statements.h. */
struct alch_host {
    uint32_t abi;           /* ALCH_PLUGIN_ABI of the core */

    void *(*alloc)(size_t size);
    void *(*alloc0)(size_t size);
    void *(*realloc)(void *p, size_t size);
    void (*free)(void *p);

    int (*err_set)(alch_err *err, int code, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
    int (*err_nomem)(alch_err *err);

    alch_statements *(*statements_new)(size_t limit, alch_statement_drop drop, void *payload);
    void (*statements_drop)(alch_statements *s);
    alch_statement *(*statements_find)(alch_statements *s, const char *key, size_t len);
    alch_statement *(*statements_add)(alch_statements *s, const char *key, size_t len, void *handle);
    void (*statements_done)(alch_statements *s, alch_statement *st);
    void (*statements_forget)(alch_statements *s, alch_statement *st);
    void (*statements_clear)(alch_statements *s);
    size_t (*statements_len)(const alch_statements *s);
};

typedef struct alch_plugin {
    uint32_t magic, abi;
    const char *name;
    const alch_driver *driver;
} alch_plugin;

/* The one function of Lua's a plug-in calls; lua.h is not needed for it. Weak,
** because the program that loads the plug-in defines it, not a library. */
struct lua_State;
extern __attribute__((weak)) void lua_pushlightuserdata(struct lua_State *L, void *p);

/* ALCH_PLUGIN(sqlite, &driver) at file level makes the module's luaopen
** function. core.driver takes the light userdata it returns. */
#define ALCH_PLUGIN(name_, driver_) \
    static const alch_plugin alch_this_plugin = { \
        ALCH_PLUGIN_MAGIC, ALCH_PLUGIN_ABI, #name_, driver_ \
    }; \
    __attribute__((visibility("default"))) \
    int luaopen_lualchemy_plugin_##name_(struct lua_State *L); \
    int luaopen_lualchemy_plugin_##name_(struct lua_State *L) \
    { \
        lua_pushlightuserdata(L, (void *)(uintptr_t)&alch_this_plugin); \
        return 1; \
    }

#endif
