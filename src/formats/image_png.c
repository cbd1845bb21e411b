/* formats/image_png.c: the structure of a PNG file, and a clean copy of it.
 *
 *   89 'PNG' 0D 0A 1A 0A, then chunks: length (4 bytes, big-endian), type (4 letters), data, CRC-32 of type and data
 *   IHDR first: width 4, height 4, bits per sample, colour type, compression, filter, interlace
 *   PLTE (palette), tRNS (transparency), IDAT... (the deflated rows, one stream in as many chunks as one likes), IEND
 *
 * The copy has IHDR, a palette of the full 256 colours (so that no index points beyond it), tRNS, all of IDAT in one
 * chunk, and IEND. Other chunks whose type starts with a small letter may be ignored, and are. The decoder looks at no
 * checksum, so the copy's are zero. */
#include <inttypes.h>
#include <string.h>

#include "formats/image_parts.h"

typedef struct chunk {
  uint32_t type, length;
  const unsigned char *data;
} chunk;

#define TYPE(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
enum { IHDR_BYTES = 13, PALETTE_BYTES = 768 };

static uint32_t big_endian(const unsigned char *p) { return TYPE(p[0], p[1], p[2], p[3]); }

/* The reflected polynomial 0x04C11DB7, four bits at a time. */
static uint32_t crc32(const unsigned char *p, size_t n) {
  static const uint32_t table[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                     0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                     0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}

static void describe(uint32_t type, char text[5]) {
  for (int i = 0; i < 4; i++) text[i] = (char)(type >> (24 - 8 * i) & 0x7F);
  text[4] = '\0';
}

/* A chunk that we need must have the right checksum; a damaged comment does not matter. */
static bool needed(uint32_t type) { return (type & 0x20000000) == 0 || type == TYPE('t', 'R', 'N', 'S'); }

static xai_status next_chunk(xai_cursor *file, chunk *out, xai_err *err) {
  const unsigned char *head, *body, *crc;
  if (!xai_cursor_take(file, 8, &head)) return xai_fail(err, XAI_EFORMAT, "the file is cut off: no IEND chunk");
  *out = (chunk){.length = big_endian(head), .type = big_endian(head + 4)};
  char name[5];
  describe(out->type, name);
  if (!xai_cursor_take(file, out->length, &body) || !xai_cursor_take(file, 4, &crc))
    return xai_fail(err, XAI_EFORMAT, "the file is cut off inside a chunk (%s of %" PRIu32 " bytes)", name,
                    out->length);
  out->data = body;
  if (needed(out->type) && crc32(head + 4, (size_t)out->length + 4) != big_endian(crc))
    return xai_fail(err, XAI_EFORMAT, "damaged: the checksum of the chunk %s is wrong", name);
  return XAI_OK;
}

static void put_u32(xai_buf *b, uint32_t v) {
  unsigned char bytes[4];
  for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(v >> (24 - 8 * i));
  xai_buf_add(b, bytes, sizeof bytes);
}

static void put_chunk(xai_buf *b, uint32_t type, const unsigned char *data, size_t n) {
  put_u32(b, (uint32_t)n);
  put_u32(b, type);
  xai_buf_add(b, data, n);
  put_u32(b, 0);
}

/* bits = the least number of bits that the rows come to */
static xai_status read_ihdr(const chunk *c, xai_image_facts *facts, int64_t *bits, xai_err *err) {
  static const unsigned char samples[] = {1, 0, 3, 1, 2, 0, 4}; /* by colour type */
  if (c->type == TYPE('C', 'g', 'B', 'I'))
    return xai_fail(err, XAI_EUNSUPPORTED, "an Apple variant of PNG, expected plain PNG");
  if (c->type != TYPE('I', 'H', 'D', 'R') || c->length != IHDR_BYTES)
    return xai_fail(err, XAI_EFORMAT, "damaged: no IHDR chunk");
  unsigned char depth = c->data[8], colour = c->data[9];
  if (colour >= sizeof samples || samples[colour] == 0)
    return xai_fail(err, XAI_EFORMAT, "damaged: colour type %d", colour);
  if (depth == 0 || depth > 16) return xai_fail(err, XAI_EFORMAT, "damaged: %d bits per sample", depth);
  XAI_TRY(xai_image__set_size(big_endian(c->data), big_endian(c->data + 4), facts, err));
  facts->pixel_bytes = (samples[colour] * depth + 7) / 8;
  *bits = (int64_t)facts->width * facts->height * samples[colour] * depth;
  return XAI_OK;
}

static xai_status put_palette(xai_buf *clean, const chunk *c, xai_err *err) {
  unsigned char palette[PALETTE_BYTES] = {0};
  if (c->length == 0 || c->length > PALETTE_BYTES || c->length % 3 != 0)
    return xai_fail(err, XAI_EFORMAT, "damaged: a palette of %" PRIu32 " bytes", c->length);
  memcpy(palette, c->data, c->length);
  put_chunk(clean, c->type, palette, sizeof palette);
  return XAI_OK;
}

xai_status xai_image__clean_png(xai_cursor file, xai_buf *clean, xai_image_facts *facts, xai_err *err) {
  const unsigned char *magic;
  chunk c = {0};
  int64_t bits = 0;
  size_t length_at = 0; /* where in the copy the one IDAT's length stands; 0: none yet */
  bool palette = false, transparency = false;
  if (!xai_cursor_take(&file, 8, &magic)) return xai_fail(err, XAI_EFORMAT, "the file is cut off");
  xai_buf_add(clean, magic, 8);
  XAI_TRY(next_chunk(&file, &c, err));
  XAI_TRY(read_ihdr(&c, facts, &bits, err));
  put_chunk(clean, c.type, c.data, c.length);
  for (;;) {
    XAI_TRY(next_chunk(&file, &c, err));
    if (c.type == TYPE('I', 'E', 'N', 'D')) break;
    if (c.type == TYPE('I', 'D', 'A', 'T')) {
      if (length_at == 0) {
        length_at = clean->size;
        put_u32(clean, 0);
        put_u32(clean, c.type);
      }
      xai_buf_add(clean, c.data, c.length);
    } else if (c.type == TYPE('P', 'L', 'T', 'E') && !palette && length_at == 0) {
      palette = true;
      XAI_TRY(put_palette(clean, &c, err));
    } else if (c.type == TYPE('t', 'R', 'N', 'S') && !transparency && length_at == 0) {
      transparency = true;
      put_chunk(clean, c.type, c.data, c.length);
    } else if (needed(c.type)) {
      char name[5];
      describe(c.type, name);
      return xai_fail(err, XAI_EFORMAT, "damaged: a chunk %s where none may be", name);
    }
  }
  if (length_at == 0 || clean->failed)
    return clean->failed ? xai_fail_memory(err, clean->size) : xai_fail(err, XAI_EFORMAT, "damaged: no IDAT chunk");
  size_t n = clean->size - length_at - 8;
  for (int i = 0; i < 4; i++) clean->data[length_at + (size_t)i] = (unsigned char)(n >> (24 - 8 * i));
  put_u32(clean, 0);
  put_chunk(clean, c.type, c.data, 0);
  /* deflate makes at most 1032 bytes of one: a tiny file must not make us fetch memory for a huge picture */
  if (bits / 8 / 1032 > (int64_t)n)
    return xai_fail(err, XAI_EFORMAT, "damaged: %zu bytes cannot hold %dx%d pixels", n, facts->width, facts->height);
  return XAI_OK;
}

/* ---- notes --------------------------------------------------------------------------------------------------------- */
/* iTXt: keyword, 0, compressed? 0, method 0, language "" 0, the keyword in that language "" 0, UTF-8 text */
static void put_note(xai_buf *b, const xai_pair *note) {
  xai_buf text = {0};
  xai_buf_add(&text, "iTXt", 4);
  xai_buf_add(&text, note->key, strlen(note->key));
  xai_buf_add(&text, "\0\0\0\0", 5);
  xai_buf_add(&text, note->value, strlen(note->value));
  if (text.failed) {
    b->failed = true;
  } else {
    put_u32(b, (uint32_t)(text.size - 4));
    xai_buf_add(b, text.data, text.size);
    put_u32(b, crc32(text.data, text.size));
  }
  xai_buf_free(&text);
}

xai_status xai_image__note_png(const xai_buf *file, const xai_pair *notes, size_t n, xai_buf *out, xai_err *err) {
  enum { HEAD_BYTES = 8 + 12 + IHDR_BYTES }; /* signature and IHDR, behind which comments may stand */
  for (size_t i = 0; i < n; i++) {
    size_t length = strlen(notes[i].key);
    bool good = length >= 1 && length <= 79 && strlen(notes[i].value) <= INT32_MAX;
    for (size_t k = 0; k < length; k++) good = good && notes[i].key[k] >= 0x20 && notes[i].key[k] < 0x7f;
    if (!good)
      return xai_fail(err, XAI_EARG, "a note's name is 1 to 79 plain characters, got '%.80s'", notes[i].key);
  }
  xai_buf_add(out, file->data, HEAD_BYTES);
  for (size_t i = 0; i < n; i++) put_note(out, &notes[i]);
  xai_buf_add(out, file->data + HEAD_BYTES, file->size - HEAD_BYTES);
  return out->failed ? xai_fail_memory(err, file->size) : XAI_OK;
}
