/* formats/formats.h: bytes to objects and back. All input is untrusted: bounded before it is believed.
 * Formats are told by content, never by extension. */
#ifndef FORMATS_FORMATS_H
#define FORMATS_FORMATS_H

#include "base/file.h"
#include "tensor/tensor.h"
#include "xai/image.h"
#include "xai/net.h"

/* ---- what a file is ------------------------------------------------------------------------------------ */
typedef enum xai_format {
  XAI_FORMAT_UNKNOWN, XAI_FORMAT_ONNX, XAI_FORMAT_SAFETENSORS, XAI_FORMAT_NPY, XAI_FORMAT_ZIP /* npz, pth */,
  XAI_FORMAT_PICKLE, XAI_FORMAT_PNG, XAI_FORMAT_JPEG, XAI_FORMAT_BMP, XAI_FORMAT_GIF, XAI_FORMAT_WEBP, XAI_FORMAT_TIFF, XAI_FORMAT_HDF5,
  XAI_FORMAT_TEXT, XAI_FORMAT_EMPTY
} xai_format;
xai_format xai_format_sniff(const unsigned char *data, size_t size);
const char *xai_format_name(xai_format f); /* "an ONNX model", "a PNG picture", ...: for messages */

/* ---- networks -------------------------------------------------------------------------------------------- */
/* Reads an ONNX model; see onnx_model.c. Messages start with the file's name. */
xai_status xai_onnx_load(xai_file *file, xai_net **out, xai_err *err);

/* ---- named tensors ------------------------------------------------------------------------------------------ */
typedef struct xai_entry {
  char *name;
  xai_tensor *tensor;
} xai_entry;
typedef struct xai_pair {
  char *key, *value;
} xai_pair;
typedef struct xai_archive {
  xai_entry *entries;
  size_t n;
  xai_pair *meta; /* strings that travel with the tensors */
  size_t n_meta;
} xai_archive;
void xai_archive_free(xai_archive *a); /* contents and the struct's arrays; the struct itself is the caller's */
/* Takes its own reference on the tensor. */
xai_status xai_archive_add(xai_archive *a, const char *name, xai_tensor *t, xai_err *err);
xai_status xai_archive_add_meta(xai_archive *a, const char *key, const char *value, xai_err *err);

/* .safetensors or .npy by content (an .npy holds one tensor, called "data"). *out starts zeroed, untouched on failure.
 * float16, bfloat16 and float64 become float32; int8/16, uint16/32 become int32 or int64. */
xai_status xai_archive_read(const char *path, xai_archive *out, xai_err *err);
/* .safetensors or .npy (exactly one tensor) by extension, atomically. */
xai_status xai_archive_write(const char *path, const xai_archive *a, xai_err *err);

xai_status xai_safetensors_parse(xai_file *file, xai_archive *out, xai_err *err);
xai_status xai_npy_parse(xai_file *file, xai_archive *out, xai_err *err);

/* float16 and bfloat16 bit patterns to float32 (exact), little-endian source at any address. */
void xai_widen_f16(const unsigned char *from, size_t n, float *to);
void xai_widen_bf16(const unsigned char *from, size_t n, float *to);

/* ---- labels --------------------------------------------------------------------------------------------------- */
/* One label per line (CR LF accepted, trailing blank lines dropped), at most 1 million lines of 1000 bytes. Strings and array
 * in one block: free with xai_free(*labels). */
xai_status xai_labels_read(const char *path, char ***labels, int *n, xai_err *err);

#endif
