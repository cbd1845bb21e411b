-- xai.zoo: architectures by name: xai.zoo.resnet18 { weights = "resnet18.pth" }.
--
-- Structure, layer names and parameter names are torchvision's where it has the network, so its weight files fit; the others
-- are the papers'. A family is a file beside this one. It returns { name = layer function or spec }; a spec is
-- { function(o) -> layer, size =, classes =, in_channels =, preprocess =, rename =, ignore = }, where o.classes is the number
-- of classes and o.wide(channels) scales a number of channels.
local core = require "xai.core"
local check = require "xai.check"
local build = require "xai.build"
local say = require "xai.say"

local families = { "alexnet", "vgg", "nin", "lenet", "cifar", "googlenet", "inception", "resnet", "densenet", "squeezenet",
  "mobilenet", "mnasnet", "shufflenet", "efficientnet", "regnet", "convnext", "scenes" }

--- All specs by name; read when the first is asked for.
local specs
local function all()
  if specs then return specs end
  specs = {}
  for _, family in ipairs(families) do
    for name, spec in pairs(require("xai.zoo." .. family)) do specs[name] = type(spec) == "function" and { spec } or spec end
  end
  return specs
end

local function names()
  local list = {}
  for name in pairs(all()) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function whole(name, key, n, least, default)
  if n == nil then return default end
  if math.type(n) ~= "integer" or n < least then
    core.fail(("%s: %s: expected an integer of at least %d, got %s"):format(name, key, least, tostring(n)))
  end
  return n
end

--- The number that 'width' multiplies channel counts with.
local function factor(name, width)
  if width == nil then return 1 end
  if type(width) ~= "number" or not (width > 0 and width <= 16) then
    core.fail(("%s: width: expected a factor above 0 and at most 16, got %s"):format(name, tostring(width)))
  end
  return width
end

local keys = { "weights", "classes", "in_channels", "size", "width", "preprocess", "labels" }

local function make(name, options)
  local spec = all()[name]
  options = check.options(name, options, keys)
  local o = { classes = whole(name, "classes", options.classes, 1, spec.classes or 1000), wide = build.widener(factor(name, options.width)) }
  local channels = whole(name, "in_channels", options.in_channels, 1, spec.in_channels or 3)
  local size = whole(name, "size", options.size, 1, spec.size or 224)
  if options.weights == nil then
    say.note(name .. ": no weights are given, all parameters are zero; weights = FILE, a table, a function or \"fill\"")
  end
  local net = build.net(name, spec[1](o), { input = { channels, size, size }, weights = options.weights, rename = spec.rename,
    ignore = spec.ignore, preprocess = options.preprocess or spec.preprocess or "imagenet" })
  local labels = options.labels
  if labels then net = core.set_labels(net, type(labels) == "string" and core.read_labels(labels) or labels) end
  return net
end

local zoo = {}

--- xai.zoo(): the names of all architectures
function zoo:__call() return names() end

function zoo:__pairs()
  local list, i = names(), 0
  return function()
    i = i + 1
    if list[i] then return list[i], self[list[i]] end
  end
end

function zoo:__index(name)
  if all()[name] then return function(options) return make(name, options) end end
  local near = type(name) == "string" and core.nearest(name, names())
  core.fail(("zoo: no architecture '%s'%s"):format(name, near and ("; did you mean '%s'?"):format(near) or "; xai.zoo() lists them"))
end

return setmetatable({}, zoo)
