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
  t.fails(function() xai.sheet { { 3, "caption" } } end, "sheet: cell 1: expected a picture or an explanation first")
  t.fails(function() xai.sheet { { grey(4, 4), boxs = {} } } end, "did you mean 'boxes'?")
  t.fails(function() xai.sheet { { grey(4, 4), cmap = "jet" } } end, "sheet: cell 1: cmap: this is a picture already")
  t.fails(function() xai.sheet { { grey(4, 4), boxes = { { x = 1 } } } } end, "sheet: cell 1: boxes: expected {x=, y=, w=, h=}")
  t.fails(function() xai.sheet { { grey(4, 4), points = 3 } } end, "sheet: cell 1: points: expected {x=, y=}")
  t.fails(function() xai.sheet { { grey(4, 4), contour = 0.5 } } end, "sheet: cell 1: contour: expected a share of the maximum, or { map, share }")
  t.fails(function() xai.sheet { { grey(4, 4), numbers = true } } end, "sheet: cell 1: numbers: expected a tensor H x W")
  t.fails(function() xai.sheet { xai.zeros(2, 5, 4, 4) } end, "sheet: cell 1: a tensor of 2x5x4x4 is no picture")
  t.fails(function() xai.sheet { xai.zeros(4, 4), scale = "shared" } end, "sheet: scale: expected common, row, column or {lo, hi}, got 'shared'")
  t.fails(function() xai.sheet { xai.zeros(4, 4), scale = "row" } end, "sheet: scale: 'row' needs a number of columns")
  t.fails(function() xai.sheet { { result():heat() }, scale = "common" } end, "sheet: cell 1: scale: this is a picture already")
  t.fails(function() xai.sheet { { result(), as = "heap" } } end, "sheet: cell 1: as: expected heat, over or picture, got 'heap'")
  t.fails(function() xai.sheet { { xai.tensor { { 1, 4 } }, classes = { "a", "b" } } } end, "sheet: cell 1: classes: 4.0 is none of 2")
  t.fails(function() xai.sheet { { grey(4, 4), caption = "x" } } end, "sheet: cell 1: unknown field 'caption'")
  t.fails(function() xai.sheet { { grey(4, 4), bar = 3 } } end, "sheet: cell 1: bar: expected an explanation, a table or false")
  t.fails(function() xai.sheet { grey(4, 4), titel = "x" } end, "sheet: unknown option 'titel' (options: title, rows, cols, cell, scale, gap, cmap, quantile, mass); did you mean 'title'?")
  t.fails(function() xai.sheet { grey(4, 4), cell = -1 } end, "sheet: cell: expected an integer from 1")
  t.fails(function() xai.sheet { grey(4, 4), cols = 0 } end, "sheet: cols: expected a number from 1 or a list of titles")
  t.fails(function() xai.sheet { grey(4, 4), rows = "x" } end, "sheet: rows: expected a number from 1 or a list of titles")
  t.fails(function() xai.sheet { [1 << 40] = grey(4, 4) } end, "cells; there can be 10000")
end)

-- ---- what a sheet says of its layout

local function of_kind(sheet, kind)
  local list = {}
  for _, r in ipairs(sheet:layout()) do if r.kind == kind then list[#list + 1] = r end end
  return list
end

local function text_of(sheet, kind)
  local list = {}
  for i, r in ipairs(of_kind(sheet, kind)) do list[i] = r.text end
  return list
end

test("the layout names everything, and nothing lies upon anything", function(t)
  local e = result()
  local sheet = xai.sheet { title = "A title", cols = { "one", "two", "three" }, rows = { "first row", "second row" }, cell = 300,
    { grey(30, 20), "input" }, { e, "Grad-CAM with a caption that is too long for one line\ndog 61 %" }, { curves = { 1, 4, 9 }, "curve", xlabel = "step", ylabel = "score" },
    { e, as = "heat", before = "0.5 ×" }, { bars = { { "dog", 0.6 }, { "a long name of a class", 0.1 } } }, { scatter = { { 0, 1 }, { 2, 3 } }, classes = { "a", "b" } } }
  local layout = sheet:layout()
  t.eq({ layout.width, layout.height }, { sheet.image:size() })
  t.eq(text_of(sheet, "title"), { "A title" })
  t.eq(text_of(sheet, "column"), { "one", "two", "three" })
  t.eq(text_of(sheet, "row"), { "first row", "second row" })
  t.eq(text_of(sheet, "before"), { "0.5 ×" })
  t.eq(text_of(sheet, "legend"), { "a", "b" })
  t.eq(text_of(sheet, "unit"), { e.unit, e.unit })
  t.eq(#of_kind(sheet, "picture"), 3)
  t.eq(#of_kind(sheet, "plot"), 3)
  t.eq(#of_kind(sheet, "bar"), 2)
  for i, a in ipairs(layout) do
    t.ok(a.x >= 0 and a.y >= 0 and a.x + a.w <= layout.width and a.y + a.h <= layout.height, a.kind)
    for k = 1, i - 1 do
      local b, slack = layout[k], 4 -- pixels: boxes of text have room for accents and tails
      local apart = a.x + a.w <= b.x + slack or b.x + b.w <= a.x + slack or a.y + a.h <= b.y + slack or b.y + b.h <= a.y + slack
      local within = (a.kind == "value" or a.kind == "tick") and b.kind == "plot"
      t.ok(apart or within, ("%s '%s' and %s '%s'"):format(a.kind, a.text, b.kind, b.text))
    end
  end
end)

test("the numbers beside a bar are those of its scale", function(t)
  local sheet = xai.sheet { { xai.tensor { { 0, 4 } } } }
  t.eq(text_of(sheet, "tick"), { "0", "1", "2", "3", "4" })
  sheet = xai.sheet { { xai.tensor { { 1, -2 } } } } -- signed: symmetric
  t.eq(text_of(sheet, "tick"), { "−2", "−1", "0", "1", "2" })
  sheet = xai.sheet { { xai.tensor { { 1, 2 } }, scale = { 0, 0.004 } } }
  t.eq(text_of(sheet, "tick"), { "0", "1e−3", "2e−3", "3e−3", "4e−3" })
end)

--- The scales of all cells.
local function scales(spec)
  local list = {}
  for i, cell in ipairs(xai.sheet(spec).cells) do list[i] = { cell.lo, cell.hi } end
  return list
end

test("one scale for all, for a row, for a column, or for each", function(t)
  local function spec(scale)
    return { xai.tensor { { 1, 2 } }, xai.tensor { { 1, 4 } }, xai.tensor { { 1, 8 } }, xai.tensor { { 1, 16 } }, cols = 2, scale = scale }
  end
  t.eq(scales(spec()), { { 0, 2 }, { 0, 4 }, { 0, 8 }, { 0, 16 } })
  t.eq(scales(spec "common"), { { 0, 16 }, { 0, 16 }, { 0, 16 }, { 0, 16 } })
  t.eq(scales(spec "row"), { { 0, 4 }, { 0, 4 }, { 0, 16 }, { 0, 16 } })
  t.eq(scales(spec "column"), { { 0, 8 }, { 0, 16 }, { 0, 8 }, { 0, 16 } })
  t.eq(scales(spec { 0, 5 }), { { 0, 5 }, { 0, 5 }, { 0, 5 }, { 0, 5 } })
  local signed = spec "common"
  signed[1] = xai.tensor { { -3, 1 } } -- another colour map: a scale of its own
  t.eq(scales(signed)[1], { -3, 3 })
  t.eq(scales(signed)[2], { 0, 16 })
end)

test("98 % of the mass is captum's scale", function(t)
  -- 1 + ... + 100 = 5050; 98 % are 4949, which 1 + ... + 99 = 4950 reaches
  local values = {}
  for i = 1, 100 do values[i] = i end
  t.eq(scales { { xai.tensor { values }, mass = 0.98 } }, { { 0, 99 } })
end)

test("the same value has the same colour in every map of one scale", function(t)
  local sheet = xai.sheet { xai.tensor { { 0, 1, 2 } }, xai.tensor { { 2, 4, 0 } }, scale = "common", cols = 2 }
  local a, b = sheet.cells[1].image, sheet.cells[2].image
  t.eq({ a:get(3, 1) }, { b:get(1, 1) })
  t.ok(not pcall(t.eq, { a:get(3, 1) }, { b:get(2, 1) }))
end)

test("boxes and contours of a map lie over the picture that it is drawn on", function(t)
  local e = result()
  local big = xai.image(xai.zeros(40, 40, 3, "uint8"))
  local map = e:map()
  local shape = map:shape()
  for _, box in ipairs(e:boxes { on = big }) do
    t.ok(box.x >= 1 and box.x + box.w - 1 <= 40 and box.y >= 1 and box.y + box.h - 1 <= 40)
  end
  local sheet = xai.sheet { { e, over = big, contour = 0.5, boxes = e:boxes { on = big } } }
  local found = 0
  for _, mark in ipairs(sheet.cells[1].marks) do
    if mark.kind == "path" then
      found = found + 1
      for i = 1, #mark.points, 2 do t.ok(mark.points[i] >= 0 and mark.points[i] <= 40 and mark.points[i + 1] >= 0 and mark.points[i + 1] <= 40) end
    end
  end
  t.ok(found > 0 and shape[1] > 0)
  -- half of the maximum of {0, 4}, 2 pixels wide on a picture 20 wide: between the middles, at pixel 10
  sheet = xai.sheet { { xai.image(xai.zeros(10, 20, 3, "uint8")), contour = { xai.tensor { { 0, 4 } }, 0.5 } } }
  t.near(sheet.cells[1].marks[1].points[1], 10, 1e-9)
end)

test("a picture that was cropped for the network is cropped the same under its map, in its own pixels", function(t)
  local net = xai.zoo.lenet5 { weights = "fill", preprocess = { resize = 40, crop = 32, order = "rgb", scale = 1 } }
  local img = xai.image(xai.zeros(64, 96, 3, "uint8"))
  local e = xai.saliency(net, img, { target = 0 })
  t.eq({ e:over(img):size() }, { 51, 51 }) -- 64 * 32 / 40 = 51.2
  t.eq({ e:input(img):size() }, { 51, 51 })
end)

-- ---- tiles

test("tiles take filters and activations as they are", function(t)
  t.eq({ xai.tiles(xai.zeros(64, 3, 11, 11), { gap = 1 }):size() }, { 95, 95 }) -- 8 x 8 of 11 and 7 gaps
  t.eq({ xai.tiles(xai.zeros(20, 16, 7, 7), { gap = 1 }):size() }, { 127, 159 }) -- 16 columns, 20 rows
  t.eq({ xai.tiles(xai.zeros(1, 256, 13, 13), { gap = 0 }):size() }, { 208, 208 })
  t.eq({ xai.tiles(xai.zeros(6, 2, 5), { cols = 3, gap = 0 }):size() }, { 15, 4 })
  local img = xai.tiles(xai.tensor { { { 0, 1 } }, { { 0, 2 } } }, { scale = "common", gap = 0, cols = 2 })
  t.eq(img.bar, { cmap = "grey", lo = 0, hi = 2 })
  t.eq({ (img:get(2, 1)), (img:get(4, 1)) }, { 128, 255 })
  t.fails(function() xai.tiles(xai.zeros(2)) end, "tiles: expected N x H x W or N x C x H x W, got 2")
  t.fails(function() xai.tiles(xai.zeros(2, 2), { scale = "all" }) end, "tiles: scale: expected each, row or common, got 'all'")
  t.fails(function() xai.tiles(xai.zeros(2, 2, 2), { scale = "row" }) end, "tiles: scale: 'row' needs a number of columns: cols")
  img = xai.tiles(xai.tensor { { { 4, 2 } }, { { 8, 2 } } }, { scale = "row", gap = 1, cols = 1 })
  t.eq({ (img:get(2, 1)), (img:get(2, 3)) }, { 128, 64 }) -- 2 of 4, 2 of 8
  t.eq(xai.tiles.box(xai.zeros(2, 1, 2), 2, { cols = 1 }), { x = 1, y = 3, w = 2, h = 1 })
  t.eq(xai.tiles.box(xai.zeros(64, 3, 11, 11), 10), { x = 13, y = 13, w = 11, h = 11 }) -- eight columns
end)

-- ---- plots

test("plots take lists, tensors and named curves", function(t)
  local function plot(cell) return xai.sheet { cell }.cells[1].plot end
  local p = plot { curves = xai.tensor { 3, 1, 2 } }
  t.eq(p.series[1].y, { 3, 1, 2 })
  t.eq(p.series[1].x, { 1, 2, 3 })
  p = plot { curves = { xai.tensor { 3, 1 }, { 1, 2 } } }
  t.eq({ p.series[1].y, p.series[2].y, p.series[2].x }, { { 3, 1 }, { 1, 2 }, { 1, 2 } })
  p = plot { curves = { { name = "a", y = { 1, 2 }, x = { 0, 10 } }, { name = "b", y = { 2, 1 }, dashed = true } } }
  t.eq({ p.series[1].name, p.series[2].name, p.series[2].look }, { "a", "b", 1 })
  p = plot { bars = { { "dog", 0.5, 0.25, error = { 0.1, 0.2 } }, { "cat", 1, text = "all" } }, names = { "before", "after" } }
  t.eq(p.names, { "dog", "cat" })
  t.eq({ p.series[1].name, p.series[1].y, p.series[1].error, p.series[1].texts }, { "before", { 0.5, 1 }, { 0.1, 0 }, { false, "all" } })
  t.eq(p.series[2].y[1], 0.25)
  p = plot { scatter = xai.tensor { { 0, 1 }, { 2, 3 }, { 4, 5 } }, classes = { "cat", "dog", "cat" }, images = { grey(4, 4), false, false } }
  t.eq({ p.series[1].name, p.series[1].x, p.series[1].y }, { "cat", { 0, 4 }, { 1, 5 } })
  t.eq({ p.series[2].name, p.series[2].x, p.series[2].y }, { "dog", { 2 }, { 3 } })
end)

test("what is wrong with a plot is said", function(t)
  t.fails(function() xai.sheet { { curves = {} } } end, "sheet: cell 1: curves: expected a list of numbers, or of { name =, y = }")
  t.fails(function() xai.sheet { { curves = { 1, "x" } } } end, "sheet: cell 1: curves: y: expected a list of numbers, got a string in it")
  t.fails(function() xai.sheet { { bars = { { "dog" } } } } end, "sheet: cell 1: bars: expected { name, value } as number 1")
  t.fails(function() xai.sheet { { scatter = { { 1 } } } } end, "sheet: cell 1: scatter: expected { x, y } as number 1")
  t.fails(function() xai.sheet { { scatter = { { 1, 2 } }, classes = {} } } end, "sheet: cell 1: classes: expected one for each of 1 points, got 0")
  t.fails(function() xai.sheet { { curves = { 1, 2 }, xlabl = "x" } } end, "sheet: cell 1: unknown field 'xlabl'")
  t.fails(function() xai.sheet { { curves = { 1, 2 }, xlim = { 2, 1 } } } end, "x: expected { low, high }")
end)

-- ---- files

local function read_bytes(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

--- The text chunks of a PNG: length, type, keyword 0 0 0 0 0 text, checksum.
local function notes_of(path)
  local bytes, at, notes = read_bytes(path), 9, {}
  while at < #bytes do
    local length, kind = string.unpack(">I4c4", bytes, at)
    if kind == "iTXt" then
      local keyword, rest = string.unpack("z", bytes, at + 8)
      notes[keyword] = bytes:sub(rest + 4, at + 7 + length)
    end
    at = at + 12 + length
  end
  return notes
end

--- What a JSON text says of a key, wherever it stands.
local function said(text, key) return text:match('"' .. key .. '": ("?[^",\n]*"?)') end

local function with_files(fn)
  local name = os.tmpname()
  fn(name)
  for _, ending in ipairs { "", ".png", ".svg", ".pdf", ".json" } do os.remove(name .. ending) end
end

test("a picture holds how it was made: method, constants, seed, layer and network", function(t)
  with_files(function(name)
    local e = result()
    xai.seed(7)
    e = result()
    xai.sheet { title = "Größe \"x\"", { e, "Grad-CAM\n61 %" } }:save(name .. ".png", { json = true })
    xai.seed(0)
    local notes = notes_of(name .. ".png")
    t.eq(notes.Title, 'Größe "x"')
    t.eq(notes.Software, "xairun " .. xai.version)
    local text = notes.xairun
    t.eq({ said(text, "method"), said(text, "layer"), said(text, "seed"), said(text, "relu") }, { '"gradcam"', '"pool1"', "7", "true" })
    t.eq(said(text, "hash"), '"' .. e.net:hash() .. '"')
    t.ok(text:find([["title": "Größe \"x\""]], 1, true))
    t.eq(read_bytes(name .. ".json"), text .. "\n")
    t.eq(xai.image(name .. ".png").width, xai.sheet { title = "Größe \"x\"", { e, "Grad-CAM\n61 %" } }.image.width)
    e:over():save(name .. ".png")
    t.eq(said(notes_of(name .. ".png").xairun, "method"), '"gradcam"')
    grey(2, 2):save(name .. ".png")
    t.eq(notes_of(name .. ".png").xairun, nil)
  end)
end)

test("the same sheet is the same file", function(t)
  with_files(function(name)
    local e = result()
    xai.sheet { e }:save(name .. ".png")
    local first = read_bytes(name .. ".png")
    xai.sheet { e }:save(name .. ".png")
    t.eq(read_bytes(name .. ".png") == first, true)
  end)
end)

test("pages are SVG and PDF by the file's extension", function(t)
  with_files(function(name)
    local sheet = xai.sheet { title = "a < b", { result(), "c" }, { curves = { 1, 2 } } }
    sheet:save(name .. ".svg"):save(name .. ".pdf")
    local svg, pdf = read_bytes(name .. ".svg"), read_bytes(name .. ".pdf")
    t.eq(svg:sub(1, 5), "<?xml")
    t.ok(svg:find("<title>a &lt; b</title>", 1, true))
    t.ok(svg:find("<metadata>{.-gradcam.-}</metadata>"))
    t.ok(svg:find(('width="%dpx" height="%dpx"'):format(sheet.image:size()), 1, true))
    t.eq(pdf:sub(1, 5), "%PDF-")
    t.ok(pdf:find("/Title (a < b)", 1, true))
    local wide = ("gradcam"):gsub(".", function(c) return ("00%02x"):format(c:byte()) end) -- UTF-16, where a string is not plain
    t.ok(pdf:find("gradcam", 1, true) or pdf:lower():find(wide, 1, true))
    t.fails(function() sheet:save(name .. ".gif") end, "unknown extension")
    t.fails(function() sheet:save(name .. ".svg", { jsn = true }) end, "did you mean 'json'?")
  end)
end)

test("networks are told apart by their weights, and a view by its own", function(t)
  local a, b = tiny.load(), tiny.load()
  t.eq(#a:hash(), 16)
  t.eq(a:hash(), b:hash())
  t.eq(a:with { relu = "guided" }:hash(), a:hash())
  local layer
  for _, l in ipairs(a:layers()) do if l.params > 0 then layer = l.name break end end
  t.ok(a:with { weights = { [layer] = "random" } }:hash() ~= a:hash())
end)

test("what is in no picture fades", function(t)
  local mask = xai.tensor { { 1, 0 } }
  local out = grey(4, 2):mask(mask, { colour = { 255, 255, 255 }, share = 1 })
  t.eq({ (out:get(1, 1)), (out:get(4, 2)) }, { 0, 255 })
  out = grey(4, 2):mask(mask, { colour = { 0, 200, 0 }, share = 0.5, inside = true })
  t.eq({ out:get(1, 1) }, { 0, 100, 0 })
  t.eq({ out:get(4, 1) }, { 0, 0, 0 })
end)

test("a map of classes is coloured and explained", function(t)
  local sheet = xai.sheet { { xai.tensor { { 1, 2 }, { 2, 1 } }, classes = { "dog", "cat" } } }
  t.eq(text_of(sheet, "legend"), { "dog", "cat" })
  local img = sheet.cells[1].image
  t.eq({ img:get(1, 1) }, { img:get(2, 2) })
  t.eq({ img:get(1, 1) }, sheet.cells[1].legend[1].rgb)
end)

done()
