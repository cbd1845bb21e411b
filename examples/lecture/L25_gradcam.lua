-- L25: Grad-CAM: one picture, two classes, two maps, from a network with fully connected layers that was not trained again
-- (Selvaraju et al. 2017, figure 1).
local xai = require "xai"
local args = xai.args { "One picture, two classes: where the network sees each.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  first = { nil, "class id or label; the most probable one if absent" },
  second = { nil, "another; the second most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local top = net:predict(img, 2)

local cells = { title = "Grad-CAM: one picture, two questions" }
for _, class in ipairs { args.first or top[1].id, args.second or top[2].id } do
  local e = xai.gradcam(net, img, { target = class, layer = args.layer })
  cells[1] = cells[1] or { e:input(img), "input" }
  cells[#cells + 1] = { e, ("%s\nlayer %s"):format(e:caption(), e.layer), over = img }
end
cells.cols = #cells
xai.sheet(cells):save "L25_gradcam.png"
