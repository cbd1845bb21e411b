-- Real networks, saved and loaded again: the same bits at the output.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local golden = dofile((arg[0]:gsub("[^/]*$", "")) .. "golden.lua")
local xai = require "xai"

for _, file in ipairs { "models/squeezenet1.1.onnx", "models/squeezenet1.1-fp16.onnx", "models/resnet20-cifar10.onnx",
  "golden/onnx/resnet_basic.onnx", "golden/onnx/densenet.onnx", "golden/onnx/mobilenet_v2.onnx" } do
  test(file .. ": saved and loaded, the outputs are bit for bit the same", function(t)
    local net = xai.load(golden.path(file), { preprocess = "imagenet" })
    local name = os.tmpname()
    net:save(name .. ".onnx")
    local back = xai.load(name .. ".onnx")
    os.remove(name)
    os.remove(name .. ".onnx")
    local side = net.input[3] > 0 and net.input[3] or 96
    local x = xai.randn(1, 3, side, side)
    t.eq((net:forward(x) - back:forward(x)):abs():max(), 0)
    t.eq((net:logits(x) - back:logits(x)):abs():max(), 0)
    t.eq(back:find "", net:find "")
    t.eq(back.preprocess, "imagenet")
  end)
end

done()
