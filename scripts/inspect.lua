-- inspect: what is in this file? The layers of a network, its operators, and what of it xairun cannot run; or the names and
-- shapes in a file of weights, and the architecture that they fit. The weights themselves are not read.
local xai = require "xai"
local args = xai.args { "What is in this file, and can xairun run it?", "model",
  model = { nil, "ONNX file, one half of a Caffe network, or a file of weights", required = true },
  weights = { nil, "the .caffemodel of a .prototxt, if it does not lie beside it" } }

print(xai.inspect(args.model, { weights = args.weights }))
