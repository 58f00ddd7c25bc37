#ifndef ALCH_BASE_TOPO_H
#define ALCH_BASE_TOPO_H

#include <stddef.h>

#include "base/err.h"

/*
** Topological sort that is stable: items keep their order where no edge
** says otherwise. Items are the numbers 0..n-1.
*/
typedef struct alch_edge {
    size_t before, after;
} alch_edge;

/* Writes the order into 'out' (room for n). With a cycle: ALCH_ERR_CYCLE,
** and 'out' holds, up to '*count', the items on cycles or behind them; else
** '*count' is n. Edges from an item to itself are ignored. */
int alch_topo_sort(size_t n, const alch_edge *edges, size_t edge_count,
                   size_t *out, size_t *count, alch_err *err);

#endif
