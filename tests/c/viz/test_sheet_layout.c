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
  assert_int_equal(d.layout.n_inks, 5);
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

/* A capital is 0.73 of the size. A sheet that fills a wall 4 m wide then has capitals of 4 cm or more. */
static void captions_have_at_least_a_75th_of_the_sheets_width(void **state) {
  (void)state;
  xai_sheet_cell cells[6];
  for (int i = 0; i < 6; i++) cells[i] = (xai_sheet_cell){.img = d.square, .caption = i == 0 ? "first\nsecond" : NULL};
  for (int columns = 1; columns <= 6; columns++)
    for (int width = 200; width <= 800; width *= 2) {
      assert_int_equal(lay(cells, columns, (xai_sheet_opts){.cell = width, .columns = columns}), XAI_OK);
      assert_true(label("first")->style.size >= d.layout.width / 75.0);
      assert_true(label("first")->style.size <= 0.1 * width);
      assert_true(label("second")->style.size >= 0.8 * label("first")->style.size);
      assert_true(label("second")->style.size < label("first")->style.size);
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
  assert_true(d.layout.n_labels >= 4);
  for (size_t i = 0; i < d.layout.n_labels; i++) {
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

/* ---- laws of sheets of any kind ------------------------------------------------------------------------------------ */
static uint32_t bits;
static int chance(int n) {
  bits = bits * 1664525u + 1013904223u;
  return (int)((bits >> 8) % (uint32_t)n);
}

static const char *const words[] = {
    "input",
    "Grad-CAM\ndog 61 %, layer relu5",
    "German shepherd, German shepherd dog, German police dog, alsatian",
    "features/fire9/squeeze1x1/a_very_long_name/of_a_layer/Conv_output_0\n12 %",
    "unbreakable_unbreakable_unbreakable_unbreakable_unbreakable_unbreakable",
    "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
    "one\ntwo\nthree\nfour\nfive\nsix\nseven",
    "\xce\xbb = 0.5 \xc3\x97 caf\xc3\xa9",
    "y"};
enum { WORDS = sizeof words / sizeof *words };

static void assert_apart(const double a[4], const double b[4], const char *what, const char *other) {
  const double slack = 0.51; /* cells begin and end on whole pixels */
  bool apart = a[2] <= b[0] + slack || b[2] <= a[0] + slack || a[3] <= b[1] + slack || b[3] <= a[1] + slack;
  if (!apart)
    fail_msg("'%s' (%.1f %.1f %.1f %.1f) and '%s' (%.1f %.1f %.1f %.1f) overlap", what, a[0], a[1], a[2], a[3], other,
             b[0], b[1], b[2], b[3]);
}

static void box_of_rect(const xai_rect *r, double box[4]) {
  box[0] = r->x, box[1] = r->y, box[2] = r->x + r->w, box[3] = r->y + r->h;
}

/* Of labels the letters themselves count, not the room for accents and tails, where lines of one text stand close. */
static void box_of_letters(const xai_label *l, double box[4]) {
  xai_label_box(l, box);
  double over = 0.15 * l->style.size, under = 0.23 * l->style.size;
  int axis = l->style.upwards ? 0 : 1;
  box[axis] += over;
  box[axis + 2] -= under;
}

static void assert_nothing_overlaps(int n) {
  const xai_sheet_layout *l = &d.layout;
  for (size_t i = 0; i < l->n_labels; i++) {
    double a[4], whole[4], b[4];
    box_of_letters(&l->labels[i], a);
    xai_label_box(&l->labels[i], whole);
    assert_true(whole[0] >= 0 && whole[1] >= 0 && whole[2] <= l->width && whole[3] <= l->height);
    for (size_t k = 0; k < i; k++) {
      box_of_letters(&l->labels[k], b);
      assert_apart(a, b, l->labels[i].text, l->labels[k].text);
    }
    if (l->labels[i].kind == XAI_LABEL_INSIDE || l->labels[i].kind == XAI_LABEL_BAR) continue;
    for (int k = 0; k < n; k++) {
      box_of_rect(&l->pictures[k], b);
      assert_apart(a, b, l->labels[i].text, "picture");
      box_of_rect(&l->bars[k], b);
      assert_apart(a, b, l->labels[i].text, "bar");
      box_of_rect(&l->plots[k], b);
      if (l->labels[i].kind != XAI_LABEL_TICK) assert_apart(a, b, l->labels[i].text, "plot");
    }
  }
  for (int i = 0; i < n; i++)
    for (int k = 0; k <= i; k++) {
      double a[4], b[4];
      box_of_rect(&l->bars[i], a);
      box_of_rect(&l->pictures[k], b);
      assert_apart(a, b, "bar", "picture");
      box_of_rect(&l->pictures[i], a);
      if (k < i) assert_apart(a, b, "picture", "picture");
      box_of_rect(&l->plots[k], b);
      assert_apart(a, b, "picture", "plot");
    }
}

/* Two hundred sheets of pictures, plots, words, bars, legends and what stands between pictures. */
static void nothing_overlaps_or_is_cut_off_on_random_sheets(void **state) {
  (void)state;
  static const double x[] = {1, 2, 3, 4}, y[] = {0.5, -2, 1e3, 7}, small[] = {1e-6, 2e-6, 3e-6, 0};
  const char *names[] = {"dog", "German shepherd, German shepherd dog, alsatian", "cat", "a"};
  const xai_series series[] = {{.name = "deletion", .x = x, .y = y, .n = 4}, {.name = "insertion", .x = x, .y = small, .n = 4}};
  const xai_legend legend[] = {{.name = "dog"}, {.name = "a very long name in a legend that does not fit at all"}, {.name = "cat"}};
  const xai_image *pictures[] = {d.square, d.wide, d.tall, d.tower, NULL};
  bits = 7;
  for (int round = 0; round < 200; round++) {
    xai_sheet_cell cells[12] = {0};
    xai_plot plots[12] = {0};
    const char *rows[12], *columns[12];
    int n = 1 + chance(12), wide = 1 + chance(5);
    for (int i = 0; i < n; i++) {
      xai_sheet_cell *c = &cells[i];
      c->img = pictures[chance(5)];
      c->caption = chance(3) > 0 ? words[chance(WORDS)] : NULL;
      if (chance(4) == 0) c->before = chance(2) ? "+ 0.42 \xc3\x97" : "=";
      if (chance(5) == 0 && wide > 1) c->span = 2;
      if (chance(3) == 0) c->legend = legend, c->n_legend = 3;
      if (c->img != NULL && chance(2)) c->cmap = d.cmap, c->scale = (xai_scale){-0.001 * chance(9), 12}, c->unit = chance(2) ? words[chance(WORDS)] : NULL;
      if (c->img != NULL || chance(2)) continue;
      plots[i] = (xai_plot){.kind = (xai_plot_kind)chance(3), .series = series, .n_series = 1 + chance(2), .names = names,
                            .x_label = chance(2) ? words[chance(WORDS)] : NULL, .y_label = chance(2) ? words[chance(WORDS)] : NULL};
      c->plot = &plots[i];
    }
    for (int i = 0; i < 12; i++) rows[i] = words[chance(WORDS)], columns[i] = words[chance(WORDS)];
    xai_sheet_opts opts = {.columns = wide, .cell = 150 + chance(400), .title = chance(2) ? words[chance(WORDS)] : NULL};
    if (chance(2)) opts.col_titles = columns, opts.n_col_titles = wide;
    if (lay(cells, n, opts) != XAI_OK) fail_msg("%s", d.err.text);
    int last = 0;
    for (int i = 0, used = 0; i < n; i++) {
      int span = cells[i].span > 1 ? cells[i].span : 1;
      if (used + span > wide) last++, used = 0;
      used += span;
    }
    if (chance(2)) {
      opts.row_titles = rows, opts.n_row_titles = last + 1;
      if (lay(cells, n, opts) != XAI_OK) fail_msg("%s", d.err.text);
    }
    assert_nothing_overlaps(n);
  }
}

/* w1 map1 + w2 map2 = map: signs stand half-way up, between the pictures, and a column of signs alone is narrow. */
static void a_row_reads_like_a_sum(void **state) {
  (void)state;
  xai_sheet_cell cells[4] = {{.img = d.square, .before = "0.5 \xc3\x97"}, {.img = d.square, .before = "+ 0.3 \xc3\x97"},
                             {.before = "+ \xe2\x80\xa6 ="}, {.img = d.square}};
  assert_int_equal(lay(cells, 4, (xai_sheet_opts){.columns = 4, .cell = 300}), XAI_OK);
  const xai_rect *p = d.layout.pictures;
  const char *const signs[] = {"0.5 \xc3\x97", "+ 0.3 \xc3\x97", "+ \xe2\x80\xa6 ="};
  const xai_rect *after[] = {&p[0], &p[1], &p[3]};
  for (int i = 0; i < 3; i++) {
    assert_true(fabs(label(signs[i])->y - (p[0].y + p[0].h / 2.0)) < 1);
    assert_true(end_of(label(signs[i])) < after[i]->x);
    if (i > 0) assert_true(start_of(label(signs[i])) > p[i - 1].x + p[i - 1].w);
  }
  assert_int_equal(p[2].w, 0);
  assert_true(p[3].x - (p[1].x + p[1].w) < 150);
}

/* Half of the picture's width and a quarter of its height from its corner, in a cell of twice its size: 224 pixels. */
static void boxes_lie_where_their_pixels_are(void **state) {
  (void)state;
  const double corners[] = {112, 56, 224, 224};
  const xai_mark mark = {.kind = XAI_MARK_BOX, .points = corners, .n = 2, .label = "dog"};
  xai_sheet_cell cell = {.img = d.square, .marks = &mark, .n_marks = 1};
  assert_int_equal(lay(&cell, 1, (xai_sheet_opts){.cell = 448}), XAI_OK);
  const xai_rect *p = &d.layout.pictures[0];
  const double *at = d.layout.points + 2 * d.layout.inks[0].first;
  const double want[] = {p->x + 224, p->y + 112, p->x + 448, p->y + 112, p->x + 448, p->y + 448, p->x + 224, p->y + 448};
  assert_int_equal(d.layout.inks[0].n, 4);
  for (int i = 0; i < 8; i++) assert_true(fabs(at[i] - want[i]) < 1e-9);
  assert_int_equal(label("dog")->kind, XAI_LABEL_INSIDE);
  assert_true(start_of(label("dog")) > p->x + 224 && label("dog")->y > p->y + 112);
}

/* Row by row, one decimal at most: 2 x 2 squares of 100. */
static void numbers_stand_in_the_middle_of_their_squares(void **state) {
  (void)state;
  const float values[] = {1, -2, 3.25f, 0};
  const char *const texts[] = {"1", "\342\210\2222", "3.25", "0"};
  xai_image *img = picture(2, 2);
  xai_sheet_cell cell = {.img = img, .numbers = values};
  assert_int_equal(lay(&cell, 1, (xai_sheet_opts){.cell = 200}), XAI_OK);
  const xai_rect *p = &d.layout.pictures[0];
  for (int i = 0; i < 4; i++) {
    assert_true(fabs(label(texts[i])->x - (p->x + 50 + 100 * (i % 2))) < 1e-9);
    assert_true(fabs(label(texts[i])->y - (p->y + 50 + 100 * (i / 2))) < 1e-9);
    assert_true(end_of(label(texts[i])) - start_of(label(texts[i])) < 100);
  }
  xai_image_free(img);
}

static void a_cell_may_take_several_columns(void **state) {
  (void)state;
  xai_sheet_cell cells[4] = {{.img = d.square}, {.img = d.wide, .span = 2}, {.img = d.wide, .span = 2}, {.img = d.square}};
  assert_int_equal(lay(cells, 4, (xai_sheet_opts){.columns = 3, .cell = 100}), XAI_OK);
  const xai_rect *p = d.layout.pictures;
  assert_int_equal(p[1].w, p[2].w);
  assert_true(p[1].w > 200);
  assert_int_equal(p[0].x, p[2].x);
  assert_int_equal(p[1].x + p[1].w, p[3].x + p[3].w);
  assert_int_equal(lay(cells, 4, (xai_sheet_opts){.columns = 1}), XAI_EARG);
  assert_string_equal(d.err.text, "sheet: cell 2 takes 2 of 1 columns");
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
      "sheet: 2147483647 columns of 64 pixels and 1 rows are too many (expected at most 16384 pixels a side)");
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
      DESK(captions_have_at_least_a_75th_of_the_sheets_width),
      DESK(titles_stand_over_columns_beside_rows_and_on_top),
      DESK(long_titles_stay_on_the_sheet),
      DESK(the_number_of_columns_makes_about_4_to_3),
      DESK(numbers_beside_a_low_picture_do_not_touch),
      DESK(nothing_overlaps_or_is_cut_off_on_random_sheets),
      DESK(a_row_reads_like_a_sum),
      DESK(boxes_lie_where_their_pixels_are),
      DESK(numbers_stand_in_the_middle_of_their_squares),
      DESK(a_cell_may_take_several_columns),
      DESK(senseless_sheets_are_refused),
      DESK(sheets_beyond_the_limits_of_pictures_are_refused),
      DESK(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
