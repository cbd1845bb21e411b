/* formats/load.c: a network from a file, whatever its format. */
#include "base/status.h"
#include "formats/formats.h"
#include "graph/net.h"

/* Protocol buffers cannot hold more. */
#define LARGEST_MODEL (((size_t)1 << 31) - 1)

xai_status xai_net_load(const char *path, xai_net **out, xai_err *err) {
  xai_file *file = NULL;
  xai_net *net = NULL;
  XAI_TRY(xai_file_map(path, LARGEST_MODEL, &file, err));
  xai_status st = xai_onnx_load(file, &net, err);
  if (st == XAI_OK) st = xai_net__set_path(net, path, err);
  if (st == XAI_OK) *out = net;
  else xai_net_free(net);
  xai_file_release(file);
  return st;
}
