/* Mapper plans, states with their packed rows, identity keys. */
#include <string.h>

#include "check.h"
#include "orm/key.h"
#include "orm/mapper.h"
#include "orm/pairs.h"
#include "orm/state.h"

static const char id[] = "id", name[] = "name", price[] = "price", items[] = "items";
static const char long_name[] = "a name that no build of Lua interns, because it is far too long for that";

static int plan(alch_mapper *m, alch_err *err)
{
    static const char *const names[] = { id, name, price, long_name, items };
    size_t i;
    int rc;

    memset(m, 0, sizeof *m);
    rc = alch_mapper_init(m, 5, 1, err);
    if (rc != ALCH_OK)
        return rc;
    for (i = 0; i < 5; i++) {
        m->attrs[i].name = names[i];
        m->attrs[i].len = strlen(names[i]);
        m->attrs[i].kind = i < 4 ? ALCH_ATTR_COLUMN : ALCH_ATTR_LIST;
    }
    m->columns = 4;
    m->keys[0] = 0;
    rc = alch_mapper_sync(&m->attrs[4], 2, err);
    return rc == ALCH_OK ? alch_mapper_index(m, err) : rc;
}

/* What is read from a row has the last slots; one slot before them is nobody's. */
static void places_values(void)
{
    alch_mapper m;
    alch_err err;

    CHECK(plan(&m, &err) == ALCH_OK);
    CHECK(m.close == 1 && m.attrs[4].slot == 1);
    CHECK(m.attrs[0].slot == 3 && m.attrs[1].slot == 4 && m.attrs[2].slot == 5 && m.attrs[3].slot == 6);
    alch_mapper_release(&m);
}

static void finds_attributes_by_name(void)
{
    char copy[sizeof long_name], short_copy[] = "name";
    alch_mapper m, child;
    alch_err err;

    CHECK(plan(&m, &err) == ALCH_OK);
    memcpy(copy, long_name, sizeof copy);
    CHECK(alch_mapper_find(&m, id, 2) == 0);
    CHECK(alch_mapper_find(&m, items, 5) == 4);
    CHECK(alch_mapper_find(&m, copy, strlen(copy)) == 3);
    /* Short names are the host's interned ones: another copy is another name. */
    CHECK(alch_mapper_find(&m, short_copy, 4) == ALCH_NO_ATTR);
    CHECK(alch_mapper_find(&m, copy, 3) == ALCH_NO_ATTR);
    memset(&child, 0, sizeof child);
    m.id = &m;
    child.id = &child;
    child.parent = &m;
    CHECK(alch_mapper_isa(&child, &m) && !alch_mapper_isa(&m, &child));
    alch_mapper_release(&m);
    CHECK(alch_mapper_find(&m, id, 2) == ALCH_NO_ATTR);
}

static int makes_plans(alch_err *err)
{
    alch_mapper m;
    int rc = plan(&m, err);

    alch_mapper_release(&m);
    return rc;
}

static alch_value text(const char *s, size_t len)
{
    alch_value v = { ALCH_TEXT, ALCH_ZONE_NONE, { 0 } };

    v.as.text.at = s;
    v.as.text.len = len;
    return v;
}

static alch_value integer(int64_t n)
{
    alch_value v = { ALCH_INT, ALCH_ZONE_NONE, { 0 } };

    v.as.integer = n;
    return v;
}

static void packs_rows(void)
{
    alch_mapper m;
    alch_err err;
    alch_state *s;
    alch_value cells[4], out;

    CHECK(plan(&m, &err) == ALCH_OK);
    cells[0] = integer(INT64_MIN);
    cells[1] = text("a\0b", 3);
    cells[2].kind = ALCH_FLOAT;
    cells[2].as.number = -0.0;
    cells[3].kind = ALCH_NULL;
    s = alch_alloc0(alch_state_size(&m, alch_row_size(cells, 4)));
    CHECK(s != NULL);
    if (s == NULL)
        return;
    alch_state_init(s, &m);
    alch_row_pack(s, cells, 4);
    alch_row_cell(s, 0, &out);
    CHECK(out.kind == ALCH_INT && out.as.integer == INT64_MIN);
    alch_row_cell(s, 1, &out);
    CHECK(out.kind == ALCH_TEXT && out.as.text.len == 3 && memcmp(out.as.text.at, "a\0b", 3) == 0);
    alch_row_cell(s, 2, &out);
    CHECK(out.kind == ALCH_FLOAT && memcmp(&out.as.number, &cells[2].as.number, sizeof(double)) == 0);
    alch_row_cell(s, 3, &out);
    CHECK(out.kind == ALCH_NULL);
    alch_free(s);
    alch_mapper_release(&m);
}

static void keeps_sets(void)
{
    alch_mapper m;
    alch_err err;
    alch_state *s;

    CHECK(plan(&m, &err) == ALCH_OK);
    s = alch_alloc0(alch_state_size(&m, 0));
    CHECK(s != NULL);
    if (s == NULL)
        return;
    alch_state_init(s, &m);
    CHECK(!alch_any(s, ALCH_SET_CHANGED) && s->life == ALCH_TRANSIENT);
    alch_put(s, ALCH_SET_CHANGED, 3);
    alch_put(s, ALCH_SET_PACKED, 1);
    CHECK(alch_has(s, ALCH_SET_CHANGED, 3) && !alch_has(s, ALCH_SET_CHANGED, 1));
    CHECK(alch_known(s, 1) && !alch_known(s, 3));
    alch_cut(s, ALCH_SET_PACKED, 1);
    CHECK(!alch_known(s, 1) && alch_any(s, ALCH_SET_CHANGED));
    alch_clear(s, ALCH_SET_CHANGED);
    CHECK(!alch_any(s, ALCH_SET_CHANGED));
    CHECK(strcmp(alch_life_name(ALCH_DETACHED), "detached") == 0);
    alch_free(s);
    alch_mapper_release(&m);
}

/* Do two keys of two values each pack alike? */
static int same_key(alch_value a1, alch_value a2, alch_value b1, alch_value b2)
{
    alch_value a[2], b[2], back[2];
    alch_buf x = ALCH_BUF_INIT, y = ALCH_BUF_INIT;
    int same;

    a[0] = a1;
    a[1] = a2;
    b[0] = b1;
    b[1] = b2;
    alch_key_pack(a, 2, &x);
    alch_key_pack(b, 2, &y);
    CHECK(alch_key_packed(x.data, x.len));
    CHECK(alch_key_unpack(x.data, x.len, back, 2));
    CHECK(back[0].kind == a[0].kind && back[1].kind == a[1].kind);
    CHECK(!alch_key_unpack(x.data, x.len - 1, back, 2));
    CHECK(!alch_key_unpack(x.data, x.len, back, 1));
    same = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
    alch_buf_release(&x);
    alch_buf_release(&y);
    return same;
}

static void tells_keys_apart(void)
{
    alch_value one = integer(1), word = text("1", 1), mark = text("\x01", 1);

    CHECK(!same_key(integer(1), text("12", 2), integer(11), text("2", 1)));
    CHECK(!same_key(text("a", 1), text("bc", 2), text("ab", 2), text("c", 1)));
    CHECK(!same_key(integer(1), integer(2), text("1", 1), integer(2)));
    CHECK(same_key(integer(1), text("x", 1), integer(1), text("x", 1)));
    CHECK(alch_key_plain(&one, 1) && alch_key_plain(&word, 1));
    CHECK(!alch_key_plain(&mark, 1));
    one.kind = ALCH_FLOAT;
    CHECK(!alch_key_plain(&one, 1));
}

static int packs_keys(alch_err *err)
{
    alch_value long_text = text(long_name, sizeof long_name - 1);
    alch_buf b = ALCH_BUF_INIT;
    int rc;

    alch_key_pack(&long_text, 1, &b);
    rc = b.failed ? alch_err_nomem(err) : ALCH_OK;
    alch_buf_release(&b);
    return rc;
}

static int fills_a_set_of_pairs(alch_err *err)
{
    static const char things[300];
    alch_pairs p = { NULL, 0, 0 };
    int rc = 0, i, round;

    for (round = 0; round < 2 && rc >= 0; round++)
        for (i = 1; i < 300 && rc >= 0; i++) {
            rc = alch_pairs_add(&p, things + i, things + i % 7, err);
            CHECK(rc == (rc < 0 ? -1 : round == 0));
        }
    if (rc >= 0)
        CHECK(p.count == 299 && alch_pairs_add(&p, things + 1, things + 2, err) != 0);
    alch_pairs_release(&p);
    CHECK(p.count == 0);
    return rc < 0 ? ALCH_ERR_NOMEM : ALCH_OK;
}

int main(void)
{
    CHECK_RUN(finds_attributes_by_name);
    CHECK_RUN(places_values);
    CHECK_SWEEP(makes_plans);
    CHECK_RUN(packs_rows);
    CHECK_RUN(keeps_sets);
    CHECK_RUN(tells_keys_apart);
    CHECK_SWEEP(packs_keys);
    CHECK_SWEEP(fills_a_set_of_pairs);
    return CHECK_END("orm");
}
