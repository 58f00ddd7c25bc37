/* base/: buffers, arenas, maps, vectors, topological sort, errors. */
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/topo.h"
#include "base/vec.h"
#include "check.h"

static void buffer_appends(void)
{
    alch_buf b = ALCH_BUF_INIT;

    alch_buf_puts(&b, "a");
    alch_buf_putint(&b, INT64_MIN);
    alch_buf_putc(&b, ' ');
    alch_buf_putint(&b, INT64_MAX);
    alch_buf_quote(&b, "x\"y", 3, '"');
    alch_buf_printf(&b, "%s%d", "-", 7);
    CHECK(!b.failed);
    CHECK(strcmp(b.data, "a-9223372036854775808 9223372036854775807\"x\"\"y\"-7") == 0);
    CHECK(b.len == strlen(b.data));
    alch_buf_clear(&b);
    CHECK(b.len == 0 && b.data != NULL && b.data[0] == '\0');
    alch_buf_release(&b);
    CHECK(b.data == NULL && b.size == 0);
}

static void buffer_keeps_zero_bytes(void)
{
    alch_buf b = ALCH_BUF_INIT;
    int i;

    for (i = 0; i < 1000; i++)
        alch_buf_add(&b, "\0x", 2);
    CHECK(b.len == 2000 && memcmp(b.data + 1998, "\0x", 3) == 0);
    alch_buf_release(&b);
}

static void buffer_failure_sticks(void)
{
    alch_buf b = ALCH_BUF_INIT;

    alch_alloc_fail_at(1, 0);
    alch_buf_puts(&b, "lost");
    alch_buf_puts(&b, "also lost, though memory is back");
    CHECK(b.failed && b.len == 0);
    alch_buf_release(&b);
    CHECK(alch_buf_reserve(&b, 1));
    CHECK(!alch_buf_reserve(&b, SIZE_MAX - 1) && b.failed);
    alch_buf_release(&b);
}

static void arena_is_zeroed_and_aligned(void)
{
    static const size_t sizes[] = { 1, 3, 17, 500, 600, 5000, 8193, 100000 };
    char zeros[100000] = { 0 };
    alch_arena a;
    size_t i;
    char *copy;

    alch_arena_init(&a);
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *p = alch_arena_alloc(&a, sizes[i]);

        CHECK(p != NULL && (uintptr_t)p % 8 == 0 && memcmp(p, zeros, sizes[i]) == 0);
        memset(p, 'x', sizes[i]);
    }
    copy = alch_arena_strndup(&a, "abc\0def", 7);
    CHECK(memcmp(copy, "abc\0def", 8) == 0);
    alch_arena_release(&a);
    CHECK(a.blocks == NULL && a.next == a.first);
}

static void small_arena_allocates_nothing(void)
{
    alch_arena a;
    long before = alch_alloc_count();

    alch_arena_init(&a);
    CHECK(alch_arena_alloc(&a, 700) != NULL);
    CHECK(alch_alloc_count() == before);
    alch_arena_release(&a);
}

static void map_holds_what_was_set(void)
{
    alch_map m = ALCH_MAP_INIT;
    char key[16];
    int values[1000], i, n;

    CHECK(alch_map_get(&m, "x", 1) == NULL && alch_map_remove(&m, "x", 1) == NULL);
    for (i = 0; i < 1000; i++) {
        n = snprintf(key, sizeof key, "key %d", i);
        CHECK(alch_map_set(&m, key, (size_t)n, &values[i]));
    }
    CHECK(m.count == 1000);
    for (i = 0; i < 1000; i += 2) {
        n = snprintf(key, sizeof key, "key %d", i);
        CHECK(alch_map_remove(&m, key, (size_t)n) == &values[i]);
    }
    for (i = 0; i < 1000; i++) {
        n = snprintf(key, sizeof key, "key %d", i);
        CHECK(alch_map_get(&m, key, (size_t)n) == (i % 2 ? &values[i] : NULL));
    }
    alch_map_release(&m);
}

static void map_replaces_and_tells_keys_apart(void)
{
    alch_map m = ALCH_MAP_INIT;
    int one, two;

    CHECK(alch_map_set(&m, "a\0b", 3, &one) && alch_map_set(&m, "a\0c", 3, &two));
    CHECK(alch_map_get(&m, "a\0b", 3) == &one && alch_map_get(&m, "a\0c", 3) == &two);
    CHECK(alch_map_get(&m, "a", 1) == NULL && alch_map_get(&m, "", 0) == NULL);
    CHECK(alch_map_set(&m, "a\0b", 3, &two) && alch_map_get(&m, "a\0b", 3) == &two);
    CHECK(m.count == 2);
    CHECK(alch_map_ptr_set(&m, &one, &two) && alch_map_ptr_get(&m, &one) == &two);
    CHECK(alch_map_ptr_get(&m, &two) == NULL);
    alch_map_release(&m);
}

/* Setting and removing without end must not grow the table without end. */
static void map_reuses_removed_slots(void)
{
    alch_map m = ALCH_MAP_INIT;
    int i;

    for (i = 0; i < 10000; i++) {
        CHECK(alch_map_set(&m, (char *)&i, sizeof i, &m));
        CHECK(alch_map_remove(&m, (char *)&i, sizeof i) == &m);
    }
    CHECK(m.size <= 64);
    alch_map_release(&m);
}

static void vector_grows(void)
{
    ALCH_VEC(int) v = ALCH_VEC_INIT;
    int i, sum = 0;

    for (i = 0; i < 100; i++)
        CHECK(alch_vec_push(&v, i));
    for (i = 0; i < 100; i++)
        sum += v.at[i];
    CHECK(v.len == 100 && sum == 4950);
    alch_alloc_fail_at(1, 1);
    while (v.len < v.size)
        CHECK(alch_vec_push(&v, 0));
    CHECK(!alch_vec_push(&v, 0) && v.at[99] == 99);
    alch_alloc_fail_at(0, 0);
    alch_vec_release(&v);
    CHECK(v.at == NULL && v.len == 0);
}

static void order_is_stable(void)
{
    static const alch_edge edges[] = { { 4, 1 }, { 4, 0 }, { 0, 2 }, { 3, 3 } };
    size_t out[5], count;
    static const size_t expected[] = { 3, 4, 0, 1, 2 };
    alch_err err;

    CHECK(alch_topo_sort(5, edges, 4, out, &count, &err) == ALCH_OK);
    CHECK(count == 5 && memcmp(out, expected, sizeof out) == 0);
    CHECK(alch_topo_sort(0, NULL, 0, out, &count, &err) == ALCH_OK && count == 0);
}

static void cycle_is_named(void)
{
    static const alch_edge edges[] = { { 0, 1 }, { 1, 2 }, { 2, 1 }, { 2, 3 } };
    size_t out[4], count;
    alch_err err;

    CHECK(alch_topo_sort(4, edges, 4, out, &count, &err) == ALCH_ERR_CYCLE);
    CHECK(count == 3 && out[0] == 1 && out[1] == 2 && out[2] == 3);
    CHECK(strcmp(alch_err_class(err.code), "CircularDependencyError") == 0);
}

static void error_is_cut_to_fit(void)
{
    char text[5000];
    alch_err err;

    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    CHECK(alch_err_set(&err, ALCH_ERR_ARGUMENT, "%s", text) == ALCH_ERR_ARGUMENT);
    CHECK(strlen(err.text) == sizeof err.text - 1);
    CHECK(err.native == 0 && err.sqlstate[0] == '\0' && err.table[0] == '\0');
    CHECK(alch_err_set(NULL, ALCH_ERR_CLOSED, "nobody listens") == ALCH_ERR_CLOSED);
    CHECK(strcmp(alch_err_class(ALCH_ERR_INTEGRITY), "IntegrityError") == 0);
    CHECK(strcmp(alch_err_class(-9999), "LualchemyError") == 0);
}

static int build_map(alch_err *err)
{
    alch_map m = ALCH_MAP_INIT;
    int i, ok = 1;

    for (i = 0; ok && i < 100; i++)
        ok = alch_map_set(&m, (char *)&i, sizeof i, &m);
    for (i = 0; ok && i < 100; i++)
        CHECK(alch_map_get(&m, (char *)&i, sizeof i) == &m);
    alch_map_release(&m);
    return ok ? ALCH_OK : alch_err_nomem(err);
}

static int build_text(alch_err *err)
{
    alch_buf b = ALCH_BUF_INIT;
    alch_arena a;
    int i, ok = 1;

    alch_arena_init(&a);
    for (i = 0; i < 200; i++) {
        alch_buf_printf(&b, "line %d, ", i);
        ok = ok && alch_arena_strndup(&a, "0123456789abcdef", 16) != NULL;
    }
    ok = ok && !b.failed;
    alch_arena_release(&a);
    alch_buf_release(&b);
    return ok ? ALCH_OK : alch_err_nomem(err);
}

static int sort_chain(alch_err *err)
{
    alch_edge edges[50];
    size_t out[51], count, i;

    for (i = 0; i < 50; i++)
        edges[i] = (alch_edge){ i + 1, i };
    return alch_topo_sort(51, edges, 50, out, &count, err);
}

int main(void)
{
    CHECK_RUN(buffer_appends);
    CHECK_RUN(buffer_keeps_zero_bytes);
    CHECK_RUN(buffer_failure_sticks);
    CHECK_RUN(arena_is_zeroed_and_aligned);
    CHECK_RUN(small_arena_allocates_nothing);
    CHECK_RUN(map_holds_what_was_set);
    CHECK_RUN(map_replaces_and_tells_keys_apart);
    CHECK_RUN(map_reuses_removed_slots);
    CHECK_RUN(vector_grows);
    CHECK_RUN(order_is_stable);
    CHECK_RUN(cycle_is_named);
    CHECK_RUN(error_is_cut_to_fit);
    CHECK_SWEEP(build_map);
    CHECK_SWEEP(build_text);
    CHECK_SWEEP(sort_chain);
    return CHECK_END("base");
}
