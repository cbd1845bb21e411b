-- Occlusion by windows of the maps against occlusion by whole passes, for every architecture. A hook, whatever it does,
-- has the network run on whole pictures: that is the definition.
local test, done, architectures = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local xai = require "xai"
local core = require "xai.core"

local fixed = { alexnet = 224, caffenet = 227, zfnet = 224, nin = 224, lenet5 = 32, all_cnn_c = 32, inception_v3 = 107 }

local function small(name)
  local size = fixed[name] or name:find "vgg" and 224 or 64
  local net = xai.zoo[name] { weights = "fill", width = 0.125, classes = 7, in_channels = 2, size = size }
  return net, core.fill("input.bias", { 1, 2, size, size }) * 10, size
end

--- The largest difference between two grids of scores, as a share of the clean score's size. Plain kernels round as little
--- as float32 can; fast ones choose their algorithm by a map's size, so that a window is computed in another way than the map.
local function compare(t, name, net, x, options, plain)
  local hooked = net:with { hooks = { [net:layers()[1].name] = function() end } }
  core.reference(plain or false)
  local ok, got, want = pcall(function() return xai.occlusion(net, x, options), xai.occlusion(hooked, x, options) end)
  core.reference(false)
  if not ok then error(got, 0) end
  local scale = options.score == "prob" and 1 or math.max(want.grid:abs():max(), net:logits(x):abs():max())
  local e, most = (got.grid - want.grid):abs():max() / scale, plain and 1e-5 or 5e-5
  t.ok(e <= most, ("%s, window %d, stride %d: %.2g apart"):format(name, options.window, options.stride, e))
end

local names = architectures()

test("the scores under all windows are those of whole pictures", function(t)
  for _, name in ipairs(names) do
    local net, x, size = small(name)
    -- a small window, one of an odd size whose last ones are cut, one nearly as large as the picture
    compare(t, name, net, x, { target = 3, window = size // 7, stride = size // 7, fill = 1.5 }, true)
    compare(t, name, net, x, { target = { 1, { minus = 2 } }, window = size // 3 | 1, stride = size // 4, batch = 3 })
    compare(t, name, net, x, { target = 0, window = size - 3, stride = 2, score = "prob" })
  end
end)

test("windows of one pixel, at corners and anywhere", function(t)
  for _, name in ipairs { "lenet5", "resnet20", "all_cnn_c" } do
    local net, x = small(name)
    compare(t, name, net, x, { target = 3, window = 1, stride = 1, fill = 20 }, true)
  end
end)

test("units of a layer between are targets as well", function(t)
  local net, x = small "googlenet"
  compare(t, "a channel", net, x, { target = "inception3b:5", window = 9, stride = 7 })
  compare(t, "a place", net, x, { target = "inception3b:5:2:3", window = 9, stride = 7 })
  compare(t, "two layers", net, x, { target = { "inception3b:5", "conv1:2:7:9", 3 }, window = 9, stride = 7 })
  compare(t, "a seed", net, x, { target = core.fill("seed.bias", { 1, 7 }), window = 9, stride = 7 })
end)

done()
