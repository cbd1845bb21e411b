-- L10: the patches that excite a neuron most, and what in them did it: each beside the guided backpropagation of that neuron
-- at that place (Springenberg et al. 2015, figure 3). What the patches have in common shows, their backgrounds do not.
local xai = require "xai"
local args = xai.args { "Patches that excite neurons most, beside their guided backpropagation.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { nil, "a folder of pictures, or one; scenes of the network's size if absent" },
  count = { 600, "how many scenes" },
  layer = { nil, "the layer; the third fifth of the rectifiers if absent" },
  units = { nil, "channels of it, with commas between them; those with the largest activations if absent" },
  neurons = { 5, "how many of those" },
  method = { "guided_backprop", "or deconvnet" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local relus = {} -- those that still have height and width
for _, layer in ipairs(net:layers()) do
  if layer.op:lower() == "relu" and layer.shape and #layer.shape == 3 and layer.shape[2] > 1 then relus[#relus + 1] = layer.name end
end
local layer, units = args.layer or relus[-(-#relus * 3 // 5)], {}
for channel in tostring(args.units or ""):gmatch "%d+" do units[#units + 1] = layer .. ":" .. channel end

local images = xai.scenes { seed = 9, size = { net.input[4], net.input[3] }, count = args.count }
if args.image then images = args.image:find "%.%w+$" and { args.image } or args.image end
local found = xai.patches(net, images, { units = #units > 0 and units or layer, k = 5 })
local lists = #units > 0 and found or found:strongest(args.neurons)

local cells = { rows = {}, cols = 10, gap = 0.3,
  title = ("Patches of layer %s, and what in each excited the neuron: %s"):format(layer, (args.method:gsub("_backprop", " backpropagation"))) }
for row, list in ipairs(lists) do
  cells.rows[row] = "neuron " .. list.unit:match "%d+$"
  for i = 1, 5 do
    local p = list[i]
    cells[#cells + 1] = p and { p.image, ("%.1f"):format(p.activation) } or false
    cells[#cells + 1] = p and { p:trace(args.method) } or false
  end
end
xai.sheet(cells):save "L10_patches_guided.png"
