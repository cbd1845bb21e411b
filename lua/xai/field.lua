-- xai.field (module): what the units of a layer see of a picture: net:receptive_field. The trace is src/graph/receptive_field.c.
local core = require "xai.core"
local check = require "xai.check"

local Net = core.types.net
local field = {}

--- "conv5:12:3:4" as the layer's own entry of net:layers() and the positions behind its name.
function field.unit(net, unit)
  local name, at = unit, {}
  while not pcall(net.layer, net, name) do
    local head, position = tostring(name):match "^(.+):(%d+)$"
    if not head then return net:layer(unit), {} end -- says which name is near
    table.insert(at, 1, math.tointeger(position))
    name = head
  end
  return net:layer(name), at
end

local Field = {}
Field.__index = Field

function Field:__tostring()
  if self.whole then return ("the whole image, %dx%d"):format(self.w, self.h) end
  local stride = self.stride and (", stride %gx%g, the first begins at %g, %g"):format(self.stride.x, self.stride.y, self.offset.x,
    self.offset.y) or ""
  return ("%dx%d pixels%s"):format(self.w, self.h, stride)
end

--- The input's height and width: the network's own, or what 'size' says: a number, {w, h}, or an input.
local function extent(net, size)
  local input = core.is_tensor(size) and size:shape() or net.input
  if #input ~= 4 then core.fail(("net:receptive_field: the network's input is no picture (%s)"):format(input)) end
  local h, w = input[3], input[4]
  if type(size) == "number" then h, w = size, size elseif type(size) == "table" then w, h = size[1], size[2] end
  if not (h and w and h > 0 and w > 0) then
    core.fail "net:receptive_field: size: expected {w, h}: the network's input has no size of its own"
  end
  return h, w
end

local function box(columns, rows, first, size)
  return { x = columns[first] + 1, y = rows[first] + 1, w = size(columns), h = size(rows) }
end

--- net:receptive_field("conv5"), of a unit net:receptive_field("conv5", column, row) or ("conv5:12:row:column"), {size = {w, h}}
--- of another input:
---   .w .h          its size in pixels of the input, where no border cuts it; .whole: some layer looks at whole maps
---   .stride .offset  {x=, y=}: pixels from one unit to the next, and where the first unit's begins; absent where that is not regular
---   .box           {x=, y=, w=, h=}: from the first to the last pixel whose change can reach the unit; absent: none can
---   .full          the same if nothing had borders: may stand over the picture's
-- Channels may differ behind a Concat; without one it is what all of them see together.
function Net:receptive_field(unit, column, row, options)
  if type(column) == "table" then column, options = nil, column end
  options = check.options("net:receptive_field", options, { "size" })
  local layer, at = field.unit(self, unit)
  local h, w = extent(self, options.size)
  if column then
    if #at > 1 then core.fail(("net:receptive_field: '%s' says already which unit"):format(unit)) end
    at = { at[1] or false, row or false, column }
  end
  local _, _, shape = self:field(layer.name, {}, h, w)
  local spans, named = {}, true -- the place, if not the channel
  for d = 1, math.max(#at, #shape - 1) do -- one too many is refused
    local count = shape[d + 1] or 1
    spans[d] = at[d] or d > 1 and count // 2 + 1 -- the middle stands for all
    named = named and (d == 1 or at[d] or count == 1) and true
  end
  local rows, columns = self:field(layer.name, spans, h, w)
  local f = setmetatable({ layer = layer.name, w = columns.size, h = rows.size, whole = rows.whole or columns.whole }, Field)
  if rows.stride > 0 and columns.stride > 0 and #shape == 4 and not f.whole then
    f.stride = { x = columns.stride, y = rows.stride }
    f.offset = { x = columns.begin - columns.stride * (spans[3] - 1) + 1, y = rows.begin - rows.stride * (spans[2] - 1) + 1 }
  end
  if named then
    if columns.stop > columns.first then f.box = box(columns, rows, "first", function(s) return s.stop - s.first end) end
    f.full = box(columns, rows, "begin", function(s) return s.size end)
  end
  return f
end

return field
