/* formats/formats.h: bytes to objects and back. All input is untrusted: bounded before it is believed.
 * Formats are told by content, never by extension. */
#ifndef FORMATS_FORMATS_H
#define FORMATS_FORMATS_H

#include "base/buf.h"
#include "base/file.h"
#include "formats/zip.h"
#include "tensor/tensor.h"
#include "xai/image.h"
#include "xai/net.h"

/* ---- what a file is ------------------------------------------------------------------------------------ */
typedef enum xai_format {
  XAI_FORMAT_UNKNOWN, XAI_FORMAT_ONNX, XAI_FORMAT_CAFFE, XAI_FORMAT_SAFETENSORS, XAI_FORMAT_NPY, XAI_FORMAT_ZIP /* npz, pth */,
  XAI_FORMAT_PICKLE, XAI_FORMAT_TAR, XAI_FORMAT_PNG, XAI_FORMAT_JPEG, XAI_FORMAT_BMP, XAI_FORMAT_GIF, XAI_FORMAT_WEBP, XAI_FORMAT_TIFF, XAI_FORMAT_HEIF,
  XAI_FORMAT_PDF, XAI_FORMAT_HDF5, XAI_FORMAT_TEXT, XAI_FORMAT_EMPTY
} xai_format;
xai_format xai_format_sniff(const unsigned char *data, size_t size);
const char *xai_format_name(xai_format f); /* "an ONNX model", "a PNG picture", ...: for messages */

/* ---- networks -------------------------------------------------------------------------------------------- */
/* Reads an ONNX model; see onnx_load.c. Messages start with the file's name. */
xai_status xai_onnx_load(xai_file *file, xai_net **out, xai_err *err);
/* Reads a Caffe network from its structure (.prototxt) and its weights (.caffemodel); see caffe_load.c. Messages start
 * with the name of the file that is at fault. */
xai_status xai_caffe_load(xai_file *structure, xai_file *weights, xai_net **out, xai_err *err);
/* Caffe's mean picture (.binaryproto) as one number per channel, in the file's order: its average over all positions,
 * as Caffe's own examples use it. */
xai_status xai_caffe_mean_read(const char *path, float mean[3], xai_err *err);
xai_status xai_caffe_mean_parse(xai_file *file, float mean[3], xai_err *err);
/* Writes an ONNX model, atomically; see onnx_write.c. */
xai_status xai_onnx_write(const char *path, const xai_net *net, xai_err *err);

/* The tensor in a file that holds one TensorProto and nothing else, as the standard's test cases do (.pb). */
xai_status xai_onnx_tensor_load(xai_file *file, xai_tensor **out, xai_err *err);

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
  bool halves; /* to be written with float32 rounded to float16: .safetensors only */
} xai_archive;
void xai_archive_free(xai_archive *a); /* contents and the struct's arrays; the struct itself is the caller's */
/* Takes its own reference on the tensor. */
xai_status xai_archive_add(xai_archive *a, const char *name, xai_tensor *t, xai_err *err);
xai_status xai_archive_add_meta(xai_archive *a, const char *key, const char *value, xai_err *err);

/* Any of the formats by content: .safetensors, PyTorch's .pth of both kinds, .npz, .npy (one tensor, called "data").
 * *out starts zeroed, untouched on failure.
 * float16, bfloat16 and float64 become float32; int8/16 and uint16 become int32, uint32/64 int64; a bool becomes 0 or 1. */
xai_status xai_archive_read(const char *path, xai_archive *out, xai_err *err);
xai_status xai_archive_parse(xai_file *file, xai_archive *out, xai_err *err);
/* .safetensors, .npz (no metadata) or .npy (exactly one tensor, no metadata) by extension, atomically: the old file stays
 * until the new one is complete. XAI_EARG for another extension, or for what the format cannot hold. */
xai_status xai_archive_write(const char *path, const xai_archive *a, xai_err *err);
/* 'fault' when two tensors have the same name. */
xai_status xai_archive_check_names(const xai_archive *a, xai_status fault, xai_err *err);

xai_status xai_safetensors_parse(xai_file *file, xai_archive *out, xai_err *err);
xai_status xai_npy_parse(xai_file *file, xai_archive *out, xai_err *err);
/* Of an open zip archive: a PyTorch checkpoint, NumPy arrays. Messages are without the file's name. */
xai_status xai_pth_parse_zip(const xai_zip *zip, xai_archive *out, xai_err *err);
xai_status xai_npz_parse(const xai_zip *zip, xai_archive *out, xai_err *err);
/* The pickles in a row that PyTorch wrote before 1.6. */
xai_status xai_pth_parse_legacy(xai_file *file, xai_archive *out, xai_err *err);

xai_status xai_safetensors_write(const char *path, const xai_archive *a, xai_err *err);
/* One file of many: each of its tensors is the parts' tensors of that name, one below the other; the metadata are those of
 * 'meta', whose tensors do not count. Memory does not depend on the parts' size when they are mapped files. XAI_EFORMAT for
 * parts that do not fit together. */
xai_status xai_safetensors_join(const char *path, const xai_archive *parts, size_t n, const xai_archive *meta, xai_err *err);
xai_status xai_npy_write(const char *path, const xai_tensor *t, xai_err *err);
xai_status xai_npz_write(const char *path, const xai_archive *a, xai_err *err);

/* The array in these bytes, which may go on behind it; 'file' when they lie in its mapping, else NULL. */
xai_status xai_npy_tensor(xai_cursor bytes, xai_file *file, xai_tensor **out, xai_err *err);
/* What stands before the elements of an .npy file: a multiple of 64 bytes. */
void xai_npy_front(xai_buf *b, const xai_tensor *t);

/* ---- pictures ---------------------------------------------------------------------------------------------- */
/* xai_image_read (xai/image.h) of a file that is there. */
xai_status xai_image_parse(const xai_file *file, xai_image **out, xai_image_note *note, xai_err *err);

/* xai_image_write with what is to be known of the picture (UTF-8; keys of 1 to 79 plain characters) in it: a PNG's text
 * chunks; the other formats have no place for it. */
xai_status xai_image_write_noted(const xai_image *img, const char *path, const xai_pair *notes, size_t n, xai_err *err);

/* ---- elements as files store them, little-endian (stored.c) ------------------------------------------------------ */
typedef enum xai_stored {
  XAI_STORED_F16, XAI_STORED_BF16, XAI_STORED_F32, XAI_STORED_F64, XAI_STORED_I8, XAI_STORED_I16, XAI_STORED_I32,
  XAI_STORED_I64, XAI_STORED_U8, XAI_STORED_U16, XAI_STORED_U32, XAI_STORED_U64, XAI_STORED_BOOL
} xai_stored;
size_t xai_stored_size(xai_stored s);
xai_dtype xai_stored_dtype(xai_stored s); /* what they become */
bool xai_stored_same(xai_stored s);       /* and whether with the same bytes */

/* The tensor of a shape already counted whose elements start at 'at', widened as xai_archive_read says; XAI_EUNSUPPORTED
 * for a uint64 beyond int64. float32, int64, int32 and uint8 that lie aligned in 'file' are not copied; 'file' is NULL
 * when the bytes are not a file's. The range must have been checked. */
xai_status xai_stored_tensor(xai_stored s, xai_shape shape, xai_file *file, const unsigned char *at, xai_tensor **out,
                             xai_err *err);

/* float16 and bfloat16 bit patterns to float32 (exact), little-endian source at any address (halves.c). */
void xai_widen_f16(const unsigned char *from, size_t n, float *to);
/* The nearest float16, ties to even; beyond 65504 infinity. */
void xai_narrow_f16(const float *from, size_t n, unsigned char *to);
void xai_widen_bf16(const unsigned char *from, size_t n, float *to);

/* ---- labels --------------------------------------------------------------------------------------------------- */
/* One label per line (CR LF accepted, trailing blank lines dropped), at most 1 million lines of 1000 bytes. Strings and array
 * in one block: free with xai_free(*labels). */
xai_status xai_labels_read(const char *path, char ***labels, int *n, xai_err *err);
xai_status xai_labels_parse(xai_file *file, char ***labels, int *n, xai_err *err);

#endif
