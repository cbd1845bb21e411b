-- L21: one picture, the five most probable classes, each with its own class activation map (Zhou et al. 2016, figure 4). One
-- scale for all; what speaks against a class is left dark.
local xai = require "xai"
local args = xai.args { "Class activation maps of the five most probable classes.", "image",
  model = { "default-gap", "a network that ends in a global average" },
  image = { "examples/images/picnic.png", "the picture to explain" },
  count = { 5, "how many classes" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)

local cells = { title = ("What the network sees in %s, and where"):format(args.image:match "[^/]*$"), scale = "common", cols = 3 }
for i, guess in ipairs(net:predict(img, args.count)) do
  local e = xai.cam(net, img, { target = guess.id })
  cells[1] = cells[1] or { e:input(img), "input" }
  cells[i + 1] = { e:with { values = e.values:clamp(0, math.huge), signed = false }, ("%d. %s"):format(i, e:caption()), over = img }
  if (i + 1) % 3 ~= 0 then cells[i + 1].bar = false end
end
xai.sheet(cells):save "L21_cam_top5.png"
