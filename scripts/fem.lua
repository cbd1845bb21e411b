-- fem: what is rare in each map of a layer, weighed by the map's strength, whatever the class.
--
--   map = sum over k of mean(A[k]) [A[k] > mean + 2 deviations of A[k]] A[k]
--
-- Fuad et al. 2020, "Features Understanding in 3D CNNs for Actions Recognition in Video".
local xai = require "xai"
local args = xai.args { "What is rare in a layer, whatever the class? FEM over the picture.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  sigmas = { 2.0, "deviations above its map's mean from which a value is rare" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.fem(net, img, { layer = args.layer, sigmas = args.sigmas })

xai.sheet { title = "FEM at " .. e.layer, { img, "input" }, { e:over(img), "rare values" } }:save "fem.png"
