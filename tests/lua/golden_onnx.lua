-- Graphs that a real exporter wrote: outputs and the gradient of the sum over the batch of output 3.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local golden = dofile((arg[0]:gsub("[^/]*$", "")) .. "golden.lua")
local xai = require "xai"

local graphs = { "alexnet_lrn", "densenet", "misc_activations", "mobilenet_v2", "resnet_basic", "squeeze_excite_split" }
for _, name in ipairs(graphs) do
  test(name .. ": output and gradient of a batch of two", function(t)
    local net = xai.load(golden.path("golden/onnx/" .. name .. ".onnx"), { preprocess = "none" })
    local want = xai.read(golden.path("golden/onnx/" .. name .. ".safetensors"))
    local run = net:run(want.input)
    local output = run:get "output"
    golden.close(t, "output", output, want.output, 2e-5)
    local seed = (output * 0):set(1, 4, 1):set(2, 4, 1) -- not 'target', which means the logits before a softmax
    golden.close(t, "gradient", run:backward { seed = seed, at = "output" }, want.gradient_of_output_3, 1e-4)
  end)
end

done()
