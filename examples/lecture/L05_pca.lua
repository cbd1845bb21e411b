-- L05: principal components of what the last hidden layer says of many pictures: the two directions in which these vary most.
local xai = require "xai"
local args = xai.args { "Pictures along the principal components of a layer's features.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "layer whose activations are the features; the one before the classifier if absent" },
  image = { nil, "a picture of your own, to be seen among the scenes" },
  count = { 400, "how many scenes" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local classes <const> = { "cat", "dog", "panda", "car", "bus", "sailboat", "flower", "clock" }
local f = xai.features(net, xai.scenes { seed = 5, size = net.input[3], classes = classes, count = args.count }, args.layer)
local n, d = table.unpack(f.values:shape())
local p = xai.pca(f.values, { dims = 10 })
local points, class_of, images = p.values:totable(), f.names, {}
for i = 1, n do images[i] = false end
if args.image then
  local own = xai.features(net, { xai.image(args.image) }, args.layer)
  points[n + 1], class_of[n + 1], images[n + 1] = p:project(own.values)[1]:totable(), "your picture", own:image(1)
end

local function axis(k) return ("component %d: %.1f %% of the variance"):format(k, 100 * p.ratio[k]) end
local bars = {}
for k, share in ipairs(p.ratio:totable()) do bars[k] = { ("%d"):format(k), share, text = ("%.1f %%"):format(100 * share) } end
xai.sheet { title = ("Principal components of %s (%d numbers per picture)"):format(f.layer, d), cols = 3, cell = 560,
  { scatter = points, classes = class_of, images = images, thumb = 96, xlabel = axis(1), ylabel = axis(2), span = 2, ("%d scenes of %d classes"):format(n, #classes) },
  { bars = bars, aspect = 1.2, xlabel = "share of the variance", "the first ten components" } }:save "L05_pca.png"
