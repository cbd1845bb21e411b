-- input_x_gradient: what does each pixel contribute to the score, to first order?
--
--   R(c,i,j) = x(c,i,j) * d score / d x(c,i,j)            drawn: the sum over the channels c
--
-- Shrikumar et al. 2016. In a ReLU network without biases the contributions sum to the score.
local xai = require "xai"
local args = xai.args { "What does each pixel contribute? Input times gradient.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.input_x_gradient(net, img, { target = args.class })

xai.sheet { title = "Input times gradient", { img, "input" }, { e:heat { quantile = 0.995 }, e:caption() } }:save "input_x_gradient.png"
