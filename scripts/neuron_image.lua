-- neuron_image: what does a unit of the network look for? Pictures that excite it the most.
--
--   z <- z + rate * d unit / d z,  then decay and blur        z: grey levels about the mean colour, noise at first
--
-- Yosinski et al. 2015, "Understanding neural networks through deep visualization". A unit is layer:channel:row:col;
-- layer:channel is the one at the map's centre, and layer alone shows its first channels.
local xai = require "xai"
local args = xai.args { "What does a unit look for? The picture that excites it the most.",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  units = { "", "layer, layer:channel or layer:channel:row:col, with semicolons; the last convolution with height and width if absent" },
  channels = { 4, "how many channels of a layer" },
  preset = { "chosen", "constants: chosen, simonyan, yosinski1, yosinski2, yosinski3 or yosinski4" },
  steps = { 200, "steps of the ascent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local function last_map() -- of a convolution: behind its rectifier a unit may be silent, and has no way up
  local name
  for _, layer in ipairs(net:layers()) do
    if layer.op == "Conv" and layer.shape and #layer.shape == 3 and layer.shape[3] > 1 then name = layer.name end
  end
  return name
end

local units = {}
for unit in (args.units ~= "" and args.units or last_map()):gmatch "[^;]+" do
  if unit:find ":%d+$" then units[#units + 1] = unit
  else for k = 1, math.min(args.channels, net:layer(unit).shape[1]) do units[#units + 1] = unit .. ":" .. k end end
end

local cells = { title = "What units look for" }
for _, unit in ipairs(units) do
  local e = xai.neuron_image(net, { at = unit, preset = args.preset, steps = args.steps })
  cells[#cells + 1] = { e:picture { quantile = 0.995 }, ("%s\n%.3g to %.3g"):format(unit, e.scores:get(1), e.score) }
end
xai.sheet(cells):save "neuron_image.png"
