-- L8: what the last convolution answers to a picture: a map in grey per channel (Yosinski et al. 2015, section 2), and the channel
-- that answers most, enlarged over the picture. Crossed out: channels that say nothing about this picture.
local xai = require "xai"
local args = xai.args { "All channels of a layer for one picture, one of them enlarged over it.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture" },
  layer = { nil, "the layer; the last one with height and width if absent" },
  channel = { nil, "the channel to enlarge, from 1; the one with the largest value if absent" },
  channels = { 256, "how many channels are drawn at most, the strongest" },
  scale = { "each", "each channel to its own largest value, or all in common" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local a = xai.activations(net, img, { layer = args.layer })
local k = args.channel or a.strongest
local one, shown = a:channel(k), { scale = args.scale, channels = args.channels }

xai.sheet { title = ("What %d channels see in one picture"):format(#a), cols = 3, cell = 640,
  { one:input(img), "input" }, { a:picture(shown), a:caption(shown), boxes = a:box(k, shown) },
  { one, "channel " .. k, over = img } }:save "L08_activations.png"
