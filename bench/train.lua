-- bench/train.lua: how many pictures a second can a network be trained on?
-- usage: xairun -q bench/train.lua [fc|gap|small] [STEPS]      batches of 64 pictures of 3 x 96 x 96
-- fc and gap are the networks for scenes; small is the CNN that PyTorch is compared on (batch normalization in none of it).
local xai = require "xai"
local b = require "xai.build"
local BATCH, SIZE, WARM = 64, 96, 2

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
local networks = {
  fc = chain { conv("conv1", 48, 9, 2), pool, conv("conv2", 96), pool, conv("conv3", 128), conv("conv4", 128), conv("conv5", 64),
    pool, b.flatten, b.dropout { 0.3 }, { "fc6", b.linear { 384 } }, b.relu, b.dropout { 0.3 }, { "fc7", b.linear { 256 } },
    b.relu, { "fc8", b.linear { 24 } } },
  gap = chain { conv("conv1", 48, 9, 2), pool, conv("conv2", 64), pool, conv("conv3", 96), conv("conv4", 128), conv("conv5", 192),
    b.gap, b.flatten, { "fc6", b.linear { 24 } } },
  small = chain { plain("conv1", 32, 7, 2), pool, plain("conv2", 64, 3), plain("conv3", 64, 3), pool, plain("conv4", 128, 3),
    plain("conv5", 128, 3), b.gap, b.flatten, { "fc", b.linear { 20 } } },
}

local name, steps = arg[1] or "fc", tonumber(arg[2]) or 8
local net = b.net(name, networks[name], { input = { 3, SIZE, SIZE }, weights = "none" })
local trainer = xai.trainer(net, { init = "he", lr = 0.01, momentum = 0.9, nesterov = true, weight_decay = 1e-3, seed = 1 })
local x, y = xai.randn(BATCH, 3, SIZE, SIZE), {}
for i = 1, BATCH do y[i] = i % net.classes end
local times, cpu = {}, {}
for i = 1, WARM + steps do
  local start, busy = xai.clock(), os.clock()
  trainer:step(x, y)
  if i > WARM then times[#times + 1], cpu[#cpu + 1] = xai.clock() - start, os.clock() - busy end
end
local function median(t)
  table.sort(t)
  return t[(#t + 1) // 2]
end
print(("%-6s %8.1f ms per step (%.1f of all processors)  %6.1f pictures/s"):format(name, 1000 * median(times), 1000 * median(cpu),
  BATCH / median(times)))
