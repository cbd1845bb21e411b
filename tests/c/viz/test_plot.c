/* Plots: points lie where their numbers say, and what is written fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "viz/sheet_layout.h"

static xai_sheet_layout layout;
static xai_err err;

static xai_status lay(const xai_plot *plot, int cell) {
  xai_sheet_cell one = {.plot = plot, .caption = "caption"};
  xai_sheet_opts opts = {.cell = cell};
  xai_sheet_layout_clear(&layout);
  return xai_sheet_lay(&one, 1, &opts, &layout, &err);
}

static void must(const xai_plot *plot) {
  if (lay(plot, 448) != XAI_OK) fail_msg("%s", err.text);
}

static int clear(void **state) {
  (void)state;
  xai_sheet_layout_clear(&layout);
  return 0;
}

static const xai_label *label(const char *text) {
  for (size_t i = 0; i < layout.n_labels; i++)
    if (strcmp(layout.labels[i].text, text) == 0) return &layout.labels[i];
  fail_msg("no label '%s'", text);
  return NULL;
}

static const xai_ink *last_ink(xai_ink_kind kind) {
  for (size_t i = layout.n_inks; i-- > 0;)
    if (layout.inks[i].kind == kind) return &layout.inks[i];
  fail_msg("no such ink");
  return NULL;
}

static const double *place(const xai_ink *ink, int i) { return layout.points + 2 * (ink->first + (size_t)i); }

/* x from 0 to 4, y from 0 to 1: (1, 0.25) is a quarter from the left and three quarters from above. */
static void a_curve_goes_through_its_points(void **state) {
  (void)state;
  const double x[] = {0, 1, 4}, y[] = {0, 0.25, 1};
  const xai_series series = {.x = x, .y = y, .n = 3};
  must(&(xai_plot){.kind = XAI_PLOT_CURVES, .series = &series, .n_series = 1, .y = {0, 1}});
  xai_rect r = layout.plots[0];
  const xai_ink *curve = last_ink(XAI_INK_STROKE);
  assert_int_equal(curve->n, 3);
  for (int i = 0; i < 3; i++) {
    assert_true(fabs(place(curve, i)[0] - (r.x + x[i] / 4 * r.w)) < 1e-9);
    assert_true(fabs(place(curve, i)[1] - (r.y + (1 - y[i]) * r.h)) < 1e-9);
  }
}

/* 0 0.25 0.5 0.75 1 at their heights, 0 1 2 3 4 at their places */
static void numbers_stand_at_their_values(void **state) {
  (void)state;
  const double x[] = {0, 4}, y[] = {0, 1};
  const xai_series series = {.x = x, .y = y, .n = 2};
  must(&(xai_plot){.kind = XAI_PLOT_CURVES, .series = &series, .n_series = 1, .x_label = "step", .y_label = "P", .y = {0, 1}});
  xai_rect r = layout.plots[0];
  assert_true(fabs(label("0.75")->y - (r.y + 0.25 * r.h)) < 1e-9);
  assert_true(fabs(label("3")->x - (r.x + 0.75 * r.w)) < 1e-9);
  assert_true(label("0.75")->x < r.x && label("3")->y > r.y + r.h);
  assert_true(label("step")->y > label("3")->y && label("P")->x < label("0.75")->x - label("0.75")->width);
  assert_true(label("caption")->y > label("step")->y);
}

static void a_curve_is_interrupted_where_there_is_no_number(void **state) {
  (void)state;
  const double x[] = {0, 1, 2, 3, 4}, y[] = {0, 1, NAN, 1, 0};
  const xai_series series = {.x = x, .y = y, .n = 5};
  must(&(xai_plot){.kind = XAI_PLOT_CURVES, .series = &series, .n_series = 1});
  assert_int_equal(last_ink(XAI_INK_STROKE)->n, 2);
  assert_int_equal((last_ink(XAI_INK_STROKE) - 1)->n, 2);
}

/* Pieces of 512 points share one with the next: 512 + 511 + ... */
static void long_curves_go_on_from_piece_to_piece(void **state) {
  (void)state;
  static double x[2000], y[2000];
  for (int i = 0; i < 2000; i++) x[i] = i, y[i] = i % 7;
  const xai_series series = {.x = x, .y = y, .n = 2000};
  must(&(xai_plot){.kind = XAI_PLOT_CURVES, .series = &series, .n_series = 1});
  int points = 0, pieces = 0;
  const double *end = NULL;
  for (size_t i = 0; i < layout.n_inks; i++) {
    const xai_ink *ink = &layout.inks[i];
    if (ink->clip != 0) continue;
    if (end != NULL) assert_memory_equal(end, place(ink, 0), 2 * sizeof *end);
    end = place(ink, ink->n - 1);
    points += ink->n;
    pieces++;
  }
  assert_int_equal(points - (pieces - 1), 2000);
}

/* From -1 to 3: zero is a quarter from the left, and a bar of 1 ends half-way. The names' column is left of all. */
static void bars_begin_at_zero(void **state) {
  (void)state;
  const double y[] = {3, -1, 1};
  const char *names[] = {"dog", "cat", "a class with a very long name that must be cut somewhere"};
  const xai_series series = {.y = y, .n = 3};
  must(&(xai_plot){.kind = XAI_PLOT_BARS, .series = &series, .n_series = 1, .names = names});
  xai_rect r = layout.plots[0];
  double zero = r.x + 0.25 * r.w;
  const xai_ink *bar = last_ink(XAI_INK_FILL);
  assert_true(fabs(place(bar, 0)[0] - zero) < 1e-9);
  assert_true(fabs(place(bar, 1)[0] - (r.x + 0.5 * r.w)) < 1e-9);
  assert_true(fabs(place(bar - 1, 1)[0] - r.x) < 1e-9);
  assert_true(label("3")->x > r.x + r.w);
  assert_true(label("\xe2\x88\x92" "1")->x < r.x);
  assert_true(fabs(label("dog")->x - label("cat")->x) < 1e-9);
  assert_true(label("dog")->y < label("cat")->y);
}

static void values_at_bars_have_three_digits_or_a_text_of_their_own(void **state) {
  (void)state;
  const double y[] = {0.61234, 0.1};
  const char *texts[] = {NULL, "10 %"};
  const xai_series series = {.y = y, .n = 2, .texts = texts};
  must(&(xai_plot){.kind = XAI_PLOT_BARS, .series = &series, .n_series = 1});
  label("0.612");
  label("10 %");
}

/* Two classes: colours and shapes of the legend are those of the points. */
static void points_look_as_the_legend_says(void **state) {
  (void)state;
  const double x[] = {0, 1}, y[] = {0, 1};
  const xai_series series[] = {{.name = "dog", .x = x, .y = y, .n = 2, .rgb = {1, 2, 3}},
                               {.name = "cat", .x = y, .y = x, .n = 2, .rgb = {4, 5, 6}, .look = 2}};
  must(&(xai_plot){.kind = XAI_PLOT_SCATTER, .series = series, .n_series = 2});
  int dots[2] = {0};
  for (size_t i = 0; i < layout.n_inks; i++) {
    const xai_ink *ink = &layout.inks[i];
    if (ink->kind != XAI_INK_DOT) continue;
    int of = ink->rgb[0] == 1 ? 0 : 1;
    assert_memory_equal(ink->rgb, series[of].rgb, 3);
    assert_int_equal(ink->look, series[of].look);
    dots[of]++;
  }
  assert_int_equal(dots[0], 3);
  assert_int_equal(dots[1], 3);
  assert_true(label("dog")->y < layout.plots[0].y);
}

/* A picture of 2:1 in a frame of 64: 64 x 32, its middle at the point, and whole within the axes. */
static void thumbnails_stand_at_their_points(void **state) {
  (void)state;
  xai_image *img = NULL;
  assert_int_equal(xai_image_new(100, 50, &img, NULL), XAI_OK);
  const double x[] = {0, 10}, y[] = {0, 10};
  const xai_image *const thumbs[] = {img, NULL};
  const xai_series series = {.x = x, .y = y, .n = 2, .thumbs = thumbs};
  must(&(xai_plot){.kind = XAI_PLOT_SCATTER, .series = &series, .n_series = 1, .thumb = 64});
  assert_int_equal(layout.n_thumbs, 1);
  const xai_thumb *t = &layout.thumbs[0];
  assert_true(fabs(t->w - 64) < 1e-9 && fabs(t->h - 32) < 1e-9);
  xai_rect r = layout.plots[0];
  assert_true(t->x >= r.x && t->y + t->h <= r.y + r.h);
  xai_image_free(img);
}

/* At 0, 0.1 and 10 of 10, with frames: the first one would lie under the second. */
static void a_picture_that_would_be_hidden_is_a_point(void **state) {
  (void)state;
  xai_image *img = NULL;
  assert_int_equal(xai_image_new(50, 50, &img, NULL), XAI_OK);
  const double x[] = {0, 0.1, 10}, y[] = {0, 0, 10};
  const xai_image *const thumbs[] = {img, img, img};
  const xai_series series = {.x = x, .y = y, .n = 3, .thumbs = thumbs};
  must(&(xai_plot){.kind = XAI_PLOT_SCATTER, .series = &series, .n_series = 1, .thumb = 64});
  assert_int_equal(layout.n_thumbs, 2);
  const xai_ink *dot = last_ink(XAI_INK_DOT);
  const xai_thumb *above = &layout.thumbs[1];
  double way = above->x + above->w / 2 - place(dot, 0)[0];
  assert_true(way > 0 && way < 0.1 * layout.plots[0].w);
  xai_image_free(img);
}

/* 10 x 2 units in an area of w x h: both get the unit of the wider one, so 2 units are as far apart one way as the other;
 * nothing is written. */
static void a_bare_map_has_one_unit_and_no_numbers(void **state) {
  (void)state;
  const double x[] = {0, 10, 2}, y[] = {0, 2, 0};
  const xai_series series = {.x = x, .y = y, .n = 3};
  must(&(xai_plot){.kind = XAI_PLOT_SCATTER, .series = &series, .n_series = 1, .bare = true});
  double at[3][2];
  int n = 3; /* the last one is laid first */
  for (size_t i = 0; i < layout.n_inks; i++)
    if (layout.inks[i].kind == XAI_INK_DOT) memcpy(at[--n], place(&layout.inks[i], 0), sizeof *at);
  assert_int_equal(n, 0);
  assert_true(fabs((at[2][0] - at[0][0]) - (at[0][1] - at[1][1])) < 1e-9);
  xai_rect r = layout.plots[0];
  assert_true(fabs((at[0][1] + at[1][1]) / 2 - (r.y + r.h / 2.0)) < 1e-9); /* about the middle */
  assert_int_equal(layout.n_labels, 1); /* the caption */
  assert_int_equal(lay(&(xai_plot){.series = &series, .n_series = 1, .bare = true}, 448), XAI_EARG);
}

static void numbers_of_all_sizes_fit(void **state) {
  (void)state;
  const double x[] = {0, 1e-7, 2e-7}, big[] = {-1e12, 5e11, 1e12}, same[] = {3, 3, 3}, none[] = {NAN, NAN, NAN};
  const double *all[] = {x, big, same, none};
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < 4; k++)
      for (int kind = 0; kind < 3; kind++) {
        const xai_series series = {.x = all[i], .y = all[k], .n = 3};
        must(&(xai_plot){.kind = (xai_plot_kind)kind, .series = &series, .n_series = 1, .x_label = "x", .y_label = "y"});
        assert_true(layout.plots[0].w > 100);
        for (size_t j = 0; j < layout.n_labels; j++) {
          double box[4];
          xai_label_box(&layout.labels[j], box);
          assert_true(box[0] >= 0 && box[1] >= 0 && box[2] <= layout.width && box[3] <= layout.height);
        }
      }
}

static void senseless_plots_are_refused(void **state) {
  (void)state;
  const double x[] = {0, 1};
  const xai_series series = {.x = x, .y = x, .n = 2}, empty = {.x = x, .y = x, .n = 0};
  assert_int_equal(lay(&(xai_plot){.kind = XAI_PLOT_CURVES}, 448), XAI_EARG);
  assert_string_equal(err.text, "sheet: cell 1: plot: expected 1 to 64 series, got 0");
  assert_int_equal(lay(&(xai_plot){.series = &empty, .n_series = 1}, 448), XAI_EARG);
  assert_int_equal(lay(&(xai_plot){.series = &series, .n_series = 1, .x = {2, 1}}, 448), XAI_EARG);
  assert_int_equal(lay(&(xai_plot){.series = &series, .n_series = 1, .aspect = -1}, 448), XAI_EARG);
  assert_int_equal(lay(&(xai_plot){.series = &series, .n_series = 1}, 8), XAI_EARG);
  assert_non_null(strstr(err.text, "too small"));
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  const double x[] = {0, 1, 2};
  const xai_series series[] = {{.name = "a", .x = x, .y = x, .n = 3}, {.name = "b", .x = x, .y = x, .n = 3}};
  for (int kind = 0; kind < 3; kind++) {
    xai_plot plot = {.kind = (xai_plot_kind)kind, .series = series, .n_series = 2, .x_label = "x", .y_label = "y"};
    xai_sheet_layout_clear(&layout);
    size_t live = xai_mem_live();
    xai_status st = XAI_ENOMEM;
    for (int k = 0; st != XAI_OK; k++) {
      xai_mem_fail_after(k, false);
      st = lay(&plot, 448);
      xai_mem_fail_after(-1, false);
      assert_true(st == XAI_OK || st == XAI_ENOMEM);
      xai_sheet_layout_clear(&layout);
      assert_int_equal(xai_mem_live(), live);
    }
  }
}

#define PLOT(test) cmocka_unit_test_teardown(test, clear)

int main(void) {
  const struct CMUnitTest tests[] = {
      PLOT(a_curve_goes_through_its_points),
      PLOT(numbers_stand_at_their_values),
      PLOT(a_curve_is_interrupted_where_there_is_no_number),
      PLOT(long_curves_go_on_from_piece_to_piece),
      PLOT(bars_begin_at_zero),
      PLOT(values_at_bars_have_three_digits_or_a_text_of_their_own),
      PLOT(points_look_as_the_legend_says),
      PLOT(thumbnails_stand_at_their_points),
      PLOT(a_picture_that_would_be_hidden_is_a_point),
      PLOT(a_bare_map_has_one_unit_and_no_numbers),
      PLOT(numbers_of_all_sizes_fit),
      PLOT(senseless_plots_are_refused),
      PLOT(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
