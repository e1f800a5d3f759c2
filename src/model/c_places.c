#include "model/c_places.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdint.h>

/* Memory that one or more steps write, one after the other. */
typedef struct region {
    int first, last; /* the step that writes it first, the last one that needs it */
    size_t offset, size;
} region;

/* What is being planned. */
typedef struct planner {
    const cnn_c_step *steps;
    int count;
    region *regions;
    int region_count;
    int *region_of; /* [count]: of each step's value */
    int *order;     /* [region_count]: in which regions get their places */
} planner;

/* Does a step after n read the value of `step`? */
static bool is_read_after(const planner *p, int step, int n) {
    for (int later = n + 1; later < p->count; later++) {
        for (int k = 0; k < p->steps[later].input_count; k++) {
            if (p->steps[later].input[k] == step) {
                return true;
            }
        }
    }
    return false;
}

/* The input that step n may write over; -1: none. */
static int overwritten(const planner *p, int n) {
    const cnn_c_step *step = &p->steps[n];
    for (int k = 0; k < step->input_count && step->elementwise; k++) {
        int input = step->input[k];
        if (p->steps[input].size == step->size && !is_read_after(p, input, n)) {
            return input;
        }
    }
    return -1;
}

static void find_regions(planner *p) {
    for (int n = 0; n < p->count; n++) {
        const cnn_c_step *step = &p->steps[n];
        int input = overwritten(p, n);
        if (input < 0) {
            p->regions[p->region_count] = (region){.first = n, .size = step->size};
        }
        p->region_of[n] = input < 0 ? p->region_count++ : p->region_of[input];
        p->regions[p->region_of[n]].last = n;
        for (int k = 0; k < step->input_count; k++) {
            p->regions[p->region_of[step->input[k]]].last = n;
        }
    }
}

static bool overlap(const region *a, const region *b) {
    bool in_time = a->first <= b->last && b->first <= a->last;
    bool in_space = a->offset < b->offset + b->size && b->offset < a->offset + a->size;
    return in_time && in_space;
}

/* Does a region overlap none of the first `placed` of the order? */
static bool is_free(const planner *p, const region *r, int placed) {
    for (int i = 0; i < placed; i++) {
        if (overlap(r, &p->regions[p->order[i]])) {
            return false;
        }
    }
    return true;
}

/* Puts region order[next] at the lowest offset at which it overlaps none before it: 0, or where one
 * of them ends. */
static void place(planner *p, int next) {
    region *r = &p->regions[p->order[next]];
    size_t lowest = SIZE_MAX;
    for (int i = -1; i < next; i++) {
        const region *other = i < 0 ? NULL : &p->regions[p->order[i]];
        r->offset = other ? other->offset + other->size : 0;
        if (r->offset < lowest && is_free(p, r, next)) {
            lowest = r->offset;
        }
    }
    r->offset = lowest;
}

/* Places all regions in this order. Returns the size of the buffer. */
static size_t place_all(planner *p) {
    size_t size = 0;
    for (int i = 0; i < p->region_count; i++) {
        place(p, i);
        const region *r = &p->regions[p->order[i]];
        size = r->offset + r->size > size ? r->offset + r->size : size;
    }
    return size;
}

/* Large regions first, equal ones in the order of time. */
static void order_by_size(planner *p) {
    for (int i = 1; i < p->region_count; i++) {
        int moved = p->order[i], j = i;
        for (; j > 0 && p->regions[p->order[j - 1]].size < p->regions[moved].size; j--) {
            p->order[j] = p->order[j - 1];
        }
        p->order[j] = moved;
    }
}

static void order_by_time(planner *p) {
    for (int i = 0; i < p->region_count; i++) {
        p->order[i] = i;
    }
}

/* Neither order is better for all networks: tries both. */
static void plan(planner *p, cnn_c_places *places) {
    find_regions(p);
    order_by_time(p);
    size_t by_time = place_all(p);
    order_by_size(p);
    places->size = place_all(p);
    if (by_time < places->size) {
        order_by_time(p);
        places->size = place_all(p);
    }
    for (int n = 0; n < p->count; n++) {
        places->offset[n] = p->regions[p->region_of[n]].offset;
    }
}

cnn_status cnn_c_places_create(const cnn_c_step *steps, int count, cnn_c_places *places,
                               cnn_error *error) {
    size_t n = (size_t)count;
    planner p = {.steps = steps,
                 .count = count,
                 .regions = cnn_alloc(n, sizeof *p.regions),
                 .region_of = cnn_alloc(n, sizeof *p.region_of),
                 .order = cnn_alloc(n, sizeof *p.order)};
    *places = (cnn_c_places){.offset = cnn_alloc(n, sizeof *places->offset)};
    bool complete = p.regions && p.region_of && p.order && places->offset;
    if (complete) {
        plan(&p, places);
    }
    cnn_free(p.regions);
    cnn_free(p.region_of);
    cnn_free(p.order);
    return complete ? CNN_OK : cnn_fail_memory(error, "the C source");
}

void cnn_c_places_free(cnn_c_places *places) {
    cnn_free(places->offset);
    *places = (cnn_c_places){0};
}
