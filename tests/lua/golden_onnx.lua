-- Graphs that a real exporter wrote: outputs and the gradient of the sum over the batch of output 3.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local golden = dofile((arg[0]:gsub("[^/]*$", "")) .. "golden.lua")
local xai = require "xai"

-- One at output 3 of each picture: the output itself, behind a softmax where the file has one.
local function seed()
  return xai.zeros(2, 10):set(1, 4, 1):set(2, 4, 1)
end

for _, name in ipairs { "alexnet_lrn", "densenet", "misc_activations", "mobilenet_v2", "resnet_basic", "squeeze_excite_split" } do
  test(name .. ": output and gradient of a batch of two", function(t)
    local net = xai.load(golden.path("golden/onnx/" .. name .. ".onnx"), { preprocess = "none" })
    local want = xai.read(golden.path("golden/onnx/" .. name .. ".safetensors"))
    local run = net:run(want.input)
    golden.close(t, "output", run:get "output", want.output, 2e-5)
    golden.close(t, "gradient", run:backward { seed = seed(), at = "output" }, want.gradient_of_output_3, 1e-4)
  end)
end

done()
