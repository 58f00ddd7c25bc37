#include "binding/bind.h"

#include <string.h>

/* What the running C function was called as, NULL where a tail call lost it. */
static const char *function_name(lua_State *L, int *is_method)
{
    lua_Debug ar;

    *is_method = 0;
    if (!lua_getstack(L, 0, &ar) || !lua_getinfo(L, "n", &ar))
        return NULL;
    *is_method = ar.namewhat != NULL && strcmp(ar.namewhat, "method") == 0;
    return ar.name;
}

int alch_arg_error(lua_State *L, int arg, const char *text)
{
    int is_method;
    const char *name = function_name(L, &is_method);

    if (name == NULL)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "wrong argument: %s", text);
    if (arg == 1 && !is_method)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: %s (are methods called with a colon?)", name, text);
    return alch_raisef(L, ALCH_ERR_ARGUMENT, "%s: %s", name, text);
}

/* The class of an object, where its metatable says one. */
static const char *type_name(lua_State *L, int arg)
{
    if (luaL_getmetafield(L, arg, "__name") == LUA_TSTRING)
        return lua_tostring(L, -1);
    return lua_type(L, arg) == LUA_TLIGHTUSERDATA ? "sa.null" : luaL_typename(L, arg);
}

int alch_arg_type_error(lua_State *L, int arg, const char *expected)
{
    luaL_checkstack(L, 3, "error");
    return alch_arg_error(L, arg, lua_pushfstring(L, "%s expected, got %s", expected, type_name(L, arg)));
}

const char *alch_arg_lstring(lua_State *L, int arg, size_t *len)
{
    const char *s = lua_tolstring(L, arg, len);

    if (s == NULL)
        (void)alch_arg_type_error(L, arg, "string");
    return s;
}

const char *alch_arg_opt_lstring(lua_State *L, int arg, const char *def, size_t *len)
{
    if (!lua_isnoneornil(L, arg))
        return alch_arg_lstring(L, arg, len);
    if (len != NULL)
        *len = def != NULL ? strlen(def) : 0;
    return def;
}

lua_Integer alch_arg_integer(lua_State *L, int arg)
{
    int is_integer;
    lua_Integer n = lua_tointegerx(L, arg, &is_integer);

    if (!is_integer)
        (void)alch_arg_type_error(L, arg, "integer");
    return n;
}

lua_Integer alch_arg_opt_integer(lua_State *L, int arg, lua_Integer def)
{
    return lua_isnoneornil(L, arg) ? def : alch_arg_integer(L, arg);
}

lua_Number alch_arg_number(lua_State *L, int arg)
{
    int is_number;
    lua_Number n = lua_tonumberx(L, arg, &is_number);

    if (!is_number)
        (void)alch_arg_type_error(L, arg, "number");
    return n;
}

lua_Number alch_arg_opt_number(lua_State *L, int arg, lua_Number def)
{
    return lua_isnoneornil(L, arg) ? def : alch_arg_number(L, arg);
}

void alch_arg_type(lua_State *L, int arg, int type)
{
    if (lua_type(L, arg) != type)
        (void)alch_arg_type_error(L, arg, lua_typename(L, type));
}

void alch_arg_any(lua_State *L, int arg)
{
    if (lua_type(L, arg) == LUA_TNONE)
        (void)alch_arg_error(L, arg, "value expected");
}

void *alch_arg_udata(lua_State *L, int arg, const char *metatable)
{
    void *p = luaL_testudata(L, arg, metatable);

    if (p == NULL)
        (void)alch_arg_type_error(L, arg, metatable);
    return p;
}

int alch_arg_option(lua_State *L, int arg, const char *def, const char *const list[])
{
    const char *name = alch_arg_opt_lstring(L, arg, def, NULL);

    if (name == NULL)
        (void)alch_arg_type_error(L, arg, "string");
    for (int i = 0; list[i] != NULL; i++) {
        if (strcmp(list[i], name) == 0)
            return i;
    }
    return alch_arg_error(L, arg, lua_pushfstring(L, "invalid option '%s'", name));
}
