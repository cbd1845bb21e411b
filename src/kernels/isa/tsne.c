/* kernels/isa/tsne.c: forces between points of a map (see isa.def). The quotient is a true division: an estimate of it
 * would differ from processor to processor. */
#include "kernels/isa/lanes.h"

enum { TARGETS = 16 };

void XK_ISA(tsne_push)(int64_t n, const float *sx, const float *sy, const float *w, const float *tx, const float *ty,
                       float (*sums)[16]) {
  for (int part = 0; part < TARGETS; part += VF) {
    const vf x = vf_load(tx + part), y = vf_load(ty + part);
    vf push_x = {0}, push_y = {0}, z = {0};
    for (int64_t j = 0; j < n; j++) {
      vf dx = x - sx[j], dy = y - sy[j], q = 1 / (1 + dx * dx + dy * dy), wq = w[j] * q, wqq = wq * q;
      z += wq;
      push_x += wqq * dx;
      push_y += wqq * dy;
    }
    vf_store(sums[0] + part, push_x);
    vf_store(sums[1] + part, push_y);
    vf_store(sums[2] + part, z);
  }
}

void XK_ISA(tsne_both)(int64_t n, const float *sx, const float *sy, const float *p, const float *tx, const float *ty,
                       float (*sums)[16]) {
  for (int part = 0; part < TARGETS; part += VF) {
    const vf x = vf_load(tx + part), y = vf_load(ty + part);
    vf push_x = {0}, push_y = {0}, z = {0}, pull_x = {0}, pull_y = {0};
    for (int64_t j = 0; j < n; j++) {
      vf dx = x - sx[j], dy = y - sy[j], q = 1 / (1 + dx * dx + dy * dy), qq = q * q;
      vf pq = vf_load(p + TARGETS * j + part) * q;
      z += q;
      push_x += qq * dx;
      push_y += qq * dy;
      pull_x += pq * dx;
      pull_y += pq * dy;
    }
    vf_store(sums[0] + part, push_x);
    vf_store(sums[1] + part, push_y);
    vf_store(sums[2] + part, z);
    vf_store(sums[3] + part, pull_x);
    vf_store(sums[4] + part, pull_y);
  }
}

/* The pairs xy[at[0]], xy[at[1]], ... as x and y: each is one place in memory. Instructions that gather take longer on some
 * processors than all these loads. */
#if VF >= 8
XK_INLINE __m256 gather_four(const float *xy, const int32_t *at) {
#define PAIR(i) ((const double *)(const void *)(xy + 2 * (int64_t)at[i]))
  __m128d low = _mm_loadh_pd(_mm_load_sd(PAIR(0)), PAIR(1)), high = _mm_loadh_pd(_mm_load_sd(PAIR(2)), PAIR(3));
#undef PAIR
  return _mm256_castpd_ps(_mm256_insertf128_pd(_mm256_castpd128_pd256(low), high, 1));
}
#endif

XK_INLINE void gather(const float *xy, const int32_t *at, vf *x, vf *y) {
#if VF == 16
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  __m512 a = _mm512_insertf32x8(_mm512_castps256_ps512(gather_four(xy, at)), gather_four(xy, at + 4), 1);
  __m512 b = _mm512_insertf32x8(_mm512_castps256_ps512(gather_four(xy, at + 8)), gather_four(xy, at + 12), 1);
  *x = (vf)_mm512_permutex2var_ps(a, even, b);
  *y = (vf)_mm512_permutex2var_ps(a, odd, b);
#elif VF == 8
  __m256 a = gather_four(xy, at), b = gather_four(xy, at + 4);
  *x = (vf)_mm256_permute4x64_pd(_mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88)), 0xD8);
  *y = (vf)_mm256_permute4x64_pd(_mm256_castps_pd(_mm256_shuffle_ps(a, b, 0xDD)), 0xD8);
#else
  for (int i = 0; i < VF; i++) {
    (*x)[i] = xy[2 * at[i]];
    (*y)[i] = xy[2 * at[i] + 1];
  }
#endif
}

void XK_ISA(tsne_pull)(int64_t n, const int32_t *at, const float *p, const float *xy, float tx, float ty, float *sums) {
  vf sum_x = {0}, sum_y = {0};
  for (int64_t j = 0; j < n; j += VF) {
    vf x, y;
    gather(xy, at + j, &x, &y);
    vf dx = tx - x, dy = ty - y, pq = vf_load(p + j) / (1 + dx * dx + dy * dy);
    sum_x += pq * dx;
    sum_y += pq * dy;
  }
  sums[0] = vf_sum(sum_x);
  sums[1] = vf_sum(sum_y);
}
