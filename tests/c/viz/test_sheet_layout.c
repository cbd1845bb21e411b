/* Where things go on a sheet: laws of the grid, for pictures and texts of many shapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "viz/sheet_layout.h"

typedef struct desk {
  cairo_t *pen;
  xai_image *square, *wide, *tall, *tower;
  const xai_cmap *cmap;
  xai_sheet_layout layout;
  xai_err err;
} desk;

static desk d;

static xai_image *picture(int w, int h) {
  xai_image *img = NULL;
  assert_int_equal(xai_image_new(w, h, &img, NULL), XAI_OK);
  return img;
}

static int open_desk(void **state) {
  (void)state;
  d = (desk){
      .square = picture(224, 224), .wide = picture(400, 200), .tall = picture(300, 400), .tower = picture(10, 90)};
  cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1);
  d.pen = cairo_create(surface);
  cairo_surface_destroy(surface);
  return xai_cmap_find("inferno", &d.cmap, NULL);
}

static int close_desk(void **state) {
  (void)state;
  xai_sheet_layout_clear(&d.layout);
  cairo_destroy(d.pen);
  xai_image_free(d.square);
  xai_image_free(d.wide);
  xai_image_free(d.tall);
  xai_image_free(d.tower);
  return 0;
}

static xai_status lay(const xai_sheet_cell *cells, int n, xai_sheet_opts opts) {
  xai_sheet_layout_clear(&d.layout);
  return xai_sheet_layout_make(cells, n, &opts, d.pen, &d.layout, &d.err);
}

static const xai_label *label(const char *text) {
  for (size_t i = 0; i < d.layout.n_labels; i++)
    if (strcmp(d.layout.labels[i].text, text) == 0) return &d.layout.labels[i];
  fail_msg("no label '%s'", text);
  return NULL;
}

/* Left and right ends of what is written from left to right; bottom and top of what is written upwards. */
static double start_of(const xai_label *l) {
  double width = xai_text_width(d.pen, l->text, l->style.size, l->style.bold);
  return l->style.upwards ? l->y - (1 - l->style.align) * width : l->x - l->style.align * width;
}
static double end_of(const xai_label *l) {
  return start_of(l) + xai_text_width(d.pen, l->text, l->style.size, l->style.bold);
}

/* Columns with and without a bar: pictures line up in both directions and have one size. */
static void pictures_line_up_whether_they_have_a_bar_or_not(void **state) {
  (void)state;
  xai_sheet_cell cells[6];
  for (int i = 0; i < 6; i++) cells[i] = (xai_sheet_cell){.img = d.square, .caption = "caption"};
  cells[4].cmap = d.cmap;
  cells[4].scale = (xai_scale){0, 1};
  assert_int_equal(lay(cells, 6, (xai_sheet_opts){.columns = 3, .cell = 200}), XAI_OK);
  const xai_rect *p = d.layout.pictures;
  for (int i = 0; i < 6; i++) {
    assert_int_equal(p[i].w, 200);
    assert_int_equal(p[i].h, 200);
    assert_int_equal(p[i].x, p[i % 3].x);
    assert_int_equal(p[i].y, p[i / 3 * 3].y);
    assert_int_equal(d.layout.bars[i].w > 0, i == 4);
  }
  /* only the middle column has the bar's room */
  assert_true(p[2].x - p[1].x > p[1].x - p[0].x + 30);
  assert_int_equal(d.layout.width - (p[2].x + 200), p[0].x);
}

static void a_bar_stands_beside_its_picture_with_numbers_at_their_height(void **state) {
  (void)state;
  xai_sheet_cell cells[2] = {{.img = d.square, .cmap = d.cmap, .scale = {0, 4}, .unit = "points"}, {.img = d.square}};
  assert_int_equal(lay(cells, 2, (xai_sheet_opts){.columns = 2, .cell = 400}), XAI_OK);
  xai_rect picture = d.layout.pictures[0], bar = d.layout.bars[0];
  assert_true(bar.x > picture.x + picture.w);
  assert_true(bar.w <= 0.1 * picture.w);
  assert_int_equal(bar.y, picture.y);
  assert_int_equal(bar.h, picture.h);
  /* 0 1 2 3 4 from bottom to top: value v at (4 - v) / 4 of the height */
  assert_int_equal(d.layout.n_ticks, 5);
  for (int v = 0; v <= 4; v++) {
    char text[2] = {(char)('0' + v), '\0'};
    assert_true(fabs(label(text)->y - (bar.y + (4 - v) / 4.0 * bar.h)) < 1e-9);
    assert_true(start_of(label(text)) > bar.x + bar.w);
  }
  const xai_label *unit = label("points");
  assert_true(unit->style.upwards);
  assert_true(unit->x - unit->style.size / 2 > end_of(label("4")));
  assert_true(unit->x + unit->style.size / 2 <= d.layout.pictures[1].x);
  assert_true(start_of(unit) >= bar.y && end_of(unit) <= bar.y + bar.h);
}

/* 2:1 at width 200 is 100 high, 3:4 is 266.7; 1:9 would be 1800 and is held at 300, 33 wide. All stand on one line. */
static void pictures_of_all_shapes_keep_their_proportions(void **state) {
  (void)state;
  xai_sheet_cell cells[4] = {{.img = d.wide}, {.img = d.tall}, {.img = d.tower}, {.img = d.square}};
  assert_int_equal(lay(cells, 4, (xai_sheet_opts){.columns = 4, .cell = 200}), XAI_OK);
  const int w[] = {200, 200, 33, 200}, h[] = {100, 267, 300, 200};
  int bottom = d.layout.pictures[0].y + 100;
  for (int i = 0; i < 4; i++) {
    assert_int_equal(d.layout.pictures[i].w, w[i]);
    assert_int_equal(d.layout.pictures[i].h, h[i]);
    assert_int_equal(d.layout.pictures[i].y + h[i], bottom);
  }
  assert_int_equal(2 * d.layout.pictures[2].x + 33, d.layout.pictures[1].x + d.layout.pictures[3].x + 199);
}

static void captions_stay_below_their_own_picture(void **state) {
  (void)state;
  const char *captions[] = {
      "input",
      "Grad-CAM\nbull mastiff 61.6 %",
      "German shepherd, German shepherd dog, German police dog, alsatian",
      "an explanation that goes on for much longer than any caption should, and then goes on for even longer than that",
      "unbreakable_unbreakable_unbreakable_unbreakable_unbreakable_unbreakable_unbreakable_unbreakable_unbreakable",
      "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"};
  xai_sheet_cell cells[6];
  for (int i = 0; i < 6; i++) cells[i] = (xai_sheet_cell){.img = d.square, .caption = captions[i]};
  for (int width = 20; width <= 640; width *= 2) {
    assert_int_equal(lay(cells, 6, (xai_sheet_opts){.columns = 3, .cell = width}), XAI_OK);
    const xai_rect *p = d.layout.pictures;
    for (size_t k = 0; k < d.layout.n_labels; k++) {
      const xai_label *l = &d.layout.labels[k];
      int owner = -1;
      for (int i = 0; i < 6; i++)
        if (fabs(l->x - (p[i].x + p[i].w / 2.0)) < 1 && l->y > p[i].y + p[i].h) owner = i;
      assert_true(owner >= 0);
      assert_true(start_of(l) >= p[owner].x - 0.5 && end_of(l) <= p[owner].x + p[owner].w + 0.5);
      double below = owner < 3 ? p[3].y : d.layout.height;
      assert_true(l->y - 0.5 * l->style.size > p[owner].y + p[owner].h);
      assert_true(l->y + 0.5 * l->style.size < below);
    }
  }
}

static void captions_have_five_to_six_per_cent_of_the_width(void **state) {
  (void)state;
  xai_sheet_cell cell = {.img = d.square, .caption = "first\nsecond"};
  for (int width = 200; width <= 800; width *= 2) {
    assert_int_equal(lay(&cell, 1, (xai_sheet_opts){.cell = width}), XAI_OK);
    assert_true(label("first")->style.size >= 0.05 * width && label("first")->style.size <= 0.065 * width);
    assert_true(label("second")->style.size >= 0.045 * width);
    assert_true(label("second")->style.size <= label("first")->style.size);
  }
}

static void titles_stand_over_columns_beside_rows_and_on_top(void **state) {
  (void)state;
  const char *columns[] = {"input", "Grad-CAM"}, *rows[] = {"dog", "cat"};
  xai_sheet_cell cells[4] = {{.img = d.square}, {.img = d.square}, {.img = NULL}, {.img = d.square}};
  xai_sheet_opts opts = {
      .title = "Title", .col_titles = columns, .n_col_titles = 2, .row_titles = rows, .n_row_titles = 2};
  assert_int_equal(lay(cells, 4, opts), XAI_OK);
  const xai_rect *p = d.layout.pictures;
  assert_int_equal(p[2].w, 0);
  assert_int_equal(p[3].x, p[1].x);
  assert_true(label("Title")->y < label("input")->y && label("input")->y < p[0].y);
  assert_true(fabs(label("Title")->x - d.layout.width / 2.0) < 1);
  assert_true(fabs(label("Grad-CAM")->x - (p[1].x + p[1].w / 2.0)) < 1);
  assert_true(label("dog")->style.upwards && label("dog")->x + label("dog")->style.size / 2 < p[0].x);
  assert_true(fabs(label("cat")->y - (p[3].y + p[3].h / 2.0)) < 1);
}

static void long_titles_stay_on_the_sheet(void **state) {
  (void)state;
  const char *column = "a column title that is far too long for a column of this width";
  const char *row = "and a row title that is far too long for a row of this height, too";
  const char *title =
      "A title of very many words which would be wider than the sheet if it were not broken into two lines, "
      "made a little smaller and cut at last";
  xai_sheet_cell cell = {.img = d.square};
  xai_sheet_opts opts = {
      .title = title, .col_titles = &column, .n_col_titles = 1, .row_titles = &row, .n_row_titles = 1, .cell = 100};
  assert_int_equal(lay(&cell, 1, opts), XAI_OK);
  assert_int_equal(d.layout.n_labels, 4);
  for (size_t i = 0; i < 4; i++) {
    const xai_label *l = &d.layout.labels[i];
    assert_true(start_of(l) >= 0);
    assert_true(end_of(l) <= (l->style.upwards ? d.layout.height : d.layout.width));
    assert_true(l->y - 0.5 * l->style.size >= 0);
  }
}

/* 6 squares: 3 x 2 is 3:2, 2 x 3 is 2:3. 64: 8 x 8 fills every place. 7: 4 x 2, not 7 x 1. */
static void the_number_of_columns_makes_about_4_to_3(void **state) {
  (void)state;
  const int n[] = {1, 2, 4, 6, 7, 8, 12, 64}, columns[] = {1, 2, 2, 3, 4, 4, 4, 8};
  xai_sheet_cell cells[64];
  for (int i = 0; i < 64; i++) cells[i] = (xai_sheet_cell){.img = d.square};
  for (int k = 0; k < 8; k++) {
    assert_int_equal(lay(cells, n[k], (xai_sheet_opts){.cell = 50}), XAI_OK);
    int first_row = 0;
    while (first_row < n[k] && d.layout.pictures[first_row].y == d.layout.pictures[0].y) first_row++;
    assert_int_equal(first_row, columns[k]);
  }
}

static void numbers_beside_a_low_picture_do_not_touch(void **state) {
  (void)state;
  xai_image *strip = picture(64, 1);
  xai_sheet_cell cell = {.img = strip, .cmap = d.cmap, .scale = {-1, 1}};
  assert_int_equal(lay(&cell, 1, (xai_sheet_opts){0}), XAI_OK);
  double last = INFINITY;
  for (size_t i = 0; i < d.layout.n_labels; i++) {
    assert_true(last - d.layout.labels[i].y >= d.layout.labels[i].style.size);
    last = d.layout.labels[i].y;
  }
  assert_int_equal(d.layout.bars[0].y + d.layout.bars[0].h, d.layout.pictures[0].y + d.layout.pictures[0].h);
  assert_true(d.layout.bars[0].y > 0);
  xai_image_free(strip);
}

static void assert_refused(const xai_sheet_cell *cells, int n, xai_sheet_opts opts, const char *message) {
  assert_int_equal(lay(cells, n, opts), XAI_EARG);
  assert_string_equal(d.err.text, message);
}

static void senseless_sheets_are_refused(void **state) {
  (void)state;
  const char *titles[] = {"a", "b", "c"};
  xai_sheet_cell cells[4] = {{.img = d.square}, {.img = d.square}, {.img = d.square}, {.img = d.square}};
  assert_refused(cells, 0, (xai_sheet_opts){0}, "sheet: no cells (expected at least 1, got 0)");
  assert_refused(cells, 4, (xai_sheet_opts){.columns = -2}, "sheet: columns must be positive (got -2)");
  assert_refused(cells, 4, (xai_sheet_opts){.cell = 5},
                 "sheet: cell is a picture's width in pixels (expected 8 to 4096, got 5)");
  assert_refused(cells, 4, (xai_sheet_opts){.columns = 2, .col_titles = titles, .n_col_titles = 3},
                 "sheet: one title per column is needed (expected 2, got 3)");
  assert_refused(cells, 4, (xai_sheet_opts){.columns = 2, .row_titles = titles, .n_row_titles = 3},
                 "sheet: one title per row is needed (expected 2, got 3)");
  assert_refused(cells, 4, (xai_sheet_opts){.col_titles = titles}, "sheet: columns must be positive (got 0)");
  assert_refused(cells, 4, (xai_sheet_opts){.row_titles = titles, .columns = 2},
                 "sheet: one title per row is needed (expected 2, got 0)");
  assert_refused(
      cells, 4, (xai_sheet_opts){.columns = INT32_MAX},
      "sheet: 2147483647 columns of 320 pixels and 1 rows are too many (expected at most 16384 pixels a side)");
  cells[1].cmap = d.cmap;
  cells[1].scale = (xai_scale){2, 2};
  assert_refused(cells, 4, (xai_sheet_opts){0}, "sheet: cell 2: scale is empty (expected low < high, got 2 and 2)");
}

/* 40 rows of 4096 are 163840 pixels; 3 x 3 cells of 4096 fit each way but are 150 million in all. */
static void sheets_beyond_the_limits_of_pictures_are_refused(void **state) {
  (void)state;
  xai_sheet_cell cells[40];
  for (int i = 0; i < 40; i++) cells[i] = (xai_sheet_cell){.img = d.square};
  assert_int_equal(lay(cells, 40, (xai_sheet_opts){.columns = 1, .cell = 4096}), XAI_EARG);
  assert_non_null(strstr(d.err.text, "pixels are too many (expected at most 16384 a side, 64 million in all)"));
  assert_int_equal(lay(cells, 9, (xai_sheet_opts){.columns = 3, .cell = 4096}), XAI_EARG);
  assert_int_equal(lay(cells, 40, (xai_sheet_opts){.columns = 40, .cell = 500}), XAI_EARG);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  xai_sheet_cell cells[9];
  for (int i = 0; i < 9; i++)
    cells[i] = (xai_sheet_cell){.img = d.square, .caption = "a\nb", .cmap = d.cmap, .scale = {0, 4}, .unit = "u"};
  size_t live = xai_mem_live();
  xai_status st = XAI_ENOMEM;
  for (int k = 0; st != XAI_OK; k++) {
    xai_mem_fail_after(k, false);
    st = lay(cells, 9, (xai_sheet_opts){.title = "t"});
    xai_mem_fail_after(-1, false);
    assert_true(st == XAI_OK || st == XAI_ENOMEM);
    xai_sheet_layout_clear(&d.layout);
    assert_int_equal(xai_mem_live(), live);
  }
}

#define DESK(test) cmocka_unit_test_setup_teardown(test, open_desk, close_desk)

int main(void) {
  const struct CMUnitTest tests[] = {
      DESK(pictures_line_up_whether_they_have_a_bar_or_not),
      DESK(a_bar_stands_beside_its_picture_with_numbers_at_their_height),
      DESK(pictures_of_all_shapes_keep_their_proportions),
      DESK(captions_stay_below_their_own_picture),
      DESK(captions_have_five_to_six_per_cent_of_the_width),
      DESK(titles_stand_over_columns_beside_rows_and_on_top),
      DESK(long_titles_stay_on_the_sheet),
      DESK(the_number_of_columns_makes_about_4_to_3),
      DESK(numbers_beside_a_low_picture_do_not_touch),
      DESK(senseless_sheets_are_refused),
      DESK(sheets_beyond_the_limits_of_pictures_are_refused),
      DESK(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
