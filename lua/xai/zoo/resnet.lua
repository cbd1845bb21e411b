-- ResNet (He et al. 2016), ResNeXt (Xie et al. 2017), Wide ResNet (Zagoruyko, Komodakis 2016), as in torchvision: the stride
-- of a bottleneck is in its 3x3 convolution.
local b = require "xai.build"
local conv, seq, relu, bn = b.conv, b.seq, b.relu, b.bn

--- main(x) + x, or + a projection of x where the shapes differ; then ReLU.
local function residual(main, channels, stride)
  return function(x, at)
    local y = main(x, at)
    if stride ~= 1 or x.c ~= channels then x = seq { conv { channels, stride = stride, bias = false }, bn } (x, at "downsample") end
    return relu(b.add(y, x, at "add"), at "relu")
  end
end

--- Figure 5, left.
local function basic(n, stride)
  return residual(seq { "conv1", conv { n, k = 3, stride = stride, pad = 1, bias = false }, "bn1", bn, "relu", relu,
    "conv2", conv { n, k = 3, pad = 1, bias = false }, "bn2", bn }, n, stride)
end

--- Figure 5, right; 'groups' times as many filters in the middle, each group n * base / 64 wide.
local function bottleneck(n, stride, groups, base)
  local m = math.max(1, n * base // 64) * groups
  return residual(seq { "conv1", conv { m, bias = false }, "bn1", bn, "relu", relu,
    "conv2", conv { m, k = 3, stride = stride, pad = 1, groups = groups, bias = false }, "bn2", bn, "relu", relu,
    "conv3", conv { 4 * n, bias = false }, "bn3", bn }, 4 * n, stride)
end

local function resnet(block, depths, groups, base)
  return function(o)
    local function stage(i)
      local list = {}
      for k = 1, depths[i] do list[k] = block(o.wide(64 << (i - 1)), k == 1 and i > 1 and 2 or 1, groups or 1, base or 64) end
      return seq(list)
    end
    return seq { "conv1", conv { o.wide(64), k = 7, stride = 2, pad = 3, bias = false }, "bn1", bn, "relu", relu,
      "maxpool", b.maxpool { 3, stride = 2, pad = 1 }, "layer1", stage(1), "layer2", stage(2), "layer3", stage(3), "layer4", stage(4),
      "avgpool", b.gap, "flatten", b.flatten, "fc", b.linear { o.classes } }
  end
end

local d50, d101 = { 3, 4, 6, 3 }, { 3, 4, 23, 3 }
return {
  resnet18 = resnet(basic, { 2, 2, 2, 2 }), resnet34 = resnet(basic, d50),
  resnet50 = resnet(bottleneck, d50), resnet101 = resnet(bottleneck, d101), resnet152 = resnet(bottleneck, { 3, 8, 36, 3 }),
  resnext50_32x4d = resnet(bottleneck, d50, 32, 4), resnext101_32x8d = resnet(bottleneck, d101, 32, 8),
  wide_resnet50_2 = resnet(bottleneck, d50, 1, 128), wide_resnet101_2 = resnet(bottleneck, d101, 1, 128),
}
