-- patches: which pictures excite the units of a layer most, and what of them did the unit see?
--
--   xairun patches --image photos --units "conv5_3:12;conv5_3:40" --model vgg16.onnx --trace guided_backprop
--   xairun patches --image photos --units conv5_3 --state conv5_3.safetensors --list
--
-- Of each picture the place of a unit's largest activation counts; a patch is what that unit sees, its receptive field, striped
-- where the picture ends. Girshick et al. 2014, section 3.1; Zeiler, Fergus 2014, section 4.1. Without --image: scenes.
-- Ctrl-C: what was found so far. --state keeps it, and the same command goes on from there.
local xai = require "xai"
local args = xai.args { "Which pictures excite a unit most, and what of them it saw.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { nil, "a folder, a list of paths and labels (.csv), or a picture; scenes of the network's size if absent" },
  units = { "", "layer or layer:channel, with semicolons; the last layer with height and width if absent" },
  rows = { 6, "how many units are drawn: of several those with the largest activations" },
  k = { 9, "patches per unit" },
  count = { 400, "pictures at most; 0: all there are" },
  trace = { "", "guided_backprop, deconvnet or saliency: what excited the unit, below its patches" },
  state = { nil, "file (.safetensors) that keeps what was found" },
  list = { false, "print activation, picture and box of every patch" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local units = {}
for unit in args.units:gmatch "[^;]+" do units[#units + 1] = unit end

local images, count = args.image, args.count > 0 and args.count or nil
if not images then images = xai.scenes { seed = xai.seed(), size = { net.input[4], net.input[3] }, count = count or 400 }
elseif images:lower():find "%.png$" or images:lower():find "%.jpe?g$" or images:lower():find "%.bmp$" then images = { images } end

local found = xai.patches(net, images, { units = #units > 0 and units or nil, k = args.k, state = args.state,
  count = count })
if args.list then print(found) end

local cells = { rows = {}, cols = args.k, gap = 0.3,
  title = ("The %d patches that excite each unit most, of %d pictures"):format(args.k, found.seen) }
for _, list in ipairs(#found > args.rows and found:strongest(args.rows) or found) do
  cells.rows[#cells.rows + 1] = list.unit
  for i = 1, args.k do cells[#cells + 1] = list[i] and { list[i].image, ("%.3g"):format(list[i].activation) } or false end
  if args.trace ~= "" then
    cells.rows[#cells.rows + 1] = args.trace:gsub("_", " ")
    for i = 1, args.k do cells[#cells + 1] = list[i] and { list[i]:trace(args.trace) } or false end
  end
end
xai.sheet(cells):save "patches.png"
