-- features: what a layer makes of each of many pictures, kept on disk.
--
--   xairun features --images photos --store photos.fc7 --layer fc7        a folder per class, or a list.csv of path,label
--   xairun features --count 2000 --store scenes.features                  scenes, without a folder
--   mpirun -n 4 xairun features --images photos --store photos.fc7        the same bytes, by four processes
--
-- The store holds features.safetensors: features n x d, labels, index, names. A pass that was ended, by Ctrl-C, a kill or a power
-- cut, goes on where it was when the same line is given again. Without --layer it is the layer before the classifier.
local xai = require "xai"
local args = xai.args { "The features of many pictures, kept on disk.", "images",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  images = { nil, "a folder with a folder per class, or a .csv of path,label; scenes if absent" },
  count = { 200, "how many scenes" },
  layer = { nil, "the layer; the one before the classifier if absent" },
  pool = { "mean", "what becomes of height and width: mean, max or none" },
  store = { "out/features", "the folder that keeps them" },
  batch = { 0, "pictures per pass of the network; 0: chosen" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local input = net.input
local side = input[3] and input[3] > 0 and { input[4], input[3] } or 224
local set = xai.images(args.images or xai.scenes { seed = xai.seed(), size = side, count = args.count })
local f = xai.features(net, set, args.layer, { store = args.store, pool = args.pool, batch = args.batch > 0 and args.batch or nil })

print(("%s: %s%s"):format(f.store, f, #f.skipped > 0 and (", %d pictures could not be read"):format(#f.skipped) or ""))
local by_class, order = {}, {}
for _, name in ipairs(f.names or {}) do
  if not by_class[name] then by_class[name], order[#order + 1] = 0, name end
  by_class[name] = by_class[name] + 1
end
table.sort(order)
for _, name in ipairs(order) do print(("  %-16s %d"):format(name, by_class[name])) end
