/* base/status.h: filling an xai_err, and assertions that do not kill a lecture. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stddef.h>

#include "xai/status.h"

/* Writes the message and returns 'st', so that a fault is one line: return xai_fail(err, XAI_ESHAPE, "...").
 * The text is the format's, never a string from a file: pass those as "%s". Control characters in
 * the result are replaced by '?', so a hostile name cannot drive a terminal. err may be NULL. */
xai_status xai_fail(xai_err *err, xai_status st, const char *format, ...) XAI_PRINTF(3, 4);

/* Adds context in front of the message of a lower floor: "layer 'conv1': " + what stands there.
 * Returns 'st' unchanged; does nothing on XAI_OK. */
xai_status xai_err_prefix(xai_err *err, xai_status st, const char *format, ...) XAI_PRINTF(3, 4);

/* The one out-of-memory message. */
xai_status xai_fail_memory(xai_err *err, size_t bytes);

/* XAI_ESTOP with the message "interrupted". */
xai_status xai_fail_stop(xai_err *err);

/* Evaluate a fallible call; on failure return its status (TRY) or leave through 'done' (GOTO). */
#define XAI_TRY(call)                                                                                                  \
  do {                                                                                                                 \
    xai_status try_status = (call);                                                                                    \
    if (try_status != XAI_OK) return try_status;                                                                       \
  } while (0)
#define XAI_GOTO(call)                                                                                                 \
  do {                                                                                                                 \
    st = (call);                                                                                                       \
    if (st != XAI_OK) goto done;                                                                                       \
  } while (0)

/* A broken invariant: aborts in debug builds and tests; in a release build the enclosing function
 * returns XAI_EARG "internal: ...", so that a REPL survives our mistake. */
#ifdef NDEBUG
#define XAI_ASSERT(cond, err)                                                                                          \
  do {                                                                                                                 \
    if (!(cond)) return xai_fail(err, XAI_EARG, "internal: %s (%s)", #cond, __func__);                                 \
  } while (0)
#else
#include <assert.h>
#define XAI_ASSERT(cond, err) ((void)(err), assert(cond))
#endif

#endif
