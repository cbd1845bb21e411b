-- tests/peers/onnxruntime.lua: do networks that xairun saves give the same numbers in ONNX Runtime?
-- usage: xairun tests/peers/onnxruntime.lua FOLDER NAME...     writes NAME.onnx, its input and its output below FOLDER
--        node tests/peers/onnxruntime.js FOLDER                runs them there and prints how far the outputs are apart
-- NAME: an architecture of the zoo, with weights made from the parameters' names, or a file that xairun loads.
-- The package is onnxruntime-node (npm install --ignore-scripts onnxruntime-node, in FOLDER).
local xai = require "xai"
local folder = table.remove(arg, 1)

local function write(path, tensor)
  local values = {}
  for _, v in ipairs(tensor:reshape(-1):totable()) do values[#values + 1] = string.pack("<f", v) end
  local file = assert(io.open(path, "wb"))
  file:write(table.concat(values)):close()
end

for _, name in ipairs(arg) do
  local net = xai.model(name, not name:find "[./]" and { weights = "fill" } or nil)
  local stem = folder .. "/" .. name:match "[^/]*$":gsub("%.onnx$", "")
  local shape = net.input
  local x = xai.randn(shape[1] > 0 and shape[1] or 2, table.unpack(shape, 2))
  net:save(stem .. ".onnx")
  write(stem .. ".input", x)
  write(stem .. ".output", net:forward(x))
end
