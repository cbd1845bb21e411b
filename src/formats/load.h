/* formats/load.h: what loading and inspecting networks share. */
#ifndef FORMATS_LOAD_H
#define FORMATS_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "xai/status.h"

/* Protocol buffers cannot hold more. */
#define XAI_LARGEST_MODEL ((size_t)INT32_MAX)

/* The path of the other half of the Caffe network at 'path', which lies beside it: the weights for a structure
 * (is_text), the structure for weights; *out NULL when there is none. To be freed by the caller. */
xai_status xai_load__caffe_half(const char *path, bool is_text, char **out, xai_err *err);

#endif
