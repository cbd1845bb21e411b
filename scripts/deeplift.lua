-- deeplift: what does each pixel add to the score, being what it is and not what it is in a baseline?
--
--   R = m (x - x')        m: the gradient by the chain rule, with (f(z) - f(z')) / (z - z') in place of every f'(z)
--
-- Shrikumar, Greenside, Kundaje 2017, the rescale rule. The values sum to score(x) - score(x'), which is printed.
local xai = require "xai"
local args = xai.args { "What does each pixel add, compared with a picture of nothing? DeepLIFT.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  baseline = { "zero", "what it is compared with: zero, black, white, mean or blur" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.deeplift(net, img, { target = args.class, baseline = args.baseline })
print(("the values sum to %.4f, the score differs by %.4f from the baseline's"):format(e.difference + e.delta, e.difference))

xai.sheet { title = "DeepLIFT", { e:input(img), "input" }, { e:heat { quantile = 0.995 }, e:caption() } }:save "deeplift.png"
