-- scorecam: each map of a layer weighed by what the network says when it sees nothing but what the map shows.
--
--   w = softmax over k of score(x * H[k]),  H[k] = A[k] enlarged, from 0 to 1        map = relu(sum over k of w[k] A[k])
--
-- Wang et al. 2020, "Score-CAM". --top 32: only the maps of largest deviation, which is faster. The third picture is
-- the map with the largest weight.
local xai = require "xai"
local args = xai.args { "Which maps alone make the network see the class? Score-CAM over the picture.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  top = { 0, "only so many maps, those of largest deviation; 0: all" },
  score = { "logit", "what the network is asked for: logit or prob" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.scorecam(net, img, { target = args.class, layer = args.layer, top = args.top, score = args.score })

local k = e.weights:argmax()
local first = e:with { values = net:forward(net:prepare(img), e.layer)[1][k] }
xai.sheet { title = "Score-CAM at " .. e.layer, { img, "input" }, { e:over(img), e:caption() },
  { first:over(img), ("map %d, weight %.2g"):format(k, e.weights[k]) } }:save "scorecam.png"
