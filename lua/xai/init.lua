-- xai: explains convolutional networks. This file puts together what scripts see; xai.help() lists it.
local core = require "xai.core"
local check = require "xai.check"
local Explanation = require "xai.explanation"
local embed = require "xai.embed"
require "xai.field"
local help = require "xai.help"

local xai = {
  version = core.version,
  load = require "xai.net", zoo = require "xai.zoo", model = require "xai.model", inspect = require "xai.inspect",
  image = require "xai.image",
  tensor = core.tensor, zeros = core.zeros, randn = core.randn,
  read = core.read,
  sheet = require "xai.sheet", tiles = require "xai.tiles",
  filters = require "xai.filters", activations = require "xai.activations",
  finer_target = require "xai.target".finer,
  images = require "xai.images", features = require "xai.features",
  rank = core.rank, size = core.size,
  scenes = require "xai.scenes", score = require "xai.score", grabcut = require "xai.grabcut",
  patches = require "xai.patches",
  trainer = require "xai.train".trainer, train = require "xai.train".train,
  pca = embed.pca, neighbours = embed.neighbours, tsne = embed.tsne, grid = embed.grid,
  args = require "xai.args",
  help = help.help, methods = help.methods,
  seed = core.seed, threads = core.threads, clock = core.clock, quiet = core.quiet,
}

--- xai.write(path, { name = tensor } or tensor, { key = text }, {half = true to round to float16})
function xai.write(path, tensors, meta, options)
  options = check.options("write", options, { "half" })
  local function sorted(list, t)
    for key, value in pairs(t) do list[#list + 1] = { key, value } end
    table.sort(list, function(a, b) return tostring(a[1]) < tostring(b[1]) end)
    return list
  end
  if core.is_tensor(tensors) then tensors = { data = tensors } end
  if type(tensors) ~= "table" then core.fail("write: expected a table of tensors, got a " .. type(tensors)) end
  core.write(path, sorted({}, tensors), sorted({}, meta or {}), options.half)
end

-- xai.<method>(net, x, options) for every method there is
for name, run in pairs(core.methods) do
  xai[name] = function(net, x, options) return setmetatable(run(net, x, options), Explanation) end
end

-- A slip in a name is told where it happens, not as "attempt to call a nil value".
return setmetatable(xai, { __index = function(_, key)
  local names = {}
  for name in pairs(xai) do names[#names + 1] = name end
  table.sort(names)
  local near = type(key) == "string" and core.nearest(key, names)
  core.fail(("xai: there is no xai.%s%s"):format(key, near and ("; did you mean 'xai.%s'?"):format(near) or ""))
end })
