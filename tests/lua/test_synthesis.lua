-- Pictures that are made: class_image, neuron_image, invert; and grabcut. What they compute is worked by hand in
-- tests/c/explain; here is what scripts see of it.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"

-- tiny.lua's z0 is the mean over four windows of 2x2 of their largest x, or 0: its slope is 1/4 where that is above 0.
test("a picture grows where the class sees something", function(t)
  local net = tiny.load()
  local e = xai.class_image(net, { target = 0, rule = "max", lr = 1, steps = 2, l2 = 0, init = tiny.x() })
  -- tiny.x: the largest are 4, 0, 0, 2; a step takes them to 5, 0, 0, 3, and another one to 6, 0, 0, 4
  t.near(e.values, { { { 1, 2, 0, 0 }, { 3, 6, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 4 } } })
  t.near(e.scores, { 1.5, 2 })
  t.near(e.score, 2.5)
  t.eq(e.values:shape(), { 1, 4, 4 })
  t.eq(e.label, "class 0")
  t.eq(e.is_input, true)
  t.eq(e.stopped, false)
  t.near(e.p, net:forward(e.values:reshape(1, 1, 4, 4)):get(1, 1))
end)

test("calls with and without an input are the same", function(t)
  local net = tiny.load()
  local options = { target = 0, rule = "max", lr = 1, steps = 1, l2 = 0, init = "noise", seed = 3 }
  local a, b = xai.class_image(net, options), xai.class_image(net, tiny.x(), options)
  t.eq((a.values - b.values):abs():max(), 0)
  t.eq((a.values - xai.class_image(net, nil, options).values):abs():max(), 0)
  t.eq(a.x:sum(), 0)
  options.init = "picture"
  t.ok((xai.class_image(net, tiny.x(), options).values - a.values):abs():max() > 0)
  t.fails(function() xai.class_image(net, { steps = 1 }) end, "class_image: target: say which class or unit")
  t.fails(function() xai.neuron_image(net) end, "neuron_image: target: say which class or unit")
  t.eq(xai.class_image(net, tiny.x(), { steps = 1, lr = 1e-3 }).class, 2) -- the most probable of x
  t.fails(function() xai.class_image(net, { target = 0, stepps = 1 }) end, "class_image: unknown option 'stepps'")
  t.fails(function() xai.class_image(net, { target = 0, steps = 0 }) end, "class_image: steps: expected an integer from 1")
  t.fails(function() xai.class_image(net, { target = 0, init = xai.zeros(3) }) end, "init: expected float32 1x1x4x4, got float32 3")
end)

test("a network that does not say its size needs to be given one", function(t)
  t.fails(function() xai.class_image(tiny.several(), { target = 0 }) end,
    "class_image: the network's input is ?x3: give a picture of the size that you want, or a tensor 1 x C x H x W")
end)

test("a preset sets constants, and options given besides win", function(t)
  local net = tiny.load()
  local e = xai.class_image(net, { target = 0, preset = "yosinski1", steps = 2, blur = 0 })
  t.eq({ e.options.preset, e.options.steps, e.options.lr, e.options.rule, e.options.norm_percentile, e.options.blur, e.options.clip,
    e.options.init }, { "yosinski1", 2, 100, "progress", 50, 0, true, "noise" })
  t.eq(xai.class_image(net, { target = 0, steps = 1 }).options.preset, "simonyan")
  t.fails(function() xai.class_image(net, { target = 0, preset = "yosinsky3" }) end, "did you mean 'yosinski3'?")
end)

test("units: one place, the centre, the mean", function(t)
  local net = tiny.load()
  local options = { rule = "max", lr = 1, steps = 1, l2 = 0, decay = 0, blur = 0, clip = false, jitter = 0, tv = 0, init = "zeros" }
  local function made(key, unit)
    options.at, options.target = nil, nil
    options[key] = unit
    return xai.neuron_image(net, options)
  end
  local e = made("at", "conv1:1:2:3") -- conv1's first map is x itself
  t.near(e.values, { { { 0, 0, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } } })
  t.eq(e.label, "conv1:1:2:3")
  t.near(made("at", "conv1:1").values, { { { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 0 } } })
  t.near(made("target", "conv1:1").values, { { { 1, 1, 1, 1 }, { 1, 1, 1, 1 }, { 1, 1, 1, 1 }, { 1, 1, 1, 1 } } })
end)

test("feature images: presets, media, and what does not go with them", function(t)
  local net = tiny.load()
  local e = xai.feature_image(net, { target = 0, steps = 3, pad = 0, jitter = 1 })
  t.eq({ e.options.preset, e.options.medium, e.options.rule, e.options.colours, e.options.redirect }, { "lucid", "fourier", "adam", true, 16 })
  t.eq(#e.scores, 3)
  e = xai.feature_image(net, { target = 0, preset = "maco", steps = 2, views = 2, size = 8, spectrum = xai.zeros(1, 8, 5) + 1 })
  t.eq({ e.options.spectrum, e.options.size, e.options.crop_end }, { "own", 8, 0.05 })
  t.eq(e.values:shape(), { 1, 8, 8 })
  t.eq(e:map():shape(), { 8, 8 })
  t.eq({ e:picture():size() }, { 8, 8 })
  t.fails(function() xai.feature_image(net, { target = 0, blur = 1, pad = 0 }) end,
    "feature_image: blur: changes pixels, but the picture is made of other numbers (expected 0, or medium pixels")
  t.fails(function() xai.feature_image(net, { target = 0, init = tiny.x(), pad = 0 }) end, "feature_image: init: a picture has no such numbers")
  t.fails(function() xai.feature_image(net, { target = 0, jitter = 40 }) end, "feature_image: jitter: of 4 x 4 pixels nothing is left to be seen")
  t.fails(function() xai.feature_image(net, { target = 0, preset = "maco", size = 8, spectrum = xai.zeros(2), steps = 1 }) end,
    "feature_image: spectrum: expected float32 1x8x5, got float32 2")
  t.fails(function() xai.neuron_image(net, { at = "conv1:1", rule = "adam", momentum = 0.5 }) end, "neuron_image: momentum: this rule has its own")
  t.fails(function() xai.feature_image(net, { target = 0, medium = "fourrier" }) end, "did you mean 'fourier'?")
end)

test("an inversion that starts at the picture has nothing to do", function(t)
  local net = tiny.load()
  for _, layer in ipairs { "conv1", "relu1", "pool1", "gap", "fc", "logits", "prob" } do
    local e = xai.invert(net, tiny.x(), { layer = layer, init = "picture", steps = 3, tv = 0, bound = 0 })
    t.eq({ e.error:max(), e.objective:max(), e.code_error }, { 0, 0, 0 }, layer)
    t.eq((e.values - tiny.x():reshape(1, 4, 4)):abs():max(), 0)
  end
  local e = xai.invert(net, tiny.x(), { code = "log_probabilities", init = tiny.x(), steps = 3, tv = 0, bound = 0 })
  t.eq({ e.error:max(), e.code_error }, { 0, 0 })
end)

-- relu1's first map is x where x > 0, so nothing of tiny.x, which has no negative, is lost.
test("an inversion from noise finds what the layer knows", function(t)
  local net = tiny.load()
  local e = xai.invert(net, tiny.x(), { layer = "relu1", steps = 600, schedule = "constant", rule = "norm", lr = 0.02, momentum = 0.5, tv = 0,
    bound = 0, sigma = 1, seed = 2 })
  t.ok(e.code_error < 0.02, e.code_error)
  t.near(e.values, tiny.x():reshape(1, 4, 4):totable(), 0.15)
end)

test("inversion's schedule, weights by depth and sigma", function(t)
  local net = tiny.load()
  local function made(options)
    options.steps = options.steps or 1
    return xai.invert(net, tiny.x(), options)
  end
  t.near(made({ layer = "conv1" }).sigma, 27098.1157 * math.sqrt(16 / 154587), 1e-6)
  -- six layers up to fc: 1/6 <= 6/20, 2/6 and 3/6 <= 12/20, then more
  local tv = {}
  for i, layer in ipairs { "conv1", "relu1", "pool1", "gap", "flat", "fc" } do tv[i] = made({ layer = layer }).tv end
  t.eq(tv, { 1, 10, 10, 100, 100, 100 })
  t.eq(made({ layer = "conv1", tv = 3 }).tv, 3)
  t.eq(#made({ layer = "conv1", steps = 7, tv = 0, bound = 0, init = "picture" }).error, 7)
  local whole = xai.invert(net, tiny.x(), { layer = "conv1", steps = 0, tv = 0, bound = 0, init = "picture" })
  t.eq(#whole.error, 400)
  t.eq(#xai.invert(net, tiny.x(), { layer = "conv1", schedule = "library", init = "picture", tv = 0, bound = 0 }).error, 2100)
end)

test("a code of one's own is inverted", function(t)
  local net = tiny.load()
  local code = net:forward(tiny.x() * 2, "conv1")
  local e = xai.invert(net, tiny.x(), { layer = "conv1", code = code, init = tiny.x() * 2, steps = 1, tv = 0, bound = 0 })
  t.eq(e.code_error, 0)
  t.eq(e.options.code, "own")
  t.eq(e.options.init, "own")
  t.fails(function() xai.invert(net, tiny.x(), { layer = "conv1", code = xai.zeros(3) }) end,
    "invert: code: expected float32 1x2x4x4 as layer 'conv1', got float32 3")
  t.fails(function() xai.invert(net, tiny.x(), { layer = "conv1", code = xai.zeros(1, 2, 4, 4) }) end, "is zero everywhere")
end)

test("what cannot be inverted is refused", function(t)
  local net = tiny.load()
  t.fails(function() xai.invert(net, tiny.x(), { layer = "input" }) end, "invert: layer: the input is no code (layers: 'conv1' to 'prob')")
  t.fails(function() xai.invert(net, tiny.x(), { target = 0 }) end, "invert: target: a code is inverted, not a score")
  t.fails(function() xai.invert(net, tiny.x(), { layer = "pool1", code = "log_probabilities" }) end, "log-probabilities are those of the class scores")
  t.fails(function() xai.invert(net, tiny.x(), { layer = "pool9" }) end, "did you mean 'pool1'?")
  t.fails(function() xai.invert(net, { layer = "conv1" }) end, "invert: ")
  t.fails(function() xai.invert(net, xai.zeros(2, 1, 4, 4), { layer = "conv1" }) end, "expected one prepared picture")
end)

test("what was made can be seen, saved and asked about", function(t)
  local b = require "xai.build"
  local net = b.net("small", b.seq { "conv", b.conv { 2, k = 3 }, "gap", b.gap, "flatten", b.flatten },
    { input = { 3, 8, 8 }, weights = "fill", preprocess = "imagenet" })
  local e = xai.class_image(net, { target = 0, steps = 2 })
  t.eq({ e:picture():size() }, { 8, 8 })
  local shown, stretched = e:picture():tensor(), e:picture { quantile = 0.99 }:tensor()
  t.eq(shown:get(1, 1, 1), net:unprepare(e.values):tensor():get(1, 1, 1))
  t.ok(xai.tensor(stretched, "float32"):max() - xai.tensor(shown, "float32"):max() > 20, "contrast")
  t.eq(e:map():shape(), { 8, 8 })
  t.ok(tostring(e):find("class_image of 'class 0'", 1, true), tostring(e))
end)

-- ---- grabcut ---------------------------------------------------------------------------------------------------------
--- fn(x, y) for 16 x 12 pixels, as rows.
local function pixels(fn)
  local rows = {}
  for y = 1, 12 do
    rows[y] = {}
    for x = 1, 16 do rows[y][x] = fn(x, y) end
  end
  return rows
end

--- An orange square, x 5..8, y 4..9, on green.
local function square()
  return xai.image(xai.tensor(pixels(function(x, y)
    local grain, inside = (x * 3 + y * 5) % 7, x >= 5 and x <= 8 and y >= 4 and y <= 9
    if inside then return { 230 + grain, 120 - grain, 10 + grain } end
    return { 20 + grain, 140 - grain, 50 + grain }
  end), "uint8"))
end

local function is_the_square(t, cut)
  for y = 1, 12 do
    for x = 1, 16 do t.eq(cut.values:get(y, x), (x >= 5 and x <= 8 and y >= 4 and y <= 9) and 1 or 0, ("%d, %d"):format(x, y)) end
  end
  t.eq(cut.box, { x = 5, y = 4, w = 4, h = 6 })
end

test("a rectangle, a mask and a map each cut the square out", function(t)
  local img = square()
  local cut = xai.grabcut(img, { rect = { 3, 3, 9, 9 } })
  is_the_square(t, cut)
  t.eq({ cut.cutout:get(5, 4) }, { img:get(5, 4) })
  t.eq({ cut.cutout:get(1, 1) }, { 255, 255, 255 })
  t.eq(cut.options, { iterations = 5, components = 5, gamma = 50, largest = false })
  is_the_square(t, xai.grabcut(img, { rect = { x = 3, y = 3, w = 9, h = 9 } }))

  local mask = xai.tensor(pixels(function(x, y) return x >= 3 and x <= 10 and y >= 3 and y <= 10 and 3 or 0 end))
  local map = xai.tensor(pixels(function(x, y) return -(x - 6.5) ^ 2 - (y - 6.5) ^ 2 end))
  is_the_square(t, xai.grabcut(img, { mask = mask }))
  cut = xai.grabcut(img, { saliency = map })
  is_the_square(t, cut)
  t.eq(cut.options, { iterations = 1, components = 5, gamma = 50, largest = true })
  is_the_square(t, xai.grabcut(img, { saliency = map, hard = false, iterations = 3, object = 0.9, background = 0.4, components = 2 }))
end)

test("a result's map is cut from what the network saw", function(t)
  local b = require "xai.build"
  local net = b.net("small", b.seq { "conv", b.conv { 2, k = 3, pad = 1 }, "act", b.relu, "gap", b.gap, "flatten", b.flatten },
    { input = { 3, 12, 16 }, weights = "fill", preprocess = "none" })
  local img = square()
  local cut = xai.grabcut(img, { saliency = xai.occlusion(net, img, { target = 0, window = 3, stride = 1 }) })
  t.eq(cut.values:shape(), { 12, 16 })
  t.eq(cut.image.width, 16)
  cut:over(img)
  cut:heat()
  cut:over()
end)

test("grabcut says what it needs", function(t)
  local img = square()
  t.fails(function() xai.grabcut(img) end, "grabcut: expected one of saliency, rect and mask")
  t.fails(function() xai.grabcut(img, { rect = { 1, 1, 2, 2 }, mask = xai.zeros(12, 16) }) end, "expected one of saliency, rect and mask")
  t.fails(function() xai.grabcut(3) end, "grabcut: picture: expected an image, got a number")
  t.fails(function() xai.grabcut(img, { rct = 1 }) end, "did you mean 'rect'?")
  t.fails(function() xai.grabcut(img, { rect = { 1, 1, 17, 2 } }) end, "rect: 17x2 at 1, 1 does not lie in the picture of 16x12")
  t.fails(function() xai.grabcut(img, { rect = { 1, 1, 2 } }) end, "rect: h: expected an integer, got nil")
  t.fails(function() xai.grabcut(img, { rect = { 1, 1, 16, 12 } }) end, "no pixel of the background to learn from")
  t.fails(function() xai.grabcut(img, { mask = xai.zeros(12, 16) }) end, "no pixel of the object to learn from")
  t.fails(function() xai.grabcut(img, { mask = xai.zeros(3, 16) }) end, "mask: expected codes 0 to 3, 12x16 as the picture")
  t.fails(function() xai.grabcut(img, { mask = xai.zeros(12, 16) + 9 }) end, "mask: expected codes from 0 to 4, got 9")
  t.fails(function() xai.grabcut(img, { saliency = xai.zeros(12, 16) }) end, "is it the same everywhere?")
  t.fails(function() xai.grabcut(img, { saliency = 3 }) end, "saliency: expected a map or a result")
  t.fails(function() xai.grabcut(img, { saliency = xai.zeros(12, 16), object = 2 }) end, "object: expected a number from 0 to 1")
  t.fails(function() xai.grabcut(img, { rect = { 1, 1, 2, 2 }, hard = true }) end, "hard: goes with saliency")
  t.fails(function() xai.grabcut(img, { rect = { 1, 1, 2, 2 }, iterations = 0 }) end, "iterations: expected an integer from 1")
  t.fails(function() xai.grabcut(img, { rect = { 1, 1, 2, 2 }, gamma = -1 }) end, "gamma: expected a number from 0")
end)

done()
