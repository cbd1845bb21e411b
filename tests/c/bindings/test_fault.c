/* Lua's own memory runs out: its k-th allocation inside a call fails, for k = 0, 1, 2, ... until the call succeeds.
 * Every binding must then leave nothing behind, whether the failure stands (an error) or passes (Lua collects garbage
 * in the middle of whatever it was doing and goes on). tests/lua/fault_bindings.lua does the same to native memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "xai/lua.h"

/* ---- an allocator that fails when told ------------------------------------------------------- */
static struct {
  long countdown; /* allocations that still succeed; < 0: all do */
  bool sticky;
  size_t live;
} memory;

static void *limited(void *ud, void *p, size_t old, size_t size) {
  (void)ud;
  if (p == NULL) old = 0; /* Lua passes a type tag */
  if (size > old && memory.countdown >= 0 && memory.countdown-- == 0) {
    memory.countdown = memory.sticky ? 0 : -1;
    return NULL;
  }
  memory.live += size - old;
  if (size > 0) return realloc(p, size);
  free(p);
  return NULL;
}

/* ---- what is called -------------------------------------------------------------------------- */
static const char setup[] = "xai = require 'xai'; xai.quiet(true)\n"
                            "tiny = dofile((os.getenv 'XAI_SOURCE' or '.') .. '/tests/lua/tiny.lua')\n"
                            "img = xai.image(xai.zeros(8, 8, 3, 'uint8'))\n"
                            "e = xai.gradcam(tiny.load(), tiny.x(), {target = 0, layer = 'pool1'})\n";
/* A network keeps some finished plans for the next pass, so each attempt has its own. */
static const char begin[] = "net, x = tiny.load(), tiny.x()", end[] = "net, x = nil, nil";

typedef struct scene {
  const char *name, *code;
} scene;

static const scene scenes[] = {
    {"tensors",
     "local a = xai.tensor {{1, 2}, {3, 4}}; return tostring((a + 1):reshape(4):clamp(0, 2)), a:totable(), a[1]"},
    {"load", "tiny.load {preprocess = 'none', labels = {'a', 'b', 'c'}}"},
    {"looking", "return tostring(net), net:layers(), net:find '1', net.input, net.preprocess"},
    {"passes", "net:logits(x); net:forward(x, 'pool1'); return net:predict(x, 2)"},
    {"hooks", "net:with {hooks = {gap = function(a) return a * 2 end}}:logits(x)"},
    {"nested hooks",
     "local v; v = net:with {hooks = {gap = function(a) return net:forward(x, 'gap') end}}; v:logits(x)"},
    {"gradient hooks", "net:with {grad_hooks = {gap = function(g, a) return g + a end}}:run(x):backward {target = 0}"},
    {"weights", "net:with {weights = {fc = 'random', conv1 = {bias = xai.zeros(2)}}}:logits(x)"},
    {"run", "local r = net:run(x, {keep = {'gap'}}); r:get 'gap'; r:backward {target = {plus = 0, minus = {1, 2}}}"},
    {"gradcam", "return tostring(xai.gradcam(net, x, {target = 0, layer = 'relu1', relu = false}))"},
    {"occlusion", "xai.occlusion(net, x, {window = 2, stride = 2})"},
    {"seed", "xai.saliency(net, x, {target = xai.tensor {{1, 0, 0}}})"},
    {"pictures", "img:resize(4, 4):crop(1, 1, 2, 2):outline {x = 1, y = 1, w = 2, h = 2}; return img:blocks()"},
    {"drawing", "e:heat(); e:over(); return e:boxes()"},
    {"sheet", "xai.sheet {title = 't', cols = {'a', 'b'}, {img, 'input'}, {e:heat(), 'heat'}}"},
    {"sheet of plots", "xai.sheet {{e, contour = 0.5, boxes = e:boxes(), before = '='}, {curves = {1, 2}, 'c'}, "
                       "{bars = {{'a', 1}}}, {scatter = {{1, 2}}, classes = {'a'}, images = {img}}}:layout()"},
    {"tiles", "xai.tiles(xai.zeros(4, 3, 2, 2)); img:mask(xai.zeros(2, 2)); return net:hash()"},
    {"errors", "pcall(xai.gradcam, net, x, {taget = 1}); pcall(xai.gradcam, net, x, {layer = 'rely1'}); "
               "pcall(net.logits, net, img)"},
};
enum { N_SCENES = sizeof scenes / sizeof scenes[0] };

static size_t native_after_collection(lua_State *L) {
  lua_gc(L, LUA_GCCOLLECT, 0);
  lua_gc(L, LUA_GCCOLLECT, 0);
  return xai_mem_live();
}

static void run(lua_State *L, const char *code) {
  if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
  lua_settop(L, 0);
}

/* Every k until the scene gets through untouched. */
static void walk(lua_State *L, const scene *s, bool sticky) {
  size_t native = native_after_collection(L);
  for (long k = 0;; k++) {
    run(L, begin);
    assert_int_equal(luaL_loadstring(L, s->code), LUA_OK);
    memory.countdown = k;
    memory.sticky = sticky;
    int result = lua_pcall(L, 0, 0, 0);
    bool reached = memory.countdown <= 0;
    memory.countdown = -1;
    if (result != LUA_OK && strstr(lua_tostring(L, -1), "memory") == NULL)
      fail_msg("%s, allocation %ld: %s", s->name, k, lua_tostring(L, -1));
    lua_settop(L, 0);
    if (k % 16 == 0) run(L, s->code); /* afterwards all is well */
    run(L, end);
    if (native_after_collection(L) != native)
      fail_msg("%s, allocation %ld: %zu native bytes are left", s->name, k, xai_mem_live() - native);
    if (!reached) return;
  }
}

static void failing_allocations(bool sticky) {
  size_t before = xai_mem_live();
  memory.countdown = -1;
  lua_State *L = lua_newstate(limited, NULL);
  luaL_openlibs(L);
  xai_openlibs(L);
  run(L, setup);
  for (int i = 0; i < N_SCENES; i++) walk(L, &scenes[i], sticky);
  lua_close(L);
  assert_int_equal(memory.live, 0);
  assert_int_equal(xai_mem_live(), before);
}

static void allocations_that_fail_from_then_on_leave_nothing_behind(void **state) {
  (void)state;
  failing_allocations(true);
}
static void allocations_that_fail_once_leave_nothing_behind(void **state) {
  (void)state;
  failing_allocations(false);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(allocations_that_fail_from_then_on_leave_nothing_behind),
                                     cmocka_unit_test(allocations_that_fail_once_leave_nothing_behind)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
