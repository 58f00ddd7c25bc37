#include "orm/state.h"

#include <string.h>

/* Bytes of a state before its packed row, whose cells are aligned. */
static size_t head_size(const alch_mapper *m)
{
    return (offsetof(alch_state, sets) + ALCH_SETS * m->set_size + 7) & ~(size_t)7;
}

size_t alch_state_size(const alch_mapper *m, size_t row)
{
    size_t size = head_size(m) + row;

    return size < sizeof(alch_state) ? sizeof(alch_state) : size;
}

void alch_state_init(alch_state *s, const alch_mapper *m)
{
    memset(s, 0, alch_state_size(m, 0));
    s->mapper = m;
}

int alch_any(const alch_state *s, int set)
{
    const uint8_t *bytes = s->sets + (size_t)set * s->mapper->set_size;
    size_t i;

    for (i = 0; i < s->mapper->set_size; i++)
        if (bytes[i] != 0)
            return 1;
    return 0;
}

void alch_clear(alch_state *s, int set)
{
    memset(s->sets + (size_t)set * s->mapper->set_size, 0, s->mapper->set_size);
}

/* Kinds are padded so that the cells behind them are aligned. */
static size_t kinds_size(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

static int is_text(const alch_value *v)
{
    return v->kind == ALCH_TEXT || v->kind == ALCH_BLOB;
}

typedef union packed_cell {
    int64_t integer;
    double number;
    struct { uint32_t at, len; } text;      /* 'at' counts from the first text */
} packed_cell;

size_t alch_row_size(const alch_value *cells, size_t n)
{
    size_t size = kinds_size(n) + n * sizeof(packed_cell), i;

    for (i = 0; i < n; i++)
        if (is_text(&cells[i]))
            size += cells[i].as.text.len;
    return size;
}

void alch_row_pack(alch_state *s, const alch_value *cells, size_t n)
{
    uint8_t *kinds = (uint8_t *)s + head_size(s->mapper);
    packed_cell *slots = (packed_cell *)(void *)(kinds + kinds_size(n));
    char *text = (char *)(slots + n);
    uint32_t used = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        const alch_value *v = &cells[i];

        kinds[i] = v->kind;
        if (is_text(v)) {
            slots[i].text.at = used;
            slots[i].text.len = (uint32_t)v->as.text.len;
            if (v->as.text.len > 0)
                memcpy(text + used, v->as.text.at, v->as.text.len);
            used += (uint32_t)v->as.text.len;
        } else if (v->kind == ALCH_FLOAT) {
            slots[i].number = v->as.number;
        } else {
            slots[i].integer = v->kind == ALCH_BOOL ? v->as.boolean : v->as.integer;
        }
    }
}

void alch_row_cell(const alch_state *s, size_t i, alch_value *out)
{
    size_t n = s->mapper->columns;
    const uint8_t *kinds = (const uint8_t *)s + head_size(s->mapper);
    const packed_cell *slots = (const packed_cell *)(const void *)(kinds + kinds_size(n));

    out->kind = kinds[i];
    out->zone = ALCH_ZONE_NONE;
    if (out->kind == ALCH_TEXT || out->kind == ALCH_BLOB) {
        out->as.text.at = (const char *)(slots + n) + slots[i].text.at;
        out->as.text.len = slots[i].text.len;
    } else if (out->kind == ALCH_FLOAT) {
        out->as.number = slots[i].number;
    } else if (out->kind == ALCH_BOOL) {
        out->as.boolean = slots[i].integer != 0;
    } else {
        out->as.integer = slots[i].integer;
    }
}

const char *alch_life_name(int life)
{
    static const char *const names[] = { "transient", "pending", "persistent", "deleted", "detached" };

    return names[life];
}
