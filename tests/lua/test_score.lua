-- Scores of explanations: every measure against numbers worked by hand, and laws.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"
local b = require "xai.build"
local score = xai.score

-- Scores that are linear in the pixels 1 2; 3 4:   z0 = x1 - x2 + 2 x3 + x4 / 2 + 1/2 = 1 - 2 + 6 + 2 + 0.5 = 7.5,   z1 = 0
local function line(w, bias)
  return b.net("line", b.seq { "flat", b.flatten, "fc", b.linear { 2 } }, { input = { 1, 2, 2 },
    weights = { ["fc.weight"] = xai.tensor { w or { 1, -1, 2, 0.5 }, { 0, 0, 0, 0 } }, ["fc.bias"] = xai.tensor(bias or { 0.5, 0 }) } })
end
local X = xai.tensor { { { { 1, 2 }, { 3, 4 } } } }
local FALLING = xai.tensor { { 4, 3 }, { 2, 1 } } -- an order: pixel after pixel
local function softmax(z) return 1 / (1 + math.exp(-z)) end -- of z0 beside z1 = 0

local function mask(rows) return xai.tensor(rows, "uint8") end

-- ---- against the truth -----------------------------------------------------------------------------------------------

local MAP = xai.tensor { { 0, 1, 0, 0 }, { 1, 9, 5, 0 }, { 0, 5, 4, 0 }, { 0, 0, 0, 0 } }

test("pointing: the maximum at column 2, row 2 lies in a box, a mask, an object, or one of a list", function(t)
  local hit, miss = { x = 2, y = 2, w = 2, h = 2 }, { x = 3, y = 3, w = 2, h = 2 }
  local spot = mask { { 0, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } }
  t.eq(score.pointing(MAP, hit), 1)
  t.eq(score.pointing(MAP, miss), 0)
  t.eq(score.pointing(MAP, spot), 1)
  t.eq(score.pointing(MAP, { miss, hit }), 1)
  t.eq(score.pointing(MAP, { box = miss, mask = spot }), 0)
  t.eq(score.pointing(MAP, { box = miss, mask = spot }, { region = "mask" }), 1)
  t.eq(score.pointing(MAP, { mask = spot }, { region = "box" }), 1, "what there is")
  t.eq(score.pointing(MAP, miss, { tolerance = 1.41 }), 0) -- sqrt(2) away
  t.eq(score.pointing(MAP, miss, { tolerance = 1.42 }), 1)
end)

test("pointing: smoothing first finds the broad region, not the lone pixel", function(t)
  local rows = {}
  for y = 1, 20 do
    rows[y] = {}
    for x = 1, 20 do rows[y][x] = x == 3 and y == 3 and 2 or x > 10 and y > 10 and 1 or 0 end
  end
  local map, broad = xai.tensor(rows), { x = 11, y = 11, w = 10, h = 10 }
  t.eq(score.pointing(map, broad), 0)
  t.eq(score.pointing(map, broad, { smooth = 0.1 }), 1)
end)

test("pointing: a map of another resolution is resized to the mask", function(t)
  local coarse = xai.tensor { { 0, 0 }, { 0, 1 } }
  t.eq(score.pointing(coarse, mask { { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 1 } }), 1)
  t.eq(score.pointing(coarse, { { x = 7, y = 7, w = 2, h = 2 }, width = 8, height = 8 }), 1)
end)

test("iou: 1 shared pixel of 4 + 4 is 1/7, in either order; the best of several counts", function(t)
  local a, c = { x = 1, y = 1, w = 2, h = 2 }, { x = 2, y = 2, w = 2, h = 2 }
  t.near(score.iou(a, c), 1 / 7)
  t.near(score.iou(c, a), 1 / 7)
  t.eq(score.iou(a, a), 1)
  t.eq(score.iou(a, { x = 3, y = 1, w = 2, h = 2 }), 0, "touching")
  t.eq(score.iou(a, { c, a }), 1)
  t.eq(score.iou(a, { { box = c }, { box = a } }), 1)
end)

test("iou: the map's box is that of the largest region above a share of the maximum", function(t)
  -- above 0.2 * 9 = 1.8 are 9 5 / 5 4: the box is x = 2, y = 2, 2 x 2; above 0.5 * 9 = 4.5 the same; above 0.6 * 9 the 9 alone
  local truth = { x = 2, y = 2, w = 2, h = 2 }
  local iou, box = score.iou(MAP, truth)
  t.eq({ iou, box.x, box.y, box.w, box.h }, { 1, 2, 2, 2, 2 })
  t.eq(score.iou(MAP, truth, { threshold = 0.6 }), 0.25)
  t.eq(score.iou(MAP, truth, { threshold = 0.1 }), 4 / 9) -- above 0.9 the ones count too: 3 x 3
  t.eq(score.iou(xai.zeros(3, 3), truth), 0, "no box")
end)

test("iou: of Grad-CAM the threshold is 15 %, of the others 20 %", function(t)
  local net, x = tiny.load(), tiny.x()
  for method, columns in pairs { gradcam = 2, saliency = 1 } do
    local e = xai[method](net, x, { target = 0 })
    e.values, e.reduce, e.height, e.width = xai.tensor { { 10, 1.8, 0 }, { 0, 0, 0 } }, "none", 2, 3
    t.eq(score.iou(e, { x = 1, y = 1, w = columns, h = 1 }), 1, method)
  end
end)

test("localization error: below an IoU of 0.5 it is 1, and where the class is not among the best", function(t)
  local truth = { x = 2, y = 2, w = 2, h = 2 }
  t.eq(score.localization_error(MAP, truth), 0)
  t.eq(score.localization_error(MAP, truth, { threshold = 0.6 }), 1)
  t.eq(score.localization_error(MAP, truth, { threshold = 0.1 }), 1)
  t.eq(score.localization_error(MAP, truth, { threshold = 0.1, overlap = 0.4 }), 0)
  local net, x = tiny.load(), tiny.x() -- logits 1.5 1.75 2.25
  local whole = { x = 1, y = 1, w = 4, h = 4 }
  local function of(class, top)
    local e = xai.saliency(net, x, { target = class })
    e.values, e.reduce = xai.zeros(4, 4) + 1, "none"
    return score.localization_error(e, whole, { top = top })
  end
  t.eq({ of(2, 1), of(1, 1), of(1, 2), of(0, 2), of(0) }, { 0, 1, 0, 1, 0 })
  t.fails(function() score.localization_error(MAP, truth, { top = 1 }) end, "localization_error: top: expected the explanation of a class")
end)

test("mass and rank: 9 + 5 of 25 lie in the mask, and two of the three largest", function(t)
  local m = mask { { 0, 0, 0, 0 }, { 0, 1, 1, 1 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } }
  t.near(score.mass(MAP, m), 14 / 25)
  t.near(score.rank(MAP, m), 2 / 3)
  t.near(score.mass(MAP - 4, { x = 1, y = 1, w = 2, h = 2 }), 5 / 7) -- what is negative does not count: 5 of 5 + 1 + 1
end)

test("a map that is the mask is perfect: pointing, mass, rank and IoU are 1", function(t)
  local rows = { { 0, 0, 0, 0 }, { 0, 0, 1, 1 }, { 0, 0, 1, 1 }, { 0, 0, 0, 0 } }
  local map, truth = xai.tensor(rows), { mask = mask(rows), box = { x = 3, y = 2, w = 2, h = 2 } }
  t.eq({ score.pointing(map, truth), score.mass(map, truth), score.rank(map, truth), (score.iou(map, truth)) }, { 1, 1, 1, 1 })
end)

test("a constant map points at the first pixel, and ranks by position", function(t)
  local map = xai.zeros(2, 3) + 1
  t.eq(score.pointing(map, { x = 1, y = 1, w = 1, h = 1 }), 1)
  t.eq(score.pointing(map, { x = 2, y = 1, w = 2, h = 2 }), 0)
  t.eq(score.rank(map, { x = 1, y = 1, w = 3, h = 1 }), 1)
  t.eq(score.rank(map, { x = 1, y = 2, w = 3, h = 1 }), 0)
end)

-- Peaks of this map: 9 at column 2, row 2, and 5 at column 4, row 4, which is 0.56 of 9; its neighbours 4 are below it. The 6 beside
-- the 9 is no peak.
local HILLS = xai.tensor { { 0, 0, 0, 0 }, { 0, 9, 6, 0 }, { 0, 0, 0, 4 }, { 0, 0, 4, 5 } }

test("instances: of three things those count that have a peak of half of the maximum", function(t)
  local first, second = { x = 2, y = 2, w = 1, h = 1 }, { x = 4, y = 4, w = 1, h = 1 }
  local third = mask { { 0, 0, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 1 }, { 0, 0, 0, 0 } } -- bright, but no top
  local found, on, peaks = score.instances(HILLS, { first, second, third })
  t.near({ found, on, #peaks }, { 2 / 3, 1, 2 })
  t.eq({ peaks[1].x, peaks[1].y, peaks[1].value, peaks[1].object }, { 2, 2, 9, 1 })
  t.eq({ peaks[2].x, peaks[2].y, peaks[2].value, peaks[2].object }, { 4, 4, 5, 2 })
  t.near((score.instances(HILLS, { first, second, third }, { share = 0.6 })), 1 / 3)
  t.near((select(2, score.instances(HILLS, { first, third }))), 0.5) -- one of two peaks lies on a thing
  t.eq((score.instances(xai.zeros(4, 4), first)), 0)
end)

test("instances: a coarse map's peak is where its middle is in the picture", function(t)
  local coarse = xai.tensor { { 0, 0 }, { 0, 1 } } -- the middle of its last value: 0.75 of 8, the sixth pixel
  local function at(x) return (score.instances(coarse, { { x = x, y = x, w = 1, h = 1 }, width = 8, height = 8 })) end
  t.eq({ at(5), at(6), at(7) }, { 0, 1, 0 })
end)

test("sparseness: 1 2 3 4 has the Gini index 0.25, one pixel of four 0.75, equal ones 0", function(t)
  t.near(score.sparseness(FALLING), 0.25)
  t.near(score.sparseness(xai.tensor { { 0, -3 }, { 0, 0 } }), 0.75)
  t.near(score.sparseness(xai.zeros(2, 2) + 3), 0)
end)

-- ---- insertion and deletion ------------------------------------------------------------------------------------------

test("deletion of a linear score is the closed form, and the batch does not matter", function(t)
  local net, want = line(), { 7.5, 6.5, 8.5, 2.5, 0.5 } -- minus 1, -2, 6, 2
  for batch = 0, 6 do
    local d = score.deletion(net, X, FALLING, { step = 1, class = 0, score = "logit", batch = batch })
    t.eq(d.curve, want)
    t.eq(d.shares, { 0, 0.25, 0.5, 0.75, 1 })
    t.near(d.auc, (7.5 / 2 + 6.5 + 8.5 + 2.5 + 0.5 / 2) / 4)
  end
  local reversed = score.deletion(net, X, -FALLING, { step = 1, class = 0, score = "logit" })
  t.eq(reversed.curve, { 7.5, 5.5, -0.5, 1.5, 0.5 }) -- minus 2, 6, -2, 1
end)

test("deletion: the last step may be shorter; the fill is in network units; the default step is the width", function(t)
  local net = line()
  local d = score.deletion(net, X, FALLING, { step = 3, class = 0, score = "logit" })
  t.eq(d.curve, { 7.5, 2.5, 0.5 })
  t.near(d.auc, 0.75 * (7.5 + 2.5) / 2 + 0.25 * (2.5 + 0.5) / 2)
  t.eq(score.deletion(net, X, FALLING, { class = 0, score = "logit" }).curve, { 7.5, 8.5, 0.5 })
  -- all pixels -1: -1 + 1 - 2 - 0.5 + 0.5 = -2
  t.eq(score.deletion(net, X, FALLING, { class = 0, score = "logit", fill = -1.0, step = 4 }).curve, { 7.5, -2 })
end)

test("insertion goes from the blurred picture to the picture", function(t)
  -- a window of 3 that is as good as flat makes every pixel of 2 x 2 the sum over 9: 10/9; z0 = 2.5 * 10/9 + 0.5
  local i = score.insertion(line(), X, FALLING, { step = 1, class = 0, score = "logit", size = 3, sigma = 1e6 })
  local z = { 2.5 * 10 / 9 + 0.5 }
  for k, w in ipairs { 1, -1, 2, 0.5 } do z[k + 1] = z[k] + w * (k - 10 / 9) end
  t.near(i.curve, z, 1e-5)
  t.near(i.curve[5], 7.5)
end)

test("insertion and deletion start and end at the picture and the start, in opposite order", function(t)
  local net = line()
  local d = score.deletion(net, X, FALLING, { step = 1, class = 0 })
  t.near({ d.curve[1], d.curve[5] }, { softmax(7.5), softmax(0.5) })
  local i = score.insertion(net, X, FALLING, { step = 1, class = 0, size = 1, sigma = 1.0 }) -- not blurred at all
  t.near({ i.curve[1], i.curve[5], i.auc }, { softmax(7.5), softmax(7.5), softmax(7.5) })
end)

test("where the score does not depend on the picture the area is the score", function(t)
  local net = line({ 0, 0, 0, 0 }, { math.log(3), 0 }) -- 3/4 and 1/4
  for step = 1, 4 do
    t.near(score.deletion(net, X, FALLING, { step = step, class = 0 }).auc, 0.75)
    t.near(score.insertion(net, X, FALLING, { step = step, class = 1 }).auc, 0.25)
  end
end)

test("the class is that of the explanation, or the one named, by id or label", function(t)
  local net = tiny.load { preprocess = "none", labels = { "cat", "dog", "tree" } }
  local x = tiny.x()
  local e = xai.saliency(net, x, { target = "dog" })
  local want = score.deletion(net, x, e, { class = 1 }).curve
  t.eq(score.deletion(net, x, e).curve, want)
  t.eq(score.deletion(net, x, e, { class = "dog" }).curve, want)
  t.near(want[1], net:predict(x, 3)[2].p)
  t.fails(function() score.deletion(net, x, e:map()) end, "score.deletion: class: the map says of none, so name one")
  t.fails(function() score.deletion(net, x, e, { class = 3 }) end, "class: expected an id from 0 to 2 or a label, got 3")
  t.fails(function() score.deletion(net, x, e, { class = "dgo" }) end, "did you mean 'dog'?")
end)

-- ---- confidence ------------------------------------------------------------------------------------------------------

test("drop: the picture times the map 1 2/3 1/3 0 scores 1 - 4/3 + 2 + 0.5", function(t)
  local net = line()
  local drop, kept, y = score.drop(net, X, FALLING, { class = 0, score = "logit" })
  t.near({ drop, kept, y }, { (7.5 - 13 / 6) / 7.5, 13 / 6, 7.5 })
  t.near(select(2, score.drop(net, X, FALLING, { class = 0, score = "logit", keep = 0.5 })), 1 - 4 / 3 + 0.5)
  t.near(score.drop(net, X, FALLING, { class = 0 }), 1 - softmax(13 / 6) / softmax(7.5))
  t.eq(score.drop(net, X, xai.zeros(2, 2) + 4, { class = 0 }), 0, "a constant map hides nothing")
end)

test("increase: 1 when hiding by the map makes the class more probable", function(t)
  local net = line()
  t.eq(score.increase(net, X, FALLING, { class = 0 }), 0)
  t.eq(score.increase(net, X, FALLING, { class = 1 }), 1)
  t.eq(score.drop(net, X, FALLING, { class = 1 }), 0)
end)

-- ---- infidelity and sensitivity --------------------------------------------------------------------------------------

test("infidelity of a linear score's gradient is 0, of a multiple 0 when normalised", function(t)
  local net = line()
  local w = xai.tensor { { 1, -1 }, { 2, 0.5 } }
  local value, beta = score.infidelity(net, X, w, { class = 0, sigma = 0.1 })
  t.near({ value, beta }, { 0, 1 }, 1e-5)
  value, beta = score.infidelity(net, X, w * 4, { class = 0, sigma = 0.1, normalise = true })
  t.near({ value, beta }, { 0, 0.25 }, 1e-5)
  t.ok(score.infidelity(net, X, w * 4, { class = 0, sigma = 0.1 }) > 0.01)
  local e = xai.input_x_gradient(net, X, { target = 0 })
  e.values = e.values / X:reshape(1, 2, 2)
  t.near(score.infidelity(net, X, e, { sigma = 0.1 }), 0, 1e-5)
end)

test("infidelity of nothing is the mean square of the score's changes", function(t)
  -- I has deviation 0.1 * (4 - 1), so the change has the variance 0.09 * (1 + 1 + 4 + 1/4); of 4000 within 4 sqrt(2 / 4000) = 9 %
  local value, beta = score.infidelity(line(), X, xai.zeros(2, 2), { class = 0, sigma = 0.1, samples = 4000 })
  t.ok(math.abs(value / (0.09 * 6.25) - 1) < 0.09, value)
  t.eq(beta, 0)
end)

test("infidelity takes the map for each channel, and does not depend on the batch", function(t)
  local net, x = tiny.load(nil, 3), xai.tensor(xai.zeros(1, 3, 4, 4))
  x = xai.randn(1, 3, 4, 4)
  local map, one = xai.randn(4, 4), nil
  for batch = 0, 4 do
    local value = score.infidelity(net, x, map, { class = 0, batch = batch })
    one = one or value
    t.eq(value, one)
  end
end)

test("sensitivity of a linear score's gradient is 0, of input times gradient that of the input", function(t)
  local net = line()
  t.eq(score.sensitivity("saliency", net, X, { target = 0 }), 0)
  local s = score.sensitivity("input_x_gradient", net, X, { target = 0, radius = 0.1 })
  -- |w d| / |w x| with |d| <= 0.1 * 3: at most 0.3 sqrt(6.25) / sqrt(1 + 4 + 36 + 4)
  t.ok(s > 0 and s <= 0.3 * math.sqrt(6.25 / 45), s)
  t.eq(score.sensitivity(function() return FALLING end, net, X), 0)
  t.eq(score.sensitivity(function(_, x) return x:reshape(2, 2) * 0 end, net, X), 0)
end)

-- ---- randomisation ---------------------------------------------------------------------------------------------------

test("randomisation goes from the top down and adds up; a method that does not look at the network stays alike", function(t)
  local net, x, views = tiny.load(), tiny.x(), {}
  local stages = score.randomization(function(view)
    views[#views + 1] = view
    return MAP
  end, net, x)
  t.eq(#stages, 2)
  t.eq({ stages[1].layer, stages[2].layer }, { "fc", "conv1" })
  for _, stage in ipairs(stages) do t.eq({ stage.spearman, stage.ssim }, { 1, 1 }) end
  local function changed(view, layer) return (view:weight(layer) - net:weight(layer)):norm() > 0 end
  t.eq({ changed(views[1], "fc"), changed(views[2], "fc"), changed(views[2], "conv1"), changed(views[3], "fc"), changed(views[3], "conv1") },
    { false, true, false, true, true })
end)

test("randomisation explains the same class throughout, in the layers asked for", function(t)
  local targets = {}
  local stages = score.randomization(function(net, x, options)
    local e = xai.saliency(net, x, options)
    targets[#targets + 1] = e.class
    return e
  end, tiny.load(), tiny.x(), { layers = { "conv1" } })
  t.eq({ #stages, stages[1].layer, targets }, { 1, "conv1", { 2, 2 } }) -- 2 is the most probable one
  t.ok(stages[1].spearman < 1)
end)

test("two maps: the same ranks give 1, reversed ones -1, the same structure 1", function(t)
  t.eq(score.spearman(FALLING, FALLING * 3), 1)
  t.eq(score.spearman(FALLING, -FALLING), -1)
  t.eq(score.ssim(MAP, MAP), 1)
  t.fails(function() score.ssim(MAP, FALLING) end, "score: maps of different sizes: 4x4 and 2x2")
end)

-- ---- sets ------------------------------------------------------------------------------------------------------------

--- A picture of class 0 or 1 whose object has a box in the corner: 1, 2, 3 or 4 in reading order.
local function scene(class, corner)
  local x, y = (corner - 1) % 2 + 1, (corner - 1) // 2 + 1
  return { image = X, objects = { { class = class, box = { x = x, y = y, w = 1, h = 1 } } } }
end

test("a set: mean, standard error and number, by class and over classes", function(t)
  -- pixel 1 is pointed at: class 0 has hits 1 1 0, class 1 has 0; mean 2/4, deviation sqrt(4 * 0.25 / 3), error that over 2
  local set = { scene(0, 1), scene(0, 1), scene(0, 4), scene(1, 2) }
  local r = score(function() return FALLING end, line(), set, { metrics = { "pointing", "sparseness" } })
  t.eq({ r.method, r.pictures, r.objects, r.stopped, #r }, { "function", 4, 4, false, 2 })
  t.near({ r.pointing.mean, r.pointing.se, r.pointing.n }, { 0.5, math.sqrt(1 / 3) / 2, 4 })
  t.near({ r.pointing.by_class["0"].mean, r.pointing.by_class["1"].mean, r.pointing.class_mean }, { 2 / 3, 0, 1 / 3 })
  t.eq({ r.pointing.by_class["0"].n, r.pointing.by_class["1"].n, r.pointing.by_class["1"].se }, { 3, 1, nil })
  t.eq(rawequal(r[1], r.pointing) and r[2].metric, "sparseness")
  t.near({ r.sparseness.mean, r.sparseness.se }, { 0.25, 0 })
end)

test("a set prints as aligned columns", function(t)
  local r = score(function() return FALLING end, line(), { scene(0, 1), scene(1, 2) }, { metrics = { "pointing", "rank" } })
  r.seconds = 0.25
  t.eq(tostring(r), table.concat({ "function: 2 pictures, 2 objects, 0.25 s for a map",
    "metric     mean     +-  n  mean of classes",
    "pointing  0.500  0.500  2            0.500",
    "rank      0.500  0.500  2            0.500",
    "class  n  pointing   rank",
    "0      1     1.000  1.000",
    "1      1     0.000  0.000" }, "\n"))
end)

test("each class of a picture is asked for, its objects together; or the largest object", function(t)
  local net, asked = tiny.load { preprocess = "none", labels = { "cat", "dog", "tree" } }, {}
  local set = { { image = tiny.x(), objects = {
    { class = "dog", box = { x = 1, y = 1, w = 1, h = 1 } }, { class = "cat", box = { x = 4, y = 4, w = 1, h = 1 } },
    { class = "dog", box = { x = 3, y = 1, w = 2, h = 2 } }, { class = "tree", mask = mask { { 0, 0, 0, 0 }, { 0, 0, 0, 0 },
      { 0, 0, 0, 0 }, { 0, 0, 0, 0 } } } } } }
  local function spot(_, _, options) -- points at column 3, row 1
    asked[#asked + 1] = options.target
    return xai.tensor { { 0, 0, 1, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } }
  end
  local r = score(spot, net, set, { metrics = { "pointing", "iou" } })
  t.eq(asked, { 1, 0 }) -- nothing of the tree can be seen
  t.eq({ r.pointing.by_class.dog.mean, r.pointing.by_class.cat.mean, r.iou.by_class.dog.mean }, { 1, 0, 0.25 })
  asked = {}
  r = score(spot, net, set, { metrics = { "pointing" }, target = "largest" })
  t.eq({ asked, r.pointing.n }, { { 1 }, 1 })
end)

test("objects are matched by label, or by id where there are no labels", function(t)
  local labelled = tiny.load { preprocess = "none", labels = { "cat", "dog", "tree" } }
  local function ids(net, object)
    local got
    object.box = { x = 1, y = 1, w = 2, h = 2 }
    score(function(_, _, o) got = o.target return MAP end, net, { { image = tiny.x(), objects = { object } } }, { metrics = { "pointing" } })
    return got
  end
  t.eq(ids(labelled, { class = "tree", label = 7 }), 2)
  t.eq(ids(tiny.load(), { class = "tree", label = 1 }), 1)
  t.eq(ids(tiny.load(), { class = 2 }), 2)
  t.fails(function() ids(labelled, { class = "bird" }) end, "score: picture 1: the network has no class 'bird'")
  t.fails(function() ids(tiny.load(), { class = "tree" }) end, "an id from 0 to 2")
  t.fails(function() ids(tiny.load(), { label = 3 }) end, "an id from 0 to 2")
end)

test("every method and every metric runs over a set, with options for both", function(t)
  local net = tiny.load()
  local set = { { image = tiny.x(), objects = { { class = 1, box = { x = 1, y = 1, w = 2, h = 2 } } } } }
  for _, method in ipairs { "random", table.unpack(xai.methods "maps") } do
    local r = score(method, net, set, { metrics = score.metrics(), deletion = { step = 4 }, sensitivity = { samples = 2 },
      options = method == "occlusion" and { window = 2 } or nil })
    t.eq(#r, 15)
    for _, row in ipairs(r) do t.ok(row.n == 1 and row.mean == row.mean, method .. ": " .. row.metric) end
  end
  t.fails(function() score("invert", net, set, {}) end, "score: invert makes pictures: there is no map to score")
  t.fails(function() score("gradcam", net, set, { options = { relo = true } }) end, "gradcam: unknown option 'relo'")
end)

test("a map of random numbers scores by chance: the region's share of the picture", function(t)
  local set, net = {}, b.net("any", b.seq { "flat", b.flatten, "fc", b.linear { 2 } }, { input = { 1, 8, 8 }, weights = "fill" })
  for i = 1, 400 do -- boxes of 4 x 4 in 8 x 8, at any place
    set[i] = { image = xai.zeros(1, 1, 8, 8), objects = { { class = i % 2, box = { x = i % 5 + 1, y = i // 5 % 5 + 1, w = 4, h = 4 } } } }
  end
  local r = score("random", net, set, { metrics = { "pointing", "mass", "rank" } })
  t.ok(math.abs(r.pointing.mean - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 400), r.pointing.mean)
  for _, row in ipairs { r.mass, r.rank } do
    t.ok(math.abs(row.mean - 0.25) < 4 * row.se and row.se < 0.01, row.metric .. ": " .. row.mean)
  end
  t.eq(score("random", net, set, { metrics = { "mass" } }).mass.mean, r.mass.mean, "the same seed, the same numbers")
end)

test("scenes are a set", function(t)
  local found, set = pcall(xai.scenes, { seed = 4, size = 64, objects = 2, count = 5 })
  if not found then t.skip(set) end
  local net = xai.zoo.squeezenet1_1 { weights = "fill", width = 0.25, size = 64, classes = 24 }
  local r = score("random", net, set, { metrics = { "mass", "iou" }, count = 3 })
  t.eq({ r.pictures, r.objects, r.iou.n }, { 3, 6, 6 })
  net = xai.zoo.squeezenet1_1 { weights = "fill", width = 0.25, size = 48, classes = 24 }
  t.fails(function() score("random", net, set) end, "a picture of 64x64 is cropped for the network, so boxes would not fit (expected 48x48)")
end)

test("an interrupt keeps what there is", function(t)
  local calls, set = 0, {}
  for i = 1, 50 do set[i] = scene(0, 1) end
  local r = score(function()
    calls = calls + 1
    if calls == 3 then io.popen("kill -INT $PPID"):close() end
    return FALLING
  end, line(), set, { metrics = { "pointing" } })
  if not r.stopped then t.skip "interrupts are ignored here" end
  t.eq({ r.pictures, r.pointing.n, r.pointing.mean }, { 2, 2, 1 })
  t.ok(tostring(r):find("interrupted", 1, true))
end)

-- ---- what a network has learnt ---------------------------------------------------------------------------------------

--- As xai.train takes it: pictures x, class ids, shares.
local function data(x, ids, shares, classes)
  local function part(t, first, n) return xai.tensor(table.move(t, first, first + n - 1, 1, {}), nil) end
  return setmetatable({ classes = classes, batch = function(_, first, n)
    return part(x, first, n), table.move(ids, first, first + n - 1, 1, {}), shares and part(shares, first, n)
  end }, { __len = function() return #ids end })
end

-- The scores are the pixels: 4 classes. Of equal ones the first counts as more probable.
local function reader(labels)
  local net = b.net("reader", b.seq { "flat", b.flatten, "fc", b.linear { 4, bias = false } }, { input = { 1, 2, 2 },
    weights = { ["fc.weight"] = xai.tensor { { 1, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 1 } } } })
  return labels and require "xai.core".set_labels(net, labels) or net
end
local PICTURES = { { { { 4, 3 }, { 2, 1 } } }, { { { 0, 5 }, { 5, 1 } } }, { { { 1, 2 }, { 3, 4 } } } }

test("accuracy: the class among the most probable, with mean, standard error and by class", function(t)
  -- orders of classes: 0 1 2 3; 1 2 3 0; 3 2 1 0
  local set = data(PICTURES, { 0, 2, 2 })
  for batch = 1, 4 do
    local r = score.accuracy(reader(), set, { batch = batch })
    t.eq({ r.n, r.mean, r.by_class["0"].mean, r.by_class["2"].mean, r.by_class["2"].n }, { 3, 1 / 3, 1.0, 0.0, 2 })
    t.near(r.se, math.sqrt((4 / 9 + 1 / 9 + 1 / 9) / 2 / 3))
  end
  t.eq(score.accuracy(reader(), set, { top = 2 }).mean, 1.0)
end)

test("accuracy: all classes that are in a picture", function(t)
  local set = data(PICTURES, { 0, 2, 2 }, { { 0.5, 0.5, 0, 0 }, { 0, 0.5, 0.5, 0 }, { 0, 0.5, 0.5, 0 } })
  t.near(score.accuracy(reader(), set, { all = true, top = 2 }).mean, 2 / 3) -- of the third 1 is only the third best
  t.eq(score.accuracy(reader(), set, { all = true, top = 3 }).mean, 1.0)
  t.eq(score.accuracy(reader(), set, { all = true }).mean, 0.0)
  t.fails(function() score.accuracy(reader(), data(PICTURES, { 0, 2, 2 }), { all = true }) end, "score.accuracy: all: the data give no shares")
end)

test("accuracy: labels are matched by their text", function(t)
  local set = data(PICTURES, { 0, 1, 1 }, nil, { "a", "c" })
  local r = score.accuracy(reader { "a", "b", "c", "d" }, set, { top = 2 })
  t.eq({ r.mean, r.by_class.a.n, r.by_class.c.n }, { 1.0, 1, 2 })
  t.eq(score.accuracy(reader(), set).mean, 2 / 3) -- without texts: 0 1 1
  t.fails(function() score.accuracy(reader { "a", "b", "x", "d" }, set) end, "'c'")
  t.fails(function() score.accuracy(reader(), set, { top = 0 }) end, "score.accuracy: top: expected at least 1, got 0")
end)

-- The numbers themselves are worked in tests/c/score/test_filter.c.
test("filters: a grating is smooth and oriented, a blob smooth, noise neither", function(t)
  local grating, blob = {}, {}
  for y = 1, 9 do
    grating[y], blob[y] = {}, {}
    for x = 1, 9 do
      grating[y][x], blob[y][x] = math.cos(2 * math.pi * x / 8), math.exp(-((x - 5) ^ 2 + (y - 5) ^ 2) / 4)
    end
  end
  local noise = xai.randn(9, 9):totable()
  local r = score.filters(xai.tensor { { grating }, { noise }, { blob }, { noise } })
  t.eq({ #r, r.smooth, r.oriented }, { 4, 2, 1 })
  t.eq({ r[1].kind, r[2].kind, r[3].kind, r[3].colour }, { "oriented", "other", "other", nil }) -- one channel has no colour
  t.ok(r[1].oriented > 0.6 and r[3].oriented < 1e-6 and r[2].oriented < 0.4)
  t.fails(function() score.filters(xai.zeros(3, 3)) end, "score.filters: weights: expected filters, float32 N x C x KH x KW")
end)

-- ---- refusals --------------------------------------------------------------------------------------------------------

test("what makes no sense is refused, with the nearest name", function(t)
  local net, set = line(), { scene(0, 1) }
  t.fails(function() score("gradcan", net, set) end, "score: no method 'gradcan' (methods: ")
  t.fails(function() score("gradcan", net, set) end, "did you mean 'gradcam'?")
  t.fails(function() score("saliency", net, set, { metrics = { "pointin" } }) end, "score: no metric 'pointin' (metrics: pointing, iou, ")
  t.fails(function() score("saliency", net, set, { metrics = "iou" }) end, "score: metrics: expected a table, got a string")
  t.fails(function() score("saliency", net, set, { metric = {} }) end, "score: unknown option 'metric'")
  t.fails(function() score("saliency", net, set, { target = "all" }) end, "score: target: expected 'each object' or 'largest', got 'all'")
  t.fails(function() score("saliency", net, 3) end, "score: set: expected scenes or a list of pictures, got a number")
  t.fails(function() score("saliency", net, { X }) end, "score: picture 1: expected { image =, objects = ")
  t.fails(function() score(function() return 3 end, net, set) end, "score: the method: expected an explanation or a map H x W, got a number")
  t.fails(function() score("saliency", net, set, { pointing = { tolerence = 3 } }) end, "score.pointing: unknown option 'tolerence'")
end)

test("every measure refuses options that it does not have, of another kind, or out of range", function(t)
  local net, box = line(), { x = 1, y = 1, w = 1, h = 1 }
  for name, call in pairs {
    pointing = function(o) score.pointing(MAP, box, o) end, iou = function(o) score.iou(MAP, box, o) end,
    localization_error = function(o) score.localization_error(MAP, box, o) end, mass = function(o) score.mass(MAP, box, o) end,
    rank = function(o) score.rank(MAP, box, o) end, instances = function(o) score.instances(MAP, box, o) end, sparseness = function(o) score.sparseness(MAP, o) end,
    insertion = function(o) score.insertion(net, X, FALLING, o) end, deletion = function(o) score.deletion(net, X, FALLING, o) end,
    drop = function(o) score.drop(net, X, FALLING, o) end, increase = function(o) score.increase(net, X, FALLING, o) end,
    infidelity = function(o) score.infidelity(net, X, FALLING, o) end,
    sensitivity = function(o) score.sensitivity("saliency", net, X, o) end,
    randomization = function(o) score.randomization("saliency", net, X, o) end } do
    t.fails(function() call { colour = 1 } end, ("score.%s: unknown option 'colour'"):format(name == "increase" and "drop" or name))
  end
  t.fails(function() score.pointing(MAP, box, { tolerance = "3" }) end, "score.pointing: tolerance: expected a number, got a string")
  t.fails(function() score.pointing(MAP, box, { tolerance = -1 }) end, "score.pointing: tolerance: expected at least 0, got -1")
  t.fails(function() score.pointing(MAP, box, { region = "boxes" }) end, "region: expected box or mask, got 'boxes'")
  t.fails(function() score.deletion(net, X, FALLING, { class = 0, step = 1.5 }) end, "step: expected a whole number, got 1.5")
  t.fails(function() score.deletion(net, X, FALLING, { class = 0, score = "probability" }) end, "score: expected prob or logit")
  t.fails(function() score.infidelity(net, X, FALLING, { class = 0, samples = 0 }) end, "samples: expected at least 1, got 0")
  t.fails(function() score.insertion(net, X, FALLING, { class = 0, size = 4 }) end, "size: expected an odd number of pixels")
  t.fails(function() score.insertion(net, X, FALLING, { class = 0, sigma = 0.0 }) end, "sigma: expected a number above 0")
  t.fails(function() score.drop(net, X, FALLING, { class = 0, keep = 1.5 }) end, "keep: expected a share")
end)

test("regions that are none are refused", function(t)
  t.fails(function() score.pointing(MAP, 3) end, "score.pointing: expected a box, a mask, an object or a list of them, got a number")
  t.fails(function() score.pointing(MAP, {}) end, "score.pointing: the truth is empty")
  t.fails(function() score.pointing(MAP, { x = 1 }) end, "score: y: expected an integer")
  t.fails(function() score.pointing(3, { x = 1, y = 1, w = 1, h = 1 }) end, "score.pointing: expected an explanation or a map H x W, got a number")
  t.fails(function() score.mass(MAP, xai.zeros(4, 4)) end, "region: expected uint8 H x W, got a tensor 4x4")
  t.fails(function() score.rank(MAP, { x = 9, y = 9, w = 1, h = 1 }) end, "score: the region is empty")
  t.fails(function() score.iou(MAP, mask { { 1 } }) end, "score.iou: expected a box, got a mask")
end)

done()
