/* Aliases, subqueries, CTEs, VALUES as Lua builds them; the columns and FROMs of them. */
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/node_conv.h"
#include "binding/value_conv.h"
#include "expr/build.h"
#include "expr/names.h"
#include "expr/reads.h"
#include "expr/selectable.h"
#include "schema/table.h"

static alch_list *extend(lua_State *L, const alch_list *from, int op, int room, alch_node_ref **slot)
{
    alch_list *l;
    alch_err err;

    *slot = alch_push_node_slot(L, ALCH_NODE_LIST);
    alch_check(L, alch_list_extend(from, op, (size_t)room, &l, &err), &err);
    (*slot)->node = &l->head;
    return l;
}

static void push_item(lua_State *L, alch_list *l, const alch_node *item)
{
    alch_err err;

    alch_check(L, alch_list_push(l, item, &err), &err);
}

/* -- aliases and relatives -------------------------------------------------------------- */

/* What an anonymous alias's name is made from: the name of what it is of. */
static const char *base_of(const alch_node *n)
{
    if (n->kind == ALCH_NODE_TABLE)
        return ((const alch_table *)n)->name;
    if (n->kind == ALCH_NODE_CTE || n->kind == ALCH_NODE_ALIAS || n->kind == ALCH_NODE_TABLESAMPLE || n->kind == ALCH_NODE_VALUES
        || n->kind == ALCH_NODE_SUBQUERY)
        return ((const alch_alias *)n)->name;
    return NULL;
}

/* Gives the alias its name; without one an anonymous name. */
static int name_alias(alch_alias *a, const char *name, const alch_node *element, alch_err *err)
{
    alch_arena arena;
    alch_namer nm = { &arena, 0 };

    alch_arena_init(&arena);
    if (name == NULL) {
        const char *base = base_of(element);

        if (base != NULL && alch_name_is_anon(base))
            base = NULL;
        name = alch_name_anon(&nm, a, 0, base);
        a->flags |= ALCH_ALIAS_ANON;
    }
    a->name = name != NULL ? alch_strdup(name) : NULL;
    alch_arena_release(&arena);
    return a->name != NULL ? ALCH_OK : alch_err_nomem(err);
}

/* core.alias(kind, element, name | nil, flags | nil) */
static int l_alias(lua_State *L)
{
    int kind = alch_kind_at(L, 1);
    const alch_node *element = alch_check_node(L, 2);
    const char *name = alch_opt_text(L, 3, NULL);
    alch_node_ref *slot;
    alch_alias *a;
    alch_err err;

    lua_settop(L, 4);
    slot = alch_push_node_slot(L, kind);
    a = alch_node_new(kind, &err);
    if (a == NULL)
        return alch_raise(L, &err);
    slot->node = &a->from.head;
    a->flags = (uint32_t)luaL_optinteger(L, 4, 0);
    alch_check(L, name_alias(a, name, element, &err), &err);
    alch_check(L, alch_node_set(a, &a->element, alch_node_keep(element), &err), &err);
    return 1;
}

/* Which kinds of nodes are alch_alias. */
static const unsigned char is_alias[] = {
#define ALCH_NODE(KIND, type, class) _Generic((type *)0, alch_alias *: 1, default: 0),
#include "expr/nodes.def"
#undef ALCH_NODE
};

static const alch_alias *check_alias(lua_State *L, int idx)
{
    const alch_node *n = alch_check_node(L, idx);

    if (!is_alias[n->kind])
        alch_raisef(L, ALCH_ERR_ARGUMENT, "an alias, subquery, CTE or VALUES expected as argument %d, got %s", idx,
                    alch_describe(L, idx));
    return (const alch_alias *)n;
}

/* The string on the top takes the place of a text of a node. */
static void replace_text(lua_State *L, char **text, const char *what)
{
    char *copy;

    if (lua_type(L, -1) != LUA_TSTRING)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "the %s of an alias is a string, got %s", what, alch_describe(L, -1));
    copy = alch_strdup(alch_check_text(L, -1));
    if (copy == NULL)
        alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    alch_free(*text);
    *text = copy;
}

/* core.alias_set(alias, {name=, flags=, element=, restates=, cte_of=, extra=, seed=, prefix=, type=}): a copy. */
static int l_alias_set(lua_State *L)
{
    static const struct { const char *name; size_t offset; } fields[] = {
        { "element", offsetof(alch_alias, element) }, { "restates", offsetof(alch_alias, restates) },
        { "cte_of", offsetof(alch_alias, cte_of) }, { "extra", offsetof(alch_alias, extra) },
        { "seed", offsetof(alch_alias, seed) }
    };
    const alch_node *n = &check_alias(L, 1)->from.head;
    alch_node_ref *slot;
    alch_alias *a;
    size_t i;
    alch_err err;

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    slot = alch_push_node_like(L, 1);
    alch_check(L, alch_node_copy(n, &a, &err), &err);
    slot->node = &a->from.head;
    for (i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (lua_getfield(L, 2, fields[i].name) != LUA_TNIL)
            alch_check(L, alch_node_set(a, (char *)a + fields[i].offset, alch_node_keep(alch_check_node(L, -1)), &err), &err);
        lua_pop(L, 1);
    }
    lua_getfield(L, 2, "flags");
    a->flags |= (uint32_t)luaL_optinteger(L, -1, 0);
    lua_getfield(L, 2, "clear");
    a->flags &= ~(uint32_t)luaL_optinteger(L, -1, 0);
    if (lua_getfield(L, 2, "anonymous") != LUA_TNIL) {
        alch_free(a->name);
        a->name = NULL;
        alch_check(L, name_alias(a, NULL, alch_check_node(L, -1), &err), &err);
    }
    lua_getfield(L, 2, "alone");        /* no alias of a CTE any more */
    if (lua_toboolean(L, -1))
        alch_check(L, alch_node_set(a, &a->cte_of, NULL, &err), &err);
    if (lua_getfield(L, 2, "prefix") != LUA_TNIL)
        replace_text(L, &a->prefix, "prefix");
    if (lua_getfield(L, 2, "name") != LUA_TNIL) {
        replace_text(L, &a->name, "name");
        a->flags &= ~(uint32_t)(ALCH_ALIAS_ANON | ALCH_ALIAS_UNNAMED);
    }
    lua_settop(L, 3);
    return 1;
}

/* A column called as the one on the top, or as the label there, and of its type. */
static int column_like(lua_State *L, alch_column **out, alch_err *err)
{
    const alch_node *n = alch_to_node(L, lua_gettop(L));
    const alch_column *given = (const alch_column *)n;
    const alch_label *label = (const alch_label *)n;

    if (n != NULL && n->kind == ALCH_NODE_LABEL && label->name != NULL && !label->anon)
        return alch_column_new(label->name, NULL, alch_node_type(n), 0, out, err);
    if (n == NULL || n->kind != ALCH_NODE_COLUMN)
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "a column or a label with a name is expected, got %s", alch_describe(L, -1));
    return alch_column_new(given->name, given->key, n->type, given->flags & ~(uint32_t)ALCH_COLUMN_LITERAL, out, err);
}

/* core.alias_columns(alias, {column, ...}): a fresh alias gets its columns (VALUES, functions, text). Those of text stand
** for the given ones, which its 'extra' keeps alive. */
static int l_alias_columns(lua_State *L)
{
    alch_alias *alias = (alch_alias *)(uintptr_t)check_alias(L, 1);
    alch_from *f = &alias->from;
    lua_Integer i, n = luaL_len(L, 2);
    alch_column *c;
    alch_err err;

    for (i = 1; i <= n; i++) {
        lua_geti(L, 2, i);
        alch_check(L, column_like(L, &c, &err), &err);
        if (f->head.kind == ALCH_NODE_TEXT_SELECT && alias->extra != NULL)
            c->origin = alch_to_node(L, lua_gettop(L));
        if (alch_from_append(f, c, &err) != ALCH_OK) {
            alch_node_drop(c);
            return alch_raise(L, &err);
        }
        f->head.refs--;     /* the maker's reference to the column, which became one to us */
        lua_pop(L, 1);
    }
    f->columns_made = 1;
    lua_settop(L, 1);
    return 1;
}

/* core.rows(values, {{...}, ...}): VALUES with more rows, a copy with the same columns. */
static int l_rows(lua_State *L)
{
    const alch_alias *v = (const alch_alias *)alch_check_kind(L, 1, ALCH_NODE_VALUES);
    lua_Integer i, k, n = luaL_len(L, 2), width;
    alch_node_ref *list, *row_slot, *item;
    alch_list *rows, *row;
    alch_err err;

    lua_settop(L, 2);
    rows = extend(L, (const alch_list *)v->element, ALCH_OP_COMMA, (int)n, &list);
    item = alch_push_node_slot(L, ALCH_NODE_BIND);
    for (i = 1; i <= n; i++) {
        lua_geti(L, 2, i);
        if (!alch_is_plain_table(L, -1))
            return alch_raisef(L, ALCH_ERR_ARGUMENT, "row %d of data{} is %s, expected a list", (int)i, alch_describe(L, -1));
        width = luaL_len(L, -1);
        if (width != (lua_Integer)v->from.column_count)
            return alch_raisef(L, ALCH_ERR_ARGUMENT, "row %d of data{} has %d values, the columns are %d", (int)i,
                               (int)width, (int)v->from.column_count);
        row_slot = alch_push_node_slot(L, ALCH_NODE_TUPLE);
        row = alch_list_new(ALCH_NODE_TUPLE, ALCH_OP_COMMA, (size_t)width, &err);
        if (row == NULL)
            return alch_raise(L, &err);
        row_slot->node = &row->head;
        for (k = 1; k <= width; k++) {
            const alch_type *t = v->from.columns[k - 1]->head.type;

            lua_geti(L, -2, k);
            alch_value_node(L, lua_gettop(L), t != NULL && t->family != ALCH_FAMILY_NULL ? t : NULL, &item->node);
            if (item->node->kind == ALCH_NODE_BIND && item->node->type == NULL)
                alch_node_set_type((alch_node *)(uintptr_t)item->node,
                                   alch_type_of_value(((const alch_bind *)item->node)->value.kind));
            alch_check(L, alch_list_push(row, alch_take_node(item), &err), &err);
            lua_pop(L, 1);
        }
        push_item(L, rows, alch_take_node(row_slot));
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return 1;   /* the LIST of rows */
}

/* -- reading ------------------------------------------------------------------------------ */

static int push_columns(lua_State *L, const alch_nodes *found, alch_arena *arena, int rc, const alch_err *err)
{
    size_t i;

    if (rc != ALCH_OK) {
        alch_arena_release(arena);
        return alch_raise(L, err);
    }
    lua_createtable(L, (int)found->len, 0);
    for (i = 0; i < found->len; i++) {
        alch_push_node(L, found->at[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    alch_arena_release(arena);
    return 1;
}

/* core.from_columns(from | statement): a list of its columns. */
static int l_from_columns(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    alch_arena *arena = alch_push_arena(L);
    alch_nodes found = { arena, NULL, 0, 0, 0 };
    alch_err err;
    int rc = alch_is_from(n) || n->kind == ALCH_NODE_TEXT_SELECT ? alch_from_columns(n, &found, &err)
                                                                 : alch_selected_columns(n, &found, &err);

    return push_columns(L, &found, arena, rc, &err);
}

/* core.column_keys(statement or join): the keys under which .c has its columns, a list; false for none. */
static int l_column_keys(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    alch_arena *arena = alch_push_arena(L);
    alch_nodes found = { arena, NULL, 0, 0, 0 }, keys = found;
    alch_namer nm = { arena, 0 };
    alch_named_column *named = NULL;
    int style = n->kind == ALCH_NODE_JOIN ? ALCH_LABELS_TABLENAME_PLUS_COL : ALCH_LABELS_DEFAULT;
    size_t i;
    alch_err err;
    int rc = alch_selected_keys(n, &found, &keys, &err);

    if (n->kind == ALCH_NODE_SELECT || n->kind == ALCH_NODE_COMPOUND)
        style = ((const alch_select *)n)->label_style;
    if (rc == ALCH_OK)
        rc = alch_name_keyed_columns(&nm, found.at, keys.at, found.len, style, 0, &named, &err);
    if (rc != ALCH_OK)
        return alch_raise(L, &err);
    lua_createtable(L, (int)found.len, 0);
    for (i = 0; i < found.len; i++) {
        if (named[i].key != NULL)
            lua_pushstring(L, named[i].key);
        else
            lua_pushboolean(L, 0);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* core.froms(select): what it selects from, as far as said or implied. */
static int l_froms(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    alch_arena *arena = alch_push_arena(L);
    alch_nodes found = { arena, NULL, 0, 0, 0 }, distinct = found;
    alch_err err;
    size_t i;
    uint32_t k;

    if (n->kind == ALCH_NODE_SELECT) {
        const alch_select *s = (const alch_select *)n;

        for (k = 0; k < alch_list_len(s->froms); k++)
            alch_nodes_add(&found, s->froms->items[k]);
        for (k = 0; k < alch_list_len(s->joins); k++)
            alch_from_objects(((const alch_join *)s->joins->items[k])->right, &found);
        alch_listed_froms(s, &found);
        for (k = 0; k < alch_list_len(s->where); k++)
            alch_from_objects(s->where->items[k], &found);
    } else
        alch_from_objects(n, &found);
    for (i = 0; i < found.len; i++)
        alch_nodes_add_new(&distinct, found.at[i]);
    return push_columns(L, &distinct, arena, arena->failed ? alch_err_nomem(&err) : ALCH_OK, &err);
}

/* core.only_reads(statement) -> boolean */
static int l_only_reads(lua_State *L)
{
    int reads;
    alch_err err;

    if (alch_only_reads(alch_check_node(L, 1), &reads, &err) != ALCH_OK)
        return alch_raise(L, &err);
    lua_pushboolean(L, reads);
    return 1;
}

static const luaL_Reg functions[] = {
    { "alias", l_alias },
    { "alias_set", l_alias_set },
    { "alias_columns", l_alias_columns },
    { "rows", l_rows },
    { "from_columns", l_from_columns },
    { "column_keys", l_column_keys },
    { "froms", l_froms },
    { "only_reads", l_only_reads },
    { NULL, NULL }
};

void alch_open_alias(lua_State *L);

void alch_open_alias(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
