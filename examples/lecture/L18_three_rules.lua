-- L18: the same unit seen through the three backward rules, in a low and in a high layer (Springenberg et al. 2015, figures
-- 3 to 5): low down they agree, high up only guided backpropagation stays sharp. The unit is the most excited one.
local xai = require "xai"
local args = xai.args { "Backpropagation, deconvnet and guided backpropagation for one unit, low and high.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/lion.png", "the picture" },
  low = { nil, "a low layer; the first third of the rectifiers if absent" },
  high = { nil, "a high layer; the last rectifier with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local relus = {} -- those that still have height and width
for _, layer in ipairs(net:layers()) do
  if layer.op:lower() == "relu" and layer.shape and #layer.shape == 3 and layer.shape[2] > 1 then relus[#relus + 1] = layer.name end
end
local layers = { args.low or relus[math.max(1, #relus // 3)], args.high or relus[#relus] }

local cells = { title = "One unit, three backward rules", rows = {},
  cols = { "input", "backpropagation", "deconvnet", "guided backpropagation" } }
for i, layer in ipairs(layers) do
  local _, channel, row, column = net:forward(net:prepare(img), layer):argmax()
  local unit = ("%s:%d:%d:%d"):format(layer, channel, row, column)
  cells.rows[i] = ("%s layer\n%s"):format(i == 1 and "low" or "high", unit)
  local plain = xai.saliency(net, img, { target = unit })
  cells[#cells + 1] = { plain:input(img) }
  cells[#cells + 1] = { plain, of = "gradient" }
  cells[#cells + 1] = { xai.deconvnet(net, img, { at = unit }) }
  cells[#cells + 1] = { xai.guided_backprop(net, img, { at = unit }) }
end
xai.sheet(cells):save "L18_three_rules.png"
