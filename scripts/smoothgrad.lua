-- smoothgrad: the gradient without its grain: the mean over noisy copies of the picture.
--
--   M = 1/n sum over i of d score / d x (x + noise i)        drawn: the largest |M| over the colour channels
--
-- Smilkov et al. 2017, "SmoothGrad: removing noise by adding noise". The second picture is VarGrad, the variance of those
-- gradients (Adebayo et al. 2018). The noise is that of --seed.
local xai = require "xai"
local args = xai.args { "Which pixels matter, whatever the noise? Gradients at noisy copies of the picture.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  samples = { 50, "noisy copies" },
  sigma = { 0.15, "deviation of the noise, as a share of the input's range" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local function explain(statistic)
  return xai.smoothgrad(net, img, { target = args.class, samples = args.samples, sigma = args.sigma, statistic = statistic })
end
local mean, variance = explain "mean", explain "variance"

xai.sheet { title = "SmoothGrad", { img, "input" }, { mean:heat { quantile = 0.99 }, "mean\n" .. mean:caption() },
  { variance:heat { quantile = 0.99 }, "variance\n" .. variance:caption() } }:save "smoothgrad.png"
