-- xgradcam: Grad-CAM with gradients averaged where each map is active, beside Grad-CAM.
--
--   w[k] = sum over (i,j) of A[k,i,j] g[k,i,j] / sum of A[k]        map = relu(sum over k of w[k] A[k])
--
-- Fu et al. 2020, "Axiom-based Grad-CAM", eq. 8.
local xai = require "xai"
local args = xai.args { "Where does the network see the class? XGrad-CAM beside Grad-CAM.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local what = { target = args.class, layer = args.layer }
local plain, e = xai.gradcam(net, img, what), xai.xgradcam(net, img, what)

xai.sheet { title = "XGrad-CAM at " .. e.layer, { img, "input" }, { plain:over(img), "Grad-CAM\n" .. plain:caption() },
  { e:over(img), "XGrad-CAM\n" .. e:caption() } }:save "xgradcam.png"
