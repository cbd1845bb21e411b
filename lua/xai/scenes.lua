-- xai.scenes: labelled pictures whose objects we placed ourselves, to train on and to score explanations against.
local core = require "xai.core"
local check = require "xai.check"

local scenes = {
  --- The names of all classes.
  classes = core.scene_classes,
  --- scenes.drawings("cat", "train" | "held-out" | "all"): how many there are of a class
  drawings = core.scene_drawings,
}

--- One scene of the objects given, from back to front, in their own colours:
---   xai.scenes.compose { size = 224, background = "landscape", colours = { sky, ground },
---     objects = { { class = "cat", drawing = 2, x = 80, y = 140, size = 100, rotation = 10, mirror = true, hue = 0 } } }
-- x, y is an object's middle, size its longer side, in pixels. The seed chooses the background.
function scenes.compose(options)
  options = check.options("scenes.compose", options, { "size", "seed", "background", "colours", "objects", "font" })
  check.kind("scenes.compose", "objects", options.objects, "table")
  local classes, known = {}, {}
  for i, object in ipairs(options.objects or {}) do
    local name = type(object) == "table" and object.class
    if type(name) ~= "string" then core.fail(("scenes.compose: objects[%d]: expected a table with a class"):format(i)) end
    if not known[name] then classes[#classes + 1], known[name] = name, true end
  end
  local set <close> = core.scenes { classes = #classes > 0 and classes or { "dog" }, drawings = "all", size = options.size,
    seed = options.seed, background = options.background, font = options.font }
  return core.compose_scene(set, options.objects or {}, options.colours)
end

return setmetatable(scenes, { __call = function(_, options) return core.scenes(options) end })
