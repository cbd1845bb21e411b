-- integrated_gradients: what does each pixel contribute on the way from a baseline x' to the picture x?
--
--   R = (x - x') * integral over t from 0 to 1 of d score / d x (x' + t (x - x'))        drawn: the sum over the channels
--
-- Sundararajan, Taly, Yan 2017. The contributions sum to score(x) - score(x'); how well they do is printed.
local xai = require "xai"
local args = xai.args { "What does each pixel contribute, beginning from nothing? Integrated gradients.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  steps = { 50, "gradients on the way" },
  baseline = { "zero", "where the way begins: zero, black, white, mean or blur" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.integrated_gradients(net, img, { target = args.class, steps = args.steps, baseline = args.baseline })
print(("the values sum to %.4f, the score rises by %.4f from the baseline"):format(e.difference + e.delta, e.difference))

xai.sheet { title = "Integrated gradients", { img, "input" }, { e:heat { quantile = 0.995 }, e:caption() } }:save "integrated_gradients.png"
