/* Any bytes as a zip archive of arrays, with sound checksums. */
#include "fuzz.h"
#include "mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t *copy = mended(data, size, mend_zip);
  fuzz_archive(copy, size, xai_archive_parse);
  free(copy);
  return 0;
}
