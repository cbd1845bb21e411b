-- L05: principal components of what the last hidden layer says of many pictures: the two directions in which these vary most.
local xai = require "xai"
local args = xai.args { "Pictures along the principal components of a layer's features.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  layer = { nil, "layer whose activations are the features; relu7 of the network that ships, else the class scores" },
  image = { nil, "a picture of your own, to be seen among the scenes" },
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

local classes <const> = { "cat", "dog", "panda", "car", "bus", "sailboat", "flower", "clock" }
local set = xai.scenes { seed = 5, size = net.input[3], classes = classes, count = args.count }
local rows, class_of = {}, {}
for i = 1, #set do rows[i], class_of[i] = features(set[i].image), set[i].class end
local p = xai.pca(xai.tensor(rows), { dims = 10 })
local points, images = p.values:totable(), {}
for i = 1, #points do images[i] = false end
if args.image then
  local n, img = #points + 1, xai.image(args.image)
  points[n], images[n], class_of[n] = p:project(xai.tensor { features(img) })[1]:totable(), img, "your picture"
end

local function axis(k) return ("component %d: %.1f %% of the variance"):format(k, 100 * p.ratio[k]) end
local bars = {}
for k, share in ipairs(p.ratio:totable()) do bars[k] = { ("%d"):format(k), share, text = ("%.1f %%"):format(100 * share) } end
xai.sheet { title = ("Principal components of %s (%d numbers per picture)"):format(layer or "the class scores", #rows[1]), cols = 3, cell = 560,
  { scatter = points, classes = class_of, images = images, thumb = 96, xlabel = axis(1), ylabel = axis(2), span = 2, ("%d scenes of %d classes"):format(#set, #classes) },
  { bars = bars, aspect = 1.2, xlabel = "share of the variance", "the first ten components" } }:save "L05_pca.png"
