-- L31: Grad-CAM++ beside Grad-CAM (Chattopadhay et al. 2018, figures 4 and 5): a small thing, a large one, several of one class. Boxes:
-- the things (blue), the largest region above --threshold of the maximum (orange). No truth with --image.
local xai = require "xai"
local args = xai.args { "Grad-CAM and Grad-CAM++ side by side, with boxes and IoU.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { nil, "one picture of your own; those that ship with xairun if absent" },
  threshold = { 0.2, "of the boxes around the maps, as a share of the maximum" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local blue <const>, orange <const> = { 0, 114, 178 }, { 255, 150, 0 }
local wanted, shown = { beach = { 1, "helicopter" }, lion = { 2, "lion" }, three_dogs = { 3, "dog" } }, { args.image and { image = xai.image(args.image), objects = {} } }
for _, scene in ipairs(args.image and {} or xai.scenes.examples()) do
  local place = wanted[scene.name]
  if place then scene.class, shown[place[1]] = place[2], scene end
end
local cells = { title = "Grad-CAM and Grad-CAM++", cols = { "input", "Grad-CAM", "Grad-CAM++" } }
for _, scene in ipairs(shown) do
  local truth = {}
  for _, o in ipairs(scene.objects) do if o.class == scene.class then o.box.colour, truth[#truth + 1] = blue, o.box end end
  for _, method in ipairs { "gradcam", "gradcampp" } do
    local e = xai[method](net, scene.image, { target = scene.class })
    local box, marks = e:boxes { on = scene.image, threshold = args.threshold }[1], table.move(truth, 1, #truth, 1, {})
    if box then box.colour, marks[#marks + 1] = orange, box end
    if method == "gradcam" then cells[#cells + 1] = { e:input(scene.image), e:caption(), boxes = truth } end
    cells[#cells + 1] = { e, scene.class and ("IoU %.2f"):format(box and xai.score.iou(box, truth) or 0), over = e:input(scene.image), bar = false,
      boxes = marks }
  end
end
if not args.image then
  local bars = {}
  for i, way in ipairs { { "Grad-CAM", "gradcam" }, { "Grad-CAM++", "gradcampp" } } do
    local s = xai.score(way[2], net, xai.scenes.examples { size = net.input[3] }, { metrics = { "iou" }, iou = { threshold = args.threshold } }).iou
    bars[i] = { way[1], s.mean, error = s.se, text = ("%.2f"):format(s.mean) }
  end
  cells[#cells + 1] = { bars = bars, "mean IoU in all pictures that ship", xlim = { 0, 1 }, span = 3, aspect = 0.1 }
end
xai.sheet(cells):save "L31_gradcampp.png"
