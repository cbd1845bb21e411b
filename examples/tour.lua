-- The five-minute tour: one picture, one network, every method so far on one sheet.
local xai = require "xai"
local args = xai.args { "One picture explained six ways.", "image",
  model = { nil, "ONNX file", required = true },
  image = { nil, "the picture to explain", required = true },
  class = { "tiger cat", "one more class to look for, id or label" },
  layer = { nil, "layer for Grad-CAM; the last one with height and width if absent" },
  preprocess = { nil, "imagenet, caffe, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.load(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)

print("What does it see?")
local top = net:predict(img, 5)
for _, guess in ipairs(top) do
  local name = guess.label and guess.label:match "^[^,]*" or "class " .. guess.id -- the first of several synonyms
  print(("  %-32s %.3f"):format(name, guess.p))
end

print "Why?"
local saliency = xai.saliency(net, img)
local guided = xai.guided_backprop(net, img)
local occlusion = xai.occlusion(net, img)
local function cam(class)
  local e = xai.gradcam(net, img, { target = class, layer = args.layer })
  return { e:over(img), "Grad-CAM\n" .. e:caption() }
end

xai.sheet { title = ("%s, explained by %s"):format(args.image:match "[^/]*$", args.model:match "[^/]*$"), cols = 4,
  { img, "input" },
  { saliency:heat { quantile = 0.99 }, "saliency\n" .. saliency:caption() },
  { guided:picture(), "guided backpropagation\n" .. guided:caption() },
  { occlusion:over(img), "occlusion\n" .. occlusion:caption() },
  cam(top[1].id), cam(top[2].id), cam(args.class),
}:save "tour.png"
