/* Any bytes as a safetensors file. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fuzz_archive(data, size, xai_safetensors_parse);
  return 0;
}
