-- DenseNet-BC (Huang et al. 2017): every layer reads what all layers before it in its block have made.
local b = require "xai.build"
local conv, seq, relu, bn = b.conv, b.seq, b.relu, b.bn

local function dense_block(n, growth)
  local layer = seq { "norm1", bn, "relu1", relu, "conv1", conv { 4 * growth, bias = false },
    "norm2", bn, "relu2", relu, "conv2", conv { growth, k = 3, pad = 1, bias = false } }
  return function(x, at)
    local made = { x }
    for i = 1, n do
      local inside = at("denselayer" .. i)
      made[i + 1] = layer(i == 1 and x or b.concat(made, inside "cat"), inside)
    end
    return b.concat(made, at "cat")
  end
end

--- Half the channels, half the places.
local function transition(x, at)
  return seq { "norm", bn, "relu", relu, "conv", conv { x.c // 2, bias = false }, "pool", b.avgpool { 2 } } (x, at)
end

local function densenet(depths, growth, first)
  return function(o)
    local list = { "conv0", conv { o.wide(first or 64), k = 7, stride = 2, pad = 3, bias = false }, "norm0", bn, "relu0", relu,
      "pool0", b.maxpool { 3, stride = 2, pad = 1 } }
    for i, n in ipairs(depths) do
      for _, item in ipairs { "denseblock" .. i, dense_block(n, o.wide(growth or 32)), "transition" .. i, transition } do
        list[#list + 1] = item
      end
    end
    list[#list - 1], list[#list] = "norm5", bn -- no transition after the last block
    return seq { "features", seq(list), "relu", relu, "avgpool", b.gap, "flatten", b.flatten, "classifier", b.linear { o.classes } }
  end
end

--- The first files had "norm.1" for "norm1".
local function rename(name)
  local before, layer, i, rest = name:match "^(.*denselayer%d+%.)(%a+)%.(%d)%.(.*)$"
  return before and before .. layer .. i .. "." .. rest or name
end

local family = { densenet121 = densenet { 6, 12, 24, 16 }, densenet169 = densenet { 6, 12, 32, 32 },
  densenet201 = densenet { 6, 12, 48, 32 }, densenet161 = densenet({ 6, 12, 36, 24 }, 48, 96) }
for name, layer in pairs(family) do family[name] = { layer, rename = rename } end
return family
