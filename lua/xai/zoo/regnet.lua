-- RegNet X and Y (Radosavovic et al. 2020). Widths and depths are what the paper's quantized linear rule gives.
local b = require "xai.build"
local seq, unit = b.seq, b.unit

--- A bottleneck as wide as its ends, its 3x3 convolution in groups of 'group' channels; Y has squeeze and excitation.
local function block(channels, stride, group, squeeze)
  return function(x, at)
    local list = { "a", unit { channels }, "b", unit { channels, k = 3, stride = stride, groups = channels // group } }
    if squeeze then
      list[#list + 1] = "se"
      list[#list + 1] = b.squeeze_excite { math.max(1, (x.c + 2) // 4) }
    end
    list[#list + 1] = "c"
    list[#list + 1] = unit { channels, act = false }
    local shortcut = x
    if stride ~= 1 or x.c ~= channels then shortcut = unit { channels, stride = stride, act = false } (x, at "proj") end
    return b.relu(b.add(shortcut, seq(list)(x, at "f"), at "add"), at "activation")
  end
end

local function regnet(widths, depths, group, squeeze)
  return function(o)
    local trunk = {}
    for i, width in ipairs(widths) do
      local stage, g = {}, math.min(group, o.wide(width))
      local channels = math.max(1, (o.wide(width) + g // 2) // g) * g -- whole groups
      for k = 1, depths[i] do
        stage[#stage + 1] = ("block%d-%d"):format(i, k - 1)
        stage[#stage + 1] = block(channels, k == 1 and 2 or 1, g, squeeze)
      end
      trunk[#trunk + 1] = "block" .. i
      trunk[#trunk + 1] = seq(stage)
    end
    return seq { "stem", unit { o.wide(32), k = 3, stride = 2 }, "trunk_output", seq(trunk), "avgpool", b.gap, "flatten", b.flatten,
      "fc", b.linear { o.classes } }
  end
end

return {
  regnet_y_400mf = regnet({ 48, 104, 208, 440 }, { 1, 3, 6, 6 }, 8, true),
  regnet_y_8gf = regnet({ 224, 448, 896, 2016 }, { 2, 4, 10, 1 }, 56, true),
  regnet_x_400mf = regnet({ 32, 64, 160, 400 }, { 1, 2, 7, 12 }, 16, false),
}
