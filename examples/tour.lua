-- The five-minute tour: one picture, one network, every method so far on one sheet.
local xai = require "xai"
local args = xai.args { "One picture explained six ways.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "one more class to look for, id or label; the tiger cat if the network knows it" },
  layer = { nil, "layer for Grad-CAM; the last one with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)

print("What does it see?")
local top = net:predict(img, 5)
for _, guess in ipairs(top) do
  print(("  %-32s %.3f"):format(guess.label:match "^[^,]*", guess.p)) -- the first of several synonyms
end

print "Why?"
local saliency = xai.saliency(net, img)
local guided = xai.guided_backprop(net, img)
local occlusion = xai.occlusion(net, img)
local classes = { top[1].id, top[2].id }
local more = args.class or pcall(net.class, net, "tiger cat") and "tiger cat" or nil
if type(more) == "string" then more = net:class(more) end
if more ~= classes[1] and more ~= classes[2] then classes[3] = more end

local cells = {
  { img, "input" },
  { saliency:heat { quantile = 0.99 }, "saliency\n" .. saliency:caption() },
  { guided:picture(), "guided backpropagation\n" .. guided:caption() },
  { occlusion:over(img), "occlusion\n" .. occlusion:caption() },
}
for _, class in ipairs(classes) do
  local e = xai.gradcam(net, img, { target = class, layer = args.layer })
  cells[#cells + 1] = { e:over(img), "Grad-CAM\n" .. e:caption() }
end
cells.title = ("%s, and what %s sees in it"):format(args.image:match "[^/]*$",
  args.model == "default" and "the network that ships with xairun" or args.model:match "[^/]*$")
cells.cols = #cells > 6 and 4 or 3
xai.sheet(cells):save "tour.png"
