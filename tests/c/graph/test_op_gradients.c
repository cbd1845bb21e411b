/* Every gradient of every operator against central differences.
 *
 *   loss(x) = sum of r * forward(x), r fixed;   d loss / d x_e  =  (loss(x + h) - loss(x - h)) / 2h + O(h^2)
 *
 * One loop over the operator table and a list of cases; an operator, or an input of one, that has a gradient but no
 * case fails the test. Built twice: as it is, and with double.h, where the agreement must be to eight digits.
 * While a gradient is taken, everything that the row does not declare as read is NaN. */
#include "op_case.h"

typedef struct gradient_case {
  xai_op op;
  const char *inputs, *attrs;
} gradient_case;

static const gradient_case cases[] = {
    {XAI_OP_ABS, "5x7", ""},
    {XAI_OP_ACOS, "5=-0.8,-0.3,0.1,0.4,0.7", ""},
    {XAI_OP_ACOSH, "4=1.3,1.6,2,3", ""},
    {XAI_OP_ADD, "2x3x4 2x3x4", ""},
    {XAI_OP_ADD, "2x3x4 3x1", ""},
    {XAI_OP_ADD, "2x1x4 5x2x3x1", ""},
    {XAI_OP_ADD, "s s", ""},
    {XAI_OP_ASIN, "5=-0.8,-0.3,0.1,0.4,0.7", ""},
    {XAI_OP_ASINH, "5x7", ""},
    {XAI_OP_ATAN, "5x7", ""},
    {XAI_OP_ATANH, "5=-0.8,-0.3,0.1,0.4,0.7", ""},
    {XAI_OP_AVERAGE_POOL, "2x2x5x6", "kernel_shape=2,3"},
    {XAI_OP_AVERAGE_POOL, "1x2x5x6", "kernel_shape=3,3 strides=2,2 pads=1,0,0,2"},
    {XAI_OP_AVERAGE_POOL, "1x2x5x6", "kernel_shape=3,3 strides=2,2 pads=1,0,0,2 count_include_pad=1"},
    {XAI_OP_AVERAGE_POOL, "1x1x6x6", "kernel_shape=3,3 strides=2,2 ceil_mode=1"},
    {XAI_OP_AVERAGE_POOL, "1x1x6x6", "kernel_shape=3,3 strides=2,2 pads=1,1,1,1 ceil_mode=1 count_include_pad=1"},
    {XAI_OP_AVERAGE_POOL, "1x1x7x7", "kernel_shape=2,2 dilations=2,3 pads=1,1,1,1"},
    {XAI_OP_AVERAGE_POOL, "1x1x7x6", "kernel_shape=3,3 strides=2,2 auto_pad=SAME_LOWER"},
    {XAI_OP_AVERAGE_POOL, "2x3x9", "kernel_shape=4 strides=3 pads=2,1"},
    {XAI_OP_AVERAGE_POOL, "2x2x3x5x4", "kernel_shape=2,3,3 strides=1,2,1 pads=1,0,0,0,0,2"},
    {XAI_OP_AVERAGE_POOL, "1x1x4x5x4",
     "kernel_shape=2,3,3 strides=2,2,1 pads=1,1,1,1,1,1 ceil_mode=1 count_include_pad=1"},
    {XAI_OP_BATCH_NORM, "2x3x2x2 3 3 3 +3", "epsilon=0.01"},
    {XAI_OP_BATCH_NORM, "4x3 3 3 3 +3", ""},
    {XAI_OP_BATCH_NORM, "3x2x2 2x2 2x2 2x2 +2x2", ""},
    {XAI_OP_CAST, "2x3", "to=0"},
    {XAI_OP_CAST_LIKE, "2x3 4", ""},
    {XAI_OP_CELU, "5x7", "alpha=0.7"},
    {XAI_OP_CLIP, "3x7 s=-0.4 s=0.5", ""},
    {XAI_OP_CLIP, "3x7 - 1=0.5", ""},
    {XAI_OP_CLIP, "3x7 s=-0.4", ""},
    {XAI_OP_CONCAT, "2x3x2 2x1x2 2x4x2", "axis=1"},
    {XAI_OP_CONCAT, "2x3 5x3", "axis=-2"},
    {XAI_OP_CONV, "2x3x5x5 4x3x3x3 4", ""},
    {XAI_OP_CONV, "1x3x4x5 2x3x1x1", ""},
    {XAI_OP_CONV, "2x4x5x6 6x2x3x2 6", "group=2 pads=1,2,0,1 strides=2,1"},
    {XAI_OP_CONV, "2x4x6x5 4x1x3x3 4", "group=4 pads=1,1,1,1"},
    {XAI_OP_CONV, "1x3x7x7 6x1x3x3", "group=3 strides=2,2 pads=1,1,1,1"},
    {XAI_OP_CONV, "1x2x8x9 3x2x3x3 3", "dilations=2,3 pads=2,1,0,3 strides=1,2"},
    {XAI_OP_CONV, "1x2x6x7 3x2x3x4", "auto_pad=SAME_UPPER strides=2,3"},
    {XAI_OP_CONV, "1x2x6x7 3x2x3x4", "auto_pad=SAME_LOWER"},
    {XAI_OP_CONV, "1x2x6x7 3x2x3x4", "auto_pad=VALID kernel_shape=3,4"},
    {XAI_OP_CONV, "1x2x5x5 3x2x3x3 3", "pads=1,1,1,1"},
    {XAI_OP_CONV, "1x1x6x6 2x1x2x2", "strides=4,3"},
    {XAI_OP_CONV, "1x1x1x1 2x1x5x5", "pads=2,2,2,2"},
    {XAI_OP_CONV, "2x12x20x19 24x12x3x3 24", "pads=1,1,1,1"},
    {XAI_OP_CONV, "1x12x20x19 24x12x1x1", ""},
    {XAI_OP_CONV, "2x4x9 6x2x3 6", "group=2 pads=1,2 strides=2 dilations=2"},
    {XAI_OP_CONV, "2x2x4x3x5 4x1x3x2x2 4", "group=2 pads=1,0,1,0,1,0 strides=1,1,2"},
    {XAI_OP_CONV, "1x2x5x4x5 3x2x2x2x2", "dilations=2,1,2 auto_pad=SAME_UPPER strides=2,1,1"},
    {XAI_OP_CONV_TRANSPOSE, "2x3x4x5 3x4x3x3 4", ""},
    {XAI_OP_CONV_TRANSPOSE, "1x3x4x5 3x2x1x1", "strides=3,2"},
    {XAI_OP_CONV_TRANSPOSE, "2x4x3x4 4x3x3x2 6", "group=2 pads=1,0,0,1 strides=2,1"},
    {XAI_OP_CONV_TRANSPOSE, "2x4x5x4 4x1x3x3 4", "group=4 pads=1,1,1,1"},
    {XAI_OP_CONV_TRANSPOSE, "1x2x3x4 2x3x3x3 3", "dilations=2,3 output_padding=1,2 strides=2,3"},
    {XAI_OP_CONV_TRANSPOSE, "1x2x3x4 2x3x3x3", "auto_pad=SAME_UPPER strides=2,3"},
    {XAI_OP_CONV_TRANSPOSE, "1x2x3x4 2x3x3x2", "auto_pad=SAME_LOWER strides=2,1 kernel_shape=3,2"},
    {XAI_OP_CONV_TRANSPOSE, "1x2x3x3 2x2x3x3", "output_shape=10,6 strides=3,2"},
    {XAI_OP_CONV_TRANSPOSE, "2x4x5 4x3x3 6", "group=2 pads=1,2 strides=2 output_padding=1"},
    {XAI_OP_CONV_TRANSPOSE, "1x2x2x3x2 2x2x3x2x2 2", "strides=2,1,2 pads=1,0,0,0,0,1"},
    {XAI_OP_DEPTH_TO_SPACE, "2x12x3x2", "blocksize=2"},
    {XAI_OP_DEPTH_TO_SPACE, "1x18x2x3", "blocksize=3 mode=CRD"},
    {XAI_OP_COS, "5x7", ""},
    {XAI_OP_COSH, "5x7", ""},
    {XAI_OP_CUM_SUM, "2x3x4 is=1", ""},
    {XAI_OP_CUM_SUM, "2x3x4 i1=-1", "exclusive=1"},
    {XAI_OP_CUM_SUM, "2x3x4 j1=0", "reverse=1"},
    {XAI_OP_CUM_SUM, "7 is=0", "reverse=1 exclusive=1"},
    {XAI_OP_DIV, "2x3x4 +2x3x4", ""},
    {XAI_OP_DIV, "2x3x4 +3x1", ""},
    {XAI_OP_DIV, "4 +2x1", ""},
    {XAI_OP_DROPOUT, "2x3", ""},
    {XAI_OP_EXPAND, "3x1 i3=2,1,4", ""},
    {XAI_OP_EXPAND, "2x1x3x1 i2=1,5", ""},
    {XAI_OP_EXPAND, "s i0", ""},
    {XAI_OP_EXPAND, "s i2=2,3", ""},
    {XAI_OP_ELU, "5x7", "alpha=1.7"},
    {XAI_OP_ERF, "5x7", ""},
    {XAI_OP_EXP, "5x7", ""},
    {XAI_OP_FLATTEN, "2x3x4", "axis=2"},
    {XAI_OP_GATHER, "4x3 i5=2,0,-1,2,3", ""},
    {XAI_OP_GATHER, "2x3x4 j2x2=2,0,-1,2", "axis=1"},
    {XAI_OP_GATHER, "2x3 is=-1?", "axis=1"},
    {XAI_OP_GATHER_ELEMENTS, "3x4 i2x4=0,2,-1,1,2,2,0,-3", ""},
    {XAI_OP_GATHER_ELEMENTS, "2x3x4 j2x2x3=0,3,-1,2,2,2,1,0,-4,3,3,0", "axis=-1"},
    {XAI_OP_GATHER_ND, "3x4x2 i2x2=0,3,-1,1", ""},
    {XAI_OP_GATHER_ND, "3x4x2 i2x1x1=0,2?", ""},
    {XAI_OP_GATHER_ND, "2x3x4 i2x2x1=0,2,-1,1", "batch_dims=1"},
    {XAI_OP_GELU, "7=-3,-1.5,-0.7,-0.1,0.4,1.1,2.5", ""},
    {XAI_OP_GELU, "7=-3,-1.5,-0.7,-0.1,0.4,1.1,2.5", "approximate=tanh"},
    {XAI_OP_GEMM, "3x4 4x5 5", ""},
    {XAI_OP_GEMM, "3x4 5x4 3x1", "transB=1 alpha=0.7 beta=-1.3"},
    {XAI_OP_GEMM, "4x3 4x5 3x5", "transA=1 alpha=-2 beta=0.5"},
    {XAI_OP_GEMM, "4x3 5x4 s", "transA=1 transB=1 alpha=0.5"},
    {XAI_OP_GEMM, "3x4 4x5", "alpha=2"},
    {XAI_OP_GEMM, "3x4 4x5 1x1", ""},
    {XAI_OP_GEMM, "3x300 310x300 310", "transB=1"},
    {XAI_OP_GLOBAL_AVERAGE_POOL, "2x3x4x5", ""},
    {XAI_OP_GLOBAL_AVERAGE_POOL, "2x3x4", ""},
    {XAI_OP_GLOBAL_LP_POOL, "2x3x4x5", ""},
    {XAI_OP_GLOBAL_LP_POOL, "2x3x4", "p=3"},
    {XAI_OP_GLOBAL_LP_POOL, "2x3x2x2x2", "p=1"},
    {XAI_OP_GLOBAL_MAX_POOL, "~2x3x4x5", ""},
    {XAI_OP_GROUP_NORMALIZATION, "2x6x3x2 6 6", "num_groups=2"},
    {XAI_OP_GROUP_NORMALIZATION, "2x6x3 2 2", "num_groups=2 epsilon=0.1"},
    {XAI_OP_GROUP_NORMALIZATION, "2x4x3 4 2", "num_groups=2"},
    {XAI_OP_GROUP_NORMALIZATION, "3x6 6 6", "num_groups=2 epsilon=0.1"},
    {XAI_OP_HARD_SIGMOID, "5x7", "alpha=1.1111111 beta=0.4444444"},
    {XAI_OP_HARD_SWISH, "7=-4,-3.5,-2,-0.5,1,2.5,4", ""},
    {XAI_OP_IDENTITY, "2x3", ""},
    {XAI_OP_INSTANCE_NORMALIZATION, "2x3x4x2 3 3", ""},
    {XAI_OP_INSTANCE_NORMALIZATION, "2x3x5 3 3", "epsilon=0.1"},
    {XAI_OP_LAYER_NORMALIZATION, "4x5 5 5", ""},
    {XAI_OP_LAYER_NORMALIZATION, "2x3x4 3x4 3x4", "axis=1"},
    {XAI_OP_LAYER_NORMALIZATION, "2x3x4 4", "axis=-1 epsilon=0.1"},
    {XAI_OP_LAYER_NORMALIZATION, "2x3x4 4 3x1", "axis=-2"},
    {XAI_OP_LEAKY_RELU, "5x7", "alpha=0.2"},
    {XAI_OP_LOG, "+5x7", ""},
    {XAI_OP_LOG_SOFTMAX, "3x5", ""},
    {XAI_OP_LOG_SOFTMAX, "2x4x3", "axis=1"},
    {XAI_OP_LP_NORMALIZATION, "3x5", ""},
    {XAI_OP_LP_NORMALIZATION, "2x4x3", "axis=1 p=1"},
    {XAI_OP_LP_NORMALIZATION, "2x4x3", "axis=-3"},
    {XAI_OP_LP_POOL, "2x2x5x6", "kernel_shape=2,3"},
    {XAI_OP_LP_POOL, "1x2x5x6", "kernel_shape=3,3 strides=2,2 pads=1,0,0,2 p=3"},
    {XAI_OP_LP_POOL, "1x1x6x6", "kernel_shape=3,3 strides=2,2 ceil_mode=1 p=1"},
    {XAI_OP_LP_POOL, "2x3x9", "kernel_shape=4 strides=3 dilations=2 pads=2,1"},
    {XAI_OP_LRN, "2x7x2x3", "size=5 alpha=0.9 beta=0.75 bias=1.5"},
    {XAI_OP_LRN, "1x4x2x2", "size=2 alpha=0.7 beta=0.5 bias=2"},
    {XAI_OP_LRN, "1x3x2", "size=9 alpha=1 beta=1"},
    {XAI_OP_MATMUL, "3x4 4x5", ""},
    {XAI_OP_MATMUL, "2x3x4 4x5", ""},
    {XAI_OP_MATMUL, "3x4 2x4x5", ""},
    {XAI_OP_MATMUL, "2x1x3x4 3x4x2", ""},
    {XAI_OP_MATMUL, "2x3x2x4 2x3x4x2", ""},
    {XAI_OP_MATMUL, "4 4x5", ""},
    {XAI_OP_MATMUL, "2x3x4 4", ""},
    {XAI_OP_MATMUL, "4 2x4x3", ""},
    {XAI_OP_MATMUL, "4 4", ""},
    {XAI_OP_MAX, "2x3x4", ""},
    {XAI_OP_MAX, "2x3x4 3x1 1x4", ""},
    {XAI_OP_MAX, "3=0.9,-0.7,0.3 2x3=0.2,0.8,-0.5,-0.2,0.1,0.6 s=0.25", ""},
    {XAI_OP_MAX_POOL, "~2x2x5x6", "kernel_shape=2,3"},
    {XAI_OP_MAX_POOL, "~1x2x5x6", "kernel_shape=3,3 strides=2,2 pads=1,0,0,2"},
    {XAI_OP_MAX_POOL, "~1x1x6x6", "kernel_shape=3,3 strides=2,2 ceil_mode=1"},
    {XAI_OP_MAX_POOL, "~1x1x7x7", "kernel_shape=2,2 dilations=2,3 pads=1,1,1,1"},
    {XAI_OP_MAX_POOL, "~1x1x7x6", "kernel_shape=3,3 strides=2,2 auto_pad=SAME_UPPER"},
    {XAI_OP_MAX_POOL, "~2x3x9", "kernel_shape=4 strides=3 pads=2,1"},
    {XAI_OP_MAX_POOL, "~2x2x4x5x3", "kernel_shape=2,3,2 strides=2,1,1 pads=0,1,0,0,0,1"},
    {XAI_OP_MAX_UNPOOL, "1x2x2x2 i1x2x2x2=0,3,13,10,16,18,25,31", "kernel_shape=2,2 strides=2,2"},
    {XAI_OP_MAX_UNPOOL, "1x1x3 i1x1x3=0,3,4 i3=1,1,9", "kernel_shape=2 strides=2"},
    {XAI_OP_MEAN, "2x3x4 3x1 4", ""},
    {XAI_OP_MEAN, "s s", ""},
    {XAI_OP_MEAN_VARIANCE_NORMALIZATION, "2x3x4x2", ""},
    {XAI_OP_MEAN_VARIANCE_NORMALIZATION, "2x3x4", "axes=1,-1"},
    {XAI_OP_MIN, "2x3x4 3x1 1x4", ""},
    {XAI_OP_MIN, "4 3x4", ""},
    {XAI_OP_MISH, "7=-3,-1.5,-0.7,-0.1,0.4,1.1,2.5", ""},
    {XAI_OP_MOD, "4=5.3,-4.7,2.9,-0.8 4=2.1,1.6,-1.3,-0.5", ""},
    {XAI_OP_MOD, "4=5.3,-4.7,2.9,-0.8 4=2.1,1.6,-1.3,-0.5", "fmod=1"},
    {XAI_OP_MUL, "2x3x4 2x3x4", ""},
    {XAI_OP_MUL, "2x3x4x4 2x3x1x1", ""},
    {XAI_OP_MUL, "s 2x3", ""},
    {XAI_OP_NEG, "5x7", ""},
    {XAI_OP_PAD, "2x3 i4=1,0,2,3", ""},
    {XAI_OP_PAD, "1x2x3x4 i8=0,0,1,2,0,0,1,3 s=0.7", ""},
    {XAI_OP_PAD, "4x5 i4=2,-1,3,2", "mode=reflect"},
    {XAI_OP_PAD, "4x5 i4=2,-1,-1,6", "mode=edge"},
    {XAI_OP_PAD, "4x5x2 i4=-3,1,2,-2 - i2=1,-3", ""},
    {XAI_OP_POW, "+2x3 2x3", ""},
    {XAI_OP_POW, "+2x3 2x1", ""},
    {XAI_OP_POW, "3x4 is=2", ""},
    {XAI_OP_POW, "3x4 j1=3", ""},
    {XAI_OP_POW, "2x3x2 i2=2,3", ""},
    {XAI_OP_POW, "+4 s=-0.75", ""},
    {XAI_OP_PRELU, "2x3x4 2x3x4", ""},
    {XAI_OP_PRELU, "2x3x4 3x1", ""},
    {XAI_OP_PRELU, "2x3x4 s", ""},
    {XAI_OP_RECIPROCAL, "+5x7", ""},
    {XAI_OP_REDUCE_L1, "2x3x4 i2=0,2", ""},
    {XAI_OP_REDUCE_L1, "2x3x4", "keepdims=0"},
    {XAI_OP_REDUCE_L2, "2x3x4 i1=1", ""},
    {XAI_OP_REDUCE_L2, "2x3x4 i1=2", "keepdims=0"},
    {XAI_OP_REDUCE_LOG_SUM, "+2x3x4 i1=1", ""},
    {XAI_OP_REDUCE_LOG_SUM_EXP, "2x3x4 i2=0,1", ""},
    {XAI_OP_REDUCE_LOG_SUM_EXP, "2x3x4", ""},
    {XAI_OP_REDUCE_MAX, "~2x3x4 i2=2,0", ""},
    {XAI_OP_REDUCE_MAX, "~2x3x4", ""},
    {XAI_OP_REDUCE_MEAN, "2x3x4 i2=1,-1", ""},
    {XAI_OP_REDUCE_MEAN, "2x3x4 i1=1", "keepdims=0"},
    {XAI_OP_REDUCE_MEAN, "2x3x4", "keepdims=0"},
    {XAI_OP_REDUCE_MEAN, "2x3x4 i0", "noop_with_empty_axes=1"},
    {XAI_OP_REDUCE_MEAN, "s", ""},
    {XAI_OP_REDUCE_MIN, "~2x3x4 i1=1", "keepdims=0"},
    {XAI_OP_REDUCE_PROD, "2x3x4 i2=0,1", ""},
    {XAI_OP_REDUCE_PROD, "2x3=0,2,3,0,0,5 i1=1", ""},
    {XAI_OP_REDUCE_SUM, "2x3x4 i2=1,-1", ""},
    {XAI_OP_REDUCE_SUM, "2x3x4", ""},
    {XAI_OP_REDUCE_SUM, "2x3x4 i0", "noop_with_empty_axes=1"},
    {XAI_OP_REDUCE_SUM_SQUARE, "2x3x4 i1=1", ""},
    {XAI_OP_RELU, "5x7", ""},
    {XAI_OP_RESHAPE, "2x3x4 i2=0,-1", ""},
    {XAI_OP_RESIZE, "1x2x3x4 - 4=1,1,2,2.5", ""},
    {XAI_OP_RESIZE, "1x2x3x4 - 4=1,1,2,2.5", "mode=linear"},
    {XAI_OP_RESIZE, "1x2x3x4 - - i4=1,2,7,3", "mode=cubic"},
    {XAI_OP_RESIZE, "2x5x7 - - i3=2,3,4", "mode=cubic exclude_outside=1 cubic_coeff_a=-0.5"},
    {XAI_OP_RESIZE, "1x2x3x4 - - i4=1,2,7,3", "mode=linear coordinate_transformation_mode=align_corners"},
    {XAI_OP_RESIZE, "4x4 - 2=0.6,0.6", "mode=linear antialias=1"},
    {XAI_OP_RESIZE, "6x7 - - i2=2,3", "mode=cubic antialias=1"},
    {XAI_OP_RESIZE, "4x6x5 2=0.1,0.9 - i1=3", "mode=linear coordinate_transformation_mode=tf_crop_and_resize axes=1"},
    {XAI_OP_RESIZE, "4x5 4=-0.5,0.2,1.3,0.9 - i2=5,4", "coordinate_transformation_mode=tf_crop_and_resize mode=linear"},
    {XAI_OP_RESIZE, "4x5 - - i2=4,5", ""},
    {XAI_OP_REVERSE_SEQUENCE, "4x3x2 i3=2,4,0", ""},
    {XAI_OP_REVERSE_SEQUENCE, "3x4 i3=2,1,3", "batch_axis=0 time_axis=1"},
    {XAI_OP_SCATTER_ELEMENTS, "3x4 i2x3=0,2,-1,1,2,0 2x3", ""},
    {XAI_OP_SCATTER_ELEMENTS, "2x4 i2x3=0,2,0,1,1,-1 2x3", "axis=1"},
    {XAI_OP_SCATTER_ELEMENTS, "2x4 i2x3=0,2,0,1,1,-1 2x3", "axis=1 reduction=add"},
    {XAI_OP_SCATTER_ND, "3x4x2 i3x2=0,3,-1,1,0,-1 3x2", ""},
    {XAI_OP_SCATTER_ND, "5 i2x2x1=0,3,3,1 2x2", "reduction=add"},
    {XAI_OP_SELU, "5x7", ""},
    {XAI_OP_SELU, "5x7", "alpha=0.6 gamma=1.4"},
    {XAI_OP_SHRINK, "6=-0.9,-0.6,-0.2,0.3,0.7,0.8", ""},
    {XAI_OP_SHRINK, "6=-0.9,-0.6,-0.2,0.3,0.7,0.8", "lambd=0.25 bias=0.1"},
    {XAI_OP_SIGMOID, "5x7", ""},
    {XAI_OP_SIN, "5x7", ""},
    {XAI_OP_SINH, "5x7", ""},
    {XAI_OP_SLICE, "4x5 i2=1,0 i2=3,5", ""},
    {XAI_OP_SLICE, "4x5 i1=-1 i1=-9223372036854775808 i1=1 i1=-2", ""},
    {XAI_OP_SLICE, "4x5x3 i2=0,4 i2=9223372036854775807,0 i2=-1,0 i2=2,-3", ""},
    {XAI_OP_SOFTMAX, "3x5", ""},
    {XAI_OP_SOFTMAX, "2x4x3", "axis=1"},
    {XAI_OP_SOFTMAX, "2x4x3", "axis=0"},
    {XAI_OP_SPACE_TO_DEPTH, "2x3x4x6", "blocksize=2"},
    {XAI_OP_SPLIT, "3x4 i1=3", ""},
    {XAI_OP_SPLIT, "3x4", "axis=-1"},
    {XAI_OP_SOFTPLUS, "5x7", ""},
    {XAI_OP_SOFTSIGN, "5x7", ""},
    {XAI_OP_SQRT, "+5x7", ""},
    {XAI_OP_SQUEEZE, "2x1x3x1", ""},
    {XAI_OP_SUB, "2x3x4 3x1", ""},
    {XAI_OP_SUB, "1x4 2x3x1", ""},
    {XAI_OP_SUM, "2x3x4", ""},
    {XAI_OP_SUM, "2x3x4 3x1 1x4 s", ""},
    {XAI_OP_TAN, "5x7", ""},
    {XAI_OP_TANH, "5x7", ""},
    {XAI_OP_TILE, "2x3 i2=3,2", ""},
    {XAI_OP_TILE, "2x1x3x2 i4=1,4,2,1", ""},
    {XAI_OP_TILE, "s i0", ""},
    {XAI_OP_TOP_K, "~3x7 i1=3", ""},
    {XAI_OP_TOP_K, "~2x5x3 is=2", "axis=1 largest=0"},
    {XAI_OP_THRESHOLDED_RELU, "5x7", "alpha=0.5"},
    {XAI_OP_TRANSPOSE, "2x3x4x5", "perm=0,2,3,1"},
    {XAI_OP_TRANSPOSE, "2x3x4x5", "perm=3,1,0,2"},
    {XAI_OP_TRANSPOSE, "2x3x4", ""},
    {XAI_OP_TRILU, "2x3x4", ""},
    {XAI_OP_TRILU, "4x3 i1=-1", "upper=0"},
    {XAI_OP_UNSQUEEZE, "2x3 i2=0,-1", ""},
    {XAI_OP_WHERE, "b2x3=1,0,1,0,0,1 2x3 2x3", ""},
    {XAI_OP_WHERE, "b3=1,0,1 2x1 2x3", ""},
    {XAI_OP_WHERE, "b2x3x1=1,0,1,0,0,1 s 4", ""},
    {XAI_OP_WHERE, "b2x1=1,0 2x3 3", ""},
};
enum { CASES = sizeof cases / sizeof *cases };

static bool differentiable(const op_case *k, int i) {
  return xai_call_has(&k->call, i) && k->in[i].dtype == XAI_F32 &&
         xai_op_grad(xai_op_get(k->op), i) != XAI_NO_GRAD;
}

static double loss(op_case *k) {
  double sum = 0;
  case_forward(k);
  for (int64_t e = 0; e < xai_shape_size(&k->out[0].shape); e++)
    sum += xai_view_get(&k->out[0], e) * xai_view_get(&k->dout[0], e);
  return sum;
}

/* In place of elements that backward must not look at. */
static xai_view poisoned(const xai_view *v) {
  xai_view p = *v;
  if (v->shape.rank < 0) return p;
  p.data = bytes_for(v);
  for (int64_t e = 0; e < xai_shape_size(&v->shape); e++) view_set(&p, e, v->dtype == XAI_F32 ? NAN : 111);
  return p;
}

/* The gradient to input i alone, with no more in memory than the row says it reads. */
static void backward_with_declared_reads(op_case *k, int i) {
  const xai_op_def *def = xai_op_get(k->op);
  unsigned reads = xai_op_grad(def, i);
  xai_view in[CASE_INPUTS], out;
  for (int j = 0; j < k->n_in; j++) in[j] = reads & XAI_READS(j) ? k->in[j] : poisoned(&k->in[j]);
  out = reads & XAI_READS_OUT ? k->out[0] : poisoned(&k->out[0]);
  xai_call call = k->call;
  call.in = in;
  call.out = &out;
  def->backward(&call);
  for (int j = 0; j < k->n_in; j++)
    if (in[j].data != k->in[j].data) free(in[j].data);
  if (out.data != k->out[0].data) free(out.data);
}

static void compare_with_differences(op_case *k, int i, const char *title) {
  const double h = sizeof(float) == 8 ? 1e-5 : 5e-3, tolerance = sizeof(float) == 8 ? 1e-8 : 2e-3;
  int64_t n = xai_shape_size(&k->in[i].shape), step = n > 300 ? n / 100 : 1; /* of large inputs, a sample */
  double largest = 0, worst = 0;
  for (int64_t e = 0; e < n; e += step) {
    double x = xai_view_get(&k->in[i], e);
    view_set(&k->in[i], e, x + h);
    double up = loss(k), high = xai_view_get(&k->in[i], e);
    view_set(&k->in[i], e, x - h);
    double down = loss(k), low = xai_view_get(&k->in[i], e);
    view_set(&k->in[i], e, x);
    double expected = (up - down) / (high - low), got = xai_view_get(&k->din[i], e);
    if (!(fabs(got) <= 1e30)) fail_msg("%s: gradient to input %d is %g at element %d", title, i, got, (int)e);
    if (fabs(expected) > largest) largest = fabs(expected);
    if (fabs(expected - got) > worst) worst = fabs(expected - got);
  }
  if (largest == 0) fail_msg("%s: input %d makes no difference", title, i);
  if (worst > tolerance * largest)
    fail_msg("%s: gradient to input %d is off by %g of %g", title, i, worst, largest);
}

static void every_gradient_agrees_with_central_differences(void **state) {
  (void)state;
  bool covered[XAI_OP_COUNT][XAI_GRAD_INPUTS] = {{false}};
  for (int at = 0; at < CASES; at++) {
    const gradient_case *g = &cases[at];
    op_case k;
    char title[256];
    snprintf(title, sizeof title, "%s(%s) %s", xai_op_get(g->op)->name, g->inputs, g->attrs);
    case_open(&k, g->op, g->inputs, g->attrs);
    case_prepare(&k);
    for (int i = 0; i < k.n_in; i++) {
      if (!differentiable(&k, i)) continue;
      covered[g->op][i < XAI_GRAD_INPUTS ? i : XAI_GRAD_INPUTS - 1] = true;
      case_prepare_backward(&k, 1u << i);
      case_forward(&k);
      backward_with_declared_reads(&k, i);
      compare_with_differences(&k, i, title);
      case_close_backward(&k);
    }
    case_close(&k);
  }
  for (int op = 0; op < XAI_OP_COUNT; op++) {
    const xai_op_def *def = xai_op_get((xai_op)op);
    for (int i = 0; i < XAI_GRAD_INPUTS && (i < def->max_in || (def->max_in < 0 && i < 2)); i++)
      if (def->grad[i] != XAI_NO_GRAD && !covered[op][i])
        fail_msg("%s: the gradient to input %d has no case", def->name, i);
  }
}

static void gradients_asked_for_together_equal_those_asked_for_alone(void **state) {
  (void)state;
  for (int at = 0; at < CASES; at++) {
    op_case k, alone;
    unsigned wanted = 0;
    case_open(&k, cases[at].op, cases[at].inputs, cases[at].attrs);
    case_open(&alone, cases[at].op, cases[at].inputs, cases[at].attrs);
    case_prepare(&k);
    case_prepare(&alone);
    case_forward(&k);
    case_forward(&alone);
    for (int i = 0; i < k.n_in; i++)
      if (differentiable(&k, i)) wanted |= 1u << i;
    case_prepare_backward(&k, wanted);
    xai_op_get(k.op)->backward(&k.call);
    for (int i = 0; i < k.n_in; i++) {
      if (!differentiable(&k, i)) continue;
      case_prepare_backward(&alone, 1u << i);
      xai_op_get(k.op)->backward(&alone.call);
      assert_memory_equal(k.din[i].data, alone.din[i].data, xai_view_bytes(&k.in[i]));
      case_close_backward(&alone);
    }
    case_close(&k);
    case_close(&alone);
  }
}

static void without_a_signal_all_gradients_are_zero(void **state) {
  (void)state;
  for (int at = 0; at < CASES; at++) {
    op_case k;
    case_open(&k, cases[at].op, cases[at].inputs, cases[at].attrs);
    case_prepare(&k);
    case_forward(&k);
    for (int i = 0; i < k.n_in; i++) {
      if (!differentiable(&k, i)) continue;
      case_prepare_backward(&k, 1u << i);
      free(k.dout[0].data);
      k.dout[0].data = NULL;
      xai_op_get(k.op)->backward(&k.call);
      for (int64_t e = 0; e < xai_shape_size(&k.in[i].shape); e++) assert_true(xai_view_get(&k.din[i], e) == 0);
      case_close_backward(&k);
    }
    case_close(&k);
  }
}

static void rows_name_the_inputs_whose_elements_shapes_depend_on(void **state) {
  (void)state;
  for (int at = 0; at < CASES; at++) {
    op_case k;
    case_open(&k, cases[at].op, cases[at].inputs, cases[at].attrs);
    const xai_op_def *def = xai_op_get(k.op);
    for (int i = 0; i < k.n_in; i++) {
      xai_err err = {""};
      bool was = k.unknown[i], decides = (def->decides & XAI_READS(i)) != 0;
      if (!xai_call_has(&k.call, i) || xai_shape_size(&k.in[i].shape) == 0) continue;
      k.unknown[i] = true;
      xai_status st = case_infer(&k, &err);
      if (st != (decides ? XAI_EUNSUPPORTED : XAI_OK))
        fail_msg("%s: input %d unknown, decides = %d: '%s'", def->name, i, decides, err.text);
      k.unknown[i] = was;
    }
    case_close(&k);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_gradient_agrees_with_central_differences),
      cmocka_unit_test(gradients_asked_for_together_equal_those_asked_for_alone),
      cmocka_unit_test(rows_name_the_inputs_whose_elements_shapes_depend_on),
      cmocka_unit_test(without_a_signal_all_gradients_are_zero),
  };
  xk_threads_set(1); /* thousands of tiny passes: waking a second thread costs more than it brings */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
