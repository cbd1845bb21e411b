/* kernels/groups.h: reducing over any set of axes. A group is what one element of the result is made of; groups are
 * independent tasks, and each is walked by one thread in one order. */
#ifndef KERNELS_GROUPS_H
#define KERNELS_GROUPS_H

#include "kernels/private.h"

/* Where the groups are ('kept') and where the elements of one are ('rest'), in x, which is dense. */
typedef struct xk__groups {
  xk__loop kept, rest;
  int64_t count, size, per_task;
} xk__groups;

static inline xk__groups xk__find_groups(int rank, const int64_t *dims, const bool *keep) {
  xk__groups g = {.kept = {0}};
  int64_t dense[XK__RANK], total = 1;
  for (int d = rank - 1; d >= 0; d--) {
    dense[d] = total;
    total *= dims[d];
  }
  for (int d = 0; d < rank; d++) xk__loop_push(keep[d] ? &g.kept : &g.rest, dims[d], dense[d], 0, 0);
  g.count = xk__loop_count(&g.kept);
  g.size = xk__loop_count(&g.rest);
  g.per_task = xk__rows_per_task(g.size);
  return g;
}

/* Runs the statement for group i, which begins at x[begin], on all threads. In a pragma, parameters are not replaced:
 * hence 'all'. */
#define XK__EACH_GROUP(g, i, begin, ...)                                                                               \
  do {                                                                                                                 \
    const xk__groups *all = (g);                                                                                       \
    _Pragma("omp parallel for schedule(static) num_threads(xk_threads()) if (all->count > all->per_task)")             \
    for (int64_t task_at = 0; task_at < all->count; task_at += all->per_task) {                                        \
      if (xai_stop_requested()) continue;                                                                              \
      xk__place place = xk__loop_seek(&all->kept, task_at);                                                            \
      int64_t task_end = xk__min(all->count, task_at + all->per_task);                                                 \
      for (int64_t i = task_at; i < task_end; i++, xk__loop_next(&all->kept, &place)) {                                \
        int64_t begin = place.at[0];                                                                                   \
        __VA_ARGS__;                                                                                                   \
      }                                                                                                                \
    }                                                                                                                  \
  } while (0)

/* Runs the statement for each element e of a group, an offset from its beginning, in row-major order. */
#define XK__EACH_MEMBER(g, e, ...)                                                                                     \
  do {                                                                                                                 \
    if ((g)->size == 0) break;                                                                                         \
    xk__loop rest_outer = (g)->rest, rest_inner = xk__loop_pop(&rest_outer);                                           \
    int64_t rest_rows = xk__loop_count(&rest_outer), rest_n = rest_inner.dims[0], rest_step = rest_inner.stride[0][0]; \
    xk__place rest_place = xk__loop_seek(&rest_outer, 0);                                                              \
    for (int64_t rest_row = 0; rest_row < rest_rows; rest_row++, xk__loop_next(&rest_outer, &rest_place)) {            \
      int64_t e = rest_place.at[0];                                                                                    \
      for (int64_t rest_i = 0; rest_i < rest_n; rest_i++, e += rest_step) { __VA_ARGS__; }                             \
    }                                                                                                                  \
  } while (0)

#endif
