#ifndef ALCH_COMPILE_ASSIGNMENTS_H
#define ALCH_COMPILE_ASSIGNMENTS_H

#include "compile/compiler.h"

/*
** What an INSERT or UPDATE sets: first which columns, from the values given,
** the parameters to come and the columns' defaults; then each of their values
** is written. In the arena of the compile.
*/
typedef struct alch_assignment {
    const alch_node *target;        /* a COLUMN, or an expression (data['x']) */
    const alch_node *value;         /* NULL: a parameter of the column's name */
    uint32_t param;                 /* its parameter once it has one; UINT32_MAX */
    uint8_t how;                    /* ALCH_FILL_... of a parameter */
} alch_assignment;

typedef struct alch_assignments {
    alch_assignment *at;
    size_t len, size;
} alch_assignments;

void alch_assign(alch_compiler *c, alch_assignments *a, const alch_node *target, const alch_node *value, int how);

/* What values{} gave the column, or NULL. */
const alch_node *alch_given_value(const alch_list *row, const alch_column *column);

/* The columns of an INSERT's row; all that an UPDATE sets, in the order of its table or of ordered_values(). */
void alch_choose_columns(alch_compiler *c, const alch_dml *d, const alch_list *row, alch_assignments *a);
void alch_choose_updates(alch_compiler *c, const alch_dml *d, alch_assignments *a);

/* 'row' counts those of an INSERT with several, whose parameters are called name_m0, name_m1; -1: there is one. */
void alch_put_value(alch_compiler *c, alch_assignment *a, int row, unsigned flags);
void alch_put_target(alch_compiler *c, const alch_assignment *a, unsigned flags);

/* What executing has to fill in: room for 'n' (0: memory ran out), and one more. */
int alch_reserve_fills(alch_compiler *c, size_t n);
void alch_remember_fill(alch_compiler *c, const alch_assignment *a, uint32_t param);

#endif
