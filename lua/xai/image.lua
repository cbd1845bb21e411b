-- xai.image (module): pictures: reading, saving, showing.
local core = require "xai.core"
local say = require "xai.say"
local check = require "xai.check"
local facts = require "xai.facts"
local write, print = io and io.write or print, print

local Image = core.types.image

--- A picture from a PNG, JPEG or BMP file, or from a uint8 tensor H x W x 3 (what img:tensor() gives).
local function read(path)
  if core.is_tensor(path) then return core.image_of(path) end
  local img, had_alpha = core.read_image(path)
  if had_alpha then say.once("image: transparent pixels were composited on white") end
  return img
end

--- Writes the picture (see say.place for where) and says so. A PNG of an explanation holds how it was made.
function Image:save(path)
  path = say.place(path)
  local bar = self.bar
  self:write(path, bar and bar.facts and facts.notes(nil, facts.text { cells = { bar } }))
  say.wrote(path)
  return self
end

--- The picture where mask (H x W, any size) is not 0; the rest fades into a colour: img:mask(mask, {colour = {255, 255, 255},
--- share = 0.8, inside = true to fade what the mask covers instead}).
function Image:mask(mask, options)
  options = check.options("image:mask", options, { "colour", "share", "inside" })
  local out = core.tint(self, mask, options.inside or false, options.colour or { 255, 255, 255 }, options.share or 0.8)
  out.bar = self.bar
  return out
end

--- Shows the picture in a terminal, as half blocks in 24-bit colour; elsewhere saves it and prints the path.
local shown = 0
function Image:show()
  if core.on_terminal() then
    local columns = math.min(self.width, tonumber(os and os.getenv "COLUMNS") or 80)
    local rows = math.max(1, self.height * columns // self.width)
    write(self:resize(columns, rows):blocks())
  else
    shown = shown + 1
    local path = say.place(("show-%d.png"):format(shown))
    self:write(path)
    print(path)
  end
  return self
end

return read
