-- grabcut: which pixels belong to the object? Cut out with nothing but the class to begin with.
--
--   saliency -> colours above its 95 % quantile and below its 30 % quantile -> GrabCut -> largest connected region
--
-- Simonyan, Vedaldi, Zisserman 2014, section 3.2; Rother, Kolmogorov, Blake 2004. --rect 70,10,100,135 begins with a
-- rectangle (left, top, width, height; the first pixel is 1) and needs no network.
local xai = require "xai"
local args = xai.args { "Which pixels belong to the object? GrabCut, from saliency or from a rectangle.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to cut" },
  class = { nil, "class id or label; the most probable one if absent" },
  rect = { nil, "left,top,width,height: a rectangle around the object in place of a class" },
  hard = { false, "pixels that colours are learnt from are certain, too; else the colours may overrule them" },
  iterations = { 0, "rounds of learning and cutting; 0: 1 from saliency, 5 from a rectangle" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local img, cells, e = xai.image(args.image), { title = "GrabCut" }, nil
local options = { iterations = args.iterations > 0 and args.iterations or nil }
if args.rect then
  options.rect = {}
  for n in args.rect:gmatch "%d+" do options.rect[#options.rect + 1] = math.tointeger(n) end
else
  local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
  e = xai.saliency(net, img, { target = args.class })
  img, options.saliency, options.hard = e:input(img), e.values, args.hard -- what the network saw, in the picture's own pixels
  if img.width > 800 then img = img:resize(800, 800 * img.height // img.width) end -- a cut of millions takes minutes
end
local cut = xai.grabcut(img, options)
cells[1] = { cut.box and cut.image:outline(cut.box, { 255, 0, 0 }) or cut.image, "input" }
if e then cells[2] = { e:heat { quantile = 0.99 }, e:caption() } end
cells[#cells + 1] = { cut:heat { cmap = "grey" }, "mask", bar = false }
cells[#cells + 1] = { cut.cutout, "object" }
xai.sheet(cells):save "grabcut.png"
