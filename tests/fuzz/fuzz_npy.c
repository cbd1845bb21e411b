/* Any bytes as a NumPy array. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_archive(data, size, xai_npy_parse);
  return 0;
}
