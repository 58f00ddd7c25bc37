#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

int alch_err_set(alch_err *err, int code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list ap;

        memset(err, 0, offsetof(alch_err, text));
        err->sqlstate[0] = err->constraint[0] = err->table[0] = err->column[0] = '\0';
        err->code = code;
        va_start(ap, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    return code;
}

int alch_err_nomem(alch_err *err)
{
    return alch_err_set(err, ALCH_ERR_NOMEM, "out of memory");
}

const char *alch_err_class(int code)
{
    switch (code) {
#define ALCH_ERROR(name, code, class_) case ALCH_ERR_##name: return class_;
#include "base/errors.def"
#undef ALCH_ERROR
    default: return "LualchemyError";
    }
}
