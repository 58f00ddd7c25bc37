/* PostgreSQL's type numbers (pg_type.dat): fixed for the built-in types. */
#include "type/convert.h"

enum {
    OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25, OID_JSON = 114,
    OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_BPCHAR = 1042, OID_VARCHAR = 1043, OID_DATE = 1082, OID_TIME = 1083,
    OID_TIMESTAMP = 1114, OID_TIMESTAMPTZ = 1184, OID_INTERVAL = 1186, OID_TIMETZ = 1266, OID_NUMERIC = 1700,
    OID_UUID = 2950, OID_JSONB = 3802
};

static uint32_t integer_oid(const alch_type *t)
{
    if (t->kind == ALCH_TYPE_SMALLINTEGER || t->kind == ALCH_TYPE_SQL_SMALLINT)
        return OID_INT2;
    return t->kind == ALCH_TYPE_BIGINTEGER || t->kind == ALCH_TYPE_SQL_BIGINT ? OID_INT8 : OID_INT4;
}

static uint32_t string_oid(const alch_type *t)
{
    switch (t->kind) {
    case ALCH_TYPE_TEXT:
    case ALCH_TYPE_UNICODETEXT:
    case ALCH_TYPE_SQL_TEXT:
    case ALCH_TYPE_SQL_CLOB: return OID_TEXT;
    case ALCH_TYPE_SQL_CHAR:
    case ALCH_TYPE_SQL_NCHAR: return OID_BPCHAR;
    default: return OID_VARCHAR;
    }
}

uint32_t alch_type_oid(const alch_type *t)
{
    int zone = (t->flags & ALCH_TYPE_TIMEZONE) != 0;

    if (t->oid != 0 || t->kind == ALCH_TYPE_NAMED)
        return t->oid;
    switch (t->family) {
    case ALCH_FAMILY_INTEGER: return integer_oid(t);
    case ALCH_FAMILY_FLOAT: return t->kind == ALCH_TYPE_SQL_REAL ? OID_FLOAT4 : OID_FLOAT8;
    case ALCH_FAMILY_NUMERIC: return OID_NUMERIC;
    case ALCH_FAMILY_STRING: return string_oid(t);
    case ALCH_FAMILY_BOOLEAN: return OID_BOOL;
    case ALCH_FAMILY_DATE: return OID_DATE;
    case ALCH_FAMILY_TIME: return zone ? OID_TIMETZ : OID_TIME;
    case ALCH_FAMILY_DATETIME: return zone ? OID_TIMESTAMPTZ : OID_TIMESTAMP;
    case ALCH_FAMILY_INTERVAL: return OID_INTERVAL;
    case ALCH_FAMILY_BINARY: return OID_BYTEA;
    case ALCH_FAMILY_JSON: return OID_JSON;
    case ALCH_FAMILY_UUID: return OID_UUID;
    case ALCH_FAMILY_ARRAY: return t->item != NULL ? alch_type_array_oid(t->item) : 0;
    default: return 0;      /* enums have numbers of their own in each database */
    }
}

typedef struct oid_row {
    uint32_t oid, array;
    uint8_t kind;           /* what an untyped column of it is read as */
} oid_row;

static const oid_row oids[] = {
    { OID_BOOL, 1000, ALCH_TYPE_BOOLEAN }, { OID_BYTEA, 1001, ALCH_TYPE_LARGEBINARY }, { OID_INT2, 1005, ALCH_TYPE_SMALLINTEGER },
    { OID_INT4, 1007, ALCH_TYPE_INTEGER }, { OID_INT8, 1016, ALCH_TYPE_BIGINTEGER }, { OID_TEXT, 1009, ALCH_TYPE_TEXT },
    { OID_VARCHAR, 1015, ALCH_TYPE_STRING }, { OID_BPCHAR, 1014, ALCH_TYPE_STRING }, { OID_FLOAT4, 1021, ALCH_TYPE_FLOAT },
    { OID_FLOAT8, 1022, ALCH_TYPE_FLOAT }, { OID_NUMERIC, 1231, ALCH_TYPE_NUMERIC }, { OID_DATE, 1182, ALCH_TYPE_DATE },
    { OID_TIME, 1183, ALCH_TYPE_TIME }, { OID_TIMETZ, 1270, ALCH_TYPE_TIME }, { OID_TIMESTAMP, 1115, ALCH_TYPE_DATETIME },
    { OID_TIMESTAMPTZ, 1185, ALCH_TYPE_DATETIME }, { OID_INTERVAL, 1187, ALCH_TYPE_INTERVAL }, { OID_UUID, 2951, ALCH_TYPE_UUID },
    { OID_JSON, 199, ALCH_TYPE_JSON }, { OID_JSONB, 3807, ALCH_TYPE_JSON }
};

#define OID_COUNT (sizeof oids / sizeof oids[0])

uint32_t alch_type_array_oid(const alch_type *item)
{
    uint32_t oid = alch_type_oid(item);
    size_t i;

    for (i = 0; i < OID_COUNT; i++)
        if (oids[i].oid == oid)
            return oids[i].array;
    return 0;
}

const alch_type *alch_type_of_oid(uint32_t oid)
{
    size_t i;

    for (i = 0; i < OID_COUNT; i++)
        if (oids[i].oid == oid)
            return alch_type_of(oids[i].kind);
    return alch_type_of(ALCH_TYPE_NULL);
}
