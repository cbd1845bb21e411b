-- A network without ReLU is a linear function, f(x) = f(0) + sum of w_i x_i, of which it is known what every method says.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local xai = require "xai"
local b = require "xai.build"

local CLASS <const>, FILL <const> = 1, 0.25

--- A network, what it gives for a picture, a picture, and the w of its channels.
local function linear()
  local net = b.net("linear", b.seq { "conv1", b.conv { 4, k = 3, pad = 1 }, "norm", b.batchnorm, "pool", b.avgpool { 2 },
    "conv2", b.conv { 5, k = 3 }, "gap", b.gap, "flat", b.flatten, "fc", b.linear { 3 } }, { input = { 2, 6, 6 }, weights = "fill" })
  local function f(x) return net:logits(x):get(1, CLASS + 1) end
  local w, zeros = xai.zeros(2, 6, 6), xai.zeros(1, 2, 6, 6)
  for i = 1, 72 do -- w_i = f(unit picture i) - f(0)
    local unit = zeros:reshape(72):totable()
    unit[i] = 1
    unit = xai.tensor(unit)
    w = w + unit:reshape(2, 6, 6) * (f(unit:reshape(1, 2, 6, 6)) - f(zeros))
  end
  return net, f, xai.randn(1, 2, 6, 6), w
end

local function near(t, got, want, name)
  local apart = (got - want):norm() / want:norm()
  t.ok(apart < 1e-5, ("%s: %.2g apart"):format(name, apart))
end

test("the gradient, guided backpropagation and the deconvnet are one", function(t)
  local net, _, x, w = linear()
  for _, method in ipairs { "guided_backprop", "deconvnet" } do near(t, xai[method](net, x, { target = CLASS }).values, w, method) end
  near(t, xai.smoothgrad(net, x, { target = CLASS, samples = 3 }).values, w, "SmoothGrad")
end)

test("what pixels contribute is their weight times their distance from the baseline", function(t)
  local net, _, x, w = linear()
  local from = xai.randn(1, 2, 6, 6) * 0.5 + 1
  local contribution, distance = w * x:reshape(2, 6, 6), (x - from):reshape(2, 6, 6)
  near(t, xai.input_x_gradient(net, x, { target = CLASS }).values, contribution, "input times gradient")
  for _, steps in ipairs { 1, 7 } do
    near(t, xai.integrated_gradients(net, x, { target = CLASS, steps = steps, baseline = from }).values, w * distance, "integrated gradients")
  end
  near(t, xai.deeplift(net, x, { target = CLASS, baseline = from }).values, w * distance, "DeepLIFT")
end)

test("a window of one pixel takes what the pixel contributes, one as large as the picture takes all", function(t)
  local net, f, x, w = linear()
  local e = xai.occlusion(net, x, { target = CLASS, window = 1, stride = 1, fill = FILL })
  near(t, e.values, (w * (x:reshape(2, 6, 6) - FILL)):sum(1), "a pixel")
  e = xai.occlusion(net, x, { target = CLASS, window = 6, stride = 6, fill = FILL })
  local drop = f(x) - f(x * 0 + FILL)
  t.near({ e.values:min(), e.values:max() }, { drop, drop }, 1e-5)
end)

done()
