-- Nine architectures with weights made from the parameters' names, against float64 references: if one layer were in the wrong
-- place or had the wrong name, nothing would agree.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local golden = dofile((arg[0]:gsub("[^/]*$", "")) .. "golden.lua")
local core = require "xai.core"
local xai = require "xai"

-- Shallow ones have next to no ReLU at a value so near to zero that float32 takes it for the other side.
local shallow = { alexnet = true, resnet18 = true, squeezenet1_1 = true }

local nets = { "alexnet", "vgg16", "resnet18", "resnet50", "resnet101", "densenet121", "googlenet", "squeezenet1_1", "mobilenet_v2" }

--- What every rectifier gives, with plain kernels or as it is.
local function rectified(net, x, plain)
  local names, values = {}, {}
  for _, layer in ipairs(net:layers()) do
    if layer.op == "Relu" then names[#names + 1] = layer.name end
  end
  core.reference(plain)
  local run = net:run(x, { keep = names })
  core.reference(false)
  for i, name in ipairs(names) do values[i] = run:get(name):reshape(-1) end
  return values
end

--- How many rectifiers are open in one way of computing and closed in the other; and the largest value that came through
--- one of these, as a share of the root mean square of its layer.
local function disputed(net, x)
  local plain, fast = rectified(net, x, true), rectified(net, x, false)
  local n, largest = 0, 0
  for i = 1, #plain do
    local a, b = plain[i]:totable(), fast[i]:totable()
    local rms = plain[i]:norm() / math.sqrt(#a)
    for k = 1, #a do
      if (a[k] > 0) ~= (b[k] > 0) then n, largest = n + 1, math.max(largest, (a[k] + b[k]) / rms) end
    end
  end
  return n, largest
end

--- A gradient within 1e-4; or rounding has closed or opened rectifiers, which is only possible at values next to zero.
-- Sums are taken in another order with each set of instructions: which rectifiers these are, if any, is chance.
local function close_but_for_disputed(t, what, net, x, target, got, want)
  if golden.error(got:reshape(table.unpack(want:shape())), want) <= 1e-4 then return end
  local n, largest = disputed(net, x)
  t.ok(n >= 1 and n <= 3, ("%d rectifiers are open in one way and closed in the other"):format(n))
  t.ok(largest <= 1e-5, ("a rectifier of %.2g times its layer's root mean square is disputed"):format(largest))
  golden.close(t, what, got, want, 2e-2)
  core.reference(true)
  local good, plain = pcall(function() return xai.saliency(net, x, { target = target }).gradient end)
  core.reference(false)
  t.ok(good, plain)
  golden.close(t, what .. " with plain kernels", plain, want, 1e-4)
end

for _, name in ipairs(nets) do
  test(name .. ": logits, activation, Grad-CAM, gradient, guided backpropagation, deconvnet", function(t)
    local want, meta = xai.read(golden.path("golden/arch/" .. name .. ".safetensors"))
    local target = tonumber(meta.class)
    local net = xai.zoo[name] { weights = "fill" }
    local x = net:prepare(xai.image(golden.path("images/" .. meta.image)))
    local gradients = shallow[name] and 1e-4 or 2e-2

    golden.close(t, "logits", net:logits(x), want.logits, 5e-6)
    golden.close(t, "activation", net:forward(x, meta.layer), want.layer_activation, 2e-5)
    golden.close(t, "Grad-CAM", xai.gradcam(net, x, { target = target, layer = meta.layer }).raw, want.gradcam_raw, gradients)
    local gradient = xai.saliency(net, x, { target = target }).gradient
    if shallow[name] then close_but_for_disputed(t, "gradient", net, x, target, gradient, want.data_gradient)
    else golden.close(t, "gradient", gradient, want.data_gradient, gradients) end
    golden.close(t, "guided", xai.guided_backprop(net, x, { target = target }).values, want.guided_backprop, gradients)
    golden.close(t, "deconvnet", xai.deconvnet(net, x, { target = target }).values, want.deconvnet, gradients)
  end)
end

done()
