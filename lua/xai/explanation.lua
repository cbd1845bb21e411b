-- xai.explanation: what a method returns. Fields: values, method, target, label, class, p, layer, unit, options,
-- seconds, and the method's extra tensors. Numbers are never normalised; only drawing scales them.
local core = require "xai.core"
local check = require "xai.check"
local say = require "xai.say"

local Explanation = {}
Explanation.__index = Explanation

--- The values as one H x W map at the input's resolution.
function Explanation:map()
  return core.map(self.values, self.reduce, self.height, self.width)
end

--- Map, colour map and scale that the drawing options ask for.
local function paint(e, name, options)
  options = check.options(name, options, { "cmap", "scale", "quantile" })
  local map = e:map()
  local cmap = options.cmap or (e.signed and "diverging" or "inferno")
  local scale = check.kind(name, "scale", options.scale, "table")
  local lo, hi
  if scale then
    lo, hi = scale[1], scale[2]
  else
    lo, hi = core.scale_of(map, core.cmap_diverging(cmap), options.quantile or 1)
  end
  return map, cmap, lo, hi
end

--- What stands below a picture: "bull mastiff 61.6 %"; the label alone when the target is no class.
function Explanation:caption()
  local label = self.label:match "^[^,]*"
  if not self.p then return label end
  return self.p < 1e-4 and label .. " < 0.01 %" or ("%s %.3g %%"):format(label, 100 * self.p)
end

--- The map as a picture: e:heat{cmap = "viridis", scale = {0, 1}, quantile = 0.99}
function Explanation:heat(options)
  local map, cmap, lo, hi = paint(self, "heat", options)
  local img = core.heat(map, cmap, lo, hi)
  img.bar = { cmap = cmap, lo = lo, hi = hi, unit = self.unit }
  return img
end

--- The picture that belongs under the map: 'img' itself, or what was left of it after cropping for the network.
local function ground(e, img)
  if img == nil then return e.image or e.net:unprepare(e.x) end
  if not core.is_image(img) then core.fail("over: picture: expected an image, got a " .. type(img)) end
  local fits = img.width == e.width and img.height == e.height
  if fits or not (e.net and e.net.crops) then return img end
  return e.net:unprepare(e.net:prepare(img))
end

--- The map over a picture (default: the network's input): e:over(img, 0.5), share of the map, not rescaled.
function Explanation:over(img, share, options)
  local map, cmap, lo, hi = paint(self, "over", options)
  local out = core.overlay(ground(self, img), map, cmap, lo, hi, share or 0.5)
  out.bar = { cmap = cmap, lo = lo, hi = hi, unit = self.unit }
  return out
end

--- C x H x W values as a colour picture, grey where zero: e:picture{quantile = 0.99}. A result that could be the network's
--- input shows as what it would look like; with a quantile its contrast is stretched about grey.
function Explanation:picture(options)
  options = check.options("picture", options, { "quantile" })
  if self.is_input and not options.quantile then return self.net:unprepare(self.values) end
  return core.signed_picture(self.values, self.net.order, options.quantile or 0.999)
end

--- Regions above a share of the maximum, largest first: e:boxes{threshold = 0.2} -> { {x=, y=, w=, h=, score=}, ... }
function Explanation:boxes(options)
  options = check.options("boxes", options, { "threshold" })
  return core.boxes(self:map(), options.threshold or 0.2)
end

--- The usual picture of this result: colours for C x H x W, otherwise the map over the input.
function Explanation:drawing()
  local shape = self.values:shape()
  if #shape == 3 and (shape[1] == 1 or shape[1] == 3) then return self:picture() end
  return self:over()
end

local function tensors_of(e)
  local list = {}
  for key, value in pairs(e) do
    if core.is_tensor(value) and key ~= "x" then list[#list + 1] = { key, value } end
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

local function facts_of(e)
  local facts = {}
  for _, key in ipairs { "method", "target", "label", "layer", "unit" } do facts[#facts + 1] = { key, e[key] } end
  for key, value in pairs(e.options) do facts[#facts + 1] = { "options." .. key, tostring(value) } end
  table.sort(facts, function(a, b) return a[1] < b[1] end)
  return facts
end

--- By extension: a picture (drawing), .npy (values), .safetensors (values, extra tensors and how they were made).
function Explanation:save(path)
  local ending = type(path) == "string" and path:match "%.([^./]+)$"
  if ending ~= "npy" and ending ~= "safetensors" then
    self:drawing():save(path)
    return self
  end
  path = say.place(path)
  if ending == "npy" then core.write(path, { { "data", self.values } }, {})
  else core.write(path, tensors_of(self), facts_of(self)) end
  say.wrote(path)
  return self
end

function Explanation:show()
  self:drawing():show()
  return self
end

function Explanation:__tostring()
  local what = self.p and ("'%s' (class %d, p = %.3g)"):format(self.label, self.class, self.p) or self.target
  local where = self.layer ~= "" and (" at layer '%s'"):format(self.layer) or ""
  return ("%s of %s%s: %s, from %.4g to %.4g %s, %.2f s"):format(self.method, what, where, self.values:shape(),
    self.values:min(), self.values:max(), self.unit, self.seconds)
end

return Explanation
