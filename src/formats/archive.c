/* formats/archive.c: named tensors from a file of any kind that we read, and into one that we write. */
#include <stdlib.h>
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

static int entry_by_name(const void *a, const void *b) {
  return strcmp((*(const xai_entry *const *)a)->name, (*(const xai_entry *const *)b)->name);
}

xai_status xai_archive_check_names(const xai_archive *a, xai_status fault, xai_err *err) {
  xai_status st = XAI_OK;
  const xai_entry **sorted = xai_alloc(a->n * sizeof *sorted);
  if (sorted == NULL) return xai_fail_memory(err, a->n * sizeof *sorted);
  for (size_t i = 0; i < a->n; i++) sorted[i] = &a->entries[i];
  qsort(sorted, a->n, sizeof *sorted, entry_by_name);
  for (size_t i = 1; i < a->n && st == XAI_OK; i++)
    if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
      st = xai_fail(err, fault, "tensor '%.100s' is given twice", sorted[i]->name);
  xai_free(sorted);
  return st;
}

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

static size_t count_ending(const xai_zip *zip, const char *end) {
  size_t n = 0;
  for (size_t i = 0; i < zip->n; i++) n += ends_with(zip->members[i].name, end);
  return n;
}

/* What a zip archive is for shows in its members' names. */
static xai_status parse_zip(xai_file *file, xai_archive *out, xai_err *err) {
  xai_zip zip = {0};
  xai_status st = xai_zip_open(file, &zip, err);
  if (st == XAI_OK) {
    if (count_ending(&zip, "/data.pkl") > 0)
      st = xai_pth_parse_zip(&zip, out, err);
    else if (count_ending(&zip, ".npy") > 0 || zip.n == 0)
      st = xai_npz_parse(&zip, out, err);
    else
      st = xai_fail(err, XAI_EUNSUPPORTED,
                    "a zip archive without weights: no member '.../data.pkl' as in .pth and no '.npy' as in .npz");
  }
  xai_zip_close(&zip);
  return xai_err_prefix(err, st, "%s: ", xai_file_path(file));
}

xai_status xai_archive_parse(xai_file *file, xai_archive *out, xai_err *err) {
  xai_format format = xai_format_sniff(xai_file_data(file), xai_file_size(file));
  switch (format) {
    case XAI_FORMAT_SAFETENSORS: return xai_safetensors_parse(file, out, err);
    case XAI_FORMAT_NPY: return xai_npy_parse(file, out, err);
    case XAI_FORMAT_ZIP: return parse_zip(file, out, err);
    case XAI_FORMAT_PICKLE: return xai_pth_parse_legacy(file, out, err);
    case XAI_FORMAT_TAR:
      return xai_fail(err, XAI_EUNSUPPORTED,
                      "%s: a tar archive; if it is a checkpoint of PyTorch 0.1, load it there and "
                      "torch.save(model.state_dict(), 'x.pth')",
                      xai_file_path(file));
    default:
      return xai_fail(err, format == XAI_FORMAT_EMPTY ? XAI_EFORMAT : XAI_EUNSUPPORTED,
                      "%s: %s, expected .safetensors, .pth, .npz or .npy", xai_file_path(file),
                      xai_format_name(format));
  }
}

xai_status xai_archive_read(const char *path, xai_archive *out, xai_err *err) {
  xai_file *file;
  XAI_TRY(xai_file_map(path, SIZE_MAX / 4, &file, err));
  xai_status st = xai_archive_parse(file, out, err);
  xai_file_release(file); /* mapped tensors hold their own reference */
  return st;
}

xai_status xai_archive_write(const char *path, const xai_archive *a, xai_err *err) {
  const char *dot = strrchr(path, '.');
  if (dot != NULL && xai_str_equal_nocase(dot, ".safetensors")) return xai_safetensors_write(path, a, err);
  bool npz = dot != NULL && xai_str_equal_nocase(dot, ".npz");
  if (!npz && (dot == NULL || !xai_str_equal_nocase(dot, ".npy")))
    return xai_fail(err, XAI_EARG, "%s: unknown extension (expected .safetensors, .npz or .npy)", path);
  if (!npz && a->n != 1)
    return xai_fail(err, XAI_EARG, "%s: an .npy file holds exactly one tensor (got %zu); use .npz or .safetensors",
                    path, a->n);
  if (a->halves)
    return xai_fail(err, XAI_EARG, "%s: only .safetensors files are written in half precision", path);
  if (a->n_meta != 0)
    return xai_fail(err, XAI_EARG, "%s: an %s file holds no metadata; use .safetensors", path, npz ? ".npz" : ".npy");
  return npz ? xai_npz_write(path, a, err) : xai_npy_write(path, a->entries[0].tensor, err);
}
