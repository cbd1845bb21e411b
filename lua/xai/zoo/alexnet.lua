-- AlexNet (Krizhevsky, Sutskever, Hinton 2012) as in torchvision and as in Caffe, its variant for class activation maps
-- (Zhou et al. 2016), and ZFNet (Zeiler, Fergus 2014).
local b = require "xai.build"
local conv, linear, maxpool, lrn, adaptive, seq = b.conv, b.linear, b.maxpool, b.lrn, b.adaptive, b.seq
local relu, flatten, dropout = b.relu, b.flatten, b.dropout

--- One network in the narrower form of Krizhevsky 2014, up to the last convolution's ReLU.
local function features(w)
  return { conv { w(64), k = 11, stride = 4, pad = 2 }, relu, maxpool { 3, stride = 2 },
    conv { w(192), k = 5, pad = 2 }, relu, maxpool { 3, stride = 2 },
    conv { w(384), k = 3, pad = 1 }, relu, conv { w(256), k = 3, pad = 1 }, relu, conv { w(256), k = 3, pad = 1 }, relu }
end

local function alexnet(o)
  local w, list = o.wide, features(o.wide)
  list[#list + 1] = maxpool { 3, stride = 2 }
  return seq { "features", seq(list), "avgpool", adaptive(6), "flatten", flatten,
    "classifier", seq { dropout, linear { w(4096) }, relu, dropout, linear { w(4096) }, relu, linear { o.classes } } }
end

--- Without pool5 and the fully connected layers.
local function alexnet_gap(o)
  return seq { "features", seq(features(o.wide)), "CAM_conv", conv { o.wide(1024), k = 3, pad = 1 }, "CAM_relu", relu,
    "CAM_pool", b.gap, "flatten", flatten, "CAM_fc", linear { o.classes } }
end

local function classifier(o)
  local w = o.wide
  return seq { "flatten", flatten, "fc6", linear { w(4096) }, "relu6", relu, "drop6", dropout,
    "fc7", linear { w(4096) }, "relu7", relu, "drop7", dropout, "fc8", linear { o.classes } }
end

--- BVLC's reference network: two groups in every second convolution, pooling before normalization.
local function caffenet(o)
  local w = o.wide
  local main = seq {
    "conv1", conv { w(96), k = 11, stride = 4 }, "relu1", relu, "pool1", maxpool { 3, stride = 2, ceil = true }, "norm1", lrn { 5 },
    "conv2", conv { w(256), k = 5, pad = 2, groups = 2 }, "relu2", relu, "pool2", maxpool { 3, stride = 2, ceil = true }, "norm2", lrn { 5 },
    "conv3", conv { w(384), k = 3, pad = 1 }, "relu3", relu, "conv4", conv { w(384), k = 3, pad = 1, groups = 2 }, "relu4", relu,
    "conv5", conv { w(256), k = 3, pad = 1, groups = 2 }, "relu5", relu, "pool5", maxpool { 3, stride = 2, ceil = true } }
  return function(x, at) return classifier(o)(main(x, at), at) end
end

--- Figure 3 of the paper: 110, 55, 26, 13, 13, 13, 6 places a side.
local function zfnet(o)
  local w = o.wide
  local main = seq {
    "conv1", conv { w(96), k = 7, stride = 2, pad = 1 }, "relu1", relu, "pool1", maxpool { 3, stride = 2, ceil = true }, "norm1", lrn { 5 },
    "conv2", conv { w(256), k = 5, stride = 2 }, "relu2", relu, "pool2", maxpool { 3, stride = 2, ceil = true }, "norm2", lrn { 5 },
    "conv3", conv { w(384), k = 3, pad = 1 }, "relu3", relu, "conv4", conv { w(384), k = 3, pad = 1 }, "relu4", relu,
    "conv5", conv { w(256), k = 3, pad = 1 }, "relu5", relu, "pool5", maxpool { 3, stride = 2, ceil = true } }
  return function(x, at) return classifier(o)(main(x, at), at) end
end

return { alexnet = alexnet, alexnet_gap = alexnet_gap, caffenet = { caffenet, size = 227, preprocess = "caffe" },
  zfnet = { zfnet, preprocess = "caffe" } }
