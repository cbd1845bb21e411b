-- Activations of a layer for one picture. The network is that of tiny.lua: A1 = x, A2 = 2 - x, rectified, pooled.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"

test("every channel is what the layer answers", function(t)
  local net, x = tiny.load(), tiny.x()
  local a = xai.activations(net, x, { layer = "pool1" })
  t.eq({ a.layer, #a, a.strongest, #a.dead }, { "pool1", 2, 1, 0 })
  t.near(a.values, { { { 4, 0 }, { 0, 2 } }, { { 1, 2 }, { 2, 2 } } })
  t.near(a[2], { { 1, 2 }, { 2, 2 } })
  t.eq({ a[0], a[3] }, {})
  t.eq(a:caption(), "pool1: 2 channels of 2x2")
  t.eq(tostring(a), "activations of layer 'pool1': 2x2x2, at most 4, 0 channels dead")
end)

test("without a layer it is the one at which Grad-CAM looks; a run serves as well", function(t)
  local net, x = tiny.load(), tiny.x()
  local a = xai.activations(net, x)
  t.eq(a.layer, xai.gradcam(net, x, { target = 0 }).layer)
  local b = xai.activations(net, net:run(x), { layer = "pool1" })
  t.near(b.values, xai.activations(net, x, { layer = "pool1" }).values, 0)
  t.near(b.x, x, 0)
end)

test("what is no number does no harm", function(t)
  local x = tiny.x():set(1, 1, 1, 1, 0 / 0)
  local a = xai.activations(tiny.load(), x, { layer = "pool1" })
  t.eq({ #a.dead, #a:picture { channels = 1 }:tensor():shape() }, { 0, 3 })
  a = xai.activations(tiny.load(), x * (0 / 0), { layer = "conv1" })
  t.eq({ a.strongest, a.largest[2], #a.dead }, { 1, -math.huge, 0 })
end)

test("hooks of a view are seen", function(t)
  local net = tiny.load()
  local double = net:with { hooks = { conv1 = function(act) return act * 2 end } }
  t.near(xai.activations(double, tiny.x(), { layer = "pool1" })[1], { { 8, 0 }, { 0, 4 } })
end)

-- x = 2 everywhere: the rectified 2 - x is 0 everywhere, x itself has one value everywhere, too. x = 6 but for a 3: of A1
-- that place is half as bright, and 2 - x is negative everywhere.
test("a channel that says nothing is dead and crossed out", function(t)
  local net = tiny.load()
  local a = xai.activations(net, xai.zeros(1, 1, 4, 4) + 2, { layer = "relu1" })
  t.eq(a.dead, { 1, 2 })
  local x = xai.zeros(1, 1, 4, 4) + 6
  x = x:set(1, 1, 2, 3, 3)
  a = xai.activations(net, x, { layer = "relu1" })
  t.eq(a.dead, { 2 })
  t.eq(a:caption(), "relu1: 2 channels of 4x4, 1 dead")
  local img = a:picture { cols = 2 }
  local tile = a:box(2, { cols = 2 })
  t.eq(tile, { x = 6, y = 1, w = 4, h = 4 })
  t.eq({ img:get(tile.x, tile.y) }, { 230, 159, 0 })
  t.eq({ img:get(tile.x + 1, tile.y) }, { 0, 0, 0 })
  t.eq({ img:get(3, 2) }, { 128, 128, 128 })
end)

-- pool1: 4 0 / 0 2 and 1 2 / 2 2. Each to its own maximum: 1 of 2 is 128; all to 4: 64.
test("one scale for each channel, or one for all with a bar", function(t)
  local a = xai.activations(tiny.load(), tiny.x(), { layer = "pool1" })
  local each, common = a:picture { cols = 2, gap = 0 }, a:picture { cols = 2, gap = 0, scale = "common" }
  t.eq({ (each:get(3, 1)), (each:get(4, 1)), (each:get(1, 1)), (each:get(2, 2)) }, { 128, 255, 255, 128 })
  t.eq({ (common:get(3, 1)), (common:get(4, 1)), (common:get(1, 1)) }, { 64, 128, 255 })
  t.eq({ each.bar.cmap, common.bar.lo, common.bar.hi }, { nil, 0, 4 })
end)

-- pool1 reaches 4 and 2.
test("of many channels the strongest are drawn, in their order", function(t)
  local a = xai.activations(tiny.load(), tiny.x(), { layer = "pool1" })
  t.eq({ a:picture { channels = 1, gap = 0 }:size() }, { 2, 2 })
  t.eq({ a:box(1, { channels = 1 }), a:box(2, { channels = 1 }) }, { { x = 1, y = 1, w = 2, h = 2 } })
  t.eq(a:box(2, { cols = 1 }), { x = 1, y = 4, w = 2, h = 2 })
  t.eq(a:caption { channels = 1 }, "pool1: the strongest 1 of 2 channels of 2x2")
  t.eq(a:caption { channels = 9 }, "pool1: 2 channels of 2x2")
end)

test("one channel is a result like a method's", function(t)
  local net = tiny.load({ preprocess = "none" }, 3)
  local x = xai.zeros(1, 3, 4, 4)
  x = x:set(1, 1, 1, 2, 3)
  local e = xai.activations(net, x, { layer = "relu1" }):channel(1)
  t.eq({ e.method, e.label, e.unit, e.layer, e.signed }, { "activations", "relu1:1", "activation", "relu1", false })
  t.near(e:map(), { { 0, 3, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } })
  t.eq({ e:over():size() }, { 4, 4 })
  t.eq(e:boxes()[1], { x = 2, y = 1, w = 1, h = 1, score = 3.0 })
  local sheet = xai.sheet { { e, e:caption() } }
  t.ok(sheet:facts():find('"method": "activations"', 1, true))
end)

test("a sheet draws them as they are", function(t)
  local a = xai.activations(tiny.load(), tiny.x(), { layer = "pool1" })
  local sheet = xai.sheet { { a, a:caption() } }
  t.eq(sheet.cells[1].smooth, "no")
  t.ok(sheet:facts():find('"layer": "pool1"', 1, true))
end)

test("what cannot be is refused", function(t)
  local net, x = tiny.load(), tiny.x()
  t.fails(function() xai.activations(net, x, { layer = "fc" }) end, "activations: layer 'fc' has no height and width (1x3); name one that has with 'layer'")
  t.fails(function() xai.activations(net, x, { layer = "gap" }) end, "activations: layer 'gap' has no height and width (1x2x1x1)")
  t.fails(function() xai.activations(net, xai.zeros(2, 1, 4, 4)) end, "activations: one picture at a time, got 2")
  t.fails(function() xai.activations(net, x, { layer = "pool2" }) end, "no layer 'pool2'")
  t.fails(function() xai.activations(net, x, { lyer = "pool1" }) end, "activations: unknown option 'lyer' (options: layer)")
  t.fails(function() xai.activations(net) end, "activations: x: expected a tensor or an image")
  t.fails(function() xai.activations(3, x) end, "activations: ")
  local a = xai.activations(net, x, { layer = "pool1" })
  t.fails(function() a:channel(3) end, "activations: channel: expected a number from 1 to 2, got 3")
  t.fails(function() a:picture { scale = 1 } end, "tiles: scale: expected each, row or common, got '1'")
  t.fails(function() a:picture { channels = 0 } end, "activations:picture: channels: expected a whole number from 1, got 0")
  t.fails(function() a:box(1, { chanels = 1 }) end, "activations:box: unknown option 'chanels'")
end)

done()
