-- L06: t-SNE: a map in which pictures that the last hidden layer finds alike lie side by side (van der Maaten, Hinton 2008): as
-- points, as pictures where they hide no other, and on a grid in which each has a cell.
local xai = require "xai"
local args = xai.args { "A t-SNE map of pictures by a layer's features.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "layer whose activations are the features; relu7 of the network that ships, else the class scores" },
  image = { nil, "a picture of your own, to be placed in the finished map" },
  count = { 400, "how many scenes" },
  preprocess = { nil, "imagenet, caffe, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }
local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local layer = args.layer or args.model == "default" and "relu7" or nil
local function features(img) -- of maps the means of their channels
  local x = net:prepare(img)
  local f = layer and net:forward(x, layer) or net:logits(x)
  return f:reshape(f:shape()[2], -1):mean(2):totable()
end

local set = xai.scenes { seed = 5, size = net.input[3], count = args.count,
  classes = { "cat", "dog", "panda", "car", "bus", "sailboat", "flower", "clock" } }
local rows, class_of, images = {}, {}, {}
for i = 1, #set do
  local scene = set[i]
  rows[i], class_of[i], images[i] = features(scene.image), scene.class, scene.image
end
local map = xai.tsne(xai.tensor(rows), { perplexity = math.min(8, (#rows - 1) / 3), seed = 1 })
local points, places, side, CELL <const> = map.values:totable(), {}, math.ceil(math.sqrt(#rows)), 720
for i, cell in ipairs(xai.grid(map.values).values:totable()) do places[i] = { (cell - 1) % side, -((cell - 1) // side) } end
if args.image then
  local n, img = #rows + 1, xai.image(args.image)
  points[n], class_of[n], images[n] = map:place(xai.tensor { features(img) })[1]:totable(), "your picture", img
end
local function cell(at, pictures, thumb, caption)
  return { scatter = at, classes = table.move(class_of, 1, #at, 1, {}), images = pictures and table.move(pictures, 1, #at, 1, {}),
    thumb = thumb, axes = false, aspect = 1.1, caption }
end
xai.sheet { title = ("t-SNE of %s: %d pictures, %d numbers each"):format(layer or "the class scores", #rows, #rows[1]), cols = 3,
  cell = CELL, cell(points, nil, nil, ("KL %.3f after %d steps, perplexity %g"):format(map.kl, map.iterations, map.options.perplexity)),
  cell(points, images, 40, "pictures at their points"),
  cell(places, images, 0.7 * CELL // side, "each picture in a cell of its own") }:save "L06_tsne.png"
