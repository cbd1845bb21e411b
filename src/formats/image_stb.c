/* formats/image_stb.c: stb_image and stb_image_write behind a fence.
 *
 * Their memory comes from base/alloc.h, zeroed, because the JPEG decoder reads state it never wrote. All blocks of one
 * call are kept in a list under one budget. A failed allocation (which the PNG writer would not survive), an exceeded
 * budget or a failed assertion leaves the library by longjmp; the list then frees what it held. Nothing else of theirs
 * outlives a call. Files are not their business: bytes in, bytes out. */
#include <limits.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "formats/image_parts.h"

typedef struct block {
  struct block *previous, *next;
  size_t bytes;
} block;

enum { HEAD = 64 }; /* in front of every block; keeps the alignment of base/alloc.h */
_Static_assert(sizeof(block) <= HEAD, "the block's head must fit");

typedef enum escape { STAYED, STARVED, OVER_BUDGET, BROKEN } escape;

typedef struct fence {
  jmp_buf out;
  block *first;
  size_t budget;
  escape why;
} fence;

static _Thread_local fence *current; /* the libraries' callbacks have no argument of ours */

static _Noreturn void leave(escape why) {
  current->why = why;
  longjmp(current->out, 1);
}

static void *fence_alloc(size_t bytes) {
  fence *f = current;
  if (bytes > f->budget) leave(OVER_BUDGET);
  block *b = xai_calloc(1, HEAD + bytes);
  if (b == NULL) leave(STARVED);
  f->budget -= bytes;
  *b = (block){NULL, f->first, bytes};
  if (f->first != NULL) f->first->previous = b;
  f->first = b;
  return (char *)b + HEAD;
}

static void unlink_block(block *b) {
  if (b->previous != NULL)
    b->previous->next = b->next;
  else
    current->first = b->next;
  if (b->next != NULL) b->next->previous = b->previous;
}

static void fence_free(void *p) {
  if (p == NULL) return;
  block *b = (block *)((char *)p - HEAD);
  unlink_block(b);
  current->budget += b->bytes;
  xai_free(b);
}

static void *fence_realloc(void *p, size_t bytes) {
  void *q = fence_alloc(bytes);
  if (p == NULL) return q;
  size_t old = ((block *)((char *)p - HEAD))->bytes;
  memcpy(q, p, old < bytes ? old : bytes);
  fence_free(p);
  return q;
}

static void fence_assert(bool holds) {
  if (!holds) leave(BROKEN);
}

static void *zlib_alloc(void *opaque, unsigned n, unsigned size) {
  (void)opaque;
  return fence_alloc((size_t)n * size);
}

static void zlib_free(void *opaque, void *p) {
  (void)opaque;
  fence_free(p);
}

/* A PNG's lines as zlib packs them when it looks for nothing but runs: of filtered lines that makes smaller files than stb's
 * own search and takes a third of its time. */
static unsigned char *deflate_runs(unsigned char *data, int n, int *out_n, int quality) {
  z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free, .next_in = data, .avail_in = (uInt)n};
  fence_assert(deflateInit2(&z, quality, Z_DEFLATED, MAX_WBITS, MAX_MEM_LEVEL, Z_RLE) == Z_OK);
  uLong most = deflateBound(&z, (uLong)n);
  unsigned char *out = fence_alloc(most);
  z.next_out = out;
  z.avail_out = (uInt)most;
  fence_assert(deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out <= INT_MAX);
  *out_n = (int)z.total_out;
  deflateEnd(&z);
  return out;
}

#pragma GCC diagnostic ignored "-Wunused-function" /* theirs; reported at the end of the file, so not switched back */

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_MAX_DIMENSIONS XAI_IMAGE_MAX_SIDE
#define STBI_MALLOC(bytes) fence_alloc(bytes)
#define STBI_REALLOC(p, bytes) fence_realloc(p, bytes)
#define STBI_FREE(p) fence_free(p)
#define STBI_ASSERT(x) fence_assert(x)
#include <stb_image.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STBIW_MALLOC(bytes) fence_alloc(bytes)
#define STBIW_REALLOC(p, bytes) fence_realloc(p, bytes)
#define STBIW_FREE(p) fence_free(p)
#define STBIW_ASSERT(x) fence_assert(x)
#define STBIW_ZLIB_COMPRESS deflate_runs
#include <stb_image_write.h>

/* Runs work(job) inside the fence; the blocks that are left afterwards stay in the list. */
static void run_fenced(fence *f, void (*work)(void *job), void *job) {
  current = f;
  if (setjmp(f->out) == 0) work(job);
}

static void close_fence(fence *f) {
  while (f->first != NULL) {
    block *b = f->first;
    f->first = b->next;
    xai_free(b);
  }
  current = NULL;
}

typedef struct decoding {
  const xai_buf *clean;
  const xai_image_facts *facts;
  xai_pixels pixels;
  const char *complaint;
} decoding;

static void decode(void *job) {
  decoding *d = job;
  int width = 0, height = 0, channels = 0;
  /* image_read.c has bounded the file by 512 MiB, and the copy's own header holds the size in facts */
  d->pixels.data = stbi_load_from_memory(d->clean->data, (int)d->clean->size, &width, &height, &channels, 0);
  if (d->pixels.data == NULL)
    d->complaint = stbi_failure_reason();
  else
    fence_assert(width == d->facts->width && height == d->facts->height);
  d->pixels.channels = channels;
}

xai_status xai_image__decode(const xai_buf *clean, const xai_image_facts *facts, xai_pixels *out, xai_err *err) {
  /* The dearest is an interlaced PNG: its deflated data, and the inflated ones, in one block and, when that grows, in
   * another of twice the size. A palette adds 4 bytes a pixel. A progressive JPEG takes a byte, and two for the
   * coefficient, per sample, and 3 for the result. 8 MiB: tables, and padding to whole blocks of a JPEG one pixel wide.
   */
  enum { PER_BYTE = 5, PER_PIXEL = 6, MORE = 8 << 20 };
  size_t per_pixel = (size_t)facts->pixel_bytes * PER_BYTE + PER_PIXEL;
  fence f = {.budget = (size_t)facts->width * (size_t)facts->height * per_pixel + MORE};
  decoding d = {.clean = clean, .facts = facts};
  xai_status st = XAI_OK;
  run_fenced(&f, decode, &d);
  if (f.why == STARVED)
    st = xai_fail_memory(err, (size_t)facts->width * (size_t)facts->height * 3);
  else if (f.why == OVER_BUDGET)
    st = xai_fail(err, XAI_EFORMAT, "damaged: more data than %dx%d pixels can need", facts->width, facts->height);
  else if (f.why == BROKEN)
    st = xai_fail(err, XAI_EFORMAT, "damaged: the decoder gave up");
  else if (d.complaint != NULL)
    st = xai_fail(err, XAI_EFORMAT, "damaged: %s", d.complaint);
  if (st == XAI_OK) {
    d.pixels.block = d.pixels.data - HEAD;
    unlink_block(d.pixels.block);
    *out = d.pixels;
  }
  close_fence(&f);
  return st;
}

void xai_image__free_pixels(xai_pixels *p) { xai_free(p->block); }

typedef struct encoding {
  const xai_image *img;
  xai_image_kind kind;
  xai_buf *out;
} encoding;

static void append(void *out, void *bytes, int n) { xai_buf_add(out, bytes, (size_t)n); }

static void encode(void *job) {
  const encoding *e = job;
  int w = e->img->width, h = e->img->height;
  switch (e->kind) {
    case XAI_IMAGE_PNG: stbi_write_png_to_func(append, e->out, w, h, 3, e->img->rgb, 3 * w); break;
    case XAI_IMAGE_JPEG: stbi_write_jpg_to_func(append, e->out, w, h, 3, e->img->rgb, 95); break;
    case XAI_IMAGE_BMP: stbi_write_bmp_to_func(append, e->out, w, h, 3, e->img->rgb); break;
  }
}

xai_status xai_image__encode(const xai_image *img, xai_image_kind kind, xai_buf *out, xai_err *err) {
  fence f = {.budget = SIZE_MAX / 4};
  encoding e = {img, kind, out};
  run_fenced(&f, encode, &e);
  close_fence(&f);
  bool good = f.why == STAYED && !out->failed && out->size > 0;
  return good ? XAI_OK : xai_fail_memory(err, (size_t)img->width * (size_t)img->height * 3);
}
