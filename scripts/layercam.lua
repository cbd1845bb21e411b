-- layercam: Grad-CAM with a weight for every place, at a deep layer and at a shallow one.
--
--   map(i,j) = relu(sum over k of max(g[k,i,j], 0) A[k,i,j]),  g = d score / d A        shallow: tanh(2 map / maximum)
--
-- Jiang et al. 2021, "LayerCAM", eq. 6 to 9. The last picture is the larger of both maps at every pixel, each as a share of
-- its maximum.
local xai = require "xai"
local args = xai.args { "Where is the class, and with what detail? LayerCAM at a deep and a shallow layer.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture to explain" },
  class = { nil, "class id or label; the most probable one if absent" },
  layer = { nil, "layer to look at; the last one with height and width if absent" },
  shallow = { nil, "a layer nearer to the picture; one of four times the places if absent" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local deep = xai.layercam(net, img, { target = args.class, layer = args.layer })

--- The last layer with at least four times as many places as the deep one.
local function find_shallow()
  local shape, found = deep.values:shape(), nil
  for _, layer in ipairs(net:layers()) do
    local s = layer.shape
    if #s == 3 and s[2] * s[3] >= 4 * shape[1] * shape[2] then found = layer.name end
  end
  return found or deep.layer
end

local shallow = xai.layercam(net, img, { target = args.class, layer = args.shallow or find_shallow(), gamma = 2 })
local a, b = deep:map(), shallow:map()
a = a * (1 / math.max(a:max(), 1e-30))
local both = b + (a - b):clamp(0, 1)

xai.sheet { title = "LayerCAM", { img, "input" }, { deep:over(img), deep.layer .. "\n" .. deep:caption() },
  { shallow:over(img), shallow.layer .. "\n" .. shallow:caption() }, { deep:with { values = both, unit = "share" }:over(img), "the larger of both" } }:save "layercam.png"
