-- Pictures in Lua: reading, parts, saving, showing.
local test, done = table.unpack(dofile((arg[0]:gsub("[^/]*$", "")) .. "tap.lua"))
local xai = require "xai"
local core = require "xai.core"

--- 2 wide, 2 high: red, green / blue, white
local function four()
  return xai.image(xai.tensor({ { { 255, 0, 0 }, { 0, 255, 0 } }, { { 0, 0, 255 }, { 255, 255, 255 } } }, "uint8"))
end

--- Calls fn with a path that ends in 'ending' and removes the file.
local function with_path(ending, fn)
  local name = os.tmpname()
  local good, message = pcall(fn, name .. ending)
  os.remove(name)
  os.remove(name .. ending)
  if not good then error(message, 0) end
end

--- Runs fn with print caught; the lines.
local function printed(fn)
  local lines, native, quiet = {}, print, xai.quiet(false)
  local say = require "xai.say"
  local wrote = say.wrote
  say.wrote = function(path) lines[#lines + 1] = "wrote " .. path end
  local good, message = pcall(fn)
  say.wrote = wrote
  xai.quiet(quiet)
  if not good then error(message, 0) end
  return lines, native
end

test("a picture has width, height and elements", function(t)
  local img = four()
  t.eq({ img:size() }, { 2, 2 })
  t.eq(img.width, 2)
  t.eq({ img:get(2, 1) }, { 0, 255, 0 })
  t.eq(img:tensor():totable(), { { { 255, 0, 0 }, { 0, 255, 0 } }, { { 0, 0, 255 }, { 255, 255, 255 } } })
  t.eq(tostring(img), "image 2x2")
  t.fails(function() img:get(3, 1) end, "image:get: x: expected an integer from 1 to 2, got 3")
end)

test("a grey picture comes from H x W, other tensors are refused", function(t)
  t.eq({ xai.image(xai.tensor({ { 7, 9 } }, "uint8")):get(2, 1) }, { 9, 9, 9 })
  t.fails(function() xai.image(xai.zeros(2, 2)) end, "image: elements: expected a path, or a uint8 tensor H x W x 3 or H x W")
end)

test("crop counts from 1 and stays inside", function(t)
  local img = four():crop(2, 1, 1, 2)
  t.eq({ img:size() }, { 1, 2 })
  t.eq({ img:get(1, 2) }, { 255, 255, 255 })
  t.fails(function() four():crop(0, 1, 1, 1) end, "image:crop: x: expected an integer from 1 to 2, got 0")
  t.fails(function() four():crop(2, 1, 2, 1) end, "width: expected an integer from 1 to 1, got 2")
  t.fails(function() four():crop(1.5, 1, 1, 1) end, "got 1.5")
end)

test("resize to the mean of all pixels", function(t)
  -- each channel is on in two of four pixels: 127.5
  for _, v in ipairs { four():resize(1, 1):get(1, 1) } do t.near(v, 127.5, 0.5) end
  t.fails(function() four():resize(0, 1) end, "image:resize: width: expected an integer from 1 to 16384, got 0")
  t.fails(function() four():resize(16384, 16384) end, "resize")
end)

test("a PNG gives back every pixel", function(t)
  with_path(".png", function(path)
    local lines = printed(function() four():save(path) end)
    t.eq(lines, { "wrote " .. path })
    t.eq(xai.image(path):tensor():totable(), four():tensor():totable())
  end)
end)

test("a plain name goes into the output folder, a path stays", function(t)
  local say = require "xai.say"
  t.eq(say.place "a.png", core.out_dir() .. "/a.png")
  t.eq(say.place "./a.png", "./a.png")
  t.eq(say.place "/tmp/a.png", "/tmp/a.png")
  t.fails(function() four():save(7) end, "save: expected a file name, got number")
end)

test("what cannot be written leaves nothing behind and says why", function(t)
  t.fails(function() four():save "/nonexistent/folder/a.png" end, "/nonexistent/folder/a.png")
  with_path(".xyz", function(path)
    t.fails(function() four():save(path) end, ".png")
    t.ok(not core.exists(path))
  end)
end)

test("files that are no pictures are named", function(t)
  with_path(".png", function(path)
    local file = assert(io.open(path, "wb"))
    file:write "this is text"
    file:close()
    t.fails(function() xai.image(path) end, path)
  end)
  t.fails(function() xai.image "nothing.png" end, "image: nothing.png: no such file")
  t.fails(function() xai.image(3) end, "image: path: expected a string, got 3")
  t.fails(function() xai.image "a\0b" end, "a string with a zero byte")
end)

test("an outline is drawn on a copy; what is made from a heat map keeps its colour bar", function(t)
  local img = xai.image(xai.tensor({ { 9, 9, 9 }, { 9, 9, 9 }, { 9, 9, 9 } }, "uint8"))
  img.bar = { cmap = "inferno", lo = 0, hi = 1 }
  local out = img:outline({ x = 1, y = 1, w = 3, h = 3 }, { 1, 2, 3 }, 1)
  t.eq({ out:get(1, 1) }, { 1, 2, 3 })
  t.eq({ out:get(2, 2) }, { 9, 9, 9 })
  t.eq({ img:get(1, 1) }, { 9, 9, 9 })
  t.eq(out.bar.cmap, "inferno")
  t.eq(out:resize(9, 9):crop(1, 1, 2, 2).bar.cmap, "inferno")
  local thick = xai.image(xai.zeros(5, 5, 3, "uint8")):outline({ x = 1, y = 1, w = 5, h = 5 }, { 0, 9, 0 })
  t.eq({ select(2, thick:get(2, 2)), select(2, thick:get(3, 3)) }, { 9, 0, 0 }, "two pixels where nothing is said")
  t.fails(function() img:outline { x = 1, y = 1, w = 3 } end, "image:outline: h: expected an integer")
  t.fails(function() img:outline({ x = 1, y = 1, w = 3, h = 3 }, { 1, 2 }) end, "colour: expected an integer from 0 to 255, got nil")
end)

test("only the bar of a picture can be assigned", function(t)
  local img = four()
  t.fails(function() img.width = 3 end, "a picture cannot be changed")
  img.bar = false
  t.eq(img.bar, false)
  t.eq(img.nonsense, nil)
end)

test("half blocks: two rows of pixels in one row of text", function(t)
  -- upper half red over blue, then green over white
  t.eq(four():blocks(), "\27[38;2;255;0;0m\27[48;2;0;0;255m▀\27[38;2;0;255;0m\27[48;2;255;255;255m▀\27[0m\n")
end)

done()
