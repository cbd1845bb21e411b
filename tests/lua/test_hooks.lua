-- Hooks: what they see, what they may replace, and what happens when they misbehave.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"

test("a forward hook sees the activation and the name of its layer", function(t)
  local net, seen, name = tiny.load(), nil, nil
  local view = net:with { hooks = { pool1 = function(a, layer) seen, name = a, layer end } }
  t.eq(view:logits(tiny.x()):totable(), { { 1.5, 1.75, 2.25 } }, "a hook that returns nothing changes nothing")
  t.eq(seen:totable(), { { { { 4, 0 }, { 0, 2 } }, { { 1, 2 }, { 2, 2 } } } })
  t.eq(name, "pool1")
end)

test("what a forward hook returns goes on, and the net itself is as before", function(t)
  local net, x = tiny.load(), tiny.x()
  local quiet = net:with { hooks = { pool1 = function(a) return a:fill_channel(1, 0) end } }
  t.eq(quiet:logits(x):totable(), { { 0, 1.75, 0.75 } })
  t.eq(net:logits(x):totable(), { { 1.5, 1.75, 2.25 } })
end)

test("a tensor that a hook was given is its own: the next pass does not change it", function(t)
  local kept
  local view = tiny.load():with { hooks = { gap = function(a) kept = kept or a end } }
  view:logits(tiny.x())
  view:logits(tiny.x() * 0)
  t.eq(kept:reshape(2):totable(), { 1.5, 1.75 })
end)

test("a gradient hook sees gradient and activation, and may replace the gradient", function(t)
  local net, x, seen = tiny.load(), tiny.x(), {}
  local view = net:with { grad_hooks = { gap = function(g, a, layer)
    seen = { g:reshape(2):totable(), a and a:reshape(2):totable(), layer }
    return g * 3
  end } }
  local plain = net:run(x):backward { target = 0 }
  local tripled = view:run(x):backward { target = 0 }
  t.eq(seen[1], { 1, 0 })
  t.eq(seen[2], { 1.5, 1.75 })
  t.eq(seen[3], "gap")
  t.near((tripled - plain * 3):norm(), 0)
end)

test("hooks work in every method, and a view of a view calls all of them in order", function(t)
  local net, x, order = tiny.load(), tiny.x(), {}
  local outer = net:with { hooks = { pool1 = function(a) order[#order + 1] = "first"; return a * 2 end } }
    :with { hooks = { pool1 = function(a) order[#order + 1] = "second"; return a + 1 end } }
  t.eq(outer:logits(x):totable(), { { 4, 4.5, 7.5 } }) -- 2 * 1.5 + 1, 2 * 1.75 + 1
  t.eq(order, { "first", "second" })
  t.eq(xai.occlusion(outer, x, { target = 0, window = 4, stride = 4 }).grid:get(1, 1), 1) -- m1 = 0: 2 * 0 + 1
end)

test("an error in a hook ends the pass and arrives as the same object", function(t)
  local net, x, mine = tiny.load(), tiny.x(), { "mine" }
  local view = net:with { hooks = { gap = function() error(mine) end } }
  for _, pass in ipairs {
    function() view:logits(x) end, function() view:forward(x) end, function() view:predict(x) end,
    function() view:run(x) end, function() xai.gradcam(view, x, { layer = "pool1" }) end } do
    local good, message = pcall(pass)
    t.ok(not good)
    t.ok(rawequal(message, mine))
  end
  local back = net:with { grad_hooks = { gap = function() error "back" end } }
  t.fails(function() back:run(x):backward { target = 0 } end, "back")
  t.eq(net:logits(x):totable(), { { 1.5, 1.75, 2.25 } })
end)

test("a hook that returns something else is told which layer and which shape", function(t)
  local net, x = tiny.load(), tiny.x()
  local function returning(value) return function() net:with { hooks = { gap = function() return value end } }:logits(x) end end
  t.fails(returning(3), "hook of layer 'gap': expected a float32 tensor 1x2x1x1 or nil, got 3")
  t.fails(returning(xai.zeros(2)), "got a tensor 2")
  t.fails(returning(xai.zeros(1, 2, 1, 1, "int64")), "got a tensor 1x2x1x1")
end)

test("during a pass its net, input and run can neither be freed nor run again by mistake", function(t)
  local net, x = tiny.load(), tiny.x()
  local view, run
  view = net:with { hooks = { gap = function() view:free() end } }
  t.fails(function() view:logits(x) end, "net:free: in use by a running pass")
  view = net:with { hooks = { gap = function() x:free() end } }
  t.fails(function() view:logits(x) end, "tensor:free: in use by a running pass")
  view = net:with { grad_hooks = { gap = function() run:backward { target = 1 } end } }
  run = view:run(x)
  t.fails(function() run:backward { target = 0 } end, "run:backward: this run is in the middle of a pass")
  view = net:with { grad_hooks = { gap = function() run:free() end } }
  run = view:run(x)
  t.fails(function() run:backward { target = 0 } end, "run:free: in use by a running pass")
  local seed = xai.tensor { { 1, 0, 0 } }
  view = net:with { grad_hooks = { gap = function() seed:free() end } }
  t.fails(function() view:run(x):backward { target = seed } end, "tensor:free: in use by a running pass")
  t.eq(x:get(1, 1, 2, 2), 4, "afterwards all is free again")
  x:free()
end)

test("a hook may run passes of its own, also on its own view", function(t)
  local net, x, depth, inner = tiny.load(), tiny.x(), 0, nil
  local view
  view = net:with { hooks = { gap = function(a)
    depth = depth + 1
    if depth < 3 then inner = view:logits(x) end
    return a * 2
  end } }
  t.eq(view:logits(x):totable(), { { 3, 3.5, 5.5 } })
  t.eq(inner:totable(), { { 3, 3.5, 5.5 } })
  t.eq(depth, 3)
end)

test("endless recursion through hooks is an error, not a crash", function(t)
  local net, x, view = tiny.load(), tiny.x(), nil
  view = net:with { hooks = { gap = function() view:logits(x) end } }
  t.fails(function() view:logits(x) end, "overflow")
end)

test("hooks run in the coroutine that runs the pass", function(t)
  local net, x = tiny.load(), tiny.x()
  local view = net:with { hooks = { gap = function(a) return a * 2 end } }
  local routine = coroutine.wrap(function()
    coroutine.yield(view:logits(x):get(1, 1))
    return view:logits(x):get(1, 2)
  end)
  t.eq(routine(), 3)
  t.eq(routine(), 3.5)
  local yields = net:with { hooks = { gap = function() coroutine.yield() end } }
  t.fails(function() coroutine.wrap(function() yields:logits(x) end)() end, "attempt to yield across a C-call boundary")
end)

test("a hook that holds its own view is collected with it", function(t)
  local view
  view = tiny.load():with { hooks = { gap = function() return view and nil end } }
  view:logits(tiny.x())
  view = nil -- the harness finds what would be left over
  t.ok(true)
end)

test("wrong tables of hooks are refused", function(t)
  local net = tiny.load()
  t.fails(function() net:with { hooks = { gpa = print } } end, "net:with: no layer 'gpa'; did you mean 'gap'?")
  t.fails(function() net:with { hooks = { gap = 3 } } end, "net:with: hooks.gap: expected a function, got 3")
  t.fails(function() net:with { hooks = print } end, "net:with: hooks: expected a table { layer = function }, got a function")
  t.fails(function() net:with { hooks = { print } } end, "hooks: expected names of layers, got 1")
  t.fails(function() net:with { hook = {} } end, "net:with: unknown option 'hook' (options: hooks, grad_hooks, relu, weights)")
  t.fails(function() net:with { relu = "guide" } end, "relu: expected one of plain, guided, deconv, redirected, got 'guide'; did you mean 'guided'?")
  t.fails(function() net:with { weights = { fc = "randon" } } end, "did you mean 'random'?")
  t.fails(function() net:with { weights = { fc = xai.zeros(2, 2) } } end, "wrong shape (expected float32 3x2, got float32 2x2)")
  t.fails(function() net:with { weights = { relu1 = "random" } } end, "weights: layer 'relu1' has none")
  t.fails(function() net:with() end, "net:with: options: expected a table, got nothing")
end)

test("a hook on the input replaces the picture", function(t)
  local view = tiny.load():with { hooks = { input = function(a) return a * 0 end } }
  t.eq(view:logits(tiny.x()):totable(), { { 0, 2, 1 } }) -- m1 = 0, m2 = 2
end)

done()
