-- xai.target: targets that are made from what the network says. A target is a table as the option 'target' takes it.
local core = require "xai.core"
local check = require "xai.check"

local target = {}

--- Finer-CAM (Zhang et al. 2025): what sets a class apart from the classes that are like it,
---
---   S[class] - alpha * sum over rivals r of p[r] / (sum of p over the rivals) * S[r]
---
--- p: softmax probabilities, taken as constants. rivals: how many, those whose scores are nearest to the class's, ties by id; or
--- a list of ids or labels. options.target: the class, the most probable one if absent.
function target.finer(net, x, options)
  options = check.options("finer_target", options, { "target", "rivals", "alpha" })
  local alpha = check.kind("finer_target", "alpha", options.alpha, "number") or 1
  local all = net:predict(x, net.classes)
  local class, rivals = options.target or all[1].id, options.rivals or 3
  if type(class) == "string" then class = net:class(class) end
  local by_id = {}
  for _, guess in ipairs(all) do by_id[guess.id] = guess end
  if not by_id[class] then core.fail(("finer_target: target: expected a class id or a label, got %s"):format(tostring(class))) end

  local chosen, sum = {}, 0
  if type(rivals) == "table" then
    for i, id in ipairs(rivals) do
      chosen[i] = by_id[type(id) == "string" and net:class(id) or id]
      if not chosen[i] then core.fail(("finer_target: rivals: expected class ids or labels, got %s"):format(tostring(id))) end
    end
  elseif math.type(rivals) == "integer" and rivals >= 1 and rivals < #all then
    local function distance(guess) return math.abs(guess.logit - by_id[class].logit) end
    table.sort(all, function(a, b)
      if distance(a) ~= distance(b) then return distance(a) < distance(b) end
      return a.id < b.id
    end)
    for _, guess in ipairs(all) do
      if guess.id ~= class and #chosen < rivals then chosen[#chosen + 1] = guess end
    end
  else
    core.fail(("finer_target: rivals: expected a number from 1 to %d, or a list of classes, got %s"):format(#all - 1, tostring(rivals)))
  end

  for _, guess in ipairs(chosen) do sum = sum + guess.p end
  local minus = {}
  for i, guess in ipairs(chosen) do minus[i] = { guess.id, weight = alpha * (sum > 0 and guess.p / sum or 1 / #chosen) } end
  return { plus = class, minus = minus }
end

return target
