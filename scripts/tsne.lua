-- tsne: a map of pictures in which those that a layer finds alike lie side by side.
--
--   least KL(P || Q) of  P_ij ~ exp(-beta_i |x_i - x_j|^2), symmetric,  and  Q_ij ~ 1 / (1 + |y_i - y_j|^2)
--
-- Van der Maaten, Hinton 2008, "Visualizing Data using t-SNE". Only what is near to what can be read from the map: neither
-- axes nor distances between clusters nor their sizes mean anything. Ctrl-C: the map so far.
local xai = require "xai"
local args = xai.args { "A map of pictures by a layer's features: t-SNE, and a grid without overlaps.",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "layer whose activations are the features; relu7 of the network that ships, else the class scores" },
  count = { 400, "how many pictures" },
  perplexity = { 30.0, "how many neighbours count, about" },
  iterations = { 1000, "steps of the descent" },
  classes = { "cat,dog,panda,car,bus,sailboat,flower,clock", "names of scene classes, with commas between them" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local layer = args.layer or args.model == "default" and "relu7" or nil
local names = {}
for name in args.classes:gmatch "[^,%s]+" do names[#names + 1] = name end
local set = xai.scenes { seed = xai.seed(), size = net.input[3], classes = names, count = args.count }
local rows, images, classes = {}, {}, {}
for i = 1, #set do
  local x = net:prepare(set[i].image)
  local f = layer and net:forward(x, layer) or net:logits(x)
  rows[i] = f:reshape(f:shape()[2], -1):mean(2):totable()
  images[i], classes[i] = set[i].image, set[i].class
end

local map = xai.tsne(xai.tensor(rows), { perplexity = args.perplexity, iterations = args.iterations, seed = xai.seed(),
  on_step = function(step, kl) print(("step %4d: KL %.4f"):format(step, kl)) end, every = 250 })
local side, places = math.ceil(math.sqrt(#rows)), {}
for i, cell in ipairs(xai.grid(map.values).values:totable()) do places[i] = { (cell - 1) % side, -((cell - 1) // side) } end

xai.sheet { cols = 2, cell = 900,
  { scatter = map.values, classes = classes, axes = false, aspect = 1.1,
    ("t-SNE of %s: KL %.3f after %d steps"):format(layer or "the class scores", map.kl, map.iterations) },
  { scatter = places, classes = classes, images = images, thumb = 0.7 * 900 // side, axes = false, aspect = 1.1,
    "the same on a grid: a cell for each" } }:save "tsne.png"
