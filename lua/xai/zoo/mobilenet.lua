-- MobileNet v2 (Sandler et al. 2018) and v3 (Howard et al. 2019).
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

-- ---- version 3 -------------------------------------------------------------------------------------------------------

local norm = b.batch_norm { eps = 1e-3 }

--- The same block with a choice of kernel and activation, and with squeeze and excitation in it where 'squeeze' is set.
local function block_v3(w, k, expanded, channels, squeeze, act, stride)
  expanded, channels = w(expanded), w(channels)
  return function(x, at)
    local list = { unit { k = k, stride = stride, norm = norm, act = act } }
    if expanded ~= x.c then table.insert(list, 1, unit { expanded, norm = norm, act = act }) end
    if squeeze then list[#list + 1] = b.squeeze_excite { b.round8(expanded // 4), scale = b.hardsigmoid } end
    list[#list + 1] = unit { channels, norm = norm, act = false }
    local y = seq(list)(x, at "block")
    return stride == 1 and x.c == channels and b.add(y, x, at "add") or y
  end
end

--- Tables 1 and 2: kernel, expanded channels, channels, squeeze, activation, stride.
local re, hs = b.relu, b.hardswish
local large = { last = 1280,
  { 3, 16, 16, false, re, 1 }, { 3, 64, 24, false, re, 2 }, { 3, 72, 24, false, re, 1 },
  { 5, 72, 40, true, re, 2 }, { 5, 120, 40, true, re, 1 }, { 5, 120, 40, true, re, 1 },
  { 3, 240, 80, false, hs, 2 }, { 3, 200, 80, false, hs, 1 }, { 3, 184, 80, false, hs, 1 }, { 3, 184, 80, false, hs, 1 },
  { 3, 480, 112, true, hs, 1 }, { 3, 672, 112, true, hs, 1 },
  { 5, 672, 160, true, hs, 2 }, { 5, 960, 160, true, hs, 1 }, { 5, 960, 160, true, hs, 1 } }
local small = { last = 1024,
  { 3, 16, 16, true, re, 2 }, { 3, 72, 24, false, re, 2 }, { 3, 88, 24, false, re, 1 },
  { 5, 96, 40, true, hs, 2 }, { 5, 240, 40, true, hs, 1 }, { 5, 240, 40, true, hs, 1 },
  { 5, 120, 48, true, hs, 1 }, { 5, 144, 48, true, hs, 1 },
  { 5, 288, 96, true, hs, 2 }, { 5, 576, 96, true, hs, 1 }, { 5, 576, 96, true, hs, 1 } }

local function mobilenet_v3(rows)
  return function(o)
    local w = o.wide
    local list = { unit { w(16), k = 3, stride = 2, norm = norm, act = hs } }
    for i, row in ipairs(rows) do list[i + 1] = block_v3(w, table.unpack(row)) end
    list[#list + 1] = unit { 6 * w(rows[#rows][3]), norm = norm, act = hs }
    return seq { "features", seq(list), "avgpool", b.gap, "flatten", b.flatten,
      "classifier", seq { b.linear { w(rows.last) }, hs, b.dropout, b.linear { o.classes } } }
  end
end

return { mobilenet_v2 = mobilenet_v2, mobilenet_v3_large = mobilenet_v3(large), mobilenet_v3_small = mobilenet_v3(small) }
