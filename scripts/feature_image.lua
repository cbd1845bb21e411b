-- feature_image: what do the layers of a network look for? Pictures with some likeness to photographs, one row per layer.
--
--   p <- p + Adam of d channel / d p,   picture = sigmoid(colours(waves(p)))      seen moved, turned, enlarged at random
--
-- Olah, Mordvintsev, Schubert 2017, "Feature visualization"; the constants are those of Lucid. --preset maco, xplique, omnixai,
-- tf_keras_vis and keras_vis are other libraries' ways. A channel counts by the mean over its map; layer:channel:row:col is
-- one unit. Ctrl-C ends a picture and keeps it as it is.
local xai = require "xai"
local args = xai.args { "What do layers look for? Pictures made of waves, one row per layer.",
  model = { "default", "the network: a file, an architecture, or the one that ships" },
  units = { "", "layer, layer:channel or layer:channel:row:col, with semicolons; three layers, deeper and deeper, if absent" },
  channels = { 4, "how many channels of a layer" },
  preset = { "lucid", "constants: lucid, xplique, maco, omnixai, tf_keras_vis, keras_vis, or those of neuron_image" },
  steps = { 256, "steps of the ascent" },
  seed = { 0, "of what is random" },
  preprocess = { nil, "imagenet, caffe, tf, cifar10 or none" },
  labels = { nil, "text file with one class name per line" } }

local net = xai.model(args.model, { preprocess = args.preprocess, labels = args.labels })
local function some_layers() -- convolutions with height and width: a third of the way in, two thirds, the last
  local maps = {}
  for _, layer in ipairs(net:layers()) do
    if layer.op == "Conv" and layer.shape and #layer.shape == 3 and layer.shape[3] > 1 then maps[#maps + 1] = layer.name end
  end
  local list = {}
  for i = 1, 3 do
    local name = maps[(#maps * i + 2) // 3]
    if name ~= list[#list] then list[#list + 1] = name end
  end
  return table.concat(list, ";")
end

local cells = { title = "What layers look for", cols = args.channels }
for unit in (args.units ~= "" and args.units or some_layers()):gmatch "[^;]+" do
  local count = unit:find ":%d+$" and 0 or math.min(args.channels, net:layer(unit).shape[1])
  for k = math.min(1, count), count do
    local one = count > 0 and unit .. ":" .. k or unit
    local e = xai.feature_image(net, { target = one, preset = args.preset, steps = args.steps, seed = args.seed })
    cells[#cells + 1] = { e:picture(), ("%s\n%.3g to %.3g"):format(one, e.scores:get(1), e.score) }
  end
end
xai.sheet(cells):save "feature_image.png"
