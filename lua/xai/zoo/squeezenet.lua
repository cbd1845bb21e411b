-- SqueezeNet (Iandola et al. 2016): fire modules, and a convolution as classifier.
local b = require "xai.build"
local conv, seq, relu = b.conv, b.seq, b.relu

local function fire(squeeze, expand)
  local narrow = seq { "squeeze", conv { squeeze }, "squeeze_activation", relu }
  local small = seq { "expand1x1", conv { expand }, "expand1x1_activation", relu }
  local large = seq { "expand3x3", conv { expand, k = 3, pad = 1 }, "expand3x3_activation", relu }
  return function(x, at)
    local y = narrow(x, at)
    return b.concat({ small(y, at), large(y, at) }, at "cat")
  end
end

local function squeezenet(features)
  return function(o)
    local list = features(o.wide)
    for i, item in ipairs(list) do
      if item == "pool" then list[i] = b.maxpool { 3, stride = 2, ceil = true } end
    end
    return seq { "features", seq(list), "classifier", seq { b.dropout, conv { o.classes }, relu, b.gap }, "flatten", b.flatten }
  end
end

--- fire(i) is module i of the paper's series: 16, 16, 32, 32, 48, 48, 64, 64 squeezing filters, four times as many on each side.
local function fires(w)
  return function(i) return fire(w(16 * (i // 2)), w(64 * (i // 2))) end
end

return {
  squeezenet1_0 = squeezenet(function(w)
    local f = fires(w)
    return { conv { w(96), k = 7, stride = 2 }, relu, "pool", f(2), f(3), f(4), "pool", f(5), f(6), f(7), f(8), "pool", f(9) }
  end),
  squeezenet1_1 = squeezenet(function(w)
    local f = fires(w)
    return { conv { w(64), k = 3, stride = 2 }, relu, "pool", f(2), f(3), "pool", f(4), f(5), "pool", f(6), f(7), f(8), f(9) }
  end),
}
