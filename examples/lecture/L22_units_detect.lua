-- L22: units of the last convolution detect things (Zhou et al. 2015): in the picture that excites a unit most the box around what
-- the unit sees there, then the patches of other pictures. Nobody told the units; only the classes were taught.
local xai = require "xai"
local args = xai.args { "Units of the last convolution: what they see, and what excites them most.", "image",
  model = { "default-gap", "the network: a file, an architecture, or one that ships" },
  image = { nil, "a folder of pictures, or one; scenes of the network's size if absent" },
  count = { 600, "how many scenes" },
  layer = { nil, "the layer; the last with height and width if absent" },
  units = { nil, "channels of it, with commas between them; those with the largest activations if absent" },
  neurons = { 5, "how many of those" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local layer, units = args.layer, {}
for _, l in ipairs(net:layers()) do
  if not args.layer and l.op:lower() == "relu" and l.shape and #l.shape == 3 and l.shape[2] > 1 then layer = l.name end
end
for channel in tostring(args.units or ""):gmatch "%d+" do units[#units + 1] = layer .. ":" .. channel end

local images = xai.scenes { seed = 22, size = { net.input[4], net.input[3] }, count = args.count }
if args.image then images = args.image:find "%.%w+$" and { args.image } or args.image end
local found = xai.patches(net, images, { units = #units > 0 and units or layer, k = 6 })
local lists = #units > 0 and found or found:strongest(args.neurons)

local f = net:receptive_field(layer)
local cells = { rows = {}, cols = { "picture", "1st patch", "2nd", "3rd", "4th", "5th", "6th" }, gap = 0.3,
  title = ("Units of %s: each sees %dx%d of %dx%d pixels"):format(layer, f.w, f.h, net.input[4], net.input[3]) }
for row, list in ipairs(lists) do
  cells.rows[row] = "unit " .. list.unit:match "%d+$"
  local best, box = list[1], list[1] and list[1].box
  if box then box.colour = { 230, 0, 0 } end
  cells[#cells + 1] = best and { best.picture, "what it sees", boxes = box } or false
  for i = 1, 6 do cells[#cells + 1] = list[i] and { list[i].image, ("%s %.1f"):format(list[i].name, list[i].activation) } or false end
end
xai.sheet(cells):save "L22_units_detect.png"
