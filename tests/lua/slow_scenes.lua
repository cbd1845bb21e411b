-- The recipe of scripts/train_scenes.lua in little: 8 classes, 28 000 pictures, a minute and a half on two cores.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local xai = require "xai"
local build = require "xai.build"
local architectures = require "xai.zoo.scenes"

local CLASSES = { "panda", "bicycle", "clock", "tree", "pizza", "guitar", "umbrella", "sailboat" }
local PICTURES, BATCH, FRESH = 28000, 64, 400

local function scenes(t, options)
  options.classes = CLASSES
  local good, set = pcall(xai.scenes, options)
  if not good then t.skip(set) end
  return set
end

test("a network learns eight classes of scenes to at least 60 % from nothing", function(t)
  local spec = architectures.scenes
  local layer = spec[1] { classes = #CLASSES, wide = math.tointeger, norm = true }
  local net = build.net("scenes", layer, { input = { 3, 96, 96 }, weights = "none", preprocess = spec.preprocess })
  local _, history = xai.train(net, scenes(t, { seed = 1, count = PICTURES, occluders = 0.2 }), { batch = BATCH, lr = 0.05,
    nesterov = true, weight_decay = 1e-3, smoothing = 0.05, schedule = { "cosine", warmup = 0.1 }, init = "he",
    init_scale = { conv1 = 0.1 }, seed = 1, validate = scenes(t, { seed = 2, count = FRESH }) })
  local right = history[#history].validation_accuracy * FRESH
  print(("# %.1f %% of %d"):format(100 * right / FRESH, FRESH))
  t.ok(right >= 0.6 * FRESH, ("%.0f of %d"):format(right, FRESH))
end)

done()
