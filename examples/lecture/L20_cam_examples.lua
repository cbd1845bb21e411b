-- L20: the same class in several pictures: the region that it depends on (Zhou et al. 2016, figure 3). One scale for all, so
-- that colours can be compared; what speaks against the class is left dark.
local xai = require "xai"
local args = xai.args { "Class activation maps of one class in several pictures.", "image",
  model = { "default-gap", "a network that ends in a global average" },
  image = { nil, "a picture; four that ship with xairun if absent" },
  class = { nil, "class id or label; dog for the pictures that ship, else the most probable one" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local names, files = { "cat_dog", "cat_dog_faces", "three_dogs", "clock_guitar" }, { args.image }
for i = 1, args.image and 0 or #names do files[i] = ("examples/images/%s.png"):format(names[i]) end
local class = args.class or not args.image and pcall(net.class, net, "dog") and "dog" or nil

local cells, maps = { scale = "common", cols = #files }, {}
for i, file in ipairs(files) do
  local img = xai.image(file)
  local e = xai.cam(net, img, { target = class })
  maps[i] = e:with { values = e.values:clamp(0, math.huge), signed = false }
  cells[i] = { maps[i]:input(img) }
  cells[#files + i] = { maps[i], maps[i]:caption(), over = img }
  if i < #files then cells[#files + i].bar = false end
end
cells.title = ("The region that '%s' depends on"):format(maps[1].label:match "^[^,]*")
xai.sheet(cells):save "L20_cam_examples.png"
