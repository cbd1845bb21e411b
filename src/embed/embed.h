/* embed/embed.h: points of many dimensions, as the eye can take them in: principal components, neighbours, t-SNE maps and
 * grids. Points are rows of x, n x d floats; what they are of (activations, pictures) is nobody's business here. Positions
 * count from 0; ties go by position. The same bits for any number of threads.
 *
 * A number that is not finite is refused, with its row. Long work stops on request with XAI_ESTOP. */
#ifndef EMBED_EMBED_H
#define EMBED_EMBED_H

#include <stdbool.h>
#include <stdint.h>

#include "xai/tensor.h"

/* XAI_EARG if one of the n x d numbers is not finite; 'what' names them in the message. */
xai_status xai_embed__finite(const char *what, int64_t n, int64_t d, const float *x, xai_err *err);

/* ---- principal components (pca.c) ------------------------------------------------------------------------------ */
typedef enum xai_pca_solver { XAI_PCA_AUTO, XAI_PCA_EXACT, XAI_PCA_RANDOMISED } xai_pca_solver;
typedef struct xai_pca_opts {
  int64_t dims; /* at most n - 1 and d */
  xai_pca_solver solver;
  uint64_t seed; /* of the randomised solver */
} xai_pca_opts;
typedef struct xai_pca {
  xai_tensor *values;     /* n x dims: the centred points along the components */
  xai_tensor *components; /* dims x d, of length 1; the loading of largest magnitude is positive */
  xai_tensor *mean;       /* d */
  xai_tensor *variance;   /* dims: along each component, divided by n - 1 */
  xai_tensor *ratio;      /* dims: its share in the variance of the points */
  xai_pca_solver solver;  /* that was used */
} xai_pca;
xai_status xai_pca_fit(int64_t n, int64_t d, const float *x, const xai_pca_opts *opts, xai_pca *out, xai_err *err);
/* y (n x dims): other points of d numbers along the components. */
xai_status xai_pca_project(const xai_pca *p, int64_t n, const float *x, float *y, xai_err *err);
void xai_pca_clear(xai_pca *p);

/* ---- nearest neighbours (neighbours.c) ------------------------------------------------------------------------- */
typedef enum xai_metric { XAI_METRIC_EUCLIDEAN, XAI_METRIC_COSINE } xai_metric; /* cosine: 1 - cos; 1 if one is zero */
typedef struct xai_queries {
  int64_t n;
  const float *x;     /* n x d; NULL: every point of the set, without itself */
  const int64_t *own; /* the query's position in the set, which is left out; NULL: none of them is in it */
} xai_queries;
/* index, distance (queries x k): the k nearest of the n points, nearest first. Exact: distances are those of double
 * precision, rounded once. */
xai_status xai_neighbours(int64_t n, int64_t d, const float *x, const xai_queries *queries, int64_t k, xai_metric metric,
                          int64_t *index, float *distance, xai_err *err);

/* ---- t-SNE (tsne.c) ---------------------------------------------------------------------------------------------- */
typedef enum xai_tsne_method { XAI_TSNE_AUTO, XAI_TSNE_EXACT, XAI_TSNE_BARNES_HUT } xai_tsne_method;
typedef enum xai_tsne_init { XAI_TSNE_PCA, XAI_TSNE_RANDOM } xai_tsne_init;
typedef struct xai_tsne_opts {
  xai_tsne_method method;
  xai_tsne_init init;
  const float *start; /* n x 2, in place of init; NULL: none */
  int64_t pca; /* points of more numbers are first brought down to so many components; 0: never */
  double perplexity, theta, exaggeration;
  int64_t iterations, early; /* early: how many of them are exaggerated */
  double rate;               /* 0: max(200, n / 12), at most n; for the gradient without its factor 4 */
  double early_momentum, momentum;
  double max_step; /* longest way of a point in one iteration; 0: any */
  uint64_t seed;   /* of a random start, and of randomised PCA */
} xai_tsne_opts;
xai_tsne_opts xai_tsne_defaults(void);

typedef struct xai_tsne xai_tsne;
xai_status xai_tsne_new(int64_t n, int64_t d, const float *x, const xai_tsne_opts *opts, xai_tsne **out, xai_err *err);
void xai_tsne_free(xai_tsne *t);
/* At most 'iterations' more, not beyond opts.iterations. Stops between two of them: the map is whole at any time. */
xai_status xai_tsne_advance(xai_tsne *t, int64_t iterations, xai_err *err);
int64_t xai_tsne_width(const xai_tsne *t); /* numbers that a point has: d */
int64_t xai_tsne_done(const xai_tsne *t);
bool xai_tsne_is_exact(const xai_tsne *t);
void xai_tsne_map(const xai_tsne *t, float *y /*[out] n x 2*/);
/* KL(P || Q) of the map, with the exact sum over all pairs in Q. */
xai_status xai_tsne_kl(xai_tsne *t, double *kl, xai_err *err);
/* For tests: the map becomes y; the gradient of the next step, without exaggeration and without the factor 4. */
void xai_tsne_set(xai_tsne *t, const float *y);
xai_status xai_tsne_gradient(xai_tsne *t, float *g /*[out] n x 2*/, xai_err *err);
/* y (m x 2): new points in the finished map, which stays as it is. Each is put where the KL divergence between its neighbours
 * in the set and those in the map is least, for itself: it does not matter which others are asked for. */
xai_status xai_tsne_place(xai_tsne *t, int64_t m, const float *z, float *y, xai_err *err);

/* p (k) of the distances d2 (squared, ascending or not): p ~ exp(-beta d2) with an entropy of ln(perplexity). */
double xai_tsne__conditional(int64_t k, const double *d2, double perplexity, double *p);

/* ---- Barnes and Hut's tree over a map (tree.c) --------------------------------------------------------------------- */
typedef struct xai_tree xai_tree;
enum { XAI_TREE_GROUP = 16 }; /* points that are asked about together */
xai_status xai_tree_new(int64_t n, xai_tree **out, xai_err *err);
void xai_tree_free(xai_tree *t);
void xai_tree_build(xai_tree *t, const float *x, const float *y);
int64_t xai_tree_groups(const xai_tree *t);
typedef struct xai_tree_sources {
  float *x, *y, *w; /* room for n each; w: how many points a source stands for */
} xai_tree_sources;
/* What group g sees: cells that look smaller than theta from each of its points, points where none do. Returns how many.
 * at[l]: the position of its point l, -1 beyond the last; tx, ty: where it is. */
int64_t xai_tree_look(const xai_tree *t, int64_t g, double theta, xai_tree_sources *s, int64_t at[XAI_TREE_GROUP],
                      float tx[XAI_TREE_GROUP], float ty[XAI_TREE_GROUP]);

/* ---- grids (grid.c) ------------------------------------------------------------------------------------------------ */
enum { XAI_GRID_CELLS = 2500 };
/* cell[i]: the cell (row * cols + column) of point i of y (n x 2), no two in one, so that the sum of squared ways is
 * least. The first row holds the largest second coordinates. */
xai_status xai_grid(int64_t n, const float *y, int64_t rows, int64_t cols, int64_t *cell, xai_err *err);
/* to[i]: column of row i of cost (n x m, n <= m), no two alike, so that the sum of costs is least. */
xai_status xai_assign(int64_t n, int64_t m, const double *cost, int64_t *to, xai_err *err);

#endif
