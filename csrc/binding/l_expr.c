/* Expressions as Lua builds them: functions, labels, casts, parameters, text.
** lua/lualchemy/sql puts these functions into the classes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/node_conv.h"
#include "binding/value_conv.h"
#include "expr/build.h"
#include "expr/selectable.h"

static int op_at(lua_State *L, int idx)
{
    const char *name = luaL_checkstring(L, idx);
    int op = alch_op_find(name);

    if (op < 0)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "no operator is called '%s'", name);
    return op;
}

static void set_extra(lua_State *L, alch_binary *b, const char *text)
{
    b->extra = alch_strdup(text);
    if (b->extra == NULL)
        alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
}

/*
** {=== Constructors
*/

/* Is the value at 'idx' one that a cast to 'type' is for: of another sort than the type's own? Then it is sent as what it
** is, and the database converts it. */
static int is_cast_by_database(lua_State *L, int idx, int kind, const alch_type *type)
{
    if ((kind != ALCH_NODE_CAST && kind != ALCH_NODE_TRY_CAST) || type == NULL || type->host != NULL)
        return 0;
    switch (lua_type(L, idx)) {
    case LUA_TSTRING:
        return type->family == ALCH_FAMILY_INTEGER || type->family == ALCH_FAMILY_FLOAT || type->family == ALCH_FAMILY_BOOLEAN;
    case LUA_TNUMBER:
        return type->family == ALCH_FAMILY_STRING || (type->family == ALCH_FAMILY_INTEGER && !lua_isinteger(L, idx));
    case LUA_TBOOLEAN:
        return type->family == ALCH_FAMILY_STRING || type->family == ALCH_FAMILY_INTEGER;
    default: return 0;
    }
}

/* core.wrap(kind, x, type | nil) */
static int l_wrap(lua_State *L)
{
    int kind = alch_kind_at(L, 1);
    const alch_type *type = lua_isnoneornil(L, 3) ? NULL : alch_check_type(L, 3, NULL);
    alch_node_ref *slot;
    const alch_node *inner;
    alch_err err;

    lua_settop(L, 3);
    slot = alch_push_node_slot(L, kind);
    inner = alch_to_node(L, 2);
    if (inner != NULL && (kind == ALCH_NODE_SCALAR || alch_is_from(inner) || (kind == ALCH_NODE_GROUPING && alch_is_statement(inner))))
        slot->node = alch_node_keep(inner);
    else
        alch_value_node(L, 2, is_cast_by_database(L, 2, kind, type) ? NULL : type, &slot->node);
    inner = alch_take_node(slot);
    alch_check(L, alch_wrap_new(kind, inner, type != NULL ? type : inner->type, &slot->node, &err), &err);
    return 1;
}

/* core.pair(kind, a, b) */
static int l_pair(lua_State *L)
{
    int kind = alch_kind_at(L, 1);
    alch_node_ref *slot;
    const alch_node *a = alch_check_node(L, 2), *b = alch_check_node(L, 3);
    alch_err err;

    slot = alch_push_node_slot(L, kind);
    alch_check(L, alch_pair_new(kind, alch_node_keep(a), alch_node_keep(b), &slot->node, &err), &err);
    alch_node_set_type((alch_node *)(uintptr_t)slot->node, a->type);
    return 1;
}

/* core.argument_order_by(x, list): an argument with the order of its aggregate. */
static int l_argument_order_by(lua_State *L)
{
    const alch_node *a = alch_check_expression(L, 1), *b = alch_check_kind(L, 2, ALCH_NODE_LIST);
    alch_node_ref *slot = alch_push_node_slot(L, ALCH_NODE_AGG_ORDER_BY);
    alch_node *made;
    alch_err err;

    alch_check(L, alch_pair_new(ALCH_NODE_AGG_ORDER_BY, alch_node_keep(a), alch_node_keep(b), &slot->node, &err), &err);
    made = (alch_node *)(uintptr_t)slot->node;
    made->op = ALCH_OP_COMMA;       /* inside an argument list, see visit_agg_order_by */
    alch_node_set_type(made, a->type);
    return 1;
}

/* core.list(kind, op, items, type | nil): values become parameters. */
static int l_list(lua_State *L)
{
    int kind = alch_kind_at(L, 1), op = op_at(L, 2);
    const alch_type *type = lua_isnoneornil(L, 4) ? NULL : alch_check_type(L, 4, NULL);
    lua_Integer i, n;
    alch_node_ref *slot, *item;
    alch_list *l;
    alch_err err;

    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 4);
    n = luaL_len(L, 3);
    slot = alch_push_node_slot(L, kind);
    l = alch_list_new(kind, op, (size_t)n, &err);
    if (l == NULL)
        return alch_raise(L, &err);
    slot->node = &l->head;
    alch_node_set_type(l, type);
    item = alch_push_node_slot(L, ALCH_NODE_BIND);
    for (i = 1; i <= n; i++) {
        lua_geti(L, 3, i);
        if (kind == ALCH_NODE_LIST && lua_type(L, -1) != LUA_TSTRING && alch_to_node(L, -1) != NULL
            && alch_is_from(alch_to_node(L, -1)))
            item->node = alch_node_keep(alch_to_node(L, -1));
        else
            alch_value_node(L, lua_gettop(L), type != NULL && type->family == ALCH_FAMILY_ARRAY ? type->item : NULL,
                            &item->node);
        alch_check(L, alch_list_push(l, alch_take_node(item), &err), &err);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return 1;
}

/* core.ordering(items, what): a list of ORDER BY items; strings name labels. */
static int l_ordering(lua_State *L)
{
    const char *what = luaL_checkstring(L, 2);
    lua_Integer i, n = luaL_len(L, 1);
    alch_node_ref *slot = alch_push_node_slot(L, ALCH_NODE_LIST), *item;
    alch_err err;
    alch_list *l = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, (size_t)n, &err);

    if (l == NULL)
        return alch_raise(L, &err);
    slot->node = &l->head;
    item = alch_push_node_slot(L, ALCH_NODE_LABEL_NAME);
    for (i = 1; i <= n; i++) {
        lua_geti(L, 1, i);
        alch_ordering_node(L, lua_gettop(L), what, &item->node);
        alch_check(L, alch_list_push(l, alch_take_node(item), &err), &err);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return 1;
}

/* core.label(x, name | nil, quote) */
static int l_label(lua_State *L)
{
    const char *name = alch_opt_text(L, 2, NULL);
    alch_node_ref *slot;
    const alch_node *inner;
    alch_err err;

    lua_settop(L, 3);
    slot = alch_push_node_slot(L, ALCH_NODE_LABEL);
    alch_value_node(L, 1, NULL, &slot->node);
    inner = alch_take_node(slot);
    alch_check(L, alch_label_new(name, inner, &slot->node, &err), &err);
    ((alch_label *)(uintptr_t)slot->node)->quote = (uint8_t)lua_toboolean(L, 3);
    return 1;
}

/* core.named(kind, name, x): EXTRACT, FUNC_COLUMN */
static int l_named(lua_State *L)
{
    int kind = alch_kind_at(L, 1);
    const char *name = alch_check_text(L, 2);
    alch_node_ref *slot;
    alch_label *l;
    const alch_node *inner = alch_check_expression(L, 3);
    alch_err err;

    slot = alch_push_node_slot(L, kind);
    l = alch_node_new(kind, &err);
    if (l == NULL)
        return alch_raise(L, &err);
    slot->node = &l->head;
    l->name = alch_strdup(name);
    if (l->name == NULL)
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    alch_check(L, alch_node_set(l, &l->element, alch_node_keep(inner), &err), &err);
    if (kind == ALCH_NODE_EXTRACT)
        alch_node_set_type(l, alch_type_of(ALCH_TYPE_INTEGER));
    else if (!lua_isnoneornil(L, 4))
        alch_node_set_type(l, alch_check_type(L, 4, NULL));
    return 1;
}

/* core.name(kind, text, schema | nil): COLLATION, SEQUENCE, LABEL_NAME */
static int l_name(lua_State *L)
{
    int kind = alch_kind_at(L, 1);
    alch_node_ref *slot;
    alch_err err;
    const char *text = alch_check_text(L, 2), *schema = alch_opt_text(L, 3, NULL);

    slot = alch_push_node_slot(L, kind);
    alch_check(L, alch_name_new(kind, text, schema, &slot->node, &err), &err);
    return 1;
}

static int l_constant(lua_State *L)
{
    int kind = alch_kind_at(L, 1);
    alch_node_ref *slot = alch_push_node_slot(L, kind);
    alch_err err;

    alch_check(L, alch_const_new(kind, &slot->node, &err), &err);
    return 1;
}

/* The argument at 'idx' of a function: a parameter is named after the function. */
static void argument(lua_State *L, int idx, const char *name, const alch_node **out)
{
    const alch_node *n = alch_to_node(L, idx);
    alch_value v;
    alch_err err;

    if (n != NULL || lua_istable(L, idx)) {
        if (n != NULL && (alch_is_from(n) && n->kind != ALCH_NODE_VALUES))
            *out = alch_node_keep(n);
        else
            alch_named_value_node(L, idx, name, NULL, out);
        return;
    }
    if (lua_isnil(L, idx)) {
        alch_check(L, alch_const_new(ALCH_NODE_NULL, out, &err), &err);
        return;
    }
    alch_lua_to_value(L, idx, &v);
    if (v.kind == ALCH_HOST)
        alch_named_value_node(L, idx, name, NULL, out);
    else
        alch_check(L, alch_bind_new(name, NULL, alch_type_of_value(v.kind), &v, ALCH_BIND_UNIQUE, out, &err), &err);
}

/* core.func(package | nil, name, type | nil, flags, ...) */
static int l_func(lua_State *L)
{
    const char *package = alch_opt_text(L, 1, NULL), *name = alch_check_text(L, 2);
    const alch_type *type = lua_isnoneornil(L, 3) ? NULL : alch_check_type(L, 3, "a function's type");
    int flags = (int)luaL_optinteger(L, 4, 0), i, top = lua_gettop(L);
    alch_node_ref *slot, *item;
    alch_list *args;
    alch_err err;

    slot = alch_push_node_slot(L, ALCH_NODE_FUNCTION);
    item = alch_push_node_slot(L, ALCH_NODE_BIND);
    args = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, top > 4 ? (size_t)(top - 4) : 0, &err);
    if (args == NULL)
        return alch_raise(L, &err);
    slot->node = &args->head;
    for (i = 5; i <= top; i++) {
        argument(L, i, name, &item->node);
        alch_check(L, alch_list_push(args, alch_take_node(item), &err), &err);
    }
    (void)alch_take_node(slot);
    alch_check(L, alch_function_new(package, name, args, type, &slot->node, &err), &err);
    ((alch_function *)(uintptr_t)slot->node)->flags |= (uint8_t)flags;
    lua_pop(L, 1);
    return 1;
}

/* core.func_with(function, {type=, flags=}): a copy. */
static int l_func_with(lua_State *L)
{
    const alch_node *n = alch_check_kind(L, 1, ALCH_NODE_FUNCTION);
    alch_node_ref *slot;
    alch_function *copy;
    alch_err err;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    slot = alch_push_node_like(L, 1);
    alch_check(L, alch_node_copy(n, &copy, &err), &err);
    slot->node = &copy->head;
    lua_getfield(L, 2, "flags");
    copy->flags |= (uint8_t)luaL_optinteger(L, -1, 0);
    if (lua_getfield(L, 2, "type") != LUA_TNIL)
        alch_node_set_type(copy, alch_check_type(L, -1, NULL));
    lua_settop(L, 3);
    return 1;
}

/* What CASE results in is of the value's own type. Gives that type; NULL: it has none. */
static const alch_type *type_result(const alch_node *n)
{
    alch_bind *b = (alch_bind *)(uintptr_t)n;

    if (n->kind == ALCH_NODE_BIND && n->type == NULL)
        alch_node_set_type(b, alch_type_of_value(b->value.kind));
    return alch_node_type(n)->family != ALCH_FAMILY_NULL ? n->type : NULL;
}

/* core.case(value | nil, {cond, result, ...}, has_else, else) */
static int l_case(lua_State *L)
{
    int has_else = lua_toboolean(L, 3);
    alch_node_ref *slot, *item;
    alch_case *k;
    alch_list *whens;
    lua_Integer i, n;
    const alch_type *type = NULL;
    alch_err err;

    lua_settop(L, 4);
    luaL_checktype(L, 2, LUA_TTABLE);
    n = luaL_len(L, 2);
    slot = alch_push_node_slot(L, ALCH_NODE_CASE);
    k = alch_node_new(ALCH_NODE_CASE, &err);
    if (k == NULL)
        return alch_raise(L, &err);
    slot->node = &k->head;
    item = alch_push_node_slot(L, ALCH_NODE_BIND);
    if (!lua_isnil(L, 1)) {
        alch_value_node(L, 1, NULL, &item->node);
        alch_check(L, alch_node_set(k, &k->value, alch_take_node(item), &err), &err);
    }
    whens = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, (size_t)n, &err);
    if (whens == NULL)
        return alch_raise(L, &err);
    item->node = &whens->head;
    {
        alch_node_ref *one = alch_push_node_slot(L, ALCH_NODE_BIND);

        for (i = 1; i <= n; i++) {
            lua_geti(L, 2, i);
            alch_value_node(L, lua_gettop(L), i % 2 == 1 && k->value != NULL ? k->value->type : NULL, &one->node);
            if (i % 2 == 0 && type_result(one->node) != NULL)
                type = one->node->type;
            alch_check(L, alch_list_push(whens, alch_take_node(one), &err), &err);
            lua_pop(L, 1);
        }
        alch_check(L, alch_node_set(k, &k->whens, alch_take_node(item), &err), &err);
        if (has_else) {
            alch_value_node(L, 4, type, &one->node);
            if (type == NULL)
                type = type_result(one->node);
            alch_check(L, alch_node_set(k, &k->otherwise, alch_take_node(one), &err), &err);
        }
    }
    alch_node_set_type(k, type);
    lua_settop(L, 5);
    return 1;
}

/* core.over(x, partition | nil, order | nil, frame, lower_bound, lower, upper_bound, upper, exclude) */
static int l_over(lua_State *L)
{
    const alch_node *n = alch_check_expression(L, 1);
    alch_node_ref *slot;
    alch_over *o;
    alch_err err;

    lua_settop(L, 9);
    slot = alch_push_node_slot(L, ALCH_NODE_OVER);
    o = alch_node_new(ALCH_NODE_OVER, &err);
    if (o == NULL)
        return alch_raise(L, &err);
    slot->node = &o->head;
    alch_node_set_type(o, n->type);
    alch_check(L, alch_node_set(o, &o->element, alch_node_keep(n), &err), &err);
    if (!lua_isnil(L, 2))
        alch_check(L, alch_node_set(o, &o->partition_by, alch_node_keep(alch_check_kind(L, 2, ALCH_NODE_LIST)), &err), &err);
    if (!lua_isnil(L, 3))
        alch_check(L, alch_node_set(o, &o->order_by, alch_node_keep(alch_check_kind(L, 3, ALCH_NODE_LIST)), &err), &err);
    o->frame = (uint8_t)luaL_optinteger(L, 4, 0);
    o->lower_bound = (uint8_t)luaL_optinteger(L, 5, 0);
    o->upper_bound = (uint8_t)luaL_optinteger(L, 7, 0);
    if (!lua_isnil(L, 6))
        alch_check(L, alch_node_set(o, &o->lower, alch_node_keep(alch_check_node(L, 6)), &err), &err);
    if (!lua_isnil(L, 8))
        alch_check(L, alch_node_set(o, &o->upper, alch_node_keep(alch_check_node(L, 8)), &err), &err);
    if (!lua_isnil(L, 9) && (o->exclude = alch_strdup(alch_check_text(L, 9))) == NULL)
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    return 1;
}

/* core.binary(op, a, b, type | nil, {extra=, precedence=, flags=, negate=}) */
static int l_binary(lua_State *L)
{
    int op = op_at(L, 1);
    const alch_node *left = NULL, *right;
    const alch_type *type = lua_isnoneornil(L, 4) ? NULL : alch_check_type(L, 4, NULL);
    const alch_node_ref *list;
    alch_node_ref *slot;
    alch_binary *b;
    alch_err err;

    lua_settop(L, 5);
    left = alch_check_expression(L, 2);
    slot = alch_push_node_slot(L, ALCH_NODE_BINARY);
    list = alch_test_node_ref(L, 3);
    if (list != NULL && list->node != NULL && list->node->kind == ALCH_NODE_LIST)
        slot->node = alch_node_keep(list->node);
    else
        alch_operand_node(L, 3, left, lua_isnil(L, 3) || alch_is_null(L, 3) ? ALCH_OP_IS : op, &slot->node);
    right = alch_take_node(slot);
    alch_check(L, alch_binary_new(op, alch_node_keep(left), right, type != NULL ? type : left->type, &slot->node, &err), &err);
    b = (alch_binary *)(uintptr_t)slot->node;
    if (lua_istable(L, 5)) {
        if (lua_getfield(L, 5, "extra") != LUA_TNIL)
            set_extra(L, b, alch_check_text(L, -1));
        lua_getfield(L, 5, "precedence");
        b->precedence = (int8_t)luaL_optinteger(L, -1, 0);
        lua_getfield(L, 5, "flags");
        b->flags = (uint8_t)luaL_optinteger(L, -1, 0);
        if (lua_getfield(L, 5, "negate") != LUA_TNIL)
            b->negate = (uint8_t)op_at(L, lua_gettop(L));
        lua_settop(L, 6);
    }
    return 1;
}

/* core.typed(node, type): a copy of another type. */
static int l_typed(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    const alch_type *type = alch_check_type(L, 2, NULL);
    alch_node_ref *slot;
    alch_node *copy;
    alch_err err;

    lua_settop(L, 2);
    slot = alch_push_node_like(L, 1);
    alch_check(L, alch_node_copy(n, &copy, &err), &err);
    slot->node = copy;
    alch_node_set_type(copy, type);
    return 1;
}

/* core.unary(op, x, type | nil, {extra=, precedence=, behind=}) */
static int l_unary(lua_State *L)
{
    int op = op_at(L, 1);
    const alch_node *n = alch_check_expression(L, 2);
    const alch_type *type = lua_isnoneornil(L, 3) ? n->type : alch_check_type(L, 3, NULL);
    alch_node_ref *slot;
    alch_unary *u;
    alch_err err;

    lua_settop(L, 4);
    slot = alch_push_node_slot(L, ALCH_NODE_UNARY);
    alch_check(L, alch_unary_new(op, alch_node_keep(n), type, &slot->node, &err), &err);
    u = (alch_unary *)(uintptr_t)slot->node;
    if (lua_istable(L, 4)) {
        if (lua_getfield(L, 4, "extra") != LUA_TNIL) {
            u->extra = alch_strdup(alch_check_text(L, -1));
            if (u->extra == NULL)
                return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
        }
        lua_getfield(L, 4, "precedence");
        u->precedence = (int8_t)luaL_optinteger(L, -1, 0);
        lua_getfield(L, 4, "behind");
        u->flags = (uint8_t)lua_toboolean(L, -1);
        lua_settop(L, 5);
    }
    return 1;
}

/* }=== */

/*
** {=== Parameters and text
*/

static int of_one_kind(const alch_value *v, size_t n)
{
    size_t i;

    for (i = 1; i < n && v[i].kind == v[0].kind; i++)
        ;
    return i == n;
}

/* The elements of an expanding parameter, which are values or lists of one length. */
static void give_list(lua_State *L, alch_bind *b, int idx)
{
    static const alch_value none = { .kind = ALCH_NULL };
    const char *name = b->key != NULL ? b->key : "param";
    lua_Integer n;
    unsigned width;
    alch_value *items;
    alch_err err;

    if (!alch_is_list(L, idx))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "the expanding parameter '%s' takes a list, got %s", name, alch_describe(L, idx));
    n = luaL_len(L, idx);
    width = alch_element_width(L, idx, n, 1);
    if (width == 0)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "the list of the expanding parameter '%s' takes plain values only", name);
    if (n == 0 && b->width > 0)
        width = b->width;       /* that of what it is compared with */
    items = alch_push_values(L, (size_t)n * width);
    alch_read_elements(L, idx, n, width, items);
    if (b->head.type == NULL && n > 0 && width == 1 && of_one_kind(items, (size_t)n))
        alch_node_set_type(b, alch_type_of_value(items[0].kind));
    alch_check(L, alch_bind_own(b, &none, items, (size_t)n, width, &err), &err);
    b->width = (uint16_t)width;
    lua_pop(L, 1);
}

void alch_give_value(lua_State *L, alch_bind *b, int idx)
{
    alch_host_ref *ref = NULL;
    alch_value v;
    alch_err err;
    int rc;

    if (b->flags & ALCH_BIND_EXPANDING) {
        give_list(L, b, idx);
        return;
    }
    alch_lua_to_value(L, idx, &v);
    if (v.kind == ALCH_HOST) {
        ref = alch_host_ref_new(L, idx);
        if (ref == NULL)
            alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
        v.as.handle = (intptr_t)ref;
    }
    if (b->head.type == NULL && !(b->flags & ALCH_BIND_TYPED))
        alch_node_set_type(b, alch_type_of_value(v.kind));
    rc = alch_bind_own(b, &v, NULL, 0, 1, &err);
    alch_host_drop(ref);
    alch_check(L, rc, &err);
}

/* The function at 'idx' makes the value whenever the statement is executed. */
static void give_function(lua_State *L, alch_bind *b, int idx)
{
    alch_host_ref *ref = alch_host_ref_new(L, idx);
    alch_value v = { .kind = ALCH_HOST, .as.handle = (intptr_t)ref };
    alch_err err;
    int rc;

    if (ref == NULL)
        alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    rc = alch_bind_own(b, &v, NULL, 0, 1, &err);
    alch_host_drop(ref);
    alch_check(L, rc, &err);
}

/* core.bind(key | nil, has_value, value, type | nil, flags): flags as ALCH_BIND_*; CALLABLE: 'value' is the function */
static int l_bind(lua_State *L)
{
    static const alch_value none = { .kind = ALCH_NULL };
    const char *key = alch_opt_text(L, 1, NULL);
    const alch_type *type = lua_isnoneornil(L, 4) ? NULL : alch_check_type(L, 4, "a parameter");
    unsigned flags = (unsigned)luaL_optinteger(L, 5, 0);
    alch_node_ref *slot;
    alch_err err;

    lua_settop(L, 5);
    if (type == NULL && lua_toboolean(L, 2) && !(flags & ALCH_BIND_CALLABLE))
        type = alch_own_type(L, 3, NULL);     /* the slot that lends it stays */
    slot = alch_push_node_slot(L, ALCH_NODE_BIND);
    alch_check(L, alch_bind_new(key, NULL, type, &none, type != NULL ? flags | ALCH_BIND_TYPED : flags, &slot->node, &err),
          &err);
    if (flags & ALCH_BIND_CALLABLE)
        give_function(L, (alch_bind *)(uintptr_t)slot->node, 3);
    else if (lua_toboolean(L, 2))
        alch_give_value(L, (alch_bind *)(uintptr_t)slot->node, 3);
    return 1;
}

/* A copy of the bind 'old' with the value at 'idx', in 'slot'. */
static void rebind(lua_State *L, const alch_bind *old, int idx, alch_node_ref *slot)
{
    alch_bind *b;
    alch_err err;

    alch_check(L, alch_node_copy(old, &b, &err), &err);
    slot->node = &b->head;
    b->flags &= (uint16_t)~(ALCH_BIND_REQUIRED | ALCH_BIND_CALLABLE);
    alch_give_value(L, b, idx);
}

/* core.rebind(bind, value): the parameter with another value. */
static int l_rebind(lua_State *L)
{
    const alch_node *n = alch_check_kind(L, 1, ALCH_NODE_BIND);

    lua_settop(L, 2);
    rebind(L, (const alch_bind *)n, 2, alch_push_node_slot(L, ALCH_NODE_BIND));
    lua_settop(L, 3);
    return 1;
}

static int l_text(lua_State *L)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    alch_node_ref *slot;
    alch_err err;

    if (strlen(text) != len)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "SQL text cannot contain a zero byte");
    slot = alch_push_node_slot(L, ALCH_NODE_TEXT);
    alch_check(L, alch_text_new(text, &slot->node, &err), &err);
    return 1;
}

/* core.text_bind(text, name, bind | nil, value): a copy in which the parameter is that bind, or has that value. */
static int l_text_bind(lua_State *L)
{
    const alch_text *t = (const alch_text *)alch_check_kind(L, 1, ALCH_NODE_TEXT);
    const char *name = alch_check_text(L, 2);
    alch_node_ref *slot, *item;
    alch_text *copy;
    alch_list *binds;
    uint32_t i;
    alch_err err;

    lua_settop(L, 4);
    slot = alch_push_node_like(L, 1);
    item = alch_push_node_slot(L, ALCH_NODE_BIND);
    alch_check(L, alch_node_copy(t, &copy, &err), &err);
    slot->node = &copy->head;
    for (i = 0; i < alch_list_len(t->binds); i++)
        if (strcmp(((const alch_bind *)t->binds->items[i])->key, name) == 0)
            break;
    if (i == alch_list_len(t->binds))
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "this text() construct doesn't define a bound parameter named '%s'", name);
    alch_check(L, alch_list_extend(t->binds, ALCH_OP_COMMA, 0, &binds, &err), &err);
    alch_check(L, alch_node_set(copy, &copy->binds, binds, &err), &err);
    if (!lua_isnil(L, 3))
        item->node = alch_node_keep(alch_check_kind(L, 3, ALCH_NODE_BIND));
    else
        rebind(L, (const alch_bind *)t->binds->items[i], 4, item);
    alch_check(L, alch_node_set(binds, &binds->items[i], alch_take_node(item), &err), &err);
    lua_settop(L, 5);
    return 1;
}

/* core.bind_flags(bind, set, clear): a copy with other flags. */
static int l_bind_flags(lua_State *L)
{
    const alch_node *n = alch_check_kind(L, 1, ALCH_NODE_BIND);
    unsigned set = (unsigned)luaL_checkinteger(L, 2), clear = (unsigned)luaL_optinteger(L, 3, 0);
    alch_node_ref *slot = alch_push_node_like(L, 1);
    alch_bind *copy;
    alch_err err;

    alch_check(L, alch_node_copy(n, &copy, &err), &err);
    slot->node = &copy->head;
    copy->flags = (uint16_t)((copy->flags & ~clear) | set);
    return 1;
}

/* }=== */

/* core.custom(class, fields, type | nil, clauses | nil, is_name): a construct of the user's; 'fields' is what it
** keeps. 'is_name': fields.name is what it is selected as, without a label. */
static int l_custom(lua_State *L)
{
    const alch_type *type = lua_isnoneornil(L, 3) ? NULL : alch_check_type(L, 3, "a custom construct");
    alch_node_ref *slot;
    alch_custom *k;
    alch_err err;

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 5);
    slot = alch_push_node_slot(L, ALCH_NODE_CUSTOM);
    k = alch_node_new(ALCH_NODE_CUSTOM, &err);
    if (k == NULL)
        return alch_raise(L, &err);
    slot->node = &k->head;
    alch_node_set_type(k, type);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 6, 1);
    /* the node finds its object's class and fields again when it is compiled */
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, 2);
    k->host = alch_host_ref_new(L, lua_gettop(L));
    if (k->host == NULL)
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    lua_pop(L, 1);
    if (!lua_isnil(L, 4))
        alch_check(L, alch_node_set(k, &k->clauses, alch_node_keep(alch_check_kind(L, 4, ALCH_NODE_LIST)), &err), &err);
    lua_getfield(L, 2, "name");
    if (lua_type(L, -1) == LUA_TSTRING) {
        k->name = alch_strdup(alch_check_text(L, -1));
        if (k->name == NULL)
            return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
        k->is_name = (uint8_t)lua_toboolean(L, 5);
    }
    lua_pop(L, 1);
    lua_pushvalue(L, 1);
    lua_setmetatable(L, 6);
    return 1;
}

/* sa.null(). For other light userdata: what another library does when they are
** called, the upvalue. */
static int l_null_called(lua_State *L)
{
    alch_node_ref *slot;
    alch_err err;

    if (!alch_is_null(L, 1)) {
        if (lua_isnil(L, lua_upvalueindex(1)))
            return luaL_error(L, "attempt to call a light userdata value");
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_insert(L, 1);
        lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
        return lua_gettop(L);
    }
    slot = alch_push_node_slot(L, ALCH_NODE_NULL);
    alch_check(L, alch_const_new(ALCH_NODE_NULL, &slot->node, &err), &err);
    return 1;
}

/* Other light userdata print as they did: as the upvalue says. */
static int l_null_tostring(lua_State *L)
{
    if (alch_is_null(L, 1)) {
        lua_pushliteral(L, "NULL");
    } else if (!lua_isnil(L, lua_upvalueindex(1))) {
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_pushvalue(L, 1);
        lua_call(L, 1, 1);
    } else {
        lua_pushfstring(L, "userdata: %p", lua_touserdata(L, 1));
    }
    return 1;
}

/* Puts 'fn' in front of a metamethod of the metatable on the top, once. */
static void chain(lua_State *L, const char *name, lua_CFunction fn)
{
    lua_getfield(L, -1, name);
    if (lua_tocfunction(L, -1) == fn) {
        lua_pop(L, 1);
        return;
    }
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}

/* core.make_null_callable(): light userdata all share one metatable, of which another library may have fields; those
** stay, and its __call and __tostring go on answering for all light userdata but NULL. */
static int l_make_null_callable(lua_State *L)
{
    lua_settop(L, 0);
    alch_push_null(L);
    if (!lua_getmetatable(L, 1))
        lua_createtable(L, 0, 2);
    chain(L, "__call", l_null_called);
    chain(L, "__tostring", l_null_tostring);
    lua_setmetatable(L, 1);
    return 0;
}

static const luaL_Reg functions[] = {
    { "make_null_callable", l_make_null_callable },
    { "wrap", l_wrap },
    { "pair", l_pair },
    { "list", l_list },
    { "ordering", l_ordering },
    { "label", l_label },
    { "named", l_named },
    { "name", l_name },
    { "constant", l_constant },
    { "func", l_func },
    { "func_with", l_func_with },
    { "case", l_case },
    { "over", l_over },
    { "binary", l_binary },
    { "typed", l_typed },
    { "argument_order_by", l_argument_order_by },
    { "unary", l_unary },
    { "bind", l_bind },
    { "bind_flags", l_bind_flags },
    { "rebind", l_rebind },
    { "text", l_text },
    { "text_bind", l_text_bind },
    { "custom", l_custom },
    { NULL, NULL }
};

void alch_open_expr(lua_State *L);

void alch_open_expr(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
