-- xai.plot (module): the cells of a sheet that are plots.
--
--   { curves = { 1, 2, 3 } }, a tensor, or a list of those or of { name =, y = { ... }, x = { ... }, colour =, dashed = }
--   { bars = { { "dog", 0.61 }, { "cat", 0.12, error = 0.02, text = "12 %" }, ... } }; several values each: names = { ... }
--     for the legend
--   { scatter = tensor N x 2 or { { x, y }, ... }, classes = { one per point }, images = { one per point } }; a picture
--     that would lie under a later one is a point; axes = false for a map whose
--     coordinates mean nothing
-- and for all: the caption, xlabel, ylabel, xlim = {lo, hi}, ylim, aspect = height / width, thumb = side of the images, span.
local core = require "xai.core"

local plot = {}

local KINDS = { "curves", "bars", "scatter" }
local COMMON = { "xlabel", "ylabel", "xlim", "ylim", "aspect", "span", "before" }
local OWN = { curves = {}, bars = { "names", "colours" }, scatter = { "classes", "images", "thumb", "axes" } }

local function complain(where, text, ...) core.fail(("sheet: %s: " .. text):format(where, ...)) end

local function kind_of(cell)
  for _, kind in ipairs(KINDS) do
    if cell[kind] ~= nil then return kind end
  end
end

function plot.is_plot(cell) return kind_of(cell) ~= nil end

--- A list of numbers from a list or a tensor.
local function numbers(value, where, what)
  if core.is_tensor(value) then
    local n = 1
    for _, side in ipairs(value:shape()) do n = n * side end
    value = value:reshape(n):totable()
  end
  if type(value) ~= "table" then complain(where, "%s: expected a list of numbers, got a %s", what, type(value)) end
  for _, v in ipairs(value) do
    if type(v) ~= "number" then complain(where, "%s: expected a list of numbers, got a %s in it", what, type(v)) end
  end
  return value
end

local function counted(n)
  local x = {}
  for i = 1, n do x[i] = i end
  return x
end

local function is_numbers(value) return core.is_tensor(value) or type(value) == "table" and type(value[1]) == "number" end

local function curves(cell, where)
  local given, series = cell.curves, {}
  if is_numbers(given) then given = { given } end
  if type(given) ~= "table" or #given == 0 then complain(where, "curves: expected a list of numbers, or of { name =, y = }") end
  for i, curve in ipairs(given) do
    if is_numbers(curve) then curve = { y = curve } end
    if type(curve) ~= "table" then complain(where, "curves: expected { name =, y = }, got a %s", type(curve)) end
    local y = numbers(curve.y, where, "curves: y")
    local dashed = curve.dashed and 1 or curve.dashed == nil and (i - 1) // 8 % 2 or 0
    series[i] = { name = curve.name, y = y, x = curve.x and numbers(curve.x, where, "curves: x") or counted(#y),
      rgb = curve.colour or core.class_colour(i), look = dashed }
  end
  return series
end

--- The k-th of one value or a list of them.
local function nth(value, k) if type(value) == "table" then return value[k] end return k == 1 and value or nil end

local function bars(cell, where)
  local given, names, series, width = cell.bars, {}, {}, 1
  if type(given) ~= "table" or #given == 0 then complain(where, "bars: expected a list of { name, value }") end
  for i, bar in ipairs(given) do
    if type(bar) ~= "table" or #bar < 2 then complain(where, "bars: expected { name, value } as number %d", i) end
    names[i] = tostring(bar[1])
    width = math.max(width, #bar - 1)
  end
  for k = 1, width do
    local s = { name = cell.names and tostring(cell.names[k]), y = {}, texts = {}, error = {}, look = 0,
      rgb = cell.colours and cell.colours[k] or core.class_colour(k) }
    for i, bar in ipairs(given) do
      local value = bar[k + 1]
      if value ~= nil and type(value) ~= "number" then complain(where, "bars: '%s': expected a number, got a %s", names[i], type(value)) end
      s.y[i], s.error[i], s.texts[i] = value or 0 / 0, nth(bar.error, k) or 0, nth(bar.text, k) or false
    end
    series[k] = s
  end
  return series, names
end

--- One series per class, in the order in which they come; without classes, one.
local function scatter(cell, where)
  local given, series, by_class = cell.scatter, {}, {}
  if core.is_tensor(given) then given = given:totable() end
  if type(given) ~= "table" or #given == 0 then complain(where, "scatter: expected N x 2 numbers") end
  for _, key in ipairs { "classes", "images" } do
    if cell[key] and #cell[key] ~= #given then
      complain(where, "%s: expected one for each of %d points, got %d", key, #given, #cell[key])
    end
  end
  for i, point in ipairs(given) do
    if type(point) ~= "table" or type(point[1]) ~= "number" or type(point[2]) ~= "number" then
      complain(where, "scatter: expected { x, y } as number %d", i)
    end
    local class = cell.classes and cell.classes[i] or ""
    local s = by_class[class]
    if not s then
      local n = #series + 1
      s = { name = cell.classes and tostring(class) or nil, x = {}, y = {}, thumbs = cell.images and {}, rgb = core.class_colour(n),
        look = (n - 1) // 8 % 4 }
      series[n], by_class[class] = s, s
    end
    local n = #s.y + 1
    s.x[n], s.y[n] = point[1], point[2]
    if s.thumbs then s.thumbs[n] = cell.images[i] end
  end
  return series
end

local makers = { curves = curves, bars = bars, scatter = scatter }

--- The plot of a cell as the native layer reads it.
function plot.native(cell, where)
  local kind = kind_of(cell)
  local allowed = { kind }
  for _, names in ipairs { OWN[kind], COMMON } do table.move(names, 1, #names, #allowed + 1, allowed) end
  for key in pairs(cell) do
    local known = key == 1
    for _, name in ipairs(allowed) do known = known or key == name end
    if not known then complain(where, "unknown field '%s' (fields: caption, %s)", tostring(key), table.concat(allowed, ", ")) end
  end
  local series, names = makers[kind](cell, where)
  return { kind = kind, series = series, names = names, x_label = cell.xlabel, y_label = cell.ylabel, x = cell.xlim, y = cell.ylim,
    aspect = cell.aspect, thumb = cell.thumb, bare = cell.axes == false }
end

return plot
