-- The zoo: structure against torchvision, sizes against the papers, weights from everywhere, errors.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local core = require "xai.core"
local xai = require "xai"

--- pairs() in the order of the keys
local function sorted(t)
  local keys, i = {}, 0
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return function()
    i = i + 1
    return keys[i], t[keys[i]]
  end
end

--- FNV-1a, 64 bits
local function hash(text)
  local h = 0xcbf29ce484222325
  for i = 1, #text do h = (h ~ text:byte(i)) * 0x100000001b3 end
  return h
end

--- Every parameter that a network asks for: "name 64x3x7x7" lines, and how many numbers are learnt (statistics are not).
local function parameters(name, options)
  local lines, learnt, dims = {}, 0, {}
  options = options or {}
  options.weights = function(parameter, shape)
    lines[#lines + 1] = parameter .. " " .. table.concat(shape, "x")
    local n = 1
    for _, d in ipairs(shape) do n = n * d end
    if not parameter:find "running_" then learnt = learnt + n end
    dims[parameter] = table.concat(shape, "x")
    return core.zeros(shape)
  end
  local net = xai.zoo[name](options)
  table.sort(lines)
  return net, lines, learnt, dims
end

-- torchvision 0.14.1, models of that name without auxiliary heads: sum of numel over parameters(); entries of state_dict()
-- without num_batches_tracked; the hash above of their sorted lines "name 64x3x7x7", joined by newlines.
local torchvision = {
  alexnet = { 61100840, 16, 0x537fe0ec4c3c9dc8 },
  vgg11 = { 132863336, 22, 0x6014eafa588a2733 },
  vgg13 = { 133047848, 26, 0x87e879b528b7382e },
  vgg16 = { 138357544, 32, 0x9e058dc725559374 },
  vgg19 = { 143667240, 38, 0x568a250e5dd50c48 },
  vgg11_bn = { 132868840, 54, 0xafa9e6429f9c15c3 },
  vgg13_bn = { 133053736, 66, 0x9853fe28880faa86 },
  vgg16_bn = { 138365992, 84, 0x367f655c77519cdb },
  vgg19_bn = { 143678248, 102, 0xafce4b2ef2f83d86 },
  googlenet = { 6624904, 287, 0xb3552c24632a9b69 },
  inception_v3 = { 23834568, 472, 0xdbff7629a6df163d },
  resnet18 = { 11689512, 102, 0xdc4eb1b5a46988cc },
  resnet34 = { 21797672, 182, 0xd3cf2ac9b540ef64 },
  resnet50 = { 25557032, 267, 0xcc5583bf351e1271 },
  resnet101 = { 44549160, 522, 0xd58dfb3e4e0e9994 },
  resnet152 = { 60192808, 777, 0x61538767a9ac14f8 },
  resnext50_32x4d = { 25028904, 267, 0xb0abfbd3e0c7b8b0 },
  resnext101_32x8d = { 88791336, 522, 0xa5a8acba15a8383d },
  wide_resnet50_2 = { 68883240, 267, 0x012916d52e4a9645 },
  wide_resnet101_2 = { 126886696, 522, 0xd302e83f8b3c0b68 },
  densenet121 = { 7978856, 606, 0x4a2f45ea0fe22ef7 },
  densenet161 = { 28681000, 806, 0xc356db747d384bdc },
  densenet169 = { 14149480, 846, 0x2ade2d6c88f53e79 },
  densenet201 = { 20013928, 1006, 0x0c6386ded651cbd7 },
  squeezenet1_0 = { 1248424, 52, 0x2a85f4060a163245 },
  squeezenet1_1 = { 1235496, 52, 0x0723609d7bf88f20 },
  mobilenet_v2 = { 3504872, 262, 0x6301da0636bef20f },
  mobilenet_v3_small = { 2542856, 210, 0x228a92463fc61fd5 },
  mobilenet_v3_large = { 5483032, 266, 0x31dbcefe6f35f2b6 },
  shufflenet_v2_x0_5 = { 1366792, 282, 0xe1a969ce69508c19 },
  shufflenet_v2_x1_0 = { 2278604, 282, 0xbaf00df6534ffeb5 },
  shufflenet_v2_x1_5 = { 3503624, 282, 0x86b08d44cf0a1eb3 },
  shufflenet_v2_x2_0 = { 7393996, 282, 0xde62a6e4bbbb4f78 },
  mnasnet0_5 = { 2218512, 262, 0xc471de170885c4b4 },
  mnasnet0_75 = { 3170208, 262, 0x612dcff69f97af8e },
  mnasnet1_0 = { 4383312, 262, 0x510a512874ab1352 },
  mnasnet1_3 = { 6282256, 262, 0xab49feb90750889e },
  efficientnet_b0 = { 5288548, 311, 0xd91e388b4a4e0f88 },
  efficientnet_b1 = { 7794184, 439, 0xa763de2c9e7086ba },
  efficientnet_b2 = { 9109994, 439, 0x1cca1275d5f848d7 },
  efficientnet_b3 = { 12233232, 496, 0xf57000e0270d15dd },
  efficientnet_b4 = { 19341616, 610, 0xb9faa7f830f02841 },
  efficientnet_b5 = { 30389784, 738, 0x57cadb757c8254b9 },
  efficientnet_b6 = { 43040704, 852, 0x6b11e0c92d5e1689 },
  efficientnet_b7 = { 66347960, 1037, 0xbfe32276799406f1 },
  regnet_y_400mf = { 4344144, 331, 0xb15c42fa2d348d5e },
  regnet_y_8gf = { 39381472, 350, 0x50ac10be68398b58 },
  regnet_x_400mf = { 5495976, 357, 0xf8e78082122500bc },
  convnext_tiny = { 28589128, 182, 0xf3b9c2a9c247f775 },
}

for name, want in sorted(torchvision) do
  test(name .. " has torchvision's parameters, by name and shape", function(t)
    local net, lines, learnt = parameters(name)
    t.eq(learnt, want[1], "numbers")
    t.eq(#lines, want[2], "parameters")
    t.eq(hash(table.concat(lines, "\n")), want[3], "names and shapes")
    t.eq(net.classes, 1000)
    t.eq(net.preprocess, "imagenet")
  end)
end

-- The same models in float64 with weights made by name (fill) and a picture of fill("input.bias", 1x3xSxS) * 10:
-- size S, logit 243, norm of the logits.
local numbers = {
  inception_v3 = { 107, -0.0432201814, 13.0226922 },
  resnet34 = { 64, -19.7467739, 9373.64705 },
  resnext50_32x4d = { 64, -438.886669, 17199.9722 },
  wide_resnet50_2 = { 64, -184.250049, 15363.0049 },
  densenet161 = { 64, 1.17352177, 28.487286 },
  densenet169 = { 64, -0.224314655, 23.7685832 },
  squeezenet1_0 = { 64, 1.73124856, 29.0900282 },
  mobilenet_v3_small = { 64, 0.119037851, 4.38899549 },
  mobilenet_v3_large = { 64, 0.29053226, 57.5154136 },
  shufflenet_v2_x0_5 = { 64, -10.4013074, 282.748736 },
  shufflenet_v2_x1_5 = { 64, -26.8062913, 433.52625 },
  mnasnet0_5 = { 64, -88.9076045, 7320.41974 },
  mnasnet1_3 = { 64, -27.3307803, 2573.35089 },
  efficientnet_b0 = { 64, -0.296271937, 3.83367533 },
  efficientnet_b2 = { 64, -0.082224903, 4.80796465 },
  efficientnet_b5 = { 64, -0.165170132, 6.24206467 },
  regnet_y_400mf = { 64, -7.39220035, 224.185718 },
  regnet_x_400mf = { 64, 1332.07262, 30057.3929 },
  convnext_tiny = { 64, 3.61509687, 46.3847524 },
}

for name, want in sorted(numbers) do
  test(name .. " computes what torchvision computes", function(t)
    local size = want[1]
    local net = xai.zoo[name] { weights = "fill", size = size }
    local y = net:logits(core.fill("input.bias", { 1, 3, size, size }) * 10)
    t.eq(tostring(y:shape()), "1x1000")
    t.near(y:norm() / want[3], 1, 2e-5, "norm")
    t.near(y:get(1, 244) / want[3], want[2] / want[3], 2e-5, "logit 243")
  end)
end

-- ---- networks of the papers

--- Sizes of some layers as CxHxW.
local function sizes(net, names)
  local out = {}
  for i, name in ipairs(names) do out[i] = tostring(net:layer(name).shape) end
  return table.concat(out, " ")
end

test("CaffeNet has the reference network's sizes and 60965224 parameters", function(t)
  -- conv1 96 (3 11^2 + 1), conv2 256 (48 5^2 + 1), conv3 384 (256 3^2 + 1), conv4 384 (192 3^2 + 1), conv5 256 (192 3^2 + 1),
  -- fc6 4096 (9216 + 1), fc7 4096 (4096 + 1), fc8 1000 (4096 + 1)
  local net, _, learnt, dims = parameters "caffenet"
  t.eq(learnt, 34944 + 307456 + 885120 + 663936 + 442624 + 37752832 + 16781312 + 4097000)
  t.eq(sizes(net, { "conv1", "pool1", "conv2", "pool2", "conv5", "pool5", "fc7", "fc8" }),
    "96x55x55 96x27x27 256x27x27 256x13x13 256x13x13 256x6x6 4096 1000")
  t.eq(dims["conv2.weight"], "256x48x5x5")
  t.eq(net.preprocess, "caffe")
end)

test("ZFNet has the sizes of the paper's figure 3", function(t)
  local net, _, _, dims = parameters "zfnet"
  t.eq(sizes(net, { "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "fc6" }),
    "96x110x110 96x55x55 256x26x26 256x13x13 384x13x13 384x13x13 256x13x13 256x6x6 4096")
  t.eq(dims["conv1.weight"], "96x3x7x7")
end)

test("NIN ends with a map for each class", function(t)
  local net, _, _, dims = parameters("nin", { classes = 20 })
  t.eq(sizes(net, { "conv1", "pool1", "pool2", "pool3", "cccp8-1024", "pool4" }),
    "96x54x54 96x27x27 256x13x13 384x6x6 20x6x6 20x1x1")
  t.eq(dims["cccp8-1024.weight"], "20x1024x1x1")
end)

test("All-CNN-C has about 1.4 million parameters and 6x6 places before the mean", function(t)
  -- 9 96 (3 + 96 + 96) + 9 192 (96 + 192 + 192 + 192) + 192 192 + 192 10, and biases 3 96 + 5 192 + 10
  local net, _, learnt = parameters "all_cnn_c"
  t.eq(learnt, 168480 + 1161216 + 36864 + 1920 + 288 + 960 + 10)
  t.eq(sizes(net, { "conv3", "conv6", "conv7", "conv9" }), "96x16x16 192x8x8 192x6x6 10x6x6")
end)

test("LeNet-5 has the paper's sizes", function(t)
  -- 6 26, 16 (6 25 + 1), 120 (16 25 + 1), 84 121, 10 85
  local net, _, learnt = parameters "lenet5"
  t.eq(learnt, 156 + 2416 + 48120 + 10164 + 850)
  t.eq(sizes(net, { "conv1", "pool1", "conv2", "pool2", "conv3", "fc1", "fc2" }), "6x28x28 6x14x14 16x10x10 16x5x5 120x1x1 84 10")
end)

test("ResNets for CIFAR-10 have the paper's parameters", function(t)
  -- table 6 of the paper: 0.27, 0.46, 0.66, 0.85 million
  for name, millions in pairs { resnet20 = "0.27", resnet32 = "0.46", resnet44 = "0.66", resnet56 = "0.85" } do
    local net, lines, learnt = parameters(name)
    t.eq(("%.2f"):format(learnt / 1e6), millions, name)
    t.eq(sizes(net, { "layer1", "layer2", "layer3", "linear" }), "16x32x32 32x16x16 64x8x8 10")
    t.ok(table.concat(lines, "\n"):find("layer1.0.conv1.weight 16x16x3x3", 1, true))
  end
end)

test("the shortcut that has no parameters takes every second pixel and puts channels of zeros around", function(t)
  -- with all weights zero but the first convolution's (its middle taps: channel 1 of the picture), layer2 = relu(shortcut)
  local function weights(name, shape)
    if name == "conv1.weight" then return core.zeros(shape):set(1, 1, 2, 2, 1) end
    if name == "bn1.weight" or name:find "running_var" then return core.zeros(shape) + 1 end
    return core.zeros(shape)
  end
  local net = xai.zoo.resnet20 { weights = weights }
  local x = core.fill("x.running_var", { 1, 3, 32, 32 })
  local y = net:forward(x, "layer2")
  t.eq(tostring(y:shape()), "1x32x16x16")
  t.near(y:get(1, 9, 3, 5), x:get(1, 1, 5, 9), 1e-4) -- 8 channels of zeros in front
  t.near(y:channel(9):norm(), y:norm(), 1e-6) -- and nothing else
end)

test("networks for class activation maps keep 13x13 and 14x14 places", function(t)
  for name, size in pairs { alexnet_gap = "13x13", vgg16_gap = "14x14", googlenet_gap = "14x14" } do
    local net = parameters(name, { classes = 7 })
    t.eq(sizes(net, { "CAM_conv", "CAM_fc" }), "1024x" .. size .. " 7", name)
  end
end)

-- ---- options

test("every architecture can be made narrower, for other pictures and classes, and runs", function(t)
  local fixed = { alexnet = 224, caffenet = 227, zfnet = 224, nin = 224, lenet5 = 32, all_cnn_c = 32, inception_v3 = 107 }
  for name, make in pairs(xai.zoo) do
    local size = fixed[name] or name:find "vgg" and 224 or 64
    local net = make { weights = "fill", width = 0.125, classes = 7, in_channels = 2, size = size }
    local y = net:forward(core.fill("input.bias", { 1, 2, size, size }))
    t.eq(tostring(y:shape()), "1x7", name)
    t.ok(y:norm() > 0 and y:norm() < math.huge, name)
    t.eq(tostring(net.input), ("?x2x%dx%d"):format(size, size), name)
  end
end)

test("module paths find their layers", function(t)
  for name, layers in pairs {
    resnet18 = { layer4 = "layer4.1.relu_1", ["layer1.0"] = "layer1.0.relu_1", ["layer2.0.downsample"] = "layer2.0.downsample.1" },
    densenet121 = { ["features.denseblock4"] = "features.denseblock4.cat", ["features.norm5"] = "features.norm5" },
    googlenet = { inception5b = "inception5b.cat", ["inception3a.branch2"] = "inception3a.branch2.1.relu" },
    mobilenet_v2 = { ["features.18"] = "features.18.2", ["features.3"] = "features.3.add" },
    squeezenet1_1 = { ["features/12"] = "features.12.cat" },
  } do
    local net = xai.zoo[name] { weights = "none", width = 0.125 }
    for path, node in pairs(layers) do t.eq(net:layer(path).name, node, name .. " " .. path) end
  end
end)

test("labels and preprocessing are the caller's where he gives them", function(t)
  local net = xai.zoo.resnet20 { weights = "none", classes = 2, labels = { "cat", "dog" }, preprocess = "none" }
  t.eq(net:label(1), "dog")
  t.eq(net.preprocess, "none")
end)

test("printing shows the architecture's name", function(t)
  t.eq(tostring(xai.zoo.lenet5 { weights = "none" }):match "^[^\n]*", "lenet5: input ?x1x32x32")
end)

-- ---- weights

test("weights come from a table, a file or a function and are the same", function(t)
  local tensors = {}
  local filled = xai.zoo.lenet5 { weights = function(name, shape)
    tensors[name] = core.fill(name, shape)
    return tensors[name]
  end }
  local path = os.tmpname()
  os.remove(path)
  path = path .. ".safetensors"
  xai.write(path, tensors)
  tensors["conv1.num_batches_tracked"] = xai.zeros(1)
  local parallel = {}
  for name, tensor in pairs(tensors) do parallel["module." .. name] = tensor end
  local x = core.fill("input.bias", { 1, 1, 32, 32 })
  local want = filled:logits(x)
  for what, weights in pairs { fill = "fill", file = path, table = tensors, ["of torch.nn.DataParallel"] = parallel } do
    t.eq((xai.zoo.lenet5 { weights = weights }:logits(x) - want):norm(), 0, what)
  end
  os.remove(path)
end)

test("a network's weights make the same network again", function(t)
  for name in pairs(xai.zoo) do
    local options = { weights = "fill", width = 0.125, classes = 7 }
    local given, count = xai.zoo[name](options):weights(), 0
    options.weights = given
    local net = xai.zoo[name](options)
    for weight, tensor in pairs(net:weights()) do
      count = count + 1
      t.eq((tensor - given[weight]):abs():max(), 0, name .. ": " .. weight)
    end
    for _ in pairs(given) do count = count - 1 end
    t.eq(count, 0, name)
  end
end)

test("weights made from names are the reference's, bit for bit", function(t)
  -- golden/arch/fill_check.json, made by another program
  local function first(name, ...) return core.fill(name, { ... }):reshape(-1) end
  for i, v in ipairs { 0.09147582203149796, 0.006798638962209225, 0.03584296628832817, -0.10477001219987869 } do
    t.eq(first("features.0.weight", 64, 3, 11, 11)[i], v)
  end
  for i, v in ipairs { -0.03640270233154297, 0.013720810413360596, 0.07270311564207077, -0.0947451964020729 } do
    t.eq(first("features.0.bias", 64)[i], v)
  end
  for i, v in ipairs { 1.058496356010437, 1.135312557220459, 1.1124976873397827, 0.8618599772453308 } do
    t.eq(first("layer1.0.bn1.running_var", 64)[i], v)
  end
end)

test("the first DenseNet files' names are understood", function(t)
  local tensors = {}
  xai.zoo.densenet121 { width = 0.25, weights = function(name, shape)
    tensors[name:gsub("(denselayer%d+%.%a+)(%d)", "%1.%2")] = core.zeros(shape)
    return core.zeros(shape)
  end }
  t.ok(tensors["features.denseblock1.denselayer1.norm.1.weight"])
  xai.zoo.densenet121 { width = 0.25, weights = tensors }
end)

test("weights that do not fit are listed by name", function(t)
  local tensors = {}
  xai.zoo.lenet5 { weights = function(name, shape)
    tensors[name] = core.zeros(shape)
    return tensors[name]
  end }
  tensors["conv1.bias"], tensors["conv2.bias"], tensors["conv3.bias"], tensors["fc1.bias"] = nil, nil, nil, nil
  tensors["fc2.weight"], tensors["head.weight"] = xai.zeros(100, 84), xai.zeros(1)
  t.fails(function() xai.zoo.lenet5 { weights = tensors } end,
    "lenet5: the weights do not fit: 4 missing (conv1.bias, conv2.bias, conv3.bias, ...); "
      .. "1 of another shape (fc2.weight: expected 10x84, got 100x84); 1 unexpected (head.weight)")
  t.fails(function() xai.zoo.lenet5 { weights = function() return xai.zeros(2, 2) end } end,
    "lenet5: weights('conv1.weight'): expected a tensor 6x1x5x5, got 2x2")
  t.fails(function() xai.zoo.lenet5 { weights = 3 } end, "lenet5: weights: expected a path")
  t.fails(function() xai.zoo.lenet5 { weights = "nothing.safetensors" } end, "nothing.safetensors")
end)

-- ---- errors

test("slips are told in one line", function(t)
  t.fails(function() xai.zoo.resnet19 {} end, "zoo: no architecture 'resnet19'; did you mean 'resnet")
  t.fails(function() xai.zoo.resnet18 { weigths = "fill" } end, "resnet18: unknown option 'weigths'")
  t.fails(function() xai.zoo.resnet18 { classes = 0 } end, "resnet18: classes: expected an integer of at least 1, got 0")
  t.fails(function() xai.zoo.resnet18 { classes = 2.5 } end, "resnet18: classes: expected an integer of at least 1, got 2.5")
  t.fails(function() xai.zoo.resnet18 { width = -1 } end, "resnet18: width: expected a factor")
  t.fails(function() xai.zoo.resnet18 { preprocess = "imagnet" } end, "did you mean 'imagenet'?")
  t.fails(function() xai.zoo.vgg11 { weights = "none", size = 100 } end,
    "vgg11: layer 'avgpool': cannot average 3x3 to 7x7 (expected multiples)")
  t.fails(function() xai.zoo.alexnet { weights = "none", size = 30 } end, "alexnet: layer 'features.5': MaxPool: a window of 3 does not fit into 2")
end)

test("xai.model takes a name of the zoo or a file", function(t)
  t.eq(xai.model("lenet5", { weights = "none", classes = 3 }).classes, 3)
  t.fails(function() xai.model "lenet6" end, "model: 'lenet6' is neither a file nor an architecture of the zoo; did you mean 'lenet5'?")
  t.fails(function() xai.model(3) end, "model: expected a name or a path")
end)

-- ---- networks of one's own

test("a network of one's own is a screen of Lua, and its errors name the layer", function(t)
  local b = require "xai.build"
  local layer = b.seq { "conv1", b.conv { 2, k = 3, pad = 1, bias = false }, "relu1", b.relu, "pool", b.gap, "flatten", b.flatten,
    "fc", b.linear { 1 } }
  local function ones(_, shape) return core.zeros(shape) + 1 end
  local net = b.net("mine", layer, { input = { 1, 3, 3 }, weights = ones })
  -- sums of 3x3 neighbourhoods of ones: 4 at corners, 6 at edges, 9 in the middle: mean (4*4 + 4*6 + 9) / 9; twice, + 1
  t.near(net:forward(xai.zeros(1, 1, 3, 3) + 1):get(1, 1), 2 * 49 / 9 + 1, 1e-5)
  local function fails(inner, text)
    t.fails(function() b.net("mine", b.seq { "block", b.seq { inner } }, { input = { 3, 8, 8 } }) end, text)
  end
  fails(b.conv { 4, k = 9 }, "mine: layer 'block.0': Conv: a window of 9 does not fit")
  fails(b.conv { 4, groups = 2 }, "mine: layer 'block.0': 3 channels do not fall into 2 groups")
  fails(b.linear { 4 }, "mine: layer 'block.0': expected rows of features, got 1x3x8x8")
  fails(function(x, at) return b.node("Conw", at, { x }) end, "no operator 'Conw'; did you mean 'Conv'?")
  fails(function(x, at) return b.node("Relu", at, { x }, { axis = 1 }) end, "Relu has no attribute 'axis'")
  t.fails(function() b.conv { 4, kernel = 3 } end, "conv: unknown option 'kernel'")
end)

test("a network of one's own takes any operator, also one whose attribute is a text", function(t)
  local b = require "xai.build"
  local function sums(equation)
    local function layer(x, at) return b.node("Einsum", at, { x }, { equation = equation }) end
    return b.net("mine", b.seq { "sums", layer }, { input = { 2, 3, 3 } })
  end
  t.eq(sums "nchw->nc":forward(xai.zeros(1, 2, 3, 3) + 1):get(1, 2), 9)
  t.fails(function() sums(("i"):rep(300)) end, "equation: at most 255 bytes, got 300")
  t.fails(function() sums {} end, "equation: expected a string, got a table")
end)

done()
