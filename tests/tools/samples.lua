-- tests/tools/samples.lua: a tiny network and a tiny picture, written byte by byte, for tests that need some
-- but do not care which. Plain Lua; knows just enough of ONNX and PNG. Returns {onnx = f(path), png = f(path)}.
local samples = {}

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  assert(file:close())
end

-- ---- ONNX: protocol buffers; a message is a string of fields ----------------------------------------

local function varint(n)
  local bytes = {}
  repeat
    local low = n & 127
    n = n >> 7
    bytes[#bytes + 1] = string.char(n ~= 0 and low | 128 or low)
  until n == 0
  return table.concat(bytes)
end
local function int(field, n) return varint(field << 3) .. varint(n) end
local function bytes(field, s) return varint(field << 3 | 2) .. varint(#s) .. s end

local FLOAT = 1 -- TensorProto.DataType

-- AttributeProto of type INTS: name, ints, type
local function ints(name, ...)
  local parts = { bytes(1, name) }
  for _, n in ipairs { ... } do parts[#parts + 1] = int(8, n) end
  return bytes(5, table.concat(parts) .. int(20, 7))
end

local function node(op, name, inputs, output, attributes)
  local parts = {}
  for _, input in ipairs(inputs) do parts[#parts + 1] = bytes(1, input) end
  return bytes(1, table.concat(parts) .. bytes(2, output) .. bytes(3, name) .. bytes(4, op) .. (attributes or ""))
end

local function value_info(field, name, dims)
  local shape = {}
  for i, d in ipairs(dims) do shape[i] = bytes(1, int(1, d)) end
  return bytes(field, bytes(1, name) .. bytes(2, bytes(1, int(1, FLOAT) .. bytes(2, table.concat(shape)))))
end

-- An initializer of pseudo-random weights in [-scale, scale].
local state = 1
local function weights(name, scale, ...)
  local count, parts = 1, {}
  for _, d in ipairs { ... } do
    count = count * d
    parts[#parts + 1] = int(1, d)
  end
  local values = {}
  for i = 1, count do
    state = (state * 1103515245 + 12345) & 0x7fffffff
    values[i] = string.pack("<f", scale * (state / 0x40000000 - 1))
  end
  return bytes(5, table.concat(parts) .. int(2, FLOAT) .. bytes(8, name) .. bytes(9, table.concat(values)))
end

-- 1x3x224x224 -> conv1, relu1, conv2, relu2, pooled to 16 numbers -> 1000 classes.
function samples.onnx(path)
  local graph = node("Conv", "conv1", { "data", "conv1.w", "conv1.b" }, "conv1",
      ints("kernel_shape", 7, 7) .. ints("strides", 4, 4) .. ints("pads", 3, 3, 3, 3))
    .. node("Relu", "relu1", { "conv1" }, "relu1")
    .. node("Conv", "conv2", { "relu1", "conv2.w", "conv2.b" }, "conv2",
      ints("kernel_shape", 3, 3) .. ints("strides", 2, 2) .. ints("pads", 1, 1, 1, 1))
    .. node("Relu", "relu2", { "conv2" }, "relu2")
    .. node("GlobalAveragePool", "pool", { "relu2" }, "pool")
    .. node("Flatten", "flat", { "pool" }, "flat")
    .. node("Gemm", "fc", { "flat", "fc.w", "fc.b" }, "logits")
    .. bytes(2, "tiny")
    .. weights("conv1.w", 0.2, 8, 3, 7, 7) .. weights("conv1.b", 0.1, 8)
    .. weights("conv2.w", 0.3, 16, 8, 3, 3) .. weights("conv2.b", 0.1, 16)
    .. weights("fc.w", 0.5, 16, 1000) .. weights("fc.b", 0.1, 1000)
    .. value_info(11, "data", { 1, 3, 224, 224 }) .. value_info(12, "logits", { 1, 1000 })
  write(path, int(1, 8) .. bytes(7, graph) .. bytes(8, int(2, 13)))
end

-- ---- PNG: 8-bit RGB, stored (uncompressed) deflate blocks ---------------------------------------------

local crc_table = {}
for n = 0, 255 do
  local c = n
  for _ = 1, 8 do c = c & 1 == 1 and 0xEDB88320 ~ c >> 1 or c >> 1 end
  crc_table[n] = c
end

local function crc32(s)
  local c = 0xFFFFFFFF
  for i = 1, #s do c = crc_table[(c ~ s:byte(i)) & 255] ~ c >> 8 end
  return c ~ 0xFFFFFFFF
end

local function adler32(s)
  local a, b = 1, 0
  for i = 1, #s do
    a = (a + s:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end

local function chunk(kind, data) return string.pack(">s4", data):sub(1, 4) .. kind .. data .. string.pack(">I4", crc32(kind .. data)) end

-- A bright disc on a gradient: something to look at.
function samples.png(path, width, height)
  width, height = width or 96, height or 64
  local rows = {}
  for y = 0, height - 1 do
    local row = { "\0" } -- filter: none
    for x = 0, width - 1 do
      local inside = (x - width / 2) ^ 2 + (y - height / 2) ^ 2 < (height / 4) ^ 2
      row[#row + 1] = inside and "\250\220\40" or string.char(x * 200 // width, y * 200 // height, 90)
    end
    rows[#rows + 1] = table.concat(row)
  end
  local raw, blocks = table.concat(rows), {}
  for at = 1, #raw, 65535 do
    local part = raw:sub(at, at + 65534)
    blocks[#blocks + 1] = string.pack("<I1I2I2", at + 65535 > #raw and 1 or 0, #part, ~#part & 0xFFFF) .. part
  end
  local stream = "\x78\x01" .. table.concat(blocks) .. string.pack(">I4", adler32(raw))
  write(path, "\137PNG\r\n\26\n" .. chunk("IHDR", string.pack(">I4I4I1I1I1I1I1", width, height, 8, 2, 0, 0, 0))
    .. chunk("IDAT", stream) .. chunk("IEND", ""))
end

return samples
