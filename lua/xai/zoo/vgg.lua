-- VGG (Simonyan, Zisserman 2015), with and without batch normalization, and VGG-16 for class activation maps (Zhou et al. 2016).
local b = require "xai.build"
local conv, linear, maxpool, seq, relu, bn = b.conv, b.linear, b.maxpool, b.seq, b.relu, b.bn

--- Numbers of convolutions before each of the five pooling layers.
local depths = { vgg11 = { 1, 1, 2, 2, 2 }, vgg13 = { 2, 2, 2, 2, 2 }, vgg16 = { 2, 2, 3, 3, 3 }, vgg19 = { 2, 2, 4, 4, 4 } }

local function features(depth, wide, normalized)
  local list = {}
  for stage, n in ipairs(depth) do
    for _ = 1, n do
      list[#list + 1] = conv { wide(math.min(64 << (stage - 1), 512)), k = 3, pad = 1 }
      if normalized then list[#list + 1] = bn end
      list[#list + 1] = relu
    end
    list[#list + 1] = maxpool { 2 }
  end
  return list
end

local function vgg(depth, normalized)
  return function(o)
    local w = o.wide
    return seq { "features", seq(features(depth, w, normalized)), "avgpool", b.adaptive(7), "flatten", b.flatten,
      "classifier", seq { linear { w(4096) }, relu, b.dropout, linear { w(4096) }, relu, b.dropout, linear { o.classes } } }
  end
end

--- Without pool5 and the fully connected layers.
local function vgg16_gap(o)
  local list = features(depths.vgg16, o.wide)
  list[#list] = nil
  return seq { "features", seq(list), "CAM_conv", conv { o.wide(1024), k = 3, pad = 1 }, "CAM_relu", relu,
    "CAM_pool", b.gap, "flatten", b.flatten, "CAM_fc", linear { o.classes } }
end

local family = { vgg16_gap = vgg16_gap }
for name, depth in pairs(depths) do
  family[name] = vgg(depth, false)
  family[name .. "_bn"] = vgg(depth, true)
end
return family
