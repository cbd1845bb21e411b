-- The recipe of scripts/train_scenes.lua in little: 8 classes, 24 000 pictures, a minute and a half on two cores.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local xai = require "xai"
local build = require "xai.build"
local architectures = require "xai.zoo.scenes"

local CLASSES = { "panda", "bicycle", "clock", "tree", "pizza", "guitar", "umbrella", "sailboat" }
local INPUT, PICTURES, BATCH, FRESH = { mean = 127.5, scale = 64 }, 24000, 64, 400

local function scenes(t, options)
  options.classes = CLASSES
  local good, set = pcall(xai.scenes, options)
  if not good then t.skip(set) end
  return set
end

test("a network learns eight classes of scenes to at least 60 % from nothing", function(t)
  local set = scenes(t, { seed = 1, count = PICTURES, occluders = 0.2 })
  local data = { batch = function(_, first, n) return set:batch(first, n, INPUT) end }
  setmetatable(data, { __len = function() return #set end })
  local layer = architectures.scenes[1] { classes = #CLASSES, wide = math.tointeger, norm = true }
  local net = build.net("scenes", layer, { input = { 3, 96, 96 }, weights = "none" })
  net = xai.train(net, data, { batch = BATCH, lr = 0.05, nesterov = true, weight_decay = 1e-3, smoothing = 0.05,
    schedule = { "cosine", warmup = 0.1 }, init = "he", init_scale = { conv1 = 0.1 }, seed = 1 })
  local fresh, right = scenes(t, { seed = 2, count = FRESH }), 0
  for i = 1, FRESH, BATCH do
    local n = math.min(BATCH, FRESH - i + 1)
    local x, labels = fresh:batch(i, n, INPUT)
    local scores = net:logits(x)
    for k = 1, n do
      local best = 1
      for c = 2, #CLASSES do
        if scores:get(k, c) > scores:get(k, best) then best = c end
      end
      if best - 1 == labels:get(k) then right = right + 1 end
    end
  end
  print(("# %.1f %% of %d"):format(100 * right / FRESH, FRESH))
  t.ok(right >= 0.6 * FRESH, ("%d of %d"):format(right, FRESH))
end)

done()
