-- L17: one rectifier, three ways back (Springenberg et al. 2015, figure 1). Forward it cuts what is negative. Backward,
-- backpropagation passes the signal where the INPUT was positive, deconvnet where the SIGNAL is, guided backpropagation
-- where both are.
local xai = require "xai"
local b = require "xai.build"
local args = xai.args { "The three backward rules of a ReLU, worked on 3 x 3 numbers.",
  scale = { 7, "the value at which the colours end" } }

local input = xai.tensor { { 1, -1, 5 }, { 2, -5, -7 }, { -3, 2, 4 } }
local signal = xai.tensor { { -2, 3, -1 }, { 6, -3, 1 }, { 2, -1, 3 } }

local net = b.net("one rectifier", b.seq { "relu", b.relu }, { input = { 1, 3, 3 }, preprocess = "none" })
local run = net:run(input:reshape(1, 1, 3, 3))
local function back(rule) return run:backward { seed = signal:reshape(1, 1, 3, 3), at = "relu", relu = rule } end

local cells = { title = "Back through one rectifier", cols = 3, cmap = "diverging", scale = { -args.scale, args.scale },
  { input, "input of the ReLU" }, { run:get "relu", "forward\nnegative values become 0" }, { signal, "signal from above" },
  { back "plain", "backpropagation\npasses where the input is positive" },
  { back "deconv", "deconvnet\npasses where the signal is positive" },
  { back "guided", "guided backpropagation\npasses where both are" } }
for _, cell in ipairs(cells) do cell.numbers, cell.bar = true, false end
xai.sheet(cells):save "L17_relu_rules.png"
