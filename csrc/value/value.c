#include "value/value.h"

const char *alch_value_kind_name(int kind)
{
    static const char *const names[ALCH_VALUE_KIND_COUNT] = {
        "NULL", "boolean", "integer", "float", "text", "bytes", "decimal", "date",
        "time", "datetime", "interval", "uuid", "object"
    };

    return kind >= 0 && kind < ALCH_VALUE_KIND_COUNT ? names[kind] : "unknown";
}

static int is_borrowed(const alch_value *v) { return v->kind == ALCH_TEXT || v->kind == ALCH_BLOB; }

int alch_values_own(alch_value *values, size_t n, alch_buf *text)
{
    size_t i, bytes = 0;
    char *at;

    for (i = 0; i < n; i++)
        if (is_borrowed(&values[i]))
            bytes += values[i].as.text.len;
    text->len = 0;
    if (!alch_buf_reserve(text, bytes)) {
        text->failed = 0;
        return 0;
    }
    at = text->data;
    for (i = 0; i < n; i++) {
        if (!is_borrowed(&values[i]))
            continue;
        if (values[i].as.text.len > 0)
            memcpy(at, values[i].as.text.at, values[i].as.text.len);
        values[i].as.text.at = at;
        at += values[i].as.text.len;
    }
    return 1;
}
