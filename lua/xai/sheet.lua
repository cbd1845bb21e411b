-- xai.sheet: a grid of captioned pictures.
--
--   xai.sheet { title = "One picture, two classes", cols = 3,
--     { img, "input" },
--     { dog:over(img), "Grad-CAM: dog 61 %" },
--     { cat, "Grad-CAM: cat 12 %" } }:save "dogcat.png"
--
-- A cell is a picture or an explanation, alone or as { picture, caption, bar = }; false leaves a place empty.
-- The colour bar comes from the picture (e:heat and e:over give it one); bar = e takes another's, bar = false none.
-- rows and cols are numbers, or lists of titles.
local core = require "xai.core"
local check = require "xai.check"
local Explanation = require "xai.explanation"

local Sheet = {}
Sheet.__index = Sheet

local function complain(text, ...) core.fail(("sheet: " .. text):format(...)) end

local function is_explanation(value) return getmetatable(value) == Explanation end

--- The colour bar of a cell, as fields of the native cell.
local function bar_of(img, bar, where)
  if bar == nil then bar = img.bar end
  if is_explanation(bar) then bar = bar:heat().bar end
  if not bar then return nil end
  if type(bar) ~= "table" then complain("%s: bar: expected an explanation, a table or false", where) end
  return check.options("sheet: bar", bar, { "cmap", "lo", "hi", "unit" })
end

local function native_cell(cell, index)
  local where = "cell " .. index
  if cell == false then return {} end
  if core.is_image(cell) or is_explanation(cell) then cell = { cell } end
  if type(cell) ~= "table" then complain("%s: expected { picture, caption }, got a %s", where, type(cell)) end
  local img, caption = cell[1], cell[2]
  if is_explanation(img) then img = img:drawing() end
  if not core.is_image(img) then complain("%s: expected a picture or an explanation first", where) end
  for key in pairs(cell) do
    if key ~= 1 and key ~= 2 and key ~= "bar" then
      complain("%s: unknown field '%s' (fields: picture, caption, bar)", where, tostring(key))
    end
  end
  local bar = bar_of(img, cell.bar, where) or {}
  caption = caption and tostring(caption)
  return { image = img, caption = caption, cmap = bar.cmap, lo = bar.lo, hi = bar.hi, unit = bar.unit }
end

--- How many rows or columns a number or a list of titles asks for; nil when it asks for nothing.
local function count(key, titles)
  local n = type(titles) == "table" and #titles or titles
  if n == nil or (math.type(n) == "integer" and n >= 1) then return n end
  complain("%s: expected a number from 1 or a list of titles", key)
end
local function list(titles) return type(titles) == "table" and titles or nil end

local function new(spec)
  if type(spec) ~= "table" then complain("expected a table, got a %s", type(spec)) end
  local cells, named, n = {}, {}, 0
  for key in pairs(spec) do
    if math.type(key) ~= "integer" then named[key] = spec[key] elseif key > n then n = key end
  end
  check.options("sheet", named, { "title", "rows", "cols", "cell" })
  if n == 0 then complain "no cells" end
  if n > 10000 then complain("%d cells; there can be 10000", n) end
  for i = 1, n do cells[i] = native_cell(spec[i] or false, i) end
  local columns, rows = count("cols", named.cols), count("rows", named.rows)
  if rows and not columns then columns = -(-n // rows) end
  local image = core.sheet(cells, { title = named.title, columns = columns, cell = named.cell,
    rows = list(named.rows), cols = list(named.cols) })
  return setmetatable({ image = image }, Sheet)
end

function Sheet:save(path) self.image:save(path) return self end
function Sheet:show() self.image:show() return self end
function Sheet:__tostring() return ("sheet %dx%d"):format(self.image:size()) end

return new
