-- pca: the two directions in which the features of pictures vary most, and how much of their variance these hold.
--
--   C = (X - mean)^T (X - mean) / (N - 1)        C v = variance v        X: a row of features per picture
--
-- The pictures are scenes; a map of a convolution counts as the means of its channels.
local xai = require "xai"
local args = xai.args { "Pictures along the two principal components of a layer's features.",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "layer whose activations are the features; relu7 of the network that ships, else the class scores" },
  count = { 400, "how many pictures" },
  classes = { "cat,dog,panda,car,bus,sailboat,flower,clock", "names of scene classes, with commas between them" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local layer = args.layer or args.model == "default" and "relu7" or nil
local names = {}
for name in args.classes:gmatch "[^,%s]+" do names[#names + 1] = name end
local set = xai.scenes { seed = xai.seed(), size = net.input[3], classes = names, count = args.count }
local rows, classes = {}, {}
for i = 1, #set do
  local x = net:prepare(set[i].image)
  local f = layer and net:forward(x, layer) or net:logits(x)
  rows[i] = f:reshape(f:shape()[2], -1):mean(2):totable()
  classes[i] = set[i].class
end

local p = xai.pca(xai.tensor(rows))
local function axis(k) return ("component %d: %.1f %% of the variance"):format(k, 100 * p.ratio[k]) end
xai.sheet { cell = 900, { scatter = p.values, classes = classes, xlabel = axis(1), ylabel = axis(2),
  ("PCA of %s, %d numbers per picture"):format(layer or "the class scores", #rows[1]) } }:save "pca.png"
