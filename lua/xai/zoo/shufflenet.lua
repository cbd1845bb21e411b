-- ShuffleNet v2 (Ma et al. 2018) of four widths.
local b = require "xai.build"
local conv, seq, relu, bn = b.conv, b.seq, b.relu, b.bn

--- Channels of the first and of the second half in turns, so that the next block's halves see both.
local function shuffle(x, at)
  local order, half = {}, x.c // 2
  for i = 0, half - 1 do order[2 * i + 1], order[2 * i + 2] = i, half + i end
  return b.node("Gather", at, { x, b.constant(x, order, "shuffle_" .. x.c) }, { axis = 1 })
end

--- Figure 3 c and d: with stride 1 half of the channels pass unchanged.
local function block(channels, stride)
  local half = channels // 2
  local side = seq { conv { k = 3, stride = stride, pad = 1, bias = false }, bn, conv { half, bias = false }, bn, relu }
  local main = seq { conv { half, bias = false }, bn, relu, conv { k = 3, stride = stride, pad = 1, bias = false }, bn,
    conv { half, bias = false }, bn, relu }
  return function(x, at)
    local left, right
    if stride == 1 then
      left = b.slice(x, at "left", { 1 }, { 0 }, { half }, { 1 })
      right = b.slice(x, at "right", { 1 }, { half }, { channels }, { 1 })
    else
      left, right = side(x, at "branch1"), x
    end
    return shuffle(b.concat({ left, main(right, at "branch2") }, at "cat"), at "shuffle")
  end
end

local function shufflenet(channels)
  return function(o)
    local w = o.wide
    local function stage(i, n)
      local list = {}
      for k = 1, n do list[k] = block(w(channels[i]), k == 1 and 2 or 1) end
      return seq(list)
    end
    return seq { "conv1", seq { conv { w(24), k = 3, stride = 2, pad = 1, bias = false }, bn, relu },
      "maxpool", b.maxpool { 3, stride = 2, pad = 1 }, "stage2", stage(1, 4), "stage3", stage(2, 8), "stage4", stage(3, 4),
      "conv5", seq { conv { w(channels[4]), bias = false }, bn, relu }, "avgpool", b.gap, "flatten", b.flatten,
      "fc", b.linear { o.classes } }
  end
end

return { shufflenet_v2_x0_5 = shufflenet { 48, 96, 192, 1024 }, shufflenet_v2_x1_0 = shufflenet { 116, 232, 464, 1024 },
  shufflenet_v2_x1_5 = shufflenet { 176, 352, 704, 1024 }, shufflenet_v2_x2_0 = shufflenet { 244, 488, 976, 2048 } }
