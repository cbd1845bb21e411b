-- xai.explanation: what a method returns. Fields: values, method, target, label, class, p, layer, unit, options,
-- seconds, and the method's extra tensors. Numbers are never normalised; only drawing scales them.
local core = require "xai.core"
local check = require "xai.check"
local say = require "xai.say"
local facts = require "xai.facts"

local Explanation = {}
Explanation.__index = Explanation

--- The values as one H x W map at the input's resolution.
function Explanation:map()
  return core.map(self.values, self.reduce, self.height, self.width)
end

local FIELDS = { "values", "unit", "label", "signed", "reduce" }

--- The same result with other values, to draw or score them: e:with { values = e.alpha[k], unit = "alpha" }. Values: h x w, or
--- C x h x w with reduce = "max_abs" or "sum"; signed chooses the colours.
function Explanation:with(changes)
  changes = check.options("with", changes, FIELDS)
  local e = {}
  for key, value in pairs(self) do e[key] = value end
  for key, value in pairs(changes) do e[key] = value end
  local values = changes.values
  if values ~= nil then
    if not core.is_tensor(values) then core.fail("with: values: expected a tensor, got a " .. type(values)) end
    if changes.reduce == nil then e.reduce = #values:shape() == 2 and "none" or self.reduce end
    core.map(values, e.reduce, 1, 1) -- refuses other shapes
  end
  return setmetatable(e, Explanation)
end

--- Of Grad-CAM: what speaks against the target, without another pass: its gradients, negated.
function Explanation:counterfactual()
  if self.options.counterfactual == nil or self.options.guided then
    core.fail("counterfactual: expected a result of Grad-CAM whose gradients have both signs, got one of " .. self.method)
  end
  local raw, options = -self.raw, {}
  for key, value in pairs(self.options) do options[key] = value end
  options.counterfactual = not options.counterfactual
  local e = self:with { values = options.relu and raw:clamp(0, math.huge) or raw }
  e.raw, e.weights, e.options = raw, -self.weights, options
  if options.relu and raw:max() <= 0 then
    say.once(("counterfactual: the map is zero: at layer '%s' nothing speaks %s '%s'; another layer may tell more"):format(self.layer,
      options.counterfactual and "against" or "for", self.label))
  end
  return e
end

--- The scale that the drawing options ask for: given, or the values' own. quantile = 0.99 clips the one per cent of largest
--- magnitude, mass = 0.98 those that make up the last 2 % of the sum of magnitudes (captum's rule).
local function scale_of(name, values, diverging, options)
  local scale = check.kind(name, "scale", options.scale, "table")
  if scale then return scale[1], scale[2] end
  local lo, hi = core.scale_of(values, diverging, options.quantile or 1, options.mass)
  if hi - lo < 1e-5 then say.once(("%s: the largest value is %.3g: what the colours show may be rounding"):format(name, hi)) end
  return lo, hi
end

--- Map, colour map and scale that the drawing options ask for.
local function paint(e, name, options)
  options = check.options(name, options, { "cmap", "scale", "quantile", "mass" })
  local map = e:map()
  local cmap = options.cmap or (e.signed and "diverging" or "inferno")
  return map, cmap, scale_of(name, map, core.cmap_diverging(cmap), options)
end

--- What a picture's colours mean, and how it was made.
local function bar_of(e, cmap, lo, hi) return { cmap = cmap, lo = lo, hi = hi, unit = e.unit, facts = facts.of(e) } end

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
  img.bar = bar_of(self, cmap, lo, hi)
  local shape = self.values:shape()
  img.bar.smooth = shape[#shape] ~= self.width or nil -- coarser than the input: its pixels are no values
  return img
end

--- The picture that belongs under the map: 'img' itself, or the part of it that the network was shown, in its own pixels.
local function ground(e, img)
  if img == nil then return e.image or e.net:unprepare(e.x) end
  if not core.is_image(img) then core.fail("over: picture: expected an image, got a " .. type(img)) end
  local fits = img.width == e.width and img.height == e.height
  if fits or not (e.net and e.net.crops) then return img end
  local side = math.max(1, math.floor(math.min(img.width, img.height) * e.net.crops + 0.5))
  return img:crop((img.width - side) // 2 + 1, (img.height - side) // 2 + 1, side, side)
end

--- What the network was shown of a picture, in the picture's own pixels: it may have cut off its edges.
function Explanation:input(img) return ground(self, img) end

--- The map over a picture (default: the network's input): e:over(img, 0.5), share of the map, not rescaled.
function Explanation:over(img, share, options)
  local map, cmap, lo, hi = paint(self, "over", options)
  local out = core.overlay(ground(self, img), map, cmap, lo, hi, share or 0.5)
  out.bar = bar_of(self, cmap, lo, hi)
  out.bar.smooth = true -- a photograph, however much a sheet enlarges it
  return out
end

--- C x H x W values as a colour picture, grey where zero: e:picture{quantile = 0.99}; of = "gradient" takes another of the
--- result's tensors. A result that could be the network's input shows as what it would look like; with a quantile its
--- contrast is stretched about grey.
function Explanation:picture(options)
  options = check.options("picture", options, { "quantile", "mass", "scale", "of" })
  local values = self[options.of or "values"]
  if not core.is_tensor(values) then core.fail(("picture: of: %s has no tensor '%s'"):format(self.method, tostring(options.of))) end
  if self.is_input and not (options.of or options.quantile or options.mass or options.scale) then
    local img = self.net:unprepare(values)
    img.bar = { facts = facts.of(self) }
    return img
  end
  local own = not (options.quantile or options.mass or options.scale)
  local _, most = scale_of("picture", values, true, own and { quantile = 0.999 } or options)
  local img = core.signed_picture(values, self.net.order, most)
  img.bar = { facts = facts.of(self) }
  return img
end

--- Regions above a share of the maximum, largest first: e:boxes{threshold = 0.2} -> { {x=, y=, w=, h=, score=}, ... }
--- in pixels of the network's input, or with on = img in those of e:over(img).
function Explanation:boxes(options)
  options = check.options("boxes", options, { "threshold", "on" })
  local map = self:map()
  if options.on then
    local picture = ground(self, options.on)
    map = core.map(self.values, self.reduce, picture.height, picture.width)
  end
  return core.boxes(map, options.threshold or 0.2)
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

local function pairs_of(e)
  local list = {}
  for _, key in ipairs { "method", "target", "label", "layer", "unit" } do list[#list + 1] = { key, e[key] } end
  for key, value in pairs(e.options) do list[#list + 1] = { "options." .. key, tostring(value) } end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
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
  else core.write(path, tensors_of(self), pairs_of(self)) end
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
