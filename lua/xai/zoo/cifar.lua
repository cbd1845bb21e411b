-- ResNets for CIFAR-10 (He et al. 2016, section 4.2), 6 n + 2 layers deep. The shortcut of a block that doubles the channels
-- has no parameters (their option A): every second pixel, and channels of zeros on both sides.
local b = require "xai.build"
local conv, seq, relu, bn, node, constant = b.conv, b.seq, b.relu, b.bn, b.node, b.constant

local function shortcut(x, at, channels)
  local before = (channels - x.c) // 2
  local after = channels - x.c - before
  local small = b.slice(x, at "slice", { 2, 3 }, { 0, 0 }, { x.h, x.w }, { 2, 2 })
  return node("Pad", at "pad", { small, constant(x, { 0, before, 0, 0, 0, after, 0, 0 }), constant(x, 0) })
end

local function block(channels, stride)
  local main = seq { "conv1", conv { channels, k = 3, stride = stride, pad = 1, bias = false }, "bn1", bn, "relu", relu,
    "conv2", conv { channels, k = 3, pad = 1, bias = false }, "bn2", bn }
  return function(x, at)
    local y = main(x, at)
    if stride ~= 1 then x = shortcut(x, at "shortcut", channels) end
    return relu(b.add(y, x, at "add"), at "relu")
  end
end

local function resnet(n)
  return function(o)
    local w = o.wide
    local function stage(channels, stride)
      local list = {}
      for i = 1, n do list[i] = block(w(channels), i == 1 and stride or 1) end
      return seq(list)
    end
    return seq { "conv1", conv { w(16), k = 3, pad = 1, bias = false }, "bn1", bn, "relu", relu,
      "layer1", stage(16, 1), "layer2", stage(32, 2), "layer3", stage(64, 2),
      "avgpool", b.gap, "flatten", b.flatten, "linear", b.linear { o.classes } }
  end
end

local family = {}
for n = 3, 9, 2 do family["resnet" .. 6 * n + 2] = { resnet(n), size = 32, classes = 10, preprocess = "cifar10" } end
return family
