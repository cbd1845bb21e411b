/* formats/sniff.c: what is this file? Told by its first bytes, never by its name.
 *
 * Good enough to choose a reader and to name what the user gave us instead; it does not say that the file is sound.
 * Most formats start with a magic number. Three do not:
 *   safetensors  8 bytes length, then '{'
 *   ONNX         a protobuf message. Writers put fields in the order of their numbers, so it starts with field 1,
 *                ir_version, a small varint (08 0x), and then a tag of another field of ModelProto.
 *   Caffe        a protobuf message, too: a name (0A length text), and then an input (1A) or a layer (12 or A2 06), or
 *                one of these at once. */
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "formats/formats.h"

static bool starts(const unsigned char *data, size_t size, const char *magic, size_t n) {
  return size >= n && memcmp(data, magic, n) == 0;
}
#define STARTS(text) starts(data, size, text, sizeof text - 1)

/* "BM" alone could start a sentence: the info header's length has few values. */
static bool is_bmp(const unsigned char *data, size_t size) {
  static const unsigned char lengths[] = {12, 40, 52, 56, 64, 108, 124};
  if (size < 18 || data[0] != 'B' || data[1] != 'M' || data[15] != 0 || data[16] != 0 || data[17] != 0) return false;
  return memchr(lengths, data[14], sizeof lengths) != NULL;
}

/* An ISO media file whose brand is a still picture's. */
static bool is_heif(const unsigned char *data, size_t size) {
  static const char brands[][5] = {"heic", "heix", "hevc", "heim", "heis", "mif1", "msf1", "avif", "avis"};
  if (size < 12 || memcmp(data + 4, "ftyp", 4) != 0) return false;
  for (size_t i = 0; i < sizeof brands / sizeof *brands; i++)
    if (memcmp(data + 8, brands[i], 4) == 0) return true;
  return false;
}

static bool is_safetensors(const unsigned char *data, size_t size) {
  xai_cursor c = {data, data + size};
  uint64_t header;
  return xai_cursor_u64(&c, &header) && header >= 2 && header <= 100000000 && xai_cursor_left(&c) > 0 && *c.at == '{';
}

static bool is_onnx(const unsigned char *data, size_t size) {
  /* tags of producer_name, producer_version, domain, model_version, doc_string, graph, opset_import, metadata_props */
  static const unsigned char tags[] = {0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72};
  if (size < 3 || data[0] != 0x08 || data[1] == 0 || data[1] > 0x7F) return false;
  return memchr(tags, data[2], sizeof tags) != NULL;
}

static bool is_caffe(const unsigned char *data, size_t size) {
  size_t at = 0;
  if (size >= 2 && data[0] == 0x0A && data[1] < 0x80) {
    at = 2 + data[1];
    for (size_t i = 2; i < at && i < size; i++)
      if (data[i] < 0x20) return false;
  }
  if (at + 2 > size) return false;
  return data[at] == 0x12 || data[at] == 0x1A || (data[at] == 0xA2 && data[at + 1] == 0x06);
}

/* UTF-8 without control characters, as far as one looks. */
static bool is_text(const unsigned char *data, size_t size) {
  size_t n = size < 512 ? size : 512;
  for (size_t i = 0; i < n; i++)
    if ((data[i] < 0x20 && (data[i] < '\t' || data[i] > '\r')) || data[i] == 0x7F) return false;
  if (n < size)
    while (n > 0 && data[n - 1] >= 0x80) n--; /* the last character may be cut */
  return xai_str_utf8((const char *)data, n);
}

xai_format xai_format_sniff(const unsigned char *data, size_t size) {
  if (size == 0) return XAI_FORMAT_EMPTY;
  if (is_safetensors(data, size)) return XAI_FORMAT_SAFETENSORS; /* first: its length may start like a magic number */
  if (STARTS("\x89PNG\r\n\x1a\n")) return XAI_FORMAT_PNG;
  if (STARTS("\xff\xd8")) return XAI_FORMAT_JPEG;
  if (is_bmp(data, size)) return XAI_FORMAT_BMP;
  if (STARTS("GIF87a") || STARTS("GIF89a")) return XAI_FORMAT_GIF;
  if (STARTS("RIFF") && size >= 12 && memcmp(data + 8, "WEBP", 4) == 0) return XAI_FORMAT_WEBP;
  if (STARTS("II*\0") || STARTS("MM\0*")) return XAI_FORMAT_TIFF;
  if (is_heif(data, size)) return XAI_FORMAT_HEIF;
  if (STARTS("%PDF-")) return XAI_FORMAT_PDF;
  if (STARTS("\x93NUMPY")) return XAI_FORMAT_NPY;
  if (STARTS("PK\3\4") || STARTS("PK\5\6")) return XAI_FORMAT_ZIP;
  if (STARTS("\x89HDF\r\n\x1a\n")) return XAI_FORMAT_HDF5;
  if (size >= 2 && data[0] == 0x80 && data[1] >= 2 && data[1] <= 5) return XAI_FORMAT_PICKLE;
  if (is_onnx(data, size)) return XAI_FORMAT_ONNX;
  if (is_caffe(data, size)) return XAI_FORMAT_CAFFE;
  if (size >= 512 && memcmp(data + 257, "ustar", 5) == 0) return XAI_FORMAT_TAR;
  if (is_text(data, size)) return XAI_FORMAT_TEXT;
  return XAI_FORMAT_UNKNOWN;
}

const char *xai_format_name(xai_format f) {
  switch (f) {
    case XAI_FORMAT_ONNX: return "an ONNX model";
    case XAI_FORMAT_CAFFE: return "weights of a Caffe network";
    case XAI_FORMAT_SAFETENSORS: return "a safetensors file";
    case XAI_FORMAT_NPY: return "a NumPy array";
    case XAI_FORMAT_ZIP: return "a zip archive (.npz, .pth, ...)";
    case XAI_FORMAT_PICKLE: return "a Python pickle (.pth, .pkl, ...)";
    case XAI_FORMAT_TAR: return "a tar archive";
    case XAI_FORMAT_PNG: return "a PNG picture";
    case XAI_FORMAT_JPEG: return "a JPEG picture";
    case XAI_FORMAT_BMP: return "a BMP picture";
    case XAI_FORMAT_GIF: return "a GIF picture";
    case XAI_FORMAT_WEBP: return "a WebP picture";
    case XAI_FORMAT_TIFF: return "a TIFF picture";
    case XAI_FORMAT_HEIF: return "a HEIF or AVIF picture";
    case XAI_FORMAT_PDF: return "a PDF document";
    case XAI_FORMAT_HDF5: return "an HDF5 file";
    case XAI_FORMAT_TEXT: return "a text file";
    case XAI_FORMAT_EMPTY: return "an empty file";
    case XAI_FORMAT_UNKNOWN: break;
  }
  return "a file of unknown format";
}
