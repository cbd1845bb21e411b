-- bench/networks.lua: networks for pictures of 3 x 96 x 96 to be trained: fc and gap are those for scenes, small is the CNN
-- that PyTorch is compared on.
local b = require "xai.build"

local function conv(name, n, k, stride) -- convolution, batch normalization, rectifier
  return { name, b.conv { n, k = k or 3, stride = stride, pad = (k or 3) // 2, bias = false }, name .. "/bn", b.bn, name .. "/relu", b.relu }
end

local function chain(parts)
  local list = {}
  for _, part in ipairs(parts) do
    for _, item in ipairs(type(part) == "table" and part or { part }) do list[#list + 1] = item end
  end
  return b.seq(list)
end

local pool = b.maxpool { 3, stride = 2, pad = 1 }
local function plain(name, n, k, stride) return { name, b.conv { n, k = k, stride = stride, pad = k // 2 }, name .. "/relu", b.relu } end
return {
  fc = chain { conv("conv1", 48, 9, 2), pool, conv("conv2", 96), pool, conv("conv3", 128), conv("conv4", 128), conv("conv5", 64),
    pool, b.flatten, b.dropout { 0.3 }, { "fc6", b.linear { 384 } }, b.relu, b.dropout { 0.3 }, { "fc7", b.linear { 256 } },
    b.relu, { "fc8", b.linear { 24 } } },
  gap = chain { conv("conv1", 48, 9, 2), pool, conv("conv2", 64), pool, conv("conv3", 96), conv("conv4", 128), conv("conv5", 192),
    b.gap, b.flatten, { "fc6", b.linear { 24 } } },
  small = chain { plain("conv1", 32, 7, 2), pool, plain("conv2", 64, 3), plain("conv3", 64, 3), pool, plain("conv4", 128, 3),
    plain("conv5", 128, 3), b.gap, b.flatten, { "fc", b.linear { 20 } } },
}
