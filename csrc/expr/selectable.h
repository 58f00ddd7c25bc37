#ifndef ALCH_EXPR_SELECTABLE_H
#define ALCH_EXPR_SELECTABLE_H

#include "expr/names.h"
#include "expr/node.h"

/*
** What a FROM offers and what an expression needs: the columns of tables,
** aliases, joins and subqueries; the FROM objects an expression refers to.
**
** Derived columns are made once, when first asked for; they live in their
** alias or subquery and are lent.
*/
typedef struct alch_nodes {         /* a list in an arena */
    alch_arena *arena;
    const alch_node **at;
    size_t len, size;
    int failed;
} alch_nodes;

void alch_nodes_add(alch_nodes *list, const alch_node *n);
int alch_nodes_has(const alch_nodes *list, const alch_node *n);
void alch_nodes_add_new(alch_nodes *list, const alch_node *n);      /* unless it is there */

int alch_is_from(const alch_node *n);
int alch_is_statement(const alch_node *n);      /* SELECT, COMPOUND, TEXT_SELECT */
int alch_is_dml(const alch_node *n);

/* Makes the columns of a derived FROM; no-op for others and the second time. */
int alch_from_derive(const alch_node *from, alch_err *err);

/* Gives a copy of VALUES, text or a function as a table the columns that the original was given; of others they derive. */
int alch_from_copy_given(alch_node *copy, const alch_node *original, alch_err *err);

/* Where the columns are that a statement's table can be assigned by name; none
** for a join. Derived already. */
const alch_from *alch_target_columns(const alch_node *table);

/* The columns of any FROM in order (a join's: left, then right). */
int alch_from_columns(const alch_node *from, alch_nodes *out, alch_err *err);

/* What a statement selects (or returns), tables replaced by their columns. */
int alch_selected_columns(const alch_node *statement, alch_nodes *out, alch_err *err);
/* The same with a mapped class's keys beside its columns (LABEL_NAMEs; NULL: the column's own). */
int alch_selected_keys(const alch_node *statement, alch_nodes *out, alch_nodes *keys, alch_err *err);
/* How the columns of a statement are labelled; a compound's are as its first member's, unless it says so itself. */
int alch_label_style_of(const alch_node *statement);
int alch_expand_columns(const alch_list *columns, alch_nodes *out, alch_err *err);

/* The FROM objects an expression refers to, in order, repeated ones too. */
void alch_from_objects(const alch_node *n, alch_nodes *out);
/* The same for what a SELECT lists. A mapped class has a FROM of its own, which
** stands for those of its columns unless select_from() gave others. */
void alch_listed_froms(const alch_select *s, alch_nodes *out);
/* What the listed columns alone come from, whatever select_from() gave. */
void alch_columns_froms(const alch_select *s, alch_nodes *out);

/* What a FROM hides when it stands in a FROM list: a join its members. */
void alch_hidden_froms(const alch_node *from, alch_nodes *out);

/* The schema column behind a (derived) column, or the column itself. */
const alch_node *alch_base_column(const alch_node *n);

/* 1 if two columns come from one (shares_lineage). */
int alch_shares_lineage(const alch_node *a, const alch_node *b);

/* A name for messages: "users", "u", "a join". */
const char *alch_from_label(const alch_node *from, char *buf, size_t size);

#endif
