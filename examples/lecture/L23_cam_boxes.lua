-- L23: does the map find the thing? The box around the largest region above 20 % of the maximum (Zhou et al. 2016, section 3.2)
-- against the true box, for CAM, Grad-CAM and plain backpropagation. An error: their IoU is below one half. No truth with --image.
local xai = require "xai"
local args = xai.args { "Boxes from CAM, Grad-CAM and backpropagation against the truth.", "image",
  gap = { "default-gap", "a network that ends in a global average" },
  model = { "default", "another network, for Grad-CAM and backpropagation" },
  image = { nil, "one picture of your own; those that ship with xairun if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }
local options = { preprocess = args.preprocess, labels = args.labels }
local gap, net = xai.model(args.gap, args.gap ~= "default-gap" and options or nil), xai.model(args.model, options)
local ways = { { "CAM", "cam", gap }, { "Grad-CAM", "gradcam", net }, { "backpropagation", "saliency", net } }
local blue <const>, orange <const> = { 0, 114, 178 }, { 255, 150, 0 }
local all = args.image and { { image = xai.image(args.image), objects = {} } } or xai.scenes.examples()
local shown = args.image and all or { all[8], all[13], all[5] }
local cells = { title = "Boxes around the maps (orange)" .. (args.image and "" or " and around the things (blue)"), cols = { "input", ways[1][1], ways[2][1], ways[3][1] } }
for _, scene in ipairs(shown) do
  local object, row = scene.objects[1], {}
  local truth = object and { x = object.box.x, y = object.box.y, w = object.box.w, h = object.box.h, colour = blue }
  for i, way in ipairs(ways) do
    local e = xai[way[2]](way[3], scene.image, { target = object and object.class })
    e = e:with { values = e.values:clamp(0, math.huge), signed = false } -- CAM also has what is against it
    local box = e:boxes { on = scene.image }[1]
    if box then box.colour = orange end
    row[1] = row[1] or { e:input(scene.image), object and object.class, boxes = truth }
    row[i + 1] = { e, truth and ("IoU %.2f"):format(xai.score.iou(box, truth)) or e:caption(), over = scene.image, bar = false,
      boxes = truth and { truth, box } or box }
  end
  table.move(row, 1, 4, #cells + 1, cells)
end
if not args.image then
  local bars = {}
  for i, way in ipairs(ways) do
    local set = xai.scenes.examples { size = way[3].input[3] }
    local s = xai.score(way[2], way[3], set, { metrics = { "localization_error" } }).localization_error
    bars[i] = { way[1], s.mean, error = s.se, text = ("%.0f %% of %d"):format(100 * s.mean, s.n) }
  end
  cells[#cells + 1] = { bars = bars, "localization error", xlim = { 0, 1 }, span = 4, aspect = 0.1 }
end
xai.sheet(cells):save "L23_cam_boxes.png"
