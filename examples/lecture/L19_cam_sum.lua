-- L19: CAM is a sum. In a network that ends in a global average, the class's weights times the last feature maps, added up, say
-- where the score comes from (Zhou et al. 2016, eq. 2): w1 * map1 + w2 * map2 + ... = CAM. The maps that matter most are shown.
local xai = require "xai"
local args = xai.args { "A class activation map as the sum that it is.", "image",
  model = { "default-gap", "a network that ends in a global average" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  maps = { 3, "how many feature maps are shown" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local e = xai.cam(net, img, { target = args.class })

local terms = {}
for k, w in ipairs(e.weights:totable()) do
  if w ~= 0 then terms[#terms + 1] = { k = k, w = w, share = w * e.maps[k]:mean() } end
end
table.sort(terms, function(a, b) return a.share > b.share end)

local cells, bars, rest = { title = "Weights times feature maps: the class activation map of " .. e:caption(), scale = "common" }, {}, e.values:mean()
for i = 1, math.min(args.maps, #terms) do
  local t = terms[i]
  cells[i] = { e.maps[t.k], "map " .. t.k, before = ("%s%.2f ×"):format(i > 1 and "+ " or "", t.w), cmap = "viridis", bar = false }
  bars[i], rest = { "map " .. t.k, t.share }, rest - t.share
end
if #terms > #bars then bars[#bars + 1] = { ("other %d"):format(#terms - #bars), rest } end
bars[#bars + 1] = { "sum", e.values:mean() }
for _, bar in ipairs(bars) do bar.text = ("%.1f"):format(bar[2]) end
cells.cols = math.max(3, #cells) -- the terms above, what they make below
for i = #cells + 1, cells.cols do cells[i] = false end
cells[#cells + 1] = { e, #terms > 1 and ("sum of all %d, at %s"):format(#terms, e.layer) or "CAM, at " .. e.layer, as = "heat",
  before = #terms > args.maps and "+ … =" or "=" }
cells[#cells + 1] = { e:with { values = e.values:clamp(0, math.huge), signed = false }, "what is for it", over = img, before = "→", bar = false }
cells[#cells + 1] = { bars = bars, "points that each adds to the score" }
xai.sheet(cells):save "L19_cam_sum.png"
