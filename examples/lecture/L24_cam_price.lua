-- L24: what does CAM cost? A network with fully connected layers cannot give class activation maps. These are replaced by one
-- convolution, a global average and a linear layer, and what is new is trained on what the old convolutions give
-- (Zhou et al. 2016, section 3). Accuracy against localization, before and after.
local xai = require "xai"
local args = xai.args { "Accuracy and localization before and after fully connected layers become a global average.",
  model = { "models/scenes.safetensors", "weights of the network with fully connected layers" },
  steps = { 1000, "of training the new head, 64 scenes each" },
  count = { 200, "scenes to judge by" } }
local classes, INPUT = xai.scenes.classes(), { mean = 127.5, scale = 64 }

local before = xai.zoo.scenes { weights = args.model, labels = classes }
local old = xai.read(args.model)
local headless = xai.zoo.scenes_cam { labels = classes, weights = function(name, shape)
  if old[name] then return old[name] end
  local inputs = #shape == 1 and math.huge or shape[2] * (shape[3] or 1) * (shape[4] or 1)
  return xai.randn(table.unpack(shape)) * math.sqrt(2 / inputs) -- He et al. 2015; biases 0
end }

local scenes = xai.scenes { seed = 24, count = args.steps * 64, occluders = 0.2 }
local data = { batch = function(_, first, n) return scenes:batch(first, n, INPUT) end }
local after, history = xai.train(headless, setmetatable(data, { __len = function() return #scenes end }), { batch = 64,
  lr = 0.02, nesterov = true, schedule = { "cosine", warmup = 0.1 }, freeze = { "^conv" }, init = "keep", seed = 24 })

local test = xai.scenes { seed = 25, count = args.count }
local function judge(name, net, method)
  local right = 0
  for i = 1, #test do
    if net:predict(test[i].image, 1)[1].id == test[i].label then right = right + 1 end
  end
  local s = xai.score(method, net, test, { metrics = { "pointing", "localization_error", "mass" } })
  print(("%-28s %-8s %6.1f %% %8.1f %% %8.1f %% %8.3f"):format(name, method, 100 * right / #test, 100 * s[1].mean, 100 * s[2].mean, s[3].mean))
end
print(("%-28s %-8s %8s %10s %10s %8s"):format("network", "map", "accuracy", "pointing", "loc. error", "mass"))
judge("fully connected", before, "gradcam")
judge("global average, new head", after, "cam")
judge("global average, new head", after, "gradcam")
