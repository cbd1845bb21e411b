-- LeNet-5 (LeCun et al. 1998) for digits of 32 x 32, without the trained scale of its subsampling layers and with all
-- channels connected in the second convolution.
local b = require "xai.build"
local conv, linear, avgpool, tanh = b.conv, b.linear, b.avgpool, b.tanh

local function lenet5(o)
  local w = o.wide
  return b.seq { "conv1", conv { w(6), k = 5 }, "tanh1", tanh, "pool1", avgpool { 2 },
    "conv2", conv { w(16), k = 5 }, "tanh2", tanh, "pool2", avgpool { 2 },
    "conv3", conv { w(120), k = 5 }, "tanh3", tanh, "flatten", b.flatten,
    "fc1", linear { w(84) }, "tanh4", tanh, "fc2", linear { o.classes } }
end

return { lenet5 = { lenet5, size = 32, in_channels = 1, classes = 10, preprocess = { scale = 1 / 255 } } }
