/* Operators as Lua builds them: comparisons, arithmetic, LIKE, IN, AND and OR. */
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/node_conv.h"
#include "binding/pending.h"
#include "binding/value_conv.h"
#include "expr/build.h"
#include "expr/selectable.h"

/*
** {=== Operators
*/

/* The upvalues of an operator, which is called often. */
enum { OPERATOR = 1, CLASSES };

/* In the first of them: the library's own operator, whatever the type has. */
enum { OWN = 1 << 16 };

static alch_node_ref *push_result(lua_State *L, int kind)
{
    return alch_push_node_of(L, lua_upvalueindex(CLASSES), kind);
}

static int operator_of(lua_State *L)
{
    return (int)lua_tointeger(L, lua_upvalueindex(OPERATOR)) & (OWN - 1);
}

/* Calls what the left side's type, or one behind it, has for the operator in
** its comparator_factory (types/operators.lua) with the arguments, instead. */
static int call_types_own(lua_State *L, const alch_node *left)
{
    const alch_type *t = left->type;
    int n = lua_gettop(L);

    if (t == NULL || lua_tointeger(L, lua_upvalueindex(OPERATOR)) & OWN)
        return 0;
    for (; t != NULL; t = t->kind == ALCH_TYPE_DECORATED ? t->item : NULL) {
        if (t->object == NULL)
            continue;
        alch_host_ref_push(L, t->object);
        if (lua_getfield(L, -1, "_operators") == LUA_TTABLE
            && lua_getfield(L, -1, alch_op_name(operator_of(L))) == LUA_TFUNCTION) {
            lua_insert(L, 1);
            lua_settop(L, n + 1);
            lua_call(L, n, 1);
            return 1;
        }
        lua_settop(L, n);
    }
    return 0;
}

/* left op right; either side may be a plain value. */
static int l_operate(lua_State *L)
{
    int op = operator_of(L);
    alch_node_ref *slot;
    const alch_node *left, *right;
    alch_err err;

    lua_settop(L, 2);
    if (alch_push_noted(L, lua_upvalueindex(CLASSES), ALCH_NOTE_BINARY, op))
        return 1;
    left = alch_to_node(L, 1);
    if (left != NULL && call_types_own(L, left))
        return 1;
    slot = push_result(L, ALCH_NODE_BINARY);
    if (left == NULL) {
        right = alch_check_node(L, 2);
        alch_operand_node(L, 1, right, op, &slot->node);
        left = alch_take_node(slot);
        alch_check(L, alch_operate(op, left, alch_node_keep(right), &slot->node, &err), &err);
        return 1;
    }
    if (alch_is_statement(left))
        left = alch_check_expression(L, 1);
    else if (alch_is_from(left))
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "a table cannot be an operand: name one of its columns");
    alch_operand_node(L, 2, left, op, &slot->node);
    right = alch_take_node(slot);
    alch_check(L, alch_operate(op, alch_node_keep(left), right, &slot->node, &err), &err);
    return 1;
}

/* DESC and the like of several columns, as a composite has them: of each one. */
static int order_each(lua_State *L, int op, const alch_list *columns)
{
    alch_node_ref *slot = alch_push_node_slot(L, ALCH_NODE_LIST);
    alch_err err;
    alch_list *all = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, alch_list_len(columns), &err);
    uint32_t i;

    alch_check(L, all == NULL ? ALCH_ERR_NOMEM : ALCH_OK, &err);
    slot->node = &all->head;
    for (i = 0; i < alch_list_len(columns); i++) {
        const alch_node *one;

        alch_check(L, alch_unary_new(op, alch_node_keep(columns->items[i]), columns->items[i]->type, &one, &err), &err);
        alch_check(L, alch_list_push(all, one, &err), &err);
    }
    alch_settle_slot(L, ALCH_NODE_LIST);
    return 1;
}

/* -x, NOT x, x DESC ... */
static int l_unary_op(lua_State *L)
{
    int op = operator_of(L);
    const alch_node *n;
    alch_node_ref *slot;
    alch_err err;

    lua_settop(L, 1);
    if (alch_op_is_modifier(op) && alch_push_noted(L, lua_upvalueindex(CLASSES), ALCH_NOTE_UNARY, op))
        return 1;
    if (alch_op_is_modifier(op) && lua_type(L, 1) == LUA_TSTRING) {
        alch_node_ref *name = push_result(L, ALCH_NODE_LABEL_NAME);

        alch_ordering_node(L, 1, "order_by", &name->node);
        lua_replace(L, 1);
    }
    n = alch_check_expression(L, 1);
    if (call_types_own(L, n))
        return 1;
    if (alch_op_is_modifier(op))
        n = alch_listed_node(L, 1, n);
    if (alch_op_is_modifier(op) && n->kind == ALCH_NODE_LIST && n->op == ALCH_OP_COMMA)
        return order_each(L, op, (const alch_list *)n);
    slot = push_result(L, ALCH_NODE_UNARY);
    alch_check(L, alch_unary_new(op, alch_node_keep(n), op == ALCH_OP_ANY || op == ALCH_OP_ALL || op == ALCH_OP_EXISTS
                            ? alch_type_of(ALCH_TYPE_BOOLEAN) : n->type, &slot->node, &err), &err);
    return 1;
}

/* A view of an expression (core.view) may say what its opposite is: then that is on the top. */
static int push_own_negation(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TUSERDATA && lua_getiuservalue(L, 1, 1) == LUA_TTABLE) {
        lua_pushliteral(L, "negation");
        if (lua_rawget(L, -2) != LUA_TNIL)
            return 1;
    }
    lua_settop(L, 1);
    return 0;
}

static int l_negate(lua_State *L)
{
    const alch_node *n = alch_check_expression(L, 1);
    alch_node_ref *slot;
    alch_err err;

    lua_settop(L, 1);
    if (push_own_negation(L))
        return 1;
    slot = alch_push_node_slot(L, ALCH_NODE_UNARY);
    alch_check(L, alch_negate(n, &slot->node, &err), &err);
    alch_settle_slot(L, ALCH_NODE_UNARY);
    return 1;
}

/* The criteria from 'first' on, ANDed or ORed. */
static int conjunction(lua_State *L, int op, int first, const char *what)
{
    int i, n = alch_spread(L, first), top = lua_gettop(L);
    alch_node_ref *slot;
    alch_list *l;
    alch_err err;

    if (n > 0)
        alch_check_criteria(L, first, top, what);
    slot = alch_push_node_slot(L, ALCH_NODE_LIST);
    l = alch_list_new(ALCH_NODE_LIST, op, (size_t)n, &err);
    if (l == NULL)
        return alch_raise(L, &err);
    slot->node = &l->head;
    for (i = first; i <= top; i++)
        alch_check(L, alch_list_push(l, alch_node_keep(alch_to_node(L, i)), &err), &err);
    (void)alch_take_node(slot);
    alch_check(L, alch_conjunction(l, &slot->node, &err), &err);
    alch_settle_slot(L, ALCH_NODE_LIST);
    return 1;
}

static int l_and(lua_State *L) { return conjunction(L, ALCH_OP_AND, 1, "and_"); }
static int l_or(lua_State *L) { return conjunction(L, ALCH_OP_OR, 1, "or_"); }

/* <, <= and .. of Lua give booleans whatever a metamethod returns. Upvalue: what to write instead. */
static int l_refuse_comparison(lua_State *L)
{
    return alch_raisef(L, ALCH_ERR_ARGUMENT, "Lua's '%s' cannot build SQL, because it always gives true or false: "
                       "write a:%s(b)", lua_tostring(L, lua_upvalueindex(1)), lua_tostring(L, lua_upvalueindex(2)));
}

/* __eq: two Lua values of one node are equal. */
static int l_eq(lua_State *L)
{
    const alch_node_ref *a = alch_test_node_ref(L, 1), *b = alch_test_node_ref(L, 2);

    lua_pushboolean(L, a != NULL && b != NULL && a->node == b->node);
    return 1;
}

/* col:between(a, b, { symmetric = true }) */
static int l_between(lua_State *L)
{
    int op = operator_of(L), i;
    const alch_node *left = alch_check_expression(L, 1);
    alch_node_ref *slot, *bounds_slot;
    alch_list *bounds;
    alch_err err;

    lua_settop(L, 4);
    if (call_types_own(L, left))
        return 1;
    slot = push_result(L, ALCH_NODE_BINARY);
    bounds_slot = push_result(L, ALCH_NODE_LIST);
    bounds = alch_list_new(ALCH_NODE_LIST, ALCH_OP_AND, 2, &err);
    if (bounds == NULL)
        return alch_raise(L, &err);
    bounds_slot->node = &bounds->head;
    for (i = 2; i <= 3; i++) {
        alch_operand_node(L, i, left, op, &slot->node);
        alch_check(L, alch_list_push(bounds, alch_take_node(slot), &err), &err);
    }
    alch_check(L, alch_binary_new(op, alch_node_keep(left), alch_take_node(bounds_slot), alch_type_of(ALCH_TYPE_BOOLEAN),
                                  &slot->node, &err), &err);
    if (lua_istable(L, 4)) {
        lua_getfield(L, 4, "symmetric");
        if (lua_toboolean(L, -1))
            ((alch_binary *)(uintptr_t)slot->node)->flags |= ALCH_BINARY_SYMMETRIC;
    }
    lua_settop(L, 5);
    return 1;
}

/* Escapes the wildcards of a string value in place on the stack. */
static void autoescape(lua_State *L, int idx, char escape)
{
    size_t len, i;
    const char *s = lua_tolstring(L, idx, &len);
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (i = 0; i < len; i++) {
        if (s[i] == escape || s[i] == '%' || s[i] == '_')
            luaL_addchar(&b, escape);
        luaL_addchar(&b, s[i]);
    }
    luaL_pushresult(&b);
    lua_replace(L, idx);
}

static void set_extra(lua_State *L, alch_binary *b, const char *text)
{
    b->extra = alch_strdup(text);
    if (b->extra == NULL)
        alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
}

/* col:like(x, { escape = "/" }), col:contains(x, { autoescape = true }) ... */
static int l_like(lua_State *L)
{
    int op = operator_of(L);
    const alch_node *left, *right;
    const char *escape = NULL;
    alch_node_ref *slot;
    alch_err err;

    lua_settop(L, 3);
    if (lua_isnil(L, 3) && alch_push_noted(L, lua_upvalueindex(CLASSES), ALCH_NOTE_BINARY, op))
        return 1;
    left = alch_check_expression(L, 1);
    if (call_types_own(L, left))
        return 1;
    if (lua_istable(L, 3)) {
        lua_getfield(L, 3, "escape");
        escape = alch_opt_text(L, 4, NULL);
        lua_getfield(L, 3, "autoescape");
        if (lua_toboolean(L, 5)) {
            if (lua_type(L, 2) != LUA_TSTRING)
                return alch_raisef(L, ALCH_ERR_ARGUMENT, "autoescape works on a string only, got %s", alch_describe(L, 2));
            escape = escape != NULL ? escape : "/";
            autoescape(L, 2, escape[0]);
        }
    }
    slot = push_result(L, ALCH_NODE_BINARY);
    alch_operand_node(L, 2, left, op, &slot->node);
    right = alch_take_node(slot);
    alch_check(L, alch_operate(op, alch_node_keep(left), right, &slot->node, &err), &err);
    if (escape != NULL && slot->node->kind == ALCH_NODE_BINARY)
        set_extra(L, (alch_binary *)(uintptr_t)slot->node, escape);
    return 1;
}

/* }=== */

/*
** {=== IN
*/

/* Pushes a block for 'n' values that Lua frees. */
alch_value *alch_push_values(lua_State *L, size_t n)
{
    alch_value *v = lua_newuserdatauv(L, (n > 0 ? n : 1) * sizeof *v, 0);

    memset(v, 0, (n > 0 ? n : 1) * sizeof *v);
    return v;
}

/* How wide the elements are: 1, or the length of the first list; 0: some
** element is an expression. */
unsigned alch_element_width(lua_State *L, int idx, lua_Integer n, int tuples)
{
    lua_Integer i;
    unsigned width = 1;

    for (i = 1; i <= n; i++) {
        int t = lua_geti(L, idx, i);

        if ((t == LUA_TTABLE || t == LUA_TUSERDATA) && alch_to_node(L, -1) != NULL) {
            lua_pop(L, 1);
            return 0;
        }
        if (i == 1 && tuples && alch_is_plain_table(L, -1))
            width = (unsigned)luaL_len(L, -1);
        lua_pop(L, 1);
    }
    return width;
}

/* Are values of the type tables or objects of Lua's, as arrays, documents and ranges are? */
static int holds_objects(const alch_type *t)
{
    return t->family == ALCH_FAMILY_ARRAY || t->family == ALCH_FAMILY_JSON || t->flags & ALCH_TYPE_HOOK_BIND;
}

static int has_object(lua_State *L, int idx, lua_Integer n)
{
    alch_value v = { .kind = ALCH_NULL };
    lua_Integer i;

    for (i = 1; i <= n && v.kind != ALCH_HOST; i++) {
        lua_geti(L, idx, i);
        alch_lua_to_value(L, -1, &v);
        lua_pop(L, 1);
    }
    return v.kind == ALCH_HOST;
}

/* A list with expressions or objects in it: (a, :x_1, b) */
static void in_expressions(lua_State *L, int idx, lua_Integer n, const alch_node *left, int op, alch_node_ref *slot)
{
    alch_list *l;
    lua_Integer i;
    alch_node_ref *item = alch_push_node_slot(L, ALCH_NODE_BIND);
    alch_err err;

    l = alch_list_new(ALCH_NODE_LIST, ALCH_OP_COMMA, (size_t)n, &err);
    if (l == NULL)
        alch_raise(L, &err);
    slot->node = &l->head;
    for (i = 1; i <= n; i++) {
        lua_geti(L, idx, i);
        alch_operand_node(L, lua_gettop(L), left, alch_is_null(L, -1) ? ALCH_OP_IS : op, &item->node);
        alch_check(L, alch_list_push(l, alch_take_node(item), &err), &err);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void alch_read_elements(lua_State *L, int idx, lua_Integer n, unsigned width, alch_value *v)
{
    lua_Integer i, k;

    for (i = 1; i <= n; i++) {
        lua_geti(L, idx, i);
        if (width == 1) {
            alch_lua_to_value(L, -1, v++);
            if (v[-1].kind == ALCH_HOST)
                alch_raisef(L, ALCH_ERR_ARGUMENT, "element %d of in_() is %s: a list of plain values expected", (int)i,
                            alch_describe(L, -1));
        } else {
            if (!alch_is_plain_table(L, -1) || luaL_len(L, -1) != (lua_Integer)width)
                alch_raisef(L, ALCH_ERR_ARGUMENT, "element %d of in_() must be a list of %d values", (int)i, (int)width);
            for (k = 1; k <= (lua_Integer)width; k++) {
                lua_geti(L, -1, k);
                alch_lua_to_value(L, -1, v++);
                lua_pop(L, 1);
            }
        }
        lua_pop(L, 1);      /* the list holds what the values borrow from */
    }
}

/* Most lists are short: their values need no block of Lua's. */
enum { FEW_VALUES = 16 };

/* An expanding parameter with the elements of the list at 'idx'. */
static void in_values(lua_State *L, int idx, lua_Integer n, unsigned width, const alch_node *left, int op,
                      alch_node_ref *slot)
{
    alch_value few[FEW_VALUES], *v = few;
    alch_err err;

    if ((size_t)n * width > FEW_VALUES)
        v = alch_push_values(L, (size_t)n * width);
    alch_read_elements(L, idx, n, width, v);
    alch_check(L, alch_bind_list_beside(left, op, v, (size_t)n, width, &slot->node, &err), &err);
    if (n > 0 && width == 1) {
        lua_geti(L, idx, 1);
        alch_ask_operand_type(L, lua_gettop(L), left, op, &slot->node);
        lua_pop(L, 1);
    }
}

static unsigned tuple_width(const alch_node *left)
{
    return left->kind == ALCH_NODE_TUPLE ? ((const alch_list *)left)->count : 1;
}

/* IN a statement, the rows of a table or the like, or a parameter that brings the list. */
static void in_node(lua_State *L, const alch_node *n, const alch_node *left, alch_node_ref *slot)
{
    alch_bind *b;
    alch_err err;

    if (n->kind == ALCH_NODE_BIND) {
        alch_check(L, alch_node_copy(n, &b, &err), &err);
        slot->node = &b->head;
        b->flags |= ALCH_BIND_EXPANDING;
        b->width = (uint16_t)tuple_width(left);
        if (b->head.type == NULL)
            alch_node_set_type(b, left->type);
        if (b->value.kind != ALCH_NULL && !(b->flags & ALCH_BIND_CALLABLE)) {      /* its list was a value like any other so far */
            alch_value_push(L, &b->value);
            alch_give_value(L, b, lua_gettop(L));
            lua_pop(L, 1);
        }
    } else if (alch_is_from(n) && n->kind != ALCH_NODE_VALUES) {
        alch_check(L, alch_select_all(n, &slot->node, &err), &err);
        alch_check(L, alch_wrap_new(ALCH_NODE_SCALAR, alch_take_node(slot), NULL, &slot->node, &err), &err);
    } else if (alch_is_statement(n) || n->kind == ALCH_NODE_VALUES)
        alch_check(L, alch_wrap_new(ALCH_NODE_SCALAR, alch_node_keep(n), NULL, &slot->node, &err), &err);
    else
        slot->node = alch_node_keep(n);
}

/* col:in_(list | select | bindparam) */
static int l_in(lua_State *L)
{
    int op = operator_of(L);
    const alch_node *left, *n;
    alch_node_ref *slot;        /* first of the list, then of the whole */
    alch_err err;

    lua_settop(L, 2);
    if (alch_push_noted(L, lua_upvalueindex(CLASSES), ALCH_NOTE_IN, op))
        return 1;
    left = alch_check_expression(L, 1);
    if (call_types_own(L, left))
        return 1;
    slot = push_result(L, ALCH_NODE_BINARY);
    n = alch_to_node(L, 2);
    if (n != NULL)
        in_node(L, n, left, slot);
    else if (!alch_is_list(L, 2))
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "in_() takes a list, a select or an expression, got %s",
                           alch_describe(L, 2));
    else {
        lua_Integer len = luaL_len(L, 2);
        unsigned width = alch_element_width(L, 2, len, left->kind == ALCH_NODE_TUPLE);

        if (len == 0)
            width = tuple_width(left);
        if (width == 0 || (holds_objects(alch_node_type(left)) && has_object(L, 2, len)))
            in_expressions(L, 2, len, left, op, slot);
        else
            in_values(L, 2, len, width, left, op, slot);
    }
    alch_check(L, alch_binary_new(op, alch_node_keep(left), alch_take_node(slot), alch_type_of(ALCH_TYPE_BOOLEAN),
                                  &slot->node, &err), &err);
    lua_settop(L, 3);
    return 1;
}

/* }=== */

static const luaL_Reg functions[] = {
    { "negate", l_negate },
    { "and_", l_and },
    { "or_", l_or },
    { "node_eq", l_eq },
    { NULL, NULL }
};

/* One closure per operator, in a table by its name in ops.def. */
static void add_operators(lua_State *L, const char *field, int own)
{
    int op;

    lua_createtable(L, 0, ALCH_OP_COUNT);
    for (op = 0; op < ALCH_OP_COUNT; op++) {
        lua_CFunction f = l_operate;

        if (op == ALCH_OP_IN || op == ALCH_OP_NOT_IN)
            f = l_in;
        else if (op == ALCH_OP_BETWEEN || op == ALCH_OP_NOT_BETWEEN)
            f = l_between;
        else if (op >= ALCH_OP_LIKE && op <= ALCH_OP_NOT_IENDSWITH)
            f = l_like;
        else if (alch_op_is_modifier(op) || op == ALCH_OP_NEG || op == ALCH_OP_BIT_NOT || op == ALCH_OP_DISTINCT
                 || op == ALCH_OP_ANY || op == ALCH_OP_ALL || op == ALCH_OP_EXISTS)
            f = l_unary_op;
        lua_pushinteger(L, op | own);
        alch_push_classes(L);
        lua_pushcclosure(L, f, CLASSES);
        lua_setfield(L, -2, alch_op_name(op));
    }
    lua_setfield(L, -2, field);
}

static void add_refusal(lua_State *L, const char *field, const char *op, const char *method)
{
    lua_pushstring(L, op);
    lua_pushstring(L, method);
    lua_pushcclosure(L, l_refuse_comparison, 2);
    lua_setfield(L, -2, field);
}

void alch_open_operator(lua_State *L);

void alch_open_operator(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
    add_operators(L, "operators", 0);
    add_operators(L, "own_operators", OWN);
    add_refusal(L, "refuse_lt", "<", "lt");
    add_refusal(L, "refuse_le", "<=", "le");
}
