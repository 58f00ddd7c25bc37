/* SQL types as Lua sees them: handles ("lualchemy.type") of counted alch_type.
** lua/lualchemy/types makes the objects that people see, each with its handle
** in the field '_type'. */
#include <string.h>

#include "binding/bind.h"
#include "binding/type_host.h"
#include "binding/value_conv.h"
#include "type/storage.h"

typedef struct handle {
    const alch_type *type;
} handle;

static int l_gc(lua_State *L)
{
    handle *h = lua_touserdata(L, 1);

    alch_type_drop(h->type);
    h->type = NULL;
    return 0;
}

void alch_push_type(lua_State *L, const alch_type *t)
{
    handle *h = alch_push_object(L, sizeof *h, 0, ALCH_TYPE_METATABLE);

    h->type = alch_type_keep(t);
}

static int refuse(lua_State *L, int idx, const char *what)
{
    int type = lua_type(L, idx);
    int plain = type != LUA_TNONE && type != LUA_TNIL && type != LUA_TTABLE;
    const char *shown = plain ? luaL_tolstring(L, idx, NULL) : "";

    return alch_raisef(L, ALCH_ERR_ARGUMENT, "%s%sa type such as sa.Integer or sa.String(50) is expected, not %s%s%s",
                       what != NULL ? what : "", what != NULL ? ": " : "", lua_typename(L, type), plain ? " " : "", shown);
}

const alch_type *alch_check_type(lua_State *L, int idx, const char *what)
{
    handle *h = luaL_testudata(L, idx, ALCH_TYPE_METATABLE);

    if (h == NULL && lua_type(L, idx) == LUA_TTABLE) {
        idx = lua_absindex(L, idx);
        lua_getfield(L, idx, "_type");
        h = luaL_testudata(L, -1, ALCH_TYPE_METATABLE);
        if (h != NULL)
            lua_replace(L, idx);
        else
            lua_pop(L, 1);
    }
    if (h == NULL || h->type == NULL)
        (void)refuse(L, idx, what);
    return h->type;
}

static int kind_called(const char *name)
{
    int kind;

    for (kind = 0; kind < ALCH_TYPE_KIND_COUNT; kind++)
        if (strcmp(alch_type_name(alch_type_of(kind)), name) == 0)
            return kind;
    return -1;
}

typedef struct flag_name {
    const char *name;
    uint32_t flag;
} flag_name;

static const flag_name flag_names[] = {
    { "timezone", ALCH_TYPE_TIMEZONE },
    { "asdecimal", ALCH_TYPE_ASDECIMAL },
    { "native", ALCH_TYPE_NATIVE },
    { "create_constraint", ALCH_TYPE_CONSTRAINT },
    { "as_text", ALCH_TYPE_AS_TEXT },
    { "none_as_null", ALCH_TYPE_NULL_AS_SQL },
    { "inherit_schema", ALCH_TYPE_INHERIT_SCHEMA },
    { "any_label", ALCH_TYPE_ANY_LABEL },
    { "hook_bind", ALCH_TYPE_HOOK_BIND },
    { "hook_result", ALCH_TYPE_HOOK_RESULT },
    { "hook_literal", ALCH_TYPE_HOOK_LITERAL },
    { "hook_impl", ALCH_TYPE_HOOK_IMPL },
    { "hook_coerce", ALCH_TYPE_HOOK_COERCE },
    { "hook_compare", ALCH_TYPE_HOOK_COMPARE },
    { "hook_bind_expression", ALCH_TYPE_HOOK_BIND_EXPRESSION },
    { "hook_column_expression", ALCH_TYPE_HOOK_COLUMN_EXPRESSION },
    { "bind_cast", ALCH_TYPE_BIND_CAST },
    { NULL, 0 }
};

/* Hooks may be given as themselves; a number or a string is a mistake. */
static void read_flags(lua_State *L, int fields, const char *type_name, alch_type *spec)
{
    const flag_name *f;

    for (f = flag_names; f->name != NULL; f++) {
        int type = lua_getfield(L, fields, f->name);

        if (type == LUA_TNUMBER || type == LUA_TSTRING)
            (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: %s must be true or false, not %s", type_name, f->name,
                              luaL_tolstring(L, -1, NULL));
        if (type != LUA_TNIL)
            spec->flags = lua_toboolean(L, -1) ? spec->flags | f->flag : spec->flags & ~f->flag;
        lua_pop(L, 1);
    }
}

static int32_t read_number(lua_State *L, int fields, const char *type_name, const char *key, lua_Integer least)
{
    lua_Integer n = ALCH_UNSET;
    int isnum = 1, given = lua_getfield(L, fields, key) != LUA_TNIL;

    if (given)
        n = lua_tointegerx(L, -1, &isnum);
    if (!isnum || lua_type(L, -1) == LUA_TSTRING || (given && n < least) || n > INT32_MAX)
        (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: the %s must be a whole number from %d on, not %s", type_name, key,
                          (int)least, luaL_tolstring(L, -1, NULL));
    lua_pop(L, 1);
    return (int32_t)n;
}

/* The string stays on the stack, so that it lives until the type is made. */
static const char *read_text(lua_State *L, int fields, const char *type_name, const char *key)
{
    if (lua_getfield(L, fields, key) == LUA_TNIL)
        return NULL;
    if (lua_type(L, -1) != LUA_TSTRING)
        (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: the %s must be a string, not %s", type_name, key, luaL_typename(L, -1));
    if (strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
        (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: the %s cannot contain a NUL character", type_name, key);
    return lua_tostring(L, -1);
}

static void read_labels(lua_State *L, int fields, alch_type *spec)
{
    const char **labels;
    lua_Integer i, n;

    if (lua_getfield(L, fields, "labels") == LUA_TNIL)
        return;
    n = (lua_Integer)lua_rawlen(L, -1);
    labels = lua_newuserdatauv(L, (size_t)n * sizeof *labels + 1, 0);
    for (i = 0; i < n; i++) {
        if (lua_rawgeti(L, -2, i + 1) != LUA_TSTRING)
            (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "Enum: labels are strings, not %s", luaL_typename(L, -1));
        labels[i] = lua_tostring(L, -1);
        if (strlen(labels[i]) != lua_rawlen(L, -1))
            (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "Enum: the label '%s...' contains a zero byte", labels[i]);
        lua_pop(L, 1);      /* the list keeps it */
    }
    spec->labels = labels;
    spec->label_count = (size_t)n;
}

static void read_items(lua_State *L, int fields, alch_type *spec)
{
    const alch_type **items;
    lua_Integer i, n;

    if (lua_getfield(L, fields, "item") != LUA_TNIL)
        spec->item = alch_check_type(L, -1, NULL);
    if (lua_getfield(L, fields, "items") == LUA_TNIL)
        return;
    n = (lua_Integer)lua_rawlen(L, -1);
    luaL_checkstack(L, (int)n + 4, "types");
    items = lua_newuserdatauv(L, (size_t)n * sizeof *items + 1, 0);
    for (i = 0; i < n; i++) {
        lua_rawgeti(L, -2 - (int)i, i + 1);
        items[i] = alch_check_type(L, -1, NULL);
    }
    spec->items = items;
    spec->item_count = (size_t)n;
}

static void read_family(lua_State *L, int fields, alch_type *spec)
{
    const char *name = read_text(L, fields, "type", "family");
    int family = name != NULL ? alch_family_called(name) : spec->family;

    if (family < 0)
        (void)alch_raisef(L, ALCH_ERR_ARGUMENT, "there is no type family '%s'", name);
    spec->family = (uint8_t)family;
    if (spec->kind == ALCH_TYPE_DECORATED && spec->item != NULL)
        spec->family = spec->item->family;
}

static void read_spec(lua_State *L, int fields, alch_type *spec)
{
    const char *name = alch_type_name(spec);

    spec->length = read_number(L, fields, name, "length", 0);
    spec->precision = read_number(L, fields, name, "precision", 0);
    spec->scale = read_number(L, fields, name, "scale", 0);
    spec->name = read_text(L, fields, name, "name");
    spec->schema = read_text(L, fields, name, "schema");
    spec->collation = read_text(L, fields, name, "collation");
    spec->class_name = read_text(L, fields, name, "class_name");
    lua_getfield(L, fields, "oid");
    spec->oid = (uint32_t)luaL_optinteger(L, -1, 0);
    read_flags(L, fields, name, spec);
    read_items(L, fields, spec);
    read_family(L, fields, spec);
    read_labels(L, fields, spec);
}

/* core.type(class_name, fields | nil) -> handle. fields.object is the Lua
** object behind a type with hooks, fields.comparator that of one that only
** has operators of its own. */
static int l_type(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    int kind = kind_called(name);
    alch_type spec;
    alch_err err;
    handle *h;
    int rc;

    if (kind < 0)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "there is no type '%s'", name);
    lua_settop(L, 2);
    h = alch_push_object(L, sizeof *h, 0, ALCH_TYPE_METATABLE);     /* 3 */
    if (lua_isnil(L, 2)) {
        h->type = alch_type_of(kind);
        return 1;
    }
    luaL_checktype(L, 2, LUA_TTABLE);
    luaL_checkstack(L, 16, "type");
    alch_type_init(&spec, kind);
    read_spec(L, 2, &spec);
    if (lua_getfield(L, 2, "object") != LUA_TNIL)
        spec.host = &alch_lua_type_host;
    else
        lua_getfield(L, 2, "comparator");
    if (!lua_isnil(L, -1)) {
        spec.object = alch_host_ref_new(L, -1);
        if (spec.object == NULL)
            return alch_raise(L, (alch_err_nomem(&err), &err));
    }
    rc = alch_type_new(&spec, &h->type, &err);
    alch_host_drop(spec.object);
    if (rc != ALCH_OK)
        return alch_raise(L, &err);
    lua_settop(L, 3);
    return 1;
}

/* core.type_with_variant(type, dialect, variant) -> handle */
static int l_with_variant(lua_State *L)
{
    const alch_type *t = alch_check_type(L, 1, NULL);
    const char *dialect = luaL_checkstring(L, 2);
    const alch_type *variant = alch_check_type(L, 3, "with_variant");
    handle *h = alch_push_object(L, sizeof *h, 0, ALCH_TYPE_METATABLE);
    alch_err err;

    if (alch_type_with_variant(t, dialect, variant, &h->type, &err) != ALCH_OK)
        return alch_raise(L, &err);
    return 1;
}

/* core.type_for(type, dialect) -> handle of the type that the dialect uses */
static int l_type_for(lua_State *L)
{
    alch_push_type(L, alch_type_for(alch_check_type(L, 1, NULL), luaL_checkstring(L, 2)));
    return 1;
}

static void set_number(lua_State *L, const char *key, int32_t n)
{
    if (n != ALCH_UNSET) {
        lua_pushinteger(L, n);
        lua_setfield(L, -2, key);
    }
}

static void set_text(lua_State *L, const char *key, const char *s)
{
    if (s != NULL) {
        lua_pushstring(L, s);
        lua_setfield(L, -2, key);
    }
}

static void set_lists(lua_State *L, const alch_type *t)
{
    size_t i;

    if (t->item != NULL) {
        alch_push_type(L, t->item);
        lua_setfield(L, -2, "item");
    }
    if (t->item_count > 0) {
        lua_createtable(L, (int)t->item_count, 0);
        for (i = 0; i < t->item_count; i++) {
            alch_push_type(L, t->items[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_setfield(L, -2, "items");
    }
    if (t->label_count > 0) {
        lua_createtable(L, (int)t->label_count, 0);
        for (i = 0; i < t->label_count; i++) {
            lua_pushstring(L, t->labels[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_setfield(L, -2, "labels");
    }
    lua_createtable(L, 0, (int)t->variant_count);
    for (i = 0; i < t->variant_count; i++) {
        alch_push_type(L, t->variants[i].type);
        lua_setfield(L, -2, t->variants[i].dialect);
    }
    lua_setfield(L, -2, "variants");
}

/* core.type_info(type) -> table: what core.type was given, and 'class',
** 'ddl', 'object', 'variants'. */
static int l_type_info(lua_State *L)
{
    const alch_type *t = alch_check_type(L, 1, NULL);
    const flag_name *f;

    lua_createtable(L, 0, 16);
    set_text(L, "class", alch_type_name(alch_type_of(t->kind)));
    set_text(L, "class_name", t->class_name);
    set_text(L, "ddl", alch_type_ddl(t));
    set_text(L, "family", alch_family_name(t->family));
    set_number(L, "length", t->length);
    set_number(L, "precision", t->precision);
    set_number(L, "scale", t->scale);
    set_text(L, "name", t->name);
    set_text(L, "schema", t->schema);
    set_text(L, "collation", t->collation);
    lua_pushinteger(L, t->oid);
    lua_setfield(L, -2, "oid");
    for (f = flag_names; f->name != NULL; f++) {
        lua_pushboolean(L, (t->flags & f->flag) != 0);
        lua_setfield(L, -2, f->name);
    }
    set_lists(L, t);
    if (t->object != NULL) {
        alch_host_ref_push(L, t->object);
        lua_setfield(L, -2, "object");
    }
    return 1;
}

/* Handles are equal when they hold the same type. */
static int l_eq(lua_State *L)
{
    const handle *a = luaL_testudata(L, 1, ALCH_TYPE_METATABLE), *b = luaL_testudata(L, 2, ALCH_TYPE_METATABLE);

    lua_pushboolean(L, a != NULL && b != NULL && a->type == b->type);
    return 1;
}

static int l_tostring(lua_State *L)
{
    lua_pushfstring(L, "type %s", alch_type_name(alch_check_type(L, 1, NULL)));
    return 1;
}

static const luaL_Reg functions[] = {
    { "type", l_type },
    { "type_with_variant", l_with_variant },
    { "type_for", l_type_for },
    { "type_info", l_type_info },
    { NULL, NULL }
};

static const luaL_Reg metamethods[] = {
    { "__eq", l_eq },
    { "__tostring", l_tostring },
    { NULL, NULL }
};

void alch_open_type(lua_State *L);

void alch_open_type(lua_State *L)
{
    if (alch_new_metatable(L, ALCH_TYPE_METATABLE, l_gc))
        luaL_setfuncs(L, metamethods, 0);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
