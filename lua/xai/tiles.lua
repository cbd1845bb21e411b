-- xai.tiles: filters or activations, each a small picture, side by side in one. A sheet enlarges them to squares.
--
--   xai.tiles(net:weight "conv1")                             64 x 3 x 11 x 11: 64 colour tiles
--   xai.tiles(net:weight "conv2")                             20 x 16 x 7 x 7: a row per filter, a grey tile per input channel
--   xai.tiles(net:forward(x, "conv5"), { cols = 16 })         1 x 256 x 13 x 13: 256 grey tiles
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

--- options: cols, gap = 1 pixel, cmap = "grey" (one channel), scale = "each" or "common", order = "rgb" or "bgr".
return function(t, options)
  if not core.is_tensor(t) then core.fail("tiles: expected a tensor, got a " .. type(t)) end
  options = check.options("tiles", options, { "cols", "gap", "cmap", "scale", "order" })
  local scale = options.scale or "each"
  if scale ~= "each" and scale ~= "common" then core.fail(("tiles: scale: expected each or common, got '%s'"):format(scale)) end
  local values, cols = layers(t)
  local cmap = options.cmap or "grey"
  local img, lo, hi = core.tiles(values, options.cols or cols, options.gap or 1, cmap, scale == "common", options.order or "rgb")
  if scale == "common" and values:shape()[2] == 1 then img.bar = { cmap = cmap, lo = lo, hi = hi } end
  return img
end
