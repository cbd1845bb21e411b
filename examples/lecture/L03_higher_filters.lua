-- L3: the filters of the second and third layer as the lecture draws them: a row per filter, a grey tile per input channel. They say
-- little: their inputs are no colours but the answers of the layer before, and what a row adds up to cannot be seen from its tiles.
local xai = require "xai"
local args = xai.args { "Filters of higher layers as rows of grey tiles.",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layers = { "", "convolutions, with semicolons; the second and the third if absent" },
  filters = { 20, "how many of each" },
  channels = { 16, "how many of the channels that they look at" },
  scale = { "row", "what goes from black to white: each tile, a row of them, or all in common" },
  image = { nil, "accepted and not used: filters are the same for every picture" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local names = {}
for name in args.layers:gmatch "[^;]+" do names[#names + 1] = name end
for _, layer in ipairs(args.layers == "" and net:layers() or {}) do -- 1x1 filters have nothing to see in them
  if layer.op == "Conv" and net:weight(layer.name):shape()[3] > 1 then names[#names + 1] = layer.name end
end
if args.layers == "" then names = { table.unpack(names, 2, 3) } end

local cells, shown = { title = "Higher up filters say little: their inputs are no colours", cell = 800, cols = #names },
  { filters = args.filters, channels = args.channels, scale = args.scale }
for i, name in ipairs(names) do
  local f = xai.filters(net, { layer = name })
  cells[i] = { f:picture(shown), f:caption(shown) }
end
xai.sheet(cells):save "L03_higher_filters.png"
