/* What goes with a statement: prefixes, suffixes, hints, CTEs, clauses of a program's own. */
#include <string.h>

#include "base/alloc.h"
#include "binding/bind.h"
#include "binding/expr_conv.h"
#include "binding/node_conv.h"
#include "expr/selectable.h"

/* core.hint(element | nil, text | nil, dialect | nil) */
static int l_hint(lua_State *L)
{
    const char *text = alch_opt_text(L, 2, NULL), *dialect = alch_opt_text(L, 3, NULL);
    alch_node_ref *slot;
    alch_hint *h;
    alch_err err;

    if (text == NULL && lua_isnoneornil(L, 1))
        return alch_raisef(L, ALCH_ERR_ARGUMENT, "a prefix, suffix or hint is text or an expression, got nil");
    slot = alch_push_node_slot(L, ALCH_NODE_HINT);
    h = alch_node_new(ALCH_NODE_HINT, &err);
    if (h == NULL)
        return alch_raise(L, &err);
    slot->node = &h->head;
    if (!lua_isnoneornil(L, 1))
        alch_check(L, alch_node_set(h, &h->element, alch_node_keep(alch_check_node(L, 1)), &err), &err);
    h->text = text != NULL ? alch_strdup(text) : NULL;
    h->dialect = dialect != NULL ? alch_strdup(dialect) : NULL;
    if ((text != NULL && h->text == NULL) || (dialect != NULL && h->dialect == NULL))
        return alch_raisef(L, ALCH_ERR_NOMEM, "out of memory");
    return 1;
}

/* The list field of a statement that 'name' says. */
static const alch_list **list_field(alch_node *n, const char *name)
{
    alch_select *s = (alch_select *)n;
    alch_dml *d = (alch_dml *)n;
    alch_alias *a = (alch_alias *)n;
    int dml = alch_is_dml(n), select = n->kind == ALCH_NODE_SELECT || n->kind == ALCH_NODE_COMPOUND;

    if (strcmp(name, "prefixes") == 0)
        return dml ? &d->prefixes : select ? &s->prefixes : n->kind == ALCH_NODE_CTE ? (const alch_list **)(void *)&a->extra : NULL;
    if (strcmp(name, "suffixes") == 0)
        return select ? &s->suffixes : n->kind == ALCH_NODE_CTE ? (const alch_list **)(void *)&a->seed : NULL;
    if (strcmp(name, "hints") == 0)
        return dml ? &d->hints : select ? &s->hints : NULL;
    if (strcmp(name, "statement_hints") == 0)
        return select ? &s->statement_hints : NULL;
    if (strcmp(name, "ctes") == 0)
        return dml ? &d->ctes : select ? &s->ctes
            : n->kind == ALCH_NODE_TEXT_SELECT || n->kind == ALCH_NODE_VALUES ? &a->ctes : NULL;
    if (strcmp(name, "froms") == 0)
        return dml ? &d->froms : select ? &s->froms : NULL;
    if (strcmp(name, "extensions") == 0)
        return dml ? &d->extensions : n->kind == ALCH_NODE_SELECT ? &s->extensions : NULL;
    return NULL;
}

/* What the lists of a statement hold: CTEs (perhaps in a hint that says where), hints, FROMs. */
static void check_member(lua_State *L, int idx, const char *list)
{
    const alch_node *n = alch_check_node(L, idx);
    const alch_node *inner = n->kind == ALCH_NODE_HINT ? ((const alch_hint *)n)->element : n;

    if (strcmp(list, "froms") == 0)
        (void)alch_check_from(L, idx, "using");
    else if (strcmp(list, "ctes") == 0 ? inner == NULL || inner->kind != ALCH_NODE_CTE : n->kind != ALCH_NODE_HINT)
        alch_raisef(L, ALCH_ERR_ARGUMENT, "%s expected among the %s of a statement, got %s",
                    strcmp(list, "ctes") == 0 ? "a CTE" : "a hint", list, alch_describe(L, idx));
}

/* Sets a list of a statement that only the caller sees to 'from' and the nodes from 'first' to 'last' on the stack. */
static void set_list(lua_State *L, alch_node *statement, const alch_list **field, const alch_list *from, int first, int last)
{
    alch_node_ref *slot = alch_push_node_slot(L, ALCH_NODE_LIST);
    alch_list *l;
    alch_err err;
    int i;

    alch_check(L, alch_list_extend(from, ALCH_OP_COMMA, (size_t)(last >= first ? last - first + 1 : 0), &l, &err), &err);
    slot->node = &l->head;
    for (i = first; i <= last; i++)
        alch_check(L, alch_list_push(l, alch_node_keep(alch_check_node(L, i)), &err), &err);
    alch_check(L, alch_node_set(statement, field, l->count > 0 ? alch_take_node(slot) : NULL, &err), &err);
    lua_pop(L, 1);
}

/* Pushes a copy of the statement at 1, of the same class. */
static alch_node *push_copy(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    alch_node_ref *slot = alch_push_node_like(L, 1);
    alch_node *copy;
    alch_err err;

    alch_check(L, alch_node_copy(n, &copy, &err), &err);
    slot->node = copy;
    return copy;
}

/* core.statement_add(stmt, field, node, ...): appends to prefixes, hints, ctes ... */
static int l_statement_add(lua_State *L)
{
    const alch_node *n = alch_check_node(L, 1);
    const char *name = alch_check_text(L, 2);
    int i, top = lua_gettop(L);
    const alch_list **field;
    alch_node *copy;

    for (i = 3; i <= top; i++)
        check_member(L, i, name);
    copy = push_copy(L);
    field = list_field(copy, name);
    if (field == NULL)
        return alch_raisef(L, ALCH_ERR_INVALID, "a %s takes no %s", alch_node_class(n->kind), name);
    set_list(L, copy, field, *field, 3, top);
    return 1;
}

/* core.statement_extensions(stmt) -> the hints that hold a program's own clauses, with their positions: { {position, clause}, ... } */
static int l_extensions(lua_State *L)
{
    const alch_list **field = list_field((alch_node *)(uintptr_t)alch_check_node(L, 1), "extensions");
    const alch_list *l = field != NULL ? *field : NULL;
    uint32_t i;

    lua_createtable(L, (int)alch_list_len(l), 0);
    for (i = 0; i < alch_list_len(l); i++) {
        const alch_hint *h = (const alch_hint *)l->items[i];

        lua_createtable(L, 2, 0);
        lua_pushstring(L, h->text);
        lua_rawseti(L, -2, 1);
        alch_push_node(L, h->element);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* core.statement_extend(stmt, hint, ...): a copy with these clauses of a program's own instead of those it has */
static int l_extend(lua_State *L)
{
    int i, top = lua_gettop(L);
    const alch_list **field;
    alch_node *copy;

    for (i = 2; i <= top; i++)
        check_member(L, i, "extensions");
    copy = push_copy(L);
    field = list_field(copy, "extensions");
    if (field == NULL)
        return alch_raisef(L, ALCH_ERR_INVALID, "a %s takes no clauses of one's own", alch_node_class(copy->kind));
    set_list(L, copy, field, NULL, 2, top);
    return 1;
}

static const luaL_Reg functions[] = {
    { "hint", l_hint },
    { "statement_add", l_statement_add },
    { "statement_extensions", l_extensions },
    { "statement_extend", l_extend },
    { NULL, NULL }
};

void alch_open_hint(lua_State *L);

void alch_open_hint(lua_State *L)
{
    luaL_setfuncs(L, functions, 0);
}
