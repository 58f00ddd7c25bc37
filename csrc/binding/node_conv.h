#ifndef ALCH_BINDING_NODE_CONV_H
#define ALCH_BINDING_NODE_CONV_H

#include <lauxlib.h>
#include <lua.h>

#include "expr/node.h"

/*
** Nodes as Lua values: a userdata that owns one reference. Its metatable is
** its class's, registered by kind (core.set_class); tables and columns of a
** schema have one canonical Lua object each (core.set_object), found again
** from the node.
**
** What stands for a node in Lua: such a userdata; a table with the field
** _node (a schema Table, a mapper's class); anything whose metatable has the
** method __clause_element__.
*/
typedef struct alch_node_ref {
    const void *tag;            /* what tells our userdata from others */
    const alch_node *node;      /* NULL: still empty, or closed */
} alch_node_ref;

/* Pushes an empty reference of a kind, to be filled by the core: whatever is
** put there is dropped with it. */
alch_node_ref *alch_push_node_slot(lua_State *L, int kind);

/* The same for functions that are called often: they have the table of classes,
** which the first pushes, among their upvalues. 'classes': where it is. */
void alch_push_classes(lua_State *L);
alch_node_ref *alch_push_node_of(lua_State *L, int classes, int kind);

/* Pushes the class of the node's userdata at 'idx', which is its metatable unless
** it was only noted (binding/pending.h): what owns a node needs the class's finalizer. */
void alch_push_class(lua_State *L, int idx);

/* The same with the metatable (the class) of the userdata at 'idx'. */
alch_node_ref *alch_push_node_like(lua_State *L, int idx);

/* Pushes the Lua object of a node that somebody else holds: the canonical
** one, or a new reference. */
void alch_push_node(lua_State *L, const alch_node *n);

/* The node that the value at 'idx' stands for, lent, or NULL. May replace the
** value at 'idx' by the userdata it stands for (an ORM attribute by its
** column), so that the node lives as long as that stack slot. */
const alch_node *alch_to_node(lua_State *L, int idx);

/* The same without looking further than a userdata: the fast path. Raises only
** where a statement has to be written out. */
static inline alch_node_ref *alch_test_node_ref(lua_State *L, int idx);

/* The reference itself; ArgumentError if there is none at 'idx'. */
alch_node_ref *alch_check_node_ref(lua_State *L, int idx);
const alch_node *alch_check_node(lua_State *L, int idx);
const alch_node *alch_check_kind(lua_State *L, int idx, int kind);

/* "a table", "the number 5", "a Column": for messages; may push one value. */
const char *alch_describe(lua_State *L, int idx);

/* The kind of node that the string at 'idx' names. */
int alch_kind_at(lua_State *L, int idx);

/* The string at 'idx', which the core keeps as text that ends with a zero byte:
** one inside is refused (ArgumentError), as is what is no string. The second
** gives 'otherwise' for nil. */
const char *alch_check_text(lua_State *L, int idx);
const char *alch_opt_text(lua_State *L, int idx, const char *otherwise);

/* Where refs are told from other userdata: the address, not the value. */
extern const char alch_node_tag, alch_note_tag;

/* Makes the statement that was only noted at 'idx' (binding/pending.h). Raises. */
alch_node_ref *alch_write_out(lua_State *L, int idx);

static inline alch_node_ref *alch_test_node_ref(lua_State *L, int idx)
{
    alch_node_ref *r = lua_touserdata(L, idx);

    if (r == NULL || lua_rawlen(L, idx) < sizeof *r)
        return NULL;
    return r->tag == &alch_node_tag ? r : r->tag == &alch_note_tag ? alch_write_out(L, idx) : NULL;
}

/* The node in 'slot', no longer the slot's. */
static inline const alch_node *alch_take_node(alch_node_ref *slot)
{
    const alch_node *n = slot->node;

    slot->node = NULL;
    return n;
}

#endif
