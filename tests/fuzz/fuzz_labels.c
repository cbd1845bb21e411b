/* Any bytes as a list of labels. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  xai_mem_limit(FUZZ_MEMORY);
  size_t before = xai_mem_live();
  char **labels = NULL;
  int n = 0;
  xai_err err = {""};
  xai_file *file = fuzz_file(FUZZ_NAME, data, size);
  xai_status st = xai_labels_parse(file, &labels, &n, &err);
  xai_file_release(file);
  if (st != XAI_OK) FUZZ_CHECK(labels == NULL, "the result of a failure");
  if (st != XAI_OK) fuzz_check_failure(FUZZ_NAME, st, &err);
  for (int i = 0; i < n; i++) fuzz_touch(labels[i], strlen(labels[i]));
  xai_free(labels);
  FUZZ_CHECK(xai_mem_live() == before, "memory is left over");
  return 0;
}
