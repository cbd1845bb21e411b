-- bench/passes.lua: how long do one forward pass and one gradient take?
-- usage: xairun -q bench/passes.lua MODEL.onnx...      median of 15 after 3 passes of warming up
-- The gradient is that of one logit with respect to the input and includes its forward pass.
local xai = require "xai"
local RUNS, WARM = 15, 3

local function median_ms(f)
  local times = {}
  for i = 1, RUNS + WARM do
    local start = xai.clock()
    f()
    if i > WARM then times[#times + 1] = 1000 * (xai.clock() - start) end
  end
  table.sort(times)
  return times[(RUNS + 1) // 2]
end

print(("%-28s %12s %12s"):format("model (one picture)", "forward ms", "gradient ms"))
for _, path in ipairs(arg) do
  local net = xai.load(path)
  local x = xai.randn(table.unpack(net.input))
  local forward = median_ms(function() net:forward(x) end)
  local gradient = median_ms(function() xai.saliency(net, x, { target = 5 }) end)
  print(("%-28s %12.1f %12.1f"):format(path:match "[^/]+$", forward, gradient))
end
