-- Inception v3 (Szegedy et al. 2016) as in torchvision, without the auxiliary head and without a transformation of the input
-- (torchvision's own pretrained file wants one: mean = 0.5, std = 0.5, see googlenet.lua).
local b = require "xai.build"
local conv, maxpool, seq = b.conv, b.maxpool, b.seq

local function unit(options)
  options.bias = false
  return seq { "conv", conv(options), "bn", b.batch_norm { eps = 1e-3 }, "relu", b.relu }
end

--- Branches side by side. A branch is a list for seq; all of them read x, and their results are put together in order.
local function mixed(branches)
  return function(x, at)
    local y = {}
    for i, branch in ipairs(branches) do y[i] = seq(branch)(x, at) end
    return b.concat(y, at "cat")
  end
end

--- Two layers that read the same, put together.
local function fork(name1, layer1, name2, layer2, cat)
  return function(x, at)
    return b.concat({ layer1(x, at(name1)), layer2(x, at(name2)) }, at(cat))
  end
end

local average = b.avgpool { 3, stride = 1, pad = 1 }

local function inception_v3(o)
  local w = o.wide
  local function u(channels, kh, kw, stride)
    kh = kh or 1
    kw = kw or kh
    return unit { w(channels), k = { kh, kw }, pad = stride and 0 or { kh // 2, kw // 2 }, stride = stride or 1 }
  end

  local function a(pool)
    return mixed { { "branch1x1", u(64) }, { "branch5x5_1", u(48), "branch5x5_2", u(64, 5) },
      { "branch3x3dbl_1", u(64), "branch3x3dbl_2", u(96, 3), "branch3x3dbl_3", u(96, 3) },
      { "pool", average, "branch_pool", u(pool) } }
  end
  local function reduce_35()
    return mixed { { "branch3x3", u(384, 3, 3, 2) },
      { "branch3x3dbl_1", u(64), "branch3x3dbl_2", u(96, 3), "branch3x3dbl_3", u(96, 3, 3, 2) }, { "pool", maxpool { 3, stride = 2 } } }
  end
  local function c(n)
    return mixed { { "branch1x1", u(192) }, { "branch7x7_1", u(n), "branch7x7_2", u(n, 1, 7), "branch7x7_3", u(192, 7, 1) },
      { "branch7x7dbl_1", u(n), "branch7x7dbl_2", u(n, 7, 1), "branch7x7dbl_3", u(n, 1, 7), "branch7x7dbl_4", u(n, 7, 1),
        "branch7x7dbl_5", u(192, 1, 7) },
      { "pool", average, "branch_pool", u(192) } }
  end
  local function reduce_17()
    return mixed { { "branch3x3_1", u(192), "branch3x3_2", u(320, 3, 3, 2) },
      { "branch7x7x3_1", u(192), "branch7x7x3_2", u(192, 1, 7), "branch7x7x3_3", u(192, 7, 1), "branch7x7x3_4", u(192, 3, 3, 2) },
      { "pool", maxpool { 3, stride = 2 } } }
  end
  local function e(x, at)
    local y3 = u(384)(x, at "branch3x3_1")
    local yd = seq { "branch3x3dbl_1", u(448), "branch3x3dbl_2", u(384, 3) } (x, at)
    return b.concat({ u(320)(x, at "branch1x1"),
      fork("branch3x3_2a", u(384, 1, 3), "branch3x3_2b", u(384, 3, 1), "branch3x3_cat")(y3, at),
      fork("branch3x3dbl_3a", u(384, 1, 3), "branch3x3dbl_3b", u(384, 3, 1), "branch3x3dbl_cat")(yd, at),
      seq { "pool", average, "branch_pool", u(192) } (x, at) }, at "cat")
  end

  return seq { "Conv2d_1a_3x3", unit { w(32), k = 3, stride = 2 }, "Conv2d_2a_3x3", unit { w(32), k = 3 }, "Conv2d_2b_3x3", u(64, 3),
    "maxpool1", maxpool { 3, stride = 2 }, "Conv2d_3b_1x1", u(80), "Conv2d_4a_3x3", unit { w(192), k = 3 },
    "maxpool2", maxpool { 3, stride = 2 }, "Mixed_5b", a(32), "Mixed_5c", a(64), "Mixed_5d", a(64), "Mixed_6a", reduce_35(),
    "Mixed_6b", c(128), "Mixed_6c", c(160), "Mixed_6d", c(160), "Mixed_6e", c(192), "Mixed_7a", reduce_17(),
    "Mixed_7b", e, "Mixed_7c", e, "avgpool", b.gap, "dropout", b.dropout, "flatten", b.flatten, "fc", b.linear { o.classes } }
end

return { inception_v3 = { inception_v3, size = 299, ignore = { "^AuxLogits%." } } }
