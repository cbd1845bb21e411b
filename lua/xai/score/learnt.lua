-- xai.score.learnt: what has a network learnt? Is it right, and have its filters become something that the eye can name?
local core = require "xai.core"
local cluster = require "xai.cluster"
local say = require "xai.say"
local shared = require "xai.score.shared"

local learnt = {}

--- The network's class for each label of the set: by its text where both have texts, else the label itself.
local function ids_of(net, set)
  local names, ids = set.classes, {}
  for i, name in ipairs(names or {}) do ids[i - 1] = net.labels and net:class(name) or i - 1 end
  return function(label) return ids[label] or label end, function(label) return names and names[label + 1] or net:label(label) or tostring(label) end
end

--- How many classes are more probable; of equal ones the first counts as more probable.
local function rank(scores, id)
  local own, n = scores[id + 1], 0
  for k, score in ipairs(scores) do
    if score > own or (score == own and k <= id) then n = n + 1 end
  end
  return n
end

--- Accuracy: share of pictures whose class is among the 'top' most probable. all = true: whose classes all are, where a
--- picture shows several things. set: scenes, or what else xai.train takes as an object with batch(first, n, net) and #;
--- labels are matched by their text where the network has labels. { mean =, se =, n =, by_class = { name = the same } }.
function learnt.accuracy(net, set, options)
  local o = shared.options("accuracy", options, { top = 1, all = false, batch = 64 }, { top = 1, batch = 1 })
  local id_of, name_of = ids_of(net, set)
  local right, by_class, tell = {}, {}, say.progress("accuracy", #set)
  local parts, batches = {}, -(-#set // o.batch)

  local function judge(list, scores, label, shares)
    local good = o.all or rank(scores, id_of(label)) < o.top
    for k, share in ipairs(o.all and shares or {}) do
      good = good and (share == 0 or rank(scores, id_of(k - 1)) < o.top)
    end
    list[#list + 1], list[#list + 2] = name_of(label), good and 1 or 0
  end

  for part = 1, batches do
    if cluster.mine(part) then
      local first, list = (part - 1) * o.batch + 1, {}
      local n = math.min(o.batch, #set - first + 1)
      local x, labels, shares = set:batch(first, n, net)
      if o.all and not shares then shared.fail("accuracy", "all: the data give no shares of the classes") end
      shares = o.all and shares:totable()
      for i, scores in ipairs(net:logits(x):totable()) do judge(list, scores, labels[i], shares and shares[i]) end
      x:free()
      parts[part] = list
      tell(first + n - 1)
    end
  end
  local found = {}
  for _, of_rank in ipairs(cluster.gather(parts)) do
    for part, list in pairs(of_rank) do found[part] = list end
  end
  for part = 1, batches do
    for i = 1, #found[part], 2 do
      local name, good = found[part][i], found[part][i + 1]
      by_class[name] = by_class[name] or {}
      table.insert(by_class[name], good)
      right[#right + 1] = good
    end
  end
  local result = shared.summary(right)
  result.by_class = {}
  for name, values in pairs(by_class) do result.by_class[name] = shared.summary(values) end
  return result
end

local SMOOTH, ORIENTED, COLOURED, EVEN = 0.5, 0.4, 0.5, 0.5

local function kind_of(filter)
  local smooth = filter.smooth > SMOOTH
  if smooth and filter.oriented > ORIENTED then return "oriented" end
  if filter.colour and filter.colour > COLOURED and (smooth or filter.even > EVEN) then return "colour blob" end
  return "other"
end

--- Filters N x C x KH x KW, as net:weight gives them: a list of { smooth =, oriented =, colour =, even =, kind = }, and how many
--- there are of each:
---   smooth     the correlation of neighbouring weights (edges, blobs: above 0.5; noise: near 0)
---   oriented   the length of the mean of e^(2 i theta) over the power spectrum without its lowest frequencies (1: a grating,
---              0: no direction); a filter counts as oriented above 0.4, if it is smooth
---   colour     the share of the sum of squares that is not grey, where there are three channels
---   even       the share that is the channels' means; small filters may be all blob, without an edge to be smooth at
---   kind       "oriented"; else "colour blob" when more than half is colour and it is smooth or mostly even; else "other"
function learnt.filters(weights)
  local list = core.score.filters(weights)
  local coloured = weights:shape()[2] == 3
  list.smooth, list.oriented, list.blobs = 0, 0, 0
  for _, filter in ipairs(list) do
    local smooth = filter.smooth > SMOOTH
    if not coloured then filter.colour = nil end
    filter.kind = kind_of(filter)
    list.smooth = list.smooth + (smooth and 1 or 0)
    list.oriented = list.oriented + (filter.kind == "oriented" and 1 or 0)
    list.blobs = list.blobs + (filter.kind == "colour blob" and 1 or 0)
  end
  return list
end

return learnt
