-- guided_gradcam: the fine detail of guided backpropagation where Grad-CAM says that the class is.
--
--   R = guided backpropagation * relu(Grad-CAM), enlarged to the picture
--
-- Selvaraju et al. 2017, "Grad-CAM", section 3.2.
local xai = require "xai"
local args = xai.args { "What of the class does the network see, and where? Guided Grad-CAM.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local what = { target = args.class, layer = args.layer }
local run = net:run(img) -- one forward pass for all three
local cam, guided = xai.gradcam(net, run, what), xai.guided_backprop(net, run, { target = args.class })
local e = xai.guided_gradcam(net, run, what)

xai.sheet { title = "Guided Grad-CAM at " .. e.layer, { img, "input" }, { cam:over(img), "Grad-CAM\n" .. cam:caption() },
  { guided:picture(), "guided backpropagation" }, { e:picture(), "their product" } }:save "guided_gradcam.png"
