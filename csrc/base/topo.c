#include "base/topo.h"

#include <string.h>

#include "base/alloc.h"

static void count_edges(const alch_edge *edges, size_t edge_count, size_t *waiting, size_t *start)
{
    size_t i;

    for (i = 0; i < edge_count; i++)
        if (edges[i].before != edges[i].after) {
            waiting[edges[i].after]++;
            start[edges[i].before + 1]++;
        }
}

/* Kahn's algorithm over adjacency lists; the ready set is a binary heap of
** item numbers, which is what keeps the order stable. */
typedef struct heap { size_t *at, len; } heap;

static void heap_push(heap *h, size_t x)
{
    size_t i = h->len++;

    for (; i > 0 && h->at[(i - 1) / 2] > x; i = (i - 1) / 2)
        h->at[i] = h->at[(i - 1) / 2];
    h->at[i] = x;
}

static size_t heap_pop(heap *h)
{
    size_t top = h->at[0], x = h->at[--h->len], i = 0;

    for (;;) {
        size_t kid = 2 * i + 1;

        if (kid >= h->len)
            break;
        if (kid + 1 < h->len && h->at[kid + 1] < h->at[kid])
            kid++;
        if (h->at[kid] >= x)
            break;
        h->at[i] = h->at[kid];
        i = kid;
    }
    h->at[i] = x;
    return top;
}

int alch_topo_sort(size_t n, const alch_edge *edges, size_t edge_count,
                   size_t *out, size_t *count, alch_err *err)
{
    /* waiting[n], start[n + 1], fill[n], ready[n], target[edge_count] */
    size_t *memory = alch_alloc0((4 * n + 1 + edge_count) * sizeof *memory);
    size_t *waiting, *start, *fill, *target, i, done = 0;
    heap ready;

    if (memory == NULL)
        return alch_err_nomem(err);
    waiting = memory;
    start = waiting + n;
    fill = start + n + 1;
    ready = (heap){ fill + n, 0 };
    target = fill + 2 * n;
    count_edges(edges, edge_count, waiting, start);
    for (i = 0; i < n; i++)
        start[i + 1] += start[i];
    memcpy(fill, start, n * sizeof *fill);
    for (i = 0; i < edge_count; i++)
        if (edges[i].before != edges[i].after)
            target[fill[edges[i].before]++] = edges[i].after;
    for (i = 0; i < n; i++)
        if (waiting[i] == 0)
            heap_push(&ready, i);
    while (ready.len > 0) {
        size_t item = heap_pop(&ready), k;

        out[done++] = item;
        for (k = start[item]; k < start[item + 1]; k++)
            if (--waiting[target[k]] == 0)
                heap_push(&ready, target[k]);
    }
    *count = done;
    if (done < n) {
        *count = 0;
        for (i = 0; i < n; i++)
            if (waiting[i] > 0)
                out[(*count)++] = i;
    }
    alch_free(memory);
    return done == n ? ALCH_OK
                     : alch_err_set(err, ALCH_ERR_CYCLE, "cycle among %zu items", n - done);
}
