-- xai.net: loading networks, finding layers, printing them.
local core = require "xai.core"
local check = require "xai.check"
local say = require "xai.say"

local Net = core.types.net

-- What label files that lie beside a model are called, besides the model's own name.
local LABEL_FILES = { "labels.txt", "imagenet_labels.txt", "imagenet_classes.txt", "synset_words.txt" }

--- Labels from a file beside the model, the first that has one for each class; a file of another length is told, not used.
local function labels_beside(net, path)
  local folder, refused = path:match "^.*/" or "", nil
  for _, file in ipairs { (path:gsub("%.[^./]*$", "")) .. ".txt", table.unpack(LABEL_FILES) } do
    if not file:find("/", 1, true) then file = folder .. file end
    local readable, names = false, nil
    if core.exists(file) then readable, names = pcall(core.read_labels, file) end
    if readable and #names == net.classes then
      say.once("load: labels from " .. file)
      return core.set_labels(net, names)
    end
    if core.exists(file) then refused = refused or file end
  end
  if refused then say.note(("load: %s does not hold one label for each of %d classes and is not used"):format(refused, net.classes)) end
  return net
end

local function with_labels(net, labels, path)
  if type(labels) == "string" then return core.set_labels(net, core.read_labels(labels)) end
  if labels then return core.set_labels(net, labels) end
  return net.labels and net or labels_beside(net, path) -- a network's own labels come before those of a neighbour
end

--- xai.load(path, {preprocess = "imagenet", labels = "names.txt"}); for Caffe, where they do not lie beside each other,
--- xai.load("deploy.prototxt", {weights = "net.caffemodel", mean = "mean.binaryproto" or {104, 117, 123}})
local function load(path, options)
  options = check.options("load", options, { "preprocess", "labels", "weights", "mean" })
  local net = core.load_net(path, options.weights)
  if options.preprocess then net = core.set_preprocess(net, options.preprocess) end
  if options.mean then net = core.set_mean(net, { mean = options.mean }) end
  return with_labels(net, options.labels, path)
end

--- Names of the layers that contain 'pattern', or match it as a Lua pattern; an empty list when there are none.
function Net:find(pattern)
  local names = {}
  for _, layer in ipairs(self:layers()) do
    local valid, found = pcall(string.find, layer.name, pattern)
    if layer.name:find(pattern, 1, true) or (valid and found) then names[#names + 1] = layer.name end
  end
  return names
end

--- Writes the network by extension: .onnx with its preprocessing and labels, or its weights as .safetensors (see
--- say.place for where), with {half = true} rounded to float16, and says so.
function Net:save(path, options)
  options = check.options("net:save", options, { "half" })
  path = say.place(path)
  self:write(path, options.half)
  say.wrote(path)
  return self
end

--- One line per layer, aligned, and totals.
function Net:table()
  local rows, width = { { "layer", "op", "shape", "parameters" } }, { 0, 0, 0, 0 }
  for _, layer in ipairs(self:layers()) do
    local name = layer.name .. (layer.replaced and " (replaced)" or "")
    local count = layer.params > 0 and tostring(layer.params) or ""
    rows[#rows + 1] = { name, layer.op, tostring(layer.shape or "?"), count }
  end
  for _, row in ipairs(rows) do
    for i, text in ipairs(row) do width[i] = math.max(width[i], #text) end
  end
  local line = ("%%-%ds  %%-%ds  %%-%ds  %%%ds"):format(table.unpack(width))
  local out = {}
  for _, row in ipairs(rows) do out[#out + 1] = (line:format(table.unpack(row)):gsub(" +$", "")) end
  out[#out + 1] = ("%d layers, %d parameters, %d classes"):format(#rows - 1, self:params(), self.classes)
  return table.concat(out, "\n")
end

--- What print(net) shows.
function Net:tostring() return ("%s: input %s\n%s"):format(self.path or "net", self.input, self:table()) end

return load
