-- hirescam: gradient times activation at every place, beside Grad-CAM.
--
--   map(i,j) = relu(sum over k of g[k,i,j] A[k,i,j]),  g = d score / d A
--
-- Draelos, Carin 2020, "Use HiResCAM instead of Grad-CAM for faithful explanations". The same as Grad-CAM where a global
-- average follows the layer.
local xai = require "xai"
local args = xai.args { "Which places did the network really use? HiResCAM beside Grad-CAM.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local what = { target = args.class, layer = args.layer }
local plain, e = xai.gradcam(net, img, what), xai.hirescam(net, img, what)

xai.sheet { title = "HiResCAM at " .. e.layer, { img, "input" }, { plain:over(img), "Grad-CAM\n" .. plain:caption() },
  { e:over(img), "HiResCAM\n" .. e:caption() } }:save "hirescam.png"
