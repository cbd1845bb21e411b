-- figures.lua: the lecture's figures in reduced size, and how alike two of them are. For test_figures.lua, which compares, and
-- tests/tools/make_figures.lua, which makes what is compared with.
--
-- A figure is judged panel by panel: what its layout says is a picture or a plot, 24 x 24 pixels small. Captions, titles and scales
-- are no part of it, so another font or wording changes nothing; that they have room is tests/c/viz/test_sheet_layout.c's.
local xai = require "xai"
local figures = {}

local SIDE <const> = 24
local PER_ROW <const> = 8
local source = os.getenv "XAI_SOURCE" or "."
figures.folder = source .. "/tests/data/figures"

-- What makes a figure short. One that is not here runs as it is.
local REDUCED = {
  L11_occlusion = "--image examples/images/cat_dog.png --classes 2 --window 32",
  L12_class_images = "--steps 30",
  L13_unit_images = "--steps 12 --units 2",
  L16_inversion = "--image examples/images/lion.png --steps 20",
  L32_everything = "--steps 6",
}
-- Where rounding, another one with every instruction set, would soon decide what is seen: on a plain picture all maxima are
-- ties, and a map of points unfolds as one way or the other takes the lead.
local TAMED = { class_image = { init = "noise", noise = 10, seed = 1 }, tsne = { iterations = 5 } }
-- Figures without a picture: test_lecture.lua reads what they print.
local TEXT = { L24_cam_price = true }

--- The names of all figures: Lnn_name.
function figures.names()
  local names = {}
  local list <close> = assert(io.popen(("ls '%s/examples/lecture'"):format(source)))
  for file in list:lines() do
    local name = file:match "^(L%d+_.*)%.lua$"
    if name and not TEXT[name] then names[#names + 1] = name end
  end
  return names
end

--- A part of a picture as a panel.
local function panel(img, r) return img:crop(r.x + 1, r.y + 1, r.w, r.h):resize(SIDE, SIDE) end

--- The panels of a sheet, from the first cell to the last; list.plots[i]: is it a plot?
function figures.panels(sheet)
  local list, cells = { plots = {} }, {}
  for _, r in ipairs(sheet:layout()) do
    if (r.kind == "picture" or r.kind == "plot") and r.w > 0 then cells[#cells + 1] = r end
  end
  table.sort(cells, function(a, b) return a.cell < b.cell end)
  for i, r in ipairs(cells) do list[i], list.plots[i] = panel(sheet.image, r), r.kind == "plot" end
  return list
end

--- Runs a figure in this process; the panels of its sheets.
function figures.run(name)
  local make, list, old = xai.sheet, { plots = {} }, arg
  local whole = {}
  for method, instead in pairs(TAMED) do
    whole[method] = xai[method]
    xai[method] = function(x, options)
      local set = {}
      for key, value in pairs(options) do set[key] = value end
      for key, value in pairs(instead) do set[key] = value end
      return whole[method](x, set)
    end
  end
  xai.sheet = function(spec)
    local more = figures.panels(make(spec))
    table.move(more.plots, 1, #more, #list + 1, list.plots)
    table.move(more, 1, #more, #list + 1, list)
    return setmetatable({}, { __index = function() return function() end end }) -- nothing is written
  end
  local path = ("%s/examples/lecture/%s.lua"):format(source, name)
  arg = { [0] = path }
  for word in (REDUCED[name] or ""):gmatch "%S+" do arg[#arg + 1] = word end
  local quiet = xai.quiet(true)
  local good, trouble = pcall(dofile, path)
  xai.quiet(quiet)
  xai.sheet, arg = make, old
  for method, fn in pairs(whole) do xai[method] = fn end
  if not good then error(trouble, 0) end
  return list
end

--- Panels side by side in one picture, PER_ROW in a row; and out of it again.
function figures.strip(panels)
  local cells = {}
  for i, img in ipairs(panels) do cells[i] = img:tensor():totable() end
  local rows = {}
  for i = 0, -(-#panels // PER_ROW) * PER_ROW - 1 do
    for y = 1, SIDE do
      local row = rows[i // PER_ROW * SIDE + y] or {}
      rows[i // PER_ROW * SIDE + y] = row
      for x = 1, SIDE do row[#row + 1] = cells[i + 1] and cells[i + 1][y][x] or { 255, 255, 255 } end
    end
  end
  return xai.image(xai.tensor(rows, "uint8"))
end
function figures.cut(strip, count)
  local panels = {}
  for i = 0, count - 1 do panels[i + 1] = strip:crop(i % PER_ROW * SIDE + 1, i // PER_ROW * SIDE + 1, SIDE, SIDE) end
  return panels
end

--- Red, green and blue below each other, 3 SIDE x SIDE.
local function planes(img)
  local pixels, rows = img:tensor():totable(), {}
  for channel = 1, 3 do
    for y = 1, SIDE do
      local row = {}
      for x = 1, SIDE do row[x] = pixels[y][x][channel] end
      rows[#rows + 1] = row
    end
  end
  return xai.tensor(rows)
end

--- Structural similarity of two panels, 1 when they are the same; 0 when they differ in brightness by more than an eighth of the
--- range, which the similarity of stretched maps does not see.
function figures.likeness(a, b)
  a, b = planes(a), planes(b)
  if math.abs(a:mean() - b:mean()) > 32 then return 0 end
  return xai.score.ssim(a, b)
end

--- What likeness a panel needs. Equal ones have 1, those of other instruction sets and of sheets in another font more than 0.98; moved by
-- an eighth of its side a panel has 0.2 to 0.8. Plots have letters among their bars: another font leaves 0.7 of them, a blank has less
-- than 0.5.
local LEAST <const> = 0.85
local LEAST_PLOT <const> = 0.6

--- The first panel that is not as it was: its number and likeness; nil when all are.
function figures.broken(panels, wanted)
  for i = 1, math.max(#panels, #wanted) do
    if not (panels[i] and wanted[i]) then return i, 0 end
    local likeness = figures.likeness(panels[i], wanted[i])
    if likeness < (panels.plots and panels.plots[i] and LEAST_PLOT or LEAST) then return i, likeness end
  end
end

--- The networks that ship, by which the figures are made: a line each.
function figures.networks()
  local lines = {}
  for i, name in ipairs { "default", "default-gap" } do lines[i] = ("%s %s\n"):format(name, xai.model(name):hash()) end
  return table.concat(lines)
end

return figures
