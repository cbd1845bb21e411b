-- L24: what does CAM cost? A network with fully connected layers cannot give class activation maps. These are replaced by one
-- convolution, a global average and a linear layer, and what is new is trained on what the old convolutions give
-- (Zhou et al. 2016, section 3). Accuracy against localization, before and after.
local xai = require "xai"
local args = xai.args { "Accuracy and localization before and after fully connected layers become a global average.",
  model = { "models/scenes.safetensors", "weights of the network with fully connected layers" },
  steps = { 1000, "of training the new head, 64 scenes each" },
  count = { 200, "scenes to judge by" },
  save = { nil, "where the network with the new head goes: .onnx or .safetensors" } }
local classes = xai.scenes.classes()

local before = xai.zoo.scenes { weights = args.model, labels = classes }
local old = before:weights()
local headless = xai.zoo.scenes_cam { labels = classes, weights = function(name, shape)
  return old[name] or xai.zeros(table.unpack(shape))
end }
local after = xai.train(headless, xai.scenes { seed = 24, count = args.steps * 64, occluders = 0.2 }, { batch = 64, init = "he",
  freeze = "^conv", lr = 0.02, nesterov = true, schedule = { "cosine", warmup = 0.1 }, seed = 24 })

local test = xai.scenes { seed = 25, count = args.count }
local rows = { { "network", "map", "accuracy", "points into the box", "localization error", "mass inside the mask" } }
local function judge(name, net, method)
  local s = xai.score(method, net, test, { metrics = { "pointing", "localization_error", "mass" } })
  local function percent(score) return ("%.1f %%"):format(100 * score.mean) end
  rows[#rows + 1] = { name, method, percent(xai.score.accuracy(net, test)), percent(s.pointing), percent(s.localization_error),
    ("%.3f"):format(s.mass.mean) }
end
judge("fully connected", before, "gradcam")
judge("global average, new head", after, "cam")
judge("global average, new head", after, "gradcam")
print(xai.score.aligned(rows))
if args.save then after:save(args.save) end
