-- invert: what does a layer still know of the picture? Pictures with the same code, made from noise.
--
--   E(z) = |code(z) - code|^2 / |code|^2 + (tv/2 V(z) + bound/2 sum |z|^6) / sigma^2
--
-- Mahendran, Vedaldi 2015, "Understanding deep image representations by inverting them". Below each picture: the distance
-- of its code from the one wanted, over the length of that.
local xai = require "xai"
local args = xai.args { "What does a layer still know? Pictures with the same code.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { "examples/images/cat_dog.png", "the picture whose codes are inverted" },
  layers = { "", "names with semicolons, log_probabilities too; a few along the way if absent" },
  steps = { 0, "steps of the descent; 0: the paper's 400" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local img = xai.image(args.image)
local layers = {}
for layer in args.layers:gmatch "[^;]+" do layers[#layers + 1] = layer end
if #layers == 0 then
  local maps = {}
  for _, layer in ipairs(net:layers()) do
    if layer.shape and #layer.shape == 3 and layer.shape[3] > 1 then maps[#maps + 1] = layer.name end
  end
  for i, share in ipairs { 0.1, 0.4, 1 } do layers[i] = maps[math.ceil(share * #maps)] end
  layers[4] = "log_probabilities"
end

local cells = { title = "What layers still know", { net:unprepare(net:prepare(img)), "input" } }
for _, layer in ipairs(layers) do
  local what = layer == "log_probabilities" and { code = layer } or { layer = layer }
  what.steps = args.steps
  local e = xai.invert(net, img, what)
  cells[#cells + 1] = { e:picture(), ("%s\ncode error %.2g"):format(layer, e.code_error) }
end
xai.sheet(cells):save "invert.png"
