/* SELECT, joins, aliases, subqueries as Lua builds them. A method notes what it
** adds to the statement (binding/pending.h), or copies it and changes the copy. */
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/node_conv.h"
#include "binding/pending.h"
#include "binding/value_conv.h"
#include "expr/build.h"
#include "expr/join.h"
#include "expr/names.h"
#include "expr/entity.h"
#include "schema/table.h"

/* Every function here has the table of classes as its upvalue. */
static alch_node_ref *push_slot(lua_State *L, int kind)
{
    return alch_push_node_of(L, lua_upvalueindex(1), kind);
}

static const alch_select *check_select(lua_State *L, int idx)
{
    const alch_node *n = alch_check_node(L, idx);

    if (n->kind != ALCH_NODE_SELECT && n->kind != ALCH_NODE_COMPOUND)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "select expected, got %s", alch_describe(L, idx));
    return (const alch_select *)n;
}

/* Pushes a copy of the statement at 1, of the same class. */
static alch_select *push_copy(lua_State *L)
{
    const alch_select *s = check_select(L, 1);
    alch_node_ref *slot = alch_push_node_like(L, 1);
    alch_select *copy;
    alch_err err;

    alch_check(L, alch_node_copy(s, &copy, &err), &err);
    slot->node = &copy->head;
    return copy;
}

/*
** The lists and items below are in C locals only: between making one and
** handing it to the statement nothing calls Lua, so nothing can jump away
** from it (what Lua has to say about arguments, it said before).
*/

/* The list in 'field' (or none) and behind it the nodes at 'first' to 'top', as the new 'field'. */
static int extend(lua_State *L, void *s, const void *field, const alch_list *from, int op, int first, int top)
{
    alch_list *l;
    int i, rc;
    alch_err err;

    rc = alch_list_extend(from, op, (size_t)(top >= first ? top - first + 1 : 0), &l, &err);
    if (rc != ALCH_OK)
        return alch_raise(L, &err);
    for (i = first; i <= top && rc == ALCH_OK; i++)
        rc = alch_list_push(l, alch_node_keep(alch_test_node_ref(L, i)->node), &err);
    if (rc != ALCH_OK)
        alch_node_drop(l);
    else
        rc = alch_node_set(s, field, l, &err);
    return rc == ALCH_OK ? 1 : alch_raise(L, &err);
}

/* Replaces the value at 'idx' by the node it stands for. */
static void settle(lua_State *L, int idx, const alch_node *n)
{
    alch_node_ref *r = alch_test_node_ref(L, idx);

    if (r != NULL && r->node == n)
        return;
    r = push_slot(L, n->kind);
    r->node = alch_node_keep(n);
    lua_replace(L, idx);
}

/* -- the list of columns ------------------------------------------------------ */

static void check_columns(lua_State *L, int first, int top, const char *what)
{
    int i;

    for (i = first; i <= top; i++)
        settle(L, i, alch_check_selectable(L, i, what));
}

/* core.select(column | table, ...) */
static int l_select(lua_State *L)
{
    int top = lua_gettop(L);
    alch_node_ref *slot;
    alch_err err;
    alch_select *s;

    check_columns(L, 1, top, "select");
    if (top <= ALCH_NOTE_VALUES) {
        alch_push_noted_select(L, lua_upvalueindex(1), top);
        return 1;
    }
    slot = push_slot(L, ALCH_NODE_SELECT);
    s = alch_node_new(ALCH_NODE_SELECT, &err);
    if (s == NULL)
        return alch_raise(L, &err);
    slot->node = &s->head;
    return extend(L, s, &s->columns, NULL, ALCH_OP_COMMA, 1, top);
}

static int l_add_columns(lua_State *L)
{
    int top = lua_gettop(L);
    alch_select *s;

    check_columns(L, 2, top, "add_columns");
    s = push_copy(L);
    return extend(L, s, &s->columns, s->columns, ALCH_OP_COMMA, 2, top);
}

/* Can the join, which does not say what it joins to, begin at 'from'? Without a join: yes. */
static int leads_to(const alch_join *j, const alch_node *from, alch_arena *arena)
{
    alch_nodes used = { arena, NULL, 0, 0, 0 };

    if (j == NULL)
        return 1;
    if (j->on == NULL)
        return alch_can_join(from, j->right);
    alch_from_objects(j->on, &used);
    return alch_nodes_has(&used, from);
}

static int push_new(alch_list *froms, const alch_node *from, alch_err *err)
{
    uint32_t i;

    for (i = 0; i < froms->count; i++)
        if (froms->items[i] == from)
            return ALCH_OK;
    return alch_list_push(froms, alch_node_keep(from), err);
}

/* A copy of the statement at 1 on the top, whose columns' FROMs are explicit
** ones: all of them, or the one that 'join' begins at. */
static alch_select *push_with_froms(lua_State *L, const alch_join *join)
{
    alch_select *s = push_copy(L);
    alch_node_ref *slot;
    alch_arena *arena = alch_push_arena(L);
    alch_nodes found = { arena, NULL, 0, 0, 0 }, within = found;
    alch_list *froms;
    size_t k;
    int rc;
    alch_err err;

    alch_columns_froms(s, &found);
    for (k = 0; k < found.len; k++)
        alch_hidden_froms(found.at[k], &within);
    slot = push_slot(L, ALCH_NODE_LIST);
    rc = alch_list_extend(s->froms, ALCH_OP_COMMA, found.len, &froms, &err);
    if (rc == ALCH_OK)
        slot->node = &froms->head;
    for (k = 0; rc == ALCH_OK && k < found.len; k++) {
        if (alch_nodes_has(&within, found.at[k]) || !leads_to(join, found.at[k], arena))
            continue;
        rc = push_new(froms, found.at[k], &err);
        if (join != NULL)
            break;
    }
    if (rc == ALCH_OK && arena->failed)
        rc = alch_err_nomem(&err);
    alch_arena_release(arena);
    alch_check(L, rc, &err);
    alch_check(L, alch_node_set(s, &s->froms, alch_take_node(slot), &err), &err);
    lua_pop(L, 2);
    return s;
}

/* core.select_keep_froms(stmt): the FROMs of the columns become explicit ones (maintain_column_froms). */
static int l_keep_froms(lua_State *L)
{
    (void)push_with_froms(L, NULL);
    return 1;
}

/* The first join, where only the columns say what it joins to. */
static const alch_join *rootless_join(const alch_select *s)
{
    const alch_join *first = alch_list_len(s->joins) > 0 ? (const alch_join *)s->joins->items[0] : NULL;

    return first != NULL && first->left == NULL && alch_list_len(s->froms) == 0 ? first : NULL;
}

/* Before the columns go, what they selected from stays where a join begins there. */
static int l_with_only_columns(lua_State *L)
{
    int top = lua_gettop(L);
    const alch_join *join = rootless_join(check_select(L, 1));
    alch_select *s;

    check_columns(L, 2, top, "with_only_columns");
    s = join != NULL ? push_with_froms(L, join) : push_copy(L);
    return extend(L, s, &s->columns, NULL, ALCH_OP_COMMA, 2, top);
}

/* -- criteria, order ------------------------------------------------------------ */

/* What methods take that note what they add (binding/pending.h): the statement at 1, without writing it out. */
static void check_statement(lua_State *L)
{
    if (!alch_is_noted_statement(L, 1))
        (void)check_select(L, 1);
}

/* What is noted may stay so until the statement is written out. */
static void check_criteria(lua_State *L, int first, int top, const char *what)
{
    int i;

    if (top < first)
        alch_check_criteria(L, first, top, what);
    for (i = first; i <= top; i++)
        if (!alch_is_noted_expression(L, i))
            alch_check_criteria(L, i, i, what);
}

/* The expressions at 'first' to 'top' become nodes; what comes behind this does not raise because of them. */
static void write_out(lua_State *L, int first, int top)
{
    for (; first <= top; first++)
        (void)alch_test_node_ref(L, first);
}

/* The nodes at 'first' to 'top' behind those of the list in the field at 'offset'. */
static int add(lua_State *L, size_t offset, int op, int first, int top)
{
    alch_select *s;
    const alch_list **field;

    if (top - first < ALCH_NOTE_VALUES) {
        alch_push_note(L, &(alch_note){ .how = ALCH_NOTE_LIST, .field = (uint16_t)offset, .op = (uint8_t)op }, first,
                       top - first + 1);
        return 1;
    }
    write_out(L, first, top);
    s = push_copy(L);
    field = (const alch_list **)(void *)((char *)s + offset);
    return extend(L, s, field, *field, op, first, top);
}

static int criteria(lua_State *L, const char *what, size_t offset)
{
    int top = lua_gettop(L);

    check_statement(L);
    check_criteria(L, 2, top, what);
    return add(L, offset, ALCH_OP_AND, 2, top);
}

static int l_where(lua_State *L) { return criteria(L, "where", offsetof(alch_select, where)); }
static int l_having(lua_State *L) { return criteria(L, "having", offsetof(alch_select, having)); }

/* What may stand in ORDER BY and the like; the stack's top. */
static int check_orderings(lua_State *L, const char *what)
{
    int i, top;

    (void)alch_spread(L, 2);
    top = lua_gettop(L);
    for (i = 2; i <= top; i++) {
        const alch_node_ref *r;
        alch_node_ref *item;

        if (alch_is_noted_expression(L, i))
            continue;
        r = alch_test_node_ref(L, i);
        if (r != NULL && r->node != NULL && !alch_is_statement(r->node) && !alch_is_from(r->node)
            && (r->node->kind == ALCH_NODE_COLUMN || alch_listed_node(L, i, r->node) == r->node))
            continue;
        item = push_slot(L, ALCH_NODE_LABEL_NAME);
        alch_ordering_node(L, i, what, &item->node);
        lua_replace(L, i);
    }
    return top;
}

static int ordering(lua_State *L, const char *what, size_t offset)
{
    check_statement(L);
    if (lua_gettop(L) == 2 && (!lua_toboolean(L, 2) || alch_is_null(L, 2))) {    /* order_by(nil), order_by(false): none */
        alch_select *s = push_copy(L);
        alch_err err;

        alch_check(L, alch_node_set(s, (char *)s + offset, NULL, &err), &err);
        return 1;
    }
    return add(L, offset, ALCH_OP_COMMA, 2, check_orderings(L, what));
}

static int l_order_by(lua_State *L) { return ordering(L, "order_by", offsetof(alch_select, order_by)); }

/* Pushes what the argument at 'i' of GROUP BY stands for: the columns of a mapped class, else itself. */
static void push_grouped(lua_State *L, int i)
{
    int top = lua_gettop(L);
    const alch_custom *entity = lua_istable(L, i) ? alch_push_entity(L, i) : NULL;
    uint32_t k, n = entity != NULL ? alch_list_len(entity->clauses) : 0;

    if (n < 2) {
        lua_pushvalue(L, i);
    } else {
        luaL_checkstack(L, (int)n + 2, "columns");
        for (k = 0; k < n; k++)
            if (entity->clauses->items[k]->kind == ALCH_NODE_COLUMN)
                alch_push_node(L, entity->clauses->items[k]);
    }
    if (entity != NULL)
        lua_remove(L, top + 1);
}

static int l_group_by(lua_State *L)
{
    int i, top;

    (void)alch_spread(L, 2);
    top = lua_gettop(L);
    for (i = 2; i <= top; i++) {
        luaL_checkstack(L, 2, "arguments");
        push_grouped(L, i);
    }
    lua_rotate(L, 2, lua_gettop(L) - top);
    lua_settop(L, lua_gettop(L) - (top - 1));
    return ordering(L, "group_by", offsetof(alch_select, group_by));
}

static int number(lua_State *L, const char *what, size_t offset)
{
    const alch_node *item = NULL;
    alch_select *s;
    alch_err err;

    lua_settop(L, 2);
    s = push_copy(L);
    if (!lua_isnil(L, 2))
        alch_number_node(L, 2, what, &item);    /* nothing raises behind this */
    alch_check(L, alch_node_set(s, (char *)s + offset, item, &err), &err);
    return 1;
}

/* 1 if the argument is a number, with which the statement is noted and pushed. */
static int note_number(lua_State *L, size_t offset)
{
    alch_note what = { .how = ALCH_NOTE_NUMBER, .field = (uint16_t)offset,
                       .value = { .kind = ALCH_INT, .zone = ALCH_ZONE_NONE } };
    int whole;

    check_statement(L);
    lua_settop(L, 2);
    what.value.as.integer = lua_tointegerx(L, 2, &whole);
    if (lua_type(L, 2) != LUA_TNUMBER || !whole)
        return 0;
    alch_push_note(L, &what, 2, 0);
    return 1;
}

/* LIMIT and FETCH replace each other. */
static int l_limit(lua_State *L)
{
    alch_err err;
    alch_select *s;

    if (note_number(L, offsetof(alch_select, limit)))
        return 1;
    (void)number(L, "limit", offsetof(alch_select, limit));
    s = (alch_select *)(uintptr_t)alch_test_node_ref(L, -1)->node;
    alch_check(L, alch_node_set(s, &s->fetch, NULL, &err), &err);
    return 1;
}

static int l_offset(lua_State *L)
{
    return note_number(L, offsetof(alch_select, offset)) || number(L, "offset", offsetof(alch_select, offset));
}

/* core.select_fetch(stmt, count, percent, with_ties) */
static int l_fetch(lua_State *L)
{
    int percent = lua_toboolean(L, 3), ties = lua_toboolean(L, 4);
    alch_select *s;
    alch_err err;

    (void)number(L, "fetch", offsetof(alch_select, fetch));
    s = (alch_select *)(uintptr_t)alch_test_node_ref(L, -1)->node;
    s->flags &= (uint8_t)~(ALCH_SELECT_PERCENT | ALCH_SELECT_WITH_TIES);
    s->flags |= (uint8_t)((percent ? ALCH_SELECT_PERCENT : 0) | (ties ? ALCH_SELECT_WITH_TIES : 0));
    alch_check(L, alch_node_set(s, &s->limit, NULL, &err), &err);
    return 1;
}

/* stmt:distinct(column, ...) */
static int l_distinct(lua_State *L)
{
    int top = lua_gettop(L) > 1 ? check_orderings(L, "distinct") : 1;
    alch_select *s;

    write_out(L, 2, top);
    s = push_copy(L);

    s->flags |= ALCH_SELECT_DISTINCT;
    return top < 2 ? 1 : extend(L, s, &s->distinct_on, s->distinct_on, ALCH_OP_COMMA, 2, top);
}

/* core.select_distinct_on(stmt, column, ...): refused where the database has none. */
static int l_distinct_on(lua_State *L)
{
    const alch_select *self = check_select(L, 1);
    uint8_t flags = self->flags;
    int rc = l_distinct(L);

    ((alch_select *)(uintptr_t)alch_test_node_ref(L, -1)->node)->flags = flags;
    return rc;
}

/* -- FROM ---------------------------------------------------------------------------- */

/* Pushes the ENTITYs with criteria among the arguments from 2 on; returns how many. */
static int push_restricted(lua_State *L, int top)
{
    const alch_custom *entity;
    int i, n = 0;

    luaL_checkstack(L, top + 10, "select_from");
    for (i = 2; i <= top; i++) {
        entity = alch_push_about(L, i);
        if (entity == NULL)
            entity = alch_push_entity(L, i);
        if (entity != NULL && entity->criteria != NULL)
            n++;
        else if (entity != NULL)
            lua_pop(L, 1);
    }
    return n;
}

static int l_select_from(lua_State *L)
{
    int i, top = lua_gettop(L), restricted = push_restricted(L, top);
    alch_select *s;

    for (i = 2; i <= top; i++)
        settle(L, i, alch_check_from(L, i, "select_from"));
    s = push_copy(L);
    if (restricted > 0)
        (void)extend(L, s, &s->entities, s->entities, ALCH_OP_COMMA, top + 1, top + restricted);
    return extend(L, s, &s->froms, s->froms, ALCH_OP_COMMA, 2, top);
}

/* core.select_about(stmt, entity): what it says of WHERE applies. */
static int l_about(lua_State *L)
{
    alch_select *s;

    (void)alch_check_kind(L, 2, ALCH_NODE_ENTITY);
    s = push_copy(L);
    return extend(L, s, &s->entities, s->entities, ALCH_OP_COMMA, 2, 2);
}

/* core.select_keep_entities(stmt, former): what the mapped classes that 'former'
** listed or selected from say of FROM and WHERE goes on to apply. */
static int l_keep_entities(lua_State *L)
{
    const alch_select *former = check_select(L, 2);
    const alch_list *lists[2] = { former->columns, former->entities };
    int which, top;
    alch_select *s;
    uint32_t i;

    lua_settop(L, 2);
    for (which = 0; which < 2; which++) {
        luaL_checkstack(L, (int)alch_list_len(lists[which]) + 10, "entities");
        for (i = 0; i < alch_list_len(lists[which]); i++)
            if (alch_entity_within(lists[which]->items[i]) != NULL)
                alch_push_node(L, &alch_entity_within(lists[which]->items[i])->head);
    }
    top = lua_gettop(L);
    if (top == 2) {
        lua_settop(L, 1);
        return 1;
    }
    s = push_copy(L);
    return extend(L, s, &s->entities, NULL, ALCH_OP_COMMA, 3, top);
}

static unsigned join_flags(lua_State *L, int idx)
{
    unsigned flags = 0;

    if (!lua_istable(L, idx))
        return 0;
    lua_getfield(L, idx, "isouter");
    lua_getfield(L, idx, "full");
    if (lua_toboolean(L, -2))
        flags |= ALCH_JOIN_OUTER;
    if (lua_toboolean(L, -1))
        flags |= ALCH_JOIN_FULL;
    lua_pop(L, 2);
    return flags;
}

static const alch_node *on_clause(lua_State *L, int idx)
{
    if (lua_isnoneornil(L, idx))
        return NULL;
    alch_check_criteria(L, idx, idx, "join");
    return alch_to_node(L, idx);
}

/* Pushes the node that a table (of a schema, or a mapped class) names as its own, or nothing. */
static int push_own_node(lua_State *L, int idx)
{
    if (lua_type(L, idx) != LUA_TTABLE)
        return 0;
    lua_pushliteral(L, "_node");
    if (lua_rawget(L, idx) == LUA_TUSERDATA)
        return 1;
    lua_pop(L, 1);
    return 0;
}

static int push_join_method(lua_State *L, int idx)
{
    return lua_type(L, idx) == LUA_TTABLE && luaL_getmetafield(L, idx, "__join") != LUA_TNIL;
}

/* What knows how it is joined (a relationship) has a metamethod for it: __join(statement, left, target, on, options).
** Pushes it if the target or the condition is such a table. What names its node is none. */
static int push_own_join(lua_State *L, int right, int named)
{
    return (!named && push_join_method(L, right)) || push_join_method(L, right + 1);
}

static int call_own_join(lua_State *L, int left, int right)
{
    lua_pushvalue(L, 1);
    if (left != 0)
        lua_pushvalue(L, left);
    else
        lua_pushnil(L);
    lua_pushvalue(L, right);
    lua_pushvalue(L, right + 1);
    lua_pushvalue(L, right + 2);
    lua_call(L, 5, 1);
    return 1;
}

/* A mapped class of several tables looks at what it is joined to: _joining(statement, class). */
static void ask_class(lua_State *L, int class)
{
    lua_pushliteral(L, "_joining");
    if (lua_rawget(L, class) == LUA_TFUNCTION) {
        lua_pushvalue(L, 1);
        lua_pushvalue(L, class);
        lua_call(L, 2, 0);
    } else {
        lua_pop(L, 1);
    }
}

/* Adds a join to the statement at 1. The optional left side is at 'left'. */
static int add_join(lua_State *L, int left, int right, unsigned flags)
{
    int options = right + 1, named, first;
    const alch_custom *entity;

    check_statement(L);
    lua_settop(L, right + 2);
    named = push_own_node(L, right);
    if (push_own_join(L, right, named))
        return call_own_join(L, left, right);
    entity = alch_push_entity(L, right);
    if (entity != NULL && entity->from != NULL && lua_istable(L, right))
        ask_class(L, right);
    first = lua_gettop(L) + 1;          /* the ENTITY is in front of it */
    if (named)
        lua_copy(L, right + 3, right);
    if (left != 0)
        settle(L, left, alch_check_from(L, left, "join_from"));
    settle(L, right, alch_check_from(L, right, "join"));
    if (!alch_is_plain_table(L, right + 1)) {
        if (!alch_is_noted_expression(L, right + 1))
            (void)on_clause(L, right + 1);
        options = right + 2;
    }
    flags |= join_flags(L, options);
    if (left != 0)
        lua_pushvalue(L, left);
    else
        lua_pushnil(L);
    lua_pushvalue(L, right);
    if (options != right + 1)
        lua_pushvalue(L, right + 1);
    else
        lua_pushnil(L);
    if (entity != NULL && entity->criteria != NULL)
        lua_pushvalue(L, first - 1);
    alch_push_note(L, &(alch_note){ .how = ALCH_NOTE_JOIN, .op = (uint8_t)flags }, first, lua_gettop(L) - first + 1);
    return 1;
}

static int l_join(lua_State *L) { return add_join(L, 0, 2, 0); }
static int l_outerjoin(lua_State *L) { return add_join(L, 0, 2, ALCH_JOIN_OUTER); }
static int l_join_from(lua_State *L) { return add_join(L, 2, 3, 0); }
static int l_outerjoin_from(lua_State *L) { return add_join(L, 2, 3, ALCH_JOIN_OUTER); }

/* core.join(left, right, on | nil, { isouter =, full = } | nil) */
static int l_make_join(lua_State *L)
{
    int options = 3;
    const alch_node *left, *right, *on = NULL;
    alch_node_ref *slot;
    unsigned flags;
    alch_err err;

    lua_settop(L, 4);
    left = alch_check_from(L, 1, "join");
    right = alch_check_from(L, 2, "join");
    if (!alch_is_plain_table(L, 3)) {
        on = on_clause(L, 3);
        options = 4;
    }
    flags = join_flags(L, options);
    slot = push_slot(L, ALCH_NODE_JOIN);
    alch_check(L, alch_join_new(alch_node_keep(left), alch_node_keep(right), alch_node_keep(on), flags, &slot->node, &err),
          &err);
    return 1;
}

/* core.join_condition(left, right) */
static int l_join_condition(lua_State *L)
{
    const alch_node *left = alch_check_from(L, 1, "join"), *right = alch_check_from(L, 2, "join");
    alch_node_ref *slot = push_slot(L, ALCH_NODE_BINARY);
    alch_err err;

    alch_check(L, alch_join_condition(left, right, &slot->node, &err), &err);
    alch_settle_slot(L, ALCH_NODE_BINARY);
    return 1;
}

/* core.select_correlate(stmt, except, from, ...) */
static int l_correlate(lua_State *L)
{
    int i, top = lua_gettop(L), kept = 2;
    uint8_t both = ALCH_SELECT_CORRELATE | ALCH_SELECT_CORRELATE_EXCEPT;
    uint8_t asked = lua_toboolean(L, 2) ? ALCH_SELECT_CORRELATE_EXCEPT : ALCH_SELECT_CORRELATE;
    const alch_list *before;
    alch_select *s;

    for (i = 3; i <= top; i++)
        if (lua_toboolean(L, i)) {      /* nil or false: nothing */
            settle(L, i, alch_check_from(L, i, "correlate"));
            lua_copy(L, i, ++kept);
        }
    s = push_copy(L);
    before = s->flags & asked ? s->correlate : NULL;
    s->flags = (uint8_t)((s->flags & ~both) | asked);
    return extend(L, s, &s->correlate, before, ALCH_OP_COMMA, 3, kept);
}

/* -- the rest of a statement ---------------------------------------------------------- */

/* core.select_style(stmt, number) */
static int l_style(lua_State *L)
{
    int style = (int)luaL_checkinteger(L, 2);
    const alch_node *n;
    alch_node_ref *slot;
    alch_node *copy;
    alch_err err;

    if (alch_is_noted_statement(L, 1)) {
        alch_push_note(L, &(alch_note){ .how = ALCH_NOTE_STYLE, .op = (uint8_t)style }, 2, 0);
        return 1;
    }
    n = alch_check_node(L, 1);
    if (!alch_is_dml(n) && n->kind != ALCH_NODE_SELECT && n->kind != ALCH_NODE_COMPOUND)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "a select, insert, update or delete expected, got %s", alch_describe(L, 1));
    slot = alch_push_node_like(L, 1);
    alch_check(L, alch_node_copy(n, &copy, &err), &err);
    slot->node = copy;
    if (alch_is_dml(n))
        ((alch_dml *)copy)->label_style = (uint8_t)style;
    else
        ((alch_select *)copy)->label_style = (uint8_t)style;
    return 1;
}

/* core.select_lock(stmt, flags, of | nil) */
static int l_lock(lua_State *L)
{
    alch_select *s;
    alch_node_ref *slot;
    alch_lock *k;
    alch_err err;

    lua_settop(L, 3);
    s = push_copy(L);
    slot = push_slot(L, ALCH_NODE_LOCK);
    k = alch_node_new(ALCH_NODE_LOCK, &err);
    if (k == NULL)
        return alch_raise(L, &err);
    slot->node = &k->head;
    k->flags = (uint8_t)luaL_checkinteger(L, 2);
    if (!lua_isnil(L, 3))
        alch_check(L, alch_node_set(k, &k->of, alch_node_keep(alch_check_kind(L, 3, ALCH_NODE_LIST)), &err), &err);
    alch_check(L, alch_node_set(s, &s->lock, alch_take_node(slot), &err), &err);
    lua_pop(L, 1);
    return 1;
}

/* core.compound("UNION", select, ...) */
static int l_compound(lua_State *L)
{
    int op = alch_op_find(luaL_checkstring(L, 1)), i, top;
    alch_node_ref *slot;
    alch_select *s;
    alch_err err;

    (void)alch_spread(L, 2);
    top = lua_gettop(L);
    if (op < ALCH_OP_UNION || top < 2)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "a compound select takes at least one select");
    for (i = 2; i <= top; i++) {
        const alch_node *n = alch_check_node(L, i);

        if (n->kind == ALCH_NODE_GROUPING) {        /* self_group(): members get the parentheses they need */
            alch_push_node(L, n = ((const alch_wrap *)n)->element);
            lua_replace(L, i);
        }
        if (!alch_is_statement(n) && n->kind != ALCH_NODE_VALUES)
            return alch_raisef(L, ALCH_ERR_ARGUMENT, "member %d of a compound select is %s, a select expected", i - 1,
                               alch_describe(L, i));
    }
    slot = push_slot(L, ALCH_NODE_COMPOUND);
    s = alch_node_new(ALCH_NODE_COMPOUND, &err);
    if (s == NULL)
        return alch_raise(L, &err);
    slot->node = &s->head;
    s->head.op = (uint8_t)op;
    return extend(L, s, &s->columns, NULL, ALCH_OP_COMMA, 2, top);
}

static const luaL_Reg functions[] = {
    { "select", l_select },
    { "select_add_columns", l_add_columns },
    { "select_with_only_columns", l_with_only_columns },
    { "select_keep_froms", l_keep_froms },
    { "select_where", l_where },
    { "select_having", l_having },
    { "select_order_by", l_order_by },
    { "select_group_by", l_group_by },
    { "select_limit", l_limit },
    { "select_offset", l_offset },
    { "select_fetch", l_fetch },
    { "select_distinct", l_distinct },
    { "select_distinct_on", l_distinct_on },
    { "select_from", l_select_from },
    { "select_join", l_join },
    { "select_keep_entities", l_keep_entities },
    { "select_about", l_about },
    { "select_outerjoin", l_outerjoin },
    { "select_join_from", l_join_from },
    { "select_outerjoin_from", l_outerjoin_from },
    { "select_correlate", l_correlate },
    { "select_lock", l_lock },
    { "statement_style", l_style },
    { "compound", l_compound },
    { "join", l_make_join },
    { "join_condition", l_join_condition },
    { NULL, NULL }
};

void alch_open_select(lua_State *L);

void alch_open_select(lua_State *L)
{
    alch_push_classes(L);
    luaL_setfuncs(L, functions, 1);
}
