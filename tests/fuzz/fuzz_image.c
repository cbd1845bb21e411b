/* Any bytes as a picture. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[FUZZ_PATH];
  int fd = fuzz_file(data, size, path);
  xai_image *image = NULL;
  xai_image_note note;
  xai_err err = {""};
  xai_mem_limit(FUZZ_MEMORY);
  size_t before = xai_mem_live();
  xai_status st = xai_image_read(path, &image, &note, &err);
  if (st != XAI_OK) FUZZ_CHECK(image == NULL, "the result of a failure");
  if (st != XAI_OK && st != XAI_ENOMEM) fuzz_check_failure(path, st, &err);
  xai_image_free(image);
  FUZZ_CHECK(xai_mem_live() == before, "memory is left over");
  close(fd);
  return 0;
}
