#ifndef ALCH_DRIVER_HOST_H
#define ALCH_DRIVER_HOST_H

#include "alch/plugin.h"

/* The core's functions as plug-ins get them. */
extern const alch_host alch_core_host;

/* The driver of a plug-in, or NULL with 'err' filled when it was built for
** another version of the core. */
const alch_driver *alch_plugin_driver(const alch_plugin *p, alch_err *err);

#endif
