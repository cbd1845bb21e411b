-- xai.weights: where the parameters of a network that is being built come from: a file, a table, a function, or their names.
local core = require "xai.core"

local Source = {}
Source.__index = Source

--- Checkpoints of torch.nn.DataParallel have everything inside of one module.
local function without_prefix(tensors)
  local bare = {}
  for name, tensor in pairs(tensors) do
    local rest = name:match "^module%.(.*)$"
    if not rest then return tensors end
    bare[rest] = tensor
  end
  return bare
end

local function same(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

local function text(shape) return #shape == 0 and "scalar" or table.concat(shape, "x") end

--- A tensor of its own for a parameter that is not there; its pages stay untouched.
local function zeros(shape) return core.zeros(shape) end

--- weights: nil or "none" (zeros), "fill" (core.fill), a path, { name = tensor }, function(name, shape) -> tensor.
--- spec.rename(name): names of older files; spec.ignore: patterns of parameters that are not used.
local function source(net, weights, spec)
  local self = setmetatable({ net = net, missing = {}, misshapen = {}, used = {}, ignore = spec.ignore or {} }, Source)
  if weights == nil or weights == "none" then self.make = function(_, shape) return zeros(shape) end
  elseif weights == "fill" then self.make = core.fill
  elseif type(weights) == "function" then self.make = weights
  elseif type(weights) == "table" or type(weights) == "string" then
    self.from = type(weights) == "string" and (" of " .. weights) or ""
    if type(weights) == "string" then weights = core.read(weights) end
    self.tensors = {}
    for name, tensor in pairs(without_prefix(weights)) do
      self.tensors[spec.rename and spec.rename(name) or name] = tensor
    end
  else
    core.fail(("%s: weights: expected a path, \"fill\", \"none\", a table or a function, got a %s"):format(net, type(weights)))
  end
  return self
end

local function float(tensor) return tensor:dtype() == "float32" and tensor or core.tensor(tensor, "float32") end

--- The parameter. One that is missing or has another shape is noted, and zeros stand for it until finish() tells.
function Source:take(name, shape)
  if self.make then
    local tensor = self.make(name, shape)
    if not core.is_tensor(tensor) or not same(tensor:shape(), shape) then
      core.fail(("%s: weights('%s'): expected a tensor %s, got %s"):format(self.net, name, text(shape),
        core.is_tensor(tensor) and text(tensor:shape()) or "a " .. type(tensor)))
    end
    return float(tensor)
  end
  local tensor = self.tensors[name]
  self.used[name] = true
  if core.is_tensor(tensor) and same(tensor:shape(), shape) then return float(tensor) end
  if not core.is_tensor(tensor) then self.missing[#self.missing + 1] = name
  else
    self.misshapen[#self.misshapen + 1] = ("%s: expected %s, got %s"):format(name, text(shape), text(tensor:shape()))
  end
  return zeros(shape)
end

function Source:expects(name)
  if self.used[name] or name:find "num_batches_tracked$" then return true end
  for _, pattern in ipairs(self.ignore) do
    if name:find(pattern) then return true end
  end
  return false
end

local FIRST = 3 -- so many names stand in a message
local function list(names, what)
  if #names == 0 then return nil end
  return ("%d %s (%s%s)"):format(#names, what, table.concat(names, ", ", 1, math.min(#names, FIRST)), #names > FIRST and ", ..." or "")
end

--- Raises one line about everything that does not fit.
function Source:finish()
  if not self.tensors then return end
  local unexpected = {}
  for name in pairs(self.tensors) do
    if not self:expects(name) then unexpected[#unexpected + 1] = name end
  end
  table.sort(unexpected)
  local parts = {}
  for _, part in ipairs { list(self.missing, "missing") or false, list(self.misshapen, "of another shape") or false,
    list(unexpected, "unexpected") or false } do
    if part then parts[#parts + 1] = part end
  end
  if #parts > 0 then core.fail(("%s: the weights%s do not fit: %s"):format(self.net, self.from, table.concat(parts, "; "))) end
end

return source
