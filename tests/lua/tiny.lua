-- tiny.lua: writes a small ONNX network, so that tests need no model file and every number can be worked by hand.
--
--   data N x C x 4 x 4, C = 1 by default
--   conv1   two 3x3 filters, pad 1, that look at the middle of channel 1 only: A1 = x, A2 = 2 - x
--   relu1
--   pool1   maximum of 2x2, stride 2
--   gap     mean of the 2x2
--   fc      logits: z0 = m1, z1 = m2, z2 = m1 + m2 - 1
--   prob    softmax
local xai = require "xai"
local tiny = {}

-- ---- protocol buffers: a message is a string, a field is tag and value --------------------------------------------
local function varint(n)
  local bytes = {}
  repeat
    local low = n & 0x7f
    n = n >> 7
    bytes[#bytes + 1] = string.char(n ~= 0 and low | 0x80 or low)
  until n == 0
  return table.concat(bytes)
end
local function int(field, n) return varint(field << 3) .. varint(n) end
local function bytes(field, s) return varint(field << 3 | 2) .. varint(#s) .. s end

-- ---- the messages of onnx.proto that are needed ----------------------------------------------------------------------
local FLOAT, INT, INTS = 1, 2, 7 -- AttributeProto.type, also TensorProto.FLOAT
local INT64 = 7 -- TensorProto.INT64
local function attribute(name, values)
  if type(values) == "number" then return bytes(5, bytes(1, name) .. int(3, values) .. int(20, INT)) end
  local packed = {}
  for i, v in ipairs(values) do packed[i] = int(8, v) end
  return bytes(5, bytes(1, name) .. table.concat(packed) .. int(20, INTS))
end

local function node(op, name, inputs, attributes)
  local m = {}
  for _, input in ipairs(inputs) do m[#m + 1] = bytes(1, input) end
  m[#m + 1] = bytes(2, name) .. bytes(3, name) .. bytes(4, op)
  for key, values in pairs(attributes or {}) do m[#m + 1] = attribute(key, values) end
  return bytes(1, table.concat(m))
end

local function initializer(name, dims, values)
  local m = {}
  for _, d in ipairs(dims) do m[#m + 1] = int(1, d) end
  m[#m + 1] = int(2, FLOAT) .. bytes(8, name) .. bytes(9, string.pack("<" .. ("f"):rep(#values), table.unpack(values)))
  return bytes(5, table.concat(m))
end

--- dims: numbers, or a name for a free one
local function value(field, name, dims, dtype)
  local shape = {}
  for i, d in ipairs(dims) do shape[i] = bytes(1, type(d) == "number" and int(1, d) or bytes(2, d)) end
  return bytes(field, bytes(1, name) .. bytes(2, bytes(1, int(1, dtype or FLOAT) .. bytes(2, table.concat(shape)))))
end

-- ---- the network -----------------------------------------------------------------------------------------------------
local function filters(channels)
  local w = {}
  for i = 1, 2 * channels * 9 do w[i] = 0 end
  w[5], w[channels * 9 + 5] = 1, -1 -- the middle of each filter's first channel
  return w
end

--- The file's bytes.
function tiny.bytes(channels)
  channels = channels or 1
  local graph = table.concat {
    node("Conv", "conv1", { "data", "w", "b" }, { kernel_shape = { 3, 3 }, pads = { 1, 1, 1, 1 } }),
    node("Relu", "relu1", { "conv1" }),
    node("MaxPool", "pool1", { "relu1" }, { kernel_shape = { 2, 2 }, strides = { 2, 2 } }),
    node("GlobalAveragePool", "gap", { "pool1" }),
    node("Flatten", "flat", { "gap" }),
    node("Gemm", "fc", { "flat", "fc_w", "fc_b" }, { transB = 1 }),
    node("Softmax", "prob", { "fc" }, { axis = 1 }),
    bytes(2, "tiny"),
    initializer("w", { 2, channels, 3, 3 }, filters(channels)), initializer("b", { 2 }, { 0, 2 }),
    initializer("fc_w", { 3, 2 }, { 1, 0, 0, 1, 1, 1 }), initializer("fc_b", { 3 }, { 0, 0, -1 }),
    value(11, "data", { "N", channels, 4, 4 }), value(12, "prob", { "N", 3 }),
  }
  return int(1, 8) .. bytes(8, int(2, 13)) .. bytes(7, graph)
end

--- A network with two inputs and four outputs: rows = Reshape(data, shape), twice = rows + rows, data as it came, and
--- the constant w = 5 6.
function tiny.several()
  local graph = table.concat {
    node("Reshape", "rows", { "data", "shape" }),
    node("Add", "twice", { "rows", "rows" }),
    bytes(2, "several"),
    initializer("w", { 2 }, { 5, 6 }),
    value(11, "data", { "N", 3 }), value(11, "shape", { "K" }, INT64), value(11, "w", { 2 }),
    value(12, "rows", { "A", "B" }), value(12, "twice", { "A", "B" }), value(12, "data", { "N", 3 }), value(12, "w", { 2 }),
  }
  local file = int(1, 8) .. bytes(8, int(2, 13)) .. bytes(7, graph)
  return tiny.with_file(file, function(path) return xai.load(path, { preprocess = "none" }) end)
end

--- Writes bytes to a temporary file and calls fn with its path; the file is gone afterwards.
function tiny.with_file(content, fn)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
  local result = table.pack(pcall(fn, path))
  os.remove(path)
  if not result[1] then error(result[2], 0) end
  return table.unpack(result, 2, result.n)
end

--- The network, loaded: tiny.load({ labels = ... }, channels)
function tiny.load(options, channels)
  return tiny.with_file(tiny.bytes(channels), function(path) return xai.load(path, options or { preprocess = "none" }) end)
end

-- The example of the tests, and what the layers make of it:
--   x = 1 2 0 0   pool1 of A1 = 4 0   of relu(2 - x) = 1 2   m1 = 6/4   z0 = 1.5
--       3 4 0 0                 0 2                    2 2   m2 = 7/4   z1 = 1.75
--       0 0 1 0                                                         z2 = 2.25
--       0 0 0 2
function tiny.x()
  return xai.tensor { { { { 1, 2, 0, 0 }, { 3, 4, 0, 0 }, { 0, 0, 1, 0 }, { 0, 0, 0, 2 } } } }
end

return tiny
