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

void XK_ISA(tsne_both)(int64_t n, const float *sx, const float *sy, const float *p, int64_t p_step, const float *tx,
                       const float *ty, float (*sums)[16]) {
  for (int part = 0; part < TARGETS; part += VF) {
    const vf x = vf_load(tx + part), y = vf_load(ty + part);
    vf push_x = {0}, push_y = {0}, z = {0}, pull_x = {0}, pull_y = {0};
    for (int64_t j = 0; j < n; j++) {
      vf dx = x - sx[j], dy = y - sy[j], q = 1 / (1 + dx * dx + dy * dy), qq = q * q;
      vf pq = vf_load(p + j * p_step + part) * q;
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

/* x[at[0]], x[at[1]], ... */
XK_INLINE vf gather(const float *x, const int32_t *at) {
#if defined(__AVX512F__)
  return (vf)_mm512_i32gather_ps(_mm512_loadu_si512(at), x, 4);
#elif defined(__AVX2__)
  return (vf)_mm256_i32gather_ps(x, _mm256_loadu_si256((const __m256i *)at), 4);
#else
  vf v;
  for (int i = 0; i < VF; i++) v[i] = x[at[i]];
  return v;
#endif
}

void XK_ISA(tsne_pull)(int64_t n, const int32_t *at, const float *p, const float *x, const float *y, float tx, float ty,
                       float *sums) {
  vf sum_x = {0}, sum_y = {0};
  for (int64_t j = 0; j < n; j += VF) {
    vf dx = tx - gather(x, at + j), dy = ty - gather(y, at + j);
    vf pq = vf_load(p + j) / (1 + dx * dx + dy * dy);
    sum_x += pq * dx;
    sum_y += pq * dy;
  }
  sums[0] = vf_sum(sum_x);
  sums[1] = vf_sum(sum_y);
}
