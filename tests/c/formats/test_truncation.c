/* The real models and pictures that the tests use, cut short: at every length when they are small, at 200 lengths when they
 * are not. Each piece is refused with one line that names the file; nothing crashes, leaks or is half read. */
#include "scratch.h"

#include <sys/types.h>

#include "base/file.h"
#include "formats/formats.h"
#include "xai/image.h"
#include "xai/net.h"

enum { SMALL = 20000, CUTS = 200 };

typedef xai_status (*reader)(const char *path, xai_err *err);

static xai_status read_net(const char *path, xai_err *err) {
  xai_net *net = NULL;
  xai_status st = xai_net_load(path, &net, err);
  xai_net_free(net);
  return st;
}

static xai_status read_image(const char *path, xai_err *err) {
  xai_image *img = NULL;
  xai_status st = xai_image_read(path, &img, NULL, err);
  xai_image_free(img);
  return st;
}

static xai_status read_archive(const char *path, xai_err *err) {
  xai_archive a = {0};
  xai_status st = xai_archive_read(path, &a, err);
  if (st != XAI_OK) assert_true(a.n == 0 && a.entries == NULL && a.n_meta == 0 && a.meta == NULL);
  xai_archive_free(&a);
  return st;
}

static void cut(const char *shared, const char *name, reader read) {
  char path[1024];
  xai_file *file = NULL;
  xai_err err = {""};
  snprintf(path, sizeof path, "%s/%s", shared, name);
  if (xai_file_map(path, SIZE_MAX, &file, &err) != XAI_OK) fail_msg("%s", err.text);
  size_t size = xai_file_size(file), step = size <= SMALL ? 1 : size / CUTS;
  const char *copy = scratch("piece");
  if (xai_file_write(copy, xai_file_data(file), size, &err) != XAI_OK) fail_msg("%s", err.text);
  xai_file_release(file);
  assert_int_equal(read(copy, &err), XAI_OK);
  size_t live = xai_mem_live();
  for (size_t n = size - 1; n > 0; n = n > step ? n - step : n - 1) { /* from the end: pieces are cut off one by one */
    assert_int_equal(truncate(copy, (off_t)n), 0);
    err.text[0] = '\0';
    if (read(copy, &err) == XAI_OK) fail_msg("%s: %zu of %zu bytes were accepted", name, n, size);
    if (strstr(err.text, "/piece: ") == NULL || strchr(err.text, '\n') != NULL) fail_msg("%s at %zu: '%s'", name, n, err.text);
    assert_int_equal(xai_mem_live(), live);
  }
}

static const char *shared_folder(void) {
  const char *shared = getenv("XAI_SHARED");
  char path[1024];
  if (shared == NULL) shared = "../shared";
  snprintf(path, sizeof path, "%s/golden/README.md", shared);
  if (access(path, R_OK) == 0) return shared;
  print_message("SKIP: there is no %s\n", shared);
  skip();
  return NULL;
}

static void models_cut_short_are_refused(void **state) {
  (void)state;
  const char *shared = shared_folder();
  cut(shared, "models/squeezenet1.1.onnx", read_net);
  cut(shared, "models/squeezenet1.1-fp16.onnx", read_net);
  cut(shared, "models/resnet20-cifar10.onnx", read_net);
  cut(shared, "golden/onnx/resnet_basic.onnx", read_net);
  cut(shared, "golden/onnx/alexnet_lrn.onnx", read_net);
  cut(shared, "golden/onnx/densenet.onnx", read_net);
  cut(shared, "golden/onnx/misc_activations.onnx", read_net);
  cut(shared, "golden/onnx/mobilenet_v2.onnx", read_net);
  cut(shared, "golden/onnx/squeeze_excite_split.onnx", read_net);
}

static void named_tensors_cut_short_are_refused(void **state) {
  (void)state;
  const char *shared = shared_folder();
  cut(shared, "golden/formats/fortran_order_f64.npy", read_archive);
  cut(shared, "golden/formats/small.npz", read_archive);
  cut(shared, "golden/formats/small_compressed.npz", read_archive);
  cut(shared, "golden/formats/small.safetensors", read_archive);
  cut(shared, "golden/formats/small_legacy.pth", read_archive);
  cut(shared, "golden/formats/small_zip.pth", read_archive);
  cut(shared, "golden/formats/small_noncontiguous.pth", read_archive);
  cut(shared, "golden/formats/small_checkpoint_fp16_dataparallel.pth", read_archive);
}

static void pictures_cut_short_are_refused(void **state) {
  (void)state;
  const char *shared = shared_folder();
  cut(shared, "images/cat_dog.png", read_image);
  cut(shared, "images/dogs.png", read_image);
  cut(shared, "images/kitten_rgba.png", read_image);
  cut(shared, "images/horses.jpg", read_image);
  cut(shared, "images/dog_cat.jpg", read_image);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(models_cut_short_are_refused),
      cmocka_unit_test(named_tensors_cut_short_are_refused),
      cmocka_unit_test(pictures_cut_short_are_refused),
  };
  return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
