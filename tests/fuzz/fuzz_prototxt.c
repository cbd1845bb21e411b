/* Any bytes as the structure of a Caffe network whose weights are sound. */
#include "fuzz_caffe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  xai_mem_limit(FUZZ_NET_MEMORY);
  const xai_buf *weights = fuzz_sound_weights();
  fuzz_caffe(data, size, weights->data, weights->size);
  return 0;
}
