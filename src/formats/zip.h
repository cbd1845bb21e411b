/* formats/zip.h: members of a zip archive in a mapped file, and an archive of stored members. */
#ifndef FORMATS_ZIP_H
#define FORMATS_ZIP_H

#include "base/buf.h"
#include "base/file.h"

typedef struct xai_zip_member {
  char *name;
  const unsigned char *packed; /* in the mapping */
  uint64_t packed_size, size;
  uint64_t header; /* offset of its local header */
  uint32_t crc;
  uint16_t method, flags;
} xai_zip_member;

typedef struct xai_zip {
  xai_file *file; /* borrowed */
  xai_zip_member *members;
  size_t n;
  xai_zip_member **by_name;
} xai_zip;

/* Reads and checks the directory; no member's bytes are looked at. XAI_EFORMAT for what is damaged or could mislead,
 * XAI_EUNSUPPORTED for encryption, several disks and other methods than stored and deflated. *out is written on
 * success. */
xai_status xai_zip_open(xai_file *file, xai_zip *out, xai_err *err);
void xai_zip_close(xai_zip *z); /* a zeroed one is fine */

/* NULL when there is none. */
xai_zip_member *xai_zip_find(const xai_zip *z, const char *name);

/* The member's bytes, checked against its CRC: *bytes lies in the mapping and *block is NULL when it is stored, else
 * *bytes = *block, to be freed with xai_free. XAI_ESTOP when asked to stop. */
xai_status xai_zip_read(const xai_zip_member *m, const unsigned char **bytes, unsigned char **block, xai_err *err);

/* ---- writing ---------------------------------------------------------------------------------------- */

typedef struct xai_zip_writer {
  xai_buf bytes, directory;
  size_t n;
} xai_zip_writer;

/* Appends a stored member made of two parts, the first of which starts at a multiple of 64 in the file. XAI_EARG for a
 * name that xai_zip_open would refuse and for what needs zip64. Whoever calls keeps names from repeating. */
xai_status xai_zip_add(xai_zip_writer *w, const char *name, const xai_buf *front, const void *data, size_t n,
                       xai_err *err);
/* Puts the directory behind the members: then 'bytes' is the archive. */
xai_status xai_zip_finish(xai_zip_writer *w, xai_err *err);
void xai_zip_writer_free(xai_zip_writer *w);

#endif
