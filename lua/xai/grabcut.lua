-- xai.grabcut: the pixels of an object, from where it is roughly. GrabCut (src/explain/grabcut.c).
--
--   local cut = xai.grabcut(img, { saliency = xai.saliency(net, img) })     Simonyan et al. 2014, section 3.2
--   local cut = xai.grabcut(img, { rect = { x = 70, y = 10, w = 100, h = 135 } })
--
-- cut.values is H x W of 0 and 1, cut.box the tight box around the ones, cut.cutout the picture with white in place of the
-- rest; otherwise it is a result like a method's.
local core = require "xai.core"
local check = require "xai.check"
local Explanation = require "xai.explanation"

local KEYS = { "saliency", "rect", "mask", "object", "background", "hard", "iterations", "components", "gamma", "largest" }

local function complain(text, ...) core.fail(("grabcut: " .. text):format(...)) end

local function is_explanation(value) return getmetatable(value) == Explanation end

--- The picture that a map belongs to, and the map at its size. Of a picture that the network saw cropped only that part
--- can be cut.
local function fit(img, map)
  if is_explanation(map) then
    if (img.width ~= map.width or img.height ~= map.height) and map.net and map.net.crops then
      img = map.net:unprepare(map.net:prepare(img))
    end
    map = map:map()
  end
  if not core.is_tensor(map) then complain "saliency: expected a map or a result" end
  return img, core.map(map, "none", img.height, img.width)
end

--- Where it is certain that there is no object: outside of the rectangle {x, y, w, h}, positions from 1.
local function outside(img, rect)
  if type(rect) ~= "table" then complain "rect: expected { x =, y =, w =, h = }" end
  local function side(key, index)
    local v = math.tointeger(rect[key] or rect[index])
    return v or complain("rect: %s: expected an integer, got %s", key, tostring(rect[key] or rect[index]))
  end
  return { x = side("x", 1), y = side("y", 2), w = side("w", 3), h = side("h", 4) }, img
end

local function share(options, key, absent)
  local v = check.kind("grabcut", key, options[key], "number") or absent
  if not (v >= 0 and v <= 1) then complain("%s: expected a number from 0 to 1, got %s", key, v) end
  return v
end

--- What is known of each pixel, and the picture that the codes belong to.
local function codes_of(img, options)
  if options.saliency then
    local picture, map = fit(img, options.saliency)
    local hard = options.hard == nil or check.kind("grabcut", "hard", options.hard, "boolean")
    return core.grabcut_seeds(map, share(options, "object", 0.95), share(options, "background", 0.3), hard), picture
  end
  for _, key in ipairs { "object", "background", "hard" } do
    if options[key] ~= nil then complain("%s: goes with saliency", key) end
  end
  if options.rect then
    local r = outside(img, options.rect)
    return core.grabcut_rect(img, r.x, r.y, r.w, r.h), img
  end
  local mask = options.mask
  if not core.is_tensor(mask) then complain "mask: expected a tensor H x W" end
  return mask:dtype() == "uint8" and mask or core.tensor(mask, "uint8"), img
end

return function(img, options)
  local start = core.clock()
  if not core.is_image(img) then complain("picture: expected an image, got a %s", type(img)) end
  options = check.options("grabcut", options, KEYS)
  local given = (options.saliency and 1 or 0) + (options.rect and 1 or 0) + (options.mask and 1 or 0)
  if given ~= 1 then complain "expected one of saliency, rect and mask" end
  local codes, picture = codes_of(img, options)
  local used = {
    iterations = options.iterations or (options.saliency and 1 or 5), components = options.components or 5,
    gamma = options.gamma or 50, largest = options.largest,
  }
  if used.largest == nil then used.largest = options.saliency ~= nil end
  local cut = core.grabcut(picture, codes, used)
  cut.options, cut.image, cut.method, cut.seconds = used, picture, "grabcut", core.clock() - start
  cut.target, cut.label, cut.layer, cut.unit = "object", "object", "", "object"
  cut.reduce, cut.signed, cut.height, cut.width = "none", false, picture.height, picture.width
  return setmetatable(cut, Explanation)
end
