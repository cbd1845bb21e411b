-- L12: pictures from nothing (Simonyan, Vedaldi, Zisserman 2014, section 2, figure 1): begin with zeros, go uphill on
-- S_c(z) - l2 |z|^2 by backpropagating a one-hot score vector. Several classes side by side, and the score at each step. The
-- jitter is not the paper's: without it the pictures are more of high frequencies.
local xai = require "xai"
local args = xai.args { "What is typical of a class? Pictures that climb its score, from nothing.",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  classes = { nil, "class ids or labels, with semicolons between them; four well-known ones if absent" },
  steps = { 200, "steps of the ascent" },
  l2 = { 1e-5, "weight of the sum of squares" },
  rate = { 0.25, "grey levels by which a step moves a pixel in the mean" },
  jitter = { 4, "pixels by which the picture is moved at most before each step" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local classes = {}
for class in tostring(args.classes or ""):gmatch "[^;]+" do classes[#classes + 1] = math.tointeger(tonumber(class)) or class end
for _, name in ipairs(args.classes and {} or { "pizza", "clock", "umbrella", "butterfly", "dalmatian", "goose", "lemon", "dumbbell" }) do
  if #classes < 4 and pcall(net.class, net, name) then classes[#classes + 1] = name end
end
for id = 0, #classes == 0 and math.min(4, net.classes) - 1 or -1 do classes[#classes + 1] = id end

local cells, curves = { title = "What is typical of a class? Uphill from nothing", cols = #classes }, {}
for k, class in ipairs(classes) do
  local e = xai.class_image(net, { target = class, steps = args.steps, l2 = args.l2, lr = args.rate, jitter = args.jitter })
  cells[k] = { e:picture { quantile = 0.995 }, ("%s\nscore %.3g to %.3g"):format(e:caption(), e.scores:get(1), e.score) }
  curves[k] = { name = e.label:match "^[^,]*", y = e.scores }
end
cells[#cells + 1] = { curves = curves, "score of the class while the picture climbs", xlabel = "step", ylabel = "score",
  span = #classes, aspect = 0.8 / #classes }
xai.sheet(cells):save "L12_class_images.png"
