/* Rows of a hierarchy of classes: the discriminator says which class each is of. */
#include <string.h>

#include "binding/load.h"

static int is_last_value(const alch_entity *e, const alch_value *cell)
{
    if (cell->kind != e->last_value.kind)
        return 0;
    if (cell->kind == ALCH_INT)
        return cell->as.integer == e->last_value.as.integer;
    return cell->kind == ALCH_TEXT && cell->as.text.len == e->last_value.as.text.len
        && memcmp(cell->as.text.at, e->last_text, cell->as.text.len) == 0;
}

static void note_value(alch_entity *e, const alch_value *cell, size_t variant)
{
    e->last_value.kind = ALCH_NULL;
    if (cell->kind == ALCH_TEXT && cell->as.text.len <= sizeof e->last_text)
        memcpy(e->last_text, cell->as.text.at, cell->as.text.len);
    else if (cell->kind != ALCH_INT)
        return;
    e->last_value = *cell;
    e->last_variant = variant;
}

/* No class, or none that was asked for, has the value on the top. */
static void raise_stranger(lua_State *L, const alch_entity *e, int known)
{
    const char *value = luaL_tolstring(L, -1, NULL);
    const char *column = e->m->attrs[e->discriminator].name;

    if (known)
        alch_raisef(L, ALCH_ERR_INVALID, "a row can't be loaded into an object: its discriminator %s = '%s' refers to a class that is not "
                    "a subclass of the requested %s", column, value, e->m->class_name);
    alch_raisef(L, ALCH_ERR_INVALID, "a row can't be loaded into an object: no class of the hierarchy of %s has the polymorphic_identity '%s', "
                "which its discriminator %s holds", e->m->class_name, value, column);
}

/* Where the row's key is missing, an outer join found nobody. */
static int is_nobody(const alch_loader *l, const alch_entity *e)
{
    size_t i;

    for (i = 0; i < e->m->key_count; i++)
        if (l->run->cells[e->positions[e->m->keys[i]]].kind == ALCH_NULL)
            return 1;
    return 0;
}

static size_t find_variant(lua_State *L, const alch_loader *l, size_t i, const alch_value *cell, const alch_load_frame *f)
{
    const alch_entity *e = &l->entities[i];
    int top = lua_gettop(L), found;
    size_t variant;

    luaL_checkstack(L, 6, "classes");
    alch_push_cell(L, e->codec->columns, (size_t)e->discriminator, cell);
    lua_pushvalue(L, top + 1);
    found = lua_isnil(L, -1) ? LUA_TNIL : lua_rawget(L, alch_load_anchor(f, i, ALCH_OF_VARIANTS));
    if (found != LUA_TNUMBER) {
        lua_settop(L, top + 1);
        if (!is_nobody(l, e))
            raise_stranger(L, e, found == LUA_TBOOLEAN);
        lua_settop(L, top);
        return i;
    }
    variant = (size_t)lua_tointeger(L, -1) - 1;
    lua_settop(L, top);
    return variant;
}

size_t alch_load_variant(lua_State *L, alch_loader *l, size_t i, const alch_load_frame *f)
{
    alch_entity *e = &l->entities[i];
    const alch_value *cell = &l->run->cells[e->positions[e->discriminator]];
    size_t variant;

    if (cell->kind == ALCH_NULL) {
        if (!is_nobody(l, e))
            alch_raisef(L, ALCH_ERR_INVALID, "a row can't be loaded into an object: its discriminator %s is NULL, so that it is of no class of the "
                        "hierarchy of %s", e->m->attrs[e->discriminator].name, e->m->class_name);
        return i;
    }
    if (is_last_value(e, cell))
        return e->last_variant;
    variant = find_variant(L, l, i, cell, f);
    note_value(e, cell, variant);
    return variant;
}
