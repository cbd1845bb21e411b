-- gradcampp: Grad-CAM in which a small region counts as much as a large one, beside Grad-CAM.
--
--   w[k] = sum over (i,j) of alpha[k,i,j] max(g[k,i,j], 0)        map = relu(sum over k of w[k] A[k])
--   alpha = g^2 / (2 g^2 + g^3 sum of A[k])                       g = d score / d A
--
-- Chattopadhay et al. 2018, "Grad-CAM++", eq. 19. The last picture is the alpha of the map with the largest weight: where
-- in it the gradient counts. Right before a global average g is the same at all places of a map, and so is alpha: then
-- w[k] = Z g / (2 + g sum of A[k]), and the last picture is all maps' weights against those of Grad-CAM, which are g.
-- --normalise-alpha: the alpha of a map sum to 1, as in the authors' program.
local xai = require "xai"
local args = xai.args { "Where is the class, every instance of it? Grad-CAM++ beside Grad-CAM.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  normalise_alpha = { false, "the alpha of a map sum to 1" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local what = { target = args.class, layer = args.layer }
local plain = xai.gradcam(net, img, what)
what.normalise_alpha = args.normalise_alpha
local e = xai.gradcampp(net, img, what)

local k = e.weights:argmax()
local alpha, last = e.alpha[k], nil
if alpha:max() > alpha:min() then
  last = { e:with { values = alpha, unit = "alpha" }:heat(), "alpha of map " .. k }
else
  local points = {}
  for i, w in ipairs(e.weights:totable()) do points[i] = { plain.weights:get(i), w } end
  last = { scatter = points, "a point per map: alpha is one number in each", xlabel = "weight, Grad-CAM", ylabel = "weight, Grad-CAM++" }
end
xai.sheet { title = "Grad-CAM++ at " .. e.layer, { img, "input" }, { plain:over(img), "Grad-CAM\n" .. plain:caption() },
  { e:over(img), "Grad-CAM++\n" .. e:caption() }, last }:save "gradcampp.png"
