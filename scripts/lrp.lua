-- lrp: which pixels did the score come from, if every unit hands on what it got in proportion to what it was given?
--
--   R[j] = sum over k of  a[j] rho(w[j,k]) / (eps + sum over j of a[j] rho(w[j,k]))  R[k]        from the score to the pixels
--
-- Bach et al. 2015; Montavon et al. 2019. --composite says which rule rho holds in which layers: epsilon_plus, epsilon_plus_flat,
-- epsilon_gamma_box, epsilon_alpha2_beta1, preset_a, preset_b, or the name of a rule; `help "lrp"` lists all.
local xai = require "xai"
local args = xai.args { "Which pixels did the score come from? Relevance, layer by layer.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  composite = { "epsilon_plus", "which rules hold where" },
  layer = { nil, "stop at this layer; the picture itself if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.lrp(net, img, { target = args.class, composite = args.composite, layer = args.layer })
print(("score %.4f = %.4f in the map + %.4f in biases + %.4f elsewhere"):format(e.start, e.sum, e.biases, e.start - e.sum - e.biases))

xai.sheet { title = "Relevance, " .. args.composite, { e:input(img), "input" }, { e:heat { quantile = 0.995 }, e:caption() } }:save "lrp.png"
