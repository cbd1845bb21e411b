-- L13: the same for any unit of any layer: the gradient begins with a one-hot in that layer (Yosinski et al. 2015). From row to row
-- what a unit sees grows: colours and edges, textures, parts. Shown is the part of the picture that can move the unit.
local xai = require "xai"
local args = xai.args { "What do the units of each layer look for? Pictures that excite them, a row per layer.",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layers = { nil, "names with semicolons between them; up to four convolutions if absent" },
  units = { 5, "units per layer, each at the centre of its map" },
  whole = { false, "the mean of a unit's whole map in place of its centre" },
  steps = { 200, "steps of the ascent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }
local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local layers, convolutions = {}, {}
for name in (args.layers or ""):gmatch "[^;]+" do layers[#layers + 1] = name end
for _, layer in ipairs(args.layers and {} or net:layers()) do
  if layer.op == "Conv" and layer.shape and layer.shape[3] > 1 then convolutions[#convolutions + 1] = layer.name end
end
local most = math.min(4, #convolutions)
for i = 1, most do layers[i] = convolutions[1 + (i - 1) * (#convolutions - 1) // math.max(1, most - 1)] end
local cells = { title = "What units look for, layer by layer", rows = {}, cols = args.units }
for _, name in ipairs(layers) do
  local shape, row, left, top, right, bottom = net:layer(name).shape, {}, math.huge, math.huge, 0, 0
  for k = 1, math.min(args.units, shape[1]) do
    local unit = ("%s:%d"):format(name, 1 + (k - 1) * shape[1] // args.units)
    if shape[3] and not args.whole then unit = ("%s:%d:%d"):format(unit, shape[2] // 2 + 1, shape[3] // 2 + 1) end
    row[k] = xai.neuron_image(net, { target = unit, steps = args.steps, jitter = 0 })
    local moved = xai.saliency(net, row[k].values:reshape(1, table.unpack(row[k].values:shape())), { target = unit })
    local seen = moved:boxes { threshold = 1e-4 } -- what has a gradient, beyond rounding; of a silent unit nothing has
    for _, b in ipairs(#seen > 0 and seen or { { x = 1, y = 1, w = moved.width, h = moved.height } }) do
      left, top, right, bottom = math.min(left, b.x), math.min(top, b.y), math.max(right, b.x + b.w), math.max(bottom, b.y + b.h)
    end
  end
  for k = 1, args.units do
    local e = row[k]
    cells[#cells + 1] = e and { e:picture { quantile = 0.995 }:crop(left, top, right - left, bottom - top),
      ("unit %s\n%.2g to %.3g"):format(e.target:sub(#name + 2):match "%d+", e.scores:get(1), e.score) } or false
  end
  cells.rows[#cells.rows + 1] = ("%s\nsees %d x %d"):format(name, right - left, bottom - top)
end
xai.sheet(cells):save "L13_unit_images.png"
