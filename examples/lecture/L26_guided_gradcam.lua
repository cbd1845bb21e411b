-- L26: guided Grad-CAM (Selvaraju et al. 2017, section 3.2, figure 1): guided backpropagation is sharp but hardly changes with the class,
-- Grad-CAM knows the class but is coarse; their product is sharp and knows the class.
local xai = require "xai"
local args = xai.args { "Guided Grad-CAM: Grad-CAM times guided backpropagation, for two classes.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  first = { nil, "class id or label; the most probable one if absent" },
  second = { nil, "another; the second most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local run, top = net:run(img), net:predict(img, 2) -- one forward pass for all maps

local cells = { title = "Sharp and class-specific: guided Grad-CAM", rows = {},
  cols = { "input", "Grad-CAM", "guided backpropagation", "their product" } }
for i, class in ipairs { args.first or top[1].id, args.second or top[2].id } do
  local cam = xai.gradcam(net, run, { target = class, layer = args.layer })
  cells.rows[i] = cam:caption()
  table.move({ { cam:input(img) }, { cam, over = cam:input(img), bar = false }, { xai.guided_backprop(net, run, { target = class }) },
    { xai.guided_gradcam(net, run, { target = class, layer = args.layer }) } }, 1, 4, #cells + 1, cells)
end
xai.sheet(cells):save "L26_guided_gradcam.png"
