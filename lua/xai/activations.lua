-- xai.activations: what the channels of a layer answer to a picture (Yosinski et al. 2015).
--
--   local a = xai.activations(net, img, { layer = "conv5" })
--   xai.sheet { { a:picture { scale = "common" }, a:caption() }, { a:channel(a.strongest), over = img } }:save "conv5.png"
--
-- a.values is C x H x W, a[k] channel k, #a how many there are; a.dead lists the channels that have the same value everywhere,
-- for this picture at least; a.strongest is the channel with the largest value, a.largest[k] that of channel k.
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

--- The largest value of each channel, the channels that have only one value, and the strongest. NaN is weaker than anything.
local function judge(values)
  local largest, dead, strongest = {}, {}, 1
  for k = 1, values:shape()[1] do
    local map = values[k]
    local sum = map:sum()
    largest[k] = sum == sum and map:max() or -math.huge
    if sum == sum and largest[k] == map:min() then dead[#dead + 1] = k end
    if largest[k] > largest[strongest] then strongest = k end
  end
  return largest, dead, strongest
end

--- x: a picture, a prepared tensor or a run; options: layer, by default where Grad-CAM looks.
local function new(net, x, options)
  local start = core.clock()
  options = check.options("activations", options, { "layer" })
  local values, layer, input = core.activation(net, x, options.layer)
  values = maps_of(values, layer)
  local self = { net = net, x = input, layer = layer, values = values, method = "activations" }
  if not options.layer then say.once(("activations: layer '%s' (%s)"):format(layer, values:shape())) end
  self.largest, self.dead, self.strongest = judge(values)
  self.seconds = core.clock() - start
  return setmetatable(self, Activations)
end

function Activations:__index(key)
  if math.type(key) ~= "integer" then return Activations[key] end
  if key >= 1 and key <= #self then return self.values[key] end
end

function Activations:__len() return self.values:shape()[1] end

function Activations:__tostring()
  return ("activations of layer '%s': %s, at most %.4g, %d channels dead"):format(self.layer, self.values:shape(),
    self.largest[self.strongest], #self.dead)
end

local PICTURE = { "scale", "cols", "gap", "cmap", "channels" }

--- The numbers of the channels that are drawn, in their order: those with the largest values when there are more; and how.
local function shown(a, name, options)
  name = "activations:" .. name
  options = check.options(name, options, PICTURE)
  local most, channels, largest = check.count(name, "channels", options.channels) or #a, {}, a.largest
  for k = 1, #a do channels[k] = k end
  table.sort(channels, function(p, q) return largest[p] > largest[q] or largest[p] == largest[q] and p < q end)
  channels = table.move(channels, 1, math.min(most, #a), 1, {})
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
