-- A real CIFAR-10 ResNet-20 as PyTorch exports it, and from its checkpoint: strided slices, padding and shape arithmetic in the graph.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local golden = dofile((arg[0]:gsub("[^/]*$", "")) .. "golden.lua")
local xai = require "xai"

local sources = {
  ["ONNX"] = function() return xai.load(golden.path "models/resnet20-cifar10.onnx", { preprocess = "cifar10" }) end,
  ["legacy checkpoint"] = function() return xai.zoo.resnet20 { weights = golden.path "models/resnet20-cifar10.th" } end,
}

for from, load in pairs(sources) do for _, name in ipairs { "cat_dog", "kitten_rgba", "horses" } do
  test(("resnet20 from %s on %s: logits and gradient of the best class"):format(from, name), function(t)
    local net = load()
    local want = xai.read(golden.path "golden/cifar/resnet20.safetensors")
    local img = xai.image(want[name .. ".rgb"])
    local x = net:prepare(img)
    golden.close(t, "logits", net:logits(x), want[name .. ".logits"], 5e-6)
    golden.close(t, "gradient", xai.saliency(net, x).gradient, want[name .. ".data_gradient_of_top1"], 1e-4)
  end)
end end

done()
