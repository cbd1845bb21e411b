-- neighbours: which pictures does a layer find most like this one?
--
-- Krizhevsky, Sutskever, Hinton 2012, section 6.1: by the Euclidean distance of their activations.
local xai = require "xai"
local args = xai.args { "The pictures whose features are nearest to a picture's.", "image",
  image = { "examples/images/cat_dog.png", "the picture to compare with" },
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "layer whose activations are the features; relu7 of the network that ships, else the class scores" },
  count = { 1000, "how many pictures" },
  k = { 8, "how many neighbours" },
  metric = { "euclidean", "euclidean or cosine" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local layer = args.layer or args.model == "default" and "relu7" or nil
local set = xai.scenes { seed = xai.seed(), size = net.input[3], count = args.count }

--- A row of features.
local function features(img)
  local x = net:prepare(img)
  local f = layer and net:forward(x, layer) or net:logits(x)
  return f:reshape(f:shape()[2], -1):mean(2):totable() -- of maps the means of their channels
end

local rows, img = {}, xai.image(args.image)
for i = 1, #set do rows[i] = features(set[i].image) end
local near = xai.neighbours(xai.tensor(rows), { k = args.k, metric = args.metric, query = xai.tensor { features(img) } })

local cells = { title = ("Nearest by %s, of %d"):format(layer or "the class scores", #set), { img, "query" } }
for r, i in ipairs(near.values[1]:totable()) do
  cells[r + 1] = { set[i].image, ("%d. %s\n%s distance %.3g"):format(r, set[i].class, args.metric, near.distances:get(1, r)) }
end
xai.sheet(cells):save "neighbours.png"
