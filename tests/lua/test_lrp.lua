-- LRP and DeepLIFT: rules worked by hand, conservation, what becomes part of a layer, what is refused.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"
local b = require "xai.build"

-- x = (1, 2):  z1 = 3 - 2 + 1 = 2   h = (2, 2)   score = 4 - 2 + 0.5 = 2.5
--              z2 = 1 + 2 - 1 = 2
local X = xai.tensor { { { { 1 } }, { { 2 } } } }
local function dense()
  return b.net("dense", b.seq { "flat", b.flatten, "fc1", b.linear { 2 }, "relu", b.relu, "fc2", b.linear { 2 } }, { input = { 2, 1, 1 },
    preprocess = "none", weights = { ["fc1.weight"] = xai.tensor { { 3, -1 }, { 1, 1 } }, ["fc1.bias"] = xai.tensor { 1, -1 },
      ["fc2.weight"] = xai.tensor { { 2, -1 }, { 0, 0 } }, ["fc2.bias"] = xai.tensor { 0.5, 0 } } })
end

local function lrp(options, net)
  options.target = options.target or 0
  local e = xai.lrp(net or dense(), X, options)
  return e, { e.values:get(1, 1, 1), e.values:get(2, 1, 1) }
end

--- A layer that is one operator.
local function op(name, attributes, more)
  return function(x, at)
    local inputs = { x }
    for i, value in ipairs(more or {}) do inputs[i + 1] = b.constant(x, value) end
    return b.node(name, at, inputs, attributes)
  end
end

local function apart(a, c) return (a - c):norm() / c:norm() end

-- ---- rules by hand --------------------------------------------------------------------------------------------------------

test("rule zero: R = a w / z R, and biases take theirs", function(t)
  -- h: (4, -2) of 2.5, bias 0.5.  4 goes (3, -2) / 2, bias 1 / 2;  -2 goes (1, 2) / 2, bias -1 / 2
  local e, r = lrp { composite = "zero" }
  t.near(r, { 6 - 1, -4 - 2 })
  t.near({ e.start, e.sum, e.biases, e.epsilon }, { 2.5, -1, 0.5 + 2 + 1, 0 })
  t.near(lrp({ composite = "zero", layer = "relu" }).values, { { { 4 } }, { { -2 } } })
  local sums = e.sums:totable()
  t.near({ sums[2], sums[3], sums[4] }, { 2, 2, 2.5 })
  t.ok(sums[1] == -1)
end)

test("rule epsilon adds to the denominator, a constant or a share of the root mean square", function(t)
  -- 2.5 / 3: (4, -2) 5/6 = (10/3, -5/3);  / 2.5: 4/3 (3, -2) - 2/3 (1, 2)
  local _, r = lrp { composite = "epsilon", epsilon = 0.5 }
  t.near(r, { 4 - 2 / 3, -8 / 3 - 4 / 3 })
  -- the scores are (2.5, 0): root mean square 2.5 / sqrt 2; those of fc1 are (2, 2): 2
  local s = 1 / (1 + 0.5 / math.sqrt(2))
  _, r = lrp { composite = "epsilon", epsilon = 0.5, rms = true }
  t.near(r, { s * (4 * 3 / 3 - 2 / 3), s * (-4 * 2 / 3 - 2 * 2 / 3) })
end)

test("rule gamma favours positive weights and biases", function(t)
  -- fc2: (8, -2) and bias 1 of 7.  fc1: (6, -2) and 2 of 6, (2, 4) and -1 of 5
  local _, r = lrp { composite = "gamma", gamma = 1 }
  t.near(r, { 2.5 / 7 * (8 * 6 / 6 - 2 * 2 / 5), 2.5 / 7 * (-8 * 2 / 6 - 2 * 4 / 5) }, 1e-5)
end)

test("rule alphabeta shares positive and negative parts out by themselves", function(t)
  -- fc2: 2 * 2.5 * 4 / 4.5 = 40/9 and -2.5.  fc1: 40/9 gives x1 2 * 3/4 of it, x2 -1; -2.5 gives 2 (1, 2) / 3, and -1 to the bias
  local e, r = lrp { composite = "alphabeta" }
  t.near(r, { 20 / 3 - 5 / 3, -40 / 9 - 10 / 3 }, 1e-5)
  t.near({ e.biases, e.epsilon }, { 5 / 9 + 20 / 9 + 2.5, 0 }, 1e-5)
  local _, plus = lrp { composite = "alphabeta", alpha = 1 }
  t.near(plus, { 2.5 * 4 / 4.5 * 3 / 4, 0 })
  t.near({ select(2, lrp { composite = "zplus" }) }, { plus })
  e, plus = lrp { composite = "zplus", bias = false } -- everything goes the one positive way
  t.near(plus, { 2.5, 0 })
  t.near({ e.sum, e.biases, e.epsilon }, { 2.5, 0, 0 })
end)

test("rules flat, w2 and zb do not ask what the inputs are, or know their range", function(t)
  local _, r = lrp { composite = "flat" }
  t.near(r, { 1.25, 1.25 })
  _, r = lrp { composite = "w2" } -- 4 : 1, then 9 : 1 and 1 : 1
  t.near(r, { 2 * 0.9 + 0.25, 2 * 0.1 + 0.25 })
  -- range -1 .. 3: (3 + 3, -2 + 3) of 7 for 4, (1 + 1, 2 + 1) of 5 for -2
  _, r = lrp { composite = "zero", rules = { fc1 = "zb" }, low = -1, high = 3 }
  t.near(r, { 4 * 6 / 7 - 2 * 2 / 5, 4 / 7 - 2 * 3 / 5 }, 1e-5)
  local _, start = lrp { composite = "flat", start = "one" }
  t.near(start, { 0.5, 0.5 })
end)

test("zb takes the range of the pixels from the preprocessing", function(t)
  local net = b.net("net", b.seq { "conv1", b.conv { 2, bias = false }, "gap", b.gap, "flat", b.flatten }, { input = { 3, 2, 2 },
    preprocess = { scale = 1 / 255, mean = { 0.5, 0.25, 0 }, std = { 0.5, 0.5, 1 } }, weights = "fill" }) -- -1 .. 1, -0.5 .. 1.5, 0 .. 1
  local x = xai.randn(1, 3, 2, 2)
  local e = xai.lrp(net, x, { target = 0, composite = "epsilon_gamma_box" })
  local w = net:weight("conv1"):totable()[1]
  local low, high = { -1, -0.5, 0 }, { 1, 1.5, 1 }
  local a, want = x:totable()[1], { { {}, {} }, { {}, {} }, { {}, {} } }
  for i = 1, 2 do
    for j = 1, 2 do
      local z, below, part = 0, 0, {}
      for c = 1, 3 do
        local v = w[c][1][1]
        z = z + a[c][i][j] * v
        part[c] = a[c][i][j] * v - low[c] * math.max(v, 0) - high[c] * math.min(v, 0)
        below = below + part[c]
      end
      for c = 1, 3 do want[c][i][j] = part[c] / below * z / 4 end -- a quarter of the mean is each place's
    end
  end
  t.near(e.values, want, 1e-4)
end)

-- ---- composites, layers, folding -----------------------------------------------------------------------------------------

local function small()
  return b.net("small", b.seq { "conv1", b.conv { 3, k = 3, pad = 1 }, "relu1", b.relu, "conv2", b.conv { 4, k = 3, pad = 1 }, "relu2", b.relu,
    "pool", b.maxpool { 2 }, "flat", b.flatten, "fc", b.linear { 3 } }, { input = { 2, 4, 4 }, weights = "fill", preprocess = "none" })
end

test("a composite is a rule for the first layer, for convolutions and for dense layers", function(t)
  local net, x = small(), xai.randn(1, 2, 4, 4)
  for name, rules in pairs { epsilon_plus = { "zplus", "zplus" }, epsilon_plus_flat = { "flat", "zplus" }, epsilon_gamma_box = { "zb", "gamma" },
    epsilon_alpha2_beta1 = { "alphabeta", "alphabeta" }, epsilon_alpha2_beta1_flat = { "flat", "alphabeta" },
    preset_a = { "zplus", "zplus", 0.1 }, preset_b = { "alphabeta", "alphabeta", 0.1 } } do
    local e = xai.lrp(net, x, { target = 1, composite = name })
    local own = xai.lrp(net, x, { target = 1, composite = "zero", epsilon = rules[3], rules = { conv1 = rules[1], conv2 = rules[2], fc = "epsilon" } })
    t.near(e.values, own.values, 0, name)
    t.eq(own.options.rules, { conv1 = rules[1], conv2 = rules[2], fc = "epsilon" })
    t.eq(e.options.rules, nil)
  end
end)

test("batch normalization and constants become part of the layer before, and change nothing then", function(t)
  local w, bias, x = xai.randn(4, 2, 3, 3), xai.randn(4), xai.randn(1, 2, 4, 4)
  local gamma, beta, mean, var = { 2, -1, 0.5, 1 }, { 0.1, -0.2, 0.3, 0 }, { 0.5, 0, -1, 0.25 }, { 4, 1, 0.25, 9 }
  local merged_w, merged_b = w:totable(), bias:totable()
  local scale, shift = {}, {}
  for m = 1, 4 do
    scale[m] = gamma[m] / math.sqrt(var[m] + 1e-5)
    shift[m] = beta[m] - mean[m] * scale[m]
    for _, c in ipairs(merged_w[m]) do
      for _, row in ipairs(c) do
        for k = 1, 3 do row[k] = row[k] * scale[m] end
      end
    end
    merged_b[m] = merged_b[m] * scale[m] + shift[m]
  end
  local function net(last, weights)
    return b.net("net", b.seq { "conv1", b.conv { 4, k = 3, pad = 1 }, "more", last, "relu", b.relu, "gap", b.gap, "flat", b.flatten },
      { input = { 2, 4, 4 }, weights = weights, preprocess = "none" })
  end
  local one = net(b.identity, { ["conv1.weight"] = xai.tensor(merged_w), ["conv1.bias"] = xai.tensor(merged_b) })
  local norm = net(b.bn, { ["conv1.weight"] = w, ["conv1.bias"] = bias, ["more.weight"] = xai.tensor(gamma), ["more.bias"] = xai.tensor(beta),
    ["more.running_mean"] = xai.tensor(mean), ["more.running_var"] = xai.tensor(var) })
  local parts = net(function(y, at)
    local product = b.node("Mul", at "mul", { y, b.param(y, at "scale", { 4, 1, 1 }) })
    return b.node("Add", at "add", { product, b.param(y, at "shift", { 4, 1, 1 }) })
  end, { ["conv1.weight"] = w, ["conv1.bias"] = bias, ["more.scale"] = xai.tensor(scale):reshape(4, 1, 1),
    ["more.shift"] = xai.tensor(shift):reshape(4, 1, 1) })
  for _, composite in ipairs { "epsilon", "zplus", "alphabeta", "gamma", "flat", "w2", "epsilon_gamma_box" } do
    local want = xai.lrp(one, x, { target = 0, composite = composite })
    for name, other in pairs { norm = norm, parts = parts } do
      local e = xai.lrp(other, x, { target = 0, composite = composite })
      t.ok(apart(e.values, want.values) < 1e-4, composite .. ", " .. name)
      t.near(e.biases, want.biases, 1e-4 * math.abs(want.start) + 1e-4)
    end
  end
  local apart_from_it = xai.lrp(norm, x, { target = 0, composite = "zplus", fold = false })
  t.ok(apart(apart_from_it.values, xai.lrp(norm, x, { target = 0, composite = "zplus" }).values) > 0.01)
end)

test("weights are found by their channel in every kind of linear layer", function(t)
  local x, scale = xai.randn(1, 4, 3, 3), { 2, -1, 0.5, -3 }
  local function net(layer, weights, rows)
    local shape = rows and { 4 } or { 4, 1, 1 }
    local function scaled(y, at) return b.node("Mul", at, { y, b.param(y, at "scale", shape) }) end
    weights["mul.scale"] = xai.tensor(scale):reshape(table.unpack(shape))
    local list = { "layer", layer, "mul", scaled, "end", rows and b.identity or b.gap, "flat", rows and b.identity or b.flatten }
    if rows then list = { "flat", b.flatten, "layer", layer, "mul", scaled } end
    return b.net("net", b.seq(list), { input = { 4, 3, 3 }, weights = weights, preprocess = "none" })
  end
  local nets = {
    transposed = net(function(y, at) return b.node("ConvTranspose", at, { y, b.param(y, at "w", { 4, 2, 2, 2 }) }, { kernel_shape = { 2, 2 }, group = 2 }) end,
      { ["layer.w"] = xai.randn(4, 2, 2, 2) }),
    grouped = net(b.conv { 4, k = 2, groups = 2, bias = false }, { ["layer.weight"] = xai.randn(4, 2, 2, 2) }),
    product = net(function(y, at) return b.node("MatMul", at, { y, b.param(y, at "w", { 36, 4 }) }) end, { ["layer.w"] = xai.randn(36, 4) }, true),
    gemm = net(b.linear { 4, bias = false }, { ["layer.weight"] = xai.randn(4, 36) }, true) }
  for name, one in pairs(nets) do
    for class = 0, 3 do -- a factor at the wrong weights would show: what the layer gave is taken from the pass
      local e = xai.lrp(one, x, { target = class, composite = "zero" })
      t.ok(apart(e.values, xai.input_x_gradient(one, x, { target = class }).values) < 1e-4, name)
    end
  end
end)

-- ---- conservation --------------------------------------------------------------------------------------------------------

test("rule zero is input times gradient in a ReLU network without biases, with the same sum in every layer", function(t)
  local function conv(n, k) return b.conv { n, k = k or 3, pad = k and 0 or 1, bias = false } end
  local function block(y, at)
    local main = b.seq { "a", conv(4), "ra", b.relu, "b", conv(4) } (y, at)
    return b.add(main, y, at "add")
  end
  local function fork(y, at) return b.concat({ conv(3, 1)(y, at "left"), b.seq { "p", b.maxpool { 3, stride = 1, pad = 1 } } (y, at) }, at "cat") end
  local net = b.net("net", b.seq { "conv1", conv(4), "relu1", b.relu, "block", block, "relu2", b.relu, "pool", b.maxpool { 2 }, "fork", fork,
    "relu3", b.relu, "avg", b.avgpool { 2 }, "drop", b.dropout, "flat", b.flatten, "fc", b.linear { 5, bias = false } },
    { input = { 3, 8, 8 }, weights = "fill", preprocess = "none" })
  local x = xai.randn(1, 3, 8, 8)
  for class = 0, 4 do
    local e = xai.lrp(net, x, { target = class, composite = "zero" })
    t.ok(apart(e.values, xai.input_x_gradient(net, x, { target = class }).values) < 1e-4)
    t.near(e.sum, e.start, 1e-4)
    t.near(e.start, net:logits(x):get(1, class + 1), 1e-6)
    for _, layer in ipairs { "conv1", "relu1", "relu2", "pool", "avg", "flat" } do
      t.near(xai.lrp(net, x, { target = class, composite = "zero", layer = layer }).sum, e.start, 1e-4, layer)
    end
  end
end)

local NETS = { "caffenet", "vgg11_bn", "googlenet", "resnet18", "densenet121", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small",
  "efficientnet_b0", "shufflenet_v2_x0_5", "mnasnet0_5", "regnet_y_400mf" }
local SIZE = { caffenet = 227, vgg11_bn = 224 } -- the others take any
local function zoo(name)
  local size = SIZE[name] or 96
  return xai.zoo[name] { weights = "fill", width = 0.25, size = size, classes = 5, preprocess = "none" }, xai.randn(1, 3, size, size)
end

test("in the zoo's networks what starts is in the values, in biases, or with epsilon", function(t)
  for _, name in ipairs(NETS) do
    local net, x = zoo(name)
    for _, composite in ipairs { "epsilon_plus", "epsilon_gamma_box" } do
      local e = xai.lrp(net, x, { target = 2, composite = composite })
      t.near(e.start, net:logits(x):get(1, 3), 1e-5 * (1 + math.abs(e.start)), name)
      t.ok(math.abs(e.start - e.sum - e.biases - e.epsilon) <= 1e-3 * (math.abs(e.start) + e.values:norm()), name .. ": " .. tostring(e.sum))
    end
  end
end)

-- ---- what is refused ------------------------------------------------------------------------------------------------------

test("what LRP does not know is refused by name, with the reason", function(t)
  local net = tiny.load()
  t.fails(function() xai.lrp(net, tiny.x(), { target = "prob:1" }) end, "lrp: layer 'prob': no rule for Softmax: explain the scores before it")
  t.fails(function() xai.lrp(net, tiny.x(), { rules = { relu1 = "zplus" } }) end, "lrp: rules: layer 'relu1' (Relu) has no weights to share by")
  t.fails(function() xai.lrp(net, tiny.x(), { rules = { fc = "zb" } }) end, "lrp: layer 'fc': rule zb needs the range of the inputs")
  t.fails(function() xai.lrp(net, tiny.x(), { rules = { fc = "zplu" } }) end, "did you mean 'zplus'?")
  t.fails(function() xai.lrp(net, tiny.x(), { rules = { fcc = "zplus" } }) end, "did you mean 'fc'?")
  t.fails(function() xai.lrp(net, tiny.x(), { rules = {} }) end, "lrp: rules: expected { layer = \"zero\", ... }")
  t.fails(function() xai.lrp(net, tiny.x(), { low = 2, high = 1 }) end, "low, high: expected low < high, got 2 and 1")
  t.fails(function() xai.lrp(net, tiny.x(), { target = "conv1:1", layer = "fc" }) end, "layer 'fc' does not feed the target")
  local odd = b.net("odd", b.seq { "conv", b.conv { 2 }, "wave", op "Sin", "gap", b.gap, "flat", b.flatten }, { input = { 1, 2, 2 }, weights = "fill" })
  t.fails(function() xai.lrp(odd, xai.randn(1, 1, 2, 2)) end, "lrp: layer 'wave': no rule for Sin: ")
  local square = b.net("square", b.seq { "conv", b.conv { 2 }, "square", function(y, at) return b.mul(y, y, at) end, "gap", b.gap, "flat", b.flatten },
    { input = { 1, 2, 2 }, weights = "fill" })
  t.fails(function() xai.lrp(square, xai.randn(1, 1, 2, 2)) end, "lrp: layer 'square': no rule for Mul: both its inputs depend")
  local soft = b.net("soft", b.seq { "flat", b.flatten, "soft", op("Softmax", { axis = 1 }), "fc", b.linear { 2 } }, { input = { 1, 2, 2 }, weights = "fill" })
  t.fails(function() xai.deeplift(soft, xai.randn(1, 1, 2, 2)) end, "deeplift: layer 'soft': no rule for Softmax")
end)

test("a layer of choice, a run in place of a picture, units as targets", function(t)
  local net, x = tiny.load(), tiny.x()
  local run = net:run(x)
  t.near(xai.lrp(net, run, { target = 2 }).values, xai.lrp(net, x, { target = 2 }).values, 0)
  t.near(xai.deeplift(net, run, { target = 2 }).values, xai.deeplift(net, x, { target = 2 }).values, 0)
  local e = xai.lrp(net, x, { target = 0, composite = "zero", layer = "pool1" }) -- z0 = (4 + 0 + 0 + 2) / 4
  t.near(e.values, { { { 1, 0 }, { 0, 0.5 } }, { { 0, 0 }, { 0, 0 } } })
  t.eq(e.layer, "pool1")
  e = xai.lrp(net, x, { at = "pool1:1:1:1", composite = "zero" }) -- the largest of its window takes all: 4 of x's 4
  t.near(e.values, { { { 0, 0, 0, 0 }, { 0, 4, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } } })
end)

-- ---- DeepLIFT -------------------------------------------------------------------------------------------------------------

test("DeepLIFT by hand: slopes between picture and baseline", function(t)
  -- x' = 0: z' = (1, -1), h' = (1, 0), score' = 2.5.  h1 rises by 1 of 1, h2 by 2 of 3: m = 2 (3, -1) - 2/3 (1, 1)
  local e = xai.deeplift(dense(), X, { target = 0 })
  t.near(e.values, { { { 16 / 3 } }, { { -16 / 3 } } }, 1e-5)
  t.near({ e.difference, e.delta }, { 0, 0 }, 1e-5)
  t.near(xai.deeplift(dense(), X, { target = 0, multiply = false }).values, { { { 16 / 3 } }, { { -8 / 3 } } }, 1e-5)
  t.near(xai.deeplift(dense(), X, { target = 0, layer = "relu" }).values, { { { 2 } }, { { -2 } } }, 1e-5)
end)

test("a maximum's rise is its winner's in the picture, its fall its winner's in the baseline", function(t)
  local net = b.net("net", b.seq { "pool", b.maxpool { { 1, 2 } }, "flat", b.flatten, "fc", b.linear { 1, bias = false } }, { input = { 1, 1, 2 },
    weights = { ["fc.weight"] = xai.tensor { { 1 } } } })
  local function r(x, base) return xai.deeplift(net, xai.tensor { { { x } } }, { target = 0, baseline = xai.tensor { { { base } } } }).values end
  t.near(r({ 1, 5 }, { 3, 0 }), { { { 0, 2 } } }) -- 3 to 5
  t.near(r({ 1, 2 }, { 3, 0 }), { { { -1, 0 } } }) -- 3 to 2
  t.near(r({ 4, 2 }, { 4, 0 }), { { { 0, 0 } } })
end)

test("a product's difference is shared by both factors", function(t)
  local net = b.net("net", b.seq { "act", b.silu, "flat", b.flatten, "fc", b.linear { 1, bias = false } }, { input = { 1, 1, 2 },
    weights = { ["fc.weight"] = xai.tensor { { 1, -2 } } } })
  local function silu(v) return v / (1 + math.exp(-v)) end
  local e = xai.deeplift(net, xai.tensor { { { { 1.5, -3 } } } }, { target = 0, baseline = xai.tensor { { { { -1, 0.5 } } } } })
  t.near(e.values, { { { silu(1.5) - silu(-1), -2 * (silu(-3) - silu(0.5)) } } }, 1e-5)
end)

test("DeepLIFT's values sum to the difference of the scores in the zoo's networks", function(t)
  for _, name in ipairs(NETS) do
    local net, x = zoo(name)
    for _, baseline in ipairs { "zero", "mean" } do
      local e = xai.deeplift(net, x, { target = 2, baseline = baseline })
      local want = net:logits(x):get(1, 3) - net:logits(e.baseline:reshape(table.unpack(x:shape()))):get(1, 3)
      t.near(e.difference, want, 1e-4)
      t.ok(math.abs(e.delta) <= 1e-4 * (math.abs(want) + e.values:norm()), ("%s: %g of %g"):format(name, e.delta, want))
    end
  end
end)

test("in a linear network DeepLIFT from zero is input times gradient", function(t)
  local net = b.net("net", b.seq { "conv", b.conv { 3, k = 3 }, "flat", b.flatten, "fc", b.linear { 2 } }, { input = { 2, 5, 5 }, weights = "fill" })
  local x = xai.randn(1, 2, 5, 5)
  t.ok(apart(xai.deeplift(net, x, { target = 1 }).values, xai.input_x_gradient(net, x, { target = 1 }).values) < 1e-5)
end)

done()
