-- xai.activations: what the channels of a layer answer to a picture (Yosinski et al. 2015).
--
--   local a = xai.activations(net, img, { layer = "conv5" })
--   xai.sheet { { a:picture { scale = "common" }, a:caption() }, { a:channel(a.strongest), over = img } }:save "conv5.png"
--
-- a.values is C x H x W, a[k] channel k, #a how many there are; a.dead lists the channels that have the same value everywhere,
-- for this picture at least; a.strongest is the channel with the largest value.
local core = require "xai.core"
local check = require "xai.check"
local say = require "xai.say"
local facts = require "xai.facts"
local tiles = require "xai.tiles"
local Explanation = require "xai.explanation"

local Activations = { draws_itself = true }

local function complain(text, ...) core.fail(("activations: " .. text):format(...)) end

--- One picture's maps as C x H x W.
local function maps_of(values, layer)
  local s = values:shape()
  if #s == 4 and s[1] > 1 then complain("one picture at a time, got %d", s[1]) end
  if #s ~= 4 or s[3] * s[4] == 1 then
    complain("layer '%s' has no height and width (%s); name one that has with 'layer'", layer, s)
  end
  return values:reshape(table.unpack(s, 2))
end

--- x: a picture, a prepared tensor or a run; options: layer, by default where Grad-CAM looks.
local function new(net, x, options)
  local start = core.clock()
  options = check.options("activations", options, { "layer" })
  local values, layer, input = core.activation(net, x, options.layer)
  local self = { net = net, x = input, layer = layer, values = maps_of(values, layer), dead = {}, method = "activations" }
  if not options.layer then say.once(("activations: layer '%s' (%s)"):format(layer, self.values:shape())) end
  for k = 1, self.values:shape()[1] do
    local map = self.values[k]
    if map:max() == map:min() then self.dead[#self.dead + 1] = k end
  end
  self.strongest = (self.values:argmax())
  self.seconds = core.clock() - start
  return setmetatable(self, Activations)
end

function Activations:__index(key)
  if math.type(key) ~= "integer" then return Activations[key] end
  if key >= 1 and key <= #self then return self.values[key] end
end

function Activations:__len() return self.values:shape()[1] end

function Activations:__tostring()
  return ("activations of layer '%s': %s, from %.4g to %.4g, %d channels dead"):format(self.layer, self.values:shape(),
    self.values:min(), self.values:max(), #self.dead)
end

local PICTURE = { "scale", "cols", "gap", "cmap", "channels" }

--- The numbers of the channels that are drawn, in their order: those with the largest values when there are more.
local function shown(a, name, options)
  options = check.options("activations:" .. name, options, PICTURE)
  local most, list = check.kind("activations:" .. name, "channels", options.channels, "number") or #a, {}
  if math.type(most) ~= "integer" or most < 1 then complain("%s: channels: expected a whole number from 1, got %s", name, most) end
  for k = 1, #a do list[k] = { k = k, value = a[k]:max() } end
  table.sort(list, function(p, q) return p.value > q.value or p.value == q.value and p.k < q.k end)
  local channels = {}
  for i = 1, math.min(most, #a) do channels[i] = list[i].k end
  table.sort(channels)
  return channels, { scale = options.scale, cols = options.cols, gap = options.gap, cmap = options.cmap, cross = true }
end

--- Their maps, as a tensor.
local function maps(a, channels)
  if #channels == #a then return a.values end
  local list = {}
  for i, k in ipairs(channels) do list[i] = a[k]:totable() end
  return core.tensor(list)
end

--- All channels as tiles in grey, the dead ones crossed out. scale: "each" channel from its least (or 0) to its largest value,
--- or "common", which says which answer strongly; channels: draws so many with the largest values.
function Activations:picture(options)
  local channels, o = shown(self, "picture", options)
  local img = tiles(maps(self, channels), o)
  local bar = img.bar or {}
  bar.smooth, bar.facts = false, facts.of { method = "activations", layer = self.layer, options = options or {}, net = self.net }
  img.bar = bar
  return img
end

--- The box around channel k in the picture that the same options make; nil when it is not there.
function Activations:box(k, options)
  local channels, o = shown(self, "box", options)
  for i, there in ipairs(channels) do
    if there == k then return tiles.box(maps(self, channels), i, o) end
  end
end

--- "relu5: 64 channels of 12x12, 3 dead", or how many of them the same options show.
function Activations:caption(options)
  local s, n = self.values:shape(), #shown(self, "caption", options)
  return ("%s: %s%d channels of %dx%d%s"):format(self.layer, n < s[1] and ("the strongest %d of "):format(n) or "", s[1], s[3], s[2],
    #self.dead > 0 and (", %d dead"):format(#self.dead) or "")
end

--- One channel as a result like a method's: a:channel(7):over(img).
function Activations:channel(k)
  if not self[k] then complain("channel: expected a number from 1 to %d, got %s", #self, tostring(k)) end
  local unit, s = ("%s:%d"):format(self.layer, k), self.x:shape()
  local values = self[k]
  return setmetatable({ method = "activations", target = unit, label = unit, layer = self.layer, unit = "activation", options = {},
    values = values, reduce = "none", signed = values:min() < 0, height = s[3], width = s[4], seconds = self.seconds, net = self.net,
    x = self.x }, Explanation)
end

return new
