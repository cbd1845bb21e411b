/* explain/channels.h: what the methods of the CAM family share. */
#ifndef EXPLAIN_CHANNELS_H
#define EXPLAIN_CHANNELS_H

#include <stdint.h>

/* map = sum over k of w[k] a[k], for channels of 'plane' places each; summed in double. */
void xai_channels_weigh(int64_t channels, int64_t plane, const float *w, const float *a, float *map);

#endif
