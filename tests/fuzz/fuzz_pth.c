/* Any bytes as a PyTorch checkpoint three times: as a zip archive with sound checksums, as a file of before 1.6, and as
 * the pickle inside of a sound archive. */
#include "fuzz.h"
#include "mend.h"

static xai_buf wrap(const uint8_t *data, size_t size) {
  static const unsigned char zeros[256];
  xai_zip_writer w = {0};
  const xai_buf nothing = {0};
  xai_err err;
  FUZZ_CHECK(xai_zip_add(&w, "x/data.pkl", &nothing, data, size, &err) == XAI_OK, err.text);
  FUZZ_CHECK(xai_zip_add(&w, "x/data/0", &nothing, zeros, sizeof zeros, &err) == XAI_OK, err.text);
  FUZZ_CHECK(xai_zip_add(&w, "x/version", &nothing, "3\n", 2, &err) == XAI_OK, err.text);
  FUZZ_CHECK(xai_zip_finish(&w, &err) == XAI_OK, err.text);
  xai_buf archive = w.bytes;
  w.bytes = (xai_buf){0};
  xai_zip_writer_free(&w);
  return archive;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size >= 4 && memcmp(data, "PK", 2) == 0) { /* no pickle begins so */
    uint8_t *copy = mended(data, size, mend_zip);
    fuzz_archive(copy, size, xai_archive_parse);
    free(copy);
    return 0;
  }
  fuzz_archive(data, size, xai_pth_parse_legacy);
  xai_buf archive = wrap(data, size);
  fuzz_archive(archive.data, archive.size, xai_archive_parse);
  xai_buf_free(&archive);
  return 0;
}
