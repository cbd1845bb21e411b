/* xai.h: all of libxai. */
#ifndef XAI_H
#define XAI_H

#define XAI_VERSION "0.1.0"

#include "xai/explain.h"
#include "xai/image.h"
#include "xai/images.h"
#include "xai/net.h"
#include "xai/scenes.h"
#include "xai/status.h"
#include "xai/tensor.h"
#include "xai/train.h"

#endif
