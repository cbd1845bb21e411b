-- L04: the features of the last hidden layer. The network runs over many pictures; what the layer before the classifier makes of
-- each is kept on disk: one vector per picture. Pictures of one class get vectors that are alike, whatever their colours.
local xai = require "xai"
local say = require "xai.say"
local args = xai.args { "Feature vectors of the layer before the classifier, for a folder of pictures, kept on disk.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { nil, "a folder with a folder per class, a list.csv, or one picture; scenes if absent" },
  layer = { nil, "the layer; the one before the classifier if absent" },
  count = { 320, "how many scenes" },
  store = { nil, "the folder that keeps the vectors; one beside the figure if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local classes <const> = { "cat", "dog", "car", "flower" }
local set = xai.images(args.image or xai.scenes { seed = 4, size = net.input[3], classes = classes, count = args.count })
local store = args.store or say.place(("L04-%s-%s-%s"):format(net:hash():sub(1, 8), set:hash():sub(1, 8), args.layer or "last"))
local f = xai.features(net, set, args.layer, { store = store })
local n, d = f.values:shape()[1], f.values:shape()[2]
local shown = math.min(d, 256) -- numbers of a vector, as many as an eye can tell apart

local rows, taken = {}, {} -- two pictures of each of four classes, or the first eight
for i = 1, n do
  local class = f.names and f.names[i] or i // 2
  taken[class] = (taken[class] or 0) + 1
  if taken[class] <= 2 then rows[#rows + 1] = i end
end
if f.names then table.sort(rows, function(a, b) return f.labels[a] * n + a < f.labels[b] * n + b end) end

local cells = { cols = 8, cell = 120, scale = "common",
  title = ("%d pictures, as many vectors of %d numbers: layer %s, %.0f kB on disk"):format(n, d, f.layer, 4e-3 * n * d) }
for k = 1, math.min(8, #rows) do
  local vector, lines = table.move(f.values[rows[k]]:totable(), 1, shown, 1, {}), {}
  for y = 1, math.max(1, shown // 7) do lines[y] = vector end
  cells[#cells + 1] = { f:image(rows[k]), f.names and f.names[rows[k]] or f.paths and f.paths[rows[k]] }
  local note = d > shown and ("the first %d numbers"):format(shown) or nil
  cells[#cells + 1] = { xai.tensor(lines), note, span = 7, before = "→", bar = false, smooth = false }
end
xai.sheet(cells):save "L04_features.png"
