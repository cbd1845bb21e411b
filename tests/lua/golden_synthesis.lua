-- Pictures that are made, and objects that are cut out, on the real ImageNet SqueezeNet, against float64 references.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local golden = dofile((arg[0]:gsub("[^/]*$", "")) .. "golden.lua")
local xai = require "xai"

local picture = golden.path "images/cat_dog.png"
local reference = golden.path "golden/squeezenet/cat_dog_243_bull_mastiff.safetensors"

local function load() return xai.load(golden.path "models/squeezenet1.1.onnx", { preprocess = "caffe" }) end

--- The first numbers of a curve, each within its share of the one wanted.
local function follows(t, got, want, tolerance)
  for i, w in ipairs(want) do
    local off = math.abs(got:get(i) - w) / math.abs(w)
    t.ok(off <= tolerance, ("step %d: %.9g, expected %.9g: off by %.2g"):format(i, got:get(i), w, off))
  end
end

local function mean(list, first, last)
  local sum = 0
  for i = first, last do sum = sum + list:get(i) end
  return sum / (last - first + 1)
end

-- From a flat picture the ascent begins with ties: all places of a map are the same, and rounding alone tells which of
-- them a maximum takes its gradient from. PyTorch in float64 makes the reference's digits; with every convolution's input
-- channels in another order, which changes the sixteenth digit, it is 8 % away in the second step and 56 % in the third
-- (inversion: up to 7 %). So of the reference's curve the first number binds, and its level.
test("class_ascent_20: the definition, as far as ties let it be followed", function(t)
  local net, want = load(), xai.read(reference).class_ascent_20_objective
  local e = xai.class_image(net, { target = 243, steps = 20, lr = 1, l2 = 1e-4 })
  t.eq(e.options.rule, "mean")
  t.eq(e.objective:shape(), want:shape())
  follows(t, e.objective, { want:get(1) }, 1e-5)
  local level, there = mean(e.objective, 4, 20), mean(want, 4, 20)
  t.ok(math.abs(level - there) < 0.15 * math.abs(there), ("mean of the last 17: %g, expected about %g"):format(level, there))
end)

test("inversion_fire9_20: the same for inversion from a flat picture", function(t)
  local net, want = load(), xai.read(reference).inversion_fire9_20_objective
  local e = xai.invert(net, xai.image(picture), { layer = "fire9/concat", init = "zeros", schedule = "constant", steps = 20, lr = 0.05 * 128,
    rule = "max", momentum = 0, sigma = 1, tv = 2 * 1e-6, tv_edges = false, bound = 2 * 1e-7 / 128 ^ 6, alpha = 6 })
  t.eq(e.objective:shape(), want:shape())
  follows(t, e.objective, { want:get(1) }, 1e-5)
  for i = 1, 20 do t.ok(math.abs(e.objective:get(i) - want:get(i)) < 0.12 * want:get(i), "step " .. i) end -- PyTorch: 0.065
end)

-- From a picture there are no ties. The numbers below were computed by PyTorch 1.13 in float64; its float32 differs by 1e-4 or
-- less in those that are listed.
test("an ascent from a picture is that of the definition, with and without momentum", function(t)
  local net = load()
  local x = net:prepare(xai.image(picture))
  -- objective = logit 282 - 1e-6 sum I^2;  I += 0.1 g / mean |g|
  local e = xai.class_image(net, x, { target = 282, init = "picture", steps = 8, lr = 0.1, l2 = 1e-6 })
  follows(t, e.objective, { -473.0060345681, -461.8817173964, -452.3131139485, -444.0666330124, -436.4631028283, -430.1328518846,
    -424.7399866567, -419.4161747087 }, 5e-4)
  -- m = 0.9 m + 0.02 g / mean |g|;  I += m
  e = xai.class_image(net, x, { target = 282, init = x, steps = 8, lr = 0.02, l2 = 1e-6, momentum = 0.9 })
  follows(t, e.objective, { -473.0060345681, -469.7843886076, -465.1901720952, -459.7296333517, -454.1986021098, -448.2429208927,
    -442.7917968484, -437.3870206200 }, 5e-4)
end)

test("an inversion from half a picture is that of the definition", function(t)
  local net = load()
  local x = net:prepare(xai.image(picture))
  -- the golden definition with 1e-9 for the variation, steps of 2 / max |g|
  local e = xai.invert(net, x, { layer = "fire9/concat", init = x * 0.5, schedule = "constant", steps = 10, lr = 2, rule = "max",
    momentum = 0, sigma = 1, tv = 2 * 1e-9, tv_edges = false, bound = 2 * 1e-7 / 128 ^ 6 })
  follows(t, e.objective, { 0.2331161518, 0.1890141438, 0.1617972848, 0.1524133135, 0.1391639743, 0.1318611346 }, 2e-3)
  follows(t, e.error, { 0.4640647448, 0.4138139524, 0.3794922717, 0.3669094182, 0.3483755803, 0.3377178788 }, 2e-3)
  -- the paper's own: sigma^2 E with tv = 100 and the fourth digit's bound, momentum 0.9, 0.0004 a step
  e = xai.invert(net, x, { layer = "fire9/concat", init = x * 0.5, schedule = "constant", steps = 12, lr = 0.0004, tv = 100 })
  t.near(e.sigma, 27098.1157 * math.sqrt(3 * 224 * 224 / 154587), 1e-6)
  follows(t, e.objective, { 1.4580813676, 1.9026046235, 2.8917529649, 4.3216653850 }, 2e-3)
  follows(t, e.error, { 0.4640647448, 0.8173378586, 0.9534493450, 0.9355748159 }, 2e-3)
end)

test("log-probabilities are inverted through the softmax", function(t)
  local net = load()
  local x = net:prepare(xai.image(picture))
  local e = xai.invert(net, x, { code = "log_probabilities", init = x * 0.5, schedule = "constant", steps = 12, lr = 0.0004, tv = 10 })
  follows(t, e.objective, { 0.3033924156, 0.3663026360, 0.5066110736, 0.7961592741, 1.3563702352, 1.8650989658 }, 2e-3)
  follows(t, e.error, { 0.4226494227, 0.4340585465, 0.3817906247, 0.3293897314, 0.4590347577 }, 5e-3)
  t.eq(e.label, "log-probabilities")
end)

test("an ascent from nothing finds its class", function(t)
  local net = load()
  local e = xai.class_image(net, { target = 130, steps = 40 })
  t.ok(e.p > 0.99 and e.score > 10 * e.scores:get(1), ("p %g, score %g"):format(e.p, e.score))
  t.eq(net:predict(e.values:reshape(1, 3, 224, 224), 1)[1].id, 130)
end)

--- Share of two masks' union that is in both.
local function iou(a, b)
  b = xai.tensor(b, "float32")
  local both = (a * b):sum()
  return both / (a:sum() + b:sum() - both)
end

test("GrabCut cuts what OpenCV cuts, from a rectangle and from a mask", function(t)
  local want, img = xai.read(golden.path "golden/grabcut/cat_dog.safetensors"), xai.image(picture)
  local cut = xai.grabcut(img, { rect = { x = 71, y = 11, w = 100, h = 135 } }) -- its positions count from 0
  t.ok(iou(cut.values, want.rect_mask_seed0) >= 0.98, "rectangle: " .. iou(cut.values, want.rect_mask_seed0))
  cut = xai.grabcut(img, { mask = want.saliency_init_mask })
  t.ok(iou(cut.values, want.saliency_mask_seed0) >= 0.98, "mask: " .. iou(cut.values, want.saliency_mask_seed0))
end)

test("one, two and four threads make the same pictures", function(t)
  local threads = xai.threads()
  local function results(n)
    xai.threads(n)
    local net = load()
    local x = net:prepare(xai.image(picture))
    return { xai.class_image(net, { target = 243, steps = 3, jitter = 4, seed = 1 }).values,
      xai.neuron_image(net, { at = "fire5/concat:7", steps = 3, seed = 1 }).values,
      xai.feature_image(net, { target = "fire5/concat:7", steps = 2, views = 2, grain = 5, seed = 1 }).values,
      xai.feature_image(net, { target = "fire5/concat:7", preset = "maco", size = 256, steps = 2, views = 2, seed = 1 }).values,
      xai.invert(net, x, { layer = "pool3", steps = 3, seed = 1 }).values }
  end
  local one = results(1)
  for _, n in ipairs { 2, 4 } do
    for i, r in ipairs(results(n)) do t.eq((r - one[i]):abs():max(), 0, ("result %d with %d threads"):format(i, n)) end
  end
  xai.threads(threads)
end)

done()
