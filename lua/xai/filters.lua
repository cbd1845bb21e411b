-- xai.filters: what do the filters of a layer look like, and what is each of them?
--
--   local f = xai.filters(net)                            the first convolution; { layer = "conv2" } for another
--   xai.sheet { { f:picture { scale = "common" }, f:caption() } }:save "conv1.png"
--   for _, look in ipairs(f:look().oriented) do print(look.index, look.gabor.orientation) end
--
-- f.values is N x C x KH x KW as the network has it, f[i] filter i as a picture's channels (RGB, whatever the network's
-- order), #f how many there are.
local core = require "xai.core"
local check = require "xai.check"
local say = require "xai.say"
local facts = require "xai.facts"
local tiles = require "xai.tiles"
local learnt = require "xai.score.learnt"
local aligned = require "xai.score.set".aligned

local Filters = { draws_itself = true }

local function complain(text, ...) core.fail(("filters: " .. text):format(...)) end

-- ---- the layer -------------------------------------------------------------------------------------------------------

--- The filters of a convolution; nil for another layer.
local function filters_of(net, layer)
  local w = layer.op == "Conv" and net:weight(layer.name)
  return w and #w:shape() == 4 and w or nil
end

local function first(net)
  for _, layer in ipairs(net:layers()) do
    local w = filters_of(net, layer)
    if w then
      say.once(("filters: layer '%s' (%s)"):format(layer.name, w:shape()))
      return layer.name, w
    end
  end
  complain "this network has no convolution"
end

--- Names for a message, the first of many.
local function convolutions(net)
  local names = {}
  for _, layer in ipairs(net:layers()) do
    if filters_of(net, layer) then names[#names + 1] = layer.name end
  end
  if #names == 0 then complain "this network has no convolution" end
  local most = 8
  return table.concat(names, ", ", 1, math.min(most, #names)) .. (#names > most and ", ..." or "")
end

local function named(net, name)
  local layer = net:layer(name)
  local w = filters_of(net, layer)
  if not w then complain("layer '%s' is no convolution (convolutions: %s)", layer.name, convolutions(net)) end
  return layer.name, w
end

--- options: layer; default the first convolution.
local function new(net, options)
  if not core.is_net(net) then complain("expected a network, got a %s", type(net)) end
  options = check.options("filters", options, { "layer" })
  local self = { net = net, method = "filters" }
  if options.layer then self.layer, self.values = named(net, options.layer) else self.layer, self.values = first(net) end
  return setmetatable(self, Filters)
end

--- C x KH x KW weights as a picture's channels.
local function in_rgb(f, filter)
  if f.values:shape()[2] ~= 3 or f.net.order ~= "bgr" then return filter end
  local blue, green, red = table.unpack(filter:totable())
  return core.tensor { red, green, blue }
end

function Filters:__index(key)
  if math.type(key) ~= "integer" then return Filters[key] end
  if key >= 1 and key <= #self then return in_rgb(self, self.values[key]) end
end

function Filters:__len() return self.values:shape()[1] end

function Filters:__tostring() return ("filters of layer '%s': %s"):format(self.layer, self.values:shape()) end

-- ---- all of them -----------------------------------------------------------------------------------------------------

--- So many filters, and channels of each, are drawn in rows of grey tiles: as many as can be told apart on a wall.
local ROWS, COLUMNS = 20, 16

local PICTURE = { "scale", "cols", "gap", "cmap", "filters", "channels" }

--- The options; how many filters and channels of each are drawn; do they make rows?
local function shown(f, name, options)
  name = "filters:" .. name
  options = check.options(name, options, PICTURE)
  local s = f.values:shape()
  local rows = s[2] ~= 1 and s[2] ~= 3
  if not rows and options.channels then core.fail(name .. ": channels: goes with filters that are no pictures") end
  local filters = check.count(name, "filters", options.filters) or rows and ROWS or s[1]
  local channels = check.count(name, "channels", options.channels) or rows and COLUMNS or s[2]
  return options, math.min(filters, s[1]), math.min(channels, s[2]), rows
end

--- The first channels of the first filters.
local function cut(values, filters, channels)
  local s = values:shape()
  if filters == s[1] and channels == s[2] then return values end
  local rows = {}
  for i = 1, filters do rows[i] = values[i]:channels(1, channels):totable() end
  return core.tensor(rows)
end

--- Between grey tiles, which may end in white.
local HUE <const> = { 158, 202, 225 }

--- All filters: a colour tile each (grey for one channel), or where they look at maps rather than colours a row of grey tiles
--- each, one per channel. scale: "each" tile from its least to its largest weight, "row" (a filter's tiles alike) or "common";
--- filters and channels: how many are drawn. f:caption{...} says in words what the same options show.
function Filters:picture(options)
  local o, filters, channels, rows = shown(self, "picture", options)
  local s, values = self.values:shape(), cut(self.values, filters, channels)
  if rows then values = values:reshape(filters * channels, 1, s[3], s[4]) end
  local img = tiles(values, { scale = o.scale, cols = o.cols or rows and channels or nil, gap = o.gap, cmap = o.cmap,
    order = self.net.order, cross = true, between = rows and HUE or nil })
  local bar = img.bar or {}
  bar.smooth, bar.facts = false, facts.of { method = "filters", layer = self.layer, options = o, net = self.net }
  img.bar = bar
  return img
end

--- "conv1: 64 filters of 11x11", or three lines: layer, filters and channels, and of how many.
function Filters:caption(options)
  local s, _, filters, channels, rows = self.values:shape(), shown(self, "caption", options)
  local function part(n, there) return n == there and tostring(n) or ("%d of %d"):format(n, there) end
  local text = ("%s filters of %dx%d"):format(part(filters, s[1]), s[4], s[3])
  if not rows then return self.layer .. ": " .. text end
  return ("%s\n%s, a row each\n%s input channels, a tile each"):format(self.layer, text, part(channels, s[2]))
end

-- ---- a closer look ---------------------------------------------------------------------------------------------------

local Look, Looks = {}, {}
Look.__index, Looks.__index = Look, Looks

--- Whole degrees below 180.
local function degrees(angle) return ("%d"):format(math.floor(angle + 0.5) % 180) end

--- "filter 12" and what there is to say of its kind.
function Look:caption()
  local g, text = self.gabor, ("filter %d"):format(self.index)
  if self.kind ~= "oriented" then return self.colour and ("%s\ncolour %.0f %%"):format(text, 100 * self.colour) or text end
  if not g then return text end
  local fineness = g.bandwidth < math.huge and ("1 cycle in %.1f pixels"):format(1 / g.frequency) or "an edge rather than a wave"
  return ("%s, at %s°\n%s"):format(text, degrees(g.orientation), fineness)
end

--- Those of a kind, the clearest first.
local function of_kind(looks, kind, key)
  local list = {}
  for _, look in ipairs(looks) do if look.kind == kind then list[#list + 1] = look end end
  table.sort(list, function(a, b) return a[key] > b[key] or a[key] == b[key] and a.index < b.index end)
  return list
end

--- A table: a line per filter.
function Looks:__tostring()
  local rows = { { "filter", "kind", "smooth", "oriented", "colour", "degrees", "cycles/pixel", "octaves", "phase", "residual" } }
  for _, part in ipairs { self.oriented, self.blobs, self.others } do
    for _, look in ipairs(part) do
      local g = look.gabor
      local fit = g and { degrees(g.orientation), ("%.3f"):format(g.frequency),
        g.bandwidth < math.huge and ("%.1f"):format(g.bandwidth) or "low-pass", ("%d"):format(math.floor(g.phase + 0.5)),
        ("%.0f %%"):format(100 * g.residual) } or { "-", "-", "-", "-", "-" }
      rows[#rows + 1] = { tostring(look.index), look.kind, ("%.2f"):format(look.smooth), ("%.2f"):format(look.oriented),
        look.colour and ("%.2f"):format(look.colour) or "-", table.unpack(fit) }
    end
  end
  return aligned(rows)
end

local FIT_LEAST <const> = 5 -- a Gabor function has seven numbers for its shape: three by three weights fit too many of them

--- A list of what each filter is: index, smooth, oriented, colour, even, kind (see xai.score.filters), and
---   spectrum   size x size amplitudes, frequency 0 in the middle
---   gabor      of filters of one or three channels and 5x5 weights or more, or with fit = true: the nearest Gabor function
---              { orientation: degrees, counterclockwise, in which the wave runs: 0 for upright stripes; frequency: cycles per
---              weight; bandwidth: octaves, at half the amplitude (infinite: low-pass); phase: degrees; x, y; along, across:
---              deviations of the envelope; residual: share of the sum of squares that it leaves; values: the filter it makes }
--- .oriented, .blobs and .others are the same by kind, the clearest first. options: size = 32, fit.
function Filters:look(options)
  options = check.options("filters:look", options, { "size", "fit" })
  local s = self.values:shape()
  local fit = check.kind("filters:look", "fit", options.fit, "boolean")
  if fit == nil then fit = (s[2] == 1 or s[2] == 3) and math.min(s[3], s[4]) >= FIT_LEAST end
  if math.min(s[3], s[4]) < FIT_LEAST then
    say.once(("filters: of %dx%d weights little can be said: no Gabor function, and only the clearest edges count"):format(s[4], s[3]))
  end
  local size = options.size or math.max(32, s[3], s[4])
  local looks, tell = learnt.filters(self.values), say.progress("filters", #self)
  for i, look in ipairs(looks) do
    look.index, look.spectrum = i, core.score.spectrum(self.values, i, size)
    if fit then
      local gabor, values = core.score.gabor(self.values, i)
      look.gabor, gabor.values = gabor, in_rgb(self, values)
    end
    setmetatable(look, Look)
    tell(i)
  end
  looks.smooth, looks.oriented = nil, of_kind(looks, "oriented", "oriented") -- lists in place of numbers
  looks.blobs, looks.others = of_kind(looks, "colour blob", "colour"), of_kind(looks, "other", "smooth")
  return setmetatable(looks, Looks)
end

return new
