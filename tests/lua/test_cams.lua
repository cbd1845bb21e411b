-- The CAM family and the methods that ask about changed pictures or maps: worked examples, laws, passes made by hand.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"
local core = require "xai.core"
local say = require "xai.say"
local b = require "xai.build"

-- At pool1 of the tiny network A1 = 4 0 0 2 and A2 = 1 2 2 2 (in rows of two); the gradient of class 0 there is 1/4 for A1
-- and 0 for A2, of class 1 the reverse, of class 2 1/4 for both.
local POOL = "pool1"

--- Every method that makes a map of a layer; relevance may be asked for anywhere.
local ANYWHERE = { lrp = true, deeplift = true }
local function with_layer()
  local names = {}
  for _, method in ipairs(core.method_table()) do
    if method.layer and not method.makes_picture and not ANYWHERE[method.name] then names[#names + 1] = method.name end
  end
  return names
end

-- Of the residual network's classes 2 has evidence of both signs for the noise below, 3 is the most probable one.
local function resnet() return xai.zoo.resnet20 { weights = "fill", width = 0.5, size = 16, classes = 10, preprocess = "none" } end
local function noise(...) return xai.randn(...) end

--- x, 1 x C x H x W, times a map H x W.
local function times(x, map)
  local all, values = {}, map:totable()
  for c = 1, x:shape()[2] do all[c] = values end
  return x * xai.tensor { all }
end

--- | a - b | / | b |
local function apart(a, c) return (a - c):norm() / c:norm() end

--- What the library notes while f runs.
local function notes_of(f)
  local said, quiet, once = {}, xai.quiet(), say.once
  say.once = function(text) said[#said + 1] = text end
  core.on_note(say.once)
  xai.quiet(false)
  f()
  xai.quiet(quiet)
  say.once = once
  core.on_note(once)
  return said
end

-- ---- Grad-CAM and its signs ---------------------------------------------------------------------------------------------

test("Grad-CAM minus its counterfactual is the map before the ReLU, and both come from one pass", function(t)
  local net, x = resnet(), noise(1, 3, 16, 16)
  local e = xai.gradcam(net, x, { target = 2 })
  local c = e:counterfactual()
  t.ok(e.raw:min() < 0 and e.raw:max() > 0, "the map has one sign only, which tests nothing")
  t.near(e.values - c.values, e.raw, 1e-7)
  local want = xai.gradcam(net, x, { target = 2, counterfactual = true })
  t.near(c.values, want.values, 0)
  t.near(c.raw, want.raw, 0)
  t.near(c.weights, want.weights, 0)
  t.eq(c.options, want.options)
  t.near(c:counterfactual().values, e.values, 0)
  t.near(xai.gradcam(net, x, { target = 2, relu = false }):counterfactual().values, -e.raw, 0)
  t.fails(function() xai.hirescam(net, x):counterfactual() end, "counterfactual: expected a result of Grad-CAM")
  t.fails(function() xai.gradcam(net, x, { guided = true }):counterfactual() end, "whose gradients have both signs")
end)

test("a map in which nothing is left is told", function(t)
  local net, x = tiny.load(), tiny.x()
  t.eq(notes_of(function() xai.gradcam(net, x, { target = { minus = 0 }, layer = POOL }) end),
    { "gradcam: the map is zero: no weighted sum at layer 'pool1' is positive; another may tell more" })
  t.eq(notes_of(function() xai.gradcam(net, x, { target = 0, layer = POOL }):counterfactual() end),
    { "counterfactual: the map is zero: at layer 'pool1' nothing speaks against 'class 0'; another layer may tell more" })
  t.eq(notes_of(function() xai.gradcam(net, x, { target = 0, layer = POOL, relu = false }):counterfactual():counterfactual() end), {})
end)

test("guided weights are means of positive gradients at positive activations", function(t)
  local net, x = resnet(), noise(1, 3, 16, 16)
  local layer = "layer2.0.bn2" -- before a ReLU: activations of both signs
  local run = net:run(x)
  local a, g = run:get(layer):totable()[1], run:backward { target = 2, to = layer }:totable()[1]
  local e = xai.gradcam(net, run, { target = 2, layer = layer, guided = true })
  for k = 1, 4 do
    local sum = 0
    for i = 1, 8 do
      for j = 1, 8 do
        if a[k][i][j] > 0 and g[k][i][j] > 0 then sum = sum + g[k][i][j] end
      end
    end
    t.near(e.weights[k], sum / 64, 1e-6 * math.abs(sum) + 1e-9)
  end
end)

-- ---- targets ------------------------------------------------------------------------------------------------------------

test("sums, differences and weighted sums of classes are targets: Grad-CAM is linear in the score", function(t)
  local net, x = resnet(), noise(1, 3, 16, 16)
  local function raw(target) return xai.gradcam(net, x, { target = target }).raw end
  local a, c, d = raw(1), raw(2), raw(3)
  local function same(target, want, text)
    local e = xai.gradcam(net, x, { target = target })
    t.ok(apart(e.raw, want) < 1e-5, text)
    t.eq(e.target, text)
  end
  same({ 1, 2 }, a + c, "1 + 2")
  same({ plus = 1, minus = 2 }, a - c, "1 - 2")
  same({ 1, minus = 2 }, a - c, "1 - 2")
  same({ plus = { 1, 3 }, minus = { 2, weight = 0.5 } }, a + d - c * 0.5, "1 + 3 - 0.5*2")
  same({ { 1, weight = 2 }, { plus = 2, minus = 3, weight = -1 } }, a * 2 - c + d, "2*1 - 2 + 3")
  t.fails(function() raw { 1, minsu = 2 } end, "did you mean 'minus'?")
  t.fails(function() raw { 1, weight = "a" } end, "target: weight: expected a number")
  t.fails(function() raw { weight = 2 } end, "target: an empty table")
  t.fails(function() raw { { 1 }, {} } end, "target: an empty table")
end)

test("the gradient of any function of a layer is a target: half the squared distance to another code", function(t)
  -- gap of the tiny network: m = (1.5, 1.75); the other code is (0.5, 2), so the gradient is (1, -0.25); at pool1 a quarter
  -- of it: 0.25 A1 - 0.0625 A2
  local net, x = tiny.load(), tiny.x()
  local code = net:forward(x, "gap")
  local other = xai.tensor { 0.5, 2 }:reshape(1, 2, 1, 1)
  local e = xai.gradcam(net, x, { target = code - other, at = "gap", layer = POOL })
  t.near(e.raw, { { 1 - 0.0625, -0.125 }, { -0.125, 0.5 - 0.125 } })
  -- a box score in place of a class: the mean over one place of a map
  t.near(xai.gradcam(net, x, { target = "pool1:1:2:2", layer = "relu1" }).weights, { 1 / 16, 0 })
end)

test("Finer-CAM's target: the class minus what is nearest to it", function(t)
  -- logits of the tiny network: 1.5, 1.75, 2.25. From class 0 the nearest is 1, then 2.
  local net, x = tiny.load(), tiny.x()
  t.eq(xai.finer_target(net, x, { target = 0, rivals = 1, alpha = 0.6 }), { plus = 0, minus = { { 1, weight = 0.6 } } })
  local two = xai.finer_target(net, x, { target = 0, rivals = 2 })
  t.eq({ two.plus, two.minus[1][1], two.minus[2][1] }, { 0, 1, 2 })
  t.near(two.minus[1].weight, 1 / (1 + math.exp(0.5)), 1e-6)
  t.near(two.minus[2].weight, 1 / (1 + math.exp(-0.5)), 1e-6)
  t.eq(xai.finer_target(net, x, { rivals = 1 }).plus, 2) -- the most probable
  t.eq(xai.finer_target(net, x, { target = 0, rivals = { 2 } }), { plus = 0, minus = { { 2, weight = 1.0 } } })
  -- S0 - S1: 0.25 A1 - 0.25 A2
  t.near(xai.gradcam(net, x, { layer = POOL, target = xai.finer_target(net, x, { target = 0, rivals = 1 }) }).raw,
    { { 0.75, -0.5 }, { -0.5, 0 } })
  t.fails(function() xai.finer_target(net, x, { target = 7 }) end, "finer_target: target: expected a class id or a label, got 7")
  t.fails(function() xai.finer_target(net, x, { rivals = 3 }) end, "rivals: expected a number from 1 to 2, or a list of classes, got 3")
  t.fails(function() xai.finer_target(net, x, { rivals = { 9 } }) end, "rivals: expected class ids or labels, got 9")
  t.fails(function() xai.finer_target(net, x, { rival = 1 }) end, "did you mean 'rivals'?")
end)

-- ---- one forward pass ---------------------------------------------------------------------------------------------------

test("a run in place of a picture gives every method's result", function(t)
  local net, x = resnet(), noise(1, 3, 16, 16)
  local run = net:run(x)
  for _, method in ipairs(xai.methods "maps") do
    local options = { target = 2 }
    if method == "rise" then options.masks = 8 end
    if method == "occlusion" then options.window = 8 end
    local want, e = xai[method](net, x, options), xai[method](net, run, options)
    t.ok(apart(e.values, want.values) < 1e-4, method .. ": " .. apart(e.values, want.values))
    t.eq(e.x:shape(), x:shape())
  end
  t.near(run:backward { target = 2 }, net:run(x):backward { target = 2 }, 1e-6) -- and the run is as it was
end)

test("several classes cost one forward pass", function(t)
  local passes = 0
  local net = resnet():with { hooks = { ["layer1.0.relu"] = function() passes = passes + 1 end } }
  local run = net:run(noise(1, 3, 16, 16))
  for class = 0, 4 do xai.gradcam(net, run, { target = class }) end
  t.eq(passes, 1)
end)

test("a run is of its network, and kept everything", function(t)
  local net, x = tiny.load(), tiny.x()
  t.fails(function() xai.gradcam(tiny.load(), net:run(x)) end, "gradcam: this run is of another network, or of another view of it")
  t.fails(function() xai.gradcam(net, net:run(x, { keep = { POOL } })) end, "gradcam: this run kept only some layers")
  t.fails(function() xai.gradcam(net, net:run(xai.zeros(2, 1, 4, 4)), { layer = POOL }) end, "expected one prepared picture")
  local run, inner
  local view = net:with { hooks = { relu1 = function() inner = run and pcall(xai.gradcam, net, run, { layer = POOL }) end } }
  run = net:run(x)
  view:run(x)
  t.ok(inner) -- of another pass it may be asked
end)

-- ---- layers -------------------------------------------------------------------------------------------------------------

test("layers without height and width are refused by every method that has a layer, with some that would do", function(t)
  local net, x = tiny.load(), tiny.x()
  t.ok(#with_layer() >= 10)
  for _, method in ipairs(with_layer()) do
    t.fails(function() xai[method](net, x, { layer = "fc" }) end, method .. ": layer 'fc' has no height or width")
    t.fails(function() xai[method](net, x, { layer = "fc" }) end, "layers before it that have: 'pool1', 'relu1'")
    t.fails(function() xai[method](net, x, { layer = "relu2" }) end, "did you mean 'relu1'?")
  end
end)

-- ---- Grad-CAM++ ---------------------------------------------------------------------------------------------------------

test("Grad-CAM++ at a constant gradient: w = Z g / (2 + g sum of A)", function(t)
  local net, x = tiny.load(), tiny.x()
  local e = xai.gradcampp(net, x, { target = 2, layer = POOL }) -- Z g = 1; sums 6 and 7
  t.near(e.weights, { 1 / 3.5, 1 / 3.75 })
  t.near(e.alpha, { { { 1 / 3.5, 1 / 3.5 }, { 1 / 3.5, 1 / 3.5 } }, { { 1 / 3.75, 1 / 3.75 }, { 1 / 3.75, 1 / 3.75 } } })
  t.near(e.values, { { 4 / 3.5 + 1 / 3.75, 2 / 3.75 }, { 2 / 3.75, 2 / 3.5 + 2 / 3.75 } })
  e = xai.gradcampp(net, x, { target = 2, layer = POOL, normalise_alpha = true }) -- a mean of positive gradients
  t.near(e.weights, { 0.25, 0.25 })
  t.near(e.alpha[1]:sum(), 1)
  -- g^2 = 1/16: alpha = (1/16) / (2/16 + 6/64 + eps), which for eps = 1/32 is 1/4
  e = xai.gradcampp(net, x, { target = 0, layer = POOL, eps = 1 / 32 })
  t.near(e.weights, { 0.25, 0 })
  -- what speaks against the class has no weight
  e = xai.gradcampp(net, x, { target = { minus = 0 }, layer = POOL })
  t.near(e.weights, { 0, 0 })
  t.near(e.alpha[1], { { 0, 0 }, { 0, 0 } })
end)

--- The paper's toy example (section 3.2): maps that are 1 on a region and 0 elsewhere, of a picture with regions of three sizes; the
--- score has the derivative 1 where a map is 1, and 0 elsewhere: it is the sum of relu(A - 0.5) over all places.
local function toy()
  local one = { { { { 1 } }, { { 0 } }, { { 0 } } }, { { { 0 } }, { { 1 } }, { { 0 } } }, { { { 0 } }, { { 0 } }, { { 1 } } } }
  return b.net("toy", b.seq { "maps", b.conv { 3 }, "part", b.conv { 3 }, "bend", b.relu, "gap", b.gap, "flat", b.flatten,
    "fc", b.linear { 2 } }, { input = { 3, 8, 10 }, weights = { ["maps.weight"] = xai.tensor(one), ["maps.bias"] = xai.zeros(3),
    ["part.weight"] = xai.tensor(one), ["part.bias"] = xai.tensor { -0.5, -0.5, -0.5 },
    ["fc.weight"] = xai.tensor { { 80, 80, 80 }, { 0, 0, 0 } }, ["fc.bias"] = xai.zeros(2) } })
end

test("the toy example of the paper: Grad-CAM loses the small regions, Grad-CAM++ does not", function(t)
  local maps, sizes = xai.zeros(3, 8, 10):totable(), { 15, 4, 2 }
  local at, place = { { 1, 1, 3, 5 }, { 6, 1, 2, 2 }, { 5, 9, 1, 2 } }, {}
  for k, r in ipairs(at) do
    for row = r[1], r[1] + r[3] - 1 do
      for col = r[2], r[2] + r[4] - 1 do maps[k][row][col] = 1 end
    end
    place[k] = function(e) return e.values:get(r[1], r[2]) end
  end
  local net, x, what = toy(), xai.tensor { maps }, { target = 0, layer = "maps" }
  local plain, pp = xai.gradcam(net, x, what), xai.gradcampp(net, x, what)
  local whole = xai.gradcampp(net, x, { target = 0, layer = "maps", normalise_alpha = true })
  for k, n in ipairs(sizes) do
    t.near(place[k](plain), n / 80) -- a region counts by its size
    t.near(place[k](pp), n / (2 + n)) -- the ratio of the smallest to the largest is 0.57 in place of 0.13
    t.near(place[k](whole), 1) -- all count the same
    t.near(whole.alpha[k]:max(), 1 / n)
    t.near(whole.alpha[k]:sum(), 1)
  end
  t.eq(#plain:boxes { threshold = 0.3 }, 1)
  t.eq(#pp:boxes { threshold = 0.3 }, 3)
end)

test("a denominator that is not positive is said", function(t)
  local net, x, e = tiny.load(), xai.zeros(1, 1, 4, 4) - 100, nil
  for _, p in ipairs { { 1, 1 }, { 1, 3 }, { 3, 1 }, { 3, 3 } } do x = x:set(1, 1, p[1], p[2], 1) end
  -- at conv1 the four maxima of x have the gradient 1/4, the sum of A1 is 4 - 1200: alpha = 1 / (2 - 299)
  local said = notes_of(function()
    e = xai.gradcampp(net, x, { target = 0, layer = "conv1" })
    xai.gradcampp(net, tiny.x(), { target = 0, layer = "conv1" })
  end)
  t.near(e.weights, { 1 / (2 - 299), 0 })
  t.eq(said, { "gradcampp: alpha's denominator is not positive at 4 of 32 places, since activations are negative: take a layer behind a ReLU" })
end)

-- ---- weights of places, means where active -----------------------------------------------------------------------------

test("LayerCAM takes positive gradients alone, HiResCAM all; tanh for shallow layers", function(t)
  local net, x = resnet(), noise(1, 3, 16, 16)
  local layer, what = "layer2.1.relu", { target = 2, layer = "layer2.1.relu", relu = false }
  local run = net:run(x)
  local a, g = run:get(layer)[1], run:backward { target = 2, to = layer }[1]
  local function sum(gradient)
    local map = a[1] * gradient[1]
    for k = 2, #a do map = map + a[k] * gradient[k] end
    return map
  end
  t.ok(apart(xai.hirescam(net, x, what).values, sum(g)) < 1e-5)
  t.ok(apart(xai.layercam(net, x, what).values, sum(g:clamp(0, math.huge))) < 1e-5)
  local plain = xai.layercam(net, x, { target = 2, layer = layer })
  local flat = xai.layercam(net, x, { target = 2, layer = layer, gamma = 2 })
  t.near(flat.raw, plain.raw, 0)
  for i = 1, 8 do t.near(flat.values:get(i, i), (function(v) return (math.exp(2 * v) - 1) / (math.exp(2 * v) + 1) end)
    (2 * plain.values:get(i, i) / plain.values:max()), 1e-6) end
end)

test("XGrad-CAM's map sums to that of HiResCAM, and is Grad-CAM's where gradients are constant", function(t)
  local net, x = resnet(), noise(1, 3, 16, 16)
  local what = { target = 2, layer = "layer2.1.relu", relu = false }
  local a, c = xai.xgradcam(net, x, what).raw:sum(), xai.hirescam(net, x, what).raw:sum()
  t.near(a, c, 1e-5 * math.abs(c))
  local small = tiny.load()
  t.near(xai.xgradcam(small, tiny.x(), { target = 2, layer = POOL }).values, xai.gradcam(small, tiny.x(), { target = 2, layer = POOL }).values)
  -- sum of A1 is 6: w1 = 6/4 / (6 + 2)
  t.near(xai.xgradcam(small, tiny.x(), { target = 0, layer = POOL, eps = 2 }).weights, { 1.5 / 8, 0 })
  -- A2 = 2 - x vanishes: its sum is 0, and so is its weight
  t.near(xai.xgradcam(small, xai.zeros(1, 1, 4, 4) + 3, { target = 1, layer = POOL }).weights, { 0, 0 })
end)

-- ---- of no class ---------------------------------------------------------------------------------------------------------

test("Eigen-CAM is the first component of the maps", function(t)
  -- A1 - 1.5 = 2.5 -1.5 -1.5 0.5, A2 - 1.75 = -0.75 0.25 0.25 0.25; their products: 11, 0.75 and -2.5 between them.
  -- Eigenvalue (11.75 + sqrt(11.75^2 - 4 * 2)) / 2, vector (2.5, 11 - eigenvalue); the sum of both maps is 5 2 2 4, and the
  -- map goes with it.
  local value = (11.75 + math.sqrt(11.75 ^ 2 - 8)) / 2
  local v1, v2 = 2.5, 11 - value
  local length = math.sqrt(v1 * v1 + v2 * v2)
  v1, v2 = v1 / length, v2 / length
  local net, x = tiny.load(), tiny.x()
  local e = xai.eigencam(net, x, { layer = POOL, relu = false })
  local low = -1.5 * v1 + 0.25 * v2
  t.near(e.values, { { 2.5 * v1 - 0.75 * v2, low }, { low, 0.5 * v1 + 0.25 * v2 } })
  t.near(e.weights, { v1, v2 })
  t.near(e.share, value / 11.75)
  t.near(xai.eigencam(net, x, { layer = POOL }).values:min(), 0)
  -- with the means: products 20, 13 and 8 between them; a map with positive weights only
  value = (33 + math.sqrt(33 ^ 2 - 4 * (260 - 64))) / 2
  length = math.sqrt(64 + (value - 20) ^ 2)
  v1, v2 = 8 / length, (value - 20) / length
  e = xai.eigencam(net, x, { layer = POOL, centre = false })
  t.near(e.weights, { v1, v2 })
  t.near(e.values, { { 4 * v1 + v2, 2 * v2 }, { 2 * v2, 2 * v1 + 2 * v2 } })
end)

test("Eigen-CAM of maps that are multiples of one pattern is the pattern, with more channels than places, too", function(t)
  for _, channels in ipairs { 3, 40 } do
    local w, length = {}, 0
    for k = 1, channels do
      w[k] = { { { k / 10 } } }
      length = length + (k / 10) ^ 2
    end
    local net = b.net("multiples", b.seq { "maps", b.conv { channels }, "gap", b.gap, "flat", b.flatten }, { input = { 1, 3, 4 },
      weights = { ["maps.weight"] = xai.tensor(w), ["maps.bias"] = xai.zeros(channels) } })
    local x = noise(1, 1, 3, 4)
    local e = xai.eigencam(net, x, { layer = "maps", relu = false })
    t.near(e.values, ((x - x:mean()) * math.sqrt(length)):reshape(3, 4), 1e-5)
    t.near(e.share, 1, 1e-6)
    e = xai.eigencam(net, x * 0 + 1, { layer = "maps" }) -- nothing varies
    t.eq({ e.values:max(), e.share }, { 0, 0 })
  end
end)

test("FEM keeps what is rare", function(t)
  -- A1: mean 1.5, deviation sqrt(2.75); A2: mean 1.75, deviation sqrt(0.1875). Above mean + half a deviation (2.33 and 1.97)
  -- are 4 of A1 and the 2s of A2.
  local net, x = tiny.load(), tiny.x()
  t.near(xai.fem(net, x, { layer = POOL, sigmas = 0.5 }).values, { { 6, 3.5 }, { 3.5, 3.5 } })
  t.near(xai.fem(net, x, { layer = POOL, sigmas = 0.5, binary = true }).values, { { 1.5, 1.75 }, { 1.75, 1.75 } })
  t.near(xai.fem(net, x, { layer = POOL, sigmas = 1 }).values, { { 6, 0 }, { 0, 0 } })
  t.near(xai.fem(net, x, { layer = POOL }).weights, { 1.5, 1.75 })
end)

-- ---- Guided Grad-CAM ------------------------------------------------------------------------------------------------------

test("Guided Grad-CAM is the product of both", function(t)
  local net, x = resnet(), noise(1, 3, 16, 16)
  local what = { target = 2, layer = "layer3.0.relu" } -- 4x4: a pixel in 4 along each side
  local cam, guided = xai.gradcam(net, x, what), xai.guided_backprop(net, x, { target = 2 })
  local e, near = xai.guided_gradcam(net, x, what), xai.guided_gradcam(net, x, { target = 2, layer = "layer3.0.relu", enlarge = "nearest" })
  local map = cam:map()
  t.ok(cam.values:max() > 0)
  for c = 1, 3 do
    t.near(e.values[c], guided.values[c] * map, 1e-6)
    for i = 1, 16 do
      local want = guided.values:get(c, i, 17 - i) * cam.values:get((i - 1) // 4 + 1, (16 - i) // 4 + 1)
      t.near(near.values:get(c, i, 17 - i), want, 1e-6)
    end
  end
  t.near(e.cam, cam.values, 0)
  t.near(e.guided, guided.values, 0)
end)

-- ---- Score-CAM ------------------------------------------------------------------------------------------------------------

local function softmax(v)
  local sum, out = 0, {}
  for i = 1, #v do sum = sum + math.exp(v[i]) end
  for i = 1, #v do out[i] = math.exp(v[i]) / sum end
  return out
end

--- S(x * H[k]) of every map, by passes of its own; enlarge: function(h x w map) -> H x W.
local function scores_by_hand(net, x, layer, class, enlarge, probability)
  local scores = {}
  local maps = net:forward(x, layer)[1]
  for k = 1, #maps do
    local h = enlarge(maps[k])
    h = (h - h:min()) * (1 / (h:max() - h:min()))
    local logits = net:logits(times(x, h)):totable()[1]
    scores[k] = probability and softmax(logits)[class + 1] or logits[class + 1]
  end
  return scores
end

test("Score-CAM's scores and weights are those of passes made by hand", function(t)
  local net, x = tiny.load(nil, 3), noise(1, 3, 4, 4)
  local e = xai.scorecam(net, x, { target = 2, layer = POOL })
  local function half_pixel(map) return e:with { values = map }:map() end
  local s = scores_by_hand(net, x, POOL, 2, half_pixel)
  t.near(e.scores, s, 1e-5)
  local w = softmax(s)
  t.near(e.weights, w, 1e-5)
  local maps = net:forward(x, POOL)[1]
  t.near(e.raw, maps[1] * w[1] + maps[2] * w[2], 1e-5)
  t.eq(e.passes, 2)
  for batch = 1, 3 do t.near(xai.scorecam(net, x, { target = 2, layer = POOL, batch = batch }).values, e.values, 1e-6) end

  local p = xai.scorecam(net, x, { target = 2, layer = POOL, score = "prob", softmax = false })
  t.near(p.weights, scores_by_hand(net, x, POOL, 2, half_pixel, true), 1e-5)
  local zero = net:logits(xai.zeros(1, 3, 4, 4)):get(1, 3)
  t.near(xai.scorecam(net, x, { target = 2, layer = POOL, baseline = true, softmax = false }).weights, { s[1] - zero, s[2] - zero }, 1e-5)
  t.near(xai.scorecam(net, x, { target = 2, layer = POOL, baseline = true }).weights, w, 1e-5) -- it cancels

  local function corners(map) -- 2 to 4 places: weights 0, 1/3, 2/3, 1
    local out = xai.zeros(4, 4):totable()
    for i = 0, 3 do
      for j = 0, 3 do
        local u, v = i / 3, j / 3
        out[i + 1][j + 1] = (1 - u) * ((1 - v) * map:get(1, 1) + v * map:get(1, 2)) + u * ((1 - v) * map:get(2, 1) + v * map:get(2, 2))
      end
    end
    return xai.tensor(out)
  end
  t.near(xai.scorecam(net, x, { target = 2, layer = POOL, corners = true }).scores, scores_by_hand(net, x, POOL, 2, corners), 1e-5)
end)

test("Score-CAM leaves constant maps out, and with 'top' those of small deviation", function(t)
  -- x >= 2: A2 = relu(2 - x) is 0 everywhere
  local net, x = tiny.load(), tiny.x() + 2
  local e = xai.scorecam(net, x, { target = 2, layer = POOL })
  t.eq(e.passes, 1)
  t.near(e.weights, { 1, 0 })
  t.ok(e.scores[2] ~= e.scores[2])
  t.near(e.values, net:forward(x, POOL)[1][1])
  e = xai.scorecam(net, x * 0, { layer = POOL }) -- nothing varies
  t.eq(e.passes, 0)
  t.near(e.values, { { 0, 0 }, { 0, 0 } })
  e = xai.scorecam(net, tiny.x(), { target = 2, layer = POOL, top = 1 }) -- deviations 1.66 and 0.43
  t.eq(e.passes, 1)
  t.near(e.weights, { 1, 0 })
  t.eq(xai.scorecam(net, tiny.x(), { target = 2, layer = POOL, top = 5 }).passes, 2)
end)

-- ---- Ablation-CAM ---------------------------------------------------------------------------------------------------------

test("Ablation-CAM's weights are the shares of the score that are lost", function(t)
  -- class 2: S = 1.5 + 1.75 - 1 = 2.25, without A1 0.75, without A2 0.5
  local net, x = tiny.load(), tiny.x()
  local e = xai.ablationcam(net, x, { target = 2, layer = POOL })
  t.near(e.scores, { 0.75, 0.5 })
  t.near(e.weights, { 1.5 / 2.25, 1.75 / 2.25 })
  t.near(e.values, { { 7.75 / 2.25, 3.5 / 2.25 }, { 3.5 / 2.25, 6.5 / 2.25 } })
  t.near(xai.ablationcam(net, x, { target = 2, layer = POOL, fill = 1 }).scores, { 1.75, 1.5 })
  t.fails(function() xai.ablationcam(net, x * 0, { target = 0, layer = POOL }) end, "ablationcam: the score is 0, so that nothing is a share of it")
  t.fails(function() xai.ablationcam(net, x, { target = "gap:1", layer = POOL, score = "prob" }) end, "score 'prob' needs classes as target")
  -- a score below the layer does not change, so nothing is lost
  t.near(xai.ablationcam(net, x, { target = "relu1:1", layer = POOL }).weights, { 0, 0 })
  local said = notes_of(function() t.near(xai.ablationcam(net, x, { target = { minus = 0 }, layer = POOL }).weights, { 1, 0 }) end)
  t.eq(said, { "ablationcam: the score is negative (-1.5): weights are positive where a map lowers it further" })
end)

test("Ablation-CAM computes what lies behind the layer only, and it is the same as whole passes with a hook", function(t)
  local net, x, calls = resnet(), noise(1, 3, 16, 16), 0
  for _, layer in ipairs { "layer3.1.relu", "layer3.2.bn1", "layer1.0.relu" } do -- the second has a way around it
    for _, view in ipairs { net, net:with { hooks = { ["layer3.2.relu"] = function(a) return a * 2 end, [layer] = function(a)
      calls = calls + 1
      return a + 1
    end } } } do
      calls = 0
      local e = xai.ablationcam(view, x, { target = 2, layer = layer })
      t.ok(calls <= 1, "a hook of the layer itself or before it is called once")
      for k = 1, #e.scores, 5 do
        local off = view:with { hooks = { [layer] = function(a) return a:fill_channel(k, 0) end } }
        t.near(e.scores[k], off:logits(x):get(1, 3), 1e-4)
      end
      for _, batch in ipairs { 1, 5 } do
        t.near(xai.ablationcam(view, x, { target = 2, layer = layer, batch = batch }).scores, e.scores, 1e-4)
      end
    end
  end
  local p = xai.ablationcam(net, x, { target = 3, layer = "layer3.1.relu", score = "prob" })
  local off = net:with { hooks = { ["layer3.1.relu"] = function(a) return a:fill_channel(3, 0) end } }
  t.near(p.scores[3], softmax(off:logits(x):totable()[1])[4], 1e-5)
end)

-- ---- FullGrad -------------------------------------------------------------------------------------------------------------

test("FullGrad: the worked example", function(t)
  -- class 1 = mean over the windows of the largest 2 - x: in the four windows of tiny.x() that is at (1,1), (1,3), (3,1)
  -- and (3,4), the first of equals, each with the gradient 1/4. The bias 2 adds 0.5 at each, x * -0.25 is -0.25 at (1,1) and
  -- 0 elsewhere: the sum is 2 - 0.25 = 1.75, the score. Scaled, the biases are 1 at the four, the input is 1 at the first.
  local e = xai.fullgrad(tiny.load(), tiny.x(), { target = 1 })
  t.near(e.input, { { 1, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } })
  t.near(e.biases, { { 1, 0, 1, 0 }, { 0, 0, 0, 0 }, { 1, 0, 0, 1 }, { 0, 0, 0, 0 } })
  t.near(e.values, e.input + e.biases)
  t.eq(e.layers, 1)
  t.near(e.delta, 0)
end)

test("FullGrad's shares sum to the score where biases are of convolutions, normalizations, linear layers and sums", function(t)
  for name, size in pairs { resnet18 = 64, densenet121 = 64, alexnet = 224, squeezenet1_1 = 64, googlenet = 64 } do
    local net = xai.zoo[name] { weights = "fill", width = 0.25, size = size, classes = 10, preprocess = "none" }
    local x = noise(1, 3, size, size)
    local e, score = xai.fullgrad(net, x, { target = 3 }), net:logits(x):get(1, 4)
    t.ok(math.abs(e.delta) <= 1e-3 * math.max(1, math.abs(score)), ("%s: %g of %g"):format(name, e.delta, score))
    t.ok(e.layers > 4 and e.values:min() >= 0)
  end
  local add = function(x, at) return b.node("Add", at, { x, b.param(x, at "bias", { 2, 1, 1 }) }) end
  local net = b.net("added", b.seq { "conv", b.conv { 2, bias = false }, "plus", add, "act", b.relu, "gap", b.gap, "flat", b.flatten },
    { input = { 1, 2, 2 }, weights = { ["conv.weight"] = xai.tensor { { { { 1 } } }, { { { 1 } } } },
      ["plus.bias"] = xai.tensor { 3, -3 }:reshape(2, 1, 1) } })
  local e = xai.fullgrad(net, xai.tensor { { { { 1, 2 }, { 3, 4 } } } }, { target = 0 }) -- (1 + 2 + 3 + 4) / 4 + 3
  t.eq(e.layers, 1)
  t.near(e.delta, 0)
end)

-- ---- RISE -----------------------------------------------------------------------------------------------------------------

--- A network of one channel whose class 0 has the logit 'weights' . x + bias, class 1 the logit 0.
local function linear(weights, bias)
  local zeros = {}
  for i = 1, #weights do zeros[i] = 0 end
  local side = math.tointeger(math.sqrt(#weights))
  return b.net("linear", b.seq { "flat", b.flatten, "fc", b.linear { 2 } }, { input = { 1, side, side },
    weights = { ["fc.weight"] = xai.tensor { weights, zeros }, ["fc.bias"] = xai.tensor { bias, 0 } } })
end

local function same_weights(n, v)
  local w = {}
  for i = 1, n do w[i] = v end
  return w
end

test("RISE with all masks 1 gives a constant map, by either normalisation", function(t)
  local net, x = linear(same_weights(36, 0.05), 0), noise(1, 1, 6, 6)
  local p = softmax(net:logits(x):totable()[1])[1]
  for _, norm in ipairs { "expected", "masks" } do
    local e = xai.rise(net, x, { target = 0, p = 1, masks = 20, cells = 3, normalise = norm })
    t.near(e.values:min(), p)
    t.near(e.values:max(), p)
    t.near(e.density:min(), 1)
  end
end)

test("RISE of a constant score is constant only by the sum of the masks", function(t)
  local net, x = linear(same_weights(36, 0), 0.5), noise(1, 1, 6, 6)
  local f = 1 / (1 + math.exp(-0.5))
  for _, share in ipairs { 0.2, 0.5, 0.9 } do
    local e = xai.rise(net, x, { target = 0, p = share, masks = 60, normalise = "masks" })
    t.near(e.values:min(), f)
    t.near(e.values:max(), f)
    e = xai.rise(net, x, { target = 0, p = share, masks = 60 })
    t.near(e.values, e.density * (f / share), 1e-5)
    t.ok(e.values:max() - e.values:min() > 1e-3)
  end
  t.near(xai.rise(net, x, { target = 0, masks = 5, score = "logit", normalise = "masks", p = 0.9 }).values:max(), 0.5)
end)

test("one mask by hand: the map is S(x m) m / p, and the mask lies between 0 and 1", function(t)
  local net, x = resnet(), noise(1, 3, 16, 16)
  for seed = 1, 5 do
    local e = xai.rise(net, x, { target = 3, masks = 1, cells = 4, p = 0.4, seed = seed })
    local m = e.density
    t.ok(m:min() >= 0 and m:max() <= 1)
    t.near(e.values, m * (softmax(net:logits(times(x, m)):totable()[1])[4] / 0.4), 1e-6)
  end
end)

test("masks are seen with probability p at every pixel, and RISE finds the pixel that counts", function(t)
  local w = same_weights(64, 0)
  w[8 * 2 + 6] = 6 -- row 3, column 6
  local net, x = linear(w, -3), xai.zeros(1, 1, 8, 8) + 1
  local e = xai.rise(net, x, { target = 0, masks = 3000, cells = 4, p = 0.3 })
  -- a mask's value has a deviation below sqrt(0.21): five of the mean's
  t.ok((e.density - 0.3):abs():max() < 5 * math.sqrt(0.21 / 3000), (e.density - 0.3):abs():max())
  t.eq(table.pack(e.values:argmax()), table.pack(xai.tensor(w):reshape(8, 8):argmax()))
end)

test("RISE's masks are those of the seed, whatever the batch", function(t)
  local net, x = resnet(), noise(1, 3, 16, 16)
  local function rise(options)
    options.target, options.masks = 3, 21
    return xai.rise(net, x, options).values
  end
  local first = rise { seed = 3 }
  for _, batch in ipairs { 1, 4, 21, 50 } do t.near(rise { seed = 3, batch = batch }, first, 1e-6) end
  t.ok((rise { seed = 4 } - first):norm() > 0)
  t.near(rise {}, rise { seed = xai.seed() }, 0)
end)

-- ---- all of them ----------------------------------------------------------------------------------------------------------

test("the same bits for any number of threads", function(t)
  local net, x, threads = resnet(), noise(1, 3, 16, 16), xai.threads()
  for _, method in ipairs { "gradcam", "guided_gradcam", "gradcampp", "layercam", "hirescam", "xgradcam", "eigencam", "fem", "scorecam",
    "ablationcam", "fullgrad", "rise" } do
    local maps = {}
    for n = 1, 4 do
      xai.threads(n)
      maps[n] = xai[method](net, x, { target = 3, masks = method == "rise" and 40 or nil }).values
      t.near(maps[n], maps[1], 0, method)
    end
  end
  xai.threads(threads)
end)

test("long loops tell how far they are", function(t)
  local net, x, told, quiet = tiny.load(), tiny.x(), {}, xai.quiet()
  core.on_progress(function(...) told[#told + 1] = table.concat({ ... }, " ") end)
  xai.quiet(false)
  xai.rise(net, x, { masks = 10, batch = 4 })
  xai.smoothgrad(net, x, { samples = 3, batch = 2 })
  xai.occlusion(net, x, { window = 4, stride = 2 })
  core.on_progress(function() error "no reason to stop" end)
  local e = xai.ablationcam(net, x, { target = 2, layer = POOL })
  xai.quiet(true)
  core.on_progress(function() told[#told + 1] = "quiet" end)
  xai.rise(net, x, { masks = 3 })
  xai.quiet(quiet)
  core.on_progress(nil)
  t.near(e.scores, { 0.75, 0.5 })
  t.eq(told, { "rise 0 10", "rise 4 10", "rise 8 10", "smoothgrad 0 3", "smoothgrad 2 3", "occlusion 0 1", "occlusion 1 1" })
end)

test("a result with other values draws and scores them", function(t)
  local net, x = tiny.load(), tiny.x()
  local e = xai.gradcampp(net, x, { target = 2, layer = POOL })
  local alpha = e:with { values = e.alpha[1], unit = "alpha", label = "map 1" }
  t.eq({ alpha.method, alpha.unit, alpha.label, alpha.values:shape() }, { "gradcampp", "alpha", "map 1", { 2, 2 } })
  t.eq(alpha:map():shape(), { 4, 4 })
  t.eq(alpha:heat().bar.unit, "alpha")
  t.near(e.values:get(1, 1), 4 / 3.5 + 1 / 3.75) -- the result itself is as it was
  t.fails(function() e:with { value = 1 } end, "with: unknown option 'value'")
  t.fails(function() e:with { values = 1 } end, "with: values: expected a tensor, got a number")
  t.fails(function() e:with { values = xai.zeros(3) } end, "float32 H x W or C x H x W")
end)

done()
