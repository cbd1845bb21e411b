-- finercam: what sets a class apart from those that are like it? Grad-CAM of a difference of scores.
--
--   score = S[class] - alpha * (mean of the rivals' scores, weighed by their probabilities)
--
-- Zhang et al. 2025, "Finer-CAM: Spotting the Difference Reveals Finer Details for Visual Explanation". Rivals are the classes
-- whose scores are nearest to that of the class.
local xai = require "xai"
local args = xai.args { "What sets the class apart from those that are like it? Finer-CAM beside Grad-CAM.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  rivals = { 3, "classes to compare with" },
  alpha = { 1.0, "how much they count" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local target = args.class or net:predict(img, 1)[1].id
local plain = xai.gradcam(net, img, { target = target, layer = args.layer })
local e = xai.gradcam(net, img, { layer = args.layer,
  target = xai.finer_target(net, img, { target = target, rivals = args.rivals, alpha = args.alpha }) })

xai.sheet { title = "Finer-CAM at " .. e.layer, { img, "input" }, { plain:over(img), "Grad-CAM\n" .. plain:caption() },
  { e:over(img), "Finer-CAM\n" .. e:caption() } }:save "finercam.png"
