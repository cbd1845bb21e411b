-- xai.inspect: what is in a file, told as the loaded network tells it.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local xai = require "xai"

local function scratch(name)
  local path = os.tmpname()
  os.remove(path)
  return path .. "-" .. name
end

local function saved(net, name)
  local path = scratch(name)
  net:save(path)
  return path
end

test("a network is told as it is when loaded, without its weights", function(t)
  local net = xai.zoo.lenet5 { weights = "fill" }
  local path = saved(net, "lenet.onnx")
  local i, loaded = xai.inspect(path), xai.load(path)
  t.eq(i.format, "ONNX")
  t.eq(i.params, 61706) -- LeCun et al. 1998: 156 + 2416 + 48120 + 10164 + 850
  t.eq(i.problems, {})
  t.eq(#i.layers, #loaded:layers())
  for k, layer in ipairs(loaded:layers()) do
    t.eq(i.layers[k].name, layer.name)
    t.eq(tostring(i.layers[k].shape), tostring(layer.shape))
  end
  local text = tostring(i)
  t.ok(text:find("xairun can run all of it", 1, true), text)
  t.ok(text:find("\ninput " .. i.inputs[1].name .. ": float32 ?x1x32x32\n", 1, true), text)
  os.remove(path)
end)

test("a file of weights is told by its tensors and the architecture that they fit", function(t)
  local path = saved(xai.zoo.squeezenet1_1 { weights = "fill", classes = 7 }, "s.safetensors")
  local i = xai.inspect(path)
  t.eq(i.format, "named tensors")
  t.eq(i.fits, { { name = "squeezenet1_1", classes = 7 } })
  t.eq(i.tensors[1].name, "classifier.1.bias")
  t.eq(tostring(i.tensors[1].shape), "7")
  t.ok(tostring(i):find("xai.zoo.squeezenet1_1 { weights", 1, true))
  os.remove(path)
  xai.write(path, { a = xai.zeros(2, 3), b = xai.zeros(4) })
  t.eq(xai.inspect(path).fits, {})
  t.eq(xai.inspect(path).params, 10)
  os.remove(path)
end)

test("a file of weights alone is the network that they fit", function(t)
  local net = xai.zoo.squeezenet1_1 { weights = "fill", classes = 7, width = 1 }
  local path = saved(net, "s.safetensors")
  local found = xai.model(path, { preprocess = "caffe" })
  t.eq({ found:hash(), found.classes, found.order }, { net:hash(), 7, "bgr" })
  xai.write(path, { a = xai.zeros(2, 3) })
  t.fails(function() xai.model(path) end, ("model: '%s' holds weights that fit no architecture of the zoo"):format(path))
  os.remove(path)
end)

test("an interrupt ends the search for an architecture", function(t)
  local path = saved(xai.zoo.lenet5 { weights = "fill" }, "l.safetensors")
  -- as a stock lua5.4 has it, once: a pcall would do away with it
  debug.sethook(function()
    if not debug.getinfo(2, "S").source:find("xai.build", 1, true) then return end
    debug.sethook()
    error("interrupted!", 0)
  end, "", 10)
  t.fails(function() xai.inspect(path) end, "interrupted!")
  t.eq(debug.gethook(), nil)
  os.remove(path)
end)

test("mistakes are told in one line", function(t)
  t.fails(function() xai.inspect "nothing.onnx" end, "nothing.onnx")
  t.fails(function() xai.inspect("nothing.onnx", { weight = "x" }) end, "unknown option 'weight'")
end)

done()
