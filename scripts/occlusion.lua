-- occlusion: how much does the score drop when a window of the picture is hidden?
--
--   D(w) = score(x) - score(x with window w filled)        M(p) = mean of D(w) over the windows that cover p
--
-- Zeiler, Fergus 2014, section 4.2. Blue: hiding it raises the score.
local xai = require "xai"
local args = xai.args { "What does the network miss when it is hidden? A window slides over the picture.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  window = { 0, "side of the window in pixels; 0: a seventh of the picture" },
  stride = { 0, "pixels from one window to the next; 0: a quarter of the window" },
  score = { "logit", "what drops: logit or prob" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.occlusion(net, img, { target = args.class, window = args.window, stride = args.stride, score = args.score })

xai.sheet { title = "Occlusion", { img, "input" }, { e:over(img), e:caption() } }:save "occlusion.png"
