/* Any bytes as a picture, those of a PNG file with sound checksums. */
#include "fuzz.h"
#include "mend.h"

/* A few bytes may say that they are 64 million pixels; most of the time would go into making them. */
#define FUZZ_IMAGE_MEMORY ((size_t)256 << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  xai_mem_limit(FUZZ_IMAGE_MEMORY);
  size_t before = xai_mem_live();
  xai_image *image = NULL;
  xai_image_note note;
  xai_err err = {""};
  uint8_t *copy = mended(data, size, mend_png);
  xai_file *file = fuzz_file(FUZZ_NAME, copy, size);
  xai_status st = xai_image_parse(file, &image, &note, &err);
  xai_file_release(file);
  free(copy);
  if (st != XAI_OK) FUZZ_CHECK(image == NULL, "the result of a failure");
  if (st != XAI_OK) fuzz_check_failure(FUZZ_NAME, st, &err);
  if (st == XAI_OK) fuzz_touch(image->rgb, (size_t)image->width * (size_t)image->height * 3);
  xai_image_free(image);
  FUZZ_CHECK(xai_mem_live() == before, "memory is left over");
  return 0;
}
