-- guided: what in the picture drives a class or a unit? Guided backpropagation beside deconvnet.
--
--   deconvnet  R_below = max(R_above, 0)                     Zeiler, Fergus 2014
--   guided     R_below = [x > 0] [R_above > 0] R_above       Springenberg et al. 2015, section 3.4
local xai = require "xai"
local args = xai.args { "What drives a class or a unit? Guided backpropagation beside deconvnet.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  unit = { nil, "in place of a class: layer, layer:channel or layer:channel:row:col" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local what = args.unit and { at = args.unit } or { target = args.class }
local guided, deconv = xai.guided_backprop(net, img, what), xai.deconvnet(net, img, what)

xai.sheet { title = "Back to the picture from " .. guided.label,
  { img, "input" }, { deconv:picture(), "deconvnet" }, { guided:picture(), "guided backpropagation" } }:save "guided.png"
