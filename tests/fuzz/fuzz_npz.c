/* Any bytes as a zip archive of arrays. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_archive(data, size, NULL);
  return 0;
}
