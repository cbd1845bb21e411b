-- L06: t-SNE: a map in which pictures that the last hidden layer finds alike lie side by side (van der Maaten, Hinton 2008): as
-- points, as pictures where they hide no other, and on a grid in which each has a cell.
local xai = require "xai"
local args = xai.args { "A t-SNE map of pictures by a layer's features.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "layer whose activations are the features; the one before the classifier if absent" },
  image = { nil, "a picture of your own, to be placed in the finished map" },
  count = { 400, "how many scenes" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }
local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local f = xai.features(net, xai.scenes { seed = 5, size = net.input[3], count = args.count,
  classes = { "cat", "dog", "panda", "car", "bus", "sailboat", "flower", "clock" } }, args.layer)
local n, d = table.unpack(f.values:shape())
local map = xai.tsne(f.values, { perplexity = math.min(8, (n - 1) / 3), seed = 1 })
local points, class_of, images = map.values:totable(), f.names, {}
for i = 1, n do images[i] = f:image(i) end
local places, side, CELL <const> = {}, math.ceil(math.sqrt(n)), 720
for i, cell in ipairs(xai.grid(map.values).values:totable()) do places[i] = { (cell - 1) % side, -((cell - 1) // side) } end
if args.image then
  local own = xai.features(net, { xai.image(args.image) }, args.layer)
  points[n + 1], class_of[n + 1], images[n + 1] = map:place(own.values)[1]:totable(), "your picture", own:image(1)
end
local function cell(at, pictures, thumb, caption)
  return { scatter = at, classes = table.move(class_of, 1, #at, 1, {}), images = pictures and table.move(pictures, 1, #at, 1, {}),
    thumb = thumb, axes = false, aspect = 1.1, caption }
end
xai.sheet { title = ("t-SNE of %s: %d pictures, %d numbers each"):format(f.layer, n, d), cols = 3,
  cell = CELL, cell(points, nil, nil, ("KL %.3f after %d steps, perplexity %g"):format(map.kl, map.iterations, map.options.perplexity)),
  cell(points, images, 40, "pictures at their points"),
  cell(places, images, 0.7 * CELL // side, "each picture in a cell of its own") }:save "L06_tsne.png"
