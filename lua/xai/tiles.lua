-- xai.tiles: filters or activations, each a small picture, side by side in one. A sheet enlarges them to squares.
--
--   xai.tiles(net:weight "conv1")                             64 x 3 x 11 x 11: 64 colour tiles
--   xai.tiles(net:weight "conv2")                             20 x 16 x 7 x 7: a row per filter, a grey tile per input channel
--   xai.tiles(net:forward(x, "conv5"), { cols = 16 })         1 x 256 x 13 x 13: 256 grey tiles
--
-- xai.tiles.box(tensor, k, options) is the box around tile k in the picture that the same options make.
local core = require "xai.core"
local check = require "xai.check"

--- As N x C x H x W with C = 1 or 3, and the number of columns that its structure asks for.
local function layers(t)
  local s = t:shape()
  if #s == 2 then return t:reshape(1, 1, s[1], s[2]), 0 end
  if #s == 3 then return t:reshape(s[1], 1, s[2], s[3]), 0 end
  if #s ~= 4 then core.fail(("tiles: expected N x H x W or N x C x H x W, got %s"):format(s)) end
  if s[2] == 1 or s[2] == 3 then return t, 0 end
  return t:reshape(s[1] * s[2], 1, s[3], s[4]), s[1] > 1 and s[2] or 0
end

--- How many tiles after one another share a scale.
local function alike(scale, values, cols)
  if scale == "each" then return 1 end
  if scale == "common" then return values:shape()[1] end
  if scale ~= "row" then core.fail(("tiles: scale: expected each, row or common, got '%s'"):format(tostring(scale))) end
  if cols == 0 then core.fail "tiles: scale: 'row' needs a number of columns: cols" end
  return cols
end

--- The tensor as tiles, and the options with their defaults; cols = 0: as near to a square as can be.
local function read(t, options)
  if not core.is_tensor(t) then core.fail("tiles: expected a tensor, got a " .. type(t)) end
  options = check.options("tiles", options, { "cols", "gap", "cmap", "scale", "order", "cross", "between" })
  local values, cols = layers(t)
  return values, { cols = options.cols or cols, gap = options.gap or 1, cmap = options.cmap or "grey", scale = options.scale or "each",
    order = options.order or "rgb", cross = options.cross, between = options.between }
end

--- options: cols, gap = 1 pixel, cmap = "grey" (one channel), scale = "each", "row" or "common", order = "rgb" or "bgr",
--- cross = true: tiles that have the same value everywhere are crossed out; between = {255, 255, 255}: the colour of the gaps.
local function draw(t, options)
  local values, o = read(t, options)
  local img, lo, hi = core.tiles(values, o.cols, o.gap, o.cmap, alike(o.scale, values, o.cols), o.order, o.cross, o.between)
  if o.scale == "common" and values:shape()[2] == 1 then img.bar = { cmap = o.cmap, lo = lo, hi = hi } end
  return img
end

local tiles = {}

function tiles.box(t, k, options)
  local values, o = read(t, options)
  local s, img = values:shape(), draw(t, options)
  if math.type(k) ~= "integer" or k < 1 or k > s[1] then
    core.fail(("tiles.box: expected a number from 1 to %d, got %s"):format(s[1], tostring(k)))
  end
  local pitch = s[4] + o.gap
  local cols = (img.width + o.gap) // pitch
  return { x = (k - 1) % cols * pitch + 1, y = (k - 1) // cols * (s[3] + o.gap) + 1, w = s[4], h = s[3] }
end

return setmetatable(tiles, { __call = function(_, ...) return draw(...) end })
