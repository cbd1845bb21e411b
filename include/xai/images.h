/* xai/images.h: many pictures, one after the other: made by threads of their own ahead of who needs them, handed over in a
 * fixed order, whatever the number of threads. Memory is bounded by what waits, not by how many there are. */
#ifndef XAI_IMAGES_H
#define XAI_IMAGES_H

#include "xai/net.h"
#include "xai/scenes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- where they come from --------------------------------------------------------------------------- */
/* Pictures numbered from 0. A source never changes; any number of readers may share one. */
typedef struct xai_source xai_source;

/* How a file becomes a picture; NULL below is xai_image_read. Called from several threads at once. */
typedef xai_status (*xai_picture_reader)(const char *path, xai_image **out, xai_image_note *note, xai_err *err);
/* Files, with class ids (labels may be NULL: none are known). Paths and labels are copied, files opened when their turn comes. */
XAI_API xai_status xai_source_files(const char *const *paths, const int64_t *labels, int64_t n, xai_picture_reader read,
                                    xai_source **out, xai_err *err);
/* The first n scenes of a generator, which the source keeps. */
XAI_API xai_status xai_source_scenes(xai_scenes *set, int64_t n, xai_source **out, xai_err *err);
/* Copies of pictures in memory. */
XAI_API xai_status xai_source_pictures(const xai_image *const *pictures, const int64_t *labels, int64_t n,
                                       xai_source **out, xai_err *err);
XAI_API xai_source *xai_source_retain(xai_source *s);
XAI_API void xai_source_free(xai_source *s); /* NULL is fine; frees at the last reference */
XAI_API int64_t xai_source_count(const xai_source *s);
/* The file of picture i, as it was given; NULL when it is none. */
XAI_API const char *xai_source_path(const xai_source *s, int64_t i);
/* Tells sets apart: scenes by all that makes them, font included, pictures in memory by their pixels and labels. Files: 0; that
 * their bytes are the same nobody can say without reading them. */
XAI_API uint64_t xai_source_hash(const xai_source *s);

/* ---- one after the other ------------------------------------------------------------------------------ */
typedef struct xai_reader_opts {
  xai_source *source;
  const int64_t *order; /* which pictures, in which order; NULL: all as they are numbered. Copied. */
  int64_t n;            /* of order */
  xai_net *net;         /* pictures become its inputs; NULL: they stay pictures */
  int threads;          /* that make them; 0: as many as the kernels use */
  int ahead;            /* finished or begun before their turn, at most; 0: eight for every thread */
} xai_reader_opts;

/* What stands in its place where a file cannot be read: st says why, err in one line. */
typedef struct xai_picture {
  int64_t index;       /* in the source */
  int64_t label;       /* class id; -1: not known */
  xai_image *image;    /* without a net */
  xai_tensor *input;   /* 1 x C x H x W, with one */
  xai_image_note note;
  xai_status st;       /* XAI_OK; XAI_EIO, XAI_ENOTFOUND, XAI_EFORMAT, XAI_EUNSUPPORTED or XAI_EARG of one that cannot be read */
  xai_err err;
} xai_picture;
XAI_API void xai_picture_clear(xai_picture *p);

/* Not for several threads at once. Fails with XAI_EARG for an order that leads outside, or XAI_ENOMEM. */
typedef struct xai_reader xai_reader;
XAI_API xai_status xai_reader_open(const xai_reader_opts *opts, xai_reader **out, xai_err *err);
/* Waits for the next picture, which is then the caller's; *more = false, and *out untouched, after the last. Fails with
 * XAI_ENOMEM (may be tried again), XAI_ESHAPE (the network takes no pictures) or XAI_ESTOP. */
XAI_API xai_status xai_reader_next(xai_reader *r, xai_picture *out, bool *more, xai_err *err);
/* The next n pictures as one input, fewer when another shape comes, or the end; those that cannot be read count among the n.
 * For a reader with a net. All zeros after the last. */
typedef struct xai_batch {
  xai_tensor *x; /* N x C x H x W; NULL when N is 0 */
  int64_t n;     /* N */
  xai_picture *pictures; /* what x is made of, without image and input */
  int64_t n_failed;
  xai_picture *failed;
} xai_batch;
/* Fails like xai_reader_next; after XAI_ENOMEM it may be tried again, and no picture is lost. */
XAI_API xai_status xai_reader_batch(xai_reader *r, int64_t n, xai_batch *out, xai_err *err);
XAI_API void xai_batch_clear(xai_batch *b);
/* Ends the threads, after the picture that each is at. NULL is fine. */
XAI_API void xai_reader_close(xai_reader *r);

#ifdef __cplusplus
}
#endif
#endif
