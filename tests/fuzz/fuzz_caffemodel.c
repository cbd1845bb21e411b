/* Any bytes as the weights of a Caffe network whose structure is sound, as those of one without layers, and as a mean
 * picture. */
#include "fuzz_caffe.h"
#include "proto_mutate.h"

static void read_mean(const uint8_t *data, size_t size) {
  size_t before = xai_mem_live();
  float mean[3] = {-1, -1, -1};
  xai_err err = {""};
  xai_file *file = fuzz_file(FUZZ_WEIGHTS, data, size);
  xai_status st = xai_caffe_mean_parse(file, mean, &err);
  xai_file_release(file);
  if (st != XAI_OK) fuzz_check_failure(FUZZ_WEIGHTS, st == XAI_ESHAPE ? XAI_EFORMAT : st, &err);
  if (st != XAI_OK) FUZZ_CHECK(mean[0] == -1 && mean[1] == -1 && mean[2] == -1, "the result of a failure");
  FUZZ_CHECK(xai_mem_live() == before, "memory is left over");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char empty[] = "name: 'empty'";
  xai_mem_limit(FUZZ_NET_MEMORY);
  fuzz_caffe(fuzz_structure, sizeof fuzz_structure - 1, data, size);
  fuzz_caffe(empty, sizeof empty - 1, data, size);
  read_mean(data, size);
  return 0;
}
