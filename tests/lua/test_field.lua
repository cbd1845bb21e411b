-- What units see, asked in Lua; and in every architecture the pixels through which a unit's gradient comes back: for so many
-- layers of each, and in slow_field.lua, which calls this with "all", for every layer.
local here = arg[0]:gsub("[^/]*$", "")
local test, done, architectures = table.unpack(dofile(here .. "tap.lua"))
local core = require "xai.core"
local xai = require "xai"
local every_layer = ... == "all"
local b = require "xai.build"

--- 7 x 7 pixels: a window of 3 that keeps the size, a pool of 3 by 2 (units 1 2 3), and the mean.
local function net()
  return b.net("small", b.seq { "conv", b.conv { 2, k = 3, pad = 1 }, "pool", b.maxpool { 3, stride = 2 }, "gap", b.gap,
    "flatten", b.flatten, "fc", b.linear { 3 } }, { input = { 1, 7, 7 }, weights = "fill", preprocess = "none" })
end

test("size, stride and offset, the box of a unit, and all of it where a layer is global", function(t)
  local n <close> = net()
  local f = n:receptive_field "pool"
  -- the pool's first window is units 1 to 3, which see pixels 0 to 4: 5 pixels, cut to 4
  t.eq({ f.w, f.h, f.stride, f.offset, f.whole, f.box }, { 5, 5, { x = 2, y = 2 }, { x = 0, y = 0 }, false, nil })
  t.eq(tostring(f), "5x5 pixels, stride 2x2, the first begins at 0, 0")
  f = n:receptive_field("pool", 3, 1)
  t.eq(f.box, { x = 4, y = 1, w = 4, h = 4 })
  t.eq(f.full, { x = 4, y = 0, w = 5, h = 5 })
  t.eq(n:receptive_field("pool:2:1:3").box, f.box) -- layer:channel:row:column
  t.eq(n:receptive_field("conv", 1, 4).box, { x = 1, y = 3, w = 2, h = 3 })
  f = n:receptive_field "fc"
  t.eq({ f.whole, f.w, f.h, f.box, f.stride }, { true, 7, 7, { x = 1, y = 1, w = 7, h = 7 }, nil })
  t.eq(tostring(f), "the whole image, 7x7")
end)

test("another size of the input, and what is refused", function(t)
  local n <close> = net()
  t.eq(n:receptive_field("pool", 1, 1, { size = { 20, 9 } }).box, { x = 1, y = 1, w = 4, h = 4 })
  t.eq(n:receptive_field("gap", { size = { 20, 9 } }).box, { x = 1, y = 1, w = 20, h = 9 })
  t.fails(function() n:receptive_field("pool", 4, 1) end, "no such unit in an activation of 1x2x3x3")
  t.fails(function() n:receptive_field "fc:1:1" end, "no such unit in an activation of 1x3")
  t.fails(function() n:receptive_field "pol" end, "did you mean 'pool'?")
  t.fails(function() n:receptive_field("pool", { sice = 3 }) end, "unknown option 'sice'")
  t.fails(function() n:receptive_field("pool:1:2:3", 1, 2) end, "says already which unit")
end)

-- ---- every architecture ------------------------------------------------------------------------------------------------

--- Weights above zero, so that no path cancels another, of mean 1 / 2 fan-in and without bias, so that rectifiers are open and
--- nothing grows until gates are shut.
local function positive(name, shape)
  local count, fan = 1, 1
  for d = 1, #shape do count, fan = count * shape[d], d > 1 and fan * shape[d] or fan end
  if name:find "bias$" or name:find "running_mean$" then return xai.zeros(count) end
  if #shape == 1 then return xai.zeros(count) + 1 end -- of a normalization
  local list, state = {}, #name * 7919 % 65536
  for i = 1, count do
    state = (state * 25173 + 13849) % 65536
    list[i] = (0.25 + state / 131072) / fan
  end
  return xai.tensor(list):reshape(table.unpack(shape))
end

--- The box around what is not 0 in a gradient C x H x W.
local function extent(g)
  local shape = g:shape()
  local left, right, top, bottom = math.huge, 0, nil, 0
  for y, line in ipairs(core.map(g, "max_abs", shape[2], shape[3]):totable()) do
    for x, v in ipairs(line) do
      if v ~= 0 then left, right, top, bottom = math.min(left, x), math.max(right, x), top or y, y end
    end
  end
  return top and { x = left, y = top, w = right - left + 1, h = bottom - top + 1 }
end

local LAYERS <const> = 25
-- A maximum lets a gradient through in one place only, a mean over the same windows in all.
b.maxpool = function(o) return b.avgpool(o) end
for _, name in ipairs(architectures()) do -- reads the families, which take up what b has
  test(name .. ": the box of a unit is where its gradient comes back to", function(t)
    local function make(size) return xai.zoo[name] { weights = positive, width = 0.125, classes = 3, size = size } end
    local small, n = pcall(make, 80)
    if not small then n = make() end -- fully connected layers that want the size of the paper
    local s = n.input
    local x = positive("x", { 1, s[2], s[3], s[4] }) * (2 * s[2] * s[3] * s[4]) -- about 1
    local run = n:run(x)
    local layers = n:layers()
    local step = every_layer and 1 or math.max(1, #layers // LAYERS)
    for i = (#name * 13 + name:byte(-1)) % step + 1, #layers, step do -- others in networks of one family
      local layer = layers[i]
      local y = run:get(layer.name)
      local shape, unit, at = y:shape(), layer.name, {}
      for d = 2, #shape do
        at[d] = 1 + (i * 7 + d * 5) * 37 % shape[d]
        unit = unit .. ":" .. at[d]
      end
      at[1], at[#shape + 1] = 1, 1e15
      local seed = (y * 0):set(table.unpack(at))
      local g = run:backward { seed = seed, at = layer.name }
      local box = n:receptive_field(unit).box
      t.eq(box, extent(g[1]), ("%s (%s)"):format(unit, layer.op))
    end
    n:free()
    run:free()
  end)
end

done()
