#ifndef ALCH_BINDING_JSON_H
#define ALCH_BINDING_JSON_H

/* The light userdata that is JSON.NULL: JSON's null as a whole document, as
** sa.null there means SQL NULL. */
void *alch_json_null(void);

/* Metatable of decoded empty lists, which would else come back as {}. */
#define ALCH_JSON_ARRAY "lualchemy.json_array"

#endif
