-- L15: the gradient of the class finds the object's pixels (Simonyan, Vedaldi, Zisserman 2014, section 3.2): colours are learnt where M
-- is large and where it is small, a graph cut does the rest. Nothing was ever told about boxes or masks.
local xai = require "xai"
local args = xai.args { "The object's pixels from the data gradient: GrabCut.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { nil, "the picture; three that ship with xairun if absent" },
  class = { nil, "class id or label; the most probable one of each picture if absent" },
  hard = { false, "what is learnt from is certain, too; else colours may overrule it" },
  iterations = { 1, "rounds of learning and cutting" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local cells = { title = "From the gradient to the object", cols = { "input", "M, 1 % clipped", "mask", "cut out" } }
for _, name in ipairs(args.image and { args.image } or { "lion", "cat_dog", "clock_guitar" }) do
  local img = xai.image(args.image or ("examples/images/%s.png"):format(name))
  local e = xai.saliency(net, img, { target = args.class })
  local picture = e:input(img)
  if picture.width > 800 then picture = picture:resize(800, 800 * picture.height // picture.width) end -- a cut of millions takes minutes
  local cut = xai.grabcut(picture, { saliency = e.values, hard = args.hard, iterations = args.iterations })
  table.move({ { picture, e:caption(), boxes = cut.box }, { e, as = "heat", quantile = 0.99, cmap = "grey", bar = false },
    { cut, as = "heat", cmap = "grey", bar = false }, { cut.cutout } }, 1, 4, #cells + 1, cells)
end
xai.sheet(cells):save "L15_grabcut.png"
