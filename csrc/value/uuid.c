#include "value/uuid.h"

#include <string.h>

static int hex(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int refuse(const char *s, size_t n, alch_err *err)
{
    return alch_err_set(err, ALCH_ERR_DATA, "'%.*s' is not a UUID", (int)(n < 60 ? n : 60), s);
}

int alch_uuid_parse(const char *s, size_t n, unsigned char out[16], alch_err *err)
{
    const char *text = s;
    size_t len = n, i, digits = 0;
    int dashes;

    if (n > 9 && memcmp(s, "urn:uuid:", 9) == 0) {
        s += 9;
        n -= 9;
    } else if (n > 2 && s[0] == '{' && s[n - 1] == '}') {
        s++;
        n -= 2;
    }
    dashes = n == 36;
    if (n != 32 && n != 36)
        return refuse(text, len, err);
    for (i = 0; i < n; i++) {
        int value = hex((unsigned char)s[i]);

        if (dashes && (i == 8 || i == 13 || i == 18 || i == 23)) {
            if (s[i] != '-')
                return refuse(text, len, err);
            continue;
        }
        if (value < 0)
            return refuse(text, len, err);
        if (digits % 2 == 0)
            out[digits / 2] = (unsigned char)(value << 4);
        else
            out[digits / 2] = (unsigned char)(out[digits / 2] | value);
        digits++;
    }
    return ALCH_OK;
}

size_t alch_uuid_format(const unsigned char *bytes, int dashes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    size_t i, n = 0;

    for (i = 0; i < 16; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10))
            out[n++] = '-';
        out[n++] = digits[bytes[i] >> 4];
        out[n++] = digits[bytes[i] & 15];
    }
    out[n] = '\0';
    return n;
}
