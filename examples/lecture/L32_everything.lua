-- L32: everything on one page: one picture, every method of the lecture, in its order.
local xai = require "xai"
local args = xai.args { "One picture, every method of the lecture, one page.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  steps = { 200, "steps of the pictures that are made from nothing" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net, img = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels }), xai.image(args.image)
local gap = args.model == "default" and xai.model "default-gap" or net -- CAM needs one that ends in a global average
local run, top, bars, conv, layer = net:run(img), net:predict(img, 5), {}, nil, nil
for i, guess in ipairs(top) do bars[i] = { guess.label:match "^[^,]*", guess.p } end
for _, l in ipairs(net:layers()) do -- the last convolution; the last map that is not the classes' own
  local shape, op = l.shape or {}, l.op:lower()
  if op == "conv" and shape[3] > 1 then conv = l.name end
  if (op == "relu" or op == "concat") and (shape[3] or 1) > 1 and shape[1] ~= net.classes then layer = l.name end
end
local target = args.class or top[1].id
local what, there = { target = target }, { target = target, layer = layer }
local saliency, cam = xai.saliency(net, img, what), xai.gradcam(net, run, there)
local picture, unit = cam:input(img), ("%s:%d"):format(conv, select(2, net:forward(net:prepare(img), conv):argmax()))
local function over(e, name) return { e:with { values = e.values:clamp(0, math.huge), signed = false }, name, over = picture, bar = false } end
local can, class_map = pcall(xai.cam, gap, img, { target = gap.labels and cam.label or target })
local hidden = { target = target, score = "prob", window = net.input[4] // 4, stride = net.input[4] // 32 }
local cut = xai.grabcut(picture, { saliency = saliency.values, hard = false })
xai.sheet { title = ("Why '%s'? Every method on one picture"):format(cam.label:match "^[^,]*"), cols = 6,
  { picture, "input" }, { bars = bars, "what it sees", xlim = { 0, 1 } },
  { xai.tiles(net:weight(net:layers()[1].name), { order = net.order }), "first-layer filters" },
  { xai.tiles(net:forward(net:prepare(img), cam.layer)), "activations of " .. cam.layer }, over(xai.occlusion(net, img, hidden), "occlusion"),
  { xai.class_image(net, { target = target, steps = args.steps }):picture { quantile = 0.995 }, "class image" },
  { xai.neuron_image(net, { at = unit, steps = args.steps }):picture { quantile = 0.995 }, "image of unit " .. unit },
  { saliency, "data gradient", as = "heat", quantile = 0.99, cmap = "grey", bar = false }, { cut.cutout, "GrabCut from it" },
  { xai.invert(net, img, { layer = cam.layer, steps = 2 * args.steps }):picture(), "inversion of " .. cam.layer },
  { saliency, "backpropagation", of = "gradient" }, { xai.deconvnet(net, run, what), "deconvnet" },
  { xai.guided_backprop(net, run, what), "guided backpropagation" },
  can and over(class_map, gap == net and "CAM" or "CAM, other network") or "no CAM:\nno global average", over(cam, "Grad-CAM"),
  over(cam:counterfactual(), "what is against it"), { xai.guided_gradcam(net, run, there), "guided Grad-CAM" },
  over(xai.gradcampp(net, run, there), "Grad-CAM++") }:save "L32_everything.png"
