-- xai.score.method: methods by name or as functions, and what changes when they are asked again: about a picture that has
-- moved a little, about a network whose weights have become random.
local core = require "xai.core"
local Explanation = require "xai.explanation"
local shared = require "xai.score.shared"
local native = core.score
local options_of, OPEN, open = shared.options, shared.OPEN, shared.open
local is_explanation, input_of = shared.is_explanation, shared.input

local method = {}

--- What a function returned, as an explanation: a tensor becomes one.
local function as_explanation(name, result, net, x)
  if is_explanation(result) then return result end
  if not core.is_tensor(result) then
    core.fail(("score: %s: expected an explanation or a map H x W, got a %s"):format(name, type(result)))
  end
  local shape = x:shape()
  return setmetatable({ values = result, reduce = "max_abs", height = shape[3], width = shape[4], net = net, x = x,
    method = name, target = "", label = "", layer = "", unit = "", options = {}, signed = false, seconds = 0 }, Explanation)
end

--- Random numbers as a map: what any measure gives by chance. Every call draws others, from the seed.
local function chance()
  local calls = 0
  return function(_, x)
    local shape = x:shape()
    calls = calls + 1
    local noise = native.noise(core.zeros(1, 1, shape[3], shape[4]), core.seed(), calls, 1, "uniform", 0.5)
    return (noise + 0.5):reshape(shape[3], shape[4])
  end
end

--- A method by its name ("random" for chance), or a function(net, x, options), as one that gives explanations; its name.
local function method_of(given)
  if type(given) == "function" then
    return function(net, x, options) return as_explanation("the method", given(net, x, options), net, x) end, "function"
  end
  if given == "random" then
    local draw = chance()
    return function(net, x) return as_explanation("random", draw(net, x), net, x) end, "random"
  end
  for _, m in ipairs(core.method_table()) do
    if m.name == given and m.makes_picture then core.fail(("score: %s makes pictures: there is no map to score"):format(given)) end
  end
  local run = type(given) == "string" and core.methods[given]
  if run then return function(net, x, options) return setmetatable(run(net, x, options), Explanation) end, given end
  local names = { "random" }
  for name in pairs(core.methods) do names[#names + 1] = name end
  table.sort(names)
  local near = type(given) == "string" and core.nearest(given, names)
  core.fail(("score: no method '%s' (methods: %s, or a function)%s"):format(tostring(given), table.concat(names, ", "),
    near and ("; did you mean '%s'?"):format(near) or ""))
end

--- The options for a method, with the target where there is one.
local function with_target(options, target)
  local all = {}
  for key, value in pairs(options or {}) do all[key] = value end
  if target ~= nil then all.target = target end
  return all
end

--- The target for another look at the same: the class that was explained the first time.
local function same_target(target, e)
  if target ~= nil then return target end
  return e.class
end

--- Max-sensitivity (Yeh et al. 2019): the largest |phi(x + d) - phi(x)| / |phi(x)| over 'samples' of d, uniform within
--- 'radius', a share of the range of x. options: those of the method.
function method.sensitivity(given, net, x, options)
  local o = options_of("sensitivity", options,
    { samples = 10, radius = 0.02, seed = core.seed(), target = OPEN, options = {} }, { samples = 1 })
  local run = method_of(given)
  x = input_of(net, x)
  local e = run(net, x, with_target(o.options, open(o, "target")))
  local target, norm, largest = same_target(open(o, "target"), e), e.values:norm(), 0
  if norm == 0 then return 0 end
  for i = 0, o.samples - 1 do
    local moved = native.noise(x, o.seed, i, 1, "uniform", o.radius * (x:max() - x:min()))
    largest = math.max(largest, (run(net, moved, with_target(o.options, target)).values - e.values):norm() / norm)
  end
  return largest
end

--- Layers with a matrix of weights, from the top down.
local function weighted_layers(net)
  local names = {}
  for _, layer in ipairs(net:layers()) do
    local weight = (layer.params or 0) > 0 and net:weight(layer.name)
    if weight and #weight:shape() >= 2 then table.insert(names, 1, layer.name) end
  end
  return names
end

--- Cascading randomisation (Adebayo et al. 2018): layer after layer, from the top down, gets random weights, and the map of
--- the same class is compared with the first: a list of { layer =, spearman =, ssim = }, of |map|. A method that looks at the
--- network falls to 0. layers: which, in their order. Statistics of batch normalization stay. options: those of the method.
function method.randomization(given, net, x, options)
  local o = options_of("randomization", options, { layers = OPEN, target = OPEN, options = {} })
  local run = method_of(given)
  x = input_of(net, x)
  local e = run(net, x, with_target(o.options, open(o, "target")))
  local first, target = e:map():abs(), same_target(open(o, "target"), e)
  local stages, view = {}, net
  for i, layer in ipairs(open(o, "layers") or weighted_layers(net)) do
    view = view:with { weights = { [layer] = "random" } }
    local map = run(view, x, with_target(o.options, target)):map():abs()
    stages[i] = { layer = layer, spearman = native.spearman(first, map), ssim = native.ssim(first, map) }
  end
  return stages
end

method.method_of, method.with_target = method_of, with_target
return method
