-- xai.sheet: cells, captions, colour bars, titles.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local tiny = dofile(here .. "tiny.lua")
local xai = require "xai"

local function grey(w, h) return xai.image(xai.zeros(h, w, 3, "uint8")) end
local function result() return xai.gradcam(tiny.load(), tiny.x(), { target = 0, layer = "pool1" }) end

--- Number of pixels that are not white.
local function ink(img)
  local v = xai.tensor(img:tensor(), "float32")
  return (v - 255):norm()
end

test("pictures, explanations, captions and empty places", function(t)
  local e = result()
  local sheet = xai.sheet { title = "title", cols = 2, { grey(8, 8), "input" }, { e:over(), "over" }, false, e }
  t.ok(sheet.image.width > sheet.image.height // 2)
  t.ok(tostring(sheet):find "^sheet %d+x%d+$")
end)

test("an empty place shows nothing, a picture does", function(t)
  local with, without = xai.sheet { cols = 2, grey(8, 8), grey(8, 8) }, xai.sheet { cols = 2, grey(8, 8), false }
  t.ok(ink(with.image) > ink(without.image))
end)

test("the colour bar comes by itself and can be switched off", function(t)
  local e = result()
  local on, off = xai.sheet { { e:heat() } }, xai.sheet { { e:heat(), bar = false } }
  t.ok(on.image.width > off.image.width, "a bar takes room")
  local taken = xai.sheet { { grey(4, 4), bar = e } }
  t.eq(taken.image.width, on.image.width)
  local own = xai.sheet { { grey(4, 4), bar = { cmap = "grey", lo = 0, hi = 1, unit = "m" } } }
  t.ok(own.image.width > off.image.width)
end)

test("rows and cols are counts or titles", function(t)
  local cells = function(extra)
    local spec = { cell = 40 }
    for i = 1, 6 do spec[i] = grey(4, 4) end
    for key, value in pairs(extra) do spec[key] = value end
    return xai.sheet(spec).image
  end
  local wide, tall = cells { rows = 2 }, cells { cols = 2 }
  t.ok(wide.width > wide.height)
  t.ok(tall.height > tall.width)
  t.ok(cells { cols = 3, rows = { "a", "b" } }.width > cells { cols = 3 }.width, "row titles take room")
  t.ok(cells { cols = { "a", "b", "c" } }.height > cells { cols = 3 }.height, "column titles take room")
end)

test("a sheet is saved as a picture", function(t)
  local name = os.tmpname()
  xai.sheet { grey(4, 4) }:save(name .. ".png")
  t.ok(xai.image(name .. ".png").width > 4)
  os.remove(name)
  os.remove(name .. ".png")
end)

test("what is wrong with a cell is said with its number", function(t)
  t.fails(function() xai.sheet {} end, "sheet: no cells")
  t.fails(function() xai.sheet() end, "sheet: expected a table, got a nil")
  t.fails(function() xai.sheet { grey(4, 4), 3 } end, "sheet: cell 2: expected { picture, caption }, got a number")
  t.fails(function() xai.sheet { { "caption" } } end, "sheet: cell 1: expected a picture or an explanation first")
  t.fails(function() xai.sheet { { grey(4, 4), caption = "x" } } end, "sheet: cell 1: unknown field 'caption'")
  t.fails(function() xai.sheet { { grey(4, 4), bar = 3 } } end, "sheet: cell 1: bar: expected an explanation, a table or false")
  t.fails(function() xai.sheet { grey(4, 4), titel = "x" } end, "sheet: unknown option 'titel' (options: title, rows, cols, cell); did you mean 'title'?")
  t.fails(function() xai.sheet { grey(4, 4), cell = -1 } end, "sheet: cell: expected an integer from 1")
  t.fails(function() xai.sheet { grey(4, 4), cols = 0 } end, "sheet: cols: expected a number from 1 or a list of titles")
  t.fails(function() xai.sheet { grey(4, 4), rows = "x" } end, "sheet: rows: expected a number from 1 or a list of titles")
  t.fails(function() xai.sheet { [1 << 40] = grey(4, 4) } end, "cells; there can be 10000")
end)

done()
