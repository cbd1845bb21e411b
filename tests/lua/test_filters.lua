-- Filters: which layer, how they are drawn, what each of them is. The fit itself is tested in tests/c/score/test_gabor.c.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"
local b = require "xai.build"

local SIDE = 9

--- A filter SIDE x SIDE of three colours from f(x, y), x to the right and y up from the middle.
local function filter(f, colours)
  local channels = {}
  for k, share in ipairs(colours) do
    channels[k] = {}
    for row = 1, SIDE do
      channels[k][row] = {}
      for column = 1, SIDE do channels[k][row][column] = share * f(column - 5, 5 - row) end
    end
  end
  return channels
end

local function gabor(degrees, period, sigma)
  local cosine, sine = math.cos(math.rad(degrees)), math.sin(math.rad(degrees))
  return function(x, y)
    return math.exp(-(x * x + y * y) / (2 * sigma * sigma)) * math.cos(2 * math.pi * (x * cosine + y * sine) / period)
  end
end
local function blob(x, y) return math.exp(-(x * x + y * y) / 8) end

--- conv1: an upright edge (dull), noise, a blob of red against green, an edge at 30 degrees, a grey blob, nothing.
local function first_layer()
  local noise = xai.randn(3, SIDE, SIDE):totable()
  return xai.tensor { filter(gabor(0, 5, 1.5), { 0.2, 0.2, 0.2 }), noise, filter(blob, { 1, -1, 0 }),
    filter(gabor(30, 5, 2), { 0.1, 0.4, -0.2 }), filter(blob, { 1, 1, 1 }), filter(function() return 0 end, { 0, 0, 0 }) }
end

--- Three convolutions, the second 5 of 6 x 3 x 3, the third 40 of 5 x 1 x 1.
local function net(preprocess)
  local w = { ["conv1.weight"] = first_layer() }
  return b.net("seen", b.seq { "conv1", b.conv { 6, k = SIDE, pad = 4, bias = false }, "relu1", b.relu, "conv2",
    b.conv { 5, k = 3, bias = false }, "relu2", b.relu, "conv3", b.conv { 40, bias = false }, "gap", b.gap, "flatten", b.flatten,
    "fc", b.linear { 2 } },
    { input = { 3, 16, 16 }, preprocess = preprocess or "none", weights = function(name, shape)
      return w[name] or xai.randn(table.unpack(shape))
    end })
end

test("the first convolution is the default, others go by name, what is none is refused", function(t)
  local n = net()
  local f = xai.filters(n)
  t.eq({ f.layer, #f, tostring(f.values:shape()) }, { "conv1", 6, "6x3x9x9" })
  t.eq({ tostring(f[4]:shape()), f[0], f[7] }, { "3x9x9" })
  t.near(f[4], n:weight "conv1"[4], 0)
  t.eq(tostring(xai.filters(n, { layer = "conv2" })), "filters of layer 'conv2': 5x6x3x3")
  t.fails(function() xai.filters(n, { layer = "fc" }) end, "filters: layer 'fc' is no convolution (convolutions: conv1, conv2, conv3)")
  t.fails(function() xai.filters(n, { layer = "conv" .. 9 }) end, "conv9")
  t.fails(function() xai.filters(n, { layr = "conv1" }) end, "filters: unknown option 'layr' (options: layer); did you mean 'layer'?")
  t.fails(function() xai.filters "conv1" end, "filters: expected a network, got a string")
  local dense = b.net("dense", b.seq { "flatten", b.flatten, "fc", b.linear { 2 } }, { input = { 1, 2, 2 }, preprocess = "none" })
  t.fails(function() xai.filters(dense) end, "filters: this network has no convolution")
  t.fails(function() xai.filters(dense, { layer = "fc" }) end, "filters: this network has no convolution")
end)

test("a view's weights are its filters", function(t)
  local zero = net():with { weights = { conv1 = xai.zeros(6, 3, SIDE, SIDE) } }
  t.eq(xai.filters(zero).values:norm(), 0.0)
end)

test("each filter is what it is: oriented, a blob of colour, or neither", function(t)
  local looks = xai.filters(net()):look()
  local kinds = {}
  for i, look in ipairs(looks) do kinds[i] = look.kind end
  t.eq(kinds, { "oriented", "other", "colour blob", "oriented", "other", "other" })
  t.eq({ #looks, #looks.oriented, #looks.blobs, #looks.others }, { 6, 2, 1, 3 })
  for k = 2, #looks.oriented do t.ok(looks.oriented[k - 1].oriented >= looks.oriented[k].oriented) end
  -- colours 1 -1 0 have no grey in them; of 0.1 0.4 -0.2 the grey part is 3 * 0.1^2 of 0.01 + 0.16 + 0.04
  t.near({ looks[3].colour, looks[1].colour, looks[4].colour }, { 1, 0, 1 - 0.03 / 0.21 }, 1e-5)
  t.near({ looks[1].gabor.orientation % 180, looks[4].gabor.orientation }, { 0, 30 }, 0.1)
  t.near({ looks[1].gabor.frequency, looks[4].gabor.frequency }, { 1 / 5, 1 / 5 }, 1e-3)
  t.near({ looks[4].gabor.phase, looks[4].gabor.along, looks[4].gabor.across }, { 0, 2, 2 }, 1e-2)
  t.near({ looks[4].gabor.x, looks[4].gabor.y }, { 5, 5 }, 1e-3)
  t.ok(looks[4].gabor.residual < 1e-8 and looks[2].gabor.residual > 0.6)
  t.near(looks[4].gabor.values, first_layer()[4], 1e-4)
  t.eq(looks[4]:caption(), "filter 4, at 30°\n1 cycle in 5.0 pixels")
  t.eq(looks[3]:caption(), "filter 3\ncolour 100 %")
end)

-- The wave of filter 4 runs 30 degrees upwards at a fifth of a cycle per weight: 10 of 50 rows and columns from the middle
-- (26, 26), 8.66 to the right and 5 up, or the opposite; what is left of its mean draws it in a little.
test("the spectrum has its spots where the wave runs", function(t)
  local row, column = xai.filters(net()):look { size = 50, fit = false }[4].spectrum:argmax()
  local right, up = column - 26, 26 - row
  t.near({ math.abs(right), up * right / math.abs(right) }, { 8.66, 5 }, 0.7)
  t.eq(tostring(xai.filters(net()):look { size = 20, fit = false }[1].spectrum:shape()), "20x20")
end)

test("a table says it all, the clearest first", function(t)
  local text = tostring(xai.filters(net()):look())
  local lines = {}
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
  t.eq(#lines, 7)
  t.ok(lines[1]:find "filter +kind +smooth +oriented +colour +degrees +cycles/pixel +octaves +phase +residual")
  t.ok(lines[4]:find "^3 +colour blob")
end)

-- Three by three weights: a blob of green that fills the filter has no edge to be smooth at, noise has no colour of its own.
test("small filters are blobs when they have one colour everywhere", function(t)
  local full, noise = {}, xai.randn(3, 3, 3):totable()
  for k, share in ipairs { -0.5, 1, -0.5 } do full[k] = { { share, share, share }, { share, 1.5 * share, share }, { share, share, share } } end
  local n = b.net("small", b.seq { "conv", b.conv { 2, k = 3, bias = false }, "gap", b.gap, "flatten", b.flatten },
    { input = { 3, 8, 8 }, preprocess = "none", weights = function() return xai.tensor { full, noise } end })
  local looks = xai.filters(n):look()
  t.eq({ looks[1].kind, looks[2].kind, looks[1].gabor }, { "colour blob", "other", nil })
end)

test("filters that see no colours, or are too small, are not fitted unless asked", function(t)
  local f = xai.filters(net(), { layer = "conv2" })
  local looks = f:look()
  t.eq({ looks[1].gabor, looks[1].colour, #looks.blobs }, { nil, nil, 0 })
  t.ok(tostring(looks):find "%-")
  t.ok(f:look { fit = true }[1].gabor.residual < 1)
  t.fails(function() xai.filters(net(), { layer = "conv3" }):look { fit = true } end, "filters: weights: expected filters of 2x2 or more, got 1x1")
  t.fails(function() f:look { fit = 1 } end, "filters:look: fit: expected a boolean, got a number")
  t.fails(function() f:look { size = 2 } end, "filters: size: expected")
end)

test("colour tiles for what sees colours, rows of grey ones for the rest, and what is left out is said", function(t)
  local n = net()
  local f = xai.filters(n)
  t.eq({ f:picture { cols = 3 }:size() }, { 29, 19 }) -- 3 x 2 of 9 and gaps of 1
  t.eq(f:caption(), "conv1: 6 filters of 9x9")
  t.eq({ f:picture { filters = 2, cols = 1 }:size() }, { 9, 19 })
  t.eq(f:caption { filters = 2 }, "conv1: 2 of 6 filters of 9x9")
  local g = xai.filters(n, { layer = "conv2" })
  t.eq({ g:picture():size() }, { 23, 19 }) -- 6 columns, 5 rows of 3
  t.eq(g:caption(), "conv2\n5 filters of 3x3, a row each\n6 input channels, a tile each")
  t.eq(g:caption { filters = 3, channels = 4 }, "conv2\n3 of 5 filters of 3x3, a row each\n4 of 6 input channels, a tile each")
  t.eq({ g:picture { filters = 3, channels = 4, gap = 0 }:size() }, { 12, 9 })
  t.eq({ xai.filters(n, { layer = "conv3" }):picture { gap = 0 }:size() }, { 5, 20 }) -- 20 of 40
  t.fails(function() f:picture { channels = 2 } end, "filters:picture: channels: goes with filters that are no pictures")
  t.fails(function() g:picture { filters = 0 } end, "filters:picture: filters: expected a whole number from 1, got 0")
  t.fails(function() g:picture { scale = "all" } end, "tiles: scale: expected each, row or common, got 'all'")
  t.fails(function() g:picture { colour = 1 } end, "filters:picture: unknown option 'colour'")
end)

-- 20x16x7x7 stays whole: 16 tiles of 7 and 15 gaps, 20 and 19; 512x512x3x3 is cut to as many.
test("what the lecture draws is drawn whole, what is larger is cut", function(t)
  local function layer(filters, channels, k)
    return b.net("large", b.seq { "conv", b.conv { filters, k = k, bias = false }, "gap", b.gap, "flatten", b.flatten },
      { input = { channels, 8, 8 }, preprocess = "none", weights = "fill" })
  end
  local f = xai.filters(layer(20, 16, 7))
  t.eq({ f:picture():size() }, { 127, 159 })
  t.eq(f:caption(), "conv\n20 filters of 7x7, a row each\n16 input channels, a tile each")
  local g = xai.filters(layer(512, 512, 3))
  t.eq({ g:picture():size() }, { 63, 79 })
  t.eq(g:caption(), "conv\n20 of 512 filters of 3x3, a row each\n16 of 512 input channels, a tile each")
end)

--- One filter of red alone is red, whatever order the network wants its colours in.
test("the colours of a network in BGR order are drawn as colours", function(t)
  local red = xai.tensor { { { { 0, 0 }, { 0, 0 } }, { { 0, 0 }, { 0, 0 } }, { { 1, 1 }, { 0, 0 } } } } -- blue, green, red
  local n = b.net("bgr", b.seq { "conv", b.conv { 1, k = 2, bias = false }, "gap", b.gap, "flatten", b.flatten },
    { input = { 3, 4, 4 }, preprocess = "caffe", weights = function() return red end })
  local f = xai.filters(n)
  t.eq({ f:picture():get(1, 1) }, { 255, 0, 0 })
  t.eq(f[1]:totable()[1], { { 1.0, 1.0 }, { 0.0, 0.0 } })
  t.near(f.values, red, 0)
end)

test("one scale for all shows which filters are weak, and a filter of nothing is crossed out", function(t)
  local f = xai.filters(net())
  local function reach(img, k) -- of the reds in the middle row of a tile
    local tile, lo, hi = xai.tiles.box(f.values, k, { cols = 3 }), 255, 0
    for x = tile.x, tile.x + tile.w - 1 do
      local red = img:get(x, tile.y + 4)
      lo, hi = math.min(lo, red), math.max(hi, red)
    end
    return hi - lo
  end
  local each, common = f:picture { cols = 3 }, f:picture { cols = 3, scale = "common" }
  t.ok(reach(each, 1) > 200 and reach(common, 1) < 60)
  t.eq({ each:get(21, 11) }, { 230, 159, 0 }) -- the upper left corner of the last
end)

test("a sheet draws filters, one filter, and how they were made", function(t)
  local f = xai.filters(net())
  local sheet = xai.sheet { cols = 2, { f, f:caption() }, { f[1], "one" } }
  t.ok(sheet:facts():find('"method": "filters"', 1, true) and sheet:facts():find('"layer": "conv1"', 1, true))
  t.eq(sheet.cells[1].smooth, "no")
end)

test("a network of one colour has grey tiles and no blobs of colour", function(t)
  local f = xai.filters(tiny.load())
  t.eq({ f:picture { gap = 0, cols = 2 }:size() }, { 6, 3 })
  t.eq({ #f:look().blobs, f:caption() }, { 0, "conv1: 2 filters of 3x3" })
end)

-- docs/models.md says how many of the shipped network's filters are smooth and oriented; all have a spectrum and a fit.
test("the shipped network's first filters are edges and blobs", function(t)
  local f = xai.filters(xai.model "default")
  local looks, list = f:look(), xai.score.filters(f.values)
  t.eq({ #looks, #looks.oriented, #looks.blobs }, { 48, list.oriented, list.blobs })
  for _, look in ipairs(looks) do
    local g = look.gabor
    t.ok(g.residual >= 0 and g.residual <= 1 and g.orientation >= 0 and g.orientation <= 180 and g.frequency <= 0.5)
  end
  local left = 0
  for _, look in ipairs(looks.oriented) do left = left + look.gabor.residual / #looks.oriented end
  t.ok(left < 0.25, ("%.2f"):format(left)) -- edges are nearly Gabor functions
end)

done()
