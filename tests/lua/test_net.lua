-- Networks in Lua: layers, passes, targets, methods on a network worked by hand (tiny.lua).
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"
local labels = { "one", "two, second", "three" }

test("layers are listed with operator, shape and parameters", function(t)
  local net = tiny.load()
  local layers = net:layers()
  t.eq(#layers, 7)
  t.eq(layers[1].name, "conv1")
  t.eq(layers[1].op, "Conv")
  t.eq({ table.unpack(layers[1].shape) }, { 2, 4, 4 })
  t.eq(layers[1].params, 20) -- 2 x 1 x 3 x 3 + 2
  t.eq(net:params(), 29) -- and 3 x 2 + 3
  t.eq(net:layer("pool1").op, "MaxPool")
  t.eq(net:find "1", { "conv1", "relu1", "pool1" })
  t.eq(net:find "^f", { "flat", "fc" })
  t.eq(net:find "nothing", {})
  t.eq(net:find "[", {}, "no pattern, no part of a name")
end)

test("a network prints as a table", function(t)
  local text = tostring(tiny.load())
  t.ok(text:find("conv1  Conv               2x4x4          20", 1, true), text)
  t.ok(text:find("7 layers, 29 parameters, 3 classes", 1, true), text)
  t.ok(text:find("input ?x1x4x4", 1, true), text)
end)

test("fields: input, classes, labels, preprocess", function(t)
  local net = tiny.load { preprocess = "none", labels = labels }
  t.eq(tostring(net.input), "?x1x4x4")
  t.eq(net.classes, 3)
  t.eq(net.labels, labels)
  t.eq(net.preprocess, "none")
  t.eq(net:label(2), "three")
  t.eq(net:class "second", 1)
  t.eq(net.nothing, nil)
  t.eq(tiny.load().labels, nil)
end)

test("a saved network is the same one: numbers, names, labels, preprocessing, replaced weights", function(t)
  local net = tiny.load { preprocess = { mean = 0.5 }, labels = labels }
  local view = net:with { weights = { fc = xai.tensor { { 0, 1 }, { 1, 0 }, { 0, 0 } } } }
  local name = os.tmpname()
  t.eq(view:save(name .. ".onnx"), view)
  local back = xai.load(name .. ".onnx")
  t.eq(back:logits(tiny.x()):totable(), { { 1.75, 1.5, -1 } }) -- the rows of fc swapped: see the test of replaced weights
  t.eq(back.labels, labels)
  t.eq(back.preprocess, net.preprocess)
  t.eq(back:find "", net:find "")
  t.eq(tostring(back.input), "?x1x4x4")
  t.eq(xai.load(name .. ".onnx", { labels = { "a", "b", "c" } }).labels, { "a", "b", "c" }, "options win")
  view:save(name .. ".safetensors")
  local weights = xai.read(name .. ".safetensors")
  t.eq(weights.fc_w:totable(), { { 0, 1 }, { 1, 0 }, { 0, 0 } })
  t.eq(weights.fc_b:totable(), { 0, 0, -1 })
  t.fails(function() net:save(name .. ".pth") end, "net:save: " .. name .. ".pth: unknown extension (expected .onnx or .safetensors)")
  t.fails(function() net:save() end, "save: expected a file name, got nil")
  for _, ending in ipairs { "", ".onnx", ".safetensors" } do os.remove(name .. ending) end
end)

test("all weights are there by name, and none of the numbers of a formula", function(t)
  local net = tiny.load()
  local view = net:with { weights = { fc = xai.tensor { { 0, 1 }, { 1, 0 }, { 0, 0 } } } }
  local names = {}
  for name in pairs(net:weights()) do names[#names + 1] = name end
  table.sort(names)
  t.eq(names, { "b", "fc_b", "fc_w", "w" })
  t.eq(view:weights().fc_w:totable(), { { 0, 1 }, { 1, 0 }, { 0, 0 } })
  t.eq((view:weights().w - net:weight "conv1"):norm(), 0)
end)

test("preprocessing goes round: what net.preprocess says can be given back", function(t)
  local p = { resize = 8, crop = 6, order = "bgr", scale = 0.5, mean = { 1, 2, 3 }, std = { 1, 2, 4 } }
  local net = tiny.load({ preprocess = p }, 3)
  t.eq(net.preprocess, p)
  t.eq(tiny.load({ preprocess = net.preprocess }, 3).preprocess, p)
  t.eq(tiny.load({ preprocess = { mean = 2 } }, 3).preprocess.mean, { 2.0, 2.0, 2.0 })
end)

test("labels come from a file, or from one beside the model", function(t)
  tiny.with_file("eins\nzwei\ndrei\n", function(path)
    t.eq(tiny.load { preprocess = "none", labels = path }.labels, { "eins", "zwei", "drei" })
  end)
  tiny.with_file(tiny.bytes(), function(path)
    local file = assert(io.open(path .. ".txt", "w"))
    file:write "a\nb\nc\n"
    file:close()
    local found = xai.load(path, { preprocess = "none" }).labels
    file = assert(io.open(path .. ".txt", "w"))
    file:write "no labels\n"
    file:close()
    local other = xai.load(path, { preprocess = "none" }).labels
    os.remove(path .. ".txt")
    t.eq(found, { "a", "b", "c" })
    t.eq(other, nil)
  end)
  local folder = os.tmpname()
  os.remove(folder)
  local function put(name, text)
    local file <close> = assert(io.open(folder .. "/" .. name, "wb"))
    file:write(text)
  end
  os.execute(("mkdir '%s'"):format(folder))
  put("model.onnx", tiny.bytes())
  put("labels.txt", "one\ntwo\n") -- too few: the next in line is asked
  put("imagenet_classes.txt", "a\nb\nc\n")
  local found = xai.load(folder .. "/model.onnx", { preprocess = "none" }).labels
  for _, name in ipairs { "model.onnx", "labels.txt", "imagenet_classes.txt", "" } do os.remove(folder .. "/" .. name) end
  t.eq(found, { "a", "b", "c" })
  t.fails(function() tiny.load { labels = { "one" } } end, "load: ")
  t.fails(function() tiny.load { labels = { 1, 2, 3 } } end, "load: labels: expected a string, got 1")
end)

test("a forward pass, layer by layer", function(t)
  local net, x = tiny.load(), tiny.x()
  t.eq(net:forward(x, "pool1"):totable(), { { { { 4, 0 }, { 0, 2 } }, { { 1, 2 }, { 2, 2 } } } })
  t.eq(net:forward(x, "gap"):reshape(2):totable(), { 1.5, 1.75 })
  t.eq(net:logits(x):totable(), { { 1.5, 1.75, 2.25 } })
  local e = { math.exp(1.5), math.exp(1.75), math.exp(2.25) }
  t.near(net:forward(x)[1], { e[1] / (e[1] + e[2] + e[3]), e[2] / (e[1] + e[2] + e[3]), e[3] / (e[1] + e[2] + e[3]) })
end)

test("every input by name gives every output by name", function(t)
  local net = tiny.several()
  t.eq(net:outputs(), { "rows", "twice", "data", "w" })
  local inputs = net:inputs() -- w is an initializer: a constant, although it is listed among the inputs
  t.eq({ #inputs, inputs[1].name, inputs[1].dtype, tostring(inputs[1].shape) }, { 2, "data", "float32", "?x3" })
  t.eq({ inputs[2].name, inputs[2].dtype, tostring(inputs[2].shape) }, { "shape", "int64", "?" })
  local data = xai.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  for _ = 1, 2 do -- the second time from the stock of plans
    for _, dims in ipairs { { 3, 2 }, { 1, -1 }, { 6 } } do
      local ys = net:eval { data = data, shape = xai.tensor(dims, "int64") }
      local shape = dims[2] == -1 and "1x6" or table.concat(dims, "x")
      t.eq(tostring(ys.rows:shape()), shape)
      t.eq(tostring(ys.twice:shape()), shape)
      t.eq(ys.twice:reshape(6):totable(), { 2, 4, 6, 8, 10, 12 })
      t.eq(ys.data:totable(), data:totable())
      t.eq(ys.w:totable(), { 5, 6 })
    end
  end
  t.eq(tiny.load():eval({ data = tiny.x() }).prob:totable(), tiny.load():forward(tiny.x()):totable())
end)

test("eval refuses what is missing, unknown or of the wrong kind", function(t)
  local net, data, shape = tiny.several(), xai.zeros(2, 3), xai.tensor({ 3, 2 }, "int64")
  t.fails(function() net:eval { data = data } end, "net:eval: input 'shape' is missing (int64 of shape ?)")
  t.fails(function() net:eval { data = data, shap = shape } end, "net:eval: no input 'shap'; did you mean 'shape'?")
  t.fails(function() net:eval { data = data, shape = shape, w = data } end, "net:eval: no input 'w'")
  t.fails(function() net:eval { data = data, shape = xai.tensor { 3, 2 } } end,
    "input 'shape': wrong element type (expected int64, got float32)")
  t.fails(function() net:eval { data = xai.zeros(2, 4), shape = shape } end, "input 'data': wrong shape (expected ?x3, got 2x4)")
  t.fails(function() net:eval { data = data, shape = xai.tensor({ 4, 2 }, "int64") } end, "cannot reshape 2x3 to 4x2")
  t.fails(function() net:eval(data) end, "expected a table { name = tensor }")
  t.fails(function() net:forward(data) end, "one input was given to a network with 2 ('data', 'shape')")
  t.fails(function() net:run(data) end, "one input was given to a network with 2 ('data', 'shape')")
end)

test("predict ranks classes, and knows their labels", function(t)
  local top = tiny.load { preprocess = "none", labels = labels }:predict(tiny.x(), 2)
  t.eq(#top, 2)
  t.eq(top[1].id, 2)
  t.eq(top[1].label, "three")
  t.near(top[1].logit, 2.25)
  t.near(top[1].p, math.exp(2.25) / (math.exp(1.5) + math.exp(1.75) + math.exp(2.25)))
  t.eq(top[2].id, 1)
  t.eq(tiny.load():predict(tiny.x())[1].label, "class 2")
  t.eq(#tiny.load():predict(tiny.x(), 1000), 3)
end)

-- d z0 / d x: 1/4 at each block's maximum of A1 where x > 0.  d z1 / d x: -1/4 at each block's first maximum of 2 - x.
local dz0 = { { 0, 0, 0, 0 }, { 0, 0.25, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0.25 } }
local dz1 = { { -0.25, 0, -0.25, 0 }, { 0, 0, 0, 0 }, { -0.25, 0, 0, -0.25 }, { 0, 0, 0, 0 } }

test("backward from a class, a unit, a sum, a difference, a seed", function(t)
  local net, x = tiny.load { preprocess = "none", labels = labels }, tiny.x()
  local run = net:run(x)
  local function grad(options) return run:backward(options):reshape(4, 4):totable() end
  t.near(grad { target = 0 }, dz0)
  t.near(grad { target = "two, second" }, dz1)
  local both = (xai.tensor(dz0) + xai.tensor(dz1)):totable()
  t.near(grad { target = 2 }, both)
  t.near(grad {}, both, nil, "the most probable class")
  t.near(grad { target = { 0, 1 } }, both)
  t.near(grad { target = { 0, "one" } }, (xai.tensor(dz0) * 2):totable())
  t.near(grad { target = { plus = 0, minus = { 1 } } }, (xai.tensor(dz0) - xai.tensor(dz1)):totable())
  t.near(grad { target = xai.tensor { { 2, 0, -1 } } }, (xai.tensor(dz0) * 2 - xai.tensor(both)):totable())
  local unit = { { 0, 0, 0, 0 }, { 0, 1, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } }
  t.near(grad { target = "pool1:1:1:1" }, unit)
  t.near(grad { at = "pool1" }, unit, nil, "the strongest unit of pool1 is the 4")
  t.near(grad { seed = xai.tensor { { { { 1, 0 }, { 0, 0 } }, { { 0, 0 }, { 0, 0 } } } }, at = "pool1" }, unit)
  t.near(grad { target = "pool1:1" }, dz0, nil, "the mean of pool1's channel 1 is z0")
end)

test("backward to a layer, under a rule, and again under the plain one", function(t)
  local net, x = tiny.load(), tiny.x()
  local run = net:run(x)
  t.near(run:backward { target = 0, to = "gap" }:reshape(2):totable(), { 1, 0 })
  t.near(run:backward { target = 2, to = "pool1" }:reshape(8):totable(), { 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25 })
  -- deconvnet ignores the forward sign: also the zeros of A1 that win their block pass it on
  local deconv = { { 0, 0, 0.25, 0 }, { 0, 0.25, 0, 0 }, { 0.25, 0, 0, 0 }, { 0, 0, 0, 0.25 } }
  t.near(run:backward { target = 0, relu = "deconv" }:reshape(4, 4):totable(), deconv)
  t.near(run:backward { target = 0 }:reshape(4, 4):totable(), dz0)
  t.near(net:with { relu = "deconv" }:run(x):backward { target = 0 }:reshape(4, 4):totable(), deconv)
end)

test("a run that keeps some layers has those, and still answers backward", function(t)
  local net, x = tiny.load(), tiny.x()
  local run = net:run(x, { keep = { "pool1" } })
  t.eq(run:get("pool1"):get(1, 1, 1, 1), 4)
  t.fails(function() run:get "conv1" end, "run:get: layer 'conv1' was not kept")
  t.near(run:backward { target = 0 }:reshape(4, 4):totable(), dz0)
  t.near(run:backward { target = 1 }:reshape(4, 4):totable(), dz1)
  t.eq(run:get("pool1"):get(1, 1, 1, 1), 4)
  t.eq(net:run(x, { keep = "gap" }):get("gap"):get(1, 1, 1, 1), 1.5)
end)

test("a batch: one gradient per picture, and a target is asked for", function(t)
  local net, x = tiny.load(), tiny.x()
  local two = xai.tensor { x[1]:totable(), (x[1] * 0):totable() }
  local g = net:run(two):backward { target = 0 }
  t.near(g[1][1], dz0)
  t.eq(g[2]:norm(), 0)
  t.fails(function() net:run(two):backward() end, "2 pictures, whose most probable classes may differ")
end)

test("a run outlives the variables that it came from", function(t)
  local run = tiny.load():run(tiny.x())
  collectgarbage()
  collectgarbage()
  t.near(run:backward { target = 0 }:reshape(4, 4):totable(), dz0)
  run:free()
  t.fails(function() run:get "conv1" end, "this run was freed")
end)

test("replaced weights: a tensor, random ones, the old net unharmed", function(t)
  local net, x = tiny.load(), tiny.x()
  local swapped = net:with { weights = { fc = xai.tensor { { 0, 1 }, { 1, 0 }, { 0, 0 } } } }
  t.eq(swapped:logits(x):totable(), { { 1.75, 1.5, -1 } })
  local biased = net:with { weights = { fc = { bias = xai.tensor { 10, 0, 0 } } } }
  t.eq(biased:logits(x):totable(), { { 11.5, 1.75, 3.25 } })
  local random = net:with { weights = { fc = "random" } }
  t.ok(random:weight("fc"):norm() > 0)
  t.eq(random:weight("fc", "bias"):norm(), 0)
  t.eq((random:weight "fc" - net:with { weights = { fc = "random" } }:weight "fc"):norm(), 0, "the seed decides")
  t.eq(net:logits(x):totable(), { { 1.5, 1.75, 2.25 } })
  t.ok(tostring(swapped):find("fc (replaced)", 1, true))
  t.eq(net:weight "relu1", nil)
end)

test("random weights have the spread of He's start", function(t)
  -- deviation sqrt(2 / fan-in); 18 weights of conv1 have fan-in 9. Mean square of many seeds: 2 / 9
  local net, before, sum, n = tiny.load(), xai.seed(), 0, 0
  for seed = 1, 200 do
    xai.seed(seed)
    local w = net:with { weights = { conv1 = "random" } }:weight "conv1"
    sum, n = sum + (w * w):sum(), n + 18
  end
  xai.seed(before)
  t.near(sum / n, 2 / 9, 0.02) -- standard error 2/9 * sqrt(2/3600) = 0.005
end)

test("a network that ends in a choice is asked for the scores that it chooses by", function(t)
  local b = require "xai.build"
  local INT32 <const> = 2 -- in the order of element types
  local function op(name, attributes, ...)
    local more = { ... }
    return function(x, at)
      local inputs = { x }
      for i, value in ipairs(more) do inputs[i + 1] = b.constant(x, value) end
      return b.node(name, at, inputs, attributes)
    end
  end
  local function ending(...)
    return b.net("net", b.seq { "conv", b.conv { 3, k = 2 }, "gap", b.gap, "fc", b.flatten, ... }, { input = { 1, 4, 4 }, weights = "fill" })
  end
  local x, plain = tiny.x(), ending()
  local best = plain:predict(x)[1]
  for name, net in pairs { argmax = ending("best", op("ArgMax", { axis = 1 })), topk = ending("best", op("TopK", {}, { 2 })),
    probable = ending("prob", op("Softmax", { axis = 1 }), "best", op("ArgMax", { axis = 1 }), "id", op("Cast", { to = INT32 })) } do
    t.eq({ net:predict(x)[1].id, net:predict(net:run(x))[1].logit }, { best.id, best.logit }, name)
    t.eq(xai.saliency(net, x).values:totable(), xai.saliency(plain, x).values:totable(), name)
    if name ~= "topk" then t.fails(function() xai.gradcam(net, x, { target = "best:1" }) end, "layer 'best' holds int64 1x1, expected float32") end
  end
  local net = ending("id", op("Cast", { to = INT32 })) -- numbers of classes for no reason that can be seen
  t.eq(net:forward(x):dtype(), "int32")
  for _, method in ipairs { "gradcam", "occlusion", "eigencam" } do
    t.fails(function() xai[method](net, x, { target = 0 }) end, method .. ": layer 'id' holds int32 1x3, expected float32")
  end
  t.fails(function() net:predict(x) end, "net:predict: layer 'id' holds int32 1x3, expected float32")
  t.fails(function() xai.invert(net, x, { layer = "id" }) end, "layer 'id' holds int32 1x3, expected float32")
end)

test("behind a Sigmoid every class has a probability of its own", function(t)
  local b = require "xai.build"
  local plain = tiny.load()
  local net = b.net("several", b.seq { "conv", b.conv { 2, k = 3, pad = 1 }, "act", b.relu, "gap", b.gap, "flat", b.flatten,
    "fc", b.linear { 3 }, "prob", b.sigmoid }, { input = { 1, 4, 4 }, weights = "fill", preprocess = "none" })
  t.eq({ net.multilabel, plain.multilabel }, { true, false })
  local x = tiny.x()
  local p, z = net:forward(x):totable()[1], net:logits(x):totable()[1]
  t.near(net:forward(x, "fc"):totable()[1], z)
  for _, guess in ipairs(net:predict(x)) do t.near({ guess.p, guess.logit }, { p[guess.id + 1], z[guess.id + 1] }, 1e-6) end
  t.near(xai.gradcam(net, x, { target = 1 }).p, p[2], 1e-6)
  -- hiding everything leaves what zeros give, in every method that asks for probabilities
  local drop = p[1] - net:forward(x * 0):get(1, 1)
  t.near(xai.occlusion(net, x, { target = 0, window = 4, stride = 4, score = "prob" }).values:max(), drop, 1e-6)
  t.near(xai.rise(net, x, { target = 0, p = 1, masks = 4, cells = 2 }).values:max(), p[1], 1e-6)
  local curve = xai.score.deletion(net, x, xai.saliency(net, x, { target = 0 })) -- from the picture to its fill
  t.near(curve.curve[1], p[1], 1e-6)
  local view = net:with { hooks = { act = function(a) return a * 0 end } }
  t.ok(view.multilabel)
  t.fails(function() xai.invert(net, x, { code = "log_probabilities" }) end, "code: the network ends in a Sigmoid")
end)

test("a file's pictures may have their channels last, as TensorFlow's do: the network takes them first", function(t)
  local b = require "xai.build"
  local function op(name, attributes, more)
    return function(x, at) return b.node(name, at, { x, more and b.constant(x, more) }, attributes) end
  end
  local first = op("Transpose", { perm = { 0, 3, 1, 2 } })
  local behind = { "conv", b.conv { 4, k = 3 }, "act", b.relu, "gap", b.gap, "flat", b.flatten, "fc", b.linear { 3 } }
  local function saved(...)
    local parts = { ... }
    table.move(behind, 1, #behind, #parts + 1, parts)
    local net, name = b.net("tf", b.seq(parts), { input = { 6, 5, 3 }, weights = "fill" }), os.tmpname()
    net:save(name .. ".onnx")
    local back = xai.load(name .. ".onnx", { preprocess = "none" })
    os.remove(name)
    os.remove(name .. ".onnx")
    return net, back
  end
  local rows, planes = {}, { {}, {}, {} }
  for y = 1, 6 do
    rows[y] = {}
    for c = 1, 3 do planes[c][y] = {} end
    for x = 1, 5 do
      rows[y][x] = { x + y, x * y / 4, 9 - x }
      for c = 1, 3 do planes[c][y][x] = rows[y][x][c] end
    end
  end
  local last, x = xai.tensor { rows }, xai.tensor { planes }
  for name, parts in pairs { ["transposed at once"] = { "first", first }, ["scaled before"] = { "half", op("Mul", {}, 0.5), "first", first } } do
    local net, back = saved(table.unpack(parts))
    t.eq({ tostring(net.input), tostring(back.input) }, { "?x6x5x3", "?x3x6x5" }, name)
    t.near(back:logits(x), net:logits(last), 1e-6, name)
    t.eq(tostring(xai.saliency(back, x).values:shape()), "6x5", name)
    t.eq(tostring(xai.gradcam(back, xai.image(xai.zeros(6, 5, 3, "uint8"))).values:shape()), "4x3", name)
  end
end)

test("methods by hand: saliency, Grad-CAM, guided, deconvnet, input x gradient", function(t)
  local net, x = tiny.load { preprocess = "none", labels = labels }, tiny.x()
  local s = xai.saliency(net, x, { target = 0 })
  t.near(s.values, dz0)
  t.eq({ s.method, s.label, s.class, s.target, s.layer, s.height, s.width }, { "saliency", "one", 0, "0", "", 4, 4 })
  t.near(xai.saliency(net, x, { target = 1 }).gradient[1], dz1)
  -- Grad-CAM at relu1 for class 0: four entries of 1/4 in 16 positions, none in channel 2
  local e = xai.gradcam(net, x, { target = 0, layer = "relu1" })
  t.near(e.weights, { 1 / 16, 0 })
  t.near(e.values, (x[1][1] * (1 / 16)):totable())
  t.eq(e.options, { relu = true, counterfactual = false, guided = false })
  t.near(xai.gradcam(net, x, { target = 0, layer = "relu1", counterfactual = true }).values:max(), 0)
  -- class 1 goes through 2 - x, so its gradient is negative at the input but positive at the ReLU: nothing is stopped
  t.near(xai.guided_backprop(net, x, { target = 1 }).values[1], dz1)
  t.near(xai.guided_backprop(net, x, { target = { minus = 0 } }).values:norm(), 0)
  t.near(xai.deconvnet(net, x, { target = 0 }).values[1][1][3], 0.25)
  t.near(xai.input_x_gradient(net, x, { target = 0 }).values:sum(), 1.5, nil, "no bias on this path: x * gradient sums to z0")
end)

test("occlusion by hand: one window hides everything, four hide a quarter each", function(t)
  local net, x = tiny.load(), tiny.x()
  -- x = 0: z0 = 0, so the drop is 1.5 everywhere
  local all = xai.occlusion(net, x, { target = 0, window = 4, stride = 4 })
  t.near(all.values:min(), 1.5)
  t.near(all.values:max(), 1.5)
  t.near(all.grid, { { 0 } })
  -- hiding the top left quarter removes the 4: z0 drops by 1, hiding the bottom right one the 2: by 0.5
  local quarters = xai.occlusion(net, x, { target = 0, window = 2, stride = 2 })
  t.near(quarters.grid, { { 0.5, 1.5 }, { 1.5, 1.0 } })
  t.near(quarters.values, { { 1, 1, 0, 0 }, { 1, 1, 0, 0 }, { 0, 0, 0.5, 0.5 }, { 0, 0, 0.5, 0.5 } })
end)

test("a picture is an input wherever a tensor is", function(t)
  local net = tiny.load({ preprocess = { order = "rgb", scale = 1 / 255 } }, 3)
  local pixels = {}
  for y = 1, 4 do
    pixels[y] = {}
    for x = 1, 4 do pixels[y][x] = { 255, 0, x == y and 255 or 0 } end
  end
  local img = xai.image(xai.tensor(pixels, "uint8"))
  local x = net:prepare(img)
  t.eq(tostring(x:shape()), "1x3x4x4")
  t.eq({ x:get(1, 1, 1, 1), x:get(1, 2, 1, 1), x:get(1, 3, 1, 1), x:get(1, 3, 1, 2) }, { 1, 0, 1, 0 })
  t.eq(net:unprepare(x):tensor():totable(), img:tensor():totable())
  -- red is 1 everywhere: m1 = 1, m2 = relu(2 - 1) = 1
  t.eq(net:logits(img):totable(), { { 1, 1, 1 } })
  t.eq(net:logits(x):totable(), net:logits(img):totable())
  t.eq(net:run(img):get("gap"):reshape(2):totable(), { 1, 1 })
  t.eq(net:predict(img, 1)[1].id, 0, "ties by id")
  t.eq(xai.saliency(net, img, { target = 0 }).x:totable(), x:totable())
  local bgr = tiny.load({ preprocess = { order = "bgr", scale = 1 / 255 } }, 3)
  t.eq(bgr:prepare(img):channel(1):totable(), x:channel(3):totable())
end)

test("results: map, heat, over, boxes, save", function(t)
  local net, x = tiny.load { preprocess = { scale = 1 } }, tiny.x()
  local e = xai.gradcam(net, x, { target = 0, layer = "pool1" })
  -- gradient 1/4 at all four positions of channel 1: weight 1/4, map = pool1 / 4
  t.near(e.values, { { 1, 0 }, { 0, 0.5 } })
  t.eq(tostring(e:map():shape()), "4x4")
  -- half-pixel bilinear from 2 to 4: row 1 is the first row of values: 1, 0.75, 0.25, 0
  t.near(e:map()[1], { 1, 0.75, 0.25, 0 })
  local heat = e:heat()
  t.eq({ heat:size() }, { 4, 4 })
  t.eq({ heat.bar.cmap, heat.bar.lo, heat.bar.hi }, { "inferno", 0.0, 1.0 })
  t.eq(e:heat { scale = { 0, 2 } }.bar.hi, 2)
  t.eq(e:heat { cmap = "grey", scale = { 0, 1 } }:tensor()[1][1]:totable(), { 255, 255, 255 })
  local img = xai.image(xai.tensor({ { 10, 20 }, { 30, 40 } }, "uint8"))
  t.eq(e:over(img, 0):tensor():totable(), img:tensor():totable(), "share 0 is the picture")
  t.eq({ e:over(img):size() }, { 2, 2 })
  t.eq({ e:over():size() }, { 4, 4 })
  local box = e:boxes { threshold = 0.7 }[1]
  t.eq({ box.x, box.y, box.w, box.h, box.score }, { 1, 1, 2, 2, 1.0 }) -- above 0.7: 1, 0.75 / 0.75; 0.5625 is not
  local raw = xai.gradcam(net, x, { target = 0, layer = "pool1", relu = false })
  t.eq(raw:heat().bar.cmap, "diverging")
  local name = os.tmpname()
  e:save(name .. ".npy"):save(name .. ".safetensors"):save(name .. ".png")
  t.near(xai.read(name .. ".npy").data, { { 1, 0 }, { 0, 0.5 } })
  local back, meta = xai.read(name .. ".safetensors")
  t.near(back.weights, { 0.25, 0 })
  t.eq({ meta.method, meta.layer, meta["options.relu"] }, { "gradcam", "pool1", "true" })
  t.eq({ xai.image(name .. ".png"):size() }, { 4, 4 })
  for _, ending in ipairs { "", ".npy", ".safetensors", ".png" } do os.remove(name .. ending) end
  t.ok(tostring(e):find("gradcam of 'class 0' (class 0, p = 0.", 1, true), tostring(e))
end)

test("a map lies over what the network saw of a cropped picture", function(t)
  local net = tiny.load({ preprocess = { resize = 8, crop = 4 } }, 3)
  local img = xai.image(xai.zeros(16, 32, 3, "uint8"))
  local e = xai.saliency(net, img, { target = 0 })
  t.eq({ e:over(img):size() }, { 8, 8 }) -- 4 of 8 rows that 16 became: 8 of the picture's own
  local whole = tiny.load({ preprocess = {} }, 3)
  t.eq({ xai.saliency(whole, img, { target = 0 }):over(img):size() }, { 32, 16 })
end)

test("a view of a view carries both", function(t)
  local net, x = tiny.load(), tiny.x()
  local both = net:with { weights = { fc = { bias = xai.tensor { 0, 0, 0 } } } }:with { relu = "guided" }
  t.eq(both:logits(x):totable(), { { 1.5, 1.75, 3.25 } })
  t.near(both:run(x):backward { target = { minus = 0 } }:norm(), 0)
end)

done()
