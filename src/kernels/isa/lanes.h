/* kernels/isa/lanes.h: vectors as wide as the instruction set that a file is being compiled for.
 *
 * Files of this directory are compiled once per set with XK_SUFFIX = avx512, avx2 or portable. They write vectors with
 * the operators of gcc's and clang's vector extension; products and sums are fused where the processor can. No function
 * here may have external linkage but those of isa.def, whose names get the suffix. */
#ifndef KERNELS_ISA_LANES_H
#define KERNELS_ISA_LANES_H

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "kernels/isa.h"

#ifndef XK_SUFFIX
#define XK_SUFFIX portable
#endif
#define XK_PASTE_(a, b) a##_##b
#define XK_PASTE(a, b) XK_PASTE_(a, b)
#define XK_ISA(function) XK_PASTE(xk__##function, XK_SUFFIX)

#define XK_ISA_FUNCTION(function, ...) void XK_ISA(function) __VA_ARGS__;
#include "kernels/isa.def"
#undef XK_ISA_FUNCTION

/* ---- vf: VF floats -------------------------------------------------------------------------------------------- */
#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif
#if defined(__AVX512F__)
#define VF 16
#elif defined(__AVX2__)
#define VF 8
#elif !defined(XK_ONLY_PORTABLE)
#define VF 4
#else /* a float is a double */
#define VF 2
#endif
typedef float vf __attribute__((vector_size(VF * sizeof(float))));
typedef float vf_anywhere __attribute__((vector_size(VF * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef __typeof__((vf){0} < (vf){0}) vm; /* a comparison's result */

XK_INLINE vf vf_load(const float *x) { return *(const vf_anywhere *)x; }
XK_INLINE void vf_store(float *x, vf v) { *(vf_anywhere *)x = v; }

/* min(max(v, lo), hi), and NaN stays NaN: the instructions give their second operand when one is NaN. */
XK_INLINE vf vf_clamp(vf v, float lo, float hi) {
#if defined(__AVX512F__)
  return (vf)_mm512_min_ps(_mm512_set1_ps(hi), _mm512_max_ps(_mm512_set1_ps(lo), (__m512)v));
#elif defined(__AVX2__)
  return (vf)_mm256_min_ps(_mm256_set1_ps(hi), _mm256_max_ps(_mm256_set1_ps(lo), (__m256)v));
#else
  for (int i = 0; i < VF; i++) {
    v[i] = v[i] < lo ? lo : v[i];
    v[i] = v[i] > hi ? hi : v[i];
  }
  return v;
#endif
}

/* The gradient g behind the rectifier that made y, as at xk_gate; a hi of NaN bounds nothing: no number is >= NaN. */
XK_INLINE vf vf_gate(vf g, vf y, xk_relu_rule rule, float lo, float hi) {
#if defined(__AVX512F__)
  const __m512 zero = _mm512_setzero_ps();
  __mmask16 keep = _mm512_cmp_ps_mask((__m512)y, _mm512_set1_ps(lo), _CMP_GT_OQ);
  keep = _mm512_mask_cmp_ps_mask(keep, (__m512)y, _mm512_set1_ps(hi), _CMP_NGE_UQ);
  if (rule == XK_RELU_DECONV) keep = 0xffff;
  if (rule != XK_RELU_PLAIN) keep = _mm512_mask_cmp_ps_mask(keep, (__m512)g, zero, _CMP_GT_OQ);
  return (vf)_mm512_maskz_mov_ps(keep, (__m512)g);
#else
  const vf zero = {0};
  vm keep = rule == XK_RELU_DECONV ? g > zero : (y > zero + lo) & ~(y >= zero + hi);
  if (rule == XK_RELU_GUIDED) keep &= g > zero;
  return (vf)((vm)g & keep);
#endif
}

/* A gate's upper bound as vf_gate wants it. */
XK_INLINE float vf_most(float hi) { return hi == INFINITY ? NAN : hi; }

XK_INLINE float vf_sum(vf v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps((__m512)v);
#elif defined(__AVX2__)
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
#else
  float sum = 0;
  for (int i = 0; i < VF; i++) sum += v[i];
  return sum;
#endif
}

#endif
