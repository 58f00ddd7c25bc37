/* Mapped instances: the metamethods of a mapped class, and what the library
** asks about an instance. */
#include "binding/orm_host.h"
#include "binding/value_conv.h"

/* -- reading -- */

/* What the user's function returned is the answer. */
static int finish_call(lua_State *L, int status, lua_KContext results)
{
    (void)L;
    (void)status;
    return (int)results;
}

/* property:method(instance), which answers. The state is at 3. */
static int ask_property(lua_State *L, size_t i, const char *method)
{
    lua_settop(L, 3);
    alch_push_property(L, 3, i);
    lua_getfield(L, 4, method);
    lua_insert(L, 4);
    lua_pushvalue(L, 1);
    lua_callk(L, 2, 1, 1, finish_call);
    return 1;
}

/* property:method(instance, value). The state is at 4. */
static int tell_property(lua_State *L, size_t i, const char *method)
{
    lua_settop(L, 4);
    alch_push_property(L, 4, i);
    lua_getfield(L, 5, method);
    lua_insert(L, 5);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 3);
    lua_callk(L, 3, 0, 0, finish_call);
    return 0;
}

/* The value on the top as the host shows it: property:show(instance, value). */
static int show(lua_State *L, const alch_state *s, size_t i)
{
    if (!(s->mapper->attrs[i].flags & ALCH_ATTR_FACED) || lua_isnil(L, -1))
        return 1;
    alch_push_property(L, 3, i);
    lua_getfield(L, -1, "show");
    lua_insert(L, -2);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -4);
    lua_callk(L, 3, 1, 1, finish_call);
    return 1;
}

/* Stack: instance, key, state, and what the loader returned. */
static int finish_read(lua_State *L, int status, lua_KContext ctx)
{
    alch_state *s = lua_touserdata(L, 3);
    size_t i = (size_t)ctx;

    (void)status;
    if (!alch_known(s, i)) {
        if (s->mapper->attrs[i].kind == ALCH_ATTR_OBJECT) {
            lua_settop(L, 4);
            alch_store_clean(L, 3, s, i);
        } else if (s->mapper->attrs[i].kind == ALCH_ATTR_LIST) {
            lua_settop(L, 4);
            alch_push_collection(L, 1, 3, s, i);
            lua_insert(L, 4);
            alch_finish_load(L, 4);
        }
    }
    alch_push_value(L, 3, s, i);
    return show(L, s, i);
}

/* Did the query that loaded it say something about later loads? Then the host
** is asked even where memory could answer. */
static int has_context(lua_State *L, int st, const alch_state *s)
{
    int found;

    alch_push_context(L, st, s);
    found = !lua_isnil(L, -1);
    lua_pop(L, 1);
    return found;
}

/* Not in memory: a list of an object without a row is empty, anything else is
** fetched, and nil where there is nothing to fetch it from. */
static int read_missing(lua_State *L, alch_state *s, size_t i)
{
    int kind = s->mapper->attrs[i].kind;

    if (kind == ALCH_ATTR_LIST && (!(s->flags & (ALCH_STATE_KEYED | ALCH_STATE_LOAN)) || s->mapper->attrs[i].flags & ALCH_ATTR_UNREAD)) {
        alch_push_collection(L, 1, 3, s, i);
        return show(L, s, i);
    }
    if ((s->mapper->attrs[i].flags & ALCH_ATTR_INIT) && !(s->flags & ALCH_STATE_KEYED))
        return ask_property(L, i, "initial_value");
    if (kind == ALCH_ATTR_OBJECT && !has_context(L, 3, s) && alch_push_answer(L, 3, s, i)) {
        lua_pushvalue(L, -1);
        alch_store_clean(L, 3, s, i);
        return 1;
    }
    if (!alch_begin_load(L, 1, 3, i)) {
        lua_pushnil(L);
        return 1;
    }
    lua_callk(L, 2, 1, (lua_KContext)i, finish_read);
    return finish_read(L, LUA_OK, (lua_KContext)i);
}

static int check_attr(lua_State *L, const alch_state *s, int idx)
{
    size_t len;
    const char *name = luaL_checklstring(L, idx, &len);
    int i = alch_mapper_find(s->mapper, name, len);

    if (i == ALCH_NO_ATTR)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s has no mapped attribute '%s'", s->mapper->class_name, name);
    return i;
}

/* Upvalue 2: what the class's own __index was: a function, or a table. */
static int read_own(lua_State *L)
{
    if (lua_isfunction(L, lua_upvalueindex(2))) {
        lua_pushvalue(L, lua_upvalueindex(2));
        lua_insert(L, 1);
        lua_callk(L, 2, 1, 1, finish_call);
    } else {
        lua_gettable(L, lua_upvalueindex(2));
    }
    return 1;
}

/* The state on the top goes to 'at', with as many arguments before it as a
** metamethod gets from Lua: a program that calls one itself may give others. */
static void place_state(lua_State *L, int at)
{
    lua_insert(L, 1);
    lua_settop(L, at);
    lua_pushvalue(L, 1);
    lua_remove(L, 1);
}

/* The attribute that 'key' names, and in '*s' the state at 'state_at' if the instance
** has one. A state of an older mapping of the class knows its own names. */
static int find_attr(lua_State *L, const alch_mapper *m, alch_state **s, int state_at)
{
    const char *name;
    size_t len;
    int i;

    if (lua_type(L, 2) != LUA_TSTRING)
        return ALCH_NO_ATTR;
    name = lua_tolstring(L, 2, &len);
    i = alch_mapper_find(m, name, len);
    if (i == ALCH_NO_ATTR)
        return i;
    *s = alch_push_state(L, 1);
    if (*s != NULL && state_at != lua_gettop(L))
        place_state(L, state_at);
    return *s != NULL && (*s)->mapper != m ? alch_mapper_find((*s)->mapper, name, len) : i;
}

/* The same of an instance that has no state yet: it gets one, and by that may
** turn out to be of another class than the one whose metamethod was called. */
static int make_state(lua_State *L, const alch_mapper *m, int i, alch_state **s, int state_at, const char *what)
{
    lua_settop(L, state_at - 1);
    *s = alch_need_state(L, 1, what);
    return (*s)->mapper == m ? i : alch_mapper_find((*s)->mapper, lua_tostring(L, 2), lua_rawlen(L, 2));
}

static int l_index(lua_State *L)
{
    const alch_mapper *m = lua_touserdata(L, lua_upvalueindex(1));
    alch_state *s = NULL;
    int i = find_attr(L, m, &s, 3);

    if (i == ALCH_NO_ATTR) {
        lua_settop(L, 2);
        return read_own(L);
    }
    if (s == NULL) {
        int kind = m->attrs[i].kind;

        if (i != m->discriminator && (kind == ALCH_ATTR_COLUMN || kind == ALCH_ATTR_OBJECT) && !(m->attrs[i].flags & ALCH_ATTR_INIT))
            return 0;       /* reading an unset attribute leaves no trace */
        i = make_state(L, m, i, &s, 3, m->attrs[i].name);
        if (i == ALCH_NO_ATTR) {
            lua_settop(L, 2);
            return read_own(L);
        }
    }
    if (alch_push_known(L, 3, s, (size_t)i))
        return s->mapper->attrs[i].flags & ALCH_ATTR_FACED ? show(L, s, (size_t)i) : 1;
    if (s->mapper->attrs[i].kind == ALCH_ATTR_PROXY)
        return ask_property(L, (size_t)i, "get");
    return read_missing(L, s, (size_t)i);
}

/* -- writing; stack: instance, key, value, state -- */

static void write_column(lua_State *L, alch_state *s, size_t i)
{
    if (alch_is_null(L, 3)) {
        lua_pushnil(L);
        lua_replace(L, 3);
    }
    if (alch_has(s, ALCH_SET_VALUE, i)) {
        int same;

        alch_push_kept(L, 4, s, i);
        same = lua_rawequal(L, -1, 3);
        lua_pop(L, 1);
        if (same && !alch_has(s, ALCH_SET_GIVEN, i)) {
            alch_modified(L, 1, s);     /* a flush asks its listeners, and finds nothing to write */
            return;
        }
    }
    lua_pushvalue(L, 3);
    alch_store(L, 1, 4, s, i);
}

/* A one-to-one whose row is elsewhere: what it held must be known to lose its reference. */
static int is_unknown_holder(const alch_state *s, int i)
{
    return i != ALCH_NO_ATTR && s->mapper->attrs[i].kind == ALCH_ATTR_OBJECT
        && s->mapper->attrs[i].direction == ALCH_ONETOMANY && s->life == ALCH_PERSISTENT
        && !(s->mapper->attrs[i].flags & ALCH_ATTR_VIEWONLY) && !alch_has(s, ALCH_SET_VALUE, (size_t)i);
}

/* Pushes the instance that has such a side of this relationship, its state,
** and gives the attribute's number; ALCH_NO_ATTR and nothing if there is none. */
static int push_unknown_holder(lua_State *L, const alch_state *s, size_t i)
{
    const alch_attr *a = &s->mapper->attrs[i];
    const alch_state *other;
    int mirror;

    lua_settop(L, 4);
    if (is_unknown_holder(s, (int)i)) {
        lua_pushvalue(L, 1);
        lua_pushvalue(L, 4);
        return (int)i;
    }
    lua_pushvalue(L, 3);
    if (a->direction == ALCH_MANYTOONE && a->reverse != NULL && (other = alch_push_state(L, 5)) != NULL) {
        mirror = alch_mapper_find(other->mapper, a->reverse, a->reverse_len);
        if (is_unknown_holder(other, mirror))
            return mirror;
    }
    lua_settop(L, 4);
    return ALCH_NO_ATTR;
}

static void assign_object(lua_State *L, alch_state *s, size_t i)
{
    lua_settop(L, 4);
    if (alch_is_null(L, 3)) {
        lua_pushnil(L);
        lua_replace(L, 3);
    }
    lua_pushvalue(L, 3);
    alch_set_object(L, 1, 4, s, i);
}

/* Stack: as for writing, the instance that was incomplete, its state, what it held. */
static int finish_object(lua_State *L, int status, lua_KContext ctx)
{
    int i = alch_mapper_find(((alch_state *)lua_touserdata(L, 4))->mapper, lua_tostring(L, 2), lua_rawlen(L, 2));
    alch_state *holder = lua_touserdata(L, 6);

    (void)status;
    lua_settop(L, 7);
    if (!alch_has(holder, ALCH_SET_VALUE, (size_t)ctx))
        alch_store_clean(L, 6, holder, (size_t)ctx);
    assign_object(L, lua_touserdata(L, 4), (size_t)i);
    return 0;
}

static int write_object(lua_State *L, alch_state *s, size_t i)
{
    int unknown = push_unknown_holder(L, s, i);

    if (unknown != ALCH_NO_ATTR && alch_begin_load(L, 5, 6, (size_t)unknown)) {
        lua_callk(L, 2, 1, unknown, finish_object);
        return finish_object(L, LUA_OK, unknown);
    }
    assign_object(L, s, i);
    return 0;
}

/* A table that holds things by name would count as an empty list, and what was in the collection be let go. */
static void refuse_names(lua_State *L, const alch_state *s, size_t i)
{
    if (lua_getmetatable(L, 3)) {
        lua_pop(L, 1);
        return;
    }
    lua_pushnil(L);
    if (lua_next(L, 3)) {
        lua_pop(L, 1);
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s.%s is a collection: assign a list of objects; the table given has no first one, but the key '%s'",
            s->mapper->class_name, s->mapper->attrs[i].name, luaL_tolstring(L, -1, NULL));
    }
}

/* Copies the assigned list, so that the caller's table stays the caller's. */
static void push_items(lua_State *L, alch_state *s, size_t i)
{
    lua_Integer n, k;

    if (!lua_istable(L, 3) && alch_test_tagged(L, 3, &alch_list_tag) == NULL)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s.%s is a collection: assign a list of objects, not a %s value",
            s->mapper->class_name, s->mapper->attrs[i].name, luaL_typename(L, 3));
    n = luaL_len(L, 3);
    if (alch_is_instance(L, 3))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s.%s is a collection: assign a list of objects, not one object",
            s->mapper->class_name, s->mapper->attrs[i].name);
    if (n == 0 && lua_istable(L, 3))
        refuse_names(L, s, i);
    lua_createtable(L, (int)n, 0);
    for (k = 1; k <= n; k++) {
        lua_geti(L, 3, k);
        alch_check_target(L, 4, s, i, lua_gettop(L));
        lua_rawseti(L, -2, k);
    }
}

static int assign_list(lua_State *L, alch_state *s, size_t i)
{
    lua_settop(L, 4);
    alch_push_collection(L, 1, 4, s, i);
    if (lua_rawequal(L, 3, 5))
        return 0;
    push_items(L, s, i);
    alch_collection_assign(L, 5, 6);
    return 0;
}

/* The list was loaded first, so that what leaves it is known. */
static int finish_assign(lua_State *L, int status, lua_KContext ctx)
{
    alch_state *s = lua_touserdata(L, 4);

    (void)status;
    if (!alch_has(s, ALCH_SET_VALUE, (size_t)ctx)) {
        lua_settop(L, 5);
        alch_push_collection(L, 1, 4, s, (size_t)ctx);
        lua_insert(L, 5);
        alch_finish_load(L, 5);
    }
    return assign_list(L, s, (size_t)ctx);
}

static int write_list(lua_State *L, alch_state *s, size_t i)
{
    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }
    if (alch_has(s, ALCH_SET_VALUE, i) || !alch_begin_load(L, 1, 4, i))
        return assign_list(L, s, i);
    lua_callk(L, 2, 1, (lua_KContext)i, finish_assign);
    return finish_assign(L, LUA_OK, (lua_KContext)i);
}

/* A field of the user's own: the class's own __newindex (upvalue 2), or raw. */
static int write_own(lua_State *L)
{
    lua_settop(L, 3);
    if (lua_isfunction(L, lua_upvalueindex(2))) {
        lua_pushvalue(L, lua_upvalueindex(2));
        lua_insert(L, 1);
        lua_callk(L, 3, 0, 0, finish_call);
    } else if (lua_istable(L, lua_upvalueindex(2))) {
        lua_remove(L, 1);
        lua_settable(L, lua_upvalueindex(2));
    } else {
        lua_rawset(L, 1);
    }
    return 0;
}

static int write(lua_State *L, alch_state *s, size_t i)
{
    switch (s->mapper->attrs[i].kind) {
    case ALCH_ATTR_COLUMN: write_column(L, s, i); return 0;
    case ALCH_ATTR_OBJECT: return write_object(L, s, i);
    case ALCH_ATTR_LIST: return write_list(L, s, i);
    default: return tell_property(L, i, "set");
    }
}

static int l_newindex(lua_State *L)
{
    const alch_mapper *m = lua_touserdata(L, lua_upvalueindex(1));
    alch_state *s = NULL;
    int i = find_attr(L, m, &s, 4);

    if (i != ALCH_NO_ATTR && s == NULL)
        i = make_state(L, m, i, &s, 4, "assignment");
    if (i == ALCH_NO_ATTR)
        return write_own(L);
    if (s->mapper->attrs[i].flags & ALCH_ATTR_GUARDED)
        return tell_property(L, (size_t)i, "write");
    return write(L, s, (size_t)i);
}

/* core.assign(instance, name, value): what the host of a guarded attribute does in the end. */
static int l_assign(lua_State *L)
{
    alch_state *s;

    lua_settop(L, 3);
    s = alch_need_state(L, 1, "assignment");
    return write(L, s, (size_t)check_attr(L, s, 2));
}

/* -- pairs -- */

/* The attribute after number 'i' that pairs shows: every column, and what is
** loaded of the relationships. */
static size_t next_shown(const alch_state *s, size_t i)
{
    while (i < s->mapper->count && s->mapper->attrs[i].kind != ALCH_ATTR_COLUMN
           && !alch_has(s, ALCH_SET_VALUE, i))
        i++;
    return i;
}

static int finish_next(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    lua_pushvalue(L, 2);
    lua_insert(L, -2);
    return 2;
}

/* Stack: instance, control. Reading goes through __index, which may load and yield. */
static int l_next(lua_State *L)
{
    alch_state *s = alch_need_state(L, 1, "pairs");
    size_t i = 0, len;
    int found;

    if (lua_type(L, 2) == LUA_TSTRING) {
        const char *name = lua_tolstring(L, 2, &len);

        found = alch_mapper_find(s->mapper, name, len);
        i = found == ALCH_NO_ATTR ? s->mapper->count : (size_t)found + 1;
    }
    i = next_shown(s, i);
    if (i >= s->mapper->count)
        return 0;
    lua_settop(L, 1);
    lua_pushlstring(L, s->mapper->attrs[i].name, s->mapper->attrs[i].len);
    if (!luaL_getmetafield(L, 1, "__index"))
        return luaL_error(L, "this class is not mapped any more");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_callk(L, 2, 1, 0, finish_next);
    return finish_next(L, LUA_OK, 0);
}

static int l_pairs(lua_State *L)
{
    lua_pushcfunction(L, l_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

/* core.instrument(class, plan, own __index, own __newindex): the metamethods. */
static int l_instrument(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    alch_check_plan(L, 2);
    lua_settop(L, 4);
    lua_pushvalue(L, 2);
    lua_rawsetp(L, 1, &alch_orm_plan);
    lua_pushliteral(L, "__index");
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_pushcclosure(L, l_index, 2);
    lua_rawset(L, 1);
    lua_pushliteral(L, "__newindex");
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 4);
    lua_pushcclosure(L, l_newindex, 2);
    lua_rawset(L, 1);
    lua_pushliteral(L, "__pairs");
    lua_pushvalue(L, -1);
    if (lua_rawget(L, 1) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_pushcfunction(L, l_pairs);
        lua_rawset(L, 1);
    }
    return 0;
}

/* core.uninstrument(class): the class forgets its plan. */
static int l_uninstrument(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushnil(L);
    lua_rawsetp(L, 1, &alch_orm_plan);
    lua_pushliteral(L, "__pairs");
    lua_pushvalue(L, -1);
    lua_rawget(L, 1);
    if (lua_tocfunction(L, -1) == l_pairs) {
        lua_pop(L, 1);
        lua_pushnil(L);
        lua_rawset(L, 1);
    }
    return 0;
}

/* -- asking about an instance -- */

/* A list of one value; NULL stands as sa.null. The value is on the top. */
static void wrap_value(lua_State *L)
{
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        alch_push_null(L);
    }
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
}

static void push_history(lua_State *L, int st, alch_state *s, size_t i)
{
    if (!alch_known(s, i)) {
        lua_newtable(L);
        lua_newtable(L);
        lua_newtable(L);
    } else if (!alch_has(s, ALCH_SET_CHANGED, i) || alch_unchanged(L, st, s, i)) {
        lua_newtable(L);
        alch_push_value(L, st, s, i);
        wrap_value(L);
        lua_newtable(L);
    } else {
        alch_push_kept(L, st, s, i);
        wrap_value(L);
        lua_newtable(L);
        if (alch_push_base(L, st, s, i))
            wrap_value(L);
        else
            lua_newtable(L);
    }
}

/* core.get_history(instance, name) -> added, unchanged, deleted. Never loads. */
static int l_get_history(lua_State *L)
{
    alch_state *s;
    int i;

    lua_settop(L, 2);
    s = alch_need_state(L, 1, "get_history");
    i = check_attr(L, s, 2);
    if (s->mapper->attrs[i].kind != ALCH_ATTR_LIST) {
        push_history(L, 3, s, (size_t)i);
    } else if (alch_peek_collection(L, 3, s, (size_t)i) != NULL) {
        alch_collection_history(L, lua_gettop(L));
    } else {
        lua_newtable(L);
        lua_newtable(L);
        lua_newtable(L);
    }
    return 3;
}

/* core.peek(instance, name) -> value in memory or nil, known? Never loads. */
static int l_peek(lua_State *L)
{
    alch_state *s;
    int i;

    lua_settop(L, 2);
    s = alch_need_state(L, 1, "peek");
    i = check_attr(L, s, 2);
    if (!alch_known(s, (size_t)i))
        return 0;
    alch_push_value(L, 3, s, (size_t)i);
    lua_pushboolean(L, 1);
    return 2;
}

/* core.in_memory(instance, name) -> the object that a scalar relationship refers
** to, or a column's value, as far as memory knows. Never loads. */
static int l_in_memory(lua_State *L)
{
    alch_state *s;
    size_t i;

    lua_settop(L, 2);
    s = alch_need_state(L, 1, "in_memory");
    i = (size_t)check_attr(L, s, 2);
    if (s->mapper->attrs[i].kind != ALCH_ATTR_OBJECT || alch_has(s, ALCH_SET_VALUE, i))
        alch_push_value(L, 3, s, i);
    else if (!alch_push_many_to_one(L, 3, s, i))
        lua_pushnil(L);
    return 1;
}

/* core.base_value(instance, name) -> the database's value, as far as it is known */
static int l_base_value(lua_State *L)
{
    alch_state *s;
    size_t i;

    lua_settop(L, 2);
    s = alch_need_state(L, 1, "base value");
    i = (size_t)check_attr(L, s, 2);
    if (!alch_has(s, ALCH_SET_CHANGED, i))
        alch_push_value(L, 3, s, i);
    else if (!alch_push_base(L, 3, s, i))
        lua_pushnil(L);
    return 1;
}

/* core.load_context(instance) -> what the query that loaded it said about later loads, or nil */
static int l_load_context(lua_State *L)
{
    const alch_state *s;

    lua_settop(L, 1);
    s = alch_push_state(L, 1);
    if (s == NULL)
        return 0;
    alch_push_context(L, 2, s);
    return 1;
}

/* core.set_committed(instance, name, value, own): as if loaded; 'own': a list is nobody else's and may be kept. A list takes the
** Lua list's items. */
static int l_set_committed(lua_State *L)
{
    alch_state *s;
    size_t i;
    int own;

    own = lua_toboolean(L, 4);
    lua_settop(L, 3);
    s = alch_need_state(L, 1, "set_committed_value");
    i = (size_t)check_attr(L, s, 2);
    if (s->mapper->attrs[i].kind == ALCH_ATTR_LIST) {
        luaL_checktype(L, 3, LUA_TTABLE);
        alch_push_collection(L, 1, 4, s, i);
        if (own)
            alch_collection_take(L, 5, 3);
        else
            alch_collection_fill(L, 5, 3);
    } else {
        lua_pushvalue(L, 3);
        alch_store_clean(L, 4, s, i);
    }
    return 0;
}

/* core.forget(instance, name): as if the attribute had never been set nor loaded. What it was to others stays. */
static int l_forget(lua_State *L)
{
    alch_state *s;

    lua_settop(L, 2);
    s = alch_need_state(L, 1, "forget");
    alch_expire_attr(L, 3, s, (size_t)check_attr(L, s, 2));
    return 0;
}

/* core.flag_modified(instance, name): its value was changed in place. What a
** column has in the database is nobody's to compare with from now on: it is written. */
static int l_flag_modified(lua_State *L)
{
    alch_state *s;
    size_t i;

    lua_settop(L, 2);
    s = alch_need_state(L, 1, "flag_modified");
    i = (size_t)check_attr(L, s, 2);
    if (!alch_known(s, i))
        alch_raisef(L, ALCH_ERR_INVALID, "Can't flag attribute '%s' of %s modified; it is not present in memory",
            s->mapper->attrs[i].name, s->mapper->class_name);
    alch_keep_value(L, 3, s, i);
    alch_put(s, ALCH_SET_CHANGED, i);
    if (s->mapper->attrs[i].kind == ALCH_ATTR_COLUMN) {
        alch_cut(s, ALCH_SET_PACKED, i);
        alch_cut(s, ALCH_SET_BASE, i);
    }
    alch_modified(L, 1, s);
    return 0;
}

/* core.load_by_loan(instance): its relationships load from now on, whatever session it is in. */
static int l_load_by_loan(lua_State *L)
{
    alch_state *s = alch_need_state(L, 1, "enable_relationship_loading");

    s->flags |= ALCH_STATE_LOAN;
    return 0;
}

/* Did anything come into or leave the list of the instance at 1 (state 2), all in all? */
static int is_list_changed(lua_State *L, const alch_state *s, size_t i)
{
    int top = lua_gettop(L), changed = 0;

    if (alch_peek_collection(L, 2, s, i) != NULL) {
        alch_collection_history(L, top + 1);
        changed = lua_rawlen(L, -3) > 0 || lua_rawlen(L, -1) > 0;
    }
    lua_settop(L, top);
    return changed;
}

/* core.is_changed(instance, all) -> is there a net change to a column or
** relationship? 'all' false: collections do not count. */
static int l_is_changed(lua_State *L)
{
    alch_state *s;
    size_t i;
    int changed = 0, all = lua_isnone(L, 2) || lua_toboolean(L, 2);

    lua_settop(L, 1);
    s = alch_need_state(L, 1, "is_modified");
    for (i = 0; i < s->mapper->count && !changed; i++) {
        if (!alch_has(s, ALCH_SET_CHANGED, i))
            continue;
        if (s->mapper->attrs[i].kind == ALCH_ATTR_LIST)
            changed = all && is_list_changed(L, s, i);
        else
            changed = !alch_unchanged(L, 2, s, i);
    }
    lua_pushboolean(L, changed);
    return 1;
}

/* core.was_set(instance, name) -> did the program set or change it since the row was read or written? */
static int l_was_set(lua_State *L)
{
    const alch_state *s;

    lua_settop(L, 2);
    s = alch_need_state(L, 1, "was_set");
    lua_pushboolean(L, alch_has(s, ALCH_SET_CHANGED, (size_t)check_attr(L, s, 2)));
    return 1;
}

/* core.state(instance) -> life, session number, identity key; nothing if it
** is no mapped instance or has not met the library yet. */
static int l_state(lua_State *L)
{
    alch_state *s;

    lua_settop(L, 1);
    s = alch_push_state(L, 1);
    if (s == NULL)
        return 0;
    alch_leave_dead_session(L, s);
    lua_pushstring(L, alch_life_name(s->life));
    lua_pushinteger(L, s->session);
    alch_push_state_key(L, 2, s);
    return 3;
}

/* core.mapper_of(instance or class) -> the Lua mapper, nil if it has none that
** is configured */
static int l_mapper_of(lua_State *L)
{
    lua_settop(L, 1);
    if (!lua_istable(L, 1))
        return 0;
    if (alch_push_state(L, 1) != NULL) {
        alch_push_mapper(L, 2);
        return 1;
    }
    if (lua_rawgetp(L, 1, &alch_orm_plan) != LUA_TUSERDATA
        && (!lua_getmetatable(L, 1) || lua_rawgetp(L, -1, &alch_orm_plan) != LUA_TUSERDATA))
        return 0;
    lua_getiuservalue(L, -1, 1);
    lua_rawgeti(L, -1, ALCH_MT_MAPPER);
    return 1;
}

/* core.adopt(instance, what): it meets the library; raises unless it is mapped. */
static int l_adopt(lua_State *L)
{
    const char *what = luaL_optstring(L, 2, "argument");

    (void)alch_need_state(L, 1, what);
    lua_settop(L, 1);
    return 1;
}

void alch_open_state(lua_State *L)
{
    static const luaL_Reg functions[] = {
        { "instrument", l_instrument },
        { "uninstrument", l_uninstrument },
        { "get_history", l_get_history },
        { "peek", l_peek },
        { "base_value", l_base_value },
        { "set_committed", l_set_committed },
        { "forget", l_forget },
        { "load_context", l_load_context },
        { "load_by_loan", l_load_by_loan },
        { "is_changed", l_is_changed },
        { "was_set", l_was_set },
        { "state", l_state },
        { "adopt", l_adopt },
        { "assign", l_assign },
        { "in_memory", l_in_memory },
        { "flag_modified", l_flag_modified },
        { "mapper_of", l_mapper_of },
        { NULL, NULL }
    };

    luaL_setfuncs(L, functions, 0);
}
