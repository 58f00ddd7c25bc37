#ifndef ALCH_BENCH_RAW_H
#define ALCH_BENCH_RAW_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/*
** What the raw C sides of the benchmark share: the clock, the set-up
** statements of setup.txt, made-up rows, and the line a workload prints.
** They do what a careful C programmer would write against the client library
** for that one task, and nothing more.
*/
typedef struct raw_customer {
    int64_t id;
    char *name, *description;
} raw_customer;

typedef struct raw_child {
    int64_t id;
    char *name;
} raw_child;

enum { RAW_CHILDREN = 10 };

typedef struct raw_parent {
    int64_t id;
    char *name;
    raw_child children[RAW_CHILDREN];
} raw_parent;

/* Read back: a parent and its twenty children. */
enum { RAW_LOADED = 20 };

typedef struct raw_loaded_child {
    int64_t id, parent_id;
    char *name;
} raw_loaded_child;

typedef struct raw_loaded_parent {
    int64_t id;
    char *name;
    int count;
    raw_loaded_child children[RAW_LOADED];
} raw_loaded_parent;

/* One workload: its name, how many items, and what does it for that many and
** returns the seconds it took. */
typedef struct raw_workload {
    const char *name;
    int n;
    double (*run)(int n);
} raw_workload;

/* BENCH_CPU=1: the process's own time, which other programs' load does not stretch. */
static inline double raw_now(void)
{
    struct timespec t;

    clock_gettime(getenv("BENCH_CPU") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline void raw_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why ? why : "");
    exit(1);
}

static inline void raw_expect(int64_t got, int64_t wanted)
{
    if (got != wanted) {
        fprintf(stderr, "check failed: %lld instead of %lld\n", (long long)got, (long long)wanted);
        exit(1);
    }
}

static inline void *raw_alloc(size_t size)
{
    void *p = calloc(1, size);

    if (p == NULL)
        raw_die("calloc", "no memory");
    return p;
}

static inline char *raw_copy(const char *s, int n)
{
    char *p = raw_alloc((size_t)n + 1);

    memcpy(p, s, (size_t)n);
    return p;
}

static inline char *raw_format(const char *format, int i)
{
    char text[64];

    return raw_copy(text, snprintf(text, sizeof text, format, i));
}

static inline raw_customer *raw_customers(int n)
{
    raw_customer *v = raw_alloc(sizeof *v * (size_t)n);
    int i;

    for (i = 0; i < n; i++) {
        v[i].name = raw_format("customer name %d", i);
        v[i].description = raw_format("customer description %d", i);
    }
    return v;
}

static inline raw_parent *raw_family(int n)
{
    raw_parent *v = raw_alloc(sizeof *v * (size_t)n);
    int i, j;

    for (i = 0; i < n; i++) {
        v[i].name = raw_format("parent %d", i);
        for (j = 0; j < RAW_CHILDREN; j++)
            v[i].children[j].name = raw_format("child %d", j);
    }
    return v;
}

typedef struct raw_engineer {
    int64_t id;
    char *kind, *name, *language;
} raw_engineer;

static inline raw_engineer *raw_engineers(int n)
{
    raw_engineer *v = raw_alloc(sizeof *v * (size_t)n);
    int i;

    for (i = 0; i < n; i++) {
        v[i].kind = raw_copy("engineer", 8);
        v[i].name = raw_format("person name %d", i);
        v[i].language = raw_format("language %d", i);
    }
    return v;
}

static inline void raw_change(raw_customer *v, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        size_t old = strlen(v[i].description);
        char *longer = raw_alloc(old + sizeof " updated");

        memcpy(longer, v[i].description, old);
        memcpy(longer + old, " updated", sizeof " updated");
        free(v[i].description);
        v[i].description = longer;
    }
}

static inline int64_t raw_read(const raw_customer *v, int n)
{
    int64_t sum = 0;
    int i;

    for (i = 0; i < n; i++)
        sum += v[i].id + (int64_t)strlen(v[i].name) + (int64_t)strlen(v[i].description);
    return sum;
}

/* A permutation of 1..n, so that rows are not asked for in order. */
static inline int raw_pick(int i, int n) { return (int)((int64_t)i * 7919 % n) + 1; }

/* Runs the statements "database section ..." of setup.txt, {N} replaced. */
static inline void raw_setup(const char *database, const char *section, int n, void (*execute)(const char *))
{
    char line[2048], sql[4096], prefix[64];
    FILE *f = fopen("spec/bench/setup.txt", "r");
    size_t skip = (size_t)snprintf(prefix, sizeof prefix, "%s %s ", database, section);

    if (f == NULL)
        raw_die("spec/bench/setup.txt", "cannot be read (run from the project's folder)");
    while (fgets(line, sizeof line, f) != NULL) {
        char *mark = strstr(line, "{N}");

        if (strncmp(line, prefix, skip) != 0)
            continue;
        if (mark == NULL) {
            execute(line + skip);
            continue;
        }
        *mark = '\0';
        snprintf(sql, sizeof sql, "%s%d%s", line + skip, n, mark + 3);
        execute(sql);
    }
    fclose(f);
}

static inline void raw_run(const char *database, const char *name, const raw_workload *w)
{
    const char *scale = getenv("BENCH_SCALE");
    struct rusage usage;
    double seconds;
    int n;

    while (w->name != NULL && strcmp(w->name, name) != 0)
        w++;
    if (w->name == NULL)
        raw_die("no such workload", name);
    n = scale ? (int)(w->n * atof(scale)) : w->n;
    seconds = w->run(n);
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"peer\":\"c\",\"workload\":\"%s\",\"db\":\"%s\",\"n\":%d,\"seconds\":%.6f,\"maxrss_kb\":%ld}\n",
           name, database, n, seconds, usage.ru_maxrss);
}

#endif
