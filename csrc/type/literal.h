#ifndef ALCH_TYPE_LITERAL_H
#define ALCH_TYPE_LITERAL_H

#include "base/buf.h"
#include "type/storage.h"
#include "type/type.h"

/* Appends a value as SQL text, quoted and checked like a parameter of the
** type: 'it''s', NULL, true, DATE text, X'00ff'. 'host' is for types defined
** in Lua. ALCH_ERR_COMPILE when it has no such form (a JSON table). */
int alch_type_literal(const alch_type *t, const alch_storage *s, void *host, const alch_value *in, alch_buf *out, alch_err *err);

#endif
