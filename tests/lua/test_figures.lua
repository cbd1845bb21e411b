-- Every figure of the lecture, in reduced size, looks as it did: panel by panel by structural similarity with tests/data/figures.
local here = arg[0]:gsub("[^/]*$", "")
local test, done = table.unpack(dofile(here .. "tap.lua"))
local figures = dofile(here .. "figures.lua")
local xai = require "xai"
local again <const> = "XAI_SOURCE=. build/xairun tests/tools/make_figures.lua"

local function read(path)
  local file <close> = io.open(path)
  return file and file:read "a" or ""
end
local notes = read(figures.folder .. "/panels.txt")

--- The panels of a figure as they were.
local function stored(name)
  local count = notes:match(name .. " (%d+)\n")
  return count and figures.cut(xai.image(("%s/%s.png"):format(figures.folder, name)), math.tointeger(count))
end

--- What the comparison has to notice.
local BREAK = {
  blank = function() return xai.image(xai.tensor(xai.zeros(24, 24, 3) + 255, "uint8")) end,
  black = function() return xai.image(xai.tensor(xai.zeros(24, 24, 3), "uint8")) end,
  shifted = function(img) -- by three pixels to the right
    local rows = img:tensor():totable()
    for _, row in ipairs(rows) do table.move({ table.unpack(row) }, 1, 21, 4, row) end
    return xai.image(xai.tensor(rows, "uint8"))
  end,
}

test("the stored pictures are of the networks that ship", function(t)
  t.ok(notes:find(figures.networks(), 1, true), "the networks are others: look at the figures and make the pictures again: " .. again)
end)

test("of a real figure a blank, a black or a shifted panel is noticed", function(t)
  for _, name in ipairs { "L14_saliency", "L20_cam_examples", "L25_gradcam" } do
    local panels = stored(name)
    for k = 1, #panels do
      for how, spoil in pairs(BREAK) do
        local bad = table.move(panels, 1, #panels, 1, {})
        bad[k] = spoil(panels[k])
        t.eq(figures.broken(bad, panels), k, ("%s, panel %d %s"):format(name, k, how))
      end
    end
    t.eq(figures.broken(panels, panels), nil)
    t.eq(figures.broken(table.move(panels, 1, #panels - 1, 1, {}), panels), #panels, "one less")
  end
end)

test("other captions, titles and letters, and so another layout, are not noticed", function(t)
  local img = xai.image "examples/images/cat_dog.png"
  local curve = {}
  for i = 1, 50 do curve[i] = math.sin(i / 8) end
  local function sheet(words, columns)
    return figures.panels(xai.sheet { title = words, cols = columns, { img, words }, { xai.tensor { { 1, 2 }, { 3, 4 } }, "a" },
      { bars = { { "dog", 0.7 }, { "cat", 0.2 } }, words, xlim = { 0, 1 } }, { curves = curve, "b\n" .. words } })
  end
  local panels = sheet("a word", 2)
  t.eq(#panels, 4)
  t.eq(figures.broken(sheet("many words more, over several lines\nof caption", 2), panels), nil)
  t.eq(figures.broken(sheet("a word", 4), panels), nil) -- letters of another size
end)

local skipped = os.getenv "XAI_SANITIZE" == "ON" and "the same figures, twenty times as slow"
for _, name in ipairs(figures.names()) do
  test(name, function(t)
    if skipped then t.skip(skipped) end
    local wanted = stored(name)
    t.ok(wanted, ("no stored picture: look at the figure and make it: %s %s"):format(again, name))
    local panels = figures.run(name)
    local k, likeness = figures.broken(panels, wanted)
    if k then
      local path = os.tmpname() .. ".png"
      figures.strip(panels):save(path)
      error(("panel %d of %d (stored: %d) has a likeness of %.2f; what came out is in %s"):format(k, #panels, #wanted, likeness, path), 0)
    end
  end)
end

done()
