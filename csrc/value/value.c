#include "value/value.h"

const char *alch_value_kind_name(int kind)
{
    static const char *const names[ALCH_VALUE_KIND_COUNT] = {
        "NULL", "boolean", "integer", "float", "text", "bytes", "decimal", "date",
        "time", "datetime", "interval", "uuid", "object"
    };

    return kind >= 0 && kind < ALCH_VALUE_KIND_COUNT ? names[kind] : "unknown";
}
