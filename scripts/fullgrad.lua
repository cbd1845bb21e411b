-- fullgrad: input times gradient together with what every bias of the network adds to the score.
--
--   score = sum of x dscore/dx + sum over layers of b dscore/dz        drawn: magnitudes, each layer scaled to 0..1, summed
--
-- Srinivas, Fleuret 2019, "Full-Gradient Representation for Neural Network Visualization", eq. 2 and 4.
local xai = require "xai"
local args = xai.args { "Which pixels matter, counting what biases add? FullGrad over the picture.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.fullgrad(net, img, { target = args.class })

xai.sheet { title = ("FullGrad: the input and the biases of %d layers"):format(e.layers), { img, "input" },
  { e:over(img), e:caption() } }:save "fullgrad.png"
