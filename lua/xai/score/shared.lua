-- xai.score.shared: what the measures share: their options, maps and regions at one size.
local core = require "xai.core"
local check = require "xai.check"
local Explanation = require "xai.explanation"

local shared = {}

local function fail(name, message, ...) core.fail(("score.%s: %s"):format(name, message:format(...))) end

--- Stands for an option without a default, of any type.
local OPEN = {}
shared.OPEN = OPEN
function shared.open(o, key)
  if o[key] ~= OPEN then return o[key] end
end

--- The options over their defaults; a default tells the type, and a third table the least value allowed.
function shared.options(name, given, defaults, least)
  local names, o = {}, {}
  for key, default in pairs(defaults) do names[#names + 1], o[key] = key, default end
  table.sort(names)
  for key, value in pairs(check.options("score." .. name, given, names)) do
    local default, low = defaults[key], least and least[key] or 0
    if default ~= OPEN and type(value) ~= type(default) then
      fail(name, "%s: expected a %s, got a %s", key, type(default), type(value))
    elseif type(default) == "number" and not (value >= low) then
      fail(name, "%s: expected at least %s, got %s", key, low, value)
    elseif math.type(default) == "integer" and math.type(value) ~= "integer" then
      fail(name, "%s: expected a whole number, got %s", key, value)
    end
    o[key] = value
  end
  return o
end

local function is_explanation(e) return getmetatable(e) == Explanation end
local function is_box(v) return type(v) == "table" and type(v.x) == "number" end
shared.is_explanation, shared.is_box = is_explanation, is_box

--- The map at a size, which is the explanation's own when none is given.
local function map_of(name, e, height, width)
  local values, reduce = e, "max_abs"
  if is_explanation(e) then values, reduce = e.values, e.reduce
  elseif not core.is_tensor(e) then fail(name, "expected an explanation or a map H x W, got a %s", type(e)) end
  local shape = values:shape()
  return core.map(values, reduce, height or e.height or shape[#shape - 1], width or e.width or shape[#shape])
end

--- x, a picture or prepared, as one tensor.
function shared.input(net, x) return core.is_image(x) and net:prepare(x) or x end

--- Boxes and masks of a truth, flat; of an object the one that is preferred, else the other.
local function collect(name, truth, prefer, list)
  if core.is_tensor(truth) or is_box(truth) then list[#list + 1] = truth
  elseif type(truth) ~= "table" then fail(name, "expected a box, a mask, an object or a list of them, got a %s", type(truth))
  elseif truth.box or truth.mask then list[#list + 1] = truth[prefer] or truth.box or truth.mask
  else
    for _, item in ipairs(truth) do collect(name, item, prefer, list) end
  end
  return list
end

local function check_prefer(name, prefer)
  if prefer ~= "box" and prefer ~= "mask" then fail(name, "region: expected box or mask, got '%s'", prefer) end
  return prefer
end

--- The map and the region at one size: the masks', else the one that the truth names, else the map's own.
function shared.against(name, e, truth, prefer)
  local list = collect(name, truth, check_prefer(name, prefer), {})
  if #list == 0 then fail(name, "the truth is empty (expected a box or a mask)") end
  local height, width = type(truth) == "table" and truth.height or nil, type(truth) == "table" and truth.width or nil
  for _, item in ipairs(list) do
    if core.is_tensor(item) then height, width = item:shape()[1], item:shape()[2] end
  end
  local map = map_of(name, e, height, width)
  return map, core.score.region(map:shape()[1], map:shape()[2], list)
end

--- Mean and standard error of a list.
function shared.summary(values)
  local n, sum, square = #values, 0, 0
  for _, v in ipairs(values) do sum = sum + v end
  local mean = sum / n
  for _, v in ipairs(values) do square = square + (v - mean) ^ 2 end
  return { mean = n > 0 and mean or nil, se = n > 1 and math.sqrt(square / (n - 1) / n) or nil, n = n }
end

shared.fail, shared.map, shared.collect = fail, map_of, collect
return shared
