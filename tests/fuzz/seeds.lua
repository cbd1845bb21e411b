-- tests/fuzz/seeds.lua: small sound files for the fuzz targets, in one folder per target.
-- usage: xairun -q tests/fuzz/seeds.lua FOLDER
-- Checkpoints (.pth) we only read: those are in tests/fuzz/corpus.
local here = arg[0]:gsub("[^/]*$", "")
package.path = here .. "../tools/?.lua;" .. here .. "../lua/?.lua;" .. package.path
local xai, b = require "xai", require "xai.build"
local tiny, samples = require "tiny", require "samples"
local folder = assert(arg[1], "seeds.lua: no folder given")

for _, target in ipairs { "onnx", "prototxt", "caffemodel", "safetensors", "npy", "npz", "image", "labels" } do
  assert(os.execute(("mkdir -p '%s/%s'"):format(folder, target)))
end
local function path(name) return folder .. "/" .. name end
local function put(name, content)
  local file = assert(io.open(path(name), "wb"))
  file:write(content)
  file:close()
end

-- ---- networks --------------------------------------------------------------------------------------------------------
put("onnx/tiny.onnx", tiny.bytes(2))
tiny.several():save(path "onnx/several.onnx")
local layers = {
  norm = { "conv", b.conv { 4, k = 3, pad = 1, bias = false }, "bn", b.batch_norm {}, "relu", b.relu, "gap", b.gap,
    "flatten", b.flatten, "fc", b.linear { 3 } },
  depthwise = { "dw", b.conv { k = 3, pad = 1 }, "relu", b.relu, "pool", b.maxpool { 2 }, "flatten", b.flatten,
    "fc", b.linear { 2 } },
}
for name, list in pairs(layers) do
  b.net(name, b.seq(list), { input = { 2, 6, 6 }, weights = "fill", labels = { "a", "b", name == "norm" and "c" or nil } })
    :save(path("onnx/" .. name .. ".onnx"))
end

put("prototxt/present.prototxt", [[
name: 'tiny'
input: 'data' input_dim: 10 input_dim: 2 input_dim: 4 input_dim: 4
layer { name: 'conv' type: 'Convolution' bottom: 'data' top: 'conv' convolution_param { num_output: 2 kernel_size: 2 } }
layer { name: 'bn' type: 'BatchNorm' bottom: 'conv' top: 'conv' batch_norm_param { use_global_stats: true eps: 1e-3 } }
layer { name: 'scale' type: 'Scale' bottom: 'conv' top: 'conv' scale_param { bias_term: true axis: 1 } }
layer { name: 'relu' type: 'ReLU' bottom: 'conv' top: 'conv' relu_param { negative_slope: 0.5 } }
layer { name: 'pool' type: 'Pooling' bottom: 'conv' top: 'pool' pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layer { name: 'fc' type: 'InnerProduct' bottom: 'pool' top: 'fc' inner_product_param { num_output: 2 } }
layer { name: 'prob' type: 'Softmax' bottom: 'fc' top: 'prob' softmax_param { axis: 1 } }
]])
put("prototxt/former.prototxt", [[
# the former form
input: "data" input_shape { dim: 1 dim: 2 dim: 4 dim: 4 }
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2
  convolution_param { num_output: 2 kernel_h: 2 kernel_w: 2 pad: 0 stride: 1 group: 1 dilation: 1 } }
layers { name: "relu" type: RELU bottom: "conv" top: "conv" }
layers { name: "pool" type: POOLING bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 2 stride: 2 pad: 1 } }
layers { name: "drop" type: DROPOUT bottom: "pool" top: "pool" dropout_param { dropout_ratio: 0.5 } }
]])
put("prototxt/branches.prototxt", [[
layer { name: 'i' type: 'Input' top: 'x' input_param { shape { dim: [1, 2, 4, 4] } } }
layer { name: 's' type: 'Split' bottom: 'x' top: 'x1' top: 'x2' }
layer { name: 'r' type: 'ReLU' bottom: 'x1' top: 'r' include { phase: TEST min_level: 0 } }
layer { name: 'e' type: 'Eltwise' bottom: 'x2' bottom: 'r' bottom: 'x' top: 'e'
  eltwise_param { operation: SUM coeff: [1, 2, -1] } }
layer { name: 'l' type: 'LRN' bottom: 'e' top: 'l' lrn_param { local_size: 3 alpha: 1 beta: 0.75 } }
layer { name: 'c' type: 'Concat' bottom: 'l' bottom: 'r' top: 'c' concat_param { axis: 1 } }
layer { name: 'f' type: 'Flatten' bottom: 'c' top: 'f' flatten_param { axis: 1 end_axis: -1 } }
layer { name: 't' type: 'TanH' bottom: 'f' top: 't' }
layer { name: 'g' type: 'Sigmoid' bottom: 't' top: 't' }
layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 't' bottom: 'label' top: 'loss' }
]])
put("prototxt/training.prototxt", [[
layer { name: 'data' type: 'Data' top: 'x' top: 'label' include { phase: TEST stage: 'a' } transform_param { crop_size: 4 } }
layer < name: "m" type: "MemoryData" top: "m" memory_data_param { batch_size: 1, channels: 2; height: 4 width: 0x4 } >
layer { name: 'pool' type: 'Pooling' bottom: 'm' top: 'p' pooling_param { pool: MAX global_pooling: true round_mode: FLOOR } }
]])

-- Caffe's weights: a message is a string of fields.
local function varint(n) return n < 128 and string.char(n) or string.char(n & 127 | 128) .. varint(n >> 7) end
local function bytes(field, s) return varint(field << 3 | 2) .. varint(#s) .. s end
local function blob(dims, ...)
  local values = { ... }
  return bytes(5, string.pack("<" .. ("f"):rep(#values), ...)) .. bytes(7, bytes(1, string.char(table.unpack(dims))))
end
local function layer(name, ...)
  local parts = { bytes(1, name) }
  for i, content in ipairs { ... } do parts[i + 1] = bytes(7, content) end
  return bytes(100, table.concat(parts))
end
put("caffemodel/weights", bytes(1, "tiny")
  .. layer("conv", blob({ 2, 2, 2, 2 }, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1), blob({ 2 }, 0.5, -1))
  .. layer("bn", blob({ 2 }, 1, 2), blob({ 2 }, 1, 4), blob({ 1 }, 1)) .. layer("scale", blob({ 2 }, 1, -2), blob({ 2 }, 0, 1))
  .. layer("fc", blob({ 2, 8 }, 1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1), blob({ 2 }, 0, 1)))
put("caffemodel/mean", blob({ 1, 3, 1, 2 }, 104, 104, 117, 117, 123, 123))

-- ---- named tensors ---------------------------------------------------------------------------------------------------
local tensors = { w = xai.tensor { { 1, 2, 3 }, { 4, 5, 6 } }, n = xai.tensor({ 1, 2, 3 }, "int64"),
  b = xai.tensor({ 7 }, "uint8") }
xai.write(path "safetensors/three.safetensors", tensors, { note = "\u{00e9}\n" })
xai.write(path "safetensors/none.safetensors", {})
xai.write(path "npz/three.npz", tensors)
for name, t in pairs(tensors) do xai.write(path("npy/" .. name .. ".npy"), t) end

-- ---- pictures and labels ---------------------------------------------------------------------------------------------
samples.png(path "image/stored.png", 12, 9)
local img = xai.image(path "image/stored.png")
for _, ending in ipairs { "png", "jpg", "bmp" } do img:save(path("image/small." .. ending)) end
put("labels/three.txt", "tabby, tabby cat\nn02123045 tiger cat\r\n\nboxer\n\n")
put("labels/marked.txt", "\u{feff}chat\nchien\n")
