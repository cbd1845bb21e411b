-- xai.model: a network by the name of its architecture or by its file, for scripts that leave the choice to an argument.
local core = require "xai.core"
local load = require "xai.net"
local zoo = require "xai.zoo"

--- xai.model("resnet18", {weights = FILE}) or xai.model("model.onnx", {preprocess = "imagenet"})
return function(name, options)
  if type(name) ~= "string" then core.fail("model: expected a name or a path, got a " .. type(name)) end
  if core.exists(name) then return load(name, options) end
  local names = zoo()
  for _, known in ipairs(names) do
    if known == name then return zoo[name](options) end
  end
  local near = core.nearest(name, names)
  core.fail(("model: '%s' is neither a file nor an architecture of the zoo%s"):format(name, near and ("; did you mean '%s'?"):format(near) or ""))
end
