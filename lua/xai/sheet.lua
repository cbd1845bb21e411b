-- xai.sheet: a figure: captioned pictures, maps, plots and what stands between them, on one page.
--
--   xai.sheet { title = "One picture, two classes", cols = 3,
--     { img, "input" },
--     { dog, "Grad-CAM\ndog 61 %", boxes = dog:boxes { on = img }[1] },
--     { bars = { { "dog", 0.61 }, { "cat", 0.12 } }, "what the network sees" } }:save "dogcat.pdf"
--
-- A cell is a picture, an explanation, a tensor (H x W, or 3 x H x W), a text, or false for an empty place; alone, or as
-- { it, caption, fields }, or a plot: { curves =, bars = or scatter =, caption, fields }. See xai.plot for plots.
--   over = img, as = "heat", "over" or "picture", of = "gradient", cmap, scale = {lo, hi}, quantile, mass, share   how a map
--   is painted
--   bar = an explanation, a table or false    colour bar; it comes from the picture when absent
--   boxes = { {x=, y=, w=, h=, label=, colour=, dashed=}, ... }, points = { {x=, y=, colour=}, ... }   in the picture's pixels
--   contour = 0.5 or { map, 0.5, colour=, dashed= }   where a map is half of its maximum
--   before = "+ 0.4 ×"   left of the picture; numbers = true   the values in a tensor's squares
--   classes = { "dog", "cat" }   a tensor of 1, 2, ... as colours, with a legend
--   legend = { { "name", colour }, ... }, span = columns, smooth = true or false
-- rows and cols are numbers, or lists of titles. scale = "common", "row" or "column" paints all maps, those of a row, or
-- those of a column alike; gap = 0.3 is for many small tiles.
local core = require "xai.core"
local check = require "xai.check"
local say = require "xai.say"
local facts = require "xai.facts"
local plot = require "xai.plot"
local Explanation = require "xai.explanation"

local Sheet = {}
Sheet.__index = Sheet

local function complain(text, ...) core.fail(("sheet: " .. text):format(...)) end

local function is_explanation(value) return getmetatable(value) == Explanation end

local PAINT = { "over", "as", "of", "classes", "cmap", "scale", "quantile", "mass", "share" }
local FIELDS = { "bar", "boxes", "points", "contour", "before", "numbers", "legend", "span", "smooth" }
local SHEET = { "title", "rows", "cols", "cell", "scale", "gap", "cmap", "quantile", "mass" }

-- ---- maps ----------------------------------------------------------------------------------------------------------

--- A tensor that can be drawn as H x W, or as 3 x H x W; nil when it cannot.
local function flat(t)
  local shape = t:shape()
  local n = #shape
  while n > 2 and shape[n - 2] == 1 do
    for i = 1, n - 3 do if shape[i] ~= 1 then return nil end end
    return t:reshape(shape[n - 1], shape[n]), false
  end
  if n == 2 then return t, false end
  if n >= 3 and shape[n - 2] == 3 and (n == 3 or n == 4 and shape[1] == 1) then
    return t:reshape(1, 3, shape[n - 1], shape[n]), true
  end
end

--- A map of classes, counted from 1: a colour for each.
local function paint_classes(values, classes, where)
  local rows = values:totable()
  for _, row in ipairs(rows) do
    for x, class in ipairs(row) do
      if not classes[class] then complain("%s: classes: %s is none of %d", where, class, #classes) end
      row[x] = core.class_colour(math.tointeger(class))
    end
  end
  return core.image_of(core.tensor(rows, "uint8"))
end

--- How one tensor is painted: a function of the scale, its own scale, and the colour map; a colour picture has no scale.
local function paint_tensor(t, o, where)
  local values, colour = flat(core.is_tensor(t) and t:dtype() ~= "float32" and core.tensor(t, "float32") or t)
  if not values then complain("%s: a tensor of %s is no picture (expected H x W or 3 x H x W; xai.tiles draws many)", where, t:shape()) end
  if o.classes and not colour then
    return { paint = function() return paint_classes(values, o.classes, where) end }
  elseif colour and values:min() < 0 then -- as gradients and filters are shown: grey is zero
    local _, most = core.scale_of(values, true, o.quantile or 1, o.mass)
    return { paint = function() return core.signed_picture(values, "rgb", o.scale and o.scale[2] or most) end }
  elseif colour then
    return { paint = function() return (core.tiles(values, 1, 0, "grey", false, "rgb")) end }
  end
  local cmap = o.cmap or (values:min() < 0 and "diverging" or "inferno")
  local lo, hi = core.scale_of(values, core.cmap_diverging(cmap), o.quantile or 1, o.mass)
  return { cmap = cmap, lo = lo, hi = hi, paint = function(scale)
    local img = core.heat(values, cmap, scale[1], scale[2])
    img.bar = { cmap = cmap, lo = scale[1], hi = scale[2] }
    return img
  end }
end

local function paint_explanation(e, o, where)
  local shape = e.values:shape()
  local colour = #shape == 3 and (shape[1] == 1 or shape[1] == 3)
  local as = o.as or ((o.over or not (colour or o.of)) and "over") or "picture"
  if as == "picture" then
    return { paint = function() return e:picture { of = o.of, quantile = o.quantile, mass = o.mass, scale = o.scale } end }
  end
  if as ~= "heat" and as ~= "over" then complain("%s: as: expected heat, over or picture, got '%s'", where, tostring(as)) end
  local cmap = o.cmap or (e.signed and "diverging" or "inferno")
  local lo, hi = core.scale_of(e:map(), core.cmap_diverging(cmap), o.quantile or 1, o.mass)
  return { cmap = cmap, lo = lo, hi = hi, paint = function(scale)
    local options = { cmap = cmap, scale = scale }
    if as == "heat" then return e:heat(options) end
    return e:over(o.over, o.share, options)
  end }
end

--- Maps that are to look alike get one scale: from the least to the largest value of all that have the same colour map.
local function share_scales(cells, columns, mode)
  local scales = {}
  for _, cell in ipairs(cells) do
    local map = cell.map
    if map and map.lo and not map.scale then
      local group = mode == "row" and cell.row or mode == "column" and cell.column or 0
      local key = map.cmap .. " " .. group
      local all = scales[key] or { map.lo, map.hi }
      scales[key] = all
      all[1], all[2] = math.min(all[1], map.lo), math.max(all[2], map.hi)
      map.scale = all
    end
  end
end

-- ---- what is drawn over a picture -------------------------------------------------------------------------------------

local GREEN <const> = { 0, 200, 60 }

--- One or a list of them.
local function each(value, is_one)
  if value == nil then return {} end
  return (type(value) ~= "table" or is_one(value)) and { value } or value
end

local function add_boxes(marks, boxes, where)
  for _, box in ipairs(each(boxes, function(b) return type(b) == "table" and b.x ~= nil end)) do
    if type(box) ~= "table" or not (box.x and box.y and box.w and box.h) then complain("%s: boxes: expected {x=, y=, w=, h=}", where) end
    local x, y = box.x - 1, box.y - 1
    marks[#marks + 1] = { kind = "box", points = { x, y, x + box.w, y + box.h }, label = box.label, dashed = box.dashed,
      rgb = box.colour or GREEN }
  end
end

local function add_points(marks, points, where)
  for _, point in ipairs(each(points, function(p) return type(p) == "table" and p.x ~= nil end)) do
    if type(point) ~= "table" or not (point.x and point.y) then complain("%s: points: expected {x=, y=}", where) end
    marks[#marks + 1] = { kind = "dot", points = { point.x - 0.5, point.y - 0.5 }, rgb = point.colour or GREEN }
  end
end

--- A contour's map covers the whole picture, whatever its resolution.
local function add_contours(marks, contour, item, img, where)
  if type(contour) == "number" then contour = { item, contour } end
  for _, one in ipairs(each(contour, function(c) return type(c) == "table" and type(c[2]) == "number" end)) do
    local map = type(one) == "table" and one[1]
    if is_explanation(map) then map = map:map() end
    map = core.is_tensor(map) and flat(map)
    if not map then complain("%s: contour: expected a share of the maximum, or { map, share }", where) end
    local shape = map:shape()
    local kx, ky = img.width / shape[2], img.height / shape[1]
    for _, line in ipairs(core.contour(map, one[2] * map:max())) do
      for i = 1, #line, 2 do line[i], line[i + 1] = line[i] * kx, line[i + 1] * ky end
      marks[#marks + 1] = { kind = "path", points = line, closed = true, dashed = one.dashed, rgb = one.colour or GREEN }
    end
  end
end

-- ---- cells ------------------------------------------------------------------------------------------------------------

--- The colour bar of a cell, as fields of the native cell.
local function bar_of(img, bar, where)
  if bar == nil then return img.bar or {} end
  if is_explanation(bar) then return bar:heat().bar end
  if not bar then return { facts = img.bar and img.bar.facts } end
  if type(bar) ~= "table" then complain("%s: bar: expected an explanation, a table or false", where) end
  return check.options("sheet: bar", bar, { "cmap", "lo", "hi", "unit" })
end

local function check_fields(cell, allowed, where)
  for key in pairs(cell) do
    local known = key == 1 or key == 2
    for _, name in ipairs(allowed) do known = known or key == name end
    if not known then
      local near = core.nearest(tostring(key), allowed)
      complain("%s: unknown field '%s' (fields: picture, caption, %s)%s", where, tostring(key), table.concat(allowed, ", "),
        near and ("; did you mean '%s'?"):format(near) or "")
    end
  end
end

--- Filters and activations come as the picture that they make of themselves.
local function drawn(item)
  local kind = type(item) == "table" and getmetatable(item)
  return kind and kind.draws_itself and item:picture() or item
end

--- What is to be painted is only noted: its scale may depend on the others.
local function read_picture(cell, sheet, where)
  local allowed = table.move(PAINT, 1, #PAINT, #FIELDS + 1, table.move(FIELDS, 1, #FIELDS, 1, {}))
  local item = drawn(cell[1])
  local paintable = is_explanation(item) or core.is_tensor(item)
  if not (paintable or core.is_image(item)) then complain("%s: expected a picture or an explanation first", where) end
  check_fields(cell, allowed, where)
  local out = { item = item, spec = cell }
  if paintable then
    local o = {}
    for _, key in ipairs(PAINT) do
      o[key] = cell[key]
      if o[key] == nil then o[key] = sheet[key] end
    end
    if type(o.scale) ~= "table" then o.scale = nil end
    out.map = (is_explanation(item) and paint_explanation or paint_tensor)(item, o, where)
    out.map.scale = o.scale
  else
    for _, key in ipairs(PAINT) do
      if cell[key] ~= nil then complain("%s: %s: this is a picture already; give the explanation or the tensor itself", where, key) end
    end
    if type(sheet.scale) == "string" and item.bar and item.bar.cmap then
      complain("%s: scale: this is a picture already; give the explanation or the tensor itself", where)
    end
  end
  return out
end

local function read_cell(cell, index, sheet)
  local where = "cell " .. index
  if cell == false then return {} end
  if type(cell) == "string" then return { text = cell, spec = {} } end
  cell = drawn(cell)
  if core.is_image(cell) or core.is_tensor(cell) or is_explanation(cell) then cell = { cell } end
  if type(cell) ~= "table" then complain("%s: expected { picture, caption }, got a %s", where, type(cell)) end
  if plot.is_plot(cell) then return { plot = plot.native(cell, where), spec = cell } end
  return read_picture(cell, sheet, where)
end

local function native_legend(legend, where)
  local out = {}
  for i, entry in ipairs(legend or {}) do
    if type(entry) ~= "table" then complain("%s: legend: expected { name, colour }", where) end
    out[i] = { name = tostring(entry[1]), rgb = entry[2] or core.class_colour(i) }
  end
  return out
end

--- The classes that there are in a map as entries of a legend.
local function present(map, classes)
  if not classes then return nil end
  local seen, entries = {}, {}
  for _, row in ipairs(flat(map):totable()) do
    for _, class in ipairs(row) do seen[class] = true end
  end
  for i, name in ipairs(classes) do
    if seen[i] then entries[#entries + 1] = { name, core.class_colour(i) } end
  end
  return entries
end

local function native_cell(cell, index)
  local where, spec = "cell " .. index, cell.spec
  if not spec then return {} end
  if cell.text then return { before = cell.text } end
  local caption = spec[cell.plot and 1 or 2]
  local out = { caption = caption and tostring(caption), plot = cell.plot, before = spec.before, span = spec.span }
  if cell.plot then return out end
  local map = cell.map
  local img = map and map.paint(map.scale or map.lo and { map.lo, map.hi }) or cell.item
  local bar = bar_of(img, spec.bar, where)
  out.image, out.facts, out.marks = img, bar.facts or img.bar and img.bar.facts, {}
  if bar.cmap then out.cmap, out.lo, out.hi, out.unit = bar.cmap, bar.lo, bar.hi, bar.unit end
  add_contours(out.marks, spec.contour, cell.item, img, where)
  add_boxes(out.marks, spec.boxes, where)
  add_points(out.marks, spec.points, where)
  out.legend = native_legend(spec.legend or present(cell.item, spec.classes), where)
  local smooth = spec.smooth
  if smooth == nil and spec.classes then smooth = false end
  if smooth == nil then smooth = img.bar and img.bar.smooth end
  if smooth ~= nil then out.smooth = smooth and "yes" or "no" end
  if spec.numbers then
    out.numbers = core.is_tensor(cell.item) and flat(cell.item)
    if not out.numbers then complain("%s: numbers: expected a tensor H x W as the picture", where) end
    out.smooth = "no"
  end
  return out
end

-- ---- sheets -----------------------------------------------------------------------------------------------------------

--- How many rows or columns a number or a list of titles asks for; nil when it asks for nothing.
local function count(key, titles)
  local n = type(titles) == "table" and #titles or titles
  if n == nil or (math.type(n) == "integer" and n >= 1) then return n end
  complain("%s: expected a number from 1 or a list of titles", key)
end
local function list(titles) return type(titles) == "table" and titles or nil end

--- Cells and named options of what a script wrote.
local function read_spec(spec)
  if type(spec) ~= "table" then complain("expected a table, got a %s", type(spec)) end
  local cells, named, n = {}, {}, 0
  for key in pairs(spec) do
    if math.type(key) ~= "integer" then named[key] = spec[key] elseif key > n then n = key end
  end
  check.options("sheet", named, SHEET)
  local scale = named.scale
  if scale ~= nil and type(scale) ~= "table" and scale ~= "common" and scale ~= "row" and scale ~= "column" then
    complain("scale: expected common, row, column or {lo, hi}, got '%s'", tostring(scale))
  end
  if n == 0 then complain "no cells" end
  if n > 10000 then complain("%d cells; there can be 10000", n) end
  for i = 1, n do cells[i] = read_cell(spec[i] or false, i, named) end
  return cells, named
end

--- Row and column of every cell, as the layout fills the places.
local function place(cells, columns)
  local row, column = 1, 0
  for _, cell in ipairs(cells) do
    local span = cell.spec and cell.spec.span or 1
    if columns and column > 0 and column + span > columns then row, column = row + 1, 0 end
    cell.row, cell.column = row, column + 1
    column = column + span
  end
end

local function new(spec)
  local cells, named = read_spec(spec)
  local columns, rows = count("cols", named.cols), count("rows", named.rows)
  if rows and not columns then columns = -(-#cells // rows) end
  if type(named.scale) == "string" then
    if named.scale ~= "common" and not columns then complain("scale: '%s' needs a number of columns: cols or rows", named.scale) end
    place(cells, columns)
    share_scales(cells, columns, named.scale)
  end
  local self = { cells = {}, title = named.title, options = { title = named.title, columns = columns, cell = named.cell,
    gap = named.gap, rows = list(named.rows), cols = list(named.cols) } }
  for i, cell in ipairs(cells) do self.cells[i] = native_cell(cell, i) end
  self.image = core.sheet(self.cells, self.options)
  return setmetatable(self, Sheet)
end

--- How the figure was made, as JSON: title, and of every cell method, constants, target, layer, scale, seed and network.
function Sheet:facts() return facts.text(self) end

--- The rectangles of everything on it, in pixels: { width=, height=, {kind=, x=, y=, w=, h=, cell= or text=}, ... }
function Sheet:layout() return core.sheet_layout(self.cells, self.options) end

--- By extension: .png .jpg .bmp, or a page of lines and letters as .svg or .pdf. The facts go into PNG, SVG and PDF, and with
--- {json = true} into a file beside it, too.
function Sheet:save(path, options)
  options = check.options("sheet:save", options, { "json" })
  path = say.place(path)
  local ending = (path:match "%.(%w+)$" or ""):lower()
  local text = self:facts()
  if ending == "svg" or ending == "pdf" then
    core.sheet_page(self.cells, self.options, path, ending, self.title and facts.plain(self.title), "xairun " .. core.version,
      (text:gsub("\n *", " ")))
  else
    self.image:write(path, facts.notes(self.title, text))
  end
  say.wrote(path)
  if options.json then
    local beside = path:gsub("%.%w+$", "") .. ".json"
    core.write_text(beside, text .. "\n")
    say.wrote(beside)
  end
  return self
end

function Sheet:show() self.image:show() return self end
function Sheet:__tostring() return ("sheet %dx%d"):format(self.image:size()) end

return new
