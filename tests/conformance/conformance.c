/* The ONNX standard's own cases, as Debian's libonnx-testdata installs them.
 *
 *   conformance TABLE [FOLDER]          every case of the folder; -v before TABLE prints each failure with its message
 *
 * A case is a folder with model.onnx and test_data_set_<k>/input_<i>.pb, output_<i>.pb, one TensorProto each. It passes
 * when every output of every data set has the expected type, shape and elements: integers and truth values exactly,
 * floats within 1e-7 + 1e-3 * |expected|, the tolerances of the standard's own runner.
 *
 * TABLE names every case that is not expected to pass, under the reason for it:
 *
 *   = reason                            what the following lines have in common
 *   test_lstm_*                         a case or a pattern of cases that fail
 *   ~ 1e-6 test_foo                     a case that passes with this absolute tolerance; later lines win
 *
 * Beside TABLE lies tiers.txt, which says how much a case matters (tiers.h); the last lines count by tiers. The program
 * fails when a case changes sides in either direction, when a line fits no case, when a case of tier 1 does not pass,
 * and when less than 95 % of tier 2 do. It exits with 77 when the folder is not there. It checks numbers only: what is
 * printed for refused models is tested elsewhere. other_data.py makes the same cases with other numbers. */
#define _POSIX_C_SOURCE 200809L /* scandir */
#include <dirent.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/formats.h"
#include "tensor/tensor.h"
#include "tiers.h"

enum { MOST_LINES = 2000, MOST_CASES = 4000, MOST_TENSORS = 64, PATH_ROOM = 700, SKIPPED = 77 };
static const double relative = 1e-3, absolute = 1e-7, enough_of_tier_2 = 0.95;

/* ---- the table ------------------------------------------------------------------------------------------- */
typedef struct table_line {
  char pattern[120];
  double tolerance; /* 0: the cases fail */
  int fits;
} table_line;

typedef struct table {
  table_line lines[MOST_LINES];
  int n, reasons;
} table;

static bool read_table(const char *path, table *t) {
  char text[400];
  FILE *f = fopen(path, "r");
  if (f == NULL) return false;
  while (t->n < MOST_LINES && fgets(text, sizeof text, f) != NULL) {
    table_line *line = &t->lines[t->n];
    if (text[0] == '=') t->reasons++;
    else if (sscanf(text, "~ %lf %119s", &line->tolerance, line->pattern) == 2) t->n++;
    else if (text[0] != '#' && sscanf(text, "%119s", line->pattern) == 1) line->tolerance = 0, t->n++;
  }
  return fclose(f) == 0;
}

static const table_line *find_line(table *t, const char *name) {
  table_line *found = NULL;
  for (int i = 0; i < t->n; i++) {
    if (fnmatch(t->lines[i].pattern, name, 0) != 0) continue;
    t->lines[i].fits++;
    found = &t->lines[i];
  }
  return found;
}

/* ---- one case ---------------------------------------------------------------------------------------------- */
typedef struct tensors {
  xai_tensor *list[MOST_TENSORS];
  int n;
} tensors;

static void drop(tensors *t) {
  while (t->n > 0) xai_tensor_free(t->list[--t->n]);
}

/* <folder>/<what>_0.pb, _1.pb, ... as long as they are there. */
static xai_status read_tensors(const char *folder, const char *what, tensors *out, xai_err *err) {
  char path[PATH_ROOM];
  xai_status st = XAI_OK;
  while (out->n < MOST_TENSORS && st == XAI_OK) {
    xai_file *file = NULL;
    snprintf(path, sizeof path, "%s/%s_%d.pb", folder, what, out->n);
    if (access(path, R_OK) != 0) break;
    st = xai_file_map(path, SIZE_MAX, &file, err);
    if (st == XAI_OK) st = xai_onnx_tensor_load(file, &out->list[out->n], err);
    xai_file_release(file);
    if (st == XAI_OK) out->n++;
  }
  return st;
}

static bool close_to(double got, double want, double tolerance) {
  if (isnan(want) || isnan(got)) return isnan(want) && isnan(got);
  return got == want || fabs(got - want) <= tolerance + relative * fabs(want);
}

static xai_status compare(const xai_view *got, const xai_view *want, double tolerance, xai_err *err) {
  char a[XAI_SHAPE_TEXT], b[XAI_SHAPE_TEXT];
  if (got->dtype != want->dtype || !xai_shape_equal(&got->shape, &want->shape))
    return xai_fail(err, XAI_ESHAPE, "%s of shape %s (expected %s of shape %s)", xai_dtype_name(got->dtype),
                    xai_shape_text(&got->shape, a), xai_dtype_name(want->dtype), xai_shape_text(&want->shape, b));
  for (int64_t i = 0; i < xai_shape_size(&want->shape); i++) {
    double x = xai_view_get(got, i), y = xai_view_get(want, i);
    if (want->dtype == XAI_F32 ? !close_to(x, y, tolerance) : x != y)
      return xai_fail(err, XAI_EARG, "element %lld is %.9g (expected %.9g)", (long long)i, x, y);
  }
  return XAI_OK;
}

static xai_status run_set(xai_net *net, const char *folder, double tolerance, xai_err *err) {
  xai_status st;
  tensors in = {.n = 0}, want = {.n = 0}, got = {.n = 0};
  xai_view views[MOST_TENSORS];
  XAI_GOTO(read_tensors(folder, "input", &in, err));
  XAI_GOTO(read_tensors(folder, "output", &want, err));
  for (int i = 0; i < in.n; i++) views[i] = *xai_tensor_view(in.list[i]);
  if (want.n != xai_net_output_count(net)) {
    st = xai_fail(err, XAI_EARG, "%d outputs (expected %d)", xai_net_output_count(net), want.n);
    goto done;
  }
  XAI_GOTO(xai_net_eval(net, views, in.n, got.list, err));
  got.n = want.n;
  for (int i = 0; i < want.n && st == XAI_OK; i++) {
    st = compare(xai_tensor_view(got.list[i]), xai_tensor_view(want.list[i]), tolerance, err);
    xai_err_prefix(err, st, "output %d: ", i);
  }
done:
  drop(&in);
  drop(&want);
  drop(&got);
  return st;
}

static xai_status run_case(const char *folder, double tolerance, xai_err *err) {
  char path[PATH_ROOM];
  xai_net *net = NULL;
  snprintf(path, sizeof path, "%s/model.onnx", folder);
  xai_status st = xai_net_load(path, &net, err);
  for (int k = 0; st == XAI_OK; k++) {
    snprintf(path, sizeof path, "%s/test_data_set_%d", folder, k);
    if (access(path, X_OK) != 0) {
      if (k == 0) st = xai_fail(err, XAI_ENOTFOUND, "no data");
      break;
    }
    st = run_set(net, path, tolerance, err);
  }
  xai_net_free(net);
  return st;
}

/* ---- tiers ------------------------------------------------------------------------------------------------------ */
static bool read_tiers_beside(const char *table_path, tiers *t) {
  char path[PATH_ROOM];
  const char *slash = strrchr(table_path, '/');
  snprintf(path, sizeof path, "%.*stiers.txt", slash != NULL ? (int)(slash - table_path) + 1 : 0, table_path);
  return read_tiers(path, t);
}

typedef struct tally {
  int cases, passed;
} tally;

/* The number of tiers of which too few cases pass. */
static int report_tiers(const tally sums[TIERS]) {
  static const char *const names[] = {[TIER_1] = "tier 1", [TIER_2] = "tier 2", [OUTSIDE] = "outside"};
  int failed = 0;
  for (int i = TIER_1; i < TIERS; i++) {
    const tally *s = &sums[i];
    double share = s->cases > 0 ? (double)s->passed / s->cases : 1, least = i == TIER_1 ? 1 : enough_of_tier_2;
    bool fails = i != OUTSIDE && share < least;
    printf("%s: %d cases, %d pass, %.1f %%%s\n", names[i], s->cases, s->passed, 100 * share, fails ? ": TOO FEW" : "");
    failed += fails;
  }
  return failed;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */
static int only_cases(const struct dirent *entry) { return strncmp(entry->d_name, "test_", 5) == 0; }

int main(int argc, char **argv) {
  static table t;
  static tiers levels;
  tally sums[TIERS] = {{0}};
  bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
  if (verbose) argc--, argv++;
  const char *root = argc > 2 ? argv[2] : "/usr/share/libonnx-testdata/data/node";
  struct dirent **cases;
  if (argc < 2 || !read_table(argv[1], &t)) return fprintf(stderr, "usage: conformance [-v] TABLE [FOLDER]\n"), 1;
  if (!read_tiers_beside(argv[1], &levels)) return fprintf(stderr, "conformance: no tiers.txt beside TABLE\n"), 1;
  int n = scandir(root, &cases, only_cases, alphasort), passed = 0, excepted = 0, surprises = 0;
  if (n <= 0) return printf("skipped: no cases in %s (Debian package libonnx-testdata)\n", root), SKIPPED;
  for (int i = 0; i < n; i++) {
    char folder[PATH_ROOM / 2], model[PATH_ROOM];
    int tier = OUTSIDE;
    const char *name = cases[i]->d_name;
    xai_err err = {""};
    const table_line *line = find_line(&t, name);
    bool expected = line == NULL || line->tolerance > 0;
    snprintf(folder, sizeof folder, "%s/%s", root, name);
    snprintf(model, sizeof model, "%s/model.onnx", folder);
    if (tier_of(&levels, name, model, &tier, &err) != XAI_OK) printf("NO TIER for %s: %s\n", name, err.text), surprises++;
    xai_status st = run_case(folder, line != NULL && line->tolerance > 0 ? line->tolerance : absolute, &err);
    passed += st == XAI_OK;
    sums[tier].cases++;
    sums[tier].passed += st == XAI_OK;
    excepted += st != XAI_OK && !expected;
    if ((st == XAI_OK) != expected) surprises++;
    if (st != XAI_OK && (expected || verbose)) printf("%s%s: %s\n", expected ? "FAILS " : "", name, err.text);
    if (st == XAI_OK && !expected) printf("PASSES %s, which %s says fails\n", name, line->pattern);
    free(cases[i]);
  }
  free(cases);
  for (int i = 0; i < t.n; i++)
    if (t.lines[i].fits == 0) printf("NO CASE fits the line %s\n", t.lines[i].pattern), surprises++;
  printf("%d cases: %d pass, %d fail as expected for %d reasons, %d surprises\n", n, passed,
         excepted, t.reasons, surprises);
  surprises += report_tiers(sums);
  return surprises > 0;
}
