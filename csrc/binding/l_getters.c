/* What a node says of itself: core.get by name, its children, whether it says the same as another one. */
#include <string.h>

#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/node_conv.h"
#include "binding/value_conv.h"
#include "expr/compare.h"
#include "expr/selectable.h"
#include "schema/table.h"

static int push_child(lua_State *L, const alch_node *n)
{
    if (n == NULL)
        lua_pushnil(L);
    else
        alch_push_node(L, n);
    return 1;
}

/* The items of a list that may be none. */
static int push_items(lua_State *L, const alch_list *l)
{
    uint32_t i;

    lua_createtable(L, (int)alch_list_len(l), 0);
    for (i = 0; i < alch_list_len(l); i++) {
        alch_push_node(L, l->items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* {=== What is more than a field */

static int get_type(lua_State *L, const alch_node *n)
{
    alch_push_type(L, alch_node_type(n));
    return 1;
}

static int get_op(lua_State *L, const alch_node *n)
{
    lua_pushstring(L, alch_op_name(n->op));
    return 1;
}

/* How the operator is written; one of the user's own is the node's text. */
static int get_op_text(lua_State *L, const alch_node *n)
{
    const char *own = n->kind == ALCH_NODE_BINARY ? ((const alch_binary *)n)->extra
                    : n->kind == ALCH_NODE_UNARY ? ((const alch_unary *)n)->extra : NULL;

    lua_pushstring(L, n->op == ALCH_OP_CUSTOM ? own : alch_op_text(n->op));
    return 1;
}

static int get_is_modifier(lua_State *L, const alch_node *n)
{
    lua_pushboolean(L, alch_op_is_modifier(n->op));
    return 1;
}

static int get_base(lua_State *L, const alch_node *n) { return push_child(L, alch_base_column(n)); }

static int get_table(lua_State *L, const alch_node *n)
{
    const alch_from *owner = ((const alch_column *)n)->owner;

    return push_child(L, owner != NULL ? &owner->head : NULL);
}

static int get_value(lua_State *L, const alch_node *n)
{
    alch_value_push(L, &((const alch_bind *)n)->value);
    return 1;
}

/* The values of an IN list, NULL as nil; n is their number. */
static int get_items(lua_State *L, const alch_node *n)
{
    const alch_bind *b = (const alch_bind *)n;
    uint32_t i;

    if (!(b->flags & ALCH_BIND_EXPANDING) || b->width > 1) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, (int)b->count, 1);
    for (i = 0; i < b->count; i++) {
        alch_value_push(L, &b->items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, (lua_Integer)b->count);
    lua_setfield(L, -2, "n");
    return 1;
}

/* A bound of a window's frame: nil without an end, 0 the current row, else its parameter and whether it precedes. */
static int push_bound(lua_State *L, int bound, const alch_node *value)
{
    if (bound == ALCH_BOUND_UNBOUNDED)
        lua_pushnil(L);
    else if (bound == ALCH_BOUND_CURRENT)
        lua_pushinteger(L, 0);
    else
        (void)push_child(L, value);
    lua_pushboolean(L, bound == ALCH_BOUND_PRECEDING);
    return 2;
}

static int get_lower(lua_State *L, const alch_node *n)
{
    return push_bound(L, ((const alch_over *)n)->lower_bound, ((const alch_over *)n)->lower);
}

static int get_upper(lua_State *L, const alch_node *n)
{
    return push_bound(L, ((const alch_over *)n)->upper_bound, ((const alch_over *)n)->upper);
}

static int get_frame(lua_State *L, const alch_node *n)
{
    static const char *const names[] = { NULL, "range_", "rows", "groups" };

    lua_pushstring(L, names[((const alch_over *)n)->frame]);
    return 1;
}

static int get_own_items(lua_State *L, const alch_node *n) { return push_items(L, (const alch_list *)n); }

/* }=== */

/* {=== Fields: one row each, with the kinds that have it */

/* Kinds of one struct. */
enum { ANY = ALCH_NODE_COUNT, ALIASES, WRAPS, PAIRS, SELECTS, WRITES };

typedef enum how { AS_NODE, AS_TEXT, AS_LIST, AS_FLAG, AS_NUMBER, BY_FUNCTION } how;

typedef struct getter {
    const char *what;
    uint8_t kind;
    uint8_t how;
    uint8_t size;               /* bytes of the field */
    uint16_t offset;
    uint16_t mask;              /* AS_FLAG */
    int (*push)(lua_State *L, const alch_node *n);      /* BY_FUNCTION */
} getter;

#define FIELD(what, kind, how, type, member) { what, kind, how, sizeof(((type *)NULL)->member), offsetof(type, member), 0, NULL }
#define NODE(what, kind, type, member) FIELD(what, kind, AS_NODE, type, member)
#define TEXT(what, kind, type, member) FIELD(what, kind, AS_TEXT, type, member)
#define LIST(what, kind, type, member) FIELD(what, kind, AS_LIST, type, member)
#define FLAG(what, kind, type, mask) { what, kind, AS_FLAG, sizeof(((type *)NULL)->flags), offsetof(type, flags), mask, NULL }
#define NUMBER(what, kind, type, member) FIELD(what, kind, AS_NUMBER, type, member)
#define CALL(what, kind, fn) { what, kind, BY_FUNCTION, 0, 0, 0, fn }

static const getter getters[] = {
    CALL("type", ANY, get_type), CALL("op", ANY, get_op),
    TEXT("name", ALCH_NODE_COLUMN, alch_column, name), TEXT("key", ALCH_NODE_COLUMN, alch_column, key),
    CALL("table", ALCH_NODE_COLUMN, get_table), CALL("base", ALCH_NODE_COLUMN, get_base),
    NODE("origin", ALCH_NODE_COLUMN, alch_column, origin),
    FLAG("primary_key", ALCH_NODE_COLUMN, alch_column, ALCH_COLUMN_PRIMARY_KEY),
    FLAG("is_literal", ALCH_NODE_COLUMN, alch_column, ALCH_COLUMN_LITERAL),
    TEXT("name", ALCH_NODE_TABLE, alch_table, name), TEXT("schema", ALCH_NODE_TABLE, alch_table, schema),
    TEXT("name", ALCH_NODE_LABEL, alch_label, name), NODE("element", ALCH_NODE_LABEL, alch_label, element),
    TEXT("name", ALCH_NODE_EXTRACT, alch_label, name), NODE("element", ALCH_NODE_EXTRACT, alch_label, element),
    TEXT("name", ALCH_NODE_FUNCTION, alch_function, name), TEXT("package", ALCH_NODE_FUNCTION, alch_function, package),
    NODE("element", ALCH_NODE_UNARY, alch_unary, element),
    NODE("element", ALCH_NODE_OVER, alch_over, element), NODE("element", WRAPS, alch_wrap, element),
    TEXT("name", ALIASES, alch_alias, name), NODE("element", ALIASES, alch_alias, element),
    FLAG("recursive", ALIASES, alch_alias, ALCH_ALIAS_RECURSIVE), FLAG("nesting", ALIASES, alch_alias, ALCH_ALIAS_NESTING),
    FLAG("joins_implicitly", ALIASES, alch_alias, ALCH_ALIAS_JOINS_IMPLICITLY),
    NODE("sampling", ALCH_NODE_TABLESAMPLE, alch_alias, extra), NODE("seed", ALCH_NODE_TABLESAMPLE, alch_alias, seed),
    NODE("element", ALCH_NODE_TEXT_SELECT, alch_alias, element),
    TEXT("key", ALCH_NODE_BIND, alch_bind, key), CALL("value", ALCH_NODE_BIND, get_value),
    CALL("items", ALCH_NODE_BIND, get_items), FLAG("unique", ALCH_NODE_BIND, alch_bind, ALCH_BIND_UNIQUE),
    FLAG("expanding", ALCH_NODE_BIND, alch_bind, ALCH_BIND_EXPANDING),
    FLAG("required", ALCH_NODE_BIND, alch_bind, ALCH_BIND_REQUIRED),
    FLAG("literal_execute", ALCH_NODE_BIND, alch_bind, ALCH_BIND_LITERAL),
    FLAG("callable", ALCH_NODE_BIND, alch_bind, ALCH_BIND_CALLABLE),
    TEXT("text", ALCH_NODE_TEXT, alch_text, text),
    NODE("left", ALCH_NODE_BINARY, alch_binary, left), NODE("right", ALCH_NODE_BINARY, alch_binary, right),
    CALL("op_text", ANY, get_op_text), CALL("is_modifier", ANY, get_is_modifier),
    CALL("clauses", ALCH_NODE_LIST, get_own_items), CALL("clauses", ALCH_NODE_TUPLE, get_own_items),
    NODE("left", ALCH_NODE_JOIN, alch_join, left), NODE("right", ALCH_NODE_JOIN, alch_join, right),
    NODE("onclause", ALCH_NODE_JOIN, alch_join, on), FLAG("isouter", ALCH_NODE_JOIN, alch_join, ALCH_JOIN_OUTER),
    FLAG("full", ALCH_NODE_JOIN, alch_join, ALCH_JOIN_FULL),
    NODE("first", PAIRS, alch_pair, first), NODE("second", PAIRS, alch_pair, second),
    NODE("value", ALCH_NODE_CASE, alch_case, value), LIST("whens", ALCH_NODE_CASE, alch_case, whens),
    NODE("otherwise", ALCH_NODE_CASE, alch_case, otherwise),
    LIST("partition_by", ALCH_NODE_OVER, alch_over, partition_by), LIST("order_by", ALCH_NODE_OVER, alch_over, order_by),
    TEXT("exclude", ALCH_NODE_OVER, alch_over, exclude), CALL("frame", ALCH_NODE_OVER, get_frame),
    CALL("lower", ALCH_NODE_OVER, get_lower), CALL("upper", ALCH_NODE_OVER, get_upper),
    LIST("where", SELECTS, alch_select, where), NUMBER("label_style", SELECTS, alch_select, label_style),
    LIST("where", WRITES, alch_dml, where), LIST("returning", WRITES, alch_dml, returning),
    NODE("select", WRITES, alch_dml, select), NUMBER("label_style", WRITES, alch_dml, label_style),
    FLAG("defaults_from_select", WRITES, alch_dml, ALCH_DML_DEFAULTS_FROM_SELECT)
};

#undef FIELD
#undef NODE
#undef TEXT
#undef LIST
#undef FLAG
#undef NUMBER
#undef CALL

static int is_of(const alch_node *n, int kind)
{
    switch (kind) {
    case ANY:
        return 1;
    case ALIASES:
        return alch_is_from(n) && n->kind != ALCH_NODE_TABLE && n->kind != ALCH_NODE_JOIN;
    case WRAPS:
        return n->kind == ALCH_NODE_GROUPING || n->kind == ALCH_NODE_CAST || n->kind == ALCH_NODE_TRY_CAST
            || n->kind == ALCH_NODE_TYPE_COERCE || n->kind == ALCH_NODE_SCALAR || n->kind == ALCH_NODE_TABLE_VALUED
            || n->kind == ALCH_NODE_NEXT_VALUE || n->kind == ALCH_NODE_DML_COLUMN;
    case PAIRS:
        return n->kind == ALCH_NODE_FILTER || n->kind == ALCH_NODE_WITHIN_GROUP || n->kind == ALCH_NODE_AGG_ORDER_BY;
    case SELECTS:
        return n->kind == ALCH_NODE_SELECT || n->kind == ALCH_NODE_COMPOUND;
    case WRITES:
        return alch_is_dml(n);
    default:
        return n->kind == kind;
    }
}

static unsigned number_at(const void *at, size_t size)
{
    switch (size) {
    case sizeof(uint32_t): return *(const uint32_t *)at;
    case sizeof(uint16_t): return *(const uint16_t *)at;
    default: return *(const uint8_t *)at;
    }
}

static int push_field(lua_State *L, const alch_node *n, const getter *g)
{
    const char *at = (const char *)n + g->offset;

    switch ((how)g->how) {
    case AS_NODE: return push_child(L, *(const alch_node *const *)(const void *)at);
    case AS_LIST: return push_items(L, *(const alch_list *const *)(const void *)at);
    case AS_TEXT: lua_pushstring(L, *(char *const *)(const void *)at); break;
    case AS_FLAG: lua_pushboolean(L, (number_at(at, g->size) & g->mask) != 0); break;
    case AS_NUMBER: lua_pushinteger(L, (lua_Integer)number_at(at, g->size)); break;
    case BY_FUNCTION: return g->push(L, n);
    }
    return 1;
}

/* core.get(node, "name" | "element" | "type" | "table" | ...): nil for what the node has not. */
static int l_get(lua_State *L)
{
    const alch_node *n = alch_plain_column(alch_check_node(L, 1));
    const char *what = luaL_checkstring(L, 2);
    size_t i;

    for (i = 0; i < sizeof getters / sizeof *getters; i++)
        if (is_of(n, getters[i].kind) && strcmp(getters[i].what, what) == 0)
            return push_field(L, n, &getters[i]);
    lua_pushnil(L);
    return 1;
}

/* }=== */

static int push_child_at(const alch_node *child, void *payload)
{
    lua_State *L = payload;

    alch_push_node(L, child);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return 0;
}

/* core.children(node): the expressions and parts inside, a list. */
static int l_children(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);

    lua_newtable(L);
    (void)alch_node_children(n, push_child_at, L);
    return 1;
}

/* Have the two tables at the top the same values, besides the expressions in 'clauses', which the nodes compare? */
static int same_fields(lua_State *L)
{
    int a = lua_gettop(L) - 1, same = 1, turn;

    for (turn = 0; turn < 2 && same; turn++) {      /* each must have what the other has */
        for (lua_pushnil(L); same && lua_next(L, a + turn); lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            lua_rawget(L, a + 1 - turn);
            same = lua_rawequal(L, -1, -2)
                || (lua_type(L, -3) == LUA_TSTRING && strcmp(lua_tostring(L, -3), "clauses") == 0);
            lua_pop(L, 1);
        }
        lua_settop(L, a + 1);
    }
    return same;
}

/* Objects of Lua are the same if they are one, constructs of the user's ({class, fields}) if they are of one class. */
static int same_object(const alch_host_ref *a, const alch_host_ref *b, int is_value, void *payload)
{
    lua_State *L = payload;
    int top = lua_gettop(L), same;

    alch_host_ref_push(L, a);
    alch_host_ref_push(L, b);
    same = lua_rawequal(L, -1, -2);
    if (!same && !is_value && lua_istable(L, -1) && lua_istable(L, -2)) {
        lua_rawgeti(L, -2, 1);
        lua_rawgeti(L, -2, 1);
        same = lua_istable(L, -1) && lua_rawequal(L, -1, -2);
        lua_rawgeti(L, top + 1, 2);
        lua_rawgeti(L, top + 2, 2);
        same = same && lua_istable(L, -1) && lua_istable(L, -2) && same_fields(L);
    }
    lua_settop(L, top);
    return same;
}

/* core.compare(a, b) -> do they say the same? */
static int l_compare(lua_State *L)
{
    int same;
    alch_err err;

    luaL_checkstack(L, 16, "compare");
    alch_check(L, alch_node_compare(alch_check_node(L, 1), alch_check_node(L, 2), same_object, L, &same, &err), &err);
    lua_pushboolean(L, same);
    return 1;
}

static const luaL_Reg functions[] = {
    { "get", l_get },
    { "children", l_children },
    { "compare", l_compare },
    { NULL, NULL }
};

void alch_open_getters(lua_State *L);

void alch_open_getters(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
