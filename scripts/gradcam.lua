-- gradcam: where in a layer did the evidence for a class come from?
--
--   w[k] = mean over (i,j) of d score / d A[k,i,j]        map = relu(sum over k of w[k] A[k])
--
-- Selvaraju et al. 2017, "Grad-CAM", eq. 1 and 2; --counterfactual: section 3.3, what speaks against the class.
local xai = require "xai"
local args = xai.args { "Where does the network see the class? Grad-CAM over the picture.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  counterfactual = { false, "what speaks against the class" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.gradcam(net, img, { target = args.class, layer = args.layer, counterfactual = args.counterfactual })

xai.sheet { title = "Grad-CAM at " .. e.layer, { img, "input" }, { e:over(img), e:caption() } }:save "gradcam.png"
