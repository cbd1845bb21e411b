-- Nine architectures with weights made from the parameters' names, against float64 references: if one layer were in the wrong
-- place or had the wrong name, nothing would agree.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local golden = dofile((arg[0]:gsub("[^/]*$", "")) .. "golden.lua")
local xai = require "xai"

-- Shallow ones have no ReLU at a value so near to zero that float32 takes it for the other side.
local shallow = { alexnet = true, resnet18 = true, squeezenet1_1 = true }

local nets = { "alexnet", "vgg16", "resnet18", "resnet50", "resnet101", "densenet121", "googlenet", "squeezenet1_1", "mobilenet_v2" }

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
    golden.close(t, "gradient", xai.saliency(net, x, { target = target }).gradient, want.data_gradient, gradients)
    golden.close(t, "guided", xai.guided_backprop(net, x, { target = target }).values, want.guided_backprop, gradients)
    golden.close(t, "deconvnet", xai.deconvnet(net, x, { target = target }).values, want.deconvnet, gradients)
  end)
end

done()
