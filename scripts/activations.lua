-- activations: what does each channel of a layer answer to a picture?
--
-- All channels in grey, each from black to its own largest value, or with --scale common all alike; crossed out: the same value
-- everywhere. One of them, by default the one with the largest value, enlarged over the picture.
--
-- Yosinski et al. 2015, "Understanding neural networks through deep visualization", section 2.
local xai = require "xai"
local args = xai.args { "What does each channel of a layer answer to a picture?", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture" },
  layer = { nil, "the layer; the last one with height and width if absent" },
  channel = { nil, "the channel to enlarge, from 1; the one with the largest value if absent" },
  channels = { 256, "how many channels are drawn at most, the strongest" },
  scale = { "each", "each channel to its own largest value, or common" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local a = xai.activations(net, img, { layer = args.layer })
local k = args.channel or a.strongest
local one, shown = a:channel(k), { scale = args.scale, channels = args.channels }

xai.sheet { title = "Activations of " .. a.layer, cell = 640,
  { one:input(img), "input" }, { a:picture(shown), a:caption(shown), boxes = a:box(k, shown) }, { one, "channel " .. k, over = img } }:save "activations.png"
