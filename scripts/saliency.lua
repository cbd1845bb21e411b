-- saliency: which pixels change the score most when they change a little?
--
--   M(i,j) = max over channels c of |d score / d x(c,i,j)|
--
-- Simonyan, Vedaldi, Zisserman 2014, "Deep Inside Convolutional Networks", section 3.1.
local xai = require "xai"
local args = xai.args { "Which pixels matter? The largest absolute gradient per pixel.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.saliency(net, img, { target = args.class })

-- one pixel in a hundred is far brighter than the rest: clip there, or the map is black
xai.sheet { title = "Saliency", { img, "input" }, { e:heat { quantile = 0.99 }, e:caption() } }:save "saliency.png"
