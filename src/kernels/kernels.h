/* kernels/kernels.h: the arithmetic. Plain functions on raw float32 arrays in row-major NCHW.
 *
 * Contract for all of them:
 *  - cannot fail: whoever calls has checked the shapes; scratch memory comes from the caller
 *  - the same bits for any number of threads: work is cut into tiles by the problem's size alone,
 *    every output element is summed by one thread in one fixed order
 *  - outputs are written, not added to, unless the name says accumulate
 *  - a kernel that may run longer than a few milliseconds looks at xai_stop_requested() between
 *    tiles and returns early; the caller notices and throws the half-done result away
 *  - sums over many elements (means, norms, biases) are taken in double
 * Tags: [out] written, [scratch] caller's memory whose contents do not matter. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- threads (threads.c) ------------------------------------------------------------------ */
int xk_threads(void);           /* how many threads kernels use: OMP_NUM_THREADS or the number of cores */
void xk_threads_set(int n);     /* at least 1; also keeps OpenBLAS to one thread per call */
/* The kernels that the calling thread starts use n threads from now on; 0: as many as everybody's. For threads that work
 * beside one another. */
void xk_threads_own(int n);

/* ---- matrix products (gemm.c: the only caller of OpenBLAS) --------------------------------- */
/* C (m x n) = alpha * op(A) (m x k) * op(B) (k x n) + beta * C; ld* are row strides in elements.
 * One thread; to be called on tiles from a parallel region. */
void xk_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
             const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
/* The same on all threads, in fixed tiles of C. */
void xk_gemm_parallel(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                      int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/* ---- in double (gemm.c, eigen.c) ------------------------------------------------------------- */
/* G (n x n) = A^T A of k x n A; rows: A A^T of n x k A. On all threads. */
void xk_gram(bool rows, int64_t n, int64_t k, const double *a, double *g /*[out]*/);
/* Eigenvalues w (n) of the symmetric A (n x n), largest first, and eigenvectors of length 1 in the rows of A, in the same
 * order. false if it does not converge, which finite numbers do. */
size_t xk_eigen_workspace(int64_t n); /* bytes */
bool xk_eigen(int64_t n, double *a /*[out]*/, double *w /*[out]*/, void *work /*[scratch]*/);

/* ---- convolution (conv2d.c, depthwise.c, im2col.c) ------------------------------------------------------ */
typedef struct xk_conv2d {
  int64_t n, c, h, w;      /* input  n x c x h x w */
  int64_t m, oh, ow;       /* output n x m x oh x ow */
  int64_t groups;          /* weights m x c/groups x kh x kw */
  int64_t kh, kw, sh, sw, dh, dw; /* kernel, stride, dilation */
  int64_t pad_top, pad_left;      /* bottom and right follow from oh, ow */
} xk_conv2d;

size_t xk_conv2d_workspace(const xk_conv2d *p); /* bytes enough for any of the three below with xk_threads() threads */
/* y = w * x + b;  b may be NULL */
void xk_conv2d_forward(const xk_conv2d *p, const float *x, const float *w, const float *b, float *y /*[out]*/,
                       void *work /*[scratch]*/);
/* dx = transposed convolution of dy with w */
void xk_conv2d_backward_input(const xk_conv2d *p, const float *w, const float *dy, float *dx /*[out]*/,
                              void *work /*[scratch]*/);
/* dw summed over the batch */
void xk_conv2d_backward_weight(const xk_conv2d *p, const float *x, const float *dy, float *dw /*[out] m x c/groups x kh x kw*/,
                               void *work /*[scratch]*/);
/* db[m] = sum over n, oh, ow of dy */
void xk_channel_sum(int64_t n, int64_t c, int64_t hw, const float *x /* n x c x hw */, float *sum /*[out] c*/);

/* The other direction: y[n][c][..] += b[c] */
void xk_add_channel(int64_t n, int64_t c, int64_t hw, const float *b, float *y /* += */);

/* ---- pooling (pool.c) ------------------------------------------------------------------------ */
typedef struct xk_pool2d {
  int64_t planes, h, w, oh, ow;   /* planes = batch * channels */
  int64_t kh, kw, sh, sw, dh, dw;
  int64_t pad_top, pad_left;
  int64_t pad_bottom, pad_right;  /* average: how far padded positions count when count_include_pad */
  bool count_include_pad;         /* average: divide by the window clipped to the padded input, else to the input */
} xk_pool2d;

/* Padding never wins; ties and NaN: the first maximum in row-major order, NaN wins over numbers. */
void xk_maxpool_forward(const xk_pool2d *p, const float *x, float *y /*[out]*/);
/* Finds the winners again from x, by the same rule: the switches of a deconvnet are these. */
void xk_maxpool_backward(const xk_pool2d *p, const float *x, const float *dy, float *dx /*[out]*/);
void xk_avgpool_forward(const xk_pool2d *p, const float *x, float *y /*[out]*/);
void xk_avgpool_backward(const xk_pool2d *p, const float *dy, float *dx /*[out]*/);
/* y = (sum |x|^p)^(1/p), p >= 1; padding counts as 0 */
void xk_lppool_forward(const xk_pool2d *s, int64_t p, const float *x, float *y /*[out]*/);
void xk_lppool_backward(const xk_pool2d *s, int64_t p, const float *x, const float *y, const float *dy,
                        float *dx /*[out]*/);
/* One number per plane of hw elements. */
void xk_global_avg_forward(int64_t planes, int64_t hw, const float *x, float *y /*[out]*/);
void xk_global_avg_backward(int64_t planes, int64_t hw, const float *dy, float *dx /*[out]*/);
void xk_global_max_forward(int64_t planes, int64_t hw, const float *x, float *y /*[out]*/);
void xk_global_max_backward(int64_t planes, int64_t hw, const float *x, const float *dy, float *dx /*[out]*/);

/* ---- windows over depth, height and width (volume.c): plain loops ------------------------------ */
typedef struct xk_volume {
  int64_t in[3], out[3], kernel[3], stride[3], dilation[3], before[3], after[3];
} xk_volume;
typedef struct xk_conv3d {
  xk_volume v;
  int64_t n, c, m, groups; /* x: n x c x in, weights: m x c/groups x kernel, y: n x m x out */
} xk_conv3d;
typedef struct xk_pool3d {
  xk_volume v;
  int64_t planes;
  bool count_include_pad;
} xk_pool3d;
void xk_conv3d_forward(const xk_conv3d *p, const float *x, const float *w, const float *b, float *y /*[out]*/);
void xk_conv3d_backward_input(const xk_conv3d *p, const float *w, const float *dy, float *dx /*[out]*/);
void xk_conv3d_backward_weight(const xk_conv3d *p, const float *x, const float *dy, float *dw /*[out]*/);
/* As xk_maxpool_forward; where (may be NULL): the element of x that won, counted over all planes. */
void xk_maxpool3d_forward(const xk_pool3d *p, const float *x, float *y /*[out]*/, int64_t *where /*[out]*/);
void xk_maxpool3d_backward(const xk_pool3d *p, const float *x, const float *dy, float *dx /*[out]*/);
/* Integers of 'size' bytes. */
void xk_maxpool3d_forward_int(const xk_pool3d *p, size_t size, const void *x, void *y /*[out]*/,
                              int64_t *where /*[out]*/);
/* As xk_lppool_forward. */
void xk_lppool3d_forward(const xk_pool3d *s, int64_t p, const float *x, float *y /*[out]*/);
void xk_lppool3d_backward(const xk_pool3d *s, int64_t p, const float *x, const float *y, const float *dy,
                          float *dx /*[out]*/);
void xk_avgpool3d_forward(const xk_pool3d *p, const float *x, float *y /*[out]*/);
void xk_avgpool3d_backward(const xk_pool3d *p, const float *dy, float *dx /*[out]*/);

/* ---- elementwise (activation.c) -------------------------------------------------------------- */
/* How a gradient passes a ReLU (methods: gradient, guided backpropagation, deconvnet). */
typedef enum xk_relu_rule {
  XK_RELU_PLAIN,  /* dx = dy where the derivative is 1 (x > 0) */
  XK_RELU_GUIDED, /* the same, and only where dy > 0 (Springenberg 2015) */
  XK_RELU_DECONV, /* dx = max(dy, 0) whatever x was (Zeiler 2014) */
  XK_RELU_REDIRECTED /* plain; but where that leaves nothing of all n: dx = dy except where x is at a bound and dy pushes it
                      * further beyond (Olah et al. 2017: ascents get started); LeakyRelu and smooth ones: plain */
} xk_relu_rule;

void xk_relu_forward(int64_t n, const float *x, float *y /*[out]*/);
void xk_relu_backward(xk_relu_rule rule, int64_t n, const float *y /* output of relu */, const float *dy, float *dx /*[out]*/);
void xk_leaky_relu_forward(float slope, int64_t n, const float *x, float *y /*[out]*/);
/* guided: local derivative where dy > 0 and x > 0; deconv: max(dy, 0) */
void xk_leaky_relu_backward(xk_relu_rule rule, float slope, int64_t n, const float *x, const float *dy, float *dx /*[out]*/);
void xk_clip_forward(float lo, float hi, int64_t n, const float *x, float *y /*[out]*/);
/* derivative 1 for lo < x < hi (open at both ends, as for ReLU6 in PyTorch), else 0 */
void xk_clip_backward(xk_relu_rule rule, float lo, float hi, int64_t n, const float *x, const float *dy, float *dx /*[out]*/);
void xk_sigmoid_forward(int64_t n, const float *x, float *y /*[out]*/);
void xk_sigmoid_backward(int64_t n, const float *y, const float *dy, float *dx /*[out]*/);
void xk_tanh_forward(int64_t n, const float *x, float *y /*[out]*/);
void xk_tanh_backward(int64_t n, const float *y, const float *dy, float *dx /*[out]*/);
void xk_accumulate(int64_t n, const float *x, float *sum /* += */);
void xk_scale(int64_t n, float a, const float *x, float *y /*[out] may be x*/);

/* ---- functions of one number (unary.c, unary.def) ---------------------------------------------- */
typedef enum xk_unary {
#define XK_UNARY(id, value, slope) XK_##id,
#include "kernels/unary.def"
#undef XK_UNARY
} xk_unary;
/* y = f(x); a and b are the function's parameters, if it has any */
void xk_unary_forward(xk_unary op, float a, float b, int64_t n, const float *x, float *y /*[out]*/);
/* plain: dx = dy f'(x); guided: the same where dy > 0 and x > 0; deconv: max(dy, 0) */
void xk_unary_backward(xk_unary op, float a, float b, xk_relu_rule rule, int64_t n, const float *x, const float *dy,
                       float *dx /*[out]*/);
/* XK_ABS, XK_NEG, XK_SIGN of integers */
void xk_unary_forward_int(xk_unary op, size_t size, int64_t n, const void *x, void *y /*[out]*/);

/* ---- broadcasting arithmetic (binary.c) ------------------------------------------------------ */
/* Integers have 'size' bytes: 8 int64, 4 int32, 1 uint8 or bool. What does not fit wraps around. */
typedef enum xk_binary {
  XK_ADD, XK_SUB, XK_MUL,
  XK_DIV,   /* integers: toward zero; x / 0 is 0 */
  XK_POW,   /* float32 only */
  XK_MOD,   /* the remainder has the sign of b; integers: x mod 0 is 0 */
  XK_FMOD,  /* the remainder has the sign of a */
  XK_MAX, XK_MIN, /* NaN wins */
  XK_BIT_AND, XK_BIT_OR, XK_BIT_XOR, XK_SHIFT_LEFT, XK_SHIFT_RIGHT, /* integers only; by 64 bits and more: 0 */
  XK_PRELU  /* a where a >= 0, else a * b; float32 only */
} xk_binary;
typedef enum xk_comparison {
  XK_EQUAL, XK_GREATER, XK_GREATER_EQUAL, XK_LESS, XK_LESS_EQUAL,
  XK_AND, XK_OR, XK_XOR /* of booleans */
} xk_comparison;
/* Element strides per output dim, 0 where an operand repeats. rank >= 1. */
typedef struct xk_broadcast {
  int rank;
  int64_t dims[8], stride_a[8], stride_b[8];
} xk_broadcast;
/* y may be a when a does not repeat */
void xk_binary_forward(xk_binary op, const xk_broadcast *s, const float *a, const float *b, float *y /*[out]*/);
void xk_binary_forward_int(xk_binary op, size_t size, const xk_broadcast *s, const void *a, const void *b,
                           void *y /*[out]*/);
/* Gradient to a (or b), summed over the dims in which it was repeated. count_a = elements of a. XK_MAX and XK_MIN have
 * none here: it is 0. */
void xk_binary_backward_a(xk_binary op, const xk_broadcast *s, const float *a, const float *b, const float *dy,
                          int64_t count_a, float *da /*[out]*/);
void xk_binary_backward_b(xk_binary op, const xk_broadcast *s, const float *a, const float *b, const float *dy,
                          int64_t count_b, float *db /*[out]*/);
/* y is 0 or 1 */
void xk_compare_forward(xk_comparison op, const xk_broadcast *s, const float *a, const float *b, uint8_t *y /*[out]*/);
void xk_compare_forward_int(xk_comparison op, size_t size, const xk_broadcast *s, const void *a, const void *b,
                            uint8_t *y /*[out]*/);

/* ---- selection (select.c) ---------------------------------------------------------------------- */
/* y = cond ? a : b, for elements of 1, 4 or 8 bytes; stride_cond like stride_a */
void xk_where_forward(size_t size, const xk_broadcast *s, const int64_t *stride_cond, const uint8_t *cond,
                      const void *a, const void *b, void *y /*[out]*/);
/* y = x where the condition is 'keep', else 0; y may be x */
void xk_mask(int64_t n, const uint8_t *cond, bool keep, const float *x, float *y /*[out]*/);

/* ---- reductions over any set of axes (reduce.c) -------------------------------------------------- */
typedef enum xk_reduction {
  XK_SUM, XK_MEAN, XK_PRODUCT, XK_LARGEST, XK_SMALLEST, XK_L1, XK_L2, XK_SUM_SQUARE,
  XK_LOG_SUM, XK_LOG_SUM_EXP
} xk_reduction;
/* Over the dims whose keep[d] is 0; y has the kept dims. In double; NaN is larger and smaller than numbers. */
void xk_reduce_forward(xk_reduction op, int rank, const int64_t *dims, const bool *keep, const float *x,
                       float *y /*[out]*/);
/* The gradient of a maximum or minimum goes to the first element that has it. */
void xk_reduce_backward(xk_reduction op, int rank, const int64_t *dims, const bool *keep, const float *x,
                        const float *y /* what forward gave */, const float *dy, float *dx /*[out]*/);
/* XK_SUM to XK_L1 except XK_MEAN, and XK_SUM_SQUARE; integers as in binary.c */
void xk_reduce_forward_int(xk_reduction op, size_t size, int rank, const int64_t *dims, const bool *keep, const void *x,
                           void *y /*[out]*/);

/* ---- along one axis (scan.c): the middle one of outer x len x inner ---------------------------------- */
typedef struct xk_axis {
  int64_t outer, len, inner;
} xk_axis;
/* y[outer, inner] = position of the largest (smallest) element, the first or the last of equals; len >= 1 */
void xk_arg_extreme(const xk_axis *a, bool largest, bool last, const float *x, int64_t *y /*[out]*/);
void xk_arg_extreme_int(const xk_axis *a, bool largest, bool last, size_t size, const void *x, int64_t *y /*[out]*/);
/* y = 1 at the first largest element, else 0 */
void xk_hardmax_forward(const xk_axis *a, const float *x, float *y /*[out]*/);
/* Running sums, from the end when 'reverse', without the element itself when 'exclusive'. */
void xk_cumsum(const xk_axis *a, bool exclusive, bool reverse, const float *x, float *y /*[out]*/);
void xk_cumsum_int(const xk_axis *a, bool exclusive, bool reverse, size_t size, const void *x, void *y /*[out]*/);
/* y = x / (sum |x|^p)^(1/p), p = 1 or 2; 0 where all elements are 0 */
void xk_lp_normalize_forward(const xk_axis *a, int p, const float *x, float *y /*[out]*/);
void xk_lp_normalize_backward(const xk_axis *a, int p, const float *x, const float *dy, float *dx /*[out]*/);

/* ---- normalisation (norm.c, moments.c) and softmax (softmax.c) ------------------------------------------ */
/* y = scale * (x - mean) / sqrt(var + eps) + bias per channel; x: n x c x hw */
void xk_batchnorm_forward(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *scale,
                          const float *bias, const float *mean, const float *var, float *y /*[out]*/);
void xk_batchnorm_backward_input(int64_t n, int64_t c, int64_t hw, float eps, const float *scale, const float *var,
                                 const float *dy, float *dx /*[out]*/);
/* Inference statistics: dscale = sum dy * (x-mean)/sqrt(var+eps). (The bias' gradient is xk_channel_sum of dy.) */
void xk_batchnorm_backward_scale(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *mean,
                                 const float *var, const float *dy, float *dscale /*[out] c*/);
/* y = scale * (x - mean) / sqrt(var + eps) + bias with mean and variance (over n and hw) of x itself. */
void xk_batchnorm_learn_forward(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *scale,
                                const float *bias, float *mean /*[out] c*/, float *var /*[out] c*/, float *y /*[out]*/);
/* Its gradients, also through the statistics; NULL for those that are not wanted. */
void xk_batchnorm_learn_backward(int64_t n, int64_t c, int64_t hw, float eps, const float *x, const float *scale,
                                 const float *dy, float *dx /*[out]*/, float *dscale /*[out] c*/, float *dbias /*[out] c*/);
/* ONNX LRN across channels: y = x / (bias + alpha/size * sum of squares of size channels around)^beta */
void xk_lrn_forward(int64_t n, int64_t c, int64_t hw, int64_t size, float alpha, float beta, float bias, const float *x,
                    float *y /*[out]*/);
size_t xk_lrn_backward_workspace(int64_t c, int64_t size); /* bytes */
void xk_lrn_backward(int64_t n, int64_t c, int64_t hw, int64_t size, float alpha, float beta, float bias, const float *x,
                     const float *dy, float *dx /*[out]*/, void *work /*[scratch]*/);
/* y = (x - mean) / sqrt(var + eps), mean and variance over the dims whose keep[d] is 0; 'centred' false: the mean is
 * taken to be 0, in the variance too. 'mean' and 'rate', which is 1 / sqrt(var + eps), have the kept dims; NULL when not
 * wanted. */
void xk_moments_forward(int rank, const int64_t *dims, const bool *keep, bool centred, float eps, const float *x,
                        float *y /*[out]*/, float *mean /*[out]*/, float *rate /*[out]*/);
/* dmean and drate: the gradients that arrive at mean and rate, NULL: none. */
void xk_moments_backward(int rank, const int64_t *dims, const bool *keep, bool centred, float eps, const float *x,
                         const float *dy, const float *dmean, const float *drate, float *dx /*[out]; may be dy*/);
/* Along the middle axis of outer x len x inner. */
void xk_softmax_forward(int64_t outer, int64_t len, int64_t inner, const float *x, float *y /*[out]*/);
void xk_softmax_backward(int64_t outer, int64_t len, int64_t inner, const float *y, const float *dy, float *dx /*[out]*/);

void xk_log_softmax_forward(int64_t outer, int64_t len, int64_t inner, const float *x, float *y /*[out]*/);
void xk_log_softmax_backward(int64_t outer, int64_t len, int64_t inner, const float *y, const float *dy,
                             float *dx /*[out]*/);

/* ---- moving elements (move.c); 'size' bytes per element: 1, 2, 4 or 8 -------------------------- */
/* y[i0,i1,..] = x[sum of i_d * stride[d]], strides in elements, may be negative; base = element offset of y[0..] */
void xk_gather_strided(size_t size, int rank, const int64_t *dims, const int64_t *stride, int64_t base, const void *x,
                       void *y /*[out]*/);
/* The adjoint for float32: x[..] += y[i..]; the caller has zeroed x */
void xk_scatter_strided_accumulate(int rank, const int64_t *dims, const int64_t *stride, int64_t base, const float *y,
                                   float *x /* += */);
/* Sum of x^2, in double and in one order */
double xk_sum_square(int64_t n, const float *x);
/* Sum over the dims whose keep[d] is 0: y has the kept dims. Summed in double, times 'scale'. */
void xk_reduce_sum(int rank, const int64_t *dims, const bool *keep, double scale, const float *x, float *y /*[out]*/);

/* ---- padding (pad.c) ----------------------------------------------------------------------------- */
typedef enum xk_pad_mode { XK_PAD_CONSTANT, XK_PAD_REFLECT, XK_PAD_EDGE, XK_PAD_WRAP } xk_pad_mode;
/* Negative pads cut elements off, first; positive ones then repeat what is left: reflected without doubling the border
 * (less than what is left), its last element, or all of it again and again. y has before + dims + after elements per
 * axis. */
typedef struct xk_pad {
  xk_pad_mode mode;
  int rank; /* 1 to 8 */
  int64_t dims[8], before[8], after[8];
} xk_pad;
void xk_pad_forward(const xk_pad *p, size_t size /* of an element */, const void *value /* of XK_PAD_CONSTANT */,
                    const void *x, void *y /*[out]*/);
void xk_pad_backward(const xk_pad *p, const float *dy, float *dx /*[out]*/);

/* ---- resampling (resample.c) ------------------------------------------------------------------------ */
/* Along the middle axis of outer x n_in x inner: y[i] = sum over t of weight[i][t] * x[from[i][t]], n_out results. */
typedef struct xk_resample {
  int64_t outer, n_in, n_out, inner, taps;
  const int64_t *from; /* n_out x taps, in range */
  const float *weight; /* n_out x taps */
} xk_resample;
void xk_resample_forward(const xk_resample *p, const float *x, float *y /*[out]*/);
void xk_resample_backward(const xk_resample *p, const float *dy, float *dx /*[out]*/);
/* One tap of weight 1, elements of any type. */
void xk_resample_nearest(const xk_resample *p, size_t size, const void *x, void *y /*[out]*/);

/* ---- sums of products (einsum.c) ----------------------------------------------------------------------- */
enum { XK_EINSUM_DIMS = 16, XK_EINSUM_FACTORS = 8 };
/* y[kept indices] = sum over the other indices of the product of all factors. A factor is found by its strides, 0 along
 * dims that it does not have; stride[factors] are those of y. */
typedef struct xk_einsum {
  int factors, kept, rank; /* dims [0, kept) are of the result, [kept, rank) are summed over */
  int64_t dims[XK_EINSUM_DIMS], stride[XK_EINSUM_FACTORS + 1][XK_EINSUM_DIMS];
} xk_einsum;
/* Elements of y that no index reaches, those off a diagonal, are not written. */
void xk_einsum_sum(const xk_einsum *p, const float *const *x, float *y /*[out]*/);

/* ---- determinants (det.c) of 'count' square matrices of n rows --------------------------------------------- */
size_t xk_det_workspace(int64_t n);
void xk_det_forward(int64_t count, int64_t n, const float *x, float *y /*[out] count*/, void *work /*[scratch]*/);
void xk_det_backward(int64_t count, int64_t n, const float *x, const float *dy, float *dx /*[out]*/,
                     void *work /*[scratch]*/);

/* ---- values at given places (sample.c) ---------------------------------------------------------------------- */
typedef enum xk_sample_mode { XK_SAMPLE_LINEAR, XK_SAMPLE_NEAREST, XK_SAMPLE_CUBIC } xk_sample_mode;
typedef enum xk_sample_padding { XK_SAMPLE_ZEROS, XK_SAMPLE_BORDER, XK_SAMPLE_REFLECTION } xk_sample_padding;
/* x: n x c x in, grid: n x points x axes, coordinates in [-1, 1] with that of the last axis of x first,
 * y: n x c x points. Missing axes stand in front with 1 element. */
typedef struct xk_sample {
  xk_sample_mode mode;
  xk_sample_padding padding;
  bool align_corners; /* -1 and 1 are the centres of the first and last element, else their outer edges */
  int axes;           /* 1 to 3 */
  int64_t n, c, in[3], points;
} xk_sample;
void xk_sample_forward(const xk_sample *p, const float *x, const float *grid, float *y /*[out]*/);
void xk_sample_backward_x(const xk_sample *p, const float *grid, const float *dy, float *dx /*[out]*/);
void xk_sample_backward_grid(const xk_sample *p, const float *x, const float *grid, const float *dy,
                             float *dgrid /*[out]*/);

/* ---- regions of interest (region.c) ---------------------------------------------------------------------------- */
/* x: n x c x h x w; 'count' regions of four numbers, left top right bottom, times 'scale' in elements of x, from image
 * number image[i]; y: count x c x oh x ow */
typedef struct xk_region {
  int64_t n, c, h, w, count, oh, ow;
  double scale;
  bool half_pixel, maximum; /* of xk_roi_align */
  int64_t sampling;         /* samples per cell along each axis, 0: about one per element */
} xk_region;
/* Mean or maximum of samples within each cell, each between four elements. */
void xk_roi_align_forward(const xk_region *p, const float *x, const float *rois, const int64_t *image,
                          float *y /*[out]*/);
void xk_roi_align_backward(const xk_region *p, const float *x, const float *rois, const int64_t *image, const float *dy,
                           float *dx /*[out]*/);
/* The largest element of each cell, whose borders are rounded outwards to whole elements; 0 in an empty one. A region
 * here has five numbers, the first of which is the image. */
void xk_roi_max_forward(const xk_region *p, const float *x, const float *rois, float *y /*[out]*/);
void xk_roi_max_backward(const xk_region *p, const float *x, const float *rois, const float *dy, float *dx /*[out]*/);

/* ---- windows that differ from a common map (patch.c) --------------------------------------------- */
typedef struct xk_patches {
  int64_t n, planes;     /* patches, planes of each */
  int64_t h, w, inner;   /* the common map: planes x h x w places of 'inner' elements */
  int64_t wh, ww;        /* the windows: n x planes x wh x ww */
  int64_t ph, pw;        /* the patches: n x planes x ph x pw */
  int64_t step;          /* from one patch's places to the next one's, in elements of the arrays below */
  float outside;         /* what stands where a patch reaches over the map */
} xk_patches;
/* Patch i shows what is in the map from row and column patch_at[i*step], patch_at[i*step + 1] on, when window i lies over
 * the map at window_at[...]. */
void xk_patch(const xk_patches *p, const float *clean, const float *window, const int64_t *window_at,
              const int64_t *patch_at, float *y /*[out]*/);

/* ---- numbers from a seed (fill.c) -------------------------------------------------------------- */
/* y[i] = centre + radius * s,  s uniform on the 2^24 steps of [-1, 1): the top bits of the seed's stream (base/rng.h) */
void xk_fill_uniform(uint64_t seed, int64_t n, float centre, float radius, float *y /*[out]*/);

/* y[i] = x[i] + sigma * z, z normal: Box-Muller on the stream's uniform numbers i and i^1, cosine for even i, sine for
 * odd */
void xk_add_noise(uint64_t base, double sigma, int64_t n, const float *x, float *y /*[out]*/);

/* y = x / (1 - ratio) where element i of the stream stays, else 0; the same elements for the same stream and ratio.
 * stayed (may be NULL): which. */
void xk_dropout(uint64_t base, float ratio, int64_t n, const float *x, float *y /*[out]*/, uint8_t *stayed /*[out]*/);

/* ---- training (optimise.c, augment.c) --------------------------------------------------------------- */
typedef struct xk_sgd {
  float lr, momentum, decay, factor;
  bool nesterov;
} xk_sgd;
/* d = factor g + decay w;  speed = momentum speed + d;  w -= lr speed, with nesterov w -= lr (d + momentum speed) */
void xk_sgd_step(const xk_sgd *o, int64_t n, const float *g, float *speed /* += */, float *w /* += */);

typedef struct xk_adam {
  float lr, epsilon, factor, decay, decoupled_decay; /* decay is part of the gradient, decoupled_decay (AdamW) is not */
  double beta1, beta2;
  int64_t step; /* counted from 1 */
} xk_adam;
/* d = factor g + decay w;  mean = b1 mean + (1-b1) d;  square = b2 square + (1-b2) d^2;
 * w = (1 - lr decoupled_decay) w - lr mean/(1-b1^step) / (sqrt(square/(1-b2^step)) + epsilon) */
void xk_adam_step(const xk_adam *o, int64_t n, const float *g, float *mean /* += */, float *square /* += */,
                  float *w /* += */);

/* How pictures n x c x h x w may change. */
typedef struct xk_augment {
  int64_t n, c, h, w;
  double mirror;     /* probability */
  int64_t move;      /* so many pixels at most, in each direction; h and w are below 2^24 */
  double brightness; /* so much is added at most */
  double contrast, colour; /* distances from the mean and from grey are multiplied with 1 - this to 1 + this */
  double hole;       /* probability of a hole */
  float fill;
} xk_augment;
void xk_augment_forward(const xk_augment *a, uint64_t base, const float *x, float *y /*[out]*/);

/* ---- pictures and maps (resize.c) -------------------------------------------------------------- */
/* Antialiased triangle filter on interleaved 8-bit channels, support scaled by the reduction factor,
 * horizontal pass first, 8-bit between the passes: Pillow's bilinear. */
size_t xk_resize_u8_workspace(int64_t channels, int64_t w, int64_t h, int64_t ow, int64_t oh);
void xk_resize_u8(int64_t channels, int64_t w, int64_t h, const uint8_t *x /* h x w x channels */, int64_t ow, int64_t oh,
                  uint8_t *y /*[out] oh x ow x channels*/, void *work /*[scratch]*/);
/* Bilinear with half-pixel centres, u = max(0, (i+0.5)*n_in/n_out - 0.5); per plane. Up-sampling of maps. */
void xk_bilinear(int64_t planes, int64_t h, int64_t w, const float *x, int64_t oh, int64_t ow, float *y /*[out]*/);

/* Gaussian of deviation sigma > 0 on 'size' x 'size' places (odd), cut there and summing to 1; zeros beyond the border
 * (blur.c). */
size_t xk_blur_workspace(int64_t h, int64_t w, int64_t size);
void xk_blur(int64_t planes, int64_t h, int64_t w, const float *x, int64_t size, double sigma, float *y /*[out]*/,
             void *work /*[scratch]*/);

/* A picture through a window (affine.c): y[i,j] is x at row[0] i + row[1] j + row[2] and the like for col, bilinear between
 * the pixels. Beyond its border x goes on periodically with wrap, else it is 'outside', a number per channel. */
typedef struct xk_affine {
  int64_t c, h, w, oh, ow; /* x is c x h x w, y c x oh x ow */
  double row[3], col[3];
  bool wrap;
} xk_affine;
void xk_affine_forward(const xk_affine *p, const float *x, const float *outside, float *y /*[out]*/);
void xk_affine_backward(const xk_affine *p, const float *dy, float *dx /*[out]*/);

/* Fourier transforms of real h x w planes (fft.c). A spectrum is h x (w/2 + 1) numbers, real and imaginary part side by
 * side; the missing half are the conjugates of the other.
 *   forward  s[k,l] = sum of x[i,j] e^(-2 pi i (k i/h + l j/w))
 *   inverse  x[i,j] = sum over k, l <= w/2 of share(l)/(hw) Re(s[k,l] e^(2 pi i (k i/h + l j/w)))
 * The gradient of the inverse by s is share(l)/(hw) times the forward transform of that by x. */
static inline double xk_rfft2_share(int64_t l, int64_t w) { return l == 0 || 2 * l == w ? 1 : 2; }
size_t xk_rfft2_workspace(int64_t planes, int64_t h, int64_t w);
void xk_rfft2_forward(int64_t planes, int64_t h, int64_t w, const float *x, float *s /*[out]*/, void *work /*[scratch]*/);
void xk_rfft2_inverse(int64_t planes, int64_t h, int64_t w, const float *s, float *x /*[out]*/, void *work /*[scratch]*/);

/* ---- parts of pictures (regions.c, gmm.c, maxflow.c): for segmentation ------------------------------ */
/* label[i] = 1, 2, ... for the connected regions (8 neighbours) of pixels that are not 0, in the order of their first
 * pixels; 0 elsewhere. Returns how many there are. */
size_t xk_regions_workspace(int64_t h, int64_t w);
int64_t xk_regions(int64_t h, int64_t w, const uint8_t *inside, int32_t *label /*[out]*/, void *work /*[scratch]*/);

/* A mixture of Gaussians over colours: sum over k of weight[k] N(mean[k], covariance[k]). */
enum { XK_GMM_MOST = 16 };
typedef struct xk_gmm {
  int n;                          /* components, at most XK_GMM_MOST */
  double weight[XK_GMM_MOST];     /* 0: no pixel belongs to it */
  double mean[XK_GMM_MOST][3];
  double inverse[XK_GMM_MOST][6]; /* of the covariance: xx xy xz yy yz zz */
  double log_det[XK_GMM_MOST];    /* of the covariance */
} xk_gmm;
/* Among the pixels with side[i] == which, of component[i] each (the others are not looked at): weights, means and
 * covariances, which get 'floor' on the diagonal when their determinant is 1e-6 or less. */
void xk_gmm_learn(int64_t n, const uint8_t *rgb, const uint8_t *side, uint8_t which, const uint8_t *component, int components,
                  double floor, xk_gmm *m /*[out]*/);
/* component[i] for the pixels of that side: colours are split in two along the direction in which the most spread of them
 * vary most, until there are so many parts (Orchard, Bouman 1991); then 'rounds' of k-means. */
void xk_gmm_split(int64_t n, const uint8_t *rgb, const uint8_t *side, uint8_t which, int components, int rounds,
                  uint8_t *component /*[out]*/);
/* component[i] = the one under which the pixel's colour is most probable, for the pixels of that side. */
void xk_gmm_assign(const xk_gmm *m, int64_t n, const uint8_t *rgb, const uint8_t *side, uint8_t which,
                   uint8_t *component /*[out]*/);
/* cost[i] = -ln of the mixture's density, up to 3/2 ln(2 pi) */
void xk_gmm_cost(const xk_gmm *m, int64_t n, const uint8_t *rgb, double *cost /*[out]*/);

/* Pixels become object or background. What one costs as either, and what it costs when it and its neighbour to the right,
 * below, below to the right, below to the left differ (>= 0; those of neighbours beyond the border are not looked at). */
typedef struct xk_cut {
  int64_t h, w;
  const double *as_object, *as_background, *right, *down, *down_right, *down_left;
} xk_cut;
/* object[i] = 1 or 0 so that the sum is smallest; the fewest objects among those. Returns the sum. */
size_t xk_maxflow_workspace(int64_t h, int64_t w);
double xk_maxflow(const xk_cut *cut, uint8_t *object /*[out]*/, void *work /*[scratch]*/);

#endif
