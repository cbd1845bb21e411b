-- L30: the weights of Grad-CAM++ (Chattopadhay et al. 2018, figure 3). Above, three maps that found a thing at three sizes, each with
-- a gradient of 1 where it is active: Grad-CAM weighs by area and loses the small one, Grad-CAM++ does not. Below, a map of a
-- network, its gradient g, and alpha: how much each place of g counts.
local xai = require "xai"
local b = require "xai.build"
local args = xai.args { "Grad-CAM++: the pixel-wise weights, on three small maps and on a real one.", "image",
  model = { "default", "a network with fully connected layers: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local function active(top, bottom, left, right)
  local rows = xai.zeros(8, 8):totable()
  for y = top, bottom do for x = left, right do rows[y][x] = 1 end end
  return rows
end
local maps = { active(1, 5, 1, 3), active(6, 7, 4, 5), active(2, 3, 7, 7) } -- 15, 4 and 2 places; score = sum of relu(A)
local head = { "maps", b.relu, "relu", b.relu, "gap", b.gap, "flatten", b.flatten, "sum", b.linear { 1, bias = false } }
local toy = b.net("toy", b.seq(head), { input = { 3, 8, 8 }, preprocess = "none", weights = { ["sum.weight"] = xai.zeros(1, 3) + 64 } })
local function both(net, x, o) return xai.gradcam(net, x, o), xai.gradcampp(net, x, o) end
local plain, plus = both(toy, xai.tensor { maps }, { target = 0, layer = "maps" })
local cells = { title = "Weights by area, and weights by place", cols = 5 }
for k, map in ipairs(maps) do
  cells[k] = { xai.tensor(map), ("map %d\nweights %.2f and %.2f"):format(k, plain.weights:get(k), plus.weights:get(k)), cmap = "grey", bar = false }
end
cells[4], cells[5] = { plain, "Grad-CAM", as = "heat" }, { plus, "Grad-CAM++", as = "heat" }

local net, img = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels }), xai.image(args.image)
local run = net:run(img)
local cam, e = both(net, run, { target = args.class, layer = args.layer })
local a, g, k, y, x = run:get(e.layer)[1], run:backward { target = e.class, to = e.layer }[1], 1, e.values:argmax()
local function share(i) return e.weights:get(i) * a:get(i, y, x) end -- what map i gives where the sum is largest
for i = 2, #a do if share(i) > share(k) then k = i end end
cells[6], cells[7] = { a[k], ("A: map %d\nof %s"):format(k, e.layer) }, { g[k], "g: gradient\nof " .. e:caption() }
local flat = e.alpha[k]:max() == e.alpha[k]:min() -- behind this layer all places of a map are averaged
cells[8] = { e.alpha[k], "alpha = 1 / (2 + g ΣA)\n" .. (flat and "one value, as g is" or "where g > 0") }
cells[9], cells[10] = { cam, "Grad-CAM", over = cam:input(img), bar = false }, { e, "Grad-CAM++", over = cam:input(img), bar = false }
xai.sheet(cells):save "L30_alpha.png"
