#ifndef ALCH_BASE_ERR_H
#define ALCH_BASE_ERR_H

/*
** How the core reports failure: a function that can fail returns ALCH_OK or
** a negative code of errors.def, and fills the alch_err it was given, last
** argument, once, where the cause is known. Callers pass code and 'err' on
** unchanged.
**
** An alch_err owns nothing: it can be dropped, copied, or jumped over by
** lua_error without a leak. What a database says beyond the text goes into
** the fixed fields, cut to fit.
*/
enum {
    ALCH_OK = 0,
#define ALCH_ERROR(name, code, class_) ALCH_ERR_##name = code,
#include "base/errors.def"
#undef ALCH_ERROR
};

typedef struct alch_err {
    int code;
    int native;             /* the database's own number: extended SQLite code; 0 if none */
    char text[1024];
    char sqlstate[6];       /* PostgreSQL, "" elsewhere */
    char constraint[128];
    char table[128];
    char column[128];
} alch_err;

/* Fill 'err' (may be NULL) and return 'code', so that callers can write
** "return alch_err_set(...)". */
int alch_err_set(alch_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

int alch_err_nomem(alch_err *err);

/* The Lua class of a code: "ArgumentError". */
const char *alch_err_class(int code);

#endif
