-- L29: where Grad-CAM ends (Chattopadhay et al. 2018, section 1): a map's weight is the mean of its gradients, so what is large
-- in the maps counts more, and of several instances of a class one may be lost. Dots: peaks of the map of at least half of its
-- maximum. Below: the highest peak on each instance.
local xai = require "xai"
local args = xai.args { "Several instances of one class: which of them does Grad-CAM find?", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { nil, "a picture of your own, where no truth is known; those that ship if absent" },
  class = { nil, "class id or label; that of the things, or the most probable one" },
  share = { 0.5, "of its maximum, that a peak has to reach" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local blue <const>, cyan <const> = { 0, 114, 178 }, { 0, 230, 255 }
local alike, shown = { balls = true, purple_fox = true, three_dogs = true }, { args.image and { image = xai.image(args.image), objects = {} } }
for _, scene in ipairs(args.image and {} or xai.scenes.examples { masks = true }) do
  if alike[scene.name] then shown[#shown + 1] = scene end
end

local cells = { title = "Several instances of one class: Grad-CAM", cols = #shown }
for i, scene in ipairs(shown) do
  local e = xai.gradcam(net, scene.image, { target = args.class or scene.objects[1] and scene.objects[1].class })
  local picture, truth, bars = e:input(scene.image), {}, {}
  for k, o in ipairs(scene.objects) do
    o.box.label, o.box.colour = tostring(k), blue
    truth[k], bars[k] = o.box, { ("%s %d"):format(o.class, k), 0 }
  end
  local whole = { { x = 1, y = 1, w = picture.width, h = picture.height }, width = picture.width, height = picture.height }
  local _, _, peaks = xai.score.instances(e, #bars > 0 and scene.objects or whole, { share = args.share })
  for _, peak in ipairs(peaks) do
    local bar, height = bars[peak.object], peak.value / e.values:max()
    if bar and height > bar[2] then bar[2], bar.text = height, ("%.2f"):format(height) end
    peak.colour = cyan
  end
  cells[i], cells[#shown + i] = { picture, e:caption(), boxes = truth }, { e, over = picture, share = 0.7, points = peaks, bar = false }
  cells[2 * #shown + i] = #bars > 0 and { bars = bars, "highest peak on each", xlim = { 0, 1 } } or nil
end
xai.sheet(cells):save "L29_several_instances.png"
