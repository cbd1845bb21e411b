-- Graphs that a real exporter wrote: outputs and the gradient of the sum over the batch of output 3.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local golden = dofile((arg[0]:gsub("[^/]*$", "")) .. "golden.lua")
local xai = require "xai"

for _, name in ipairs { "alexnet_lrn", "densenet", "misc_activations", "mobilenet_v2", "resnet_basic", "squeeze_excite_split" } do
  test(name .. ": output and gradient of a batch of two", function(t)
    local net = xai.load(golden.path("golden/onnx/" .. name .. ".onnx"), { preprocess = "none" })
    local want = xai.read(golden.path("golden/onnx/" .. name .. ".safetensors"))
    local run = net:run(want.input)
    golden.close(t, "output", run:get "output", want.output, 2e-5)
    local seed = xai.zeros(table.unpack(want.output:shape())) -- of the output, where a target would be before its softmax
    for image = 1, #seed do seed = seed:set(image, 4, 1) end
    golden.close(t, "gradient", run:backward { seed = seed, at = "output" }, want.gradient_of_output_3, 1e-4)
  end)
end

done()
