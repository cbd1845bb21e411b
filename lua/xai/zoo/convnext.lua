-- ConvNeXt (Liu et al. 2022). Normalization and the linear layers run over channels, so blocks turn N x C x H x W to
-- N x H x W x C and back.
local b = require "xai.build"
local seq, node = b.seq, b.node

local function permute(order)
  return function(x, at) return node("Transpose", at, { x }, { perm = order }) end
end
local channels_last, channels_first = permute { 0, 2, 3, 1 }, permute { 0, 3, 1, 2 }

--- Over the last axis.
local function layer_norm(x, at)
  local shape = { x.shape[#x.shape] }
  return node("LayerNormalization", at, { x, b.param(x, at "weight", shape), b.param(x, at "bias", shape) }, { axis = -1, epsilon = 1e-6 })
end

--- Over the channels of N x C x H x W.
local function layer_norm_2d(x, at)
  local y = node("LayerNormalization", at "norm", { channels_last(x, at "last"), b.param(x, at "weight", { x.c }),
    b.param(x, at "bias", { x.c }) }, { axis = -1, epsilon = 1e-6 })
  return channels_first(y, at "first")
end

--- Over the last axis of N x H x W x C: a row for each place.
local function linear(n)
  return function(x, at)
    local y = b.linear { n } (node("Flatten", at "rows", { x }, { axis = 3 }), at)
    return node("Reshape", at "places", { y, b.constant(x, { -1, x.shape[2], x.shape[3], n }) })
  end
end

local function gelu(x, at) return node("Gelu", at, { x }) end

local function block(channels)
  local main = seq { b.conv { k = 7, pad = 3 }, channels_last, layer_norm, linear(4 * channels), gelu, linear(channels), channels_first }
  return function(x, at)
    local y = main(x, at "block")
    y = node("Mul", at "scale", { y, b.param(x, at "layer_scale", { channels, 1, 1 }) })
    return b.add(y, x, at "add")
  end
end

local function convnext(widths, depths)
  return function(o)
    local list = { seq { b.conv { o.wide(widths[1]), k = 4, stride = 4 }, layer_norm_2d } }
    for i, depth in ipairs(depths) do
      local stage = {}
      for k = 1, depth do stage[k] = block(o.wide(widths[i])) end
      list[#list + 1] = seq(stage)
      if widths[i + 1] then list[#list + 1] = seq { layer_norm_2d, b.conv { o.wide(widths[i + 1]), k = 2, stride = 2 } } end
    end
    return seq { "features", seq(list), "avgpool", b.gap, "classifier", seq { layer_norm_2d, b.flatten, b.linear { o.classes } } }
  end
end

return { convnext_tiny = convnext({ 96, 192, 384, 768 }, { 3, 3, 9, 3 }) }
