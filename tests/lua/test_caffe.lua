-- Caffe networks in Lua: both halves of one, its mean, and on to ONNX. The network's arithmetic is tested in C.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local xai = require "xai"

local structure = [[
name: "colours"
input: "data"
input_shape { dim: 10 dim: 3 dim: 2 dim: 2 }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool" pooling_param { pool: AVE global_pooling: true } }
layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc" inner_product_param { num_output: 2 bias_term: false } }
layer { name: "relu" type: "ReLU" bottom: "fc" top: "fc" }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
]]

local function bytes(field, s) -- of less than 128 bytes
  local tag = field << 3 | 2
  return (tag < 128 and string.char(tag) or string.char(tag & 0x7f | 0x80, tag >> 7)) .. string.char(#s) .. s
end
local function blob(dims, values)
  return bytes(5, string.pack("<" .. ("f"):rep(#values), table.unpack(values))) .. bytes(7, bytes(1, string.char(table.unpack(dims))))
end
local weights = bytes(1, "colours") .. bytes(100, bytes(1, "fc") .. bytes(7, blob({ 2, 3 }, { 1, 0, 0, 0, 0, -1 })))

--- Writes files named name .. ending and calls fn with name; they are gone afterwards.
local function with_files(files, fn)
  local name = os.tmpname()
  for ending, content in pairs(files) do
    local file = assert(io.open(name .. ending, "wb"))
    file:write(content)
    file:close()
  end
  local good, message = pcall(fn, name)
  for ending in pairs(files) do os.remove(name .. ending) end
  os.remove(name)
  if not good then error(message, 0) end
end

test("the halves of a network find one another, or are named", function(t)
  with_files({ [".prototxt"] = structure, [".caffemodel"] = weights, [".other"] = weights }, function(name)
    for _, load in ipairs { { name .. ".prototxt" }, { name .. ".caffemodel" }, { name .. ".prototxt", { weights = name .. ".other" } } } do
      local net = xai.load(table.unpack(load))
      t.eq(net:find "", { "pool", "fc/flatten", "fc", "relu", "prob" })
      t.eq(net.classes, 2)
      t.eq(net.preprocess, "caffe")
      t.eq(tostring(net.input), "?x3x2x2")
    end
  end)
  with_files({ [".caffemodel"] = weights }, function(name)
    t.fails(function() xai.load(name .. ".caffemodel") end, "its structure does not lie beside it")
  end)
  with_files({ [".txt"] = "once upon a time" }, function(name)
    t.fails(function() xai.load(name .. ".txt") end, "load: " .. name .. ".txt: a text file, and not half of a Caffe network")
    t.fails(function() xai.load(name .. ".txt", { weights = name .. ".txt" }) end, "load: " .. name .. ".txt: ")
  end)
end)

test("a picture enters in Caffe's way; the mean can be another, from numbers or a file", function(t)
  local mean = blob({ 1, 3, 1, 2 }, { 10, 20, 30, 30, 50, 50 })
  with_files({ [".prototxt"] = structure, [".caffemodel"] = weights, [".binaryproto"] = mean }, function(name)
    local img = xai.image(xai.tensor({ { { 200, 130, 110 }, { 200, 130, 110 } }, { { 200, 130, 110 }, { 200, 130, 110 } } }, "uint8"))
    local function first(options) -- blue, green and red at the first position
      local x = xai.load(name .. ".prototxt", options):prepare(img)
      return { x:get(1, 1, 1, 1), x:get(1, 2, 1, 1), x:get(1, 3, 1, 1) }
    end
    t.eq(first(), { 110 - 104.0, 130 - 117.0, 200 - 123.0 })
    t.eq(first { mean = { 1, 2, 3 } }, { 109.0, 128.0, 197.0 })
    t.eq(first { mean = 10 }, { 100.0, 120.0, 190.0 })
    t.eq(first { mean = name .. ".binaryproto" }, { 95.0, 100.0, 150.0 })
    t.fails(function() first { mean = { 1, 2 } } end, "load: mean: expected a number, got nil")
    t.fails(function() first { mean = name .. ".prototxt" } end, "load: " .. name .. ".prototxt: ")
    t.eq(xai.load(name .. ".prototxt", { mean = 1 }).preprocess.order, "bgr")
    -- z = (blue, -red), the second cut off by the ReLU
    t.near(xai.load(name .. ".prototxt"):logits(img), { { 6, 0 } }, 1e-5)
  end)
end)

test("a Caffe network becomes an ONNX file", function(t)
  with_files({ [".prototxt"] = structure, [".caffemodel"] = weights, [".onnx"] = "" }, function(name)
    local net = xai.load(name .. ".prototxt", { labels = { "blue", "red" } })
    net:save(name .. ".onnx")
    local back, x = xai.load(name .. ".onnx"), xai.randn(1, 3, 2, 2)
    t.eq((net:forward(x) - back:forward(x)):abs():max(), 0)
    t.eq({ back.preprocess, back.labels, back:find "" }, { "caffe", { "blue", "red" }, net:find "" })
  end)
end)

done()
