-- L1: the filters of the first layer as pictures (Krizhevsky, Sutskever, Hinton 2012, figure 3): they see colours, so that each is a
-- small colour picture itself: edges at all angles, and blobs of colour. --scale common shows which are strong and which weak.
local xai = require "xai"
local args = xai.args { "Every filter of the first convolution as a colour tile.",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "another convolution" },
  scale = { "each", "each filter from its least to its largest weight, or all in common" },
  cols = { nil, "tiles side by side; as near to a square as can be if absent" },
  image = { nil, "accepted and not used: filters are the same for every picture" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none: it says in which order the colours come" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local f = xai.filters(net, { layer = args.layer })
xai.sheet { title = args.layer and "Filters of " .. f.layer or "What the first layer looks for", cell = 1200,
  { f:picture { scale = args.scale, cols = args.cols }, f:caption() } }:save "L01_filters.png"
