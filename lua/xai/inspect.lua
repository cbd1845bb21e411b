-- xai.inspect: what is in a file of a network, and what of it cannot be run, without reading the weights.
local core = require "xai.core"
local check = require "xai.check"
local zoo = require "xai.zoo"

local Inspection = {}
Inspection.__index = Inspection

local function megabytes(bytes) return bytes < 1e5 and ("%.1f kB"):format(bytes / 1e3) or ("%.1f MB"):format(bytes / 1e6) end

local function facts(i)
  local list = { i.format }
  if i.opset then list[#list + 1] = "opset " .. i.opset end
  if i.producer then list[#list + 1] = "written by " .. i.producer end
  list[#list + 1] = megabytes(i.bytes)
  return table.concat(list, ", ")
end

local function operators(i)
  local list = {}
  for _, op in ipairs(i.operators) do
    list[#list + 1] = ("%s %d%s"):format(op.name, op.count, op.problems > 0 and " (!)" or "")
  end
  return list
end

--- Items separated by commas, in lines of at most 100 columns.
local function wrapped(head, items)
  local lines, line = {}, head
  for k, item in ipairs(items) do
    item = item .. (k < #items and "," or "")
    if #line + #item + 1 > 100 then lines[#lines + 1], line = line, (" "):rep(#head) .. " " .. item
    else line = line .. " " .. item end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

function Inspection:__tostring()
  local out = { ("%s: %s"):format(self.path, facts(self)), "" }
  local function add(text) out[#out + 1] = text end
  for _, input in ipairs(self.inputs or {}) do add(("input %s: %s %s"):format(input.name, input.dtype, tostring(input.shape))) end
  if self.table then add(self.table) add "" end
  if self.operators then add(wrapped("operators:", operators(self))) end
  for _, tensor in ipairs(self.tensors or {}) do
    add(("%-48s %-8s %s"):format(tensor.name, tensor.dtype, tostring(tensor.shape)))
  end
  if self.tensors then
    add(("%d tensors, %d numbers"):format(#self.tensors, self.params))
    if #self.fits > 0 then
      local classes = self.fits[1].classes
      add(("load it with xai.zoo.%s { weights = %q%s }"):format(self.fits[1].name, self.path,
        classes and ", classes = " .. classes or ""))
    else
      add "no architecture of the zoo has just these parameters"
    end
  elseif #self.problems > 0 then
    add(("%d of its nodes cannot be run:"):format(#self.problems + self.more_problems))
    for _, p in ipairs(self.problems) do
      add(("  %s%s"):format(p.layer and ("'%s': "):format(p.layer) or "", p.text))
    end
    if self.more_problems > 0 then add(("  and %d more"):format(self.more_problems)) end
  elseif self.table then
    add "xairun can run all of it"
  else
    add "the other half of this network does not lie beside it: only the types of its layers are known"
  end
  return table.concat(out, "\n")
end

--- A source of weights that gives up at the first parameter that is not among 'found'.
local function strict(found)
  return function(name, shape)
    local tensor = found[name]
    if not tensor or table.concat(tensor:shape(), "x") ~= table.concat(shape, "x") then error("another architecture", 0) end
    return tensor
  end
end

--- What is said of weights that belong to another architecture; memory is short only where some are missing.
local MISFITS = { "^another architecture$", ": the weights do not fit: ", "out of memory" }

--- Can the architecture be built with these weights? What else goes wrong, Ctrl-C for one, goes on its way.
local function takes(name, weights, classes)
  local good, message = pcall(zoo[name], { weights = weights, classes = classes })
  for _, misfit in ipairs(good and {} or MISFITS) do
    if tostring(message):find(misfit) then return false end
  end
  if not good then error(message, 0) end
  return true
end

--- The architectures whose parameters have exactly these names and shapes, with the number of classes that the last layer has.
local function fitting(found)
  local classes, known, fits = { false }, {}, {} -- false: as many as the architecture has by itself
  for name, t in pairs(found) do
    local n = t:shape()[1]
    if (#t:shape() == 2 or name:find "classifier") and not known[n] then classes[#classes + 1], known[n] = n, true end
  end
  local function try(...) -- kinds of weights, all of which have to do
    for _, name in ipairs(zoo()) do
      for _, n in ipairs(classes) do
        local fit = true
        for _, weights in ipairs { ... } do fit = fit and takes(name, weights, n or nil) end
        if fit then
          fits[#fits + 1] = n and { name = name, classes = n } or { name = name }
          break
        end
      end
    end
  end
  try(strict(found), found) -- most fail at once
  if #fits == 0 then try(found) end -- zoo knows the names of older files
  return fits
end

local function of_tensors(path, i)
  local found, tensors, params = core.read(path), {}, 0
  for name, t in pairs(found) do
    tensors[#tensors + 1] = { name = name, dtype = t:dtype(), shape = t:shape() }
    local n = 1
    for _, dim in ipairs(t:shape()) do n = n * dim end
    params = params + n
  end
  table.sort(tensors, function(a, b) return a.name < b.name end)
  return { format = "named tensors", bytes = i.bytes, tensors = tensors, params = params, fits = fitting(found) }
end

--- xai.inspect(path, {weights = the .caffemodel of a .prototxt}): a table that prints itself. format, bytes, opset, producer;
--- operators = {{name=, count=, problems=}}; problems = {{layer=, op=, text=}}; inputs and layers as net:inputs() and
--- net:layers(), when all of them can be run. Of a file of weights: tensors = {{name=, dtype=, shape=}}, fits = {{name =,
--- classes =}} from the zoo.
return function(path, options)
  options = check.options("inspect", options, { "weights" })
  local i, net = core.inspect(path, options.weights)
  if i.format == "tensors" then i = of_tensors(path, i) end
  i.path = path
  if net then i.inputs, i.layers, i.params, i.table = net:inputs(), net:layers(), net:params(), net:table() end
  return setmetatable(i, Inspection)
end
