-- cam: each place's share in a class score, in a network that ends in a global average and a linear layer.
--
--   score = sum over k of w[k] * mean of A[k] + bias        map(i,j) = sum over k of w[k] A[k,i,j]
--
-- Zhou et al. 2016, "Learning Deep Features for Discriminative Localization", eq. 2. Red speaks for the class, blue against
-- it; the mean of the map is the score without its bias. The box is the paper's: the largest region above 20 % of the maximum.
local xai = require "xai"
local args = xai.args { "Where does the network see the class? Class activation mapping, with a box.", "image",
  model = { "default-gap", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.cam(net, img, { target = args.class })
local seen, box = e:over(), e:boxes { threshold = 0.2 }[1]
if box then seen = seen:outline(box, { 0, 160, 0 }) end

xai.sheet { title = "CAM at " .. e.layer, { img, "input" }, { seen, e:caption(), bar = e } }:save "cam.png"
