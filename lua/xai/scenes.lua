-- xai.scenes: labelled pictures whose objects we placed ourselves, to train on and to score explanations against.
local core = require "xai.core"
local check = require "xai.check"

local scenes = {
  --- The names of all classes.
  classes = core.scene_classes,
  --- scenes.drawings("cat", "train" | "held-out" | "all"): how many there are of a class
  drawings = core.scene_drawings,
}

local label_of = {}
for i, name in ipairs(core.scene_classes()) do label_of[name] = i - 1 end

--- One scene of the objects given, from back to front, in their own colours:
---   xai.scenes.compose { size = 224, background = "landscape", colours = { sky, ground },
---     objects = { { class = "cat", drawing = 2, x = 80, y = 140, size = 100, rotation = 10, mirror = true, hue = 0 } } }
-- x, y is an object's middle, size its longer side, in pixels. The seed chooses the background. Labels are positions
-- among all classes.
function scenes.compose(options)
  local name = "scenes.compose"
  options = check.options(name, options, { "size", "seed", "background", "colours", "objects", "font" })
  local objects = check.kind(name, "objects", options.objects, "table") or {}
  local classes, known = {}, {} -- only their drawings are loaded
  for i, object in ipairs(objects) do
    local class = type(object) == "table" and object.class
    if type(class) ~= "string" then core.fail(("%s: objects[%d]: expected a table with a class"):format(name, i)) end
    if not known[class] then classes[#classes + 1], known[class] = class, true end
  end
  local set <close> = core.scenes { classes = #classes > 0 and classes or { "dog" }, drawings = "all",
    size = options.size, seed = options.seed, background = options.background, font = options.font }
  local scene = core.compose_scene(set, objects, options.colours)
  scene.label = label_of[scene.class]
  for _, object in ipairs(scene.objects) do object.label = label_of[object.class] end
  return scene
end

--- The box in a picture k times as large: the pixels that its corners fall into.
local function scaled(box, k)
  local x, y = math.floor((box.x - 1) * k), math.floor((box.y - 1) * k)
  return { x = x + 1, y = y + 1, w = math.ceil((box.x - 1 + box.w) * k) - x, h = math.ceil((box.y - 1 + box.h) * k) - y }
end

--- The mask of object k at a size, from the pixels of the picture beside, which are 60 k where object k is seen.
local function mask_of(pixels, k, size)
  local rows = {}
  for y = 1, size do
    local row, from = {}, pixels[math.ceil((y - 0.5) * #pixels / size)]
    for x = 1, size do row[x] = from[math.ceil((x - 0.5) * #from / size)][1] == 60 * k and 1 or 0 end
    rows[y] = row
  end
  return core.tensor(rows, "uint8")
end

--- The pictures of examples/images, which are inside the program, as a set that xai.score takes: a list of { name=, about=,
--- image=, objects = { { class=, box=, visible= }, ... } }, by name. size: pictures and boxes at another size than 224. masks =
--- true: objects have a mask, too.
function scenes.examples(options)
  options = check.options("scenes.examples", options, { "size", "masks" })
  local text = core.embedded "examples/images/scenes.lua"
  if not text then core.fail "scenes.examples: this build of xairun does not have the pictures" end
  local list = {}
  for name, scene in pairs(load(text, "=scenes.lua", "t", {})()) do
    local img = core.read_image("examples/images/" .. name .. ".png")
    local k = (options.size or img.width) / img.width
    scene.name, scene.image = name, k == 1 and img or img:resize(options.size, options.size)
    local pixels = options.masks and core.read_image("examples/images/" .. name .. "-mask.png"):tensor():totable()
    for i, object in ipairs(scene.objects) do
      object.box = scaled(object.box, k)
      object.mask = pixels and mask_of(pixels, i, scene.image.width) or nil
    end
    list[#list + 1] = scene
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

return setmetatable(scenes, { __call = function(_, options) return core.scenes(options) end })
