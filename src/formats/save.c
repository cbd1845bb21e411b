/* formats/save.c: a network to a file, by the extension. */
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "formats/formats.h"
#include "graph/net.h"

/* All weights under the names of their values. */
static xai_status write_weights(const char *path, const xai_net *net, bool halves, xai_err *err) {
  xai_archive a = {.halves = halves};
  xai_status st = XAI_OK;
  for (int v = 0; v < net->graph->n_values && st == XAI_OK; v++) {
    xai_tensor *t = xai_net__weight(net, v);
    if (t != NULL) st = xai_archive_add(&a, net->graph->values[v].name, t, err);
  }
  if (st == XAI_OK) st = xai_archive_write(path, &a, err);
  xai_archive_free(&a);
  return st;
}

static bool ends_in(const char *path, const char *extension) {
  const char *dot = strrchr(path, '.');
  return dot != NULL && xai_str_equal_nocase(dot, extension);
}

xai_status xai_net_save(const xai_net *net, const char *path, xai_err *err) {
  if (ends_in(path, ".onnx")) return xai_onnx_write(path, net, err);
  if (ends_in(path, ".safetensors")) return write_weights(path, net, false, err);
  return xai_fail(err, XAI_EARG, "%s: unknown extension (expected .onnx or .safetensors)", path);
}

xai_status xai_net_save_halves(const xai_net *net, const char *path, xai_err *err) {
  if (ends_in(path, ".safetensors")) return write_weights(path, net, true, err);
  return xai_fail(err, XAI_EARG, "%s: only .safetensors files are written in half precision", path);
}
