/* formats/npz.c: NumPy's .npz, a zip archive of arrays: member "<name>.npy" for each name.
 *
 * Stored members (numpy.savez) are used where they lie, deflated ones (savez_compressed) are inflated one at a time. We
 * write stored ones whose elements start at multiples of 64 bytes, so that reading them back copies nothing. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "formats/formats.h"

static const char ending[] = ".npy";
enum { ENDING = sizeof ending - 1 };

static xai_status add_member(const xai_zip *zip, const xai_zip_member *m, xai_archive *a, xai_err *err) {
  const unsigned char *bytes;
  unsigned char *block = NULL;
  size_t n = strlen(m->name);
  if (n <= ENDING || strcmp(m->name + n - ENDING, ending) != 0)
    return xai_fail(err, XAI_EUNSUPPORTED, "member '%.100s' is no array (expected a name that ends in .npy)", m->name);
  char *name = xai_strdup(m->name);
  if (name == NULL) return xai_fail_memory(err, n);
  name[n - ENDING] = '\0';
  xai_tensor *t = NULL;
  xai_status st = xai_zip_read(m, &bytes, &block, err);
  if (st == XAI_OK) {
    st = xai_npy_tensor((xai_cursor){bytes, bytes + m->size}, block == NULL ? zip->file : NULL, &t, err);
    xai_err_prefix(err, st, "member '%.100s': ", m->name);
  }
  if (st == XAI_OK) st = xai_archive_add(a, name, t, err);
  xai_tensor_free(t);
  xai_free(block);
  xai_free(name);
  return st;
}

xai_status xai_npz_parse(const xai_zip *zip, xai_archive *out, xai_err *err) {
  xai_archive a = {0};
  xai_status st = XAI_OK;
  for (size_t i = 0; i < zip->n && st == XAI_OK; i++) st = add_member(zip, &zip->members[i], &a, err);
  if (st == XAI_OK)
    *out = a;
  else
    xai_archive_free(&a);
  return st;
}

static xai_status add_array(xai_zip_writer *w, const xai_entry *e, xai_err *err) {
  xai_buf front = {0}, name = {0};
  xai_npy_front(&front, e->tensor);
  xai_buf_add(&name, e->name, strlen(e->name));
  xai_buf_add(&name, ending, sizeof ending);
  xai_status st = front.failed || name.failed ? xai_fail_memory(err, strlen(e->name)) : XAI_OK;
  if (st == XAI_OK)
    st = xai_zip_add(w, (const char *)name.data, &front, xai_tensor_view(e->tensor)->data, xai_tensor_bytes(e->tensor),
                     err);
  xai_buf_free(&front);
  xai_buf_free(&name);
  return st;
}

xai_status xai_npz_write(const char *path, const xai_archive *a, xai_err *err) {
  xai_zip_writer w = {0};
  xai_status st = xai_archive_check_names(a, XAI_EARG, err);
  for (size_t i = 0; i < a->n && st == XAI_OK; i++) st = add_array(&w, &a->entries[i], err);
  if (st == XAI_OK) st = xai_zip_finish(&w, err);
  xai_err_prefix(err, st, "%s: ", path);
  if (st == XAI_OK) st = xai_file_write(path, w.bytes.data, w.bytes.size, err);
  xai_zip_writer_free(&w);
  return st;
}
