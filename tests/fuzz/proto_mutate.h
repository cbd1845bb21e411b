/* tests/fuzz/proto_mutate.h: damage to a protobuf file that leaves it well-formed: somewhere in the tree of messages a
 * field is changed, dropped, repeated or exchanged with its neighbour, and all lengths around it are put right. */
#ifndef TESTS_FUZZ_PROTO_MUTATE_H
#define TESTS_FUZZ_PROTO_MUTATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "formats/proto_wire.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

typedef struct proto_out {
  uint8_t *at, *end;
  bool full;
} proto_out;

typedef struct proto_dice {
  uint64_t stream, drawn;
} proto_dice;
static inline size_t proto_draw(proto_dice *dice, size_t below) {
  return (size_t)(xai_rng_u64(dice->stream, dice->drawn++) % below);
}

static inline void proto_put(proto_out *out, const void *bytes, size_t n) {
  if (out->full || n > (size_t)(out->end - out->at)) {
    out->full = true;
    return;
  }
  if (n > 0) memmove(out->at, bytes, n);
  out->at += n;
}

static inline void proto_put_varint(proto_out *out, uint64_t v) {
  uint8_t bytes[10];
  size_t n = 0;
  do {
    bytes[n] = (uint8_t)(v & 0x7f);
    v >>= 7;
    if (v != 0) bytes[n] |= 0x80;
    n++;
  } while (v != 0);
  proto_put(out, bytes, n);
}

/* A message of at least one field, as far as can be seen from its bytes. */
static inline bool proto_is_message(xai_proto_span s) {
  xai_proto_field f;
  if (s.n == 0) return false;
  while (s.n > 0)
    if (!xai_proto__next(&s, &f)) return false;
  return true;
}

static inline void proto_put_bytes(proto_out *out, uint32_t number, const void *bytes, size_t n) {
  proto_put_varint(out, (uint64_t)number << 3 | XAI_WIRE_BYTES);
  proto_put_varint(out, n);
  proto_put(out, bytes, n);
}

enum { PROTO_ROOM = 1 << 16 };

static inline void proto_change_number(proto_out *out, const xai_proto_field *f, proto_dice *dice) {
  static const uint64_t special[] = {0, 1, 2, 7, 127, 255, INT32_MAX, (uint64_t)1 << 31, UINT32_MAX, (uint64_t)1 << 62,
                                     INT64_MAX, UINT64_MAX, UINT64_MAX - 1};
  uint64_t bits = f->bits;
  switch (proto_draw(dice, 4)) {
    case 0: bits++; break;
    case 1: bits--; break;
    case 2: bits ^= UINT64_C(1) << proto_draw(dice, f->wire == XAI_WIRE_32 ? 32 : 64); break;
    default: bits = special[proto_draw(dice, sizeof special / sizeof *special)];
  }
  proto_put_varint(out, (uint64_t)f->number << 3 | f->wire);
  if (f->wire == XAI_WIRE_VARINT) proto_put_varint(out, bits);
  else proto_put(out, &bits, f->wire == XAI_WIRE_32 ? 4 : 8);
}

static inline void proto_rewrite(proto_out *out, xai_proto_span s, int depth, proto_dice *dice);

static inline void proto_change(proto_out *out, const xai_proto_field *f, int depth, proto_dice *dice) {
  if (f->wire != XAI_WIRE_BYTES) {
    proto_change_number(out, f, dice);
    return;
  }
  uint8_t *payload = malloc(PROTO_ROOM); /* recursive, so not static */
  if (payload == NULL) abort();
  size_t n = f->bytes.n < PROTO_ROOM ? f->bytes.n : PROTO_ROOM;
  if (depth > 0 && proto_is_message(f->bytes) && proto_draw(dice, 8) > 0) {
    proto_out inner = {payload, payload + PROTO_ROOM, false};
    proto_rewrite(&inner, f->bytes, depth - 1, dice);
    out->full |= inner.full;
    n = (size_t)(inner.at - payload);
  } else {
    memcpy(payload, f->bytes.at, n);
    n = LLVMFuzzerMutate(payload, n, n + 64 < PROTO_ROOM ? n + 64 : PROTO_ROOM);
  }
  proto_put_bytes(out, f->number, payload, n);
  free(payload);
}

/* The message with one field of it, or of a message inside of it, done something to. */
static inline void proto_rewrite(proto_out *out, xai_proto_span s, int depth, proto_dice *dice) {
  size_t fields = 0;
  xai_proto_field f;
  for (xai_proto_span rest = s; xai_proto__next(&rest, &f);) fields++;
  if (fields == 0) return;
  size_t chosen = proto_draw(dice, fields), what = proto_draw(dice, 10);
  xai_proto_span rest = s, whole = {NULL, 0}, before = {NULL, 0};
  for (size_t i = 0; i < fields; i++) {
    before = whole;
    whole.at = rest.at;
    xai_proto__next(&rest, &f);
    whole.n = (size_t)(rest.at - whole.at);
    if (i != chosen) {
      proto_put(out, whole.at, whole.n);
      continue;
    }
    switch (what) {
      case 0: break;
      case 1: proto_put(out, whole.at, whole.n); /* twice */ /* fall through */
      case 2: proto_put(out, whole.at, whole.n); proto_put(out, before.at, before.n); break;
      default: proto_change(out, &f, depth, dice);
    }
  }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  enum { DEPTH = 6 };
  proto_dice dice = {xai_rng_stream(seed, size), 0};
  xai_proto_span s = {data, size};
  if (size > PROTO_ROOM || !proto_is_message(s) || proto_draw(&dice, 4) == 0)
    return LLVMFuzzerMutate(data, size, max_size);
  uint8_t *made = malloc(max_size);
  if (made == NULL) abort();
  proto_out out = {made, made + max_size, false};
  for (size_t times = 1 + proto_draw(&dice, 3); times > 0; times--) {
    out = (proto_out){made, made + max_size, false};
    proto_rewrite(&out, s, DEPTH, &dice);
    if (out.full || out.at == made) break;
    size = (size_t)(out.at - made);
    memcpy(data, made, size);
    s.n = size;
  }
  free(made);
  return size;
}

#endif
