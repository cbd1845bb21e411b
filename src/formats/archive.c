/* formats/archive.c: named tensors from a file of any kind that we read, and into one that we write. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "formats/formats.h"

/* An array of n items with room for one more. It grows whenever n reaches a power of two, so no room need be kept. */
static bool make_room(void **items, size_t n, size_t size) {
  enum { FIRST = 8 };
  size_t bytes;
  if (n != 0 && (n < FIRST || (n & (n - 1)) != 0)) return true;
  if (!xai_mul_size(n == 0 ? FIRST : 2 * n, size, &bytes)) return false;
  void *more = xai_realloc(*items, bytes);
  if (more == NULL) return false;
  *items = more;
  return true;
}

void xai_archive_free(xai_archive *a) {
  for (size_t i = 0; i < a->n; i++) {
    xai_free(a->entries[i].name);
    xai_tensor_free(a->entries[i].tensor);
  }
  for (size_t i = 0; i < a->n_meta; i++) {
    xai_free(a->meta[i].key);
    xai_free(a->meta[i].value);
  }
  xai_free(a->entries);
  xai_free(a->meta);
  *a = (xai_archive){0};
}

xai_status xai_archive_add(xai_archive *a, const char *name, xai_tensor *t, xai_err *err) {
  void *entries = a->entries;
  char *copy = xai_strdup(name);
  bool good = copy != NULL && make_room(&entries, a->n, sizeof *a->entries);
  a->entries = entries;
  if (!good) {
    xai_free(copy);
    return xai_fail_memory(err, strlen(name) + (a->n + 1) * sizeof *a->entries);
  }
  a->entries[a->n++] = (xai_entry){copy, xai_tensor_retain(t)};
  return XAI_OK;
}

xai_status xai_archive_add_meta(xai_archive *a, const char *key, const char *value, xai_err *err) {
  void *meta = a->meta;
  xai_pair pair = {xai_strdup(key), xai_strdup(value)};
  bool good = pair.key != NULL && pair.value != NULL && make_room(&meta, a->n_meta, sizeof *a->meta);
  a->meta = meta;
  if (!good) {
    xai_free(pair.key);
    xai_free(pair.value);
    return xai_fail_memory(err, strlen(key) + strlen(value) + (a->n_meta + 1) * sizeof *a->meta);
  }
  a->meta[a->n_meta++] = pair;
  return XAI_OK;
}

xai_status xai_archive_read(const char *path, xai_archive *out, xai_err *err) {
  xai_file *file;
  XAI_TRY(xai_file_map(path, SIZE_MAX / 4, &file, err));
  xai_format format = xai_format_sniff(xai_file_data(file), xai_file_size(file));
  xai_status st;
  switch (format) {
    case XAI_FORMAT_SAFETENSORS: st = xai_safetensors_parse(file, out, err); break;
    case XAI_FORMAT_NPY: st = xai_npy_parse(file, out, err); break;
    default:
      st = xai_fail(err, format == XAI_FORMAT_EMPTY ? XAI_EFORMAT : XAI_EUNSUPPORTED,
                    "%s: %s, expected .safetensors or .npy", path, xai_format_name(format));
  }
  xai_file_release(file); /* mapped tensors hold their own reference */
  return st;
}

xai_status xai_archive_write(const char *path, const xai_archive *a, xai_err *err) {
  const char *dot = strrchr(path, '.');
  if (dot != NULL && xai_str_equal_nocase(dot, ".safetensors")) return xai_safetensors_write(path, a, err);
  if (dot == NULL || !xai_str_equal_nocase(dot, ".npy"))
    return xai_fail(err, XAI_EARG, "%s: unknown extension (expected .safetensors or .npy)", path);
  if (a->n != 1)
    return xai_fail(err, XAI_EARG, "%s: an .npy file holds exactly one tensor (got %zu); use .safetensors", path, a->n);
  if (a->n_meta != 0) return xai_fail(err, XAI_EARG, "%s: an .npy file holds no metadata; use .safetensors", path);
  return xai_npy_write(path, a->entries[0].tensor, err);
}
