-- Class activation mapping: which ends of networks it finds, and what it says of the others.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"
local b = require "xai.build"

-- Two maps of the 2x2 picture x = 1 2; 3 4:  A1 = x, A2 = 5 - x;  w = (1, 2), (-1, 0.5), bias (0.5, 0).
--   class 0: x + 2 (5 - x) = 10 - x      class 1: -x + 0.5 (5 - x) = 2.5 - 1.5 x
local X = xai.tensor { { { { 1, 2 }, { 3, 4 } } } }
local weights = { ["features.weight"] = xai.tensor { { { { 1 } } }, { { { -1 } } } }, ["features.bias"] = xai.tensor { 0, 5 },
  ["fc.weight"] = xai.tensor { { 1, 2 }, { -1, 0.5 } }, ["fc.bias"] = xai.tensor { 0.5, 0 } }
local MAPS = { { { 9, 8 }, { 7, 6 } }, { { 1, -0.5 }, { -2, -3.5 } } }

--- A network with that last part.
local function net_with(last, other)
  local all = {}
  for name, value in pairs(weights) do all[name] = value end
  for name, value in pairs(other or {}) do all[name] = value or nil end
  return b.net("net", b.seq { "features", b.conv { 2 }, "act", b.relu, table.unpack(last) }, { input = { 1, 2, 2 }, weights = all })
end

--- A layer that is one operator.
local function op(name, attributes, more)
  return function(x, at)
    local inputs = { x }
    for i, value in ipairs(more or {}) do inputs[i + 1] = b.constant(x, value) end
    return b.node(name, at, inputs, attributes)
  end
end

local pools = { gap = b.gap, ["average of the whole map"] = b.avgpool { 2 },
  ["mean over the places"] = op("ReduceMean", { keepdims = 1 }, { { 2, 3 } }) }
local flats = { Flatten = b.flatten, Squeeze = op("Squeeze", {}, { { 2, 3 } }), Reshape = op("Reshape", {}, { { 1, 2 } }),
  ["Dropout and Identity"] = b.seq { b.dropout, op("Identity"), b.flatten } }

for pool_name, pool in pairs(pools) do
  for flat_name, flat in pairs(flats) do
    test(("%s, %s, linear: the map is the weighted sum"):format(pool_name, flat_name), function(t)
      local net = net_with { "pool", pool, "flat", flat, "fc", b.linear { 2 } }
      for class = 0, 1 do
        local e = xai.cam(net, X, { target = class })
        t.near(e.values, MAPS[class + 1])
        t.near(e.weights, class == 0 and { 1, 2 } or { -1, 0.5 })
        t.near(e.maps, { { { 1, 2 }, { 3, 4 } }, { { 4, 3 }, { 2, 1 } } })
        t.eq(e.layer, "act")
        t.near(e.values:mean() + (class == 0 and 0.5 or 0), net:logits(X):get(1, class + 1)) -- the score without its bias
      end
    end)
  end
end

test("the linear layer may be a product, a 1x1 convolution, or several in a row", function(t)
  local matmul = function(x, at) -- x w + b with w as ONNX' MatMul has it
    local y = b.node("MatMul", at, { x, b.param(x, at "weight", { 2, 2 }) })
    return b.node("Add", at "plus", { y, b.param(x, at "bias", { 2 }) })
  end
  local net = net_with({ "gap", b.gap, "flat", b.flatten, "fc", matmul }, { ["fc.weight"] = xai.tensor { { 1, -1 }, { 2, 0.5 } } })
  for class = 0, 1 do t.near(xai.cam(net, X, { target = class }).values, MAPS[class + 1]) end
  net = net_with({ "gap", b.gap, "fc", b.conv { 2 }, "flat", b.flatten }, { ["fc.weight"] = weights["fc.weight"]:reshape(2, 2, 1, 1) })
  for class = 0, 1 do t.near(xai.cam(net, X, { target = class }).values, MAPS[class + 1]) end
  net = net_with({ "gap", b.gap, "flat", b.flatten, "one", b.linear { 2 }, "two", b.linear { 2 } }, { ["fc.weight"] = false, ["fc.bias"] = false,
    ["one.weight"] = weights["fc.weight"], ["one.bias"] = weights["fc.bias"],
    ["two.weight"] = xai.tensor { { 0, 1 }, { 1, 0 } }, ["two.bias"] = xai.tensor { 0, 0 } })
  for class = 0, 1 do t.near(xai.cam(net, X, { target = class }).values, MAPS[2 - class]) end -- two exchanges the classes
end)

test("where class maps are averaged the class's own is the map, after what stands before the average", function(t)
  local none = { ["fc.weight"] = false, ["fc.bias"] = false }
  for _, last in ipairs { { "gap", b.gap, "flat", b.flatten }, { "gap", b.gap } } do
    local e = xai.cam(net_with(last, none), X, { target = 1 })
    t.near(e.values, { { 4, 3 }, { 2, 1 } })
    t.near(e.weights, { 0, 1 })
  end
end)

test("there is no ReLU, and sums and differences of classes are targets too", function(t)
  local net = net_with { "gap", b.gap, "flat", b.flatten, "fc", b.linear { 2 } }
  t.near(xai.cam(net, X, { target = { plus = 0, minus = 1 } }).values, { { 8, 8.5 }, { 9, 9.5 } })
  t.near(xai.cam(net, X, { target = { 0, 1 } }).weights, { 0, 2.5 })
  t.eq(xai.cam(net, X).class, 0)
  t.ok(xai.cam(net, X).signed)
end)

test("a view's weights and hooks count", function(t)
  local net = net_with { "gap", b.gap, "flat", b.flatten, "fc", b.linear { 2 } }
  local other = net:with { weights = { fc = xai.tensor { { 0, 1 }, { 1, 0 } } } }
  t.near(xai.cam(other, X, { target = 0 }).values, { { 4, 3 }, { 2, 1 } })
  local hooked = net:with { hooks = { act = function(a) return a * 2 end } }
  t.near(xai.cam(hooked, X, { target = 0 }).values, { { 18, 16 }, { 14, 12 } })
end)

test("CAM is Z times Grad-CAM before its ReLU, and HiResCAM, on networks of the zoo that have such an end", function(t)
  for _, name in ipairs { "resnet18", "densenet121", "alexnet_gap", "squeezenet1_1", "mobilenet_v2", "nin" } do
    local net = xai.zoo[name] { weights = "fill", width = 0.25, size = 96, classes = 10, preprocess = "none" }
    local x = xai.tensor(net:prepare(xai.image(xai.zeros(96, 96, 3, "uint8")))) + 0.5
    local e = xai.cam(net, x, { target = 3 })
    local g = xai.gradcam(net, x, { target = 3, layer = e.layer })
    local shape = e.values:shape()
    local difference = (e.values - g.raw * (shape[1] * shape[2])):norm()
    t.ok(difference <= 1e-5 * e.values:norm(), name .. ": " .. difference)
    local h = xai.hirescam(net, x, { target = 3, layer = e.layer, relu = false })
    difference = (e.values - h.values * (shape[1] * shape[2])):norm()
    t.ok(difference <= 1e-5 * e.values:norm(), name .. ", HiResCAM: " .. difference)
  end
end)

test("a network without such an end is refused with what stands in the way, and advice", function(t)
  local none = { ["fc.weight"] = false, ["fc.bias"] = false }
  local function refuses(net, why)
    t.fails(function() xai.cam(net, X) end, "cam: expected a global average and one linear layer before the scores, but '" .. why)
    t.fails(function() xai.cam(net, X) end, "gradcam takes any network; the zoo's alexnet_gap")
  end
  refuses(net_with({ "flat", b.flatten }, none), "act' (Relu) stands there") -- every place is a class: nothing is averaged
  refuses(net_with { "gap", b.gap, "flat", b.flatten, "bend", b.relu, "fc", b.linear { 2 } }, "bend' (Relu)")
  refuses(net_with({ "peak", b.maxpool { 2 }, "flat", b.flatten }, none), "peak' (MaxPool)")
  refuses(net_with({ "part", b.avgpool { 2, pad = 1 }, "flat", b.flatten }, none), "part' (AveragePool)")
  refuses(net_with({ "wide", b.conv { 2, k = 2 }, "flat", b.flatten },
    { ["fc.weight"] = false, ["fc.bias"] = false, ["wide.weight"] = xai.zeros(2, 2, 2, 2), ["wide.bias"] = xai.zeros(2) }), "wide' (Conv)")
  local bare = b.net("bare", b.seq { "gap", b.gap, "flat", b.flatten }, { input = { 1, 2, 2 }, weights = {} })
  t.fails(function() xai.cam(bare, X) end, "cam: no global average of feature maps before the scores; gradcam")
end)

test("a unit of a layer is no target, and one picture is taken", function(t)
  local net = tiny.load()
  t.fails(function() xai.cam(net, tiny.x(), { target = "pool1:1" }) end, "cam: target: expected classes, got a unit of a layer")
  t.fails(function() xai.cam(net, tiny.x(), { layer = "pool1" }) end, "cam: unknown option 'layer'")
  t.fails(function() xai.cam(net, xai.zeros(2, 1, 4, 4)) end, "expected one prepared picture")
end)

done()
