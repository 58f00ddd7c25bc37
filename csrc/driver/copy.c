#include "driver/copy.h"

int alch_copy_value(alch_arena *a, alch_value *to, const alch_value *from)
{
    *to = *from;
    if (from->kind != ALCH_TEXT && from->kind != ALCH_BLOB)
        return 1;
    to->as.text.at = alch_arena_strndup(a, from->as.text.len > 0 ? from->as.text.at : "", from->as.text.len);
    return to->as.text.at != NULL;
}

const alch_param *alch_copy_params(alch_arena *a, const alch_param *params, size_t n)
{
    alch_param *copy = alch_arena_alloc(a, (n + 1) * sizeof *copy);
    size_t i;

    for (i = 0; copy != NULL && i < n; i++) {
        copy[i].oid = params[i].oid;
        if (!alch_copy_value(a, &copy[i].value, &params[i].value))
            return NULL;
    }
    return copy;
}
