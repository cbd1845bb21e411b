-- L19: CAM is a sum. In a network that ends in a global average, the class's weights times the last feature maps, added up, say
-- where the score comes from (Zhou et al. 2016, eq. 2): w1 * map1 + w2 * map2 + ... = CAM. The maps that matter most are shown.
local xai = require "xai"
local args = xai.args { "A class activation map as the sum that it is.", "image",
  model = { "default-gap", "a network that ends in a global average" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  maps = { 3, "how many feature maps are shown" },
  preprocess = { nil, "imagenet, caffe, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.cam(net, img, { target = args.class })

local terms = {}
for k, w in ipairs(e.weights:totable()) do
  if w ~= 0 then terms[#terms + 1] = { k = k, w = w, share = w * e.maps[k]:mean() } end
end
table.sort(terms, function(a, b) return a.share > b.share end)

local cells = { title = "Weights times feature maps: the class activation map of " .. e:caption(), scale = "common" }
for i = 1, math.min(args.maps, #terms) do
  local t = terms[i]
  cells[i] = { e.maps[t.k], ("map %d\n%.1f points"):format(t.k, t.share), before = ("%s%.2f ×"):format(i > 1 and "+ " or "", t.w),
    cmap = "viridis", bar = false }
end
cells[#cells + 1] = #terms > args.maps and "+ … =" or "="
cells[#cells + 1] = { e, ("%s, at %s"):format(#terms > 1 and ("sum of all %d"):format(#terms) or "CAM", e.layer), as = "heat" }
cells[#cells + 1] = { e, "over the picture", over = img, before = "→", bar = false }
cells.cols = #cells
xai.sheet(cells):save "L19_cam_sum.png"
