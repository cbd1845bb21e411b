-- L9: what do neurons look for? For each, the nine pictures of a set that excite it most, cut to what it sees of them
-- (Girshick et al. 2014, section 3.1). The number below a patch is the activation; stripes: there the picture ends.
local xai = require "xai"
local args = xai.args { "The nine patches that excite each of several neurons most.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { nil, "a folder of pictures, or one; scenes of the network's size if absent" },
  count = { 600, "how many scenes" },
  layer = { nil, "the layer; the third fifth of the rectifiers if absent" },
  units = { nil, "channels of it, with commas between them; those with the largest activations if absent" },
  neurons = { 6, "how many of those" },
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
local found = xai.patches(net, images, { units = #units > 0 and units or layer, k = 9 })
local lists = #units > 0 and found or found:strongest(args.neurons)

local f, n = net:receptive_field(layer), math.min(9, found.seen)
local cells = { rows = {}, cols = n, gap = 0.3, title = ("Strongest patches of neurons of %s, which sees %dx%d of %dx%d pixels"):format(
  layer, f.w, f.h, net.input[4], net.input[3]) }
for row, list in ipairs(lists) do
  cells.rows[row] = "neuron " .. list.unit:match "%d+$"
  for i = 1, n do cells[#cells + 1] = list[i] and { list[i].image, ("%.1f"):format(list[i].activation) } or false end
end
xai.sheet(cells):save "L09_patches.png"
