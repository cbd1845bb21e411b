-- xai.help and xai.methods: what there is, from the method table, the recipes' headers and the list below.
local core = require "xai.core"
local print = print

local functions = {
  { "load", "load(path, {preprocess=, labels=}): a network from an ONNX file" },
  { "zoo", "zoo.resnet18 {weights=, classes=, in_channels=, size=, width=, preprocess=, labels=}: an architecture; zoo() lists them" },
  { "model", "model(name or path, options): a network from the zoo, or from a file" },
  { "image", "image(path): a picture from a PNG, JPEG or BMP file (or from a uint8 tensor H x W x 3)" },
  { "tensor", "tensor {{1, 2}, {3, 4}}: a tensor from nested tables; a second argument names the element type" },
  { "zeros", "zeros(3, 224, 224): a tensor of zeros" },
  { "randn", "randn(3, 224, 224): normally distributed numbers; the seed is xai.seed()" },
  { "read", "read(path): table of tensors, table of metadata, from .safetensors or .npy" },
  { "write", "write(path, tensors, meta): the reverse" },
  { "sheet", "sheet {title=, rows=, cols=, {picture, caption}, ...}:save(path): a grid of captioned pictures" },
  { "args", "args {\"what the script does\", name = {default, help}, ...}: the script's arguments" },
  { "methods", "methods(): the names of all methods" },
  { "seed", "seed(n): sets the seed of everything random; without n: what it is" },
  { "threads", "threads(n): how many threads compute" },
  { "quiet", "quiet(true): no notes and no \"wrote ...\"" },
}

local objects = {
  { "net", "prepare unprepare forward logits predict run with layers layer find weight class label params; .labels .classes .input .preprocess" },
  { "run", "get backward" },
  { "tensor", "shape dtype totable get set sum mean max min argmax norm abs clamp reshape channel channels fill_channel copy free; + - * / #" },
  { "image", "resize crop outline get tensor size save show; .width .height .bar" },
  { "result", "map heat over picture boxes drawing save show; .values .method .target .label .class .p .layer .options .seconds" },
}

local help = {}

local methods = core.method_table()
local by_name = {}
for _, method in ipairs(methods) do by_name[method.name] = method end

--- The leading comment of the recipe scripts/<name>.lua, or nil.
local function recipe(name)
  local text = core.embedded("scripts/" .. name .. ".lua")
  if not text then return nil end
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    local comment = line:match "^%-%- ?(.*)$"
    if not comment then break end
    lines[#lines + 1] = "  " .. comment
  end
  return table.concat(lines, "\n")
end

local function option_line(option)
  local choices = option.choices and " (" .. table.concat(option.choices, ", ") .. ")" or ""
  return ("  %-16s %s%s; default %s"):format(option.name, option.help, choices, option.default)
end

local function about_method(method)
  local lines = { ("xai.%s(net, x, options): %s"):format(method.name, method.summary), method.paper, "options:",
    "  target           class id, label, \"layer:channel\", a list of those, {plus=, minus=} or a tensor; default the most probable class" }
  lines[#lines + 1] = method.at
    and "  at               a unit in place of a target: \"layer\" or \"layer:channel\" (the strongest), \"layer:channel:row:col\""
    or "  at               the layer of a tensor given as target; default the logits"
  if method.layer then lines[#lines + 1] = "  layer            name of a layer; default the last with height and width" end
  for _, option in ipairs(method.options) do lines[#lines + 1] = option_line(option) end
  local script = recipe(method.name)
  if script then lines[#lines + 1] = "recipe: xairun " .. method.name .. "\n" .. script end
  return table.concat(lines, "\n")
end

local function about_all()
  local lines = { "xai " .. core.version, "", "methods: e = xai.<method>(net, x, options)" }
  for _, method in ipairs(methods) do lines[#lines + 1] = ("  %-20s %s"):format(method.name, method.summary) end
  lines[#lines + 1] = "\nfunctions: xai.<name>"
  for _, f in ipairs(functions) do lines[#lines + 1] = "  " .. f[2] end
  lines[#lines + 1] = "\nobjects"
  for _, o in ipairs(objects) do lines[#lines + 1] = ("  %-8s %s"):format(o[1], o[2]) end
  lines[#lines + 1] = "\nxai.help \"gradcam\" tells more about one of them"
  return table.concat(lines, "\n")
end

local function about(list, topic)
  for _, entry in ipairs(list) do
    if entry[1] == topic then return entry[2] end
  end
end

--- Prints what is known of a topic: a method, a function, a kind of object, a recipe; everything when absent.
function help.help(topic)
  if topic == nil then return print(about_all()) end
  if type(topic) ~= "string" then core.fail("help: expected a name, as in xai.help \"gradcam\"") end
  local text = by_name[topic] and about_method(by_name[topic]) or recipe(topic)
  local f, o = about(functions, topic), about(objects, topic)
  text = text or f and "xai." .. f
  if o then text = (text and text .. "\n" or "") .. topic .. ": " .. o end
  if text then return print(text) end
  local names = {}
  for _, list in ipairs { methods, functions, objects } do
    for _, entry in ipairs(list) do names[#names + 1] = entry.name or entry[1] end
  end
  local near = core.nearest(topic, names)
  core.fail(("help: nothing about '%s'%s"):format(topic, near and ("; did you mean '%s'?"):format(near) or ""))
end

local MethodList = {}
function MethodList:__tostring()
  local lines = {}
  for _, name in ipairs(self) do lines[#lines + 1] = ("%-20s %s (%s)"):format(name, by_name[name].summary, by_name[name].paper) end
  return table.concat(lines, "\n")
end

--- The names of all methods, in a list that prints with a summary of each.
function help.methods()
  local names = setmetatable({}, MethodList)
  for i, method in ipairs(methods) do names[i] = method.name end
  return names
end

return help
