-- xai.model: a network by its name or by its file, for scripts that leave the choice to an argument.
local core = require "xai.core"
local inspect = require "xai.inspect"
local load = require "xai.net"
local say = require "xai.say"
local zoo = require "xai.zoo"

--- The networks that ship with xairun: architecture and weights. See docs/models.md.
local shipped = { default = { "scenes", "models/scenes.safetensors" }, ["default-gap"] = { "scenes_gap", "models/scenes_gap.safetensors" } }

--- An architecture with the options over what is known of it.
local function build(architecture, known, options)
  for key, value in pairs(options or {}) do known[key] = value end
  return zoo[architecture](known)
end

local function from_inside(name, options)
  local architecture, path = table.unpack(shipped[name])
  if not core.exists(path) and not core.embedded(path) then
    core.fail(("model: this build of xairun does not have the network '%s'"):format(name))
  end
  return build(architecture, { weights = path, labels = core.scene_classes() }, options)
end

--- Does the file hold weights alone?
local function is_weights(path)
  local readable, found = pcall(core.inspect, path)
  return readable and found.format == "tensors"
end

--- The architecture of the zoo that has just these parameters.
local function from_weights(path, options)
  local fit = inspect(path).fits[1]
  if not fit then core.fail(("model: '%s' holds weights that fit no architecture of the zoo"):format(path)) end
  say.note(("model: '%s' holds weights of %s"):format(path, fit.name))
  return build(fit.name, { weights = path, classes = fit.classes }, options)
end

--- xai.model "default", xai.model("resnet18", {weights = FILE}), xai.model("model.onnx", {preprocess = "imagenet"}), or with a
--- file of weights, whose architecture is found: xai.model "resnet18.pth"
return function(name, options)
  if type(name) ~= "string" then core.fail("model: expected a name or a path, got a " .. type(name)) end
  if shipped[name] then return from_inside(name, options) end
  if core.exists(name) then return (is_weights(name) and from_weights or load)(name, options) end
  local names = zoo()
  for _, known in ipairs(names) do
    if known == name then return zoo[name](options) end
  end
  for known in pairs(shipped) do names[#names + 1] = known end
  table.sort(names)
  local near = core.nearest(name, names)
  core.fail(("model: '%s' is neither a file nor an architecture of the zoo%s"):format(name, near and ("; did you mean '%s'?"):format(near) or ""))
end
