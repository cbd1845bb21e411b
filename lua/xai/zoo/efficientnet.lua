-- EfficientNet (Tan, Le 2019): one network, scaled in width, depth and size of the picture.
local b = require "xai.build"
local seq, unit, silu = b.seq, b.unit, b.silu

--- MobileNet's inverted residual with squeeze and excitation.
local function mbconv(expand, k, stride, channels, norm)
  return function(x, at)
    local expanded = expand == 1 and x.c or b.round8(x.c * expand)
    local list = { unit { k = k, stride = stride, norm = norm, act = silu }, b.squeeze_excite { math.max(1, x.c // 4), act = silu },
      unit { channels, norm = norm, act = false } }
    if expanded ~= x.c then table.insert(list, 1, unit { expanded, norm = norm, act = silu }) end
    local y = seq(list)(x, at "block")
    return stride == 1 and x.c == channels and b.add(y, x, at "add") or y
  end
end

--- Table 1: expansion, kernel, stride of the first, channels, repetitions.
local stages = { { 1, 3, 1, 16, 1 }, { 6, 3, 2, 24, 2 }, { 6, 5, 2, 40, 2 }, { 6, 3, 2, 80, 3 }, { 6, 5, 1, 112, 3 },
  { 6, 5, 2, 192, 4 }, { 6, 3, 1, 320, 1 } }

local function efficientnet(width, depth, eps)
  local norm = b.batch_norm { eps = eps }
  return function(o)
    local function w(channels) return o.wide(channels, width) end
    local list = { unit { w(32), k = 3, stride = 2, norm = norm, act = silu } }
    for i, row in ipairs(stages) do
      local expand, k, stride, channels, n = table.unpack(row)
      local stage = {}
      for r = 1, math.ceil(n * depth) do stage[r] = mbconv(expand, k, r == 1 and stride or 1, w(channels), norm) end
      list[i + 1] = seq(stage)
    end
    list[#list + 1] = unit { 4 * w(320), norm = norm, act = silu }
    return seq { "features", seq(list), "avgpool", b.gap, "flatten", b.flatten, "classifier", seq { b.dropout, b.linear { o.classes } } }
  end
end

return {
  efficientnet_b0 = { efficientnet(1.0, 1.0, 1e-5), size = 224 }, efficientnet_b1 = { efficientnet(1.0, 1.1, 1e-5), size = 240 },
  efficientnet_b2 = { efficientnet(1.1, 1.2, 1e-5), size = 288 }, efficientnet_b3 = { efficientnet(1.2, 1.4, 1e-5), size = 300 },
  efficientnet_b4 = { efficientnet(1.4, 1.8, 1e-5), size = 380 }, efficientnet_b5 = { efficientnet(1.6, 2.2, 1e-3), size = 456 },
  efficientnet_b6 = { efficientnet(1.8, 2.6, 1e-3), size = 528 }, efficientnet_b7 = { efficientnet(2.0, 3.1, 1e-3), size = 600 },
}
