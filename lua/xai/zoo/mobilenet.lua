-- MobileNet v2 (Sandler et al. 2018).
local b = require "xai.build"
local conv, seq, bn, unit = b.conv, b.seq, b.bn, b.unit

--- Expansion, a depthwise convolution, a projection without activation; added to x where the shapes agree.
local function inverted_residual(expand, channels, stride)
  return function(x, at)
    local list = { unit { k = 3, stride = stride, act = b.relu6 }, conv { channels, bias = false }, bn }
    if expand ~= 1 then table.insert(list, 1, unit { x.c * expand, act = b.relu6 }) end
    local y = seq(list)(x, at "conv")
    return stride == 1 and x.c == channels and b.add(y, x, at "add") or y
  end
end

--- Table 2: expansion, channels, repetitions, stride of the first.
local v2 = { { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 }, { 6, 64, 4, 2 }, { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 } }

local function mobilenet_v2(o)
  local list = { unit { o.wide(32), k = 3, stride = 2, act = b.relu6 } }
  for _, row in ipairs(v2) do
    local expand, channels, n, stride = table.unpack(row)
    for i = 1, n do list[#list + 1] = inverted_residual(expand, o.wide(channels), i == 1 and stride or 1) end
  end
  list[#list + 1] = unit { math.max(1280, o.wide(1280)), act = b.relu6 }
  return seq { "features", seq(list), "avgpool", b.gap, "flatten", b.flatten, "classifier", seq { b.dropout, b.linear { o.classes } } }
end

return { mobilenet_v2 = mobilenet_v2 }
