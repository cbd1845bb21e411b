-- eigencam: the pattern that explains most of a layer, whatever the class.
--
--   map = X v,  X: places x channels of the layer, centred,  v: its first right singular vector
--
-- Muhammad, Yeasin 2020, "Eigen-CAM". The second picture is FEM (Fuad et al. 2020): what exceeds mean + 2 deviations of each map,
-- weighed by that mean. Neither knows of a class.
local xai = require "xai"
local args = xai.args { "What stands out in a layer, whatever the class? Eigen-CAM and FEM.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e, rare = xai.eigencam(net, img, { layer = args.layer }), xai.fem(net, img, { layer = args.layer })

xai.sheet { title = "Of no class, at " .. e.layer, { img, "input" },
  { e:over(img), ("Eigen-CAM\n%.0f %% of the variance"):format(100 * e.share) }, { rare:over(img), "FEM" } }:save "eigencam.png"
