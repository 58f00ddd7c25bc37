/* The visitor of every kind of node, once: no slot is empty. */
#include "compile/compiler.h"

/* Parts of statements are read by their statement's visitor. */
void alch_visit_part(alch_compiler *c, const alch_node *n, unsigned flags)
{
    const alch_hint *h = (const alch_hint *)n;

    if (n->kind == ALCH_NODE_HINT && h->element != NULL)
        alch_compile_node(c, h->element, flags);
    else
        alch_compile_fail(c, ALCH_ERR_COMPILE, "a %s is only part of a statement", alch_node_class(n->kind));
}

/* An attribute of a mapped class inside an expression. */
static void visit_entity(alch_compiler *c, const alch_node *n, unsigned flags)
{
    alch_compile_node(c, &((const alch_custom *)n)->clauses->head, flags);
}

const alch_visitor alch_standard_visitors[ALCH_NODE_COUNT] = {
    [ALCH_NODE_COLUMN] = alch_visit_column,
    [ALCH_NODE_BIND] = alch_visit_bind,
    [ALCH_NODE_NULL] = alch_visit_null,
    [ALCH_NODE_TRUE] = alch_visit_true,
    [ALCH_NODE_FALSE] = alch_visit_false,
    [ALCH_NODE_BINARY] = alch_visit_binary,
    [ALCH_NODE_UNARY] = alch_visit_unary,
    [ALCH_NODE_LIST] = alch_visit_list,
    [ALCH_NODE_TUPLE] = alch_visit_tuple,
    [ALCH_NODE_ARRAY] = alch_visit_array,
    [ALCH_NODE_GROUPING] = alch_visit_grouping,
    [ALCH_NODE_LABEL] = alch_visit_label,
    [ALCH_NODE_LABEL_NAME] = alch_visit_label_name,
    [ALCH_NODE_FUNCTION] = alch_visit_function,
    [ALCH_NODE_FUNC_COLUMN] = alch_visit_func_column,
    [ALCH_NODE_OVER] = alch_visit_over,
    [ALCH_NODE_FILTER] = alch_visit_filter,
    [ALCH_NODE_WITHIN_GROUP] = alch_visit_within_group,
    [ALCH_NODE_AGG_ORDER_BY] = alch_visit_agg_order_by,
    [ALCH_NODE_CASE] = alch_visit_case,
    [ALCH_NODE_CAST] = alch_visit_cast,
    [ALCH_NODE_TRY_CAST] = alch_visit_cast,
    [ALCH_NODE_TYPE_COERCE] = alch_visit_type_coerce,
    [ALCH_NODE_EXTRACT] = alch_visit_extract,
    [ALCH_NODE_COLLATION] = alch_visit_collation,
    [ALCH_NODE_SLICE] = alch_visit_slice,
    [ALCH_NODE_TEXT] = alch_visit_text,
    [ALCH_NODE_SCALAR] = alch_visit_scalar,
    [ALCH_NODE_TABLE_VALUED] = alch_visit_table_valued,
    [ALCH_NODE_NEXT_VALUE] = alch_visit_next_value,
    [ALCH_NODE_SEQUENCE] = alch_visit_sequence,
    [ALCH_NODE_DML_COLUMN] = alch_visit_dml_column,
    [ALCH_NODE_CALLABLE] = alch_visit_callable,
    [ALCH_NODE_CUSTOM] = alch_visit_custom,
    [ALCH_NODE_ENTITY] = visit_entity,
    [ALCH_NODE_TABLE] = alch_visit_table,
    [ALCH_NODE_ALIAS] = alch_visit_alias,
    [ALCH_NODE_SUBQUERY] = alch_visit_alias,
    [ALCH_NODE_LATERAL] = alch_visit_alias,
    [ALCH_NODE_CTE] = alch_visit_cte,
    [ALCH_NODE_TABLESAMPLE] = alch_visit_tablesample,
    [ALCH_NODE_TABLE_ALIAS] = alch_visit_alias,
    [ALCH_NODE_VALUES] = alch_visit_values,
    [ALCH_NODE_JOIN] = alch_visit_join,
    [ALCH_NODE_SELECT] = alch_visit_select,
    [ALCH_NODE_COMPOUND] = alch_visit_compound,
    [ALCH_NODE_TEXT_SELECT] = alch_visit_text_select,
    [ALCH_NODE_INSERT] = alch_visit_insert,
    [ALCH_NODE_UPDATE] = alch_visit_update,
    [ALCH_NODE_DELETE] = alch_visit_delete,
    [ALCH_NODE_ASSIGN] = alch_visit_part,
    [ALCH_NODE_CONFLICT] = alch_visit_conflict,
    [ALCH_NODE_LOCK] = alch_visit_lock,
    [ALCH_NODE_HINT] = alch_visit_part
};
