-- xai.build: networks written in Lua.
--
--   local b = require "xai.build"
--   local conv, relu, seq = b.conv, b.relu, b.seq
--   local layer = seq { "conv1", conv { 8, k = 3, pad = 1 }, "relu1", relu, "pool", b.gap, "flatten", b.flatten, "fc", b.linear { 10 } }
--   local net = b.net("tiny", layer, { input = { 3, 32, 32 }, weights = "fill" })
--
-- A layer is a function (x, at) -> y. x and y are values of the network that is being built; their sizes are x.c, x.h, x.w
-- and x.shape, for one picture. 'at' is the place in the tree of modules: at "conv1" is one step further down, at() its
-- dotted name, as in PyTorch: "layer1.0.conv1". Layers take their parameters' names and nodes theirs from the place, so a
-- block is a function that composes layers; a place that is used again gives "relu", "relu_1", "relu_2".
-- As a network is used: dropout does nothing, batch normalization has its stored statistics. Nothing here knows an architecture.
local core = require "xai.core"
local check = require "xai.check"
local source = require "xai.weights"

local build = {}

-- ---- places, values, nodes -------------------------------------------------------------------------------------------

local function place(path)
  return function(child)
    if child == nil then return path end
    return place(path == "" and child or path .. "." .. child)
  end
end

local function value(graph, name, shape)
  return { graph = graph, name = name, shape = shape, c = shape[2], h = shape[3], w = shape[4] }
end

local function unique(graph, name)
  local n = graph.names[name]
  graph.names[name] = (n or 0) + 1
  return n and ("%s_%d"):format(name, n) or name
end

--- Raises with the network's and the layer's name.
local function fail(x, at, message, ...) core.fail(("%s: layer '%s': %s"):format(x.graph.name, at(), message:format(...))) end

--- A node with one output. Inputs are values, or names of constants; the first is a value.
local function node(op, at, inputs, attributes)
  local graph, names = inputs[1].graph, {}
  for i, input in ipairs(inputs) do names[i] = type(input) == "table" and input.name or input end
  local name = unique(graph, at())
  return value(graph, name, graph.builder:node(op, name, names, attributes))
end

--- The parameter of that place and shape; its name.
local function param(x, at, shape)
  local name = at()
  x.graph.builder:constant(name, x.graph.weights:take(name, shape))
  return name
end

--- A number, or a list of integers for operators that take shapes, axes and positions as inputs; its name, which may be given.
local function constant(x, number, name)
  local list = type(number) == "table"
  name = name or (list and "ints_" .. table.concat(number, "_") or ("number_%.9g"):format(number))
  if not x.graph.constants[name] then
    x.graph.builder:constant(name, list and core.tensor(number, "int64") or core.tensor(number))
    x.graph.constants[name] = true
  end
  return name
end

build.node, build.param, build.constant, build.fail = node, param, constant, fail

--- A function of an option table whose keys are checked; [1] is the one that has no name.
local function maker(name, keys, make)
  table.insert(keys, 1, 1)
  build[name] = function(options) return make(check.options(name, options, keys)) end
end

local function pair(v) return type(v) == "table" and v or { v, v } end

-- ---- composition -----------------------------------------------------------------------------------------------------

--- One layer after the other; a string names the next one, the others are numbered from 0.
function build.seq(list)
  return function(x, at)
    local index, name = 0, nil
    for _, item in ipairs(list) do
      if type(item) == "string" then name = item
      else
        x = item(x, at(name or tostring(index)))
        index, name = index + 1, nil
      end
    end
    return x
  end
end

function build.add(a, b, at) return node("Add", at, { a, b }) end
function build.mul(a, b, at) return node("Mul", at, { a, b }) end
function build.concat(list, at) return node("Concat", at, list, { axis = 1 }) end

-- ---- layers with parameters ------------------------------------------------------------------------------------------

--- conv { 64, k = 3 or {kh, kw}, stride =, pad =, groups =, dilation =, bias = false }; without a number of filters one per
--- channel, each on its own (depthwise).
maker("conv", { "k", "stride", "pad", "groups", "dilation", "bias" }, function(o)
  local k, pad = pair(o.k or 1), pair(o.pad or 0)
  return function(x, at)
    local filters, groups = o[1] or x.c, o[1] and (o.groups or 1) or x.c
    if x.c % groups ~= 0 then fail(x, at, "%d channels do not fall into %d groups", x.c, groups) end
    local inputs = { x, param(x, at "weight", { filters, x.c // groups, k[1], k[2] }) }
    if o.bias ~= false then inputs[3] = param(x, at "bias", { filters }) end
    return node("Conv", at, inputs, { kernel_shape = k, strides = pair(o.stride or 1), dilations = pair(o.dilation or 1),
      pads = { pad[1], pad[2], pad[1], pad[2] }, group = groups })
  end
end)

--- batch_norm { eps = 1e-3 }
maker("batch_norm", { "eps" }, function(o)
  return function(x, at)
    local shape = { x.c }
    return node("BatchNormalization", at, { x, param(x, at "weight", shape), param(x, at "bias", shape),
      param(x, at "running_mean", shape), param(x, at "running_var", shape) }, { epsilon = o.eps or 1e-5 })
  end
end)
build.bn = build.batch_norm {}

--- linear { 1000, bias = false }, over rows
maker("linear", { "bias" }, function(o)
  return function(x, at)
    if #x.shape ~= 2 then fail(x, at, "expected rows of features, got %s", table.concat(x.shape, "x")) end
    local inputs = { x, param(x, at "weight", { o[1], x.c }) }
    if o.bias ~= false then inputs[3] = param(x, at "bias", { o[1] }) end
    return node("Gemm", at, inputs, { transB = 1 })
  end
end)

-- ---- activations -----------------------------------------------------------------------------------------------------

--- A layer of one operator without parameters.
local function plain(op, attributes)
  return function(x, at) return node(op, at, { x }, attributes) end
end

build.relu, build.sigmoid, build.tanh = plain "Relu", plain "Sigmoid", plain "Tanh"
build.hardswish, build.hardsigmoid = plain "HardSwish", plain("HardSigmoid", { alpha = 1 / 6, beta = 0.5 })
build.gap, build.flatten = plain "GlobalAveragePool", plain("Flatten", { axis = 1 })

--- dropout, or dropout { 0.3 } with another ratio than a half. It drops in training only.
function build.dropout(x, at)
  if at then return node("Dropout", at, { x }) end
  local o = check.options("dropout", x, { 1 })
  return function(y, place) return node("Dropout", place, { y, constant(y, o[1] or 0.5) }) end
end

function build.identity(x) return x end

function build.relu6(x, at) return node("Clip", at, { x, constant(x, 0), constant(x, 6) }) end

--- x sigmoid(x)
function build.silu(x, at) return build.mul(x, build.sigmoid(x, at "sigmoid"), at) end

--- Convolution without bias, batch normalization, activation: unit { 64, k = 3, stride =, groups =, norm = bn, act = relu };
--- act = false: none. Padding keeps the size; without a number of filters the convolution is depthwise.
maker("unit", { "k", "stride", "groups", "norm", "act" }, function(o)
  local k = o.k or 1
  local layers = { build.conv { o[1], k = k, stride = o.stride, pad = k // 2, groups = o.groups, bias = false }, o.norm or build.bn }
  if o.act ~= false then layers[3] = o.act or build.relu end
  return build.seq(layers)
end)

--- Squeeze and excitation (Hu et al. 2018): squeeze_excite { squeeze, act = relu, scale = sigmoid }: x times a factor per
--- channel that two small layers make of the channels' means.
maker("squeeze_excite", { "act", "scale" }, function(o)
  return function(x, at)
    local factor = build.seq { "avgpool", build.gap, "fc1", build.conv { o[1] }, "activation", o.act or build.relu,
      "fc2", build.conv { x.c }, "scale_activation", o.scale or build.sigmoid } (x, at)
    return build.mul(x, factor, at "mul")
  end
end)

-- ---- pooling, normalization, shapes ----------------------------------------------------------------------------------

local function pool(op)
  return function(o)
    local pad = pair(o.pad or 0)
    return plain(op, { kernel_shape = pair(o[1]), strides = pair(o.stride or o[1]), pads = { pad[1], pad[2], pad[1], pad[2] },
      ceil_mode = o.ceil or false, count_include_pad = op == "AveragePool" or nil })
  end
end

--- maxpool { 3, stride = 2, pad = 1, ceil = true }; the stride is the size where it is not given
maker("maxpool", { "stride", "pad", "ceil" }, pool "MaxPool")
--- avgpool { 3, stride = 1, pad = 1 }: padding counts as zeros
maker("avgpool", { "stride", "pad", "ceil" }, pool "AveragePool")

--- The mean of windows that divide the input into h x h places.
function build.adaptive(h)
  return function(x, at)
    if h == 1 then return build.gap(x, at) end
    if x.h % h ~= 0 or x.w % h ~= 0 then
      fail(x, at, "cannot average %dx%d to %dx%d (expected multiples)", x.h, x.w, h, h)
    end
    if x.h == h and x.w == h then return node("Identity", at, { x }) end
    local k = { x.h // h, x.w // h }
    return node("AveragePool", at, { x }, { kernel_shape = k, strides = k })
  end
end

--- Local response normalization over channels (Krizhevsky et al. 2012): lrn { 5, alpha = 1e-4, beta = 0.75 }
maker("lrn", { "alpha", "beta" }, function(o)
  return plain("LRN", { size = o[1], alpha = o.alpha or 1e-4, beta = o.beta or 0.75, bias = 1.0 })
end)

--- Positions from, from + step, ... before 'to' of an axis, all counted from 0.
function build.slice(x, at, axes, from, to, step)
  return node("Slice", at, { x, constant(x, from), constant(x, to), constant(x, axes), constant(x, step) })
end

-- ---- networks --------------------------------------------------------------------------------------------------------

--- The nearest multiple of 8 that is not below nine tenths, as MobileNets round channel counts.
function build.round8(exact)
  local rounded = math.max(8, (exact + 4) // 8 * 8)
  return math.tointeger(rounded < 0.9 * exact and rounded + 8 or rounded)
end

--- Multiplies channel counts with 'factor', and with a second one where the caller has it.
function build.widener(factor)
  return function(channels, more)
    local exact = channels * factor * (more or 1)
    return exact == channels and channels or build.round8(exact)
  end
end

--- The network of a layer. options: input = { channels, height, width }, preprocess as for xai.load, weights, rename and
--- ignore (see weights.lua).
function build.net(name, layer, options)
  local weights = source(name, options.weights, options)
  local graph = { name = name, builder = core.builder(name), weights = weights, names = {}, constants = {} }
  local input = options.input
  graph.builder:input("input", { -1, input[1], input[2], input[3] })
  local y = layer(value(graph, "input", { 1, input[1], input[2], input[3] }), place "")
  weights:finish()
  local net = graph.builder:freeze(y.name)
  return options.preprocess and core.set_preprocess(net, options.preprocess) or net
end

return build
