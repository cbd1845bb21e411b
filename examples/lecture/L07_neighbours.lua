-- L07: nearest neighbours: what the last hidden layer finds alike is of one class; what has like pixels (32 x 32) is of like
-- colours (Krizhevsky, Sutskever, Hinton 2012, figure 4). Framed: of the query's class.
local xai = require "xai"
local args = xai.args { "The nearest neighbours of pictures, by a layer's features and by their pixels.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "layer whose activations are the features; the one before the classifier if absent" },
  image = { nil, "a picture of your own, in place of scenes that ask" },
  count = { 600, "how many scenes" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" }, labels = { nil, "text file with one class name per line" } }
local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local K <const> = 5
local set = xai.scenes { seed = 7, size = net.input[3], count = args.count }
local items, pixels, cells, shares = {}, {}, { cell = 150, gap = 0.4, cols = { "query" } }, {}
if args.image then items[1] = { image = xai.image(args.image), class = "your picture" } end
for i = 1, #set do items[#items + 1] = set[i] end
for i, item in ipairs(items) do pixels[i] = item.image:resize(32, 32):tensor():reshape(-1):totable() end
local f = xai.features(net, items, args.layer)
for s, space in ipairs { { f.layer, f.values }, { "pixels", xai.tensor(pixels) } } do
  local same, offset = 0, (s - 1) * (K + 1) + 2 -- before the first neighbour's column there is one for an arrow
  local near = xai.neighbours(space[2], { k = K }).values:totable()
  for i, list in ipairs(near) do
    for _, j in ipairs(list) do same = items[i].class == items[j].class and same + 1 or same end
  end
  for r = 1, args.image and 1 or 4 do
    local first, own = (r - 1) * (2 * K + 3), items[r]
    cells[first + 1], cells[first + offset] = { own.image, own.class }, s == 1 and "→" or "|"
    for k, j in ipairs(near[r]) do
      local img, w, h = items[j].image, items[j].image:size()
      if items[j].class == own.class then img = img:outline({ x = 1, y = 1, w = w, h = h }, { 0, 114, 178 }, w // 24) end
      cells[first + offset + k] = { img, items[j].class }
    end
  end
  for k = 0, K do cells.cols[offset + k] = k == 3 and "nearest by " .. space[1] or " " end
  shares[s] = ("%.0f %% by %s"):format(100 * same / (K * #set), space[1])
end
cells.title = "Neighbours of the same class (framed): " .. table.concat(shares, ", ")
xai.sheet(cells):save "L07_neighbours.png"
