-- ablationcam: each map of a layer weighed by the share of the score that is lost without it.
--
--   w[k] = (score - score without map k) / score        map = relu(sum over k of w[k] A[k])
--
-- Desai, Ramaswamy 2020, "Ablation-CAM", eq. 3 and 4. Beside it Grad-CAM, whose weights foretell these losses.
local xai = require "xai"
local args = xai.args { "Which maps does the class need? Ablation-CAM beside Grad-CAM.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local what = { target = args.class, layer = args.layer }
local plain, e = xai.gradcam(net, img, what), xai.ablationcam(net, img, what)

xai.sheet { title = "Ablation-CAM at " .. e.layer, { img, "input" }, { plain:over(img), "Grad-CAM\n" .. plain:caption() },
  { e:over(img), "Ablation-CAM\n" .. e:caption() } }:save "ablationcam.png"
