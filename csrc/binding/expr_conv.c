#include "binding/expr_conv.h"

#include <math.h>
#include <string.h>

#include "binding/bind.h"
#include "binding/json.h"
#include "binding/node_conv.h"
#include "binding/value_conv.h"
#include "expr/build.h"
#include "expr/selectable.h"
#include "schema/table.h"
#include "type/adapt.h"

static void keep_expression(lua_State *L, int idx, const alch_node *n, const alch_node **out)
{
    alch_err err;

    if (n->kind == ALCH_NODE_SUBQUERY)      /* select(...):subquery() where its one value is meant */
        n = ((const alch_alias *)n)->element;
    if (alch_is_statement(n)) {
        if (alch_wrap_new(ALCH_NODE_SCALAR, alch_node_keep(n), NULL, out, &err) != ALCH_OK)
            alch_raise(L, &err);
        return;
    }
    if (alch_is_from(n))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "a value or an expression expected, got %s", alch_describe(L, idx));
    *out = alch_node_keep(n);
}

const alch_type *alch_own_type(lua_State *L, int idx, const alch_type *beside)
{
    const alch_type *t = NULL;

    idx = lua_absindex(L, idx);
    if (luaL_getmetafield(L, idx, "__sql_type") == LUA_TNIL) {
        lua_pushnil(L);
        return NULL;
    }
    lua_pushvalue(L, idx);
    lua_pushstring(L, beside != NULL && beside->kind == ALCH_TYPE_NAMED ? alch_type_ddl(beside) : NULL);
    lua_call(L, 2, 1);
    if (!lua_isnil(L, -1))
        t = alch_check_type(L, lua_gettop(L), "__sql_type");
    return t;
}

void alch_value_node(lua_State *L, int idx, const alch_type *type, const alch_node **out)
{
    alch_named_value_node(L, idx, NULL, type, out);
}

void alch_named_value_node(lua_State *L, int idx, const char *name, const alch_type *type, const alch_node **out)
{
    const alch_node *n = alch_to_node(L, idx);
    alch_host_ref *ref = NULL;
    const alch_type *own = NULL;
    int top = lua_gettop(L), rc;
    alch_value v;
    alch_err err;

    if (n != NULL) {
        keep_expression(L, idx, n, out);
        return;
    }
    alch_lua_to_value(L, idx, &v);
    if (v.kind == ALCH_HOST) {
        idx = lua_absindex(L, idx);
        own = alch_own_type(L, idx, NULL);
        ref = alch_host_ref_new(L, idx);
        if (ref == NULL)
            alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
        v.as.handle = (intptr_t)ref;
    }
    rc = alch_bind_new(name, NULL, type != NULL ? type : own, &v, ALCH_BIND_UNIQUE, out, &err);
    alch_host_drop(ref);
    lua_settop(L, top);
    if (rc != ALCH_OK)
        alch_raise(L, &err);
}

static void constant(lua_State *L, int kind, const alch_node **out)
{
    alch_err err;

    if (alch_const_new(kind, out, &err) != ALCH_OK)
        alch_raise(L, &err);
}

static int takes_constants(int op)
{
    switch (op) {
    case ALCH_OP_EQ: case ALCH_OP_NE: case ALCH_OP_IS: case ALCH_OP_IS_NOT:
    case ALCH_OP_IS_DISTINCT: case ALCH_OP_IS_NOT_DISTINCT: return 1;
    default: return 0;
    }
}

/* A parameter whose value Lua keeps. Hooks of the other side's type take any
** value; otherwise the value's own type counts. */
static void bind_host(lua_State *L, int idx, const alch_node *beside, int op, alch_value *v, const alch_node **out)
{
    const alch_type *left = alch_node_type(beside);
    int top = lua_gettop(L), keeps = left->host != NULL && !(left->flags & ALCH_TYPE_BIND_CAST);
    const alch_type *own = keeps ? NULL : alch_own_type(L, idx, left);
    alch_host_ref *ref = alch_host_ref_new(L, idx);
    alch_err err;
    int rc;

    if (ref == NULL)
        alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    v->as.handle = (intptr_t)ref;
    rc = alch_bind_beside(beside, op, v, out, &err);
    alch_host_drop(ref);
    if (rc != ALCH_OK)
        alch_raise(L, &err);
    if (own != NULL)
        alch_node_set_type((alch_bind *)(uintptr_t)*out, own);
    lua_settop(L, top);
}

void alch_ask_operand_type(lua_State *L, int idx, const alch_node *beside, int op, const alch_node **out)
{
    const alch_type *t = alch_node_type(beside);

    if (!(t->flags & ALCH_TYPE_HOOK_COERCE))
        return;
    t = alch_operand_type(L, t, ALCH_OPS_COMPARE, alch_op_name(op), idx);
    alch_node_set_type((alch_bind *)(uintptr_t)*out, t);
    alch_type_drop(t);
}

void alch_operand_node(lua_State *L, int idx, const alch_node *beside, int op, const alch_node **out)
{
    const alch_node *n = alch_to_node(L, idx);
    alch_value v;
    alch_err err;

    if (n != NULL) {
        keep_expression(L, idx, n, out);
        return;
    }
    alch_lua_to_value(L, idx, &v);
    if (takes_constants(op)) {
        if (v.kind == ALCH_NULL || v.kind == ALCH_BOOL) {
            constant(L, v.kind == ALCH_NULL ? ALCH_NODE_NULL : v.as.boolean ? ALCH_NODE_TRUE : ALCH_NODE_FALSE, out);
            return;
        }
    } else if (lua_isnoneornil(L, idx))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "nil cannot be an operand of %s: use :is_(nil) to test for NULL, or sa.null",
                    alch_op_name(op));
    if (v.kind == ALCH_HOST)
        bind_host(L, idx, beside, op, &v, out);
    else if (alch_bind_beside(beside, op, &v, out, &err) != ALCH_OK)
        alch_raise(L, &err);
    alch_ask_operand_type(L, idx, beside, op, out);
}

const alch_node *alch_check_from(lua_State *L, int idx, const char *what)
{
    const alch_node *n = alch_to_node(L, idx);

    if (n == NULL)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() takes tables, aliases, joins or subqueries, got %s", what,
                    alch_describe(L, idx));
    if (alch_is_statement(n) || alch_is_dml(n))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() got a %s: call its method :subquery(), :alias() or :cte() to select from it",
                    what, alch_node_class(n->kind));
    if (!alch_is_from(n) && n->kind != ALCH_NODE_FUNCTION && n->kind != ALCH_NODE_TEXT && n->kind != ALCH_NODE_CUSTOM
        && n->kind != ALCH_NODE_COLUMN)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() takes tables, aliases, joins or subqueries, got a %s", what,
                    alch_node_class(n->kind));
    if (n->kind == ALCH_NODE_COLUMN) {      /* a column stands for its table */
        const alch_column *c = (const alch_column *)n;

        if (c->owner == NULL)
            alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() got the column '%s', which belongs to no table", what, c->name);
        n = &c->owner->head;
    }
    return n;
}

void alch_ordering_node(lua_State *L, int idx, const char *what, const alch_node **out)
{
    const alch_node *n;
    alch_err err;

    if (lua_type(L, idx) == LUA_TSTRING) {
        if (alch_name_new(ALCH_NODE_LABEL_NAME, lua_tostring(L, idx), NULL, out, &err) != ALCH_OK)
            alch_raise(L, &err);
        return;
    }
    n = alch_to_node(L, idx);
    if (n == NULL)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() takes columns, expressions or names, got %s", what, alch_describe(L, idx));
    keep_expression(L, idx, alch_listed_node(L, idx, n), out);
}

void alch_number_node(lua_State *L, int idx, const char *what, const alch_node **out)
{
    const alch_node *n = alch_to_node(L, idx);
    alch_value v = { .kind = ALCH_INT, .zone = ALCH_ZONE_NONE };
    alch_err err;
    int whole;

    if (n != NULL) {
        keep_expression(L, idx, n, out);
        return;
    }
    v.as.integer = lua_tointegerx(L, idx, &whole);
    if (!whole || lua_type(L, idx) != LUA_TNUMBER)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() takes a whole number or an expression, got %s", what,
                    alch_describe(L, idx));
    if (alch_bind_new(NULL, NULL, alch_type_of(ALCH_TYPE_INTEGER), &v, ALCH_BIND_UNIQUE, out, &err) != ALCH_OK)
        alch_raise(L, &err);
}

static const alch_custom *push_entity_in(lua_State *L, int idx, const char *field)
{
    int top = lua_gettop(L), fields = idx;
    const alch_node_ref *r;

    if (lua_type(L, idx) == LUA_TUSERDATA) {
        if (alch_test_node_ref(L, idx) == NULL || lua_getiuservalue(L, idx, 1) != LUA_TTABLE) {
            lua_settop(L, top);
            return NULL;
        }
        fields = top + 1;
    }
    if (lua_type(L, fields) == LUA_TTABLE) {
        lua_pushstring(L, field);
        lua_rawget(L, fields);
        r = alch_test_node_ref(L, -1);
        if (r != NULL && r->node != NULL && r->node->kind == ALCH_NODE_ENTITY) {
            if (fields != idx)
                lua_remove(L, fields);
            return (const alch_custom *)r->node;
        }
    }
    lua_settop(L, top);
    return NULL;
}

const alch_custom *alch_push_entity(lua_State *L, int idx) { return push_entity_in(L, idx, "_columns"); }
const alch_custom *alch_push_about(lua_State *L, int idx) { return push_entity_in(L, idx, "_about"); }

const alch_node *alch_listed_node(lua_State *L, int idx, const alch_node *n)
{
    const alch_custom *entity;

    if (n->kind == ALCH_NODE_COLUMN || lua_type(L, idx) != LUA_TUSERDATA)
        return alch_plain_column(n);
    entity = alch_push_entity(L, idx);
    if (entity == NULL)
        return n;
    lua_pop(L, 1);
    return alch_list_len(entity->clauses) == 1 ? entity->clauses->items[0] : n;
}

/* A mapped class among what is selected stands for its columns, not for its table. */
static void replace_by_columns(lua_State *L, int idx)
{
    if (alch_push_entity(L, idx) != NULL)
        lua_replace(L, idx);
}

/* A number and the star are the only plain values that mean one thing in a list of columns: SELECT 1, SELECT *. */
static void replace_by_literal(lua_State *L, int idx)
{
    alch_node_ref *slot;
    alch_column *column;
    const char *text;
    alch_err err;

    if (lua_type(L, idx) == LUA_TNUMBER) {
        if (!isfinite(lua_tonumber(L, idx)))
            return;
    } else if (lua_type(L, idx) != LUA_TSTRING || strcmp(lua_tostring(L, idx), "*") != 0) {
        return;
    }
    text = luaL_tolstring(L, idx, NULL);
    slot = alch_push_node_slot(L, ALCH_NODE_COLUMN);
    if (alch_column_new(text, NULL, NULL, ALCH_COLUMN_LITERAL, &column, &err) != ALCH_OK)
        alch_raise(L, &err);
    slot->node = &column->head;
    lua_replace(L, idx);
    lua_pop(L, 1);
}

const alch_node *alch_check_selectable(lua_State *L, int idx, const char *what)
{
    const alch_node *n;

    replace_by_columns(L, idx);
    replace_by_literal(L, idx);
    n = alch_to_node(L, idx);
    if (n == NULL) {
        if (lua_type(L, idx) == LUA_TSTRING)
            alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() got the string '%s': SQL text must be declared, as "
                        "sa.literal_column('...') or sa.text('...')", what, lua_tostring(L, idx));
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() takes columns, expressions and tables, got %s as argument %d", what,
                    alch_describe(L, idx), idx);
    }
    if (alch_is_statement(n) || alch_is_dml(n))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() got a %s as argument %d: use :scalar_subquery() for its value, or "
                    ":subquery() for its columns", what, alch_node_class(n->kind), idx);
    return n;
}

void alch_settle_slot(lua_State *L, int kind)
{
    alch_node_ref *r = lua_touserdata(L, -1), *right;

    if (r->node->kind == kind)
        return;
    right = alch_push_node_slot(L, r->node->kind);
    right->node = r->node;
    r->node = NULL;
    lua_replace(L, -2);
}

int alch_is_plain_table(lua_State *L, int idx)
{
    int plain;

    if (lua_type(L, idx) != LUA_TTABLE)
        return 0;
    if (lua_getmetatable(L, idx)) {
        lua_pop(L, 1);
        return 0;
    }
    idx = lua_absindex(L, idx);
    lua_pushliteral(L, "_node");    /* a mapped class need not have a metatable */
    plain = lua_rawget(L, idx) == LUA_TNIL;
    lua_pop(L, 1);
    return plain;
}

int alch_is_list(lua_State *L, int idx)
{
    int marked;

    if (alch_is_plain_table(L, idx))
        return 1;
    if (lua_type(L, idx) != LUA_TTABLE || !lua_getmetatable(L, idx))
        return 0;
    luaL_getmetatable(L, ALCH_JSON_ARRAY);
    marked = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return marked;
}

int alch_spread(lua_State *L, int first)
{
    lua_Integer i, n;

    if (lua_gettop(L) != first || !alch_is_plain_table(L, first))
        return lua_gettop(L) - first + 1;
    n = luaL_len(L, first);
    luaL_checkstack(L, (int)n + 4, "too many arguments");
    for (i = 1; i <= n; i++)
        lua_geti(L, first, i);
    lua_remove(L, first);
    return (int)n;
}

const alch_node *alch_check_expression(lua_State *L, int idx)
{
    const alch_node *n = alch_check_node(L, idx);
    alch_node_ref *slot;

    if (alch_is_statement(n)) {
        slot = alch_push_node_slot(L, ALCH_NODE_SCALAR);
        alch_value_node(L, idx, NULL, &slot->node);
        lua_replace(L, idx);
        return slot->node;
    }
    if (alch_is_from(n))
        alch_raisef(L, ALCH_ERR_ARGUMENT, "an expression expected as argument %d, got a %s", idx,
                    alch_node_class(n->kind));
    return n;
}

static void refuse(lua_State *L, int idx, const char *what)
{
    switch (lua_type(L, idx)) {
    case LUA_TBOOLEAN:
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() got a plain %s: did you write == or < instead of :eq() or :lt()? "
                    "(for a constant use sa.true_() or sa.false_())", what, lua_toboolean(L, idx) ? "true" : "false");
        break;
    case LUA_TNONE:
    case LUA_TNIL:
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() got nil instead of a criterion", what);
        break;
    case LUA_TSTRING:
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() got the string '%s': SQL text must be declared, as sa.text('...')", what,
                    lua_tostring(L, idx));
        break;
    default:
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() takes SQL expressions, got %s", what, alch_describe(L, idx));
    }
}

/* What stands for a criterion without being an expression (a relationship) makes one: __criterion(value). */
static void make_criterion(lua_State *L, int idx)
{
    if (lua_type(L, idx) != LUA_TTABLE || luaL_getmetafield(L, idx, "__criterion") == LUA_TNIL)
        return;
    lua_pushvalue(L, idx);
    lua_call(L, 1, 1);
    lua_replace(L, idx);
}

void alch_check_criteria(lua_State *L, int first, int last, const char *what)
{
    int i;

    if (last < first)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s() needs at least one criterion", what);
    for (i = first; i <= last; i++) {
        const alch_node *n;

        make_criterion(L, i);
        n = alch_to_node(L, i);
        if (n == NULL || (alch_is_from(n) && n->kind != ALCH_NODE_SUBQUERY))
            refuse(L, i, what);
    }
}
