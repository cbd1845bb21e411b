-- L16: what does a layer still know of the picture? Pictures with the same code, found from noise with a natural-image prior
-- (Mahendran, Vedaldi 2015, figure 6). The code error is the distance to the code that is wanted, over its length.
local xai = require "xai"
local args = xai.args { "What do layers still know? A picture with the same code, a column per layer.", "image",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  image = { nil, "the picture whose codes are inverted; two that ship with xairun if absent" },
  layers = { nil, "names with semicolons between them, log_probabilities too; a few along the way if absent" },
  steps = { 0, "steps of the descent; 0: the paper's 400" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local layers, maps, vectors = {}, {}, {}
for name in (args.layers or ""):gmatch "[^;]+" do layers[#layers + 1] = name end
for _, layer in ipairs(net:layers()) do -- what a rectifier or a pooling layer gives
  local shape, op = layer.shape or {}, layer.op:lower()
  local list = #shape == 3 and shape[3] > 1 and maps or vectors
  if #shape > 0 and (op == "relu" or op:find "pool") then list[#list + 1] = layer.name end
end
if #layers == 0 then -- low, in the middle, the last map, the codes before the classifier, the classes
  layers = { maps[1], maps[(#maps + 1) // 2], maps[#maps], table.unpack(vectors, math.max(1, #vectors - 1)) }
  layers[#layers + 1] = "log_probabilities"
end

local cells = { title = "What layers still know of the picture", cols = { "input" } }
for i, layer in ipairs(layers) do
  cells.cols[i + 1] = layer == "log_probabilities" and "log-probabilities" or ("%s\n%s"):format(layer, net:layer(layer).shape)
end
for _, name in ipairs(args.image and { args.image } or { "examples/images/cat_dog.png", "examples/images/lion.png" }) do
  local x = net:prepare(xai.image(name))
  cells[#cells + 1] = { net:unprepare(x) }
  for _, layer in ipairs(layers) do
    local e = xai.invert(net, x, { [layer == "log_probabilities" and "code" or "layer"] = layer, steps = args.steps })
    cells[#cells + 1] = { e:picture(), ("error %.2g"):format(e.code_error) }
  end
end
xai.sheet(cells):save "L16_inversion.png"
