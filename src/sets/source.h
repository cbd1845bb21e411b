/* sets/source.h: making one picture of a source. */
#ifndef SETS_SOURCE_H
#define SETS_SOURCE_H

#include "xai/images.h"

/* Picture i, 0 <= i < count; from any thread. Fills image, label and note of *out; on failure *out is untouched. */
xai_status xai_source__make(const xai_source *s, int64_t i, xai_picture *out, xai_err *err);

#endif
