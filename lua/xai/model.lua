-- xai.model: a network by its name or by its file, for scripts that leave the choice to an argument.
local core = require "xai.core"
local load = require "xai.net"
local zoo = require "xai.zoo"

--- The networks that ship with xairun: architecture and weights. See docs/models.md.
local shipped = { default = { "scenes", "models/scenes.safetensors" }, ["default-gap"] = { "scenes_gap", "models/scenes_gap.safetensors" } }

local function from_inside(name, options)
  local architecture, path = table.unpack(shipped[name])
  if not core.exists(path) and not core.embedded(path) then
    core.fail(("model: this build of xairun does not have the network '%s'"):format(name))
  end
  local all = { weights = path, labels = core.scene_classes() }
  for key, value in pairs(options or {}) do all[key] = value end
  return zoo[architecture](all)
end

--- xai.model "default", xai.model("resnet18", {weights = FILE}) or xai.model("model.onnx", {preprocess = "imagenet"})
return function(name, options)
  if type(name) ~= "string" then core.fail("model: expected a name or a path, got a " .. type(name)) end
  if shipped[name] then return from_inside(name, options) end
  if core.exists(name) then return load(name, options) end
  local names = zoo()
  for _, known in ipairs(names) do
    if known == name then return zoo[name](options) end
  end
  for known in pairs(shipped) do names[#names + 1] = known end
  table.sort(names)
  local near = core.nearest(name, names)
  core.fail(("model: '%s' is neither a file nor an architecture of the zoo%s"):format(name, near and ("; did you mean '%s'?"):format(near) or ""))
end
