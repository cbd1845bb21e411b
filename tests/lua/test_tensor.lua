-- Tensors in Lua: making, looking, arithmetic, parts; every number by hand.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local xai = require "xai"

test("a nested table becomes a tensor and comes back", function(t)
  local x = xai.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  t.eq(tostring(x:shape()), "2x3")
  t.eq(x:totable(), { { 1, 2, 3 }, { 4, 5, 6 } })
  t.eq(x:dtype(), "float32")
  t.eq(#x, 2)
end)

test("a number becomes a scalar of rank 0", function(t)
  local x = xai.tensor(2.5)
  t.eq(tostring(x:shape()), "scalar")
  t.eq(x:get(), 2.5)
  t.eq(x:totable(), 2.5)
end)

test("shapes compare, concatenate, print and unpack", function(t)
  local s = xai.zeros(2, 3):shape()
  t.ok(s == xai.zeros(2, 3):shape())
  t.ok(s ~= xai.zeros(3, 2):shape())
  t.ok(s == { 2, 3 })
  t.ok(s ~= { 2 } and s ~= { 2, "x" })
  t.eq("shape " .. s, "shape 2x3")
  t.eq({ table.unpack(s) }, { 2, 3 })
  t.eq(xai.zeros(s):shape(), s)
end)

test("integer types keep integers, and refuse what does not fit", function(t)
  t.eq(xai.tensor({ 1, -2 }, "int64"):totable(), { 1, -2 })
  t.eq(math.type(xai.tensor({ 7 }, "uint8"):get(1)), "integer")
  t.eq(xai.tensor({ true, false }, "bool"):totable(), { 1, 0 })
  t.eq(xai.tensor({ math.maxinteger }, "int64"):get(1), math.maxinteger)
  t.fails(function() xai.tensor({ 256 }, "uint8") end, "tensor: element: expected an integer from 0 to 255, got 256")
  t.fails(function() xai.tensor({ 1.5 }, "int32") end, "got 1.5")
  t.fails(function() xai.tensor({ 1 }, "float23") end, "did you mean 'float32'?")
end)

test("conversion goes toward zero and stops at the ends", function(t)
  local x = xai.tensor { -1.7, 0 / 0, 300, 2.9 }
  t.eq(xai.tensor(x, "uint8"):totable(), { 0, 0, 255, 2 })
  t.eq(xai.tensor(x, "int32"):totable(), { -1, 0, 300, 2 })
  t.eq(xai.tensor(x, "bool"):totable(), { 1, 1, 1, 1 })
end)

test("ragged tables and odd elements are refused", function(t)
  t.fails(function() xai.tensor { { 1, 2 }, { 3 } } end, "ragged table: a list of 1 where the first has 2")
  t.fails(function() xai.tensor { { 1 }, 2 } end, "expected a table, as beside it, got 2")
  t.fails(function() xai.tensor { 1, "2" } end, "expected a number, got '2'")
  t.fails(function() xai.tensor { 1, { 2 } } end, "expected a number, got a table")
  t.fails(function() xai.tensor "x" end, "tensor: values: expected a table of numbers, got 'x'")
  t.fails(function() xai.tensor { { { { { { { { { 1 } } } } } } } } } end, "nested deeper than 8")
  local self = {}
  self[1] = self
  t.fails(function() xai.tensor(self) end, "nested deeper than 8")
end)

test("impossible shapes are refused", function(t)
  t.fails(function() xai.zeros(-1) end, "zeros: shape: expected an integer of at least 0, got -1")
  t.fails(function() xai.zeros(1 << 40, 1 << 40) end, "no tensor can have the shape")
  t.fails(function() xai.zeros(1, 1, 1, 1, 1, 1, 1, 1, 1) end, "at most 8 dimensions, got 9")
  t.fails(function() xai.zeros(2.5) end, "got 2.5")
end)

test("positions count from 1 and are checked", function(t)
  local x = xai.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  t.eq(x:get(2, 1), 4)
  t.fails(function() x:get(0, 1) end, "tensor:get: position: expected an integer from 1 to 2, got 0")
  t.fails(function() x:get(2, 4) end, "from 1 to 3, got 4")
  t.fails(function() x:get(2) end, "expected 2 positions, got 1")
end)

test("t[i] is a part, or an element of a list, and ipairs ends", function(t)
  local x = xai.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }
  t.eq(x[2]:totable(), { 3, 4 })
  t.eq(x[2][1], 3)
  t.eq(x[4], nil)
  local sum = 0
  for _, row in ipairs(x) do sum = sum + row:get(2) end
  t.eq(sum, 12)
end)

test("a method gives a new value and leaves the tensor as it was", function(t)
  local x = xai.tensor { { 1, -2 }, { 3, 4 } }
  t.eq(x:set(1, 2, 9):totable(), { { 1, 9 }, { 3, 4 } })
  t.eq(x:abs():totable(), { { 1, 2 }, { 3, 4 } })
  t.eq(x:clamp(0, 3):totable(), { { 1, 0 }, { 3, 3 } })
  t.eq(x:clamp(0):totable(), { { 1, 0 }, { 3, 4 } })
  t.eq(x:reshape(4):totable(), { 1, -2, 3, 4 })
  t.eq(x:totable(), { { 1, -2 }, { 3, 4 } })
end)

test("reductions", function(t)
  local x = xai.tensor { { 3, -4 }, { 0, 1 } }
  t.eq(x:sum(), 0)
  t.eq(x:mean(), 0)
  t.eq(x:max(), 3)
  t.eq(x:min(), -4)
  t.near(x:norm(), math.sqrt(26), 1e-12) -- 9 + 16 + 0 + 1
  t.eq({ x:argmax() }, { 1, 1 })
  t.eq({ xai.tensor({ 1, 5, 5 }):argmax() }, { 2 }, "the first of equals")
  t.eq(x:sum(1):totable(), { 3, -3 })
  t.eq(x:sum(2):totable(), { -1, 1 })
  t.eq(x:mean(2):totable(), { -0.5, 0.5 })
  t.fails(function() x:sum(3) end, "dimension: expected an integer from 1 to 2, got 3")
end)

test("NaN is passed over by max and min, and a tensor of NaN has neither", function(t)
  t.eq(xai.tensor({ 0 / 0, 2, 1 }):max(), 2)
  t.eq(xai.tensor({ 0 / 0, 2, 1 }):min(), 1)
  t.fails(function() xai.tensor({ 0 / 0 }):max() end, "no elements that are numbers")
  t.fails(function() xai.zeros(0):argmax() end, "no elements that are numbers")
end)

test("arithmetic with tensors and numbers on either side", function(t)
  local a, b = xai.tensor { 1, 2 }, xai.tensor { 3, 5 }
  t.eq((a + b):totable(), { 4, 7 })
  t.eq((a - b):totable(), { -2, -3 })
  t.eq((a * b):totable(), { 3, 10 })
  t.eq((b / a):totable(), { 3, 2.5 })
  t.eq((10 - a):totable(), { 9, 8 })
  t.eq((a / 2):totable(), { 0.5, 1 })
  t.eq((-a):totable(), { -1, -2 })
  t.eq((xai.tensor({ 200 }, "uint8") + xai.tensor({ 100 }, "uint8")):totable(), { 300 }, "results are float32")
  t.fails(function() return a + xai.zeros(3) end, "tensor + tensor: shapes 2 and 3 differ")
  t.fails(function() return a * "x" end, "tensor * tensor: right side: expected a tensor or a number, got 'x'")
  t.fails(function() return {} - a end, "left side: expected a tensor or a number, got a table")
end)

test("one dimension of a new shape may be -1", function(t)
  local x = xai.zeros(2, 3, 4)
  t.eq(tostring(x:reshape(6, -1):shape()), "6x4")
  t.eq(tostring(x:reshape { -1 }:shape()), "24")
  t.fails(function() x:reshape(-1, -1) end, "only one dimension can be -1")
  t.fails(function() x:reshape(5, -1) end, "cannot reshape 2x3x4 to 5x4")
  t.fails(function() x:reshape(1 << 62, 1 << 62) end, "too large")
end)

test("channels: C x H x W, 1 x C x H x W, N x C", function(t)
  local x = xai.tensor { { { 1, 2 }, { 3, 4 } }, { { 5, 6 }, { 7, 8 } }, { { 9, 10 }, { 11, 12 } } } -- 3 x 2 x 2
  t.eq(x:channel(2):totable(), { { 5, 6 }, { 7, 8 } })
  t.eq(x:reshape(1, 3, 2, 2):channel(2):totable(), { { 5, 6 }, { 7, 8 } })
  t.eq(x:fill_channel(2, 0):channel(2):sum(), 0)
  t.eq(x:fill_channel(2, 0):channel(3):totable(), { { 9, 10 }, { 11, 12 } })
  t.eq(tostring(x:reshape(1, 3, 2, 2):channels(2, 3):shape()), "1x2x2x2")
  t.eq(x:channels(2, 3):get(2, 1, 1), 9)
  local batch = xai.tensor { { 1, 2, 3 }, { 4, 5, 6 } } -- two of three channels
  t.eq(batch:channel(3):totable(), { 3, 6 })
  t.eq(batch:fill_channel(1, 7):totable(), { { 7, 2, 3 }, { 7, 5, 6 } })
  t.fails(function() x:channel(4) end, "channel: expected an integer from 1 to 3, got 4")
  t.fails(function() x:channels(3, 2) end, "last channel: expected an integer from 3 to 3, got 2")
  t.fails(function() xai.tensor(1):channel(1) end, "a scalar has no channels")
end)

test("random numbers are normal, and the seed repeats them", function(t)
  local before = xai.seed()
  xai.seed(7)
  local a, b = xai.randn(100, 100), xai.randn(4)
  xai.seed(8)
  xai.seed(7)
  xai.randn(1)
  t.near(a:mean(), 0, 0.05) -- 10 000 of them: standard error 0.01
  t.near((a * a):mean(), 1, 0.06) -- standard error sqrt(2) / 100
  xai.seed(before)
  t.ok((xai.randn(4) - b):norm() > 0)
end)

test("a tensor says in one line what it is, with its elements when they are few", function(t)
  t.eq(tostring(xai.tensor { { 1, 2 }, { 3, -4.5 } }), "float32 tensor 2x2, from -4.5 to 3\n  1  2\n  3  -4.5")
  t.eq(tostring(xai.zeros(100)), "float32 tensor 100, from 0 to 0")
  t.eq(tostring(xai.zeros(0)), "float32 tensor 0")
end)

test("a freed tensor is refused, free may be called again, close frees", function(t)
  local x = xai.zeros(3)
  local closed
  do
    local y <close> = xai.zeros(3)
    closed = y
  end
  x:free()
  t.eq(tostring(x), "tensor (freed)")
  t.fails(function() x:sum() end, "tensor:sum: self: this tensor was freed")
  t.fails(function() x:free(); return x + 1 end, "was freed")
  t.fails(function() closed:sum() end, "was freed")
end)

test("the metatable is out of reach, and methods take no foreign self", function(t)
  t.eq(getmetatable(xai.zeros(1)), false)
  t.fails(function() setmetatable(xai.zeros(1), {}) end, "bad argument")
  t.fails(function() xai.zeros(1).sum(io.stdout) end, "self: expected a tensor, got a userdata")
  t.fails(function() xai.zeros(1).sum() end, "self: expected a tensor, got nothing")
end)

test("dropping large tensors keeps native memory small", function(t)
  local core = require "xai.core"
  local most = 0
  for _ = 1, 300 do
    local x = xai.zeros(512, 512) -- 1 MB
    most = math.max(most, (core.live_bytes()))
    x = nil
  end
  t.ok(most < 40e6, ("%d MB of garbage were alive"):format(most // 1000000))
end)

test("safetensors and npy files give back what was written", function(t)
  local path = os.tmpname()
  for _, ending in ipairs { ".safetensors", ".npy" } do os.remove(path .. ending) end
  xai.write(path .. ".safetensors", { a = xai.tensor { 1, 2 }, b = xai.tensor({ { 3 } }, "int64") }, { made = "by hand" })
  local back, meta = xai.read(path .. ".safetensors")
  t.eq(back.a:totable(), { 1, 2 })
  t.eq(back.b:totable(), { { 3 } })
  t.eq(back.b:dtype(), "int64")
  t.eq(meta.made, "by hand")
  xai.write(path .. ".npy", xai.tensor { { 1, 2 }, { 3, 4 } })
  t.eq(xai.read(path .. ".npy").data:totable(), { { 1, 2 }, { 3, 4 } })
  t.fails(function() xai.write(path .. ".npy", { a = 3 }) end, "write: a: expected a tensor, got 3")
  t.fails(function() xai.write(path .. ".npy", 3) end, "write: expected a table of tensors")
  t.fails(function() xai.read(path .. ".nothing") end, "no such file")
  for _, ending in ipairs { "", ".safetensors", ".npy" } do os.remove(path .. ending) end
end)

done()
