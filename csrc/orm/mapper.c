#include "orm/mapper.h"

#include <string.h>

#include "base/alloc.h"
#include "type/type.h"

/* Strings longer than this may be equal without being the same object: no
** Lua interns beyond 40 bytes, and no build of it interns less than this. */
#define ALWAYS_INTERNED 24

typedef struct alch_name_slot {
    const char *name;
    int attr;
} alch_name_slot;

int alch_mapper_init(alch_mapper *m, size_t count, size_t keys, alch_err *err)
{
    m->count = count;
    m->key_count = keys;
    m->set_size = count / 8 + 1;
    m->discriminator = ALCH_NO_ATTR;
    m->attrs = alch_alloc0((count + 1) * sizeof *m->attrs);
    m->keys = alch_alloc0((keys + 1) * sizeof *m->keys);
    if (m->attrs == NULL || m->keys == NULL)
        return alch_err_nomem(err);
    return ALCH_OK;
}

int alch_mapper_sync(alch_attr *a, size_t count, alch_err *err)
{
    a->sync = alch_alloc0((count + 1) * sizeof *a->sync);
    if (a->sync == NULL)
        return alch_err_nomem(err);
    a->sync_count = count;
    return ALCH_OK;
}

static size_t slot_of(const alch_mapper *m, const char *name)
{
    uint64_t bits = (uint64_t)(uintptr_t)name;

    return (size_t)((bits * 0x9e3779b97f4a7c15u) >> 32) & (m->slot_count - 1);
}

/* Is a value of this attribute no more than its packed cell, which seldom pays to be kept beside it? */
static int is_plain_column(const alch_attr *a)
{
    const alch_type *t = a->type;

    if (a->kind != ALCH_ATTR_COLUMN)
        return 0;
    return t == NULL || (alch_type_is_plain(t)
        && (t->family == ALCH_FAMILY_INTEGER || t->family == ALCH_FAMILY_FLOAT || t->family == ALCH_FAMILY_STRING
            || t->family == ALCH_FAMILY_BOOLEAN));
}

/* One slot, behind the close ones, is left for the host's own use. */
static void place(alch_mapper *m)
{
    uint32_t close = 0, apart;
    size_t i;

    for (i = 0; i < m->count; i++)
        if (!is_plain_column(&m->attrs[i]))
            m->attrs[i].slot = ++close;
    m->close = close;
    apart = close + 1;
    for (i = 0; i < m->count; i++)
        if (is_plain_column(&m->attrs[i]))
            m->attrs[i].slot = ++apart;
}

int alch_mapper_index(alch_mapper *m, alch_err *err)
{
    size_t i, at;

    m->slot_count = 8;
    while (m->slot_count < m->count * 4)
        m->slot_count *= 2;
    m->slots = alch_alloc0(m->slot_count * sizeof *m->slots);
    if (m->slots == NULL)
        return alch_err_nomem(err);
    for (i = 0; i < m->count; i++) {
        at = slot_of(m, m->attrs[i].name);
        while (m->slots[at].name != NULL)
            at = (at + 1) & (m->slot_count - 1);
        m->slots[at].name = m->attrs[i].name;
        m->slots[at].attr = (int)i;
    }
    place(m);
    return ALCH_OK;
}

void alch_mapper_release(alch_mapper *m)
{
    size_t i;

    for (i = 0; m->attrs != NULL && i < m->count; i++)
        alch_free(m->attrs[i].sync);
    alch_free(m->attrs);
    alch_free(m->keys);
    alch_free(m->slots);
    m->attrs = NULL;
    m->keys = NULL;
    m->slots = NULL;
    m->count = m->key_count = m->slot_count = 0;
}

static int find_long(const alch_mapper *m, const char *name, size_t len)
{
    size_t i;

    for (i = 0; i < m->count; i++)
        if (m->attrs[i].len == len && memcmp(m->attrs[i].name, name, len) == 0)
            return (int)i;
    return ALCH_NO_ATTR;
}

int alch_mapper_find(const alch_mapper *m, const char *name, size_t len)
{
    size_t at;

    if (m->slots == NULL)   /* released: the host is shutting down */
        return ALCH_NO_ATTR;
    at = slot_of(m, name);
    for (; m->slots[at].name != NULL; at = (at + 1) & (m->slot_count - 1))
        if (m->slots[at].name == name)
            return m->slots[at].attr;
    return len > ALWAYS_INTERNED ? find_long(m, name, len) : ALCH_NO_ATTR;
}

int alch_mapper_isa(const alch_mapper *m, const alch_mapper *ancestor)
{
    for (; m != NULL; m = m->parent)
        if (m->id == ancestor->id)
            return 1;
    return 0;
}
