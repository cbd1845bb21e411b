-- bench/train.lua: how many pictures a second can a network be trained on?
-- usage: xairun -q bench/train.lua [fc|gap|small] [STEPS]      batches of 64 pictures of 3 x 96 x 96
local xai = require "xai"
local b = require "xai.build"
package.path = arg[0]:match "^(.-)[^/]*$" .. "?.lua;" .. package.path
local networks = require "networks"
local BATCH, SIZE, WARM = 64, 96, 2

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
