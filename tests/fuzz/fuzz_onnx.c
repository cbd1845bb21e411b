/* Any bytes as an ONNX model, which runs if it is one, and as a single tensor. */
#include "fuzz_net.h"
#include "proto_mutate.h"

/* A model may also fail for what its parts make together, or for a file that it names. */
static void check_failure(xai_status st, const xai_err *err) {
  bool together = st == XAI_ESHAPE || st == XAI_EARG || st == XAI_ENOTFOUND || st == XAI_EIO;
  fuzz_check_failure(FUZZ_NAME, together ? XAI_EFORMAT : st, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  xai_mem_limit(FUZZ_NET_MEMORY);
  size_t before = xai_mem_live();
  xai_net *net = NULL;
  xai_tensor *t = NULL;
  xai_err err = {""};
  xai_file *file = fuzz_file(FUZZ_NAME, data, size);
  xai_status st = xai_onnx_load(file, &net, &err);
  FUZZ_CHECK((st == XAI_OK) == (net != NULL), "the result of a failure");
  if (st != XAI_OK) check_failure(st, &err);
  if (net != NULL) fuzz_net(net);
  xai_net_free(net);
  err.text[0] = '\0';
  st = xai_onnx_tensor_load(file, &t, &err);
  FUZZ_CHECK((st == XAI_OK) == (t != NULL), "the result of a failure");
  if (st != XAI_OK) check_failure(st, &err);
  if (t != NULL) fuzz_touch(xai_tensor_view(t)->data, xai_tensor_bytes(t));
  xai_tensor_free(t);
  xai_file_release(file);
  FUZZ_CHECK(xai_mem_live() == before, "memory is left over");
  return 0;
}
