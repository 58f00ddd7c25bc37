#ifndef ALCH_DRIVER_FOREIGN_H
#define ALCH_DRIVER_FOREIGN_H

#include "driver/driver.h"

/*
** What takes the place of a connection's driver in a forked child: the
** connection is the parent's, so nothing is sent, reset or freed. Executing
** and stepping fail with ALCH_ERR_DISCONNECT, closing does nothing.
*/
extern const alch_driver alch_foreign_driver;

#endif
