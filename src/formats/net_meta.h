/* formats/net_meta.h: what belongs to a network beside its graph, as texts that travel in a file's metadata.
 *
 *   xai.preprocess  {"name": "imagenet", "resize": 256, "crop": 224, "order": "rgb", "scale": 0.00392156886,
 *                    "mean": [m0, m1, m2], "std": [s0, s1, s2]}      x = (byte * scale - mean) / std
 *   xai.labels      ["tench", "goldfish", ...]                      one per class, by class id */
#ifndef FORMATS_NET_META_H
#define FORMATS_NET_META_H

#include "formats/json.h"
#include "xai/net.h"

#define XAI_META_PREPROCESS "xai.preprocess"
#define XAI_META_LABELS "xai.labels"

void xai_meta__put_preprocess(xai_buf *b, const xai_preprocess *p);
/* Fails with XAI_EARG for a label that is not UTF-8, or too long. The net has labels. */
xai_status xai_meta__put_labels(xai_buf *b, const xai_net *net, xai_err *err);

/* Untrusted texts: *net is replaced by a view that has what the text says, or left alone on failure (XAI_EFORMAT,
 * and the message names the key). A name is believed only together with its preset's numbers. Labels that are not as
 * many as there are classes are not used; control characters in them become blanks. */
xai_status xai_meta__set_preprocess(xai_net **net, xai_json text, xai_err *err);
xai_status xai_meta__set_labels(xai_net **net, xai_json text, xai_err *err);

#endif
