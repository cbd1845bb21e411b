-- Composes the example pictures: for each of them NAME.png, NAME-mask.png, which is 60 k where object k is seen and 0
-- elsewhere, and an entry in scenes.lua, which returns
--   { NAME = { about =, objects = { { class =, box = { x =, y =, w =, h = }, visible = }, ... } }, ... }
-- Needs the package fonts-noto-color-emoji; who uses the pictures does not.
local xai = require "xai"
local args = xai.args { "Composes the example pictures, with what is in them.", "folder",
  folder = { "examples/images", "where they go" } }

local meadow = { { 90, 160, 225 }, { 96, 150, 62 } }
local beach = { { 80, 175, 230 }, { 244, 204, 126 } }
local sea = { { 110, 180, 235 }, { 30, 95, 150 } }
local street = { { 120, 170, 215 }, { 125, 125, 130 } }
local evening = { { 226, 140, 96 }, { 134, 136, 88 } }

local pictures = {
  { "cat_dog", "a cat and a dog", seed = 3, background = "landscape", colours = meadow, objects = {
    { class = "cat", drawing = 2, x = 62, y = 146, size = 100, mirror = true },
    { class = "dog", drawing = 2, x = 158, y = 128, size = 126 } } },
  { "cat_dog_faces", "the same two classes by other drawings, before something plain", seed = 2, background = "plain",
    colours = { { 182, 205, 196 }, { 96, 130, 150 } }, objects = {
    { class = "dog", drawing = 1, x = 66, y = 78, size = 108, rotation = -8 },
    { class = "cat", drawing = 1, x = 156, y = 150, size = 112, rotation = 6 } } },
  { "three_dogs", "one class three times", seed = 5, background = "landscape", colours = evening, objects = {
    { class = "dog", drawing = 4, x = 168, y = 104, size = 104 },
    { class = "dog", drawing = 3, x = 56, y = 112, size = 96 },
    { class = "dog", drawing = 2, x = 112, y = 166, size = 96, mirror = true } } },
  { "behind_a_tree", "a tiger, half hidden", seed = 8, background = "landscape", colours = meadow, objects = {
    { class = "tiger", drawing = 2, x = 126, y = 148, size = 132 },
    { class = "tree", drawing = 1, x = 84, y = 118, size = 176 } } },
  { "small_bird", "one small object in clutter", seed = 12, background = "clutter", colours = { { 36, 72, 48 }, { 176, 178, 96 } },
    objects = { { class = "bird", drawing = 1, x = 152, y = 72, size = 42 } } },
  { "picnic", "round things on a tablecloth", seed = 21, background = "checker", colours = { { 244, 240, 232 }, { 206, 72, 70 } },
    objects = {
    { class = "pizza", drawing = 1, x = 78, y = 82, size = 116, rotation = -12 },
    { class = "apple", drawing = 1, x = 166, y = 150, size = 84, rotation = 8 },
    { class = "apple", drawing = 2, x = 72, y = 172, size = 76, rotation = -6 } } },
  { "street", "what drives, one behind the other", seed = 4, background = "landscape", colours = street, objects = {
    { class = "bus", drawing = 1, x = 142, y = 112, size = 132 },
    { class = "car", drawing = 1, x = 66, y = 148, size = 100 },
    { class = "bicycle", drawing = 1, x = 158, y = 180, size = 92 } } },
  { "beach", "three classes, well apart", seed = 7, background = "landscape", colours = beach, objects = {
    { class = "umbrella", drawing = 4, x = 74, y = 126, size = 122 },
    { class = "ball", drawing = 7, x = 162, y = 176, size = 58 },
    { class = "helicopter", drawing = 1, x = 160, y = 48, size = 84 } } },
  { "sea", "a boat and a bird", seed = 6, background = "landscape", colours = sea, objects = {
    { class = "sailboat", drawing = 1, x = 84, y = 100, size = 128 },
    { class = "bird", drawing = 8, x = 168, y = 168, size = 78, mirror = true } } },
  { "balls", "one class three times, with three textures", seed = 9, background = "stripes",
    colours = { { 172, 176, 186 }, { 214, 216, 222 } }, objects = {
    { class = "ball", drawing = 1, x = 66, y = 72, size = 92 },
    { class = "ball", drawing = 2, x = 158, y = 92, size = 96, rotation = 20 },
    { class = "ball", drawing = 7, x = 102, y = 168, size = 88 } } },
  { "clock_guitar", "objects on a grating", seed = 14, background = "grating", colours = { { 96, 110, 128 }, { 150, 166, 178 } },
    objects = {
    { class = "clock", drawing = 2, x = 70, y = 76, size = 104 },
    { class = "guitar", drawing = 1, x = 154, y = 136, size = 132, rotation = -10 } } },
  { "butterfly_flowers", "small beside large", seed = 11, background = "noise", colours = { { 58, 110, 52 }, { 140, 176, 92 } },
    objects = {
    { class = "flower", drawing = 1, x = 72, y = 132, size = 132 },
    { class = "flower", drawing = 4, x = 168, y = 150, size = 104 },
    { class = "butterfly", drawing = 1, x = 146, y = 60, size = 76, rotation = 14 } } },
  { "lion", "one object, nothing else", seed = 1, background = "plain", colours = { { 150, 190, 214 }, { 226, 206, 160 } },
    objects = { { class = "lion", drawing = 1, x = 112, y = 112, size = 136 } } },
  { "purple_fox", "a fox in its own colours and one that is not", seed = 17, background = "landscape",
    colours = { { 150, 176, 200 }, { 198, 204, 212 } }, objects = {
    { class = "fox", drawing = 1, x = 66, y = 122, size = 92 },
    { class = "fox", drawing = 1, x = 160, y = 130, size = 92, hue = 230, mirror = true } } },
}

-- One grey picture for all objects: they do not overlap.
local function mask_of(scene)
  local sum = xai.zeros(scene.image.height, scene.image.width)
  for k, object in ipairs(scene.objects) do sum = sum + object.mask * (60 * k) end
  return xai.image(xai.tensor(sum:totable(), "uint8"))
end

local lines = { "-- What the pictures show. Made by examples/make_images.lua.", "return {" }
for _, p in ipairs(pictures) do
  local name, about = p[1], p[2]
  local scene = xai.scenes.compose { size = 224, seed = p.seed, background = p.background, colours = p.colours,
    objects = p.objects }
  scene.image:save(("%s/%s.png"):format(args.folder, name))
  mask_of(scene):save(("%s/%s-mask.png"):format(args.folder, name))
  lines[#lines + 1] = ("  %s = { about = %q, objects = {"):format(name, about)
  for _, o in ipairs(scene.objects) do
    local b, line = o.box, "    { class = %q, box = { x = %d, y = %d, w = %d, h = %d }, visible = %.3f },"
    lines[#lines + 1] = line:format(o.class, b.x, b.y, b.w, b.h, math.min(o.visible, 1))
  end
  lines[#lines + 1] = "  } },"
end
lines[#lines + 1] = "}"
local file <close> = assert(io.open(args.folder .. "/scenes.lua", "w"))
file:write(table.concat(lines, "\n"), "\n")
