/* What the network is shown: windows by hand, and each random change against central differences. The network of
 * graph/tiny.h has one channel, whose byte 127.5 is 127.5 above its mean of 0. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "explain/glimpse.h"
#include "graph/tiny.h"

static xai_ascent_opts nothing(void) {
  xai_ascent_opts o;
  memset(&o, 0, sizeof o);
  o.steps = 1;
  o.views = 1;
  return o;
}

/* A picture 1, 2, 3, ... of h x w for a network that takes oh x ow: of more pixels if 'shorter' says so. */
static xai_canvas numbered(xai_net *net, int64_t h, int64_t w, int64_t shorter) {
  static float zeros[4096];
  xai_view x = {XAI_F32, XAI_SHAPE(1, 1, h, w), zeros};
  xai_canvas v;
  must(xai_canvas__open(net, &x, shorter, &v, err));
  for (int64_t i = 0; i < v.size; i++) v.z[i] = (float)(i + 1);
  return v;
}

static void shows(xai_canvas *v, const xai_ascent_opts *o, const float *want, int64_t n) {
  xai_glimpse g = xai_glimpse__draw(o, v, 0, 0);
  xai_glimpse__show(&g, v);
  for (int64_t i = 0; i < n; i++)
    if (!(fabs(v->x[i] - want[i]) < 1e-5)) fail_msg("%lld: %g, expected %g", (long long)i, (double)v->x[i], (double)want[i]);
}

static void without_changes_it_is_the_picture(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_canvas v = numbered(net, 2, 3, 0);
  xai_ascent_opts o = nothing();
  shows(&v, &o, (const float[]){1, 2, 3, 4, 5, 6}, 6);
  o.scale = 0.5; /* another way through, which may draw an enlargement of 1 */
  bool found = false;
  for (int64_t step = 0; step < 100 && !found; step++) {
    xai_glimpse g = xai_glimpse__draw(&o, &v, step, 0);
    found = g.window.row[0] == 1;
    if (!found) continue;
    xai_glimpse__show(&g, &v);
    assert_floats(&(xai_view){XAI_F32, XAI_SHAPE(6), v.x}, v.z, 6, 1e-6);
  }
  assert_true(found);
  xai_canvas__close(&v);
  xai_net_free(net);
}

/* 2 x 2 with a border of one grey pixel is 4 x 4, of which a network for 2 x 2 sees every second place between two pixels:
 * the mean of a corner and three of the border. */
static void a_border_is_grey_and_belongs_to_what_is_seen(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_canvas v = numbered(net, 2, 2, 0);
  xai_ascent_opts o = nothing();
  o.pad = 1;
  float grey = 127.5f * 3;
  shows(&v, &o, (const float[]){(grey + 1) / 4, (grey + 2) / 4, (grey + 3) / 4, (grey + 4) / 4}, 4);
  xai_canvas__close(&v);
  xai_net_free(net);
}

/* 4 x 4 with a border of 1 and windows of 6 - 2 jitter: jitter 1 shows 4 x 4 places, each moved by -1, 0 or 1. */
static void a_window_stays_within_the_border(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_canvas v = numbered(net, 4, 4, 0);
  xai_ascent_opts o = nothing();
  o.pad = 1;
  o.jitter = 1;
  int seen = 0, known = 0;
  for (int64_t step = 0; step < 60; step++) {
    xai_glimpse g = xai_glimpse__draw(&o, &v, step, 0);
    xai_glimpse__show(&g, &v);
    for (int64_t down = -1; down <= 1; down++)
      for (int64_t right = -1; right <= 1; right++) {
        bool same = true;
        for (int64_t i = 0; i < 16 && same; i++) {
          int64_t y = i / 4 - down, x = i % 4 - right;
          bool inside = y >= 0 && y < 4 && x >= 0 && x < 4;
          same = fabs(v.x[i] - (inside ? v.z[y * 4 + x] : 127.5f)) < 1e-4;
        }
        if (!same) continue;
        seen |= 1 << ((down + 1) * 3 + right + 1);
        known++;
      }
  }
  assert_int_equal(seen, 0x1ff); /* all nine, */
  assert_int_equal(known, 60);   /* and no others */
  o.jitter = 3;
  xai_err err;
  assert_int_equal(xai_glimpse__check(&o, &v, &err), XAI_EARG);
  assert_non_null(strstr(err.text, "jitter: of 4 x 4 pixels nothing is left to be seen (expected at most 2"));
  o.jitter = 2;
  must(xai_glimpse__check(&o, &v, err));
  xai_canvas__close(&v);
  xai_net_free(net);
}

/* 4 x 4 for a network of 2 x 2: places between four pixels each. */
static void a_larger_picture_is_brought_to_size(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_canvas v = numbered(net, 2, 2, 4);
  assert_int_equal(v.h, 4);
  assert_int_equal(v.w, 4);
  xai_glimpse g = xai_glimpse__plain(&v);
  xai_glimpse__show(&g, &v);
  assert_floats(&(xai_view){XAI_F32, XAI_SHAPE(4), v.x}, (const float[]){3.5f, 5.5f, 11.5f, 13.5f}, 4, 1e-5);
  xai_canvas__close(&v);
  v = numbered(net, 20, 31, 10);
  assert_true(v.h == 10 && v.w == 16);
  xai_canvas__close(&v);
  xai_net_free(net);
}

static void a_mirror_turns_left_and_right(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_canvas v = numbered(net, 2, 3, 0);
  xai_ascent_opts o = nothing();
  o.mirror = true;
  int mirrored = 0;
  for (int64_t step = 0; step < 1000; step++) {
    xai_glimpse g = xai_glimpse__draw(&o, &v, step, 0);
    xai_glimpse__show(&g, &v);
    bool turned = v.x[0] == 3;
    const float want[2][6] = {{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}};
    assert_floats(&(xai_view){XAI_F32, XAI_SHAPE(6), v.x}, want[turned], 6, 1e-5);
    mirrored += turned;
  }
  assert_true(abs(mirrored - 500) < 5 * 16); /* five deviations, sqrt(1000)/2 */
  xai_canvas__close(&v);
  xai_net_free(net);
}

/* A window's corners: turned by at most 'rotate', enlarged by at most 'scale', crops of the share asked for. */
static void turns_enlargements_and_crops_are_within_what_was_asked_for(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_canvas v = numbered(net, 40, 40, 0);
  xai_ascent_opts o = nothing();
  o.scale = 0.2;
  o.rotate = 30;
  double least = 2, most = 0, turned = 0;
  for (int64_t step = 0; step < 400; step++) {
    xk_affine a = xai_glimpse__draw(&o, &v, step, 0).window;
    double size = sqrt(a.row[0] * a.row[0] + a.row[1] * a.row[1]), angle = atan2(a.col[0], a.row[0]);
    assert_true(fabs(a.row[0] * a.col[0] + a.row[1] * a.col[1]) < 1e-12); /* a right angle stays one */
    assert_true(fabs(a.row[0] * 19.5 + a.row[1] * 19.5 + a.row[2] - 19.5) < 1e-9); /* the middle, too */
    least = fmin(least, size);
    most = fmax(most, size);
    turned = fmax(turned, fabs(angle));
  }
  assert_true(fabs(least - 1 / 1.2) < 1e-9 && fabs(most - 1 / 0.8) < 1e-9);
  assert_true(fabs(turned - 30 * 3.14159265358979 / 180) < 1e-9);
  o.scale = o.rotate = 0;
  o.crop = 0.5;
  o.crop_end = 0.1;
  o.steps = 401;
  double sum = 0;
  for (int64_t step = 0; step <= 400; step++) sum += xai_glimpse__draw(&o, &v, step, 0).window.row[0] / 401;
  assert_true(fabs(sum - 0.3) < 5 * 0.05 / 20); /* a network of 40 sees 0.5 to 0.1 of 40 */
  xai_canvas__close(&v);
  xai_net_free(net);
}

static void a_glimpse_is_a_function_of_seed_step_and_view(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  xai_canvas v = numbered(net, 20, 20, 0);
  xai_ascent_opts o = nothing();
  o.jitter = o.pad = 5;
  o.scale = 0.1;
  o.rotate = 10;
  o.views = 3;
  xai_glimpse a = xai_glimpse__draw(&o, &v, 4, 1), b = xai_glimpse__draw(&o, &v, 4, 1);
  assert_memory_equal(a.window.row, b.window.row, sizeof a.window.row);
  b = xai_glimpse__draw(&o, &v, 4, 2);
  assert_memory_not_equal(a.window.row, b.window.row, sizeof a.window.row);
  o.seed = 1;
  b = xai_glimpse__draw(&o, &v, 4, 1);
  assert_memory_not_equal(a.window.row, b.window.row, sizeof a.window.row);
  xai_canvas__close(&v);
  xai_net_free(net);
}

/* What is seen is linear in z: differences are exact but for rounding. S = sum of w x. */
static void gradients_come_back_through_every_change(void **state) {
  (void)state;
  xai_net *net = tiny_net();
  for (int which = 0; which < 7; which++) {
    xai_ascent_opts o = nothing();
    if (which == 1) o.jitter = 3;
    if (which == 2) o.pad = 4, o.jitter = 2;
    if (which == 3) o.scale = 0.3;
    if (which == 4) o.rotate = 40;
    if (which == 5) o.mirror = true;
    if (which == 6) o.crop = o.crop_end = 0.4;
    xai_canvas v = numbered(net, 8, 9, which % 2 == 0 ? 0 : 11);
    float w[72], g[200];
    for (int i = 0; i < 72; i++) w[i] = (float)(i * 37 % 11) - 5;
    for (int64_t step = 0; step < 3; step++) {
      xai_glimpse glimpse = xai_glimpse__draw(&o, &v, step, 0);
      xai_glimpse__take(&glimpse, &v, w);
      assert_true(v.size <= 200);
      memcpy(g, v.g, (size_t)v.size * sizeof *g);
      for (int64_t i = 0; i < v.size; i++) {
        double s[2];
        for (int side = 0; side < 2; side++) {
          float before = v.z[i];
          v.z[i] += side == 0 ? -1 : 1;
          xai_glimpse__show(&glimpse, &v);
          v.z[i] = before;
          s[side] = 0;
          for (int k = 0; k < 72; k++) s[side] += (double)w[k] * v.x[k];
        }
        if (!(fabs((s[1] - s[0]) / 2 - g[i]) < 5e-3)) fail_msg("%d, pixel %d: %g, %g", which, (int)i, (s[1] - s[0]) / 2, (double)g[i]);
      }
    }
    xai_canvas__close(&v);
  }
  xai_net_free(net);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(without_changes_it_is_the_picture),
      cmocka_unit_test(a_border_is_grey_and_belongs_to_what_is_seen),
      cmocka_unit_test(a_window_stays_within_the_border),
      cmocka_unit_test(a_larger_picture_is_brought_to_size),
      cmocka_unit_test(a_mirror_turns_left_and_right),
      cmocka_unit_test(turns_enlargements_and_crops_are_within_what_was_asked_for),
      cmocka_unit_test(a_glimpse_is_a_function_of_seed_step_and_view),
      cmocka_unit_test(gradients_come_back_through_every_change),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
