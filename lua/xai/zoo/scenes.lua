-- The networks that ship with xairun, for the pictures of xai.scenes: one in the manner of AlexNet, with large first filters,
-- pooling and three fully connected layers, and one that ends in global average pooling, for class activation maps.
-- docs/models.md says how they were trained: with batch normalization after each convolution (o.norm), which was then
-- folded into the convolutions.
local b = require "xai.build"
local conv, linear, maxpool, relu, flatten, dropout = b.conv, b.linear, b.maxpool, b.relu, b.flatten, b.dropout

local half = maxpool { 3, stride = 2, pad = 1 }

--- Convolutions 1 to 5 with their rectifiers; the first sees a ninth of the side. pools: after which of them the side is halved.
local function features(o, widths, pools)
  local list = {}
  for i, width in ipairs(widths) do
    local first = i == 1
    local function add(name, layer) list[#list + 1], list[#list + 2] = name .. i, layer end
    add("conv", conv { o.wide(width), k = first and 9 or 3, stride = first and 2 or 1, pad = first and 4 or 1, bias = not o.norm })
    if o.norm then add("norm", b.bn) end
    add("relu", relu)
    if pools[i] then add("pool", half) end
  end
  return list
end

local function append(list, more) return b.seq(table.move(more, 1, #more, #list + 1, list)) end

local function scenes(o)
  local w = o.wide
  local list = features(o, { 48, 96, 128, 128, 96 }, { true, true, false, false, true })
  return append(list, { "flatten", flatten, "fc6", linear { w(256) }, "relu6", relu, "drop6", dropout { 0.3 },
    "fc7", linear { w(256) }, "relu7", relu, "drop7", dropout { 0.3 }, "fc8", linear { o.classes } })
end

local function scenes_gap(o)
  local list = features(o, { 48, 64, 96, 128, 192 }, { true, true })
  return append(list, { "gap", b.gap, "flatten", flatten, "fc", linear { o.classes } })
end

--- The first of them after Zhou et al. 2016, section 3: a convolution and a global average in place of the last pooling and
--- the fully connected layers.
local function scenes_cam(o)
  local list = features(o, { 48, 96, 128, 128, 96 }, { true, true })
  return append(list, { "CAM_conv", conv { o.wide(128), k = 3, pad = 1 }, "CAM_relu", relu, "CAM_pool", b.gap,
    "flatten", flatten, "CAM_fc", linear { o.classes } })
end

local inputs = { order = "rgb", scale = 1, mean = 127.5, std = 64, resize = 96, crop = 96 }

return { scenes = { scenes, size = 96, classes = 24, preprocess = inputs },
  scenes_cam = { scenes_cam, size = 96, classes = 24, preprocess = inputs }, scenes_gap = { scenes_gap, size = 96, classes = 24, preprocess = inputs } }
