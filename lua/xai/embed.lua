-- xai.pca, xai.neighbours, xai.tsne, xai.grid: points of many dimensions, as the eye can take them in.
--
--   local map = xai.tsne(X, { perplexity = 30 })      -- X: N x D, a row per point
--   xai.sheet { { scatter = map.values, "KL " .. map.kl } }:save "map.png"
--
-- Every result has .values, .options (as used) and .seconds; positions count from 1. The arithmetic is in src/embed.
local core = require "xai.core"
local check = require "xai.check"
local say = require "xai.say"
local native = core.embed

local embed = {}

--- The options over their defaults.
local function filled(name, options, defaults, optional)
  local names = {}
  for key in pairs(defaults) do names[#names + 1] = key end
  for _, key in ipairs(optional or {}) do names[#names + 1] = key end
  table.sort(names)
  local given, o = check.options(name, options, names), {}
  for _, key in ipairs(names) do
    o[key] = given[key]
    if o[key] == nil then o[key] = defaults[key] end
  end
  return o
end

local function points(name, x)
  if not core.is_tensor(x) or #x:shape() ~= 2 then
    core.fail(name .. ": x: expected points, a tensor N x D; got " .. (core.is_tensor(x) and "a tensor " .. tostring(x:shape()) or type(x)))
  end
  return x:shape()
end

local Pca = {}
Pca.__index = Pca

--- Other points along the components.
function Pca:project(z) return native.project(self.components, self.mean, z) end

function embed.pca(x, options)
  points("pca", x)
  local start, o = core.clock(), filled("pca", options, { dims = 2, solver = "auto", seed = core.seed() })
  local values, components, mean, variance, ratio, solver = native.pca(x, o.dims, o.solver, o.seed)
  return setmetatable({ values = values, components = components, mean = mean, variance = variance, ratio = ratio,
    solver = solver, options = o, seconds = core.clock() - start }, Pca)
end

function embed.neighbours(x, options)
  points("neighbours", x)
  local start, o = core.clock(), filled("neighbours", options, { k = 5, metric = "euclidean" }, { "query" })
  local query, list = o.query, nil
  if math.type(query) == "integer" then query = { query } end
  if type(query) == "table" then query, list = nil, query end
  local index, distance = native.neighbours(x, o.k, o.metric, query, list)
  return { values = index, distances = distance, options = o, seconds = core.clock() - start }
end

local Map = {}
Map.__index = Map

--- New points where their neighbours are; the map stays as it is.
function Map:place(z) return self.native:place(z) end

--- Lets go of the memory that place() needs.
function Map:free() self.native:free() end

local DEFAULTS = { method = "auto", pca = 50, perplexity = 30, theta = 0.5, exaggeration = 12, iterations = 1000, early = 250,
  rate = 0, early_momentum = 0.5, momentum = 0.8, max_step = 0, init = "pca", every = 50 }

function embed.tsne(x, options)
  points("tsne", x)
  local start, o = core.clock(), filled("tsne", options, DEFAULTS, { "seed", "on_step", "dims" })
  if o.dims ~= nil and o.dims ~= 2 then core.fail("tsne: dims: a map has 2 dimensions, got " .. tostring(o.dims)) end
  if o.pca == false then o.pca = 0 end
  o.seed = o.seed or core.seed()
  check.kind("tsne", "on_step", o.on_step, "function")
  if math.type(o.every) ~= "integer" or o.every < 1 then core.fail("tsne: every: expected a whole number above 0, got " .. tostring(o.every)) end

  local map = native.tsne(x, o)
  local tell = say.progress("tsne", o.iterations)
  local ended = core.until_stopped(function()
    while map:done() < o.iterations do
      tell(map:advance(o.every))
      if o.on_step then o.on_step(map:done(), map:kl(), map:values()) end
    end
  end)
  return setmetatable({ values = map:values(), kl = map:kl(), iterations = map:done(), stopped = not ended,
    method = map:method(), native = map, options = o, seconds = core.clock() - start }, Map)
end

--- Sides of the grid: those given; the other so that all points have a cell; without both as square as can be.
local function sides(n, o)
  local cols = o.cols or o.rows and -(-n // o.rows) or math.ceil(math.sqrt(n))
  return o.rows or -(-n // cols), cols
end

function embed.grid(y, options)
  local n, start = points("grid", y)[1], core.clock()
  local o = filled("grid", options, {}, { "rows", "cols" })
  for _, key in ipairs { "rows", "cols" } do
    if o[key] ~= nil and (math.type(o[key]) ~= "integer" or o[key] < 1) then
      core.fail(("grid: %s: expected a whole number above 0, got %s"):format(key, tostring(o[key])))
    end
  end
  local rows, cols = sides(n, o)
  local values, cells = native.grid(y, rows, cols), {}
  for r = 1, rows do
    cells[r] = {}
    for c = 1, cols do cells[r][c] = false end
  end
  for i, cell in ipairs(values:totable()) do cells[(cell - 1) // cols + 1][(cell - 1) % cols + 1] = i end
  return { values = values, cells = cells, rows = rows, cols = cols, options = o, seconds = core.clock() - start }
end

return embed
