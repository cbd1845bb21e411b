/* xai/status.h: how every fallible function of libxai reports failure.
 *
 * A function returns a status. On failure it also fills the caller's xai_err with one line
 * of text; on success the buffer is left alone. Nothing in libxai prints, exits or aborts. */
#ifndef XAI_STATUS_H
#define XAI_STATUS_H

#include <stdbool.h>

#if defined(__GNUC__)
#define XAI_API __attribute__((visibility("default")))
#define XAI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define XAI_API
#define XAI_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum xai_status {
  XAI_OK = 0,
  XAI_EARG,         /* an argument makes no sense */
  XAI_ESHAPE,       /* shapes do not fit together */
  XAI_ENOTFOUND,    /* no such layer, class, option, file */
  XAI_EFORMAT,      /* a file is damaged or of another format */
  XAI_EUNSUPPORTED, /* well formed, but not something we can do */
  XAI_EIO,          /* the operating system refused to read or write */
  XAI_ENOMEM,       /* no memory, or over the memory limit */
  XAI_ESTOP         /* the user, or a hook, asked to stop */
} xai_status;

enum { XAI_ERR_MAX = 512 };

/* One line of text, always NUL-terminated. Lives on the caller's stack: nothing to free. */
typedef struct xai_err {
  char text[XAI_ERR_MAX];
} xai_err;

/* "out of memory", "not found", ...: a short phrase for the status itself. */
XAI_API const char *xai_status_text(xai_status st);

/* Ask every running kernel, pass and method of the process to end soon with XAI_ESTOP.
 * Async-signal-safe. The request stands until xai_stop_clear. */
XAI_API void xai_stop_request(void);
XAI_API void xai_stop_clear(void);
XAI_API bool xai_stop_requested(void);

#ifdef __cplusplus
}
#endif
#endif
