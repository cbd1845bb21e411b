-- L27: counterfactual Grad-CAM (Selvaraju et al. 2017, section 3.3): gradients negated, what speaks against the class? The proof: hide
-- that region, and the class becomes more probable; hide what speaks for it, and it becomes less so.
local xai = require "xai"
local args = xai.args { "What speaks against a class? Hide it, and the class becomes more probable.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  first = { nil, "class id or label; the most probable one if absent" },
  second = { nil, "another; the second most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width that is not the classes' own maps if absent" },
  share = { 0.2, "what is hidden exceeds this share of the map's maximum" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local x, top = net:prepare(img), net:predict(img, 2)
local shown, layer = net:unprepare(x), nil -- pixel by pixel what the network sees
for _, l in ipairs(net:layers()) do -- a class's own map has nothing against it
  local shape, op = l.shape or {}, l.op:lower()
  if (op == "relu" or op == "concat") and (shape[3] or 1) > 1 and shape[1] ~= net.classes then layer = l.name end
end


local cells = { title = "What speaks against a class, and the proof", cols = { "for", "against", "the latter hidden", "probability" }, rows = {} }
for i, class in ipairs { args.first or top[1].id, args.second or top[2].id } do
  local e = xai.gradcam(net, x, { target = class, layer = args.layer or layer })
  local against, bars, picture = e:counterfactual(), { { "whole", e.p } }, nil
  for k, way in ipairs { { "for hidden", e }, { "against hidden", against } } do
    local map, grey = way[2]:map(), { colour = { 127, 127, 127 }, share = 1, inside = true }
    local mask = (map - args.share * map:max()):clamp(0, math.huge)
    picture = e:input(img):mask(mask, grey)
    bars[k + 1] = { way[1], xai.gradcam(net, shown:mask(mask, grey), { target = e.class }).p }
  end
  for _, bar in ipairs(bars) do bar.text = ("%.1f %%"):format(100 * bar[2]) end
  cells.rows[i] = e.label:match "^[^,]*"
  table.move({ { e, over = e:input(img), bar = false }, { against, over = e:input(img), bar = false }, { picture },
    { bars = bars, xlim = { 0, 1 } } }, 1, 4, #cells + 1, cells)
end
xai.sheet(cells):save "L27_counterfactual.png"
