#include "driver/host.h"

#include "base/alloc.h"

const alch_host alch_core_host = {
    .abi = ALCH_PLUGIN_ABI,
    .alloc = alch_alloc,
    .alloc0 = alch_alloc0,
    .realloc = alch_realloc,
    .free = alch_free,
    .err_set = alch_err_set,
    .err_nomem = alch_err_nomem,
    .statements_new = alch_statements_new,
    .statements_drop = alch_statements_drop,
    .statements_find = alch_statements_find,
    .statements_add = alch_statements_add,
    .statements_done = alch_statements_done,
    .statements_forget = alch_statements_forget,
    .statements_clear = alch_statements_clear,
    .statements_len = alch_statements_len,
};

const alch_driver *alch_plugin_driver(const alch_plugin *p, alch_err *err)
{
    if (p == NULL || p->magic != ALCH_PLUGIN_MAGIC) {
        alch_err_set(err, ALCH_ERR_ARGUMENT,
                     "this is not a lualchemy plug-in; pass what require(\"lualchemy.plugin.<name>\") returns");
        return NULL;
    }
    if (p->abi != ALCH_PLUGIN_ABI || p->driver->abi != ALCH_DRIVER_ABI) {
        alch_err_set(err, ALCH_ERR_INTERFACE,
                     "plug-in '%s' was built for interface %u.%u, this core has %u.%u: install the same version of both",
                     p->name, (unsigned)p->abi, (unsigned)p->driver->abi,
                     (unsigned)ALCH_PLUGIN_ABI, (unsigned)ALCH_DRIVER_ABI);
        return NULL;
    }
    return p->driver;
}
