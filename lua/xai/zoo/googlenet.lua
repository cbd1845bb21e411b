-- GoogLeNet (Szegedy et al. 2015) as in torchvision: batch normalization, 3x3 filters in the place of 5x5, no auxiliary heads,
-- no transformation of the input (torchvision's own pretrained file wants one: preprocess = {resize = 256, crop = 224,
-- order = "rgb", scale = 1 / 255, mean = 0.5, std = 0.5}). And its variant for class activation maps (Zhou et al. 2016).
local b = require "xai.build"
local conv, maxpool, seq = b.conv, b.maxpool, b.seq

--- Convolution, normalization, ReLU.
local function unit(options)
  options.bias = false
  return seq { "conv", conv(options), "bn", b.batch_norm { eps = 1e-3 }, "relu", b.relu }
end

--- Four branches: 1x1; 1x1 then 3x3; the same instead of 5x5; pooling then 1x1.
local function inception(w, c1, c3reduce, c3, c5reduce, c5, pool)
  local branches = { unit { w(c1) }, seq { unit { w(c3reduce) }, unit { w(c3), k = 3, pad = 1 } },
    seq { unit { w(c5reduce) }, unit { w(c5), k = 3, pad = 1 } },
    seq { maxpool { 3, stride = 1, pad = 1, ceil = true }, unit { w(pool) } } }
  return function(x, at)
    local y = {}
    for i, branch in ipairs(branches) do y[i] = branch(x, at("branch" .. i)) end
    return b.concat(y, at "cat")
  end
end

--- Everything up to inception4e, in a list for seq.
local function trunk(w)
  return { "conv1", unit { w(64), k = 7, stride = 2, pad = 3 }, "maxpool1", maxpool { 3, stride = 2, ceil = true },
    "conv2", unit { w(64) }, "conv3", unit { w(192), k = 3, pad = 1 }, "maxpool2", maxpool { 3, stride = 2, ceil = true },
    "inception3a", inception(w, 64, 96, 128, 16, 32, 32), "inception3b", inception(w, 128, 128, 192, 32, 96, 64),
    "maxpool3", maxpool { 3, stride = 2, ceil = true },
    "inception4a", inception(w, 192, 96, 208, 16, 48, 64), "inception4b", inception(w, 160, 112, 224, 24, 64, 64),
    "inception4c", inception(w, 128, 128, 256, 24, 64, 64), "inception4d", inception(w, 112, 144, 288, 32, 64, 64),
    "inception4e", inception(w, 256, 160, 320, 32, 128, 128) }
end

local function append(list, more) return table.move(more, 1, #more, #list + 1, list) end

local function googlenet(o)
  local w = o.wide
  return seq(append(trunk(w), { "maxpool4", maxpool { 2, ceil = true },
    "inception5a", inception(w, 256, 160, 320, 32, 128, 128), "inception5b", inception(w, 384, 192, 384, 48, 128, 128),
    "avgpool", b.gap, "flatten", b.flatten, "dropout", b.dropout, "fc", b.linear { o.classes } }))
end

--- Without what comes after inception4e, so that the maps keep 14 x 14 places.
local function googlenet_gap(o)
  return seq(append(trunk(o.wide), { "CAM_conv", conv { o.wide(1024), k = 3, pad = 1 }, "CAM_relu", b.relu,
    "CAM_pool", b.gap, "flatten", b.flatten, "CAM_fc", b.linear { o.classes } }))
end

local aux = { "^aux1%.", "^aux2%." }
return { googlenet = { googlenet, ignore = aux }, googlenet_gap = googlenet_gap }
