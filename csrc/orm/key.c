#include "orm/key.h"

#include <string.h>

/* Opens every packed key; a text that begins with it is packed too. */
#define MARK '\x01'

int alch_key_packed(const char *key, size_t len)
{
    return len > 0 && key[0] == MARK;
}

int alch_key_plain(const alch_value *values, size_t n)
{
    if (n != 1)
        return 0;
    return values->kind == ALCH_INT
        || (values->kind == ALCH_TEXT && !alch_key_packed(values->as.text.at, values->as.text.len));
}

static int has_text(int kind)
{
    return kind == ALCH_TEXT || kind == ALCH_BLOB || kind == ALCH_DECIMAL || kind == ALCH_UUID;
}

void alch_key_pack(const alch_value *values, size_t n, alch_buf *out)
{
    size_t i;

    alch_buf_putc(out, MARK);
    for (i = 0; i < n; i++) {
        const alch_value *v = &values[i];
        int64_t word;

        alch_buf_putc(out, (char)v->kind);
        alch_buf_add(out, (const char *)&v->zone, sizeof v->zone);
        if (has_text(v->kind))
            word = (int64_t)v->as.text.len;
        else if (v->kind == ALCH_FLOAT)
            memcpy(&word, &v->as.number, sizeof word);
        else
            word = v->kind == ALCH_BOOL ? v->as.boolean : v->as.integer;
        alch_buf_add(out, (const char *)&word, sizeof word);
        if (has_text(v->kind))
            alch_buf_add(out, v->as.text.at, v->as.text.len);
    }
}

int alch_key_unpack(const char *key, size_t len, alch_value *out, size_t n)
{
    const char *at = key + 1, *end = key + len;
    size_t i;

    for (i = 0; i < n; i++) {
        alch_value *v = &out[i];
        int64_t word;

        if ((size_t)(end - at) < 1 + sizeof v->zone + sizeof word)
            return 0;
        v->kind = (uint8_t)*at++;
        memcpy(&v->zone, at, sizeof v->zone);
        at += sizeof v->zone;
        memcpy(&word, at, sizeof word);
        at += sizeof word;
        if (has_text(v->kind)) {
            if (word < 0 || word > end - at)
                return 0;
            v->as.text.at = at;
            v->as.text.len = (size_t)word;
            at += word;
        } else if (v->kind == ALCH_FLOAT) {
            memcpy(&v->as.number, &word, sizeof word);
        } else if (v->kind == ALCH_BOOL) {
            v->as.boolean = word != 0;
        } else {
            v->as.integer = word;
        }
    }
    return at == end;
}
