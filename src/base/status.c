/* base/status.c: error text and the process-wide stop flag. */
#include "base/status.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

static atomic_bool stop_flag;

void xai_stop_request(void) { atomic_store_explicit(&stop_flag, true, memory_order_relaxed); }
void xai_stop_clear(void) { atomic_store_explicit(&stop_flag, false, memory_order_relaxed); }
bool xai_stop_requested(void) { return atomic_load_explicit(&stop_flag, memory_order_relaxed); }

const char *xai_status_text(xai_status st) {
  switch (st) {
    case XAI_OK: return "ok";
    case XAI_EARG: return "bad argument";
    case XAI_ESHAPE: return "shape mismatch";
    case XAI_ENOTFOUND: return "not found";
    case XAI_EFORMAT: return "bad format";
    case XAI_EUNSUPPORTED: return "not supported";
    case XAI_EIO: return "input/output error";
    case XAI_ENOMEM: return "out of memory";
    case XAI_ESTOP: return "interrupted";
  }
  return "unknown status";
}

/* Names in messages come from files: keep them from moving the cursor or starting a new line. Besides ASCII's
 * control characters some terminals obey U+0080..U+009F, which UTF-8 writes as C2 80 .. C2 9F. A character that
 * was cut at the buffer's end goes altogether. */
static void defuse(char *text) {
  size_t n = strlen(text), start = n;
  while (start > 0 && n - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) start--;
  if (start > 0 && n == XAI_ERR_MAX - 1) {
    unsigned char lead = (unsigned char)text[start - 1];
    size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (n - start + 1 < wanted) text[start - 1] = '\0';
  }
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];
    if (c == 0xC2 && next >= 0x80 && next < 0xA0) text[0] = text[1] = '?';
    else if (c < 0x20 || c == 0x7f) *text = '?';
  }
}

xai_status xai_fail(xai_err *err, xai_status st, const char *format, ...) {
  if (err != NULL) {
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    defuse(err->text);
  }
  return st;
}

xai_status xai_err_prefix(xai_err *err, xai_status st, const char *format, ...) {
  if (err != NULL && st != XAI_OK) {
    char below[XAI_ERR_MAX];
    memcpy(below, err->text, sizeof below);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->text)
      snprintf(err->text + n, sizeof err->text - (size_t)n, "%s", below);
    defuse(err->text);
  }
  return st;
}

xai_status xai_fail_memory(xai_err *err, size_t bytes) {
  size_t limit = xai_mem_limit_now();
  if (limit == 0) return xai_fail(err, XAI_ENOMEM, "out of memory (%.1f MB wanted)", (double)bytes / 1e6);
  return xai_fail(err, XAI_ENOMEM, "out of memory (%.1f MB wanted, %.1f MB in use, the limit is %.1f MB)", (double)bytes / 1e6,
                  (double)xai_mem_live() / 1e6, (double)limit / 1e6);
}

xai_status xai_fail_stop(xai_err *err) { return xai_fail(err, XAI_ESTOP, "interrupted"); }
