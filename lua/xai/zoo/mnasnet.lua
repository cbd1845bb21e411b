-- MNASNet B1 (Tan et al. 2019) of four widths.
local b = require "xai.build"
local conv, seq, relu, bn = b.conv, b.seq, b.relu, b.bn

local function inverted_residual(channels, k, stride, expand)
  return function(x, at)
    local y = seq { conv { x.c * expand, bias = false }, bn, relu, conv { k = k, stride = stride, pad = k // 2, bias = false }, bn, relu,
      conv { channels, bias = false }, bn } (x, at "layers")
    return stride == 1 and x.c == channels and b.add(y, x, at "add") or y
  end
end

--- Channels, kernel, stride of the first, expansion, repetitions.
local stacks = { { 24, 3, 2, 3, 3 }, { 40, 5, 2, 3, 3 }, { 80, 5, 2, 6, 3 }, { 96, 3, 1, 6, 2 }, { 192, 5, 2, 6, 4 }, { 320, 3, 1, 6, 1 } }

local function mnasnet(alpha)
  return function(o)
    local function w(channels) return o.wide(channels, alpha) end
    local list = { conv { w(32), k = 3, stride = 2, pad = 1, bias = false }, bn, relu, conv { k = 3, pad = 1, bias = false }, bn, relu,
      conv { w(16), bias = false }, bn }
    for _, row in ipairs(stacks) do
      local channels, k, stride, expand, n = table.unpack(row)
      local stack = {}
      for i = 1, n do stack[i] = inverted_residual(w(channels), k, i == 1 and stride or 1, expand) end
      list[#list + 1] = seq(stack)
    end
    for _, item in ipairs { conv { 1280, bias = false }, bn, relu } do list[#list + 1] = item end
    return seq { "layers", seq(list), "avgpool", b.gap, "flatten", b.flatten, "classifier", seq { b.dropout, b.linear { o.classes } } }
  end
end

return { mnasnet0_5 = mnasnet(0.5), mnasnet0_75 = mnasnet(0.75), mnasnet1_0 = mnasnet(1.0), mnasnet1_3 = mnasnet(1.3) }
