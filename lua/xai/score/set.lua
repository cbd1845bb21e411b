-- xai.score.set: a method over a set of pictures whose objects are known: means, standard errors, tables.
local core = require "xai.core"
local check = require "xai.check"
local cluster = require "xai.cluster"
local say = require "xai.say"
local method = require "xai.score.method"
local place, network, shared = require "xai.score.place", require "xai.score.network", require "xai.score.shared"
local method_of, with_target, summary = method.method_of, method.with_target, shared.summary

local set = {}

--- One number per object of a picture. A case is { net, x, e, truth, class, method, options }.
local function truthful(measure) return function(c, o) return (measure(c.e, c.truth, o)) end end
local function area(measure) return function(c, o) return measure(c.net, c.x, c.e, o).auc end end
local function asked(measure) return function(c, o) return (measure(c.net, c.x, c.e, o)) end end

--- Options for a metric that runs the method again.
local function again(c, o)
  local all = { target = c.class, options = c.options }
  for key, value in pairs(o or {}) do all[key] = value end
  return all
end

local METRICS = {
  { "pointing", truthful(place.pointing) },
  { "iou", truthful(place.iou) },
  { "localization_error", truthful(place.localization_error) },
  { "mass", truthful(place.mass) },
  { "rank", truthful(place.rank) },
  { "instances", truthful(place.instances) },
  { "peaks", function(c, o) return (select(2, place.instances(c.e, c.truth, o))) end },
  { "sparseness", function(c, o) return place.sparseness(c.e, o) end },
  { "insertion", area(network.insertion) },
  { "deletion", area(network.deletion) },
  { "drop", asked(network.drop) },
  { "increase", asked(network.increase) },
  { "infidelity", asked(network.infidelity) },
  { "sensitivity", function(c, o) return method.sensitivity(c.method, c.net, c.x, again(c, o)) end },
  { "randomization", function(c, o) -- what is left of the map when all weights are random
    local stages = method.randomization(c.method, c.net, c.x, again(c, o))
    return #stages > 0 and stages[#stages].spearman or 0
  end },
}
local DEFAULT = { "pointing", "iou", "mass", "rank", "insertion", "deletion" }

--- Of the others more is better (of sparseness it is a matter of taste).
set.lower_is_better = { localization_error = true, deletion = true, drop = true, infidelity = true,
  sensitivity = true, randomization = true }

--- The names of all metrics for a set.
function set.metrics()
  local names = {}
  for i, metric in ipairs(METRICS) do names[i] = metric[1] end
  return names
end

local function chosen(names)
  local known, list = set.metrics(), {}
  for i, name in ipairs(check.kind("score", "metrics", names, "table") or DEFAULT) do
    for _, metric in ipairs(METRICS) do
      if metric[1] == name then list[i] = metric end
    end
    if not list[i] then
      local near = type(name) == "string" and core.nearest(name, known)
      core.fail(("score: no metric '%s' (metrics: %s)%s"):format(tostring(name), table.concat(known, ", "),
        near and ("; did you mean '%s'?"):format(near) or ""))
    end
  end
  return list
end

--- The network's class of an object: by its label's text where the network has labels, else by its id.
local function class_of_object(net, object, where)
  if type(object.class) == "string" and net.labels then
    local good, id = pcall(net.class, net, object.class)
    if good then return id end
    core.fail(("score: %s: the network has no class '%s'"):format(where, object.class))
  end
  local id = math.type(object.class) == "integer" and object.class or object.label
  if math.type(id) ~= "integer" or id < 0 or id >= net.classes then
    core.fail(("score: %s: expected an object with a class that the network has (a label, or an id from 0 to %d)"):format(
      where, net.classes - 1))
  end
  return id
end

--- Pixels that can be seen of an object.
local function extent(object) return object.mask and core.tensor(object.mask, "float32"):sum() or object.box.w * object.box.h end

--- What is asked about a scene: for each class in it the truth, all its objects together; or the largest object's alone.
local function questions(net, scene, size, target, where)
  if type(scene) ~= "table" or scene.image == nil or type(scene.objects) ~= "table" then
    core.fail(("score: %s: expected { image =, objects = { { class =, box =, mask = }, ... } }"):format(where))
  end
  local list, by_class, most = {}, {}, 0
  for _, object in ipairs(scene.objects) do
    local pixels = (object.box or object.mask) and extent(object) or 0 -- nothing can be seen of some
    if pixels > 0 then
      local class = class_of_object(net, object, where)
      if not by_class[class] then
        local name = type(object.class) == "string" and object.class or net:label(class) or tostring(class)
        by_class[class] = { class = class, name = name, truth = { height = size.height, width = size.width } }
        list[#list + 1] = by_class[class]
      end
      table.insert(by_class[class].truth, object)
      if pixels > most then most, list.largest = pixels, by_class[class] end
    end
  end
  return target == "largest" and { list.largest } or list
end

--- The picture's size, in which boxes and masks are; refused where the network sees only a part of the picture.
local function size_of(net, image, x, where)
  local shape = x:shape()
  if not core.is_image(image) then return { height = shape[3], width = shape[4] } end
  if net.crops and (image.width ~= shape[4] or image.height ~= shape[3]) then
    core.fail(("score: %s: a picture of %dx%d is cropped for the network, so boxes would not fit (expected %dx%d)"):format(
      where, image.width, image.height, shape[4], shape[3]))
  end
  return { height = image.height, width = image.width }
end

local Result = {}

--- What is gathered: values[class][i] is the list of metric i's values for the objects of a class.
local function add_values(result, name, values)
  local lists = result.values[name]
  if not lists then
    lists = {}
    for i = 1, #values do lists[i] = {} end
    result.values[name] = lists
    table.insert(result.classes, name)
  end
  for i, value in ipairs(values) do table.insert(lists[i], value) end
  result.objects = result.objects + 1
end

--- What all ranks have found, put together in the order of the pictures, as one process alone does; the seconds of all.
local function collect(result, count, seconds, found)
  local lists, total = {}, 0
  for _, rank in ipairs(cluster.gather { seconds = seconds, found = found }) do
    total = total + rank.seconds
    for i, list in pairs(rank.found) do lists[i] = list end
  end
  for i = 1, count do
    if lists[i] and lists[i].whole then result.pictures = result.pictures + 1 end
    for k = 1, #(lists[i] or {}), 2 do add_values(result, lists[i][k], lists[i][k + 1]) end
  end
  return total
end

--- The rows of the result, one per metric.
local function summarize(result, metrics)
  table.sort(result.classes)
  for i, metric in ipairs(metrics) do
    local all, means, by_class = {}, {}, {}
    for k, name in ipairs(result.classes) do
      local values = result.values[name][i]
      table.move(values, 1, #values, #all + 1, all)
      by_class[name] = summary(values)
      means[k] = by_class[name].mean
    end
    local row = summary(all)
    row.metric, row.by_class, row.class_mean = metric[1], by_class, summary(means).mean
    result[i], result[metric[1]] = row, row
  end
  return setmetatable(result, Result)
end

--- Lines of text in columns: the first to the left, numbers to the right.
function set.aligned(rows)
  local width, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do width[i] = math.max(width[i] or 0, #cell) end
  end
  for i, row in ipairs(rows) do
    local cells = {}
    for k, cell in ipairs(row) do cells[k] = (("%%%s%ds"):format(k == 1 and "-" or "", width[k])):format(cell) end
    lines[i] = (table.concat(cells, "  "):gsub(" +$", ""))
  end
  return table.concat(lines, "\n")
end

local function text(v) return v and ("%.3f"):format(v) or "-" end

function Result:__tostring()
  local rows, classes = { { "metric", "mean", "+-", "n", "mean of classes" } }, { { "class", "n" } }
  for _, row in ipairs(self) do
    rows[#rows + 1] = { row.metric, text(row.mean), text(row.se), tostring(row.n), text(row.class_mean) }
    table.insert(classes[1], row.metric)
  end
  for _, name in ipairs(self.classes) do
    local line = { name, tostring(self[1].by_class[name].n) }
    for _, row in ipairs(self) do line[#line + 1] = text(row.by_class[name].mean) end
    classes[#classes + 1] = line
  end
  local out = { ("%s: %d pictures, %d objects, %.3g s for a map%s"):format(self.method, self.pictures, self.objects,
    self.seconds, self.stopped and ", interrupted" or ""), set.aligned(rows) }
  if #self.classes > 1 then out[3] = set.aligned(classes) end
  return table.concat(out, "\n")
end

local KEYS = { "metrics", "target", "options", "count", table.unpack(set.metrics()) }

local function settings(pictures, options)
  options = check.options("score", options, KEYS)
  local target = options.target or "each object"
  if target ~= "each object" and target ~= "largest" then
    core.fail(("score: target: expected 'each object' or 'largest', got '%s'"):format(tostring(target)))
  end
  if type(pictures) ~= "table" and type(pictures) ~= "userdata" then
    core.fail("score: set: expected scenes or a list of pictures, got a " .. type(pictures))
  end
  local count = check.kind("score", "count", options.count, "number") or #pictures
  return options, chosen(options.metrics), target, math.min(#pictures, count)
end

--- xai.score(method, net, set, options): see help "score". An interrupt (Ctrl-C) ends it with what there is.
function set.score(given, net, pictures, options)
  local run, name = method_of(given)
  local metrics, target, count
  options, metrics, target, count = settings(pictures, options)
  local result = { method = name, classes = {}, pictures = 0, objects = 0, seconds = 0, values = {} }
  local seconds, tell, found = 0, say.progress("score " .. name, count), {} -- by picture: { class, values, class, values, ... }

  local function judge(question, x, list)
    local started = core.clock()
    local e = run(net, x, with_target(options.options, question.class))
    seconds = seconds + core.clock() - started
    e.class = e.class or question.class
    local case = { net = net, x = x, e = e, truth = question.truth, class = question.class, method = given,
      options = options.options }
    local values = {}
    for i, metric in ipairs(metrics) do values[i] = metric[2](case, options[metric[1]]) end
    list[#list + 1], list[#list + 2] = question.name, values
  end

  local told = false
  --- Remarks of a method are made for the first map, and not for every one of hundreds.
  local function judge_quietly(...)
    local quiet = core.quiet()
    core.quiet(quiet or told)
    local good, trouble = pcall(judge, ...)
    core.quiet(quiet)
    told = true
    if not good then error(trouble, 0) end
  end

  result.stopped = not core.until_stopped(function()
    for i = 1, count do
      if cluster.mine(i) then
        local scene, where, list = pictures[i], "picture " .. i, {}
        local x = type(scene) == "table" and scene.image and shared.input(net, scene.image)
        local size = x and size_of(net, scene.image, x, where)
        found[i] = list
        for _, question in ipairs(questions(net, scene, size, target, where)) do judge_quietly(question, x, list) end
        list.whole = true
      end
      tell(i)
    end
  end)
  seconds = collect(result, count, seconds, found)
  result.seconds = result.objects > 0 and seconds / result.objects or 0
  return summarize(result, metrics)
end


return set
