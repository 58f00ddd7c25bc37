/* Relationships have two sides: what one says, the other one hears at once,
** without being loaded. */
#include <stdio.h>

#include "binding/orm_host.h"
#include "binding/value_conv.h"

/* A relationship with delete-orphan notes, in the child's AUX table, who took
** the child in last; false when that one let it go. */
static void note_parent(lua_State *L, int child, int parent, const alch_attr *a, int taken)
{
    int top = lua_gettop(L);

    if (!(a->flags & ALCH_ATTR_DELETE_ORPHAN))
        return;
    alch_push_aux(L, top + 1, alch_need_state(L, child, a->name));
    if (lua_rawgetp(L, -1, a->id) != LUA_TTABLE || taken || lua_rawequal(L, -1, parent)) {
        if (taken)
            lua_pushvalue(L, parent);
        else
            lua_pushboolean(L, 0);
        lua_rawsetp(L, top + 2, a->id);
    }
    lua_settop(L, top);
}

/* Pushes the state of 'other' and tells which attribute of it mirrors 'a'. */
static alch_state *push_mirror(lua_State *L, const alch_attr *a, int other, int *mirror)
{
    alch_state *s;

    *mirror = ALCH_NO_ATTR;
    if (a->reverse == NULL)
        return NULL;
    s = alch_need_state(L, other, a->name);
    *mirror = alch_mapper_find(s->mapper, a->reverse, a->reverse_len);
    if (*mirror == ALCH_NO_ATTR)
        lua_pop(L, 1);
    return *mirror == ALCH_NO_ATTR ? NULL : s;
}

/* Keeps the plan on the top alive as long as the plan of the state at 'st'. */
static void anchor_target(lua_State *L, int st, const alch_mapper *target)
{
    lua_getmetatable(L, st);
    lua_rawgeti(L, -1, ALCH_MT_PLAN);
    lua_getiuservalue(L, -1, 2);
    lua_pushvalue(L, -4);
    lua_rawsetp(L, -2, target);
    lua_pop(L, 3);
}

/* The plan on the other side of a relationship, from the property's mapper
** the first time. */
static const alch_mapper *target_of(lua_State *L, int st, const alch_state *s, size_t i)
{
    alch_attr *a = &s->mapper->attrs[i];

    if (a->target == NULL) {
        alch_push_property(L, st, i);
        lua_getfield(L, -1, "mapper");
        lua_getfield(L, -1, "_c");
        a->target = alch_check_plan(L, -1);
        anchor_target(L, st, a->target);
        lua_pop(L, 3);
    }
    return a->target;
}

/* Is the value its own identity key, whatever database it comes from? */
static int is_plain_key(const alch_value *v, const alch_attr *a)
{
    if (a->type == NULL)
        return v->kind == ALCH_INT;
    return alch_type_is_plain(a->type) && ((v->kind == ALCH_INT && a->type->family == ALCH_FAMILY_INTEGER)
        || (v->kind == ALCH_TEXT && a->type->family == ALCH_FAMILY_STRING));
}

/* Pushes the object that an unloaded many-to-one refers to, if its session
** has it in memory; nil otherwise. Never loads. */
static void push_from_memory(lua_State *L, int st, alch_state *s, size_t i)
{
    const alch_attr *a = &s->mapper->attrs[i];
    alch_value values[ALCH_KEY_MAX];
    size_t k;
    int top = lua_gettop(L), found = 0;

    if ((a->flags & ALCH_ATTR_SIMPLE_KEY) && a->sync_count <= ALCH_KEY_MAX
        && s->life == ALCH_PERSISTENT && alch_push_session(L, s->session)) {
        luaL_checkstack(L, (int)a->sync_count + 4, "key");
        for (k = 0; k < a->sync_count; k++) {
            if (a->sync[k].local == ALCH_NO_ATTR)
                break;
            alch_push_value(L, st, s, (size_t)a->sync[k].local);
            alch_lua_to_value(L, -1, &values[k]);
            if (!is_plain_key(&values[k], &s->mapper->attrs[a->sync[k].local]))
                break;
        }
        if (k == a->sync_count) {
            alch_push_key(L, values, k);
            found = alch_push_identity(L, top + 1, target_of(L, st, s, i), lua_gettop(L));
        }
    }
    if (found) {
        lua_replace(L, top + 1);
        lua_settop(L, top + 1);
    } else {
        lua_settop(L, top);
        lua_pushnil(L);
    }
}

/* Did the program set a column that the relationship goes by? */
static int is_set_by_hand(const alch_state *s, const alch_attr *a)
{
    size_t k;

    for (k = 0; k < a->sync_count; k++)
        if (a->sync[k].local != ALCH_NO_ATTR && alch_has(s, ALCH_SET_CHANGED, (size_t)a->sync[k].local))
            return 1;
    return 0;
}

/* Pushes what a scalar relationship refers to, as far as memory knows. What is
** about to change counts as loaded then: its history knows what was there. */
static void push_current(lua_State *L, int st, alch_state *s, size_t i)
{
    if (alch_has(s, ALCH_SET_VALUE, i)) {
        alch_push_kept(L, st, s, i);
        return;
    }
    push_from_memory(L, st, s, i);
    if (lua_isnil(L, -1) || is_set_by_hand(s, &s->mapper->attrs[i]))
        return;
    lua_pushvalue(L, -1);
    alch_store_clean(L, st, s, i);
}

int alch_push_many_to_one(lua_State *L, int st, alch_state *s, size_t i)
{
    push_from_memory(L, st, s, i);
    if (!lua_isnil(L, -1))
        return 1;
    lua_pop(L, 1);
    return 0;
}

int alch_push_answer(lua_State *L, int st, alch_state *s, size_t i)
{
    int top = lua_gettop(L), answers;
    const alch_mapper *target;
    const alch_state *o;

    if (!alch_push_many_to_one(L, st, s, i))
        return 0;
    target = target_of(L, st, s, i);
    o = alch_push_state(L, top + 1);
    answers = o != NULL && alch_known(o, o->mapper->keys[0]) && alch_mapper_isa(o->mapper, target);
    lua_settop(L, answers ? top + 1 : top);
    return answers;
}

/* The mirror is scalar: 'other' now refers to 'me', and left whom it had. */
static void link_object(lua_State *L, int me, int other, int ost, alch_state *os, size_t mirror)
{
    push_current(L, ost, os, mirror);
    if (lua_rawequal(L, -1, me) && alch_has(os, ALCH_SET_VALUE, mirror)) {
        lua_pop(L, 1);
        return;
    }
    if (!lua_isnil(L, -1) && !lua_rawequal(L, -1, me))
        alch_unlink(L, other, os, mirror, lua_gettop(L));
    lua_pop(L, 1);
    lua_pushvalue(L, me);
    alch_store(L, other, ost, os, mirror);
}

void alch_link(lua_State *L, int me, const alch_state *s, size_t i, int other)
{
    const alch_attr *a = &s->mapper->attrs[i];
    int mirror, top = lua_gettop(L);
    alch_state *os;

    luaL_checkstack(L, 20, "relationship");
    note_parent(L, other, me, a, 1);
    os = push_mirror(L, a, other, &mirror);
    if (os != NULL) {
        note_parent(L, me, other, &os->mapper->attrs[mirror], 1);
        if (os->mapper->attrs[mirror].kind == ALCH_ATTR_LIST) {
            alch_push_collection(L, other, top + 1, os, (size_t)mirror);
            alch_collection_join(L, lua_gettop(L), me);
        } else {
            link_object(L, me, other, top + 1, os, (size_t)mirror);
        }
    }
    lua_settop(L, top);
}

void alch_unlink(lua_State *L, int me, const alch_state *s, size_t i, int other)
{
    const alch_attr *a = &s->mapper->attrs[i];
    int mirror, top = lua_gettop(L);
    alch_state *os;

    luaL_checkstack(L, 20, "relationship");
    note_parent(L, other, me, a, 0);
    os = push_mirror(L, a, other, &mirror);
    if (os != NULL) {
        note_parent(L, me, other, &os->mapper->attrs[mirror], 0);
        if (os->mapper->attrs[mirror].kind == ALCH_ATTR_LIST) {
            alch_push_collection(L, other, top + 1, os, (size_t)mirror);
            alch_collection_leave(L, lua_gettop(L), me);
        } else {
            push_current(L, top + 1, os, (size_t)mirror);
            if (!alch_has(os, ALCH_SET_VALUE, (size_t)mirror) || lua_rawequal(L, -1, me)) {
                lua_pushnil(L);
                alch_store(L, other, top + 1, os, (size_t)mirror);
            }
        }
    }
    lua_settop(L, top);
}

/* The usual case, which needs no words for an error. */
static int is_known_target(lua_State *L, int other, const alch_mapper *target)
{
    const alch_state *os = alch_push_state(L, other);

    if (os == NULL)
        return 0;
    lua_pop(L, 1);
    return alch_mapper_isa(os->mapper, target);
}

void alch_check_target(lua_State *L, int st, alch_state *s, size_t i, int other)
{
    const alch_attr *a = &s->mapper->attrs[i];
    const alch_mapper *target = target_of(L, st, s, i);
    char what[128];
    alch_state *os;

    if (is_known_target(L, other, target))
        return;
    lua_pushfstring(L, "%s.%s", s->mapper->class_name, a->name);
    (void)snprintf(what, sizeof what, "%s", lua_tostring(L, -1));
    lua_pop(L, 1);
    os = alch_need_state(L, other, what);
    if (!alch_mapper_isa(os->mapper, target))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s takes %s objects, not a %s", what,
            target->class_name, os->mapper->class_name);
    lua_pop(L, 1);
}

void alch_cascade_save(lua_State *L, const alch_state *s, size_t i, int other)
{
    if (s->session != 0 && (s->mapper->attrs[i].flags & ALCH_ATTR_SAVE_UPDATE))
        alch_attach(L, other, s->session, 0);
}

void alch_set_object(lua_State *L, int obj, int st, alch_state *s, size_t i)
{
    int value = lua_gettop(L);

    luaL_checkstack(L, 20, "relationship");
    if (!lua_isnil(L, value))
        alch_check_target(L, st, s, i, value);
    push_current(L, st, s, i);
    if (alch_has(s, ALCH_SET_VALUE, i) && lua_rawequal(L, value, value + 1)) {
        alch_modified(L, obj, s);
        lua_settop(L, value - 1);
        return;
    }
    if (!lua_isnil(L, value + 1) && !lua_rawequal(L, value, value + 1))
        alch_unlink(L, obj, s, i, value + 1);
    lua_pushvalue(L, value);
    alch_store(L, obj, st, s, i);
    if (!lua_isnil(L, value)) {
        alch_link(L, obj, s, i, value);
        alch_cascade_save(L, s, i, value);
    }
    lua_settop(L, value - 1);
}
