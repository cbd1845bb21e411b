-- The same nine tensors in every format that we read, and two real checkpoints to the last byte.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local golden = dofile((arg[0]:gsub("[^/]*$", "")) .. "golden.lua")
local xai = require "xai"

local function count(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n
end

-- The reference has its one scalar, num_batches_tracked, as a list of one.
local function reference()
  local want = xai.read(golden.path "golden/formats/small.safetensors")
  want["1.num_batches_tracked"] = want["1.num_batches_tracked"]:reshape()
  return want
end

-- The same names, types, shapes and numbers. Every number of float32 and small int64 tensors survives as a Lua number.
local function same(t, got, want)
  t.eq(count(got), count(want))
  for name, tensor in pairs(want) do
    t.ok(got[name], name .. " is missing")
    t.eq(got[name]:dtype(), tensor:dtype(), name)
    t.eq(got[name]:shape(), tensor:shape(), name)
    t.eq(got[name]:totable(), tensor:totable(), name)
  end
end

-- A number's nearest of float16: 11 significant bits, ties to even, steps of 2^-24 below 2^-14.
local function half(v)
  if v == 0 then return v end
  local e = -14
  while math.abs(v) >= 2.0 ^ (e + 1) do e = e + 1 end
  local step = 2.0 ^ (e - 10)
  local n = math.floor(v / step)
  local rest = v / step - n
  if rest > 0.5 or (rest == 0.5 and n % 2 == 1) then n = n + 1 end
  return n * step
end

local function halves(v)
  if type(v) ~= "table" then return half(v) end
  local out = {}
  for i, x in ipairs(v) do out[i] = halves(x) end
  return out
end

for _, file in ipairs { "small_zip.pth", "small_legacy.pth", "small.npz", "small_compressed.npz" } do
  test(file .. " holds what small.safetensors holds, bit for bit", function(t)
    local got, meta = xai.read(golden.path("golden/formats/" .. file))
    same(t, got, reference())
    t.eq(meta, {})
  end)
end

test("a matrix saved as the transposed view of its elements is gathered", function(t)
  local got, want = xai.read(golden.path "golden/formats/small_noncontiguous.pth"), reference()
  t.eq(got["4.weight"]:shape(), { 16, 3 })
  local rows, turned = want["4.weight"]:totable(), {}
  for i = 1, 16 do turned[i] = { rows[1][i], rows[2][i], rows[3][i] } end
  t.eq(got["4.weight"]:totable(), turned)
  got["4.weight"], want["4.weight"] = nil, nil
  same(t, got, want)
end)

test("a half-precision data-parallel checkpoint has the rounded numbers under the bare names", function(t)
  local got, meta = xai.read(golden.path "golden/formats/small_checkpoint_fp16_dataparallel.pth")
  local want = reference()
  t.eq(count(got), count(want))
  t.eq(meta, { prefix = "module." })
  for name, tensor in pairs(want) do
    local numbers = tensor:totable()
    t.eq(got[name]:dtype(), tensor:dtype(), name)
    t.eq(got[name]:totable(), tensor:dtype() == "float32" and halves(numbers) or numbers, name)
  end
end)

test("what is written as .npz comes back", function(t)
  local want, path = xai.read(golden.path "golden/formats/small_zip.pth"), os.tmpname()
  os.remove(path)
  xai.write(path .. ".npz", want)
  same(t, xai.read(path .. ".npz"), want)
  os.remove(path .. ".npz")
  t.fails(function() xai.write(path .. ".npz", want, { by = "me" }) end, "an .npz file holds no metadata")
end)

test("a real checkpoint of before 1.6 is read whole", function(t)
  local got, meta = xai.read(golden.path "models/resnet20-cifar10.th")
  t.eq(meta, { prefix = "module." })
  t.eq(got["conv1.weight"]:shape(), { 16, 3, 3, 3 })
  t.eq(got["layer3.2.bn2.running_var"]:shape(), { 64 })
  t.eq(got["linear.weight"]:shape(), { 10, 64 })
  local parameters = 0
  for name, tensor in pairs(got) do
    if not name:find "running_" then parameters = parameters + #tensor:reshape(-1) end
  end
  t.eq(parameters, 269722) -- convolutions 432 + 13824 + 50688 + 202752, batch norms 1376, last layer 650
end)

test("a real checkpoint in zip format is read whole", function(t)
  local got = xai.read(golden.path "models/squeezenet1_1_caffe_imagenet.pth")
  t.eq(count(got), 52) -- 26 convolutions, each with weight and bias
  t.eq(got["features.0.weight"]:shape(), { 64, 3, 3, 3 })
  t.eq(got["classifier.1.weight"]:shape(), { 1000, 512, 1, 1 })
  local parameters = 0
  for _, tensor in pairs(got) do parameters = parameters + #tensor:reshape(-1) end
  t.eq(parameters, 1235496) -- as torchvision states for squeezenet1_1
end)

done()
