-- L14: the data gradient. M(i,j) is the largest over the channels of |d score / d input(i,j)|: how much a small change of
-- that pixel changes the class score (Simonyan, Vedaldi, Zisserman 2014, section 3.1).
local xai = require "xai"
local args = xai.args { "Which pixels change the score most? The gradient, for several pictures.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { nil, "the picture; four that ship with xairun if absent" },
  class = { nil, "class id or label; the most probable one of each picture if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local names = { "lion", "purple_fox", "sea", "butterfly_flowers" }
local cells = { title = "Data gradient: how much each pixel matters to the score", cols = args.image and 2 or 4 }
for i = 1, args.image and 1 or #names do
  local img = xai.image(args.image or ("examples/images/%s.png"):format(names[i]))
  local e = xai.saliency(net, img, { target = args.class })
  cells[#cells + 1] = { e:input(img), e:caption() }
  cells[#cells + 1] = { e, "M, 1 % clipped", as = "heat", quantile = 0.99, cmap = "grey" }
end
xai.sheet(cells):save "L14_saliency.png"
