/* formats/load.c: a network from a file, whatever its format. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/status.h"
#include "formats/formats.h"
#include "formats/load.h"
#include "graph/net.h"

static xai_status take(xai_net *net, xai_status st, const char *path, xai_net **out, xai_err *err) {
  if (st == XAI_OK) st = xai_net__set_path(net, path, err);
  if (st == XAI_OK)
    *out = net;
  else
    xai_net_free(net);
  return st;
}

xai_status xai_net_load_caffe(const char *structure, const char *weights, xai_net **out, xai_err *err) {
  xai_file *text = NULL, *binary = NULL;
  xai_net *net = NULL;
  xai_status st;
  XAI_GOTO(xai_file_map(structure, XAI_LARGEST_MODEL, &text, err));
  XAI_GOTO(xai_file_map(weights, XAI_LARGEST_MODEL, &binary, err));
  st = xai_caffe_load(text, binary, &net, err);
  st = take(net, st, structure, out, err);
done:
  xai_file_release(text);
  xai_file_release(binary);
  return st;
}

/* The first of these that exists beside 'path', with * for the file's name without its extension. */
xai_status xai_load__caffe_half(const char *path, bool is_text, char **out, xai_err *err) {
  static const char *const texts[] = {"*.prototxt", "*_deploy.prototxt", "deploy.prototxt", NULL};
  static const char *const binaries[] = {"*.caffemodel", NULL};
  const char *const *candidates = is_text ? binaries : texts;
  const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path, *dot = strrchr(name, '.');
  int folder = (int)(name - path), stem = dot != NULL ? (int)(dot - name) : (int)strlen(name);
  size_t room = strlen(path) + 32;
  char *found = xai_alloc(room);
  *out = NULL;
  if (found == NULL) return xai_fail_memory(err, room);
  for (int i = 0; candidates[i] != NULL && *out == NULL; i++) {
    bool star = candidates[i][0] == '*';
    snprintf(found, room, "%.*s%.*s%s", folder, path, star ? stem : 0, name, candidates[i] + star);
    if (access(found, R_OK) == 0) *out = found;
  }
  if (*out == NULL) xai_free(found);
  return XAI_OK;
}

/* path is a Caffe structure or Caffe weights. */
static xai_status load_half(const char *path, bool is_text, xai_net **out, xai_err *err) {
  char *other;
  XAI_TRY(xai_load__caffe_half(path, is_text, &other, err));
  if (other == NULL && is_text)
    return xai_fail(err, XAI_EFORMAT,
                    "%s: a text file, and not half of a Caffe network: no .caffemodel of the same name "
                    "lies beside it (name one with 'weights')",
                    path);
  if (other == NULL)
    return xai_fail(err, XAI_ENOTFOUND,
                    "%s: weights of a Caffe network, but its structure does not lie beside it (a "
                    ".prototxt of the same name, or deploy.prototxt)",
                    path);
  xai_status st = is_text ? xai_net_load_caffe(path, other, out, err) : xai_net_load_caffe(other, path, out, err);
  xai_free(other);
  return st;
}

xai_status xai_net_load(const char *path, xai_net **out, xai_err *err) {
  xai_file *file = NULL;
  xai_net *net = NULL;
  XAI_TRY(xai_file_map(path, XAI_LARGEST_MODEL, &file, err));
  xai_format format = xai_format_sniff(xai_file_data(file), xai_file_size(file));
  xai_status st;
  if (format == XAI_FORMAT_TEXT || format == XAI_FORMAT_CAFFE) {
    st = load_half(path, format == XAI_FORMAT_TEXT, out, err);
  } else {
    st = xai_onnx_load(file, &net, err);
    st = take(net, st, path, out, err);
  }
  xai_file_release(file);
  return st;
}
