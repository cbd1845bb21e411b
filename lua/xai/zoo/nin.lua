-- Networks of convolutions only: Network in Network (Lin, Chen, Yan 2014) for ImageNet with the names of its Caffe model, and
-- All-CNN-C (Springenberg et al. 2015) for CIFAR-10, from which guided backpropagation comes.
local b = require "xai.build"
local conv, maxpool, seq, relu, dropout = b.conv, b.maxpool, b.seq, b.relu, b.dropout

local function nin(o)
  local w, list = o.wide, {}
  local function block(name, options, first, second, channels, last)
    for _, item in ipairs { name, conv(options), "relu_" .. name, relu, first, conv { channels }, "relu_" .. first, relu,
      second, conv { last or channels }, "relu_" .. second, relu } do list[#list + 1] = item end
  end
  local function pool(name)
    list[#list + 1] = name
    list[#list + 1] = maxpool { 3, stride = 2, ceil = true }
  end
  block("conv1", { w(96), k = 11, stride = 4 }, "cccp1", "cccp2", w(96))
  pool "pool1"
  block("conv2", { w(256), k = 5, pad = 2 }, "cccp3", "cccp4", w(256))
  pool "pool2"
  block("conv3", { w(384), k = 3, pad = 1 }, "cccp5", "cccp6", w(384))
  pool "pool3"
  list[#list + 1] = "drop"
  list[#list + 1] = dropout
  block("conv4-1024", { w(1024), k = 3, pad = 1 }, "cccp7-1024", "cccp8-1024", w(1024), o.classes)
  for _, item in ipairs { "pool4", b.gap, "flatten", b.flatten } do list[#list + 1] = item end
  return seq(list)
end

--- Table 1, model C, with its pooling replaced by convolutions of stride 2.
local function all_cnn_c(o)
  local n, w = o.wide(96), o.wide(192)
  local filters = { { n, k = 3, pad = 1 }, { n, k = 3, pad = 1 }, { n, k = 3, pad = 1, stride = 2 },
    { w, k = 3, pad = 1 }, { w, k = 3, pad = 1 }, { w, k = 3, pad = 1, stride = 2 }, { w, k = 3 }, { w }, { o.classes } }
  local list = { "drop0", dropout }
  for i, options in ipairs(filters) do
    for _, item in ipairs { "conv" .. i, conv(options), "relu" .. i, relu } do list[#list + 1] = item end
    if options.stride then
      list[#list + 1] = "drop" .. i
      list[#list + 1] = dropout
    end
  end
  for _, item in ipairs { "pool", b.gap, "flatten", b.flatten } do list[#list + 1] = item end
  return seq(list)
end

return { nin = { nin, preprocess = "caffe" }, all_cnn_c = { all_cnn_c, size = 32, classes = 10, preprocess = "cifar10" } }
