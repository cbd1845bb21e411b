/* Sheets as pixels: pictures arrive unchanged, squares are squares, text leaves ink where it should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "viz/sheet_layout.h"
#include "viz/viz.h"

static xai_image *noise(int w, int h) {
  xai_image *img = NULL;
  assert_int_equal(xai_image_new(w, h, &img, NULL), XAI_OK);
  uint32_t bits = 1;
  for (int i = 0; i < w * h * 3; i++) {
    bits = bits * 1664525u + 1013904223u;
    img->rgb[i] = (uint8_t)(bits >> 24);
  }
  return img;
}

static xai_image *sheet(const xai_sheet_cell *cells, int n, xai_sheet_opts opts) {
  xai_image *out = NULL;
  xai_err err = {""};
  if (xai_sheet_draw(cells, n, &opts, &out, &err) != XAI_OK) fail_msg("%s", err.text);
  return out;
}

static const uint8_t *pixel(const xai_image *img, int x, int y) { return img->rgb + 3 * ((size_t)y * img->width + x); }

static bool white(const xai_image *img, int x, int y) { return memcmp(pixel(img, x, y), "\xff\xff\xff", 3) == 0; }

/* Pixels in the rectangle that are not white. */
static int ink(const xai_image *img, int x0, int y0, int x1, int y1) {
  int n = 0;
  for (int y = y0; y < y1; y++)
    for (int x = x0; x < x1; x++) n += !white(img, x, y);
  return n;
}

/* The first place where the sheet's pixels are the picture's, left to right and top to bottom; false if there is none.
 */
static bool find(const xai_image *img, const xai_image *part, int *at_x, int *at_y) {
  for (int y = 0; y + part->height <= img->height; y++)
    for (int x = 0; x + part->width <= img->width; x++) {
      int row = 0;
      while (row < part->height && memcmp(pixel(img, x, y + row), pixel(part, 0, row), 3 * (size_t)part->width) == 0)
        row++;
      if (row == part->height) {
        *at_x = x;
        *at_y = y;
        return true;
      }
    }
  return false;
}

static void a_picture_of_the_cells_size_arrives_unchanged(void **state) {
  (void)state;
  xai_image *img = noise(100, 80);
  xai_sheet_cell cell = {.img = img};
  xai_image *out = sheet(&cell, 1, (xai_sheet_opts){.cell = 100});
  int x, y;
  assert_true(find(out, img, &x, &y));
  /* a frame of one pixel around it, and nothing else but white */
  assert_int_equal(ink(out, 0, 0, out->width, out->height), ink(out, x - 1, y - 1, x + 101, y + 81));
  assert_false(white(out, x - 1, y - 1));
  assert_false(white(out, x + 100, y + 80));
  assert_int_equal(2 * x + 100, out->width);
  xai_image_free(out);
  xai_image_free(img);
}

/* In a cell of 60: 5 x 3 pixels as squares of 12, and 30 x 18, small enough to be a map, as squares of 2. */
static void small_pictures_are_enlarged_to_squares(void **state) {
  (void)state;
  for (int side = 2; side <= 12; side += 10) {
    xai_image *img = noise(60 / side, 36 / side), *squares = NULL;
    assert_int_equal(xai_image_new(60, 36, &squares, NULL), XAI_OK);
    for (int y = 0; y < 36; y++)
      for (int x = 0; x < 60; x++) memcpy(squares->rgb + 3 * (y * 60 + x), pixel(img, x / side, y / side), 3);
    xai_sheet_cell cell = {.img = img};
    xai_image *out = sheet(&cell, 1, (xai_sheet_opts){.cell = 60});
    int x, y;
    assert_true(find(out, squares, &x, &y));
    xai_image_free(out);
    xai_image_free(squares);
    xai_image_free(img);
  }
}

static void other_sizes_are_resampled_as_xai_image_resize_does(void **state) {
  (void)state;
  const int from[] = {300, 80}; /* reduced; enlarged by less than 4 */
  for (int k = 0; k < 2; k++) {
    xai_image *img = noise(from[k], from[k]), *resized = NULL;
    assert_int_equal(xai_image_resize(img, 100, 100, &resized, NULL), XAI_OK);
    xai_sheet_cell cell = {.img = img};
    xai_image *out = sheet(&cell, 1, (xai_sheet_opts){.cell = 100});
    int x, y;
    assert_true(find(out, resized, &x, &y));
    xai_image_free(out);
    xai_image_free(resized);
    xai_image_free(img);
  }
}

static void an_empty_cell_stays_white(void **state) {
  (void)state;
  xai_image *img = noise(50, 50);
  xai_sheet_cell cells[3] = {{.img = img}, {.img = NULL}, {.img = img}};
  xai_image *out = sheet(cells, 3, (xai_sheet_opts){.cell = 50, .columns = 3});
  int x, y;
  assert_true(find(out, img, &x, &y));
  assert_int_equal(ink(out, x + 51, 0, out->width - x - 51, out->height), 0);
  assert_int_equal(ink(out, out->width - x - 51, y - 1, out->width - x + 1, y + 51), 52 * 52);
  xai_image_free(out);
  xai_image_free(img);
}

static void captions_leave_ink_below_the_picture_and_only_there(void **state) {
  (void)state;
  xai_image *img = noise(100, 100);
  xai_sheet_cell with = {.img = img, .caption = "\xce\xbb = \xc3\xa9 \xc3\x97 2"}, without = {.img = img};
  xai_image *a = sheet(&with, 1, (xai_sheet_opts){.cell = 100}), *b = sheet(&without, 1, (xai_sheet_opts){.cell = 100});
  int x, y;
  assert_true(find(a, img, &x, &y));
  assert_int_equal(a->width, b->width);
  assert_true(a->height > b->height);
  assert_true(ink(a, x, y + 102, x + 100, a->height) > 20);
  assert_int_equal(ink(a, 0, 0, a->width, y - 1) + ink(a, 0, y + 102, x, a->height) +
                       ink(a, x + 100, y + 102, a->width, a->height),
                   0);
  xai_image_free(a);
  xai_image_free(b);
  xai_image_free(img);
}

/* A label in Latin-1, and the same with the replacement character written out: one picture. Text after it is still
 * drawn. */
static void text_that_is_not_utf8_does_not_stop_the_drawing(void **state) {
  (void)state;
  xai_image *img = noise(64, 64);
  xai_sheet_cell bad[2] = {{.img = img, .caption = "caf\xe9"}, {.img = img, .caption = "after"}};
  xai_sheet_cell good[2] = {{.img = img, .caption = "caf\xef\xbf\xbd"}, {.img = img, .caption = "after"}};
  xai_image *a = sheet(bad, 2, (xai_sheet_opts){.cell = 64, .title = "\xff"});
  xai_image *b = sheet(good, 2, (xai_sheet_opts){.cell = 64, .title = "\xef\xbf\xbd"});
  assert_int_equal(a->width, b->width);
  assert_int_equal(a->height, b->height);
  assert_memory_equal(a->rgb, b->rgb, (size_t)a->width * (size_t)a->height * 3);
  assert_true(ink(a, a->width / 2, a->height - 18, a->width, a->height) > 20);
  xai_image_free(a);
  xai_image_free(b);
  xai_image_free(img);
}

/* In the column through the bar's middle: from the colour of 1 at the top to that of 0 at the bottom, half-way in
 * between. */
static void the_bar_shows_the_map_with_the_largest_value_on_top(void **state) {
  (void)state;
  const xai_cmap *grey = NULL;
  assert_int_equal(xai_cmap_find("grey", &grey, NULL), XAI_OK);
  xai_image *img = noise(256, 256);
  xai_sheet_cell cell = {.img = img, .cmap = grey, .scale = {0, 1}, .unit = "score"};
  xai_image *out = sheet(&cell, 1, (xai_sheet_opts){.cell = 256});
  int x, y;
  assert_true(find(out, img, &x, &y));
  int bar = x + 257;
  while (white(out, bar, y + 128)) bar++;
  bar += 3;
  for (int row = 0; row < 256; row++)
    assert_in_range(pixel(out, bar, y + row)[0], 253 - row < 0 ? 0 : 253 - row, 256 - row);
  assert_true(ink(out, bar + 12, y, out->width, y + 256) > 100); /* numbers and unit */
  xai_image_free(out);
  xai_image_free(img);
}

static void the_same_cells_give_the_same_bytes(void **state) {
  (void)state;
  xai_image *img = noise(90, 60);
  xai_sheet_cell cells[2] = {{.img = img, .caption = "a"}, {.img = img, .caption = "b\nc"}};
  xai_image *a = sheet(cells, 2, (xai_sheet_opts){.title = "t"}), *b = sheet(cells, 2, (xai_sheet_opts){.title = "t"});
  assert_memory_equal(a->rgb, b->rgb, (size_t)a->width * (size_t)a->height * 3);
  xai_image_free(a);
  xai_image_free(b);
  xai_image_free(img);
}

/* 5 squares of 23 pixels and a fifth in a row of 116: their borders are grey levels between, their middles the values. */
static void squares_of_uneven_size_come_out_even(void **state) {
  (void)state;
  xai_image *img = NULL;
  assert_int_equal(xai_image_new(5, 5, &img, NULL), XAI_OK);
  for (int i = 0; i < 25; i++) memset(img->rgb + 3 * i, i % 2 == 0 ? 0 : 200, 3);
  xai_sheet_cell cell = {.img = img, .smooth = XAI_SMOOTH_NO};
  xai_image *out = sheet(&cell, 1, (xai_sheet_opts){.cell = 116});
  int left = 0, top = 0;
  while (white(out, left, out->height / 2)) left++;
  while (white(out, out->width / 2, top)) top++;
  for (int y = 0; y < 5; y++)
    for (int x = 0; x < 5; x++)
      assert_in_range(pixel(out, left + 1 + (int)((x + 0.5) * 23.2), top + 1 + (int)((y + 0.5) * 23.2))[0],
                      (y * 5 + x) % 2 == 0 ? 0 : 199, (y * 5 + x) % 2 == 0 ? 1 : 200);
  xai_image_free(out);
  xai_image_free(img);
}

/* The mark's colour is found on its box, and not in the middle of it. */
static void marks_are_painted_over_the_picture(void **state) {
  (void)state;
  xai_image *img = NULL;
  assert_int_equal(xai_image_new(100, 100, &img, NULL), XAI_OK);
  const double corners[] = {20, 20, 80, 80}, line[] = {10, 50, 90, 50}, dot[] = {50, 10};
  const xai_mark marks[] = {{.kind = XAI_MARK_BOX, .points = corners, .n = 2, .rgb = {255, 0, 0}},
                            {.kind = XAI_MARK_PATH, .points = line, .n = 2, .rgb = {0, 255, 0}},
                            {.kind = XAI_MARK_DOT, .points = dot, .n = 1, .rgb = {0, 0, 255}}};
  xai_sheet_cell cell = {.img = img, .marks = marks, .n_marks = 3};
  xai_image *out = sheet(&cell, 1, (xai_sheet_opts){.cell = 400});
  int x = (out->width - 400) / 2, y = x;
  assert_memory_equal(pixel(out, x + 80, y + 160), ((uint8_t[]){255, 0, 0}), 3);
  assert_memory_equal(pixel(out, x + 200, y + 200), ((uint8_t[]){0, 255, 0}), 3);
  assert_memory_equal(pixel(out, x + 200, y + 40), ((uint8_t[]){0, 0, 255}), 3);
  assert_memory_equal(pixel(out, x + 200, y + 260), ((uint8_t[]){0, 0, 0}), 3);
  xai_image_free(out);
  xai_image_free(img);
}

/* ---- pages ---------------------------------------------------------------------------------------------------------- */
static xai_buf page_of(const xai_image *img, xai_page kind) {
  xai_sheet_cell cell = {.img = img, .caption = "input"};
  xai_sheet_opts opts = {.cell = 100, .title = "a & b"};
  xai_page_info info = {"a & b <c>", "xairun", "{ \"seed\": 7 }"};
  xai_buf out = {0};
  xai_err err = {""};
  if (xai_sheet_page(&cell, 1, &opts, kind, &info, &out, &err) != XAI_OK) fail_msg("%s", err.text);
  xai_buf_add(&out, "", 1); /* to be searched as text */
  return out;
}

static bool has(const xai_buf *b, const char *text) {
  size_t n = strlen(text);
  for (size_t i = 0; i + n <= b->size; i++)
    if (memcmp(b->data + i, text, n) == 0) return true;
  return false;
}

/* Every tag that is opened is closed, in the right order, and there is one root. */
static void assert_well_formed(const char *xml) {
  char open[64][32];
  int depth = 0, roots = 0;
  for (const char *p = strchr(xml, '<'); p != NULL; p = strchr(p + 1, '<')) {
    const char *end = strchr(p, '>');
    assert_non_null(end);
    if (p[1] == '?' || p[1] == '!') continue;
    char name[32] = "";
    sscanf(p + (p[1] == '/' ? 2 : 1), "%31[^ \n/>]", name);
    if (p[1] == '/') {
      assert_true(depth > 0);
      assert_string_equal(name, open[--depth]);
    } else if (end[-1] != '/') {
      assert_true(depth < 64);
      roots += depth == 0;
      strcpy(open[depth++], name);
    }
  }
  assert_int_equal(depth, 0);
  assert_int_equal(roots, 1);
}

static void an_svg_page_is_well_formed_and_says_how_it_was_made(void **state) {
  (void)state;
  xai_image *img = noise(30, 20);
  xai_buf svg = page_of(img, XAI_PAGE_SVG);
  assert_well_formed((const char *)svg.data);
  assert_true(has(&svg, "<title>a &amp; b &lt;c&gt;</title>"));
  assert_true(has(&svg, "<metadata>{ \"seed\": 7 }</metadata>"));
  assert_true(has(&svg, "<image"));
  assert_true(has(&svg, "px\""));
  xai_buf_free(&svg);
  xai_image_free(img);
}

/* "%PDF-" first, "%%EOF" last, the cross-reference table where it is said to be; the title as PDF writes it. */
static void a_pdf_page_is_whole_and_says_how_it_was_made(void **state) {
  (void)state;
  xai_image *img = noise(30, 20);
  xai_buf pdf = page_of(img, XAI_PAGE_PDF);
  assert_memory_equal(pdf.data, "%PDF-", 5);
  const char *tail = (const char *)pdf.data + pdf.size - 1 - 40, *at = NULL;
  for (int i = 0; i < 30; i++)
    if (memcmp(tail + i, "startxref", 9) == 0) at = tail + i + 9;
  assert_non_null(at);
  int offset = 0;
  assert_int_equal(sscanf(at, "%d", &offset), 1);
  assert_memory_equal(pdf.data + offset, "xref", 4);
  assert_true(has(&pdf, "%%EOF"));
  assert_true(has(&pdf, "/Title (a & b <c>)"));
  assert_true(has(&pdf, "seed"));
  xai_buf_free(&pdf);
  xai_image_free(img);
}

static void pages_fail_cleanly(void **state) {
  (void)state;
  xai_image *img = noise(30, 20);
  xai_sheet_cell cell = {.img = img, .caption = "a"};
  xai_sheet_opts opts = {.cell = 45};
  xai_page_info info = {0};
  xai_err err;
  for (int kind = 0; kind < 2; kind++) {
    size_t live = xai_mem_live();
    xai_status st = XAI_ENOMEM;
    for (int k = 0; st != XAI_OK; k++) {
      xai_buf out = {0};
      xai_mem_fail_after(k, false);
      st = xai_sheet_page(&cell, 1, &opts, (xai_page)kind, &info, &out, &err);
      xai_mem_fail_after(-1, false);
      assert_true(st == XAI_OK || st == XAI_ENOMEM);
      xai_buf_free(&out);
      assert_int_equal(xai_mem_live(), live);
    }
  }
  xai_image_free(img);
}

static void failures_leave_the_result_alone(void **state) {
  (void)state;
  xai_image *img = noise(30, 20), *out = NULL;
  const xai_cmap *cmap = NULL;
  assert_int_equal(xai_cmap_find("jet", &cmap, NULL), XAI_OK);
  xai_sheet_cell cells[2] = {{.img = img, .caption = "a", .cmap = cmap, .scale = {0, 1}, .unit = "u"}, {.img = img}};
  xai_sheet_opts opts = {.title = "t", .cell = 45};
  xai_err err;
  assert_int_equal(xai_sheet_draw(cells, 0, &opts, &out, &err), XAI_EARG);
  assert_null(out);
  size_t live = xai_mem_live();
  for (int k = 0; out == NULL; k++) {
    xai_mem_fail_after(k, false);
    xai_status st = xai_sheet_draw(cells, 2, &opts, &out, &err);
    xai_mem_fail_after(-1, false);
    assert_int_equal(st, out == NULL ? XAI_ENOMEM : XAI_OK);
    if (out == NULL) assert_int_equal(xai_mem_live(), live);
  }
  xai_image_free(out);
  assert_int_equal(xai_mem_live(), live);
  xai_image_free(img);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_picture_of_the_cells_size_arrives_unchanged),
      cmocka_unit_test(small_pictures_are_enlarged_to_squares),
      cmocka_unit_test(other_sizes_are_resampled_as_xai_image_resize_does),
      cmocka_unit_test(an_empty_cell_stays_white),
      cmocka_unit_test(captions_leave_ink_below_the_picture_and_only_there),
      cmocka_unit_test(text_that_is_not_utf8_does_not_stop_the_drawing),
      cmocka_unit_test(the_bar_shows_the_map_with_the_largest_value_on_top),
      cmocka_unit_test(the_same_cells_give_the_same_bytes),
      cmocka_unit_test(squares_of_uneven_size_come_out_even),
      cmocka_unit_test(marks_are_painted_over_the_picture),
      cmocka_unit_test(an_svg_page_is_well_formed_and_says_how_it_was_made),
      cmocka_unit_test(a_pdf_page_is_whole_and_says_how_it_was_made),
      cmocka_unit_test(pages_fail_cleanly),
      cmocka_unit_test(failures_leave_the_result_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
