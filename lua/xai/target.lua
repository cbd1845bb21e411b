-- xai.target: targets that are made from what the network says. A target is a table as the option 'target' takes it.
local core = require "xai.core"
local check = require "xai.check"

local target = {}

local function id_of(net, class) return type(class) == "string" and net:class(class) or class end

--- The 'count' guesses whose scores are nearest to that of 'own'; ties by id.
local function nearest(guesses, own, count)
  local others = {}
  for _, guess in ipairs(guesses) do
    if guess ~= own then others[#others + 1] = guess end
  end
  local function distance(guess) return math.abs(guess.logit - own.logit) end
  table.sort(others, function(a, b)
    if distance(a) ~= distance(b) then return distance(a) < distance(b) end
    return a.id < b.id
  end)
  return table.move(others, 1, count, 1, {})
end

--- Those that the list names.
local function listed(net, by_id, list)
  local chosen = {}
  for i, class in ipairs(list) do
    chosen[i] = by_id[id_of(net, class)]
    if not chosen[i] then core.fail(("finer_target: rivals: expected class ids or labels, got %s"):format(tostring(class))) end
  end
  return chosen
end

--- Finer-CAM (Zhang et al. 2025): what sets a class apart from the classes that are like it,
---
---   S[class] - alpha * sum over rivals r of p[r] / (sum of p over the rivals) * S[r]
---
--- p: softmax probabilities, taken as constants. rivals: how many, those whose scores are nearest to the class's; or a list of ids
--- or labels. options.target: the class, the most probable one if absent.
function target.finer(net, x, options)
  options = check.options("finer_target", options, { "target", "rivals", "alpha" })
  local alpha = check.kind("finer_target", "alpha", options.alpha, "number") or 1
  local guesses, by_id = net:predict(x, net.classes), {}
  for _, guess in ipairs(guesses) do by_id[guess.id] = guess end
  local own = by_id[id_of(net, options.target or guesses[1].id)]
  if not own then core.fail(("finer_target: target: expected a class id or a label, got %s"):format(tostring(options.target))) end

  local rivals, chosen = options.rivals or math.min(3, #guesses - 1), nil
  if type(rivals) == "table" then chosen = listed(net, by_id, rivals)
  elseif math.type(rivals) == "integer" and rivals >= 1 and rivals < #guesses then chosen = nearest(guesses, own, rivals)
  else
    core.fail(("finer_target: rivals: expected a number from 1 to %d, or a list of classes, got %s"):format(#guesses - 1, tostring(rivals)))
  end

  local sum, minus = 0, {}
  for _, guess in ipairs(chosen) do sum = sum + guess.p end
  for i, guess in ipairs(chosen) do minus[i] = { guess.id, weight = alpha * (sum > 0 and guess.p / sum or 1 / #chosen) } end
  return { plus = own.id, minus = minus }
end

return target
